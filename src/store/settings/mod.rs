//! The settings: one commented TOML file that the administrator owns.
//!
//! [`parse`] is strict and names every mistake with its line; [`load`] never stops the tray because of one;
//! [`set`] changes one value and leaves comments and layout as they are. All of them, and the help for unknown
//! keys, come from one table of keys ([`known_keys`]).

mod edit;
mod keys;
mod load;
mod machine;
mod parse;
mod place;
mod policy;
#[cfg(test)]
mod properties;
mod slot;
mod splice;
mod values;

pub use edit::{Change, edited, remove_server, set, unset, without_server};
pub use keys::{KeyInfo, Shape, known_keys};
pub use load::{
    EffectiveValue, Loaded, Origin, ValueOrigin, effective, load, load_and_keep, load_over,
    write_default_if_absent,
};
pub use machine::{MACHINE_FILE_VARIABLE, Machine, machine_file, use_machine_file};
pub use parse::parse;
pub use policy::{Policy, PolicyReader, PolicyValue, use_policies};
pub use values::{Check, Level, QuietHours};

use crate::domain::{Entry, Kind, Secret, Source, Version, diagnosis::Target, proxy::Choice};
use jiff::{Timestamp, civil};
use std::path::PathBuf;

/// The file that is written on the first start: every key with its meaning, defaults commented out, so that a
/// better default of a later release applies by itself.
pub const DEFAULT_FILE: &str = include_str!("../../../assets/settings.default.toml");

/// The most bytes of a settings file: 1 MiB.
pub const MAX_FILE: u64 = 1024 * 1024;
/// The most `[[server]]` sections.
pub const MAX_SERVERS: usize = 10_000;
/// The most entries of `notices.before_days`.
pub const MAX_BANDS: usize = 50;
/// The most problems that [`parse`] reports of one file.
pub const MAX_PROBLEMS: usize = 20;

/// Everything that the settings file can say. [`Default`] is what holds without a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `[visualcron]`: where VisualCron is on this machine.
    pub visualcron: VisualCron,
    /// `[notices]`: what is announced, and when.
    pub notices: Notices,
    /// `[connection]`: which servers are tried, and how often.
    pub connection: Connection,
    /// `[license_host]`: the host behind Refresh license data.
    pub license_host: LicenseHost,
    /// `[recovery]`: Clear server cache.
    pub recovery: Recovery,
    /// `[pages]`: the web pages that the menu, the details and `open` lead to.
    pub pages: Pages,
    /// `[log]`: our own log file.
    pub log: Log,
    /// `[[server]]`: the administrator's own entries, in the order of the file.
    pub servers: Vec<Server>,
}

/// `[visualcron]`. `None`: the program looks in the usual places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VisualCron {
    /// The user's VisualCron folder, which holds `settings` and `log`.
    pub folder: Option<PathBuf>,
    /// The path of `VisualCronClient.exe`.
    pub client_program: Option<PathBuf>,
    /// The folder of a server on this machine, which holds `settings` and `log`.
    pub server_folder: Option<PathBuf>,
}

/// `[notices]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notices {
    /// Days before the date at which a notice is due, largest first, without doubles.
    pub before_days: Vec<u32>,
    /// After the date, a notice each time that many days have passed. 0: none.
    pub after_every_days: u32,
    /// Length in days of the time after the date in which the vendor still renews. 0: no notices about it.
    pub renewal_window_days: u32,
    /// From how many days before its date a license counts as expiring.
    pub expiring_days: u32,
    /// When no notice is shown; it is kept for later. Local time.
    pub quiet_hours: Option<QuietHours>,
    /// Notices for perpetual licenses.
    pub perpetual: bool,
    /// Notices for subscriptions.
    pub subscription: bool,
    /// Notices for trials.
    pub trial: bool,
    /// Notices before the date, and on it.
    pub expiring: bool,
    /// Notices after the date.
    pub expired: bool,
    /// Notices that the installed version is newer than what the Maintenance covers.
    pub not_covered: bool,
    /// Notices that a server's port stopped answering.
    pub connection: bool,
    /// Notices that a date moved forward.
    pub renewed: bool,
    /// Notices that a license is to be validated, or was not.
    pub validation: bool,
    /// When "Remind me tomorrow" comes back. Local time, whole minutes.
    pub remind_at: civil::Time,
}

impl Default for Notices {
    fn default() -> Self {
        Notices {
            before_days: vec![90, 60, 30, 14, 7, 3, 1, 0],
            after_every_days: 7,
            renewal_window_days: 180,
            expiring_days: 30,
            quiet_hours: None,
            perpetual: true,
            subscription: true,
            trial: true,
            expiring: true,
            expired: true,
            not_covered: true,
            connection: false,
            renewed: true,
            validation: true,
            remind_at: civil::time(9, 0, 0, 0),
        }
    }
}

impl Notices {
    /// Whether licenses of this kind are announced. One of unknown kind is.
    pub fn wants(&self, kind: Option<Kind>) -> bool {
        match kind {
            Some(Kind::Perpetual) => self.perpetual,
            Some(Kind::Subscription) => self.subscription,
            Some(Kind::Trial) => self.trial,
            None => true,
        }
    }
}

