//! One tray per user session: a lock that goes with its process, and a local socket over which a second
//! start or a command talks to the running tray. One JSON line asks, one answers.

use super::{Post, dirs::Dirs};
use crate::{
    app::{
        Event, Ticket,
        report::{Reply, Request},
    },
    domain::{Fault, Problem},
    store::atomic,
};
use interprocess::local_socket::{
    ConnectOptions, GenericFilePath, GenericNamespaced, ListenerOptions, Name, Stream, prelude::*,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs::{File, TryLockError},
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

/// The most bytes of a question.
const MAX_QUESTION: u64 = 64 * 1024;
/// The most bytes of an answer: the status of 100,000 servers.
const MAX_ANSWER: u64 = 128 * 1024 * 1024;
/// How long a question may take to arrive, and an answer to leave.
const TALK: Duration = Duration::from_secs(5);
/// How long a command waits for the tray's answer, and the tray for the work behind it.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait when nobody can be let in.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How many may ask at the same time.
const MAX_GUESTS: usize = 16;

/// What a question is about: a tray that looks at other folders must not answer it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Context {
    visualcron: Option<PathBuf>,
    config: PathBuf,
}

impl Context {
    fn of(dirs: &Dirs) -> Context {
        Context { visualcron: dirs.visualcron_asked.clone(), config: dirs.config.clone() }
    }
}

#[derive(Serialize, Deserialize)]
struct Question {
    context: Context,
    request: Request,
}

/// The right to be the one tray. Given back when dropped, or when the process ends in whatever way.
pub struct Lock {
    _file: File,
}

/// Takes the lock; `None` while another process has it.
pub fn lock(dirs: &Dirs) -> Result<Option<Lock>, Problem> {
    let path = dirs.data.join(format!("tray{}.lock", session_suffix()));
    atomic::create_folder(&dirs.data)?;
    let next = "Check that the folder can be written, or give another with --data-dir.";
    let failed = |error: &std::io::Error| Problem::io("Cannot lock", &path, error, next);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed(&error)),
    }
}

/// On Windows each logged-on session has its own tray, as the vendor's (documented); elsewhere each user.
fn session_suffix() -> String {
    #[cfg(windows)]
    return format!("-{}", super::windows::session());
    #[cfg(not(windows))]
    String::new()
}

fn socket_path(dirs: &Dirs) -> PathBuf {
    dirs.data.join("tray.sock")
}

fn socket_name(dirs: &Dirs) -> std::io::Result<Name<'static>> {
    if cfg!(windows) {
        let folder: u64 =
            dirs.data.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
            });
        format!("visualcron-tray-{folder:016x}{}", session_suffix()).to_ns_name::<GenericNamespaced>()
    } else {
        socket_path(dirs).to_fs_name::<GenericFilePath>()
    }
}

