//! The Client's `servers.xml`: a tolerant reader. We never write the file.
//!
//! Its format is not published, so no shape is taken for granted: any root, data in elements or attributes,
//! any prefix and letter case, every usual encoding. What is certain is taken, what is not is left open with a
//! note, and a file that is cut off or broken is an error as a whole, so that the caller keeps what it knew.
//! docs/servers-xml.md lists the shapes, names and rules, each with how well it is founded.
//!
//! - `decode` turns the bytes into text.
//! - `scan` walks the XML, checks that it is well-formed and within the limits, and words what is wrong.
//! - `records` decides what a server is, while the elements stream by: there is no tree.
//! - `fields` knows the names, `values` the dates and numbers, `draft` collects what one record says.

mod decode;
mod draft;
mod fields;
mod file;
mod records;
mod scan;
mod values;

pub use file::{Reading, read_file};

use crate::domain::Entry;
use jiff::Timestamp;
use std::{fmt, time::Duration};

/// How much work a file may cause before it is refused. A file of the Client stays far below all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file. Default 128 MiB, which holds 100,000 servers of some 15 fields each in UTF-8 (about
    /// 75 MB). Nothing is allocated ahead: a file of 20 kB costs 20 kB.
    pub max_bytes: u64,
    /// Elements within elements. Default 64.
    pub max_depth: usize,
    /// Servers in the file. Default 200,000. One more is an error: the list is never cut silently.
    pub max_records: usize,
    /// Time for reading and parsing. Default 2 seconds.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_bytes: 128 * 1024 * 1024,
            max_depth: 64,
            max_records: 200_000,
            time: Duration::from_secs(2),
        }
    }
}

/// What a well-formed file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The servers, in the order of the file. A server that is listed twice is here twice.
    pub entries: Vec<Entry>,
    /// What is worth knowing about the file as a whole, in sentences for people.
    pub notes: Vec<String>,
}

/// Why the file cannot be used, and where. Holds nothing of what the file says but names of elements.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {cause}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
    /// What is wrong there.
    pub cause: Cause,
}

/// What is wrong with a file. `Display` gives a clause for people: `the file ends in the middle of <Server>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No byte, or nothing but blanks.
    Empty,
    /// Nothing but zero bytes, as a power failure during a write can leave behind.
    Zeroed,
    /// It ends before its first element is complete, or (with a name) inside that element.
    Truncated(Option<String>),
    /// It is not well-formed XML.
    Broken(String),
    /// It declares entities, which we never expand.
    Entities,
    /// It is in an encoding that we cannot read; the name as far as it can be shown.
    Encoding(String),
    /// More bytes than [`Limits::max_bytes`], which is given.
    TooBig(u64),
    /// Deeper than [`Limits::max_depth`], which is given.
    TooDeep(usize),
    /// More servers than [`Limits::max_records`], which is given.
    TooMany(usize),
    /// Took longer than [`Limits::time`], which is given.
    TooSlow(Duration),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Empty => f.write_str("the file is empty"),
            Cause::Zeroed => f.write_str("the file holds nothing but zero bytes, as after a power failure"),
            Cause::Truncated(Some(name)) => write!(f, "the file ends in the middle of <{name}>"),
            Cause::Truncated(None) => f.write_str("the file ends before its data begin"),
            Cause::Broken(what) => f.write_str(what),
            Cause::Entities => f.write_str("the file declares entities, which are not read for safety"),
            Cause::Encoding(name) => write!(f, "the file is in the encoding {name}, which is not known"),
            Cause::TooBig(max) => write!(f, "the file is larger than {} MiB", max.div_ceil(1024 * 1024)),
            Cause::TooDeep(max) => write!(f, "the elements are nested more than {max} deep"),
            Cause::TooMany(max) => write!(f, "the file lists more than {max} servers"),
            Cause::TooSlow(max) => write!(f, "reading took longer than {:.1} s", max.as_secs_f64()),
        }
    }
}

/// Reads the bytes of a `servers.xml`. `read_at` becomes that of the entries.
///
/// Well-formed without any server is no error: the list is empty.
///
/// # Errors
/// The file as a whole is refused when it is empty, cut off, broken, in an unknown encoding, declares entities,
/// or goes beyond a limit.
pub fn parse(bytes: &[u8], read_at: Timestamp, limits: &Limits) -> Result<Parsed, ParseError> {
    parse_until(bytes, read_at, limits, &scan::Deadline::new(limits.time))
}

/// [`parse`] within a time that began before.
fn parse_until(
    bytes: &[u8],
    read_at: Timestamp,
    limits: &Limits,
    deadline: &scan::Deadline,
) -> Result<Parsed, ParseError> {
    let start = |cause| ParseError { line: 1, column: 1, cause };
    if bytes.len() as u64 > limits.max_bytes {
        return Err(start(Cause::TooBig(limits.max_bytes)));
    }
    let decoded = decode::decode(bytes).map_err(start)?;
    let mut parsed = scan::scan(&decoded.text, read_at, limits, deadline)?;
    if let Some(note) = decoded.note {
        parsed.notes.insert(0, note);
    }
    Ok(parsed)
}
