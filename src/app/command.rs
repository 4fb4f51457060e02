//! What a user can ask for, with the mouse or from a script. Each command has a stable text, which is also
//! the id of its menu item.

use crate::{domain::ServerKey, recovery::Decision};
use std::{fmt, str::FromStr};

/// A folder or program of VisualCron that can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The Client's log folder.
    ClientLog,
    /// The Client's settings folder, with servers.xml in it.
    ClientSettings,
    /// The server's log folder, where this machine has one.
    ServerLog,
    /// The server's settings folder, where this machine has one.
    ServerSettings,
}

impl Place {
    /// All of them.
    pub const ALL: [Place; 4] =
        [Place::ClientLog, Place::ClientSettings, Place::ServerLog, Place::ServerSettings];

    /// The name on the command line: `client-log`.
    pub fn word(self) -> &'static str {
        match self {
            Place::ClientLog => "client-log",
            Place::ClientSettings => "client-settings",
            Place::ServerLog => "server-log",
            Place::ServerSettings => "server-settings",
        }
    }

    /// The vendor's words for its menu item.
    pub fn title(self) -> &'static str {
        match self {
            Place::ClientLog | Place::ServerLog => "Open log folder",
            Place::ClientSettings | Place::ServerSettings => "Open settings folder",
        }
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Start the VisualCron Client.
    StartClient,
    /// Open a folder.
    Open(Place),
    /// Refresh license data, of all servers or of one.
    Refresh(Option<ServerKey>),
    /// Open the page where a license is renewed.
    Renew,
    /// Put a server's id into the clipboard.
    CopyServerId(ServerKey),
    /// Let the open notices come back tomorrow.
    RemindTomorrow,
    /// Acknowledge the open notices.
    GotIt,
    /// Show all servers, dates, sources and problems.
    Details,
    /// Show the window of Manual validation.
    ManualValidation,
    /// Show what is in the way to the license host.
    CheckConnection,
    /// Show what Clear server cache would do.
    ClearCache,
    /// Go on with a Clear server cache that was interrupted.
    Recovery(Decision),
    /// The result of Clear server cache was seen.
    RecoverySeen,
    /// Open the settings file.
    Settings,
    /// Start on logon, or not.
    Autostart(bool),
    /// Start or stop the Windows service of the server.
    Service(bool),
    /// Say what this program is.
    About,
    /// Forget servers that no source shows any more.
    Forget,
    /// End the tray.
    Exit,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::StartClient => f.write_str("start-client"),
            Command::Open(place) => write!(f, "open {}", place.word()),
            Command::Refresh(None) => f.write_str("refresh"),
            Command::Refresh(Some(key)) => write!(f, "refresh {key}"),
            Command::Renew => f.write_str("renew"),
            Command::CopyServerId(key) => write!(f, "copy-server-id {key}"),
            Command::RemindTomorrow => f.write_str("remind-tomorrow"),
            Command::GotIt => f.write_str("got-it"),
            Command::Details => f.write_str("details"),
            Command::ManualValidation => f.write_str("manual-validation"),
            Command::CheckConnection => f.write_str("check-connection"),
            Command::ClearCache => f.write_str("clear-cache"),
            Command::Recovery(decision) => write!(f, "recovery {}", decision.word()),
            Command::RecoverySeen => f.write_str("recovery-seen"),
            Command::Settings => f.write_str("settings"),
            Command::Autostart(on) => write!(f, "autostart {}", if *on { "on" } else { "off" }),
            Command::Service(on) => write!(f, "service {}", if *on { "start" } else { "stop" }),
            Command::About => f.write_str("about"),
            Command::Forget => f.write_str("forget"),
            Command::Exit => f.write_str("exit"),
        }
    }
}

/// A text that is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a command: {0}")]
pub struct NotACommand(String);

impl FromStr for Command {
    type Err = NotACommand;

    fn from_str(text: &str) -> Result<Self, NotACommand> {
        let (verb, rest) = text.split_once(' ').map_or((text, None), |(verb, rest)| (verb, Some(rest)));
        let key = || rest.map(|key| ServerKey(key.to_string()));
        let command = match (verb, rest) {
            ("start-client", None) => Some(Command::StartClient),
            ("open", Some(place)) => Place::ALL.into_iter().find(|p| p.word() == place).map(Command::Open),
            ("refresh", _) => Some(Command::Refresh(key())),
            ("renew", None) => Some(Command::Renew),
            ("copy-server-id", _) => key().map(Command::CopyServerId),
            ("remind-tomorrow", None) => Some(Command::RemindTomorrow),
            ("got-it", None) => Some(Command::GotIt),
            ("details", None) => Some(Command::Details),
            ("manual-validation", None) => Some(Command::ManualValidation),
            ("check-connection", None) => Some(Command::CheckConnection),
            ("clear-cache", None) => Some(Command::ClearCache),
            ("recovery", Some(word)) => {
                Decision::ALL.into_iter().find(|decision| decision.word() == word).map(Command::Recovery)
            }
            ("recovery-seen", None) => Some(Command::RecoverySeen),
            ("settings", None) => Some(Command::Settings),
            ("autostart", Some("on")) => Some(Command::Autostart(true)),
            ("autostart", Some("off")) => Some(Command::Autostart(false)),
            ("service", Some("start")) => Some(Command::Service(true)),
            ("service", Some("stop")) => Some(Command::Service(false)),
            ("about", None) => Some(Command::About),
            ("forget", None) => Some(Command::Forget),
            ("exit", None) => Some(Command::Exit),
            _ => None,
        };
        command.ok_or_else(|| NotACommand(text.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_survive_being_a_menu_id() {
        let key = || ServerKey("prod 01:16444".into());
        let mut commands = vec![
            Command::StartClient,
            Command::Refresh(None),
            Command::Refresh(Some(key())),
            Command::Renew,
            Command::CopyServerId(key()),
            Command::RemindTomorrow,
            Command::GotIt,
            Command::Details,
            Command::ManualValidation,
            Command::CheckConnection,
            Command::ClearCache,
            Command::RecoverySeen,
            Command::Settings,
            Command::Autostart(true),
            Command::Autostart(false),
            Command::Service(true),
            Command::Service(false),
            Command::About,
            Command::Forget,
            Command::Exit,
        ];
        commands.extend(Place::ALL.map(Command::Open));
        commands.extend(Decision::ALL.map(Command::Recovery));
        for command in commands {
            assert_eq!(command.to_string().parse(), Ok(command));
        }
        for text in ["", "open", "open x", "explode", "renew now", "label:headline"] {
            assert!(text.parse::<Command>().is_err(), "{text}");
        }
    }
}
