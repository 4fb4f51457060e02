//! What can be asked on the command line. Help and completions are made from this.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{ffi::OsString, path::PathBuf};

/// An unofficial, open tray client for VisualCron: watches the Maintenance dates of your servers, and tells
/// you in time.
#[derive(Parser)]
#[command(
    name = "visualcron-tray",
    version,
    after_help = "Exit codes: status gives 0 fine, 1 warning (a date is near), 2 critical (a date has passed), \
                  3 unknown; with --check no other. All else gives 0 when it worked, and for failures 64 wrong use, 65 data not understood, \
                  66 not found, 69 not available, 70 internal, 74 input or output, 77 not allowed, 78 settings.\n\n\
                  visualcron-tray is not made by the vendor of VisualCron."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What holds for every verb.
#[derive(Args, Clone, Default)]
pub struct Global {
    /// The user's VisualCron folder, with settings and log in it [default: VisualCron in the user's local data
    /// folder]
    #[arg(long, value_name = "DIR", global = true)]
    pub visualcron_dir: Option<PathBuf>,
    /// The settings file
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The folder for this program's own state and log
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Pretend that it is TIME: RFC 9557, or a date. Nothing is kept then, unless --data-dir is given too
    #[arg(long, value_name = "TIME", global = true)]
    pub now: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

impl Global {
    /// The options that a tray needs to look after the same folders, with whole paths.
    pub fn of_folders(&self) -> Vec<OsString> {
        let options = [
            ("--visualcron-dir", &self.visualcron_dir),
            ("--config", &self.config),
            ("--data-dir", &self.data_dir),
        ];
        let given = options.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?)));
        given
            .flat_map(|(option, path)| {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                [option.into(), path.into_os_string()]
            })
            .collect()
    }
}

/// What is to be done.
#[derive(Subcommand)]
pub enum Verb {
    /// Run the tray (what happens without a verb)
    Tray,
    /// Show where all licenses stand; with --check as a monitoring plugin
    Status(Status),
    /// Read all sources again, and check that the license host can be reached
    Refresh {
        /// Only this server, by name or address
        server: Option<String>,
        /// Forget servers that no source shows any more
        #[arg(long)]
        forget: bool,
    },
    /// Find out what is in the way to the license host, or to another one
    #[command(
        after_help = "Exit codes: 0 nothing is in the way, 1 the way is open, and something is to be mended, 2 something \
                            is in the way; 64 and up: the check itself could not be made."
    )]
    Diagnose(Diagnose),
    /// Show the notices that are due, and answer them; the exit code is 0 whether or not there are any
    Notices(Notices),
    /// Show releases of VisualCron, and what a Maintenance date covers
    Releases(Releases),
    /// Open a folder, a page, or the Client
    Open {
        /// What to open
        what: What,
    },
    /// Show and change the settings
    Settings {
        #[command(subcommand)]
        action: SettingsAction,
    },
    /// Start the tray on logon, or not
    Autostart {
        /// What to do
        action: Switch,
    },
    /// Clear the server cache: close the Client and the trays, set servers.xml aside, start them again
    #[command(
        after_help = "Exit codes: 0 done, or nothing to clear, 69 another is under way or was interrupted, 75 taken \
                            back: everything is as it was, 76 you are needed: read what it says, 77 refused."
    )]
    Recover(Recover),
    /// The Windows service of the server on this machine, with this user's own rights
    #[cfg(windows)]
    #[command(hide = true)]
    Service {
        /// What to do
        action: ServiceAction,
    },
    /// Validate licenses at a license host that speaks the open protocol, online or by hand
    #[command(args_conflicts_with_subcommands = true)]
    Validate(Validate),
    /// Serve license validations to others, and say which hosts' keys are trusted here
    #[command(args_conflicts_with_subcommands = true)]
    LicenseHost(LicenseHost),
    /// Take back what the tray has registered for this user: its name for notifications, and its addresses
    #[cfg(windows)]
    #[command(hide = true)]
    Unregister,
    /// Do what one of this program's addresses says, such as visualcron-tray:details
    #[command(hide = true)]
    Link {
        /// The address
        address: String,
    },
    /// Show a window
    Window {
        /// Which
        window: Window,
    },
    /// End the running tray
    Exit,
    /// Run the tray on a demo world that is removed at the end
    Demo,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// A window.
#[derive(Clone, Copy, ValueEnum)]
pub enum Window {
    /// Clear server cache
    Recovery,
    /// Manual validation: a request goes out, the license host's answer comes back
    Validation,
    /// Check connection: what is in the way to the license host
    Connection,
}

#[derive(Args)]
pub struct Recover {
    #[command(flatten)]
    pub action: RecoverAction,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Do not start the Client again
    #[arg(long)]
    pub no_client: bool,
    /// Start the Client even if it does not run now
    #[arg(long, conflicts_with = "no_client")]
    pub start_client: bool,
    /// End programs that do not close in time. What they have not saved is lost
    #[arg(long)]
    pub force_close: bool,
    /// How many seconds a program may take to close [default: recovery.close_seconds of the settings, 20]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub timeout: Option<u64>,
    /// Restart the programs even if there is no servers.xml
    #[arg(long)]
    pub restart_anyway: bool,
    /// How many seconds to wait in the end for the Client to write a new servers.xml
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub wait: u64,
    /// Print how it goes as lines of JSON, and read "cancel" from standard input
    #[arg(long, hide = true)]
    pub watched: bool,
}

