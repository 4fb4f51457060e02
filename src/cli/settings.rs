//! `settings`: show and change them.

use super::{Out, Session, args::SettingsAction, status::table};
use crate::{
    domain::{Fault, Problem},
    platform::lock::{self, Lock},
    store::settings::{self, Change, Machine, ValueOrigin, machine_file},
};
use std::{io::Read, time::Duration};

/// How long other commands that change the settings are waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of a value.
const MAX_VALUE: u64 = 64 * 1024;

pub fn run(session: &Session, action: SettingsAction, out: &Out) -> Result<u8, Problem> {
    let path = &session.dirs.config;
    match action {
        SettingsAction::Path => {
            out.show(&serde_json::json!({ "path": path }), || path.display().to_string()).map(|()| 0)
        }
        SettingsAction::Set { key, value } => {
            let value = if value == "-" { from_stdin()? } else { value };
            change(session, &key, out, || settings::set(path, &key, &value))
        }
        SettingsAction::Unset { key } => change(session, &key, out, || settings::unset(path, &key)),
        SettingsAction::RemoveServer { name } => {
            let _turn = may_change(session, &format!("server.{name}"))?;
            settings::remove_server(path, &name)?;
            let report = serde_json::json!({ "removed_server": name });
            out.show(&report, || format!("server.{name}: removed from {}", path.display())).map(|()| 0)
        }
        SettingsAction::ProxyPassword { action } => super::proxy_password::run(session, action, out),
        SettingsAction::Show => show(session, out),
    }
}

/// Waits for the turn to change this key, if the machine's settings and policies allow that. What has mistakes locks
/// nothing; `settings show` tells of them.
fn may_change(session: &Session, key: &str) -> Result<Lock, Problem> {
    session.dirs.must_keep("settings")?;
    let (machine, _) = Machine::read(machine_file().as_deref());
    machine.refusal(key).map_or(Ok(()), Err)?;
    lock::take_in_turn(&session.dirs.settings_lock(), PATIENCE, "Cannot lock")
}

fn change(
    session: &Session,
    key: &str,
    out: &Out,
    change: impl FnOnce() -> Result<Change, Problem>,
) -> Result<u8, Problem> {
    let _turn = may_change(session, key)?;
    settings::write_default_if_absent(&session.dirs.config)?;
    let before = in_force(session, key);
    let mut change = change()?;
    // The default is the machine's, where that has one.
    if let (Some(before), Some(after)) = (before, in_force(session, key)) {
        (change.old, change.new) = (before, after);
    }
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "default".into());
    let report = serde_json::json!({ "key": key, "old": change.old, "new": change.new });
    let text = format!("{key}: {} (was {})", shown(&change.new), shown(&change.old));
    out.show(&report, || text).map(|()| 0)
}

/// The value in force of a key that is not a server's.
fn in_force(session: &Session, key: &str) -> Option<Option<String>> {
    let values = settings::effective(&session.load_settings());
    let of_server = key.starts_with("server.");
    values.into_iter().find(|value| !of_server && value.key == key).map(|value| value.value)
}

/// A value from standard input: for an activation code, which others could see on a command line.
fn from_stdin() -> Result<String, Problem> {
    let mut value = String::new();
    std::io::stdin().take(MAX_VALUE).read_to_string(&mut value).map_err(|error| {
        Problem::new(
            Fault::Io,
            "Cannot read the value",
            "standard input",
            error.to_string(),
            "Pipe it in, or give it on the command line.",
        )
    })?;
    Ok(value.trim_end_matches(['\r', '\n']).to_string())
}

fn show(session: &Session, out: &Out) -> Result<u8, Problem> {
    let loaded = session.load_settings();
    let values = settings::effective(&loaded);
    let origin = |origin: &ValueOrigin| match origin {
        ValueOrigin::Default => "default".to_string(),
        ValueOrigin::Line(line) => format!("line {line}"),
        ValueOrigin::Machine(line) => format!("machine, line {line}"),
        ValueOrigin::MachineLocked => "machine, locked".into(),
        ValueOrigin::Policy => "policy".into(),
        ValueOrigin::PolicyLocked => "policy, locked".into(),
    };
    let rows: Vec<[String; 3]> = values
        .iter()
        .map(|value| {
            [value.key.clone(), value.value.clone().unwrap_or_else(|| "(none)".into()), origin(&value.origin)]
        })
        .collect();
    let json: Vec<_> = values
        .iter()
        .map(|v| serde_json::json!({ "key": v.key, "value": v.value, "origin": origin(&v.origin) }))
        .collect();
    let report = serde_json::json!({
        "schema": 1,
        "path": session.dirs.config,
        "settings": json,
        "problems": loaded.problems,
        "notes": loaded.notes,
        "machine_path": machine_file().filter(|path| path.is_file()),
    });
    out.show(&report, || table(&rows))?;
    if !out.json() {
        loaded.problems.iter().chain(&loaded.notes).for_each(|problem| out.problem(problem));
    }
    Ok(loaded.problems.first().map_or(0, |problem| problem.fault.exit_code()))
}
