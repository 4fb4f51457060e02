//! Reading and writing our own files: a reader sees the old content or the new one, never a half.
//!
//! A write goes to a temporary file in the same folder, is flushed to the disk and renamed over the old file.
//! A symbolic link is written through to its target, since people keep their settings in a repository.

use crate::domain::{Fault, Problem};
use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tempfile::NamedTempFile;

/// The pauses between the five tries where another program (a virus scanner, a search index, an editor) holds
/// the file for a moment: about 200 ms together.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(10),
    Duration::from_millis(30),
    Duration::from_millis(60),
    Duration::from_millis(100),
];

/// How many links from file to file are followed.
const MOST_LINKS: usize = 16;

/// Replaces the file's content, or creates the file, with its folders where they are missing.
///
/// On Unix a new file gets mode 0600 and a new folder 0700; an existing file keeps its mode. A file marked
/// read-only is left alone.
///
/// # Errors
///
/// A [`Problem`] with the path and the next step. The old content is then untouched.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Problem> {
    let target = resolve(path).map_err(|error| cannot_write(path, &error))?;
    let existing = match fs::metadata(&target) {
        Ok(existing) => Some(existing),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(cannot_write(&target, &error)),
    };
    if existing.as_ref().is_some_and(|file| file.permissions().readonly()) {
        return Err(Problem::new(
            Fault::Permission,
            title("write", &target),
            target.display().to_string(),
            "the file is marked read-only",
            "Remove that mark, or change the file where it is managed",
        ));
    }
    put(&target, content, existing.as_ref().map(fs::Metadata::permissions))
}

/// As [`write()`], for a file that is wholly ours: whatever stands there, a link too, gives way to a new file,
/// which on Unix has mode 0600.
///
/// # Errors
///
/// As for [`write()`].
pub fn replace(path: &Path, content: &[u8]) -> Result<(), Problem> {
    put(path, content, None)
}

fn put(target: &Path, content: &[u8], keep: Option<fs::Permissions>) -> Result<(), Problem> {
    let (file, place) = prepare(target, content, keep)?;
    let file = file.into_temp_path();
    // Of the standard library, which on Windows also replaces a file that others hold open and let be deleted.
    retried(|| fs::rename(&file, &place)).map_err(|error| cannot_write(target, &error))?;
    sync_folder(target);
    Ok(())
}

