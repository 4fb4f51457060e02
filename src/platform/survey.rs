//! Where VisualCron's folders and programs are on this machine.

use super::dirs::Dirs;
use crate::{app::Places, recovery::plan::SERVER_FILES, store::settings::Settings};
use std::path::{Path, PathBuf};

/// Looks where everything is. Reads no file.
pub fn survey(dirs: &Dirs, settings: &Settings) -> Places {
    let visualcron = dirs
        .visualcron_asked
        .clone()
        .or_else(|| settings.visualcron.folder.clone())
        .unwrap_or_else(|| dirs.visualcron_default.clone());
    let settings_folder = visualcron.join("settings");
    let server_folder = settings.visualcron.server_folder.clone().or_else(server_folder);
    let of_server = |name: &str| match &server_folder {
        Some(folder) => folder_at(folder.join(name)),
        None => Err("no server on this machine".to_string()),
    };
    Places {
        servers_xml: settings_folder.join("servers.xml"),
        client_log: folder_at(visualcron.join("log")),
        client_program: client_program(settings),
        server_log: of_server("log"),
        server_settings: of_server("settings"),
        server_files_in_client_settings: SERVER_FILES
            .into_iter()
            .filter(|file| settings_folder.join(file).exists())
            .map(str::to_string)
            .collect(),
        client_settings: folder_at(settings_folder),
        service: None,
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

fn client_program(settings: &Settings) -> Result<PathBuf, String> {
    match &settings.visualcron.client_program {
        Some(program) if program.is_file() => Ok(program.clone()),
        Some(program) => Err(format!("no such program: {}", program.display())),
        None => installed("VisualCronClient.exe").ok_or_else(|| {
            if cfg!(windows) {
                "VisualCronClient.exe was not found".to_string()
            } else {
                "the Client is a Windows program".to_string()
            }
        }),
    }
}

/// A program in one of the documented installation folders.
fn installed(program: &str) -> Option<PathBuf> {
    installation_folders().into_iter().map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// The folder of a server on this machine: it holds the service's program and a settings folder.
fn server_folder() -> Option<PathBuf> {
    installation_folders()
        .into_iter()
        .find(|folder| folder.join("VisualCronService.exe").is_file() && folder.join("settings").is_dir())
}

/// `C:\Program Files (x86)\VisualCron`, on some machines `C:\Program Files\VisualCron` (documented).
fn installation_folders() -> Vec<PathBuf> {
    ["ProgramFiles(x86)", "ProgramFiles", "ProgramW6432"]
        .into_iter()
        .filter(|_| cfg!(windows))
        .filter_map(std::env::var_os)
        .map(|folder| Path::new(&folder).join("VisualCron"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        };
        let places = survey(&dirs, &Settings::default());
        assert_eq!(places.client_settings, Ok(folder.join("settings")));
        assert_eq!(places.client_log, Err(format!("not a folder: {}", folder.join("log").display())));
        assert_eq!(places.server_files_in_client_settings, ["jobs.xml"]);
        assert_eq!(places.server_log, Err("no server on this machine".into()));
    }
}
