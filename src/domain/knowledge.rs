//! What is known of all servers: the last word of each source, kept so that no failure erases a date, and
//! merged into one row a server.
//!
//! Which date wins where two sources differ: the one that *changed* last. A file's time tells nothing (the
//! Client may write its cache daily with the old date in it), so each date carries since when it has been
//! seen. A source that is away for a while changes nothing. Where that decides nothing, the order of [`Source`] does.
//!
//! What a source says is kept per place (file or host): a program that is pointed at other files neither shows
//! what those before them said, nor loses it.

use super::{Entry, Kind, Source, Version};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The port of a VisualCron server unless another is given (documented by the vendor).
pub const DEFAULT_PORT: u16 = 16444;
/// Of how many places (files, hosts) of one source the last word is kept.
const MAX_PLACES: usize = 16;
/// How many servers that were taken out of a source's list are remembered.
const MAX_TAKEN_OUT: usize = 10_000;

/// Names one server, the same from run to run: `prod-01.corp.example:16444`, or `name:prod-01` while no
/// address is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerKey(pub String);

impl std::fmt::Display for ServerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a source brought this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was read, and says this.
    Read(Vec<Entry>),
    /// There is nothing to read (no such file).
    Absent,
    /// It could not be read or understood: what was known stands.
    Failed,
}

/// The last word of one source on one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it says. Its date may be older than the rest of it: see `date_read_at`.
    pub entry: Entry,
    /// Since when this date has been seen in this source.
    pub date_since: Timestamp,
    /// When the source that had this date was last read. Older than `entry.read_at` once the source has
    /// stopped to show a date.
    pub date_read_at: Timestamp,
    /// Since when the source has not shown this server any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Timestamp>,
    /// The date that the administrator took out of an entry, and since when it had been there: put back, it is no
    /// news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back: Option<(Date, Timestamp)>,
}

/// A date that moved to a later day between two readings of one source: a renewal has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The server, as [`Server::key`] will name it.
    pub name: String,
    /// The kind of license, where known.
    pub kind: Option<Kind>,
    /// The date before.
    pub from: Date,
    /// The date now.
    pub to: Date,
}

/// What a reading has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absorbed {
    /// The dates that moved to a later day.
    pub moved: Vec<Moved>,
    /// Anything is known otherwise than before.
    pub changed: bool,
}

/// What one source at one place has said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Book {
    source: Source,
    /// The file or host.
    at: String,
    facts: Vec<Fact>,
    /// Of servers that were taken out of its list. Never shown; kept so that an old list that is put back brings
    /// no news.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    taken_out: Vec<Fact>,
}

/// All facts, persisted between runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Knowledge {
    /// The first of each source is the one that counts; the others are of places looked at before.
    books: Vec<Book>,
}

/// One reading of a date, with its source and age.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateReading {
    /// The date.
    pub until: Date,
    /// Who says so.
    pub source: Source,
    /// When that source was read with this date in it (a file's time).
    pub read_at: Timestamp,
    /// The source does not show it any more.
    pub remembered: bool,
}

/// One server, merged from all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its stable key.
    pub key: ServerKey,
    /// The name to show.
    pub name: String,
    /// Host name or address, as written; `None` while only a name is known.
    pub address: Option<String>,
    /// TCP port.
    pub port: u16,
    /// It runs on this machine.
    pub local: bool,
    /// The server id of the vendor's license.
    pub server_id: Option<String>,
    /// The kind of license.
    pub kind: Option<Kind>,
    /// The edition.
    pub edition: Option<String>,
    /// The version that it runs.
    pub installed_version: Option<Version>,
    /// The date that counts.
    pub date: Option<DateReading>,
    /// Who says the most of it: the date's source, else the most authoritative one.
    pub source: Source,
    /// When that source was read.
    pub read_at: Timestamp,
    /// It is to be left out: listed, and counting for nothing.
    pub ignored: bool,
    /// Conflicts, doubts and ages, in sentences.
    pub notes: Vec<String>,
}

impl Server {
    /// The date that counts, alone.
    pub fn until(&self) -> Option<Date> {
        self.date.as_ref().map(|date| date.until)
    }
}

