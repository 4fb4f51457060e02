//! Which notice is due, once each.
//!
//! A *band* is the number of days left at which a notice begins to be due: 90, 60, … 0, and after the date
//! -7, -14, …. Per license and date the ledger keeps the most urgent band announced, and that only ever moves
//! towards the more urgent. From this alone follows that each band is announced once, that several missed ones
//! make one notice, that a clock set back repeats none, and that a renewed date starts anew.

use super::{
    Coverage, Kind, Server, ServerKey, Version, coverage,
    standing::{self, RENEWAL_CLOSES_DAYS},
};
use jiff::{
    Timestamp, ToSpan, ZonedDateTime,
    civil::{Date, Time},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What the user wants to be told, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Bands before the date, in days left.
    pub before: Vec<u32>,
    /// One notice every so many days after the date; 0 for none.
    pub after_every: u32,
    /// Length of the renewal window after the date, in days: one notice 30 days before its end and one at its
    /// end, and none later; 0 for no such notices.
    pub window: u32,
    /// Local times between which nothing is shown.
    pub quiet: Option<QuietHours>,
    /// Local time at which "Remind me tomorrow" comes back.
    pub remind_at: Time,
    /// Kinds of license to be told of; unknown kinds always are.
    pub kinds: Vec<Kind>,
    /// Notices before the date.
    pub expiring: bool,
    /// Notices after the date.
    pub expired: bool,
    /// Notices of an installed version that the date does not cover.
    pub not_covered: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            before: vec![90, 60, 30, 14, 7, 3, 1, 0],
            after_every: 7,
            window: RENEWAL_CLOSES_DAYS as u32,
            quiet: None,
            remind_at: Time::constant(9, 0, 0, 0),
            kinds: vec![Kind::Perpetual, Kind::Subscription, Kind::Trial],
            expiring: true,
            expired: true,
            not_covered: true,
        }
    }
}

/// A daily time in which no notice is shown, in local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuietHours {
    /// The first quiet moment.
    pub from: Time,
    /// The first moment that is no longer quiet. Earlier than `from` when the time passes midnight.
    pub to: Time,
}

impl QuietHours {
    /// Is it quiet at this local time?
    pub fn contains(self, time: Time) -> bool {
        if self.from <= self.to {
            self.from <= time && time < self.to
        } else {
            time >= self.from || time < self.to
        }
    }
}

impl Policy {
    /// All bands, most distant first.
    pub fn bands(&self) -> Vec<i32> {
        let mut bands: BTreeSet<i32> = self.before.iter().map(|&days| days as i32).collect();
        let end = if self.window == 0 { RENEWAL_CLOSES_DAYS } else { self.window as i32 };
        if self.after_every > 0 {
            bands.extend((1..).map(|n| -n * self.after_every as i32).take_while(|&band| band > 30 - end));
        }
        if self.window > 0 {
            bands.extend([30 - end, -end].into_iter().filter(|&band| band < 0));
        }
        bands.into_iter().rev().collect()
    }

    fn wants(&self, kind: Option<Kind>, days_left: i32) -> bool {
        kind.is_none_or(|kind| self.kinds.contains(&kind))
            && if days_left < 0 { self.expired } else { self.expiring }
    }

    fn is_quiet(&self, now: &ZonedDateTime) -> bool {
        self.quiet.is_some_and(|quiet| quiet.contains(now.time()))
    }

    /// When "Remind me tomorrow" comes back.
    pub fn tomorrow(&self, now: &ZonedDateTime) -> Timestamp {
        now.tomorrow()
            .and_then(|tomorrow| tomorrow.with().time(self.remind_at).build())
            .map_or_else(|_| now.timestamp(), |at| at.timestamp())
    }
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The date is near or past.
    Date,
    /// The installed version was released after the date.
    NotCovered(Version),
}

/// One notice about one license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The ledger's key: license, date and topic.
    pub key: String,
    /// The server.
    pub server: ServerKey,
    /// Its name.
    pub name: String,
    /// The kind of license.
    pub kind: Option<Kind>,
    /// The date.
    pub until: Date,
    /// Calendar days left, negative after the date.
    pub days_left: i32,
    /// The band that is due.
    pub band: i32,
    /// What it is about.
    pub topic: Topic,
}

