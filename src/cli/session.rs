//! What every verb needs: folders, clock, and an answer, by the running tray where there is one.

use super::args::Global;
use crate::{
    app::{
        Effect, Event, Persisted, State, Ticket,
        report::{Reply, Request},
        update,
    },
    domain::{Fault, Problem},
    platform::{clock::Clock, dirs::Dirs, instance, private, survey, world},
    store::{
        settings::{self, Loaded, Settings},
        state::StateFile,
    },
};
use std::collections::VecDeque;

/// One run of the program.
pub struct Session {
    pub dirs: Dirs,
    pub clock: Clock,
    /// The time is pretended, and no folder was given to keep things in: nothing is written.
    pub keeps_nothing: bool,
    pub verbose: bool,
}

/// What is known without a running tray.
pub struct Alone {
    pub state: State,
    pub state_file: StateFile,
    /// Held while our state may be changed; `None` if a tray has it.
    _lock: Option<instance::Lock>,
}

impl Session {
    pub fn new(global: &Global) -> Result<Session, Problem> {
        let clock = global.now.as_deref().map_or_else(|| Ok(Clock::system()), Clock::pretend)?;
        let dirs = Dirs::new(global.visualcron_dir.clone(), global.config.clone(), global.data_dir.clone())?;
        private::check(&dirs.data, global.data_dir.is_none())?;
        Ok(Session {
            dirs,
            keeps_nothing: clock.pretending() && global.data_dir.is_none(),
            clock,
            verbose: global.verbose,
        })
    }

    pub fn load_settings(&self) -> Loaded {
        settings::load(&self.dirs.config, &self.dirs.last_good_settings())
    }

    /// Reads our state. What is wrong with it is returned beside it.
    pub fn load_state(&self) -> (StateFile, Persisted, Option<Problem>) {
        let (file, kept, problem) = StateFile::load(self.dirs.state_file());
        (if self.keeps_nothing { file.read_only() } else { file }, kept, problem)
    }

    /// A fresh application state from what was kept and the settings in force.
    pub fn state(&self, kept: Persisted, settings: Settings) -> State {
        let places = survey::survey(&self.dirs, &settings);
        State::new(kept, settings, self.dirs.config.clone(), places, survey::local_names())
    }

    /// Asks the running tray, or does without. With a pretended time the tray, which lives in the present, is
    /// not asked.
    pub fn ask(&self, request: Request) -> Result<Reply, Problem> {
        if !self.clock.pretending()
            && let Some(reply) = instance::ask(&self.dirs, request.clone())
        {
            return checked(reply);
        }
        checked(self.alone()?.ask(request, self))
    }

    /// Works without a tray.
    pub fn alone(&self) -> Result<Alone, Problem> {
        let lock = if self.keeps_nothing { None } else { instance::lock(&self.dirs).ok().flatten() };
        let (state_file, kept, problem) = self.load_state();
        let state_file = if lock.is_some() { state_file } else { state_file.read_only() };
        let mut state = self.state(kept, self.load_settings().settings);
        state.announces = false;
        if let Some(problem) = problem {
            state.problems.insert(crate::app::event::Area::State, vec![problem]);
        }
        Ok(Alone { state, state_file, _lock: lock })
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
        let ticket = Ticket(0);
        let mut events = VecDeque::from([Event::Asked(request, ticket)]);
        let mut answer = None;
        while let Some(event) = events.pop_front() {
            for effect in update(&mut self.state, event, &session.clock.now()) {
                match effect {
                    Effect::Look(look) => {
                        events.push_back(Event::Looked(Box::new(world::look_around(look, &session.dirs))));
                    }
                    Effect::Save(kept) => {
                        // What could not be kept is read again next time.
                        if let Err(problem) = self.state_file.save(&kept)
                            && session.verbose
                        {
                            world::say(&problem);
                        }
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

    /// Looks at everything once.
    pub fn look(&mut self, session: &Session) {
        self.ask(Request::Status, session);
    }
}
