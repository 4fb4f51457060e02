//! The driver: one for the first run, the resume and the roll back.
//!
//! Going forward, each step is recorded, asks whether it is already satisfied, is done, and recorded again. Going
//! back rests on what is found on disk, not on what was recorded last, so it works on a full disk too, and may be
//! cut off and begun again at any point.

use super::{
    Deed, Journal, Outcome, Plan, Program, Record, Step,
    backup::{self, hash},
    journal::Move,
    plan::guard,
    world::{Kind, Progress, World},
};
use crate::domain::{Fault, Problem};
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

const NEXT_FOR_THE_JOURNAL: &str = "Free some space, or give another folder with --data-dir.";
/// How often it is looked whether a program has closed.
const LOOK: Duration = Duration::from_millis(20);
/// How long a program that was asked to close is given before it counts as staying, when all is taken back.
const LAST_LOOK: Duration = Duration::from_secs(3);
/// How long a program that was ended the hard way may take to go.
const AFTER_END: Duration = Duration::from_secs(5);
/// How often setting aside is tried again when the file changes under it.
const TRIES: usize = 3;

/// Begins a recovery: checks the guards, writes the plan, and runs it. Nothing is changed where this is an error.
pub fn begin(world: &mut dyn World, plan: Plan) -> Result<(Journal, Outcome), Problem> {
    check(world, &plan)?;
    let record = Record::Planned { plan: plan.clone(), version: env!("CARGO_PKG_VERSION").into() };
    world.record(&record).map_err(|error| {
        Problem::io("The plan cannot be written", world.journal(), &error, NEXT_FOR_THE_JOURNAL)
            .and_next("Nothing was changed.")
    })?;
    let mut journal = Journal::new(plan);
    let outcome = run(world, &mut journal);
    Ok((journal, outcome))
}

/// No error: there is no servers.xml, and no restart was asked for.
pub const NOTHING_TO_CLEAR: &str = "There is nothing to clear";

/// Why this plan would be refused: by a guard, or since there is nothing to clear. Changes nothing.
pub fn check(world: &mut dyn World, plan: &Plan) -> Result<(), Problem> {
    guard(world, plan)?;
    let is_asked_for = plan.choices.restart_anyway || plan.bring_back.is_some();
    if is_asked_for || exists(world, &plan.servers_xml)?.is_some() {
        return Ok(());
    }
    Err(Problem::new(
        Fault::NoInput,
        NOTHING_TO_CLEAR,
        plan.servers_xml.display().to_string(),
        "there is no such file",
        "The Client makes it when it starts. To restart the programs all the same: \
         `visualcron-tray recover --restart-anyway`.",
    ))
}

/// Goes on from wherever the journal stands, until it ends.
pub fn run(world: &mut dyn World, journal: &mut Journal) -> Outcome {
    if let Some(outcome) = &journal.outcome {
        return outcome.clone();
    }
    if journal.taking_back.is_none() {
        match forward(world, journal) {
            Ok(()) => {
                tidy(world, journal);
                return end(world, journal, Outcome::Done);
            }
            Err(problem) => {
                world.tell(Progress::Failed { why: problem.to_string() });
                take_back(world, journal, problem.to_string());
            }
        }
    }
    let why = journal.taking_back.clone().unwrap_or_default();
    let outcome = match back(world, journal) {
        Ok(notes) => Outcome::RolledBack { why: [vec![why], notes].concat().join(" ") },
        Err(problem) => Outcome::NeedsUser { why: format!("{why} {problem}") },
    };
    end(world, journal, outcome)
}

/// From now on everything is taken back: the user wants it.
pub fn take_back(world: &mut dyn World, journal: &mut Journal, why: String) {
    let at = world.now();
    let record = Record::TakingBack { why, at };
    // On a full disk this cannot be written. Going back does not need it.
    let _ = world.record(&record);
    journal.take(&record);
}

/// Leaves things as they are: the user wants it.
pub fn keep(world: &mut dyn World, journal: &mut Journal) -> Outcome {
    end(world, journal, Outcome::Kept)
}

fn end(world: &mut dyn World, journal: &mut Journal, outcome: Outcome) -> Outcome {
    let record = Record::Ended { outcome: outcome.clone(), at: world.now() };
    match world.record(&record) {
        Ok(()) => {
            journal.take(&record);
            outcome
        }
        Err(error) => Outcome::NeedsUser {
            why: format!(
                "{} {}",
                in_words(journal.deed(), &outcome),
                Problem::io(
                    "The journal cannot be closed",
                    world.journal(),
                    &error,
                    "Free some space; then run `visualcron-tray recover --status`.",
                )
            ),
        },
    }
}

