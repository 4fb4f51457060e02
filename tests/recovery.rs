//! Clear server cache for real: the real program, real files and processes, stand-ins for VisualCron's programs;
//! killed at every write of its journal and at random moments, and with each of its system calls failing in turn.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};
use support::{Bus, Home, TIMEOUT, example, wait_for};

const OLD: &str = "<ArrayOfConnection><Connection><Name>PROD-01</Name><Address>prod-01</Address>\
                   <MaintenanceExpires>2026-12-06</MaintenanceExpires></Connection></ArrayOfConnection>";
const NEW: &str = "<ArrayOfConnection><Connection><Name>PROD-01</Name><Address>prod-01</Address>\
                   <MaintenanceExpires>2027-12-06</MaintenanceExpires></Connection></ArrayOfConnection>";

/// A user's VisualCron with a Client and a vendor's tray that run, and our tray.
struct World {
    home: Home,
    client_arguments: Vec<String>,
}

impl World {
    fn new(client_arguments: &[&str]) -> World {
        let home = Home::new();
        let program = home.join("program");
        fs::create_dir(&program).unwrap();
        for name in ["VisualCronClient", "VCTray"] {
            fs::copy(example("stand_in"), program.join(name)).unwrap();
        }
        home.write(
            ".config/visualcron-tray/settings.toml",
            format!(
                "[visualcron]\nclient_program = '{}'\n[license_host]\ncheck_on_refresh = false\n[connection]\ncheck = \"off\"\n",
                program.join("VisualCronClient").display()
            ),
        );
        home.write(FILE, OLD);
        fs::create_dir(home.join(".local/share/VisualCron/log")).unwrap();
        let file = home.join(FILE).display().to_string();
        let client_arguments = client_arguments.iter().map(|a| a.replace("FILE", &file)).collect();
        let world = World { home, client_arguments };
        let arguments: Vec<&str> = world.client_arguments.iter().map(String::as_str).collect();
        world.start("VisualCronClient", &arguments);
        world.start("VCTray", &["--quiet"]);
        world.start_tray();
        world
    }

    fn start(&self, name: &str, arguments: &[&str]) {
        detached(self.home.command_of(self.home.join("program").join(name)).args(arguments));
        wait_for(name, TIMEOUT, || (!self.processes(name).is_empty()).then_some(()));
    }

    fn start_tray(&self) {
        detached(self.home.command().arg("tray").arg("-v"));
        wait_for("our tray", TIMEOUT, || self.tray_answers().then_some(()));
    }

    fn tray_answers(&self) -> bool {
        UnixStream::connect(self.home.join(".local/share/visualcron-tray/tray.sock")).is_ok()
    }

    fn file(&self) -> PathBuf {
        self.home.join(FILE)
    }

    /// All journals, one after the other.
    fn journal(&self) -> String {
        let entries =
            fs::read_dir(self.home.join(".local/share/visualcron-tray/recovery")).into_iter().flatten();
        entries.flatten().filter_map(|entry| fs::read_to_string(entry.path()).ok()).collect()
    }

