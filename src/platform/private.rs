//! Our data folder is for this user alone: who can write there can end the tray, and forge what it shows. On
//! Windows folders inherit who may enter them, and nothing is checked here.

use crate::domain::Problem;
use interprocess::local_socket::Stream;
use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

/// Checks the data folder, and what is ours in it. A folder that is not there is fine.
///
/// Files of ours that others may read or write become private to the user; so does the folder if it is the
/// `usual` one. A folder that the user has named may hold files of other programs: its mode stays as it is.
///
/// # Errors
///
/// [`crate::domain::Fault::Permission`] where another user owns the folder or something of ours in it, or can
/// write there, and where a link, a pipe or the like stands in the place of something of ours.
pub fn check(data: &Path, usual: bool) -> Result<(), Problem> {
    #[cfg(unix)]
    return unix::check(data, usual);
    #[cfg(not(unix))]
    {
        let _ = (data, usual);
        Ok(())
    }
}

/// Opens a file of ours, on Unix with mode 0600 if it is new: no link is followed, and no pipe waited for.
///
/// # Errors
///
/// As for [`OpenOptions::open`], and where it is not a regular file.
pub fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    unix::closely(options);
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a file")),
    }
}

/// Whether a process of this user is at the other end. On Windows: whether it is this user's pipe, which lets in nobody
/// else.
pub fn is_of_this_user(stream: &Stream) -> bool {
    #[cfg(unix)]
    return unix::is_of_this_user(stream);
    #[cfg(windows)]
    return super::windows::pipe::is_of_this_user(stream);
}

#[cfg(unix)]
mod unix {
    use crate::domain::{Fault, Problem};
    use interprocess::local_socket::{Stream, prelude::*};
    use rustix::{fs::OFlags, process::geteuid};
    use std::{
        fs::{self, Metadata, OpenOptions, Permissions},
        io,
        os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
        path::Path,
    };

    /// What of ours the folder holds: in these folders files are only replaced or opened by [`super::open`].
    const FOLDERS: [&str; 4] = ["log", "pages", "icons", "recovery"];
    /// How the names of our files begin: state, the copies of good settings, locks and sockets, validations and the
    /// keys trusted for them.
    const FILES: [&str; 9] = [
        "state.json",
        "settings.last-good-",
        "settings-",
        "tray.lock",
        "tray.sock",
        "pretended-tray.lock",
        "pretended-tray.sock",
        "validations.",
        "trusted-keys.json",
    ];
    const LOG: &str = "log/visualcron-tray.log";

    pub fn check(data: &Path, usual: bool) -> Result<(), Problem> {
        let Some(link) = found(data, fs::symlink_metadata(data))? else { return Ok(()) };
        let folder = fs::metadata(data).map_err(|error| unreadable(data, &error))?;
        // Whoever owns a link can turn it elsewhere.
        if link.is_symlink() && !is_ours(&link) && link.uid() != 0 {
            return Err(refused(data, "it is a link of another user"));
        }
        closed(data, &folder)?;
        if usual && folder.mode() & 0o077 != 0 {
            make_private(data, 0o700);
        }
        for name in FOLDERS {
            let path = data.join(name);
            if let Some(folder) = found(&path, fs::symlink_metadata(&path))? {
                closed(&path, &folder)?;
            }
        }
        let entries = fs::read_dir(data).map_err(|error| unreadable(data, &error))?.flatten();
        let files = entries
            .map(|entry| entry.file_name())
            .filter(|name| FILES.iter().any(|ours| name.as_encoded_bytes().starts_with(ours.as_bytes())));
        for name in files.chain([LOG.into()]) {
            let path = data.join(name);
            let Some(file) = found(&path, fs::symlink_metadata(&path))? else { continue };
            if !file.is_file() && !file.file_type().is_socket() {
                return Err(refused(&path, "it is not a file but a link, a pipe or the like"));
            }
            if !is_ours(&file) {
                return Err(refused(&path, "it belongs to another user"));
            }
            if file.mode() & 0o077 != 0 {
                make_private(&path, 0o600);
            }
        }
        Ok(())
    }

    /// A folder of this user's, in which nobody else can write.
    fn closed(path: &Path, folder: &Metadata) -> Result<(), Problem> {
        if !folder.is_dir() {
            return Err(refused(path, "it is not a folder"));
        }
        if !is_ours(folder) {
            return Err(refused(path, "it belongs to another user"));
        }
        if folder.mode() & 0o022 != 0 {
            return Err(Problem::new(
                Fault::Permission,
                WHAT,
                path.display().to_string(),
                "other users can write in it, and so could end the tray or forge what it shows",
                format!("Run `chmod go-w '{}'`, or give another folder with --data-dir.", path.display()),
            ));
        }
        Ok(())
    }

    const WHAT: &str = "Cannot use the data folder";

    fn refused(path: &Path, why: &str) -> Problem {
        Problem::new(
            Fault::Permission,
            WHAT,
            path.display().to_string(),
            why,
            "Move it away, or give another folder with --data-dir.",
        )
    }

