//! `recover`: Clear server cache.

use super::{
    Out, Session,
    args::{Recover, RecoverAction},
    recover_shown,
    session::unexpected,
};
use crate::{
    app::report::{RecoveryReport, RefreshedServer, Reply, Request},
    domain::{Fault, Problem},
    platform::{
        recovery::{self, Watcher},
        survey,
    },
    recovery::{
        Choices, Decision, Deed, Journal, Outcome, Plan, Role,
        run::{NOTHING_TO_CLEAR, in_words},
        words::{FIRST, First, afterwards, remarks},
        world::Progress,
    },
    store::recoveries::{Kept, Recoveries},
};
use jiff::civil::Date;
use serde::Serialize;
use std::{
    io::{BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Taken back: as a temporary failure of `sysexits.h`.
const TAKEN_BACK: u8 = 75;
/// Somebody has to look at it.
pub const NEEDS_USER: u8 = 76;

pub fn run(session: &Session, asked: &Recover, out: &Out) -> Result<u8, Problem> {
    match act(session, asked, out) {
        Err(problem) if asked.watched => {
            tell_watcher(&problem);
            Ok(problem.fault.exit_code())
        }
        Err(problem) if problem.what == NOTHING_TO_CLEAR => {
            out.problem(&problem);
            Ok(0)
        }
        ended => ended,
    }
}

fn act(session: &Session, asked: &Recover, out: &Out) -> Result<u8, Problem> {
    let RecoverAction { dry_run, list, restore, undo, history, status, resume, rollback, keep } =
        &asked.action;
    match () {
        () if *list => recover_shown::backups(session, out),
        () if *history => recover_shown::history(session, out),
        () if *status => recover_shown::status(session, out),
        () if *dry_run => show_plan(session, asked, out),
        () => {
            session.dirs.must_keep("recover")?;
            let asked_for =
                [resume, rollback, keep].into_iter().zip(Decision::ALL).find(|(asked, _)| **asked);
            if let Some((_, decision)) = asked_for {
                return go_on(session, asked, decision, out);
            }
            let mut plan = plan(session, asked)?;
            plan.bring_back = match restore {
                Some(name) => Some(backup_named(session, &plan.servers_xml, name)?),
                None if *undo => Some(last_set_aside(session)?),
                None => None,
            };
            carry_out(session, asked, plan, out)
        }
    }
}

/// No servers.xml is no error.
fn code_of(problem: &Problem) -> u8 {
    if problem.what == NOTHING_TO_CLEAR { 0 } else { problem.fault.exit_code() }
}

/// Any command of ours tells that a recovery was interrupted, until somebody decides what is to become of it.
pub fn remark_if_interrupted(session: &Session, out: &Out) {
    let recoveries = Recoveries::below(&session.dirs.data);
    let is_open = || recoveries.newest().is_ok_and(|kept| kept.is_some_and(|kept| kept.journal.is_open()));
    if is_open() && !recoveries.is_locked() {
        out.remark("Clear server cache was interrupted. What now? See `visualcron-tray recover --status`.");
    }
}

fn plan(session: &Session, asked: &Recover) -> Result<Plan, Problem> {
    let settings = session.load_settings().settings;
    let places = survey::survey(&session.dirs, &settings);
    let choices = Choices {
        patience_seconds: asked.timeout.unwrap_or(settings.recovery.close_seconds.into()),
        keep_backups: settings.recovery.keep_backups as usize,
        force: asked.force_close,
        restart_anyway: asked.restart_anyway,
        leave_client_closed: asked.no_client,
    };
    let mut plan = recovery::plan(&session.dirs, &places, choices, dates(session)?);
    if asked.start_client && !plan.running.iter().any(|program| program.role == Role::Client) {
        let client =
            recovery::client_to_start(&places).map_err(|why| crate::app::words::client_not_found(&why))?;
        plan.start_too.push(client);
    }
    Ok(plan)
}

/// The servers with their dates as they are known now.
fn dates(session: &Session) -> Result<Vec<(String, Option<Date>)>, Problem> {
    let Reply::Status(report) = session.ask(Request::Status)? else { return Err(unexpected()) };
    Ok(report.servers.into_iter().map(|server| (server.name, server.maintenance_until)).collect())
}

fn show_plan(session: &Session, asked: &Recover, out: &Out) -> Result<u8, Problem> {
    let plan = plan(session, asked)?;
    let refused = recovery::check(&session.dirs, &plan).err();
    let steps: Vec<String> = plan.steps().iter().map(|step| plan.describe(step)).collect();
    let report = serde_json::json!({
        "schema": 1,
        "servers_xml": plan.servers_xml,
        "refused": refused,
        "first": FIRST.iter().map(first_in_words).collect::<Vec<_>>(),
        "steps": steps,
        "remarks": remarks(&plan),
    });
    let opening = match &refused {
        Some(problem) if problem.what == NOTHING_TO_CLEAR => {
            "There is nothing to clear. This is what Clear server cache would do otherwise."
        }
        Some(_) => "This is what Clear server cache would do, but it would be refused here.",
        None => "This is what Clear server cache would do. It is only shown: nothing has been changed.",
    };
    out.show(&report, || format!("{opening}\n\n{}", plan_in_words(&plan)))?;
    match refused {
        Some(problem) => {
            if !out.json() {
                out.problem(&problem);
            }
            Ok(code_of(&problem))
        }
        None => Ok(0),
    }
}

fn first_in_words(first: &First) -> String {
    let command =
        first.command.map(|command| format!(" On the command line: `{command}`.")).unwrap_or_default();
    format!("{}. {}{command}", first.title, first.how)
}

fn plan_in_words(plan: &Plan) -> String {
    let mut text = String::new();
    if plan.bring_back.is_none() {
        text.push_str("First try the cheap steps:\n");
        FIRST.iter().for_each(|first| text.push_str(&format!("- {}\n", first_in_words(first))));
        text.push('\n');
    }
    text.push_str("These steps will be done:\n");
    let steps = plan.steps();
    steps.iter().zip(1..).for_each(|(step, n)| text.push_str(&format!("{n}. {}\n", plan.describe(step))));
    text.push('\n');
    remarks(plan).iter().for_each(|remark| text.push_str(&format!("- {remark}\n")));
    text
}

fn carry_out(session: &Session, asked: &Recover, plan: Plan, out: &Out) -> Result<u8, Problem> {
    // Before anybody is asked anything.
    recovery::check(&session.dirs, &plan)?;
    if !asked.yes && !asked.watched {
        out.remark(&plan_in_words(&plan));
        if !confirmed(out)? {
            out.remark("Nothing was changed.");
            return Ok(0);
        }
    }
    let kept =
        watched(asked, out, plan.steps().len(), |watcher| recovery::carry_out(&session.dirs, plan, watcher))?;
    report(session, asked, &kept, out)
}

fn go_on(session: &Session, asked: &Recover, decision: Decision, out: &Out) -> Result<u8, Problem> {
    let steps =
        Recoveries::below(&session.dirs.data).open()?.map_or(0, |kept| kept.journal.plan.steps().len());
    let kept = watched(asked, out, steps, |watcher| recovery::go_on(&session.dirs, decision, watcher))?;
    match kept {
        Some(kept) => report(session, asked, &kept, out),
        None => {
            out.remark("No Clear server cache was interrupted.");
            Ok(0)
        }
    }
}

/// Asks on the terminal. Where there is none, nobody can have meant it.
fn confirmed(out: &Out) -> Result<bool, Problem> {
    if !std::io::stdin().is_terminal() {
        return Err(Problem::new(
            Fault::Usage,
            "Nobody can be asked",
            "recover",
            "there is no terminal",
            "Give --yes if it is to be done.",
        ));
    }
    out.remark("Go on? [y/N]");
    let mut line = String::new();
    let _ = std::io::stdin().lock().read_line(&mut line);
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Does it under the eyes of whoever asked: a terminal, or another process of ours.
fn watched<T>(
    asked: &Recover,
    out: &Out,
    steps: usize,
    act: impl FnOnce(&mut Watcher<'_>) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let canceled = Arc::new(AtomicBool::new(false));
    let stop = canceled.clone();
    let _ = ctrlc::set_handler(move || stop.store(true, Ordering::Relaxed));
    if asked.watched {
        let stop = canceled.clone();
        std::thread::spawn(move || {
            // That the watcher is gone does not mean that it wants no more.
            if std::io::stdin().lock().lines().map_while(Result::ok).any(|line| line == "cancel") {
                stop.store(true, Ordering::Relaxed);
            }
        });
        let mut tell = |progress: Progress| tell_watcher(&progress);
        return act(&mut Watcher { tell: &mut tell, canceled: &canceled });
    }
    let mut begun = Instant::now();
    let mut tell = |progress: Progress| match progress {
        Progress::Begins { index, title } => {
            begun = Instant::now();
            out.remark(&format!("[{}/{steps}] {title}", index + 1));
        }
        Progress::Waiting { program, seconds_left } => {
            if begun.elapsed() >= Duration::from_secs(1) && (seconds_left % 5 == 0 || seconds_left < 5) {
                out.remark(&format!("      {program} has {seconds_left} s left to close"));
            }
        }
        Progress::Done { .. } => {
            out.remark(&format!("      done after {:.1} s", begun.elapsed().as_secs_f64()))
        }
        Progress::Note { text } => out.remark(&format!("      {text}")),
        Progress::Failed { why } => out.remark(&format!("      {why} What was done is taken back.")),
    };
    act(&mut Watcher { tell: &mut tell, canceled: &canceled })
}

/// Tells a process of ours how it goes, or has ended. That it is gone stops nothing.
fn tell_watcher(line: &impl Serialize) {
    let mut stdout = std::io::stdout().lock();
    let _ = serde_json::to_writer(&mut stdout, line).map_err(std::io::Error::from);
    let _ = stdout.write_all(b"\n").and_then(|()| stdout.flush());
}

fn report(session: &Session, asked: &Recover, kept: &Kept, out: &Out) -> Result<u8, Problem> {
    let Journal { plan, outcome, .. } = &kept.journal;
    let Some(outcome) = outcome else { return Err(unexpected()) };
    let (done, deed) = (*outcome == Outcome::Done, kept.journal.deed());
    if done && deed != Deed::BroughtBack && plan.starts_the_client() {
        let say = |text: String| match asked.watched {
            true => tell_watcher(&Progress::Note { text }),
            false => out.remark(&text),
        };
        wait_for(&plan.servers_xml, Duration::from_secs(asked.wait), say);
    }
    let after = dates(session).unwrap_or_default();
    let servers = plan
        .before
        .iter()
        .map(|(name, before)| {
            let after = after.iter().find(|(other, _)| other == name).and_then(|(_, date)| *date);
            RefreshedServer::new(name.clone(), *before, after)
        })
        .collect();
    let set_aside = kept.journal.last_move_from(&plan.servers_xml).map(|moved| moved.to.clone());
    let servers_xml_is_there = plan.servers_xml.is_file();
    let report = RecoveryReport {
        schema: 1,
        deed,
        outcome: outcome.clone(),
        backup: set_aside.filter(|backup| backup.is_file()),
        servers_xml_is_there,
        afterwards: afterwards(plan, deed, outcome, servers_xml_is_there),
        servers,
        journal: kept.path.clone(),
    };
    if asked.watched {
        tell_watcher(&report);
    } else {
        out.show(&report, || report_in_words(&report))?;
    }
    Ok(match outcome {
        Outcome::Done | Outcome::Kept => 0,
        Outcome::RolledBack { .. } => TAKEN_BACK,
        Outcome::NeedsUser { .. } => NEEDS_USER,
    })
}

fn report_in_words(report: &RecoveryReport) -> String {
    let outcome = &report.outcome;
    let mut text = format!("{}\n", in_words(report.deed, outcome));
    if let Some(backup) = &report.backup {
        text.push_str(&format!("The file that was there is kept as {}.\n", backup.display()));
    }
    if !report.afterwards.is_empty() {
        text.push_str(&format!("{}\n", report.afterwards));
    }
    if matches!(outcome, Outcome::Done | Outcome::Kept) {
        let date = |date: &Option<Date>| date.map_or_else(|| "unknown".into(), |date| date.to_string());
        for row in &report.servers {
            text.push_str(&match row.before == row.after {
                true => format!("{}: {}, as before\n", row.name, date(&row.after)),
                false => format!("{}: {} (was {})\n", row.name, date(&row.after), date(&row.before)),
            });
        }
    }
    text
}

/// Waits until the Client has written its file, bounded.
fn wait_for(file: &Path, patience: Duration, say: impl Fn(String)) {
    const LOOK: Duration = Duration::from_millis(100);
    let until = Instant::now() + patience;
    if !file.is_file() && !patience.is_zero() {
        say(format!("Waiting up to {} s for a new {} …", patience.as_secs(), file.display()));
    }
    while !file.is_file() && Instant::now() < until {
        std::thread::sleep(LOOK);
    }
}

/// The backup of this path, name, or beginning of its hash; the newest where nothing is given.
fn backup_named(session: &Session, servers_xml: &Path, name: &str) -> Result<PathBuf, Problem> {
    let backups = recovery::backups(&session.dirs, servers_xml)?;
    let fits = |path: &Path, hash8: &str| {
        name.is_empty()
            || path == Path::new(name)
            || path.file_name().is_some_and(|file| file == name)
            || (name.len() >= 4 && hash8.starts_with(name))
    };
    backups.into_iter().find(|backup| fits(&backup.path, &backup.hash8)).map(|backup| backup.path).ok_or_else(
        || {
            Problem::new(
                Fault::NoInput,
                "There is no such backup",
                if name.is_empty() { servers_xml.display().to_string() } else { name.to_string() },
                "none of this name, path or hash was made by this program",
                "See `visualcron-tray recover --list`.",
            )
        },
    )
}

/// What the last recovery that was done has set aside.
fn last_set_aside(session: &Session) -> Result<PathBuf, Problem> {
    let all = Recoveries::below(&session.dirs.data).all()?;
    all.iter()
        .filter(|kept| kept.journal.outcome == Some(Outcome::Done))
        .find_map(|kept| kept.journal.last_move_from(&kept.journal.plan.servers_xml))
        .map(|moved| moved.to.clone())
        .ok_or_else(|| {
            Problem::new(
                Fault::NoInput,
                "There is nothing to undo",
                session.dirs.data.display().to_string(),
                "no Clear server cache was done by this user",
                "See `visualcron-tray recover --list` for backups.",
            )
        })
}
