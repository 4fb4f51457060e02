//! Everything the application knows while it runs.

use super::{
    Places,
    event::{Area, Recovery, RecoveryState},
    wakeful::Wakeful,
};
use crate::{
    domain::{
        Knowledge, Problem, Server, ServerKey, Source, Standing, coverage,
        coverage::Coverage,
        notice::{Ledger, Notice, Policy},
        standing,
        validation::Record,
    },
    store::settings::{Check, Settings},
};
use jiff::{SignedDuration, Timestamp, ZonedDateTime, civil::Date};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
};

/// Whether a server answers on its TCP port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// The port answers.
    On,
    /// It does not; why, in a few words.
    Off(String),
}

/// What is kept on disk between runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persisted {
    /// The last word of each source.
    pub knowledge: Knowledge,
    /// What was announced.
    pub notices: Ledger,
    /// What was said once and need not be said again.
    pub said: BTreeSet<String>,
}

/// Everything the application knows while it runs.
#[derive(Clone, Debug)]
pub struct State {
    /// The settings in force.
    pub settings: Settings,
    /// The settings file.
    pub settings_path: PathBuf,
    /// What is kept between runs.
    pub kept: Persisted,
    /// The servers, merged from `kept.knowledge`; the most urgent first.
    pub servers: Vec<Server>,
    /// VisualCron's folders and programs.
    pub places: Places,
    /// Whether the servers answered when last asked.
    pub links: HashMap<ServerKey, Link>,
    /// They are being asked.
    pub checking_links: bool,
    /// When the servers are to be asked again.
    pub next_link_check: Option<Timestamp>,
    /// What is wrong, by area.
    pub problems: BTreeMap<Area, Vec<Problem>>,
    /// What is kept of the validations of licenses, by server id in lower case.
    pub validations: HashMap<String, Record>,
    /// When the license host is to be asked without anybody wanting it; `None` where it never is.
    pub next_validation: Option<Timestamp>,
    /// Whether a key of the license host is trusted; `None` while that is not known.
    pub host_is_trusted: Option<bool>,
    /// Nobody has been reached since the start, or since the machine woke up.
    pub wakeful: Option<Wakeful>,
    /// Notes about servers.xml as a whole.
    pub file_notes: Vec<String>,
    /// How many refreshes are under way.
    pub refreshing: usize,
    /// About how many of how many licenses the license host was asked so far.
    pub asking: Option<(usize, usize)>,
    /// Whether the tray starts on logon, where that can be told.
    pub autostart: Option<bool>,
    /// The newest Clear server cache.
    pub recovery: Option<Recovery>,
    /// The names of this machine.
    pub local_names: Vec<String>,
    /// The first look at the world is done.
    pub looked: bool,
    /// Due notices are shown: the tray does, a single command does not.
    pub announces: bool,
    /// `kept` has changed since it was given to be saved.
    pub unsaved: bool,
    /// The last save failed.
    pub save_failed: bool,
    /// How many looks there were.
    pub looks: u64,
    /// The number of the look that brought what is known of the files.
    pub files_of_look: u64,
    /// The number of the look that tried the license host last.
    pub host_of_look: u64,
    /// How many notifications in a row could not be shown.
    pub not_shown: u32,
    /// The user has answered a notice, and does not know yet whether that could be kept.
    pub answered: bool,
}

impl State {
    /// The state before the first look, with what was kept from the last run.
    pub fn new(
        kept: Persisted,
        settings: Settings,
        settings_path: PathBuf,
        places: Places,
        local_names: Vec<String>,
    ) -> State {
        let mut state = State {
            settings,
            settings_path,
            kept,
            servers: Vec::new(),
            places,
            links: HashMap::new(),
            checking_links: false,
            next_link_check: None,
            problems: BTreeMap::new(),
            validations: HashMap::new(),
            next_validation: None,
            host_is_trusted: None,
            wakeful: Some(Wakeful::default()),
            file_notes: Vec::new(),
            refreshing: 0,
            asking: None,
            autostart: None,
            recovery: None,
            local_names,
            looked: false,
            announces: true,
            unsaved: false,
            save_failed: false,
            looks: 0,
            files_of_look: 0,
            host_of_look: 0,
            not_shown: 0,
            answered: false,
        };
        let known = &mut state.kept.knowledge;
        known.look_at(Source::Settings, &state.settings_path.to_string_lossy());
        known.look_at(Source::ServersXml, &state.places.servers_xml.to_string_lossy());
        state.merge();
        state
    }

    /// Merges the servers anew, the most urgent first: by date, those without one last, ignored ones after all.
    pub fn merge(&mut self) {
        let mut servers = self.kept.knowledge.servers(&self.local_names);
        servers.sort_by_key(|server| (server.ignored, server.until().unwrap_or(Date::MAX)));
        self.unsaved |= self.kept.notices.carry_over(&self.servers, &servers);
        self.servers = servers;
    }

    /// The user's wishes for notices.
    pub fn policy(&self) -> Policy {
        let notices = &self.settings.notices;
        use crate::domain::Kind::{Perpetual, Subscription, Trial};
        Policy {
            before: notices.before_days.clone(),
            after_every: notices.after_every_days,
            window: notices.renewal_window_days,
            quiet: notices.quiet_hours,
            remind_at: notices.remind_at,
            kinds: [Perpetual, Subscription, Trial]
                .into_iter()
                .filter(|&kind| notices.wants(Some(kind)))
                .collect(),
            expiring: notices.expiring,
            expired: notices.expired,
            not_covered: notices.not_covered,
        }
    }

