//! Our recoveries on disk: one journal each below our own data folder, never rewritten once it has ended.

use super::atomic;
use crate::{
    domain::{Fault, Problem},
    platform::{
        lock::{self, Lock},
        private,
    },
    recovery::Journal,
};
use jiff::Timestamp;
use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
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

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.0
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
        self.newest_first()?.collect()
    }

    /// The newest.
    ///
    /// # Errors
    ///
    /// As for [`Recoveries::all`].
    pub fn newest(&self) -> Result<Option<Kept>, Problem> {
        self.newest_first()?.next().transpose()
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

    fn newest_first(&self) -> Result<impl Iterator<Item = Result<Kept, Problem>>, Problem> {
        let journal = |path: PathBuf| {
            let text = match atomic::read_bounded(&path, MAX_JOURNAL) {
                Ok(text) => text.unwrap_or_default(),
                Err(problem) => return Some(Err(problem)),
            };
            Journal::read(&text).map(|journal| Ok(Kept { path, journal }))
        };
        Ok(self.paths()?.into_iter().filter_map(journal))
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

/// Appends a line to a journal, synced to disk when it returns. A line that a crash has cut off goes first.
///
/// # Errors
///
/// It cannot be written, or is no file of ours.
pub fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    let new = !path.exists();
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true);
    let mut file = atomic::retried(|| private::open(&mut options, path))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1) as u64;
    file.set_len(whole)?;
    file.seek(SeekFrom::Start(whole))?;
    file.write_all(&[line, b"\n"].concat())?;
    file.sync_all()?;
    match path.parent() {
        // Elsewhere a folder cannot be opened for that.
        Some(folder) if new && cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cut_off_by_a_crash_goes_before_the_next() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal");
        append(&path, b"one").unwrap();
        fs::write(&path, "one\ntw").unwrap();
        append(&path, b"three").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\nthree\n");
    }
}
