//! A local socket of ours below the data folder, on Windows a named pipe, over which the processes of one user talk
//! to each other.

use super::private;
use interprocess::local_socket::{
    GenericFilePath, GenericNamespaced, Listener, ListenerOptions, Name, Stream, prelude::*,
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Where a socket is.
#[derive(Clone, Debug)]
pub struct Socket {
    path: PathBuf,
    pipe: String,
}

impl Socket {
    /// The socket `file` in `folder`; on Windows the pipe whose name begins with `pipe`, one for each folder and
    /// session.
    pub fn new(folder: &Path, file: &str, pipe: &str) -> Socket {
        let hash: u64 =
            folder.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
            });
        Socket { path: folder.join(file), pipe: format!("{pipe}-{hash:016x}{}", session_suffix()) }
    }

    /// What it is called in messages: the file, on Windows the pipe.
    pub fn path(&self) -> PathBuf {
        if cfg!(windows) { Path::new(r"\\.\pipe").join(&self.pipe) } else { self.path.clone() }
    }

    /// The name by which the system knows it.
    ///
    /// # Errors
    ///
    /// The path is too long, or holds what the system does not allow.
    pub fn name(&self) -> io::Result<Name<'static>> {
        if cfg!(windows) {
            self.pipe.clone().to_ns_name::<GenericNamespaced>()
        } else {
            self.path.clone().to_fs_name::<GenericFilePath>()
        }
    }

    /// Connects to the process of this user that listens.
    ///
    /// # Errors
    ///
    /// Nobody listens; [`io::ErrorKind::PermissionDenied`] where it is another user.
    pub fn connect(&self) -> io::Result<Stream> {
        let stream = connected(self)?;
        match private::is_of_this_user(&stream) {
            true => Ok(stream),
            false => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }

    /// Listens. Only the holder of a lock may: a socket left behind by a crash is replaced.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn listen(&self) -> io::Result<Listener> {
        if cfg!(unix) {
            let _ = std::fs::remove_file(&self.path);
        }
        let options = ListenerOptions::new().name(self.name()?).try_overwrite(true);
        #[cfg(windows)]
        let options = super::windows::pipe::for_this_user(options)?;
        let listener = options.create_sync()?;
        // Until then, and where a system pays no heed to the mode, others are turned away when they come.
        #[cfg(unix)]
        std::fs::set_permissions(&self.path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(listener)
    }
}

#[cfg(not(windows))]
fn connected(socket: &Socket) -> io::Result<Stream> {
    interprocess::local_socket::ConnectOptions::new().name(socket.name()?).connect_sync()
}

#[cfg(windows)]
fn connected(socket: &Socket) -> io::Result<Stream> {
    super::windows::pipe::connect(&socket.pipe)
}

/// On Windows each logged-on session has its own tray and windows, as the vendor's (documented); elsewhere each
/// user.
pub fn session_suffix() -> String {
    #[cfg(windows)]
    return format!("-{}", super::windows::session());
    #[cfg(not(windows))]
    String::new()
}
