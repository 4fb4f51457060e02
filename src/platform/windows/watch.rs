//! Tells of changes in folders, by Windows' own notification (`ReadDirectoryChangesW`). One thread waits for all of
//! them at one completion port, without an end: while nothing changes nothing wakes up. (`notify` waits for 100 ms at
//! a time on Windows.)

use super::wide_units;
use std::{
    collections::HashMap,
    fs::File,
    io,
    os::windows::{
        fs::OpenOptionsExt,
        io::{AsRawHandle, FromRawHandle, OwnedHandle},
    },
    path::{Path, PathBuf},
    ptr::{null, null_mut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use windows_sys::Win32::{
    Foundation::{ERROR_NOTIFY_ENUM_DIR, INVALID_HANDLE_VALUE, WAIT_TIMEOUT},
    Storage::FileSystem::{
        FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OVERLAPPED, FILE_LIST_DIRECTORY, FILE_NOTIFY_CHANGE_CREATION,
        FILE_NOTIFY_CHANGE_DIR_NAME, FILE_NOTIFY_CHANGE_FILE_NAME, FILE_NOTIFY_CHANGE_LAST_WRITE,
        FILE_NOTIFY_CHANGE_SECURITY, FILE_NOTIFY_CHANGE_SIZE, ReadDirectoryChangesW,
    },
    System::{
        IO::{
            CancelIoEx, CreateIoCompletionPort, GetQueuedCompletionStatus, OVERLAPPED,
            PostQueuedCompletionStatus,
        },
        Threading::INFINITE,
    },
};

/// What is news: files and folders that come, go, change or may be read by others than before. Not who has read them.
const NEWS: u32 = FILE_NOTIFY_CHANGE_FILE_NAME
    | FILE_NOTIFY_CHANGE_DIR_NAME
    | FILE_NOTIFY_CHANGE_SIZE
    | FILE_NOTIFY_CHANGE_LAST_WRITE
    | FILE_NOTIFY_CHANGE_CREATION
    | FILE_NOTIFY_CHANGE_SECURITY;
/// Room for the news of one folder: 16 KiB. Folders of other machines take at most 64 KiB.
const ROOM: usize = 16 * 1024;
/// A folder that cannot be watched again and again is told of once in this time: late rather than never, for it is
/// watched again only by who is told.
const FAILS_AGAIN: Duration = Duration::from_secs(60);

/// Folders that are watched. Ends when dropped.
pub struct Folders {
    shared: Arc<Shared>,
    keys: HashMap<PathBuf, usize>,
}

struct Shared {
    port: OwnedHandle,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// By the keys that the port tells; a key means one folder for ever. Zero is none.
    folders: HashMap<usize, Folder>,
    newest: usize,
    /// When it was, or will be, told of each folder that it could not be watched any more.
    failed: HashMap<PathBuf, Instant>,
    /// When to tell next of folders that have failed again.
    late: Option<Instant>,
    ends: bool,
}

/// What the port tells: the key of a folder, and how many bytes of news there are, or why there are none.
type Done = (usize, Result<u32, u32>);

/// What there is to tell: these paths, or `None` where news were lost.
type News = Option<Vec<PathBuf>>;

impl Folders {
    /// Nothing yet. `tell` is called with the paths that have changed, or with `None` where that was lost.
    ///
    /// # Errors
    ///
    /// Why not, in Windows' words.
    pub fn new(tell: impl Fn(Option<&[PathBuf]>) + Send + 'static) -> Result<Folders, String> {
        // SAFETY: no memory is involved; the port is closed once.
        let port = unsafe {
            let port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, null_mut(), 0, 1);
            if port.is_null() {
                return Err(io::Error::last_os_error().to_string());
            }
            OwnedHandle::from_raw_handle(port)
        };
        let shared = Arc::new(Shared { port, open: Mutex::default() });
        let waiting = shared.clone();
        let thread = std::thread::Builder::new().name("watch".into());
        thread.spawn(move || waiting.wait(&tell)).map_err(|error| error.to_string())?;
        Ok(Folders { shared, keys: HashMap::new() })
    }

    /// Watches a folder from now on, but not what is in the folders in it.
    ///
    /// # Errors
    ///
    /// Why not, in Windows' words.
    pub fn watch(&mut self, folder: &Path) -> Result<(), String> {
        let mut open = self.shared.open();
        let key = open.newest + 1;
        let mut opened = Folder::open(folder, &self.shared.port, key).map_err(|error| error.to_string())?;
        opened.read_on().map_err(|error| error.to_string())?;
        open.newest = key;
        open.folders.insert(key, opened);
        drop(open);
        self.keys.insert(folder.to_path_buf(), key).into_iter().for_each(|old| self.end(old));
        Ok(())
    }

    /// Watches a folder no more.
    pub fn unwatch(&mut self, folder: &Path) {
        if let Some(key) = self.keys.remove(folder) {
            self.end(key);
        }
    }

    fn end(&self, key: usize) {
        if let Some(folder) = self.shared.open().folders.get_mut(&key) {
            folder.end();
        }
    }
}

impl Drop for Folders {
    /// The thread ends once Windows has given all folders back.
    fn drop(&mut self) {
        let mut open = self.shared.open();
        open.ends = true;
        open.folders.values_mut().for_each(Folder::end);
        // SAFETY: a word without memory behind it, to a port that is open.
        unsafe { PostQueuedCompletionStatus(self.shared.port.as_raw_handle(), 0, 0, null()) };
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, tell: &dyn Fn(Option<&[PathBuf]>)) {
        loop {
            let late = self.open().late;
            let Some(done) = self.next(late) else { break };
            let (told, is_late, is_over) = {
                let (mut open, now) = (self.open(), Instant::now());
                let told = done.and_then(|done| open.take(done, now));
                (told, open.is_late(now), open.ends && open.folders.is_empty())
            };
            if let Some(news) = told {
                tell(news.as_deref());
            }
            if is_late {
                tell(None);
            }
            if is_over {
                return;
            }
        }
        // Never seen; but whoever relies on news has to look.
        tell(None);
    }

    /// Waits for the next word, as long as it takes, or until then (`Some(None)`). `None` if the port is broken.
    fn next(&self, until: Option<Instant>) -> Option<Option<Done>> {
        let patience = until.map_or(INFINITE, |until| {
            // A little late rather than a little early, which would mean to wait twice.
            until.saturating_duration_since(Instant::now()).as_millis() as u32 + 1
        });
        let (mut bytes, mut key, mut read) = (0, 0, null_mut());
        // SAFETY: the pointers are to local variables.
        let done = unsafe {
            GetQueuedCompletionStatus(self.port.as_raw_handle(), &mut bytes, &mut key, &mut read, patience)
        };
        match io::Error::last_os_error().raw_os_error().map(|code| code as u32) {
            _ if done != 0 => Some(Some((key, Ok(bytes)))),
            Some(WAIT_TIMEOUT) if read.is_null() => Some(None),
            _ if read.is_null() => None,
            code => Some(Some((key, Err(code.unwrap_or_default())))),
        }
    }
}

impl Open {
    /// What there is to tell now, if anything; and the folder is watched on.
    fn take(&mut self, (key, done): Done, now: Instant) -> Option<News> {
        let folder = self.folders.get_mut(&key)?;
        folder.is_read = false;
        if folder.is_unwanted {
            self.folders.remove(&key);
            return None;
        }
        let news = match done {
            Ok(bytes) => Some(names(&folder.news()[..ROOM.min(bytes as usize)])),
            Err(_) => None,
        };
        // Where there was more than there is room for, none of it comes.
        let news = news
            .filter(|names| !names.is_empty())
            .map(|names| names.iter().map(|name| folder.path.join(name)).collect());
        let may_go_on = matches!(done, Ok(_) | Err(ERROR_NOTIFY_ENUM_DIR));
        if may_go_on && folder.read_on().is_ok() {
            return Some(news);
        }
        // The folder is gone, or its machine. Who looks then finds out, and watches what is there.
        let path = self.folders.remove(&key)?.path.clone();
        let due = due(self.failed.get(&path).copied(), now);
        self.failed.insert(path, due);
        if due > now {
            self.late = Some(self.late.map_or(due, |late| late.min(due)));
            return None;
        }
        Some(None)
    }

    /// Is it time to tell of what has failed again? Who looks then watches all that is there: once is enough.
    fn is_late(&mut self, now: Instant) -> bool {
        self.late.take_if(|late| *late <= now).is_some()
    }
}

/// When to tell of a folder that has failed now, if it was, or will be, told of it then.
fn due(told: Option<Instant>, now: Instant) -> Instant {
    match told {
        Some(told) if told > now => told,
        Some(told) => now.max(told + FAILS_AGAIN),
        None => now,
    }
}

/// A folder that is open, and what Windows writes its news into.
struct Folder {
    path: PathBuf,
    handle: OwnedHandle,
    read: *mut Read,
    /// Windows has `read`, until the port tells.
    is_read: bool,
    is_unwanted: bool,
}

#[repr(C)]
struct Read {
    overlapped: OVERLAPPED,
    room: [u32; ROOM / 4], // news are aligned to 4 bytes
}

// SAFETY: what the pointer leads to belongs to this folder and, while `is_read`, to Windows; to no thread.
unsafe impl Send for Folder {}

impl Folder {
    fn open(path: &Path, port: &OwnedHandle, key: usize) -> io::Result<Folder> {
        // Shared with whoever reads, writes, renames or deletes it.
        let handle: OwnedHandle = File::options()
            .access_mode(FILE_LIST_DIRECTORY)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED)
            .open(path)?
            .into();
        // SAFETY: both handles are open.
        if unsafe { CreateIoCompletionPort(handle.as_raw_handle(), port.as_raw_handle(), key, 0) }.is_null() {
            return Err(io::Error::last_os_error());
        }
        let read = Box::into_raw(Box::new(Read { overlapped: OVERLAPPED::default(), room: [0; ROOM / 4] }));
        Ok(Folder { path: path.to_path_buf(), handle, read, is_read: false, is_unwanted: false })
    }

    /// Asks for the next news. From the first time on Windows keeps them until they are asked for.
    fn read_on(&mut self) -> io::Result<()> {
        // SAFETY: `read` is alive until the port has told that Windows is done with it, and nobody else uses it: it is
        // asked for only where `is_read` was not set.
        let asked = unsafe {
            (*self.read).overlapped = OVERLAPPED::default();
            let room = (&raw mut (*self.read).room).cast();
            let overlapped = &raw mut (*self.read).overlapped;
            let handle = self.handle.as_raw_handle();
            ReadDirectoryChangesW(handle, room, ROOM as u32, 0, NEWS, null_mut(), overlapped, None)
        };
        self.is_read = asked != 0;
        if self.is_read { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// The room that Windows has written into. Only where the port has told so.
    fn news(&self) -> &[u8] {
        // SAFETY: the room is alive and whole, and Windows does not write there now.
        unsafe { std::slice::from_raw_parts((&raw const (*self.read).room).cast(), ROOM) }
    }

    /// Takes the question back. The port still tells its end.
    fn end(&mut self) {
        self.is_unwanted = true;
        // SAFETY: the handle is open. Where Windows has answered already there is nothing to take back.
        unsafe { CancelIoEx(self.handle.as_raw_handle(), &raw const (*self.read).overlapped) };
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What Windows may still write into is given away rather than freed.
        if !self.is_read {
            // SAFETY: made by `Box::into_raw`, and freed once.
            drop(unsafe { Box::from_raw(self.read) });
        }
    }
}

/// The names in what Windows writes (`FILE_NOTIFY_INFORMATION`, one after another): where the next one begins, what
/// happened, how many bytes the name has, the name.
fn names(mut news: &[u8]) -> Vec<std::ffi::OsString> {
    let mut names = Vec::new();
    let number = |news: &[u8], at: usize| {
        let bytes = news.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes) as usize)
    };
    while let (Some(next), Some(length)) = (number(news, 0), number(news, 8)) {
        let Some(name) = news.get(12..12 + length) else { break };
        names.push(wide_units(name));
        match news.get(next..) {
            Some(rest) if next >= 12 => news = rest,
            _ => break,
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

    const SOON: Duration = Duration::from_secs(10);

    fn folders() -> (Folders, Receiver<News>) {
        let (tell, told) = channel();
        let tell = move |paths: Option<&[PathBuf]>| drop(tell.send(paths.map(<[PathBuf]>::to_vec)));
        (Folders::new(tell).unwrap(), told)
    }

    fn entry(next: u32, name: &str) -> Vec<u8> {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut entry = [next, 1, name.len() as u32].map(u32::to_le_bytes).concat();
        entry.extend(name);
        entry.resize(entry.len().next_multiple_of(4), 0);
        entry
    }

    #[test]
    fn names_are_read_as_far_as_they_are_whole() {
        let both = [entry(20, "ä.x"), entry(0, "servers.xml")].concat();
        assert_eq!(names(&both), ["ä.x", "servers.xml"]);
        assert_eq!(names(&both[..both.len() - 4]), ["ä.x"], "the second is cut off");
        assert_eq!(
            names(&[entry(4, "a"), entry(0, "b")].concat()),
            ["a"],
            "no second one can begin in the first"
        );
        assert!(names(&[]).is_empty() && names(&[0; 11]).is_empty());
        assert_eq!(names(&[entry(u32::MAX, "a")].concat()), ["a"]);
    }

    #[test]
    fn the_thread_ends_with_the_watch_and_gives_the_folders_back() {
        let home = tempfile::tempdir().unwrap();
        let (mut folders, told) = folders();
        for _ in 0..20 {
            folders.watch(home.path()).unwrap();
        }
        std::fs::write(home.path().join("file"), "").unwrap();
        assert!(told.recv_timeout(SOON).unwrap().unwrap().contains(&home.path().join("file")));
        folders.unwatch(home.path());
        folders.watch(home.path()).unwrap();
        drop(folders);
        // What was under way may still come; then whoever tells is gone.
        let end = std::iter::repeat_with(|| told.recv_timeout(SOON)).find_map(Result::err);
        assert_eq!(end, Some(RecvTimeoutError::Disconnected));
        home.close().unwrap();
    }

    #[test]
    fn news_that_were_lost_are_told_as_such_and_a_folder_that_fails_again_is_told_of_late() {
        let home = tempfile::tempdir().unwrap();
        let shared = folders().0.shared.clone();
        let mut open = Open::default();
        let watched = |open: &mut Open| {
            open.newest += 1;
            let folder = Folder::open(home.path(), &shared.port, open.newest).unwrap();
            open.folders.insert(open.newest, folder);
            open.newest
        };
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        // More than there was room for, told in both ways: asked for again.
        for done in [Ok(0), Err(ERROR_NOTIFY_ENUM_DIR)] {
            let key = watched(&mut open);
            assert_eq!(open.take((key, done), start), Some(None));
            assert!(open.folders[&key].is_read);
        }
        // Told at once, or when a minute has passed since it was told last.
        for (fails, told, late) in [
            (0, Some(None), None),
            (1, None, Some(60)),
            (59, None, Some(60)),
            (61, None, Some(120)),
            (300, Some(None), None),
        ] {
            let key = watched(&mut open);
            assert_eq!(open.take((key, Err(5)), at(fails)), told, "{fails}");
            assert!(!open.folders.contains_key(&key));
            assert_eq!(open.late, late.map(at), "{fails}");
            if late.is_some_and(|late| fails == late - 1) || fails == 61 {
                assert!(!open.is_late(at(late.unwrap() - 1)));
                assert!(open.is_late(at(late.unwrap())) && !open.is_late(at(late.unwrap())), "told once");
            }
        }
        let key = watched(&mut open);
        open.folders.get_mut(&key).unwrap().is_unwanted = true;
        assert_eq!(open.take((key, Err(995)), at(400)), None, "taken back by ourselves");
        assert_eq!(open.take((key, Ok(12)), at(400)), None, "a folder that nobody knows any more");
    }

    #[test]
    fn what_is_due_is_told_although_nothing_happens() {
        let (folders, told) = folders();
        folders.shared.open().late = Some(Instant::now() + Duration::from_millis(200));
        // SAFETY: a word without memory behind it, to a port that is open.
        unsafe { PostQueuedCompletionStatus(folders.shared.port.as_raw_handle(), 0, 0, null()) };
        assert!(told.recv_timeout(Duration::from_millis(50)).is_err(), "not yet");
        assert_eq!(told.recv_timeout(SOON), Ok(None));
        assert!(told.recv_timeout(Duration::from_millis(300)).is_err(), "once");
    }
}
