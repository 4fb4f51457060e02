//! What the recovery window needs of those who do the work: plain data, and one trait.

use crate::domain::Problem;
pub use crate::recovery::{Deed, Outcome};
use std::path::PathBuf;

/// Tells the window how it goes, from any thread.
pub type Tell = Box<dyn Fn(Told) + Send>;

/// Tells the window what a cheap step has turned out to be: which of [`PlanShown::cheap`], and what is known.
pub type TellChecked = Box<dyn Fn(usize, Checked) + Send>;

/// Those who do the work. It is called from a thread of its own, one call after the other, and never from the one
/// that paints; so [`Backend::plan`] may take its time. All others return at once and tell by `tell` what becomes
/// of it, or a [`Backend::cancel`] would have to wait for what it is to cancel.
pub trait Backend: Send {
    /// What there is to be done, or why it is refused, or what was cut off. Reads, changes nothing.
    fn plan(&mut self) -> PlanShown;

    /// Finds out what [`PlanShown::cheap`] says is being checked. Called once, after [`Backend::plan`].
    fn check(&mut self, tell: TellChecked) {
        drop(tell);
    }

    /// Clears the server cache. Ends with [`Told::Ended`], whatever happens.
    fn start(&mut self, choices: Choices, tell: Tell);

    /// Goes on with the recovery that was cut off. Ends with [`Told::Ended`].
    fn resume(&mut self, tell: Tell);

    /// Takes back the recovery that was cut off. Ends with [`Told::Ended`].
    fn roll_back(&mut self, tell: Tell);

    /// Leaves everything as it was found after a recovery was cut off. Ends with [`Told::Ended`].
    fn keep(&mut self, tell: Tell);

    /// Takes back what runs now, as soon as that is safe. Ends with [`Told::Ended`] to whom started it.
    fn cancel(&mut self);

    /// Opens a page or a folder.
    fn open(&mut self, link: Link) -> Result<(), Problem>;
}

/// What can be opened from the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// A page on the web.
    Page(String),
    /// A folder.
    Folder(PathBuf),
}

/// What the user chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choices {
    /// How long a program may take to close, in seconds.
    pub patience_seconds: u64,
    /// End programs that do not close in that time.
    pub force: bool,
    /// Start the Client in the end although it does not run now.
    pub start_client: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Choices { patience_seconds: 20, force: false, start_client: false }
    }
}

/// Everything that the window shows before anything is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanShown {
    /// Why nothing may be done here, and what to do about it. Then nothing else is shown.
    pub refusal: Option<Problem>,
    /// A recovery that was cut off, and that has to be decided on before another one may begin.
    pub interrupted: Option<Interrupted>,
    /// There is no servers.xml: only the programs would be restarted, if the user asks for it. In words.
    pub nothing_to_clear: Option<String>,
    /// What to try before, in the order of the vendor's troubleshooting.
    pub cheap: Vec<CheapStep>,
    /// What will be done (or, after a crash, what was to be done), in the vendor's words and with real paths. The
    /// `index` of [`Told`] counts these.
    pub steps: Vec<String>,
    /// What to know first.
    pub remarks: Vec<String>,
    /// What is chosen unless the user chooses otherwise.
    pub choices: Choices,
    /// The Client runs, and is started again in any case.
    pub client_runs: bool,
}

/// A recovery that was cut off by a crash, a power cut or a logoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// What was found, as a sentence: when it began, how far it came, where the file is now.
    pub found: String,
    /// How many of [`PlanShown::steps`] are done; the one after those is next.
    pub done: usize,
    /// It was already being taken back, so that going on with it is no choice any more.
    pub taking_back: bool,
}

/// Something to try first, since it costs little.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheapStep {
    /// What it is: `The license host can be reached`.
    pub title: String,
    /// What is known of it.
    pub checked: Checked,
    /// What can be done from here: the words of a link, and where it leads.
    pub link: Option<(String, Link)>,
}

/// What is known of a cheap step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How it stands.
    pub standing: CheapStanding,
    /// What was found, or how to find out, in a sentence.
    pub words: String,
}

/// How a cheap step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheapStanding {
    /// It is being found out.
    Checking,
    /// That is not where the fault lies.
    Fine,
    /// That may be the fault: look here first.
    Look,
    /// Nobody but the user can tell.
    Unknown,
}

/// How it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A step begins.
    Begins {
        /// Which of [`PlanShown::steps`].
        index: usize,
        /// The step in words.
        title: String,
        /// Everything can still be taken back while it goes on.
        may_cancel: bool,
    },
    /// A program was asked to close.
    Waiting {
        /// The program in words.
        title: String,
        /// How long it will be waited for, yet.
        seconds_left: u64,
    },
    /// A step is done.
    Done {
        /// Which of [`PlanShown::steps`].
        index: usize,
        /// The step in words.
        title: String,
    },
    /// Something was found otherwise than expected, and dealt with.
    Note(String),
    /// A step failed: why. What was done is being taken back.
    Failed(String),
    /// It could not even begin: nothing was changed.
    Refused(Problem),
    /// The end.
    Ended(Ended),
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What was done, where it is done.
    pub deed: Deed,
    /// How.
    pub outcome: Outcome,
    /// What became of it, in a sentence; may be empty.
    pub afterwards: String,
    /// Each server before and after; empty where nothing is known.
    pub servers: Vec<ServerRow>,
    /// Where the backup is.
    pub backup: Option<PathBuf>,
}

/// What is known of one server's license before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRow {
    /// Its name.
    pub name: String,
    /// What its license said before: a date in words, or that nothing was known.
    pub before: String,
    /// What it says now.
    pub after: String,
    /// It is another one than before.
    pub moved: bool,
}
