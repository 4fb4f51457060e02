//! The demo world, a simulation: a VisualCron user folder with five servers in different states, a server's
//! folder, and a stand-in Client program, all in a temporary folder that goes with it. The shape of its
//! servers.xml is inferred, as is all that we know of that file.

use super::{
    audit::{Audit, To},
    desk::Rates,
    keys::Keys,
    server::{Bounds, Host, Options},
    tls::Pem,
};
use crate::{
    domain::Problem,
    platform::clock::Clock,
    store::{
        atomic,
        validations::{How, Validations},
    },
};
use jiff::{ToSpan, civil::Date};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// The demo world. Everything is removed when it is dropped.
pub struct World {
    folder: tempfile::TempDir,
    /// Stands for the server PROD-01: its port answers while the world lasts.
    _server: TcpListener,
}

const CLIENT: &str = if cfg!(windows) { "VisualCronClient.exe" } else { "VisualCronClient" };
/// Marks the folder of a stand-in Client.
const MARK: &str = "this-is-a-demo.txt";
/// What the stand-in Client knows of the servers: PROD-01 was renewed.
const RENEWED: &str = "servers.renewed.xml";

impl World {
    /// Makes the world as of `today`.
    pub fn make(today: Date) -> Result<World, Problem> {
        let place = std::env::temp_dir();
        let failed = |error: std::io::Error| {
            Problem::io("Cannot make the demo world", &place, &error, "Check the folder for temporary files.")
        };
        let folder = tempfile::Builder::new().prefix("visualcron-tray-demo-").tempdir().map_err(failed)?;
        let server = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
        let port = server.local_addr().map_err(failed)?.port();
        let world = World { folder, _server: server };
        world.fill(today, port).map_err(failed)?;
        Ok(world)
    }

    /// The folder of it all.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The user's VisualCron folder.
    pub fn visualcron(&self) -> PathBuf {
        self.folder().join("VisualCron")
    }

    /// The settings file of the tray.
    pub fn config(&self) -> PathBuf {
        self.folder().join("settings.toml")
    }

    /// The tray's own data.
    pub fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// The license host's folder: keys, licenses, certificate, audit log.
    pub fn license_host(&self) -> PathBuf {
        self.folder().join("license-host")
    }

    fn fill(&self, today: Date, port: u16) -> std::io::Result<()> {
        let (user, server, program) =
            (self.visualcron(), self.folder().join("server"), self.folder().join("program"));
        for folder in [
            user.join("settings"),
            user.join("log"),
            server.join("settings"),
            server.join("log"),
            program.clone(),
        ] {
            fs::create_dir_all(folder)?;
        }
        fs::write(user.join("settings/servers.xml"), servers_xml(today, 25, port))?;
        fs::write(program.join(RENEWED), servers_xml(today, 390, port))?;
        let day = today.strftime("%Y%m%d");
        fs::write(
            user.join(format!("log/log_remote{day}.txt")),
            format!("{today} 08:00:00\tInfo\tClient started\n"),
        )?;
        fs::write(
            server.join(format!("log/log_server{day}.txt")),
            format!("{today} 06:00:00\tInfo\tServer started\n"),
        )?;
        fs::write(server.join("settings/jobs.xml"), "<ArrayOfJobClass />\n")?;
        fs::write(program.join(MARK), "A stand-in for the VisualCron Client lives here.\n")?;
        put_program(&program.join(CLIENT))?;
        fs::write(self.config(), settings(&program.join(CLIENT), &server))
    }
}