    /// The backups with their content.
    fn backups(&self) -> Vec<(PathBuf, String)> {
        let folder = self.file().parent().unwrap().to_path_buf();
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "bak"));
        paths.sort();
        paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
    }

    /// The arguments of the processes of this program.
    fn processes(&self, name: &str) -> Vec<Vec<String>> {
        let path = self.home.join("program").join(name);
        all_processes()
            .into_iter()
            .filter(|(_, exe, _)| *exe == path)
            .map(|(_, _, arguments)| arguments)
            .collect()
    }

    /// All three run, once each, as they ran.
    #[track_caller]
    fn all_run(&self, context: &str) {
        let until = Instant::now() + TIMEOUT;
        loop {
            let (client, vendor) = (self.processes("VisualCronClient"), self.processes("VCTray"));
            if client == [self.client_arguments.clone()] && vendor == [["--quiet"]] && self.tray_answers() {
                return;
            }
            let trays = || {
                let ours = |exe: &Path| exe == Path::new(env!("CARGO_BIN_EXE_visualcron-tray"));
                let here =
                    |pid: u32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|f| f == self.home.path());
                let all = all_processes().into_iter().filter(|(pid, exe, _)| ours(exe) && here(*pid));
                let log = fs::read_to_string(
                    self.home.join(".local/share/visualcron-tray/log/visualcron-tray.log"),
                );
                let log = log.unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(12).collect();
                format!("{:?}\n{}", all.collect::<Vec<_>>(), tail.join("\n"))
            };
            let history =
                || text(&self.recover(&["--history"]).stdout).lines().take(4).collect::<Vec<_>>().join("\n");
            assert!(
                Instant::now() < until,
                "{context}: not all run: {client:?} {vendor:?} {} {}\n{}",
                self.tray_answers(),
                trays(),
                history()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn recover(&self, arguments: &[&str]) -> Output {
        self.home.command().arg("recover").args(arguments).output().unwrap()
    }
}

const FILE: &str = ".local/share/VisualCron/settings/servers.xml";

impl Drop for World {
    fn drop(&mut self) {
        for (pid, exe, arguments) in all_processes() {
            let ours = exe == Path::new(env!("CARGO_BIN_EXE_visualcron-tray"))
                && (arguments.first().is_none_or(|verb| verb == "tray"))
                && fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == self.home.path());
            if ours || exe.starts_with(self.home.path()) {
                let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
            }
        }
    }
}

/// Process id, program, arguments; none that are dead.
fn all_processes() -> Vec<(u32, PathBuf, Vec<String>)> {
    let process = |entry: fs::DirEntry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let exe = fs::read_link(entry.path().join("exe")).ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok().filter(|line| !line.is_empty())?;
        let texts = line.strip_suffix(&[0])?.split(|byte| *byte == 0).skip(1);
        Some((pid, exe, texts.map(|text| String::from_utf8_lossy(text).into_owned()).collect()))
    };
    fs::read_dir("/proc").unwrap().flatten().filter_map(process).collect()
}

