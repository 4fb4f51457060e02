//! Clear server cache in a window: what it shows is plain data, changed by what is heard and by what the user asks
//! for. No clock, no files: the work is done by a [`Backend`].

use super::{
    mailbox::{self, Ends, Mailbox},
    recovery_backend::{Backend, Checked, Choices, Ended, Link, PlanShown, Told},
    recovery_view,
    runner::{self, After, View, Waker},
    single,
};
use crate::domain::Problem;
pub use recovery_view::{SIZE, show};
use std::{sync::mpsc, time::Duration};

/// The title of the window.
pub const TITLE: &str = "Clear server cache";

/// What does the same on the command line.
pub const COMMAND: &str = "visualcron-tray recover";

/// What the window shows.
#[derive(Debug, Default)]
pub struct State {
    /// Which screen.
    pub screen: Screen,
    /// What there is to be done.
    pub plan: PlanShown,
    /// What the user chose.
    pub choices: Choices,
    /// Something that was asked for did not work.
    pub problem: Option<Problem>,
    /// The screen is new: its first button takes the focus.
    pub focus_due: bool,
}

/// Which screen.
#[derive(Debug, Default, PartialEq)]
pub enum Screen {
    /// It is being found out what there is to be done.
    #[default]
    Looking,
    /// What would be done; the user decides.
    Plan,
    /// It is refused.
    Refused(Problem),
    /// A recovery was cut off; the user decides.
    Interrupted,
    /// It is done.
    Running(Running),
    /// It has ended.
    Result(Ended),
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// The steps.
    Clearing,
    /// The steps that were left.
    Resuming,
    /// Taking them back.
    TakingBack,
    /// Closing the journal.
    Keeping,
}

/// It is done.
#[derive(Debug, PartialEq)]
pub struct Running {
    /// What.
    pub doing: Doing,
    /// The steps and how they stand.
    pub steps: Vec<StepShown>,
    /// A program is waited for, this many seconds more.
    pub waiting: Option<(String, u64)>,
    /// What was found otherwise than expected.
    pub notes: Vec<String>,
    /// A step failed.
    pub failed: Option<String>,
    /// Everything can be taken back now.
    pub may_cancel: bool,
    /// The user wants it taken back.
    pub cancelled: bool,
}

/// A step and how it stands. Times since the window began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepShown {
    /// In words.
    pub title: String,
    /// How it stands.
    pub standing: Standing,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not begun.
    Waits,
    /// It goes on since then.
    Now(Duration),
    /// Done; it took that long, where that is known.
    Done(Option<Duration>),
    /// Failed, after that long.
    Failed(Duration),
}

/// What the window hears.
#[derive(Debug)]
pub enum Heard {
    /// What there is to be done.
    Plan(PlanShown),
    /// What a cheap step has turned out to be.
    Checked(usize, Checked),
    /// How it goes.
    Told(Told),
    /// It could not be opened.
    NotOpened(Problem),
}

/// What the user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Begin.
    Start(Choices),
    /// Go on with what was cut off.
    Resume,
    /// Take it back.
    RollBack,
    /// Leave it.
    Keep,
    /// Take back what runs.
    Cancel,
    /// Open a page or a folder.
    Open(Link),
    /// Close the window.
    Close,
}

impl State {
    /// Takes in what is heard, at this time since the window began.
    pub fn hear(&mut self, heard: Heard, now: Duration) {
        match heard {
            Heard::Plan(plan) => {
                self.choices = plan.choices;
                self.plan = plan;
                self.turn_to(match (&self.plan.refusal, &self.plan.interrupted) {
                    (Some(refusal), _) => Screen::Refused(refusal.clone()),
                    (None, Some(_)) => Screen::Interrupted,
                    (None, None) => Screen::Plan,
                });
            }
            Heard::Checked(index, checked) => {
                if let Some(step) = self.plan.cheap.get_mut(index) {
                    step.checked = checked;
                }
            }
            Heard::Told(Told::Ended(ended)) => self.turn_to(Screen::Result(ended)),
            Heard::Told(Told::Refused(problem)) => self.turn_to(Screen::Refused(problem)),
            Heard::Told(told) => {
                if let Screen::Running(running) = &mut self.screen {
                    running.take(told, now);
                }
            }
            Heard::NotOpened(problem) => self.problem = Some(problem),
        }
    }

    /// The user asks for something: shows that it is on its way.
    pub fn ask(&mut self, wish: &Wish) {
        self.problem = None;
        let (doing, done) = match wish {
            Wish::Start(_) => (Doing::Clearing, 0),
            Wish::Resume => (Doing::Resuming, self.done_before()),
            Wish::RollBack => (Doing::TakingBack, self.done_before()),
            Wish::Keep => (Doing::Keeping, self.done_before()),
            Wish::Cancel => {
                if let Screen::Running(running) = &mut self.screen {
                    running.cancelled = true;
                    running.may_cancel = false;
                }
                return;
            }
            Wish::Open(_) | Wish::Close => return,
        };
        let standing = |index: usize| if index < done { Standing::Done(None) } else { Standing::Waits };
        let steps = self.plan.steps.iter().enumerate();
        let steps = steps.map(|(n, title)| StepShown { title: title.clone(), standing: standing(n) });
        self.turn_to(Screen::Running(Running {
            doing,
            steps: steps.collect(),
            waiting: None,
            notes: vec![],
            failed: None,
            may_cancel: false,
            cancelled: false,
        }));
    }

