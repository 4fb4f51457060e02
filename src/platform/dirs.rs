//! Our own folders, and the user's VisualCron folder.

use crate::domain::{Fault, Problem};
use std::path::PathBuf;

/// Where everything of one run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirs {
    /// The user's VisualCron folder as asked for on the command line; it beats the settings.
    pub visualcron_asked: Option<PathBuf>,
    /// The user's VisualCron folder where nothing else is said (documented: `%LOCALAPPDATA%\VisualCron`).
    pub visualcron_default: PathBuf,
    /// The settings file.
    pub config: PathBuf,
    /// Our own data: state, log, pages.
    pub data: PathBuf,
}

impl Dirs {
    /// The folders of this user, but for those asked for.
    pub fn new(
        visualcron: Option<PathBuf>,
        config: Option<PathBuf>,
        data: Option<PathBuf>,
    ) -> Result<Dirs, Problem> {
        let base = directories::BaseDirs::new();
        let ours = directories::ProjectDirs::from("", "", "visualcron-tray");
        let homeless = || {
            Problem::new(
                Fault::NoInput,
                "Cannot tell where this user's folders are",
                "the user's home folder",
                "the system names none",
                "Give --visualcron-dir, --config and --data-dir.",
            )
        };
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        Ok(Dirs {
            visualcron_default: match (&visualcron, base) {
                (_, Some(base)) => base.data_local_dir().join("VisualCron"),
                (Some(asked), None) => asked.clone(),
                (None, None) => return Err(homeless()),
            },
            visualcron_asked: visualcron.map(absolute),
            config: match (config, &ours) {
                (Some(file), _) => absolute(file),
                (None, Some(ours)) => ours.config_dir().join("settings.toml"),
                (None, None) => return Err(homeless()),
            },
            data: match (data, &ours) {
                (Some(folder), _) => absolute(folder),
                (None, Some(ours)) => ours.data_local_dir().to_path_buf(),
                (None, None) => return Err(homeless()),
            },
        })
    }

    /// Our state.
    pub fn state_file(&self) -> PathBuf {
        self.data.join("state.json")
    }

    /// The copy of the last settings file that could be read; each settings file has its own.
    pub fn last_good_settings(&self) -> PathBuf {
        let path = self.config.as_os_str().as_encoded_bytes();
        let digest = ring::digest::digest(&ring::digest::SHA256, path);
        let short: String = digest.as_ref()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        self.data.join(format!("settings.last-good-{short}.toml"))
    }

    /// Our log.
    pub fn log_file(&self) -> PathBuf {
        self.data.join("log").join("visualcron-tray.log")
    }
}
