//! What a client asks.

use super::{MAX_REQUEST, PROTOCOL};
use crate::domain::{Secret, Version, text::acts};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// The most characters of a code, an id or a name.
const MAX_FIELD: usize = 200;

/// A number that is used for one request only: 128 random bits, written as 32 hexadecimal digits in small letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// From random bits.
    pub fn new(random: [u8; 16]) -> Nonce {
        Nonce(random)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Nonce {
    type Err = NotARequest;

    fn from_str(text: &str) -> Result<Nonce, NotARequest> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Nonce)
            .ok_or(NotARequest::Field("nonce", "it is not 32 hexadecimal digits in small letters"))
    }
}

impl Serialize for Nonce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Nonce, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// What a client asks. `Debug` masks the activation code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The activation code of the license.
    pub activation_code: Secret,
    /// The server id of the license (Server info, tab License).
    pub server_id: String,
    /// The server's name as the user knows it; for people only.
    pub server_name: String,
    /// The version that the server runs, where it is known.
    pub product_version: Option<Version>,
    /// Binds the answer to this request.
    pub nonce: Nonce,
    /// The client's clock.
    pub client_time: Timestamp,
}

/// Why something is no request that can be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARequest {
    /// It is larger than [`MAX_REQUEST`].
    #[error("it is larger than {MAX_REQUEST} bytes")]
    TooLarge,
    /// It is no JSON of the kind; where, never what stands there.
    #[error("it is not the JSON object that the protocol describes (line {line}, column {column})")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// It speaks another version of the protocol.
    #[error("it speaks version {0} of the protocol, and only version {PROTOCOL} is spoken here")]
    Protocol(u32),
    /// A field is wrong: its name, and why.
    #[error("{0}: {1}")]
    Field(&'static str, &'static str),
}

// The one place where the code is written out or read in.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    protocol: u32,
    #[serde(borrow)]
    activation_code: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    server_id: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    server_name: std::borrow::Cow<'a, str>,
    product_version: Option<Version>,
    nonce: Nonce,
    client_time: Timestamp,
}

#[derive(Deserialize)]
struct Spoken {
    protocol: u32,
}

impl Request {
    /// The JSON that goes to the host. It holds the activation code.
    pub fn to_json(&self) -> Vec<u8> {
        let wire = Wire {
            protocol: PROTOCOL,
            activation_code: self.activation_code.reveal().into(),
            server_id: self.server_id.as_str().into(),
            server_name: self.server_name.as_str().into(),
            product_version: self.product_version,
            nonce: self.nonce,
            client_time: self.client_time,
        };
        // Cannot fail: all keys are texts.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// Reads the JSON of a request, strictly.
    ///
    /// # Errors
    ///
    /// [`NotARequest`], which never holds what was read.
    pub fn from_json(json: &[u8]) -> Result<Request, NotARequest> {
        if json.len() > MAX_REQUEST {
            return Err(NotARequest::TooLarge);
        }
        if let Ok(Spoken { protocol }) = serde_json::from_slice(json)
            && protocol != PROTOCOL
        {
            return Err(NotARequest::Protocol(protocol));
        }
        let wire: Wire<'_> = serde_json::from_slice(json)
            .map_err(|error| NotARequest::Json { line: error.line(), column: error.column() })?;
        let request = Request {
            activation_code: Secret::new(wire.activation_code),
            server_id: wire.server_id.into_owned(),
            server_name: wire.server_name.into_owned(),
            product_version: wire.product_version,
            nonce: wire.nonce,
            client_time: wire.client_time,
        };
        request.check()?;
        Ok(request)
    }

    /// Is it one that a host accepts?
    ///
    /// # Errors
    ///
    /// [`NotARequest::Field`] with the first field that is wrong.
    pub fn check(&self) -> Result<(), NotARequest> {
        field("activation_code", self.activation_code.reveal(), false)?;
        field("server_id", &self.server_id, false)?;
        field("server_name", &self.server_name, true)
    }
}

fn field(name: &'static str, text: &str, may_be_empty: bool) -> Result<(), NotARequest> {
    let wrong = |why| Err(NotARequest::Field(name, why));
    match text {
        _ if text.trim().is_empty() && !may_be_empty => wrong("it is empty"),
        _ if text.chars().count() > MAX_FIELD => wrong("it is longer than 200 characters"),
        _ if text.contains(acts) => wrong("it holds control characters"),
        _ => Ok(()),
    }
}

/// What a host looks a code up by: SHA-256 of the code without blanks and hyphens, in capitals. So a host need not
/// hold the codes themselves, and how a code is grouped does not matter.
pub fn code_digest(code: &Secret) -> [u8; 32] {
    let plain: String = code
        .reveal()
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .flat_map(char::to_uppercase)
        .collect();
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, plain.as_bytes()).as_ref());
    digest
}

