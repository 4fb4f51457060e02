// A backend that does nothing but tell a story: for the example and for tests.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use visualcron_tray::{
    domain::{Fault, Problem},
    window::recovery_backend::{
        Backend, CheapStanding, CheapStep, Checked, Choices, Deed, Ended, Interrupted, Link, Outcome,
        PlanShown, ServerRow, Tell, TellChecked, Told,
    },
};

const FOLDER: &str = r"C:\Users\Jana\AppData\Local\VisualCron\settings";

/// Which story is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    Clears,
    Fails,
    NeedsUser,
    Refused,
    NothingToClear,
    CutOff,
    CutOffGoingBack,
}

impl Story {
    #[allow(dead_code)]
    pub fn named(name: &str) -> Option<Story> {
        Some(match name {
            "clears" => Story::Clears,
            "fails" => Story::Fails,
            "needs-user" => Story::NeedsUser,
            "refused" => Story::Refused,
            "nothing" => Story::NothingToClear,
            "cut-off" => Story::CutOff,
            "cut-off-going-back" => Story::CutOffGoingBack,
            _ => return None,
        })
    }
}

pub struct StandIn {
    pub story: Story,
    /// How long a second of the story takes.
    pub second: Duration,
    /// What was asked of it, in order.
    pub asked: Arc<Mutex<Vec<String>>>,
    cancelled: Arc<AtomicBool>,
}

impl StandIn {
    pub fn new(story: Story, second: Duration) -> Self {
        StandIn { story, second, asked: Arc::default(), cancelled: Arc::default() }
    }

    fn note(&self, text: impl Into<String>) {
        if let Ok(mut asked) = self.asked.lock() {
            asked.push(text.into());
        }
    }
}

pub fn steps() -> Vec<String> {
    vec![
        "Close the VisualCron Client".into(),
        "Exit the vendor's Tray Client (VCTray.exe)".into(),
        "Exit this Tray Client".into(),
        format!(
            r"Rename {FOLDER}\servers.xml to servers.xml.<UTC time>.<first 8 of its SHA-256>.bak in the same folder"
        ),
        "Start the vendor's Tray Client (VCTray.exe)".into(),
        "Start this Tray Client".into(),
        "Start the VisualCron Client".into(),
    ]
}

pub fn backup() -> PathBuf {
    PathBuf::from(format!("{FOLDER}/servers.xml.20261124T084512Z.9f3c2a71.bak"))
}

/// Left as it was found.
pub fn kept() -> Ended {
    Ended {
        afterwards: "Programs that were closed stay closed, until you start them.".into(),
        backup: Some(backup()),
        ..as_it_was(Outcome::Kept)
    }
}

pub fn cheap(checking: bool) -> Vec<CheapStep> {
    let checked = |standing: CheapStanding, words: &str| Checked { standing, words: words.to_string() };
    vec![
        CheapStep {
            title: "The license host can be reached".into(),
            checked: match checking {
                true => checked(CheapStanding::Checking, "www.visualcron.com, port 443"),
                false => checked(CheapStanding::Fine, "www.visualcron.com, port 443, answered in 38 ms"),
            },
            link: None,
        },
        CheapStep {
            title: "Refresh license data was tried".into(),
            checked: checked(
                CheapStanding::Unknown,
                "In the Client: License, Refresh license data. It often is enough.",
            ),
            link: None,
        },
        CheapStep {
            title: "The renewal's code is associated with the license".into(),
            checked: checked(
                CheapStanding::Unknown,
                "A separate Maintenance code must be associated online before a refresh can show the new date.",
            ),
            link: Some((
                "Open My licenses".into(),
                Link::Page("https://admin.visualcron.com/mylicenses.aspx".into()),
            )),
        },
        CheapStep {
            title: "Client and server are of the same version".into(),
            checked: checked(CheapStanding::Look, "The Client is 13.1.5, the server PROD-01 is 13.2.2."),
            link: None,
        },
    ]
}

pub fn plan(story: Story) -> PlanShown {
    let done = match story {
        Story::CutOff => 4,
        _ => 2,
    };
    let cut_off = matches!(story, Story::CutOff | Story::CutOffGoingBack);
    PlanShown {
        refusal: (story == Story::Refused).then(|| {
            Problem::new(
                Fault::Permission,
                "Clear server cache was refused",
                r"C:\Program Files (x86)\VisualCron\settings",
                "it holds jobs.xml: it is a server's settings folder, not the Client's",
                "Give the folder of the Client: visualcron.folder in the settings.",
            )
        }),
        interrupted: cut_off.then(|| Interrupted {
            found: "Begun on 2026-11-24 at 08:45, and cut off after step 4. servers.xml is a backup now; the \
                    programs do not run."
                .into(),
            done,
            taking_back: story == Story::CutOffGoingBack,
        }),
        nothing_to_clear: (story == Story::NothingToClear).then(|| {
            format!(r"There is no {FOLDER}\servers.xml. The programs can be restarted all the same.")
        }),
        cheap: cheap(true),
        steps: match story {
            Story::NothingToClear => steps()
                .into_iter()
                .map(|step| if step.starts_with("Rename") { format!("{step}, if there is one by then") } else { step })
                .collect(),
            _ => steps(),
        },
        remarks: vec![
            "Saved connections probably live in servers.xml: the Client may ask for them again. The backup brings \
             them back."
                .into(),
            "Ending VCTray.exe interrupts foreground tasks that run through it.".into(),
        ],
        choices: Choices::default(),
        client_runs: false,
    }
}

