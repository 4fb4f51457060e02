//! What one record says, collected field by field, and its way to an [`Entry`].

use super::fields::{Field, Term};
use super::values::{self, Reading, shown};
use crate::domain::{Entry, Kind, Secret, Source, Version};
use jiff::{Timestamp, civil::Date};

/// Notes of one record. A file of nonsense must not fill the memory or the screen.
const MAX_NOTES: usize = 8;
/// The longest name or address that is kept, in bytes. Host names end at 253.
const LONGEST: usize = 1024;

/// What one element says of a server, so far. Filled first come, first kept.
#[derive(Debug, Default)]
pub(super) struct Draft {
    name: Option<String>,
    server_name: Option<String>,
    address: Option<String>,
    server: Option<String>,
    ip: Option<String>,
    port: Option<u16>,
    local: Option<bool>,
    version: Option<Version>,
    version_is_attribute: bool,
    version_parts: [Option<u32>; 3],
    until: [Option<Date>; 4],
    edition: Option<String>,
    kind: Option<Kind>,
    server_id: Option<String>,
    activation_code: Option<Secret>,
    /// A field beside the names and addresses was there: the element is more than a label.
    more: bool,
    /// Its name is taken for a server's, because the element is called one.
    pub called_server: bool,
    notes: Vec<String>,
}

