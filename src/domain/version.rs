//! Version numbers of VisualCron, as in its change log (`12.1.4`) and in file versions (`12.1.4.30123`).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// A version of VisualCron: major, minor, patch. A fourth part, the build of a file version, is dropped: the
/// change log does not list it. `Display` shows three parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// `12` in `12.1.4`.
    pub major: u32,
    /// `1` in `12.1.4`.
    pub minor: u32,
    /// `4` in `12.1.4`.
    pub patch: u32,
}

impl Version {
    /// A version from its three parts.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Version { major, minor, patch }
    }
}

/// Why a text is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version looks like 12.1.4")]
pub struct NotAVersion;

impl FromStr for Version {
    type Err = NotAVersion;

    /// Two to four numbers with dots between, blanks around and a leading `v` allowed.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let mut parts = [0u32; 4];
        let mut count = 0;
        for part in text.split('.') {
            if count == 4 || part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(NotAVersion);
            }
            parts[count] = part.parse().map_err(|_| NotAVersion)?;
            count += 1;
        }
        if count < 2 {
            return Err(NotAVersion);
        }
        Ok(Version::new(parts[0], parts[1], parts[2]))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_shown() {
        for (text, shown) in
            [("12.1.4", "12.1.4"), (" v9.2 ", "9.2.0"), ("13.2.2.40512", "13.2.2"), ("4.9.39", "4.9.39")]
        {
            assert_eq!(text.parse::<Version>().unwrap().to_string(), shown);
        }
        for text in ["", "12", "12.", ".1.2", "12.1.4-beta", "1.2.3.4.5", "99999999999.0.0", "1. 2"] {
            assert_eq!(text.parse::<Version>(), Err(NotAVersion), "{text:?}");
        }
    }

    #[test]
    fn versions_compare_by_number() {
        assert!("12.1.10".parse::<Version>().unwrap() > "12.1.9".parse().unwrap());
    }
}
