use super::*;
use crate::{
    platform::{
        recovery_world::testing::{cleared, in_world, plan, refused},
        windows::wide,
    },
    recovery::{Outcome, World, backup, run::begin},
};
use std::{
    fs,
    os::windows::fs::OpenOptionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use windows_sys::Win32::{
    Foundation::ERROR_SHARING_VIOLATION,
    Storage::FileSystem::{FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE},
    UI::WindowsAndMessaging::{
        CreateWindowExW, DispatchMessageW, IsWindow, MSG, PM_REMOVE, PeekMessageW, WM_CLOSE,
        WS_OVERLAPPEDWINDOW, WS_VISIBLE,
    },
};

/// The longest that anything of a test waits.
const BOUND: Duration = Duration::from_secs(60);
const STUBBORN: &str = "VISUALCRON_TRAY_TEST_STUBBORN";
const HOLD: &str = "VISUALCRON_TRAY_TEST_HOLD";
const SHARE: &str = "VISUALCRON_TRAY_TEST_SHARE";
const THIS: [&str; 3] = ["--exact", "platform::windows::recovery_world::tests::stand_in", "--ignored"];

/// Not a test: what a copy of this program does that stands in for the Client. It has a window until that is closed,
/// and leaves `ready` beside itself.
#[test]
#[ignore = "started by other tests"]
fn stand_in() {
    let end = Instant::now() + BOUND;
    let ready = std::env::current_exe().unwrap().with_file_name("ready");
    let stubborn = std::env::var_os(STUBBORN).is_some();
    let share = std::env::var(SHARE).ok().and_then(|share| share.parse().ok());
    // Started again it may find no file, as the Client does.
    let held = std::env::var_os(HOLD)
        .zip(share)
        .and_then(|(path, share)| File::options().read(true).share_mode(share).open(path).ok());
    let (class, title) = (wide("STATIC"), wide("Stand-in"));
    // SAFETY: the texts end with zeros; the window belongs to this thread.
    unsafe {
        let window = CreateWindowExW(
            0,
            class.as_ptr(),
            title.as_ptr(),
            WS_OVERLAPPEDWINDOW | WS_VISIBLE,
            0,
            0,
            200,
            100,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null(),
        );
        assert!(!window.is_null(), "{}", io::Error::last_os_error());
        fs::write(ready, "").unwrap();
        let mut message = MSG::default();
        while IsWindow(window) != 0 && Instant::now() < end {
            while PeekMessageW(&mut message, std::ptr::null_mut(), 0, 0, PM_REMOVE) != 0 {
                if message.message != WM_CLOSE || !stubborn {
                    DispatchMessageW(&message);
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    drop(held);
}

/// A copy of this program that runs as `stand_in`, and its path. Ended when dropped.
struct StandIn(Child);

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn client(folder: &Path, variables: &[(&str, &str)]) -> (PathBuf, StandIn) {
    let path = folder.join("client.exe");
    fs::copy(std::env::current_exe().unwrap(), &path).unwrap();
    let mut command = Command::new(&path);
    command.args(THIS).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    command.envs(variables.iter().copied());
    let child = StandIn(command.spawn().unwrap());
    wait_for("the stand-in", || folder.join("ready").exists());
    fs::remove_file(folder.join("ready")).unwrap();
    (path, child)
}

#[track_caller]
fn wait_for(what: &str, mut probe: impl FnMut() -> bool) {
    let end = Instant::now() + BOUND;
    while !probe() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A folder whose path is spelled as Windows spells those of processes.
fn home() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_path_buf();
    (home, path)
}

#[test]
fn kinds_and_renames() {
    let (_home, folder) = home();
    let at = |name: &str| folder.join(name);
    fs::write(at("file"), "x").unwrap();
    fs::write(at("one"), "x").unwrap();
    fs::hard_link(at("one"), at("two")).unwrap();
    in_world(&at("journal"), |world| {
        for (name, kind) in [
            ("file", Some(Kind::File)),
            ("one", Some(Kind::Linked)),
            (".", Some(Kind::Folder)),
            ("none", None),
            ("none\\none", None),
        ] {
            assert_eq!(world.kind(&at(name)).unwrap(), kind, "{name}");
        }
        assert!(world.is_ours(&at("file")).unwrap() && world.is_ours(&folder).unwrap());
        let taken = world.move_to_free(&at("file"), &at("one")).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        let rights = security::rights_of(&at("file")).unwrap();
        world.move_to_free(&at("file"), &at("free")).unwrap();
        assert!(at("free").exists() && !at("file").exists());
        assert_eq!(security::rights_of(&at("free")).unwrap(), rights, "owner and access rights stay");
        assert!(world.has_room(1).unwrap() && !world.has_room(u64::MAX).unwrap());
    });
}

/// Symbolic links need a right that not all users have, junctions none. Wine 8 has neither.
#[test]
fn a_junction_is_a_link() {
    let (_home, folder) = home();
    let (target, junction) = (folder.join("target"), folder.join("junction"));
    fs::create_dir(&target).unwrap();
    let made = Command::new("cmd").args(["/c", "mklink", "/J"]).arg(&junction).arg(&target).output().unwrap();
    if std::env::var_os("WINEPREFIX").is_some() && !junction.exists() {
        return;
    }
    assert!(made.status.success());
    in_world(&folder.join("journal"), |world| {
        assert_eq!(world.kind(&junction).unwrap(), Some(Kind::Link));
    });
}

#[test]
fn a_file_that_is_open_for_a_moment_is_moved_after_it() {
    let (_home, folder) = home();
    let (from, to) = (folder.join("from"), folder.join("to"));
    fs::write(&from, "x").unwrap();
    let open = File::options().read(true).share_mode(FILE_SHARE_READ).open(&from).unwrap();
    in_world(&folder.join("journal"), |world| {
        let refused = world.move_to_free(&from, &to).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(ERROR_SHARING_VIOLATION as i32));
        assert_eq!(world.holders(&from).unwrap()[0].0, None, "this very program is not named");
        let closing = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(40));
            drop(open);
        });
        world.move_to_free(&from, &to).unwrap();
        closing.join().unwrap();
        assert_eq!(world.holders(&to).unwrap(), []);
    });
}

/// The folders' names as Windows users have them, and one of more than 260 units.
#[test]
fn the_flow_with_a_real_program_and_a_real_file() {
    let (_home, home) = home();
    let user = home.join("Jürgen Müller 日本");
    let long = (0..6).fold(user.clone(), |folder, n| folder.join(format!("{n} {}", "ö".repeat(50))));
    fs::create_dir_all(&long).unwrap();
    for folder in [&user, &long] {
        let (path, mut child) = client(&user, &[]);
        let running_now = running(Role::Client, &path);
        assert_eq!(running_now.len(), 1);
        assert_eq!(running_now[0].arguments, THIS);
        cleared(folder, running_now);
        assert!(child.0.wait().unwrap().success(), "closed, not ended");
        let again = running(Role::Client, &path);
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].arguments, THIS);
        in_world(&user.join("journal"), |world| world.ask_to_close(&again[0])).unwrap();
        wait_for("its end", || running(Role::Client, &path).is_empty());
    }
}