    fn done_before(&self) -> usize {
        self.plan.interrupted.as_ref().map_or(0, |interrupted| interrupted.done)
    }

    fn turn_to(&mut self, screen: Screen) {
        self.screen = screen;
        self.focus_due = true;
    }
}

impl Running {
    fn take(&mut self, told: Told, now: Duration) {
        match told {
            Told::Begins { index, title, may_cancel } => {
                self.may_cancel = may_cancel && !self.cancelled;
                self.waiting = None;
                self.stand(index, title, Standing::Now(now));
            }
            Told::Waiting { title, seconds_left } => self.waiting = Some((title, seconds_left)),
            Told::Done { index, title } => {
                let since = match self.steps.get(index).map(|step| step.standing) {
                    Some(Standing::Now(since)) => Some(now.saturating_sub(since)),
                    _ => None,
                };
                self.waiting = None;
                self.stand(index, title, Standing::Done(since));
                // What is done to the end is not taken back any more: that would be an undo.
                self.may_cancel &= !self.is_through();
            }
            Told::Note(note) => self.notes.push(note),
            Told::Failed(why) => {
                for step in &mut self.steps {
                    if let Standing::Now(since) = step.standing {
                        step.standing = Standing::Failed(now.saturating_sub(since));
                    }
                }
                (self.waiting, self.may_cancel, self.failed) = (None, false, Some(why));
            }
            Told::Ended(_) | Told::Refused(_) => {}
        }
    }

    /// All steps are done, and it is looked what has become of it.
    pub fn is_through(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| matches!(step.standing, Standing::Done(_)))
    }

    /// A step stands so now. Its words are those that the plan was shown with, where there are any: they do not
    /// change before the user's eyes.
    fn stand(&mut self, index: usize, title: String, standing: Standing) {
        const MOST: usize = 100;
        while self.steps.len() <= index.min(MOST) {
            self.steps.push(StepShown { title: title.clone(), standing: Standing::Waits });
        }
        if let Some(step) = self.steps.get_mut(index) {
            step.standing = standing;
        }
    }

    /// What goes on, with its number from 1.
    pub fn current(&self) -> Option<(usize, &StepShown)> {
        let at = self.steps.iter().position(|step| matches!(step.standing, Standing::Now(_)))?;
        Some((at + 1, &self.steps[at]))
    }
}

/// The state, those who do the work, and what they say.
struct RecoveryWindow {
    state: State,
    heard: mpsc::Receiver<Heard>,
    wishes: mpsc::Sender<Wish>,
}

impl View for RecoveryWindow {
    fn title(&self) -> String {
        TITLE.into()
    }

    fn size(&self) -> [f32; 2] {
        recovery_view::SIZE
    }

    fn show(&mut self, ctx: &egui::Context, now: Duration) -> After {
        for heard in self.heard.try_iter() {
            self.state.hear(heard, now);
        }
        let Some(wish) = recovery_view::show(&mut self.state, ctx, now) else { return After::Stay };
        self.state.ask(&wish);
        // What is shown now is not what was just painted.
        ctx.request_repaint();
        if wish == Wish::Close {
            return After::Close;
        }
        // Where nobody is left to hear it, that has been told as a problem.
        let _ = self.wishes.send(wish);
        After::Stay
    }
}

/// Opens the window, and returns when it is closed. Closing it does not stop a recovery that runs.
pub fn run(backend: Box<dyn Backend>) -> Result<(), Problem> {
    runner::run(COMMAND, |waker| view(backend, waker))
}

/// The same, for one window a user: where one is open already that one comes to the front, and nothing else
/// happens. `folder` is where locks are kept: our own data folder.
pub fn run_single(backend: Box<dyn Backend>, folder: &std::path::Path) -> Result<(), Problem> {
    single::run(folder, "recovery", COMMAND, |waker| view(backend, waker))
}

/// What the window shows, with the backend at work in a thread of its own.
pub fn view(backend: Box<dyn Backend>, waker: Waker) -> Result<Box<dyn View>, Problem> {
    let Ends { heard, wishes } =
        mailbox::start("recovery", waker, |asked, mailbox| work(backend, asked, mailbox))?;
    Ok(Box::new(RecoveryWindow { state: State::default(), heard, wishes }))
}

fn work(mut backend: Box<dyn Backend>, asked: &mpsc::Receiver<Wish>, mailbox: &Mailbox<Heard>) {
    mailbox.post(Heard::Plan(backend.plan()));
    let checked = mailbox.clone();
    backend.check(Box::new(move |index, found| checked.post(Heard::Checked(index, found))));
    let tell = || {
        let mailbox = mailbox.clone();
        Box::new(move |told| mailbox.post(Heard::Told(told)))
    };
    for wish in asked {
        match wish {
            Wish::Start(choices) => backend.start(choices, tell()),
            Wish::Resume => backend.resume(tell()),
            Wish::RollBack => backend.roll_back(tell()),
            Wish::Keep => backend.keep(tell()),
            Wish::Cancel => backend.cancel(),
            Wish::Open(link) => {
                if let Err(problem) = backend.open(link) {
                    mailbox.post(Heard::NotOpened(problem));
                }
            }
            Wish::Close => return,
        }
    }
}
