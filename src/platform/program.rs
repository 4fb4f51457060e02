//! Where this program is.

use super::dirs::Dirs;
use crate::domain::Problem;
use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

/// The tray's program: what autostart, a shortcut or a second start has to name. On Windows the console's twin
/// `visualcron-tray.com` stands beside it (see `docs/windows.md`).
pub fn path() -> std::io::Result<PathBuf> {
    let this = std::env::current_exe()?;
    Ok(tray_beside(&this).unwrap_or(this))
}

/// The tray's program, if this one is its twin for the console.
pub fn twin_of() -> Option<PathBuf> {
    tray_beside(&std::env::current_exe().ok()?)
}

fn tray_beside(this: &Path) -> Option<PathBuf> {
    let is_twin = cfg!(windows) && this.extension().is_some_and(|e| e.eq_ignore_ascii_case("com"));
    is_twin.then(|| this.with_extension("exe")).filter(|tray| tray.is_file())
}

/// This program in another role, with the folders of this one; it outlives this one.
///
/// # Errors
///
/// [`Problem::io`] where the system does not tell where this program is.
pub fn role(dirs: &Dirs, arguments: &[&str]) -> Result<Command, Problem> {
    let mut command = Command::new(path().map_err(|error| cannot_start(&error))?);
    command.args(arguments).arg("--config").arg(&dirs.config).arg("--data-dir").arg(&dirs.data);
    if let Some(folder) = &dirs.visualcron_asked {
        command.arg("--visualcron-dir").arg(folder);
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    Ok(command)
}

/// Starts this program in another role, and leaves it alone but for how it `ended`.
///
/// # Errors
///
/// [`Problem::io`] where it cannot be started.
pub fn beside(
    dirs: &Dirs,
    arguments: &[&str],
    ended: impl FnOnce(ExitStatus) + Send + 'static,
) -> Result<(), Problem> {
    let mut command = role(dirs, arguments)?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| cannot_start(&error))?;
    std::thread::spawn(move || child.wait().map(ended));
    Ok(())
}

/// It could not be started a second time.
pub fn cannot_start(error: &std::io::Error) -> Problem {
    let path = path().unwrap_or_else(|_| "visualcron-tray".into());
    Problem::io("Cannot start this program a second time", &path, error, "Install visualcron-tray anew.")
}
