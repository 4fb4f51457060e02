//! `recover`: Clear server cache.

use super::{
    Out, Session,
    args::{Recover, RecoverAction},
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
        Choices, Decision, Journal, Outcome, Plan, Role,
        run::in_words,
        words::{FIRST, First, remarks},
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
const NEEDS_USER: u8 = 76;

pub fn run(session: &Session, asked: &Recover, out: &Out) -> Result<u8, Problem> {
    let RecoverAction { dry_run, list, restore, undo, history, status, resume, rollback, keep } =
        &asked.action;
    match () {
        () if *list => show_backups(session, out),
        () if *history => show_history(session, out),
        () if *status => show_status(session, out),
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
        Some(_) => "This is what Clear server cache would do, but it would be refused here.",
        None => "This is what Clear server cache would do. It is only shown: nothing has been changed.",
    };
    out.show(&report, || format!("{opening}\n\n{}", plan_in_words(&plan)))?;
    match refused {
        Some(problem) => {
            if !out.json() {
                out.problem(&problem);
            }
            Ok(problem.fault.exit_code())
        }
        None => Ok(0),
    }
}

fn first_in_words(first: &First) -> String {
    format!("{}. {}", first.title, first.how)
}

fn plan_in_words(plan: &Plan) -> String {
    let mut text = String::from("First try the cheap steps:\n");
    FIRST.iter().for_each(|first| text.push_str(&format!("- {}\n", first_in_words(first))));
    text.push_str("\nThen these steps will be done:\n");
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
    let clears = plan.bring_back.is_none();
    let kept =
        watched(asked, out, plan.steps().len(), |watcher| recovery::carry_out(&session.dirs, plan, watcher))?;
    report(session, asked, &kept, clears, out)
}

fn go_on(session: &Session, asked: &Recover, decision: Decision, out: &Out) -> Result<u8, Problem> {
    let steps =
        Recoveries::below(&session.dirs.data).open()?.map_or(0, |kept| kept.journal.plan.steps().len());
    let kept = watched(asked, out, steps, |watcher| recovery::go_on(&session.dirs, decision, watcher))?;
    match kept {
        Some(kept) => {
            let clears = kept.journal.plan.bring_back.is_none();
            report(session, asked, &kept, clears, out)
        }
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

fn report(session: &Session, asked: &Recover, kept: &Kept, clears: bool, out: &Out) -> Result<u8, Problem> {
    let Journal { plan, outcome, .. } = &kept.journal;
    let Some(outcome) = outcome else { return Err(unexpected()) };
    let done = *outcome == Outcome::Done;
    let client_runs =
        plan.programs().any(|program| program.role == Role::Client) && !plan.choices.leave_client_closed;
    if done && clears && client_runs {
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
            RefreshedServer { name: name.clone(), before: *before, after, validation: None }
        })
        .collect();
    let backup =
        kept.journal.last_move_from(&plan.servers_xml).map(|moved| moved.to.clone()).filter(|_| done);
    let report = RecoveryReport {
        schema: 1,
        outcome: outcome.clone(),
        backup,
        servers_xml_is_there: plan.servers_xml.is_file(),
        servers,
        journal: kept.path.clone(),
    };
    if asked.watched {
        tell_watcher(&report);
    } else {
        out.show(&report, || report_in_words(&report, plan, clears))?;
    }
    Ok(match outcome {
        Outcome::Done | Outcome::Kept => 0,
        Outcome::RolledBack { .. } => TAKEN_BACK,
        Outcome::NeedsUser { .. } => NEEDS_USER,
    })
}

fn report_in_words(report: &RecoveryReport, plan: &Plan, clears: bool) -> String {
    let outcome = &report.outcome;
    let mut text = match outcome {
        Outcome::Done if !clears => "The backup is back in place.\n".to_string(),
        outcome => format!("{}\n", in_words(outcome)),
    };
    if let Some(backup) = &report.backup {
        text.push_str(&format!("The file that was there is kept as {}.\n", backup.display()));
    }
    if *outcome == Outcome::Done && clears {
        text.push_str(&match report.servers_xml_is_there {
            true => format!("A new {} was written.\n", plan.servers_xml.display()),
            false => format!(
                "The Client has not written a new {} yet: it does when it connects to a server, or is closed.\n",
                plan.servers_xml.display()
            ),
        });
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

fn show_backups(session: &Session, out: &Out) -> Result<u8, Problem> {
    let places = survey::survey(&session.dirs, &session.load_settings().settings);
    let backups = recovery::backups(&session.dirs, &places.servers_xml)?;
    out.show(&serde_json::json!({ "schema": 1, "backups": backups }), || match backups.as_slice() {
        [] => format!("There is no backup of {} yet.", places.servers_xml.display()),
        backups => backups
            .iter()
            .map(|backup| format!("{}  {}\n", backup.at.strftime("%F %T UTC"), backup.path.display()))
            .collect(),
    })?;
    Ok(0)
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

/// One line of the history.
#[derive(Serialize)]
struct Past<'a> {
    at: jiff::Timestamp,
    servers_xml: &'a Path,
    outcome: Option<&'a Outcome>,
    moves: Vec<serde_json::Value>,
    journal: &'a Path,
}

fn show_history(session: &Session, out: &Out) -> Result<u8, Problem> {
    let all = Recoveries::below(&session.dirs.data).all()?;
    let past: Vec<Past<'_>> = all
        .iter()
        .map(|Kept { path, journal }| Past {
            at: journal.plan.made_at,
            servers_xml: &journal.plan.servers_xml,
            outcome: journal.outcome.as_ref(),
            moves: journal
                .moves
                .iter()
                .map(|m| serde_json::json!({ "from": m.from, "to": m.to, "sha256": m.sha256 }))
                .collect(),
            journal: path,
        })
        .collect();
    out.show(&serde_json::json!({ "schema": 1, "history": past }), || {
        if all.is_empty() {
            return "Clear server cache was never done by this user.".into();
        }
        let mut text = String::new();
        for Kept { journal, .. } in &all {
            let outcome =
                journal.outcome.as_ref().map_or_else(|| "It was interrupted.".to_string(), in_words);
            text.push_str(&format!("{}  {outcome}\n", journal.plan.made_at.strftime("%F %T UTC")));
            for m in &journal.moves {
                text.push_str(&format!(
                    "  {} -> {} (SHA-256 {})\n",
                    m.from.display(),
                    m.to.display(),
                    m.sha256
                ));
            }
        }
        text
    })?;
    Ok(0)
}

fn show_status(session: &Session, out: &Out) -> Result<u8, Problem> {
    let recoveries = Recoveries::below(&session.dirs.data);
    let is_running = recoveries.is_locked();
    let open = recoveries.open()?;
    let steps = |journal: &Journal| -> Vec<(String, &'static str)> {
        let plan = &journal.plan;
        let mark = |index: usize| match index {
            index if index < journal.done => "done",
            index if index == journal.done && journal.begun => "begun",
            _ => "to do",
        };
        plan.steps().iter().enumerate().map(|(index, step)| (plan.describe(step), mark(index))).collect()
    };
    let json = serde_json::json!({
        "schema": 1,
        "state": match (&open, is_running) {
            (None, _) => "none",
            (Some(_), true) => "running",
            (Some(_), false) => "interrupted",
        },
        "begun": open.as_ref().map(|kept| kept.journal.plan.made_at),
        "taking_back": open.as_ref().and_then(|kept| kept.journal.taking_back.clone()),
        "steps": open.as_ref().map(|kept| {
            steps(&kept.journal)
                .into_iter()
                .map(|(title, state)| serde_json::json!({ "step": title, "state": state }))
                .collect::<Vec<_>>()
        }),
        "journal": open.as_ref().map(|kept| &kept.path),
    });
    out.show(&json, || {
        let Some(Kept { journal, .. }) = &open else { return "No Clear server cache is open.".into() };
        let at = journal.plan.made_at.strftime("%F %T UTC");
        let mut text = match is_running {
            true => format!("Clear server cache began at {at} and is under way.\n"),
            false => format!("Clear server cache began at {at} and was interrupted.\n"),
        };
        for (title, state) in steps(journal) {
            text.push_str(&format!("  [{state:5}] {title}\n"));
        }
        if let Some(why) = &journal.taking_back {
            text.push_str(&format!("It is being taken back: {why}\n"));
        }
        if !is_running {
            text.push_str(
                "\nFinish it:                  visualcron-tray recover --resume\n\
                 Take it back:               visualcron-tray recover --rollback\n\
                 Leave things as they are:   visualcron-tray recover --keep\n",
            );
        }
        text
    })?;
    Ok(if open.is_some() { NEEDS_USER } else { 0 })
}