impl Drop for World {
    /// A program that runs cannot be removed on Windows: the stand-in Client is told to end, and waited for.
    fn drop(&mut self) {
        let _ = fs::remove_file(self.folder().join("program").join(MARK));
        for _ in 0..40 {
            if !cfg!(windows) || fs::remove_dir_all(self.folder()).is_ok() || !self.folder().exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// This same program under the Client's name: a file of its own, since programs are told apart by their real path. On
/// Windows no name of a program that runs can be removed: there it is a copy.
fn put_program(path: &Path) -> std::io::Result<()> {
    let program = crate::platform::program::path()?;
    let linked = !cfg!(windows) && fs::hard_link(&program, path).is_ok();
    if linked { Ok(()) } else { fs::copy(program, path).map(|_| ()) }
}

fn settings(client: &Path, server: &Path) -> String {
    let mut text =
        format!("# Settings of the demo world.\n[visualcron]\nclient_program = {:?}\n", text_of(client));
    text.push_str(&format!("server_folder = {:?}\n\n", text_of(server)));
    text.push_str("[connection]\nmain_server = \"PROD-01\"\n\n[license_host]\n");
    text.push_str("check_on_refresh = false   # the demo asks nobody\n");
    text
}

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// One server in the shape that .NET's XmlSerializer would give it (inferred).
fn connection(
    name: &str,
    address: &str,
    port: u16,
    kind: &str,
    until: Option<Date>,
    version: &str,
    id: &str,
) -> String {
    let until = until.map_or_else(|| "0001-01-01T00:00:00".to_string(), |until| format!("{until}T00:00:00"));
    format!(
        "  <Connection>\n    <Name>{name}</Name>\n    <Address>{address}</Address>\n    <Port>{port}</Port>\n    \
         <ConnectionType>Remote</ConnectionType>\n    <UserName>admin</UserName>\n    <Version>{version}</Version>\n    \
         <Edition>Pro</Edition>\n    <LicenseType>{kind}</LicenseType>\n    \
         <MaintenanceExpires>{until}</MaintenanceExpires>\n    <ServerId>{id}</ServerId>\n    \
         <ActivationCode>{}</ActivationCode>\n  </Connection>\n",
        code(id)
    )
}

/// The activation code of a demo server: no secret, and none of the vendor's.
fn code(id: &str) -> String {
    id.to_uppercase()
}

/// What the demo's license host knows: PROD-01 was renewed, BRANCH-07 has a date, and OLD-01 is not in its file.
fn licenses(today: Date) -> String {
    let license = |(id, name, kind, days): (&str, &str, &str, i64)| {
        let until = today.checked_add(days.days()).unwrap_or(today);
        format!(
            "[[license]]\nactivation_code = \"{}\"\nserver_id = \"{id}\"\nname = \"{name}\"\nkind = \"{kind}\"\n\
             edition = \"Pro\"\nmaintenance_until = {until}\n\n",
            code(id)
        )
    };
    let known = [
        ("demo-0001", "PROD-01", "subscription", 390),
        ("demo-0002", "PROD-02", "perpetual", 200),
        ("demo-0003", "TEST-01", "perpetual", -40),
        ("demo-0005", "BRANCH-07", "perpetual", 90),
    ];
    known.map(license).concat()
}

/// A license host in this world, whose key this world's tray trusts. A real one, over TLS; its licenses are made up.
///
/// # Errors
///
/// It cannot be made, or not be started.
pub fn serve(world: &World, clock: &Clock) -> Result<Host, Problem> {
    let now = clock.now();
    let (keys, licenses_file) = (world.license_host(), world.license_host().join("licenses.toml"));
    let key = Keys::add(&keys, now.timestamp())?;
    atomic::replace(&licenses_file, licenses(now.date()).as_bytes())?;
    let host = Host::start(Options {
        listen: (std::net::Ipv4Addr::LOCALHOST, 0).into(),
        licenses: licenses_file,
        pem: Pem::self_signed(&keys, &["127.0.0.1".into(), "localhost".into()])?,
        rates: Rates::default(),
        bounds: Bounds::default(),
        clock: clock.clone(),
        audit: Audit::new(To::File(keys.join("audit.jsonl"))),
        keys,
    })?;
    let store = Validations::below(&world.data());
    store.trust(&host.address().to_string(), &[key.signing.public()], How::Demo, now.timestamp())?;
    Ok(host)
}

/// The license of PROD-01 has so many days left.
fn servers_xml(today: Date, days_left: i64, port: u16) -> String {
    let day = |days: i64| today.checked_add(days.days()).ok();
    let old = jiff::civil::date(2024, 6, 30);
    let servers = [
        connection("PROD-01", "127.0.0.1", port, "Subscription", day(days_left), "13.2.2", "demo-0001"),
        connection("PROD-02", "prod-02.demo.invalid", 16444, "Perpetual", day(200), "13.2.2", "demo-0002"),
        connection("TEST-01", "test-01.demo.invalid", 16444, "Perpetual", day(-40), "12.3.1", "demo-0003"),
        connection("OLD-01", "old-01.demo.invalid", 16444, "Perpetual", Some(old), "12.1.4", "demo-0004"),
        connection("BRANCH-07", "branch-07.demo.invalid", 16444, "Perpetual", None, "12.0.2", "demo-0005"),
    ];
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<ArrayOfConnection>\n{}</ArrayOfConnection>\n",
        servers.concat()
    )
}

/// Do these folders belong to a demo world?
pub fn is_demo(dirs: &crate::platform::dirs::Dirs) -> bool {
    dirs.config.parent().is_some_and(|folder| folder.join("program").join(MARK).is_file())
}

/// Was this program started under the name of the Client, in a demo world?
pub fn is_stand_in_client() -> bool {
    stand_in_folder().is_some()
}

fn stand_in_folder() -> Option<PathBuf> {
    let name = PathBuf::from(std::env::args_os().next()?);
    let folder = name.parent()?.to_path_buf();
    (name.file_name()? == CLIENT && folder.join(MARK).is_file()).then_some(folder)
}

/// The stand-in Client: leaves a line in the Client's log, writes a new servers.xml where there is none, says on the
/// desktop that it is a stand-in, and stays until the demo world is gone.
pub fn stand_in_client() -> ExitCode {
    let Some(folder) = stand_in_folder() else { return ExitCode::FAILURE };
    let now = jiff::ZonedDateTime::now();
    let log =
        folder.with_file_name("VisualCron").join(format!("log/log_remote{}.txt", now.strftime("%Y%m%d")));
    let line = format!("{}\tInfo\tClient started\n", now.strftime("%F %T"));
    let before = fs::read_to_string(&log).unwrap_or_default();
    let _ = fs::write(&log, before + &line);
    let servers_xml = folder.with_file_name("VisualCron").join("settings/servers.xml");
    if !servers_xml.exists() {
        let _ = fs::copy(folder.join(RENEWED), servers_xml);
    }
    // On Windows a program without a registered name could only borrow another one's.
    #[cfg(unix)]
    let _ = notify_rust::Notification::new()
        .appname("Stand-in Client")
        .summary("The stand-in Client has started")
        .body("In the demo this stands for the VisualCron Client.")
        .show();
    while folder.join(MARK).exists() {
        std::thread::sleep(Duration::from_secs(1));
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            Standing,
            proxy::Choice,
            validation::{Subject, Verdict},
        },
        platform::{by_hand, dirs::Pretense, validate::Asking},
        sources::{
            servers_xml::{Limits, Reading, read_file},
            validation_host::Way,
        },
        store::settings::LicenseHost,
    };
    use jiff::civil::date;

    #[test]
    fn the_world_holds_what_it_promises_and_goes_without_a_trace() {
        let today = date(2026, 11, 24);
        let world = World::make(today).unwrap();
        let path = world.visualcron().join("settings/servers.xml");
        let Reading::Servers { entries, .. } = read_file(&path, &Limits::default()).unwrap() else {
            panic!()
        };
        let standings: Vec<_> = entries
            .iter()
            .map(|e| crate::domain::standing::standing(e.maintenance_until, today, 30))
            .collect();
        use Standing::*;
        assert_eq!(standings, [Expiring, Active, Expired, Expired, Unknown]);
        let loaded = crate::store::settings::load(&world.config(), &world.data().join("last-good.toml"));
        assert_eq!(loaded.problems, []);
        let dirs = crate::platform::dirs::Dirs::new(None, Some(world.config()), None).unwrap();
        assert!(is_demo(&dirs));
        let folder = world.folder().to_path_buf();
        drop(world);
        assert!(!folder.exists() && !is_demo(&dirs));
    }

    #[test]
    fn the_license_host_lives_in_the_demo_s_time() {
        let clock = Clock::pretend("2031-05-01T12:00:00Z").unwrap();
        let world = World::make(clock.now().date()).unwrap();
        let host = serve(&world, &clock).unwrap();
        let address = host.address().to_string();
        let store = Validations::below(&world.data());
        let pinned = store.pinned(Some(&address)).unwrap();
        let settings = LicenseHost {
            ca_file: Some(world.license_host().join("self-signed.crt.pem")),
            proxy: Some(Choice::Direct),
            ..LicenseHost::default()
        };
        let way = Way::new(&settings, &address, Duration::from_secs(15)).unwrap();
        let dirs = crate::platform::dirs::Dirs {
            visualcron_asked: Some(world.visualcron()),
            visualcron_default: world.visualcron(),
            config: world.config(),
            data: world.data(),
            pretense: Pretense::Kept,
        };
        let entries = by_hand::entries(&dirs).unwrap();
        let subjects = [Subject::find(&entries, "PROD-01").unwrap()];
        assert!(!pinned.is_empty());
        let now = || clock.now().timestamp();
        let (host, whole) = (&*address, Duration::from_secs(60));
        let asking = Asking { way: &way, host, store: &store, now: &now, whole, tell: &|_, _| () };
        let went = asking.ask(&subjects).unwrap().remove(0).unwrap();
        assert_eq!(went.verdict, Verdict::Valid);
        assert_eq!(went.maintenance_until, Some(date(2032, 5, 25)), "390 days from the first of May");
    }
}
