//! Running programs: found by full path in this session of this user, asked to close as a user would, ended only
//! when that is asked for, and who holds a file open.

use super::{path_of, same_spelling, session};
use std::{
    ffi::{OsString, c_void},
    io,
    os::windows::ffi::OsStringExt,
    path::{Path, PathBuf},
};
use windows_sys::{
    Wdk::System::Threading::{NtQueryInformationProcess, ProcessBasicInformation},
    Win32::{
        Foundation::{
            CloseHandle, ERROR_INVALID_PARAMETER, ERROR_MORE_DATA, ERROR_SHARING_VIOLATION, FILETIME, HANDLE,
            HWND, INVALID_HANDLE_VALUE, LPARAM, LocalFree, WAIT_TIMEOUT,
        },
        Security::{EqualSid, GetTokenInformation, TOKEN_QUERY, TOKEN_USER, TokenUser},
        Storage::FileSystem::{
            CreateFileW, DELETE, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, OPEN_EXISTING,
            SYNCHRONIZE,
        },
        System::{
            Diagnostics::{
                Debug::ReadProcessMemory,
                ToolHelp::{
                    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW,
                    TH32CS_SNAPPROCESS,
                },
            },
            RemoteDesktop::ProcessIdToSessionId,
            RestartManager::{
                CCH_RM_SESSION_KEY, RM_PROCESS_INFO, RmEndSession, RmGetList, RmRegisterResources,
                RmStartSession,
            },
            Threading::{
                GetCurrentProcess, GetProcessTimes, OpenProcess, OpenProcessToken, PROCESS_BASIC_INFORMATION,
                PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_TERMINATE, PROCESS_VM_READ,
                QueryFullProcessImageNameW, TerminateProcess, WaitForSingleObject,
            },
        },
        UI::{
            Shell::CommandLineToArgvW,
            WindowsAndMessaging::{
                EnumWindows, GW_OWNER, GetClassNameW, GetWindow, GetWindowThreadProcessId, IsWindowVisible,
                PostMessageW, WM_CLOSE,
            },
        },
    },
};

/// A running program of this user in this session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its process id.
    pub pid: u32,
    /// When it was started, in the system's own count (100 ns since 1601). With the id it names one process for ever.
    pub started: u64,
    /// Its full path.
    pub path: PathBuf,
    /// Its arguments, without the program itself; `None` where Windows does not let us see them.
    pub arguments: Option<Vec<String>>,
    /// The folder in which it was started; `None` where Windows does not let us see it.
    pub folder: Option<PathBuf>,
}

/// The programs of this user in this session that run from `path`, whatever its letter case.
pub fn running(path: &Path) -> Vec<Running> {
    let wanted = same_spelling(path);
    process_ids()
        .into_iter()
        .filter(|pid| session_of(*pid) == Some(session()))
        .filter_map(|pid| {
            let process = Process::open(pid, PROCESS_QUERY_LIMITED_INFORMATION).ok()?;
            let path = process.path().filter(|path| same_spelling(path) == wanted)?;
            if process.is_ours() { process.described(pid, path) } else { None }
        })
        .collect()
}

/// The program of this user that runs as this process.
pub fn of_process(pid: u32) -> Option<Running> {
    let process = Process::open(pid, PROCESS_QUERY_LIMITED_INFORMATION).ok()?;
    if process.is_ours() { process.described(pid, process.path()?) } else { None }
}

/// Does this very process still run, from this path?
pub fn runs(pid: u32, started: u64, path: &Path) -> bool {
    Process::open(pid, PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE).is_ok_and(|process| {
        process.started() == Some(started)
            && process.runs()
            && process.path().is_some_and(|running| same_spelling(&running) == same_spelling(path))
    })
}

/// Asks a process to close, as a user would by closing its windows: those that can be seen, or where none can (a
/// tray), all of them. `NotFound` if it has no window to ask, `PermissionDenied` if it runs with more rights.
pub fn ask_to_close(pid: u32, started: u64) -> io::Result<()> {
    let is_there = match Process::open(pid, PROCESS_QUERY_LIMITED_INFORMATION) {
        Err(error) if error.raw_os_error() == Some(ERROR_INVALID_PARAMETER as i32) => false,
        process => process?.started() == Some(started),
    };
    // It has gone by itself; another one may bear its number.
    if !is_there {
        return Ok(());
    }
    let windows = windows_of(pid);
    let seen: Vec<HWND> = windows.iter().filter(|window| window.seen).map(|window| window.handle).collect();
    let asked = if seen.is_empty() { windows.iter().map(|window| window.handle).collect() } else { seen };
    let mut result = Err(io::Error::new(io::ErrorKind::NotFound, "it has no window that could be closed"));
    for window in asked {
        // SAFETY: a window that is gone only fails.
        let posted = unsafe { PostMessageW(window, WM_CLOSE, 0, 0) } != 0;
        if posted {
            result = Ok(());
        } else if result.is_err() {
            result = Err(io::Error::last_os_error());
        }
    }
    result
}

