//! Start on logon, for the current user only.

use crate::domain::{Fault, Problem};

fn entry() -> Result<auto_launch::AutoLaunch, Problem> {
    let program = super::program::path().map_err(|error| {
        Problem::new(
            Fault::Software,
            "Cannot tell where this program is",
            "the running program",
            error.to_string(),
            "Start it by its full path.",
        )
    })?;
    auto_launch::AutoLaunchBuilder::new()
        .set_app_name("visualcron-tray")
        .set_app_path(&program.to_string_lossy())
        .set_macos_launch_mode(auto_launch::MacOSLaunchMode::LaunchAgent)
        .set_windows_enable_mode(auto_launch::WindowsEnableMode::CurrentUser)
        .build()
        .map_err(|error| failed(&error))
}

fn failed(error: &auto_launch::Error) -> Problem {
    Problem::new(
        Fault::Io,
        "Cannot change the start on logon",
        "the autostart entry of this user",
        error.to_string(),
        "Add the program to the logon programs of your desktop by hand.",
    )
}

/// Does the tray start on logon?
pub fn is_on() -> Result<bool, Problem> {
    entry()?.is_enabled().map_err(|error| failed(&error))
}

/// Lets the tray start on logon, or not.
pub fn set(on: bool) -> Result<(), Problem> {
    let entry = entry()?;
    if on { entry.enable() } else { entry.disable() }.map_err(|error| failed(&error))
}
