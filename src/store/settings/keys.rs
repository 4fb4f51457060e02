//! The one table of keys: parsing, help for unknown keys, `settings show`, `settings set` and the tests of the
//! default file and of docs/settings.md all come from it.

use super::{Server, Settings, slot::Slot};

/// What is known of one key.
pub struct KeyInfo {
    /// The full key: `notices.expiring_days`. Those of a `[[server]]` start with `server.`.
    pub key: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// A value as an example, as in the file, where the default is to have none.
    pub example: Option<&'static str>,
    pub(super) slot: AnySlot,
}

/// What kind of value a key takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// True or false.
    Flag,
    /// A whole number, from and to.
    Number(u32, u32),
    /// One of these words.
    Words(Vec<&'static str>),
    /// A text, or a list written as a text.
    Text,
}

/// A slot of the settings or of a server in them.
pub(super) enum AnySlot {
    Settings(Slot<Settings>),
    Server(Slot<Server>),
}

impl KeyInfo {
    /// `notices` in `notices.expiring_days`.
    pub fn section(&self) -> &'static str {
        self.key.split_once('.').map_or("", |(section, _)| section)
    }

    /// `expiring_days` in `notices.expiring_days`.
    pub fn name(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, name)| name)
    }

    /// What is allowed, to follow "must be": `a whole number from 0 to 3650`.
    pub fn allowed(&self) -> String {
        match &self.slot {
            AnySlot::Settings(slot) => slot.allowed(),
            AnySlot::Server(slot) => slot.allowed(),
        }
    }

    /// What kind of value it takes, for forms such as Group Policy's.
    pub fn shape(&self) -> Shape {
        match &self.slot {
            AnySlot::Settings(slot) => slot.shape(),
            AnySlot::Server(slot) => slot.shape(),
        }
    }

    /// The default, written as in the file. `None`: there is none, or the program finds it.
    pub fn default(&self) -> Option<String> {
        match &self.slot {
            AnySlot::Settings(slot) => slot.shown(&mut Settings::default()),
            AnySlot::Server(_) => None,
        }
    }

    /// Whether the value must not be shown.
    pub fn is_secret(&self) -> bool {
        match &self.slot {
            AnySlot::Settings(slot) => slot.is_secret(),
            AnySlot::Server(slot) => slot.is_secret(),
        }
    }
}

/// Every key that the file may have, section by section.
pub fn known_keys() -> impl Iterator<Item = &'static KeyInfo> {
    KEYS.iter()
}

/// The keys of one section; `server` for those of a `[[server]]`.
pub(super) fn keys_of(section: &str) -> impl Iterator<Item = &'static KeyInfo> {
    KEYS.iter().filter(move |info| info.section() == section)
}

/// The key with this full name.
pub(super) fn key(full: &str) -> Option<&'static KeyInfo> {
    KEYS.iter().find(|info| info.key == full)
}

/// The names of the sections, in the order of the default file.
pub(super) const SECTIONS: [&str; 8] =
    ["visualcron", "notices", "connection", "license_host", "recovery", "pages", "log", "server"];

/// What to do about an unknown key of a section: the nearest known one, else what there is. `section` is empty
/// for a key outside of any section.
pub(super) fn help_for_unknown(section: &str, name: &str) -> String {
    let full = format!("{section}.{name}");
    if section.is_empty() || !SECTIONS.contains(&section) {
        let wanted = if section.is_empty() { name } else { section };
        if let Some(near) = nearest(wanted, SECTIONS.into_iter()) {
            return format!("Did you mean the section {}?", header(near));
        }
    } else if let Some(near) = nearest(name, keys_of(section).map(KeyInfo::name)) {
        return format!("Did you mean {near}?");
    }
    let elsewhere = KEYS.iter().find(|info| info.name() == name);
    let elsewhere = elsewhere.or_else(|| {
        let near = nearest(&full, KEYS.iter().map(|info| info.key));
        near.and_then(key)
    });
    match elsewhere {
        Some(info) => format!("Did you mean {} below {}?", info.name(), header(info.section())),
        None if SECTIONS.contains(&section) => {
            let names: Vec<_> = keys_of(section).map(KeyInfo::name).collect();
            format!("{} has only: {}", header(section), names.join(", "))
        }
        None => {
            let headers: Vec<_> = SECTIONS.into_iter().map(header).collect();
            format!("The sections are: {}", headers.join(", "))
        }
    }
}

