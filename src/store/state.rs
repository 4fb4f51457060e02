//! Our state on disk: one JSON file, written whole, synced, never thrown away when it cannot be read.

use super::atomic;
use crate::{
    app::Persisted,
    domain::{Fault, Knowledge, Problem, notice::Ledger},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The version of the file's format.
const SCHEMA: u32 = 1;
/// The most bytes of it that are read: 100,000 servers need about 50 MiB.
const MAX_BYTES: u64 = 128 * 1024 * 1024;

// Not flattened: serde would hold all of it a second time.
#[derive(Deserialize)]
struct File {
    schema: u32,
    knowledge: Knowledge,
    notices: Ledger,
    #[serde(default)]
    said: BTreeSet<String>,
}

#[derive(Serialize)]
struct FileRef<'a> {
    schema: u32,
    knowledge: &'a Knowledge,
    notices: &'a Ledger,
    said: &'a BTreeSet<String>,
}

/// The state file. Knows whether it may be written.
#[derive(Clone, Debug)]
pub struct StateFile {
    path: PathBuf,
    writable: bool,
}

impl StateFile {
    /// Reads the state. A file that cannot be understood is moved aside and named in the problem; one that
    /// cannot be read, or is of a newer version, stays as it is and will not be written.
    pub fn load(path: PathBuf) -> (StateFile, Persisted, Option<Problem>) {
        let locked =
            |path, problem| (StateFile { path, writable: false }, Persisted::default(), Some(problem));
        let bytes = match atomic::read_bounded(&path, MAX_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return (StateFile { path, writable: true }, Persisted::default(), None),
            Err(problem) => return locked(path, problem),
        };
        match serde_json::from_slice::<File>(&bytes) {
            Ok(File { schema: SCHEMA, knowledge, notices, said }) => {
                (StateFile { path, writable: true }, Persisted { knowledge, notices, said }, None)
            }
            Ok(File { schema, .. }) => {
                let problem = Problem::new(
                    Fault::Data,
                    "What was kept from earlier runs cannot be used",
                    path.display().to_string(),
                    format!("its format is version {schema}, this program knows version {SCHEMA}"),
                    "Use the newer program. Nothing is written to the file meanwhile.",
                );
                locked(path, problem)
            }
            Err(error) => match set_aside(&path) {
                Ok(aside) => {
                    let problem = Problem::new(
                        Fault::Data,
                        "What was kept from earlier runs cannot be read",
                        path.display().to_string(),
                        error.to_string(),
                        format!(
                            "It was moved to {}. Dates are read anew from their sources.",
                            aside.display()
                        ),
                    );
                    (StateFile { path, writable: true }, Persisted::default(), Some(problem))
                }
                Err(problem) => locked(path, problem),
            },
        }
    }

    /// Writes the state, synced to disk when this returns.
    pub fn save(&self, kept: &Persisted) -> Result<(), Problem> {
        if !self.writable {
            return Ok(());
        }
        let Persisted { knowledge, notices, said } = kept;
        let json =
            serde_json::to_vec(&FileRef { schema: SCHEMA, knowledge, notices, said }).map_err(|error| {
                Problem::new(
                    Fault::Software,
                    "Cannot keep what was done",
                    self.path.display().to_string(),
                    error.to_string(),
                    "Please report this.",
                )
            })?;
        atomic::write(&self.path, &json)
    }

    /// The same, but nothing is ever written: for a pretended time.
    pub fn read_only(self) -> StateFile {
        StateFile { writable: false, ..self }
    }
}

fn set_aside(path: &Path) -> Result<PathBuf, Problem> {
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let aside = path.with_extension(format!("json.unreadable-{stamp}"));
    match std::fs::rename(path, &aside) {
        Ok(()) => Ok(aside),
        Err(error) => Err(Problem::io(
            "Cannot move the unreadable state aside",
            path,
            &error,
            "Move it away by hand. Nothing is kept until then.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("data/state.json");
        let (file, mut kept, problem) = StateFile::load(path.clone());
        assert_eq!((&kept, problem), (&Persisted::default(), None));
        kept.said.insert("something".into());
        file.save(&kept).unwrap();
        assert_eq!(StateFile::load(path.clone()).1, kept);
        let before = std::fs::read(&path).unwrap();
        file.read_only().save(&Persisted::default()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn an_unreadable_state_is_moved_aside_and_a_newer_one_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state.json");
        std::fs::write(&path, "{ broken").unwrap();
        let (file, kept, problem) = StateFile::load(path.clone());
        assert_eq!(kept, Persisted::default());
        assert!(problem.unwrap().next.contains("unreadable-"));
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
        file.save(&kept).unwrap();
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2);

        std::fs::write(&path, r#"{"schema":2,"knowledge":[],"notices":{},"said":[],"more":1}"#).unwrap();
        let (file, _, problem) = StateFile::load(path.clone());
        assert!(problem.unwrap().why.contains("version 2"));
        file.save(&Persisted::default()).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("\"schema\":2"));
    }
}
