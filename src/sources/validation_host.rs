//! The way to a license host that speaks our protocol: a request goes there, a token comes back. Blocking, bounded in
//! bytes and time; TLS is always verified.

use crate::{
    domain::{
        Fault, Problem,
        text::plain,
        validation::{KeySet, Outcome, PROTOCOL, Request},
    },
    network::client,
    sources::license_host::cause,
    store::settings::LicenseHost,
};
use reqwest::{
    StatusCode,
    blocking::{Client, Response},
    header,
};
use serde::Deserialize;
use std::{
    io::Read,
    time::{Duration, Instant},
};

/// The most bytes of what a host sends.
const MAX_BODY: u64 = 64 * 1024;
/// The longest that a host may ask us to wait.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a host gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection came about, or it broke off: why.
    NotReached(String),
    /// The host's certificate is not trusted, or somebody in between shows another: what is wrong with it.
    NotTrusted(String),
    /// The host is reachable, and does not speak the protocol, such as the vendor's: what it did instead.
    NotSpoken(String),
    /// The host speaks another version of the protocol.
    OtherVersion(u32),
    /// The host is reachable, and in trouble of its own: what it says.
    InTrouble(String),
    /// Too many requests: when to come again.
    TooMany(Option<Duration>),
    /// The host does not answer this request: its name for why, and its words.
    Declined {
        /// The name, as of docs/license-host.md.
        name: String,
        /// Its words, made plain.
        message: String,
    },
}

impl Failure {
    /// What is kept of it: it decides when to try next.
    pub fn outcome(&self) -> Outcome {
        let why = self.why();
        match self {
            Failure::NotReached(_) | Failure::NotTrusted(_) | Failure::InTrouble(_) | Failure::TooMany(_) => {
                Outcome::NotReached { why }
            }
            Failure::NotSpoken(_) | Failure::OtherVersion(_) => Outcome::NotSpoken { why },
            Failure::Declined { .. } => Outcome::Refused { why },
        }
    }

    /// Why, as a sentence without its end mark.
    pub fn why(&self) -> String {
        match self {
            Failure::NotReached(why)
            | Failure::NotTrusted(why)
            | Failure::NotSpoken(why)
            | Failure::InTrouble(why) => why.clone(),
            Failure::OtherVersion(version) => {
                format!("it speaks version {version} of the protocol, this program version {PROTOCOL}")
            }
            Failure::TooMany(None) => "it has had too many requests".into(),
            Failure::TooMany(Some(wait)) => {
                format!(
                    "it has had too many requests, and wants to be asked again in {} seconds",
                    wait.as_secs()
                )
            }
            Failure::Declined { message, .. } => message.clone(),
        }
    }

    /// The problem to show.
    pub fn problem(&self, host: &str) -> Problem {
        let (fault, what, next) = match self {
            Failure::NotReached(_) => (
                Fault::Unavailable,
                "The license host cannot be reached",
                "Allow outbound TCP to it, or validate by hand: `visualcron-tray validate export SERVER`.",
            ),
            Failure::NotTrusted(_) => (
                Fault::Unavailable,
                "The license host's certificate is not trusted",
                "If the host, or a firewall on the way, uses a certificate of your own organization, give its root with \
                 --ca-file. Verification cannot be switched off.",
            ),
            Failure::NotSpoken(_) => (
                Fault::Unavailable,
                "The license host can be reached, and does not speak the validation protocol",
                "The vendor's own host is asked by the Client alone. Give a license host of your own with --host \
                 (docs/license-host.md).",
            ),
            Failure::OtherVersion(_) => (
                Fault::Unavailable,
                "The license host speaks another version of the validation protocol",
                "Bring both to the same version.",
            ),
            Failure::InTrouble(_) => (
                Fault::Unavailable,
                "The license host is in trouble",
                "Ask whoever runs it, and try again later.",
            ),
            Failure::TooMany(_) => (Fault::Unavailable, "The license host puts us off", "Try again later."),
            Failure::Declined { .. } => (
                Fault::Data,
                "The license host does not answer this request",
                "Correct what it names in the settings.",
            ),
        };
        Problem::new(fault, what, host, self.why(), next)
    }
}

