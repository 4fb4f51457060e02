//! The machine's settings file, `%ProgramData%\visualcron-tray\settings.toml`. Any user may make folders below
//! `%ProgramData%`, and what stands in this file starts programs for all: so it counts only if it belongs to the
//! administration of this machine.

use super::{security, wide_text};
use crate::{
    domain::{Fault, Problem},
    store::{atomic::retried, settings},
};
use std::{
    fs::File,
    io::{self, Read},
    os::windows::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use windows_sys::Win32::{
    Storage::FileSystem::{
        FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
        FILE_GENERIC_READ, FILE_SHARE_READ, FILE_SHARE_WRITE,
    },
    System::Com::CoTaskMemFree,
    UI::Shell::{FOLDERID_ProgramData, SHGetKnownFolderPath},
};

/// Lets the settings be read over the machine's file from now on. It is looked at anew each time.
pub fn announce() {
    settings::use_machine_file(
        program_data().map(|folder| folder.join(r"visualcron-tray\settings.toml")),
        read,
    );
}

/// Asked of Windows: the environment is the user's.
fn program_data() -> Option<PathBuf> {
    let mut text = std::ptr::null_mut();
    // SAFETY: the text ends with a zero, and is freed after it was copied, as documented.
    unsafe {
        let found = SHGetKnownFolderPath(&FOLDERID_ProgramData, 0, std::ptr::null_mut(), &mut text) >= 0;
        let path = (found && !text.is_null()).then(|| PathBuf::from(wide_text(text)));
        CoTaskMemFree(text.cast());
        path
    }
}

fn read(path: &Path, max: u64) -> Result<Option<Vec<u8>>, Problem> {
    read_if(path, max, security::is_administrative)
}

/// Reads the file, if it and its folder belong to somebody who is `trusted`, and nobody else may change them: who may
/// rename a folder of an administrator's could put that one in their place. Both stay open meanwhile, so that nobody
/// puts others in their place.
fn read_if(path: &Path, max: u64, trusted: fn(&str) -> bool) -> Result<Option<Vec<u8>>, Problem> {
    let failed = |error: &io::Error| {
        let next = "Ask the administrator of this machine to let all users read it";
        Problem::io("Cannot read the machine's settings", path, error, next)
    };
    let refused = |why: String| {
        let next = "An administrator takes over the folder and all in it: icacls FOLDER /setowner *S-1-5-32-544 /T, \
                    and lets others only read there";
        let what = "The machine's settings are passed over";
        Problem::new(Fault::Permission, what, path.display().to_string(), why, next)
    };
    let Some(folder_path) = path.parent() else { return Ok(None) };
    let open = |path: &Path| retried(|| open_itself(path)).map_err(|error| failed(&error));
    let Some(folder) = open(folder_path)? else { return Ok(None) };
    let Some(file) = open(path)? else { return Ok(None) };
    for (name, opened) in [("its folder", &folder), ("it", &file)] {
        let attributes = opened.metadata().map_err(|error| failed(&error))?.file_attributes();
        if attributes & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
            return Err(refused(format!("{name} is a link to another place")));
        }
        let owner = security::owner_of(opened).map_err(|error| failed(&error))?;
        if !trusted(&owner) {
            return Err(refused(format!(
                "{name} belongs to {owner}, not to the administrators: anybody could have put it there"
            )));
        }
        let writer = security::other_writer(opened, trusted).map_err(|error| failed(&error))?;
        if let Some(writer) = writer {
            return Err(refused(format!("{name} can be changed by {writer}, who is no administrator")));
        }
    }
    if security::names_of(&file).map_err(|error| failed(&error))? > 1 {
        return Err(refused("it has other names elsewhere (hard links)".into()));
    }
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() as u64 > max {
        return Err(refused(format!("it is larger than {} KiB", max / 1024)));
    }
    Ok(Some(bytes))
}

/// Opens a file or folder, not what it may be a link to; as long as it is open it stays where it is. `None`: there is
/// none.
fn open_itself(path: &Path) -> io::Result<Option<File>> {
    let opened = File::options()
        .access_mode(FILE_GENERIC_READ)
        .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS)
        .open(path);
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_of_the_administration_is_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("settings.toml");
        assert_eq!(read_if(&path, 10, |_| false), Ok(None));
        assert_eq!(read_if(&home.path().join("none/settings.toml"), 10, |_| false), Ok(None));
        std::fs::write(&path, "# 12345").unwrap();
        assert_eq!(read_if(&path, 10, |_| true), Ok(Some(b"# 12345".to_vec())));
        let problem = read_if(&path, 3, |_| true).unwrap_err();
        assert!(problem.why.contains("larger"), "{problem}");
        let problem = read_if(&path, 10, |_| false).unwrap_err();
        assert!(problem.why.starts_with("its folder belongs to S-1-5-"), "{problem}");
        assert_eq!(problem.fault, Fault::Permission);
    }

    #[test]
    fn the_folder_for_all_users_is_where_windows_says() {
        let folder = program_data().unwrap();
        assert!(folder.is_absolute() && folder.is_dir(), "{}", folder.display());
    }
}
