//! The real world of the recovery flow: files, programs and time of this machine. What systems do each in their own
//! way is in `system`.

#[cfg(target_os = "linux")]
#[path = "recovery_world/linux.rs"]
mod system;

#[cfg(windows)]
use super::windows::recovery_world as system;
use super::{dirs::Dirs, instance};
use crate::{
    recovery::{
        Program, Record, Role, World,
        world::{Kind, Progress},
    },
    sources::servers_xml,
    store::{
        atomic::{self, retried},
        recoveries,
    },
};
use jiff::Timestamp;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
pub use system::{running, running_tray};

/// Files, programs and time of this machine.
pub struct RealWorld<'a> {
    /// The journal of this recovery.
    pub journal: PathBuf,
    /// Our folders, in which the running tray is found.
    pub dirs: &'a Dirs,
    /// Who watches how it goes.
    pub watcher: &'a mut dyn FnMut(Progress),
    /// The user wants no more.
    pub canceled: &'a AtomicBool,
}

impl World for RealWorld<'_> {
    fn kind(&mut self, path: &Path) -> io::Result<Option<Kind>> {
        system::kind(path)
    }

    fn is_ours(&mut self, path: &Path) -> io::Result<bool> {
        system::is_ours(path)
    }

    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        // As much is moved as is read elsewhere.
        atomic::read_whole(&retried(|| fs::File::open(path))?, servers_xml::Limits::default().max_bytes)
    }

    fn move_to_free(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        system::move_to_free(from, to)
    }

    fn delete_backup(&mut self, path: &Path) -> io::Result<()> {
        retried(|| fs::remove_file(path))
    }

    fn names(&mut self, folder: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn holders(&mut self, path: &Path) -> io::Result<Vec<(Option<u32>, String)>> {
        system::holders(path)
    }

    fn has_room(&mut self, bytes: u64) -> io::Result<bool> {
        match self.journal.ancestors().skip(1).find(|folder| folder.is_dir()) {
            Some(folder) => Ok(system::free_bytes(folder)? >= bytes),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn journal(&self) -> &Path {
        &self.journal
    }

    fn record(&mut self, record: &Record) -> io::Result<()> {
        recoveries::append(&self.journal, &serde_json::to_vec(record)?)
    }

    fn runs(&mut self, program: &Program) -> io::Result<bool> {
        Ok(program.pid.is_some_and(|pid| system::runs(pid, program)))
    }

    fn runs_again(&mut self, program: &Program) -> io::Result<bool> {
        Ok(match program.role {
            // Commands of ours run the same program, this one among them.
            Role::OurTray => instance::tray(self.dirs).is_some(),
            Role::Client | Role::VendorTray => !running(program.role, &program.path).is_empty(),
        })
    }

    fn ask_to_close(&mut self, program: &Program) -> io::Result<()> {
        system::ask_to_close(pid_of(program)?, program, self.dirs)
    }

    fn end(&mut self, program: &Program) -> io::Result<()> {
        system::end(pid_of(program)?, program)
    }

    fn start(&mut self, program: &Program) -> io::Result<()> {
        let mut command = Command::new(&program.path);
        command.args(&program.arguments).envs(&program.environment);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(folder) = program.folder.as_deref().or(program.path.parent()) {
            command.current_dir(folder);
        }
        // Ctrl+C in a terminal of ours is not meant for it.
        system::apart(&mut command);
        let mut child = command.spawn()?;
        std::thread::spawn(move || child.wait());
        Ok(())
    }

    fn now(&mut self) -> Timestamp {
        Timestamp::now()
    }

    fn pause(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn tell(&mut self, progress: Progress) {
        (self.watcher)(progress);
    }

    fn is_canceled(&mut self) -> bool {
        self.canceled.load(Ordering::Relaxed)
    }
}

fn pid_of(program: &Program) -> io::Result<u32> {
    program.pid.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// What the tests of each system begin with.
#[cfg(test)]
pub mod testing {
    use super::*;
    use crate::recovery::{Choices, Journal, Outcome, Plan, backup, run::begin};

    /// Acts in a world whose journal is this file.
    pub fn in_world<T>(journal: &Path, act: impl FnOnce(&mut RealWorld<'_>) -> T) -> T {
        watched(journal, &mut |_| {}, act)
    }

    fn watched<T>(
        journal: &Path,
        watcher: &mut dyn FnMut(Progress),
        act: impl FnOnce(&mut RealWorld<'_>) -> T,
    ) -> T {
        let nowhere = std::path::absolute("/nowhere").unwrap();
        let dirs = Dirs::new(Some(nowhere.clone()), Some(nowhere.clone()), Some(nowhere)).unwrap();
        let canceled = AtomicBool::new(false);
        act(&mut RealWorld { journal: journal.to_path_buf(), dirs: &dirs, watcher, canceled: &canceled })
    }

    /// A plan for this file and these programs.
    pub fn plan(servers_xml: &Path, running: Vec<Program>) -> Plan {
        Plan {
            made_at: Timestamp::now(),
            servers_xml: servers_xml.to_path_buf(),
            running,
            start_too: vec![],
            bring_back: None,
            before: vec![],
            choices: Choices { patience_seconds: 30, ..Choices::default() },
        }
    }

    /// Clears a new servers.xml in `folder`, while these programs run: it is a backup then, and the journal is closed.
    pub fn cleared(folder: &Path, running: Vec<Program>) {
        let (servers_xml, journal) = (folder.join("servers.xml"), folder.join("journal.jsonl"));
        fs::write(&servers_xml, "<Servers/>").unwrap();
        let (plan, mut told) = (plan(&servers_xml, running), Vec::new());
        let began = watched(&journal, &mut |progress| told.push(progress), |world| begin(world, plan));
        assert_eq!(began.unwrap().1, Outcome::Done, "{told:?}");
        assert!(!servers_xml.exists());
        in_world(&journal, |world| {
            let backups = backup::list(world, &servers_xml).unwrap();
            assert_eq!(fs::read_to_string(&backups[0].path).unwrap(), "<Servers/>");
        });
        assert_eq!(Journal::read(&fs::read(&journal).unwrap()).unwrap().outcome, Some(Outcome::Done));
    }

    /// Why a servers.xml in `folder` is not cleared while somebody holds it open. Nothing was changed.
    #[track_caller]
    pub fn refused(folder: &Path) -> crate::domain::Problem {
        let (servers_xml, journal) = (folder.join("servers.xml"), folder.join("journal.jsonl"));
        let plan = plan(&servers_xml, vec![]);
        let problem = in_world(&journal, |world| begin(world, plan)).unwrap_err();
        assert!(servers_xml.exists() && !journal.exists(), "{problem}");
        problem
    }
}