pub fn servers(cleared: bool) -> Vec<ServerRow> {
    let row = |name: &str, before: &str, after: &str| ServerRow {
        name: name.into(),
        before: before.into(),
        after: after.into(),
        moved: before != after,
    };
    match cleared {
        true => vec![
            row("PROD-01", "2026-11-30", "2027-11-30"),
            row("PROD-02 (Düsseldorf)", "2027-03-14", "2027-03-14"),
            row("TEST", "not known", "2027-01-09"),
        ],
        false => vec![row("PROD-01", "2026-11-30", "2026-11-30")],
    }
}

pub fn ended(story: Story) -> Ended {
    let (outcome, cleared, kept) = match story {
        Story::Fails => (
            Outcome::RolledBack {
                why: "Cannot rename servers.xml: another program holds it open: backup.exe (process 4711). Close that \
                      program, and try again."
                    .into(),
            },
            false,
            false,
        ),
        Story::NeedsUser => (
            Outcome::NeedsUser {
                why: format!(
                    "The file cannot be put back: the disk is full. Free some space; then rename the backup to \
                     {FOLDER}\\servers.xml, or run visualcron-tray recover --rollback."
                ),
            },
            false,
            true,
        ),
        _ => (Outcome::Done, true, true),
    };
    let afterwards =
        if cleared { format!(r"A new {FOLDER}\servers.xml was written.") } else { String::new() };
    Ended { afterwards, servers: servers(cleared), backup: kept.then(backup), ..as_it_was(outcome) }
}

/// Ended, with nothing to show for it.
pub fn as_it_was(outcome: Outcome) -> Ended {
    Ended { deed: Deed::Cleared, outcome, afterwards: String::new(), servers: vec![], backup: None }
}

impl Backend for StandIn {
    fn plan(&mut self) -> PlanShown {
        self.note("plan");
        plan(self.story)
    }

    fn check(&mut self, tell: TellChecked) {
        let second = self.second;
        std::thread::spawn(move || {
            std::thread::sleep(second);
            for (index, step) in cheap(false).into_iter().enumerate() {
                tell(index, step.checked);
            }
        });
    }

    fn start(&mut self, choices: Choices, tell: Tell) {
        self.note(format!("start {choices:?}"));
        self.go(0, tell);
    }

    fn resume(&mut self, tell: Tell) {
        self.note("resume");
        self.go(4, tell);
    }

    fn roll_back(&mut self, tell: Tell) {
        self.note("roll back");
        tell(Told::Ended(as_it_was(Outcome::RolledBack { why: "You asked for it.".into() })));
    }

    fn keep(&mut self, tell: Tell) {
        self.note("keep");
        tell(Told::Ended(kept()));
    }

    fn cancel(&mut self) {
        self.note("cancel");
        self.cancelled.store(true, Ordering::SeqCst);
    }

    fn open(&mut self, link: Link) -> Result<(), Problem> {
        self.note(format!("open {link:?}"));
        let next = "Open it by hand.";
        let place = match link {
            Link::Page(page) => page,
            Link::Folder(folder) => folder.display().to_string(),
        };
        Err(Problem::new(Fault::Unavailable, "Cannot open it", place, "this is only an example", next))
    }
}

impl StandIn {
    fn go(&self, from: usize, tell: Tell) {
        let (story, second, cancelled) = (self.story, self.second, self.cancelled.clone());
        std::thread::spawn(move || {
            for (index, title) in steps().into_iter().enumerate().skip(from) {
                let begins = Told::Begins { index, title: title.clone(), may_cancel: index < 3 };
                tell(begins);
                for left in (18..=20).rev().filter(|_| index == 0) {
                    if cancelled.load(Ordering::SeqCst) {
                        let why = "You cancelled it.".into();
                        let outcome = Outcome::RolledBack { why };
                        return tell(Told::Ended(as_it_was(outcome)));
                    }
                    tell(Told::Waiting { title: "the VisualCron Client".into(), seconds_left: left });
                    std::thread::sleep(second);
                }
                std::thread::sleep(second / 3);
                if index == 3 && matches!(story, Story::Fails | Story::NeedsUser) {
                    tell(Told::Failed("Cannot rename servers.xml: another program holds it open.".into()));
                    std::thread::sleep(second);
                    return tell(Told::Ended(ended(story)));
                }
                if index == 3 {
                    tell(Told::Note(format!("The backup is {}.", backup().display())));
                }
                tell(Told::Done { index, title });
            }
            tell(Told::Ended(ended(story)));
        });
    }
}
