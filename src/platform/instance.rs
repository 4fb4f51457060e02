//! One tray per user session: a lock that goes with its process, and a local socket over which a second
//! start or a command talks to the running tray. One JSON line asks, one answers.

pub use super::lock::Lock;
use super::{
    Post,
    asking::Tell,
    dirs::{Dirs, Pretense},
    lock, private,
    socket::{Socket, session_suffix},
};
use crate::{
    app::{
        Command, Event, Ticket,
        report::{Reply, Request},
    },
    domain::{Fault, Problem},
    store::atomic,
};
use interprocess::local_socket::{Stream, prelude::*};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, OnceLock,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

/// The most bytes of a question.
const MAX_QUESTION: u64 = 64 * 1024;
/// The most bytes of an answer: the status of 100,000 servers.
const MAX_ANSWER: u64 = 128 * 1024 * 1024;
/// How long a question may take to arrive, all of it, and an answer to be fetched.
const TALK: Duration = Duration::from_secs(5);
/// How long the tray may work on an answer, from when it was called.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a tray that ends waits until answers are fetched.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long to wait when nobody can be let in.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How many may ask at the same time; others are hung up on.
const MAX_GUESTS: usize = 16;

/// What a question is about: a tray that looks at other folders must not answer it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Context {
    visualcron: Option<PathBuf>,
    config: PathBuf,
    /// A tray with a pretended time says nothing of the present.
    pretense: Pretense,
}