    /// Where one server's license stands.
    pub fn standing(&self, server: &Server, today: Date) -> Standing {
        standing::standing(server.until(), today, self.settings.notices.expiring_days)
    }

    /// The servers that count: those that are not ignored.
    pub fn counted(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().filter(|server| !server.ignored)
    }

    /// The worst standing of all that count; `Unknown` while there is none.
    pub fn worst(&self, today: Date) -> Standing {
        self.counted().map(|server| self.standing(server, today)).max().unwrap_or(Standing::Unknown)
    }

    /// The notices that wait for an answer.
    pub fn open_notices(&self, today: Date) -> Vec<Notice> {
        self.kept.notices.open(&self.servers, today, &self.policy())
    }

    /// The server that the menu's `Server` entry is about: the one named in the settings, else the local one,
    /// else the first by name.
    pub fn main_server(&self) -> Option<&Server> {
        let named = self.settings.connection.main_server.as_deref().and_then(|name| self.find(name));
        named
            .or_else(|| self.counted().find(|server| server.local))
            .or_else(|| self.counted().min_by_key(|server| &server.name))
    }

    /// A server by its key, name or address, in any letter case.
    pub fn find(&self, name: &str) -> Option<&Server> {
        let is = |text: &str| text.eq_ignore_ascii_case(name);
        self.servers
            .iter()
            .find(|server| is(&server.key.0))
            .or_else(|| self.servers.iter().find(|server| is(&server.name)))
            .or_else(|| self.servers.iter().find(|server| server.address.as_deref().is_some_and(is)))
    }

    /// A server by its key.
    pub fn server(&self, key: &ServerKey) -> Option<&Server> {
        self.servers.iter().find(|server| server.key == *key)
    }

    /// The servers whose port is to be tried, as the settings want it.
    pub fn link_targets(&self) -> Vec<(ServerKey, String, u16)> {
        let target = |server: &Server| {
            Some((server.key.clone(), server.address.clone()?, server.port))
                .filter(|(_, host, _)| host != "." && !server.ignored)
        };
        match self.settings.connection.check {
            Check::Off => Vec::new(),
            Check::Main => self.main_server().and_then(target).into_iter().collect(),
            Check::All => self.servers.iter().filter_map(target).collect(),
        }
    }

    /// When to wake up next: a notice may become due, or the servers are to be asked again.
    pub fn next_wake(&self, now: &ZonedDateTime) -> Timestamp {
        let notices = self.kept.notices.next_look(now, &self.policy());
        let recovery = self
            .recovery_is(&RecoveryState::UnderWay)
            .then(|| now.timestamp().saturating_add(WHILE_UNDER_WAY).unwrap_or(Timestamp::MAX));
        let save =
            self.save_failed.then(|| now.timestamp().saturating_add(WHILE_UNSAVED).unwrap_or(Timestamp::MAX));
        let again = self.wakeful.as_ref().and_then(Wakeful::next);
        let others = [self.next_link_check, self.next_validation, again, recovery, save];
        let soonest = others.into_iter().flatten().fold(notices, Timestamp::min);
        soonest.max(now.timestamp())
    }

    /// Is the newest Clear server cache so far?
    pub fn recovery_is(&self, state: &RecoveryState) -> bool {
        self.recovery.as_ref().is_some_and(|recovery| recovery.state == *state)
    }

    /// The newest Clear server cache, if the user has not seen its end yet.
    pub fn recovery_to_see(&self) -> Option<&Recovery> {
        self.recovery.as_ref().filter(|recovery| !self.kept.said.contains(&seen(recovery)))
    }

    /// Are the servers to be asked again? Also where that is further off than it can be: the clock was set back.
    pub(super) fn links_are_due(&self, now: Timestamp) -> bool {
        self.next_link_check.is_some_and(|due| due <= now || due > self.links_due_after(now))
    }

    /// When the servers are to be asked again after `now`.
    pub(super) fn schedule_links(&mut self, now: Timestamp) {
        self.next_link_check = (!self.link_targets().is_empty()).then(|| self.links_due_after(now));
    }

    fn links_due_after(&self, now: Timestamp) -> Timestamp {
        let every = SignedDuration::from_secs(i64::from(self.settings.connection.every_seconds));
        now.saturating_add(every).unwrap_or(Timestamp::MAX)
    }

    /// All problems, in the order of their areas.
    pub fn all_problems(&self) -> impl Iterator<Item = &Problem> {
        self.problems.values().flatten()
    }

    /// The problems of the sources, not of this machine.
    pub fn source_problems(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|(area, _)| area.is_a_source()).flat_map(|(_, problems)| problems)
    }
}

/// How often it is looked whether a Clear server cache goes on: one that is killed tells nobody.
const WHILE_UNDER_WAY: SignedDuration = SignedDuration::from_secs(5);

/// How often what could not be saved is tried again, if nothing else happens.
const WHILE_UNSAVED: SignedDuration = SignedDuration::from_mins(5);

/// What is noted down when the user has seen how a Clear server cache ended.
pub(super) fn seen(recovery: &Recovery) -> String {
    format!("recovery {} seen", recovery.began)
}

/// Is the version that a server runs covered by its date?
pub fn coverage_of(server: &Server) -> Coverage {
    match (server.installed_version, server.until()) {
        (Some(version), Some(until)) => coverage::coverage(version, until),
        _ => Coverage::Unknown,
    }
}