/// Creates the file with this content unless something is there already. Tells whether it did.
///
/// # Errors
///
/// As for [`write()`].
pub fn create(path: &Path, content: &[u8]) -> Result<bool, Problem> {
    let target = resolve(path).map_err(|error| cannot_write(path, &error))?;
    if target.exists() {
        return Ok(false);
    }
    let (file, place) = prepare(&target, content, None)?;
    let mut waiting = Some(file);
    let done = retried(|| match waiting.take() {
        Some(file) => file.persist_noclobber(&place).map(drop).map_err(|failed| {
            waiting = Some(failed.file);
            failed.error
        }),
        None => Ok(()),
    });
    match done {
        Ok(()) => {
            sync_folder(&target);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(cannot_write(&target, &error)),
    }
}

/// Reads a whole file of at most `max` bytes. `None` when there is no such file.
///
/// # Errors
///
/// A [`Problem`] with the path and the next step: not readable, not a file, larger than `max`.
pub fn read_bounded(path: &Path, max: u64) -> Result<Option<Vec<u8>>, Problem> {
    Ok(read_dated(path, max)?.map(|(content, _)| content))
}

/// As [`read_bounded`], with the time at which the file was last written.
///
/// # Errors
///
/// As for [`read_bounded`].
pub fn read_dated(path: &Path, max: u64) -> Result<Option<(Vec<u8>, SystemTime)>, Problem> {
    let next = "Check the path and who may read it";
    let failed = |error: &io::Error| Problem::io(title("read", path), path, error, next);
    // Asked before opening: to open a pipe would wait for its writer.
    match fs::metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => {
            return Err(Problem::new(
                Fault::Data,
                title("read", path),
                path.display().to_string(),
                "it is not a file",
                "Check the path",
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    }
    let file = match retried(|| fs::File::open(path)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let written = file.metadata().and_then(|found| found.modified()).map_err(|error| failed(&error))?;
    match read_whole(&file, max) {
        Ok(content) => Ok(Some((content, written))),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(Problem::new(
            Fault::Data,
            title("read", path),
            path.display().to_string(),
            error.to_string(),
            "Check that it is the right file",
        )),
        Err(error) => Err(failed(&error)),
    }
}

/// What is left to read of an open file, at most `max` bytes.
///
/// # Errors
///
/// Those of reading, and [`io::ErrorKind::FileTooLarge`].
pub fn read_whole(file: &fs::File, max: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > max {
        let why = format!("the file is larger than {}", size(max));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(content)
}

/// The file behind a link, also where that file does not exist yet.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut at = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&at) {
            Ok(found) if found.file_type().is_symlink() => {
                let link = fs::read_link(&at)?;
                at = match at.parent() {
                    Some(folder) => folder.join(link),
                    None => link,
                };
            }
            Ok(_) => return Ok(at),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(at),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many links from file to file"))
}

/// The new content in a temporary file beside the target, flushed to the disk.
/// The new content in a temporary file beside the target, and where that one is. On Windows in the spelling without
/// which paths are at most 260 units long.
fn prepare(
    target: &Path,
    content: &[u8],
    keep: Option<fs::Permissions>,
) -> Result<(NamedTempFile, PathBuf), Problem> {
    let failed = |error: &io::Error| cannot_write(target, error);
    let folder = folder_of(target);
    create_folders(folder).map_err(|error| {
        Problem::io("Cannot create the folder", folder, &error, "Create it, or check who may write beside it")
    })?;
    let place = match fs::canonicalize(folder) {
        Ok(folder) if cfg!(windows) => folder.join(target.file_name().unwrap_or_default()),
        _ => target.to_path_buf(),
    };
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let mut file = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .suffix(".tmp")
        .make_in(folder_of(&place), new_file)
        .map_err(|error| failed(&error))?;
    file.write_all(content).map_err(|error| failed(&error))?;
    if let Some(keep) = keep {
        file.as_file().set_permissions(keep).map_err(|error| failed(&error))?;
    }
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    Ok((file, place))
}

/// A new file for this user alone. Without the mark by which Windows writes temporary files late or never.
fn new_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.read(true).write(true).create_new(true).open(path)
}

/// A path's folder; `.` for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes a folder of ours and those above it, readable by this user alone (mode 0700 on Unix).
pub fn create_folder(folder: &Path) -> Result<(), Problem> {
    create_folders(folder).map_err(|error| {
        Problem::io(
            "Cannot make the folder",
            folder,
            &error,
            "Check that the folder above it can be written.",
        )
    })
}

fn create_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes the rename itself lasting. Not every file system can, and the content is safe either way.
fn sync_folder(target: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = fs::File::open(folder_of(target)) {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = target;
}

/// Tries again for a moment while another program, such as a virus scanner, holds the file: 200 ms in all, on
/// Windows only.
pub fn retried<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    retried_when(held_by_another, &PAUSES, &mut operation)
}

fn retried_when<T>(
    again: fn(&io::Error) -> bool,
    pauses: &[Duration],
    operation: &mut dyn FnMut() -> io::Result<T>,
) -> io::Result<T> {
    for pause in pauses {
        match operation() {
            Err(error) if again(&error) => std::thread::sleep(*pause),
            done => return done,
        }
    }
    operation()
}

/// Windows: 5 (access denied: also a file about to be deleted) and 32 (sharing violation).
fn held_by_another(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32))
}

fn cannot_write(path: &Path, error: &io::Error) -> Problem {
    let next = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Free some space and try again",
        _ if held_by_another(error) => "Close the program that holds the file, or check who may write it",
        _ => "Check who may write in its folder",
    };
    Problem::io(title("write", path), path, error, next)
}

fn title(verb: &str, path: &Path) -> String {
    match path.file_name() {
        Some(name) => format!("Cannot {verb} {}", name.to_string_lossy()),
        None => format!("Cannot {verb} the file"),
    }
}

