//! `autostart`: start on logon, or not.

use super::{Out, Session, args::Switch};
use crate::{
    app::{Command, report::Request},
    domain::Problem,
    platform::{autostart, instance},
};

pub fn run(session: &Session, action: Switch, out: &Out) -> Result<u8, Problem> {
    match action {
        Switch::Status => {}
        Switch::On | Switch::Off => {
            session.dirs.must_keep("autostart")?;
            let on = matches!(action, Switch::On);
            autostart::set(on)?;
            // A running tray is told, so that its menu shows it.
            let command = Command::Autostart(on).to_string();
            let _ = instance::ask(&session.dirs, Request::Run { command });
        }
        #[cfg(windows)]
        Switch::Ensure | Switch::Repair => {
            autostart::after_installing(matches!(action, Switch::Ensure))?;
        }
    }
    let start = autostart::status()?;
    let mut report = serde_json::json!({ "autostart": start.is_on() });
    let mut text = if start.is_on() { "on" } else { "off" }.to_string();
    if let Some(note) = start.note() {
        text = format!("{text} ({note})");
        report["note"] = note.into();
    }
    out.show(&report, || text).map(|()| 0)
}