    fn unreadable(path: &Path, error: &io::Error) -> Problem {
        Problem::io(WHAT, path, error, "Check who may enter it, or give another folder with --data-dir.")
    }

    fn found(path: &Path, metadata: io::Result<Metadata>) -> Result<Option<Metadata>, Problem> {
        match metadata {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(path, &error)),
        }
    }

    fn is_ours(metadata: &Metadata) -> bool {
        metadata.uid() == geteuid().as_raw()
    }

    /// Where the file system cannot keep modes nothing is gained, and nothing lost.
    fn make_private(path: &Path, mode: u32) {
        let _ = fs::set_permissions(path, Permissions::from_mode(mode));
    }

    pub fn closely(options: &mut OpenOptions) {
        options.mode(0o600).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }

    pub fn is_of_this_user(stream: &Stream) -> bool {
        stream.peer_creds().is_ok_and(|peer| peer.euid() == Some(geteuid().as_raw()))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::domain::Fault;
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, symlink},
    };

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// The cause, and that the rest of the message is there too.
    fn refusal(data: &Path, place: &Path) -> String {
        let problem = check(data, true).unwrap_err();
        assert_eq!((problem.fault, problem.what.as_str()), (Fault::Permission, "Cannot use the data folder"));
        assert_eq!(problem.place, place.display().to_string());
        assert!(problem.next.contains("--data-dir"), "{problem}");
        problem.why
    }

    #[test]
    fn the_usual_folder_is_made_private_and_a_named_one_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        assert_eq!(check(&data, true), Ok(()), "there is none yet");
        fs::create_dir(&data).unwrap();
        set(&data, 0o755);
        for name in ["state.json", "foreign.txt"] {
            fs::write(data.join(name), "").unwrap();
            set(&data.join(name), 0o666);
        }
        check(&data, false).unwrap();
        assert_eq!(mode(&data), 0o755);
        assert_eq!((mode(&data.join("state.json")), mode(&data.join("foreign.txt"))), (0o600, 0o666));
        check(&data, true).unwrap();
        assert_eq!(mode(&data), 0o700);
    }

    #[test]
    fn a_folder_in_which_others_can_write_is_refused() {
        let home = tempfile::tempdir().unwrap();
        for mode in [0o777, 0o770, 0o702, 0o1777] {
            set(home.path(), mode);
            assert!(refusal(home.path(), home.path()).starts_with("other users can write in it"), "{mode:o}");
        }
        set(home.path(), 0o700);
        fs::create_dir(home.path().join("log")).unwrap();
        set(&home.path().join("log"), 0o770);
        assert!(refusal(home.path(), &home.path().join("log")).starts_with("other users can write in it"));
    }

    #[test]
    fn what_stands_in_the_place_of_something_of_ours_is_refused() {
        let home = tempfile::tempdir().unwrap();
        set(home.path(), 0o700);
        let elsewhere = home.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        for name in
            ["state.json", "settings.last-good-0a1b2c3d.toml", "tray.lock", "tray.sock", "log", "pages"]
        {
            let path = home.path().join(name);
            symlink(&elsewhere, &path).unwrap();
            assert!(refusal(home.path(), &path).starts_with("it is not a f"), "{name}");
            fs::remove_file(&path).unwrap();
        }
        let pipe = home.path().join("tray.lock");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(refusal(home.path(), &pipe).contains("a pipe"));
    }

    #[test]
    fn only_a_file_is_opened_and_a_new_one_is_private() {
        let home = tempfile::tempdir().unwrap();
        let mut append = File::options();
        append.create(true).append(true);
        open(&mut append, &home.path().join("new")).unwrap();
        assert_eq!(mode(&home.path().join("new")), 0o600);
        symlink(home.path().join("target"), home.path().join("link")).unwrap();
        assert!(open(&mut append, &home.path().join("link")).is_err());
        assert!(!home.path().join("target").exists());
        let pipe = home.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(open(&mut append, &pipe).is_err());
        assert!(open(File::options().read(true), &pipe).is_err());
    }

    /// Only the superuser can give files away, and become somebody else.
    #[test]
    fn what_belongs_to_another_user_is_refused() {
        let home = tempfile::tempdir().unwrap();
        set(home.path(), 0o700);
        let nobody = Some(65534);
        let state = home.path().join("state.json");
        fs::write(&state, "").unwrap();
        if std::os::unix::fs::chown(&state, nobody, None).is_err() {
            return;
        }
        assert_eq!(refusal(home.path(), &state), "it belongs to another user");
        std::os::unix::fs::chown(home.path(), nobody, None).unwrap();
        assert_eq!(refusal(home.path(), home.path()), "it belongs to another user");
        let link = home.path().parent().unwrap().join(format!("vct-link-{}", std::process::id()));
        symlink(home.path(), &link).unwrap();
        std::os::unix::fs::lchown(&link, nobody, None).unwrap();
        let why = refusal(&link, &link);
        fs::remove_file(&link).unwrap();
        assert_eq!(why, "it is a link of another user");
    }
}