/// Ends a process without asking: what it has not saved is lost.
pub fn end(pid: u32, started: u64) -> io::Result<()> {
    let process = match Process::open(pid, PROCESS_TERMINATE | PROCESS_QUERY_LIMITED_INFORMATION) {
        // No process of this number any more.
        Err(error) if error.raw_os_error() == Some(ERROR_INVALID_PARAMETER as i32) => return Ok(()),
        process => process?,
    };
    if process.started() != Some(started) || !process.runs() {
        return Ok(());
    }
    // SAFETY: the handle is open, with the right to do this, and of the process that is meant.
    if unsafe { TerminateProcess(process.0, 1) } == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Who holds a file open, other than this process: process ids with names. Asked of the Restart Manager; where that
/// names nobody, but the file cannot be renamed because of somebody, one without an id.
pub fn holders(path: &Path) -> io::Result<Vec<(Option<u32>, String)>> {
    let named = named_holders(path).unwrap_or_default().into_iter();
    let others = named.filter(|(pid, _)| *pid != std::process::id());
    let mut holders: Vec<_> = others.map(|(pid, name)| (Some(pid), name)).collect();
    if holders.is_empty() && is_held(path)? {
        holders.push((None, "Windows does not name it".into()));
    }
    Ok(holders)
}

/// What the Restart Manager says. Under Wine it names nobody.
fn named_holders(path: &Path) -> io::Result<Vec<(u32, String)>> {
    let checked = |code: u32| if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code as i32)) };
    let mut session = 0;
    let mut key = [0u16; CCH_RM_SESSION_KEY as usize + 1];
    // SAFETY: the buffers are as large as documented, the lists as long as said, and the session is ended.
    unsafe {
        checked(RmStartSession(&mut session, 0, key.as_mut_ptr()))?;
        let name = path_of(path);
        let names = [name.as_ptr()];
        let listed = checked(RmRegisterResources(
            session,
            1,
            names.as_ptr(),
            0,
            std::ptr::null(),
            0,
            std::ptr::null(),
        ))
        .and_then(|()| {
            let mut programs = vec![RM_PROCESS_INFO::default(); 16];
            // More may have come between two calls: not for ever.
            for _ in 0..4 {
                let (mut needed, mut count, mut reasons) = (0, programs.len() as u32, 0);
                let code = RmGetList(session, &mut needed, &mut count, programs.as_mut_ptr(), &mut reasons);
                if code != ERROR_MORE_DATA {
                    programs.truncate(count as usize);
                    return checked(code).map(|()| programs);
                }
                programs.resize(needed as usize + 8, RM_PROCESS_INFO::default());
            }
            Err(io::ErrorKind::ResourceBusy.into())
        });
        RmEndSession(session);
        Ok(listed?
            .iter()
            .map(|program| {
                let units = program.strAppName.split(|unit| *unit == 0).next().unwrap_or_default();
                (program.Process.dwProcessId, String::from_utf16_lossy(units))
            })
            .collect())
    }
}

/// Would renaming the file fail because somebody has it open? Looks without getting into anybody's way.
fn is_held(path: &Path) -> io::Result<bool> {
    let name = path_of(path);
    let share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    // SAFETY: the name ends with a zero, and the handle is closed.
    unsafe {
        let handle = CreateFileW(
            name.as_ptr(),
            DELETE,
            share,
            std::ptr::null(),
            OPEN_EXISTING,
            0,
            std::ptr::null_mut(),
        );
        if handle != INVALID_HANDLE_VALUE {
            CloseHandle(handle);
            return Ok(false);
        }
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION as i32) => Ok(true),
        error if error.kind() == io::ErrorKind::NotFound => Ok(false),
        error => Err(error),
    }
}

fn process_ids() -> Vec<u32> {
    let mut ids = Vec::new();
    // SAFETY: the structure knows its size, and the snapshot is closed.
    unsafe {
        let snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
        if snapshot == INVALID_HANDLE_VALUE {
            return ids;
        }
        let mut entry =
            PROCESSENTRY32W { dwSize: size_of::<PROCESSENTRY32W>() as u32, ..PROCESSENTRY32W::default() };
        let mut more = Process32FirstW(snapshot, &mut entry) != 0;
        while more {
            ids.push(entry.th32ProcessID);
            more = Process32NextW(snapshot, &mut entry) != 0;
        }
        CloseHandle(snapshot);
    }
    ids
}

