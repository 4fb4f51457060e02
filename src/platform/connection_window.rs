//! The connection window's backend: checks over real sockets, each in a thread of its own.

use super::{clipboard, clock::Clock, connection, dirs::Dirs, documents, open};
use crate::{
    app::Target,
    domain::Problem,
    network::probe::Progress,
    store::settings::{self, LicenseHost},
    window::{
        connection::COMMAND,
        connection_backend::{Backend, Tell, Told},
    },
};
use std::path::{Path, PathBuf};

/// What the window needs of this machine.
pub struct Here {
    dirs: Dirs,
    clock: Clock,
}

impl Here {
    /// For the window of this user.
    pub fn new(dirs: Dirs, clock: Clock) -> Here {
        Here { dirs, clock }
    }

    /// Those in force now: somebody may have mended them since the last check.
    fn settings(&self) -> (LicenseHost, Option<Problem>) {
        let loaded = settings::load(&self.dirs.config, &self.dirs.last_good_settings());
        (loaded.settings.license_host, loaded.problems.into_iter().next())
    }
}

impl Backend for Here {
    fn host(&mut self) -> (String, Option<Problem>) {
        let (settings, problem) = self.settings();
        (settings.host, problem)
    }

    fn check(&mut self, host: &str, mut tell: Tell) {
        let (host, settings, clock) = (host.to_string(), self.settings().0, self.clock.clone());
        std::thread::spawn(move || {
            let checked = connection::check(&host, settings, &clock, &mut |progress| {
                tell(match progress {
                    Progress::Began(stage) => Told::Began(stage),
                    Progress::Ended(step) => Told::Ended(step),
                });
            });
            tell(match checked {
                Ok(diagnosis) => Told::Concluded(Box::new(diagnosis)),
                Err(problem) => Told::Failed(problem),
            });
        });
    }

    fn copy(&mut self, text: &str) -> Result<(), Problem> {
        clipboard::copy(text).map_err(|problem| Problem {
            next: format!("Save it as a file, or use the command line: {COMMAND} --for-network-team"),
            ..problem
        })
    }

    fn save(&mut self, name: &str, text: &str) -> Result<PathBuf, Problem> {
        documents::save(&documents::folder(&self.dirs), name, text)
    }

    fn open(&mut self, folder: &Path) -> Result<(), Problem> {
        open::open(&Target::Folder(folder.to_path_buf()), &self.dirs)
    }
}
