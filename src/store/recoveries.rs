//! Our recoveries on disk: one journal each below our own data folder, never rewritten once it has ended.

use super::atomic;
use crate::{
    domain::{Fault, Problem},
    platform::lock::{self, Lock},
    recovery::Journal,
};
use jiff::Timestamp;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The most bytes of a journal: those of a usual recovery are 10 KiB.
const MAX_JOURNAL: u64 = 16 * 1024 * 1024;
/// How many journals are kept.
const KEEP: usize = 50;

/// The folder of the journals.
#[derive(Clone, Debug)]
pub struct Recoveries(PathBuf);

/// A journal and its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub journal: Journal,
}

impl Recoveries {
    /// Those below this data folder.
    pub fn below(data: &Path) -> Recoveries {
        Recoveries(data.join("recovery"))
    }

    /// Takes the right to recover; `None` while another process does it.
    ///
    /// # Errors
    ///
    /// [`Problem::io`] where the folder or the lock cannot be made.
    pub fn lock(&self) -> Result<Option<Lock>, Problem> {
        atomic::create_folder(&self.0)?;
        lock::take(&self.0.join("lock"))
    }

    /// Whether another process recovers just now.
    pub fn is_locked(&self) -> bool {
        lock::is_taken(&self.0.join("lock")).unwrap_or(false)
    }

    /// A new journal's file.
    pub fn new_journal(&self, at: Timestamp) -> PathBuf {
        self.0.join(format!("{}.jsonl", at.strftime("%Y%m%dT%H%M%S%3fZ")))
    }

    /// All that can be read, the newest first. A journal without a plan was cut off before anything was done, and
    /// is passed over.
    ///
    /// # Errors
    ///
    /// [`Problem::io`] where the folder, or a journal, cannot be read: it may be one that has not ended.
    pub fn all(&self) -> Result<Vec<Kept>, Problem> {
        let mut kept = Vec::new();
        for path in self.paths()? {
            let Some(text) = atomic::read_bounded(&path, MAX_JOURNAL)? else { continue };
            kept.extend(Journal::read(&text).map(|journal| Kept { path, journal }));
        }
        Ok(kept)
    }

    /// The newest.
    ///
    /// # Errors
    ///
    /// As for [`Recoveries::all`].
    pub fn newest(&self) -> Result<Option<Kept>, Problem> {
        for path in self.paths()? {
            let text = atomic::read_bounded(&path, MAX_JOURNAL)?.unwrap_or_default();
            if let Some(journal) = Journal::read(&text) {
                return Ok(Some(Kept { path, journal }));
            }
        }
        Ok(None)
    }

    /// The one that has not ended.
    ///
    /// # Errors
    ///
    /// As for [`Recoveries::all`].
    pub fn open(&self) -> Result<Option<Kept>, Problem> {
        Ok(self.all()?.into_iter().find(|kept| kept.journal.is_open()))
    }

    /// Deletes the oldest that have ended. That this fails does no harm.
    pub fn tidy(&self) {
        for kept in self.all().unwrap_or_default().into_iter().skip(KEEP) {
            if !kept.journal.is_open() {
                let _ = fs::remove_file(kept.path);
            }
        }
    }

    /// The files, the newest first.
    fn paths(&self) -> Result<Vec<PathBuf>, Problem> {
        let failed = |error: &io::Error| {
            let next =
                "Check who may read it; it tells of recoveries, one of which may have been interrupted.";
            Problem::io("Cannot read the journals", &self.0, error, next)
        };
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(&error)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| failed(&error))?.path();
            if path.extension().is_some_and(|extension| extension == "jsonl") {
                paths.push(path);
            }
        }
        paths.sort();
        paths.reverse();
        Ok(paths)
    }
}

/// Another process recovers just now.
pub fn busy(data: &Path) -> Problem {
    Problem::new(
        Fault::Unavailable,
        "Clear server cache is under way already",
        data.display().to_string(),
        "another process is doing it",
        "Wait until it has ended.",
    )
}
