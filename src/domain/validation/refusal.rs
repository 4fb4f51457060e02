//! Why an answer is not accepted: a name for each kind of damage and each attack, in plain words with what to do.

use super::{KeyId, MAX_TOKEN, PROTOCOL, text::Unreadable};
use crate::domain::{Fault, Problem, text::plain};
use jiff::SignedDuration;

/// Why an answer is not accepted. Never touches what was known before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The text around it could not be read; nothing was looked at yet.
    Unreadable(Unreadable),
    /// It is larger than [`MAX_TOKEN`].
    Oversized,
    /// Its end is missing.
    Truncated,
    /// It is no signed JSON token; what about it.
    Malformed(&'static str),
    /// `alg: none`: it bears no signature.
    Unsigned,
    /// Another algorithm than EdDSA: such as HS256 keyed with the public key.
    OtherAlgorithm(String),
    /// It brings, or points to, the key that it wants to be checked with (`jwk`, `jku`, `x5u`, `x5c`).
    BringsItsOwnKey(String),
    /// It demands that something be understood that the protocol does not know (`crit`).
    Critical,
    /// Its header says more than the protocol allows.
    ExtraParameter(String),
    /// It states more than the protocol allows.
    ExtraClaim(String),
    /// It is a token of another kind.
    OtherType(String),
    /// No key is pinned, so nothing can be checked; the key that it names.
    NoKeyIsPinned(KeyId),
    /// It is signed with a key that is not pinned.
    UnknownKey(KeyId),
    /// It names a pinned key, and that key has not signed it.
    BadSignature(KeyId),
    /// It speaks another version of the protocol.
    OtherProtocol(u32),
    /// Its claims contradict each other.
    Contradictory(String),
    /// Its lifetime is longer than a host may give.
    TooLongLived,
    /// It answers a request that was answered before.
    Replayed,
    /// It answers another request.
    OtherNonce,
    /// It is about another server: which.
    OtherServer(String),
    /// It was issued later than now: by how much.
    FromTheFuture(SignedDuration),
    /// Its lifetime is over: since when.
    Expired(SignedDuration),
    /// It answers a request that is too old by now: how old.
    TooLate(SignedDuration),
}

/// What kind of trouble a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// Damaged on its way, or the wrong text: to be brought again.
    Damaged,
    /// A good answer at the wrong time or place: to be asked for anew.
    Stale,
    /// The key has to be looked at first.
    Key,
    /// It was made or changed by somebody who must not.
    Forged,
    /// The host, or this program, is of another version.
    Version,
}

