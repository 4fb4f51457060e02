//! What is to be done, and when it is refused.

use super::{
    backup,
    world::{Kind, World},
};
use crate::{
    domain::{Fault, Problem},
    store::atomic::folder_of,
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Files that only a server's settings folder holds (documented by the vendor).
pub const SERVER_FILES: [&str; 3] = ["jobs.xml", "users.xml", "license.xml"];

/// Whose program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// VisualCronClient.exe.
    Client,
    /// The vendor's VCTray.exe.
    VendorTray,
    /// This program's tray.
    OurTray,
}

impl Role {
    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Role::Client => "the VisualCron Client",
            Role::VendorTray => "the vendor's Tray Client (VCTray.exe)",
            Role::OurTray => "this Tray Client",
        }
    }
}

/// A running program, told apart from others by its path and by when it was started; never by name alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Program {
    /// Whose it is.
    pub role: Role,
    /// Its process id, where it runs.
    pub pid: Option<u32>,
    /// When the process was started, as the system counts it.
    pub started: u64,
    /// Its full path.
    pub path: PathBuf,
    /// Its arguments, without the program itself.
    pub arguments: Vec<String>,
    /// The folder in which it ran.
    pub folder: Option<PathBuf>,
    /// What of its environment ties it to the user's desktop.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

/// What the user chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// How long a program may take to close, in seconds.
    pub patience_seconds: u64,
    /// End programs that do not close.
    pub force: bool,
    /// Do the restarts although there is no servers.xml.
    pub restart_anyway: bool,
    /// Do not start the Client again.
    pub leave_client_closed: bool,
    /// How many of our backups are kept.
    pub keep_backups: usize,
}

impl Default for Choices {
    fn default() -> Self {
        Choices {
            patience_seconds: 20,
            force: false,
            restart_anyway: false,
            leave_client_closed: false,
            keep_backups: 10,
        }
    }
}

impl Choices {
    /// How long a program may take to close.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience_seconds)
    }
}

/// Everything that is to be done, fixed before the first step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// When it was made; names it too.
    pub made_at: Timestamp,
    /// The Client's servers.xml.
    pub servers_xml: PathBuf,
    /// The programs that run now, in the order in which they are closed: the Client, then the trays.
    pub running: Vec<Program>,
    /// Programs that do not run but are to be started in the end, because the user asked for it.
    pub start_too: Vec<Program>,
    /// A backup that is to be brought back in place of the present file.
    pub bring_back: Option<PathBuf>,
    /// The servers' dates as they were known, for the report.
    #[serde(default)]
    pub before: Vec<(String, Option<Date>)>,
    /// What the user chose.
    pub choices: Choices,
}

/// How to go on with a recovery that was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// Do what is left.
    Resume,
    /// Take back what was done.
    RollBack,
    /// Leave things as they are.
    Keep,
}

impl Decision {
    /// All of them.
    pub const ALL: [Decision; 3] = [Decision::Resume, Decision::RollBack, Decision::Keep];

    /// Its option of `recover`, without the dashes.
    pub fn word(self) -> &'static str {
        match self {
            Decision::Resume => "resume",
            Decision::RollBack => "rollback",
            Decision::Keep => "keep",
        }
    }

    /// What a menu says.
    pub fn title(self) -> &'static str {
        match self {
            Decision::Resume => "Resume",
            Decision::RollBack => "Roll back",
            Decision::Keep => "Keep as it is",
        }
    }
}

/// A step, in the vendor's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// Close a program.
    Close {
        /// Which of [`Plan::running`].
        program: usize,
    },
    /// Move servers.xml to a backup.
    SetAside,
    /// Move a backup to servers.xml.
    BringBack,
    /// Start a program again.
    Start {
        /// Which of [`Plan::running`], then of [`Plan::start_too`].
        program: usize,
    },
}

impl Plan {
    /// The steps, in order: close the Client, exit the trays, set servers.xml aside, start the trays, start the
    /// Client.
    pub fn steps(&self) -> Vec<Step> {
        let client = |program: &Program| program.role == Role::Client;
        let closes = (0..self.running.len()).map(|program| Step::Close { program });
        let all: Vec<&Program> = self.programs().collect();
        let trays = (0..all.len()).filter(|&n| !client(all[n]));
        let stays_closed = |n: usize| self.choices.leave_client_closed && n < self.running.len();
        let clients = (0..all.len()).filter(|&n| client(all[n]) && !stays_closed(n));
        let starts = trays.chain(clients).map(|program| Step::Start { program });
        let bring_back = self.bring_back.iter().map(|_| Step::BringBack);
        closes.chain([Step::SetAside]).chain(bring_back).chain(starts).collect()
    }

    /// Those that run, then those to be started too.
    pub fn programs(&self) -> impl Iterator<Item = &Program> {
        self.running.iter().chain(&self.start_too)
    }

    /// Is the Client started in the end?
    pub fn starts_the_client(&self) -> bool {
        let is_client = |program: &Program| program.role == Role::Client;
        self.start_too.iter().any(is_client)
            || self.running.iter().any(is_client) && !self.choices.leave_client_closed
    }

    /// One of [`Plan::programs`].
    pub fn program(&self, index: usize) -> Option<&Program> {
        self.programs().nth(index)
    }

