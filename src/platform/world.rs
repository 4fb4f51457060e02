//! Carries out effects: looks at the world in threads of their own, saves, shows, opens, answers.

use super::{
    Post, autostart, clipboard, desktop, dirs::Dirs, instance::Tickets, links, notify, open, program, survey,
};
use crate::{
    app::{
        Effect, Event, Findings, Look, Places, Target, Ticket,
        event::{Area, Files, LookAt, Recovery, RecoveryState},
        report::Reply,
    },
    domain::{Fault, Problem, knowledge::Outcome},
    recovery::run::in_words,
    sources::{license_host, servers_xml},
    store::{
        recoveries::{Kept, Recoveries},
        settings,
        state::StateFile,
    },
    window::{recovery, validation},
};

/// Everything that effects need.
pub struct World {
    /// Where everything is.
    pub dirs: Dirs,
    /// Our state on disk.
    pub state_file: StateFile,
    /// Neither our state nor a copy of the settings is written: the time is pretended, and no folder was given to
    /// keep things in.
    pub keeps_nothing: bool,
    /// Posts what comes of the effects.
    pub post: Post,
    /// Who waits for answers.
    pub tickets: Tickets,
}

impl World {
    /// Carries out what comes of one event, in its order. Returns false when the program is to end.
    pub fn carry_out(&self, effects: Vec<Effect>) -> bool {
        let mut goes_on = true;
        let mut saved = Ok(());
        for effect in effects {
            match effect {
                Effect::Save(kept) => {
                    saved = self.state_file.save(&kept);
                    (self.post)(Event::Saved(saved.clone()));
                }
                Effect::Confirm(ticket) => {
                    self.reply(ticket, saved.clone().map_or_else(Reply::Problem, |()| Reply::Done));
                }
                effect => goes_on &= self.carry_out_one(effect),
            }
        }
        goes_on
    }

    fn carry_out_one(&self, effect: Effect) -> bool {
        match effect {
            Effect::Save(_) | Effect::Confirm(_) => {}
            Effect::Look(look) => {
                let (dirs, post, keep) = (self.dirs.clone(), self.post.clone(), !self.keeps_nothing);
                std::thread::spawn(move || post(Event::Looked(Box::new(look_around(look, &dirs, keep)))));
            }
            Effect::Notify(bubble) => {
                tracing::info!(event = "notification.shown", summary = bubble.summary);
                notify::show(bubble, &self.dirs.data, self.post.clone());
            }
            Effect::Open(command, target) => {
                if command == crate::app::Command::Settings {
                    let written = settings::write_default_if_absent(&self.dirs.config);
                    self.report(Area::Asked, written.map(|_| ()));
                }
                if !matches!(target, Target::Page(..)) {
                    tracing::info!(event = "opened", command = %command);
                }
                self.report(Area::Asked, open::open(&target, &self.dirs));
            }
            Effect::Copy(text) => self.report(Area::Asked, clipboard::copy(&text)),
            Effect::SetAutostart(on) => {
                self.report(Area::Asked, autostart::set(on));
                (self.post)(Event::FilesChanged);
            }
            Effect::RecoveryWindow => {
                self.report(Area::Asked, self.window("recovery", recovery::COMMAND));
            }
            Effect::ValidationWindow => {
                self.report(Area::Asked, self.window("validation", validation::COMMAND));
            }
            Effect::Recover(decision) => {
                let option = format!("--{}", decision.word());
                self.report(Area::Asked, program::beside(&self.dirs, &["recover", &option, "--wait", "0"]));
            }
            Effect::Service(start) => self.service(start),
            Effect::Reply(ticket, reply) => self.reply(ticket, *reply),
            Effect::Say(problem) => say(&problem),
            Effect::Quit => return false,
        }
        true
    }

    /// Shows a window, in a process of its own. `command` does the same without one.
    fn window(&self, name: &str, command: &'static str) -> Result<(), Problem> {
        desktop::must_show_windows(command)?;
        program::beside(&self.dirs, &["window", name])
    }

    fn reply(&self, ticket: Ticket, reply: Reply) {
        let waiting = self.tickets.lock().ok().and_then(|mut tickets| tickets.remove(&ticket));
        if let Some(waiting) = waiting {
            let _ = waiting.send(reply);
        }
    }

