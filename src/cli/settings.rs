//! `settings`: show and change them.

use super::{Out, Session, args::SettingsAction, status::table};
use crate::{
    domain::{Fault, Problem},
    store::settings::{self, ValueOrigin},
};
use std::io::Read;

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
            settings::write_default_if_absent(path)?;
            let change = settings::set(path, &key, &value)?;
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "default".into());
            let report = serde_json::json!({ "key": key, "old": change.old, "new": change.new });
            let text = format!("{key}: {} (was {})", shown(&change.new), shown(&change.old));
            out.show(&report, || text).map(|()| 0)
        }
        SettingsAction::Show => show(session, out),
    }
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
    });
    out.show(&report, || table(&rows))?;
    if !out.json() {
        loaded.problems.iter().for_each(|problem| out.problem(problem));
    }
    Ok(loaded.problems.first().map_or(0, |problem| problem.fault.exit_code()))
}