/// What else can be done than to clear the cache.
#[derive(Args)]
#[group(multiple = false)]
pub struct RecoverAction {
    /// Only show what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// List the backups
    #[arg(long)]
    pub list: bool,
    /// Bring a backup back: the newest, or the one named. The present file becomes a backup first
    #[arg(long, value_name = "BACKUP", num_args = 0..=1, default_missing_value = "")]
    pub restore: Option<String>,
    /// Bring back the file that the last time has set aside
    #[arg(long)]
    pub undo: bool,
    /// Show what was done when
    #[arg(long)]
    pub history: bool,
    /// Show whether one was interrupted, and where
    #[arg(long)]
    pub status: bool,
    /// Finish the one that was interrupted
    #[arg(long)]
    pub resume: bool,
    /// Take back the one that was interrupted
    #[arg(long)]
    pub rollback: bool,
    /// Leave things as the one that was interrupted has left them
    #[arg(long)]
    pub keep: bool,
}

#[derive(Args)]
pub struct Validate {
    #[command(subcommand)]
    pub action: Option<ValidateAction>,
    /// Only this server, by name or address
    pub server: Option<String>,
    #[command(flatten)]
    pub way: Way,
}

/// The way to a license host.
#[derive(Args, Clone)]
pub struct Way {
    /// The license host, with its port if it is not 443 [default: the one whose key is trusted, if it is one]
    #[arg(long, value_name = "HOST[:PORT]")]
    pub host: Option<String>,
    /// Further root certificates for the connection to it, as PEM
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// How many seconds one question may take
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub timeout: u64,
}

#[derive(Subcommand)]
pub enum ValidateAction {
    /// Make a request that is carried to a license host by hand. It holds the activation code
    Export {
        /// The server, by name or address
        server: String,
        /// Write the text to FILE, not to standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Write the QR code to FILE as an SVG image; without FILE show it on the terminal
        #[arg(long, value_name = "FILE", num_args = 0..=1)]
        qr: Option<Option<PathBuf>>,
    },
    /// Take the answer that was carried back by hand
    Import {
        /// The file with the answer; - for standard input
        #[arg(required_unless_present = "clipboard", conflicts_with = "clipboard")]
        file: Option<PathBuf>,
        /// Take it from the clipboard
        #[arg(long)]
        clipboard: bool,
    },
    /// Show where the validation of each license stands, as far as is known here
    Status,
}

#[derive(Args)]
pub struct LicenseHost {
    #[command(subcommand)]
    pub action: Option<LicenseHostAction>,
    #[command(flatten)]
    pub serve: Serve,
}

/// What a license host is started with.
#[derive(Args)]
pub struct Serve {
    /// Where to listen; port 0 for any that is free
    #[arg(long, value_name = "ADDRESS:PORT", required = true)]
    pub listen: Option<std::net::SocketAddr>,
    /// The licenses: a TOML or CSV file, read again when it changes
    #[arg(long, value_name = "FILE", required = true)]
    pub licenses: Option<PathBuf>,
    /// The folder of the host's keys
    #[arg(long, value_name = "DIR", required = true)]
    pub keys: Option<PathBuf>,
    /// The certificate with its chain, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_key", required_unless_present = "self_signed")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of the certificate, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// For a trial: a certificate that the host makes itself, kept in the folder of the keys
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"])]
    pub self_signed: bool,
    /// A name or address for that certificate, beside those of this machine
    #[arg(long, value_name = "NAME", requires = "self_signed")]
    pub name: Vec<String>,
    /// Write the audit log to FILE, not to standard error
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
    /// Requests a minute of one address
    #[arg(long, value_name = "COUNT", default_value_t = 3000, value_parser = clap::value_parser!(u32).range(1..))]
    pub per_address: u32,
    /// Requests a minute for one activation code
    #[arg(long, value_name = "COUNT", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub per_code: u32,
    /// Requests a minute of one address with codes that are not known
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub unknown_codes: u32,
}

