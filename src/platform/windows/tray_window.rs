//! The hidden window behind the tray icon, which tray-icon makes, and what we add to it: the menu where
//! the icon's rectangle cannot be had, balloons, a kind end, and news of the system.

use muda::ContextMenu;
use std::sync::Mutex;
use tray_icon::TrayIcon;
use windows_sys::Win32::{
    Foundation::{HWND, LPARAM, LRESULT, RECT, WPARAM},
    System::Threading::GetCurrentThreadId,
    UI::{
        Shell::{
            DefSubclassProc, NIF_INFO, NIIF_INFO, NIIF_WARNING, NIM_MODIFY, NOTIFYICONDATAW,
            NOTIFYICONIDENTIFIER, RemoveWindowSubclass, SetWindowSubclass, Shell_NotifyIconGetRect,
            Shell_NotifyIconW,
        },
        WindowsAndMessaging::{
            EnumThreadWindows, PBT_APMRESUMEAUTOMATIC, RegisterWindowMessageW, SPI_SETNONCLIENTMETRICS,
            WM_CLOSE, WM_DISPLAYCHANGE, WM_DPICHANGED, WM_LBUTTONDBLCLK, WM_POWERBROADCAST, WM_RBUTTONUP,
            WM_SETTINGCHANGE, WM_TIMECHANGE, WM_USER,
        },
    },
};

/// The message by which the shell tells tray-icon's window of the mouse.
const TRAY_MESSAGE: u32 = 6002;
/// The user clicked the balloon (`NIN_BALLOONUSERCLICK`).
const BALLOON_CLICKED: u32 = WM_USER + 5;
/// tray-icon numbers its icons from 1 on, and its builder may use up some numbers.
const ICON_NUMBERS: std::ops::RangeInclusive<u32> = 1..=8;
const SUBCLASS: usize = 0x7663;

/// What happened at the tray's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The icon was double-clicked, and tray-icon did not say so.
    DoubleClicked,
    /// The balloon was clicked.
    BalloonClicked,
    /// Somebody asks the program to end.
    Close,
    /// Group Policy was applied.
    Policies,
    /// The machine's clock was set, or screens or settings changed.
    Changed,
    /// The machine woke up.
    Resumed,
}

struct Watcher {
    menu: muda::Menu,
    /// The message by which a taskbar that was started anew asks for icons.
    taskbar_created: u32,
    tell: Box<dyn Fn(News)>,
}

/// The watch over the window. Ends when dropped; must be dropped before the icon.
pub struct TrayWindow {
    window: HWND,
    /// The loop's own windows. Who asks a program to close asks all its windows, and without these the loop is deaf.
    others: Vec<HWND>,
    watcher: *mut Watcher,
}

/// The window that balloons come from. Handles are numbers: kept as one, for it is used from other threads.
static WINDOW: Mutex<Option<usize>> = Mutex::new(None);

impl TrayWindow {
    /// Watches over the window behind `icon`, whose menu is `menu`.
    pub fn new(icon: &TrayIcon, menu: muda::Menu, tell: impl Fn(News) + 'static) -> TrayWindow {
        let window = icon.window_handle();
        // SAFETY: the name ends with a zero.
        let taskbar_created = unsafe { RegisterWindowMessageW(super::wide("TaskbarCreated").as_ptr()) };
        let watcher = Box::into_raw(Box::new(Watcher { menu, taskbar_created, tell: Box::new(tell) }));
        // SAFETY: the window belongs to this thread, for an icon never leaves the one that made it; `watcher` lives until `drop` has removed the subclass.
        unsafe { SetWindowSubclass(window, Some(proc), SUBCLASS, watcher as usize) };
        if let Ok(mut current) = WINDOW.lock() {
            *current = Some(window as usize);
        }
        let mut others = windows_of_this_thread();
        others.retain(|other| *other != window);
        for other in &others {
            // SAFETY: as above.
            unsafe { SetWindowSubclass(*other, Some(other_proc), SUBCLASS, watcher as usize) };
        }
        TrayWindow { window, others, watcher }
    }
}

impl Drop for TrayWindow {
    fn drop(&mut self) {
        if let Ok(mut current) = WINDOW.lock() {
            *current = None;
        }
        // SAFETY: made in `new`, on this same thread (the raw pointer keeps it there); after the removal
        // nobody uses `watcher` any more, for no message is being handled while this thread drops it.
        unsafe {
            RemoveWindowSubclass(self.window, Some(proc), SUBCLASS);
            for other in &self.others {
                RemoveWindowSubclass(*other, Some(other_proc), SUBCLASS);
            }
            drop(Box::from_raw(self.watcher));
        }
    }
}

/// The top-level windows that this thread has made.
fn windows_of_this_thread() -> Vec<HWND> {
    unsafe extern "system" fn each(window: HWND, found: LPARAM) -> i32 {
        // SAFETY: the list below, which waits for this.
        unsafe { (*(found as *mut Vec<HWND>)).push(window) };
        1
    }
    let mut found = Vec::new();
    // SAFETY: the pointer outlives the call.
    unsafe { EnumThreadWindows(GetCurrentThreadId(), Some(each), &raw mut found as LPARAM) };
    found
}

/// Another window than the tray's is asked to close: that would destroy it.
unsafe extern "system" fn other_proc(
    window: HWND,
    message: u32,
    wparam: WPARAM,
    lparam: LPARAM,
    _id: usize,
    data: usize,
) -> LRESULT {
    if message == WM_CLOSE {
        // SAFETY: `data` is the watcher, alive as long as the subclass is.
        (unsafe { &*(data as *const Watcher) }.tell)(News::Close);
        return 0;
    }
    // SAFETY: the arguments are the message's own.
    unsafe { DefSubclassProc(window, message, wparam, lparam) }
}

