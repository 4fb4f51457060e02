//! What the command line and other processes are told: plain data, the same as JSON.

use super::{State, state::coverage_of, validation::ValidationReport};
use crate::domain::{Coverage, Fault, Kind, Problem, Server, Source, Standing, Version, coverage, standing};
use crate::recovery::{Deed, Outcome};
use jiff::{Timestamp, ZonedDateTime, civil::Date};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What another process of ours asks the running tray.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum Request {
    /// Show yourself: a second tray was started.
    Show,
    /// Read everything again.
    Refresh {
        /// Only this server, by name, address or key.
        server: Option<String>,
        /// Whoever asks wants to be told how far it is.
        #[serde(default)]
        progress: bool,
    },
    /// The status of all servers.
    Status,
    /// Carry out a command of the menu.
    Run {
        /// Its text, as of [`super::Command`].
        command: String,
    },
    /// Take an answer to a notification.
    Answer {
        /// The notices that it showed.
        keys: Vec<String>,
        /// What was chosen, as of [`super::Command`].
        command: String,
    },
}

/// What the running tray answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It is under way.
    Done,
    /// The status.
    Status(StatusReport),
    /// It goes on: about how many of how many licenses the license host was asked. Another reply follows.
    UnderWay(usize, usize),
    /// What a refresh has brought.
    Refreshed(RefreshReport),
    /// It did not work.
    Problem(Problem),
    /// The request is of another version of this program.
    NotUnderstood,
    /// This tray looks at other folders than those asked about.
    OtherFolders,
}

/// The kinds of failure do not belong to what people and scripts are shown, but decide the exit code.
#[derive(Serialize, Deserialize)]
struct Line<R> {
    reply: R,
    /// Of each problem in the reply, in its order.
    faults: Vec<Fault>,
}

impl Reply {
    /// As one line, without its end, for another process of ours.
    ///
    /// # Errors
    ///
    /// None that is known: all of it can be written as JSON.
    pub fn to_line(&self) -> serde_json::Result<Vec<u8>> {
        let faults = match self {
            Reply::Status(StatusReport { problems, .. })
            | Reply::Refreshed(RefreshReport { problems, .. }) => {
                problems.iter().map(|problem| problem.fault).collect()
            }
            Reply::Problem(problem) => vec![problem.fault],
            Reply::Done | Reply::UnderWay(..) | Reply::NotUnderstood | Reply::OtherFolders => Vec::new(),
        };
        serde_json::to_vec(&Line { reply: self, faults })
    }

    /// The reply that [`Reply::to_line`] wrote.
    ///
    /// # Errors
    ///
    /// It is no such line.
    pub fn from_line(line: &str) -> serde_json::Result<Reply> {
        let Line { mut reply, faults } = serde_json::from_str(line)?;
        let problems = match &mut reply {
            Reply::Status(StatusReport { problems, .. })
            | Reply::Refreshed(RefreshReport { problems, .. }) => problems.as_mut_slice(),
            Reply::Problem(problem) => std::slice::from_mut(problem),
            Reply::Done | Reply::UnderWay(..) | Reply::NotUnderstood | Reply::OtherFolders => &mut [],
        };
        for (problem, fault) in problems.iter_mut().zip(faults) {
            problem.fault = fault;
        }
        Ok(reply)
    }
}

/// The status of all servers: `status --json`. The field names are a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// Version of this format: 1.
    pub schema: u32,
    /// The moment it is true for.
    pub as_of: Timestamp,
    /// The worst standing of all servers that are not ignored.
    pub standing: Standing,
    /// From how many days before its date a license counts as expiring.
    #[serde(default)]
    pub expiring_days: u32,
    /// All servers, the most urgent first, ignored ones last.
    pub servers: Vec<ServerReport>,
    /// What does not work.
    pub problems: Vec<Problem>,
}

/// One server in the status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerReport {
    /// Its name.
    pub name: String,
    /// Host name or address.
    pub address: Option<String>,
    /// TCP port.
    pub port: u16,
    /// Kind of license.
    pub kind: Option<Kind>,
    /// Edition.
    pub edition: Option<String>,
    /// Last day of the Maintenance, or of what the kind of license calls it.
    pub maintenance_until: Option<Date>,
    /// Calendar days left in the user's zone; negative after the date.
    pub days_left: Option<i32>,
    /// Where the license stands.
    pub standing: Standing,
    /// The settings say to leave it out: it counts for nothing.
    #[serde(default)]
    pub ignored: bool,
    /// The version that the server runs.
    pub installed_version: Option<String>,
    /// Whether the date covers it.
    pub coverage: Coverage,
    /// The newest listed version that the date covers.
    pub newest_covered: Option<String>,
    /// Who says so.
    pub source: Source,
    /// The source does not show this date any more.
    #[serde(default)]
    pub remembered: bool,
    /// When that source was read.
    pub read_at: Timestamp,
    /// Where the validation of its license stands, if it was ever asked for here.
    #[serde(default)]
    pub validation: Option<ValidationReport>,
    /// Conflicts and doubts.
    pub notes: Vec<String>,
}

