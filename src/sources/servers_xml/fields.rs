//! The names of fields, as far as they can be guessed. docs/servers-xml.md holds the same table for people.

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// A name for people: of the server, or of whatever the element is.
    Name,
    /// A name that can only be a server's.
    ServerName,
    /// Host name or IP address.
    Address,
    /// `Server`: the address, or the name where an address is given as well.
    Server,
    /// An IP address: the address where no other is given.
    Ip,
    Port,
    /// `Local` or `Remote`.
    ConnectionType,
    IsLocal,
    Version,
    /// A number of a .NET `System.Version`: 0 major, 1 minor, 2 build.
    VersionPart(usize),
    /// The last day of something.
    Until(Term),
    Edition,
    Kind,
    ServerId,
    ActivationCode,
    IsTrial,
    IsSubscription,
    /// Says that the element is a connection; the value is not used.
    Connection,
    /// User names, passwords, tokens. The value is not even looked at.
    Credential,
    /// A whole element to leave out: credentials and proxies, which have names and addresses of their own.
    Skip,
    /// `key` and `value` of a list of properties.
    Key,
    /// See [`Field::Key`].
    Value,
    /// Not known, but it seems to speak of an expiry: worth a note.
    LikeExpiry,
    Unknown,
}

/// What lapses on a date. In the order in which a date is chosen where the kind of license decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term {
    Maintenance,
    Subscription,
    Trial,
    /// Not said.
    License,
}

/// Fixed names, lower case without `_`, `-` and `.`, sorted for the search.
const NAMES: &[(&str, Field)] = &[
    ("activationcode", Field::ActivationCode),
    ("activationkey", Field::ActivationCode),
    ("address", Field::Address),
    ("adlogon", Field::Connection),
    ("alias", Field::Name),
    ("autoconnect", Field::Connection),
    ("autoconnectatstartup", Field::Connection),
    ("build", Field::VersionPart(2)),
    ("computername", Field::ServerName),
    ("connectatstartup", Field::Connection),
    ("connectionname", Field::Name),
    ("connectiontype", Field::ConnectionType),
    ("currentversion", Field::Version),
    ("displayname", Field::Name),
    ("dnsname", Field::Address),
    ("edition", Field::Edition),
    ("endpointidentitytype", Field::Connection),
    ("fqdn", Field::Address),
    ("friendlyname", Field::Name),
    ("host", Field::Address),
    ("hostaddress", Field::Address),
    ("hostname", Field::Address),
    ("identitytype", Field::Connection),
    ("installedversion", Field::Version),
    ("ip", Field::Ip),
    ("ipaddress", Field::Ip),
    ("isalocalserver", Field::IsLocal),
    ("islocal", Field::IsLocal),
    ("islocalserver", Field::IsLocal),
    ("issubscription", Field::IsSubscription),
    ("istrial", Field::IsTrial),
    ("istriallicense", Field::IsTrial),
    ("key", Field::Key),
    ("kind", Field::Kind),
    ("licencetype", Field::Kind),
    ("licensecode", Field::ActivationCode),
    ("licenseedition", Field::Edition),
    ("licensekey", Field::ActivationCode),
    ("licensekind", Field::Kind),
    ("licensetype", Field::Kind),
    ("local", Field::IsLocal),
    ("localserver", Field::IsLocal),
    ("login", Field::Skip),
    ("logon", Field::Skip),
    ("machinename", Field::ServerName),
    ("maintenance", Field::Until(Term::Maintenance)),
    ("maintenancedate", Field::Until(Term::Maintenance)),
    ("major", Field::VersionPart(0)),
    ("minor", Field::VersionPart(1)),
    ("name", Field::Name),
    ("port", Field::Port),
    ("portnumber", Field::Port),
    ("principalname", Field::Credential),
    ("productversion", Field::Version),
    ("promptforlogin", Field::Connection),
    ("remoteaddress", Field::Address),
    ("remotehost", Field::Address),
    ("server", Field::Server),
    ("serveraddress", Field::Address),
    ("serveredition", Field::Edition),
    ("serverhost", Field::Address),
    ("serverhostname", Field::Address),
    ("serverid", Field::ServerId),
    ("serverip", Field::Ip),
    ("serveripaddress", Field::Ip),
    ("servername", Field::ServerName),
    ("serverport", Field::Port),
    ("serverversion", Field::Version),
    ("subscriptiontype", Field::Kind),
    ("tcpport", Field::Port),
    ("title", Field::Name),
    ("trial", Field::IsTrial),
    ("useadlogon", Field::Connection),
    ("user", Field::Credential),
    ("username", Field::Credential),
    ("value", Field::Value),
    ("vcversion", Field::Version),
    ("version", Field::Version),
    ("versionnumber", Field::Version),
    ("visualcronversion", Field::Version),
];

