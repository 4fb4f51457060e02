//! Locks on files of ours that go with the process that holds them, however it ends.

use super::private;
use crate::{
    domain::{Fault, Problem},
    store::atomic,
};
use std::{
    fs::{File, TryLockError},
    io::{self, ErrorKind},
    path::Path,
    time::{Duration, Instant},
};

/// How long until the next try.
const PAUSE: Duration = Duration::from_millis(5);

/// A lock that is held. Given back when dropped, or when the process ends in whatever way.
pub struct Lock {
    _file: File,
}

/// Takes the lock; `None` while another process has it. Its folder must be there.
///
/// # Errors
///
/// [`Problem::io`] where the file cannot be opened, or is no file of ours.
pub fn take(path: &Path) -> Result<Option<Lock>, Problem> {
    let file = private::open(File::options().create(true).truncate(false).write(true), path)
        .map_err(|error| cannot_lock(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(cannot_lock(path, &error)),
    }
}

/// Takes the lock, and waits for its turn while other processes have it, so long at most. Makes its folder. `what`
/// cannot be done without it.
///
/// # Errors
///
/// As for [`take`]; [`Fault::Unavailable`] where another process has it all the while.
pub fn take_in_turn(path: &Path, patience: Duration, what: &str) -> Result<Lock, Problem> {
    if let Some(folder) = path.parent() {
        atomic::create_folder(folder)?;
    }
    let until = Instant::now() + patience;
    loop {
        if let Some(lock) = take(path)? {
            return Ok(lock);
        }
        if Instant::now() >= until {
            return Err(Problem::new(
                Fault::Unavailable,
                what,
                path.display().to_string(),
                format!("another process has had it for {} s", patience.as_secs()),
                "Wait until other commands of visualcron-tray have ended, and try again.",
            ));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Whether another process has the lock. Leaves no trace; but whoever tries to take the lock at this very moment
/// may find it taken.
///
/// # Errors
///
/// As for [`take`].
pub fn is_taken(path: &Path) -> Result<bool, Problem> {
    let file = match private::open(File::options().read(true), path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(cannot_lock(path, &error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(cannot_lock(path, &error)),
    }
}

fn cannot_lock(path: &Path, error: &io::Error) -> Problem {
    let next = "Check that the folder can be written, or give another with --data-dir.";
    Problem::io("Cannot lock", path, error, next)
}
