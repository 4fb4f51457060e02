//! What kind of license a server has, and the secret that stands for it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The kind of a license. What lapses with it differs (documented by the vendor; see docs/vendor-facts.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Bought once. With Maintenance lapsed it keeps running the version it is bound to.
    Perpetual,
    /// All new licenses since 2022-02-14. When it lapses the server stops executing Jobs.
    Subscription,
    /// 30 days. When it is over the server still runs Jobs, but the Client cannot control it.
    Trial,
}

impl Kind {
    /// The word used in settings, JSON and texts: `perpetual`, `subscription`, `trial`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Perpetual => "perpetual",
            Kind::Subscription => "subscription",
            Kind::Trial => "trial",
        }
    }

    /// Reads a kind tolerantly: any letter case, blanks around it. `None` for any other word.
    pub fn parse(text: &str) -> Option<Kind> {
        [Kind::Perpetual, Kind::Subscription, Kind::Trial]
            .into_iter()
            .find(|kind| kind.word().eq_ignore_ascii_case(text.trim()))
    }
}

/// A text that must not be seen: activation codes, passwords, tokens. `Debug` and `Display` mask it, and it
/// cannot be serialized.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself, for the one place that has to send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows_itself() {
        let secret = Secret::new("ABCD-1234");
        assert_eq!(format!("{secret} {secret:?} {:#?}", Some(&secret)).matches("ABCD").count(), 0);
        assert_eq!(secret.reveal(), "ABCD-1234");
    }

    #[test]
    fn kinds_are_read_in_any_letter_case() {
        assert_eq!(Kind::parse(" Subscription "), Some(Kind::Subscription));
        assert_eq!(Kind::parse("SITE"), None);
    }
}
