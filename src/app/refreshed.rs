//! What a refresh has brought: what changed, what did not and why, and what to try next.

use super::{
    Bubble, Icon, State,
    event::{Asked, Became, Refresh},
    report::{RefreshReport, RefreshedServer},
    words::{count, information, names},
};
use crate::{
    domain::{Fault, Problem, Server, Source, Standing},
    store::settings::LicenseHost,
};
use jiff::{ZonedDateTime, civil::Date};

/// Up to so many servers are told one by one, whether or not their dates have changed.
const FEW: usize = 10;
/// So many changes are in a notification.
const IN_A_BUBBLE: usize = 5;
/// How a validation that went well is told: a promise of `refresh --json`.
const VALIDATED: &str = "validated";

/// Per server the date before and after, and what became of its validation.
pub(super) fn report(
    state: &State,
    asked: &Refresh,
    license_host: Option<&Result<(), Problem>>,
    validations: &[Asked],
    now: &ZonedDateTime,
) -> RefreshReport {
    let wanted = |server: &&Server| asked.only.as_ref().is_none_or(|key| *key == server.key);
    let became = |server: &Server| validations.iter().find(|asked| asked.server == server.name);
    let in_words = |became: &Became| match became {
        Became::Valid => VALIDATED.to_string(),
        Became::Trouble(problem) => problem.why.clone(),
        Became::NotAsked(why) => why.clone(),
    };
    let refreshed = |server: &Server| RefreshedServer {
        source: Some(server.source),
        standing: (!server.ignored).then(|| state.standing(server, now.date())),
        validation: became(server).map(|asked| in_words(&asked.became)),
        ..RefreshedServer::new(
            server.name.clone(),
            asked.before.get(&server.key).copied().flatten(),
            server.until(),
        )
    };
    // That the host cannot be reached is told once, as a problem of its own.
    let is_told = |problem: &Problem| {
        problem.fault == Fault::Unavailable && license_host.is_some_and(|host| host.is_err())
    };
    let troubles = troubles(
        validations.iter().filter(|asked| asked.became.trouble().is_some_and(|problem| !is_told(problem))),
    );
    let servers: Vec<RefreshedServer> = state.servers.iter().filter(wanted).map(refreshed).collect();
    let mut report = RefreshReport {
        schema: 1,
        as_of: now.timestamp(),
        next: Vec::new(),
        servers,
        license_host_reachable: license_host.map(Result::is_ok),
        all_read: state.source_problems().all(|problem| problem.fault == Fault::Unavailable),
        problems: state.source_problems().cloned().chain(troubles).collect(),
    };
    // Where a source could not be read, that comes first.
    if report.all_read && waiting(&report).next().is_some() {
        report.next = next(state, &report.servers, license_host);
    }
    report
}

/// The servers whose date needs to be another one, and is as it was.
fn waiting(report: &RefreshReport) -> impl Iterator<Item = &RefreshedServer> {
    let needs = |standing: Standing| standing != Standing::Active;
    report.servers.iter().filter(move |server| !server.has_moved() && server.standing.is_some_and(needs))
}

/// What went wrong with validations: what is the same for many, once.
fn troubles<'a>(validations: impl Iterator<Item = &'a Asked>) -> Vec<Problem> {
    let mut troubles: Vec<(Problem, usize)> = Vec::new();
    for trouble in validations.filter_map(|asked| asked.became.trouble()) {
        let same =
            |known: &&mut (Problem, usize)| (&known.0.what, &known.0.why) == (&trouble.what, &trouble.why);
        match troubles.iter_mut().find(same) {
            Some((_, more)) => *more += 1,
            None => troubles.push((trouble.clone(), 0)),
        }
    }
    let name = |(trouble, more): (Problem, usize)| match more {
        0 => trouble,
        more => Problem { place: format!("{} and {more} more", trouble.place), ..trouble },
    };
    troubles.into_iter().map(name).collect()
}

/// What to try where a date should have moved, in the order of the vendor's own troubleshooting
/// ([`crate::recovery::words::FIRST`]).
fn next(
    state: &State,
    servers: &[RefreshedServer],
    license_host: Option<&Result<(), Problem>>,
) -> Vec<String> {
    let (own, vendors) = (state.settings.license_host.own_host(), LicenseHost::default().host);
    let is_of_host = |server: &RefreshedServer| server.source == Some(Source::LicenseHost);
    let mut next = Vec::new();
    if let Some(host) = &own {
        if servers.iter().any(is_of_host) {
            next.push(format!(
                "Dates that {host} states: have the new one entered there, and refresh again."
            ));
        }
        next.extend(match (state.host_is_trusted, license_host) {
            (Some(false), _) => Some(format!(
                "{host} is not asked about licenses before its key is trusted: `visualcron-tray license-host trust {host}`."
            )),
            (_, Some(Err(_))) => Some(format!(
                "{host} cannot be reached from here. See what is in the way: `visualcron-tray diagnose`."
            )),
            _ => None,
        });
    }
    if !servers.iter().all(is_of_host) {
        next.push(
            "In the Client, choose Refresh license data: only the Client asks the vendor. What it keeps is what \
             was read here."
                .into(),
        );
    }
    next.push(match license_host.filter(|_| own.is_none()) {
        Some(Ok(())) => format!("{vendors} can be reached from here: that is not in the way."),
        Some(Err(_)) => {
            format!("{vendors} cannot be reached from here. See what is in the way: `visualcron-tray diagnose`.")
        }
        None => format!(
            "Make sure that {vendors} can be reached from where the Client runs, TCP 443: `visualcron-tray diagnose {vendors}`."
        ),
    });
    next.extend(
        [
            "Associate the code of the renewal with the license, online: `visualcron-tray open renew`.",
            "Use a Client of the same version as the server: another may not show what the server says.",
            "If nothing of that helps, clear the server cache: `visualcron-tray recover`.",
        ]
        .map(String::from),
    );
    next
}