/// The way to a host.
pub struct Way {
    client: Client,
    host: String,
    timeout: Duration,
}

#[derive(Deserialize)]
struct Answer {
    protocol: u32,
    token: Option<String>,
    error: Option<AnswerError>,
}

#[derive(Deserialize)]
struct AnswerError {
    name: String,
    message: String,
}

impl Way {
    /// The way to `host` (a name or an address, with a port if it is not 443), by the proxy and the root certificates
    /// of the settings, each question bounded by `timeout`.
    ///
    /// # Errors
    ///
    /// `host` is no host, or the proxy or the root certificates cannot be used.
    pub fn new(settings: &LicenseHost, host: &str, timeout: Duration) -> Result<Way, Problem> {
        let url = reqwest::Url::parse(&format!("https://{host}/"));
        if !url.is_ok_and(|url| {
            url.path() == "/"
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
        }) {
            let next = "Give it like licenses.corp.example or licenses.corp.example:8443.";
            return Err(Problem::new(
                Fault::Usage,
                "This is no license host",
                plain(host),
                "it is no host name",
                next,
            ));
        }
        let client = client::build(settings, host, timeout)?;
        Ok(Way { client, host: host.to_string(), timeout })
    }

    /// Asks for a validation; the token comes back unchecked: [`crate::domain::validation::verify`] does that.
    ///
    /// # Errors
    ///
    /// A [`Failure`].
    pub fn validate(&self, request: &Request) -> Result<String, Failure> {
        let deadline = Instant::now() + self.timeout;
        let sent = self
            .client
            .post(format!("https://{}/v1/validate", self.host))
            .header(header::CONTENT_TYPE, "application/json")
            .body(request.to_json())
            .send();
        let (status, body) = self.body(sent, deadline)?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| {
            Failure::NotSpoken(format!("it answers {status} with JSON that is not of the protocol"))
        })?;
        if answer.protocol != PROTOCOL {
            return Err(Failure::OtherVersion(answer.protocol));
        }
        match (answer.token, answer.error) {
            (Some(token), None) if status == StatusCode::OK => Ok(token),
            (None, Some(AnswerError { name, message })) if status != StatusCode::OK => {
                let message = plain(&message.chars().take(300).collect::<String>()).into_owned();
                if status.is_server_error() {
                    return Err(Failure::InTrouble(message));
                }
                Err(Failure::Declined {
                    name: plain(&name.chars().take(40).collect::<String>()).into_owned(),
                    message,
                })
            }
            _ => {
                Err(Failure::NotSpoken(format!("it answers {status} with JSON that is not of the protocol")))
            }
        }
    }

    /// The keys that the host publishes. They are as trustworthy as the connection, until somebody compares a
    /// fingerprint.
    ///
    /// # Errors
    ///
    /// A [`Failure`].
    pub fn keys(&self) -> Result<KeySet, Failure> {
        let deadline = Instant::now() + self.timeout;
        let sent = self.client.get(format!("https://{}/v1/keys", self.host)).send();
        let (status, body) = self.body(sent, deadline)?;
        if status != StatusCode::OK {
            return Err(Failure::NotSpoken(format!("it answers {status} where its keys should be")));
        }
        KeySet::from_json(&body).map_err(|why| Failure::NotSpoken(why.to_string()))
    }

    /// Status and body of an answer in JSON.
    fn body(
        &self,
        sent: Result<Response, reqwest::Error>,
        deadline: Instant,
    ) -> Result<(StatusCode, Vec<u8>), Failure> {
        let mut response = sent.map_err(|error| {
            let why = cause(&error);
            match why.strip_prefix("invalid peer certificate: ") {
                Some(what) => Failure::NotTrusted(certificate_in_words(what)),
                None => Failure::NotReached(why),
            }
        })?;
        let status = response.status();
        let header =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_string);
        if status == StatusCode::TOO_MANY_REQUESTS {
            let wait = header(header::RETRY_AFTER).and_then(|wait| wait.trim().parse().ok());
            return Err(Failure::TooMany(wait.map(|seconds| Duration::from_secs(seconds).min(MAX_WAIT))));
        }
        if status.is_redirection() {
            // A captive portal, or the vendor's own site.
            return Err(Failure::NotSpoken(format!(
                "it sends us elsewhere ({status}), which is not followed"
            )));
        }
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(Failure::NotReached("a proxy on the way wants to know who asks (407)".into()));
        }
        let kind = header(header::CONTENT_TYPE).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind != "application/json" {
            let kind = if kind.is_empty() { "no type" } else { &kind };
            let kind = plain(&kind.chars().take(60).collect::<String>()).into_owned();
            let what = format!("it answers {status} with {kind}, not with application/json");
            return Err(match status.is_server_error() {
                true => Failure::InTrouble(what),
                false => Failure::NotSpoken(what),
            });
        }
        let mut body = Vec::new();
        let mut chunk = [0; 8192];
        loop {
            // Each read is bounded by itself; all of them together are by this.
            if Instant::now() > deadline {
                return Err(Failure::NotReached("its answer did not come in full in time".into()));
            }
            let read = response.read(&mut chunk).map_err(|error| {
                let in_time = error.kind() != std::io::ErrorKind::TimedOut && Instant::now() < deadline;
                let why =
                    if in_time { "its answer broke off" } else { "its answer did not come in full in time" };
                Failure::NotReached(why.into())
            })?;
            if read == 0 {
                return Ok((status, body));
            }
            body.extend_from_slice(&chunk[..read]);
            if body.len() as u64 > MAX_BODY {
                return Err(Failure::NotSpoken(format!("its answer is larger than {} KiB", MAX_BODY / 1024)));
            }
        }
    }
}