/// An outcome as a sentence.
pub fn in_words(deed: Deed, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => match deed {
            Deed::Cleared => "The server cache was cleared.",
            Deed::BroughtBack => "The backup is back in place.",
            Deed::Restarted => "The programs were restarted; there was no servers.xml to clear.",
        }
        .into(),
        Outcome::RolledBack { why } => format!("Everything is as it was. {why}"),
        Outcome::Kept => "Things were left as they are.".into(),
        Outcome::NeedsUser { why } => format!("You are needed. {why}"),
    }
}

fn forward(world: &mut dyn World, journal: &mut Journal) -> Result<(), Problem> {
    let steps = journal.plan.steps();
    for (index, step) in steps.iter().enumerate().skip(journal.done) {
        if world.is_canceled() {
            return Err(canceled(&journal.plan));
        }
        let title = journal.plan.describe(step);
        let begins = Record::Begins { index, step: step.clone(), at: world.now() };
        write(world, journal, begins)?;
        world.tell(Progress::Begins { index, title: title.clone() });
        match step {
            Step::Close { program } => close(world, &journal.plan, *program)?,
            Step::SetAside => set_aside(world, journal)?,
            Step::BringBack => bring_back(world, journal)?,
            Step::Start { program } => {
                if let Some(program) = journal.plan.program(*program) {
                    start(world, program)?;
                }
            }
        }
        let done = Record::Done { index, at: world.now() };
        write(world, journal, done)?;
        world.tell(Progress::Done { index, title });
    }
    Ok(())
}

fn write(world: &mut dyn World, journal: &mut Journal, record: Record) -> Result<(), Problem> {
    world.record(&record).map_err(|error| {
        let steps = journal.plan.steps();
        let step = steps.get(journal.done).map(|step| journal.plan.describe(step)).unwrap_or_default();
        let what = format!("Step {} of {} ({step}) cannot be recorded", journal.done + 1, steps.len());
        Problem::io(what, world.journal(), &error, NEXT_FOR_THE_JOURNAL)
    })?;
    journal.take(&record);
    Ok(())
}

fn close(world: &mut dyn World, plan: &Plan, index: usize) -> Result<(), Problem> {
    let Some(program) = plan.program(index) else { return Ok(()) };
    let failed = |error: &io::Error| {
        Problem::io(
            format!("Cannot close {}", program.role.title()),
            &program.path,
            error,
            "Close it by hand, and try again.",
        )
    };
    if !world.runs(program).map_err(|error| failed(&error))? {
        return Ok(());
    }
    world.ask_to_close(program).map_err(|error| failed(&error))?;
    if wait_until_gone(world, program, plan.choices.patience()).map_err(|error| failed(&error))? {
        return Ok(());
    }
    if world.is_canceled() {
        return Err(canceled(plan));
    }
    if plan.choices.force {
        world
            .tell(Progress::Note { text: format!("Did not close, and is ended: {}.", program.role.title()) });
        world.end(program).map_err(|error| failed(&error))?;
        if wait_until_gone(world, program, AFTER_END).map_err(|error| failed(&error))? {
            return Ok(());
        }
    }
    Err(Problem::new(
        Fault::Unavailable,
        format!("Cannot close {}", program.role.title()),
        program.path.display().to_string(),
        format!("it did not close within {} s", plan.choices.patience_seconds),
        "Close it by hand and try again, or choose to end programs that do not close (--force-close).",
    ))
}

fn canceled(plan: &Plan) -> Problem {
    Problem::new(
        Fault::Unavailable,
        "Clear server cache was canceled",
        plan.servers_xml.display().to_string(),
        "as the user wished",
        "Start it again when it suits you.",
    )
}

fn wait_until_gone(world: &mut dyn World, program: &Program, patience: Duration) -> io::Result<bool> {
    let looks = patience.as_millis() / LOOK.as_millis();
    let looks_a_second = 1000 / LOOK.as_millis();
    for look in 0..=looks {
        if !world.runs(program)? {
            return Ok(true);
        }
        if world.is_canceled() {
            return Ok(false);
        }
        if look % looks_a_second == 0 {
            let left = (looks - look) / looks_a_second;
            let seconds_left = u64::try_from(left).unwrap_or(0);
            world.tell(Progress::Waiting { program: program.role.title().into(), seconds_left });
        }
        world.pause(LOOK);
    }
    Ok(!world.runs(program)?)
}

