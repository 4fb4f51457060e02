//! `tray`: run the tray; `exit`: end it.

use super::{Out, Session};
use crate::{
    app::{
        Command, Event,
        event::Area,
        report::{Reply, Request},
    },
    domain::{Fault, Problem},
    platform::{
        Post, instance, log, program,
        tray::{self, App},
        world::World,
    },
    store::settings,
};
#[cfg(windows)]
use crate::{
    app::{Icon, words},
    platform::{notify, windows},
};
use std::{
    any::Any,
    ffi::OsString,
    path::{Path, PathBuf},
    process,
    time::{Duration, Instant},
};
use tracing::level_filters::LevelFilter;

/// How long the lock is waited for, or the end of a tray: longer than a `refresh` takes that waits for the license
/// host.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a tray that can answer needs at most.
const ENOUGH: Duration = Duration::from_secs(1);
/// How long until the next try.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs the tray. If this is the twin of `twin_of` for the console, it starts that instead and is done: the tray
/// must not end with the console.
pub fn run(session: Session, twin_of: Option<PathBuf>, out: &Out) -> Result<u8, Problem> {
    let Some(lock) = lock_or_show_the_first(&session, out)? else { return Ok(0) };
    if let Some(tray) = twin_of {
        drop(lock);
        return start_beside(&tray, std::env::args_os().skip(1)).map(|()| 0);
    }
    #[cfg(windows)]
    {
        windows::console::give_back();
        windows::identity::take();
        if !session.dirs.keeps_nothing()
            && let Some(picture) = notify::picture(Icon::Fine, &session.dirs.data)
            && let Err(why) = windows::identity::register(words::TITLE, &picture)
        {
            tracing::warn!(event = "identity.failed", why);
        }
    }
    let written = if session.dirs.keeps_nothing() {
        Ok(false)
    } else {
        settings::write_default_if_absent(&session.dirs.config)
    };
    start(session, lock, written.err().map(|problem| (Area::Settings, problem)), None)
}

/// Starts the tray with these arguments, and leaves it alone.
pub fn start_beside(tray: &Path, arguments: impl IntoIterator<Item = OsString>) -> Result<(), Problem> {
    let started = process::Command::new(tray)
        .args(arguments)
        .stdin(process::Stdio::null())
        .stdout(process::Stdio::null())
        .stderr(process::Stdio::null())
        .spawn();
    started
        .map(|_| ())
        .map_err(|error| Problem::io("Cannot start the tray", tray, &error, "Install visualcron-tray anew."))
}

/// Runs the tray until it ends, and drops `keepsake` then.
pub fn start(
    session: Session,
    lock: instance::Lock,
    problem: Option<(Area, Problem)>,
    keepsake: Option<Box<dyn Any + Send>>,
) -> Result<u8, Problem> {
    let settings = session.load_settings().settings;
    let level = if session.verbose { LevelFilter::DEBUG } else { level(settings.log.level) };
    log::start(session.dirs.log_file(), settings.log.max_kib, level);
    let (state_file, kept, state_problem) = session.load_state(Ok(Some(&lock)));
    let state = session.state(kept, settings);
    let dirs = session.dirs.clone();
    tray::run(move |post: Post| {
        let stop = post.clone();
        // A second signal handler cannot be set; then signals end the process the hard way.
        let _ = ctrlc::set_handler(move || stop(Event::Chosen(Command::Exit)));
        for (area, problem) in problem.into_iter().chain(state_problem.map(|p| (Area::Kept, p))) {
            post(Event::Failed(area, problem));
        }
        let tickets = Default::default();
        let mut app = App::new(
            state,
            session.clock.clone(),
            World { dirs, state_file, clock: session.clock, post, tickets },
        );
        match keepsake {
            // The lock before the folder that it is in.
            Some(keepsake) => app.keep((lock, keepsake)),
            // It goes with the process, so that `exit` tells that the process has ended.
            None => std::mem::forget(lock),
        }
        app
    });
    Ok(0)
}

fn level(level: settings::Level) -> LevelFilter {
    level.word().parse().unwrap_or(LevelFilter::INFO)
}

/// Takes the right to be the one tray; `None` when one runs already, which then shows itself. A command that is
/// at work holds it for a moment only, and answers nobody: that is waited for.
fn lock_or_show_the_first(session: &Session, out: &Out) -> Result<Option<instance::Lock>, Problem> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(lock) = instance::lock(&session.dirs)? {
            return Ok(Some(lock));
        }
        let left = until.saturating_duration_since(Instant::now());
        if instance::question(&session.dirs, Request::Show, left).is_ok_and(|reply| reply.is_some()) {
            out.remark("The tray is already running; it shows itself.");
            return Ok(None);
        }
        if left < PAUSE {
            return Err(does_not_answer(session));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Ends this user's tray, and says so.
pub fn exit(session: &Session, out: &Out) -> Result<u8, Problem> {
    out.remark(if end(session)? { "The tray has ended." } else { "No tray is running." });
    Ok(0)
}

/// Ends this user's tray, whatever it looks at, and waits until it has ended; whether there was one.
pub fn end(session: &Session) -> Result<bool, Problem> {
    let until = Instant::now() + PATIENCE;
    let left = || until.saturating_duration_since(Instant::now());
    let mut silence = None;
    loop {
        let request = Request::Run { command: Command::Exit.to_string() };
        let patience = left();
        match instance::question(&session.dirs, request, patience) {
            Ok(Some(Reply::Done)) => break,
            Ok(Some(_)) => return Err(not_ended(session, "it is probably of another version")),
            Ok(None) if !instance::is_locked(&session.dirs)? => {
                // One that did not answer may have been about to end.
                return Ok(silence.is_some());
            }
            Ok(None) => {}
            // A last question that was given no time says nothing of the tray.
            Err(_) if patience < ENOUGH && silence.is_none() => {}
            Err(problem) if problem.fault == Fault::Unavailable => silence = Some(problem),
            Err(problem) => return Err(problem),
        }
        if left() < PAUSE {
            return Err(silence.unwrap_or_else(|| does_not_answer(session)));
        }
        std::thread::sleep(PAUSE);
    }
    while instance::is_locked(&session.dirs)? {
        if left().is_zero() {
            return Err(not_ended(session, &format!("{} s later it still runs", PATIENCE.as_secs())));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(true)
}

fn not_ended(session: &Session, why: &str) -> Problem {
    Problem::new(
        Fault::Unavailable,
        "The tray was asked to end, but has not",
        session.dirs.data.display().to_string(),
        why,
        format!("Wait and try again, or end {}.", process_in_words(session)),
    )
}

/// The tray's process: by its id, where it still lets somebody in.
fn process_in_words(session: &Session) -> String {
    match instance::tray(&session.dirs) {
        Some(pid) => format!("process {pid}"),
        None => format!("the process `{}`", program::path().unwrap_or_default().display()),
    }
}

fn does_not_answer(session: &Session) -> Problem {
    Problem::new(
        Fault::Unavailable,
        "A tray is running, but does not answer",
        instance::lock_path(&session.dirs).display().to_string(),
        "another process holds this lock",
        format!("End {}, and try again.", process_in_words(session)),
    )
}