impl Knowledge {
    /// From now on what counts of `source` is what it says at this place, a file or a host. True if that is
    /// another place than before.
    pub fn look_at(&mut self, source: Source, at: &str) -> bool {
        let first = self.books.iter().position(|book| book.source == source);
        if first.is_some_and(|first| self.books[first].at == at) {
            return false;
        }
        let known = self.books.iter().position(|book| book.source == source && book.at == at);
        let book = match known {
            Some(known) => self.books.remove(known),
            None => Book { source, at: at.into(), facts: Vec::new(), taken_out: Vec::new() },
        };
        self.books.insert(0, book);
        let mut places = 0;
        self.books.retain(|book| {
            places += usize::from(book.source == source);
            book.source != source || places <= MAX_PLACES
        });
        true
    }

    /// Takes in what `source` brought from the place `at` at `now`.
    pub fn absorb(&mut self, source: Source, at: &str, outcome: Outcome, now: Timestamp) -> Absorbed {
        let elsewhere = self.look_at(source, at);
        let absorbed = match (outcome, self.books.iter_mut().find(|book| book.source == source)) {
            (Outcome::Failed, _) | (_, None) => Absorbed::default(),
            (Outcome::Absent, Some(book)) => book.mark_gone(now),
            // A list of the administrator's own without servers is meant so; a cache without any says nothing.
            (Outcome::Read(entries), Some(book)) if entries.is_empty() && source != Source::Settings => {
                book.mark_gone(now)
            }
            (Outcome::Read(entries), Some(book)) => book.replace(entries, now),
        };
        Absorbed { changed: absorbed.changed || elsewhere, ..absorbed }
    }

    /// Takes in what this machine's installation says of its server at `now`; `None`: there is no server here. An
    /// installation does not tell its port: where other sources know one server on this machine, it is that one.
    pub fn absorb_installed(
        &mut self,
        found: Option<Entry>,
        local_names: &[String],
        now: Timestamp,
    ) -> Absorbed {
        let ports: BTreeSet<u16> = self
            .facts()
            .into_iter()
            .filter(|fact| fact.entry.source != Source::Installation)
            .filter_map(|fact| host_and_port(&fact.entry, local_names))
            .filter_map(|(host, port)| (host == LOCALHOST).then_some(port))
            .collect();
        let only = ports.first().copied().filter(|_| ports.len() == 1);
        let found = found.map(|entry| Entry { port: entry.port.or(only), ..entry });
        if found.is_none() && self.books.iter().all(|book| book.source != Source::Installation) {
            return Absorbed::default();
        }
        self.absorb(Source::Installation, "", Outcome::Read(found.into_iter().collect()), now)
    }

    /// Drops what no source shows any more. Returns the names of what was dropped.
    pub fn forget_gone(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        for source in Source::ALL {
            if let Some(book) = self.books.iter_mut().find(|book| book.source == source) {
                book.taken_out.clear();
                let gone = book.facts.extract_if(.., |fact| fact.gone_since.is_some());
                names.extend(gone.map(|fact| display_name(&fact.entry)));
            }
        }
        names
    }

    /// Was anything ever read from this source?
    pub fn has_seen(&self, source: Source) -> bool {
        self.books.iter().any(|book| book.source == source)
    }

    /// The ids of all servers that other sources than license hosts know, in lower case.
    pub fn server_ids(&self) -> HashSet<String> {
        let others = self.facts().into_iter().filter(|fact| fact.entry.source != Source::LicenseHost);
        others.filter_map(|fact| Some(fact.entry.server_id.as_deref()?.trim().to_lowercase())).collect()
    }

    /// The facts that count.
    fn facts(&self) -> Vec<&Fact> {
        let book_of = |source| self.books.iter().find(move |book| book.source == source);
        Source::ALL.into_iter().filter_map(book_of).flat_map(|book| &book.facts).collect()
    }

