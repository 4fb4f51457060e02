//! The real world of the recovery flow on Linux: files by rename without replacing, programs by `/proc`, the
//! journal by synced appends.

use super::{dirs::Dirs, instance};
use crate::{
    recovery::{
        Program, Record, Role, World,
        world::{Kind, Progress},
    },
    store::recoveries,
};
use jiff::Timestamp;
use rustix::{
    fs::{CWD, RenameFlags, renameat_with, statvfs},
    process::{Pid, Signal, getuid, kill_process},
};
use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// The most bytes of a servers.xml that is moved: as many as are read.
const MAX_FILE: u64 = 128 * 1024 * 1024;

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
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(match metadata.file_type() {
            kind if kind.is_symlink() => Kind::Link,
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_file() && metadata.nlink() > 1 => Kind::Linked,
            kind if kind.is_file() => Kind::File,
            _ => Kind::Other,
        }))
    }

    fn is_ours(&mut self, path: &Path) -> io::Result<bool> {
        Ok(fs::symlink_metadata(path)?.uid() == getuid().as_raw())
    }

    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 128 MiB"));
        }
        Ok(bytes)
    }

    fn move_to_free(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // This file system cannot rename without replacing: look first, then.
            Err(rustix::io::Errno::INVAL) if self.kind(to)?.is_none() => fs::rename(from, to)?,
            Err(rustix::io::Errno::INVAL) => return Err(io::ErrorKind::AlreadyExists.into()),
            done => done?,
        }
        match to.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    fn delete_backup(&mut self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn names(&mut self, folder: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn holders(&mut self, path: &Path) -> io::Result<Vec<(u32, String)>> {
        // As /proc names it: folders further up may be links.
        let (own, path) = (std::process::id(), path.canonicalize()?);
        Ok(processes()
            .filter(|pid| *pid != own && holds(*pid, &path))
            .map(|pid| (pid, program_of(pid).map_or_else(|| "a program".into(), |p| p.display().to_string())))
            .collect())
    }

    fn has_room(&mut self, bytes: u64) -> io::Result<bool> {
        let folder = self.journal.ancestors().skip(1).find(|folder| folder.is_dir());
        let space = statvfs(folder.unwrap_or(Path::new("/")))?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize) >= bytes)
    }

    fn journal(&self) -> &Path {
        &self.journal
    }

    fn record(&mut self, record: &Record) -> io::Result<()> {
        recoveries::append(&self.journal, &serde_json::to_vec(record)?)
    }

    fn runs(&mut self, program: &Program) -> io::Result<bool> {
        // Not by its path too: a process that ends loses that before it closes its files and its socket.
        Ok(program.pid.is_some_and(|pid| started(pid) == Some(program.started)))
    }

    fn runs_again(&mut self, program: &Program) -> io::Result<bool> {
        Ok(match program.role {
            // Commands of ours run the same program, this one among them.
            Role::OurTray => instance::tray(self.dirs).is_some(),
            Role::Client | Role::VendorTray => !running(program.role, &program.path).is_empty(),
        })
    }

    fn ask_to_close(&mut self, program: &Program) -> io::Result<()> {
        signal(program, Signal::TERM)
    }

    fn end(&mut self, program: &Program) -> io::Result<()> {
        signal(program, Signal::KILL)
    }

    fn start(&mut self, program: &Program) -> io::Result<()> {
        let mut command = Command::new(&program.path);
        command.args(&program.arguments).envs(&program.environment);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(folder) = &program.folder {
            command.current_dir(folder);
        }
        let mut child = command.process_group(0).spawn()?;
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

/// The processes of this user that run the program at `path`.
pub fn running(role: Role, path: &Path) -> Vec<Program> {
    let ours = getuid().as_raw();
    processes()
        .filter(|pid| fs::metadata(format!("/proc/{pid}")).is_ok_and(|process| process.uid() == ours))
        .filter(|pid| program_of(*pid).as_deref() == Some(path))
        .filter_map(|pid| process(role, pid))
        .collect()
}

/// The running tray of this user, if it answers.
pub fn running_tray(dirs: &Dirs) -> Option<Program> {
    process(Role::OurTray, instance::tray(dirs)?)
}

/// What it takes to tell this process from others, and to start it again.
fn process(role: Role, pid: u32) -> Option<Program> {
    let texts = |name: &str| -> Option<Vec<String>> {
        let bytes = fs::read(format!("/proc/{pid}/{name}")).ok()?;
        let texts = bytes.strip_suffix(&[0]).unwrap_or(&bytes).split(|&byte| byte == 0);
        Some(texts.map(|text| String::from_utf8_lossy(text).into_owned()).collect())
    };
    let environment = texts("environ")?.into_iter().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        OF_THE_DESKTOP.contains(&name).then(|| (name.to_string(), value.to_string()))
    });
    Some(Program {
        role,
        pid: Some(pid),
        started: started(pid)?,
        path: program_of(pid)?,
        arguments: texts("cmdline")?.into_iter().skip(1).collect(),
        folder: fs::read_link(format!("/proc/{pid}/cwd")).ok(),
        environment: environment.collect(),
    })
}

/// What ties a program to the user's desktop: started again from a terminal or over SSH it must come back there.
const OF_THE_DESKTOP: [&str; 7] = [
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "XDG_CURRENT_DESKTOP",
    "XDG_SESSION_TYPE",
    "DBUS_SESSION_BUS_ADDRESS",
];

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn program_of(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// When a process was started, in ticks since the system's own start (field 22 of its stat). `None` for one that is
/// gone, or dead and not yet waited for. Its first thread may be dead while others still have its files and its
/// socket open (field 20 counts them): then it is not gone yet.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let is_dead = matches!(fields.next()?, "Z" | "X");
    let threads: u32 = fields.nth(16)?.parse().ok()?;
    let started = fields.nth(1)?.parse().ok()?;
    (!is_dead || threads > 1).then_some(started)
}