/// `[connection]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Which servers' TCP port is tried.
    pub check: Check,
    /// The pause between two tries, in seconds, at least 10.
    pub every_seconds: u32,
    /// How long one try may take, in seconds.
    pub timeout_seconds: u32,
    /// Name or address of the server that the menu's `Server` is about, and that [`Check::Main`] tries. `None`:
    /// the local one, else the first by name.
    pub main_server: Option<String>,
}

impl Default for Connection {
    fn default() -> Self {
        Connection { check: Check::Main, every_seconds: 60, timeout_seconds: 3, main_server: None }
    }
}

/// `[license_host]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenseHost {
    /// The host that must answer on TCP port 443 for Refresh license data (documented by the vendor); one of your own
    /// with its port, if that is another.
    pub host: String,
    /// Whether Refresh license data also checks that this host can be reached.
    pub check_on_refresh: bool,
    /// The proxy to that host. `None`: what environment and system say.
    pub proxy: Option<Choice>,
    /// As whom to sign in to the proxy. The password is in the system's keyring, never in the file.
    pub proxy_user: Option<String>,
    /// A PEM file with root certificates that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
}

impl LicenseHost {
    /// The host, if it is another one than the vendor's: one that can speak the open protocol.
    pub fn own_host(&self) -> Option<String> {
        let is_vendors = Target::parse(&self.host).is_none_or(|target| target.is_vendors());
        (!is_vendors).then(|| self.host.clone())
    }

    /// The host and its port, for people: `www.visualcron.com, port 443`.
    pub fn place(&self) -> String {
        match self.host.rsplit_once(':').filter(|(name, _)| !name.contains(':') || name.ends_with(']')) {
            Some((name, port)) => format!("{name}, port {port}"),
            None => format!("{}, port 443", self.host),
        }
    }
}

impl Default for LicenseHost {
    fn default() -> Self {
        LicenseHost {
            host: "www.visualcron.com".into(),
            check_on_refresh: true,
            proxy: None,
            proxy_user: None,
            ca_file: None,
        }
    }
}

/// `[recovery]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How long a program may take to close, in seconds.
    pub close_seconds: u32,
    /// How many of our backups of servers.xml are kept.
    pub keep_backups: u32,
}

impl Default for Recovery {
    fn default() -> Self {
        Recovery { close_seconds: 20, keep_backups: 10 }
    }
}

/// `[pages]`: `https` addresses, the vendor's own by default (see docs/vendor-facts.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages {
    /// Where licenses are renewed.
    pub renew: String,
    /// Where licenses are bought.
    pub order: String,
    /// What Maintenance is.
    pub maintenance: String,
    /// Where a validation is done by hand, when the vendor's host cannot be reached.
    pub manual_validation: String,
    /// Where an activation is done by hand.
    pub offline_activation: String,
}

impl Default for Pages {
    fn default() -> Self {
        Pages {
            renew: "https://admin.visualcron.com/mylicenses.aspx".into(),
            order: "https://www.visualcron.com/order.aspx".into(),
            maintenance: "https://www.visualcron.com/maintenance.aspx".into(),
            manual_validation: "https://www.visualcron.com/activation/OfflineValidation.aspx".into(),
            offline_activation: "https://admin.visualcron.com/activation/OfflineActivation2024.aspx".into(),
        }
    }
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The most KiB on disk: two files of at most half of it each.
    pub max_kib: u32,
    /// The least important that is written.
    pub level: Level,
}

impl Default for Log {
    fn default() -> Self {
        Log { max_kib: 1024, level: Level::Info }
    }
}

/// One `[[server]]`. Has a name or an address, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// The name as the administrator knows it.
    pub name: Option<String>,
    /// Host name or IP address.
    pub address: Option<String>,
    /// TCP port. `None`: 16444.
    pub port: Option<u16>,
    /// The kind of license.
    pub kind: Option<Kind>,
    /// The edition, in the vendor's words.
    pub edition: Option<String>,
    /// The last day of the Maintenance (or subscription, or trial).
    pub maintenance_until: Option<civil::Date>,
    /// The version that the server runs.
    pub installed_version: Option<Version>,
    /// The activation code.
    pub activation_code: Option<Secret>,
    /// The server id of the license.
    pub server_id: Option<String>,
    /// It is listed, and counts for nothing.
    pub ignore: bool,
}

impl Server {
    /// What the server is called in messages and in keys: its name, else its address.
    pub fn title(&self) -> &str {
        self.name.as_deref().or(self.address.as_deref()).unwrap_or("")
    }
}

impl Settings {
    /// The administrator's own entries as license data. `read_at` is the time of the file ([`Loaded::read_at`]).
    pub fn entries(&self, read_at: Timestamp) -> Vec<Entry> {
        self.servers
            .iter()
            .map(|server| Entry {
                name: server.name.clone(),
                address: server.address.clone(),
                port: server.port,
                server_id: server.server_id.clone(),
                kind: server.kind,
                edition: server.edition.clone(),
                maintenance_until: server.maintenance_until,
                installed_version: server.installed_version,
                activation_code: server.activation_code.clone(),
                ignored: server.ignore,
                ..Entry::new(Source::Settings, read_at)
            })
            .collect()
    }
}