/// What became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Handling {
    /// Shown, and not answered yet.
    Open,
    /// "Remind me tomorrow".
    Snoozed {
        /// When it is due again.
        until: Timestamp,
    },
    /// It could not be shown: no notification server was there. It waits for an answer all the same.
    NotShown {
        /// When it is tried again.
        until: Timestamp,
    },
    /// "Got it".
    Done,
}

impl Handling {
    /// When it is to be shown again.
    fn comes_back(self) -> Option<Timestamp> {
        match self {
            Handling::Snoozed { until } | Handling::NotShown { until } => Some(until),
            Handling::Open | Handling::Done => None,
        }
    }

    /// It waits for an answer.
    fn is_open(self) -> bool {
        matches!(self, Handling::Open | Handling::NotShown { .. })
    }
}

/// The most urgent band announced for one license and date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// The band.
    pub band: i32,
    /// When.
    pub at: Timestamp,
    /// What became of it.
    #[serde(flatten)]
    pub handling: Handling,
}

/// All that was announced, persisted before it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ledger(BTreeMap<String, Announced>);

impl Ledger {
    /// The notices that are to be shown now, the most urgent first.
    pub fn due(&self, servers: &[Server], now: &ZonedDateTime, policy: &Policy) -> Vec<Notice> {
        if policy.is_quiet(now) {
            return Vec::new();
        }
        self.due_among(servers, now, policy, &policy.bands())
    }

