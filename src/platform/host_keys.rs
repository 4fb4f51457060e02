//! The key of a license host, as it or a file of its offers it: the command line and the window have the user compare the
//! fingerprint, and trust it alike.

use crate::{
    domain::{
        Fault, Problem,
        validation::{KeySet, PublicKey},
    },
    sources::validation_host::Way,
    store::{
        atomic,
        settings::LicenseHost,
        validations::{How, Validations},
    },
};
use jiff::Timestamp;
use std::{path::Path, time::Duration};

/// The most bytes of a file of keys.
const MAX_FILE: u64 = 64 * 1024;
/// How long a host may take to tell its keys.
const PATIENCE: Duration = Duration::from_secs(15);

/// The key that is offered in the name of a host. Nobody vouches for it yet. Of other keys that come along nothing is
/// taken: nobody compares their fingerprints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The host, with its port if it is not 443.
    pub host: String,
    /// The key that it signs with now.
    pub signs: PublicKey,
}

impl Offered {
    /// Asks the host.
    ///
    /// # Errors
    ///
    /// It is no host, it cannot be reached, or it publishes no keys.
    pub fn by_host(settings: &LicenseHost, host: &str) -> Result<Offered, Problem> {
        let way = Way::new(settings, host, PATIENCE)?;
        Offered::of(host, &way.keys().map_err(|failure| failure.problem(host))?)
    }

    /// Reads a file that `license-host key export` wrote.
    ///
    /// # Errors
    ///
    /// It cannot be read, or holds no keys.
    pub fn in_file(host: &str, file: &Path) -> Result<Offered, Problem> {
        let wrong = |why: String| {
            let next = "Give a file that `license-host key export` wrote.";
            Problem::new(Fault::Data, "There are no keys to trust", file.display().to_string(), why, next)
        };
        let bytes =
            atomic::read_bounded(file, MAX_FILE)?.ok_or_else(|| wrong("there is no such file".into()))?;
        Offered::of(host, &KeySet::from_json(&bytes).map_err(|why| wrong(why.to_string()))?)
    }

    fn of(host: &str, set: &KeySet) -> Result<Offered, Problem> {
        match set.keys.first() {
            Some(published) => Ok(Offered { host: host.to_string(), signs: published.key }),
            None => {
                let (what, next) = ("There are no keys to trust", "Ask whoever runs it.");
                Err(Problem::new(Fault::Data, what, host, "it publishes none", next))
            }
        }
    }

    /// Is it trusted already?
    ///
    /// # Errors
    ///
    /// What is trusted cannot be read.
    pub fn is_trusted(&self, store: &Validations) -> Result<bool, Problem> {
        Ok(store.pinned(Some(&self.host))?.get(self.signs.id()).is_some())
    }

    /// Trusts it, since the user has compared the fingerprint.
    ///
    /// # Errors
    ///
    /// It cannot be kept.
    pub fn trust(&self, store: &Validations, how: How, now: Timestamp) -> Result<(), Problem> {
        store.trust(&self.host, &[self.signs], how, now)
    }
}
