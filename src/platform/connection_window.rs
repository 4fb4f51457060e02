//! The connection window's backend: checks over real sockets, each in a thread of its own.

use super::{clipboard, clock::Clock, connection, dirs::Dirs, open};
use crate::{
    app::Target,
    domain::{Fault, Problem},
    network::probe::Progress,
    store::{
        atomic,
        settings::{self, LicenseHost},
    },
    window::{
        connection::COMMAND,
        connection_backend::{Backend, Tell, Told},
    },
};
use std::path::{Path, PathBuf};

/// So many files of one name are kept.
const MOST_OF_A_NAME: u32 = 100;

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

    /// Where users look for their documents.
    fn documents(&self) -> PathBuf {
        let user = directories::UserDirs::new();
        let folder = user.map(|user| user.document_dir().unwrap_or(user.home_dir()).to_path_buf());
        folder.filter(|folder| folder.is_dir()).unwrap_or_else(|| self.dirs.data.clone())
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
        save(&self.documents(), name, text)
    }

    fn open(&mut self, folder: &Path) -> Result<(), Problem> {
        open::open(&Target::Folder(folder.to_path_buf()), &self.dirs)
    }
}

/// Writes a text into a new file; where it is there already, with this text, that one is it.
fn save(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Problem> {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "txt"));
    for number in 1..=MOST_OF_A_NAME {
        let number = if number > 1 { format!(" ({number})") } else { String::new() };
        let path = folder.join(format!("{stem}{number}.{ending}"));
        if atomic::create(&path, text.as_bytes())?
            || std::fs::read(&path).is_ok_and(|old| old == text.as_bytes())
        {
            return Ok(path);
        }
    }
    Err(Problem::new(
        Fault::Software,
        "Cannot save the text",
        folder.join(name).display().to_string(),
        "there are too many files of this name",
        "Copy the text instead.",
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_never_written_over() {
        let home = tempfile::tempdir().unwrap();
        let first = save(home.path(), "a b.txt", "one").unwrap();
        assert_eq!(save(home.path(), "a b.txt", "one").unwrap(), first);
        let second = save(home.path(), "a b.txt", "two").unwrap();
        assert_eq!(second, home.path().join("a b (2).txt"));
        assert_eq!(std::fs::read_to_string(first).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(second).unwrap(), "two");
        let problem = save(&home.path().join("a b.txt"), "c.txt", "one").unwrap_err();
        assert!(problem.place.contains("a b.txt"), "{problem}");
    }
}
