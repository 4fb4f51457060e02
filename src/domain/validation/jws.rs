//! JSON Web Signatures (RFC 7515) with Ed25519 (RFC 8037) alone, by `jsonwebtoken` with ring plugged in.
//!
//! Two kinds of token are signed with the same keys; their type tells them apart.

use super::{KeyId, MAX_TOKEN, PROTOCOL, PinnedKeys, PublicKey, Refusal, key::Endorsement};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// The type of an answer.
pub(super) const ANSWER: &str = "vct-answer+jwt";
/// The type of a token in which one key vouches for another.
pub(super) const ENDORSEMENT: &str = "vct-key+jwt";

/// Ed25519 by ring; whatever else is asked for is not there.
static RING: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::EdDSA => Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.as_bytes())
            .map(|pair| Box::new(Signer(pair)) as Box<dyn JwtSigner>)
            .map_err(|_| ErrorKind::InvalidEddsaKey.into()),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    },
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::EdDSA => Ok(Box::new(Verifier(key.try_get_as_bytes()?.to_vec()))),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    },
    // Of PEM files and thumbprints, neither of which is used here.
    key_utils: KeyUtils::new_unimplemented(),
};

struct Signer(Ed25519KeyPair);

impl signature::Signer<Vec<u8>> for Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct Verifier(Vec<u8>);

impl signature::Verifier<Vec<u8>> for Verifier {
    fn verify(&self, message: &[u8], given: &Vec<u8>) -> Result<(), signature::Error> {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, given).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

fn with_ring() {
    // Fails only if it is installed already.
    let _ = RING.install_default();
}

/// Signs `claims` as a token of this type.
pub(super) fn sign<T: Serialize>(
    typ: &str,
    id: KeyId,
    key: &EncodingKey,
    claims: &T,
) -> Result<String, Error> {
    with_ring();
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(typ.into());
    header.kid = Some(id.to_string());
    jsonwebtoken::encode(&header, claims, key)
}

/// Reads a token of this type, if a pinned key has signed it. What its claims mean is not looked at.
pub(super) fn open<T: DeserializeOwned>(
    token: &str,
    typ: &'static str,
    pinned: &PinnedKeys,
) -> Result<(T, PublicKey), Refusal> {
    with_ring();
    if token.len() > MAX_TOKEN {
        return Err(Refusal::Oversized);
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [header, _, signature] = parts[..] else {
        return Err(if parts.len() < 3 {
            Refusal::Truncated
        } else {
            Refusal::Malformed("it has more than three parts")
        });
    };
    let id = look_at_header(header, typ)?;
    // 64 bytes, unless it is cut off.
    if signature.len() < 86 {
        return Err(Refusal::Truncated);
    }
    if pinned.is_empty() {
        return Err(Refusal::NoKeyIsPinned(id));
    }
    let key = pinned.get(id).ok_or(Refusal::UnknownKey(id))?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    // Dates are compared with the caller's clock, in `token`.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let decoding = DecodingKey::from_ed_der(key.bytes());
    let decoded =
        jsonwebtoken::decode::<T>(token, &decoding, &validation).map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => Refusal::BadSignature(id),
            ErrorKind::Base64(_) => Refusal::Malformed("a part of it is not base64url without padding"),
            ErrorKind::Json(error) => unfitting_claims(&error.to_string()),
            ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => {
                Refusal::OtherAlgorithm("another".into())
            }
            _ => Refusal::Malformed("it is not a signed JSON token"),
        })?;
    Ok((decoded.claims, *key))
}

fn unfitting_claims(error: &str) -> Refusal {
    match error.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        Some(name) => Refusal::ExtraClaim(shortened(name)),
        None => Refusal::Malformed("what it states is not what the protocol describes"),
    }
}

/// The header may say three things, and nothing else. Looked at before any key is: so that an attack is named.
fn look_at_header(header: &str, typ: &'static str) -> Result<KeyId, Refusal> {
    let json = data_encoding::BASE64URL_NOPAD
        .decode(header.as_bytes())
        .map_err(|_| Refusal::Malformed("a part of it is not base64url without padding"))?;
    let header: Map<String, Value> =
        serde_json::from_slice(&json).map_err(|_| Refusal::Malformed("its header is not a JSON object"))?;
    match header.get("alg").and_then(Value::as_str) {
        Some("EdDSA") => {}
        Some(alg) if alg.eq_ignore_ascii_case("none") => return Err(Refusal::Unsigned),
        Some(alg) => return Err(Refusal::OtherAlgorithm(shortened(alg))),
        None => return Err(Refusal::Malformed("its header names no algorithm")),
    }
    for name in header.keys() {
        match name.as_str() {
            "alg" | "kid" | "typ" => {}
            "jwk" | "jku" | "x5u" | "x5c" => return Err(Refusal::BringsItsOwnKey(name.clone())),
            "crit" => return Err(Refusal::Critical),
            _ => return Err(Refusal::ExtraParameter(shortened(name))),
        }
    }
    match header.get("typ").and_then(Value::as_str) {
        Some(found) if found == typ => {}
        Some(found) => return Err(Refusal::OtherType(shortened(found))),
        None => return Err(Refusal::Malformed("its header names no type")),
    }
    let id =
        header.get("kid").and_then(Value::as_str).ok_or(Refusal::Malformed("its header names no key"))?;
    id.parse().map_err(|_| Refusal::Malformed("its header names a key by something that is no key id"))
}

/// A word out of a token, fit to be shown.
fn shortened(word: &str) -> String {
    crate::domain::text::plain(&word.chars().take(40).collect::<String>()).into_owned()
}

/// The key for which a pinned key vouches in this token.
pub(super) fn open_endorsement(token: &str, pinned: &PinnedKeys) -> Result<PublicKey, Refusal> {
    let (endorsement, _) = open::<Endorsement>(token, ENDORSEMENT, pinned)?;
    if endorsement.protocol != PROTOCOL {
        return Err(Refusal::OtherProtocol(endorsement.protocol));
    }
    Ok(endorsement.x)
}