fn holds(pid: u32, path: &Path) -> bool {
    fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == path))
}

fn signal(program: &Program, signal: Signal) -> io::Result<()> {
    let pid = program.pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    let pid = pid.ok_or(io::ErrorKind::NotFound)?;
    // Between looking and signaling it may have gone by itself: that is what was wanted.
    match kill_process(pid, signal) {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        done => Ok(done?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recovery::{Choices, Journal, Outcome, Plan, backup, run::begin};

    fn in_world<T>(journal: &Path, act: impl FnOnce(&mut RealWorld<'_>) -> T) -> T {
        watched(journal, &mut |_| {}, act)
    }

    fn watched<T>(
        journal: &Path,
        watcher: &mut dyn FnMut(Progress),
        act: impl FnOnce(&mut RealWorld<'_>) -> T,
    ) -> T {
        let nowhere = Path::new("/nowhere");
        let dirs = Dirs::new(Some(nowhere.into()), Some(nowhere.into()), Some(nowhere.into())).unwrap();
        let canceled = AtomicBool::new(false);
        act(&mut RealWorld { journal: journal.to_path_buf(), dirs: &dirs, watcher, canceled: &canceled })
    }

    fn plan(servers_xml: &Path, running: Vec<Program>) -> Plan {
        Plan {
            made_at: Timestamp::now(),
            servers_xml: servers_xml.to_path_buf(),
            running,
            start_too: vec![],
            bring_back: None,
            before: vec![],
            choices: Choices::default(),
        }
    }

    /// A copy of `sleep`, so that its path is its own, and it running: with its arguments, which `/proc` shows a
    /// moment after the path.
    fn client(folder: &Path) -> (PathBuf, std::process::Child) {
        let path = folder.join("client");
        fs::copy(fs::canonicalize("/bin/sleep").unwrap(), &path).unwrap();
        let child = Command::new(&path).arg("60").current_dir(folder).spawn().unwrap();
        let begun = std::time::Instant::now();
        while !running(Role::Client, &path).iter().any(|program| !program.arguments.is_empty()) {
            assert!(begun.elapsed() < Duration::from_secs(10), "it does not start");
            std::thread::sleep(Duration::from_millis(1));
        }
        (path, child)
    }

    #[test]
    fn kinds_and_renames() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        fs::write(at("file"), "x").unwrap();
        fs::write(at("one"), "x").unwrap();
        fs::hard_link(at("one"), at("two")).unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        in_world(&at("journal"), |world| {
            for (name, kind) in [
                ("file", Some(Kind::File)),
                ("one", Some(Kind::Linked)),
                ("link", Some(Kind::Link)),
                (".", Some(Kind::Folder)),
                ("none", None),
            ] {
                assert_eq!(world.kind(&at(name)).unwrap(), kind, "{name}");
            }
            assert!(world.is_ours(&at("file")).unwrap());
            let taken = world.move_to_free(&at("file"), &at("one")).unwrap_err();
            assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
            world.move_to_free(&at("file"), &at("free")).unwrap();
            assert!(at("free").exists() && !at("file").exists());
            assert!(world.has_room(1).unwrap() && !world.has_room(u64::MAX).unwrap());
        });
    }

    #[test]
    fn the_flow_with_a_real_program_and_a_real_file() {
        let home = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(home.path()).unwrap();
        let (path, mut child) = client(&folder);
        let waiter = std::thread::spawn(move || child.wait());
        let servers_xml = folder.join("servers.xml");
        fs::write(&servers_xml, "<Servers/>").unwrap();
        let running_now = crate::platform::recovery_world::running(Role::Client, &path);
        assert_eq!(
            (running_now.len(), running_now[0].arguments.as_slice()),
            (1, ["60".to_string()].as_slice())
        );
        let plan = plan(&servers_xml, running_now);
        let journal = folder.join("journal.jsonl");
        let mut told = Vec::new();
        let (_, outcome) =
            watched(&journal, &mut |progress| told.push(progress), |world| begin(world, plan)).unwrap();
        assert_eq!(outcome, Outcome::Done, "{told:?}");
        waiter.join().unwrap().unwrap();
        assert!(!servers_xml.exists());
        in_world(&journal, |world| {
            let backups = backup::list(world, &servers_xml).unwrap();
            assert_eq!(fs::read_to_string(&backups[0].path).unwrap(), "<Servers/>");
        });
        assert_eq!(Journal::read(&fs::read(&journal).unwrap()).unwrap().outcome, Some(Outcome::Done));
        let again = running(Role::Client, &path);
        assert_eq!((again.len(), again[0].folder.as_deref()), (1, Some(folder.as_path())));
        signal(&again[0], Signal::KILL).unwrap();
    }

    #[test]
    fn a_file_that_another_program_holds_open_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(home.path()).unwrap();
        let servers_xml = folder.join("servers.xml");
        fs::write(&servers_xml, "<Servers/>").unwrap();
        let mut holder =
            Command::new("sleep").arg("60").stdin(File::open(&servers_xml).unwrap()).spawn().unwrap();
        let plan = plan(&servers_xml, vec![]);
        let problem = in_world(&folder.join("journal"), |world| begin(world, plan)).unwrap_err();
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert!(problem.why.contains("another program holds it open"), "{problem}");
        assert!(servers_xml.exists() && !folder.join("journal").exists());
    }
}