unsafe extern "system" fn proc(
    window: HWND,
    message: u32,
    wparam: WPARAM,
    lparam: LPARAM,
    _id: usize,
    data: usize,
) -> LRESULT {
    // SAFETY: `data` is the watcher, alive as long as the subclass is.
    let watcher = unsafe { &*(data as *const Watcher) };
    match (message, lparam as u32) {
        // tray-icon drops what the mouse does where the icon's rectangle cannot be had: in some states of
        // the overflow, under other shells, and under Wine.
        (TRAY_MESSAGE, WM_RBUTTONUP) if !has_rectangle(window, wparam) => {
            // SAFETY: the window is ours and alive: it is handling a message.
            unsafe { watcher.menu.show_context_menu_for_hwnd(window as isize, None) };
            return 0;
        }
        (TRAY_MESSAGE, WM_LBUTTONDBLCLK) if !has_rectangle(window, wparam) => {
            (watcher.tell)(News::DoubleClicked);
            return 0;
        }
        (TRAY_MESSAGE, BALLOON_CLICKED) => {
            (watcher.tell)(News::BalloonClicked);
            return 0;
        }
        (WM_CLOSE, _) => {
            (watcher.tell)(News::Close);
            return 0;
        }
        (WM_POWERBROADCAST, _) if wparam as u32 == PBT_APMRESUMEAUTOMATIC => (watcher.tell)(News::Resumed),
        (WM_SETTINGCHANGE, _) if wparam as u32 == SPI_SETNONCLIENTMETRICS => (watcher.tell)(News::Changed),
        // SAFETY: with this message the system passes a text that ends with a zero, or none.
        (WM_SETTINGCHANGE, _)
            if lparam != 0 && unsafe { super::wide_text(lparam as *const u16) } == "Policy" =>
        {
            (watcher.tell)(News::Policies);
        }
        (WM_TIMECHANGE | WM_DISPLAYCHANGE | WM_DPICHANGED, _) => (watcher.tell)(News::Changed),
        (created, _) if created == watcher.taskbar_created => {
            // tray-icon puts the icon back that was taken last: what has changed since is shown after that.
            // SAFETY: the arguments are the message's own.
            let done = unsafe { DefSubclassProc(window, message, wparam, lparam) };
            (watcher.tell)(News::Changed);
            return done;
        }
        _ => {}
    }
    // SAFETY: the arguments are the message's own.
    unsafe { DefSubclassProc(window, message, wparam, lparam) }
}

/// Can it be had where the icon is on the screen?
fn has_rectangle(window: HWND, icon: WPARAM) -> bool {
    let identifier = NOTIFYICONIDENTIFIER {
        cbSize: size_of::<NOTIFYICONIDENTIFIER>() as u32,
        hWnd: window,
        uID: icon as u32,
        ..Default::default()
    };
    let mut rectangle = RECT::default();
    // SAFETY: both pointers are to local variables of the right types.
    unsafe { Shell_NotifyIconGetRect(&identifier, &mut rectangle) == 0 }
}

/// Shows a balloon from the tray icon. On Windows 10 and later it looks like a toast. `Err` says why not.
pub fn balloon(title: &str, text: &str, warning: bool) -> Result<(), String> {
    // An empty text would mean to take the balloon away.
    put_balloon(title, if text.is_empty() { " " } else { text }, warning)
}

/// Takes away the balloon that is shown.
pub fn no_balloon() -> Result<(), String> {
    put_balloon("", "", false)
}

fn put_balloon(title: &str, text: &str, warning: bool) -> Result<(), String> {
    let window = WINDOW.lock().ok().and_then(|window| *window).ok_or("there is no tray icon to show it")?;
    let mut data = NOTIFYICONDATAW {
        cbSize: size_of::<NOTIFYICONDATAW>() as u32,
        hWnd: window as HWND,
        uFlags: NIF_INFO,
        // Without `NIIF_RESPECT_QUIET_TIME`: in a user's first hour on a machine it drops balloons for good.
        dwInfoFlags: if warning { NIIF_WARNING } else { NIIF_INFO },
        ..Default::default()
    };
    put(&mut data.szInfoTitle, title);
    put(&mut data.szInfo, text);
    let shown = ICON_NUMBERS.into_iter().any(|number| {
        data.uID = number;
        // SAFETY: the structure is whole, its texts end with zeros; a wrong number only fails.
        unsafe { Shell_NotifyIconW(NIM_MODIFY, &data) != 0 }
    });
    if shown { Ok(()) } else { Err("the taskbar does not take it".into()) }
}

/// Puts a text into a fixed place, cut where it is too long, with a zero at its end.
fn put<const N: usize>(place: &mut [u16; N], text: &str) {
    let text = crate::app::words::cut(text, N - 1);
    for (to, from) in place.iter_mut().zip(text.encode_utf16().chain([0])) {
        *to = from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters_and_end_with_a_zero() {
        let mut place = [7u16; 4];
        put(&mut place, "ab");
        assert_eq!(place[..3], [0x61, 0x62, 0]);
        put(&mut place, "abcdef");
        assert_eq!(String::from_utf16_lossy(&place), "ab…\0");
        put(&mut place, "a😀😀");
        assert_eq!(String::from_utf16_lossy(&place)[..5], *"a…\0");
    }
}
