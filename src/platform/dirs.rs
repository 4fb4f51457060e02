//! Our own folders, and the user's VisualCron folder.

use crate::domain::{Fault, Problem};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Whether the time is pretended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pretense {
    /// It is not.
    #[default]
    None,
    /// It is, and a folder was given to keep in what comes of it.
    Kept,
    /// It is, and nothing is kept: a tray of this kind is beside the real one, not in its place.
    Unkept,
}

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
    /// Whether what is done there is in earnest.
    pub pretense: Pretense,
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
            pretense: Pretense::None,
        })
    }

    /// With a pretended time nothing is written, unless a folder is given for it.
    pub fn keeps_nothing(&self) -> bool {
        self.pretense == Pretense::Unkept
    }

    /// For what changes something that is kept.
    ///
    /// # Errors
    ///
    /// [`Fault::Usage`] where nothing is.
    pub fn must_keep(&self, what: &str) -> Result<(), Problem> {
        if !self.keeps_nothing() {
            return Ok(());
        }
        Err(Problem::new(
            Fault::Usage,
            "Nothing is kept with a pretended time",
            format!("{what} with --now"),
            "it would change what is kept in earnest",
            "Give --data-dir with a folder to keep it in, or leave --now out.",
        ))
    }

    /// How the names of the tray's lock and socket begin.
    pub fn tray(&self) -> &'static str {
        if self.keeps_nothing() { "pretended-tray" } else { "tray" }
    }

    /// Our state.
    pub fn state_file(&self) -> PathBuf {
        self.data.join("state.json")
    }

    /// The copy of the last settings file that could be read; each settings file has its own.
    pub fn last_good_settings(&self) -> PathBuf {
        self.data.join(format!("settings.last-good-{}.toml", self.config_digest()))
    }

    /// Held while the settings file is changed: one change at a time.
    pub fn settings_lock(&self) -> PathBuf {
        self.data.join(format!("settings-{}.lock", self.config_digest()))
    }

    fn config_digest(&self) -> String {
        let path = self.config.as_os_str().as_encoded_bytes();
        let digest = ring::digest::digest(&ring::digest::SHA256, path);
        digest.as_ref()[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Our log.
    pub fn log_file(&self) -> PathBuf {
        self.data.join("log").join("visualcron-tray.log")
    }
}
