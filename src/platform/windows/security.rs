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
    Foundation::{CloseHandle, GENERIC_ALL, GENERIC_WRITE, LocalFree},
    Security::{
        ACCESS_ALLOWED_ACE, ACE_HEADER, ACL,
        Authorization::{ConvertSidToStringSidW, GetSecurityInfo, SE_FILE_OBJECT, SE_OBJECT_TYPE},
        DACL_SECURITY_INFORMATION, GetAce, GetTokenInformation, INHERIT_ONLY_ACE, LABEL_SECURITY_INFORMATION,
        OWNER_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, TOKEN_QUERY, TOKEN_USER, TokenUser,
    },
    Storage::FileSystem::{
        BY_HANDLE_FILE_INFORMATION, DELETE, FILE_APPEND_DATA, FILE_DELETE_CHILD, FILE_FLAG_BACKUP_SEMANTICS,
        FILE_FLAG_OPEN_REPARSE_POINT, FILE_WRITE_DATA, GetFileInformationByHandle, READ_CONTROL, WRITE_DAC,
        WRITE_OWNER,
    },
    System::SystemServices::{
        ACCESS_ALLOWED_ACE_TYPE, ACCESS_ALLOWED_CALLBACK_ACE_TYPE, SECURITY_MANDATORY_MEDIUM_RID,
    },
    System::Threading::{GetCurrentProcess, OpenProcessToken},
};

/// SYSTEM.
const SYSTEM: &str = "S-1-5-18";
/// The group of administrators: what an elevated administrator makes belongs to it.
const ADMINISTRATORS: &str = "S-1-5-32-544";
/// Whoever owns the thing (`OWNER RIGHTS`).
const OWNER_RIGHTS: &str = "S-1-3-4";
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
    let said = Descriptor::of(object, kind, OWNER_SECURITY_INFORMATION)?;
    // SAFETY: the owner lies in the descriptor.
    unsafe { text_of(said.owner) }
}

/// Who besides `trusted` may change what is open, or put something else in its place, as its access list says; none
/// where there is no such entry.
pub fn other_writer(file: &File, trusted: fn(&str) -> bool) -> io::Result<Option<String>> {
    let said = Descriptor::of(file, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION)?;
    if said.rights.is_null() {
        // No list lets in everybody.
        return Ok(Some("everybody".to_string()));
    }
    // SAFETY: the list lies in the descriptor.
    unsafe { other_writer_in(said.rights, trusted) }
}

/// What Windows says of something that is open: only what was asked for is there.
struct Descriptor {
    whole: PSECURITY_DESCRIPTOR,
    owner: PSID,
    rights: *mut ACL,
    label: *mut ACL,
}

impl Descriptor {
    fn of(object: &impl AsHandle, kind: SE_OBJECT_TYPE, what: u32) -> io::Result<Descriptor> {
        use std::ptr::null_mut;
        let mut said =
            Descriptor { whole: null_mut(), owner: null_mut(), rights: null_mut(), label: null_mut() };
        let handle = object.as_handle().as_raw_handle();
        // SAFETY: the handle is open, the pointers are to fields; what comes back lies in `whole`, which `drop` frees.
        let code = unsafe {
            let Descriptor { whole, owner, rights, label } = &mut said;
            GetSecurityInfo(handle, kind, what, owner, null_mut(), rights, label, whole)
        };
        if code == 0 { Ok(said) } else { Err(io::Error::from_raw_os_error(code as i32)) }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: made by `GetSecurityInfo`, or none; nobody looks at it any more.
        unsafe { LocalFree(self.whole) };
    }
}

/// # Safety
/// `list` is an access list that is alive.
unsafe fn other_writer_in(list: *const ACL, trusted: fn(&str) -> bool) -> io::Result<Option<String>> {
    // SAFETY: as promised by the caller; `GetAce` gives entries of the list.
    unsafe {
        for number in 0..u32::from((*list).AceCount) {
            let mut entry = std::ptr::null_mut();
            if GetAce(list, number, &mut entry) == 0 {
                return Err(io::Error::last_os_error());
            }
            let header = *entry.cast::<ACE_HEADER>();
            let allows = [ACCESS_ALLOWED_ACE_TYPE, ACCESS_ALLOWED_CALLBACK_ACE_TYPE]
                .contains(&u32::from(header.AceType));
            let counts_here = u32::from(header.AceFlags) & INHERIT_ONLY_ACE == 0;
            let allowed = entry.cast::<ACCESS_ALLOWED_ACE>();
            if allows && counts_here && changes((*allowed).Mask) {
                let who = text_of((&raw mut (*allowed).SidStart).cast())?;
                if !trusted(&who) && who != OWNER_RIGHTS {
                    return Ok(Some(who));
                }
            }
        }
        Ok(None)
    }
}

