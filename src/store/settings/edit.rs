//! Changing one value of the settings file. Comments, order, line ends and every other value stay as they are.
//!
//! A change is made in the text, then the whole result is parsed: only when it says exactly what was asked for,
//! and nothing else has changed, is it written.

use super::{
    DEFAULT_FILE, MAX_FILE, Server, Settings,
    keys::{AnySlot, KeyInfo, help_for_unknown, key},
    load::decode,
    parse::{Located, parse_located, shortened, why_wrong, without_mark},
    slot::{Slot, Wrong},
    splice,
};
use crate::{
    domain::{Fault, Problem},
    store::atomic,
};
use std::path::Path;

/// What a change did. The values are as in the file; secrets are masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The full key: `notices.expiring_days`, `server.PROD-01.port`.
    pub key: String,
    /// What was in force before, a default included.
    pub old: Option<String>,
    /// What is in force now.
    pub new: Option<String>,
}

/// Sets one key of the file, which is created from the default file where it is missing.
///
/// `key` is `notices.quiet_hours`, or `server.NAME.maintenance_until` for the server of that name or address,
/// which is added where there is none. `value` is as in the file, texts without quotes; `default` removes the
/// key.
///
/// # Errors
///
/// An unknown key, a value that is not allowed, a file with mistakes, or one that cannot be written. The file
/// is then as it was.
pub fn set(path: &Path, key: &str, value: &str) -> Result<Change, Problem> {
    let value = if value.trim() == "default" { None } else { Some(value) };
    change(path, |text| edited(text, path, key, value))
}

/// Removes one key from the file, so that its default applies. See [`set`].
///
/// # Errors
///
/// As for [`set`].
pub fn unset(path: &Path, key: &str) -> Result<Change, Problem> {
    change(path, |text| edited(text, path, key, None))
}

/// Removes the `[[server]]` of this name or address from the file.
///
/// # Errors
///
/// No such server, a file with mistakes, or one that cannot be written. The file is then as it was.
pub fn remove_server(path: &Path, name: &str) -> Result<(), Problem> {
    change(path, |text| Ok((without_server(text, path, name)?, ())))
}

fn change<T>(path: &Path, edit: impl Fn(&str) -> Result<(String, T), Problem>) -> Result<T, Problem> {
    for _ in 0..3 {
        let old = atomic::read_bounded(path, MAX_FILE)?;
        let text = match &old {
            Some(bytes) => decode(bytes, path)?,
            None => DEFAULT_FILE,
        };
        let (new, outcome) = edit(text)?;
        // Another program may have written meanwhile: then the change is made again, in what is there now.
        if atomic::read_bounded(path, MAX_FILE)? == old {
            if old.as_deref() != Some(new.as_bytes()) {
                atomic::write(path, new.as_bytes())?;
            }
            return Ok(outcome);
        }
    }
    Err(Problem::new(
        Fault::Io,
        CANNOT_CHANGE,
        path.display().to_string(),
        "another program keeps writing the file",
        "Close that program and try again",
    ))
}

const CANNOT_CHANGE: &str = "Cannot change the settings";

