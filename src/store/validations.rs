//! What is kept of validations: a record for each license, and the keys of license hosts that the user trusts. Two files
//! in our data folder; neither holds an activation code.

use super::atomic;
use crate::{
    domain::{
        Fault, Problem,
        validation::{PinnedKeys, PublicKey, Record, same_server},
    },
    platform::lock,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

const SCHEMA: u32 = 1;
/// The most bytes of a file: 100,000 records need about 60 MiB.
const MAX_BYTES: u64 = 128 * 1024 * 1024;
/// How long another process is waited for, which changes the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a key came to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The user saw the fingerprint, and said yes.
    Confirmed,
    /// The user gave the fingerprint.
    Fingerprint,
    /// A key that was trusted vouches for it.
    Vouched,
    /// It was made here, for the demo.
    Demo,
}

/// A key that is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trusted {
    /// The host that showed it, as it was asked for: `licenses.corp.example:8443`.
    pub host: String,
    /// The key.
    pub key: PublicKey,
    /// Since when.
    pub since: Timestamp,
    /// How it came to be trusted.
    pub how: How,
}

#[derive(Serialize, Deserialize)]
struct File<T> {
    schema: u32,
    entries: Vec<T>,
}

/// The two files below a data folder.
#[derive(Clone, Debug)]
pub struct Validations {
    data: PathBuf,
}

impl Validations {
    /// Those below this data folder.
    pub fn below(data: &Path) -> Validations {
        Validations { data: data.to_path_buf() }
    }

    fn records_file(&self) -> PathBuf {
        self.data.join("validations.json")
    }

    fn trusted_file(&self) -> PathBuf {
        self.data.join("trusted-keys.json")
    }

    /// The records of all licenses.
    ///
    /// # Errors
    ///
    /// The file cannot be read or understood; it is then left alone.
    pub fn records(&self) -> Result<Vec<Record>, Problem> {
        read(&self.records_file())
    }

    /// The record of one license; a new one where there is none.
    ///
    /// # Errors
    ///
    /// As for [`Validations::records`].
    pub fn record(&self, server_id: &str) -> Result<Record, Problem> {
        let records = self.records()?;
        let found = records.into_iter().find(|record| same_server(&record.server_id, server_id));
        Ok(found.unwrap_or_else(|| Record::new(server_id.trim())))
    }

    /// Changes the record of one license, and keeps it: no other process changes anything meanwhile.
    ///
    /// # Errors
    ///
    /// As for [`Validations::records`]; and where it cannot be written, or another process has it for 5 s.
    pub fn change<T>(&self, server_id: &str, change: impl FnOnce(&mut Record) -> T) -> Result<T, Problem> {
        self.change_file(&self.records_file(), |records: &mut Vec<Record>| {
            let at = records.iter().position(|record| same_server(&record.server_id, server_id));
            let at = at.unwrap_or_else(|| {
                records.push(Record::new(server_id.trim()));
                records.len() - 1
            });
            change(&mut records[at])
        })
    }

    /// Changes all records at once, and keeps them: no other process changes anything meanwhile.
    ///
    /// # Errors
    ///
    /// As for [`Validations::change`].
    pub fn change_all<T>(&self, change: impl FnOnce(&mut Vec<Record>) -> T) -> Result<T, Problem> {
        self.change_file(&self.records_file(), change)
    }

    /// The keys that are trusted.
    ///
    /// # Errors
    ///
    /// As for [`Validations::records`].
    pub fn trusted(&self) -> Result<Vec<Trusted>, Problem> {
        read(&self.trusted_file())
    }

    /// The trusted keys of one host, or of all for an answer that was carried by hand.
    ///
    /// # Errors
    ///
    /// As for [`Validations::records`].
    pub fn pinned(&self, host: Option<&str>) -> Result<PinnedKeys, Problem> {
        let fits = |trusted: &Trusted| host.is_none_or(|host| trusted.host.eq_ignore_ascii_case(host));
        Ok(PinnedKeys::new(self.trusted()?.into_iter().filter(fits).map(|trusted| trusted.key)))
    }

    /// Trusts these keys of a host. Those that are trusted already stay as they are.
    ///
    /// # Errors
    ///
    /// As for [`Validations::change`].
    pub fn trust(&self, host: &str, keys: &[PublicKey], how: How, now: Timestamp) -> Result<(), Problem> {
        self.change_file(&self.trusted_file(), |trusted: &mut Vec<Trusted>| {
            for key in keys {
                if !trusted.iter().any(|known| known.key == *key && known.host.eq_ignore_ascii_case(host)) {
                    trusted.push(Trusted { host: host.to_string(), key: *key, since: now, how });
                }
            }
        })
    }

