//! What to know before Clear server cache, in the vendor's words where there are any.

use crate::domain::{Fault, Problem};
use std::path::Path;

use super::{Deed, Outcome, Plan, Role};

/// Why this cannot be done on this system, in a few words; `None` where it can. Programs are found, closed and
/// started again on Linux and Windows only.
pub const NOT_HERE: Option<&str> =
    if cfg!(any(target_os = "linux", windows)) { None } else { Some("not available on this system yet") };

/// The same as a problem, with what can be done by hand.
pub fn not_here(servers_xml: &Path, why: &str) -> Problem {
    Problem::new(
        Fault::Unavailable,
        "The server cache cannot be cleared",
        servers_xml.display().to_string(),
        why,
        "By hand: close the Client, exit the Tray Clients, rename that file (do not delete it: it is your backup), and \
         start the Tray Clients and the Client again.",
    )
}

/// A cheap step, to be tried first.
pub struct First {
    /// What it is.
    pub title: &'static str,
    /// How it is done, or how to tell.
    pub how: &'static str,
    /// The command that does it, where one does.
    pub command: Option<&'static str>,
    /// It is done on the vendor's pages.
    pub is_online: bool,
}

/// The cheap steps (the vendor's own order of troubleshooting; see docs/vendor-facts.md).
pub const FIRST: [First; 4] = [
    First {
        title: "Refresh license data",
        how: "Choose it in the tray's menu.",
        command: Some("visualcron-tray refresh"),
        is_online: false,
    },
    First {
        title: "Make sure that the license host can be reached",
        how: "Port 443 must be open to it; Refresh license data tells.",
        command: None,
        is_online: false,
    },
    First {
        title: "Associate the code of the renewal with the license",
        how: "A renewal may come with a code of its own, to be entered online.",
        command: Some("visualcron-tray open renew"),
        is_online: true,
    },
    First {
        title: "Use a Client of the same version as the server",
        how: "Another version may not show what the server says.",
        command: None,
        is_online: false,
    },
];

/// What became of it, in a sentence beside its outcome; empty where there is nothing to add. Whether and when the
/// Client writes its file is inferred.
pub fn afterwards(plan: &Plan, deed: Deed, outcome: &Outcome, servers_xml_is_there: bool) -> String {
    let file = plan.servers_xml.display();
    match (outcome, deed) {
        (Outcome::Done, Deed::BroughtBack) => String::new(),
        (Outcome::Done, _) if servers_xml_is_there => format!("A new {file} was written."),
        (Outcome::Done, _) if plan.starts_the_client() => format!(
            "The Client has not written a new {file} yet: it probably does when it connects to a server, or is closed."
        ),
        (Outcome::Done, _) => format!("A new {file} appears when the Client is started, and has connected."),
        (Outcome::Kept, _) => "Programs that were closed stay closed, until you start them.".into(),
        (Outcome::RolledBack { .. } | Outcome::NeedsUser { .. }, _) => String::new(),
    }
}

/// What to know of a plan.
pub fn remarks(plan: &Plan) -> Vec<String> {
    let mut remarks = consequences(plan);
    if !plan.programs().any(|program| program.role == Role::Client) {
        remarks.push(
            "The Client does not run now: it is neither closed nor started (--start-client starts it)."
                .into(),
        );
    }
    if plan.choices.leave_client_closed {
        remarks.push("The Client is not started again.".into());
    }
    remarks
}

/// What follows from it.
pub fn consequences(plan: &Plan) -> Vec<String> {
    let cached = "servers.xml very likely holds the saved connections (inferred: its format is unpublished). With it \
                  gone the Client may ask for them again; the backup brings them back: \
                  `visualcron-tray recover --undo`.";
    let tasks = "Ending VCTray.exe interrupts foreground tasks that run through it.";
    let has_vendor_tray = plan.running.iter().any(|program| program.role == Role::VendorTray);
    let clears = plan.bring_back.is_none() && !plan.choices.restart_anyway;
    [(clears, cached), (has_vendor_tray, tasks)]
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, text)| text.to_string())
        .collect()
}