/// Whatever sharing it holds the file with: what the Client keeps to itself is free once that has closed.
#[test]
fn a_file_that_the_client_itself_holds_open_is_cleared() {
    for share in [0, FILE_SHARE_READ, FILE_SHARE_READ | FILE_SHARE_WRITE] {
        let (_home, folder) = home();
        let servers_xml = folder.join("servers.xml");
        fs::write(&servers_xml, "<Servers/>").unwrap();
        let (path, client) =
            client(&folder, &[(HOLD, servers_xml.to_str().unwrap()), (SHARE, &share.to_string())]);
        assert!(fs::rename(&servers_xml, folder.join("renamed")).is_err(), "{share}: it is held");
        in_world(&folder.join("journal.jsonl"), |world| {
            let plan = plan(&servers_xml, running(Role::Client, &path));
            assert_eq!(begin(world, plan).unwrap().1, Outcome::Done, "{share}");
        });
        assert!(!servers_xml.exists());
        drop(client);
        let again = running(Role::Client, &path).remove(0);
        wait_for("its window", || folder.join("ready").exists());
        programs::end(again.pid.unwrap(), again.started).unwrap();
        wait_for("its end", || running(Role::Client, &path).is_empty());
    }
}

/// An entry for one that is in no inherited list, and an order of its own: the backup has all of it. Wine keeps of it
/// what fits into a mode of Unix, which is enough to see a difference.
#[test]
fn the_backup_has_the_rights_of_the_file() {
    let (_home, folder) = home();
    let servers_xml = folder.join("servers.xml");
    fs::write(&servers_xml, "<Servers/>").unwrap();
    let usual = security::rights_of(&servers_xml).unwrap();
    security::set_rights(&servers_xml, "D:P(A;;FRFW;;;WD)(A;;FA;;;SY)(A;;FR;;;LG)").unwrap();
    let rights = security::rights_of(&servers_xml).unwrap();
    assert_ne!(rights, usual);
    in_world(&folder.join("journal.jsonl"), |world| {
        assert_eq!(begin(world, plan(&servers_xml, vec![])).unwrap().1, Outcome::Done);
        let backups = backup::list(world, &servers_xml).unwrap();
        assert_eq!(security::rights_of(&backups[0].path).unwrap(), rights);
    });
}