impl Context {
    /// Links are followed: one folder by two names is one folder.
    fn of(dirs: &Dirs) -> Context {
        let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
        Context {
            visualcron: dirs.visualcron_asked.as_ref().map(real),
            config: real(&dirs.config),
            pretense: dirs.pretense,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Question {
    context: Context,
    request: Request,
}

/// Takes the right to be the one tray; `None` while another process has it.
pub fn lock(dirs: &Dirs) -> Result<Option<Lock>, Problem> {
    atomic::create_folder(&dirs.data)?;
    // Somebody else may have made the folder just now.
    private::check(&dirs.data, false)?;
    lock::take(&lock_path(dirs))
}

/// Whether another process has that right.
///
/// # Errors
///
/// As for [`lock()`].
pub fn is_locked(dirs: &Dirs) -> Result<bool, Problem> {
    lock::is_taken(&lock_path(dirs))
}

/// The file that its holder has locked.
pub fn lock_path(dirs: &Dirs) -> PathBuf {
    dirs.data.join(format!("{}{}.lock", dirs.tray(), session_suffix()))
}

fn socket(dirs: &Dirs) -> Socket {
    Socket::new(&dirs.data, &format!("{}.sock", dirs.tray()), &format!("visualcron-{}", dirs.tray()))
}

/// Who waits for which answer.
pub type Tickets = Arc<Mutex<HashMap<Ticket, mpsc::Sender<Reply>>>>;

/// The tray's side of the socket.
pub struct Host {
    guests: Arc<Guests>,
    tickets: Tickets,
}

impl Host {
    /// Waits, 1 s at most, until those whom the tray has answered have fetched it: with the process goes what is not
    /// fetched. Whoever still waits for an answer gets none.
    pub fn farewell(&self) {
        if let Ok(mut tickets) = self.tickets.lock() {
            tickets.clear();
        }
        if let Ok(inside) = self.guests.inside.lock() {
            let _ = self.guests.left.wait_timeout_while(inside, FAREWELL, |inside| *inside > 0);
        }
    }
}

/// How many are asking.
#[derive(Default)]
struct Guests {
    inside: Mutex<usize>,
    left: Condvar,
}

/// One of the guests, for as long as it exists.
struct Guest(Arc<Guests>);

impl Guest {
    /// `None` when there are too many.
    fn enter(guests: &Arc<Guests>) -> Option<Guest> {
        let mut inside = guests.inside.lock().ok().filter(|inside| **inside < MAX_GUESTS)?;
        *inside += 1;
        Some(Guest(guests.clone()))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Ok(mut inside) = self.0.inside.lock() {
            *inside -= 1;
            self.0.left.notify_all();
        }
    }
}

/// Answers questions from now on. Only the holder of the lock may call it: a socket left behind by a crash is
/// replaced.
///
/// # Errors
///
/// [`Problem::io`] where the socket cannot be made; the tray works without it.
pub fn serve(dirs: &Dirs, post: Post, tickets: Tickets) -> Result<Host, Problem> {
    let socket = socket(dirs);
    let failed = |error: std::io::Error| {
        Problem::io(
            "Other commands cannot talk to this tray",
            &socket.path(),
            &error,
            "Those that only show something work without it, others are refused while this tray runs. A shorter path given \
             with --data-dir may help.",
        )
    };
    let listener = socket.listen().map_err(failed)?;
    let dirs = dirs.clone();
    let host = Host { guests: Arc::default(), tickets: tickets.clone() };
    let guests = host.guests.clone();
    std::thread::Builder::new()
        .name("instance".into())
        .stack_size(64 * 1024)
        .spawn(move || {
            for (number, stream) in (1..).zip(listener.incoming()) {
                let Ok(stream) = stream else {
                    // Out of handles, say: to try again at once would only use up the processor.
                    std::thread::sleep(AFTER_FAILURE);
                    continue;
                };
                if !private::is_of_this_user(&stream) {
                    continue;
                }
                let Some(guest) = Guest::enter(&guests) else { continue };
                let (post, tickets, dirs) = (post.clone(), tickets.clone(), dirs.clone());
                std::thread::spawn(move || {
                    // Looked at anew: the settings file may have come since.
                    let context = Context::of(&dirs);
                    let _ = attend(&stream, Ticket(number), &context, &post, &tickets);
                    if let Ok(mut tickets) = tickets.lock() {
                        tickets.remove(&Ticket(number));
                    }
                    drop(guest);
                });
            }
        })
        .map_err(failed)?;
    Ok(host)
}

/// A stream on which all must be done by a certain time, however slowly the other end reads and writes. (On Windows
/// what is begun is waited for: pipes there know no time limit.)
struct Timed<'s> {
    stream: &'s Stream,
    until: Instant,
}

impl Timed<'_> {
    fn left(&self) -> std::io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let _ = self.stream.set_recv_timeout(Some(self.left()?));
        let mut stream = self.stream;
        stream.read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let _ = self.stream.set_send_timeout(Some(self.left()?));
        let mut stream = self.stream;
        stream.write(buffer)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn attend(
    stream: &Stream,
    ticket: Ticket,
    context: &Context,
    post: &Post,
    tickets: &Tickets,
) -> std::io::Result<()> {
    let came = Instant::now();
    let mut line = String::new();
    BufReader::new(Timed { stream, until: came + TALK }).take(MAX_QUESTION).read_line(&mut line)?;
    let reply = match serde_json::from_str::<Question>(&line) {
        Err(_) => Reply::NotUnderstood,
        Ok(question) if question.context != *context && !is_for_any_tray(&question.request) => {
            Reply::OtherFolders
        }
        Ok(question) => {
            let (answer, answers) = mpsc::channel();
            if let Ok(mut tickets) = tickets.lock() {
                tickets.insert(ticket, answer);
            }
            let tells = matches!(question.request, Request::Refresh { progress: true, .. });
            post(Event::Asked(question.request, ticket));
            loop {
                match answers.recv_timeout(PATIENCE.saturating_sub(came.elapsed())) {
                    Ok(reply @ Reply::UnderWay(..)) if tells => {
                        say(stream, &reply)?;
                    }
                    Ok(Reply::UnderWay(..)) => {}
                    Ok(reply) => break reply,
                    Err(RecvTimeoutError::Timeout) => {
                        let why = format!("it is busy for more than {} s", PATIENCE.as_secs());
                        break Reply::Problem(no_answer(Some(std::process::id()), why));
                    }
                    // The tray ends: then the other end does without it.
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                }
            }
        }
    };
    // It hangs up when it has the answer.
    say(stream, &reply)?.read(&mut [0]).map(drop)
}

/// Writes a reply as a line, within the time for it.
fn say<'s>(stream: &'s Stream, reply: &Reply) -> std::io::Result<Timed<'s>> {
    let mut line = reply.to_line()?;
    line.push(b'\n');
    let mut stream = Timed { stream, until: Instant::now() + TALK };
    stream.write_all(&line)?;
    Ok(stream)
}

/// There is one tray, so whatever it looks at, a second start shows it and `exit` ends it.
fn is_for_any_tray(request: &Request) -> bool {
    match request {
        Request::Show => true,
        Request::Run { command } => command.parse() == Ok(Command::Exit),
        _ => false,
    }
}

fn no_answer(pid: Option<u32>, why: impl Into<String>) -> Problem {
    let process = pid.map_or_else(|| "its process".to_string(), |pid| format!("its process {pid}"));
    Problem::new(
        Fault::Unavailable,
        "The running tray did not answer",
        "the tray of this user",
        why,
        format!("Exit it from its menu, or end {process}, and try again."),
    )
}

/// Asks the running tray. `None` where none listens, or where it looks at other folders: then a command does
/// without it.
///
/// # Errors
///
/// As for [`question`]: a command does without it as well, but says so.
pub fn ask(dirs: &Dirs, request: Request) -> Result<Option<Reply>, Problem> {
    ask_and_tell(dirs, request, &|_, _| {})
}

