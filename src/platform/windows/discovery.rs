//! Reads what this machine says about VisualCron: uninstall keys, the vendor's key, services, file versions. What
//! it means is decided in `domain::installation`.

use super::wide;
use crate::domain::{
    Version,
    installation::{
        self, Disk, Facts, Installation, SERVICE, SERVICE_NAMES, ServiceConfig, StartType, Uninstall,
    },
};
use std::path::Path;
use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE};
use windows_sys::Win32::{
    Storage::FileSystem::{GetFileVersionInfoSizeW, GetFileVersionInfoW, VS_FIXEDFILEINFO, VerQueryValueW},
    System::{
        Environment::ExpandEnvironmentStringsW,
        Registry::{KEY_READ, KEY_WOW64_32KEY, KEY_WOW64_64KEY},
    },
};

const UNINSTALL: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall";
const VENDOR: &str = r"SOFTWARE\V-C";
const SERVICES: &str = r"SYSTEM\CurrentControlSet\Services";

/// Where VisualCron is on this machine. Reads registry and disk, some milliseconds.
pub fn look() -> Installation {
    installation::find(&facts(), &RealDisk)
}

fn facts() -> Facts {
    // Both views are asked for by name: where they are one (below HKCU, or on another Windows), the second says
    // nothing new.
    let views = [
        (LOCAL_MACHINE, KEY_WOW64_64KEY, r"HKLM\SOFTWARE\"),
        (LOCAL_MACHINE, KEY_WOW64_32KEY, r"HKLM\SOFTWARE\WOW6432Node\"),
        (CURRENT_USER, KEY_WOW64_64KEY, r"HKCU\SOFTWARE\"),
        (CURRENT_USER, KEY_WOW64_32KEY, r"HKCU\SOFTWARE\"),
    ];
    let mut facts = Facts { services: services(), program_folders: program_folders(), ..Facts::default() };
    for (root, view, shown) in views {
        let shown = |key: &str| key.replacen(r"SOFTWARE\", shown, 1);
        if let Ok(key) = root.options().access(KEY_READ | view).open(UNINSTALL) {
            facts.uninstall.extend(uninstall_entries(&key, view, &shown(UNINSTALL)));
        }
        if root.as_raw() == LOCAL_MACHINE.as_raw()
            && let Ok(key) = root.options().access(KEY_READ | view).open(VENDOR)
            && let Ok(folder) = key.get_string("ServerSettingsFolder")
        {
            facts.server_settings.push((shown(VENDOR), expanded(&folder)));
        }
    }
    facts
}

/// The entries of `Programs and Features` whose name begins with VisualCron. This program's own begins with
/// `visualcron-tray`, and is not meant.
fn uninstall_entries(parent: &Key, view: u32, shown: &str) -> Vec<Uninstall> {
    let Ok(names) = parent.keys() else { return Vec::new() };
    names
        .filter_map(|name| {
            let key = parent.options().access(KEY_READ | view).open(&name).ok()?;
            let text = |value: &str| key.get_string(value).ok().map(|text| expanded(&text));
            let display = key.get_string("DisplayName").ok()?;
            let begins =
                |text: &str| display.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
            (begins("VisualCron") && !begins("visualcron-tray")).then(|| Uninstall {
                key: format!(r"{shown}\{name}"),
                version: text("DisplayVersion"),
                location: text("InstallLocation"),
                icon: text("DisplayIcon"),
                uninstall: text("UninstallString"),
                name: display,
            })
        })
        .collect()
}

/// The services that might be the server's. Read from the registry, which every user may; only where none of the
/// usual names is there, all services are looked through for the one that runs the server's program.
fn services() -> Vec<ServiceConfig> {
    let Ok(all) = LOCAL_MACHINE.open(SERVICES) else { return Vec::new() };
    let read = |name: &str| {
        let key = all.open(name).ok()?;
        let image = expanded(&key.get_string("ImagePath").ok()?);
        let start = StartType::from_registry(key.get_u32("Start").ok()?);
        Some(ServiceConfig { name: name.to_string(), image, start })
    };
    let usual: Vec<ServiceConfig> = SERVICE_NAMES.into_iter().filter_map(read).collect();
    let runs_it =
        |service: &ServiceConfig| service.image.to_ascii_lowercase().contains(&SERVICE.to_ascii_lowercase());
    if usual.iter().any(runs_it) {
        return usual;
    }
    let others = all.keys().into_iter().flatten().filter_map(|name| read(&name)).filter(runs_it);
    usual.iter().cloned().chain(others).collect()
}

/// `C:\Program Files (x86)` and `C:\Program Files` (documented), the first one first.
fn program_folders() -> Vec<String> {
    let folders = ["ProgramFiles(x86)", "ProgramW6432", "ProgramFiles"];
    folders.into_iter().filter_map(|name| std::env::var(name).ok()).collect()
}

/// A text with its variables (`%ProgramFiles%`) replaced.
fn expanded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_string();
    }
    let source = wide(text);
    let mut buffer = vec![0u16; 1024];
    // SAFETY: the source ends with a zero, and the length is the buffer's own.
    let units = unsafe { ExpandEnvironmentStringsW(source.as_ptr(), buffer.as_mut_ptr(), 1024) } as usize;
    match buffer.get(..units.wrapping_sub(1)) {
        Some(units) => String::from_utf16_lossy(units),
        None => text.to_string(),
    }
}

struct RealDisk;

impl Disk for RealDisk {
    fn is_file(&self, path: &str) -> bool {
        Path::new(path).is_file()
    }

    fn is_folder(&self, path: &str) -> bool {
        Path::new(path).is_dir()
    }

    fn version(&self, path: &str) -> Option<Version> {
        file_version(Path::new(path))
    }
}

/// The version that a program's file bears (`VS_FIXEDFILEINFO`).
pub fn file_version(path: &Path) -> Option<Version> {
    let name = wide(path.as_os_str());
    // SAFETY: the name ends with a zero; the block is as large as was asked for, and outlives what points into it;
    // the answer's length is checked before it is read.
    unsafe {
        let size = GetFileVersionInfoSizeW(name.as_ptr(), std::ptr::null_mut());
        if size == 0 {
            return None;
        }
        let mut block = vec![0u32; (size as usize).div_ceil(4)];
        if GetFileVersionInfoW(name.as_ptr(), 0, size, block.as_mut_ptr().cast()) == 0 {
            return None;
        }
        let (mut info, mut length) = (std::ptr::null_mut(), 0u32);
        let root = wide(r"\");
        let found = VerQueryValueW(block.as_ptr().cast(), root.as_ptr(), &mut info, &mut length) != 0;
        if !found || info.is_null() || (length as usize) < size_of::<VS_FIXEDFILEINFO>() {
            return None;
        }
        let info = info.cast::<VS_FIXEDFILEINFO>().read_unaligned();
        (info.dwSignature == 0xFEEF_04BD).then(|| {
            let (high, low) = (info.dwFileVersionMS, info.dwFileVersionLS);
            Version::new(high >> 16, high & 0xffff, low >> 16)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_versions_are_read_from_the_program_itself() {
        let own = file_version(&std::env::current_exe().unwrap());
        // Cargo gives test programs the same resources as the program.
        let package: Version = env!("CARGO_PKG_VERSION").parse().unwrap();
        assert!(own.is_none() || own == Some(package), "{own:?}");
        let system = Path::new(r"C:\windows\system32\kernel32.dll");
        assert!(file_version(system).is_some_and(|version| version.major >= 5));
        assert_eq!(file_version(Path::new(r"C:\none.exe")), None);
        assert_eq!(file_version(Path::new(r"C:\windows\win.ini")), None);
    }

    #[test]
    fn variables_are_replaced() {
        assert_eq!(expanded("plain"), "plain");
        assert_eq!(expanded("%SystemRoot%\\x").to_lowercase(), r"c:\windows\x");
        assert_eq!(expanded("%none-such%"), "%none-such%");
    }
}
