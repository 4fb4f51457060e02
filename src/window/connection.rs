//! Check connection in a window: what it shows is plain data, changed by what is heard and by what the user asks for. No
//! clock, no network: the work is done by a [`Backend`].

pub use super::page::Kept;
use super::{
    connection_backend::{Backend, Told},
    connection_view,
    mailbox::{self, Ends, Mailbox},
    runner::{self, After, View, Waker},
    single,
};
use crate::domain::{
    Problem,
    diagnosis::{Diagnosis, Stage, Step, Target},
};
pub use connection_view::{SIZE, show};
use jiff::tz::TimeZone;
use std::{path::PathBuf, sync::mpsc, time::Duration};

/// The title of the window.
pub const TITLE: &str = "Check connection";

/// What does the same on the command line.
pub const COMMAND: &str = "visualcron-tray diagnose";

/// What the window shows.
#[derive(Debug, Default)]
pub struct State {
    /// The host in the field, as it is typed.
    pub typed: String,
    /// The host that is checked, or was.
    pub host: String,
    /// Which check that is, counted from 0: of those before it nothing is heard any more.
    pub number: u64,
    /// How far it is.
    pub screen: Screen,
    /// The stages and how they stand, in the order of [`Stage::ALL`].
    pub stages: [Standing; Stage::ALL.len()],
    /// What was typed is no host.
    pub mistyped: bool,
    /// What has become of the text for the network team.
    pub kept: Option<Kept>,
    /// Something that was asked for did not work.
    pub problem: Option<Problem>,
    /// The field takes the focus, all of it selected.
    pub focus_due: bool,
}

/// How far it is.
#[derive(Debug, Default, PartialEq)]
pub enum Screen {
    /// It goes on.
    #[default]
    Checking,
    /// It has come to this.
    Concluded(Box<Diagnosis>),
    /// It could not be checked.
    Failed(Problem),
}

/// How a stage stands. Times since the window began.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Standing {
    /// Not begun.
    #[default]
    Waits,
    /// It goes on since then.
    Now(Duration),
    /// It has ended.
    Ended(Box<Step>),
}

/// What the window hears.
#[derive(Debug)]
pub enum Heard {
    /// The host of the settings: it is being checked.
    Host(String),
    /// How the check of this number goes.
    Told(u64, Told),
    /// The text is kept.
    Kept(Kept),
    /// What was asked for did not work.
    Problem(Problem),
}

/// What the user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Check this host.
    Check(String),
    /// Copy this text.
    Copy(String),
    /// Save it, by this name.
    Save {
        /// The name of the file.
        name: String,
        /// What is in it.
        text: String,
    },
    /// Open the folder of what was saved.
    Open(PathBuf),
    /// Close the window.
    Close,
}

impl State {
    /// Takes in what is heard, at this time since the window began.
    pub fn hear(&mut self, heard: Heard, now: Duration) {
        match heard {
            Heard::Host(host) => {
                self.typed.clone_from(&host);
                self.host = host;
                self.focus_due = true;
            }
            // Of a check that gave way to another.
            Heard::Told(number, _) if number != self.number => {}
            Heard::Told(_, told) => match told {
                Told::Began(stage) => self.stand(stage, Standing::Now(now)),
                Told::Ended(step) => self.stand(step.stage, Standing::Ended(step)),
                Told::Concluded(diagnosis) => {
                    for step in &diagnosis.steps {
                        self.stand(step.stage, Standing::Ended(Box::new(step.clone())));
                    }
                    self.screen = Screen::Concluded(diagnosis);
                }
                Told::Failed(problem) => {
                    self.stages = Default::default();
                    self.screen = Screen::Failed(problem);
                }
            },
            Heard::Kept(kept) => self.kept = Some(kept),
            Heard::Problem(problem) => self.problem = Some(problem),
        }
    }

    /// The user asks for something: shows that it is on its way.
    pub fn ask(&mut self, wish: &Wish) {
        (self.problem, self.kept) = (None, None);
        if let Wish::Check(host) = wish {
            self.host.clone_from(host);
            self.number += 1;
            (self.screen, self.stages) = (Screen::Checking, Default::default());
        }
    }

    /// The host in the field, if it is one, and not the one that is being checked.
    pub fn to_check(&self) -> Option<String> {
        let typed = self.typed.trim();
        let is_other = self.screen != Screen::Checking || typed != self.host;
        (is_other && Target::parse(typed).is_some()).then(|| typed.to_string())
    }