    /// One row a server, whatever the order in which the sources were read. `local_names` are the names of
    /// this machine, in any letter case.
    pub fn servers(&self, local_names: &[String]) -> Vec<Server> {
        let all = self.facts();
        let mut groups = Groups::new(all.len());
        let mut by_key: HashMap<String, usize> = HashMap::new();
        let mut unaddressed = Vec::new();
        for (index, fact) in all.iter().enumerate() {
            let entry = &fact.entry;
            let id = entry.server_id.as_deref().map(|id| format!("id:{}", id.trim().to_lowercase()));
            let place = host_and_port(entry, local_names).map(|(host, port)| format!("at:{host}:{port}"));
            if place.is_none() {
                unaddressed.push(index);
            }
            for key in id.into_iter().chain(place) {
                match by_key.get(&key) {
                    Some(&other) => groups.join(index, other),
                    None => {
                        by_key.insert(key, index);
                    }
                }
            }
        }
        let joined = join_by_name(&all, &mut groups, &unaddressed, local_names);
        let left_out: HashSet<usize> = joined.left_out.iter().map(|&root| groups.root(root)).collect();
        let mut members: BTreeMap<usize, Vec<&Fact>> = BTreeMap::new();
        let mut doubts: HashMap<usize, bool> = HashMap::new();
        for (index, fact) in all.iter().enumerate().filter(|(index, _)| !joined.spent.contains(index)) {
            let root = groups.root(index);
            members.entry(root).or_default().push(fact);
            *doubts.entry(root).or_default() |= joined.ambiguous.contains(&index);
        }
        let mut servers: Vec<Server> = members
            .into_iter()
            .map(|(root, facts)| {
                let mut server = merge(facts, local_names, doubts.get(&root).copied().unwrap_or(false));
                server.ignored |= left_out.contains(&root);
                server
            })
            .collect();
        servers.sort_by(|a, b| (&a.name, &a.key).cmp(&(&b.name, &b.key)));
        servers
    }
}

/// What became of entries without an address.
#[derive(Default)]
struct Joined {
    /// Those whose name fits several servers.
    ambiguous: HashSet<usize>,
    /// Those that say of several servers that they are to be left out, and nothing else: they are none themselves.
    spent: HashSet<usize>,
    /// The servers that they mean.
    left_out: Vec<usize>,
}

/// Entries without an address join the one server of their name; if none has that name, the one of that address.
fn join_by_name(
    facts: &[&Fact],
    groups: &mut Groups,
    unaddressed: &[usize],
    local_names: &[String],
) -> Joined {
    let mut joined = Joined::default();
    if unaddressed.is_empty() {
        return joined;
    }
    let addressless: HashSet<usize> = unaddressed.iter().copied().collect();
    let mut roots_by_name: HashMap<String, Vec<usize>> = HashMap::new();
    let mut roots_by_place = roots_by_name.clone();
    for (index, fact) in facts.iter().enumerate().filter(|(i, _)| !addressless.contains(i)) {
        let root = groups.root(index);
        let note = |roots: &mut HashMap<String, Vec<usize>>, name: String| {
            let roots = roots.entry(name).or_default();
            if !roots.contains(&root) {
                roots.push(root);
            }
        };
        if let Some(name) = folded_name(&fact.entry) {
            note(&mut roots_by_name, name);
        }
        if let Some((host, port)) = host_and_port(&fact.entry, local_names) {
            note(&mut roots_by_place, format!("{host}:{port}"));
            note(&mut roots_by_place, host);
        }
    }
    let mut first_by_name: HashMap<String, usize> = HashMap::new();
    for &index in unaddressed {
        let Some(name) = folded_name(&facts[index].entry) else { continue };
        match roots_by_name.get(&name).or_else(|| roots_by_place.get(&name)).map(Vec::as_slice) {
            Some(&[root]) => groups.join(index, root),
            Some(several) if facts[index].entry.only_ignores() => {
                joined.spent.insert(index);
                joined.left_out.extend(several);
                continue;
            }
            Some(_) => _ = joined.ambiguous.insert(index),
            None => {}
        }
        match first_by_name.get(&name) {
            Some(&first) => groups.join(index, first),
            None => {
                first_by_name.insert(name, index);
            }
        }
    }
    joined
}

impl Book {
    fn mark_gone(&mut self, now: Timestamp) -> Absorbed {
        let mut changed = false;
        for fact in &mut self.facts {
            changed |= fact.gone_since.is_none();
            fact.gone_since.get_or_insert(now);
        }
        Absorbed { moved: Vec::new(), changed }
    }