/// What the text of the file becomes when `key` is set to `value`, or removed with `None`. The pure part of
/// [`set`] and [`unset`].
///
/// # Errors
///
/// An unknown key, a value that is not allowed, or a text with mistakes.
pub fn edited(text: &str, path: &Path, key: &str, value: Option<&str>) -> Result<(String, Change), Problem> {
    let target = Target::find(key)?;
    let located = parse_located(text, path).map_err(bad_file)?;
    let mut wanted = located.settings.clone();
    let (info, server, step) = match target {
        Target::Key(info, slot) => (info, None, step(info, slot, &mut wanted, value, key)?),
        Target::Server { name, info, slot } => {
            let at = match find_server(&wanted, name, path)? {
                Some(at) => at,
                None => {
                    wanted.servers.push(new_server(name, info, value, path)?);
                    wanted.servers.len() - 1
                }
            };
            (info, Some(at), step(info, slot, &mut wanted.servers[at], value, key)?)
        }
    };
    let lines = match server {
        None => Some(&located.lines),
        Some(at) => located.servers.get(at),
    };
    let present = lines.is_some_and(|lines| lines.contains_key(info.key));
    // The name of a server that is only now added was not there before.
    let old = step.old.filter(|_| server.is_none() || present);
    let change = Change { key: key.to_string(), old, new: step.new };
    let nothing_to_do = match &step.toml {
        Some(_) => present && step.same,
        None => !present,
    };
    if nothing_to_do {
        return Ok((text.to_string(), change));
    }
    let spot = splice::Spot { info, server };
    let new = verified(text, path, &wanted, |body, by_text| match (step.toml.as_deref(), by_text) {
        (Some(toml), true) => splice::put(body, &spot, toml, &wanted),
        (None, true) => splice::take_out(body, &spot),
        (toml, false) => splice::by_document(body, &spot, toml, &wanted),
    })?;
    Ok((new, change))
}

/// One value before and after: for people, and as it is to be written (`None`: not at all).
struct Step {
    old: Option<String>,
    new: Option<String>,
    toml: Option<String>,
    same: bool,
}

fn step<T: Default>(
    info: &KeyInfo,
    slot: &Slot<T>,
    target: &mut T,
    value: Option<&str>,
    key: &str,
) -> Result<Step, Problem> {
    let written = |target: &mut T| slot.value(target).map(|value| value.to_string());
    let (old, before) = (slot.shown(target), written(target));
    match value {
        Some(value) => take(info, slot, target, value, key)?,
        None => slot.reset(target),
    }
    let after = written(target);
    let same = before == after;
    Ok(Step { old, new: slot.shown(target), toml: after.filter(|_| value.is_some()), same })
}

/// What the text of the file becomes without the server of this name or address. The pure part of
/// [`remove_server`].
///
/// # Errors
///
/// No such server, or a text with mistakes.
pub fn without_server(text: &str, path: &Path, name: &str) -> Result<String, Problem> {
    let located = parse_located(text, path).map_err(bad_file)?;
    let at = find_server(&located.settings, name, path)?.ok_or_else(|| no_server(name, path))?;
    let mut wanted = located.settings;
    wanted.servers.remove(at);
    verified(text, path, &wanted, |body, by_text| {
        if by_text { splice::cut_server(body, at) } else { splice::cut_server_by_document(body, at) }
    })
}

/// The first of the two ways to edit whose result says exactly what is wanted.
fn verified(
    text: &str,
    path: &Path,
    wanted: &Settings,
    edit: impl Fn(&str, bool) -> Option<String>,
) -> Result<String, Problem> {
    let body = without_mark(text);
    let mark = &text[..text.len() - body.len()];
    let mut refused = None;
    for by_text in [true, false] {
        let Some(new) = edit(body, by_text) else { continue };
        let new = format!("{mark}{new}");
        match parse_located(&new, path) {
            Ok(Located { settings, .. }) if settings == *wanted => return Ok(new),
            Ok(_) => {}
            Err(problems) => refused = refused.or(problems.into_iter().next()),
        }
    }
    let (why, next) = match refused {
        Some(problem) => (problem.why, "Choose another value".to_string()),
        None => ("the file is laid out in an unusual way".into(), "Make this change in an editor".into()),
    };
    Err(Problem::new(Fault::Config, CANNOT_CHANGE, path.display().to_string(), why, next))
}

enum Target<'k> {
    Key(&'static KeyInfo, &'static Slot<Settings>),
    Server { name: &'k str, info: &'static KeyInfo, slot: &'static Slot<Server> },
}