/// Names of a date, alone or behind a term.
const ENDS: &[&str] = &[
    "expires",
    "expire",
    "expiry",
    "expiration",
    "expirationdate",
    "expirydate",
    "expiredate",
    "expiresdate",
    "expireson",
    "expiresat",
    "validuntil",
    "validto",
];
/// Names of a date only behind a term.
const TERM_ENDS: &[&str] = &["until", "end", "ends", "enddate"];

/// Longer names are no field's.
const LONGEST: usize = 48;

/// A name in lower case, without what only separates words.
struct Plain {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Plain {
    fn new(name: &str) -> Option<Plain> {
        let mut plain = Plain { bytes: [0; LONGEST], length: 0 };
        for byte in name.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b'.' | b' ')) {
            *plain.bytes.get_mut(plain.length)? = byte.to_ascii_lowercase();
            plain.length += 1;
        }
        Some(plain)
    }

    fn text(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// What the local name of an element or attribute stands for.
pub(super) fn field(name: &str) -> Field {
    let Some(plain) = Plain::new(name) else { return Field::Unknown };
    let name = plain.text();
    if let Ok(at) = NAMES.binary_search_by(|(known, _)| (*known).cmp(name)) {
        return NAMES.get(at).map_or(Field::Unknown, |(_, field)| *field);
    }
    if ["proxy", "password", "passwd", "pwd", "secret", "token", "credential"]
        .iter()
        .any(|w| name.contains(w))
    {
        return Field::Skip;
    }
    if let Some(term) = term(name) {
        return Field::Until(term);
    }
    match name.contains("expir") && !name.starts_with("is") && !name.starts_with("has") {
        true => Field::LikeExpiry,
        false => Field::Unknown,
    }
}

/// What lapses on the date of this name, if it is one of a date.
fn term(name: &str) -> Option<Term> {
    let name = name.strip_suffix("utc").unwrap_or(name);
    for (start, term) in [
        ("maintenance", Term::Maintenance),
        ("subscription", Term::Subscription),
        ("trial", Term::Trial),
        ("license", Term::License),
        ("licence", Term::License),
    ] {
        if let Some(rest) = name.strip_prefix(start) {
            return (ENDS.contains(&rest) || TERM_ENDS.contains(&rest)).then_some(term);
        }
    }
    ENDS.contains(&name).then_some(Term::License)
}

/// A qualified name of the file, looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known<'a> {
    /// As written, with its prefix.
    pub name: &'a str,
    /// What it stands for as the name of a field.
    pub field: Field,
    /// As the name of an element, whose `Name` it holds.
    pub owner: Owner,
}

/// Whose name an element holds, by what it is called itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// A server's: then a name alone makes it one.
    Server,
    /// That of a license, a product, a user, a group.
    Other,
    Unknown,
}

/// Remembers the names that were looked up last: a file repeats the same few over and over.
pub(super) struct Names<'a> {
    slots: [Option<Known<'a>>; SLOTS + PROBES],
}

const SLOTS: usize = 256;
const SHIFT: u32 = 32 - SLOTS.trailing_zeros();
/// Slots that are tried for a name.
const PROBES: usize = 4;

impl<'a> Names<'a> {
    pub fn new() -> Self {
        Names { slots: [None; SLOTS + PROBES] }
    }

    /// Looks a name up. `None` when it is no name of XML.
    pub fn look_up(&mut self, name: &'a str) -> Option<Known<'a>> {
        let bytes = name.as_bytes();
        let byte = |at: usize| bytes.get(at).copied().map_or(0, usize::from);
        let last = bytes.len().saturating_sub(1);
        let mix = bytes.len() | byte(0) << 8 | byte(last / 2) << 16 | byte(last) << 24;
        let home = (mix as u32).wrapping_mul(0x9e37_79b1) as usize >> SHIFT;
        let mut free = home;
        for at in home..home + PROBES {
            match self.slots.get(at) {
                Some(Some(known)) if known.name == name => return Some(*known),
                Some(None) => {
                    free = at;
                    break;
                }
                _ => {}
            }
        }
        if !is_name(name) {
            return None;
        }
        let known = Known { name, field: field(local(name)), owner: owner(local(name)) };
        *self.slots.get_mut(free)? = Some(known);
        Some(known)
    }
}

/// Whether a text may be a name of XML, near enough.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b >= 0x80 || matches!(b, b'_' | b'-' | b'.' | b':'))
}

