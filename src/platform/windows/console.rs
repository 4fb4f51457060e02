//! The console of whoever started this program. A program of the graphical subsystem has none of its own, so
//! that no black window opens behind the tray; its verbs borrow the caller's.

use std::{
    fs::File,
    os::windows::io::IntoRawHandle,
    sync::atomic::{AtomicBool, Ordering},
};
use windows_sys::Win32::{
    Foundation::{HANDLE, HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE, SetHandleInformation},
    Storage::FileSystem::{FILE_TYPE_CHAR, FILE_TYPE_DISK, FILE_TYPE_PIPE, GetFileType},
    System::Console::{
        ATTACH_PARENT_PROCESS, AttachConsole, FreeConsole, GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE,
        STD_OUTPUT_HANDLE, SetStdHandle,
    },
};

static BORROWED: AtomicBool = AtomicBool::new(false);

/// Writes to the console of the calling program from now on, and reads from it; streams that were redirected
/// stay as they are. Does nothing where there is no such console, or where this process has one itself.
pub fn borrow() {
    let streams =
        [(STD_INPUT_HANDLE, "CONIN$"), (STD_OUTPUT_HANDLE, "CONOUT$"), (STD_ERROR_HANDLE, "CONOUT$")];
    // SAFETY: no memory is involved, only handles of this process.
    let given = streams.map(|(which, _)| unsafe { GetStdHandle(which) });
    let redirected = given.map(is_open);
    // SAFETY: as above.
    if unsafe { AttachConsole(ATTACH_PARENT_PROCESS) } == 0 {
        return;
    }
    BORROWED.store(true, Ordering::SeqCst);
    for (index, (which, name)) in streams.into_iter().enumerate() {
        let handle = if redirected[index] {
            given[index]
        } else {
            match File::options().read(true).write(true).open(name) {
                // It stays open as long as the process lives.
                Ok(console) => console.into_raw_handle(),
                Err(_) => continue,
            }
        };
        // SAFETY: the handle is open, and nobody closes it.
        unsafe { SetStdHandle(which, handle) };
    }
}

/// Lets no program that is started from here hold our streams open: whoever reads them through a pipe would wait
/// for that program's end. (Streams that are meant for a program are handed to it as copies.)
pub fn keep_streams() {
    for which in [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE] {
        // SAFETY: no memory is involved; an unusable handle only fails.
        unsafe { SetHandleInformation(GetStdHandle(which), HANDLE_FLAG_INHERIT, 0) };
    }
}

/// Gives a borrowed console back: Ctrl+C in it, or its end, then no longer concern this process.
pub fn give_back() {
    if BORROWED.swap(false, Ordering::SeqCst) {
        // SAFETY: no memory is involved.
        unsafe { FreeConsole() };
    }
}

/// Is there a file, a pipe or a device behind the handle?
fn is_open(handle: HANDLE) -> bool {
    // SAFETY: the call tells an unusable handle by its answer.
    !handle.is_null()
        && handle != INVALID_HANDLE_VALUE
        && matches!(unsafe { GetFileType(handle) }, FILE_TYPE_CHAR | FILE_TYPE_DISK | FILE_TYPE_PIPE)
}
