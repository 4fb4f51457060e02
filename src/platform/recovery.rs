//! Clear server cache on this machine: makes plans from what is found here, and carries them out, one at a time.

use super::{
    dirs::Dirs,
    recovery_world::{RealWorld, running, running_tray},
};
use crate::{
    app::Places,
    domain::{Fault, Problem},
    host::demo::is_demo,
    recovery::{
        Choices, Decision, Journal, Outcome, Plan, Program, Role,
        backup::{self, Backup},
        run::{self, begin, keep, run, take_back},
        world::Progress,
    },
    store::recoveries::{Kept, Recoveries, busy},
};
use jiff::{Timestamp, civil::Date};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

/// The vendor's own tray, in the Client's folder (documented).
const VENDOR_TRAY: &str = if cfg!(windows) { "VCTray.exe" } else { "VCTray" };

/// Who watches, and whether the user wants no more.
pub struct Watcher<'a> {
    /// Is told how it goes.
    pub tell: &'a mut dyn FnMut(Progress),
    /// Is set when all is to be taken back.
    pub canceled: &'a AtomicBool,
}

/// A plan for what runs here now.
pub fn plan(dirs: &Dirs, places: &Places, choices: Choices, before: Vec<(String, Option<Date>)>) -> Plan {
    let client = client_program(places);
    let vendor_tray = client.as_deref().map(|client| client.with_file_name(VENDOR_TRAY));
    let of = |role, path: Option<&Path>| path.map(|path| running(role, path)).unwrap_or_default();
    let mut programs = of(Role::Client, client.as_deref());
    programs.extend(of(Role::VendorTray, vendor_tray.as_deref()));
    // The tray of a demo takes its world along when it ends.
    programs.extend(running_tray(dirs).filter(|_| !is_demo(dirs)));
    Plan {
        made_at: Timestamp::now(),
        servers_xml: places.servers_xml.clone(),
        running: programs,
        start_too: Vec::new(),
        bring_back: None,
        before,
        choices,
    }
}

/// The Client as it is started where none runs.
///
/// # Errors
///
/// Why it was not found, in a few words.
pub fn client_to_start(places: &Places) -> Result<Program, String> {
    Ok(Program {
        role: Role::Client,
        pid: None,
        started: 0,
        path: places.client_program.clone()?,
        arguments: Vec::new(),
        folder: None,
        environment: BTreeMap::new(),
    })
}

/// As processes name it: no links. Never this program, under which name ever: its processes are ours.
fn client_program(places: &Places) -> Option<PathBuf> {
    let path = places.client_program.as_ref().ok()?;
    let path = path.canonicalize().unwrap_or_else(|_| path.clone());
    let own = std::env::current_exe().and_then(|own| own.canonicalize()).ok();
    Some(path).filter(|path| Some(path) != own.as_ref())
}

/// Why this plan would be refused. Changes nothing.
///
/// # Errors
///
/// The reason, and what to do.
pub fn check(dirs: &Dirs, plan: &Plan) -> Result<(), Problem> {
    let recoveries = Recoveries::below(&dirs.data);
    if recoveries.is_locked() {
        return Err(busy(&dirs.data));
    }
    if let Some(open) = recoveries.open()? {
        return Err(interrupted(&open));
    }
    let canceled = AtomicBool::new(false);
    let mut watcher = Watcher { tell: &mut |_| {}, canceled: &canceled };
    run::check(&mut world(dirs, recoveries.new_journal(plan.made_at), &mut watcher), plan)
}

/// Carries out a plan.
///
/// # Errors
///
/// It is refused, and nothing was changed.
pub fn carry_out(dirs: &Dirs, plan: Plan, watcher: &mut Watcher<'_>) -> Result<Kept, Problem> {
    let recoveries = Recoveries::below(&dirs.data);
    let Some(_lock) = recoveries.lock()? else { return Err(busy(&dirs.data)) };
    if let Some(open) = recoveries.open()? {
        return Err(interrupted(&open));
    }
    let path = recoveries.new_journal(plan.made_at);
    let (journal, outcome) = begin(&mut world(dirs, path.clone(), watcher), plan)?;
    recoveries.tidy();
    Ok(ended(path, journal, outcome))
}

/// Goes on with the recovery that was interrupted; `None` where none was.
///
/// # Errors
///
/// Another process is at it, or the journals cannot be read.
pub fn go_on(dirs: &Dirs, decision: Decision, watcher: &mut Watcher<'_>) -> Result<Option<Kept>, Problem> {
    let recoveries = Recoveries::below(&dirs.data);
    let Some(_lock) = recoveries.lock()? else { return Err(busy(&dirs.data)) };
    let Some(Kept { path, mut journal }) = recoveries.open()? else { return Ok(None) };
    let mut world = world(dirs, path.clone(), watcher);
    let outcome = match decision {
        Decision::Keep => keep(&mut world, &mut journal),
        Decision::Resume => run(&mut world, &mut journal),
        Decision::RollBack => {
            if journal.taking_back.is_none() {
                take_back(&mut world, &mut journal, "It was asked for.".into());
            }
            run(&mut world, &mut journal)
        }
    };
    Ok(Some(ended(path, journal, outcome)))
}

/// All our backups of servers.xml, the newest first.
///
/// # Errors
///
/// [`Problem::io`] where the folder cannot be read.
pub fn backups(dirs: &Dirs, servers_xml: &Path) -> Result<Vec<Backup>, Problem> {
    let canceled = AtomicBool::new(false);
    let mut watcher = Watcher { tell: &mut |_| {}, canceled: &canceled };
    backup::list(&mut world(dirs, PathBuf::from("none"), &mut watcher), servers_xml).map_err(|error| {
        let folder = crate::store::atomic::folder_of(servers_xml);
        Problem::io("Cannot look for backups", folder, &error, "Check that this user may read there.")
    })
}

fn world<'a>(dirs: &'a Dirs, journal: PathBuf, watcher: &'a mut Watcher<'_>) -> RealWorld<'a> {
    RealWorld { journal, dirs, watcher: watcher.tell, canceled: watcher.canceled }
}

/// With how it ended, even where that could not be written any more.
fn ended(path: PathBuf, mut journal: Journal, outcome: Outcome) -> Kept {
    journal.outcome = Some(outcome);
    Kept { path, journal }
}

fn interrupted(open: &Kept) -> Problem {
    Problem::new(
        Fault::Unavailable,
        "An earlier Clear server cache was interrupted",
        open.path.display().to_string(),
        format!("it began at {} and has not ended", open.journal.plan.made_at.strftime("%F %T UTC")),
        "First finish it, take it back, or keep things as they are: `visualcron-tray recover --status`.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_never_taken_for_the_client() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::new(
            Some("/nowhere".into()),
            Some("/nowhere/settings.toml".into()),
            Some("/nowhere".into()),
        );
        let mut places = crate::app::testing::places();
        let own = std::env::current_exe().unwrap();
        let client = home.path().join("VisualCronClient");
        std::fs::hard_link(&own, &client).or_else(|_| std::fs::copy(&own, &client).map(|_| ())).unwrap();
        for (program, is_client) in [(own, false), (client, true)] {
            places.client_program = Ok(program.clone());
            assert_eq!(client_program(&places).is_some(), is_client, "{}", program.display());
            assert_eq!(plan(dirs.as_ref().unwrap(), &places, Choices::default(), vec![]).running, []);
        }
    }
}
