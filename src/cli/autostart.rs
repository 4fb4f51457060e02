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
            let on = matches!(action, Switch::On);
            autostart::set(on)?;
            // A running tray is told, so that its menu shows it.
            let command = Command::Autostart(on).to_string();
            instance::ask(&session.dirs, Request::Run { command });
        }
    }
    let on = autostart::is_on()?;
    out.show(&serde_json::json!({ "autostart": on }), || if on { "on" } else { "off" }.into()).map(|()| 0)
}
