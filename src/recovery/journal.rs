//! The write-ahead journal: one JSON record a line, synced before anything it tells of is done. Reading it back
//! says where a recovery stands, whatever happened in between.

use super::{Plan, Step};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How a recovery ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// All steps are done.
    Done,
    /// What was done is taken back.
    RolledBack {
        /// Why.
        why: String,
    },
    /// The user decided to keep things as they are.
    Kept,
    /// It could neither be done nor taken back; what is to be done by hand.
    NeedsUser {
        /// What happened, and what to do.
        why: String,
    },
}

/// What was done, where all steps are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// servers.xml became a backup.
    #[default]
    Cleared,
    /// A backup became servers.xml.
    BroughtBack,
    /// There was no servers.xml: programs were restarted.
    Restarted,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "record")]
pub enum Record {
    /// The first line: all that is to be done.
    Planned {
        /// The plan.
        plan: Plan,
        /// The version of the program that made it.
        version: String,
    },
    /// A step is about to be done.
    Begins {
        /// Which of the plan's steps.
        index: usize,
        /// The step, for readers.
        step: Step,
        /// When.
        at: Timestamp,
    },
    /// A file is about to be renamed.
    Moving {
        /// From.
        from: PathBuf,
        /// To: a name that was free.
        to: PathBuf,
        /// SHA-256 of its content.
        sha256: String,
        /// A program has written this anew meanwhile; going back leaves it there.
        displaced: bool,
    },
    /// A step is done.
    Done {
        /// Which of the plan's steps.
        index: usize,
        /// When.
        at: Timestamp,
    },
    /// A step failed, or the user wants it: from now on everything is taken back.
    TakingBack {
        /// Why.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// The end.
    Ended {
        /// How.
        outcome: Outcome,
        /// When.
        at: Timestamp,
    },
}

/// A move that was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// From.
    pub from: PathBuf,
    /// To.
    pub to: PathBuf,
    /// SHA-256 of its content.
    pub sha256: String,
    /// A program has written this anew meanwhile; going back leaves it there.
    pub displaced: bool,
}

/// Where a recovery stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// All that is to be done.
    pub plan: Plan,
    /// How many steps are done.
    pub done: usize,
    /// The step after those has begun.
    pub begun: bool,
    /// Moves that were announced, in order.
    pub moves: Vec<Move>,
    /// Why it is being taken back, once it is.
    pub taking_back: Option<String>,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
}

impl Journal {
    /// A journal with its first record only.
    pub fn new(plan: Plan) -> Journal {
        Journal { plan, done: 0, begun: false, moves: vec![], taking_back: None, outcome: None }
    }

    /// Reads a journal back. A last line that was cut off by a crash counts as not written. `None` while not even
    /// the plan is there: then nothing was done.
    pub fn read(text: &[u8]) -> Option<Journal> {
        let mut journal: Option<Journal> = None;
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            if line.last() != Some(&b'\n') {
                break;
            }
            let Ok(record) = serde_json::from_slice::<Record>(line) else { break };
            match (&mut journal, record) {
                (None, Record::Planned { plan, .. }) => journal = Some(Journal::new(plan)),
                (None, _) => return None,
                (Some(journal), record) => journal.take(&record),
            }
        }
        journal
    }

    /// Takes in one more record.
    pub fn take(&mut self, record: &Record) {
        match record {
            Record::Planned { .. } => {}
            Record::Begins { .. } => self.begun = true,
            Record::Moving { from, to, sha256, displaced } => {
                let (from, to, sha256) = (from.clone(), to.clone(), sha256.clone());
                self.moves.push(Move { from, to, sha256, displaced: *displaced });
            }
            Record::Done { index, .. } => {
                self.done = index + 1;
                self.begun = false;
            }
            Record::TakingBack { why, .. } => self.taking_back = Some(why.clone()),
            Record::Ended { outcome, .. } => self.outcome = Some(outcome.clone()),
        }
    }

    /// The last move of this file that is part of the plan.
    pub fn last_move_from(&self, file: &Path) -> Option<&Move> {
        self.moves.iter().rev().find(|m| m.from == file && !m.displaced)
    }

    /// What this does, as far as it has come.
    pub fn deed(&self) -> Deed {
        match self.plan.bring_back {
            Some(_) => Deed::BroughtBack,
            None if self.last_move_from(&self.plan.servers_xml).is_none() => Deed::Restarted,
            None => Deed::Cleared,
        }
    }

    /// It has not ended: somebody must go on, go back, or keep things as they are.
    pub fn is_open(&self) -> bool {
        self.outcome.is_none()
    }
}
