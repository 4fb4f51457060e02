//! One tray a user, and who may talk to it: real processes without a desktop, and files planted in their way.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    fs::{self, File, Permissions},
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown, symlink},
        net::{UnixListener, UnixStream},
        process::CommandExt,
    },
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use support::{Home, Running, TIMEOUT, wait_for};

/// `nobody`, in tests that only the superuser can run: what they need is another user.
const NOBODY: u32 = 65534;

/// A home with settings that ask nobody, and a data folder of its own.
fn home() -> Home {
    let home = Home::new();
    home.write(
        ".config/visualcron-tray/settings.toml",
        "[license_host]\ncheck_on_refresh = false\n[connection]\ncheck = \"off\"\n",
    );
    fs::create_dir(home.join("data")).unwrap();
    set_mode(&home.join("data"), 0o700);
    home
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// Starts a tray without a desktop, and waits until it listens.
fn start(home: &Home) -> Running {
    started(home, home.command())
}

fn started(home: &Home, mut command: Command) -> Running {
    command.args(["--data-dir", "data"]);
    let tray = home.spawn_command(command);
    wait_for("the socket", TIMEOUT, || UnixStream::connect(home.join("data/tray.sock")).ok());
    tray
}

/// What a command prints on standard error, and its exit code.
fn run(home: &Home, args: &[&str]) -> (String, i32) {
    let mut command = home.command();
    command.args(["--data-dir", "data"]).args(args);
    outcome(home, command)
}

fn outcome(home: &Home, command: Command) -> (String, i32) {
    let mut running = home.spawn_command(command);
    let code = running.wait_for_exit(TIMEOUT).code().unwrap();
    (running.stderr(), code)
}

#[test]
fn exit_ends_the_tray_whatever_it_looks_at_and_waits_for_its_end() {
    let home = home();
    for round in 0..25 {
        let mut tray = start(&home);
        let elsewhere = ["--visualcron-dir", "elsewhere", "--config", "elsewhere.toml", "exit"];
        let args = if round % 2 == 0 { &elsewhere[4..] } else { &elsewhere };
        assert_eq!(run(&home, args), ("The tray has ended.\n".into(), 0), "round {round}");
        File::open(home.join("data/tray.lock")).unwrap().try_lock().unwrap();
        assert!(tray.wait_for_exit(TIMEOUT).success());
    }
    assert_eq!(run(&home, &["exit"]), ("No tray is running.\n".into(), 0));
}

#[test]
fn a_pretended_time_has_a_tray_of_its_own() {
    let home = home();
    let data = ".local/share/visualcron-tray";
    let spawn = |args: &[&str], socket: &str| {
        let mut command = home.command();
        command.args(args);
        let tray = home.spawn_command(command);
        wait_for("the socket", TIMEOUT, || UnixStream::connect(home.join(data).join(socket)).ok());
        tray
    };
    let later = ["--now", "2031-05-05"];
    let mut pretended = spawn(&later, "pretended-tray.sock");
    let mut real = spawn(&[], "tray.sock");
    let says = |args: &[&str]| {
        let mut command = home.command();
        command.args(args);
        outcome(&home, command)
    };
    let second = "The tray is already running; it shows itself.\n";
    assert_eq!(says(&later), (second.into(), 0));
    assert_eq!(says(&[]), (second.into(), 0));
    assert_eq!(says(&["exit"]), ("The tray has ended.\n".into(), 0));
    assert!(real.wait_for_exit(TIMEOUT).success());
    assert_eq!(says(&["exit"]), ("No tray is running.\n".into(), 0));
    // Questions of the present are not answered with another time.
    let status = home.command().args(["status", "--json"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&status.stdout).contains("2031"));
    assert_eq!(says(&["--now", "2031-05-05", "exit"]), ("The tray has ended.\n".into(), 0));
    assert!(pretended.wait_for_exit(TIMEOUT).success());
}

#[test]
fn guests_who_never_finish_their_question_are_shown_out() {
    let home = home();
    let mut tray = start(&home);
    // As many as are let in, each with a byte a second: every read is answered in time, no question ever ends.
    for _ in 0..16 {
        let mut guest = UnixStream::connect(home.join("data/tray.sock")).unwrap();
        std::thread::spawn(move || {
            while guest.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_secs(1));
            }
        });
    }
    let began = Instant::now();
    assert_eq!(run(&home, &["exit"]), ("The tray has ended.\n".into(), 0));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(tray.wait_for_exit(TIMEOUT).success());
}

