//! The password for the proxy, in the system's own keyring: Credential Manager on Windows, the Keychain on macOS, the
//! Secret Service (GNOME Keyring, KWallet) on Linux. It is in no file of ours.

use crate::domain::{Fault, Problem, Secret, proxy::Proxy};
use keyring_core::{Entry, Error, api::CredentialStoreApi};

/// Keeps the password of `user` at this proxy.
///
/// # Errors
///
/// There is no keyring, or it refuses.
pub fn set(proxy: &Proxy, user: &str, password: &Secret) -> Result<(), Problem> {
    let kept = entry(proxy, user).and_then(|entry| entry.set_password(password.reveal()));
    kept.map_err(|error| problem("Cannot keep the password for the proxy", proxy, user, &error))
}

/// Removes it. Tells whether there was one.
///
/// # Errors
///
/// As for [`set`].
pub fn remove(proxy: &Proxy, user: &str) -> Result<bool, Problem> {
    match entry(proxy, user).and_then(|entry| entry.delete_credential()) {
        Ok(()) => Ok(true),
        Err(Error::NoEntry) => Ok(false),
        Err(error) => Err(problem("Cannot remove the password for the proxy", proxy, user, &error)),
    }
}

/// The password, if there is one.
///
/// # Errors
///
/// As for [`set`].
pub fn get(proxy: &Proxy, user: &str) -> Result<Option<Secret>, Problem> {
    match entry(proxy, user).and_then(|entry| entry.get_password()) {
        Ok(password) => Ok(Some(Secret::new(password))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(problem("Cannot read the password for the proxy", proxy, user, &error)),
    }
}

fn entry(proxy: &Proxy, user: &str) -> Result<Entry, Error> {
    #[cfg(target_os = "linux")]
    let store = zbus_secret_service_keyring_store::Store::new()?;
    #[cfg(target_os = "macos")]
    let store = apple_native_keyring_store::keychain::Store::new()?;
    #[cfg(windows)]
    let store = windows_native_keyring_store::Store::new()?;
    store.build("visualcron-tray proxy", &format!("{user} at {proxy}"), None)
}

fn problem(what: &str, proxy: &Proxy, user: &str, error: &Error) -> Problem {
    let why = match error {
        Error::NoStorageAccess(_) => {
            "the keyring of the system cannot be opened: it is locked, or there is none".into()
        }
        Error::PlatformFailure(_) => {
            "the keyring of the system does not answer, or there is none".to_string()
        }
        error => crate::domain::diagnosis::short(&error.to_string()),
    };
    let next = if cfg!(target_os = "linux") {
        "Unlock the keyring (GNOME Keyring or KWallet, in a desktop session); without one, have the proxy let this machine through, or \
         give user and password in the environment's HTTPS_PROXY"
    } else {
        "Unlock it, and try again"
    };
    Problem::new(Fault::Unavailable, what, format!("{user} at {proxy}"), why, next)
}