    /// [`Ledger::due`] outside of quiet hours, with the bands of the policy.
    fn due_among<'s>(
        &self,
        servers: impl IntoIterator<Item = &'s Server>,
        now: &ZonedDateTime,
        policy: &Policy,
        bands: &[i32],
    ) -> Vec<Notice> {
        self.select(servers, now.date(), policy, bands, |announced, notice| match announced {
            None => true,
            Some(announced) => {
                notice.band < announced.band
                    || announced.handling.comes_back().is_some_and(|at| at <= now.timestamp())
            }
        })
    }

    /// The notices that wait for an answer, the most urgent first.
    pub fn open(&self, servers: &[Server], today: Date, policy: &Policy) -> Vec<Notice> {
        let bands = policy.bands();
        self.select(servers, today, policy, &bands, |announced, _| {
            announced.is_some_and(|announced| announced.handling.is_open())
        })
    }

    fn select<'s>(
        &self,
        servers: impl IntoIterator<Item = &'s Server>,
        today: Date,
        policy: &Policy,
        bands: &[i32],
        wanted: impl Fn(Option<&Announced>, &Notice) -> bool,
    ) -> Vec<Notice> {
        let mut notices: Vec<Notice> = servers
            .into_iter()
            .flat_map(|server| candidates(server, today, policy, bands))
            .filter(|notice| wanted(self.0.get(&notice.key), notice))
            .collect();
        notices.sort_by(|a, b| (a.days_left, &a.name, &a.key).cmp(&(b.days_left, &b.name, &b.key)));
        notices
    }

    /// Notes down that these are about to be shown.
    pub fn announce(&mut self, notices: &[Notice], now: Timestamp) {
        self.note(notices, now, Handling::Open);
    }

    fn note(&mut self, notices: &[Notice], now: Timestamp, handling: Handling) {
        for notice in notices {
            match self.0.get_mut(&notice.key) {
                Some(before) => *before = Announced { band: before.band.min(notice.band), at: now, handling },
                None => {
                    self.0.insert(notice.key.clone(), Announced { band: notice.band, at: now, handling });
                }
            }
        }
    }

    /// Servers are known by other keys than `before` (an address was found out, or has changed): what was said of
    /// one under its old key holds under the new one. True if anything changed.
    pub fn carry_over(&mut self, before: &[Server], after: &[Server]) -> bool {
        let keys: HashSet<&ServerKey> = after.iter().map(|server| &server.key).collect();
        let gone: Vec<&Server> = before.iter().filter(|server| !keys.contains(&server.key)).collect();
        if gone.is_empty() || self.0.is_empty() {
            return false;
        }
        // What fits several servers tells nothing.
        let mut by_name: HashMap<String, Option<&Server>> = HashMap::new();
        for server in after {
            for name in names(server) {
                by_name.entry(name).and_modify(|only| *only = None).or_insert(Some(server));
            }
        }
        let mut changed = false;
        for old in gone {
            let new = names(old).into_iter().find_map(|name| by_name.get(&name).copied().flatten());
            let Some(new) = new else { continue };
            let prefix = format!("{} ", old.key);
            let of_old = self.0.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
            let of_old: Vec<String> = of_old.map(|(key, _)| key.clone()).collect();
            for key in of_old {
                let Some(announced) = self.0.remove(&key) else { continue };
                let now_key = format!("{} {}", new.key, &key[prefix.len()..]);
                let kept = self.0.entry(now_key).or_insert(announced);
                if announced.band < kept.band || (announced.band == kept.band && kept.handling.is_open()) {
                    *kept = announced;
                }
                changed = true;
            }
        }
        changed
    }

    /// "Got it" and "Remind me tomorrow". Unknown keys are passed over. True if anything changed.
    pub fn handle<'a>(&mut self, keys: impl IntoIterator<Item = &'a str>, handling: Handling) -> bool {
        let mut changed = false;
        for key in keys {
            if let Some(announced) = self.0.get_mut(key)
                && announced.handling != handling
            {
                announced.handling = handling;
                changed = true;
            }
        }
        changed
    }

    /// These could not be shown, and are due again `until` then. True if anything changed.
    pub fn not_shown<'a>(&mut self, keys: impl IntoIterator<Item = &'a str>, until: Timestamp) -> bool {
        let unanswered = keys.into_iter().filter(|key| self.handling(key).is_some_and(Handling::is_open));
        let unanswered: Vec<&str> = unanswered.collect();
        self.handle(unanswered, Handling::NotShown { until })
    }

    /// What became of one notice.
    pub fn handling(&self, key: &str) -> Option<Handling> {
        self.0.get(key).map(|announced| announced.handling)
    }

    /// The next moment after `now` at which something may become due without any other event: a day begins, a
    /// reminder comes back, quiet hours end.
    pub fn next_look(&self, now: &ZonedDateTime, policy: &Policy) -> Timestamp {
        let midnight = now.tomorrow().and_then(|day| day.start_of_day()).map(|day| day.timestamp());
        let hour = jiff::SignedDuration::from_hours(1);
        let hour = now.timestamp().saturating_add(hour).unwrap_or(Timestamp::MAX);
        let quiet_end = policy.quiet.filter(|quiet| quiet.contains(now.time())).and_then(|quiet| {
            let today = now.with().time(quiet.to).build().ok()?;
            Some(if today > *now { today } else { today.tomorrow().ok()? }.timestamp())
        });
        let reminders = self.0.values().filter_map(|announced| announced.handling.comes_back());
        let reminders = reminders.filter(|at| *at > now.timestamp());
        let soonest = reminders.chain(midnight).chain(quiet_end).min().unwrap_or(hour);
        soonest.max(now.timestamp())
    }

    /// When reminders of this server come back.
    fn reminders(&self, server: &Server) -> impl Iterator<Item = Timestamp> {
        let until = server.until();
        let of_date = until.map(|until| date_key(server, until));
        let of_version = until
            .zip(server.installed_version)
            .map(|(until, version)| not_covered_key(server, until, version));
        of_date.into_iter().chain(of_version).filter_map(|key| self.0.get(&key)?.handling.comes_back())
    }

    /// Forgets what was said long ago of dates that no server has any more, so that the file stays small.
    pub fn prune(&mut self, servers: &[Server], now: Timestamp) {
        const KEEP: jiff::SignedDuration = jiff::SignedDuration::from_hours(24 * 365 * 3);
        let is_old = |announced: &Announced| now.duration_since(announced.at) >= KEEP;
        if !self.0.values().any(is_old) {
            return;
        }
        let dated = servers.iter().filter_map(|server| Some(format!("{} {}", server.key, server.until()?)));
        let dated: HashSet<String> = dated.collect();
        let is_known = |key: &str| dated.contains(key.split(" not covered ").next().unwrap_or(key));
        self.0.retain(|key, announced| !is_old(announced) || is_known(key));
    }
}