    /// A step in words.
    pub fn describe(&self, step: &Step) -> String {
        let name = |index: &usize| self.program(*index).map_or("a program", |program| program.role.title());
        match step {
            Step::Close { program } => match self.program(*program).map(|program| program.role) {
                Some(Role::Client) => "Close the VisualCron Client".to_string(),
                _ => format!("Exit {}", name(program)),
            },
            Step::SetAside => format!(
                "Rename {} to {} in the same folder{}",
                self.servers_xml.display(),
                backup::name_in_words(&self.servers_xml),
                if self.choices.restart_anyway { ", if there is one by then" } else { "" }
            ),
            Step::BringBack => match &self.bring_back {
                Some(backup) => format!("Rename the backup {} to servers.xml", backup.display()),
                None => "Bring back nothing".to_string(),
            },
            Step::Start { program } => format!("Start {}", name(program)),
        }
    }
}

/// Refuses what must not be done, with the reason and what to do. Changes nothing.
pub fn guard(world: &mut dyn World, plan: &Plan) -> Result<(), Problem> {
    let folder = folder_of(&plan.servers_xml);
    let failed = |path: &Path, error: &io::Error| {
        Problem::io(REFUSED, path, error, "Check that this user may read and write there, and try again.")
    };
    not_a_link(world, folder)?;
    let names = world.names(folder).map_err(|error| failed(folder, &error))?;
    if let Some(file) =
        SERVER_FILES.iter().find(|file| names.iter().any(|name| name.eq_ignore_ascii_case(file)))
    {
        return Err(refused(
            folder,
            format!("it holds {file}: it is a server's settings folder, not the Client's"),
            "Give the folder of the Client: visualcron.folder in the settings.",
        ));
    }
    if !world.is_ours(folder).map_err(|error| failed(folder, &error))? {
        return Err(refused(folder, "it belongs to another user", "Run this as that user."));
    }
    let kind = world.kind(&plan.servers_xml).map_err(|error| failed(&plan.servers_xml, &error))?;
    match kind {
        None => {}
        Some(Kind::File) => {
            let failed = |error: &io::Error| failed(&plan.servers_xml, error);
            let holders = world.holders(&plan.servers_xml).map_err(|error| failed(&error))?;
            for (pid, name) in &holders {
                let closes = match pid {
                    Some(pid) => plan.running.iter().any(|program| program.pid == Some(*pid)),
                    // It may be one that is to be closed. When that has closed, this is asked again.
                    None => one_that_closes_runs(world, plan),
                };
                if !closes {
                    let who = pid.map_or_else(|| name.clone(), |pid| format!("{name} (process {pid})"));
                    return Err(refused(
                        &plan.servers_xml,
                        format!("another program holds it open: {who}"),
                        "Close that program, and try again.",
                    ));
                }
            }
            // What a program keeps to itself can be read when that has closed.
            match world.read(&plan.servers_xml) {
                Err(error) if holders.is_empty() => return Err(failed(&error)),
                _ => {}
            }
        }
        Some(Kind::Linked) => {
            return Err(refused(
                &plan.servers_xml,
                "it has several names (hard links)",
                "Find out who made them; renaming one would not clear the others.",
            ));
        }
        Some(Kind::Link) => return Err(a_link(&plan.servers_xml)),
        Some(Kind::Folder | Kind::Other) => {
            return Err(refused(
                &plan.servers_xml,
                "it is not a file",
                "Look at what it is, and remove it by hand.",
            ));
        }
    }
    const JOURNAL_BYTES: u64 = 256 * 1024;
    if !world.has_room(JOURNAL_BYTES).map_err(|error| failed(folder, &error))? {
        let next = "Free some space first, or give another folder with --data-dir.";
        return Err(refused(world.journal(), "there is no room for the journal: the disk is full", next));
    }
    Ok(())
}

/// Does the Client, or the vendor's tray, still run?
fn one_that_closes_runs(world: &mut dyn World, plan: &Plan) -> bool {
    let theirs = plan.running.iter().filter(|program| program.role != Role::OurTray);
    theirs.into_iter().any(|program| world.runs(program).unwrap_or(false))
}

/// What a guard says first.
pub const REFUSED: &str = "Clear server cache was refused";

fn refused(path: &Path, why: impl Into<String>, next: &str) -> Problem {
    Problem::new(Fault::Permission, REFUSED, path.display().to_string(), why, next)
}

fn a_link(path: &Path) -> Problem {
    refused(
        path,
        "it is a link to another place",
        "Act on that place, or replace the link by what it points to.",
    )
}

fn not_a_link(world: &mut dyn World, folder: &Path) -> Result<(), Problem> {
    match world.kind(folder) {
        Ok(Some(Kind::Folder)) => Ok(()),
        Ok(Some(Kind::Link)) => Err(a_link(folder)),
        Ok(Some(_)) => Err(refused(folder, "it is not a folder", "Check visualcron.folder in the settings.")),
        Ok(None) => Err(refused(
            folder,
            "there is no such folder",
            "Start the Client once, or name its folder in the settings: visualcron.folder.",
        )),
        Err(error) => {
            Err(Problem::io(REFUSED, folder, &error, "Check that this user may read there, and try again."))
        }
    }
}