/// The same; of a refresh that wants it, it is told how far it is.
///
/// # Errors
///
/// As for [`ask`].
pub fn ask_and_tell(dirs: &Dirs, request: Request, tell: Tell<'_>) -> Result<Option<Reply>, Problem> {
    let patience = match request {
        // What it would say can be read from the files as well.
        Request::Status => TALK,
        _ => PATIENCE + TALK,
    };
    let reply = talked(dirs, request, patience, tell)?;
    Ok(reply.filter(|reply| *reply != Reply::OtherFolders))
}

/// Asks the running tray; `None` where nobody listens. All of it takes `patience` at most.
///
/// # Errors
///
/// [`Fault::Unavailable`] where somebody listens, but does not answer; [`Fault::Permission`] where that is a
/// process of another user.
pub fn question(dirs: &Dirs, request: Request, patience: Duration) -> Result<Option<Reply>, Problem> {
    talked(dirs, request, patience, &|_, _| {})
}

fn talked(
    dirs: &Dirs,
    request: Request,
    patience: Duration,
    tell: Tell<'_>,
) -> Result<Option<Reply>, Problem> {
    let until = Instant::now() + patience;
    let (context, socket) = (Context::of(dirs), socket(dirs));
    let (answer, answers) = mpsc::channel();
    let met = Arc::new(OnceLock::new());
    let meets = met.clone();
    // Of its own, since neither a connection nor, on Windows, an answer can be waited for with a time limit.
    std::thread::spawn(move || {
        let on_its_way = answer.clone();
        let mut heard = |reply| drop(on_its_way.send(Ok(Some(reply))));
        let _ = answer.send(match socket.connect() {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(not_ours(&socket.path())),
            Err(_) => Ok(None),
            Ok(stream) => {
                let pid = *meets.get_or_init(|| process_at(&stream));
                talk(&stream, &Question { context, request }, &mut heard).map(Some).map_err(|error| {
                    let why = match error.kind() {
                        ErrorKind::InvalidData => {
                            "its answer is not understood: it is probably of another version".into()
                        }
                        _ => {
                            format!(
                                "it hung up, as it does while {MAX_GUESTS} others ask it, or when it ends"
                            )
                        }
                    };
                    no_answer(pid, why)
                })
            }
        });
    });
    loop {
        match answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Ok(Some(Reply::UnderWay(done, all)))) => tell(done, all),
            Ok(reply) => return reply,
            Err(_) => {
                let seconds = patience.as_secs_f64().round();
                return Err(no_answer(met.get().copied().flatten(), format!("{seconds} s have passed")));
            }
        }
    }
}

/// The process id of the running tray, if one listens.
pub fn tray(dirs: &Dirs) -> Option<u32> {
    process_at(&socket(dirs).connect().ok()?)
}

/// The process at the other end.
#[allow(clippy::useless_conversion)] // On Unix a process id has a sign.
fn process_at(stream: &Stream) -> Option<u32> {
    stream.peer_creds().ok()?.pid().and_then(|pid| u32::try_from(pid).ok())
}

/// Puts the question, and hears the answer; what comes before it is told on its way.
fn talk(mut stream: &Stream, question: &Question, heard: &mut dyn FnMut(Reply)) -> std::io::Result<Reply> {
    let mut text = serde_json::to_vec(question)?;
    text.push(b'\n');
    stream.write_all(&text)?;
    let mut lines = BufReader::new(stream).take(MAX_ANSWER);
    loop {
        let mut line = String::new();
        lines.read_line(&mut line)?;
        match Reply::from_line(&line)? {
            reply @ Reply::UnderWay(..) => heard(reply),
            reply => return Ok(reply),
        }
    }
}