/// What a server is known by besides its key, the surest first.
fn names(server: &Server) -> Vec<String> {
    let id = server.server_id.as_deref().map(|id| format!("id:{}", id.trim().to_lowercase()));
    id.into_iter().chain([format!("name:{}", server.name.trim().to_lowercase())]).collect()
}

fn date_key(server: &Server, until: Date) -> String {
    format!("{} {until}", server.key)
}

fn not_covered_key(server: &Server, until: Date, version: Version) -> String {
    format!("{} {until} not covered {version}", server.key)
}

/// What could be said of one server today, whether or not it was said already.
fn candidates(server: &Server, today: Date, policy: &Policy, bands: &[i32]) -> Vec<Notice> {
    let Some(until) = server.until().filter(|_| !server.ignored) else { return Vec::new() };
    let days_left = standing::days_left(today, until);
    let notice = |key, band, topic| Notice {
        key,
        server: server.key.clone(),
        name: server.name.clone(),
        kind: server.kind,
        until,
        days_left,
        band,
        topic,
    };
    let mut notices = Vec::new();
    // The bands go from the most distant to the most urgent.
    let band = bands[..bands.partition_point(|&band| band >= days_left)].last().copied();
    if let Some(band) = band.filter(|_| policy.wants(server.kind, days_left)) {
        notices.push(notice(date_key(server, until), band, Topic::Date));
    }
    if let Some(version) = server.installed_version
        && policy.not_covered
        && coverage::coverage(version, until) == Coverage::NotCovered
    {
        notices.push(notice(not_covered_key(server, until, version), 0, Topic::NotCovered(version)));
    }
    notices
}

/// What will be shown on which day, from `now` on, if nothing changes and every notice is answered with
/// "Got it" on its day. Made day by day as it is asked for: each server is looked at on its own days only.
pub fn preview<'a>(
    ledger: &Ledger,
    servers: &'a [Server],
    now: &ZonedDateTime,
    policy: &Policy,
) -> impl Iterator<Item = (Date, Vec<Notice>)> + use<'a> {
    let (today, zone) = (now.date(), now.time_zone().clone());
    let bands = policy.bands();
    let awake = Policy { quiet: None, ..policy.clone() };
    let mut ledger = ledger.clone();
    // The servers to look at, by number, on days to come. Each puts itself on its next day.
    let mut agenda = BTreeMap::from([(today, (0..servers.len()).collect::<Vec<_>>())]);
    for (index, server) in servers.iter().enumerate() {
        for until in ledger.reminders(server) {
            let day = until.to_zoned_datetime(zone.clone()).date().max(today);
            agenda.entry(day).or_default().push(index);
        }
    }
    std::iter::from_fn(move || {
        while let Some((day, mut looked_at)) = agenda.pop_first() {
            looked_at.sort_unstable();
            looked_at.dedup();
            for &index in &looked_at {
                if let Some(next) = next_day(&servers[index], day, &bands) {
                    agenda.entry(next).or_default().push(index);
                }
            }
            let Ok(evening) = day.at(23, 59, 59, 999_999_999).to_zoned_datetime(zone.clone()) else {
                continue;
            };
            let looked_at = looked_at.into_iter().map(|index| &servers[index]);
            let due = ledger.due_among(looked_at, &evening, &awake, &bands);
            if !due.is_empty() {
                ledger.note(&due, evening.timestamp(), Handling::Done);
                return Some((day, due));
            }
        }
        None
    })
}

/// The next day after `day` on which something else can be said of a server: a band begins, or its date has just
/// passed.
fn next_day(server: &Server, day: Date, bands: &[i32]) -> Option<Date> {
    let until = server.until()?;
    let days_left = standing::days_left(day, until);
    let band = bands.get(bands.partition_point(|&band| band >= days_left));
    let next = band.copied().into_iter().chain((days_left >= 0).then_some(-1)).max()?;
    until.checked_sub(next.days()).ok()
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
