//! What happens, and what is to be done about it.

use super::{Command, Link, Persisted, Places, report::Reply};
use crate::{
    domain::{Problem, ServerKey, knowledge::Outcome, validation::Record},
    recovery::Decision,
    store::settings::Loaded,
};
use jiff::{Timestamp, civil::Date};
use std::{collections::HashMap, path::PathBuf, time::Duration};

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// A due time has come, or something happened to the clock.
    Woke,
    /// The machine woke up from sleep: the network may not be there yet.
    Resumed,
    /// The user chose this in the menu, or clicked the icon.
    Chosen(Command),
    /// Another process of ours asks for something.
    Asked(super::report::Request, Ticket),
    /// The user answered a notification.
    Answered(Answer),
    /// A notification with these notices could not be shown.
    NotShown(Vec<String>, Problem),
    /// A look at the world is done.
    Looked(Box<Findings>),
    /// The license host is being asked: about how many of how many licenses it was asked so far.
    Asking(usize, usize),
    /// Something in the settings file or below VisualCron's folder changed on disk.
    FilesChanged,
    /// Our state was to be written to disk.
    Saved(Result<(), Problem>),
    /// An effect went well: a problem of this area, if there was one, is over.
    Worked(Area),
    /// An effect failed.
    Failed(Area, Problem),
}

/// Which part of the program a problem belongs to; each has at most one at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// The settings file.
    Settings,
    /// The Client's servers.xml.
    ServersXml,
    /// What was kept from earlier runs, when it was read.
    Kept,
    /// Writing our own state to disk.
    State,
    /// The tray icon and its host.
    Tray,
    /// The notification server.
    Notifications,
    /// Watching files.
    Watch,
    /// The license host.
    LicenseHost,
    /// What is kept of validations.
    Validations,
    /// Something the user asked for, such as opening a folder.
    Asked,
}

impl Area {
    /// Is it about where license data come from? If not, it concerns this machine alone.
    pub fn is_a_source(&self) -> bool {
        matches!(self, Area::Settings | Area::ServersXml | Area::LicenseHost | Area::Validations)
    }
}

/// Who waits for a reply: a number that the adapter gave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// What to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Counts the looks, so that what a slow one brings does not undo what a later one brought; comes back with
    /// the findings.
    pub number: u64,
    /// Why; comes back with the findings.
    pub purpose: Purpose,
    /// What at.
    pub at: LookAt,
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookAt {
    /// The settings, servers.xml and the folders.
    Files,
    /// The same, and the license host: it is asked about these licenses if it is trusted; otherwise it is only tried
    /// whether it answers on port 443, if the settings say so.
    FilesAndLicenseHost(Licenses),
    /// The servers' TCP ports: key, host, port; each within this time.
    Ports(Vec<(ServerKey, String, u16)>, Duration),
}

/// About which licenses the license host is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Licenses {
    /// All that can be validated.
    All,
    /// That of the server of this name.
    Of(String),
    /// Those whose time has come.
    Due,
    /// These, and those that could not be asked about when it had.
    Missed,
}

/// What became of asking about one license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The server's name.
    pub server: String,
    /// What became of it.
    pub became: Became,
}

/// What became of asking about a license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// An answer was accepted, and the license is valid.
    Valid,
    /// There is no answer that was accepted, or it speaks against the license.
    Trouble(Problem),
    /// It cannot be asked about: why, as the end of a sentence.
    NotAsked(String),
}

impl Became {
    /// What is wrong.
    pub fn trouble(&self) -> Option<&Problem> {
        match self {
            Became::Trouble(problem) => Some(problem),
            Became::Valid | Became::NotAsked(_) => None,
        }
    }
}

/// Why we look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// On start, on a change of files, or as time goes by.
    Routine,
    /// The user asked for a refresh.
    Refresh(Box<Refresh>),
    /// This one waits for the status.
    Status(Ticket),
}

/// A refresh that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// Of this server alone.
    pub only: Option<ServerKey>,
    /// Who waits for the result; without one it is shown.
    pub ticket: Option<Ticket>,
    /// The servers' dates when it was asked for.
    pub before: HashMap<ServerKey, Option<Date>>,
}