    fn replace(&mut self, entries: Vec<Entry>, now: Timestamp) -> Absorbed {
        let (old, old_taken_out) = (std::mem::take(&mut self.facts), std::mem::take(&mut self.taken_out));
        let mut before = Unmatched::of(&old);
        let mut away = Unmatched::of(&old_taken_out);
        let mut seen = HashMap::new();
        let exact: Vec<_> = entries
            .into_iter()
            .map(|entry| {
                let identity = numbered(&mut seen, &entry);
                let previous = before.take(&identity);
                (entry, identity, previous)
            })
            .collect();
        let renamed = before.renamed();
        let mut moved = Vec::new();
        for (entry, identity, previous) in exact {
            let previous = previous.or_else(|| {
                let mut names = other_names(&entry).into_iter();
                names.find_map(|name| before.take(renamed.get(&name)?.as_ref()?))
            });
            let from = previous.and_then(|fact| fact.entry.maintenance_until);
            let returned = away.take(&identity).filter(|_| previous.is_none());
            let fact = Fact::following(previous, returned, entry, now);
            if let (Some(from), Some(to)) = (from, fact.entry.maintenance_until)
                && to > from
            {
                moved.push(Moved { name: display_name(&fact.entry), kind: fact.entry.kind, from, to });
            }
            self.facts.push(fact);
        }
        self.taken_out = before.rest().chain(away.rest()).take(MAX_TAKEN_OUT).cloned().collect();
        let changed = self.facts != old || self.taken_out != old_taken_out;
        Absorbed { moved, changed }
    }
}

/// Facts of the last reading for which none of the present one was found yet.
struct Unmatched<'a> {
    by_identity: HashMap<(String, usize), &'a Fact>,
    in_order: &'a [Fact],
}

impl<'a> Unmatched<'a> {
    fn of(facts: &'a [Fact]) -> Self {
        let mut seen = HashMap::new();
        let by_identity = facts.iter().map(|fact| (numbered(&mut seen, &fact.entry), fact)).collect();
        Unmatched { by_identity, in_order: facts }
    }

    fn take(&mut self, identity: &(String, usize)) -> Option<&'a Fact> {
        self.by_identity.remove(identity)
    }

    /// What is left, by what it may be found by although its place is another now: its id, else its name. What
    /// is found by neither, or several times, is not in it.
    fn renamed(&self) -> HashMap<String, Option<(String, usize)>> {
        let mut found = HashMap::new();
        for (identity, fact) in &self.by_identity {
            for name in other_names(&fact.entry) {
                let once = found.entry(name).and_modify(|once| *once = None);
                once.or_insert_with(|| Some(identity.clone()));
            }
        }
        found
    }

    fn rest(self) -> impl Iterator<Item = &'a Fact> {
        let left: HashSet<*const Fact> = self.by_identity.into_values().map(std::ptr::from_ref).collect();
        self.in_order.iter().filter(move |fact| left.contains(&std::ptr::from_ref(*fact)))
    }
}

impl Fact {
    /// The fact that follows from `entry` after `previous`, or after what was taken out of the list before and
    /// has `returned`.
    fn following(previous: Option<&Fact>, returned: Option<&Fact>, mut entry: Entry, now: Timestamp) -> Fact {
        let known = previous.or(returned);
        let before = known.and_then(|fact| fact.entry.maintenance_until);
        let mut date_read_at = entry.read_at;
        let mut date_since = now;
        let mut taken_back = known.and_then(|fact| fact.taken_back);
        if let Some(known) = known.filter(|_| before == entry.maintenance_until) {
            date_since = known.date_since;
        } else if let Some((_, since)) = taken_back.filter(|(date, _)| Some(*date) == entry.maintenance_until)
        {
            date_since = since;
        } else if let Some(previous) = previous
            && entry.maintenance_until.is_none()
            // The administrator's own word is gone when it is deleted.
            && entry.source != Source::Settings
        {
            entry.maintenance_until = before;
            date_read_at = previous.date_read_at;
            date_since = previous.date_since;
        }
        if let (Some(known), Some(date), None) = (known, before, entry.maintenance_until) {
            taken_back = Some((date, known.date_since));
        }
        Fact { entry, date_since, date_read_at, gone_since: None, taken_back }
    }

