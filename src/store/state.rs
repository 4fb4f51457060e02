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

#[derive(Deserialize)]
struct Format {
    schema: u32,
}

/// What may be done with the state file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// It is read and written.
    Full,
    /// It is only read, and nobody expects anything to be kept: the time is pretended.
    Pretended,
    /// It is only read, and whoever wants something to be kept is told why it is not.
    Refused(Problem),
}

/// The state file, and what may be done with it.
#[derive(Clone, Debug)]
pub struct StateFile {
    path: PathBuf,
    access: Access,
}

impl StateFile {
    /// Reads the state. One that cannot be understood is moved aside if it may be written, and named in the
    /// problem; one that cannot be read, or is of another version, stays as it is and will not be written.
    pub fn load(path: PathBuf, access: Access) -> (StateFile, Persisted, Option<Problem>) {
        match read(&path) {
            Ok(kept) => (StateFile { path, access }, kept.unwrap_or_default(), None),
            Err(Unusable::Broken(problem)) if access == Access::Full => match set_aside(&path) {
                Ok(aside) => {
                    let next = format!(
                        "It was moved to {}. Dates are read anew from their sources.",
                        aside.display()
                    );
                    (StateFile { path, access }, Persisted::default(), Some(Problem { next, ..problem }))
                }
                Err(problem) => Self::refused(path, problem),
            },
            Err(Unusable::Broken(problem) | Unusable::NotOurs(problem)) => match access {
                Access::Full => Self::refused(path, problem),
                access => (StateFile { path, access }, Persisted::default(), Some(problem)),
            },
        }
    }

    fn refused(path: PathBuf, problem: Problem) -> (StateFile, Persisted, Option<Problem>) {
        let access = Access::Refused(problem.clone());
        (StateFile { path, access }, Persisted::default(), Some(problem))
    }

    /// Writes the state, synced to disk when this returns.
    ///
    /// # Errors
    ///
    /// It cannot be written, or must not be.
    pub fn save(&self, kept: &Persisted) -> Result<(), Problem> {
        match &self.access {
            Access::Full => {}
            Access::Pretended => return Ok(()),
            Access::Refused(problem) => {
                return Err(Problem { what: "Nothing can be kept".into(), ..problem.clone() });
            }
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
        atomic::replace(&self.path, &json)
    }
}

/// Why a state file is of no use.
enum Unusable {
    /// It cannot be read, or is of another version: not ours to touch.
    NotOurs(Problem),
    /// It is of our version, or of none, and cannot be understood.
    Broken(Problem),
}

fn read(path: &Path) -> Result<Option<Persisted>, Unusable> {
    let Some(bytes) = atomic::read_bounded(path, MAX_BYTES).map_err(Unusable::NotOurs)? else {
        return Ok(None);
    };
    let place = || path.display().to_string();
    if let Ok(Format { schema }) = serde_json::from_slice(&bytes)
        && schema != SCHEMA
    {
        return Err(Unusable::NotOurs(Problem::new(
            Fault::Data,
            "What was kept from earlier runs cannot be used",
            place(),
            format!("its format is version {schema}, this program knows version {SCHEMA}"),
            "Use the program that wrote it. Nothing is written to the file meanwhile.",
        )));
    }
    match serde_json::from_slice::<File>(&bytes) {
        Ok(File { knowledge, notices, said, .. }) => Ok(Some(Persisted { knowledge, notices, said })),
        Err(error) => Err(Unusable::Broken(Problem::new(
            Fault::Data,
            "What was kept from earlier runs cannot be read",
            place(),
            error.to_string(),
            "It stays as it is; the tray moves it aside. Dates are read anew from their sources.",
        ))),
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

    fn load(path: &Path) -> (StateFile, Persisted, Option<Problem>) {
        StateFile::load(path.to_path_buf(), Access::Full)
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("data/state.json");
        let (file, mut kept, problem) = load(&path);
        assert_eq!((&kept, problem), (&Persisted::default(), None));
        kept.said.insert("something".into());
        file.save(&kept).unwrap();
        assert_eq!(load(&path).1, kept);
    }

    #[test]
    fn an_unreadable_state_is_moved_aside_and_a_newer_one_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state.json");
        std::fs::write(&path, "{ broken").unwrap();
        let (file, kept, problem) = load(&path);
        assert_eq!(kept, Persisted::default());
        assert!(problem.unwrap().next.contains("unreadable-"));
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
        file.save(&kept).unwrap();
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2);

        for newer in [
            r#"{"schema":2,"knowledge":[],"notices":{},"said":[],"more":1}"#,
            r#"{"schema":2,"knowledge":{"another":"shape"}}"#,
        ] {
            std::fs::write(&path, newer).unwrap();
            let (file, _, problem) = load(&path);
            assert!(problem.unwrap().why.contains("version 2"));
            let refused = file.save(&Persisted::default()).unwrap_err();
            assert!(refused.why.contains("version 2"), "{refused}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
        }
    }

    #[test]
    fn who_may_not_write_leaves_everything_as_it_is_and_says_so() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state.json");
        let why = Problem::new(Fault::Unavailable, "x", "y", "another has it", "z");
        for (content, access) in [
            ("{ broken", Access::Pretended),
            ("{ broken", Access::Refused(why.clone())),
            (r#"{"schema":1,"knowledge":[],"notices":{}}"#, Access::Refused(why.clone())),
            (r#"{"schema":1,"knowledge":[],"notices":{}}"#, Access::Pretended),
        ] {
            std::fs::write(&path, content).unwrap();
            let (file, kept, problem) = StateFile::load(path.clone(), access.clone());
            assert_eq!(problem.is_some(), content == "{ broken");
            assert_eq!(file.save(&kept).is_ok(), access == Access::Pretended);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
            assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
        }
    }
}
