//! The machine's settings file: what an administrator gives to all users of a machine. Its values are the defaults
//! of each user's file, and those that it locks cannot be changed there.

use super::{
    Server, Settings,
    keys::{AnySlot, KeyInfo, known_keys},
    load::{ValueOrigin, decode},
    parse::{Located, parse_machine, without_mark},
    policy::{self, InForce},
};
use crate::{
    domain::{Fault, Problem},
    store::atomic,
};
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// The environment's name for another machine file than the system's: for tests, in builds for them alone. Empty: none.
pub const MACHINE_FILE_VARIABLE: &str = "VISUALCRON_TRAY_MACHINE_SETTINGS";

/// Reads a whole file of at most so many bytes; `None` when there is no such file.
pub type Reader = fn(&Path, u64) -> Result<Option<Vec<u8>>, Problem>;

struct Given {
    path: Option<PathBuf>,
    read: Reader,
}

static GIVEN: OnceLock<Given> = OnceLock::new();

/// Says where the machine's settings file is, or that there is none, and how it is to be read. Counts once, before
/// settings are loaded.
///
/// Whoever names a file vouches that `read` gives only what administrators wrote: its values start programs and open
/// pages.
pub fn use_machine_file(path: Option<PathBuf>, read: Reader) {
    let _ = GIVEN.set(Given { path, read });
}

/// Where the machine's settings file is: what the environment says, what [`use_machine_file`] was given, and on
/// Linux `/etc/visualcron-tray/settings.toml`. `None`: this system has none.
pub fn machine_file() -> Option<PathBuf> {
    // For tests only: the environment is the user's, whom this file may lock out.
    if cfg!(debug_assertions)
        && let Some(path) = std::env::var_os(MACHINE_FILE_VARIABLE)
    {
        return Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    }
    match GIVEN.get() {
        Some(given) => given.path.clone(),
        // On Windows any user may make folders below %ProgramData%: the platform has to look at the owner first.
        None => cfg!(target_os = "linux").then(|| PathBuf::from("/etc/visualcron-tray/settings.toml")),
    }
}

/// What the machine's settings file says, and over it the policies of this machine.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    located: Located,
    policies: InForce,
}

impl Machine {
    /// Reads the machine's settings file, and the policies. A file that is not there, or empty, says nothing; one
    /// with mistakes counts as not there, and the mistakes are returned beside it.
    pub fn read(path: Option<&Path>) -> (Machine, Vec<Problem>) {
        let (mut machine, mut problems) = Machine::read_file(path);
        let (policies, unread) = policy::read();
        let (in_force, passed_over) = policy::apply(&mut machine.located.settings, policies);
        machine.policies = in_force;
        problems.extend(unread.into_iter().chain(passed_over));
        (machine, problems)
    }

    fn read_file(path: Option<&Path>) -> (Machine, Vec<Problem>) {
        let Some(path) = path else { return (Machine::default(), Vec::new()) };
        let read = || {
            let given = GIVEN.get().filter(|given| given.path.as_deref() == Some(path));
            let reader = given.map_or(atomic::read_bounded as Reader, |given| given.read);
            let Some(bytes) = reader(path, super::MAX_FILE).map_err(|problem| vec![problem])? else {
                return Ok(Machine::default());
            };
            let text = decode(&bytes, path).map_err(|problem| vec![problem])?;
            if without_mark(text).trim().is_empty() {
                return Ok(Machine::default());
            }
            parse_machine(text, path).map(|located| Machine { located, ..Machine::default() })
        };
        match read() {
            Ok(machine) => (machine, Vec::new()),
            Err(problems) => {
                let until = "Until then this file counts as not there. It is the administrator's.";
                (Machine::default(), problems.into_iter().map(|problem| problem.and_next(until)).collect())
            }
        }
    }

    /// Whether a user's file cannot change this key: `notices.quiet_hours`, or `server` for the servers.
    pub fn locks(&self, key: &str) -> bool {
        self.policy_locks(key) || self.file_locks(key)
    }

    fn policy_locks(&self, key: &str) -> bool {
        self.policies.get(key) == Some(&true)
    }