    /// The stage that goes on, and since when.
    pub fn current(&self) -> Option<(Stage, Duration)> {
        Stage::ALL.into_iter().zip(&self.stages).find_map(|(stage, standing)| match standing {
            Standing::Now(since) => Some((stage, *since)),
            Standing::Waits | Standing::Ended(_) => None,
        })
    }

    fn stand(&mut self, stage: Stage, standing: Standing) {
        self.stages[stage as usize] = standing;
    }
}

/// The name of the file for a text to keep: `Connection to www.visualcron.com 2026-11-24 12.18.07 UTC.txt`.
pub fn file_name(diagnosis: &Diagnosis) -> String {
    let at = diagnosis.at.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H.%M.%S UTC");
    // An address has colons, which Windows does not take in a name.
    let host: String = diagnosis.target.to_string().replace(|c: char| !c.is_alphanumeric() && c != '-', ".");
    let host: String = host.trim_matches('.').chars().take(100).collect();
    format!("Connection to {host} {at}.txt")
}

/// The state, those who do the work, and what they say.
struct ConnectionWindow {
    state: State,
    heard: mpsc::Receiver<Heard>,
    wishes: mpsc::Sender<(u64, Wish)>,
}

impl View for ConnectionWindow {
    fn title(&self) -> String {
        TITLE.into()
    }

    fn size(&self) -> [f32; 2] {
        connection_view::SIZE
    }

    fn show(&mut self, ctx: &egui::Context, now: Duration) -> After {
        for heard in self.heard.try_iter() {
            self.state.hear(heard, now);
        }
        let Some(wish) = connection_view::show(&mut self.state, ctx, now) else { return After::Stay };
        self.state.ask(&wish);
        // What is shown now is not what was just painted.
        ctx.request_repaint();
        if wish == Wish::Close {
            return After::Close;
        }
        // Where nobody is left to hear it, that has been told as a problem.
        let _ = self.wishes.send((self.state.number, wish));
        After::Stay
    }
}

/// Opens the window, and returns when it is closed.
///
/// # Errors
///
/// There can be no window here.
pub fn run(backend: Box<dyn Backend>) -> Result<(), Problem> {
    runner::run(COMMAND, |waker| view(backend, waker))
}

/// The same, for one window a user: where one is open already that one comes to the front, and nothing else
/// happens. `folder` is where locks are kept: our own data folder.
///
/// # Errors
///
/// As for [`run`]; the lock cannot be taken.
pub fn run_single(backend: Box<dyn Backend>, folder: &std::path::Path) -> Result<(), Problem> {
    single::run(folder, "connection", COMMAND, |waker| view(backend, waker))
}

/// What the window shows, with the backend at work in a thread of its own.
///
/// # Errors
///
/// The system has no thread left.
pub fn view(backend: Box<dyn Backend>, waker: Waker) -> Result<Box<dyn View>, Problem> {
    let Ends { heard, wishes } =
        mailbox::start("connection", waker, |asked, mailbox| work(backend, asked, mailbox))?;
    Ok(Box::new(ConnectionWindow { state: State::default(), heard, wishes }))
}

fn work(mut backend: Box<dyn Backend>, asked: &mpsc::Receiver<(u64, Wish)>, mailbox: &Mailbox<Heard>) {
    let tell = |number: u64| {
        let mailbox = mailbox.clone();
        Box::new(move |told| mailbox.post(Heard::Told(number, told)))
    };
    let (host, problem) = backend.host();
    mailbox.post(Heard::Host(host.clone()));
    if let Some(problem) = problem {
        mailbox.post(Heard::Problem(problem));
    }
    backend.check(&host, tell(0));
    for (number, wish) in asked {
        let done = match wish {
            Wish::Check(host) => {
                backend.check(&host, tell(number));
                Ok(None)
            }
            Wish::Copy(text) => backend.copy(&text).map(|()| Some(Kept::Copied)),
            Wish::Save { name, text } => backend.save(&name, &text).map(|path| Some(Kept::Saved(path))),
            Wish::Open(folder) => backend.open(&folder).map(|()| None),
            Wish::Close => return,
        };
        match done {
            Ok(Some(kept)) => mailbox.post(Heard::Kept(kept)),
            Ok(None) => {}
            Err(problem) => mailbox.post(Heard::Problem(problem)),
        }
    }
}
