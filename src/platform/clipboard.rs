//! The clipboard.

use crate::domain::{Fault, Problem, Secret};
use std::sync::Mutex;

// On X11 and Wayland the text is gone when its owner goes: so the owner stays.
static CLIPBOARD: Mutex<Option<arboard::Clipboard>> = Mutex::new(None);

/// The text in the clipboard.
///
/// # Errors
///
/// There is no clipboard, or no text in it.
pub fn text() -> Result<String, Problem> {
    arboard::Clipboard::new().and_then(|mut clipboard| clipboard.get_text()).map_err(|error| {
        let next = "Copy the text first, or give it as a file.";
        Problem::new(Fault::Unavailable, "Cannot paste", "the clipboard", error.to_string(), next)
    })
}

/// Puts `text` into the clipboard. If that is not possible the problem holds the text, so that the user has it
/// all the same: only what is no secret may be copied.
pub fn copy(text: &str) -> Result<(), Problem> {
    put(text, &format!("Copy it from here: {text}"))
}

/// The same for a text that no message may hold.
pub fn copy_secret(text: &Secret) -> Result<(), Problem> {
    put(text.reveal(), "Select it and press Ctrl+C, or save it as a file.")
}

fn put(text: &str, next: &str) -> Result<(), Problem> {
    let put = || -> Result<(), arboard::Error> {
        let mut clipboard = CLIPBOARD.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let owner = match clipboard.take() {
            Some(owner) => clipboard.insert(owner),
            None => clipboard.insert(arboard::Clipboard::new()?),
        };
        owner.set_text(text)
    };
    put().map_err(|error| {
        Problem::new(Fault::Unavailable, "Cannot copy", "the clipboard", error.to_string(), next)
    })
}

/// Before the program ends: what was copied goes to the desktop's clipboard manager, where one runs. On Windows and
/// macOS the system has it already.
pub fn hand_over() {
    let owner = CLIPBOARD.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    drop(owner);
}