    /// Starts or stops the service, in a thread: it takes as long as it takes, and so may the user's answer.
    fn service(&self, start: bool) {
        #[cfg(windows)]
        if !crate::host::demo::is_demo(&self.dirs) {
            let post = self.post.clone();
            std::thread::spawn(move || {
                match super::windows::service::change_elevated_if_needed(start) {
                    Ok(()) => tracing::info!(event = "service.changed", start),
                    Err(problem) => post(Event::Failed(Area::Asked, problem)),
                }
                post(Event::FilesChanged);
            });
            return;
        }
        let _ = start;
        self.report(Area::Asked, Err(no_service()));
    }

    fn report(&self, area: Area, result: Result<(), Problem>) {
        match result {
            Ok(()) => {
                // Most effects work, and then nothing changes: only the end of a problem is news.
                if area != Area::Asked {
                    (self.post)(Event::Worked(area));
                }
            }
            Err(problem) => (self.post)(Event::Failed(area, problem)),
        }
    }
}

/// Says a problem on the log and on standard error.
pub fn say(problem: &Problem) {
    tracing::warn!(event = "problem", what = problem.what, place = problem.place, why = problem.why);
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{problem}");
}

fn no_service() -> Problem {
    Problem::new(
        Fault::Unavailable,
        "Cannot start or stop the service",
        "the Windows service VisualCron",
        "this system has no such services",
        "Do it on the machine where the server runs.",
    )
}

/// A VisualCron folder that was named, and is not there.
fn missing(dirs: &Dirs, loaded: &settings::Loaded, places: &Places) -> Option<Problem> {
    let named = dirs.visualcron_asked.is_some() || loaded.settings.visualcron.folder.is_some();
    (named && !places.visualcron.is_dir()).then(|| {
        Problem::new(
            Fault::NoInput,
            "The VisualCron folder was not found",
            places.visualcron.display().to_string(),
            "there is no such folder",
            "Give the folder that holds settings and log: --visualcron-dir, or visualcron.folder in the settings.",
        )
    })
}

/// Looks at the world, bounded in time. Writes nothing but, if it is to `keep` one, the copy of good settings.
pub fn look_around(look: Look, dirs: &Dirs, keep: bool) -> Findings {
    let Look { number, purpose, at } = look;
    let mut findings = Findings { number, purpose, files: None, links: None, license_host: None };
    match at {
        LookAt::Files => findings.files = Some(Box::new(read_files(dirs, keep))),
        LookAt::FilesAndLicenseHost => {
            let files = read_files(dirs, keep);
            let host = &files.settings.settings.license_host;
            findings.license_host =
                host.check_on_refresh.then(|| license_host::reachable(&host.host, license_host::PATIENCE));
            findings.files = Some(Box::new(files));
        }
        LookAt::Ports(targets, timeout) => findings.links = Some(links::check(targets, timeout)),
    }
    findings
}

fn read_files(dirs: &Dirs, keep: bool) -> Files {
    let load = if keep { settings::load_and_keep } else { settings::load };
    let settings = load(&dirs.config, &dirs.last_good_settings());
    let places = survey::survey(dirs, &settings.settings);
    let (servers_xml, servers_xml_problem, servers_xml_notes) =
        match servers_xml::read_file(&places.servers_xml, &servers_xml::Limits::default()) {
            Ok(servers_xml::Reading::Absent) => {
                (Outcome::Absent, missing(dirs, &settings, &places), Vec::new())
            }
            Ok(servers_xml::Reading::Servers { entries, notes, .. }) => (Outcome::Read(entries), None, notes),
            Err(problem) => (Outcome::Failed, Some(problem), Vec::new()),
        };
    let read = if let Outcome::Read(entries) = &servers_xml { entries.len() } else { 0 };
    tracing::debug!(event = "sources.read", servers_xml = read, settings = settings.settings.servers.len());
    Files {
        settings,
        servers_xml,
        servers_xml_problem,
        servers_xml_notes,
        places,
        autostart: autostart::is_on().ok(),
        recovery: newest_recovery(dirs),
    }
}

/// The newest Clear server cache. That its journals cannot be read is told by whoever wants to begin another.
fn newest_recovery(dirs: &Dirs) -> Option<Recovery> {
    let recoveries = Recoveries::below(&dirs.data);
    let Kept { path, journal } = recoveries.newest().ok().flatten()?;
    let state = match &journal.outcome {
        Some(outcome) => RecoveryState::Ended(in_words(outcome)),
        None if recoveries.is_locked() => RecoveryState::UnderWay,
        None => RecoveryState::Interrupted,
    };
    Some(Recovery { journal: path, began: journal.plan.made_at, state })
}
