//! Whom files belong to.

use std::{
    fs::File,
    io,
    os::windows::{
        fs::OpenOptionsExt,
        io::{AsHandle, AsRawHandle},
    },
    path::Path,
};
use windows_sys::Win32::{
    Foundation::{CloseHandle, LocalFree},
    Security::{
        Authorization::{ConvertSidToStringSidW, GetSecurityInfo, SE_FILE_OBJECT, SE_OBJECT_TYPE},
        GetTokenInformation, OWNER_SECURITY_INFORMATION, PSID, TOKEN_QUERY, TOKEN_USER, TokenUser,
    },
    Storage::FileSystem::{FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, READ_CONTROL},
    System::Threading::{GetCurrentProcess, OpenProcessToken},
};

/// SYSTEM.
const SYSTEM: &str = "S-1-5-18";
/// The group of administrators: what an elevated administrator makes belongs to it.
const ADMINISTRATORS: &str = "S-1-5-32-544";
/// TrustedInstaller, to whom Windows' own files belong.
const TRUSTED_INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

/// Whoever may become one of these may do anything on this machine.
pub fn is_administrative(owner: &str) -> bool {
    [SYSTEM, ADMINISTRATORS, TRUSTED_INSTALLER].contains(&owner)
}

/// Does a file or folder belong to the user who runs this? What an administrator or an installer made in this user's
/// own folder does.
pub fn is_ours(path: &Path) -> io::Result<bool> {
    let file = File::options()
        .access_mode(READ_CONTROL)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)?;
    let owner = owner_of(&file)?;
    Ok(owner == this_user()? || is_administrative(&owner) && is_below_own_profile(path))
}

fn is_below_own_profile(path: &Path) -> bool {
    let lower = |path: &Path| path.to_string_lossy().to_lowercase();
    directories::BaseDirs::new().is_some_and(|base| {
        [base.home_dir(), base.data_local_dir()]
            .iter()
            .any(|folder| Path::new(&lower(path)).starts_with(lower(folder)))
    })
}

/// The owner of an open file or folder, as text: `S-1-5-…`.
pub fn owner_of(file: &File) -> io::Result<String> {
    owner_of_object(file, SE_FILE_OBJECT)
}

/// The owner of what is open, of this kind.
pub fn owner_of_object(object: &impl AsHandle, kind: SE_OBJECT_TYPE) -> io::Result<String> {
    let (mut owner, mut descriptor) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the handle is open; what comes back is freed after the last look at the owner in it.
    unsafe {
        let code = GetSecurityInfo(
            object.as_handle().as_raw_handle(),
            kind,
            OWNER_SECURITY_INFORMATION,
            &mut owner,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            &mut descriptor,
        );
        if code != 0 {
            return Err(io::Error::from_raw_os_error(code as i32));
        }
        let text = text_of(owner);
        LocalFree(descriptor);
        text
    }
}

/// The user who runs this, as text: `S-1-5-…`.
pub fn this_user() -> io::Result<String> {
    let mut token = std::ptr::null_mut();
    // SAFETY: the block is as long as said and aligned for the structure, and the token is closed.
    unsafe {
        if OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mut token) == 0 {
            return Err(io::Error::last_os_error());
        }
        let mut block = [0u64; 32];
        let mut length = 0;
        let size = size_of_val(&block) as u32;
        let found = GetTokenInformation(token, TokenUser, block.as_mut_ptr().cast(), size, &mut length);
        let error = io::Error::last_os_error();
        CloseHandle(token);
        if found == 0 {
            return Err(error);
        }
        text_of((*block.as_ptr().cast::<TOKEN_USER>()).User.Sid)
    }
}

/// # Safety
/// `sid` is an identifier that is alive.
unsafe fn text_of(sid: PSID) -> io::Result<String> {
    let mut text = std::ptr::null_mut();
    // SAFETY: the text comes with a zero at its end, and is freed after it was copied.
    unsafe {
        if ConvertSidToStringSidW(sid, &mut text) == 0 {
            return Err(io::Error::last_os_error());
        }
        let copy = super::wide_text(text).to_string_lossy().into_owned();
        LocalFree(text.cast());
        Ok(copy)
    }
}

/// Owner, group and access rights of a file, as text, for tests.
#[cfg(test)]
pub fn rights_of(path: &Path) -> io::Result<String> {
    let file = File::options()
        .access_mode(READ_CONTROL)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)?;
    rights_of_object(&file, SE_FILE_OBJECT)
}

/// Owner, group and access rights of what is open, of this kind, as text, for tests.
#[cfg(test)]
pub fn rights_of_object(object: &impl AsHandle, kind: SE_OBJECT_TYPE) -> io::Result<String> {
    use windows_sys::Win32::Security::{
        Authorization::{ConvertSecurityDescriptorToStringSecurityDescriptorW, SDDL_REVISION_1},
        DACL_SECURITY_INFORMATION, GROUP_SECURITY_INFORMATION,
    };
    let what = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    let (none, mut descriptor, mut text) = (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the handle is open; what comes back is freed after it was copied.
    unsafe {
        let code = GetSecurityInfo(
            object.as_handle().as_raw_handle(),
            kind,
            what,
            none,
            none,
            none.cast(),
            none.cast(),
            &mut descriptor,
        );
        if code != 0 {
            return Err(io::Error::from_raw_os_error(code as i32));
        }
        let mut length = 0;
        let done = ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor,
            SDDL_REVISION_1,
            what,
            &mut text,
            &mut length,
        );
        let error = io::Error::last_os_error();
        LocalFree(descriptor);
        if done == 0 {
            return Err(error);
        }
        let copy =
            String::from_utf16_lossy(std::slice::from_raw_parts(text, length.saturating_sub(1) as usize));
        LocalFree(text.cast());
        Ok(copy)
    }
}

/// Sets the access rights of a file, given as text, for tests.
#[cfg(test)]
pub fn set_rights(path: &Path, rights: &str) -> io::Result<()> {
    use windows_sys::Win32::Security::{
        Authorization::{ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1},
        DACL_SECURITY_INFORMATION, SetFileSecurityW,
    };
    let (mut descriptor, name, rights) = (std::ptr::null_mut(), super::wide(path), super::wide(rights));
    // SAFETY: both texts end with zeros; what comes back is freed after it was used.
    unsafe {
        let (into, none) = (&mut descriptor, std::ptr::null_mut());
        if ConvertStringSecurityDescriptorToSecurityDescriptorW(rights.as_ptr(), SDDL_REVISION_1, into, none)
            == 0
        {
            return Err(io::Error::last_os_error());
        }
        let set = SetFileSecurityW(name.as_ptr(), DACL_SECURITY_INFORMATION, descriptor);
        let error = io::Error::last_os_error();
        LocalFree(descriptor);
        if set == 0 { Err(error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_user_makes_is_this_user_s() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        std::fs::write(&path, "").unwrap();
        assert!(is_ours(&path).unwrap() && is_ours(home.path()).unwrap());
        let owner = owner_of(&File::open(&path).unwrap()).unwrap();
        assert!(owner.starts_with("S-1-5-"), "{owner}");
    }

    #[test]
    fn only_three_owners_are_the_machine_s_administration() {
        for owner in ["S-1-5-18", "S-1-5-32-544", TRUSTED_INSTALLER] {
            assert!(is_administrative(owner));
        }
        for owner in ["S-1-5-21-1-2-3-500", "S-1-5-32-545", "S-1-1-0", "S-1-5-7", ""] {
            assert!(!is_administrative(owner), "{owner}");
        }
    }
}
