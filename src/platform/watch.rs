//! Tells when the settings file, servers.xml or a journal of Clear server cache changes, by the system's own file
//! notification.

#[cfg(windows)]
use super::windows::watch::Folders;
use crate::{
    app::Event,
    domain::{Fault, Problem},
};
#[cfg(not(windows))]
use by_notify::Folders;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

/// Watches the folders around some files, and some folders. Ends when dropped.
pub struct Watch {
    folders: Folders,
    watched: BTreeSet<PathBuf>,
    files: Arc<Mutex<Vec<PathBuf>>>,
}

impl Watch {
    /// A watch on nothing yet.
    pub fn new(post: super::Post) -> Result<Watch, Problem> {
        let files: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
        let wanted = files.clone();
        let tell = move |paths: Option<&[PathBuf]>| {
            let concerns_us = match paths {
                Some(paths) => {
                    wanted.lock().is_ok_and(|files| paths.iter().any(|path| concerns(path, &files)))
                }
                // What has changed was lost: look.
                None => true,
            };
            if concerns_us {
                post(Event::FilesChanged);
            }
        };
        let folders = Folders::new(tell).map_err(|why| problem(why, Path::new("this user's files")))?;
        Ok(Watch { folders, watched: BTreeSet::new(), files })
    }

    /// Watches these files, and what is in these folders, from now on, there or not: through the folder, or the nearest above that
    /// is there; and through the one above it, which alone is told when that folder is replaced. Changes nothing
    /// where nothing has changed. True if a folder is watched that was not before: what happened there until
    /// now was not noticed.
    pub fn set(&mut self, files: &[PathBuf]) -> Result<bool, Problem> {
        let mut all = files.to_vec();
        // A link's target changes without the link.
        all.extend(files.iter().filter_map(|file| file.canonicalize().ok()).map(plain));
        let folders: BTreeSet<PathBuf> = all
            .iter()
            .filter_map(|file| nearest_folder(file))
            .flat_map(|folder| folder.parent().map(Path::to_path_buf).into_iter().chain([folder]))
            .collect();
        if let Ok(mut files) = self.files.lock() {
            *files = all.iter().map(|file| compared(file)).collect();
        }
        self.watched.retain(|folder| {
            let stays = folders.contains(folder);
            if !stays {
                self.folders.unwatch(folder);
            }
            stays
        });
        let (mut is_new, mut failed) = (false, None);
        for folder in folders {
            if self.watched.contains(&folder) {
                continue;
            }
            match self.folders.watch(&folder) {
                Ok(()) => is_new |= self.watched.insert(folder),
                Err(why) => failed = Some(problem(why, &folder)),
            }
        }
        failed.map_or(Ok(is_new), Err)
    }

    /// Watches the same files anew: where a folder has been replaced, the system still watches the one before.
    pub fn set_again(&mut self, files: &[PathBuf]) -> Result<bool, Problem> {
        for folder in std::mem::take(&mut self.watched) {
            self.folders.unwatch(&folder);
        }
        self.set(files)
    }
}

/// Does a change of `path` concern one of the files? It is the file, a folder above it, or in it.
fn concerns(path: &Path, files: &[PathBuf]) -> bool {
    let path = compared(path);
    files.iter().any(|file| file.starts_with(&path) || path.parent() == Some(file))
}

fn nearest_folder(file: &Path) -> Option<PathBuf> {
    file.ancestors().find(|folder| folder.is_dir()).map(Path::to_path_buf)
}

/// A path as it is compared with others: the case of letters does not count on Windows.
#[cfg(windows)]
fn compared(path: &Path) -> PathBuf {
    super::windows::same_spelling(path).into()
}

#[cfg(not(windows))]
fn compared(path: &Path) -> PathBuf {
    path.to_path_buf()
}

/// A path as people spell it, so that no folder is watched under two names.
#[cfg(windows)]
fn plain(path: PathBuf) -> PathBuf {
    path.to_str().map(super::windows::without_prefix).map_or(path.clone(), PathBuf::from)
}

#[cfg(not(windows))]
fn plain(path: PathBuf) -> PathBuf {
    path
}

fn problem(why: String, path: &Path) -> Problem {
    Problem::new(
        Fault::Io,
        "Changes are not noticed by themselves",
        path.display().to_string(),
        why,
        "Use Refresh license data after a change.",
    )
}