fn session_of(pid: u32) -> Option<u32> {
    let mut session = 0;
    // SAFETY: the pointer is to a local variable.
    (unsafe { ProcessIdToSessionId(pid, &mut session) } != 0).then_some(session)
}

/// A process, its handle closed when dropped.
struct Process(HANDLE);

impl Process {
    fn open(pid: u32, rights: u32) -> io::Result<Process> {
        // SAFETY: no memory is involved.
        let handle = unsafe { OpenProcess(rights | SYNCHRONIZE, 0, pid) };
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(Process(handle)) }
    }

    fn path(&self) -> Option<PathBuf> {
        let mut units = vec![0u16; 32_768];
        let mut length = units.len() as u32;
        // SAFETY: the length is the buffer's own.
        let found = unsafe {
            QueryFullProcessImageNameW(self.0, PROCESS_NAME_WIN32, units.as_mut_ptr(), &mut length) != 0
        };
        found.then(|| PathBuf::from(OsString::from_wide(units.get(..length as usize).unwrap_or_default())))
    }

    fn started(&self) -> Option<u64> {
        let mut times = [FILETIME::default(); 4];
        let [started, ended, kernel, user] = &mut times;
        // SAFETY: all pointers are to local variables.
        let found = unsafe { GetProcessTimes(self.0, started, ended, kernel, user) } != 0;
        found.then(|| (u64::from(started.dwHighDateTime) << 32) | u64::from(started.dwLowDateTime))
    }

    /// `None` for one that has ended.
    fn described(&self, pid: u32, path: PathBuf) -> Option<Running> {
        let (arguments, folder) = started_with(pid).unzip();
        self.runs().then_some(Running { pid, started: self.started()?, path, arguments, folder })
    }

    /// It has not ended yet. (A process whose handle somebody keeps is still listed then.)
    fn runs(&self) -> bool {
        // SAFETY: no memory is involved.
        unsafe { WaitForSingleObject(self.0, 0) == WAIT_TIMEOUT }
    }

    /// Does it run for the user who runs this?
    fn is_ours(&self) -> bool {
        // SAFETY: a pseudo handle, which needs no closing.
        let own = Process(unsafe { GetCurrentProcess() });
        let (theirs, ours) = (self.user(), own.user());
        std::mem::forget(own);
        match (theirs, ours) {
            // SAFETY: both hold a whole TOKEN_USER, whose identifier points into the same block.
            (Some(theirs), Some(ours)) => unsafe {
                let sid = |block: &[u64]| (*block.as_ptr().cast::<TOKEN_USER>()).User.Sid;
                EqualSid(sid(&theirs), sid(&ours)) != 0
            },
            _ => false,
        }
    }

    /// A block with a TOKEN_USER in front.
    fn user(&self) -> Option<Vec<u64>> {
        let mut token = std::ptr::null_mut();
        // SAFETY: the block is as long as said, aligned for the structure, and the token is closed.
        unsafe {
            if OpenProcessToken(self.0, TOKEN_QUERY, &mut token) == 0 {
                return None;
            }
            let mut block = vec![0u64; 32];
            let mut length = 0;
            let size = (block.len() * 8) as u32;
            let found =
                GetTokenInformation(token, TokenUser, block.as_mut_ptr().cast(), size, &mut length) != 0;
            CloseHandle(token);
            found.then_some(block)
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SAFETY: opened in `open`, and closed once.
        unsafe { CloseHandle(self.0) };
    }
}

/// The arguments and the folder that a process was started with, read from its own memory: there is no call for
/// that. The places are those of 64-bit Windows since Vista, and the same for 32-bit programs on it; what is read is
/// checked, and `None` where it makes no sense.
fn started_with(pid: u32) -> Option<(Vec<String>, PathBuf)> {
    const PARAMETERS_IN_PEB: usize = 0x20;
    const FOLDER_IN_PARAMETERS: usize = 0x38;
    const LINE_IN_PARAMETERS: usize = 0x70;
    let process = Process::open(pid, PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_VM_READ).ok()?;
    let mut basic = PROCESS_BASIC_INFORMATION::default();
    // SAFETY: the pointer is to a local variable of the size that is said.
    let status = unsafe {
        let size = size_of::<PROCESS_BASIC_INFORMATION>() as u32;
        let into = (&raw mut basic).cast();
        NtQueryInformationProcess(process.0, ProcessBasicInformation, into, size, std::ptr::null_mut())
    };
    let peb = basic.PebBaseAddress as usize;
    if status != 0 || peb == 0 {
        return None;
    }
    let parameters = process.number(peb + PARAMETERS_IN_PEB)?;
    let line = process.text(parameters + LINE_IN_PARAMETERS)?;
    let folder = process.text(parameters + FOLDER_IN_PARAMETERS)?;
    let folder = PathBuf::from(OsString::from_wide(&folder));
    folder.is_absolute().then(|| (arguments(&line), folder))
}