fn size(bytes: u64) -> String {
    if bytes >= 1024 && bytes.is_multiple_of(1024 * 1024) {
        format!("{} MiB", bytes / 1024 / 1024)
    } else {
        format!("{bytes} bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn content_is_replaced_and_nothing_is_left_beside_it() {
        let folder = folder();
        let path = folder.path().join("a.toml");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(read_bounded(&path, 3).unwrap().unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a.toml"]);
    }

    #[test]
    fn create_leaves_an_existing_file_alone() {
        let folder = folder();
        let path = folder.path().join("deep/er/a.toml");
        assert!(create(&path, b"one").unwrap());
        assert!(!create(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(path.parent().unwrap()), ["a.toml"]);
    }

    #[test]
    fn an_absent_file_is_none_and_a_large_one_a_problem() {
        let folder = folder();
        let path = folder.path().join("a.toml");
        assert_eq!(read_bounded(&path, 10).unwrap(), None);
        assert_eq!(read_bounded(&folder.path().join("no/folder/a"), 10).unwrap(), None);
        fs::write(&path, b"12345678901").unwrap();
        let problem = read_bounded(&path, 10).unwrap_err();
        assert_eq!(problem.what, "Cannot read a.toml");
        assert_eq!(problem.why, "the file is larger than 10 bytes");
        assert_eq!(problem.place, path.display().to_string());
        fs::write(&path, b"1234567890").unwrap();
        assert_eq!(read_bounded(&path, 10).unwrap().unwrap().len(), 10);
        assert_eq!(read_bounded(folder.path(), 10).unwrap_err().why, "it is not a file");
        assert_eq!(size(1024 * 1024), "1 MiB");
    }

    #[test]
    fn a_read_only_file_is_left_alone() {
        let folder = folder();
        let path = folder.path().join("a.toml");
        write(&path, b"one").unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        let problem = write(&path, b"two").unwrap_err();
        assert_eq!(problem.fault, Fault::Permission);
        assert_eq!(problem.why, "the file is marked read-only");
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn a_file_in_the_way_of_the_folder_is_a_problem() {
        let folder = folder();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let problem = write(&file.join("below/a.toml"), b"one").unwrap_err();
        assert!(problem.place.starts_with(&file.display().to_string()), "{problem}");
        assert!(!problem.next.is_empty());
    }

    #[test]
    fn a_held_file_is_tried_five_times() {
        let mut tries = 0;
        let pauses = [Duration::ZERO; 4];
        let always = retried_when(|_| true, &pauses, &mut || -> io::Result<()> {
            tries += 1;
            Err(io::Error::from_raw_os_error(5))
        });
        assert!(always.is_err());
        assert_eq!(tries, 5);
        let mut tries = 0;
        let third = retried_when(|_| true, &pauses, &mut || {
            tries += 1;
            if tries < 3 { Err(io::Error::from_raw_os_error(32)) } else { Ok(tries) }
        });
        assert_eq!(third.unwrap(), 3);
        let mut tries = 0;
        let never = retried_when(|_| false, &pauses, &mut || -> io::Result<()> {
            tries += 1;
            Err(io::Error::from_raw_os_error(2))
        });
        assert!(never.is_err());
        assert_eq!(tries, 1);
        assert_eq!(PAUSES.iter().sum::<Duration>(), Duration::from_millis(200));
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::{PermissionsExt, symlink};

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        }

        #[test]
        fn new_files_are_private_and_existing_ones_keep_their_mode() {
            let folder = folder();
            let path = folder.path().join("new/sub/a.toml");
            write(&path, b"one").unwrap();
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(&folder.path().join("new")), 0o700);
            assert_eq!(mode(&folder.path().join("new/sub")), 0o700);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            write(&path, b"two").unwrap();
            assert_eq!(mode(&path), 0o644);
        }

        #[test]
        fn a_link_is_written_through_to_its_target() {
            let folder = folder();
            fs::create_dir(folder.path().join("repository")).unwrap();
            let target = folder.path().join("repository/a.toml");
            let path = folder.path().join("a.toml");
            symlink("repository/a.toml", &path).unwrap();
            write(&path, b"one").unwrap();
            write(&path, b"two").unwrap();
            assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
            assert_eq!(fs::read(&target).unwrap(), b"two");
            assert_eq!(names(&folder.path().join("repository")), ["a.toml"]);
        }

        #[test]
        fn a_link_in_the_place_of_a_file_of_ours_is_replaced() {
            let folder = folder();
            let (path, target) = (folder.path().join("page.html"), folder.path().join("target"));
            fs::write(&target, "precious").unwrap();
            symlink(&target, &path).unwrap();
            replace(&path, b"one").unwrap();
            assert_eq!(fs::read(&target).unwrap(), b"precious");
            assert!(!fs::symlink_metadata(&path).unwrap().is_symlink());
            fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
            replace(&path, b"two").unwrap();
            assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (&b"two"[..], 0o600));
        }

        #[test]
        fn a_circle_of_links_is_a_problem() {
            let folder = folder();
            let path = folder.path().join("a.toml");
            symlink("a.toml", &path).unwrap();
            assert!(write(&path, b"one").unwrap_err().what.contains("a.toml"));
            assert!(create(&path, b"one").is_err());
        }

        #[test]
        fn a_folder_that_may_not_be_written_is_a_problem() {
            let own = folder();
            fs::set_permissions(own.path(), fs::Permissions::from_mode(0o555)).unwrap();
            // Modes do not bind the superuser; there, a folder that the kernel itself refuses stands in.
            let folder = match fs::write(own.path().join("probe"), b"") {
                Err(_) => own.path(),
                Ok(()) if cfg!(target_os = "linux") => Path::new("/sys/kernel"),
                Ok(()) => return,
            };
            let path = folder.join("visualcron-tray-test.toml");
            let problem = write(&path, b"one").unwrap_err();
            assert_eq!(problem.what, "Cannot write visualcron-tray-test.toml");
            assert_eq!(problem.place, path.display().to_string());
            assert_eq!(problem.next, "Check who may write in its folder");
            assert!(!path.exists());
            assert!(create(&path, b"one").is_err());
        }

        #[test]
        fn a_pipe_is_not_waited_for() {
            let folder = folder();
            let path = folder.path().join("pipe");
            let made = std::process::Command::new("mkfifo").arg(&path).status();
            if made.is_ok_and(|status| status.success()) {
                assert_eq!(read_bounded(&path, 10).unwrap_err().why, "it is not a file");
            }
        }
    }
}