impl Draft {
    /// Takes the text of a field.
    pub fn set(&mut self, field: Field, text: &str, attribute: bool) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let notes = &mut self.notes;
        match field {
            Field::Name => put_words(&mut self.name, text, "name", notes),
            Field::ServerName => put_words(&mut self.server_name, text, "server name", notes),
            Field::Address => put_words(&mut self.address, text, "address", notes),
            Field::Server => put_words(&mut self.server, text, "server", notes),
            Field::Ip => put_words(&mut self.ip, text, "IP address", notes),
            Field::ServerId => put_words(&mut self.server_id, text, "server id", notes),
            Field::Edition => put_words(&mut self.edition, text, "edition", notes),
            Field::Port => match text.parse::<u16>() {
                Ok(0) => {}
                Ok(port) => put(&mut self.port, port, "port", notes),
                Err(_) => note(notes, format!("The port \"{}\" is not a number up to 65535.", shown(text))),
            },
            Field::ConnectionType if text.eq_ignore_ascii_case("local") => {
                put(&mut self.local, true, "connection type", notes);
            }
            Field::ConnectionType if text.eq_ignore_ascii_case("remote") => {
                put(&mut self.local, false, "connection type", notes);
            }
            Field::IsLocal => {
                if let Some(local) = values::truth(text) {
                    put(&mut self.local, local, "connection type", notes);
                }
            }
            Field::Version => match text.parse::<Version>() {
                Ok(version) if version == Version::new(0, 0, 0) => {}
                Ok(version) => {
                    self.version_is_attribute |= attribute && self.version.is_none();
                    put(&mut self.version, version, "version", notes);
                }
                Err(_) => note(notes, format!("The version \"{}\" cannot be read.", shown(text))),
            },
            Field::VersionPart(at) => {
                if let (Some(part), Ok(number)) = (self.version_parts.get_mut(at), text.parse()) {
                    part.get_or_insert(number);
                }
            }
            Field::Until(term) => self.set_until(term, text),
            Field::Kind => match values::kind(text) {
                Some(kind) => put(&mut self.kind, kind, "kind of license", notes),
                // A bare number is an enumeration that we cannot know; `None` says nothing.
                None if text.eq_ignore_ascii_case("none") || text.bytes().all(|b| b.is_ascii_digit()) => {}
                None => note(notes, "The kind of license is given in a word that is not known.".into()),
            },
            Field::IsTrial if values::truth(text) == Some(true) => {
                put(&mut self.kind, Kind::Trial, "kind of license", notes);
            }
            Field::IsSubscription if values::truth(text) == Some(true) => {
                put(&mut self.kind, Kind::Subscription, "kind of license", notes);
            }
            Field::ActivationCode => {
                if text.len() <= LONGEST {
                    put(&mut self.activation_code, Secret::new(text), "activation code", notes);
                }
            }
            Field::LikeExpiry => {
                if let (_, Reading::Date(_)) = values::expiration(text) {
                    note(notes, "A date whose meaning is not known is left out.".into());
                }
                return;
            }
            Field::ConnectionType | Field::IsTrial | Field::IsSubscription => {}
            Field::Connection | Field::Credential => {}
            Field::Skip | Field::Key | Field::Value | Field::Unknown => return,
        }
        let label = matches!(
            field,
            Field::Name
                | Field::ServerName
                | Field::Address
                | Field::Server
                | Field::Ip
                | Field::VersionPart(_)
        );
        self.more |= !label;
    }

    fn set_until(&mut self, term: Term, text: &str) {
        let (kind, reading) = values::expiration(text);
        if let Some(kind) = kind {
            put(&mut self.kind, kind, "kind of license", &mut self.notes);
        }
        match reading {
            Reading::Date(date) => {
                if let Some(slot) = self.until.get_mut(term as usize) {
                    put(slot, date, "date of expiry", &mut self.notes);
                }
            }
            Reading::NoDate => {}
            Reading::Unclear(words) => note(&mut self.notes, words),
        }
    }

    /// Whether it says where a server is.
    pub fn has_address(&self) -> bool {
        self.address.is_some() || self.server.is_some() || self.ip.is_some() || self.local == Some(true)
    }

    /// Whether it holds a name that is a server's for all we can tell: a bare label is none.
    pub fn has_server_name(&self) -> bool {
        self.server_name.is_some() || self.name.is_some() && (self.more || self.called_server)
    }

    /// Whether it may be a record of its own.
    pub fn is_server(&self) -> bool {
        self.has_address() || self.has_server_name()
    }

    /// Whether it holds nothing at all.
    pub fn is_empty(&self) -> bool {
        !self.more && !self.is_server() && self.name.is_none() && self.notes.is_empty()
    }

    /// Whether both drafts name the same server, as far as both give an address (or both a name).
    pub fn agrees_with(&self, other: &Draft) -> bool {
        let same = |a: Option<&String>, b: Option<&String>| match (a, b) {
            (Some(a), Some(b)) => Some(a.eq_ignore_ascii_case(b)),
            _ => None,
        };
        same(self.any_address(), other.any_address())
            .or(same(self.any_name(), other.any_name()))
            .unwrap_or_default()
    }

    fn any_address(&self) -> Option<&String> {
        self.address.as_ref().or(self.server.as_ref()).or(self.ip.as_ref())
    }

    fn any_name(&self) -> Option<&String> {
        self.name.as_ref().or(self.server_name.as_ref())
    }

    /// Whether it holds a name for people, of whatever it is.
    pub fn has_name(&self) -> bool {
        self.name.is_some()
    }

    /// Forgets the name: it is that of something else.
    pub fn forget_name(&mut self) {
        self.name = None;
    }

    /// Forgets a version that stood in an attribute: on an element that only wraps a server it is the version
    /// of the format.
    pub fn forget_attribute_version(&mut self) {
        if self.version_is_attribute {
            self.version = None;
        }
    }

    /// The version that a .NET `System.Version` spells out in parts.
    pub fn composed_version(&self) -> Option<Version> {
        match self.version_parts {
            [Some(major), Some(minor), patch] => Some(Version::new(major, minor, patch.unwrap_or_default())),
            _ => None,
        }
    }

    /// Takes a version that is already read.
    pub fn set_version(&mut self, version: Version) {
        put(&mut self.version, version, "version", &mut self.notes);
        self.more = true;
    }

    /// Takes what another element says of the same server, where this one says nothing.
    pub fn absorb(&mut self, other: Draft) {
        let notes = &mut self.notes;
        let place =
            |slot: &mut Option<String>, value: Option<String>, what: &str, notes: &mut Vec<String>| {
                if let Some(value) = value {
                    put(slot, value, what, notes);
                }
            };
        // A second name deeper down is mostly that of a part: it is left out without a word.
        self.name = self.name.take().or(other.name);
        place(&mut self.server_name, other.server_name, "server name", notes);
        place(&mut self.address, other.address, "address", notes);
        place(&mut self.server, other.server, "server", notes);
        place(&mut self.ip, other.ip, "IP address", notes);
        place(&mut self.edition, other.edition, "edition", notes);
        place(&mut self.server_id, other.server_id, "server id", notes);
        if let Some(port) = other.port {
            put(&mut self.port, port, "port", notes);
        }
        if let Some(version) = other.version {
            put(&mut self.version, version, "version", notes);
        }
        if let Some(kind) = other.kind {
            put(&mut self.kind, kind, "kind of license", notes);
        }
        if let Some(code) = other.activation_code {
            put(&mut self.activation_code, code, "activation code", notes);
        }
        for (slot, date) in self.until.iter_mut().zip(other.until) {
            if let Some(date) = date {
                put(slot, date, "date of expiry", notes);
            }
        }
        for words in other.notes {
            note(notes, words);
        }
        self.local = self.local.or(other.local);
        self.more |= other.more;
        self.called_server |= other.called_server;
    }

    /// The finished entry.
    pub fn into_entry(mut self, read_at: Timestamp) -> Entry {
        let (until, kind) = self.settle_date();
        let mut entry = Entry::new(Source::ServersXml, read_at);
        entry.maintenance_until = until;
        entry.kind = kind;
        entry.name = self.name.or(self.server_name);
        // `Server` beside another address is the name.
        if self.address.is_some() && entry.name.is_none() {
            entry.name = self.server.take();
        }
        entry.address = self.address.or(self.server).or(self.ip);
        if entry.address.is_none() && self.local == Some(true) {
            entry.address = Some("localhost".into());
        }
        entry.port = self.port;
        entry.server_id = self.server_id;
        entry.edition = self.edition;
        entry.installed_version = self.version;
        entry.activation_code = self.activation_code;
        entry.notes = self.notes;
        entry
    }

    /// Chooses among dates of several names: the one of the kind of license, else in the order of [`Term`].
    fn settle_date(&mut self) -> (Option<Date>, Option<Kind>) {
        let [maintenance, subscription, trial, license] = self.until;
        let first = match self.kind {
            Some(Kind::Subscription) => subscription.or(license),
            Some(Kind::Trial) => trial.or(license),
            Some(Kind::Perpetual) => maintenance.or(license),
            None => None,
        };
        let date = first.or(maintenance).or(subscription).or(trial).or(license);
        // Only one term has a date: that is the kind (inferred).
        let kind = self.kind.or(match (maintenance, subscription, trial) {
            (None, Some(_), None) => Some(Kind::Subscription),
            (None, None, Some(_)) => Some(Kind::Trial),
            _ => None,
        });
        if let Some(date) = date
            && let Some(other) = self.until.iter().flatten().find(|other| **other != date)
        {
            note(
                &mut self.notes,
                format!("Besides {date}, which is used, {other} is given as a date of expiry."),
            );
        }
        (date, kind)
    }
}

