//! Start on logon, for the current user only.
//!
//! The entry starts the tray with the options that this program was given: a tray that looks after other folders must
//! not come back with the usual ones.

#[cfg(any(target_os = "linux", test))]
mod desktop_entry;
#[cfg(any(windows, test))]
mod run_key;

#[cfg(target_os = "linux")]
use desktop_entry as system;
#[cfg(windows)]
use run_key as system;
#[cfg(windows)]
pub use run_key::line as command_line;

use crate::domain::{Fault, Problem};
use std::{ffi::OsString, sync::OnceLock};

/// What the entry is called, on every system.
const NAME: &str = "visualcron-tray";

/// Whether the tray starts on logon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It does.
    On,
    /// The entry is there, but was switched off in this place.
    SwitchedOff(&'static str),
    /// An entry of the whole machine starts it for every user.
    ForAllUsers,
    /// It does not.
    Off,
}

impl Start {
    /// Does it start?
    pub fn is_on(self) -> bool {
        matches!(self, Start::On | Start::ForAllUsers)
    }

    /// What there is to know besides.
    pub fn note(self) -> Option<String> {
        match self {
            Start::SwitchedOff(place) => Some(format!("switched off in {place}")),
            Start::ForAllUsers => Some("for all users of this machine".into()),
            Start::On | Start::Off => None,
        }
    }
}

static OPTIONS: OnceLock<Vec<OsString>> = OnceLock::new();

/// Says with which options the tray is to be started. Counts once.
pub fn use_options(options: Vec<OsString>) {
    let _ = OPTIONS.set(options);
}

/// Does the tray start on logon?
pub fn is_on() -> Result<bool, Problem> {
    status().map(Start::is_on)
}

/// Whether the tray starts on logon, and if not, why.
pub fn status() -> Result<Start, Problem> {
    system::status()
}

/// Lets the tray start on logon, or not. What the user switched off elsewhere is switched on by their own word.
pub fn set(on: bool) -> Result<(), Problem> {
    if !on {
        return system::remove();
    }
    let words = words()?;
    system::write(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What an installer leaves behind: an entry that is there keeps its options, and what switched it off. If its program
/// is gone it names this one. Where there is none there is one now, if it is `wanted`.
#[cfg(windows)]
pub fn after_installing(wanted: bool) -> Result<(), Problem> {
    match words()?.first() {
        Some(program) => run_key::repair(program, wanted),
        None => Ok(()),
    }
}

/// The options of the entry: of this user's, else of that for all users.
#[cfg(windows)]
pub fn options_of_entry() -> Result<Vec<String>, Problem> {
    let command = run_key::entry()?.unwrap_or_default();
    Ok(super::windows::programs::arguments(&command.encode_utf16().collect::<Vec<_>>()))
}

/// The tray's program, and the options that it is to be started with.
pub fn words() -> Result<Vec<String>, Problem> {
    let program = super::program::path().map_err(|error| {
        Problem::new(
            Fault::Software,
            "Cannot tell where this program is",
            "the running program",
            error.to_string(),
            "Start it by its full path.",
        )
    })?;
    let options = OPTIONS.get().map_or(&[][..], Vec::as_slice);
    let mut words = Vec::new();
    for word in [program.as_os_str()].into_iter().chain(options.iter().map(OsString::as_os_str)) {
        let text = word.to_str().filter(|text| !text.contains('\0'));
        words.push(text.ok_or_else(|| failed(&word.to_string_lossy(), "it is no Unicode text"))?.to_string());
    }
    Ok(words)
}

fn failed(place: &str, why: impl Into<String>) -> Problem {
    Problem::new(
        Fault::Io,
        "Cannot change the start on logon",
        place,
        why,
        "Add the program to the logon programs of your desktop by hand.",
    )
}

#[cfg(target_os = "macos")]
mod system {
    use super::{NAME, Start, failed};
    use crate::domain::Problem;

    fn entry(words: &[&str]) -> Result<auto_launch::AutoLaunch, Problem> {
        let (program, options) = words.split_first().unwrap_or((&"", &[]));
        auto_launch::AutoLaunchBuilder::new()
            .set_app_name(NAME)
            .set_app_path(program)
            .set_args(options)
            .set_macos_launch_mode(auto_launch::MacOSLaunchMode::LaunchAgent)
            .build()
            .map_err(|error| why(&error))
    }

    fn why(error: &auto_launch::Error) -> Problem {
        failed("the launch agent of this user", error.to_string())
    }

    pub fn status() -> Result<Start, Problem> {
        let on = entry(&["/"])?.is_enabled().map_err(|error| why(&error))?;
        Ok(if on { Start::On } else { Start::Off })
    }

    pub fn write(words: &[&str]) -> Result<(), Problem> {
        entry(words)?.enable().map_err(|error| why(&error))
    }

    pub fn remove() -> Result<(), Problem> {
        entry(&["/"])?.disable().map_err(|error| why(&error))
    }
}