#[derive(Subcommand)]
pub enum LicenseHostAction {
    /// Make, list and publish the keys that a host signs with
    Key {
        #[command(subcommand)]
        action: KeyAction,
    },
    /// Trust the keys of a license host: shows their fingerprints, and asks
    Trust {
        /// The license host, with its port if it is not 443
        #[arg(required_unless_present_any = ["list", "forget"])]
        host: Option<String>,
        /// Trust it without asking, if this is the fingerprint of the key that signs there
        #[arg(long, value_name = "FINGERPRINT")]
        fingerprint: Option<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
        /// Take the keys from a file that `key export` wrote, not from the host
        #[arg(long, value_name = "FILE", requires = "host")]
        file: Option<PathBuf>,
        /// List the keys that are trusted
        #[arg(long, conflicts_with_all = ["host", "fingerprint", "yes", "file"])]
        list: bool,
        /// Trust the key with this id no more
        #[arg(long, value_name = "KEY-ID", conflicts_with_all = ["host", "fingerprint", "yes", "file", "list"])]
        forget: Option<String>,
        /// Further root certificates for the connection to it, as PEM
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub enum KeyAction {
    /// Make a new key. It signs from now on; older ones stay published, and vouch for it
    New {
        /// The folder of the host's keys
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
    },
    /// List the keys, the one that signs first, with their fingerprints
    List {
        /// The folder of the host's keys
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
    },
    /// Print the public keys, for `trust --file`
    Export {
        /// The folder of the host's keys
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
    },
}

#[derive(Args)]
pub struct Status {
    /// Only these servers, by name or address
    #[arg(value_name = "SERVER")]
    pub servers: Vec<String>,
    /// First one line with performance data, for monitoring; what could not be read is at least a warning
    #[arg(long)]
    pub check: bool,
    /// Count a license as expiring from DAYS before its date, instead of what the settings say
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(..=3650))]
    pub expiring_within: Option<u32>,
}

#[derive(Args)]
pub struct Diagnose {
    /// A host, or HOST:PORT [default: license_host.host of the settings, port 443]
    pub host: Option<String>,
    /// Print a text to hand to the network team
    #[arg(long)]
    pub for_network_team: bool,
}

/// What to do with the password for the proxy.
#[derive(Clone, Copy, ValueEnum)]
pub enum PasswordAction {
    /// Ask for it, and keep it
    Set,
    /// Remove it
    Remove,
    /// Tell whether there is one
    Status,
}

#[derive(Args)]
pub struct Notices {
    /// Show what will be shown on which day
    #[arg(long)]
    pub preview: bool,
    /// Acknowledge all that are due
    #[arg(long, conflicts_with_all = ["preview", "remind_tomorrow"])]
    pub got_it: bool,
    /// Let all that are due come back tomorrow
    #[arg(long, conflicts_with = "preview")]
    pub remind_tomorrow: bool,
}

#[derive(Args)]
pub struct Releases {
    /// The versions that Maintenance until DATE covers
    #[arg(long, value_name = "DATE")]
    pub covered_by: Option<String>,
    /// What is known of VERSION
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
}

/// What can be opened.
#[derive(Clone, Copy, ValueEnum)]
pub enum What {
    /// The Client's log folder
    ClientLog,
    /// The Client's settings folder
    ClientSettings,
    /// The server's log folder
    ServerLog,
    /// The server's settings folder
    ServerSettings,
    /// The Client
    Client,
    /// The page where licenses are renewed
    Renew,
    /// The page where licenses are bought
    Order,
    /// The page that says what Maintenance is
    Maintenance,
    /// The page for a validation by hand, when the license host cannot be reached
    ManualValidation,
    /// The page for an activation by hand
    OfflineActivation,
    /// A page with everything about all servers
    Details,
}

#[derive(Subcommand)]
pub enum SettingsAction {
    /// Show the settings in force, and where each comes from
    Show,
    /// Print the path of the settings file
    Path,
    /// Change one setting, keeping comments: KEY as `settings show` names it, or server.NAME.KEY
    Set {
        /// The setting, such as notices.quiet_hours or server.PROD-01.maintenance_until
        key: String,
        /// Its new value; `default` takes it out of the file, `-` reads it from standard input
        value: String,
    },
    /// Take one setting out of the file, so that its default applies
    Unset {
        /// The setting, such as notices.quiet_hours or server.PROD-01.kind
        key: String,
    },
    /// The password of license_host.proxy_user, in the system's keyring
    ProxyPassword {
        /// What to do; `set` reads it without echo, or one line of standard input
        action: PasswordAction,
    },
    /// Take a [[server]] section out of the file
    RemoveServer {
        /// The server, by name or address
        name: String,
    },
}

/// What to do with the service.
#[cfg(windows)]
#[derive(Clone, Copy, ValueEnum)]
pub enum ServiceAction {
    /// Start it, and wait until it is started
    Start,
    /// Stop it, and wait until it is stopped
    Stop,
    /// Show its state, and what was found of VisualCron on this machine, by which registry key or file
    Status,
}

/// On, off, or which of them.
#[derive(Clone, Copy, ValueEnum)]
pub enum Switch {
    /// Start on logon
    On,
    /// Do not
    Off,
    /// Tell which
    Status,
    /// As the installer has it for AUTOSTART=1: on, but what is there already stays, switched off or not
    #[cfg(windows)]
    #[value(hide = true)]
    Ensure,
    /// As the installer has it otherwise: what is there stays, but where its program is gone it names this one
    #[cfg(windows)]
    #[value(hide = true)]
    Repair,
    /// For the installer: start the tray, with the options of the entry
    #[cfg(windows)]
    #[value(hide = true)]
    Launch,
    /// For the installer: end the tray that the entry has started, and the usual one
    #[cfg(windows)]
    #[value(hide = true)]
    Close,
}
