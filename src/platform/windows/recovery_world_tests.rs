use super::*;
use crate::recovery::{Choices, Journal, Outcome, Plan, backup, run::begin};
use std::{
    os::windows::fs::OpenOptionsExt,
    process::{Child, Command},
    time::{Duration, Instant},
};
use windows_sys::Win32::{
    Foundation::ERROR_SHARING_VIOLATION,
    Storage::FileSystem::FILE_SHARE_READ,
    UI::WindowsAndMessaging::{
        CreateWindowExW, DispatchMessageW, IsWindow, MSG, PM_REMOVE, PeekMessageW, WM_CLOSE,
        WS_OVERLAPPEDWINDOW, WS_VISIBLE,
    },
};

/// The longest that anything of a test waits.
const BOUND: Duration = Duration::from_secs(60);
const STUBBORN: &str = "VISUALCRON_TRAY_TEST_STUBBORN";
const HOLD: &str = "VISUALCRON_TRAY_TEST_HOLD";
const THIS: [&str; 3] = ["--exact", "platform::windows::recovery_world::tests::stand_in", "--ignored"];

/// Not a test: what a copy of this program does that stands in for the Client. It has a window until that is closed,
/// and leaves `ready` beside itself.
#[test]
#[ignore = "started by other tests"]
fn stand_in() {
    let end = Instant::now() + BOUND;
    let ready = std::env::current_exe().unwrap().with_file_name("ready");
    let stubborn = std::env::var_os(STUBBORN).is_some();
    let held = std::env::var_os(HOLD)
        .map(|path| File::options().read(true).share_mode(FILE_SHARE_READ).open(path).unwrap());
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

fn client(folder: &Path, variable: Option<(&str, &Path)>) -> (PathBuf, StandIn) {
    let path = folder.join("client.exe");
    fs::copy(std::env::current_exe().unwrap(), &path).unwrap();
    let mut command = Command::new(&path);
    command.args(THIS).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some((name, value)) = variable {
        command.env(name, value);
    }
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

fn in_world<T>(journal: &Path, act: impl FnOnce(&mut RealWorld<'_>) -> T) -> T {
    watched(journal, &mut |_| {}, act)
}

fn watched<T>(
    journal: &Path,
    watcher: &mut dyn FnMut(Progress),
    act: impl FnOnce(&mut RealWorld<'_>) -> T,
) -> T {
    let nowhere = Path::new(r"C:\nowhere");
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
        choices: Choices { patience_seconds: 30, ..Choices::default() },
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
        assert_eq!(world.holders(&from).unwrap().len(), 1, "this very program, which is not named");
        let closing = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(40));
            drop(open);
        });
        world.move_to_free(&from, &to).unwrap();
        closing.join().unwrap();
        assert_eq!(world.holders(&to).unwrap(), []);
    });
}

#[test]
fn the_flow_with_a_real_program_and_a_real_file() {
    let (_home, folder) = home();
    let (path, mut child) = client(&folder, None);
    let servers_xml = folder.join("servers.xml");
    fs::write(&servers_xml, "<Servers/>").unwrap();
    let running_now = running(Role::Client, &path);
    assert_eq!(running_now.len(), 1);
    assert_eq!(running_now[0].arguments, THIS);
    let plan = plan(&servers_xml, running_now);
    let journal = folder.join("journal.jsonl");
    let mut told = Vec::new();
    let (_, outcome) =
        watched(&journal, &mut |progress| told.push(progress), |world| begin(world, plan)).unwrap();
    assert_eq!(outcome, Outcome::Done, "{told:?}");
    assert!(child.0.wait().unwrap().success(), "closed, not ended");
    assert!(!servers_xml.exists());
    in_world(&journal, |world| {
        let backups = backup::list(world, &servers_xml).unwrap();
        assert_eq!(fs::read_to_string(&backups[0].path).unwrap(), "<Servers/>");
    });
    assert_eq!(Journal::read(&fs::read(&journal).unwrap()).unwrap().outcome, Some(Outcome::Done));
    let again = running(Role::Client, &path);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].arguments, THIS);
    wait_for("its window", || folder.join("ready").exists());
    programs::ask_to_close(again[0].pid.unwrap(), again[0].started).unwrap();
    wait_for("its end", || running(Role::Client, &path).is_empty());
}

#[test]
fn a_program_that_does_not_close_is_ended_only_when_that_is_asked_for() {
    let (_home, folder) = home();
    let (path, mut child) = client(&folder, Some((STUBBORN, Path::new("1"))));
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
    let (_home, folder) = home();
    let servers_xml = folder.join("servers.xml");
    fs::write(&servers_xml, "<Servers/>").unwrap();
    let (_, child) = client(&folder, Some((HOLD, &servers_xml)));
    let holders = programs::holders(&servers_xml).unwrap();
    // Wine's Restart Manager names nobody.
    assert!(holders.len() == 1 && [0, child.0.id()].contains(&holders[0].0), "{holders:?}");
    let plan = plan(&servers_xml, vec![]);
    let problem = in_world(&folder.join("journal"), |world| begin(world, plan)).unwrap_err();
    assert!(problem.why.contains("another program holds it open"), "{problem}");
    assert!(servers_xml.exists() && !folder.join("journal").exists());
}
