//! What Windows does in its own way for the recovery flow: files by `MoveFileExW` without replacing, programs by their
//! windows.

use super::{path_of, programs, security};
use crate::{
    app::{
        Command,
        report::{Reply, Request},
    },
    platform::{dirs::Dirs, instance},
    recovery::{Program, Role, world::Kind},
    store::atomic::retried,
};
use std::{
    collections::BTreeMap,
    fs::File,
    io,
    os::windows::{
        fs::{MetadataExt, OpenOptionsExt},
        io::AsRawHandle,
        process::CommandExt,
    },
    path::Path,
    process,
    time::{Duration, Instant},
};
use windows_sys::Win32::{
    Storage::FileSystem::{
        FILE_ATTRIBUTE_DEVICE, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
        FILE_READ_ATTRIBUTES, FILE_TYPE_DISK, GetDiskFreeSpaceExW, GetFileType, MOVEFILE_WRITE_THROUGH,
        MoveFileExW,
    },
    System::Threading::CREATE_NEW_PROCESS_GROUP,
};

pub use programs::holders;
pub use security::is_ours;

/// How long our tray may take to say that it ends.
const TALK: Duration = Duration::from_secs(5);
/// How long a program may take until it has a window.
const WINDOW: Duration = Duration::from_secs(3);

pub fn kind(path: &Path) -> io::Result<Option<Kind>> {
    // The thing itself: no link is followed, and a folder can be opened too.
    let opened = File::options()
        .access_mode(FILE_READ_ATTRIBUTES)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS)
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // SAFETY: the handle is open.
    if unsafe { GetFileType(file.as_raw_handle()) } != FILE_TYPE_DISK {
        return Ok(Some(Kind::Other));
    }
    let metadata = file.metadata()?;
    // Of reparse points only those that stand for another name: OneDrive's placeholders, and files that the system keeps
    // deduplicated or compressed, are files.
    Ok(Some(if metadata.is_symlink() {
        Kind::Link
    } else if metadata.is_dir() {
        Kind::Folder
    } else if metadata.file_attributes() & FILE_ATTRIBUTE_DEVICE != 0 {
        Kind::Other
    } else if security::names_of(&file)? > 1 {
        Kind::Linked
    } else {
        Kind::File
    }))
}

pub fn move_to_free(from: &Path, to: &Path) -> io::Result<()> {
    // A rename keeps owner and access rights. Without leave to replace, a file that is there is an error.
    let (from, to) = (path_of(from), path_of(to));
    retried(|| {
        // SAFETY: both names end with zeros.
        match unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), MOVEFILE_WRITE_THROUGH) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    })
}

pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    // A share is named with a backslash at its end, as documented; other folders may be.
    let (name, mut free) = (path_of(&folder.join("")), 0);
    // SAFETY: the name ends with a zero, the pointer is to a local variable.
    let asked =
        unsafe { GetDiskFreeSpaceExW(name.as_ptr(), &mut free, std::ptr::null_mut(), std::ptr::null_mut()) };
    if asked == 0 { Err(io::Error::last_os_error()) } else { Ok(free) }
}

pub fn runs(pid: u32, program: &Program) -> bool {
    programs::runs(pid, program.started, &program.path)
}

/// Our own tray by its socket, which it has also where it has no window.
pub fn ask_to_close(pid: u32, program: &Program, dirs: &Dirs) -> io::Result<()> {
    if program.role == Role::OurTray {
        let request = Request::Run { command: Command::Exit.to_string() };
        if let Ok(Some(Reply::Done)) = instance::question(dirs, request, TALK) {
            return Ok(());
        }
    }
    // One that was just started has no window yet.
    let end = Instant::now() + WINDOW;
    loop {
        match programs::ask_to_close(pid, program.started) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(50));
            }
            asked => return asked,
        }
    }
}

pub fn end(pid: u32, program: &Program) -> io::Result<()> {
    programs::end(pid, program.started)
}

pub fn apart(command: &mut process::Command) {
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// The processes of this user in this session that run the program at `path`.
pub fn running(role: Role, path: &Path) -> Vec<Program> {
    programs::running(path).into_iter().map(|program| described(role, program)).collect()
}

/// The running tray of this user, if it answers.
pub fn running_tray(dirs: &Dirs) -> Option<Program> {
    programs::of_process(instance::tray(dirs)?).map(|program| described(Role::OurTray, program))
}

fn described(role: Role, program: programs::Running) -> Program {
    Program {
        role,
        pid: Some(program.pid),
        started: program.started,
        path: program.path,
        arguments: program.arguments.unwrap_or_default(),
        folder: program.folder,
        // A session's programs need no more than to be started in it.
        environment: BTreeMap::new(),
    }
}

#[cfg(test)]
#[path = "recovery_world_tests.rs"]
mod tests;
