//! The file on disk: opened once, looked at through the open handle, read within the limits. It may be written by
//! the Client at any moment.

use super::{Cause, Limits, ParseError, parse_until, scan::Deadline};
use crate::domain::{Entry, Fault, Problem};
use jiff::Timestamp;
use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    path::Path,
};

const WHAT: &str = "Cannot read servers.xml";
/// Bytes between two looks at the clock.
const CHUNK: u64 = 1024 * 1024;

/// The outcome of reading the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// There is no such file: the Client never ran for this user, or the recovery flow removed it.
    Absent,
    /// The file is complete.
    Servers {
        /// The servers, in the order of the file; possibly none.
        entries: Vec<Entry>,
        /// What is worth knowing about the file as a whole, in sentences for people.
        notes: Vec<String>,
        /// When the file was last written.
        read_at: Timestamp,
    },
}

/// Reads `servers.xml`. The file is only read, and nothing of it is kept open.
///
/// # Errors
/// A [`Problem`] for people: the file with the line, the cause, and what to do next. Whatever was known from an
/// earlier reading stays valid then.
pub fn read_file(path: &Path, limits: &Limits) -> Result<Reading, Problem> {
    let deadline = Deadline::new(limits.time);
    // A file that changes while it is read is read once more.
    match read_once(path, limits, &deadline) {
        Err(Trouble::Changed) => read_once(path, limits, &deadline),
        other => other,
    }
    .map_err(|trouble| trouble.into_problem(path))
}

enum Trouble {
    Io(io::Error),
    Directory,
    Special,
    Changed,
    Refused(Cause),
    Parse(ParseError),
}

fn read_once(path: &Path, limits: &Limits, deadline: &Deadline) -> Result<Reading, Trouble> {
    // Before opening: the opening of a pipe would wait for its writer, a directory opens on some systems only.
    match fs::metadata(path) {
        Ok(metadata) => is_file(&metadata)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Reading::Absent),
        Err(error) => return Err(Trouble::Io(error)),
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Reading::Absent),
        Err(error) => return Err(Trouble::Io(error)),
    };
    let before = file.metadata().map_err(Trouble::Io)?;
    is_file(&before)?;
    let too_big = || Trouble::Refused(Cause::TooBig(limits.max_bytes));
    if before.len() > limits.max_bytes {
        return Err(too_big());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or_default());
    // At most one byte more than allowed, since the file may grow meanwhile.
    let mut left = limits.max_bytes.saturating_add(1);
    while left > 0 {
        let read = (&mut file).take(left.min(CHUNK)).read_to_end(&mut bytes).map_err(Trouble::Io)?;
        if read == 0 {
            break;
        }
        left = left.saturating_sub(read as u64);
        deadline.check().map_err(Trouble::Refused)?;
    }
    if bytes.len() as u64 > limits.max_bytes {
        return Err(too_big());
    }
    let after = file.metadata().map_err(Trouble::Io)?;
    if after.len() != bytes.len() as u64 || after.modified().ok() != before.modified().ok() {
        return Err(Trouble::Changed);
    }
    let written = after.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    let read_at = written.unwrap_or_else(Timestamp::now);
    let parsed = parse_until(&bytes, read_at, limits, deadline).map_err(Trouble::Parse)?;
    Ok(Reading::Servers { entries: parsed.entries, notes: parsed.notes, read_at })
}

fn is_file(metadata: &Metadata) -> Result<(), Trouble> {
    match () {
        () if metadata.is_file() => Ok(()),
        () if metadata.is_dir() => Err(Trouble::Directory),
        () => Err(Trouble::Special),
    }
}

const CHECK_PATH: &str = "Check the path of the Client's settings folder in the settings.";
const WRITE_ANEW: &str = "The last known data stay in use. If it stays like this, start the Client and close it, so \
                          that it writes the file anew.";

impl Trouble {
    fn into_problem(self, path: &Path) -> Problem {
        let place = path.display().to_string();
        let problem = |fault, why: &str, next| Problem::new(fault, WHAT, place.clone(), why, next);
        match self {
            Trouble::Io(error) => Problem::io(
                WHAT,
                path,
                &error,
                match error.kind() {
                    io::ErrorKind::PermissionDenied => {
                        "Run as the Windows user whose Client wrote the file, or let this user read it."
                    }
                    _ => "Check that the folder can be reached, then read again.",
                },
            ),
            Trouble::Directory => problem(Fault::NoInput, "it is a folder, not a file", CHECK_PATH),
            Trouble::Special => problem(Fault::NoInput, "it is not a regular file", CHECK_PATH),
            Trouble::Changed => problem(
                Fault::Io,
                "it is being written just now",
                "The last known data stay in use. Read again in a moment.",
            ),
            Trouble::Refused(cause) => refused(&place, &cause),
            Trouble::Parse(error) => match error.cause {
                Cause::Truncated(_) | Cause::Broken(_) | Cause::Entities => Problem::new(
                    Fault::Data,
                    WHAT,
                    format!("{place}, line {}", error.line),
                    error.cause.to_string(),
                    WRITE_ANEW,
                ),
                cause => refused(&place, &cause),
            },
        }
    }
}

/// A cause that concerns the file as a whole.
fn refused(place: &str, cause: &Cause) -> Problem {
    let next = match cause {
        Cause::TooBig(_) | Cause::TooDeep(_) | Cause::TooMany(_) => {
            "A file of the Client is far smaller. Check that the path is that of the Client's servers.xml."
        }
        Cause::TooSlow(_) => {
            "The last known data stay in use. Check that the disk or share responds, then read again."
        }
        Cause::Encoding(_) => "Enter the servers in the settings instead, and report the encoding to us.",
        _ => WRITE_ANEW,
    };
    Problem::new(Fault::Data, WHAT, place, cause.to_string(), next)
}
