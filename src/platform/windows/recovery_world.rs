//! The real world of the recovery flow on Windows: files by `MoveFileExW` without replacing, programs by their
//! windows, the journal by synced appends.

use super::{programs, security, wide};
use crate::{
    app::{
        Command,
        report::{Reply, Request},
    },
    platform::{dirs::Dirs, instance},
    recovery::{
        Program, Record, Role, World,
        world::{Kind, Progress},
    },
    store::{atomic::retried, recoveries},
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    os::windows::{
        fs::{MetadataExt, OpenOptionsExt},
        io::AsRawHandle,
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{self, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use windows_sys::Win32::{
    Storage::FileSystem::{
        BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_DEVICE, FILE_ATTRIBUTE_REPARSE_POINT,
        FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES, FILE_TYPE_DISK,
        GetDiskFreeSpaceExW, GetFileInformationByHandle, GetFileType, MOVEFILE_WRITE_THROUGH, MoveFileExW,
    },
    System::Threading::CREATE_NEW_PROCESS_GROUP,
};

/// How long our tray may take to say that it ends.
const TALK: Duration = Duration::from_secs(5);
/// The most bytes of a servers.xml that is moved: as many as are read.
const MAX_FILE: u64 = 128 * 1024 * 1024;

/// Files, programs and time of this machine.
pub struct RealWorld<'a> {
    /// The journal of this recovery.
    pub journal: PathBuf,
    /// Our folders, in which the running tray is found.
    pub dirs: &'a Dirs,
    /// Who watches how it goes.
    pub watcher: &'a mut dyn FnMut(Progress),
    /// The user wants no more.
    pub canceled: &'a AtomicBool,
}

impl World for RealWorld<'_> {
    fn kind(&mut self, path: &Path) -> io::Result<Option<Kind>> {
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
        let attributes = metadata.file_attributes();
        Ok(Some(if attributes & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
            Kind::Link
        } else if metadata.is_dir() {
            Kind::Folder
        } else if attributes & FILE_ATTRIBUTE_DEVICE != 0 {
            Kind::Other
        } else if names_of(&file)? > 1 {
            Kind::Linked
        } else {
            Kind::File
        }))
    }

    fn is_ours(&mut self, path: &Path) -> io::Result<bool> {
        security::is_ours(path)
    }

    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        retried(|| File::open(path))?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 128 MiB"));
        }
        Ok(bytes)
    }

    fn move_to_free(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        // A rename keeps owner and access rights. Without leave to replace, a file that is there is an error.
        let (from, to) = (wide(from), wide(to));
        retried(|| {
            // SAFETY: both names end with zeros.
            match unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), MOVEFILE_WRITE_THROUGH) } {
                0 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            }
        })
    }

    fn delete_backup(&mut self, path: &Path) -> io::Result<()> {
        retried(|| fs::remove_file(path))
    }

    fn names(&mut self, folder: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn holders(&mut self, path: &Path) -> io::Result<Vec<(u32, String)>> {
        programs::holders(path)
    }

    fn has_room(&mut self, bytes: u64) -> io::Result<bool> {
        let folder = self.journal.ancestors().skip(1).find(|folder| folder.is_dir());
        let name = wide(folder.unwrap_or(Path::new(r"C:\")));
        let mut free = 0;
        // SAFETY: the name ends with a zero, the pointer is to a local variable.
        let asked = unsafe {
            GetDiskFreeSpaceExW(name.as_ptr(), &mut free, std::ptr::null_mut(), std::ptr::null_mut())
        };
        if asked == 0 { Err(io::Error::last_os_error()) } else { Ok(free >= bytes) }
    }

    fn record(&mut self, record: &Record) -> io::Result<()> {
        recoveries::append(&self.journal, &serde_json::to_vec(record)?)
    }

    fn runs(&mut self, program: &Program) -> io::Result<bool> {
        Ok(program.pid.is_some_and(|pid| programs::runs(pid, program.started, &program.path)))
    }

    fn runs_again(&mut self, program: &Program) -> io::Result<bool> {
        Ok(match program.role {
            // Commands of ours run the same program, this one among them.
            Role::OurTray => instance::tray(self.dirs).is_some(),
            Role::Client | Role::VendorTray => !programs::running(&program.path).is_empty(),
        })
    }

    fn ask_to_close(&mut self, program: &Program) -> io::Result<()> {
        // Our own tray by its socket, which it has also where it has no window.
        if program.role == Role::OurTray {
            let request = Request::Run { command: Command::Exit.to_string() };
            if let Ok(Some(Reply::Done)) = instance::question(self.dirs, request, TALK) {
                return Ok(());
            }
        }
        programs::ask_to_close(pid_of(program)?, program.started)
    }

    fn end(&mut self, program: &Program) -> io::Result<()> {
        programs::end(pid_of(program)?, program.started)
    }

    fn start(&mut self, program: &Program) -> io::Result<()> {
        let mut command = process::Command::new(&program.path);
        command.args(&program.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl+C in a console of ours is not meant for it.
        command.creation_flags(CREATE_NEW_PROCESS_GROUP);
        if let Some(folder) = program.folder.as_deref().or(program.path.parent()) {
            command.current_dir(folder);
        }
        command.spawn().map(|_| ())
    }

    fn now(&mut self) -> Timestamp {
        Timestamp::now()
    }

    fn pause(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn tell(&mut self, progress: Progress) {
        (self.watcher)(progress);
    }

    fn is_canceled(&mut self) -> bool {
        self.canceled.load(Ordering::Relaxed)
    }
}

fn pid_of(program: &Program) -> io::Result<u32> {
    program.pid.ok_or_else(|| io::ErrorKind::NotFound.into())
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

/// How many names a file has.
fn names_of(file: &File) -> io::Result<u32> {
    let mut information = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, the pointer is to a local variable.
    match unsafe { GetFileInformationByHandle(file.as_raw_handle(), &mut information) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(information.nNumberOfLinks),
    }
}

#[cfg(test)]
#[path = "recovery_world_tests.rs"]
mod tests;