/// The name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn contains_any(name: &str, words: &[&str]) -> bool {
    Plain::new(name).is_some_and(|plain| words.iter().any(|word| plain.text().contains(word)))
}

/// Whose name an element of this name holds.
fn owner(element: &str) -> Owner {
    const OTHERS: &[&str] = &[
        "licen",
        "product",
        "edition",
        "subscription",
        "maintenance",
        "activation",
        "user",
        "identity",
        "principal",
        "certificate",
        "group",
        "folder",
    ];
    match () {
        () if contains_any(element, OTHERS) => Owner::Other,
        () if names_a_server(element) => Owner::Server,
        () => Owner::Unknown,
    }
}

/// Whether an element of this name is a server by its name.
fn names_a_server(element: &str) -> bool {
    contains_any(element, &["server", "connection", "host", "machine", "computer"])
}

/// Whether `outer` is by its name a list of `inner`: `Servers` of `Server`, `ArrayOfConnection`, `ServerList`.
/// Only this tells a list of one from a record in two parts.
pub(super) fn is_list_of(outer: &str, inner: &str) -> bool {
    let (Some(outer), Some(inner)) = (Plain::new(outer), Plain::new(inner)) else { return false };
    let (outer, inner) = (outer.text(), inner.text());
    if outer.starts_with("arrayof") || outer.ends_with("list") || outer.ends_with("collection") {
        return true;
    }
    let Some(one) = outer.strip_suffix('s').filter(|one| !one.is_empty()) else { return false };
    inner.ends_with(one) || one.ends_with(inner) || names_a_server(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_plain() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(NAMES.iter().all(|(name, _)| name.bytes().all(|b| b.is_ascii_lowercase())));
    }

    #[test]
    fn names_are_known_in_every_spelling() {
        for (name, expected) in [
            ("Address", Field::Address),
            ("HOST_NAME", Field::Address),
            ("server-port", Field::Port),
            ("PassWord", Field::Skip),
            ("EncryptedPassword", Field::Skip),
            ("ProxyAddress", Field::Skip),
            ("UserName", Field::Credential),
            ("_Major", Field::VersionPart(0)),
            ("Expiration", Field::Until(Term::License)),
            ("expires", Field::Until(Term::License)),
            ("LicenseExpires", Field::Until(Term::License)),
            ("MaintenanceExpirationDate", Field::Until(Term::Maintenance)),
            ("maintenance_until", Field::Until(Term::Maintenance)),
            ("SubscriptionExpires", Field::Until(Term::Subscription)),
            ("TrialEnds", Field::Until(Term::Trial)),
            ("IsExpired", Field::Unknown),
            ("ExpiryOfSupport", Field::LikeExpiry),
            ("Endpoint", Field::Unknown),
            ("Größe", Field::Unknown),
            ("", Field::Unknown),
        ] {
            assert_eq!(field(name), expected, "{name}");
        }
        assert_eq!(field(&"a".repeat(10_000)), Field::Unknown);
    }

    #[test]
    fn names_are_remembered_and_checked() {
        let mut names = Names::new();
        let text: String = (0..500).map(|n| format!("x{n} ")).collect();
        for name in text.split_ascii_whitespace().chain(["vc:Port", "p:PORT", "vc:Port", "Ärger", "_a.b-c"])
        {
            let known = names.look_up(name);
            assert_eq!(known, Some(Known { name, field: field(local(name)), owner: owner(local(name)) }));
        }
        for none in ["", "1a", "-a", "a<b", "a b", "a=b", "a\"", "a/"] {
            assert_eq!(names.look_up(none), None, "{none}");
        }
    }

    #[test]
    fn lists_are_known_by_name() {
        for (outer, inner) in [
            ("ArrayOfConnection", "Connection"),
            ("Servers", "Server"),
            ("ServerList", "Item"),
            ("Servers", "add"),
            ("ServerConnections", "Connection"),
            ("Connections", "ServerConnection"),
        ] {
            assert!(is_list_of(outer, inner), "{outer} {inner}");
        }
        for (outer, inner) in [("Server", "Connection"), ("Details", "Connection"), ("Item", "Value")] {
            assert!(!is_list_of(outer, inner), "{outer} {inner}");
        }
    }
}
