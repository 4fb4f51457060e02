//! Loading the settings at run time: a bad file never stops the tray.

use super::{
    DEFAULT_FILE, MAX_FILE, Settings,
    keys::{AnySlot, known_keys},
    machine::{Layered, Machine, machine_file},
    parse::{Located, parse_located},
};
use crate::{
    domain::{Fault, Problem, knowledge::Outcome},
    store::atomic,
};
use jiff::{Timestamp, tz::TimeZone};
use std::{fs, path::Path, time::SystemTime};

/// Settings in force, and what is wrong with the file.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What is in force.
    pub settings: Settings,
    /// What is wrong; each says in its next step which settings are in force meanwhile.
    pub problems: Vec<Problem>,
    /// What the user's file says in vain, because the machine's or a policy locks it. No fault of anybody.
    pub notes: Vec<Problem>,
    /// When the file that is in force was last written; the time of loading when none is.
    pub read_at: Timestamp,
    /// Where the settings come from.
    pub from: Origin,
    layered: Layered,
}

/// Where settings come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The settings file.
    File,
    /// Our copy of the last settings file without mistakes, because the file now has some.
    LastGood {
        /// When that settings file was written.
        saved_at: Timestamp,
    },
    /// Nowhere: there is no file, or it is empty.
    Nowhere,
    /// Nowhere: the file has mistakes, and there is no copy.
    Defaults,
}

/// Loads the settings file. One with mistakes is set aside for the copy of the last good one at `last_good`,
/// else for the defaults. Writes nothing: see [`load_and_keep`].
///
/// No file, or an empty one, means the defaults and is no problem: editors leave either for a moment.
///
/// Below it all lies the machine's settings file ([`machine_file`]), if there is one, and over that the policies of
/// this machine ([`super::use_policies`]).
pub fn load(path: &Path, last_good: &Path) -> Loaded {
    load_over(machine_file().as_deref(), path, last_good, false)
}

/// As [`load`]; and a good file whose content differs is copied to `last_good` (mode 0600 on Unix).
pub fn load_and_keep(path: &Path, last_good: &Path) -> Loaded {
    load_over(machine_file().as_deref(), path, last_good, true)
}

/// As [`load`] or [`load_and_keep`], over the machine's settings file that is named: its values are the defaults, and what it locks
/// holds.
pub fn load_over(machine: Option<&Path>, path: &Path, last_good: &Path, keep: bool) -> Loaded {
    let (machine, mut faults) = Machine::read(machine);
    let mut loaded = load_user(&machine, path, last_good, keep);
    faults.append(&mut loaded.problems);
    Loaded { problems: faults, ..loaded }
}

fn load_user(machine: &Machine, path: &Path, last_good: &Path, keep: bool) -> Loaded {
    let no_file =
        |problems, from| Loaded { from, ..Loaded::of(machine.below(&Located::default(), path), problems) };
    let problems = match read(path) {
        Ok(None) => return no_file(Vec::new(), Origin::Nowhere),
        Ok(Some(file)) => {
            let kept = if keep { keep_good(&file, last_good) } else { Ok(()) };
            let problems = kept.err().into_iter().collect();
            return file.loaded(machine, path, problems, Origin::File);
        }
        Err(problems) => problems,
    };
    match read(last_good) {
        Ok(Some(file)) => {
            let saved_at = file.written;
            let date = saved_at.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M");
            let until = format!("Until then the last good settings, of {date}, are in force.");
            file.loaded(machine, last_good, with_next(problems, &until), Origin::LastGood { saved_at })
        }
        _ => no_file(with_next(problems, "Until then the default settings are in force."), Origin::Defaults),
    }
}

struct GoodFile {
    located: Located,
    bytes: Vec<u8>,
    written: Timestamp,
    written_as: SystemTime,
}

impl GoodFile {
    fn loaded(self, machine: &Machine, path: &Path, problems: Vec<Problem>, from: Origin) -> Loaded {
        let layered = machine.below(&self.located, path);
        Loaded { read_at: self.written, from, ..Loaded::of(layered, problems) }
    }
}

impl Loaded {
    /// What holds without any file.
    #[cfg(test)]
    pub(crate) fn defaults(problems: Vec<Problem>) -> Loaded {
        Loaded::of(Machine::default().below(&Located::default(), Path::new("")), problems)
    }

    /// Read now, from no file of the user's.
    fn of(mut layered: Layered, problems: Vec<Problem>) -> Loaded {
        Loaded {
            settings: std::mem::take(&mut layered.settings),
            problems,
            notes: std::mem::take(&mut layered.notes),
            read_at: Timestamp::now(),
            from: Origin::Nowhere,
            layered,
        }
    }

