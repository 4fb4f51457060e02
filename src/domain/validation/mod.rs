//! License validation by an open protocol, version 1: a request goes out, a signed answer comes back, over HTTPS or
//! carried by hand. docs/license-host.md specifies it so that someone else could write either side.
//!
//! - [`Request`] is what is asked, [`Claims`] what a host states; both are JSON with a fixed set of fields.
//! - [`verify`] accepts an answer or refuses it by name ([`Refusal`]); [`SigningKey::sign`] makes one.
//! - [`PinnedKeys`] are the keys that a client trusts; [`PublicKey`] has an id and a fingerprint to compare.
//! - [`text`] is the manual carrier: a text for people around one payload, which [`qr`] shows as a QR code.
//! - [`Record`] is what is kept of one license: where its validation stands, and when to try next.

mod answer;
mod jws;
mod key;
pub mod qr;
mod record;
mod refusal;
mod request;
mod subject;
pub mod text;
mod token;
#[cfg(test)]
pub(crate) mod token_tests;

pub use answer::{Claims, Verdict};
pub use key::{KeyId, KeySet, NotAKey, PinnedKeys, PublicKey, PublishedKey};
pub use record::{Accepted, Attempt, Outcome, Pending, Record, Standing, WAITS};
pub use refusal::{Refusal, Trouble};
pub use request::{Nonce, NotARequest, Request, code_digest, folded, same_server};
pub use subject::Subject;
pub use token::{Expectation, Opened, SigningKey, open, verify};

use jiff::SignedDuration;

/// The version of the protocol that is spoken here.
pub const PROTOCOL: u32 = 1;
/// How far the client's clock and the host's may be apart.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// The longest lifetime of a token that a client accepts: that of one carried by hand is a week.
pub const MAX_LIFETIME: SignedDuration = SignedDuration::from_hours(31 * 24);
/// The most bytes of a token; a usual one has about 700.
pub const MAX_TOKEN: usize = 8 * 1024;
/// The most bytes of a request; a usual one has about 300.
pub const MAX_REQUEST: usize = 8 * 1024;
/// The most bytes of a text that is searched for a request or an answer: a mail with all that is around it.
pub const MAX_TEXT: usize = 64 * 1024;