#[test]
fn a_program_that_does_not_close_is_ended_only_when_that_is_asked_for() {
    let (_home, folder) = home();
    let (path, mut child) = client(&folder, &[(STUBBORN, "1")]);
    let program = running(Role::Client, &path).remove(0);
    in_world(&folder.join("journal"), |world| {
        world.ask_to_close(&program).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        assert!(world.runs(&program).unwrap());
        let other = Program { started: program.started + 1, ..program.clone() };
        world.end(&other).unwrap();
        assert!(world.runs(&program).unwrap(), "another process of the same number is let alone");
        world.end(&program).unwrap();
    });
    assert!(!child.0.wait().unwrap().success());
    in_world(&folder.join("journal"), |world| assert!(!world.runs(&program).unwrap()));
}

#[test]
fn a_file_that_another_program_holds_open_is_refused() {
    for share in [0, FILE_SHARE_READ, FILE_SHARE_READ | FILE_SHARE_WRITE] {
        let (_home, folder) = home();
        let servers_xml = folder.join("servers.xml");
        fs::write(&servers_xml, "<Servers/>").unwrap();
        let (_, child) =
            client(&folder, &[(HOLD, servers_xml.to_str().unwrap()), (SHARE, &share.to_string())]);
        let problem = refused(&folder);
        let who = ["Windows does not name it".to_string(), format!("(process {})", child.0.id())];
        // Wine's Restart Manager names nobody.
        let who = &who[if std::env::var_os("WINEPREFIX").is_some() { 0..1 } else { 1..2 }];
        assert!(problem.why.starts_with("another program holds it open: "), "{share}: {problem}");
        assert!(who.iter().any(|who| problem.why.contains(who)), "{share}: {problem}");
    }
}

/// One that even lets it be deleted: the Restart Manager names it; Wine's does not, and then it does no harm.
#[test]
fn a_file_that_is_held_open_and_shared_for_all() {
    let (_home, folder) = home();
    let servers_xml = folder.join("servers.xml");
    let all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    fs::write(&servers_xml, "<Servers/>").unwrap();
    let (_, child) = client(&folder, &[(HOLD, servers_xml.to_str().unwrap()), (SHARE, &all.to_string())]);
    if std::env::var_os("WINEPREFIX").is_some() {
        cleared(&folder, vec![]);
    } else {
        let problem = refused(&folder);
        assert!(problem.why.contains(&format!("(process {})", child.0.id())), "{problem}");
    }
}
