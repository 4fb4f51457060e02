//! What a license host states of a license.

use super::{MAX_LIFETIME, Nonce, PROTOCOL, Refusal};
use crate::domain::{Kind, Version, text::acts};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// What the host says of the license.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The code is known and not revoked, and belongs to this server. Whether the date has passed is told by it.
    Valid,
    /// The host does not know the activation code.
    UnknownCode,
    /// The license was revoked.
    Revoked,
    /// The license belongs to another server.
    WrongServer,
}

impl Verdict {
    /// The verdict as a sentence without its end mark.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Valid => "the activation code is valid",
            Verdict::UnknownCode => "the license host does not know the activation code",
            Verdict::Revoked => "the license was revoked",
            Verdict::WrongServer => "the activation code belongs to another server",
        }
    }

    /// What to do about it.
    pub fn next(self) -> &'static str {
        match self {
            Verdict::Valid => "Nothing is to be done.",
            Verdict::UnknownCode => {
                "Compare the activation code with the one in the Client (Server info, tab License), or ask whoever \
                 runs the license host to add it."
            }
            Verdict::Revoked => "Ask whoever runs the license host why.",
            Verdict::WrongServer => {
                "Compare the server id with the one in the Client (Server info, tab License); a license that was \
                 moved must be moved at the license host too."
            }
        }
    }
}

/// All that a token states. A set of fields that is fixed: one more, and the token is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The nonce of the request.
    pub nonce: Nonce,
    /// The server id of the request.
    pub server_id: String,
    /// What the host says of the license.
    pub verdict: Verdict,
    /// The kind of license; only with [`Verdict::Valid`].
    pub kind: Option<Kind>,
    /// The edition, in the vendor's words; only with [`Verdict::Valid`].
    pub edition: Option<String>,
    /// The last day of the Maintenance (or subscription, or trial); only, and always, with [`Verdict::Valid`].
    pub maintenance_until: Option<Date>,
    /// The newest release that the date covers, as far as the host knows of releases; only with
    /// [`Verdict::Valid`].
    pub newest_covered: Option<Version>,
    /// When the client is to validate again.
    pub validate_next: Timestamp,
    /// Until when it must have done so: after that the server may stop.
    pub validate_by: Timestamp,
    /// When the token was issued (seconds since 1970).
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub iat: Timestamp,
    /// Until when the token is to be brought to the client (seconds since 1970); has nothing to do with the
    /// license's date.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub exp: Timestamp,
}

impl Claims {
    /// Do the claims go together? A host that states nonsense is refused, though its signature be good.
    pub(super) fn consistent(&self) -> Result<(), Refusal> {
        let nonsense = |why: &str| Err(Refusal::Contradictory(why.into()));
        let says_of_license = self.kind.is_some()
            || self.edition.is_some()
            || self.maintenance_until.is_some()
            || self.newest_covered.is_some();
        let text_is_fine = |text: &str| text.chars().count() <= 200 && !text.contains(acts);
        match self {
            _ if self.protocol != PROTOCOL => Err(Refusal::OtherProtocol(self.protocol)),
            _ if self.verdict == Verdict::Valid && self.maintenance_until.is_none() => {
                nonsense("it says that the license is valid, and gives no date")
            }
            _ if self.verdict != Verdict::Valid && says_of_license => {
                nonsense("it says that the license is not valid, and gives its data")
            }
            _ if self.exp <= self.iat => nonsense("it ends before it was issued"),
            _ if self.exp.duration_since(self.iat) > MAX_LIFETIME => Err(Refusal::TooLongLived),
            _ if self.validate_by < self.validate_next => {
                nonsense("it wants the next validation after the last day for it")
            }
            _ if !text_is_fine(&self.server_id) || !self.edition.as_deref().is_none_or(text_is_fine) => {
                nonsense("a text in it is too long, or holds control characters")
            }
            _ => Ok(()),
        }
    }
}