fn put_words(slot: &mut Option<String>, text: &str, what: &str, notes: &mut Vec<String>) {
    if text.len() > LONGEST {
        note(notes, format!("The {what} is too long to be one, so it is left out."));
    } else if let Some(words) = values::words(text) {
        put(slot, words, what, notes);
    }
}

/// Fills an empty slot. What is there stays; another value is noted, without showing it.
fn put<T: PartialEq>(slot: &mut Option<T>, value: T, what: &str, notes: &mut Vec<String>) {
    match slot {
        None => *slot = Some(value),
        Some(first) if *first == value => {}
        Some(_) => note(notes, format!("The {what} is given more than once; the first is used.")),
    }
}

fn note(notes: &mut Vec<String>, words: String) {
    if notes.len() < MAX_NOTES && !notes.contains(&words) {
        notes.push(words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn entry(fields: &[(Field, &str)]) -> Entry {
        let mut draft = Draft::default();
        for (field, text) in fields {
            draft.set(*field, text, false);
        }
        draft.into_entry(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_first_value_stays_and_the_second_is_noted() {
        let entry =
            entry(&[(Field::Port, "1"), (Field::Port, "2"), (Field::Port, "1"), (Field::Address, "a")]);
        assert_eq!(entry.port, Some(1));
        assert_eq!(entry.notes, ["The port is given more than once; the first is used."]);
    }

    #[test]
    fn server_is_the_address_or_the_name() {
        let alone = entry(&[(Field::Server, "srv")]);
        assert_eq!((alone.name.as_deref(), alone.address.as_deref()), (None, Some("srv")));
        let beside = entry(&[(Field::Server, "srv"), (Field::Address, "10.0.0.1")]);
        assert_eq!((beside.name.as_deref(), beside.address.as_deref()), (Some("srv"), Some("10.0.0.1")));
    }

    #[test]
    fn local_without_address_is_localhost() {
        assert_eq!(entry(&[(Field::ConnectionType, "Local")]).address.as_deref(), Some("localhost"));
        assert_eq!(entry(&[(Field::IsLocal, "True"), (Field::Address, "a")]).address.as_deref(), Some("a"));
        assert_eq!(entry(&[(Field::ConnectionType, "Remote")]).address, None);
    }

    #[test]
    fn the_date_follows_the_kind() {
        let both = [
            (Field::Until(Term::Maintenance), "2026-01-01"),
            (Field::Until(Term::Subscription), "2027-01-01"),
        ];
        let plain = entry(&both);
        assert_eq!((plain.maintenance_until, plain.kind), (Some(date(2026, 1, 1)), None));
        assert_eq!(plain.notes.len(), 1);
        let subscription = entry(&[both[0], both[1], (Field::Kind, "Subscription")]);
        assert_eq!(subscription.maintenance_until, Some(date(2027, 1, 1)));
        let zero = entry(&[(Field::Until(Term::Maintenance), "0001-01-01T00:00:00"), both[1]]);
        assert_eq!((zero.maintenance_until, zero.kind), (Some(date(2027, 1, 1)), Some(Kind::Subscription)));
        assert!(zero.notes.is_empty());
    }

    #[test]
    fn notes_are_few_and_show_no_secret() {
        let fields: Vec<(Field, String)> = (0..100).map(|n| (Field::Version, format!("x{n}"))).collect();
        let mut draft = Draft::default();
        for (field, text) in &fields {
            draft.set(*field, text, false);
        }
        draft.set(Field::ActivationCode, "ABCD-1", false);
        draft.set(Field::ActivationCode, "ABCD-2", false);
        draft.set(Field::Credential, "hunter2", false);
        let entry = draft.into_entry(Timestamp::UNIX_EPOCH);
        assert_eq!(entry.notes.len(), MAX_NOTES);
        let all = format!("{entry:?}");
        assert!(!all.contains("ABCD") && !all.contains("hunter2"), "{all}");
    }
}