fn wait_until_gone_quietly(world: &mut dyn World, program: &Program) -> io::Result<()> {
    for _ in 0..LAST_LOOK.as_millis() / LOOK.as_millis() {
        if !world.runs(program)? {
            break;
        }
        world.pause(LOOK);
    }
    Ok(())
}

fn start(world: &mut dyn World, program: &Program) -> Result<(), Problem> {
    let failed = |error: &io::Error| {
        Problem::io(
            format!("Cannot start {}", program.role.title()),
            &program.path,
            error,
            "Start it by hand.",
        )
    };
    if world.runs_again(program).map_err(|error| failed(&error))? {
        return Ok(());
    }
    world.start(program).map_err(|error| failed(&error))
}

fn exists(world: &mut dyn World, path: &Path) -> Result<Option<Kind>, Problem> {
    world.kind(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::io("Cannot read", path, error, "Check that this user may read there.")
}

/// The hash of a plain file; `None` where there is none.
fn hash_of(world: &mut dyn World, path: &Path) -> Result<Option<String>, Problem> {
    match exists(world, path)? {
        None => Ok(None),
        Some(Kind::File | Kind::Linked) => {
            Ok(Some(hash(&world.read(path).map_err(|error| unreadable(path, &error))?)))
        }
        Some(_) => Err(Problem::new(
            Fault::Io,
            "Something else is there",
            path.display().to_string(),
            "it is not a file any more",
            "Look at what it is.",
        )),
    }
}

/// A name for a backup that is free.
fn free_name(world: &mut dyn World, file: &Path, hash: &str) -> Result<PathBuf, Problem> {
    let now = world.now();
    for seconds in 0..60 {
        let path = backup::path_for(file, now + jiff::SignedDuration::from_secs(seconds), hash);
        if exists(world, &path)?.is_none() {
            return Ok(path);
        }
    }
    Err(Problem::new(
        Fault::Io,
        "No name is free for the backup",
        file.display().to_string(),
        "60 names are taken",
        "Move old backups away.",
    ))
}

fn moved(world: &mut dyn World, from: &Path, to: &Path) -> Result<(), Problem> {
    world.move_to_free(from, to).map_err(|error| {
        let next = "Close the programs that hold it open, check that this user may rename it, and try again.";
        Problem::io("Cannot rename", from, &error, next)
    })
}

fn set_aside(world: &mut dyn World, journal: &mut Journal) -> Result<(), Problem> {
    let file = journal.plan.servers_xml.clone();
    if let Some(last) = journal.last_move_from(&file) {
        match hash_of(world, &last.to)? {
            Some(hash) if hash == last.sha256 => return Ok(()),
            // It changed just before it was renamed, and then all stopped: begin again with what it is.
            Some(_) if exists(world, &file)?.is_none() => moved(world, &last.to, &file)?,
            _ => {}
        }
    }
    for _ in 0..TRIES {
        // Where it cannot be read, a guard may know why.
        let found = hash_of(world, &file).or_else(|problem| guard(world, &journal.plan).and(Err(problem)));
        let Some(before) = found? else {
            if journal.last_move_from(&file).is_some() {
                return Err(Problem::new(
                    Fault::Io,
                    "The file is gone",
                    file.display().to_string(),
                    "somebody removed it, and its backup",
                    "Look in the folder for what became of it.",
                ));
            }
            world
                .tell(Progress::Note { text: format!("There is no {}: nothing to rename.", file.display()) });
            return Ok(());
        };
        guard(world, &journal.plan)?;
        let to = free_name(world, &file, &before)?;
        let moving =
            Record::Moving { from: file.clone(), to: to.clone(), sha256: before.clone(), displaced: false };
        write(world, journal, moving)?;
        moved(world, &file, &to)?;
        if hash_of(world, &to)? == Some(before) {
            world.tell(Progress::Note { text: format!("The backup is {}.", to.display()) });
            return Ok(());
        }
        // It changed between reading and renaming: put it back, and take what it is now. If it has even been
        // written anew since, what was renamed is a backup of its own, under its right name.
        if moved(world, &to, &file).is_err() {
            displace(world, journal, &to)?;
        }
    }
    Err(Problem::new(
        Fault::Io,
        "The file does not keep still",
        file.display().to_string(),
        "it changes while it is renamed",
        "Close the program that writes it, and try again.",
    ))
}

fn bring_back(world: &mut dyn World, journal: &mut Journal) -> Result<(), Problem> {
    let (file, Some(from)) = (journal.plan.servers_xml.clone(), journal.plan.bring_back.clone()) else {
        return Ok(());
    };
    if let Some(last) = journal.last_move_from(&from)
        && hash_of(world, &file)?.as_deref() == Some(&last.sha256)
    {
        return Ok(());
    }
    let Some(sha256) = hash_of(world, &from)? else {
        return Err(Problem::new(
            Fault::NoInput,
            "The backup is gone",
            from.display().to_string(),
            "there is no such file",
            "Choose another: `visualcron-tray recover --list`.",
        ));
    };
    write(world, journal, Record::Moving { from: from.clone(), to: file.clone(), sha256, displaced: false })?;
    moved(world, &from, &file)
}

/// Takes everything back: files to where they were, programs running again, whatever became of the files. Returns what
/// could not be done but does no harm.
fn back(world: &mut dyn World, journal: &mut Journal) -> Result<Vec<String>, Problem> {
    let files = put_files_back(world, journal);
    let mut notes = Vec::new();
    for (index, program) in journal.plan.running.clone().iter().enumerate() {
        let was_asked = index < journal.done || (index == journal.done && journal.begun);
        if was_asked {
            // It may be about to close still, and would seem to run.
            let _ = wait_until_gone_quietly(world, program);
        }
        if let Err(problem) = start(world, program) {
            notes.push(problem.to_string());
        }
    }
    notes.splice(0..0, files?);
    Ok(notes)
}

fn put_files_back(world: &mut dyn World, journal: &mut Journal) -> Result<Option<String>, Problem> {
    let file = journal.plan.servers_xml.clone();
    let moves: Vec<Move> = journal.moves.iter().filter(|m| !m.displaced).cloned().collect();
    for m in moves.iter().rev() {
        match hash_of(world, &m.to)? {
            Some(hash) if hash == m.sha256 => {
                put_back(world, journal, m)?;
            }
            // Not moved yet, or back already; or a program has written servers.xml anew.
            None => {}
            Some(_) if m.to == file => {}
            // It changed just before it was renamed, or somebody edited it: it is all there is.
            Some(_) if exists(world, &m.from)?.is_none() => put_back(world, journal, m)?,
            // Both are there, and the backup is not what was put there: neither is ours to overwrite.
            Some(_) => {}
        }
    }
    let Some(original) = moves.iter().rev().find(|m| m.from == file) else { return Ok(None) };
    match hash_of(world, &file)? {
        Some(hash) if hash == original.sha256 => Ok(None),
        Some(_) => {
            Ok(Some(format!("{} is not what it was when this began: a program wrote it.", file.display())))
        }
        None => Err(Problem::new(
            Fault::Io,
            "The file cannot be put back",
            original.to.display().to_string(),
            "the backup is gone: somebody removed it",
            format!("Look for a copy, and put it at {}.", file.display()),
        )),
    }
}

/// Moves one file back to where it was. What is there becomes a backup first, and again if a program writes it anew
/// in that very moment.
fn put_back(world: &mut dyn World, journal: &mut Journal, m: &Move) -> Result<(), Problem> {
    for _ in 1..TRIES {
        displace(world, journal, &m.from)?;
        if moved(world, &m.to, &m.from).is_ok() {
            return Ok(());
        }
    }
    displace(world, journal, &m.from)?;
    moved(world, &m.to, &m.from)
}

/// What a program has written meanwhile is the user's too: it becomes a backup.
fn displace(world: &mut dyn World, journal: &mut Journal, path: &Path) -> Result<(), Problem> {
    let Some(sha256) = hash_of(world, path)? else { return Ok(()) };
    let to = free_name(world, &journal.plan.servers_xml, &sha256)?;
    let record = Record::Moving { from: path.to_path_buf(), to: to.clone(), sha256, displaced: true };
    let _ = world.record(&record);
    journal.take(&record);
    world.tell(Progress::Note {
        text: format!("A new {} was found, and kept as {}.", path.display(), to.display()),
    });
    moved(world, path, &to)
}

/// Deletes our oldest backups. That this fails does no harm.
fn tidy(world: &mut dyn World, journal: &Journal) {
    let spare = journal.last_move_from(&journal.plan.servers_xml).map(|m| m.to.clone()).unwrap_or_default();
    let keep = journal.plan.choices.keep_backups;
    if let Err(error) = backup::prune(world, &journal.plan.servers_xml, keep, &spare) {
        world.tell(Progress::Note { text: format!("Old backups could not be deleted: {error}.") });
    }
}
