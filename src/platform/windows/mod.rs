//! What only Windows has. Every call of the Windows API that is not wrapped by a crate is in here.
#![allow(unsafe_code)]

pub mod console;
pub mod discovery;
pub mod identity;
pub mod machine_settings;
pub mod pipe;
pub mod policies;
pub mod programs;
pub mod proxy;
pub(super) mod recovery_world;
pub mod security;
pub mod service;
pub mod toast;
pub mod tray_window;
pub mod watch;

use std::{
    ffi::{OsStr, OsString},
    os::windows::ffi::{OsStrExt, OsStringExt},
    path::Path,
};
use windows_sys::Win32::{
    Foundation::POINT,
    System::{RemoteDesktop::ProcessIdToSessionId, Threading::GetCurrentProcessId},
    UI::{
        HiDpi::{GetDpiForWindow, GetSystemMetricsForDpi},
        WindowsAndMessaging::{FindWindowW, GetCursorPos, GetSystemMetrics, SM_CXSMICON},
    },
};

/// A text as the Windows API wants it, with a zero at its end.
pub fn wide(text: impl AsRef<OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain([0]).collect()
}

/// A path as the Windows API wants it, with a zero at its end; one that might not be short enough, in the spelling that
/// may be as long as it likes. The standard library does the same for its own calls.
pub fn path_of(path: &Path) -> Vec<u16> {
    /// What Windows takes in its plain spelling, for folders too: 260 units less a short name.
    const SHORT: usize = 248;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let units = wide(&absolute);
    let after = |start: &str| units.strip_prefix(&wide(start)[..start.len()]);
    let verbatim = |prefix: &str, rest: &[u16]| [&wide(prefix)[..prefix.len()], rest].concat();
    match (after(r"\\?\"), after(r"\\")) {
        _ if units.len() < SHORT => wide(path),
        (Some(_), _) => units,
        (None, Some(share)) => verbatim(r"\\?\UNC\", share),
        (None, None) => verbatim(r"\\?\", &units),
    }
}

/// A text of the Windows API, up to the zero at its end.
///
/// # Safety
///
/// `text` is alive, and ends with a zero.
pub unsafe fn wide_text(text: *const u16) -> OsString {
    // SAFETY: as promised by the caller.
    unsafe {
        let length = (0..).take_while(|&unit| *text.add(unit) != 0).count();
        OsString::from_wide(std::slice::from_raw_parts(text, length))
    }
}

/// A text as the Windows API writes it into memory: two bytes a unit, no zero at its end.
fn wide_units(bytes: &[u8]) -> OsString {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    OsString::from_wide(&units)
}

/// Paths that Windows takes for the same, spelled the same.
pub fn same_spelling(path: &Path) -> String {
    without_prefix(&path.to_string_lossy().replace('/', "\\")).to_lowercase()
}

/// A path without the `\\?\` that switches the usual reading of paths off: for people, and to compare.
pub fn without_prefix(path: &str) -> String {
    match path.strip_prefix(r"\\?\UNC\") {
        Some(share) => format!(r"\\{share}"),
        None => path.strip_prefix(r"\\?\").unwrap_or(path).to_string(),
    }
}

/// `None` where there is no such key or value in the registry.
pub fn found<T>(result: windows_registry::Result<T>) -> windows_registry::Result<Option<T>> {
    const NOT_FOUND: i32 = 0x8007_0002_u32 as i32;
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code().0 == NOT_FOUND => Ok(None),
        Err(error) => Err(error),
    }
}

/// The number of the logged-on session that this process belongs to. It stays the same when the user reconnects
/// from elsewhere, unlike the environment's `SESSIONNAME`.
pub fn session() -> u32 {
    let mut session = 0;
    // SAFETY: the pointer is to a local variable, and nothing is kept.
    let found = unsafe { ProcessIdToSessionId(GetCurrentProcessId(), &mut session) } != 0;
    if found { session } else { 0 }
}

/// How many pixels wide the taskbar shows icons now.
pub fn small_icon_pixels() -> u32 {
    let class: Vec<u16> = "Shell_TrayWnd\0".encode_utf16().collect();
    // SAFETY: the class name ends with a zero; window handles may be stale at any time, which only means that
    // no DPI is found.
    let pixels = unsafe {
        let taskbar = FindWindowW(class.as_ptr(), std::ptr::null());
        let dpi = if taskbar.is_null() { 0 } else { GetDpiForWindow(taskbar) };
        if dpi == 0 { GetSystemMetrics(SM_CXSMICON) } else { GetSystemMetricsForDpi(SM_CXSMICON, dpi) }
    };
    u32::try_from(pixels).unwrap_or(16)
}

/// Where the mouse pointer is.
pub fn pointer() -> Option<(i32, i32)> {
    let mut point = POINT { x: 0, y: 0 };
    // SAFETY: the pointer is to a local variable.
    (unsafe { GetCursorPos(&mut point) } != 0).then_some((point.x, point.y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_are_spelled_so_that_they_may_be_long() {
        let spelled = |path: &str| String::from_utf16(&path_of(Path::new(path))).unwrap();
        let long = "x".repeat(250);
        assert_eq!(spelled(r"C:\short/servers.xml"), "C:\\short/servers.xml\0");
        assert_eq!(spelled(&format!(r"C:\a/..\{long}")), format!("\\\\?\\C:\\{long}\0"));
        assert_eq!(spelled(&format!(r"\\host\share\{long}")), format!("\\\\?\\UNC\\host\\share\\{long}\0"));
        assert_eq!(spelled(&format!(r"\\?\C:\{long}")), format!("\\\\?\\C:\\{long}\0"));
    }
}