/// A section as it is written: `[notices]`, `[[server]]`.
pub(super) fn header(section: &str) -> String {
    if section == "server" { "[[server]]".into() } else { format!("[{section}]") }
}

/// The most similar word, if one is similar at all.
fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let word: String = word.chars().take(100).collect::<String>().to_lowercase();
    known
        .map(|known| (strsim::damerau_levenshtein(&word, known), known))
        .filter(|(edits, known)| *edits <= 1 + known.len() / 5)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, known)| known)
}

macro_rules! keys {
    ($($kind:ident $key:literal = $slot:ident [$($at:tt)+] $(($($bound:literal),+))? $(like $example:literal)?, $about:literal;)+) => {
        static KEYS: &[KeyInfo] = &[$(KeyInfo {
            key: $key,
            about: $about,
            example: keys!(@example $($example)?),
            slot: AnySlot::$kind(Slot::$slot(|it| &mut it.$($at)+ $($(, $bound)+)?)),
        }),+];
    };
    (@example) => { None };
    (@example $example:literal) => { Some($example) };
}

keys! {
    Settings "visualcron.folder" = Path[visualcron.folder] like "'C:\\Users\\admin\\AppData\\Local\\VisualCron'",
        "Your own VisualCron folder, which holds settings and log; the Client keeps servers.xml there.";
    Settings "visualcron.client_program" = Path[visualcron.client_program] like "'C:\\Program Files (x86)\\VisualCron\\VisualCronClient.exe'",
        "The VisualCron Client that the menu starts.";
    Settings "visualcron.server_folder" = Path[visualcron.server_folder] like "'C:\\Program Files (x86)\\VisualCron'",
        "The folder of a VisualCron server on this machine, which holds settings and log.";
    Settings "notices.before_days" = Bands[notices.before_days],
        "Days before the date at which a notice comes; each once per license and date.";
    Settings "notices.after_every_days" = Number[notices.after_every_days](0, 3650),
        "After the date, a notice each time that many days have passed; 0 for none.";
    Settings "notices.renewal_window_days" = Number[notices.renewal_window_days](0, 3650),
        "For how many days after the date the vendor still renews; a notice 30 days before that ends and one at its end; 0 for none.";
    Settings "notices.expiring_days" = Number[notices.expiring_days](0, 3650),
        "From how many days before its date a license counts as expiring: icon, and exit code 1 of the check.";
    Settings "notices.quiet_hours" = Hours[notices.quiet_hours] like "\"20:00-07:00\"",
        "No notice in these hours, local time; it comes when they are over. May pass midnight.";
    Settings "notices.perpetual" = Flag[notices.perpetual],
        "Notices for perpetual licenses.";
    Settings "notices.subscription" = Flag[notices.subscription],
        "Notices for subscriptions.";
    Settings "notices.trial" = Flag[notices.trial],
        "Notices for trials.";
    Settings "notices.expiring" = Flag[notices.expiring],
        "Notices before the date, and on it: the last day counts.";
    Settings "notices.expired" = Flag[notices.expired],
        "Notices after the date.";
    Settings "notices.not_covered" = Flag[notices.not_covered],
        "Notices that the installed version is newer than the Maintenance covers.";
    Settings "notices.connection" = Flag[notices.connection],
        "Notices that a server's port stopped answering.";
    Settings "notices.renewed" = Flag[notices.renewed],
        "Notices that a date moved forward.";
    Settings "notices.validation" = Flag[notices.validation],
        "Notices that the validation of a license is overdue or failed, or that the license is not valid.";
    Settings "notices.remind_at" = Time[notices.remind_at],
        "When \"Remind me tomorrow\" comes back, local time.";
    Settings "connection.check" = Check[connection.check],
        "Which servers' TCP port is tried: the main one, all, or none.";
    Settings "connection.every_seconds" = Number[connection.every_seconds](10, 86400),
        "The pause between two tries.";
    Settings "connection.timeout_seconds" = Number[connection.timeout_seconds](1, 60),
        "How long one try may take.";
    Settings "connection.main_server" = Text[connection.main_server] like "\"PROD-01\"",
        "Name or address of the server that the menu's Server is about, and that the check of the main one tries; without it the local one, else the first by name.";
    Settings "license_host.host" = Host[license_host.host],
        "The host that Refresh license data needs, tried on TCP port 443, or the port given with it.";
    Settings "license_host.check_on_refresh" = Flag[license_host.check_on_refresh],
        "Whether Refresh license data also checks that this host can be reached.";
    Settings "license_host.proxy" = Proxy[license_host.proxy] like "\"http://proxy.corp.example:8080\"",
        "The HTTP proxy to that host, or \"direct\" for none; without it what the environment says (HTTPS_PROXY, NO_PROXY), else the system.";
    Settings "license_host.proxy_user" = Text[license_host.proxy_user] like "\"svc-tray\"",
        "As whom to sign in to the proxy (Basic); the password is in the system's keyring: settings proxy-password set.";
    Settings "license_host.ca_file" = Path[license_host.ca_file] like "'C:\\ProgramData\\corp\\roots.pem'",
        "A PEM file with root certificates that are trusted besides the system's.";
    Settings "recovery.close_seconds" = Number[recovery.close_seconds](1, 600),
        "How long a program may take to close when the server cache is cleared.";
    Settings "recovery.keep_backups" = Number[recovery.keep_backups](1, 1000),
        "How many of our backups of servers.xml are kept.";
    Settings "pages.renew" = Url[pages.renew],
        "Where licenses are renewed.";
    Settings "pages.order" = Url[pages.order],
        "Where licenses are bought.";
    Settings "pages.maintenance" = Url[pages.maintenance],
        "What Maintenance is.";
    Settings "pages.manual_validation" = Url[pages.manual_validation],
        "Where a validation is done by hand when the host cannot be reached.";
    Settings "pages.offline_activation" = Url[pages.offline_activation],
        "Where an activation is done by hand.";
    Settings "log.max_kib" = Number[log.max_kib](64, 1048576),
        "The most KiB of our own log on disk: two files of at most half of it each.";
    Settings "log.level" = Level[log.level],
        "The least important that is logged.";
    Server "server.name" = Text[name] like "\"PROD-01\"",
        "The server's name as you know it. A server needs a name or an address.";
    Server "server.address" = Address[address] like "\"prod-01.corp.example\"",
        "Host name or IP address.";
    Server "server.port" = Port[port] like "16444",
        "TCP port of the server; 16444 where none is given.";
    Server "server.kind" = Kind[kind] like "\"subscription\"",
        "The kind of license.";
    Server "server.edition" = Text[edition] like "\"Pro\"",
        "The edition, in the vendor's words.";
    Server "server.maintenance_until" = Date[maintenance_until] like "2026-12-06",
        "The last day of the Maintenance, subscription or trial.";
    Server "server.installed_version" = Version[installed_version] like "\"12.1.4\"",
        "The version that the server runs.";
    Server "server.activation_code" = Secret[activation_code] like "\"XXXX-XXXX\"",
        "The activation code. It is never shown again and never logged.";
    Server "server.server_id" = Text[server_id] like "\"1a2b3c\"",
        "The server id of the license (Server info, tab License).";
    Server "server.ignore" = Flag[ignore] like "true",
        "Whether to leave this server out: it is still listed, but counts for no icon, exit code or notice, and its port is not tried.";
}
