//! Where VisualCron is installed on a Windows machine, from what its registry, services and disk say. Pure: the
//! platform reads, this decides. Each answer names its source, and whether it is documented by the vendor or
//! inferred by us (see docs/vendor-facts.md).

use super::Version;
use serde::Serialize;

/// The vendor's programs in the installation folder (documented).
pub const CLIENT: &str = "VisualCronClient.exe";
/// The program of the Windows service (documented).
pub const SERVICE: &str = "VisualCronService.exe";
/// The vendor's tray (documented, also written `VCtray.exe`; Windows takes them for the same).
pub const VENDOR_TRAY: &str = "VCTray.exe";
/// The names of the Windows service: of today, and in older scripts (documented).
pub const SERVICE_NAMES: [&str; 2] = ["VisualCron", "VisualCron4"];

/// One entry of `Programs and Features`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uninstall {
    /// The key it was read from: `HKLM\SOFTWARE\…\Uninstall\{…}`.
    pub key: String,
    /// `DisplayName`.
    pub name: String,
    /// `DisplayVersion`.
    pub version: Option<String>,
    /// `InstallLocation`.
    pub location: Option<String>,
    /// `DisplayIcon`: a program or icon file, often with `,0` after it.
    pub icon: Option<String>,
    /// `UninstallString`: a command line.
    pub uninstall: Option<String>,
}

/// One Windows service, as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceConfig {
    /// Its name, not the one shown to people.
    pub name: String,
    /// `ImagePath`: a command line, variables already replaced.
    pub image: String,
    /// When it starts.
    pub start: StartType,
}

/// When a service starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StartType {
    /// With the system.
    Automatic,
    /// When somebody starts it.
    Manual,
    /// Never. So it is after installing the Client alone (documented): no fault.
    Disabled,
}

impl StartType {
    /// From the registry's `Start`.
    pub fn from_registry(start: u32) -> StartType {
        match start {
            0..=2 => StartType::Automatic,
            3 => StartType::Manual,
            _ => StartType::Disabled,
        }
    }
}

/// What a machine says about VisualCron.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Entries whose name begins with VisualCron; those for the whole machine first.
    pub uninstall: Vec<Uninstall>,
    /// `ServerSettingsFolder` below `SOFTWARE\V-C`: key and value, the 64-bit view first.
    pub server_settings: Vec<(String, String)>,
    /// Services that might be the server's.
    pub services: Vec<ServiceConfig>,
    /// The folders for programs: `C:\Program Files (x86)`, `C:\Program Files`.
    pub program_folders: Vec<String>,
}

/// What the disk says. Paths are Windows' own.
pub trait Disk {
    /// Is there a file?
    fn is_file(&self, path: &str) -> bool;
    /// Is there a folder?
    fn is_folder(&self, path: &str) -> bool;
    /// The version of a program's file.
    fn version(&self, path: &str) -> Option<Version>;
}

/// How sure we are that a thing is what we take it for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// The vendor documents it.
    Documented,
    /// We conclude it.
    Inferred,
}

/// A thing that was found, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found<T> {
    /// The thing.
    pub value: T,
    /// What says so: a registry key and value, a service, the usual folder.
    pub by: String,
    /// Whether that is documented.
    pub certainty: Certainty,
}

/// A program of the vendor's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Program {
    /// Its full path.
    pub path: String,
    /// Its file version.
    pub version: Option<Version>,
}

/// Where VisualCron is on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Installation {
    /// The installation folder.
    pub folder: Option<Found<String>>,
    /// VisualCronClient.exe.
    pub client: Option<Found<Program>>,
    /// VCTray.exe.
    pub vendor_tray: Option<Found<Program>>,
    /// VisualCronService.exe.
    pub server: Option<Found<Program>>,
    /// The server's settings folder, with jobs.xml in it.
    pub server_settings: Option<Found<String>>,
    /// The server's log folder.
    pub server_log: Option<Found<String>>,
    /// The Windows service: its name, and when it starts.
    pub service: Option<Found<Service>>,
    /// The version that `Programs and Features` shows.
    pub shown_version: Option<Found<String>>,
}

/// The Windows service of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// When it starts.
    pub start: StartType,
}

impl Installation {
    /// Does a server run here, or could it? After installing the Client alone there is a service too, disabled.
    pub fn has_server(&self) -> bool {
        self.server.is_some()
            && self.service.as_ref().is_some_and(|service| service.value.start != StartType::Disabled)
    }

