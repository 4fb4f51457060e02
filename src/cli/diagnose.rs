//! `diagnose`: what is in the way to a host.

use super::{Out, Session, args::Diagnose};
use crate::{
    domain::{
        Fault, Problem,
        diagnosis::{Severity, Stage, Target, for_network_team, in_words},
    },
    network::{
        probe::{self, Probe, Progress},
        route,
        trust::Trust,
    },
    platform::survey,
};
use std::{
    io::{IsTerminal, Write},
    sync::Arc,
};

pub fn run(session: &Session, asked: &Diagnose, out: &Out) -> Result<u8, Problem> {
    let settings = session.load_settings().settings.license_host;
    let host = asked.host.clone().unwrap_or_else(|| settings.host.clone());
    let target = Target::parse(&host).ok_or_else(|| {
        Problem::new(
            Fault::Usage,
            "Cannot check the connection",
            host.clone(),
            "it is no host name or IP address",
            "Name a host, or a host and a port: www.visualcron.com, licenses.corp.example:8443",
        )
    })?;
    let machine = survey::local_names().into_iter().next().unwrap_or_else(|| "this machine".into());
    let trust = Trust::load(settings.ca_file.as_deref())?;
    let decide = Box::new(move || route::decide(&host, &settings));
    let clock = session.clock.clone();
    let probe = Probe {
        now: Arc::new(move || clock.now().timestamp()),
        ..Probe::new(target, machine, trust, decide)
    };
    let shows = std::io::stderr().is_terminal() && !out.json();
    let diagnosis = probe::run(probe, &mut |progress| {
        if shows {
            show(&progress);
        }
    })
    .map_err(|error| {
        Problem::new(
            Fault::Software,
            "Cannot check the connection",
            "sockets",
            error.to_string(),
            "Report this",
        )
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