/// A server id as the key of a map: those that are the same are the same text.
pub fn folded(server_id: &str) -> String {
    server_id.trim().to_ascii_lowercase()
}

/// Do two texts name the same server id? Blanks around them and the case of ASCII letters do not matter.
pub fn same_server(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other.trim())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn request() -> Request {
        Request {
            activation_code: Secret::new("ABCD-EFGH-1234"),
            server_id: "id-0001".into(),
            server_name: "PROD-01".into(),
            product_version: Some(Version::new(13, 2, 2)),
            nonce: Nonce::new([7; 16]),
            client_time: "2026-11-24T09:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn what_is_written_is_read_and_the_code_is_masked() {
        let request = request();
        assert_eq!(Request::from_json(&request.to_json()).unwrap(), request);
        assert!(!format!("{request:?}").contains("EFGH"));
        assert!(String::from_utf8(request.to_json()).unwrap().contains("EFGH"));
    }

    #[test]
    fn what_is_wrong_is_named_and_never_shown() {
        let json = String::from_utf8(request().to_json()).unwrap();
        let mut lines = Vec::new();
        for (from, to) in [
            ("\"protocol\":1", "\"protocol\":2"),
            ("\"protocol\":1", "\"protocol\":\"1\""),
            ("\"protocol\":1", "\"protocol\":1,\"more\":\"ABCD-EFGH-1234\""),
            ("\"protocol\":1", "\"protocol\":1,\"protocol\":1"),
            ("ABCD-EFGH-1234", " "),
            ("id-0001", ""),
            ("id-0001", "a\\u001bb"),
            ("PROD-01", &"x".repeat(201)),
            ("0707", "07"),
            ("2026-11-24", "2026-13-24"),
            ("}", ""),
        ] {
            assert!(json.contains(from));
            let error = Request::from_json(json.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(!error.to_string().contains("EFGH"));
            lines.push(error.to_string());
        }
        lines.push(Request::from_json(&[b' '; MAX_REQUEST + 1]).unwrap_err().to_string());
        insta::assert_snapshot!(lines.join("\n"), @"
        it speaks version 2 of the protocol, and only version 1 is spoken here
        it is not the JSON object that the protocol describes (line 1, column 15)
        it is not the JSON object that the protocol describes (line 1, column 20)
        it is not the JSON object that the protocol describes (line 1, column 24)
        activation_code: it is empty
        server_id: it is empty
        server_id: it holds control characters
        server_name: it is longer than 200 characters
        it is not the JSON object that the protocol describes (line 1, column 162)
        it is not the JSON object that the protocol describes (line 1, column 201)
        it is not the JSON object that the protocol describes (line 1, column 201)
        it is larger than 8192 bytes
        ");
    }

    #[test]
    fn codes_are_compared_without_their_layout_and_ids_without_case() {
        let digest = |code: &str| code_digest(&Secret::new(code));
        assert_eq!(digest("abcd-EFGH 1234"), digest("ABCDEFGH1234"));
        assert_ne!(digest("ABCDEFGH1234"), digest("ABCDEFGH1235"));
        assert!(same_server(" ID-1", "id-1 ") && !same_server("id-1", "id-2"));
    }
}
