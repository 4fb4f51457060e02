//! What the validation window needs of those who do the work: plain data, and one trait.

pub use super::recovery_backend::Link;
use crate::domain::{
    Problem, Secret,
    validation::{Claims, Refusal, Standing, qr::Qr},
};
pub use crate::platform::host_keys::Offered;
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Those who do the work. It is called from a thread of its own, one call after the other, and never from the one
/// that paints.
pub trait Backend: Send {
    /// What is known: servers, license hosts, pages. Reads, changes nothing.
    fn look(&mut self) -> Known;

    /// Makes a request for the server of this name.
    ///
    /// # Errors
    ///
    /// Its server id or activation code is not known; it cannot be kept.
    fn request(&mut self, server: &str) -> Result<RequestShown, Problem>;

    /// Puts a request into the clipboard.
    ///
    /// # Errors
    ///
    /// There is no clipboard.
    fn copy(&mut self, text: &Secret) -> Result<(), Problem>;

    /// Keeps a request in a file of this name, where users look for their documents, for this user alone. Never writes
    /// over another. Returns where it is.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    fn save(&mut self, name: &str, text: &Secret) -> Result<PathBuf, Problem>;

    /// The text in the clipboard.
    ///
    /// # Errors
    ///
    /// There is no clipboard, or no text in it.
    fn paste(&mut self) -> Result<String, Problem>;

    /// The text in a file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is larger than any answer.
    fn read(&mut self, file: &Path) -> Result<String, Problem>;

    /// Accepts the answer in a text, or refuses it. A refusal touches nothing that was known.
    ///
    /// # Errors
    ///
    /// What is kept of validations cannot be read or written.
    fn judge(&mut self, answer: &str) -> Result<Judged, Problem>;

    /// Asks a license host for its keys.
    ///
    /// # Errors
    ///
    /// It cannot be reached, or has none.
    fn key_of(&mut self, host: &str) -> Result<Offered, Problem>;

    /// Reads the keys of a license host in a file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or holds none.
    fn key_in(&mut self, host: &str, file: &Path) -> Result<Offered, Problem>;

    /// Trusts the keys that were offered: the user has compared the fingerprint.
    ///
    /// # Errors
    ///
    /// It cannot be kept.
    fn trust(&mut self, offered: &Offered) -> Result<(), Problem>;

    /// Opens a page or a folder.
    ///
    /// # Errors
    ///
    /// There is nothing to open it with.
    fn open(&mut self, link: &Link) -> Result<(), Problem>;
}

/// Everything that the window shows before anything is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The servers, in the order of the sources.
    pub servers: Vec<ServerShown>,
    /// The license hosts with a key that is trusted, as they were named: `licenses.corp.example:8443`.
    pub hosts: Vec<String>,
    /// The license host of the settings, if it is another one than the vendor's.
    pub own_host: Option<String>,
    /// The vendor's page for a validation by hand.
    pub vendor_validation: String,
    /// The vendor's page for an activation by hand.
    pub vendor_activation: String,
    /// What could not be read.
    pub problem: Option<Problem>,
}

impl Known {
    /// Is there a license host whose key is still to be trusted?
    pub fn wants_a_key(&self) -> bool {
        let is_trusted = |own: &String| self.hosts.iter().any(|host| host.eq_ignore_ascii_case(own));
        self.hosts.is_empty() || self.own_host.as_ref().is_some_and(|own| !is_trusted(own))
    }
}

/// A server, and where its validation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerShown {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub standing: Standing,
    /// It in words.
    pub says: String,
}

/// A request that was made.
#[derive(Clone)]
pub struct RequestShown {
    /// The server's name.
    pub server: String,
    /// The text to carry. It holds the activation code.
    pub text: Secret,
    /// The same as a QR code; `None` where it is too long for one.
    pub code: Option<Qr>,
}

impl fmt::Debug for RequestShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestShown").field(&self.server).field(&self.text).finish()
    }
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It was accepted.
    Accepted {
        /// The name of the server that it is about.
        server: String,
        /// What it states.
        claims: Box<Claims>,
    },
    /// It was refused: why.
    Refused(Refusal),
}
