//! Where this program is.

use std::path::{Path, PathBuf};

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