#[test]
fn a_tray_that_does_not_answer_is_told_from_none() {
    let home = home();
    let mut tray = start(&home);
    let signal = |name: &str| Command::new("kill").args([name, &tray.id().to_string()]).status().unwrap();
    assert!(signal("-STOP").success());
    let began = Instant::now();
    let (said, code) = run(&home, &["status"]);
    let end =
        format!("5 s have passed. Exit it from its menu, or end its process {}, and try again.\n", tray.id());
    assert!(said.starts_with("The running tray did not answer: ") && said.ends_with(&end), "{said}");
    assert_eq!(code, 3, "what the files say");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let (said, code) = run(&home, &["exit"]);
    assert!(said.starts_with("The running tray did not answer: "), "{said}");
    assert_eq!(code, 69);
    // What it was asked to do it does all the same, once it can.
    assert!(signal("-CONT").success());
    assert!(tray.wait_for_exit(TIMEOUT).success());
}

#[test]
fn a_tray_that_does_not_listen_is_told_from_none() {
    let home = home();
    let lock = File::create(home.join("data/tray.lock")).unwrap();
    lock.lock().unwrap();
    let (said, code) = run(&home, &["exit"]);
    assert!(said.starts_with("A tray is running, but does not answer: "), "{said}");
    assert_eq!(code, 69);
}

#[test]
fn nothing_of_ours_is_open_to_others_whatever_the_umask() {
    let home = home();
    fs::remove_dir(home.join("data")).unwrap();
    let mut command = home.command_of("sh");
    command.args(["-c", "umask 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_visualcron-tray")]);
    let _tray = started(&home, command);
    wait_for("the state", TIMEOUT, || home.join("data/state.json").exists().then_some(()));
    wait_for("the log", TIMEOUT, || home.join("data/log/visualcron-tray.log").exists().then_some(()));
    let mut folders = vec![home.join("data")];
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => folders.push(entry),
                false => assert_eq!(mode(&entry), 0o600, "{}", entry.display()),
            }
        }
    }
}

#[test]
fn a_data_folder_in_which_others_can_write_is_refused() {
    let home = home();
    set_mode(&home.join("data"), 0o777);
    let place = home.join("data").display().to_string();
    for verb in ["tray", "exit", "status", "refresh"] {
        let (said, code) = run(&home, &[verb]);
        let start = format!("Cannot use the data folder: {place}: other users can write in it");
        assert!(said.starts_with(&start), "{verb}: {said}");
        assert!(said.contains(&format!("chmod go-w '{place}'")), "{verb}: {said}");
        assert_eq!(code, 77, "{verb}");
    }
    assert_eq!(fs::read_dir(home.join("data")).unwrap().count(), 0);
    // The usual folder is made private; one that was named may be there for others to read.
    let usual = home.join(".local/share/visualcron-tray");
    fs::create_dir(&usual).unwrap();
    set_mode(&usual, 0o755);
    set_mode(&home.join("data"), 0o755);
    assert_eq!(run(&home, &["exit"]).1, 0);
    assert_eq!(home.run(&["exit"]).status.code(), Some(0));
    assert_eq!((mode(&usual), mode(&home.join("data"))), (0o700, 0o755));
}

