//! What the connection window needs of those who do the work: one trait, and what they tell.

use crate::domain::{
    Problem,
    diagnosis::{Diagnosis, Stage, Step},
};
use std::path::{Path, PathBuf};

/// Tells the window how a check goes, from any thread.
pub type Tell = Box<dyn FnMut(Told) + Send>;

/// Those who do the work. It is called from a thread of its own, one call after the other, and never from the one
/// that paints.
pub trait Backend: Send {
    /// The license host of the settings: it is checked first. And what is wrong with the settings, so that others are in
    /// force.
    fn host(&mut self) -> (String, Option<Problem>);

    /// Checks what is in the way to a host. Returns at once, and tells how it goes; the last that is told is
    /// [`Told::Concluded`] or [`Told::Failed`].
    fn check(&mut self, host: &str, tell: Tell);

    /// Puts a text into the clipboard.
    ///
    /// # Errors
    ///
    /// There is no clipboard.
    fn copy(&mut self, text: &str) -> Result<(), Problem>;

    /// Keeps a text in a file of this name, where users look for their documents. Never writes over another. Returns
    /// where it is.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    fn save(&mut self, name: &str, text: &str) -> Result<PathBuf, Problem>;

    /// Opens a folder.
    ///
    /// # Errors
    ///
    /// There is nothing to open it with.
    fn open(&mut self, folder: &Path) -> Result<(), Problem>;
}

/// How a check goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// This stage has begun.
    Began(Stage),
    /// This one has ended, or was skipped.
    Ended(Box<Step>),
    /// The end: what it comes to.
    Concluded(Box<Diagnosis>),
    /// The end: it could not be checked at all.
    Failed(Problem),
}