impl Process {
    fn read(&self, at: usize, into: &mut [u8]) -> Option<()> {
        let mut length = 0;
        // SAFETY: the length is the buffer's own; a wrong place only fails.
        let read = unsafe {
            ReadProcessMemory(self.0, at as *const c_void, into.as_mut_ptr().cast(), into.len(), &mut length)
        };
        (read != 0 && length == into.len()).then_some(())
    }

    fn number(&self, at: usize) -> Option<usize> {
        let mut bytes = [0; 8];
        self.read(at, &mut bytes)?;
        usize::try_from(u64::from_le_bytes(bytes)).ok().filter(|number| *number != 0)
    }

    /// A UNICODE_STRING.
    fn text(&self, at: usize) -> Option<Vec<u16>> {
        let mut head = [0; 2];
        self.read(at, &mut head)?;
        let mut bytes = vec![0; usize::from(u16::from_le_bytes(head))];
        self.read(self.number(at + 8)?, &mut bytes)?;
        Some(bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect())
    }
}

/// The arguments of a command line, without the program.
pub fn arguments(line: &[u16]) -> Vec<String> {
    let line: Vec<u16> = line.iter().copied().chain([0]).collect();
    let mut count = 0;
    // SAFETY: the line ends with a zero; the answer holds as many texts as it says, each with a zero at its end, and
    // is freed as documented.
    unsafe {
        let list = CommandLineToArgvW(line.as_ptr(), &mut count);
        if list.is_null() {
            return Vec::new();
        }
        let words = (1..usize::try_from(count).unwrap_or(0))
            .map(|at| super::wide_text(*list.add(at)).to_string_lossy().into_owned())
            .collect();
        LocalFree(list.cast());
        words
    }
}

struct Window {
    handle: HWND,
    seen: bool,
}

/// The windows of a process that belong to no other window, but for those that the system itself puts beside them.
fn windows_of(pid: u32) -> Vec<Window> {
    struct Search {
        pid: u32,
        found: Vec<Window>,
    }
    unsafe extern "system" fn each(handle: HWND, search: LPARAM) -> i32 {
        // SAFETY: the search below, which waits for this; windows may be gone at any time, which only fails.
        unsafe {
            let search = &mut *(search as *mut Search);
            let mut owner = 0;
            GetWindowThreadProcessId(handle, &mut owner);
            if owner == search.pid && GetWindow(handle, GW_OWNER).is_null() && !is_of_the_system(handle) {
                search.found.push(Window { handle, seen: IsWindowVisible(handle) != 0 });
            }
        }
        1
    }
    let mut search = Search { pid, found: Vec::new() };
    // SAFETY: the pointer outlives the call.
    unsafe { EnumWindows(Some(each), &raw mut search as LPARAM) };
    search.found
}

/// Windows for input methods, which each thread with windows is given.
fn is_of_the_system(window: HWND) -> bool {
    let mut name = [0u16; 32];
    // SAFETY: the length is the buffer's own.
    let length = unsafe { GetClassNameW(window, name.as_mut_ptr(), name.len() as i32) };
    let name = String::from_utf16_lossy(name.get(..length.max(0) as usize).unwrap_or_default());
    matches!(name.as_str(), "IME" | "MSCTFIME UI")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_is_found_with_its_arguments_and_folder() {
        let path = std::env::current_exe().unwrap();
        let found = running(&PathBuf::from(path.to_string_lossy().to_uppercase()));
        let this = found.iter().find(|program| program.pid == std::process::id()).unwrap();
        assert_eq!(this.arguments, Some(std::env::args().skip(1).collect()));
        let folder = this.folder.as_deref().map(same_spelling).unwrap();
        assert_eq!(
            folder.trim_end_matches('\\'),
            same_spelling(&std::env::current_dir().unwrap()).trim_end_matches('\\')
        );
        assert!(runs(this.pid, this.started, &path));
        assert!(!runs(this.pid, this.started + 1, &path), "another process of the same number");
        assert!(!runs(this.pid, this.started, Path::new(r"C:\other.exe")));
        assert!(running(Path::new(r"C:\none.exe")).is_empty());
    }

    #[test]
    fn arguments_as_the_c_runtime_splits_them() {
        let words = |line: &str| arguments(&line.encode_utf16().collect::<Vec<_>>());
        assert_eq!(words(r#""C:\a b\x.exe" -m "two words" it's"#), ["-m", "two words", "it's"]);
        assert_eq!(words("x.exe"), Vec::<String>::new());
    }

    #[test]
    fn a_process_that_is_gone_needs_no_end() {
        assert!(end(0xffff_fff0, 1).is_ok());
        assert!(ask_to_close(0xffff_fff0, 1).is_ok());
    }
}