/// Whether these rights let a file or folder be changed, removed, or given other rights.
fn changes(rights: u32) -> bool {
    let changing = FILE_WRITE_DATA
        | FILE_APPEND_DATA
        | FILE_DELETE_CHILD
        | DELETE
        | WRITE_DAC
        | WRITE_OWNER
        | GENERIC_WRITE
        | GENERIC_ALL;
    rights & changing != 0
}

/// How many names a file has.
pub fn names_of(file: &File) -> io::Result<u32> {
    let mut information = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, the pointer is to a local variable.
    match unsafe { GetFileInformationByHandle(file.as_raw_handle(), &mut information) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(information.nNumberOfLinks),
    }
}

/// Whether a sandboxed process (below medium integrity) may have made what is open. What bears no label is of medium
/// integrity, as documented.
pub fn is_of_low_integrity(object: &impl AsHandle, kind: SE_OBJECT_TYPE) -> io::Result<bool> {
    let said = Descriptor::of(object, kind, LABEL_SECURITY_INFORMATION)?;
    // SAFETY: list and label lie in the descriptor; a label's structure begins as an allowed entry's.
    unsafe {
        let mut label = std::ptr::null_mut();
        if said.label.is_null() || (*said.label).AceCount == 0 || GetAce(said.label, 0, &mut label) == 0 {
            return Ok(false);
        }
        let label = text_of((&raw mut (*label.cast::<ACCESS_ALLOWED_ACE>()).SidStart).cast())?;
        Ok(is_low(&label))
    }
}

/// Whether this is the label of an integrity below medium.
fn is_low(label: &str) -> bool {
    let level = label.strip_prefix("S-1-16-").and_then(|level| level.parse::<i32>().ok());
    level.is_none_or(|level| level < SECURITY_MANDATORY_MEDIUM_RID)
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
        GROUP_SECURITY_INFORMATION,
    };
    let what = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    let said = Descriptor::of(object, kind, what)?;
    let (mut text, mut length) = (std::ptr::null_mut(), 0);
    // SAFETY: the descriptor is alive; the text is freed after it was copied.
    unsafe {
        if ConvertSecurityDescriptorToStringSecurityDescriptorW(
            said.whole,
            SDDL_REVISION_1,
            what,
            &mut text,
            &mut length,
        ) == 0
        {
            return Err(io::Error::last_os_error());
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
        SetFileSecurityW,
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

    /// Asked of a list as Windows reads it from a text: Wine keeps no more of a file's than Unix' modes.
    #[test]
    fn who_else_may_write_is_found_in_the_access_list() {
        use windows_sys::Win32::Security::{
            Authorization::{ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1},
            GetSecurityDescriptorDacl,
        };
        for (rights, writer) in [
            ("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;BU)", None),
            ("D:P(A;;FA;;;SY)(A;;FR;;;BU)(A;;0x2;;;BU)", Some("S-1-5-32-545")),
            ("D:P(A;;0x10000;;;WD)", Some("S-1-1-0")),
            ("D:P(A;;GA;;;BA)(A;;GW;;;AU)", Some("S-1-5-11")),
            // For what will be made in the folder, not for itself.
            ("D:P(A;OICIIO;GA;;;BU)(A;OICI;FA;;;BA)", None),
            ("D:P(D;;0x2;;;BU)(A;;0x1200a9;;;BU)", None),
        ] {
            let (text, mut descriptor) = (super::super::wide(rights), std::ptr::null_mut());
            let (mut list, mut present, mut by_default) = (std::ptr::null_mut(), 0, 0);
            // SAFETY: the text ends with a zero; the list lies in the descriptor, which is freed after it was read.
            let found = unsafe {
                let (into, none) = (&mut descriptor, std::ptr::null_mut());
                let version = SDDL_REVISION_1;
                assert_ne!(
                    ConvertStringSecurityDescriptorToSecurityDescriptorW(text.as_ptr(), version, into, none),
                    0
                );
                GetSecurityDescriptorDacl(descriptor, &mut present, &mut list, &mut by_default);
                assert_ne!(present, 0);
                let found = other_writer_in(list, is_administrative);
                LocalFree(descriptor);
                found
            };
            assert_eq!(found.unwrap().as_deref(), writer, "{rights}");
        }
    }

    #[test]
    fn who_may_write_a_file_is_asked_of_windows() {
        let home = tempfile::tempdir().unwrap();
        let file = File::create(home.path().join("file")).unwrap();
        assert_eq!(other_writer(&file, |_| true).unwrap(), None);
        assert_eq!(other_writer(&file, |_| false).unwrap().map(|who| who.starts_with("S-1-")), Some(true));
    }

    #[test]
    fn sandboxes_are_below_medium_integrity() {
        for (label, low) in
            [("S-1-16-0", true), ("S-1-16-4096", true), ("S-1-16-8192", false), ("S-1-16-12288", false)]
        {
            assert_eq!(is_low(label), low, "{label}");
        }
        assert!(is_low("S-1-5-18"), "no label at all is not believed");
    }
}
