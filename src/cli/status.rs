//! `status`: where all licenses stand.

use super::{Out, Session, args, session::unexpected};
use crate::{
    app::{
        check,
        report::{Reply, Request, ServerReport, StatusReport},
        words,
    },
    domain::{Problem, standing},
    platform::survey,
};
use jiff::civil::Date;

pub fn run(session: &Session, asked: &args::Status, out: &Out) -> Result<u8, Problem> {
    let Reply::Status(mut report) = session.ask(Request::Status)? else { return Err(unexpected()) };
    if !asked.servers.is_empty() {
        keep_only(&mut report, &asked.servers)?;
    }
    let today = report.as_of.to_zoned_datetime(session.clock.now().time_zone().clone()).date();
    if let Some(days) = asked.expiring_within {
        report.count_as_expiring(days, today);
    }
    let all = session.verbose || !asked.servers.is_empty() && !asked.check;
    let text = || text(&report, session, today, all);
    if asked.check {
        // Monitoring reads standard output alone.
        let (verdict, line) = check::check(&report, today);
        let problems: String = report.problems.iter().map(|problem| format!("{problem}\n")).collect();
        out.show(&report, || {
            format!("{line}\n{}", check::without_bars(&format!("{}\n{problems}", text().trim_end())))
        })?;
        return Ok(verdict.exit_code());
    }
    out.show(&report, text)?;
    if !out.json() {
        for problem in &report.problems {
            out.problem(problem);
        }
    }
    Ok(report.standing.exit_code())
}

/// A check that could not be made: still one line, and a code that monitoring knows.
pub fn check_failed(problem: &Problem, out: &Out) -> u8 {
    let (verdict, line) = check::failed(problem);
    // Where nothing can be printed, the code still tells.
    let _ = out.show(&serde_json::json!({ "problems": [problem] }), || line);
    verdict.exit_code()
}

fn keep_only(report: &mut StatusReport, names: &[String]) -> Result<(), Problem> {
    let fits = |server: &ServerReport, name: &str| {
        let is = |text: &str| text.eq_ignore_ascii_case(name);
        is(&server.name) || server.address.as_deref().is_some_and(is)
    };
    if let Some(name) = names.iter().find(|name| !report.servers.iter().any(|server| fits(server, name))) {
        let known = report.servers.iter().map(|server| server.name.as_str());
        return Err(words::no_such_server(name, known));
    }
    report.keep(|server| names.iter().any(|name| fits(server, name)));
    Ok(())
}

fn text(report: &StatusReport, session: &Session, today: Date, all: bool) -> String {
    if report.servers.is_empty() {
        let folder = survey::survey(&session.dirs, &session.load_settings().settings).servers_xml;
        return format!(
            "No servers are known yet. They are read from {}, and from [[server]] entries in {}.",
            folder.display(),
            session.dirs.config.display()
        );
    }
    let mut rows = vec![["SERVER", "STANDING", "DATE", "VERSION", "COVERAGE", "SOURCE"].map(String::from)];
    for server in &report.servers {
        rows.push([
            words::cut(&server.name, 40),
            if server.ignored { "ignored" } else { server.standing.word() }.into(),
            match (server.maintenance_until, server.days_left) {
                (Some(until), Some(days)) => format!("{until} ({})", days_in_words(days)),
                _ => "unknown".into(),
            },
            server.installed_version.clone().unwrap_or_else(|| "unknown".into()),
            server.coverage.word().into(),
            server.source.title().into(),
        ]);
    }
    let mut text = table(&rows);
    for server in &report.servers {
        let mut lines = Vec::new();
        if all {
            lines.push(standing::in_words(server.kind, server.maintenance_until, today));
            lines.extend(
                server
                    .days_left
                    .filter(|days| *days <= standing::RENEWAL_OPENS_DAYS)
                    .map(|_| standing::consequence(server.kind).to_string()),
            );
            lines.extend(server.days_left.and_then(|days| standing::advice(server.kind, days)));
            lines.extend(
                server.newest_covered.as_ref().map(|newest| format!("Newest covered version: {newest}")),
            );
        }
        if let Some(validation) = server.validation.as_ref().filter(|it| all || it.is_urgent()) {
            lines.push(validation.in_words.clone());
            lines.extend(validation.failed_why.iter().map(|why| format!("The last try failed: {why}")));
        }
        lines.extend(server.notes.iter().cloned());
        if !lines.is_empty() {
            text.push_str(&format!("\n{}:\n", server.name));
            lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
        }
    }
    text
}

fn days_in_words(days: i32) -> String {
    match days {
        0 => "today".into(),
        1 => "1 day left".into(),
        -1 => "1 day ago".into(),
        days if days < 0 => format!("{} days ago", -days),
        days => format!("{days} days left"),
    }
}

/// Columns as wide as their widest cell.
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
