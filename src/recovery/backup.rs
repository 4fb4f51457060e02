//! Our backups of servers.xml: `servers.xml.<UTC time>.<first 8 of SHA-256>.bak` in the same folder. It is the
//! file itself, renamed, so its rights are what they were.

use super::world::World;
use crate::store::atomic::folder_of;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use std::{
    io,
    path::{Path, PathBuf},
};

/// SHA-256 of some bytes, in lower-case hex.
pub fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write;
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The name of the backup of `file` with this hash, made at `at`.
pub fn path_for(file: &Path, at: Timestamp, hash: &str) -> PathBuf {
    let stamp = at.strftime("%Y%m%dT%H%M%SZ");
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    folder_of(file).join(format!("{name}.{stamp}.{}.bak", &hash[..8]))
}

/// How backups of `file` are named, for people.
pub fn name_in_words(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}.<UTC time>.<first 8 of its SHA-256>.bak")
}

/// A backup of ours, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Backup {
    /// When it was made.
    pub at: Timestamp,
    /// The first 8 hex digits of its SHA-256.
    pub hash8: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Is this the name of a backup of `file` made by us?
fn parse(file: &Path, name: &str) -> Option<Backup> {
    let own = file.file_name()?.to_str()?;
    let rest = name.strip_prefix(own)?.strip_prefix('.')?.strip_suffix(".bak")?;
    let (stamp, hash8) = rest.split_once('.')?;
    let hex = hash8.len() == 8 && hash8.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let at = DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).ok()?.to_zoned_datetime(TimeZone::UTC).ok()?;
    let backup = Backup { at: at.timestamp(), hash8: hash8.to_string(), path: folder_of(file).join(name) };
    (hex && stamp.len() == 16).then_some(backup)
}

/// All backups of `file` made by us, the newest first.
pub fn list(world: &mut dyn World, file: &Path) -> io::Result<Vec<Backup>> {
    let mut backups: Vec<Backup> =
        world.names(folder_of(file))?.iter().filter_map(|name| parse(file, name)).collect();
    backups.sort();
    backups.reverse();
    Ok(backups)
}

/// Deletes our oldest backups but for the newest `keep` and for `spare`, which is never deleted. Only files whose
/// content still is what their name says: anything else may be somebody's.
pub fn prune(world: &mut dyn World, file: &Path, keep: usize, spare: &Path) -> io::Result<Vec<PathBuf>> {
    let mut deleted = Vec::new();
    for backup in list(world, file)?.into_iter().skip(keep.max(1)) {
        if backup.path != spare && hash(&world.read(&backup.path)?).starts_with(&backup.hash8) {
            world.delete_backup(&backup.path)?;
            deleted.push(backup.path);
        }
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_our_backups_and_of_others() {
        let file = Path::new("/vc/settings/servers.xml");
        let at: Timestamp = "2026-11-24T10:00:05Z".parse().unwrap();
        let path = path_for(file, at, &hash(b"x"));
        assert_eq!(path, Path::new("/vc/settings/servers.xml.20261124T100005Z.2d711642.bak"));
        let backup = parse(file, "servers.xml.20261124T100005Z.2d711642.bak").unwrap();
        assert_eq!((backup.at, backup.hash8.as_str(), backup.path), (at, "2d711642", path));
        for name in [
            "servers.xml",
            "servers.xml.bak",
            "servers.xml.20261124T100005Z.2d71164.bak",
            "servers.xml.20261124T100005Z.2D711642.bak",
            "servers.xml.20261324T100005Z.2d711642.bak",
            "jobs.xml.20261124T100005Z.2d711642.bak",
            "servers.xml.20261124T100005Z.2d711642.bak.txt",
        ] {
            assert_eq!(parse(file, name), None, "{name}");
        }
    }
}
