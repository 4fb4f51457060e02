//! What to know before Clear server cache, in the vendor's words where there are any.

use super::{Plan, Role};

/// A cheap step, to be tried first.
pub struct First {
    /// What it is.
    pub title: &'static str,
    /// How it is done, or how to tell.
    pub how: &'static str,
    /// It is done on the vendor's pages.
    pub is_online: bool,
}

/// The cheap steps (the vendor's own order of troubleshooting; see docs/vendor-facts.md).
pub const FIRST: [First; 4] = [
    First {
        title: "Refresh license data",
        how: "Choose it in the tray, or run `visualcron-tray refresh`.",
        is_online: false,
    },
    First {
        title: "Make sure that the license host can be reached",
        how: "Port 443 must be open to it; Refresh license data tells.",
        is_online: false,
    },
    First {
        title: "Associate the code of the renewal with the license",
        how: "A renewal may come with a code of its own, to be entered online: `visualcron-tray open renew`.",
        is_online: true,
    },
    First {
        title: "Use a Client of the same version as the server",
        how: "Another version may not show what the server says.",
        is_online: false,
    },
];

/// What to know of a plan.
pub fn remarks(plan: &Plan) -> Vec<String> {
    let mut remarks = consequences();
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

/// What follows from clearing the cache.
pub fn consequences() -> Vec<String> {
    [
        "servers.xml very likely holds the saved connections (inferred: its format is unpublished). With it gone the \
         Client may ask for them again; the backup brings them back: `visualcron-tray recover --undo`.",
        "Ending VCTray.exe interrupts foreground tasks that run through it.",
    ]
    .map(String::from)
    .into()
}