    fn reading(&self) -> Option<DateReading> {
        let until = self.entry.maintenance_until?;
        let remembered = self.gone_since.is_some() || self.date_read_at < self.entry.read_at;
        Some(DateReading { until, source: self.entry.source, read_at: self.date_read_at, remembered })
    }
}

fn merge(mut facts: Vec<&Fact>, local_names: &[String], ambiguous_name: bool) -> Server {
    // One order for all fields: by authority, then by content, so that the order of reading never matters.
    facts.sort_by(|a, b| {
        let rank = |fact: &Fact| (fact.gone_since.is_some(), fact.entry.source);
        let content = |fact: &Fact| format!("{:?}", fact.entry);
        rank(a).cmp(&rank(b)).then_with(|| content(a).cmp(&content(b)))
    });
    fn first<T>(facts: &[&Fact], get: impl Fn(&Entry) -> Option<T>) -> Option<T> {
        facts.iter().find_map(|fact| get(&fact.entry))
    }
    let winner = facts
        .iter()
        .filter(|fact| fact.entry.maintenance_until.is_some())
        .max_by(|a, b| {
            // The last of equals wins in `max_by`, so the tie goes to authority by reversing it.
            let doubt = |fact: &Fact| (fact.entry.source, fact.entry.maintenance_until);
            a.date_since.cmp(&b.date_since).then_with(|| doubt(b).cmp(&doubt(a)))
        })
        .copied();
    let date = winner.and_then(Fact::reading);
    let lead = winner.or(facts.first().copied());
    let mut notes = Vec::new();
    if let (Some(date), Some(winner)) = (&date, winner) {
        let mut others: Vec<(DateReading, &Fact)> =
            facts.iter().filter_map(|fact| Some((fact.reading()?, *fact))).collect();
        others.retain(|(reading, _)| reading.until != date.until);
        others.sort_by(|(a, _), (b, _)| a.cmp(b));
        others.dedup_by_key(|(reading, _)| (reading.until, reading.source));
        notes.extend(others.iter().map(|(other, fact)| {
            format!(
                "{} says {}, {} says {}: {}",
                date.source.title(),
                date.until,
                other.source.title(),
                other.until,
                rule(winner, fact)
            )
        }));
        if date.remembered {
            notes.push(format!(
                "{} does not show this date any more; it was last read there on {}",
                date.source.title(),
                crate::domain::day(date.read_at)
            ));
        }
    } else if facts.iter().all(|fact| fact.gone_since.is_some()) {
        notes.push("no source shows this server any more".into());
    }
    if facts.iter().all(|fact| fact.entry.only_ignores()) {
        notes.push("no source knows a server of this name or address".into());
    }
    if ambiguous_name {
        notes.push("several servers bear this name: give the entry an address".into());
    }
    for note in facts.iter().flat_map(|fact| &fact.entry.notes) {
        if !notes.contains(note) {
            notes.push(note.clone());
        }
    }
    let mut places: Vec<(String, u16)> =
        facts.iter().filter_map(|fact| host_and_port(&fact.entry, local_names)).collect();
    places.sort();
    let is_place = |name: &String| {
        let name = name.trim().to_lowercase();
        places.iter().any(|(host, port)| *host == name || format!("{host}:{port}") == name)
    };
    let name = first(&facts, |entry| entry.name.clone().filter(|name| !is_place(name)))
        .or_else(|| first(&facts, |entry| entry.name.clone()))
        .or_else(|| first(&facts, |entry| entry.address.clone()))
        .or_else(|| first(&facts, |entry| entry.server_id.clone()))
        .unwrap_or_else(|| "unnamed server".into());
    let key = match places.first() {
        Some((host, port)) => ServerKey(format!("{host}:{port}")),
        None => ServerKey(format!("name:{}", name.to_lowercase())),
    };
    // Both from one source: the address of one with the port of another would be no server at all.
    let (address, port) = first(&facts, |entry| {
        let (_, port) = host_and_port(entry, local_names)?;
        let address = split_port(entry.address.as_deref()?.trim()).0.trim_end_matches('.').to_string();
        Some((Some(address), port))
    })
    .unwrap_or((None, DEFAULT_PORT));
    Server {
        key,
        name,
        address,
        port,
        local: places.iter().any(|(host, _)| host == LOCALHOST),
        server_id: first(&facts, |entry| entry.server_id.clone()),
        kind: first(&facts, |entry| entry.kind),
        edition: first(&facts, |entry| entry.edition.clone()),
        // The server's own file knows better than a list that somebody wrote.
        installed_version: facts
            .iter()
            .filter(|fact| fact.entry.source == Source::Installation && fact.gone_since.is_none())
            .find_map(|fact| fact.entry.installed_version)
            .or_else(|| first(&facts, |entry| entry.installed_version)),
        source: lead.map_or(Source::Settings, |fact| fact.entry.source),
        ignored: facts.iter().any(|fact| fact.gone_since.is_none() && fact.entry.ignored),
        read_at: match (&date, lead) {
            (Some(date), _) => date.read_at,
            (None, Some(fact)) => fact.entry.read_at,
            (None, None) => Timestamp::UNIX_EPOCH,
        },
        date,
        notes,
    }
}

