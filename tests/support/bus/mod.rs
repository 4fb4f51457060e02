//! A session bus of its own for each test, and the parts of a desktop that live on it.

mod menu;
mod notifications;
mod tray;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zbus::blocking::{Connection, connection, fdo::DBusProxy};
use zbus::zvariant::OwnedValue;

use super::{TIMEOUT, wait_for};

pub use menu::MenuTree;
pub use notifications::{Bubble, Notifications};
pub use tray::{Calls, Icon, Item, Watcher};

/// Without service folders: on the stock session bus a call to `org.freedesktop.Notifications` would start
/// whatever server the developer has installed, and "no notification server" could not be tested.
const CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=@DIR@</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A private `dbus-daemon`, with nothing on it until the test asks. It ends when dropped.
pub struct Bus {
    daemon: Child,
    address: String,
    _dir: TempDir,
}

impl Bus {
    /// Starts a bus without a tray host and without a notification server.
    pub fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("vct-bus").tempdir().unwrap();
        let config = dir.path().join("bus.conf");
        std::fs::write(&config, CONFIG.replace("@DIR@", dir.path().to_str().unwrap())).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null()) // It complains of limits that it may not raise; the bus works.
            .spawn()
            .expect("dbus-daemon (Debian: apt install dbus-daemon)");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        assert!(!address.is_empty(), "dbus-daemon said no address");
        Self { daemon, address, _dir: dir }
    }

    /// The value for `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A panel: a tray host that shows icons. Dropping it is the panel's end; call again for its restart.
    pub fn watcher(&self) -> Watcher {
        Watcher::start(self, true)
    }

    /// A watcher without a host, as where a desktop offers the service but no place to show icons.
    pub fn watcher_without_host(&self) -> Watcher {
        Watcher::start(self, false)
    }

    /// A notification server with these capabilities ("actions", "body", "body-markup", …).
    pub fn notifications(&self, capabilities: &[&str]) -> Notifications {
        Notifications::start(self, capabilities)
    }

    /// A connection of its own.
    pub(super) fn connect(&self) -> Connection {
        self.builder().build().unwrap()
    }

    /// Waits until the tray program with this process id looks out for a panel to come.
    ///
    /// ksni registers first and asks for the watcher's comings and goings after that: a panel that starts
    /// between the two is missed for good. A test of a late panel is not about that moment.
    pub fn wait_until_tray_looks_for_panel(&self, pid: u32) {
        let name = format!("org.kde.StatusNotifierItem-{pid}-1");
        wait_for("the tray program on the bus", TIMEOUT, || self.has_owner(&name).then_some(()));
        // Two rules are about its own name, the third is this one.
        match wait_until_listens(&self.connect(), &name, 3, TIMEOUT) {
            Listens::Already | Listens::Late => {}
            Listens::Never => panic!("{name} does not look out for a panel"),
            Listens::Unknown => std::thread::sleep(Duration::from_millis(100)),
        }
    }

    fn builder(&self) -> connection::Builder<'_> {
        connection::Builder::address(self.address.as_str()).unwrap()
    }

    /// Whether somebody owns the name.
    pub fn has_owner(&self, name: &str) -> bool {
        DBusProxy::new(&self.connect()).unwrap().name_has_owner(name.try_into().unwrap()).unwrap()
    }
}

/// Whether a program has asked the bus for signals.
#[derive(PartialEq)]
enum Listens {
    Already,
    Late,
    Never,
    /// The bus was built without its statistics. Debian's has them.
    Unknown,
}

/// Waits until the connection with this name has given the bus so many match rules.
fn wait_until_listens(connection: &Connection, name: &str, wanted: u32, patience: Duration) -> Listens {
    let rules = || -> Option<u32> {
        let stats = Some("org.freedesktop.DBus.Debug.Stats");
        let (bus, path) = (Some("org.freedesktop.DBus"), "/org/freedesktop/DBus");
        let reply = connection.call_method(bus, path, stats, "GetConnectionStats", &name).ok()?;
        let mut stats: HashMap<String, OwnedValue> = reply.body().deserialize().ok()?;
        stats.remove("MatchRules")?.try_into().ok()
    };
    let start = Instant::now();
    let mut answer = Listens::Already;
    loop {
        match rules() {
            None => return Listens::Unknown,
            Some(rules) if rules >= wanted => return answer,
            Some(_) if start.elapsed() > patience => return Listens::Never,
            Some(_) => answer = Listens::Late,
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