fn day(date: Option<Date>) -> String {
    date.map_or("unknown".into(), |date| date.to_string())
}

fn headline(report: &RefreshReport) -> String {
    let changed = report.servers.iter().filter(|server| server.has_moved()).count();
    let verb = if report.all_read { "read again" } else { "known, not all sources could be read" };
    match (report.servers.len(), changed) {
        (0, _) => "No servers known yet".to_string(),
        (all, 0) => format!("{} {verb}, no date has changed", count(all, "server")),
        (all, some) => format!("{} {verb}, {} changed", count(all, "server"), count(some, "date")),
    }
}

/// `PROD-01: 2026-11-30 to 2027-11-30`, of those that have moved.
fn moved(report: &RefreshReport) -> impl Iterator<Item = String> {
    let moved = report.servers.iter().filter(|server| server.has_moved());
    moved.map(|server| format!("{}: {} to {}", server.name, day(server.before), day(server.after)))
}

/// `Not validated: PROD-05, PROD-07 and 3 more: its activation code is not known here`: what is the same, once.
fn not_validated(report: &RefreshReport) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for server in &report.servers {
        match server.validation.as_deref() {
            None | Some(VALIDATED) => {}
            Some(why) => match groups.iter_mut().find(|(known, _)| *known == why) {
                Some((_, named)) => named.push(&server.name),
                None => groups.push((why, vec![&server.name])),
            },
        }
    }
    groups
        .into_iter()
        .map(|(why, named)| format!("Not validated: {}: {why}", names(named.into_iter())))
        .collect()
}

/// One server in one line.
fn line(server: &RefreshedServer) -> String {
    let dates = match (server.has_moved(), server.after) {
        (true, after) => format!("{} to {}", day(server.before), day(after)),
        (false, Some(date)) => format!("still {date}"),
        (false, None) => "still no date".into(),
    };
    let source = server.source.filter(|_| server.after.is_some());
    let source = source.map_or(String::new(), |source| format!(", by {}", source.title_in_a_sentence()));
    let validation = match server.validation.as_deref() {
        None => String::new(),
        Some(VALIDATED) => "; validated".into(),
        Some(why) => format!("; not validated: {why}"),
    };
    format!("{}: {dates}{source}{validation}", server.name)
}

/// All of it, for a terminal.
pub fn in_words(report: &RefreshReport) -> String {
    let mut lines = vec![headline(report)];
    if report.servers.len() <= FEW {
        lines.extend(report.servers.iter().map(line));
    } else {
        lines.extend(moved(report));
        let validated = |server: &&RefreshedServer| server.validation.as_deref() == Some(VALIDATED);
        match report.servers.iter().filter(validated).count() {
            0 => {}
            some => lines.push(format!("{} validated", count(some, "license"))),
        }
        lines.extend(not_validated(report));
        let waiting: Vec<&str> = waiting(report).map(|server| server.name.as_str()).collect();
        if !waiting.is_empty() {
            let dates = count(waiting.len(), "date");
            lines.push(format!(
                "Expired, near or unknown, and as before: {dates}: {}",
                names(waiting.into_iter())
            ));
        }
    }
    lines.extend(report.problems.iter().map(Problem::to_string));
    if !report.next.is_empty() {
        lines.push("\nIf a renewal was bought and its date does not show, in the vendor's order:".into());
        lines.extend((1..).zip(&report.next).map(|(number, step)| format!("{number}. {step}")));
    }
    lines.join("\n")
}

/// The gist of it, for a notification.
pub(super) fn bubble(report: &RefreshReport) -> Bubble {
    let mut lines: Vec<String> = moved(report).take(IN_A_BUBBLE).collect();
    match moved(report).count() - lines.len() {
        0 => {}
        more => lines.push(format!("and {more} more")),
    }
    // Where the host cannot be reached that is one of the problems.
    if report.license_host_reachable != Some(false) {
        lines.extend(not_validated(report));
    }
    lines.extend(report.problems.iter().map(Problem::to_string));
    let icon = if report.problems.is_empty() { Icon::Fine } else { Icon::Unknown };
    information(headline(report), lines.join("\n"), icon)
}

#[cfg(test)]
#[path = "refreshed_tests.rs"]
mod tests;
