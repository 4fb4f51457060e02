//! One window of a kind for a user: a lock that goes with its process, and a local socket on which a second start
//! knocks, so that the first window comes to the front.

use super::runner::Waker;
use crate::{domain::Problem, platform::private, store::atomic};
use interprocess::local_socket::{
    ConnectOptions, GenericFilePath, GenericNamespaced, Listener, ListenerOptions, Name, prelude::*,
};
use std::{
    fs::{File, TryLockError},
    io::{Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

/// What a second start says.
const KNOCK: &[u8] = b"front\n";
/// How long a knock may take.
const TALK: Duration = Duration::from_secs(2);

/// Whose window it is.
pub enum Claim {
    /// Ours: nobody else has one. The door is open as long as this lives.
    Ours(Door),
    /// Another process has one; it was asked to bring it to the front.
    Elsewhere,
}

/// The right to be the one window, and where a second start knocks.
pub struct Door {
    lock: File,
    listener: Option<Listener>,
}

/// Claims the one window of this name. `folder` is our own data folder.
pub fn claim(folder: &Path, name: &str) -> Result<Claim, Problem> {
    let path = folder.join(format!("window-{name}{}.lock", session_suffix()));
    atomic::create_folder(folder)?;
    let next = "Check that the folder can be written, or give another with --data-dir.";
    let failed = |error: &std::io::Error| Problem::io("Cannot lock", &path, error, next);
    let file = private::open(File::options().create(true).truncate(false).write(true), &path)
        .map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(Claim::Ours(Door { lock: file, listener: listen(folder, name).ok() })),
        Err(TryLockError::WouldBlock) => {
            // It may be just opening or closing. Either way there is nothing to be done here.
            let _ = knock(folder, name);
            Ok(Claim::Elsewhere)
        }
        Err(TryLockError::Error(error)) => Err(failed(&error)),
    }
}

impl Door {
    /// From now on each knock brings the window to the front.
    pub fn serve(self, waker: Waker) {
        let Door { lock, listener } = self;
        let Some(listener) = listener else {
            // Without the socket it is still the only one; only a second start cannot call it. Until the process
            // ends, for the lock goes with it.
            std::mem::forget(lock);
            return;
        };
        let wait = move || {
            let _held = lock;
            for guest in listener.incoming() {
                let Ok(mut guest) = guest else {
                    std::thread::sleep(TALK);
                    continue;
                };
                if !private::is_of_this_user(&guest) {
                    continue;
                }
                let _ = guest.set_recv_timeout(Some(TALK));
                let mut said = [0; KNOCK.len()];
                if guest.read_exact(&mut said).is_ok() && said == KNOCK {
                    waker.to_front();
                }
            }
        };
        let _ = std::thread::Builder::new().name("single".into()).stack_size(64 * 1024).spawn(wait);
    }
}

fn knock(folder: &Path, name: &str) -> std::io::Result<()> {
    let mut stream = ConnectOptions::new().name(socket_name(folder, name)?).connect_sync()?;
    let _ = stream.set_send_timeout(Some(TALK));
    stream.write_all(KNOCK)
}

fn listen(folder: &Path, name: &str) -> std::io::Result<Listener> {
    if cfg!(unix) {
        let _ = std::fs::remove_file(socket_path(folder, name));
    }
    let options = ListenerOptions::new().name(socket_name(folder, name)?).try_overwrite(true);
    #[cfg(windows)]
    let options = {
        use interprocess::os::windows::{
            local_socket::ListenerOptionsExt, security_descriptor::SecurityDescriptor,
        };
        let owner_and_system = widestring::u16cstr!("D:P(A;;GA;;;OW)(A;;GA;;;SY)");
        options.security_descriptor(SecurityDescriptor::deserialize(owner_and_system)?)
    };
    let listener = options.create_sync()?;
    // Until then, and where a system pays no heed to the mode, others are turned away when they come.
    #[cfg(unix)]
    std::fs::set_permissions(socket_path(folder, name), std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(listener)
}

/// On Windows each logged-on session has windows of its own: those of another cannot come to the front here.
fn session_suffix() -> String {
    #[cfg(windows)]
    return format!("-{}", crate::platform::windows::session());
    #[cfg(not(windows))]
    String::new()
}

fn socket_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("window-{name}.sock"))
}

fn socket_name(folder: &Path, name: &str) -> std::io::Result<Name<'static>> {
    if cfg!(windows) {
        let folder: u64 =
            folder.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
            });
        format!("visualcron-tray-window-{name}-{folder:016x}{}", session_suffix())
            .to_ns_name::<GenericNamespaced>()
    } else {
        socket_path(folder, name).to_fs_name::<GenericFilePath>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::runner::Call;
    use std::sync::mpsc;

    #[test]
    fn a_second_claim_knocks_at_the_first() {
        let home = tempfile::tempdir().unwrap();
        let Claim::Ours(door) = claim(home.path(), "test").unwrap() else { panic!("it is free") };
        let (knocked, knocks) = mpsc::channel();
        door.serve(Waker::new(move |call| knocked.send(call).unwrap()));
        assert!(matches!(claim(home.path(), "test").unwrap(), Claim::Elsewhere));
        assert_eq!(knocks.recv_timeout(Duration::from_secs(5)).unwrap(), Call::ToFront);
        // Others do not care.
        assert!(matches!(claim(home.path(), "other").unwrap(), Claim::Ours(_)));
    }
}
