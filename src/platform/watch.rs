//! Tells when the settings file, servers.xml or a journal of Clear server cache changes, by the system's own file
//! notification.

use crate::{
    app::Event,
    domain::{Fault, Problem},
};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

/// Watches the folders around some files, and some folders. Ends when dropped.
pub struct Watch {
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    files: Arc<Mutex<Vec<PathBuf>>>,
}

impl Watch {
    /// A watch on nothing yet.
    pub fn new(post: super::Post) -> Result<Watch, Problem> {
        let files: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
        let wanted = files.clone();
        let handler = move |event: notify::Result<notify::Event>| {
            let concerns_us = match &event {
                Ok(event) if matches!(event.kind, EventKind::Access(_)) => false,
                Ok(event) => {
                    wanted.lock().is_ok_and(|files| event.paths.iter().any(|path| concerns(path, &files)))
                }
                // Events were lost: look.
                Err(_) => true,
            };
            if concerns_us {
                post(Event::FilesChanged);
            }
        };
        let watcher = notify::recommended_watcher(handler)
            .map_err(|error| problem(&error, Path::new("this user's files")))?;
        Ok(Watch { watcher, watched: BTreeSet::new(), files })
    }

    /// Watches these files, and what is in these folders, from now on, there or not: through the folder, or the nearest above that
    /// is there; and through the one above it, which alone is told when that folder is replaced. Changes nothing
    /// where nothing has changed. True if a folder is watched that was not before: what happened there until
    /// now was not noticed.
    pub fn set(&mut self, files: &[PathBuf]) -> Result<bool, Problem> {
        let mut all = files.to_vec();
        // A link's target changes without the link.
        all.extend(files.iter().filter_map(|file| file.canonicalize().ok()));
        let folders: BTreeSet<PathBuf> = all
            .iter()
            .filter_map(|file| nearest_folder(file))
            .flat_map(|folder| folder.parent().map(Path::to_path_buf).into_iter().chain([folder]))
            .collect();
        if let Ok(mut files) = self.files.lock() {
            *files = all;
        }
        self.watched.retain(|folder| {
            let stays = folders.contains(folder);
            if !stays {
                let _ = self.watcher.unwatch(folder);
            }
            stays
        });
        let (mut is_new, mut failed) = (false, None);
        for folder in folders {
            if self.watched.contains(&folder) {
                continue;
            }
            match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => is_new |= self.watched.insert(folder),
                Err(error) => failed = Some(problem(&error, &folder)),
            }
        }
        failed.map_or(Ok(is_new), Err)
    }

    /// Watches the same files anew: where a folder has been replaced, the system still watches the one before.
    pub fn set_again(&mut self, files: &[PathBuf]) -> Result<bool, Problem> {
        for folder in std::mem::take(&mut self.watched) {
            let _ = self.watcher.unwatch(&folder);
        }
        self.set(files)
    }
}

/// Does a change of `path` concern one of the files? It is the file, a folder above it, or in it.
fn concerns(path: &Path, files: &[PathBuf]) -> bool {
    files.iter().any(|file| file.starts_with(path) || path.parent() == Some(file))
}

fn nearest_folder(file: &Path) -> Option<PathBuf> {
    file.ancestors().find(|folder| folder.is_dir()).map(Path::to_path_buf)
}

fn problem(error: &notify::Error, path: &Path) -> Problem {
    Problem::new(
        Fault::Io,
        "Changes are not noticed by themselves",
        path.display().to_string(),
        error.to_string(),
        "Use Refresh license data after a change.",
    )
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
