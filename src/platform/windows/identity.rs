//! Under which name Windows knows this program: toasts of a program without a registered name are swallowed
//! silently, so they are used only once the name is registered.

use std::path::Path;
use windows_registry::CURRENT_USER;
use windows_sys::Win32::UI::Shell::SetCurrentProcessExplicitAppUserModelID;

/// Our AppUserModelID.
pub const ID: &str = "visualcron-tray";

const KEY: &str = r"Software\Classes\AppUserModelId\visualcron-tray";

/// Takes the name for this process: its taskbar entries and toasts belong together.
pub fn take() {
    let id: Vec<u16> = ID.encode_utf16().chain([0]).collect();
    // SAFETY: the text ends with a zero, and the call copies it.
    unsafe { SetCurrentProcessExplicitAppUserModelID(id.as_ptr()) };
}

/// Registers the name for this user, with the picture shown beside its toasts. `reg delete
/// HKCU\Software\Classes\AppUserModelId\visualcron-tray` takes it back.
pub fn register(name: &str, picture: &Path) -> Result<(), String> {
    let register = || -> windows_registry::Result<()> {
        let key = CURRENT_USER.create(KEY)?;
        let picture = picture.to_string_lossy();
        // Written only where something differs: the shell watches it.
        if key.get_string("DisplayName").ok().as_deref() != Some(name) {
            key.set_string("DisplayName", name)?;
        }
        if key.get_string("IconUri").ok().as_deref() != Some(&*picture) {
            key.set_string("IconUri", &*picture)?;
        }
        Ok(())
    };
    register().map_err(|error| error.to_string())
}

/// Is the name registered?
pub fn is_registered() -> bool {
    CURRENT_USER.open(KEY).is_ok_and(|key| key.get_string("DisplayName").is_ok())
}