impl StatusReport {
    /// The status as of `now`.
    pub fn new(state: &State, now: &ZonedDateTime) -> StatusReport {
        let today = now.date();
        StatusReport {
            schema: 1,
            as_of: now.timestamp(),
            standing: state.worst(today),
            expiring_days: state.settings.notices.expiring_days,
            servers: state.servers.iter().map(|server| server_report(state, server, now)).collect(),
            problems: state.source_problems().cloned().collect(),
        }
    }

    /// Only these servers.
    pub fn keep(&mut self, wanted: impl Fn(&ServerReport) -> bool) {
        self.servers.retain(wanted);
        self.settle();
    }

    /// Counts a license as expiring from so many days before its date.
    pub fn count_as_expiring(&mut self, expiring_days: u32, today: Date) {
        self.expiring_days = expiring_days;
        for server in &mut self.servers {
            server.standing = standing::standing(server.maintenance_until, today, expiring_days);
        }
        self.settle();
    }

    fn settle(&mut self) {
        let counted = self.servers.iter().filter(|server| !server.ignored);
        self.standing = counted.map(|server| server.standing).max().unwrap_or(Standing::Unknown);
    }
}

fn server_report(state: &State, server: &Server, now: &ZonedDateTime) -> ServerReport {
    let today = now.date();
    let until = server.until();
    ServerReport {
        name: server.name.clone(),
        address: server.address.clone(),
        port: server.port,
        kind: server.kind,
        edition: server.edition.clone(),
        maintenance_until: until,
        days_left: until.map(|until| standing::days_left(today, until)),
        standing: state.standing(server, today),
        ignored: server.ignored,
        installed_version: server.installed_version.map(|version: Version| version.to_string()),
        coverage: coverage_of(server),
        newest_covered: until.and_then(coverage::newest_covered).map(|release| release.version.to_string()),
        source: server.source,
        remembered: server.date.as_ref().is_some_and(|date| date.remembered),
        read_at: server.read_at,
        validation: state.validation_of(server).map(|record| ValidationReport::new(record, now.timestamp())),
        notes: server.notes.clone(),
    }
}

/// What a refresh has brought: `refresh --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshReport {
    /// Version of this format: 1.
    pub schema: u32,
    /// When.
    pub as_of: Timestamp,
    /// Per server the date before and after.
    pub servers: Vec<RefreshedServer>,
    /// Whether the license host answered on port 443; `None` if it was not tried.
    pub license_host_reachable: Option<bool>,
    /// Whether all sources could be read.
    #[serde(default)]
    pub all_read: bool,
    /// What does not work.
    pub problems: Vec<Problem>,
    /// What to try next where a date should have moved, in the vendor's order; empty where none needs to.
    #[serde(default)]
    pub next: Vec<String>,
}

/// What a Clear server cache has come to: `recover --json`, and the last line that a helper tells its window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryReport {
    /// Version of this format: 1.
    pub schema: u32,
    /// What was done, where it is done.
    pub deed: Deed,
    /// How it ended.
    pub outcome: Outcome,
    /// Where the file is that was set aside.
    pub backup: Option<PathBuf>,
    /// Whether there is a servers.xml now.
    pub servers_xml_is_there: bool,
    /// What became of it, in a sentence; may be empty.
    pub afterwards: String,
    /// Per server the date before and after.
    pub servers: Vec<RefreshedServer>,
    /// The journal.
    pub journal: PathBuf,
}

/// One server in a refresh, or in a Clear server cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshedServer {
    /// Its name.
    pub name: String,
    /// The date before.
    pub before: Option<Date>,
    /// The date after.
    pub after: Option<Date>,
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Where the license stands by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// What became of its validation, if the license host was asked: `validated`, or why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<String>,
}

impl RefreshedServer {
    /// The dates alone.
    pub fn new(name: String, before: Option<Date>, after: Option<Date>) -> RefreshedServer {
        RefreshedServer { name, before, after, source: None, standing: None, validation: None }
    }

    /// Is the date another one than before?
    pub fn has_moved(&self) -> bool {
        self.before != self.after
    }
}
