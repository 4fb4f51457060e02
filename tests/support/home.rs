//! A home in which a program sees nothing of the machine that it runs on, and a guard for what runs there.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;

#[cfg(target_os = "linux")]
use super::Bus;
use super::wait_for;

/// The path of an example's binary. Cargo builds examples with `cargo test`, though not with
/// `cargo test --test NAME`.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).unwrap();
    let path = target.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.exists(), "{} is missing: run `cargo build --example {name}`", path.display());
    path
}

/// A home of its own, removed when dropped.
pub struct Home {
    dir: TempDir,
    runs: AtomicUsize,
}

impl Home {
    pub fn new() -> Self {
        // A data folder in which a group can write is refused: not so by the umask of whoever runs the tests.
        #[cfg(unix)]
        rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
        let dir = tempfile::Builder::new().prefix("vct-home").tempdir().unwrap();
        for sub in [".config", ".local/share", ".local/state", ".cache", "run", "bin"] {
            fs::create_dir_all(dir.path().join(sub)).unwrap();
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(dir.path().join("run"), fs::Permissions::from_mode(0o700)).unwrap();
        }
        Self { dir, runs: AtomicUsize::new(0) }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A path below the home.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path().join(path)
    }

    /// Writes a file below the home and the folders on the way to it.
    pub fn write(&self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// The product, in this home: no desktop, no session bus, Berlin time, plain locale.
    pub fn command(&self) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_visualcron-tray"))
    }

    /// Any other program in this home.
    pub fn command_of(&self, program: impl AsRef<OsStr>) -> Command {
        let mut path = vec![self.join("bin")];
        path.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("HOME", self.path())
            .env("XDG_CONFIG_HOME", self.join(".config"))
            .env("XDG_DATA_HOME", self.join(".local/share"))
            .env("XDG_STATE_HOME", self.join(".local/state"))
            .env("XDG_CACHE_HOME", self.join(".cache"))
            .env("XDG_RUNTIME_DIR", self.join("run"))
            .env("XDG_CONFIG_DIRS", self.join(".config"))
            .env("XDG_DATA_DIRS", self.join(".local/share"))
            .env("VISUALCRON_TRAY_MACHINE_SETTINGS", self.join("machine.toml"))
            // No test listens to the machine that it runs on.
            .env("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={}", self.join("no-system-bus").display()))
            .env("TZ", "Europe/Berlin")
            .env("LANG", "C.UTF-8")
            .current_dir(self.path())
            .stdin(Stdio::null());
        // What opens things needs a desktop to open them on.
        if self.join("bin/xdg-open").exists() {
            command.env("DISPLAY", ":stand-in");
        }
        // Without these Windows cannot even open a socket.
        for name in ["SystemRoot", "SystemDrive", "windir"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        #[cfg(windows)]
        for name in ["USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP"] {
            command.env(name, self.path());
        }
        command
    }

    /// Runs the product to its end.
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Output {
        self.command().args(args).output().unwrap()
    }

    /// Starts the product on a session bus.
    #[cfg(target_os = "linux")]
    pub fn spawn<S: AsRef<OsStr>>(&self, bus: &Bus, args: &[S]) -> Running {
        let mut command = self.command();
        command.args(args).env("DBUS_SESSION_BUS_ADDRESS", bus.address());
        self.spawn_command(command)
    }

    /// Starts a command that [`Home::command`] or [`Home::command_of`] made.
    pub fn spawn_command(&self, mut command: Command) -> Running {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let log = |stream: &str| self.join(format!("run-{run}.{stream}"));
        let (out, err) = (log("stdout"), log("stderr"));
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Running { child, out, err }
    }

    /// Puts a stand-in for another program first in the path: it opens nothing and writes its arguments, one
    /// line each call. Returns the file that they land in. `xdg-open` is how folders and pages get opened.
    #[cfg(unix)]
    pub fn stand_in(&self, program: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let log = self.join(format!("{program}.log"));
        let script = format!("#!/bin/sh\nprintf '%s\\n' \"$*\" >> '{}'\n", log.display());
        let path = self.write(Path::new("bin").join(program), script);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        log
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

/// A program that runs. It is killed when dropped; if the test fails, it shows what the program said.
pub struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard output until now.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.out).unwrap()).into_owned()
    }

    /// What it wrote to standard error until now.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.err).unwrap()).into_owned()
    }

    /// Waits until a text stands in its standard error.
    #[track_caller]
    pub fn wait_for_stderr(&self, text: &str, timeout: Duration) {
        wait_for(&format!("{text:?} on stderr"), timeout, || self.stderr().contains(text).then_some(()));
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it the hard way, as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its own end.
    #[track_caller]
    pub fn wait_for_exit(&mut self, timeout: Duration) -> ExitStatus {
        wait_for("the program's end", timeout, || self.child.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- stdout of the program ---\n{}", self.stdout());
            eprintln!("--- stderr of the program ---\n{}", self.stderr());
        }
    }
}
