//! Signing an answer, and accepting one.

use super::{
    CLOCK_TOLERANCE, Claims, KeyId, Nonce, PROTOCOL, PinnedKeys, PublicKey, Refusal, jws, key::Endorsement,
    same_server,
};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::EncodingKey;
use ring::{
    rand::SecureRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use std::fmt;

/// A host's private key: Ed25519. `Debug` shows its id alone.
#[derive(Clone)]
pub struct SigningKey {
    key: EncodingKey,
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public.id()).finish()
    }
}

impl SigningKey {
    /// A new key, as PKCS #8 (RFC 8410). `None` where the system gives no random numbers.
    pub fn generate(random: &dyn SecureRandom) -> Option<Vec<u8>> {
        Ed25519KeyPair::generate_pkcs8(random).ok().map(|document| document.as_ref().to_vec())
    }

    /// Reads a key from PKCS #8, with the public key in it or without. `None` if it is none.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Option<SigningKey> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).ok()?;
        let public = PublicKey::new(pair.public_key().as_ref().try_into().ok()?);
        Some(SigningKey { key: EncodingKey::from_ed_der(pkcs8), public })
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs an answer: a token in the compact form of JWS. `None` cannot happen with a key of [`Self::from_pkcs8`].
    pub fn sign(&self, claims: &Claims) -> Option<String> {
        jws::sign(jws::ANSWER, self.public.id(), &self.key, claims).ok()
    }

    /// Vouches for another key of the same host.
    pub fn endorse(&self, newer: PublicKey, now: Timestamp) -> Option<String> {
        let endorsement = Endorsement { protocol: PROTOCOL, x: newer, iat: now };
        jws::sign(jws::ENDORSEMENT, self.public.id(), &self.key, &endorsement).ok()
    }
}

/// What an answer must fit to be accepted.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'e> {
    /// The nonce of the request that is open.
    pub nonce: Nonce,
    /// The nonces of requests that were answered already.
    pub spent: &'e [Nonce],
    /// The server id of the request.
    pub server_id: &'e str,
    /// The client's clock.
    pub now: Timestamp,
    /// How far the client's clock and the host's may be apart: [`CLOCK_TOLERANCE`].
    pub tolerance: SignedDuration,
}

impl<'e> Expectation<'e> {
    /// The answer to one request, with the usual tolerance, while no other was answered.
    pub fn new(nonce: Nonce, server_id: &'e str, now: Timestamp) -> Expectation<'e> {
        Expectation { nonce, spent: &[], server_id, now, tolerance: CLOCK_TOLERANCE }
    }
}

/// A token whose signature by a pinned key is good, and whose claims go together. It is no answer yet: it may be old,
/// or the answer to another request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    claims: Claims,
    key: PublicKey,
}

impl Opened {
    /// The nonce, by which a client with several open requests finds the one that this answers.
    pub fn nonce(&self) -> Nonce {
        self.claims.nonce
    }

    /// The key that has signed it.
    pub fn key(&self) -> KeyId {
        self.key.id()
    }

    /// Accepts it as the answer to one request.
    ///
    /// # Errors
    ///
    /// A [`Refusal`]; what was known before then stays as it is.
    pub fn accept(self, expected: &Expectation<'_>) -> Result<Claims, Refusal> {
        let claims = self.claims;
        if expected.spent.contains(&claims.nonce) {
            return Err(Refusal::Replayed);
        }
        if claims.nonce != expected.nonce {
            return Err(Refusal::OtherNonce);
        }
        if !same_server(&claims.server_id, expected.server_id) {
            return Err(Refusal::OtherServer(claims.server_id));
        }
        let ahead = claims.iat.duration_since(expected.now);
        if ahead > expected.tolerance {
            return Err(Refusal::FromTheFuture(ahead));
        }
        let over = expected.now.duration_since(claims.exp);
        if over > expected.tolerance {
            return Err(Refusal::Expired(over));
        }
        Ok(claims)
    }
}

/// Reads a token: bounded, of the right kind, signed by a pinned key with Ed25519, its claims going together.
///
/// # Errors
///
/// A [`Refusal`] that names what is wrong.
pub fn open(token: &str, pinned: &PinnedKeys) -> Result<Opened, Refusal> {
    let (claims, key) = jws::open::<Claims>(token, jws::ANSWER, pinned)?;
    claims.consistent()?;
    Ok(Opened { claims, key })
}

/// Reads a token, and accepts it as the answer to one request.
///
/// # Errors
///
/// A [`Refusal`] that names what is wrong; what was known before then stays as it is.
pub fn verify(token: &str, pinned: &PinnedKeys, expected: &Expectation<'_>) -> Result<Claims, Refusal> {
    open(token, pinned)?.accept(expected)
}
