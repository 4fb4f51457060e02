//! The status as a monitoring check: one line with performance data, as the guidelines of the Monitoring Plugins
//! want it (Nagios, Icinga, Zabbix, PRTG, checkmk and others read it).

use super::report::{ServerReport, StatusReport};
use crate::domain::{Fault, Problem, Standing, standing};
use jiff::civil::Date;

/// What the check says, the exit code with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All dates are known and not near: 0.
    Ok,
    /// A date is near, or what is known may not be the latest: 1.
    Warning,
    /// A date has passed: 2.
    Critical,
    /// Nothing is known, or not of every server: 3.
    Unknown,
}

impl Verdict {
    /// The exit code.
    pub fn exit_code(self) -> u8 {
        self as u8
    }

    fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "OK",
            Verdict::Warning => "WARNING",
            Verdict::Critical => "CRITICAL",
            Verdict::Unknown => "UNKNOWN",
        }
    }
}

/// The verdict, and its line, on `today`.
pub fn check(report: &StatusReport, today: Date) -> (Verdict, String) {
    let doubts = doubts(report);
    let verdict = match report.standing {
        Standing::Expired => Verdict::Critical,
        Standing::Expiring => Verdict::Warning,
        Standing::Unknown => Verdict::Unknown,
        Standing::Active if doubts.is_empty() => Verdict::Ok,
        Standing::Active => Verdict::Warning,
    };
    let mut said = stands(report, today);
    said.extend(doubts);
    let (said, data) = (said.join("; "), performance(report));
    (verdict, format!("{} | {data}", line(verdict, &said)))
}

/// The line of a check that could not be made.
pub fn failed(problem: &Problem) -> (Verdict, String) {
    (Verdict::Unknown, line(Verdict::Unknown, &problem.to_string()))
}

fn line(verdict: Verdict, said: &str) -> String {
    format!("VISUALCRON {} - {}", verdict.word(), without_bars(said))
}

/// A text in which nothing is taken for the start of performance data.
pub fn without_bars(text: &str) -> String {
    text.replace('|', "/")
}

fn counted(report: &StatusReport) -> impl Iterator<Item = &ServerReport> {
    report.servers.iter().filter(|server| !server.ignored)
}

fn of(report: &StatusReport, standing: Standing) -> Vec<&ServerReport> {
    counted(report).filter(|server| server.standing == standing).collect()
}

/// How many stand where, the worst first: `1 expiring: PROD-01 …; 2 active`.
fn stands(report: &StatusReport, today: Date) -> Vec<String> {
    match (counted(report).count(), report.servers.len()) {
        (0, 0) => return vec!["no servers are known yet".into()],
        (0, all) => return vec![format!("nothing is watched: {all} of {all} servers are ignored")],
        _ => {}
    }
    let mut said: Vec<String> = Vec::new();
    for standing in [Standing::Expired, Standing::Expiring, Standing::Unknown, Standing::Active] {
        let servers = of(report, standing);
        // First one that something can still be done about.
        let in_time = |days: i32| days >= -standing::RENEWAL_CLOSES_DAYS;
        let first = servers.iter().find(|server| server.days_left.is_some_and(in_time)).or(servers.first());
        let Some(first) = first else { continue };
        let count = format!("{} {}", servers.len(), standing.word());
        if standing == Standing::Active && !said.is_empty() {
            said.push(count);
            continue;
        }
        let mut line = format!("{count}: {}", first.name);
        if standing != Standing::Unknown {
            line.push_str(&format!(" {}", standing::in_words(first.kind, first.maintenance_until, today)));
        }
        said.push(line + &and_more(servers.len()));
    }
    said
}

/// Why what is known may not be the latest.
fn doubts(report: &StatusReport) -> Vec<String> {
    let mut doubts = Vec::new();
    // The way to the license host is no source.
    let unread: Vec<&Problem> =
        report.problems.iter().filter(|problem| problem.fault != Fault::Unavailable).collect();
    if let Some(first) = unread.first() {
        let why = first.why.trim_end_matches('.');
        doubts.push(format!("{}: {}: {why}{}", first.what, first.place, and_more(unread.len())));
    }
    let urgent: Vec<&ServerReport> = counted(report)
        .filter(|server| server.validation.as_ref().is_some_and(|it| it.is_urgent()))
        .collect();
    if let Some((first, validation)) =
        urgent.first().and_then(|first| Some((first, first.validation.as_ref()?)))
    {
        doubts.push(format!("{}: {}{}", first.name, validation.in_words, and_more(urgent.len())));
    }
    let remembered: Vec<&str> =
        counted(report).filter(|server| server.remembered).map(|server| server.name.as_str()).collect();
    if let Some(first) = remembered.first() {
        doubts.push(format!(
            "the date is remembered, its source does not show it any more: {first}{}",
            and_more(remembered.len())
        ));
    }
    doubts
}

