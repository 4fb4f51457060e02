//! Carries out effects: looks at the world in threads of their own, saves, shows, opens, answers.

use super::{Post, autostart, clipboard, dirs::Dirs, instance::Tickets, links, notify, open, survey};
use crate::{
    app::{
        Effect, Event, Findings, Look, Places, Target,
        event::{Area, Files},
    },
    domain::{Fault, Problem, knowledge::Outcome},
    sources::{license_host, servers_xml},
    store::{settings, state::StateFile},
};
use std::time::Duration;

/// How long the license host may take to answer.
const LICENSE_HOST: Duration = Duration::from_secs(5);

/// Everything that effects need.
pub struct World {
    /// Where everything is.
    pub dirs: Dirs,
    /// Our state on disk.
    pub state_file: StateFile,
    /// Posts what comes of the effects.
    pub post: Post,
    /// Who waits for answers.
    pub tickets: Tickets,
}

impl World {
    /// Carries out one effect. Returns false when the program is to end.
    pub fn carry_out(&self, effect: Effect) -> bool {
        match effect {
            Effect::Look(look) => {
                let (dirs, post) = (self.dirs.clone(), self.post.clone());
                std::thread::spawn(move || post(Event::Looked(Box::new(look_around(look, &dirs)))));
            }
            Effect::Save(kept) => self.report(Area::State, self.state_file.save(&kept)),
            Effect::Notify(bubble) => {
                tracing::info!(event = "notification.shown", summary = bubble.summary);
                notify::show(bubble, &self.dirs.data, self.post.clone());
            }
            Effect::Open(command, target) => {
                if command == crate::app::Command::Settings {
                    let written = settings::write_default_if_absent(&self.dirs.config);
                    self.report(Area::Settings, written.map(|_| ()));
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
            Effect::Service(_) => self.report(Area::Asked, Err(no_service())),
            Effect::Reply(ticket, reply) => {
                let waiting = self.tickets.lock().ok().and_then(|mut tickets| tickets.remove(&ticket));
                if let Some(waiting) = waiting {
                    let _ = waiting.send(*reply);
                }
            }
            Effect::Say(problem) => say(&problem),
            Effect::Quit => return false,
        }
        true
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

/// Looks at the world, bounded in time, without changing anything.
pub fn look_around(look: Look, dirs: &Dirs) -> Findings {
    let loaded = settings::load(&dirs.config, &dirs.last_good_settings());
    let timeout = Duration::from_secs(u64::from(loaded.settings.connection.timeout_seconds));
    let host = loaded.settings.license_host.host.clone();
    let files = look.files.then(|| {
        let places = survey::survey(dirs, &loaded.settings);
        let (servers_xml, servers_xml_problem, servers_xml_notes) =
            match servers_xml::read_file(&places.servers_xml, &servers_xml::Limits::default()) {
                Ok(servers_xml::Reading::Absent) => {
                    (Outcome::Absent, missing(dirs, &loaded, &places), Vec::new())
                }
                Ok(servers_xml::Reading::Servers { entries, notes, .. }) => {
                    (Outcome::Read(entries), None, notes)
                }
                Err(problem) => (Outcome::Failed, Some(problem), Vec::new()),
            };
        let read = if let Outcome::Read(entries) = &servers_xml { entries.len() } else { 0 };
        tracing::debug!(event = "sources.read", servers_xml = read, settings = loaded.settings.servers.len());
        Files {
            settings: loaded,
            servers_xml,
            servers_xml_problem,
            servers_xml_notes,
            places,
            autostart: autostart::is_on().ok(),
        }
    });
    let host =
        look.license_host.then(|| std::thread::spawn(move || license_host::reachable(&host, LICENSE_HOST)));
    let links = links::check(look.links, timeout);
    Findings { purpose: look.purpose, files, links, license_host: host.and_then(|host| host.join().ok()) }
}