    /// What the file says of servers. That it is away for a moment, or has mistakes, erases nothing.
    pub fn outcome(&self) -> Outcome {
        let entries = self.settings.entries(self.read_at);
        match self.from {
            Origin::Nowhere if entries.is_empty() => Outcome::Absent,
            Origin::Defaults if entries.is_empty() => Outcome::Failed,
            _ => Outcome::Read(entries),
        }
    }
}

/// `None`: no such file, or nothing in it.
fn read(path: &Path) -> Result<Option<GoodFile>, Vec<Problem>> {
    let Some((bytes, written_as)) = atomic::read_dated(path, MAX_FILE).map_err(|problem| vec![problem])?
    else {
        return Ok(None);
    };
    let text = decode(&bytes, path).map_err(|problem| vec![problem])?;
    if super::parse::without_mark(text).trim().is_empty() {
        return Ok(None);
    }
    let located = parse_located(text, path)?;
    let written = Timestamp::try_from(written_as).unwrap_or_else(|_| Timestamp::now());
    Ok(Some(GoodFile { located, bytes, written, written_as }))
}

/// The file as text.
pub(super) fn decode<'b>(bytes: &'b [u8], path: &Path) -> Result<&'b str, Problem> {
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        let why = if utf16 { "it is UTF-16 text" } else { "it is not UTF-8 text" };
        let place = format!("{}, line {line}", path.display());
        Problem::new(
            Fault::Config,
            "The settings file cannot be read",
            place,
            why,
            "Save it with encoding UTF-8",
        )
    })
}

/// Copies a good file, with its time, where the copy differs.
fn keep_good(file: &GoodFile, last_good: &Path) -> Result<(), Problem> {
    if let Ok(Some(kept)) = atomic::read_bounded(last_good, MAX_FILE)
        && kept == file.bytes
    {
        return Ok(());
    }
    atomic::replace(last_good, &file.bytes).map_err(|problem| Problem {
        what: "Cannot keep a copy of the settings, for when the file has a mistake".into(),
        ..problem
    })?;
    // Only the date shown with the copy depends on it.
    if let Ok(copy) = fs::File::options().write(true).open(last_good) {
        let _ = copy.set_modified(file.written_as);
    }
    Ok(())
}

fn with_next(problems: Vec<Problem>, until: &str) -> Vec<Problem> {
    problems.into_iter().map(|problem| problem.and_next(until)).collect()
}

/// Writes the commented default file unless there is a file. Tells whether it did.
///
/// # Errors
///
/// It cannot be written.
pub fn write_default_if_absent(path: &Path) -> Result<bool, Problem> {
    atomic::create(path, DEFAULT_FILE.as_bytes())
}

/// One value in force, for `settings show`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveValue {
    /// The full key: `notices.expiring_days`, `server.PROD-01.port`.
    pub key: String,
    /// The value as in the file, a secret masked. `None`: there is none, or the program finds it.
    pub value: Option<String>,
    /// Where it comes from.
    pub origin: ValueOrigin,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueOrigin {
    /// The program's default.
    Default,
    /// This line, from 1, of the file that is in force ([`Loaded::from`]).
    Line(usize),
    /// This line, from 1, of the machine's settings file.
    Machine(usize),
    /// The machine's settings file, which locks it; or the program's default, which that file locks.
    MachineLocked,
    /// A policy of this machine, which sets the default.
    Policy,
    /// A policy of this machine, which locks it.
    PolicyLocked,
}

/// Every value in force: all keys of all sections, then what is given of each server.
pub fn effective(loaded: &Loaded) -> Vec<EffectiveValue> {
    let mut settings = loaded.settings.clone();
    let origin = |origin: Option<&ValueOrigin>| origin.copied().unwrap_or(ValueOrigin::Default);
    let mut values = Vec::new();
    for info in known_keys() {
        if let AnySlot::Settings(slot) = &info.slot {
            values.push(EffectiveValue {
                key: info.key.to_string(),
                value: slot.shown(&mut settings),
                origin: origin(loaded.layered.origins.get(info.key)),
            });
        }
    }
    for (at, server) in settings.servers.iter_mut().enumerate() {
        let origins = loaded.layered.servers.get(at);
        let title = server.title().to_string();
        for info in known_keys() {
            if let AnySlot::Server(slot) = &info.slot
                && let Some(origin) = origins.and_then(|origins| origins.get(info.key))
                && let Some(value) = slot.shown(server)
            {
                values.push(EffectiveValue {
                    key: format!("server.{title}.{}", info.name()),
                    value: Some(value),
                    origin: *origin,
                });
            }
        }
    }
    values
}