/// What follows the first of so many.
fn and_more(all: usize) -> String {
    if all > 1 { format!(", and {} more", all - 1) } else { String::new() }
}

/// `'label'=value;warn;crit;min`: a range `31:` alerts below 31, `0` above 0.
fn performance(report: &StatusReport) -> String {
    let least = counted(report).filter_map(|server| server.days_left).min();
    let least = least.map_or("U".into(), |days| days.to_string());
    let count = |standing| of(report, standing).len();
    format!(
        "days_left_min={least};{}:;0: expired={};;0;0 expiring={};0;;0 active={};;;0 unknown={};;;0 problems={};0;;0",
        report.expiring_days.saturating_add(1),
        count(Standing::Expired),
        count(Standing::Expiring),
        count(Standing::Active),
        count(Standing::Unknown),
        report.problems.iter().filter(|problem| problem.fault != Fault::Unavailable).count(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            State,
            event::Area,
            testing::{entry, now, state},
        },
        domain::{Entry, Source, knowledge::Outcome},
    };

    fn said(state: &State) -> String {
        let (verdict, line) = check(&StatusReport::new(state, &now()), now().date());
        format!("{} {line}", verdict.exit_code())
    }

    fn of_days(days: &[Option<i64>]) -> State {
        state(days.iter().enumerate().map(|(n, days)| entry(&format!("S{n}"), None, *days)).collect())
    }

    #[test]
    fn each_verdict_has_its_line_and_its_code() {
        let lines: Vec<String> = [
            &[][..],
            &[Some(200)],
            &[Some(200), Some(31), Some(400)],
            &[Some(200), Some(30)],
            &[Some(200), Some(0), Some(5), None],
            &[Some(200), Some(-1), Some(5)],
            &[Some(-900), Some(-40), Some(-3)],
            &[Some(200), None],
        ]
        .into_iter()
        .map(|days| said(&of_days(days)))
        .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        3 VISUALCRON UNKNOWN - no servers are known yet | days_left_min=U;31:;0: expired=0;;0;0 expiring=0;0;;0 active=0;;;0 unknown=0;;;0 problems=0;0;;0
        0 VISUALCRON OK - 1 active: S0 Maintenance expires in 200 days (2027-06-12) | days_left_min=200;31:;0: expired=0;;0;0 expiring=0;0;;0 active=1;;;0 unknown=0;;;0 problems=0;0;;0
        0 VISUALCRON OK - 3 active: S1 Maintenance expires in 31 days (2026-12-25), and 2 more | days_left_min=31;31:;0: expired=0;;0;0 expiring=0;0;;0 active=3;;;0 unknown=0;;;0 problems=0;0;;0
        1 VISUALCRON WARNING - 1 expiring: S1 Maintenance expires in 30 days (2026-12-24); 1 active | days_left_min=30;31:;0: expired=0;;0;0 expiring=1;0;;0 active=1;;;0 unknown=0;;;0 problems=0;0;;0
        1 VISUALCRON WARNING - 2 expiring: S1 Maintenance expires today (2026-11-24), and 1 more; 1 unknown: S3; 1 active | days_left_min=0;31:;0: expired=0;;0;0 expiring=2;0;;0 active=1;;;0 unknown=1;;;0 problems=0;0;;0
        2 VISUALCRON CRITICAL - 1 expired: S1 Maintenance expired yesterday (2026-11-23); 1 expiring: S2 Maintenance expires in 5 days (2026-11-29); 1 active | days_left_min=-1;31:;0: expired=1;;0;0 expiring=1;0;;0 active=1;;;0 unknown=0;;;0 problems=0;0;;0
        2 VISUALCRON CRITICAL - 3 expired: S1 Maintenance expired 40 days ago (2026-10-15), and 2 more | days_left_min=-900;31:;0: expired=3;;0;0 expiring=0;0;;0 active=0;;;0 unknown=0;;;0 problems=0;0;;0
        3 VISUALCRON UNKNOWN - 1 unknown: S1; 1 active | days_left_min=200;31:;0: expired=0;;0;0 expiring=0;0;;0 active=1;;;0 unknown=1;;;0 problems=0;0;;0
        ");
    }

    #[test]
    fn doubts_warn_and_never_hide_what_is_worse() {
        let unread = || vec![Problem::new(Fault::Data, "Cannot read a|b", "c", "d.", "e"); 2];
        let with = |days: &[Option<i64>]| {
            let mut state = of_days(days);
            state.problems.insert(Area::ServersXml, unread());
            said(&state)
        };
        let mut lines =
            vec![with(&[Some(200)]), with(&[Some(20)]), with(&[Some(-1)]), with(&[None]), with(&[])];
        // The way to the license host is no source.
        let mut state = of_days(&[Some(200)]);
        state.problems.insert(Area::LicenseHost, vec![Problem::new(Fault::Unavailable, "a", "b", "c", "d")]);
        lines.push(said(&state));
        // The file has vanished.
        state.kept.knowledge.absorb(
            Source::ServersXml,
            "/home/me/VisualCron/settings/servers.xml",
            Outcome::Absent,
            now().timestamp(),
        );
        state.merge();
        lines.push(said(&state));
        insta::assert_snapshot!(lines.join("\n"), @"
        1 VISUALCRON WARNING - 1 active: S0 Maintenance expires in 200 days (2027-06-12); Cannot read a/b: c: d, and 1 more | days_left_min=200;31:;0: expired=0;;0;0 expiring=0;0;;0 active=1;;;0 unknown=0;;;0 problems=2;0;;0
        1 VISUALCRON WARNING - 1 expiring: S0 Maintenance expires in 20 days (2026-12-14); Cannot read a/b: c: d, and 1 more | days_left_min=20;31:;0: expired=0;;0;0 expiring=1;0;;0 active=0;;;0 unknown=0;;;0 problems=2;0;;0
        2 VISUALCRON CRITICAL - 1 expired: S0 Maintenance expired yesterday (2026-11-23); Cannot read a/b: c: d, and 1 more | days_left_min=-1;31:;0: expired=1;;0;0 expiring=0;0;;0 active=0;;;0 unknown=0;;;0 problems=2;0;;0
        3 VISUALCRON UNKNOWN - 1 unknown: S0; Cannot read a/b: c: d, and 1 more | days_left_min=U;31:;0: expired=0;;0;0 expiring=0;0;;0 active=0;;;0 unknown=1;;;0 problems=2;0;;0
        3 VISUALCRON UNKNOWN - no servers are known yet; Cannot read a/b: c: d, and 1 more | days_left_min=U;31:;0: expired=0;;0;0 expiring=0;0;;0 active=0;;;0 unknown=0;;;0 problems=2;0;;0
        0 VISUALCRON OK - 1 active: S0 Maintenance expires in 200 days (2027-06-12) | days_left_min=200;31:;0: expired=0;;0;0 expiring=0;0;;0 active=1;;;0 unknown=0;;;0 problems=0;0;;0
        1 VISUALCRON WARNING - 1 active: S0 Maintenance expires in 200 days (2027-06-12); the date is remembered, its source does not show it any more: S0 | days_left_min=200;31:;0: expired=0;;0;0 expiring=0;0;;0 active=1;;;0 unknown=0;;;0 problems=0;0;;0
        ");
    }

    #[test]
    fn ignored_servers_do_not_count_and_bars_are_no_data() {
        let old = Entry { ignored: true, ..entry("OLD", None, Some(-900)) };
        let mut lines = vec![said(&state(vec![old.clone(), entry("A|B", None, Some(12))]))];
        lines.push(said(&state(vec![old])));
        insta::assert_snapshot!(lines.join("\n"), @"
        1 VISUALCRON WARNING - 1 expiring: A/B Maintenance expires in 12 days (2026-12-06) | days_left_min=12;31:;0: expired=0;;0;0 expiring=1;0;;0 active=0;;;0 unknown=0;;;0 problems=0;0;;0
        3 VISUALCRON UNKNOWN - nothing is watched: 1 of 1 servers are ignored | days_left_min=U;31:;0: expired=0;;0;0 expiring=0;0;;0 active=0;;;0 unknown=0;;;0 problems=0;0;;0
        ");
    }
}
