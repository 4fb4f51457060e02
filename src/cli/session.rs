//! What every verb needs: folders, clock, and an answer, by the running tray where there is one.

use super::{args::Global, progress};
use crate::{
    app::{
        Effect, Event, Look, Persisted, State, Ticket,
        event::LookAt,
        report::{Reply, Request},
        update,
    },
    domain::{Fault, Problem},
    platform::{
        asking,
        clock::Clock,
        dirs::{Dirs, Pretense},
        instance, private, survey, world,
    },
    store::{
        settings::{self, Loaded, Settings},
        state::{Access, StateFile},
    },
};
use std::{cell::Cell, collections::VecDeque};

/// One run of the program.
pub struct Session {
    pub dirs: Dirs,
    pub clock: Clock,
    pub verbose: bool,
    /// What is wrong with what was kept has been said.
    pub told: Cell<bool>,
}

/// What is known without a running tray.
pub struct Alone {
    pub state: State,
    pub state_file: StateFile,
    /// What is wrong with what was kept.
    problem: Option<Problem>,
    /// Held while our state may be changed; `None` if a tray has it.
    lock: Option<instance::Lock>,
}

impl Session {
    pub fn new(global: &Global) -> Result<Session, Problem> {
        let clock = global.now.as_deref().map_or_else(|| Ok(Clock::system()), Clock::pretend)?;
        let mut dirs =
            Dirs::new(global.visualcron_dir.clone(), global.config.clone(), global.data_dir.clone())?;
        private::check(&dirs.data, global.data_dir.is_none())?;
        dirs.pretense = match (clock.pretending(), &global.data_dir) {
            (false, _) => Pretense::None,
            (true, Some(_)) => Pretense::Kept,
            (true, None) => Pretense::Unkept,
        };
        Ok(Session { dirs, clock, verbose: global.verbose, told: Cell::default() })
    }

    pub fn load_settings(&self) -> Loaded {
        settings::load(&self.dirs.config, &self.dirs.last_good_settings())
    }

    /// Reads our state, with the right to write it if the `lock` is held. What is wrong with it is returned beside it.
    pub fn load_state(
        &self,
        lock: Result<Option<&instance::Lock>, Problem>,
    ) -> (StateFile, Persisted, Option<Problem>) {
        let access = match lock {
            _ if self.dirs.keeps_nothing() => Access::Pretended,
            Ok(Some(_)) => Access::Full,
            Ok(None) => Access::Refused(Problem::new(
                Fault::Unavailable,
                "Nothing can be kept",
                self.dirs.state_file().display().to_string(),
                "it belongs to a running tray, or to another command, which did not answer",
                "Try again, or exit the tray first.",
            )),
            Err(problem) => Access::Refused(problem),
        };
        StateFile::load(self.dirs.state_file(), access)
    }

    /// A fresh application state from what was kept and the settings in force.
    pub fn state(&self, kept: Persisted, settings: Settings) -> State {
        let places = survey::survey(&self.dirs, &settings);
        State::new(kept, settings, self.dirs.config.clone(), places, survey::local_names())
    }

    /// Asks the running tray, or does without. With a pretended time the tray, which lives in the present, is
    /// not asked.
    pub fn ask(&self, request: Request) -> Result<Reply, Problem> {
        self.ask_and_tell(request, &|_, _| {})
    }

    /// The same, and tells how far it is with asking a license host.
    pub fn ask_and_tell(&self, request: Request, tell: asking::Tell<'_>) -> Result<Reply, Problem> {
        match self.ask_tray_and_tell(request.clone(), tell)? {
            Some(reply) => Ok(reply),
            None => {
                let mut alone = self.alone()?;
                let reply = checked(alone.ask_and_tell(request, self, tell))?;
                alone.tell(self);
                Ok(reply)
            }
        }
    }

    /// Asks the running tray; `None` where none runs or answers, or the time is pretended.
    pub fn ask_tray(&self, request: Request) -> Result<Option<Reply>, Problem> {
        self.ask_tray_and_tell(request, &|_, _| {})
    }

    fn ask_tray_and_tell(&self, request: Request, tell: asking::Tell<'_>) -> Result<Option<Reply>, Problem> {
        if self.clock.pretending() {
            return Ok(None);
        }
        match instance::ask_and_tell(&self.dirs, request, tell) {
            Ok(reply) => reply.map(checked).transpose(),
            // Whoever listens there is not to be told anything, nor believed.
            Err(problem) => {
                world::say(&problem);
                Ok(None)
            }
        }
    }

    /// Works without a tray.
    pub fn alone(&self) -> Result<Alone, Problem> {
        let lock = if self.dirs.keeps_nothing() { Ok(None) } else { instance::lock(&self.dirs) };
        let (state_file, kept, problem) =
            self.load_state(lock.as_ref().map(Option::as_ref).map_err(Clone::clone));
        let lock = lock.ok().flatten();
        let mut state = self.state(kept, self.load_settings().settings);
        state.announces = false;
        Ok(Alone { state, state_file, problem, lock })
    }
}

fn checked(reply: Reply) -> Result<Reply, Problem> {
    match reply {
        Reply::Problem(problem) => Err(problem),
        Reply::NotUnderstood => Err(crate::app::update::not_understood()),
        reply => Ok(reply),
    }
}

/// The reply to a question was of another kind than the question.
pub fn unexpected() -> Problem {
    Problem::new(
        Fault::Software,
        "The running tray gave an unexpected answer",
        "the tray of this user",
        "it is probably of another version",
        "Exit it, and start it again.",
    )
}

impl Alone {
    /// Puts one question to the application, and carries out what it takes to answer it.
    pub fn ask(&mut self, request: Request, session: &Session) -> Reply {
        self.ask_and_tell(request, session, &|_, _| {})
    }

    fn ask_and_tell(&mut self, request: Request, session: &Session, tell: asking::Tell<'_>) -> Reply {
        let ticket = Ticket(0);
        let keep = self.lock.is_some();
        let mut saved = Ok(());
        let mut events = VecDeque::from([Event::Asked(request, ticket)]);
        let mut answer = None;
        while let Some(event) = events.pop_front() {
            for effect in update(&mut self.state, event, &session.clock.now()) {
                match effect {
                    // Nobody who asks once wants to know whether the servers answer.
                    Effect::Look(Look { at: LookAt::Ports(..), .. }) => {}
                    Effect::Look(look) => {
                        let clock = session.clock.clone();
                        let now = move || clock.now().timestamp();
                        let tell = asking::now_and_then(progress::PAUSE, tell);
                        let findings = world::look_around(look, &session.dirs, keep, &now, &tell);
                        events.push_back(Event::Looked(Box::new(findings)));
                    }
                    Effect::Save(kept) => {
                        saved = self.state_file.save(&kept);
                        // What was read, and could not be kept, is read again next time.
                        if let Err(problem) = &saved
                            && session.verbose
                        {
                            world::say(problem);
                        }
                    }
                    Effect::Confirm(_) => {
                        answer = Some(saved.clone().map_or_else(Reply::Problem, |()| Reply::Done));
                    }
                    Effect::Reply(_, reply) => answer = Some(*reply),
                    _ => {}
                }
            }
            if answer.is_some() {
                break;
            }
        }
        answer.unwrap_or(Reply::NotUnderstood)
    }

    /// Says once what is wrong with what was kept: a running tray has said so when it started.
    pub fn tell(&self, session: &Session) {
        if !session.told.replace(true) {
            self.problem.iter().for_each(world::say);
        }
    }

    /// Looks at everything once.
    pub fn look(&mut self, session: &Session) {
        self.ask(Request::Status, session);
    }
}