/// Why the winner's date counts and not the other one.
fn rule(winner: &Fact, other: &Fact) -> String {
    if winner.date_since > other.date_since {
        "the date that changed last counts".into()
    } else {
        format!("it is not known which changed last, so {} goes first", winner.entry.source.title())
    }
}

const LOCALHOST: &str = "localhost";

/// Host and port that tell servers apart: lower case, without a trailing dot, all names of this machine the
/// same.
fn host_and_port(entry: &Entry, local_names: &[String]) -> Option<(String, u16)> {
    let (host, port_in_address) = split_port(entry.address.as_deref()?.trim());
    let host = host.trim_end_matches('.').trim_matches(['[', ']']).to_lowercase();
    let host = match host.as_str() {
        "" if entry.address.as_deref()?.trim() != "." => return None,
        "" | "." | "(local)" | "127.0.0.1" | "::1" | LOCALHOST => LOCALHOST.to_string(),
        other if local_names.iter().any(|name| name.eq_ignore_ascii_case(other)) => LOCALHOST.to_string(),
        _ => host,
    };
    Some((host, entry.port.or(port_in_address).unwrap_or(DEFAULT_PORT)))
}

/// Splits `host:port`; an IPv6 address without brackets has no port.
fn split_port(address: &str) -> (&str, Option<u16>) {
    match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && (!host.contains(':') || host.ends_with(']')) => {
            match port.parse() {
                Ok(port) => (host, Some(port)),
                Err(_) => (address, None),
            }
        }
        _ => (address, None),
    }
}

fn folded_name(entry: &Entry) -> Option<String> {
    let name = entry.name.as_deref()?.trim();
    (!name.is_empty()).then(|| name.to_lowercase())
}

fn display_name(entry: &Entry) -> String {
    [&entry.name, &entry.address, &entry.server_id]
        .into_iter()
        .flatten()
        .next()
        .cloned()
        .unwrap_or_else(|| "unnamed server".into())
}

/// What makes an entry the same one in the next reading of its source: its id, else its place, else its name;
/// numbered, so that duplicates stay apart.
fn numbered(seen: &mut HashMap<String, usize>, entry: &Entry) -> (String, usize) {
    let identity = match (&entry.server_id, host_and_port(entry, &[])) {
        (_, Some((host, port))) => format!("at:{host}:{port}"),
        (Some(id), None) => format!("id:{}", id.to_lowercase()),
        (None, None) => format!("name:{}", folded_name(entry).unwrap_or_default()),
    };
    let count = seen.entry(identity.clone()).or_default();
    *count += 1;
    (identity, *count)
}

/// By what a server may be known whose address has changed, the surest first.
fn other_names(entry: &Entry) -> Vec<String> {
    let id = entry.server_id.as_deref().map(|id| format!("id:{}", id.trim().to_lowercase()));
    id.into_iter().chain(folded_name(entry).map(|name| format!("name:{name}"))).collect()
}

/// Sets of facts that mean the same server (union-find with path halving).
struct Groups(Vec<usize>);

impl Groups {
    fn new(count: usize) -> Self {
        Groups((0..count).collect())
    }

    fn root(&mut self, mut index: usize) -> usize {
        while self.0[index] != index {
            self.0[index] = self.0[self.0[index]];
            index = self.0[index];
        }
        index
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
#[path = "knowledge_tests.rs"]
mod tests;
