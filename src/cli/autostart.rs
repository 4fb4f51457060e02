//! `autostart`: start on logon, or not.

#[cfg(any(windows, test))]
use super::args::{Cli, Global};
use super::{Out, Session, args::Switch};
use crate::{
    app::{Command, report::Request},
    domain::Problem,
    platform::{autostart, instance},
};
#[cfg(any(windows, test))]
use clap::Parser;

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
        #[cfg(windows)]
        Switch::Launch => return installer::launch(),
        #[cfg(windows)]
        Switch::Close => return installer::close(session),
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

/// What the options of an entry say of folders: nothing else is taken from there, and from one that is not understood
/// nothing at all.
#[cfg(any(windows, test))]
fn folders_in(options: &[String]) -> Global {
    let line = std::iter::once("visualcron-tray").chain(options.iter().map(String::as_str));
    let Global { visualcron_dir, config, data_dir, .. } =
        Cli::try_parse_from(line).map(|cli| cli.global).unwrap_or_default();
    Global { visualcron_dir, config, data_dir, ..Global::default() }
}

/// Around an upgrade, which must neither overlook the tray that the entry has started, nor start another one.
#[cfg(windows)]
mod installer {
    use super::*;
    use crate::{cli::tray, platform::program};

    fn folders() -> Result<Global, Problem> {
        autostart::options_of_entry().map(|options| folders_in(&options))
    }

    /// This program, and not the one that the entry names: an installer may have rights that its user's own entries
    /// must not get.
    pub fn launch() -> Result<u8, Problem> {
        let options = folders()?.of_folders();
        let tray = program::path().map_err(|error| program::cannot_start(&error))?;
        tray::start_beside(&tray, options).map(|()| 0)
    }

    /// Both are tried, whatever becomes of the first.
    pub fn close(usual: &Session) -> Result<u8, Problem> {
        let of_the_entry = match folders() {
            Ok(folders) if folders.data_dir.is_some() => {
                Session::new(&folders).and_then(|session| tray::end(&session)).map(drop)
            }
            other => other.map(drop),
        };
        tray::end(usual)?;
        of_the_entry.map(|()| 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(options: &[&str]) -> Global {
        folders_in(&options.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn an_entry_has_folders_and_nothing_else_is_taken_from_it() {
        let folder = std::env::temp_dir();
        let folder = folder.to_str().unwrap();
        assert!(kept(&[]).of_folders().is_empty());
        let some = kept(&["--data-dir", folder, "--now", "2026-01-01", "--verbose", "demo"]);
        assert_eq!(some.of_folders(), ["--data-dir", folder]);
        assert!(some.now.is_none() && !some.verbose);
        assert!(kept(&["--data-dir", folder, "--of-another-version"]).of_folders().is_empty());
    }
}
