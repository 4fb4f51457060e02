//! The host's keys: one file each in a folder of its own, readable by its user alone. The newest signs; older ones stay
//! published, and vouch for the newer.

use crate::{
    domain::{
        Fault, Problem,
        validation::{KeyId, KeySet, PublishedKey, SigningKey},
    },
    store::atomic,
};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The most bytes of a key's file.
const MAX_BYTES: u64 = 64 * 1024;
/// How a key's file ends; it begins with the key's id.
const ENDING: &str = ".key.json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kid: String,
    created: Timestamp,
    /// PKCS #8 in base64: the private key.
    pkcs8: String,
    endorsed_by: Vec<String>,
}

/// A key, and what is kept with it.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key itself.
    pub signing: SigningKey,
    /// When it was made.
    pub created: Timestamp,
    /// Tokens in which older keys vouch for it.
    pub endorsed_by: Vec<String>,
    /// Its file.
    pub path: PathBuf,
}

impl Key {
    /// Its id.
    pub fn id(&self) -> KeyId {
        self.signing.public().id()
    }
}

/// All keys of a folder, the newest first.
#[derive(Clone, Debug, Default)]
pub struct Keys(pub Vec<Key>);

impl Keys {
    /// Reads the keys of a folder. One that is not there has none.
    ///
    /// # Errors
    ///
    /// The folder or a key cannot be read, others can read or write it, or a file holds no key.
    pub fn load(folder: &Path) -> Result<Keys, Problem> {
        let failed = |error: &io::Error| {
            Problem::io("Cannot read the keys", folder, error, "Check the path and who may read it.")
        };
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Keys::default()),
            Err(error) => return Err(failed(&error)),
        };
        let mut keys = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| failed(&error))?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ENDING)) {
                keys.push(read(path)?);
            }
        }
        keys.sort_by_key(|key| std::cmp::Reverse((key.created, key.id())));
        Ok(Keys(keys))
    }

    /// Makes a new key, for which all that are there vouch, and writes it into the folder.
    ///
    /// # Errors
    ///
    /// As for [`Keys::load`], and where it cannot be written.
    pub fn add(folder: &Path, now: Timestamp) -> Result<Key, Problem> {
        let older = Keys::load(folder)?;
        let broken = || {
            Problem::new(
                Fault::Software,
                "Cannot make a key",
                folder.display().to_string(),
                "the system gave no random numbers",
                "Try again.",
            )
        };
        let pkcs8 = SigningKey::generate(&SystemRandom::new()).ok_or_else(broken)?;
        let signing = SigningKey::from_pkcs8(&pkcs8).ok_or_else(broken)?;
        // The one that was made last signs, even where a clock was set back.
        let created = older.0.first().map_or(now, |newest| {
            now.max(newest.created.saturating_add(jiff::SignedDuration::from_secs(1)).unwrap_or(now))
        });
        let endorse = |key: &Key| key.signing.endorse(signing.public(), created);
        let endorsed_by: Vec<String> = older.0.iter().filter_map(endorse).collect();
        let file = File {
            kid: signing.public().id().to_string(),
            created,
            pkcs8: data_encoding::BASE64.encode(&pkcs8),
            endorsed_by: endorsed_by.clone(),
        };
        let path = folder.join(format!("{}{ENDING}", file.kid));
        let json = serde_json::to_vec_pretty(&file).map_err(|_| broken())?;
        atomic::replace(&path, &json)?;
        Ok(Key { signing, created, endorsed_by, path })
    }

    /// The key that signs: the newest.
    pub fn newest(&self) -> Option<&Key> {
        self.0.first()
    }

    /// What is published of them.
    pub fn published(&self) -> KeySet {
        let publish =
            |key: &Key| PublishedKey { key: key.signing.public(), endorsed_by: key.endorsed_by.clone() };
        KeySet { keys: self.0.iter().map(publish).collect() }
    }
}

fn read(path: PathBuf) -> Result<Key, Problem> {
    private(&path)?;
    let wrong = |why: &str| {
        Problem::new(
            Fault::Data,
            "Cannot read a key",
            path.display().to_string(),
            why,
            "Restore the file from a backup, or move it away: then answers signed with it are not renewed.",
        )
    };
    let bytes = atomic::read_bounded(&path, MAX_BYTES)?.ok_or_else(|| wrong("it is gone"))?;
    let file: File = serde_json::from_slice(&bytes).map_err(|_| wrong("it is no file of a key"))?;
    let pkcs8 = data_encoding::BASE64.decode(file.pkcs8.as_bytes()).ok();
    let signing =
        pkcs8.and_then(|pkcs8| SigningKey::from_pkcs8(&pkcs8)).ok_or_else(|| wrong("it holds no key"))?;
    if signing.public().id().to_string() != file.kid {
        return Err(wrong("its id does not belong to its key"));
    }
    Ok(Key { signing, created: file.created, endorsed_by: file.endorsed_by, path })
}

/// A private key that others can read is no longer one.
fn private(path: &Path) -> Result<(), Problem> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let failed =
            |error: &io::Error| Problem::io("Cannot read a key", path, error, "Check who may read it.");
        let mode = fs::metadata(path).map_err(|error| failed(&error))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(Problem::new(
                Fault::Permission,
                "A private key is not private",
                path.display().to_string(),
                format!("its mode is {:04o}: other users of this machine can read it", mode & 0o7777),
                format!(
                    "Run `chmod 600 '{}'`; if somebody may have read it, make a new key and remove this one.",
                    path.display()
                ),
            ));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::validation::PinnedKeys;

    #[test]
    fn a_new_key_is_vouched_for_and_signs() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("keys");
        assert!(Keys::load(&folder).unwrap().0.is_empty());
        let now = Timestamp::now();
        let made: Vec<Key> = (0..3).map(|_| Keys::add(&folder, now).unwrap()).collect();
        let keys = Keys::load(&folder).unwrap();
        assert_eq!(keys.newest().unwrap().id(), made[2].id());
        let public = |n: usize| made[n].signing.public();
        let first = PinnedKeys::new([public(0)]);
        let mut vouched = first.vouched_for(&keys.published());
        vouched.sort();
        let mut expected = vec![public(1), public(2)];
        expected.sort();
        assert_eq!(vouched, expected);
        fs::write(&made[0].path, "{}").unwrap();
        assert!(Keys::load(&folder).unwrap_err().why.contains("no file of a key"));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let key = Keys::add(home.path(), Timestamp::now()).unwrap();
        assert_eq!(fs::metadata(&key.path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&key.path, fs::Permissions::from_mode(0o640)).unwrap();
        let problem = Keys::load(home.path()).unwrap_err();
        assert!(problem.why.contains("0640") && problem.next.contains("chmod 600"), "{problem}");
    }
}