/// What was found.
#[derive(Debug)]
pub struct Findings {
    /// The number of the look.
    pub number: u64,
    /// Why we looked.
    pub purpose: Purpose,
    /// Settings, servers.xml and folders, if they were looked at.
    pub files: Option<Box<Files>>,
    /// Whether the servers answered on their ports, if those were tried.
    pub links: Option<Vec<(ServerKey, Link)>>,
    /// Whether the license host answered, if it was tried.
    pub license_host: Option<Result<(), Problem>>,
    /// What became of asking it about licenses.
    pub asked: Vec<Asked>,
}

/// What the files say.
#[derive(Debug)]
pub struct Files {
    /// The settings in force.
    pub settings: Loaded,
    /// What servers.xml says.
    pub servers_xml: Outcome,
    /// What is wrong with servers.xml.
    pub servers_xml_problem: Option<Problem>,
    /// Notes about servers.xml as a whole.
    pub servers_xml_notes: Vec<String>,
    /// The folders and programs.
    pub places: Places,
    /// Whether the tray starts on logon; `None` where that cannot be told.
    pub autostart: Option<bool>,
    /// The newest Clear server cache.
    pub recovery: Option<Recovery>,
    /// What is kept of validations; `None` where that cannot be read.
    pub validations: Option<Vec<Record>>,
    /// Why that cannot be read.
    pub validations_problem: Option<Problem>,
    /// When the license host is to be asked again; `None` where it never is.
    pub next_validation: Option<Timestamp>,
    /// Whether a key of the license host is trusted; `None` where that cannot be read.
    pub host_is_trusted: Option<bool>,
}

/// A Clear server cache, as its journal tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// When it began.
    pub began: Timestamp,
    /// How far it is.
    pub state: RecoveryState,
}

/// How far a Clear server cache is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecoveryState {
    /// Another process is at it.
    UnderWay,
    /// Nobody is at it, and it has not ended.
    Interrupted,
    /// It has ended.
    Ended {
        /// How, in words.
        how: String,
        /// As it was meant to: nothing was taken back, and nobody is needed.
        well: bool,
    },
}

/// What the user answered to a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The notices that it showed.
    pub keys: Vec<String>,
    /// What was chosen.
    pub choice: Command,
}

/// A notification to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bubble {
    /// The notices in it, empty for mere information.
    pub keys: Vec<String>,
    /// First line.
    pub summary: String,
    /// The rest, plain text.
    pub body: String,
    /// Buttons, in order: label and what it does.
    pub actions: Vec<(&'static str, Command)>,
    /// It stays until answered.
    pub stays: bool,
    /// What it offers may be decided elsewhere: it is taken back then ([`Effect::Withdraw`]).
    pub passes: bool,
    /// Which state's icon it bears.
    pub icon: super::Icon,
}

/// What to open with the system's own means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A folder in the file manager.
    Folder(PathBuf),
    /// A text file in the user's editor.
    File(PathBuf),
    /// A page in the browser.
    Url(String),
    /// A page of ours: a title for its file, and its HTML.
    Page(&'static str, String),
    /// A program.
    Program(PathBuf),
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Look at the world; answers with [`Event::Looked`].
    Look(Look),
    /// Write our state to disk, synced, before the effects that follow.
    Save(Box<Persisted>),
    /// Show a notification.
    Notify(Bubble),
    /// Take back the notification that [passes](Bubble::passes), if it is still there.
    Withdraw,
    /// Open something for a command.
    Open(Command, Target),
    /// Put a text into the clipboard.
    Copy(String),
    /// Start on logon, or not.
    SetAutostart(bool),
    /// Show the window of Clear server cache.
    RecoveryWindow,
    /// Show the window of Manual validation.
    ValidationWindow,
    /// Show the window of Check connection.
    ConnectionWindow,
    /// Go on with a Clear server cache that was interrupted.
    Recover(Decision),
    /// Start or stop the Windows service.
    Service(bool),
    /// Answer another process.
    Reply(Ticket, Box<Reply>),
    /// Answer another process that it is done, or, if the save before this failed, that it is not.
    Confirm(Ticket),
    /// Say this once on the log, and on standard error where there is one.
    Say(Problem),
    /// End.
    Quit,
}
