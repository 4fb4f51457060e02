//! `diagnose`: what is in the way to a host.

use super::{Out, Session, args::Diagnose};
use crate::{
    domain::{
        Problem,
        diagnosis::{Severity, Stage, for_network_team, in_words},
    },
    network::probe::Progress,
    platform::connection,
};
use std::io::{IsTerminal, Write};

pub fn run(session: &Session, asked: &Diagnose, out: &Out) -> Result<u8, Problem> {
    let settings = session.load_settings().settings.license_host;
    let host = asked.host.clone().unwrap_or_else(|| settings.host.clone());
    let shows = std::io::stderr().is_terminal() && !out.json();
    let diagnosis = connection::check(&host, settings, &session.clock, &mut |progress| {
        if shows {
            show(&progress);
        }
    })?;
    out.show(&diagnosis, || {
        if asked.for_network_team { for_network_team(&diagnosis) } else { in_words(&diagnosis) }
    })?;
    Ok(match diagnosis.conclusion.severity {
        Severity::Open => 0,
        Severity::Warning => 1,
        Severity::Blocked => 2,
    })
}

/// One line that is overwritten: what is being done.
fn show(progress: &Progress) {
    let mut stderr = std::io::stderr();
    let _ = match progress {
        Progress::Began(stage) => write!(stderr, "\r\u{1b}[K{}…", stage.name()),
        Progress::Ended(step) if step.stage == Stage::Protocol => write!(stderr, "\r\u{1b}[K"),
        Progress::Ended(_) => Ok(()),
    };
    let _ = stderr.flush();
}
