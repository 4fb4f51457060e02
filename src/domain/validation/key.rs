//! The host's public keys: their ids, their fingerprints, and how one key vouches for the next.

use super::{PROTOCOL, jws};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// The most keys that a host may publish.
const MAX_KEYS: usize = 16;
/// The most bytes of a published set of keys.
const MAX_KEY_SET: usize = 64 * 1024;

/// The id of a key: the first 16 hexadecimal digits of its fingerprint. It comes from the key itself, so that no two
/// keys share one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<KeyId, NotAKey> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(KeyId)
            .ok_or(NotAKey("an id has 16 hexadecimal digits"))
    }
}

/// Why something is no key, or no set of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAKey(pub(super) &'static str);

/// A public key: Ed25519, 32 bytes. Serialized as base64url without padding, as in a JWK's `x` (RFC 8037).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// From its bytes.
    pub fn new(bytes: [u8; 32]) -> PublicKey {
        PublicKey(bytes)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn digest(&self) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, &self.0).as_ref());
        digest
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        let digest = self.digest();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        KeyId(id)
    }

    /// What people compare: SHA-256 of the key in 16 groups of four hexadecimal digits. The first four groups are
    /// the id.
    pub fn fingerprint(&self) -> String {
        let hex = data_encoding::HEXLOWER.encode(&self.digest());
        let groups: Vec<&str> = (0..16).map(|group| &hex[group * 4..group * 4 + 4]).collect();
        groups.join(" ")
    }

    /// Is this the key's fingerprint? All of it counts; case, blanks, colons and hyphens do not.
    pub fn has_fingerprint(&self, text: &str) -> bool {
        let plain = |text: &str| -> String {
            text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
        };
        plain(text) == plain(&self.fingerprint())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<PublicKey, NotAKey> {
        let bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(PublicKey).ok_or(NotAKey("an Ed25519 key is 32 bytes in base64url"))
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PublicKey, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The keys that a client trusts. An answer signed by any of them is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinnedKeys(Vec<PublicKey>);

impl PinnedKeys {
    /// These keys.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> PinnedKeys {
        PinnedKeys(keys.into_iter().collect())
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key with this id.
    pub fn get(&self, id: KeyId) -> Option<&PublicKey> {
        self.0.iter().find(|key| key.id() == id)
    }

    /// The keys of a published set that are not pinned yet, and for which a pinned key vouches, or one for which a
    /// pinned key vouches.
    pub fn vouched_for(&self, published: &KeySet) -> Vec<PublicKey> {
        let mut trusted = self.clone();
        let mut new = Vec::new();
        // Each round can add a key, so there are no more rounds than keys.
        for _ in 0..published.keys.len() {
            for candidate in &published.keys {
                let vouched =
                    |by: &String| jws::open_endorsement(by, &trusted).is_ok_and(|x| x == candidate.key);
                if trusted.get(candidate.key.id()).is_none() && candidate.endorsed_by.iter().any(vouched) {
                    trusted.0.push(candidate.key);
                    new.push(candidate.key);
                }
            }
        }
        new
    }
}

/// A key as a host publishes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// The key.
    pub key: PublicKey,
    /// Tokens in which older keys of the host vouch for it.
    pub endorsed_by: Vec<String>,
}

/// The keys that a host publishes, the one that signs now first: a JWK set (RFC 7517, RFC 8037).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    /// The keys.
    pub keys: Vec<PublishedKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSet {
    protocol: u32,
    keys: Vec<Jwk>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kty: String,
    crv: String,
    alg: String,
    r#use: String,
    kid: String,
    x: PublicKey,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    endorsed_by: Vec<String>,
}

impl KeySet {
    /// The JSON that a host publishes.
    pub fn to_json(&self) -> Vec<u8> {
        let keys = self.keys.iter().map(|published| Jwk {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            alg: "EdDSA".into(),
            r#use: "sig".into(),
            kid: published.key.id().to_string(),
            x: published.key,
            endorsed_by: published.endorsed_by.clone(),
        });
        serde_json::to_vec_pretty(&WireSet { protocol: PROTOCOL, keys: keys.collect() }).unwrap_or_default()
    }

    /// Reads what a host publishes.
    ///
    /// # Errors
    ///
    /// It is not such a set, or an id does not belong to its key.
    pub fn from_json(json: &[u8]) -> Result<KeySet, NotAKey> {
        if json.len() > MAX_KEY_SET {
            return Err(NotAKey("the set of keys is larger than 64 KiB"));
        }
        let set: WireSet = serde_json::from_slice(json)
            .map_err(|_| NotAKey("it is not the set of keys that the protocol describes"))?;
        if set.protocol != PROTOCOL {
            return Err(NotAKey("the set of keys is of another version of the protocol"));
        }
        if set.keys.len() > MAX_KEYS {
            return Err(NotAKey("the set has more than 16 keys"));
        }
        let keys = set.keys.into_iter().map(|jwk| {
            match (jwk.kty.as_str(), jwk.crv.as_str(), jwk.alg.as_str(), jwk.r#use.as_str()) {
                ("OKP", "Ed25519", "EdDSA", "sig") => {}
                _ => return Err(NotAKey("a key is not one for Ed25519 signatures")),
            }
            if jwk.kid != jwk.x.id().to_string() {
                return Err(NotAKey("the id of a key does not belong to it"));
            }
            Ok(PublishedKey { key: jwk.x, endorsed_by: jwk.endorsed_by })
        });
        Ok(KeySet { keys: keys.collect::<Result<_, _>>()? })
    }
}

/// What an older key states of a newer one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Endorsement {
    pub protocol: u32,
    pub x: PublicKey,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub iat: jiff::Timestamp,
}