    fn file_locks(&self, key: &str) -> bool {
        self.located.locked.iter().any(|locked| {
            *locked == key || key.strip_prefix(locked.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
    }

    /// Why a key cannot be changed, if it cannot. Of a server in the user's file: `server.PROD-01.port`.
    pub fn refusal(&self, key: &str) -> Option<Problem> {
        self.locks(key).then(|| {
            Problem::new(
                Fault::Permission,
                "Cannot change the settings",
                key.to_string(),
                format!("{} it", self.who_locks(key)),
                "Ask the administrator of this machine",
            )
        })
    }

    /// `a policy of this machine locks`.
    fn who_locks(&self, key: &str) -> &'static str {
        if self.policy_locks(key) { "a policy of this machine locks" } else { "the machine's settings lock" }
    }

    /// The user's file over this one.
    pub(super) fn below(&self, user: &Located, path: &Path) -> Layered {
        let mut layered = Layered { settings: self.located.settings.clone(), ..Layered::default() };
        let mut user_settings = user.settings.clone();
        for info in known_keys() {
            let AnySlot::Settings(slot) = &info.slot else { continue };
            let (locked, line) = (self.locks(info.key), user.lines.get(info.key));
            let machine_line = self.located.lines.get(info.key);
            let origin = match (self.policies.get(info.key), locked, line) {
                (Some(true), ..) => ValueOrigin::PolicyLocked,
                (_, true, _) => ValueOrigin::MachineLocked,
                (_, false, Some(line)) => ValueOrigin::Line(*line),
                (Some(false), false, None) => ValueOrigin::Policy,
                (None, false, None) => {
                    machine_line.map_or(ValueOrigin::Default, |line| ValueOrigin::Machine(*line))
                }
            };
            layered.origins.insert(info.key, origin);
            let Some(line) = line else { continue };
            let own = slot.value(&mut user_settings);
            if !locked {
                // What was read from the user's file once is allowed.
                if let Some(value) = own {
                    let _ = slot.read(&mut layered.settings, &value);
                }
            } else if slot.value(&mut layered.settings).map(|v| v.to_string()) != own.map(|v| v.to_string()) {
                layered.notes.push(self.passed_over(path, *line, info.key));
            }
        }
        self.servers_below(user, path, &mut layered);
        layered
    }

    fn passed_over(&self, path: &Path, line: usize, key: &str) -> Problem {
        Problem::new(
            Fault::Config,
            "A setting is passed over",
            format!("{}, line {line}", path.display()),
            format!("{} {key}", self.who_locks(key)),
            "Remove it here, or ask the administrator of this machine",
        )
    }

    /// Servers add up. One of the same name in the user's file stands in for the machine's.
    fn servers_below(&self, user: &Located, path: &Path, layered: &mut Layered) {
        let locked = self.locks("server");
        let origin =
            |line: usize| if locked { ValueOrigin::MachineLocked } else { ValueOrigin::Machine(line) };
        let name = |server: &Server| server.title().to_lowercase();
        let own: HashSet<String> = user.settings.servers.iter().map(name).collect();
        layered.settings.servers.clear();
        for (at, server) in self.located.settings.servers.iter().enumerate() {
            if locked || !own.contains(&name(server)) {
                layered.settings.servers.push(server.clone());
                layered.servers.push(origins(self.located.servers.get(at), origin));
            }
        }
        for (at, server) in user.settings.servers.iter().enumerate() {
            let lines = user.servers.get(at);
            if locked {
                let line = lines.and_then(|lines| lines.values().min().copied()).unwrap_or(1);
                layered.notes.push(self.passed_over(path, line, &format!("server.{}", server.title())));
            } else {
                layered.settings.servers.push(server.clone());
                layered.servers.push(origins(lines, ValueOrigin::Line));
            }
        }
    }
}

fn origins(
    lines: Option<&HashMap<&'static str, usize>>,
    origin: impl Fn(usize) -> ValueOrigin,
) -> HashMap<&'static str, ValueOrigin> {
    lines.into_iter().flatten().map(|(key, line)| (*key, origin(*line))).collect()
}

/// Two files in one.
#[derive(Clone, Debug, Default)]
pub(super) struct Layered {
    pub(super) settings: Settings,
    /// By full key, without those of servers.
    pub(super) origins: HashMap<&'static str, ValueOrigin>,
    /// For each server, by full key.
    pub(super) servers: Vec<HashMap<&'static str, ValueOrigin>>,
    /// What of the user's file is not taken over.
    pub(super) notes: Vec<Problem>,
}

/// Whether this may stand in the list of locked keys: a key that is not a server's, or a section.
pub(super) fn may_lock(name: &str) -> bool {
    known_keys().any(|info: &KeyInfo| {
        info.section() == name || (info.key == name && matches!(info.slot, AnySlot::Settings(_)))
    })
}
