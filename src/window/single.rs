//! One window of a kind for a user: a lock that goes with its process, and a local socket on which a second start
//! knocks, so that the first window comes to the front.

use super::runner::{self, View, Waker};
use crate::{
    domain::Problem,
    platform::{
        lock::{self, Lock},
        private,
        socket::{Socket, session_suffix},
    },
    store::atomic,
};
use interprocess::local_socket::{Listener, prelude::*};
use std::{
    io::{Read, Write},
    path::Path,
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
    lock: Lock,
    listener: Option<Listener>,
}

/// Claims the one window of this name. `folder` is our own data folder.
pub fn claim(folder: &Path, name: &str) -> Result<Claim, Problem> {
    atomic::create_folder(folder)?;
    let socket =
        Socket::new(folder, &format!("window-{name}.sock"), &format!("visualcron-tray-window-{name}"));
    match lock::take(&folder.join(format!("window-{name}{}.lock", session_suffix())))? {
        Some(lock) => Ok(Claim::Ours(Door { lock, listener: socket.listen().ok() })),
        None => {
            // It may be just opening or closing. Either way there is nothing to be done here.
            let _ = knock(&socket);
            Ok(Claim::Elsewhere)
        }
    }
}

/// Opens the one window of this name, and returns when it is closed; where it is open already it comes to the front,
/// and nothing else happens. `folder` is our own data folder; `command` as for [`runner::run`].
pub fn run(
    folder: &Path,
    name: &str,
    command: &'static str,
    view: impl FnOnce(Waker) -> Result<Box<dyn View>, Problem>,
) -> Result<(), Problem> {
    match claim(folder, name)? {
        Claim::Elsewhere => Ok(()),
        Claim::Ours(door) => runner::run(command, |waker| {
            door.serve(waker.clone());
            view(waker)
        }),
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

fn knock(socket: &Socket) -> std::io::Result<()> {
    let mut stream = socket.connect()?;
    let _ = stream.set_send_timeout(Some(TALK));
    stream.write_all(KNOCK)
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
