//! Where VisualCron's folders and programs are on this machine, as found or with the reason why not.

use super::Place;
use crate::domain::{Entry, Version};
use std::path::PathBuf;

/// A path that is there, or why it is not, in a few words that fit into a greyed menu item.
pub type Found = Result<PathBuf, String>;

/// Where VisualCron's folders and programs are on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The user's VisualCron folder, there or not (documented: `%LOCALAPPDATA%\VisualCron`).
    pub visualcron: PathBuf,
    /// The Client's list of servers, there or not.
    pub servers_xml: PathBuf,
    /// The Client's log folder.
    pub client_log: Found,
    /// The Client's settings folder.
    pub client_settings: Found,
    /// VisualCronClient.exe.
    pub client_program: Found,
    /// The server's log folder.
    pub server_log: Found,
    /// The server's settings folder.
    pub server_settings: Found,
    /// Names of files in the Client's settings folder that belong to a server's: then it is not the Client's.
    pub server_files_in_client_settings: Vec<String>,
    /// Why Clear server cache cannot be done on this system, in a few words.
    pub no_recovery: Option<&'static str>,
    /// The Windows service of the server: its state in words, or why there is none to talk to. `None` where
    /// the system has no such services.
    pub service: Option<Result<String, String>>,
    /// The server that is installed on this machine, as its files tell: its version, not its license.
    pub server: Option<Entry>,
    /// The version of the Client on this machine.
    pub client_version: Option<Version>,
}

impl Places {
    /// The path of a place, or why there is none.
    pub fn get(&self, place: Place) -> &Found {
        match place {
            Place::ClientLog => &self.client_log,
            Place::ClientSettings => &self.client_settings,
            Place::ServerLog => &self.server_log,
            Place::ServerSettings => &self.server_settings,
        }
    }
}