    /// What is worth a note: Client and server that do not fit together.
    pub fn notes(&self) -> Vec<String> {
        let version = |program: &Option<Found<Program>>| program.as_ref().and_then(|p| p.value.version);
        match (version(&self.client), version(&self.server)) {
            (Some(client), Some(server)) if self.has_server() => {
                super::compatibility::in_words(client, server).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Puts together what the machine says.
pub fn find(facts: &Facts, disk: &dyn Disk) -> Installation {
    let service = service(&facts.services);
    let folders = folders(facts, service);
    let program = |name: &str| {
        folders.iter().find_map(|folder| {
            let path = join(&folder.value, name);
            disk.is_file(&path).then(|| Found {
                value: Program { version: disk.version(&path), path },
                by: folder.by.clone(),
                certainty: folder.certainty,
            })
        })
    };
    let (client, vendor_tray, server) = (program(CLIENT), program(VENDOR_TRAY), program(SERVICE));
    let folder = folders
        .iter()
        .find(|folder| [SERVICE, CLIENT, VENDOR_TRAY].iter().any(|p| disk.is_file(&join(&folder.value, p))))
        .cloned();
    let beside_server = |name: &str| {
        let server = server.as_ref()?;
        let path = join(parent(&server.value.path)?, name);
        disk.is_folder(&path).then(|| Found {
            value: path,
            by: format!("beside {SERVICE}"),
            certainty: Certainty::Documented,
        })
    };
    let by_registry = facts.server_settings.iter().find_map(|(key, value)| {
        let path = trimmed(value);
        disk.is_folder(path).then(|| Found {
            value: path.to_string(),
            by: format!("{key}, ServerSettingsFolder"),
            certainty: of_vendor_key(key),
        })
    });
    Installation {
        server_settings: by_registry.or_else(|| beside_server("settings")),
        server_log: beside_server("log"),
        service: service.map(|service| Found {
            value: Service { name: service.name.clone(), start: service.start },
            by: match is_service_name(&service.name) {
                true => "its name".into(),
                false => format!("its program, {}", service.image),
            },
            certainty: if is_service_name(&service.name) {
                Certainty::Documented
            } else {
                Certainty::Inferred
            },
        }),
        shown_version: facts.uninstall.iter().find_map(|entry| {
            let value = entry.version.clone()?;
            let by = format!("{}, DisplayVersion", entry.key);
            Some(Found { value, by, certainty: Certainty::Inferred })
        }),
        folder,
        client,
        vendor_tray,
        server,
    }
}

/// The server's service: the one that runs the server's program, by its usual name first; else one of that name.
fn service(services: &[ServiceConfig]) -> Option<&ServiceConfig> {
    services
        .iter()
        .filter_map(|service| {
            let runs_it = file_name(program_of(&service.image)).eq_ignore_ascii_case(SERVICE);
            let usual = SERVICE_NAMES.iter().position(|name| name.eq_ignore_ascii_case(&service.name));
            let rank = usual.unwrap_or(SERVICE_NAMES.len());
            (runs_it || usual.is_some()).then_some(((!runs_it, rank), service))
        })
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, service)| service)
}

fn is_service_name(name: &str) -> bool {
    SERVICE_NAMES.iter().any(|usual| usual.eq_ignore_ascii_case(name))
}

/// The folders in which the programs may be, the surest first.
fn folders(facts: &Facts, service: Option<&ServiceConfig>) -> Vec<Found<String>> {
    let mut folders: Vec<Found<String>> = Vec::new();
    let mut add = |path: &str, by: String, certainty| {
        let path = trimmed(path);
        let known = folders.iter().any(|folder| folder.value.eq_ignore_ascii_case(path));
        if !known && is_absolute(path) {
            folders.push(Found { value: path.to_string(), by, certainty });
        }
    };
    if let Some(service) = service
        && let Some(folder) = parent(program_of(&service.image))
    {
        add(folder, format!("the program of the service {}", service.name), Certainty::Documented);
    }
    for entry in &facts.uninstall {
        // That the vendor's installer fills these in is what installers do, not what the vendor says.
        let hints = [
            ("InstallLocation", entry.location.as_deref()),
            ("DisplayIcon", entry.icon.as_deref().map(program_of).and_then(parent)),
            ("UninstallString", entry.uninstall.as_deref().map(program_of).and_then(parent)),
        ];
        for (value, folder) in hints {
            if let Some(folder) = folder {
                add(folder.trim_matches('"'), format!("{}, {value}", entry.key), Certainty::Inferred);
            }
        }
    }
    for (key, value) in &facts.server_settings {
        if let Some(folder) = parent(trimmed(value)) {
            add(folder, format!("above {key}, ServerSettingsFolder"), Certainty::Inferred);
        }
    }
    for folder in &facts.program_folders {
        add(&join(folder, "VisualCron"), "the usual folder".into(), Certainty::Documented);
    }
    folders
}

/// `HKLM\SOFTWARE\V-C` is documented; that a 32-bit program's writing lands below WOW6432Node is not.
fn of_vendor_key(key: &str) -> Certainty {
    if key.contains("WOW6432Node") { Certainty::Inferred } else { Certainty::Documented }
}

/// The program of a command line: quoted, or up to the first `.exe` (unquoted paths with blanks are common), with
/// the marks that services and icons have taken off.
fn program_of(line: &str) -> &str {
    let line = line.trim();
    let line = line.strip_prefix(r"\??\").unwrap_or(line);
    if let Some(rest) = line.strip_prefix('"') {
        return rest.split('"').next().unwrap_or(rest);
    }
    let lower = line.to_ascii_lowercase();
    let end = lower.match_indices(".exe").map(|(at, _)| at + 4).find(|&end| {
        let next = lower[end..].chars().next();
        next.is_none_or(|c| matches!(c, ' ' | '\t' | ','))
    });
    &line[..end.unwrap_or(line.len())]
}

fn trimmed(path: &str) -> &str {
    let path = path.trim().trim_matches('"');
    // The root of a drive keeps its backslash.
    if path.len() > 3 { path.trim_end_matches(['\\', '/']) } else { path }
}

/// Only a path with a drive, or of another machine, says where a thing is.
fn is_absolute(path: &str) -> bool {
    let bytes = path.as_bytes();
    path.starts_with(r"\\") || (bytes.len() > 2 && bytes[1] == b':' && matches!(bytes[2], b'\\' | b'/'))
}

fn split(path: &str) -> Option<(&str, &str)> {
    path.rfind(['\\', '/']).map(|at| (&path[..at], &path[at + 1..]))
}

/// The folder of a path. Of one in the root of a drive: none, for nothing is installed there.
fn parent(path: &str) -> Option<&str> {
    split(path).map(|(folder, _)| folder).filter(|folder| is_absolute(folder))
}

fn file_name(path: &str) -> &str {
    split(path).map_or(path, |(_, name)| name)
}

fn join(folder: &str, name: &str) -> String {
    format!("{}\\{name}", folder.trim_end_matches(['\\', '/']))
}

#[cfg(test)]
#[path = "installation_tests.rs"]
mod tests;
