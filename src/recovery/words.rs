//! What to know before Clear server cache, in the vendor's words where there are any.

use super::{Plan, Role};

/// The cheap steps, to be tried first (the vendor's own order of troubleshooting; see docs/vendor-facts.md).
pub const FIRST: [&str; 4] = [
    "Refresh license data: `visualcron-tray refresh`.",
    "Make sure that the license host can be reached on port 443; refresh tells.",
    "Associate the code of the renewal with the license online, if it has one of its own: `visualcron-tray open renew`.",
    "Use a Client of the same version as the server.",
];

/// What to know of a plan.
pub fn remarks(plan: &Plan) -> Vec<String> {
    let mut remarks: Vec<String> = CONSEQUENCES.map(String::from).into();
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

const CONSEQUENCES: [&str; 2] = [
    "servers.xml very likely holds the saved connections (inferred: its format is unpublished). With it gone the \
     Client may ask for them again; the backup brings them back: `visualcron-tray recover --undo`.",
    "Ending VCTray.exe interrupts foreground tasks that run through it.",
];