impl<'k> Target<'k> {
    fn find(full: &'k str) -> Result<Self, Problem> {
        if let Some(rest) = full.strip_prefix("server.") {
            let Some((name, field)) = rest.rsplit_once('.').filter(|(name, _)| !name.trim().is_empty())
            else {
                let next = "Write server.NAME.KEY, for example server.PROD-01.port";
                return Err(usage(full, "the server's name is missing".into(), next.into()));
            };
            return match key(&format!("server.{field}")) {
                Some(info @ KeyInfo { slot: AnySlot::Server(slot), .. }) => {
                    Ok(Target::Server { name: name.trim(), info, slot })
                }
                _ => Err(unknown(full, "server", field)),
            };
        }
        match key(full) {
            Some(info @ KeyInfo { slot: AnySlot::Settings(slot), .. }) => Ok(Target::Key(info, slot)),
            _ => match full.split_once('.') {
                Some((section, name)) => Err(unknown(full, section, name)),
                None => Err(unknown(full, "", full)),
            },
        }
    }
}

fn usage(key: &str, why: String, next: String) -> Problem {
    Problem::new(Fault::Usage, CANNOT_CHANGE, shortened(key), why, next)
}

fn unknown(full: &str, section: &str, name: &str) -> Problem {
    usage(full, "there is no such key".into(), help_for_unknown(section, name))
}

fn bad_file(problems: Vec<Problem>) -> Problem {
    let why = match problems.len() {
        1 => "the file has a mistake there".to_string(),
        count => format!("the file has {count} mistakes, the first there"),
    };
    match problems.into_iter().next() {
        Some(first) => Problem::new(
            Fault::Config,
            CANNOT_CHANGE,
            first.place,
            format!("{why}: {}", first.why),
            first.next,
        ),
        None => Problem::new(Fault::Software, CANNOT_CHANGE, "the settings file", why, "Report this"),
    }
}

/// Checks what was typed and takes it over.
fn take<T>(info: &KeyInfo, slot: &Slot<T>, target: &mut T, typed: &str, key: &str) -> Result<(), Problem> {
    slot.read(target, &slot.typed(typed)).map_err(|wrong| {
        // On a command line everything is text, so the type that was found would mislead.
        let wrong = Wrong { found: None, ..wrong };
        let next = match (info.default(), info.example) {
            (Some(default), _) => format!("The default is {default}"),
            (None, Some(example)) => format!("For example: {example}"),
            (None, None) => "Choose another value".into(),
        };
        usage(key, why_wrong(info, &wrong), next)
    })
}

/// The server of this name in any letter case, else of this address.
fn find_server(settings: &Settings, name: &str, path: &Path) -> Result<Option<usize>, Problem> {
    let named =
        |text: &Option<String>| text.as_ref().is_some_and(|text| text.to_lowercase() == name.to_lowercase());
    let servers = || settings.servers.iter().enumerate();
    let by_name: Vec<usize> = servers().filter(|(_, server)| named(&server.name)).map(|(at, _)| at).collect();
    let found = match by_name.is_empty() {
        false => by_name,
        true => servers().filter(|(_, server)| named(&server.address)).map(|(at, _)| at).collect(),
    };
    match found.as_slice() {
        [] => Ok(None),
        [at] => Ok(Some(*at)),
        many => Err(Problem::new(
            Fault::Usage,
            CANNOT_CHANGE,
            path.display().to_string(),
            format!("{} servers have the address {}", many.len(), shortened(name)),
            "Use the server's name",
        )),
    }
}

fn no_server(name: &str, path: &Path) -> Problem {
    let why = format!("there is no server {}", shortened(name));
    let next = "See the [[server]] sections of the file for the names";
    Problem::new(Fault::Usage, CANNOT_CHANGE, path.display().to_string(), why, next)
}

fn new_server(name: &str, info: &KeyInfo, value: Option<&str>, path: &Path) -> Result<Server, Problem> {
    let full = format!("server.{name}.{}", info.name());
    // To take away from a server that is not there, or to rename it, is a slip of the name.
    if value.is_none() || (info.name() == "name" && value.map(str::trim) != Some(name)) {
        return Err(no_server(name, path));
    }
    let mut server = Server::default();
    if let Some(name_info @ KeyInfo { slot: AnySlot::Server(slot), .. }) = key("server.name") {
        take(name_info, slot, &mut server, name, &full)?;
    }
    Ok(server)
}
