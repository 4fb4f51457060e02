//! What Linux does in its own way for the recovery flow: files by rename without replacing, programs by `/proc`.

use crate::{
    platform::{dirs::Dirs, instance},
    recovery::{Program, Role, world::Kind},
};
use rustix::{
    fs::{CWD, RenameFlags, renameat_with, statvfs},
    process::{Pid, Signal, getuid, kill_process},
};
use std::{
    fs::{self, File},
    io,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

pub fn kind(path: &Path) -> io::Result<Option<Kind>> {
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

pub fn is_ours(path: &Path) -> io::Result<bool> {
    Ok(fs::symlink_metadata(path)?.uid() == getuid().as_raw())
}

pub fn move_to_free(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // This file system cannot rename without replacing: look first, then.
        Err(rustix::io::Errno::INVAL) if kind(to)?.is_none() => fs::rename(from, to)?,
        Err(rustix::io::Errno::INVAL) => return Err(io::ErrorKind::AlreadyExists.into()),
        done => done?,
    }
    match to.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

pub fn holders(path: &Path) -> io::Result<Vec<(Option<u32>, String)>> {
    // As /proc names it: folders further up may be links.
    let (own, path) = (std::process::id(), path.canonicalize()?);
    Ok(processes()
        .filter(|pid| *pid != own && holds(*pid, &path))
        .map(|pid| {
            (Some(pid), program_of(pid).map_or_else(|| "a program".into(), |p| p.display().to_string()))
        })
        .collect())
}

pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let space = statvfs(folder)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

/// Not by its path too: a process that ends loses that before it closes its files and its socket.
pub fn runs(pid: u32, program: &Program) -> bool {
    started(pid) == Some(program.started)
}

pub fn ask_to_close(pid: u32, _: &Program, _: &Dirs) -> io::Result<()> {
    signal(pid, Signal::TERM)
}

pub fn end(pid: u32, _: &Program) -> io::Result<()> {
    signal(pid, Signal::KILL)
}

pub fn apart(command: &mut Command) {
    command.process_group(0);
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

fn signal(pid: u32, signal: Signal) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
    // Between looking and signaling it may have gone by itself: that is what was wanted.
    match kill_process(pid, signal) {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        done => Ok(done?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        platform::recovery_world::testing::{cleared, in_world, refused},
        recovery::World,
    };
    use std::time::Duration;

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
        let running_now = running(Role::Client, &path);
        assert_eq!(
            (running_now.len(), running_now[0].arguments.as_slice()),
            (1, ["60".to_string()].as_slice())
        );
        cleared(&folder, running_now);
        waiter.join().unwrap().unwrap();
        let again = running(Role::Client, &path);
        assert_eq!((again.len(), again[0].folder.as_deref()), (1, Some(folder.as_path())));
        signal(again[0].pid.unwrap(), Signal::KILL).unwrap();
    }

    #[test]
    fn a_file_that_another_program_holds_open_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(home.path()).unwrap();
        let servers_xml = folder.join("servers.xml");
        fs::write(&servers_xml, "<Servers/>").unwrap();
        let mut holder =
            Command::new("sleep").arg("60").stdin(File::open(&servers_xml).unwrap()).spawn().unwrap();
        let problem = refused(&folder);
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert!(problem.why.contains("another program holds it open"), "{problem}");
    }
}