    /// Trusts the key with this id no more, of whichever host. Tells how many were taken out.
    ///
    /// # Errors
    ///
    /// As for [`Validations::change`].
    pub fn distrust(&self, key: crate::domain::validation::KeyId) -> Result<usize, Problem> {
        self.change_file(&self.trusted_file(), |trusted: &mut Vec<Trusted>| {
            let before = trusted.len();
            trusted.retain(|known| known.key.id() != key);
            before - trusted.len()
        })
    }

    fn change_file<E, T>(&self, path: &Path, change: impl FnOnce(&mut Vec<E>) -> T) -> Result<T, Problem>
    where
        E: Serialize + DeserializeOwned,
    {
        let lock = self.data.join("validations.lock");
        let _turn = lock::take_in_turn(&lock, PATIENCE, "Cannot keep the validation")?;
        let mut entries = read(path)?;
        let result = change(&mut entries);
        let json = serde_json::to_vec_pretty(&File { schema: SCHEMA, entries }).map_err(|error| {
            let place = path.display().to_string();
            Problem::new(
                Fault::Software,
                "Cannot keep the validation",
                place,
                error.to_string(),
                "Please report this.",
            )
        })?;
        atomic::replace(path, &json)?;
        Ok(result)
    }
}

fn read<E: DeserializeOwned>(path: &Path) -> Result<Vec<E>, Problem> {
    let Some(bytes) = atomic::read_bounded(path, MAX_BYTES)? else { return Ok(Vec::new()) };
    let wrong = |why: String| {
        let next = "It stays as it is. Move it away to begin anew: dates are then asked for again, and keys to be trusted again.";
        let what = "What was kept of validations cannot be read";
        Problem::new(Fault::Data, what, path.display().to_string(), why, next)
    };
    #[derive(Deserialize)]
    struct Format {
        schema: u32,
    }
    match serde_json::from_slice::<Format>(&bytes) {
        Ok(Format { schema: SCHEMA }) => {}
        Ok(Format { schema }) => {
            return Err(wrong(format!(
                "its format is version {schema}, this program knows version {SCHEMA}"
            )));
        }
        Err(error) => return Err(wrong(error.to_string())),
    }
    serde_json::from_slice::<File<E>>(&bytes)
        .map(|file| file.entries)
        .map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::validation::{Nonce, Outcome};

    #[test]
    fn what_is_changed_is_kept_and_a_broken_file_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let store = Validations::below(&home.path().join("data"));
        assert_eq!(store.record("ID-1").unwrap(), Record::new("ID-1"));
        let now = Timestamp::now();
        store.change("id-1", |record| record.asked(Nonce::new([1; 16]), now)).unwrap();
        store.change("ID-1 ", |record| record.tried(Outcome::NotReached { why: "x".into() }, now)).unwrap();
        let records = store.records().unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!((records[0].pending.len(), records[0].failed.is_some()), (1, true));
        for broken in ["{", r#"{"schema":2,"entries":[]}"#, r#"{"schema":1,"entries":[{"server_id":1}]}"#] {
            std::fs::write(store.records_file(), broken).unwrap();
            let problem = store.change("id-1", |_| ()).unwrap_err();
            assert_eq!(problem.fault, Fault::Data);
            assert_eq!(std::fs::read_to_string(store.records_file()).unwrap(), broken);
        }
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let home = tempfile::tempdir().unwrap();
        let store = Validations::below(home.path());
        std::thread::scope(|scope| {
            for n in 0..8u8 {
                let store = &store;
                scope.spawn(move || {
                    store.change(&format!("id-{n}"), |record| {
                        record.asked(Nonce::new([n; 16]), Timestamp::now())
                    })
                });
            }
        });
        assert_eq!(store.records().unwrap().len(), 8);
    }

    #[test]
    fn keys_are_trusted_by_host() {
        let home = tempfile::tempdir().unwrap();
        let store = Validations::below(home.path());
        let (one, two) = (PublicKey::new([1; 32]), PublicKey::new([2; 32]));
        store.trust("A.example", &[one], How::Confirmed, Timestamp::now()).unwrap();
        store.trust("a.example", &[one, two], How::Vouched, Timestamp::now()).unwrap();
        store.trust("b.example", &[two], How::Fingerprint, Timestamp::now()).unwrap();
        assert_eq!(store.trusted().unwrap().len(), 3);
        assert!(store.pinned(Some("b.example")).unwrap().get(one.id()).is_none());
        assert!(store.pinned(None).unwrap().get(one.id()).is_some());
        assert_eq!(store.distrust(two.id()).unwrap(), 2);
        assert_eq!(store.trusted().unwrap().len(), 1);
    }
}
