//! What the user is told when something does not work: what happened, to what, why, and what to do next.

use super::text::plain;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of failure it is. Decides the exit code of the command line (`sysexits.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Wrong use of the command line: 64.
    Usage,
    /// A file's content cannot be understood: 65.
    Data,
    /// A file or folder that should be there is not: 66.
    NoInput,
    /// A host or service cannot be reached: 69.
    Unavailable,
    /// A mistake of this program: 70.
    Software,
    /// Reading, writing or starting something failed: 74.
    #[default]
    Io,
    /// Not allowed: 77.
    Permission,
    /// The settings file is wrong: 78.
    Config,
}

impl Fault {
    /// The exit code of the command line for this fault, 64 and up (`sysexits.h`).
    pub fn exit_code(self) -> u8 {
        match self {
            Fault::Usage => 64,
            Fault::Data => 65,
            Fault::NoInput => 66,
            Fault::Unavailable => 69,
            Fault::Software => 70,
            Fault::Io => 74,
            Fault::Permission => 77,
            Fault::Config => 78,
        }
    }
}

/// One problem in plain words. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// What happened, as a short sentence without a full stop: `Cannot read servers.xml`.
    pub what: String,
    /// To what: a path with line, a host with port, a step.
    #[serde(rename = "where")]
    pub place: String,
    /// Why: the cause as far as it is known.
    pub why: String,
    /// What to do next.
    pub next: String,
    /// The kind of failure.
    #[serde(skip)]
    pub fault: Fault,
}

impl Problem {
    /// A problem of the given kind, from its four parts.
    pub fn new(
        fault: Fault,
        what: impl Into<String>,
        place: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Problem { what: what.into(), place: place.into(), why: why.into(), next: next.into(), fault }
    }

    /// The same problem, with one more sentence about what to do next, or what holds until then.
    pub fn and_next(self, sentence: &str) -> Self {
        Problem { next: format!("{} {sentence}", ended(&self.next)), ..self }
    }

    /// A problem with a file or folder, its kind taken from the I/O error.
    pub fn io(
        what: impl Into<String>,
        path: &std::path::Path,
        error: &std::io::Error,
        next: impl Into<String>,
    ) -> Self {
        let fault = match error.kind() {
            std::io::ErrorKind::NotFound => Fault::NoInput,
            std::io::ErrorKind::PermissionDenied => Fault::Permission,
            _ => Fault::Io,
        };
        Problem::new(fault, what, path.display().to_string(), plain_io_words(error), next)
    }
}

/// The cause of an I/O error in plain words, without the number that the system appends.
fn plain_io_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_string(),
        None => text,
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Paths and the system's own words come from outside.
        let text = format!("{}: {}: {} {}", self.what, self.place, ended(&self.why), ended(&self.next));
        f.write_str(&plain(&text))
    }
}

/// A sentence with its end mark.
fn ended(sentence: &str) -> String {
    let mark = if sentence.is_empty() || sentence.ends_with(['.', '?', '!', ':']) { "" } else { "." };
    format!("{sentence}{mark}")
}

impl std::error::Error for Problem {}