/// What rustls says of a certificate, in words: with what it found where it looked itself, the bare name where the
/// system did, as on Windows.
fn certificate_in_words(what: &str) -> String {
    let begins = |start: &str| what.starts_with(start);
    if begins("UnknownIssuer") {
        return "its issuer is not known here".into();
    }
    if begins("NotValidForName") || what.to_ascii_lowercase().contains("not valid for name") {
        return "it is for another name".into();
    }
    if begins("certificate expired") || begins("Expired") {
        return "it has expired, or the clock here is wrong".into();
    }
    if begins("certificate not valid yet") || begins("NotValidYet") {
        return "it is not valid yet, or the clock here is wrong".into();
    }
    if begins("Revoked") || begins("certificate revoked") {
        return "it was revoked".into();
    }
    let what = what.strip_prefix("Other(OtherError(").map_or(what, |inner| inner.trim_matches(['"', ')']));
    plain(&what.chars().take(200).collect::<String>()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{CertificateError, Error, OtherError};
    use std::sync::Arc;

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_whoever_looked_at_it() {
        let said = |error: CertificateError| {
            let text = Error::InvalidCertificate(error).to_string();
            certificate_in_words(text.strip_prefix("invalid peer certificate: ").unwrap())
        };
        for (error, words) in [
            (CertificateError::UnknownIssuer, "its issuer is not known here"),
            (CertificateError::NotValidForName, "it is for another name"),
            (CertificateError::Expired, "it has expired, or the clock here is wrong"),
            (CertificateError::NotValidYet, "it is not valid yet, or the clock here is wrong"),
            (CertificateError::Revoked, "it was revoked"),
        ] {
            assert_eq!(said(error), words);
        }
        let other = OtherError(Arc::new(std::io::Error::other("the revocation server is offline")));
        let other = said(CertificateError::Other(other));
        assert!(
            other.contains("the revocation server is offline") && !other.contains("OtherError"),
            "{other}"
        );
    }
}
