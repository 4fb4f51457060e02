//! Carries out effects: looks at the world in threads of their own, saves, shows, opens, answers.

use super::{
    Post, asking, autostart, clipboard,
    clock::Clock,
    desktop,
    dirs::Dirs,
    instance::Tickets,
    links, notify, open, program, survey,
    validate::{self, Asking},
};
use crate::{
    app::{
        Effect, Event, Findings, Look, Places, Purpose, Target, Ticket,
        event::{Area, Asked, Files, Licenses, LookAt, Recovery, RecoveryState},
        report::Reply,
    },
    domain::{Entry, Fault, Problem, knowledge::Outcome},
    recovery::{Outcome as Journaled, run::in_words},
    sources::{license_host, servers_xml, validation_host::Way},
    store::{
        recoveries::{Kept, Recoveries},
        settings,
        state::StateFile,
        validations::Validations,
    },
    window::{connection, recovery, validation},
};
use jiff::Timestamp;
use std::{sync::mpsc::Sender, time::Duration};

/// How often it is told how far a refresh is; one that takes less is told at its end alone.
const TOLD_EVERY: Duration = Duration::from_millis(500);

/// Everything that effects need.
pub struct World {
    /// Where everything is.
    pub dirs: Dirs,
    /// Our state on disk.
    pub state_file: StateFile,
    /// The time, pretended or not.
    pub clock: Clock,
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
                let (dirs, post, keep) = (self.dirs.clone(), self.post.clone(), !self.dirs.keeps_nothing());
                let clock = self.clock.clone();
                let asks = self.asker(&look.purpose);
                std::thread::spawn(move || {
                    let now = move || clock.now().timestamp();
                    let tell = |done, all| {
                        post(Event::Asking(done, all));
                        if let Some(asks) = &asks {
                            let _ = asks.send(Reply::UnderWay(done, all));
                        }
                    };
                    let tell = asking::now_and_then(TOLD_EVERY, tell);
                    post(Event::Looked(Box::new(look_around(look, &dirs, keep, &now, &tell))));
                });
            }
            Effect::Notify(bubble) => {
                tracing::info!(event = "notification.shown", summary = bubble.summary);
                notify::show(bubble, &self.dirs.data, self.post.clone());
            }
            Effect::Withdraw => notify::withdraw(),
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
                let set =
                    self.dirs.must_keep("Start Tray Client on startup").and_then(|()| autostart::set(on));
                self.report(Area::Asked, set);
                (self.post)(Event::FilesChanged);
            }
            Effect::RecoveryWindow => {
                let may = self.dirs.must_keep("Clear server cache");
                let shown = may.and_then(|()| self.window("recovery", recovery::COMMAND));
                self.report(Area::Asked, shown);
            }
            Effect::ValidationWindow => {
                let may = self.dirs.must_keep("Manual validation");
                let shown = may.and_then(|()| self.window("validation", validation::COMMAND));
                self.report(Area::Asked, shown);
            }
            Effect::ConnectionWindow => {
                self.report(Area::Asked, self.window("connection", connection::COMMAND))
            }
            Effect::Recover(decision) => {
                let option = format!("--{}", decision.word());
                let begun = self.dirs.must_keep("Clear server cache");
                let begun = begun
                    .and_then(|()| program::beside(&self.dirs, &["recover", &option, "--wait", "0"], |_| {}));
                self.report(Area::Asked, begun);
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
        let post = self.post.clone();
        program::beside(&self.dirs, &["window", name], move |status| {
            if !status.success() {
                let why = format!("the window has ended with {status}");
                post(Event::Failed(Area::Asked, desktop::not_shown(&why, command)));
            }
        })
    }

    /// Whoever waits for the end of this refresh.
    fn asker(&self, purpose: &Purpose) -> Option<Sender<Reply>> {
        let Purpose::Refresh(refresh) = purpose else { return None };
        self.tickets.lock().ok()?.get(&refresh.ticket?).cloned()
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

/// Looks at the world at `now`, bounded in time. Writes nothing but, if it is to `keep` them, the copy of good
/// settings and what the license host answers. Tells how far it is with asking it.
pub fn look_around(
    look: Look,
    dirs: &Dirs,
    keep: bool,
    now: &(dyn Fn() -> Timestamp + Sync),
    tell: asking::Tell<'_>,
) -> Findings {
    let Look { number, purpose, at } = look;
    let mut findings =
        Findings { number, purpose, files: None, links: None, license_host: None, asked: Vec::new() };
    match at {
        LookAt::Files => {
            let mut files = read_files(dirs, keep);
            keep_in_mind(&mut files, dirs, now());
            findings.files = Some(Box::new(files));
        }
        LookAt::FilesAndLicenseHost(licenses) => {
            let mut files = read_files(dirs, keep);
            let settings = files.settings.settings.license_host.clone();
            let store = Validations::below(&dirs.data);
            // One that is not trusted, such as the vendor's, is not asked: it would get activation codes.
            let is_trusted = keep && store.pinned(Some(&settings.host)).is_ok_and(|keys| !keys.is_empty());
            if is_trusted {
                let entries = entries_of(&files, now());
                let (asked, reached) = ask_license_host(&store, &settings, &entries, &licenses, (now, tell));
                (findings.asked, findings.license_host) = (asked, reached);
            } else if settings.check_on_refresh && !matches!(licenses, Licenses::Due | Licenses::Missed) {
                findings.license_host = Some(license_host::reachable(&settings, license_host::PATIENCE));
            }
            keep_in_mind(&mut files, dirs, now());
            findings.files = Some(Box::new(files));
        }
        LookAt::Ports(targets, timeout) => findings.links = Some(links::check(targets, timeout)),
    }
    findings
}

/// Asks a trusted license host, and tells what became of it, and whether the host was reached.
fn ask_license_host(
    store: &Validations,
    settings: &settings::LicenseHost,
    entries: &[Entry],
    licenses: &Licenses,
    (now, tell): (&(dyn Fn() -> Timestamp + Sync), asking::Tell<'_>),
) -> (Vec<Asked>, Option<Result<(), Problem>>) {
    let ask = || {
        let subjects = validate::subjects(store, entries, licenses, now())?;
        if subjects.is_empty() {
            return Ok(Vec::new());
        }
        let way = Way::new(settings, &settings.host, validate::PATIENCE)?;
        let host = &settings.host;
        let asking = Asking { way: &way, host, store, now, whole: validate::WHOLE, tell };
        Ok(validate::told(&subjects, &asking.ask(&subjects)?))
    };
    match ask() {
        Ok(mut asked) => {
            // Where one was answered, the host was reached, whatever became of others.
            let in_the_way =
                |asked: &Asked| asked.became.trouble().filter(|it| it.fault == Fault::Unavailable).cloned();
            let reached = match asked.iter().all(|asked| in_the_way(asked).is_some()) {
                true => asked.iter().find_map(in_the_way).map_or(Ok(()), Err),
                false => Ok(()),
            };
            let reached = (!asked.is_empty()).then_some(reached);
            if *licenses == Licenses::All {
                asked.extend(validate::incomplete(entries));
            }
            (asked, reached)
        }
        Err(problem) => (Vec::new(), Some(Err(problem))),
    }
}

/// What is kept of validations becomes part of what the files say.
fn keep_in_mind(files: &mut Files, dirs: &Dirs, now: Timestamp) {
    let host = &files.settings.settings.license_host.host;
    let store = Validations::below(&dirs.data);
    match validate::known(&store, host, || entries_of(files, now), now) {
        Ok(known) => {
            files.validations = Some(known.records);
            files.next_validation = known.next;
            files.host_is_trusted = Some(known.is_trusted);
        }
        Err(problem) => {
            tracing::warn!(event = "validations.unread", what = problem.what, why = problem.why);
            files.validations_problem = Some(problem);
        }
    }
}

/// The entries of all servers, which alone hold activation codes; the settings first.
fn entries_of(files: &Files, now: Timestamp) -> Vec<Entry> {
    let mut entries = files.settings.settings.entries(now);
    if let Outcome::Read(cached) = &files.servers_xml {
        entries.extend(cached.iter().cloned());
    }
    entries
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
        validations: None,
        validations_problem: None,
        next_validation: None,
        host_is_trusted: None,
    }
}

/// The newest Clear server cache. That its journals cannot be read is told by whoever wants to begin another.
fn newest_recovery(dirs: &Dirs) -> Option<Recovery> {
    let recoveries = Recoveries::below(&dirs.data);
    let Kept { journal, .. } = recoveries.newest().ok().flatten()?;
    let state = match &journal.outcome {
        Some(outcome) => RecoveryState::Ended {
            how: in_words(journal.deed(), outcome),
            well: matches!(outcome, Journaled::Done | Journaled::Kept),
        },
        None if recoveries.is_locked() => RecoveryState::UnderWay,
        None => RecoveryState::Interrupted,
    };
    Some(Recovery { began: journal.plan.made_at, state })
}