/// Starts a program that outlives whoever started it; its parent waits for it, as the system would.
fn detached(command: &mut Command) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::spawn(move || child.wait());
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_cache_is_cleared_and_everything_runs_again() {
    let world = World::new(&["--hold", "FILE", "--on-start", "FILE", NEW, "--late", "50"]);
    let done = world.recover(&["--yes"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    world.all_run("in the end");
    assert_eq!(fs::read_to_string(world.file()).unwrap(), NEW);
    let backups = world.backups();
    assert_eq!(backups.len(), 1);
    assert_eq!(backups[0].1, OLD);
    let report = text(&done.stdout);
    assert!(report.contains(&backups[0].0.display().to_string()), "{report}");
    assert!(report.contains("PROD-01: 2027-12-06 (was 2026-12-06)"), "{report}");
    let progress = text(&done.stderr);
    for step in [
        "[1/7] Close the VisualCron Client",
        "[3/7] Exit this Tray Client",
        "[7/7] Start the VisualCron Client",
    ] {
        assert!(progress.contains(step), "{progress}");
    }

    // Undo brings the old file back, and what was there becomes a backup.
    let undone = world.recover(&["--undo", "--yes", "--wait", "0"]);
    assert_eq!(undone.status.code(), Some(0), "{}", text(&undone.stderr));
    assert_eq!(fs::read_to_string(world.file()).unwrap(), OLD);
    assert_eq!(world.backups().into_iter().map(|(_, content)| content).collect::<Vec<_>>(), [NEW]);
    world.all_run("in the end");
    // And the undo can be undone; so can a backup be named.
    let name = world.backups()[0].0.file_name().unwrap().to_str().unwrap().to_string();
    assert_eq!(world.recover(&["--restore", &name, "--yes"]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(world.file()).unwrap(), NEW);
    assert_eq!(world.recover(&["--restore", "nonsense", "--yes"]).status.code(), Some(66));

    let told = text(&world.recover(&["--history"]).stdout);
    let outcomes: Vec<&str> =
        told.lines().filter_map(|line| line.split_once(" UTC  ")).map(|(_, how)| how).collect();
    let back = "The backup is back in place.";
    assert_eq!(outcomes, [back, back, "The server cache was cleared."], "{told}");
    let history: serde_json::Value =
        serde_json::from_slice(&world.recover(&["--history", "--json"]).stdout).unwrap();
    assert_eq!(history["history"].as_array().unwrap().len(), 3);
    assert_eq!(
        history["history"][2]["moves"][0]["sha256"].as_str().unwrap()[..8],
        backups[0].0.display().to_string()[backups[0].0.display().to_string().len() - 12..][..8]
    );
    assert!(text(&world.recover(&["--list"]).stdout).contains(".bak"));
    assert_eq!(world.recover(&["--status"]).status.code(), Some(0));
}

#[test]
fn a_client_that_refuses_to_close_is_left_alone_unless_it_may_be_ended() {
    let world = World::new(&["--deaf"]);
    let refused = world.recover(&["--yes", "--timeout", "1"]);
    assert_eq!(refused.status.code(), Some(75), "{}", text(&refused.stderr));
    assert!(text(&refused.stdout).contains("it did not close within 1 s"), "{}", text(&refused.stdout));
    assert_eq!(fs::read_to_string(world.file()).unwrap(), OLD);
    world.all_run("in the end");
    let forced = world.recover(&["--yes", "--timeout", "1", "--force-close", "--wait", "0"]);
    assert_eq!(forced.status.code(), Some(0), "{}", text(&forced.stderr));
    assert!(!world.file().exists());
    world.all_run("in the end");
}

#[test]
fn what_the_client_writes_when_it_closes_is_what_is_kept() {
    let world = World::new(&["--on-end", "FILE", "<Late/>"]);
    let done = world.recover(&["--yes", "--no-client"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    assert_eq!(world.backups()[0].1, "<Late/>");
    assert_eq!(world.processes("VisualCronClient"), Vec::<Vec<String>>::new());
    // Nothing is there any more: no error, and it is said how the programs are restarted all the same.
    for arguments in [&["--yes"][..], &[], &["--dry-run"]] {
        let nothing = world.recover(arguments);
        assert_eq!(nothing.status.code(), Some(0), "{}", text(&nothing.stderr));
        assert!(text(&nothing.stderr).contains("recover --restart-anyway"), "{}", text(&nothing.stderr));
    }
    let again = world.recover(&["--yes", "--restart-anyway", "--start-client", "--wait", "0"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert_eq!(world.processes("VisualCronClient").len(), 1);
    assert!(text(&again.stdout).starts_with("The programs were restarted"), "{}", text(&again.stdout));
}

#[test]
fn a_visualcron_folder_behind_a_link_is_the_same_folder() {
    let world = World::new(&["--hold", "FILE"]);
    let folder = world.home.join(".local/share/VisualCron");
    let link = world.home.join("link");
    symlink(&folder, &link).unwrap();
    let by_link = |arguments: &[&str]| {
        world.recover(&[arguments, &["--visualcron-dir", link.to_str().unwrap()]].concat())
    };
    // A program that is not closed holds it open: seen through the link too.
    let file = world.file().display().to_string();
    let mut holder = world.home.command_of(example("stand_in")).args(["--hold", &file]).spawn().unwrap();
    wait_for("the holder", TIMEOUT, || {
        fs::read_link(format!("/proc/{}/fd/3", holder.id()))
            .is_ok_and(|held| held == world.file())
            .then_some(())
    });
    let refused = by_link(&["--yes"]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(text(&refused.stderr).contains("another program holds it open"), "{}", text(&refused.stderr));
    let done = by_link(&["--yes", "--wait", "0"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    world.all_run("through the link");
    assert_eq!(world.backups()[0].1, OLD);
}

#[test]
fn what_must_not_be_touched_is_refused_and_everything_stays() {
    type Prepare = fn(&World);
    let refusals: [(&str, Prepare); 5] = [
        ("it is a server's settings folder", |w| {
            fs::write(w.file().with_file_name("Users.XML"), "").unwrap()
        }),
        ("it is a link to another place", |w| {
            fs::rename(w.file(), w.home.join("elsewhere.xml")).unwrap();
            symlink(w.home.join("elsewhere.xml"), w.file()).unwrap();
        }),
        ("it has several names (hard links)", |w| fs::hard_link(w.file(), w.home.join("second")).unwrap()),
        ("it is a link to another place", |w| {
            let folder = w.file().parent().unwrap().to_path_buf();
            fs::rename(&folder, w.home.join("moved")).unwrap();
            symlink(w.home.join("moved"), &folder).unwrap();
        }),
        ("another program holds it open", |w| {
            let file = w.file().display().to_string();
            detached(w.home.command_of(example("stand_in")).args(["--hold", &file]));
            wait_for("the holder", TIMEOUT, || {
                all_processes().iter().any(|(_, _, args)| args.contains(&file)).then_some(())
            });
        }),
    ];
    for (why, prepare) in refusals {
        let world = World::new(&[]);
        prepare(&world);
        let before = fs::read(world.file()).unwrap();
        for arguments in [&["--yes"][..], &["--dry-run"]] {
            let refused = world.recover(arguments);
            assert_eq!(refused.status.code(), Some(77), "{why}: {}", text(&refused.stderr));
            assert!(text(&refused.stderr).contains(why), "{}", text(&refused.stderr));
        }
        assert_eq!(fs::read(world.file()).unwrap(), before);
        assert_eq!(world.backups(), []);
        world.all_run("in the end");
        for (pid, exe, args) in all_processes() {
            if exe == example("stand_in")
                && args.iter().any(|a| a.starts_with(&*world.home.path().to_string_lossy()))
            {
                let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
            }
        }
    }
    let world = World::new(&[]);
    let nobody_asked = world.recover(&[]);
    assert_eq!(nobody_asked.status.code(), Some(64));
    assert!(text(&nobody_asked.stderr).contains("Give --yes"));
}

#[test]
fn canceled_everything_is_as_it_was() {
    let world = World::new(&["--deaf"]);
    let mut command = world.home.command();
    command.args(["recover", "--yes", "--timeout", "60"]);
    let mut running = world.home.spawn_command(command);
    running.wait_for_stderr("has 5", TIMEOUT);
    let status = world.recover(&["--status", "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(
        (status["state"].as_str(), status["steps"][0]["state"].as_str()),
        (Some("running"), Some("begun"))
    );
    assert_eq!(world.recover(&["--yes"]).status.code(), Some(69), "two at once");
    let _ = Command::new("kill").args(["-INT", &running.id().to_string()]).status();
    assert_eq!(running.wait_for_exit(TIMEOUT).code(), Some(75));
    assert_eq!(fs::read_to_string(world.file()).unwrap(), OLD);
    world.all_run("in the end");
}

#[test]
fn a_tray_that_still_runs_tells_that_one_is_under_way_and_that_it_was_cut_off() {
    let world = World::new(&["--deaf"]);
    assert_eq!(world.home.run(&["exit"]).status.code(), Some(0));
    let bus = Bus::start();
    let (watcher, notifications) = (bus.watcher(), bus.notifications(&["actions"]));
    let _tray = world.home.spawn(&bus, &["tray"]);
    let item = watcher.wait_for_item(TIMEOUT);
    item.wait_for_menu(TIMEOUT, |menu| menu.find(&["Clear server cache…"]).is_some());
    let mut command = world.home.command();
    command.args(["recover", "--yes", "--timeout", "300"]);
    let mut running = world.home.spawn_command(command);
    running.wait_for_stderr("s left", TIMEOUT);
    item.wait_for_menu(TIMEOUT, |menu| menu.find(&["Clearing server cache…"]).is_some());
    let _ = Command::new("kill").args(["-KILL", &running.id().to_string()]).status();
    running.wait_for_exit(TIMEOUT);
    let until = Instant::now() + TIMEOUT;
    let bubble = loop {
        let bubble = notifications.wait_for_next(TIMEOUT);
        if bubble.summary == "Clear server cache was interrupted" {
            break bubble;
        }
        assert!(Instant::now() < until);
    };
    assert_eq!(bubble.buttons(), ["Resume", "Roll back"]);
    item.wait_for_menu(TIMEOUT, |menu| {
        menu.find(&["Clear server cache was interrupted", "Resume"]).is_some()
            && menu.find(&["Clear server cache…"]).is_some()
    });
    // Decided on elsewhere: its buttons would do nothing.
    assert_eq!(world.recover(&["--keep"]).status.code(), Some(0));
    notifications.wait_until_taken_back(bubble.id, TIMEOUT);
    assert_eq!(notifications.wait_for_next(TIMEOUT).summary, "Clear server cache has ended");
}

/// What must hold after any interruption and whatever was decided then.
#[track_caller]
fn nothing_is_lost(world: &World, context: &str) {
    let backups = world.backups();
    let everywhere: Vec<String> = backups
        .iter()
        .map(|(_, content)| content.clone())
        .chain(fs::read_to_string(world.file()).ok())
        .collect();
    assert_eq!(everywhere, [OLD], "{context}: in exactly one place: {backups:?}");
    world.all_run(context);
    assert_eq!(world.recover(&["--status"]).status.code(), Some(0), "{context}: nothing is left open");
}

/// Brings the world back to how it began.
fn again(world: &World) {
    if let Some((backup, _)) = world.backups().first() {
        fs::rename(backup, world.file()).unwrap();
    }
}

/// Runs a recovery under strace, which strikes at the system call that is named.
fn struck(world: &World, calls: &str, strike: &str, arguments: &[&str]) -> Output {
    let mut command = world.home.command_of("strace");
    command.args([
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &format!("trace={calls}"),
        "-e",
        &format!("inject={calls}:{strike}"),
    ]);
    command.arg(env!("CARGO_BIN_EXE_visualcron-tray")).arg("recover").args(arguments).output().unwrap()
}

#[test]
fn killed_at_every_write_of_its_journal_and_again_in_what_follows() {
    let world = World::new(&[]);
    let (mut kills, mut kills_after) = (0, 0);
    for nth in 1..200 {
        let strike = format!("signal=SIGKILL:when={nth}");
        let first = struck(&world, "fsync", &strike, &["--yes", "--wait", "0"]);
        if first.status.code() == Some(0) {
            // There were fewer writes: it went through.
            nothing_is_lost(&world, "not killed");
            assert!(nth > 15, "{nth}");
            break;
        }
        kills += 1;
        let decision = ["--resume", "--rollback"][nth % 2];
        for second in 1..=3 {
            let strike = format!("signal=SIGKILL:when={second}");
            kills_after += usize::from(
                struck(&world, "fsync", &strike, &[decision, "--wait", "0"]).status.code().is_none(),
            );
        }
        let last = world.recover(&[decision, "--wait", "0"]);
        assert!(matches!(last.status.code(), Some(0 | 75)), "{nth} {decision}: {}", text(&last.stderr));
        nothing_is_lost(&world, &format!("killed at write {nth}, {decision}"));
        again(&world);
    }
    println!("killed {kills} times in a recovery and {kills_after} times in what followed; lost: 0");
    assert!(kills > 15 && kills_after > 15, "{kills} {kills_after}");
}

/// `RECOVERY_KILLS` says how many times; 40 where nothing is said.
#[test]
fn killed_at_random_moments() {
    let kills: u32 = std::env::var("RECOVERY_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let world = World::new(&["--late", "30"]);
    let took = {
        let began = Instant::now();
        assert_eq!(world.recover(&["--yes", "--wait", "0"]).status.code(), Some(0));
        nothing_is_lost(&world, "calm");
        again(&world);
        began.elapsed()
    };
    let (mut hit, mut seed) = (0, u64::from(std::process::id()));
    let mut random = |below: u128| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_nanos(((u128::from(seed >> 33) * below) >> 31) as u64)
    };
    for n in 0..kills {
        let mut arguments = vec!["--yes", "--wait", "0"];
        for _ in 0..2 {
            let mut command = world.home.command();
            command.arg("recover").args(&arguments).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            std::thread::sleep(random(took.as_nanos()));
            let _ = child.kill();
            hit += u32::from(child.wait().unwrap().code().is_none());
            arguments = vec![["--resume", "--rollback"][n as usize % 2], "--wait", "0"];
        }
        let last = world.recover(&arguments);
        assert!(matches!(last.status.code(), Some(0 | 75)), "{n}: {}", text(&last.stderr));
        nothing_is_lost(&world, &format!("random kill {n}"));
        again(&world);
    }
    println!("killed {hit} times in {} recoveries; lost: 0", kills);
    // Of two for each; fewer meet a run where the machine was busy when the calm one was timed.
    assert!(hit > kills / 8);
}

/// System calls that matter fail once, in the ways that disks and systems know; with `RECOVERY_ALL_FAULTS` each call
/// in each way.
#[test]
fn each_system_call_fails_once() {
    let world = World::new(&[]);
    let mut outcomes = std::collections::BTreeMap::<Option<i32>, usize>::new();
    let errors = ["ENOSPC", "EACCES", "EBUSY", "EIO"];
    let whole = std::env::var_os("RECOVERY_ALL_FAULTS").is_some();
    for (call, most) in
        [("renameat2", 3), ("fsync", 24), ("ftruncate", 20), ("kill", 6), ("openat", 120), ("write", 60)]
    {
        let step = if whole { 1 } else { most / 6 + 1 };
        for (nth, error) in (1..=most).step_by(step).zip(errors.iter().cycle()) {
            for error in if whole { &errors[..] } else { std::slice::from_ref(error) } {
                let ended =
                    struck(&world, call, &format!("error={error}:when={nth}"), &["--yes", "--wait", "0"]);
                let context = format!("{call} {error} {nth}: {}{}", text(&ended.stdout), text(&ended.stderr));
                let code = ended.status.code();
                *outcomes.entry(code).or_default() += 1;
                assert!(code.is_some() && code != Some(101), "{context}");
                // What could not even be finished is finished by the next.
                let last = world.recover(&["--rollback", "--wait", "0"]);
                assert!(matches!(last.status.code(), Some(0 | 75)), "{context}: {}", text(&last.stderr));
                nothing_is_lost(&world, &context);
                again(&world);
            }
        }
    }
    println!("exit codes with one call failing each: {outcomes:?}; lost: 0");
    assert!(outcomes.get(&Some(75)).is_some_and(|taken_back| *taken_back > 3), "{outcomes:?}");
}

/// The disk that holds everything is filled for real in the middle: it is a small tmpfs in a mount namespace of its own, which goes with this test. Skipped where the system does not let us mount.
#[test]
fn a_disk_that_fills_up_in_the_middle() {
    const NAME: &str = "a_disk_that_fills_up_in_the_middle";
    let Some(disk) = std::env::var_os("RECOVERY_DISK").map(PathBuf::from) else {
        let disk = tempfile::tempdir().unwrap();
        let mount = "mount -t tmpfs -o size=24m,mode=700 tmpfs \"$RECOVERY_DISK\" || exit 99; exec \"$@\"";
        let inner = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", mount, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env("RECOVERY_DISK", disk.path())
            .env("TMPDIR", disk.path())
            .output();
        match inner {
            Ok(inner) if inner.status.success() => print!("{}", text(&inner.stdout)),
            Ok(inner) if inner.status.code() == Some(101) => {
                panic!("{}{}", text(&inner.stdout), text(&inner.stderr));
            }
            Ok(inner) => println!("skipped: nothing can be mounted here: {}", text(&inner.stderr).trim()),
            Err(error) => println!("skipped: unshare cannot be run: {error}"),
        }
        return;
    };
    let filler = disk.join("filler");
    let mut outcomes = std::collections::BTreeMap::<Option<i32>, usize>::new();
    let mut in_a_record = 0;
    // The page that the journal has begun has room for some more: how many records, depends on how long the plan is.
    for padding in (0..4096).step_by(300) {
        let world = World::new(&["--late", "1000", &"x".repeat(padding)]);
        // Its output goes into a pipe: a file would be on the full disk.
        let mut command = world.home.command();
        command.args(["recover", "--yes", "--wait", "0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let running = command.spawn().unwrap();
        wait_for("the first step", TIMEOUT, || world.journal().contains(r#""begins""#).then_some(()));
        fill(&filler);
        let ended = running.wait_with_output().unwrap();
        let (code, said) = (ended.status.code(), text(&ended.stderr) + &text(&ended.stdout));
        *outcomes.entry(code).or_default() += 1;
        assert!(matches!(code, Some(0 | 75 | 76)), "{padding}: {code:?} {said}");
        if code != Some(0) {
            let journals = world.home.join(".local/share/visualcron-tray/recovery").display().to_string();
            let why = ["No space left on device", "there is no room for the journal"];
            assert!(why.iter().any(|why| said.contains(why)), "{padding}: {said}");
            assert!(said.contains(&journals) && said.contains("Free some space"), "{padding}: {said}");
            in_a_record += usize::from(said.contains("cannot be recorded"));
        }
        world.all_run(&format!("{padding}: still full"));
        // A full disk refuses the next one before anything is changed.
        let next = world.recover(&["--yes", "--wait", "0"]);
        assert_ne!(next.status.code(), Some(0), "{}", text(&next.stderr));
        fs::remove_file(&filler).unwrap();
        let last = world.recover(&["--rollback", "--wait", "0"]);
        assert!(matches!(last.status.code(), Some(0 | 75)), "{}", text(&last.stderr));
        nothing_is_lost(&world, &format!("{padding}: after a full disk"));
    }
    println!("exit codes with a full disk: {outcomes:?}, {in_a_record} times in a record; lost: 0");
    assert!(outcomes.keys().all(|code| *code != Some(0)) && in_a_record > 1, "{outcomes:?} {in_a_record}");
}

/// Fills the disk.
fn fill(filler: &Path) {
    use std::io::Write;
    let mut file = fs::File::create(filler).unwrap();
    while file.write_all(&[b'x'; 4096]).is_ok() {}
}

#[test]
fn an_interrupted_one_is_offered_by_whatever_starts_next() {
    let world = World::new(&[]);
    // In the middle: all are closed, and servers.xml is set aside.
    struck(&world, "fsync", "signal=SIGKILL:when=14", &["--yes", "--wait", "0"]);
    assert!(!world.file().exists() && !world.tray_answers());
    let status = world.home.run(&["status"]);
    assert!(text(&status.stderr).contains("Clear server cache was interrupted"), "{}", text(&status.stderr));
    assert!(text(&status.stdout).contains("2026-12-06"), "the date is known all the same");
    assert_eq!(world.recover(&["--yes"]).status.code(), Some(69), "not before the first has ended");
    assert_eq!(world.recover(&["--status"]).status.code(), Some(76));

    let bus = Bus::start();
    let watcher = bus.watcher();
    // A server that shows no buttons.
    let notifications = bus.notifications(&[]);
    let _tray = world.home.spawn(&bus, &["tray"]);
    let item = watcher.wait_for_item(TIMEOUT);
    let told = notifications.wait_for_next(TIMEOUT);
    assert_eq!(told.summary, "Clear server cache was interrupted");
    item.wait_for_menu(TIMEOUT, |menu| {
        menu.find(&["Clear server cache was interrupted", "Resume"]).is_some()
    });
    item.click(&["Clear server cache was interrupted", "Roll back"]);
    notifications.wait_until_taken_back(told.id, TIMEOUT);
    let bubble = notifications.wait_for_next(TIMEOUT);
    assert_eq!(bubble.summary, "Clear server cache has ended");
    assert!(bubble.body.starts_with("Everything is as it was."), "{}", bubble.body);
    nothing_is_lost(&world, "rolled back from the menu");
    let entry = |label: &&str| label.starts_with("Clear server cache: Everything is as it was");
    let menu = item.wait_for_menu(TIMEOUT, |menu| menu.labels().iter().any(entry));
    let label = menu.labels().into_iter().find(entry).unwrap().to_string();
    item.click(&[&label]);
    item.wait_for_menu(TIMEOUT, |menu| !menu.labels().iter().any(entry));
}