/// The notification of the other systems.
#[cfg(not(windows))]
mod by_notify {
    use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Result, Watcher};
    use std::path::{Path, PathBuf};

    /// Folders that are watched. Ends when dropped.
    pub struct Folders(RecommendedWatcher);

    impl Folders {
        pub fn new(
            tell: impl Fn(Option<&[PathBuf]>) + Send + 'static,
        ) -> std::result::Result<Folders, String> {
            let handler = move |event: Result<Event>| match event {
                Ok(event) if event.need_rescan() => tell(None),
                Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
                Ok(event) => tell(Some(&event.paths)),
                Err(_) => tell(None),
            };
            notify::recommended_watcher(handler).map(Folders).map_err(|error| error.to_string())
        }

        pub fn watch(&mut self, folder: &Path) -> std::result::Result<(), String> {
            self.0.watch(folder, RecursiveMode::NonRecursive).map_err(|error| error.to_string())
        }

        pub fn unwatch(&mut self, folder: &Path) {
            let _ = self.0.unwatch(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, time::Duration};

    #[test]
    fn what_comes_into_a_folder_is_noticed_whether_the_folder_was_there_or_not() {
        let home = tempfile::tempdir().unwrap();
        let (tx, rx) = mpsc::channel();
        let post: crate::platform::Post = Arc::new(move |_| {
            let _ = tx.send(());
        });
        let mut watch = Watch::new(post).unwrap();
        let folder = home.path().join("recovery");
        let heard = || rx.recv_timeout(Duration::from_secs(5)).is_ok();
        watch.set(std::slice::from_ref(&folder)).unwrap();
        std::fs::write(home.path().join("state.json"), "{}").unwrap();
        assert!(rx.recv_timeout(Duration::from_millis(200)).is_err(), "it is not in the folder");
        std::fs::create_dir(&folder).unwrap();
        assert!(heard(), "the folder was made");
        while rx.recv_timeout(Duration::from_millis(150)).is_ok() {}
        watch.set_again(std::slice::from_ref(&folder)).unwrap();
        std::fs::write(folder.join("1.jsonl"), "{}").unwrap();
        assert!(heard(), "a file was made in it");
    }

    #[test]
    fn a_file_that_appears_and_changes_is_noticed_and_a_neighbor_is_not() {
        let home = tempfile::tempdir().unwrap();
        let (tx, rx) = mpsc::channel();
        let post: crate::platform::Post = Arc::new(move |event| {
            let _ = tx.send(matches!(event, Event::FilesChanged));
        });
        let mut watch = Watch::new(post).unwrap();
        let file = home.path().join("VisualCron/settings/servers.xml");
        let heard = |rx: &mpsc::Receiver<bool>| rx.recv_timeout(Duration::from_secs(5)) == Ok(true);
        let drain = |rx: &mpsc::Receiver<bool>| while rx.recv_timeout(Duration::from_millis(150)).is_ok() {};
        watch.set(std::slice::from_ref(&file)).unwrap();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        assert!(heard(&rx), "a folder above was made");
        drain(&rx);
        watch.set(std::slice::from_ref(&file)).unwrap();
        std::fs::write(&file, "x").unwrap();
        assert!(heard(&rx), "the file was made");
        drain(&rx);
        std::fs::read(&file).unwrap();
        std::fs::write(file.with_file_name("other.xml"), "x").unwrap();
        assert!(
            rx.recv_timeout(Duration::from_millis(200)).is_err(),
            "reading and neighbors are not changes"
        );
        std::fs::rename(file.with_file_name("other.xml"), &file).unwrap();
        assert!(heard(&rx), "another file was moved in its place");
        // The folder, and the one above it, is replaced as a whole, as by a restored backup.
        // (On Windows nobody can move a folder in which another one is open, as a watched one is.)
        let folders = [file.parent().unwrap(), file.parent().unwrap().parent().unwrap()];
        for replaced in &folders[..if cfg!(windows) { 1 } else { 2 }] {
            drain(&rx);
            watch.set(std::slice::from_ref(&file)).unwrap();
            std::fs::rename(replaced, home.path().join(replaced.file_name().unwrap().len().to_string()))
                .unwrap();
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            assert!(heard(&rx), "{} was replaced", replaced.display());
            drain(&rx);
            watch.set_again(std::slice::from_ref(&file)).unwrap();
            std::fs::write(&file, "x").unwrap();
            assert!(heard(&rx), "a file was made in the new folder");
        }
    }
}