impl Refusal {
    /// The name, for logs and programs.
    pub fn name(&self) -> &'static str {
        match self {
            Refusal::Unreadable(unreadable) => unreadable.name(),
            Refusal::Oversized => "oversized",
            Refusal::Truncated => "truncated",
            Refusal::Malformed(_) => "malformed",
            Refusal::Unsigned => "unsigned",
            Refusal::OtherAlgorithm(_) => "other_algorithm",
            Refusal::BringsItsOwnKey(_) => "brings_its_own_key",
            Refusal::Critical => "unknown_critical",
            Refusal::ExtraParameter(_) => "extra_parameter",
            Refusal::ExtraClaim(_) => "extra_claim",
            Refusal::OtherType(_) => "other_type",
            Refusal::NoKeyIsPinned(_) => "no_key_is_pinned",
            Refusal::UnknownKey(_) => "unknown_key",
            Refusal::BadSignature(_) => "bad_signature",
            Refusal::OtherProtocol(_) => "other_protocol",
            Refusal::Contradictory(_) => "contradictory",
            Refusal::TooLongLived => "too_long_lived",
            Refusal::Replayed => "replayed",
            Refusal::OtherNonce => "other_nonce",
            Refusal::OtherServer(_) => "other_server",
            Refusal::FromTheFuture(_) => "from_the_future",
            Refusal::Expired(_) => "expired",
            Refusal::TooLate(_) => "too_late",
        }
    }

    /// What kind of trouble it is.
    pub fn trouble(&self) -> Trouble {
        match self {
            Refusal::Unreadable(Unreadable::LaterVersion) | Refusal::OtherProtocol(_) => Trouble::Version,
            Refusal::Unreadable(_) | Refusal::Oversized | Refusal::Truncated | Refusal::Malformed(_) => {
                Trouble::Damaged
            }
            Refusal::Unsigned
            | Refusal::OtherAlgorithm(_)
            | Refusal::BringsItsOwnKey(_)
            | Refusal::Critical
            | Refusal::ExtraParameter(_)
            | Refusal::OtherType(_)
            | Refusal::BadSignature(_) => Trouble::Forged,
            Refusal::NoKeyIsPinned(_) | Refusal::UnknownKey(_) => Trouble::Key,
            // Signed by a key that is trusted.
            Refusal::ExtraClaim(_) | Refusal::Contradictory(_) | Refusal::TooLongLived => Trouble::Version,
            Refusal::Replayed
            | Refusal::OtherNonce
            | Refusal::OtherServer(_)
            | Refusal::FromTheFuture(_)
            | Refusal::Expired(_)
            | Refusal::TooLate(_) => Trouble::Stale,
        }
    }

    /// What happened, as a sentence without its end mark.
    pub fn why(&self) -> String {
        match self {
            Refusal::Unreadable(unreadable) => unreadable.why("answer", "request"),
            Refusal::Oversized => format!("it is larger than {} KiB, which no answer is", MAX_TOKEN / 1024),
            Refusal::Truncated => "its end is missing".into(),
            Refusal::Malformed(what) => (*what).into(),
            Refusal::Unsigned => "it bears no signature (alg: none), so anybody can have made it".into(),
            Refusal::OtherAlgorithm(alg) => {
                format!("it is signed by {alg}; only EdDSA, with the host's private key, is accepted")
            }
            Refusal::BringsItsOwnKey(name) => {
                format!(
                    "it wants to be checked with a key that it brings along ({name}); only pinned keys count"
                )
            }
            Refusal::Critical => {
                "it demands that something be understood that the protocol does not know (crit)".into()
            }
            Refusal::ExtraParameter(name) => {
                format!("its header says something that the protocol does not know ({name})")
            }
            Refusal::ExtraClaim(name) => {
                format!("it states something that the protocol does not know ({name})")
            }
            Refusal::OtherType(typ) => format!("it is a token of another kind ({typ})"),
            Refusal::NoKeyIsPinned(id) => {
                format!("no key of a license host is trusted yet; it is signed with the key {id}")
            }
            Refusal::UnknownKey(id) => format!("it is signed with the key {id}, which is not trusted"),
            Refusal::BadSignature(id) => {
                format!("its signature is not by the key {id} that it names: it was altered, or forged")
            }
            Refusal::OtherProtocol(version) => {
                format!("it speaks version {version} of the protocol, this program version {PROTOCOL}")
            }
            Refusal::Contradictory(what) => what.clone(),
            Refusal::TooLongLived => "its lifetime is longer than 31 days".into(),
            Refusal::Replayed => "it is the answer to a request that was answered before".into(),
            Refusal::OtherNonce => "it answers another request than the one that is open".into(),
            Refusal::OtherServer(id) => format!("it is about another server, {}", plain(id)),
            Refusal::FromTheFuture(by) => {
                format!(
                    "it was issued {} from now: the clock here or at the license host is wrong",
                    length(*by)
                )
            }
            Refusal::Expired(by) => format!("its lifetime ended {} ago", length(*by)),
            Refusal::TooLate(age) => format!(
                "it answers a request that was made {} ago, and a request waits {} for its answer",
                length(*age),
                length(super::WAITS)
            ),
        }
    }

    /// What to do next.
    pub fn next(&self) -> String {
        match self {
            Refusal::NoKeyIsPinned(_) => "Trust the host's key first: `visualcron-tray license-host trust HOST`.".into(),
            Refusal::UnknownKey(_) => {
                "If the host has a new key, ask whoever runs it for the fingerprint, and trust it: \
                 `visualcron-tray license-host trust HOST`. If not, do not."
                    .into()
            }
            Refusal::FromTheFuture(_) => "Set the clock that is wrong, and bring the answer again.".into(),
            Refusal::Unreadable(Unreadable::OtherKind) => {
                "Give this text to the license host, and bring what it answers.".into()
            }
            Refusal::Expired(_)
            | Refusal::TooLate(_)
            | Refusal::OtherNonce
            | Refusal::OtherServer(_)
            | Refusal::Replayed => {
                "Make a new request, and bring the answer to that one.".into()
            }
            _ => match self.trouble() {
                Trouble::Damaged => {
                    "Copy the whole answer again, from its first line to its last, or use its file or QR code.".into()
                }
                Trouble::Version => {
                    "Check for a newer version of this program, or ask whoever runs the license host.".into()
                }
                _ => {
                    "Do not use it. Ask whoever runs the license host whether the answer came from there, and make a \
                     new request."
                        .into()
                }
            },
        }
    }

    /// The problem to show, where the answer came from `place`. Nothing that was known is touched.
    pub fn problem(&self, place: impl Into<String>) -> Problem {
        let what = match self.trouble() {
            Trouble::Damaged => "The answer cannot be read",
            Trouble::Forged => "The answer is refused: it is not genuine",
            Trouble::Key => "The answer cannot be checked",
            Trouble::Stale | Trouble::Version => "The answer is refused",
        };
        Problem::new(Fault::Data, what, place, self.why(), self.next())
            .and_next("What was known of the license stays as it was.")
    }
}

/// `3 days`, `5 hours`, `7 minutes`: the largest unit that fits.
pub(super) fn length(duration: SignedDuration) -> String {
    let minutes = duration.as_mins().max(1);
    let (count, unit) = match minutes {
        ..=119 => (minutes, "minute"),
        120..=2879 => (minutes / 60, "hour"),
        _ => (minutes / 60 / 24, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