/// Lets only the user who runs the tray, and the system, talk to it. By default everybody could listen in.
#[cfg(windows)]
fn for_this_user(options: ListenerOptions<'_>) -> std::io::Result<ListenerOptions<'_>> {
    use interprocess::os::windows::{
        local_socket::ListenerOptionsExt, security_descriptor::SecurityDescriptor,
    };
    let owner_and_system = widestring::u16cstr!("D:P(A;;GA;;;OW)(A;;GA;;;SY)");
    Ok(options.security_descriptor(SecurityDescriptor::deserialize(owner_and_system)?))
}

/// Who waits for which answer.
pub type Tickets = Arc<Mutex<HashMap<Ticket, mpsc::Sender<Reply>>>>;

/// Answers questions from now on. Only the holder of the lock may call it: a socket left behind by a crash is
/// replaced.
pub fn serve(dirs: &Dirs, post: Post, tickets: Tickets) -> Result<(), Problem> {
    let failed = |error: std::io::Error| {
        Problem::io(
            "Other commands cannot talk to this tray",
            &socket_path(dirs),
            &error,
            "They work without it. A shorter path given with --data-dir may help.",
        )
    };
    if cfg!(unix) {
        let _ = std::fs::remove_file(socket_path(dirs));
    }
    let options = ListenerOptions::new().name(socket_name(dirs).map_err(failed)?).try_overwrite(true);
    #[cfg(windows)]
    let options = for_this_user(options).map_err(failed)?;
    let listener = options.create_sync().map_err(failed)?;
    let context = Context::of(dirs);
    let guests = Arc::new(AtomicUsize::new(0));
    let next_ticket = Arc::new(Mutex::new(0u64));
    std::thread::Builder::new()
        .name("instance".into())
        .stack_size(64 * 1024)
        .spawn(move || {
            for guest in listener.incoming() {
                let Ok(guest) = guest else {
                    // Out of handles, say: to try again at once would only use up the processor.
                    std::thread::sleep(AFTER_FAILURE);
                    continue;
                };
                if guests.fetch_add(1, Ordering::SeqCst) >= MAX_GUESTS {
                    guests.fetch_sub(1, Ordering::SeqCst);
                    continue;
                }
                let (post, tickets, context) = (post.clone(), tickets.clone(), context.clone());
                let (guests, next_ticket) = (guests.clone(), next_ticket.clone());
                std::thread::spawn(move || {
                    let ticket = next_ticket.lock().map(|mut next| {
                        *next += 1;
                        Ticket(*next)
                    });
                    if let Ok(ticket) = ticket {
                        let _ = attend(guest, ticket, &context, &post, &tickets);
                        if let Ok(mut tickets) = tickets.lock() {
                            tickets.remove(&ticket);
                        }
                    }
                    guests.fetch_sub(1, Ordering::SeqCst);
                });
            }
        })
        .map(|_| ())
        .map_err(failed)
}

fn attend(
    guest: Stream,
    ticket: Ticket,
    context: &Context,
    post: &Post,
    tickets: &Tickets,
) -> std::io::Result<()> {
    let _ = guest.set_recv_timeout(Some(TALK));
    let _ = guest.set_send_timeout(Some(TALK));
    let mut guest = BufReader::new(guest);
    let mut line = String::new();
    guest.by_ref().take(MAX_QUESTION).read_line(&mut line)?;
    let reply = match serde_json::from_str::<Question>(&line) {
        Err(_) => Reply::NotUnderstood,
        // A second start shows the first, whatever it was to look at: there is one tray.
        Ok(question) if question.context != *context && question.request != Request::Show => {
            Reply::OtherFolders
        }
        Ok(question) => {
            let (answer, answers) = mpsc::channel();
            if let Ok(mut tickets) = tickets.lock() {
                tickets.insert(ticket, answer);
            }
            post(Event::Asked(question.request, ticket));
            answers.recv_timeout(PATIENCE).unwrap_or(Reply::Problem(no_answer()))
        }
    };
    let mut answer = reply.to_line()?;
    answer.push(b'\n');
    guest.get_mut().write_all(&answer)
}

fn no_answer() -> Problem {
    Problem::new(
        Fault::Unavailable,
        "The running tray did not answer",
        "the tray of this user",
        format!("it is busy for more than {} s", PATIENCE.as_secs()),
        "Exit it from its menu, or end its process, and try again.",
    )
}

/// Asks the running tray. `None` where none runs, or where it looks at other folders.
pub fn ask(dirs: &Dirs, request: Request) -> Option<Reply> {
    let stream = ConnectOptions::new().name(socket_name(dirs).ok()?).connect_sync().ok()?;
    let _ = stream.set_send_timeout(Some(TALK));
    let _ = stream.set_recv_timeout(Some(PATIENCE + TALK));
    let talk = || -> std::io::Result<Reply> {
        let mut stream = BufReader::new(stream);
        let mut question = serde_json::to_vec(&Question { context: Context::of(dirs), request })?;
        question.push(b'\n');
        stream.get_mut().write_all(&question)?;
        let mut line = String::new();
        stream.by_ref().take(MAX_ANSWER).read_line(&mut line)?;
        Ok(Reply::from_line(&line)?)
    };
    match talk() {
        Ok(Reply::OtherFolders) | Err(_) => None,
        Ok(reply) => Some(reply),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs(home: &std::path::Path) -> Dirs {
        Dirs {
            visualcron_asked: None,
            visualcron_default: home.into(),
            config: home.join("settings.toml"),
            data: home.into(),
        }
    }

    #[test]
    fn one_lock_and_it_goes_with_its_holder() {
        let home = tempfile::tempdir().unwrap();
        let dirs = dirs(home.path());
        let first = lock(&dirs).unwrap();
        assert!(first.is_some());
        assert!(lock(&dirs).unwrap().is_none());
        drop(first);
        assert!(lock(&dirs).unwrap().is_some());
    }

    #[test]
    fn questions_are_answered_and_nonsense_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let dirs = dirs(home.path());
        assert_eq!(ask(&dirs, Request::Status), None);
        // A socket left behind by a crash does not block.
        std::fs::write(socket_path(&dirs), "").unwrap();
        let tickets = Tickets::default();
        let waiting = tickets.clone();
        let post: Post = Arc::new(move |event| {
            if let Event::Asked(_, ticket) = event {
                waiting.lock().unwrap()[&ticket].send(Reply::Done).unwrap();
            }
        });
        serve(&dirs, post, tickets).unwrap();
        assert_eq!(ask(&dirs, Request::Show), Some(Reply::Done));
        let elsewhere = Dirs { visualcron_asked: Some("/elsewhere".into()), ..dirs.clone() };
        assert_eq!(ask(&elsewhere, Request::Status), None);
        assert_eq!(ask(&elsewhere, Request::Show), Some(Reply::Done));
        for nonsense in ["\n", "{}\n", "{\"context\":1}\n", "\0\0\0\n"] {
            let mut stream = Stream::connect(socket_name(&dirs).unwrap()).unwrap();
            stream.write_all(nonsense.as_bytes()).unwrap();
            let mut answer = String::new();
            BufReader::new(stream).read_line(&mut answer).unwrap();
            assert_eq!(Reply::from_line(&answer).unwrap(), Reply::NotUnderstood, "{nonsense:?}");
        }
    }
}
