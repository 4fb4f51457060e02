//! How a window and those who do its work hear of each other: they have a thread of their own, so that painting never
//! waits for it.

use super::runner::Waker;
use crate::domain::Problem;
use std::sync::mpsc;

/// Where everything goes that the window is to hear.
pub struct Mailbox<H> {
    tell: mpsc::Sender<H>,
    waker: Waker,
}

impl<H> Clone for Mailbox<H> {
    fn clone(&self) -> Self {
        Mailbox { tell: self.tell.clone(), waker: self.waker.clone() }
    }
}

impl<H> Mailbox<H> {
    /// The window hears it, and wakes.
    pub fn post(&self, heard: H) {
        // The window may be closed: then nobody wants to know.
        let _ = self.tell.send(heard);
        self.waker.wake();
    }
}

/// The window's ends.
pub struct Ends<H, W> {
    /// What it hears.
    pub heard: mpsc::Receiver<H>,
    /// Where the user's wishes go.
    pub wishes: mpsc::Sender<W>,
}

/// Starts the work in a thread of this name. It ends when the window is gone and no wish will come any more.
///
/// # Errors
///
/// The system has no thread left.
pub fn start<H: Send + 'static, W: Send + 'static>(
    name: &str,
    waker: Waker,
    work: impl FnOnce(&mpsc::Receiver<W>, &Mailbox<H>) + Send + 'static,
) -> Result<Ends<H, W>, Problem> {
    let (tell, heard) = mpsc::channel();
    let (wishes, asked) = mpsc::channel();
    let mailbox = Mailbox { tell, waker };
    std::thread::Builder::new().name(name.into()).spawn(move || work(&asked, &mailbox)).map_err(|error| {
        Problem::io("Cannot begin", std::path::Path::new("a thread"), &error, "Close some programs.")
    })?;
    Ok(Ends { heard, wishes })
}
