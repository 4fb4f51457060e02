//! `recover --list`, `--history`, `--status`: what there is, what was done, and what is open.

use super::{Out, Session, recover::NEEDS_USER};
use crate::{
    domain::Problem,
    platform::{recovery, survey},
    recovery::{Deed, Journal, Outcome, run::in_words},
    store::recoveries::{Kept, Recoveries},
};
use serde::Serialize;
use std::path::Path;

pub fn backups(session: &Session, out: &Out) -> Result<u8, Problem> {
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

/// One line of the history.
#[derive(Serialize)]
struct Past<'a> {
    at: jiff::Timestamp,
    servers_xml: &'a Path,
    deed: Deed,
    outcome: Option<&'a Outcome>,
    moves: Vec<serde_json::Value>,
    journal: &'a Path,
}

pub fn history(session: &Session, out: &Out) -> Result<u8, Problem> {
    let all = Recoveries::below(&session.dirs.data).all()?;
    let past: Vec<Past<'_>> = all
        .iter()
        .map(|Kept { path, journal }| Past {
            at: journal.plan.made_at,
            servers_xml: &journal.plan.servers_xml,
            deed: journal.deed(),
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
            let outcome = match &journal.outcome {
                Some(outcome) => in_words(journal.deed(), outcome),
                None => "It was interrupted.".to_string(),
            };
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

pub fn status(session: &Session, out: &Out) -> Result<u8, Problem> {
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
