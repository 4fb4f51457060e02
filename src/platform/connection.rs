//! The diagnosis of the way from this machine, by its settings: for the command line and for the window.

use super::{clock::Clock, survey};
use crate::{
    domain::{
        Fault, Problem,
        diagnosis::{Diagnosis, Target},
    },
    network::{
        probe::{self, Probe, Progress},
        route,
        trust::Trust,
    },
    store::settings::LicenseHost,
};
use std::sync::Arc;

/// Checks what is in the way to a host, telling each stage. Blocks, at most for
/// [`Limits::whole`](probe::Limits::whole) and a moment.
///
/// # Errors
///
/// It is no host; there is nothing to verify certificates by; the system gives no sockets.
pub fn check(
    host: &str,
    settings: LicenseHost,
    clock: &Clock,
    tell: &mut dyn FnMut(Progress),
) -> Result<Diagnosis, Problem> {
    let cannot = |fault, place: &str, why: String, next: &str| {
        Problem::new(fault, "Cannot check the connection", place, why, next)
    };
    let target = Target::parse(host).ok_or_else(|| {
        let next = "Name a host, or a host and a port: www.visualcron.com, licenses.corp.example:8443";
        cannot(Fault::Usage, host, "it is no host name or IP address".into(), next)
    })?;
    let machine = survey::local_names().into_iter().next().unwrap_or_else(|| "this machine".into());
    let trust = Trust::load(settings.ca_file.as_deref())?;
    let name = host.to_string();
    let decide = Box::new(move || route::decide(&name, &settings));
    let clock = clock.clone();
    let probe = Probe {
        now: Arc::new(move || clock.now().timestamp()),
        ..Probe::new(target, machine, trust, decide)
    };
    probe::run(probe, tell)
        .map_err(|error| cannot(Fault::Software, "sockets", error.to_string(), "Report this"))
}
