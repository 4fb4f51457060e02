//! The releases of VisualCron with their dates, from the vendor's public change log (assets/data, with
//! attribution "VisualCron documentation", CC BY 4.0).

use super::Version;
use jiff::civil::Date;
use std::sync::LazyLock;

/// One release of VisualCron.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its version.
    pub version: Version,
    /// The day of its release, as the change log gives it.
    pub released: Date,
    /// The change log dates it before the version that it follows: the date is a slip in the source and is
    /// not to be relied upon.
    pub doubtful: bool,
}

/// When a version was released, as closely as it is known: not before `earliest`, not after `latest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseWindow {
    /// The version itself, where the change log lists it.
    pub listed: Option<&'static Release>,
    /// The next older version with a date to rely upon, itself included.
    pub earliest: Option<&'static Release>,
    /// The next newer version with a date to rely upon, itself included.
    pub latest: Option<&'static Release>,
}

static RELEASES: LazyLock<Vec<Release>> =
    LazyLock::new(|| parse(include_str!("../../assets/data/visualcron-releases.csv")));

/// All releases known to this build, oldest version first.
pub fn all() -> &'static [Release] {
    &RELEASES
}

/// The newest release known to this build.
pub fn newest() -> Option<&'static Release> {
    all().last()
}

/// When was this version released, as closely as the list can tell?
pub fn window(version: Version) -> ReleaseWindow {
    let releases = all();
    let listed = releases.binary_search_by_key(&version, |release| release.version);
    let (below, above) = match listed {
        Ok(index) => (index + 1, index),
        Err(index) => (index, index),
    };
    ReleaseWindow {
        listed: listed.ok().map(|index| &releases[index]),
        earliest: releases[..below].iter().rev().find(|release| !release.doubtful),
        latest: releases[above..].iter().find(|release| !release.doubtful),
    }
}

fn parse(csv: &str) -> Vec<Release> {
    let mut releases: Vec<Release> = csv
        .lines()
        .skip(1)
        .filter_map(|line| {
            let (version, released) = line.trim().split_once(',')?;
            let (version, released) = (version.parse().ok()?, released.parse().ok()?);
            Some(Release { version, released, doubtful: false })
        })
        .collect();
    releases.sort_by_key(|release| release.version);
    let mut newest_so_far = Date::MIN;
    for release in &mut releases {
        release.doubtful = release.released < newest_so_far;
        newest_so_far = newest_so_far.max(release.released);
    }
    releases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_list_is_whole() {
        let lines = include_str!("../../assets/data/visualcron-releases.csv").lines().count() - 1;
        assert_eq!((all().len(), lines), (314, 314));
        assert_eq!(all()[0].version, Version::new(4, 1, 6));
        assert_eq!(newest().unwrap().version, Version::new(13, 2, 2));
        assert!(all().windows(2).all(|pair| pair[0].version < pair[1].version));
    }

    #[test]
    fn exactly_one_date_is_a_slip_of_the_source() {
        let doubtful: Vec<_> = all().iter().filter(|r| r.doubtful).map(|r| r.version.to_string()).collect();
        assert_eq!(doubtful, ["4.9.39"]);
    }

    #[test]
    fn an_unlisted_version_lies_between_its_neighbors() {
        let window = window(Version::new(13, 1, 0));
        assert_eq!(window.listed, None);
        assert_eq!(window.earliest.unwrap().version, Version::new(13, 0, 0));
        assert_eq!(window.latest.unwrap().version, Version::new(13, 1, 1));
    }

    #[test]
    fn a_slip_is_bounded_by_its_neighbors() {
        let window = window(Version::new(4, 9, 39));
        assert!(window.listed.unwrap().doubtful);
        assert_eq!(window.earliest.unwrap().version, Version::new(4, 9, 38));
        assert!(window.latest.unwrap().version > Version::new(4, 9, 39));
    }
}