#[test]
fn planted_links_and_pipes_are_refused_at_once_and_lead_nowhere() {
    let home = home();
    let precious = home.write("precious", "precious");
    fs::create_dir(home.join("data/log")).unwrap();
    for name in [
        "tray.lock",
        "tray.sock",
        "state.json",
        "settings.last-good-0a1b2c3d.toml",
        "log/visualcron-tray.log",
    ] {
        let path = home.join("data").join(name);
        symlink(&precious, &path).unwrap();
        let (said, code) = run(&home, &["tray"]);
        assert!(said.starts_with(&format!("Cannot use the data folder: {}: ", path.display())), "{said}");
        assert_eq!(code, 77, "{name}");
        fs::remove_file(&path).unwrap();
        // A pipe would be waited for, without end.
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert_eq!(run(&home, &["tray"]).1, 77, "{name}");
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(fs::read(&precious).unwrap(), b"precious");
}

/// A home of another user's, with a copy of the product that this user can run. `None` but for the superuser.
fn home_of_nobody() -> Option<Home> {
    let home = home();
    fs::copy(env!("CARGO_BIN_EXE_visualcron-tray"), home.join("bin/tray")).unwrap();
    let mut all = vec![home.path().to_path_buf()];
    while let Some(path) = all.pop() {
        chown(&path, Some(NOBODY), Some(NOBODY)).ok()?;
        if path.is_dir() {
            all.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    Some(home)
}

fn as_nobody(home: &Home) -> Command {
    let mut command = home.command_of(home.join("bin/tray"));
    command.uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn the_tray_answers_nobody_but_its_user() {
    let Some(home) = home_of_nobody() else { return };
    let mut tray = started(&home, as_nobody(&home));
    assert_eq!(fs::metadata(home.join("data/tray.sock")).unwrap().uid(), NOBODY);
    let mut stream = UnixStream::connect(home.join("data/tray.sock")).unwrap();
    let _ = stream.write_all(b"{}\n");
    let mut answer = String::new();
    let _ = BufReader::new(stream).read_line(&mut answer);
    assert_eq!(answer, "", "nonsense of its own user would be answered");
    let (said, code) = run(&home, &["exit"]);
    assert!(said.contains("it belongs to another user"), "{said}");
    assert_eq!(code, 77);
    assert!(tray.is_running());
    let mut exit = as_nobody(&home);
    exit.args(["--data-dir", "data", "exit"]);
    assert_eq!(outcome(&home, exit), ("The tray has ended.\n".into(), 0));
    assert!(tray.wait_for_exit(TIMEOUT).success());
}

#[test]
fn nobody_but_the_tray_of_the_user_is_believed() {
    let Some(home) = home_of_nobody() else { return };
    let planted = home.join("data/tray.sock");
    let listener = UnixListener::bind(&planted).unwrap();
    chown(&planted, Some(NOBODY), Some(NOBODY)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(b"{\"reply\":\"done\",\"faults\":[]}\n");
        }
    });
    let mut exit = as_nobody(&home);
    exit.args(["--data-dir", "data", "exit"]);
    let (said, code) = outcome(&home, exit);
    assert!(said.contains("a process of another user listens there"), "{said}");
    assert_eq!(code, 77);
}

#[test]
fn a_data_folder_that_cannot_be_written_is_the_reason_given() {
    // Whoever may do everything finds no folder read-only.
    let Some(home) = home_of_nobody() else { return };
    let say = |args: &[&str]| {
        let mut command = as_nobody(&home);
        command.args(["--data-dir", "data"]).args(args);
        outcome(&home, command)
    };
    assert_eq!(say(&["settings", "set", "server.A.maintenance_until", "2026-01-31"]), (String::new(), 0));
    assert_eq!(say(&["refresh"]).1, 0);
    fs::remove_file(home.join("data/tray.lock")).unwrap();
    set_mode(&home.join("data"), 0o500);
    let (said, code) = say(&["notices", "--got-it"]);
    let (exited, exit_code) = say(&["exit"]);
    set_mode(&home.join("data"), 0o700);
    assert_eq!((exited.as_str(), exit_code), ("No tray is running.\n", 0));
    let lock = home.join("data/tray.lock").display().to_string();
    assert!(said.starts_with(&format!("Nothing can be kept: {lock}: Permission denied")), "{said}");
    assert_eq!(code, 77);
}
