//! Whether this session has a desktop on which windows, folders and pages can be seen.

use crate::domain::{Fault, Problem};

/// It has none, as far as can be told beforehand: over SSH, say. Only Linux tells.
pub fn is_absent() -> bool {
    cfg!(target_os = "linux") && !is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY")
}

/// No window can be shown in this session, as far as can be told beforehand. `command` does the same without one.
///
/// # Errors
///
/// [`not_shown`].
pub fn must_show_windows(command: &str) -> Result<(), Problem> {
    if is_absent() { Err(not_shown("it has no display", command)) } else { Ok(()) }
}

/// The window could not be shown.
pub fn not_shown(why: &str, command: &str) -> Problem {
    Problem::new(
        Fault::Unavailable,
        "No window can be shown",
        "this session",
        why,
        format!("Use the command line: {command}."),
    )
}

/// Folders, files and pages cannot be seen: there is no desktop, nor the one of Windows around a Linux in it (WSL).
pub fn shows_nothing() -> bool {
    is_absent() && !is_set("WSL_DISTRO_NAME")
}

/// Pages cannot be seen: nothing else can either, and no browser is named.
pub fn shows_no_page() -> bool {
    shows_nothing() && !is_set("BROWSER")
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}
