//! What the recovery flow needs of files, programs and time. The real one is in `platform`; tests have worlds
//! that fail, crash and change on demand.

use super::{Program, Record};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{io, path::Path, time::Duration};

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A plain file with one name.
    File,
    /// A plain file with several names (hard links).
    Linked,
    /// A folder.
    Folder,
    /// A symbolic link or junction.
    Link,
    /// A pipe, device or anything else.
    Other,
}

/// Files, programs and time.
pub trait World {
    /// What is at this path itself, links not followed; `None` for nothing.
    fn kind(&mut self, path: &Path) -> io::Result<Option<Kind>>;
    /// Does this belong to the user who runs this? `true` where the system has no owners.
    fn is_ours(&mut self, path: &Path) -> io::Result<bool>;
    /// The whole file.
    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>>;
    /// Moves a file to a name in the same folder that is free: an existing file there is an error
    /// (`AlreadyExists`), never replaced. Lasting when it returns.
    fn move_to_free(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Deletes one of our own backups.
    fn delete_backup(&mut self, path: &Path) -> io::Result<()>;
    /// The names in a folder.
    fn names(&mut self, folder: &Path) -> io::Result<Vec<String>>;
    /// Who else holds this file open, as far as the system tells: names with process ids; without one where it only
    /// tells that somebody does.
    fn holders(&mut self, path: &Path) -> io::Result<Vec<(Option<u32>, String)>>;
    /// Can this many bytes be written beside our journal?
    fn has_room(&mut self, bytes: u64) -> io::Result<bool>;

    /// The journal, for people.
    fn journal(&self) -> &Path {
        Path::new("the journal")
    }

    /// Appends to the journal, synced to disk when it returns.
    fn record(&mut self, record: &Record) -> io::Result<()>;

    /// Does the program of this plan still run (the same process, not another one of its id)?
    fn runs(&mut self, program: &Program) -> io::Result<bool>;
    /// Does a process of the same program, by full path, run for this user in this session?
    fn runs_again(&mut self, program: &Program) -> io::Result<bool>;
    /// Asks it to close, as a user would.
    fn ask_to_close(&mut self, program: &Program) -> io::Result<()>;
    /// Ends it without asking.
    fn end(&mut self, program: &Program) -> io::Result<()>;
    /// Starts it as it ran: arguments, folder.
    fn start(&mut self, program: &Program) -> io::Result<()>;

    /// The time.
    fn now(&mut self) -> Timestamp;
    /// Lets time pass.
    fn pause(&mut self, time: Duration);
    /// Tells who watches how it goes.
    fn tell(&mut self, progress: Progress);
    /// Does the user want no more? Then all is taken back.
    fn is_canceled(&mut self) -> bool;
}

/// How it goes, for who watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "progress")]
pub enum Progress {
    /// A step begins.
    Begins {
        /// Which of the plan's steps, from 0.
        index: usize,
        /// The step in words.
        title: String,
    },
    /// A program was asked to close.
    Waiting {
        /// Its name.
        program: String,
        /// Seconds left until it counts as refusing.
        seconds_left: u64,
    },
    /// A step is done.
    Done {
        /// Which of the plan's steps, from 0.
        index: usize,
        /// The step in words.
        title: String,
    },
    /// Something was found otherwise than expected, and dealt with.
    Note {
        /// What.
        text: String,
    },
    /// A step failed, or the user wants no more. What was done is taken back.
    Failed {
        /// Why.
        why: String,
    },
}
