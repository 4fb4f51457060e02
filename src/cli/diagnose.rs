//! `diagnose`: what is in the way to a host.

use super::{Out, Session, args::Diagnose, progress::Progress};
use crate::{
    domain::{
        Problem,
        diagnosis::{Severity, for_network_team, in_words},
    },
    network::probe,
    platform::connection,
};

pub fn run(session: &Session, asked: &Diagnose, out: &Out) -> Result<u8, Problem> {
    let settings = session.load_settings().settings.license_host;
    let host = asked.host.clone().unwrap_or_else(|| settings.host.clone());
    let line = Progress::new(out);
    let diagnosis = connection::check(&host, settings, &session.clock, &mut |progress| {
        if let probe::Progress::Began(stage) = progress {
            line.show(stage.name());
        }
    })?;
    drop(line);
    out.show(&diagnosis, || {
        if asked.for_network_team { for_network_team(&diagnosis) } else { in_words(&diagnosis) }
    })?;
    Ok(match diagnosis.conclusion.severity {
        Severity::Open => 0,
        Severity::Warning => 1,
        Severity::Blocked => 2,
    })
}
