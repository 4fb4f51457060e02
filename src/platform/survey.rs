//! Where VisualCron's folders and programs are on this machine.

use super::dirs::Dirs;
use crate::{
    app::Places,
    domain::{
        Entry, Source,
        installation::{CLIENT, Found, Installation, Program},
    },
    recovery::{plan::SERVER_FILES, words},
    store::settings::Settings,
};
use jiff::Timestamp;
use std::{path::PathBuf, time::SystemTime};

/// Looks where everything is. Reads no file of the user's.
pub fn survey(dirs: &Dirs, settings: &Settings) -> Places {
    let installation = installation(dirs);
    let visualcron = dirs
        .visualcron_asked
        .clone()
        .or_else(|| settings.visualcron.folder.clone())
        .unwrap_or_else(|| dirs.visualcron_default.clone());
    let settings_folder = visualcron.join("settings");
    // A folder named in the settings holds both; what was found may be in two places.
    let of_server =
        |name: &str, found: &Option<Found<String>>| match (&settings.visualcron.server_folder, found) {
            (Some(folder), _) => folder_at(folder.join(name)),
            (None, Some(found)) => folder_at(PathBuf::from(&found.value)),
            (None, None) => Err("no server on this machine".to_string()),
        };
    let written = |program: &Found<Program>| std::fs::metadata(&program.value.path)?.modified();
    let server_written = installation.server.as_ref().and_then(|program| written(program).ok());
    Places {
        servers_xml: settings_folder.join("servers.xml"),
        client_log: folder_at(visualcron.join("log")),
        client_program: client_program(settings, &installation),
        server_log: of_server("log", &installation.server_log),
        server_settings: of_server("settings", &installation.server_settings),
        server_files_in_client_settings: SERVER_FILES
            .into_iter()
            .filter(|file| settings_folder.join(file).exists())
            .map(str::to_string)
            .collect(),
        client_settings: folder_at(settings_folder),
        no_recovery: words::NOT_HERE,
        service: service(dirs, &installation),
        server: server(&installation, server_written),
        client_version: installation.client.as_ref().and_then(|client| client.value.version),
        visualcron,
    }
}

/// The names of this machine, so that a server on it is known under each of them.
pub fn local_names() -> Vec<String> {
    let name = hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let short = name.split('.').next().unwrap_or_default().to_string();
    let mut names = vec![name, short];
    names.retain(|name| !name.is_empty());
    names.dedup();
    names
}

fn folder_at(path: PathBuf) -> Result<PathBuf, String> {
    match std::fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => Ok(path),
        Ok(_) => Err(format!("not a folder: {}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("no such folder: {}", path.display()))
        }
        Err(error) => Err(format!("cannot look into {}: {}", path.display(), error.kind())),
    }
}

fn client_program(settings: &Settings, installation: &Installation) -> Result<PathBuf, String> {
    match (&settings.visualcron.client_program, &installation.client) {
        (Some(program), _) if program.is_file() => Ok(program.clone()),
        (Some(program), _) => Err(format!("no such program: {}", program.display())),
        (None, Some(client)) => Ok(PathBuf::from(&client.value.path)),
        (None, None) if cfg!(windows) => Err(format!("{CLIENT} was not found")),
        (None, None) => Err("the Client is a Windows program".into()),
    }
}

/// What is installed on this machine. A demo has nothing to do with it: its buttons must not stop a real service.
fn installation(dirs: &Dirs) -> Installation {
    #[cfg(windows)]
    if !crate::host::demo::is_demo(dirs) {
        return super::windows::discovery::look();
    }
    let _ = dirs;
    Installation::default()
}

/// The Windows service, for the menu; `None` where the system has no such services, and in a demo.
fn service(dirs: &Dirs, installation: &Installation) -> Option<Result<String, String>> {
    #[cfg(windows)]
    if !crate::host::demo::is_demo(dirs) {
        return Some(super::windows::service::for_menu(installation));
    }
    let _ = (dirs, installation);
    None
}

/// What the installation says of the server on this machine, under the machine's name. Its port is not known.
fn server(installation: &Installation, written: Option<SystemTime>) -> Option<Entry> {
    let program = installation.server.as_ref().filter(|_| installation.has_server())?;
    let read_at = written.and_then(|time| Timestamp::try_from(time).ok()).unwrap_or(Timestamp::UNIX_EPOCH);
    Some(Entry {
        address: Some(local_names().into_iter().next().unwrap_or_else(|| "localhost".into())),
        installed_version: program.value.version,
        notes: installation.notes(),
        ..Entry::new(Source::Installation, read_at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::dirs::Pretense;

    #[test]
    fn folders_that_are_there_and_reasons_for_those_that_are_not() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("VisualCron");
        std::fs::create_dir_all(folder.join("settings")).unwrap();
        std::fs::write(folder.join("log"), "a file").unwrap();
        std::fs::write(folder.join("settings/jobs.xml"), "").unwrap();
        let dirs = Dirs {
            visualcron_asked: Some(folder.clone()),
            visualcron_default: "/nowhere".into(),
            config: "/nowhere/settings.toml".into(),
            data: "/nowhere".into(),
            pretense: Pretense::None,
        };
        let places = survey(&dirs, &Settings::default());
        assert_eq!(places.client_settings, Ok(folder.join("settings")));
        assert_eq!(places.client_log, Err(format!("not a folder: {}", folder.join("log").display())));
        assert_eq!(places.server_files_in_client_settings, ["jobs.xml"]);
        assert_eq!(places.server_log, Err("no server on this machine".into()));
    }

    #[test]
    fn the_installed_server_tells_its_version_and_when_it_was_written() {
        use crate::domain::installation::{Certainty, SERVICE, Service, StartType};
        fn found<T>(value: T) -> Option<Found<T>> {
            Some(Found { value, by: String::new(), certainty: Certainty::Documented })
        }
        let program = Program { path: SERVICE.into(), version: "13.2.2".parse().ok() };
        let with = |start| Installation {
            server: found(program.clone()),
            service: found(Service { name: "VisualCron".into(), start }),
            ..Installation::default()
        };
        let written = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(86_400);
        let entry = server(&with(StartType::Automatic), Some(written)).unwrap();
        assert_eq!(entry.installed_version, program.version);
        assert_eq!((entry.name, entry.read_at.as_second()), (None, 86_400));
        assert_eq!(server(&with(StartType::Disabled), Some(written)), None);
    }
}