fn not_ours(socket: &Path) -> Problem {
    let (why, next) = if cfg!(windows) {
        ("a process of another user, or with more rights, listens there", "End that process")
    } else {
        ("a process of another user listens there", "Remove that file")
    };
    let next = format!("{next}, or give another folder with --data-dir.");
    Problem::new(Fault::Permission, "Cannot talk to the tray", socket.display().to_string(), why, next)
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
            pretense: Pretense::None,
        }
    }

    #[test]
    fn one_lock_and_it_goes_with_its_holder() {
        let home = tempfile::tempdir().unwrap();
        let dirs = dirs(&home.path().join("data"));
        let first = lock(&dirs).unwrap();
        assert!(first.is_some());
        assert!(lock(&dirs).unwrap().is_none());
        assert_eq!(is_locked(&dirs), Ok(true));
        drop(first);
        assert_eq!(is_locked(&dirs), Ok(false));
        assert!(lock(&dirs).unwrap().is_some());
    }

    #[test]
    fn questions_are_answered_and_nonsense_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let dirs = dirs(home.path());
        assert_eq!(ask(&dirs, Request::Status), Ok(None));
        // A socket left behind by a crash does not block.
        std::fs::write(home.path().join("tray.sock"), "").unwrap();
        let tickets = Tickets::default();
        let waiting = tickets.clone();
        let post: Post = Arc::new(move |event| {
            if let Event::Asked(_, ticket) = event {
                waiting.lock().unwrap()[&ticket].send(Reply::Done).unwrap();
            }
        });
        let _host = serve(&dirs, post, tickets).unwrap();
        assert_eq!(ask(&dirs, Request::Show), Ok(Some(Reply::Done)));
        let elsewhere = Dirs { visualcron_asked: Some("/elsewhere".into()), ..dirs.clone() };
        assert_eq!(ask(&elsewhere, Request::Status), Ok(None));
        assert_eq!(ask(&elsewhere, Request::Show), Ok(Some(Reply::Done)));
        assert_eq!(ask(&elsewhere, Request::Run { command: "exit".into() }), Ok(Some(Reply::Done)));
        assert_eq!(ask(&elsewhere, Request::Run { command: "got-it".into() }), Ok(None));
        let pretended = Dirs { pretense: Pretense::Kept, ..dirs.clone() };
        assert_eq!(ask(&pretended, Request::Status), Ok(None));
        #[cfg(unix)]
        {
            let link = home.path().join("link");
            std::os::unix::fs::symlink(home.path(), &link).unwrap();
            let by_link = Dirs { config: link.join("settings.toml"), ..dirs.clone() };
            std::fs::write(&dirs.config, "").unwrap();
            assert_eq!(
                ask(&by_link, Request::Status),
                Ok(Some(Reply::Done)),
                "the same folder by another name"
            );
        }
        for nonsense in ["\n", "{}\n", "{\"context\":1}\n", "\0\0\0\n"] {
            let mut stream = socket(&dirs).connect().unwrap();
            stream.write_all(nonsense.as_bytes()).unwrap();
            let mut answer = String::new();
            BufReader::new(stream).read_line(&mut answer).unwrap();
            assert_eq!(Reply::from_line(&answer).unwrap(), Reply::NotUnderstood, "{nonsense:?}");
        }
    }

    /// Asks, and leaves the answer where it is.
    fn asking(dirs: &Dirs) -> Stream {
        let mut stream = socket(dirs).connect().unwrap();
        let question = Question { context: Context::of(dirs), request: Request::Status };
        stream.write_all(&serde_json::to_vec(&question).unwrap()).unwrap();
        stream.write_all(b"\n").unwrap();
        stream
    }

    #[test]
    fn a_tray_that_ends_waits_for_what_it_has_answered_and_answers_nothing_more() {
        let home = tempfile::tempdir().unwrap();
        let dirs = dirs(home.path());
        let (asked, questions) = mpsc::channel();
        let post: Post = Arc::new(move |event| {
            if let Event::Asked(_, ticket) = event {
                asked.send(ticket).unwrap();
            }
        });
        let tickets = Tickets::default();
        let host = serve(&dirs, post, tickets.clone()).unwrap();
        let answered = asking(&dirs);
        let ticket = questions.recv().unwrap();
        tickets.lock().unwrap()[&ticket].send(Reply::Done).unwrap();
        let waits = asking(&dirs);
        questions.recv().unwrap();
        let farewell = std::thread::spawn(move || host.farewell());
        let mut line = String::new();
        assert_eq!(BufReader::new(waits).read_line(&mut line).unwrap_or_default(), 0, "{line}");
        assert!(!farewell.is_finished(), "one has not fetched its answer");
        BufReader::new(&answered).read_line(&mut line).unwrap();
        assert_eq!(Reply::from_line(&line).unwrap(), Reply::Done);
        drop(answered);
        farewell.join().unwrap();
    }

    #[test]
    fn nobody_is_told_from_somebody_who_says_nothing() {
        let home = tempfile::tempdir().unwrap();
        let dirs = dirs(home.path());
        let ask = |patience| question(&dirs, Request::Show, patience);
        assert_eq!(ask(TALK), Ok(None));
        let host = serve(&dirs, Arc::new(|_| {}), Tickets::default()).unwrap();
        let problem = ask(Duration::from_millis(50)).unwrap_err();
        assert_eq!((problem.fault, problem.why.as_str()), (Fault::Unavailable, "0 s have passed"));
        let process = format!("or end its process {}", std::process::id());
        assert!(cfg!(not(target_os = "linux")) || problem.next.contains(&process), "{problem}");
        host.farewell();
        let _guests: Vec<_> = std::iter::from_fn(|| Guest::enter(&host.guests)).collect();
        let problem = ask(TALK).unwrap_err();
        assert!(problem.why.starts_with("it hung up"), "{problem}");
    }
}
