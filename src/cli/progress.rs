//! One line on the terminal that is overwritten: what is being done. Where nobody watches, nothing is written.

use super::Out;
use std::{
    io::{IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

/// How often it changes at most.
pub const PAUSE: Duration = Duration::from_millis(150);

/// The line. It is gone when this is dropped.
pub struct Progress {
    shows: bool,
    shown: AtomicBool,
}

impl Progress {
    /// Shows something only where standard error is a terminal, and text is wanted.
    pub fn new(out: &Out) -> Progress {
        Progress { shows: std::io::stderr().is_terminal() && !out.json(), shown: AtomicBool::new(false) }
    }

    /// Shows this in place of what was shown before.
    pub fn show(&self, text: &str) {
        if self.shows {
            self.shown.store(true, Relaxed);
            self.write(&format!("\r\u{1b}[K{text}…"));
        }
    }

    /// `Asked the license host about 137 of 300 licenses…`
    pub fn asked(&self, done: usize, all: usize) {
        self.show(&format!("Asked the license host about {done} of {all} licenses"));
    }

    fn write(&self, text: &str) {
        let mut stderr = std::io::stderr();
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.load(Relaxed) {
            self.write("\r\u{1b}[K");
        }
    }
}
