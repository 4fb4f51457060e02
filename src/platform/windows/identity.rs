//! What this program is to Windows: the name of its toasts, for those of a program without a registered one are
//! swallowed silently, and its addresses, which a click on a toast opens.

use super::found;
use crate::{
    app::address::SCHEME,
    domain::{Fault, Problem},
    platform::autostart,
};
use std::path::Path;
use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE};
use windows_sys::Win32::UI::Shell::SetCurrentProcessExplicitAppUserModelID;

/// Our AppUserModelID.
pub const ID: &str = "visualcron-tray";

const NAME_KEY: &str = r"Software\Classes\AppUserModelId\visualcron-tray";
const ADDRESS_KEY: &str = r"Software\Classes\visualcron-tray";
const COMMAND: &str = r"shell\open\command";

/// Takes the name for this process: its taskbar entries and toasts belong together.
pub fn take() {
    let id: Vec<u16> = ID.encode_utf16().chain([0]).collect();
    // SAFETY: the text ends with a zero, and the call copies it.
    unsafe { SetCurrentProcessExplicitAppUserModelID(id.as_ptr()) };
}

/// Registers the name for this user, with the picture shown beside its toasts, and the addresses, which start this
/// program with the options that it was given. [`unregister`] takes it back.
pub fn register(name: &str, picture: &Path) -> Result<(), String> {
    let picture = picture.to_string_lossy();
    CURRENT_USER
        .create(NAME_KEY)
        .and_then(|key| keep(&key, "DisplayName", name).and_then(|()| keep(&key, "IconUri", &picture)))
        .map_err(|error| error.to_string())?;
    let command = command()?;
    // What the installer has registered for all users will do, unless this user has one that differs.
    let registered = |root: &Key| registered(root).ok().flatten();
    if registered(CURRENT_USER).is_none() && registered(LOCAL_MACHINE).as_ref() == Some(&command) {
        return Ok(());
    }
    let register = || -> windows_registry::Result<()> {
        let key = CURRENT_USER.create(ADDRESS_KEY)?;
        keep(&key, "", &format!("URL:{SCHEME}"))?;
        keep(&key, "URL Protocol", "")?;
        keep(&key.create(COMMAND)?, "", &command)
    };
    register().map_err(|error| error.to_string())
}

/// Written only where something differs: the shell watches it.
fn keep(key: &Key, name: &str, value: &str) -> windows_registry::Result<()> {
    if key.get_string(name).ok().as_deref() == Some(value) { Ok(()) } else { key.set_string(name, value) }
}

/// What an address starts. After `--` nothing in an address can be taken for an option.
fn command() -> Result<String, String> {
    let words = autostart::words().map_err(|problem| problem.to_string())?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // The shell puts in something else for it.
    match words.iter().find(|word| word.contains('%')) {
        Some(word) => Err(format!("there is a percent sign in {word}: addresses cannot be registered")),
        None => Ok(format!("{} link -- \"%1\"", autostart::command_line(&words))),
    }
}

fn registered(root: &Key) -> windows_registry::Result<Option<String>> {
    found(root.open(format!(r"{ADDRESS_KEY}\{COMMAND}")).and_then(|key| key.get_string("")))
}

/// Removes what [`register`] has written for this user, and names it. Addresses that another copy of this program
/// has registered stay.
///
/// # Errors
///
/// [`Fault::Io`] where the registry refuses.
pub fn unregister() -> Result<Vec<String>, Problem> {
    let mut removed = Vec::new();
    let ours = match (registered(CURRENT_USER), crate::platform::program::path()) {
        (Ok(Some(command)), Ok(program)) => {
            let program = format!("\"{}\"", program.display()).to_lowercase();
            command.to_lowercase().starts_with(&program)
        }
        // One without a command leads nowhere.
        (Ok(None), _) => true,
        _ => false,
    };
    for key in [Some(NAME_KEY), ours.then_some(ADDRESS_KEY)].into_iter().flatten() {
        let place = format!(r"HKEY_CURRENT_USER\{key}");
        let is_there = found(CURRENT_USER.open(key)).map(|key| key.is_some());
        match is_there
            .and_then(|there| if there { CURRENT_USER.remove_tree(key).map(|()| true) } else { Ok(false) })
        {
            Ok(true) => removed.push(place),
            Ok(false) => {}
            Err(error) => {
                let (what, next) = ("Cannot take back what was registered", "Remove this key with regedit.");
                return Err(Problem::new(Fault::Io, what, place, error.to_string(), next));
            }
        }
    }
    Ok(removed)
}

/// Is the name registered?
pub fn is_registered() -> bool {
    CURRENT_USER.open(NAME_KEY).is_ok_and(|key| key.get_string("DisplayName").is_ok())
}

/// Do addresses start this program?
pub fn has_addresses() -> bool {
    let registered =
        [CURRENT_USER, LOCAL_MACHINE].into_iter().find_map(|root| registered(root).ok().flatten());
    leads_here(registered.as_deref(), command().ok().as_deref())
}

/// Is what is registered what should be? Where no command can be (a percent sign in a path), nothing leads here, and a
/// toast would be one whose clicks do nothing.
fn leads_here(registered: Option<&str>, command: Option<&str>) -> bool {
    command.is_some() && registered == command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_here_only_by_our_own_command() {
        let (ours, other) = (Some("\"C:\\t.exe\" link -- \"%1\""), Some("\"D:\\t.exe\" link -- \"%1\""));
        assert!(leads_here(ours, ours));
        for (registered, command) in [(None, None), (None, ours), (ours, None), (other, ours)] {
            assert!(!leads_here(registered, command), "{registered:?} {command:?}");
        }
    }
}
