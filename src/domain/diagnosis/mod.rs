//! What is in the way to a host. Stage by stage something is found ([`Finding`]); of all that one conclusion is drawn
//! ([`conclude`]), with one next step. Nothing in here asks the network: see [`crate::network::probe`].

mod answer;
mod conclude;
mod finding;
mod opened;
mod reply;
mod tls;
mod way;
mod words;

pub use answer::{Health, MAX_NAMES, date, health, is_an_answer, page, proxy_schemes, short};
pub use conclude::{Conclusion, Id, Severity, conclude};
pub use finding::{
    Answer, Attempt, Certificate, Clock, Distrust, Dns, DnsFault, Finding, Handshake, Http, Instead,
    Protocol, Reached, Resolved, Stage, Target, Tcp, Tls, Trust, Tunnel, Tunneled,
};
pub use way::NO_TLS;
pub use words::{for_network_team, in_words, line, route_in_words, span, verdict};

use jiff::Timestamp;
use serde::Serialize;

/// By how many seconds a clock may be off before it is said.
pub const CLOCK_TOLERANCE_SECONDS: i64 = 300;

/// What is said of a stage that was not begun, because of one before it.
pub const NOT_REACHED: &str = "it did not come to that";

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Passed,
    /// It works, and there is something to know.
    Noted,
    /// Here it ends.
    Failed,
    /// It did not come to that, or there was nothing to do.
    Skipped,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Which.
    pub stage: Stage,
    /// How it ended.
    pub verdict: Verdict,
    /// The same in words, one line.
    pub says: String,
    /// After how many milliseconds.
    pub millis: u64,
    /// What was found; `None` if it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Finding>,
}

impl Step {
    /// Of what was found.
    pub fn of(finding: Finding, millis: u64) -> Step {
        Step {
            stage: finding.stage(),
            verdict: verdict(&finding),
            says: line(&finding),
            millis,
            found: Some(finding),
        }
    }

    /// It was skipped, and why: `there is no proxy`.
    pub fn skipped(stage: Stage, why: &str) -> Step {
        Step { stage, verdict: Verdict::Skipped, says: why.to_string(), millis: 0, found: None }
    }
}

/// The whole of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The form of this report: 1.
    pub schema: u32,
    /// From which machine.
    pub machine: String,
    /// To what.
    pub target: Target,
    /// When it was begun.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// What it comes to.
    pub conclusion: Conclusion,
    /// Stage by stage.
    pub steps: Vec<Step>,
}

impl Diagnosis {
    /// Draws the conclusion.
    pub fn of(machine: &str, target: Target, at: Timestamp, millis: u64, steps: Vec<Step>) -> Diagnosis {
        let conclusion = conclude(machine, &target, &steps);
        Diagnosis { schema: 1, machine: machine.to_string(), target, at, millis, conclusion, steps }
    }
}
