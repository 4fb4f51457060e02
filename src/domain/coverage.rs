//! Is a version covered by a Maintenance date? Documented by the vendor: the date covers any version released
//! within the period. Whether the last day counts is not published; we count it as covered.

use super::{
    Version,
    release::{self, Release},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Whether a version is covered by a Maintenance date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Released on or before the date.
    Covered,
    /// Released after the date.
    NotCovered,
    /// The release list cannot tell, or the version or the date is not known.
    Unknown,
}

impl Coverage {
    /// The word for people and JSON-like output: `covered`, `not covered`, `unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Coverage::Covered => "covered",
            Coverage::NotCovered => "not covered",
            Coverage::Unknown => "unknown",
        }
    }
}

/// Is `version` covered by Maintenance until `until`? Certain only where the release list makes it certain:
/// an unlisted version is covered if the next newer listed one is, and not covered if the next older one is not.
pub fn coverage(version: Version, until: Date) -> Coverage {
    let window = release::window(version);
    if window.latest.is_some_and(|release| release.released <= until) {
        Coverage::Covered
    } else if window.earliest.is_some_and(|release| release.released > until) {
        Coverage::NotCovered
    } else {
        Coverage::Unknown
    }
}

/// The newest listed version that Maintenance until `until` covers.
pub fn newest_covered(until: Date) -> Option<&'static Release> {
    release::all().iter().rev().find(|release| !release.doubtful && release.released <= until)
}

/// What the release list knows of a version, as one sentence: `12.1.4 was released on 2025-04-14`, or for an
/// unlisted one between which versions it lies.
pub fn release_in_words(version: Version) -> String {
    let window = release::window(version);
    let dated = |release: &Release| format!("{} ({})", release.version, release.released);
    match (window.listed, window.earliest, window.latest) {
        (Some(listed), _, _) if !listed.doubtful => {
            format!("{version} was released on {}", listed.released)
        }
        (Some(listed), Some(older), Some(newer)) => format!(
            "{version} is listed with {}, a slip in the change log: it lies between {} and {}",
            listed.released,
            dated(older),
            dated(newer)
        ),
        (_, Some(older), Some(newer)) => {
            format!("{version} is not listed: it lies between {} and {}", dated(older), dated(newer))
        }
        (_, Some(older), None) => {
            format!("{version} is not listed: it is newer than {}, the newest listed", dated(older))
        }
        (_, None, Some(newer)) => {
            format!("{version} is not listed: it is older than {}, the oldest listed", dated(newer))
        }
        (_, None, None) => format!("{version} is not listed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn the_last_day_counts() {
        let version = Version::new(12, 1, 4);
        assert_eq!(coverage(version, date(2025, 4, 13)), Coverage::NotCovered);
        assert_eq!(coverage(version, date(2025, 4, 14)), Coverage::Covered);
    }

    #[test]
    fn unlisted_versions_get_the_honest_answer() {
        let between = Version::new(13, 1, 0); // between 13.0.0 (2026-02-19) and 13.1.1 (2026-03-25)
        assert_eq!(coverage(between, date(2026, 2, 18)), Coverage::NotCovered);
        assert_eq!(coverage(between, date(2026, 3, 1)), Coverage::Unknown);
        assert_eq!(coverage(between, date(2026, 3, 25)), Coverage::Covered);
        let future = Version::new(14, 0, 0);
        assert_eq!(coverage(future, date(2030, 1, 1)), Coverage::Unknown);
        assert_eq!(coverage(future, date(2026, 1, 1)), Coverage::NotCovered);
        let ancient = Version::new(3, 0, 0);
        assert_eq!(coverage(ancient, date(2020, 1, 1)), Coverage::Covered);
        assert_eq!(coverage(ancient, date(2001, 1, 1)), Coverage::Unknown);
    }

    #[test]
    fn all_releases_are_covered_from_their_day_on() {
        for release in release::all().iter().filter(|release| !release.doubtful) {
            let day_before = release.released.yesterday().unwrap();
            assert_eq!(coverage(release.version, release.released), Coverage::Covered, "{release:?}");
            assert_eq!(coverage(release.version, day_before), Coverage::NotCovered, "{release:?}");
        }
    }

    #[test]
    fn the_slip_never_counts_as_newest_covered() {
        assert_eq!(newest_covered(date(2008, 11, 13)).unwrap().version, Version::new(4, 9, 38));
        assert_eq!(newest_covered(date(2006, 10, 8)), None);
        assert_eq!(newest_covered(date(2099, 1, 1)), release::newest());
    }

    #[test]
    fn words_for_each_case() {
        insta::assert_snapshot!(
            ["12.1.4", "13.1.0", "4.9.39", "99.0", "1.0"].map(|v| release_in_words(v.parse().unwrap())).join("\n"),
            @r"
        12.1.4 was released on 2025-04-14
        13.1.0 is not listed: it lies between 13.0.0 (2026-02-19) and 13.1.1 (2026-03-25)
        4.9.39 is listed with 2008-01-21, a slip in the change log: it lies between 4.9.38 (2008-11-13) and 4.9.40 (2008-11-23)
        99.0.0 is not listed: it is newer than 13.2.2 (2026-05-16), the newest listed
        1.0.0 is not listed: it is older than 4.1.6 (2006-10-09), the oldest listed
        "
        );
    }

    proptest! {
        /// A later date never covers less.
        #[test]
        fn coverage_grows_with_the_date(
            (major, minor, patch) in (3u32..15, 0u32..10, 0u32..40), from in 0i64..8000, more in 0i64..4000,
        ) {
            let start = date(2006, 1, 1);
            let day = |n: i64| start.checked_add(jiff::Span::new().days(n)).unwrap();
            let rank = |c| match c { Coverage::NotCovered => 0, Coverage::Unknown => 1, Coverage::Covered => 2 };
            let version = Version::new(major, minor, patch);
            prop_assert!(rank(coverage(version, day(from))) <= rank(coverage(version, day(from + more))));
            prop_assert!(newest_covered(day(from)).map(|r| r.version) <= newest_covered(day(from + more)).map(|r| r.version));
        }
    }
}
