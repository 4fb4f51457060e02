//! The reducer: what changes and what is to be done when something happens.

use super::{
    Answer, Command, Effect, Event, Findings, Link, Look, Purpose, State, Target, Ticket,
    event::{Area, Files, Licenses, LookAt, Recovery, RecoveryState, Refresh},
    page, refreshed,
    report::{Reply, Request, StatusReport},
    wakeful::Wakeful,
    words,
};
use crate::{
    domain::{Fault, Problem, Server, ServerKey, Source, notice::Handling, validation::same_server},
    recovery::words::not_here,
};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use std::{collections::HashSet, time::Duration};

/// Takes in one event at `now`. The effects are to be carried out in their order.
pub fn update(state: &mut State, event: Event, now: &ZonedDateTime) -> Vec<Effect> {
    let mut effects = Vec::new();
    // What could not be saved is tried again with whatever happens next; not at once, which would never end.
    let again = state.save_failed && !matches!(event, Event::Saved(_));
    match event {
        // Said often while many are asked about: nothing else comes of it.
        Event::Asking(done, all) => {
            state.asking = Some((done, all));
            return effects;
        }
        Event::Woke => woke(state, now, &mut effects),
        Event::Resumed => {
            resumed(state, now.timestamp());
            woke(state, now, &mut effects);
        }
        Event::FilesChanged => effects.push(look(state, Purpose::Routine, LookAt::Files)),
        Event::Chosen(command) => choose(state, command, now, &mut effects),
        Event::Asked(request, ticket) => ask(state, request, ticket, now, &mut effects),
        Event::Answered(answer) => take_answer(state, answer, now, &mut effects),
        Event::NotShown(keys, problem) => {
            let until = not_shown_until(state, now);
            state.unsaved |= state.kept.notices.not_shown(keys.iter().map(String::as_str), until);
            fail(state, Area::Notifications, problem, &mut effects);
        }
        Event::Looked(findings) => looked(state, *findings, now, &mut effects),
        Event::Saved(result) => {
            state.save_failed = result.is_err();
            if std::mem::take(&mut state.answered)
                && let Err(problem) = &result
            {
                effects.push(Effect::Notify(words::answer_not_kept(problem)));
            }
            set_problems(state, Area::State, result.err().into_iter().collect(), &mut effects);
        }
        Event::Worked(area) => {
            if area == Area::Notifications {
                state.not_shown = 0;
            }
            state.problems.remove(&area);
        }
        Event::Failed(area, problem) => fail(state, area, problem, &mut effects),
    }
    announce(state, now, &mut effects);
    if std::mem::take(&mut state.unsaved) || again {
        state.save_failed = false;
        effects.insert(0, Effect::Save(Box::new(state.kept.clone())));
    }
    effects
}

/// When a notice that could not be shown is tried again: after 5 s, since at logon the notification server may
/// start after the tray, and then after twice as long each time, up to some hours.
fn not_shown_until(state: &mut State, now: &ZonedDateTime) -> Timestamp {
    let pause = SignedDuration::from_secs(5) * 2_i32.pow(state.not_shown.min(12));
    state.not_shown += 1;
    now.timestamp().saturating_add(pause).unwrap_or(Timestamp::MAX)
}

/// The first look at the world: everything but the license host.
pub fn first_look(state: &mut State) -> Vec<Effect> {
    vec![look(state, Purpose::Routine, LookAt::Files)]
}

fn look(state: &mut State, purpose: Purpose, at: LookAt) -> Effect {
    state.looks += 1;
    Effect::Look(Look { number: state.looks, purpose, at })
}

fn woke(state: &mut State, now: &ZonedDateTime, effects: &mut Vec<Effect>) {
    if state.recovery_is(&RecoveryState::UnderWay) {
        effects.push(look(state, Purpose::Routine, LookAt::Files));
    }
    if state.next_validation.is_some_and(|due| due <= now.timestamp()) {
        // Until the answer is there it is not asked again; that brings the next time with it.
        state.next_validation = None;
        effects.push(look(state, Purpose::Routine, LookAt::FilesAndLicenseHost(Licenses::Due)));
    }
    // Only where the host is trusted, and is not being asked just now.
    let again = state.wakeful.as_mut().is_some_and(|wakeful| wakeful.take(now.timestamp()));
    if again && state.next_validation.is_some() {
        effects.push(look(state, Purpose::Routine, LookAt::FilesAndLicenseHost(Licenses::Missed)));
    }
    if state.links_are_due(now.timestamp()) {
        check_links(state, now, effects);
    }
}

/// The machine woke up. Until the network is there nothing is asked, so that no false alarm is raised.
fn resumed(state: &mut State, now: Timestamp) {
    let wakeful = Wakeful::resumed(now);
    let not_before = |due: &mut Timestamp| *due = (*due).max(wakeful.next().unwrap_or(now));
    state.next_validation.iter_mut().chain(state.next_link_check.iter_mut()).for_each(not_before);
    state.wakeful = Some(wakeful);
}

/// Tries the servers' ports, unless that is under way: many silent servers take longer than the pause.
fn check_links(state: &mut State, now: &ZonedDateTime, effects: &mut Vec<Effect>) {
    state.schedule_links(now.timestamp());
    let targets = state.link_targets();
    if !targets.is_empty() && !state.checking_links {
        state.checking_links = true;
        let timeout = Duration::from_secs(u64::from(state.settings.connection.timeout_seconds));
        effects.push(look(state, Purpose::Routine, LookAt::Ports(targets, timeout)));
    }
}

fn refresh(
    state: &mut State,
    only: Option<ServerKey>,
    ticket: Option<Ticket>,
    now: &ZonedDateTime,
    effects: &mut Vec<Effect>,
) {
    state.refreshing += 1;
    let before = state.servers.iter().map(|server| (server.key.clone(), server.until())).collect();
    let name = only.as_ref().and_then(|key| state.server(key)).map(|server| server.name.clone());
    let licenses = name.map_or(Licenses::All, Licenses::Of);
    let purpose = Purpose::Refresh(Box::new(Refresh { only, ticket, before }));
    effects.push(look(state, purpose, LookAt::FilesAndLicenseHost(licenses)));
    check_links(state, now, effects);
}

fn choose(state: &mut State, command: Command, now: &ZonedDateTime, effects: &mut Vec<Effect>) {
    let today = now.date();
    let open = |target| Effect::Open(command.clone(), target);
    match &command {
        Command::StartClient => match &state.places.client_program {
            Ok(program) => effects.push(open(Target::Program(program.clone()))),
            Err(why) => {
                let problem = words::client_not_found(why);
                fail(state, Area::Asked, problem, effects);
            }
        },
        Command::Open(place) => match state.places.get(*place) {
            Ok(folder) => effects.push(open(Target::Folder(folder.clone()))),
            Err(why) => {
                let problem = words::folder_not_found(*place, why);
                fail(state, Area::Asked, problem, effects);
            }
        },
        Command::Refresh(server) => refresh(state, server.clone(), None, now, effects),
        Command::Renew => effects.push(open(Target::Url(state.settings.pages.renew.clone()))),
        Command::CopyServerId(key) => {
            if let Some(id) = state.server(key).and_then(|server| server.server_id.clone()) {
                effects.push(Effect::Copy(id));
            }
        }
        Command::GotIt | Command::RemindTomorrow => {
            let handling = handling(state, &command, now);
            let open = state.open_notices(today);
            let changed = state.kept.notices.handle(open.iter().map(|notice| notice.key.as_str()), handling);
            state.unsaved |= changed;
            state.answered |= changed;
        }
        Command::Details => effects.push(open(Target::Page("details", page::details(state, now)))),
        Command::ManualValidation => effects.push(Effect::ValidationWindow),
        Command::CheckConnection => effects.push(Effect::ConnectionWindow),
        Command::ClearCache => match state.places.no_recovery {
            None => effects.push(Effect::RecoveryWindow),
            Some(why) => {
                let problem = not_here(&state.places.servers_xml, why);
                fail(state, Area::Asked, problem, effects);
            }
        },
        Command::Recovery(decision) => effects.push(Effect::Recover(*decision)),
        Command::RecoverySeen => {
            if let Some(recovery) = &state.recovery {
                state.unsaved |= state.kept.said.insert(super::state::seen(recovery));
            }
        }
        Command::Settings => effects.push(open(Target::File(state.settings_path.clone()))),
        Command::Autostart(on) => effects.push(Effect::SetAutostart(*on)),
        Command::Service(start) => effects.push(Effect::Service(*start)),
        Command::About => effects.push(Effect::Notify(words::about(state, now))),
        Command::Forget => {
            state.unsaved |= !state.kept.knowledge.forget_gone().is_empty();
            state.merge();
        }
        Command::Exit => effects.push(Effect::Quit),
    }
}

/// What "Got it" and "Remind me tomorrow" mean for a notice.
fn take_answer(state: &mut State, answer: Answer, now: &ZonedDateTime, effects: &mut Vec<Effect>) {
    match answer.choice {
        choice @ (Command::GotIt | Command::RemindTomorrow) => {
            let handling = handling(state, &choice, now);
            let keys = answer.keys.iter().map(String::as_str);
            let changed = state.kept.notices.handle(keys, handling);
            state.unsaved |= changed;
            state.answered |= changed;
        }
        other => choose(state, other, now, effects),
    }
}

fn handling(state: &State, command: &Command, now: &ZonedDateTime) -> Handling {
    match command {
        Command::GotIt => Handling::Done,
        _ => Handling::Snoozed { until: state.policy().tomorrow(now) },
    }
}

fn ask(state: &mut State, request: Request, ticket: Ticket, now: &ZonedDateTime, effects: &mut Vec<Effect>) {
    match request {
        Request::Show => {
            effects.push(Effect::Notify(words::already_running(state, now)));
            effects.push(Effect::Reply(ticket, Box::new(Reply::Done)));
        }
        Request::Refresh { server: None, .. } => refresh(state, None, Some(ticket), now, effects),
        Request::Refresh { server: Some(name), .. } => match state.find(&name).map(|found| found.key.clone())
        {
            Some(key) => refresh(state, Some(key), Some(ticket), now, effects),
            None => {
                let problem =
                    words::no_such_server(&name, state.servers.iter().map(|server| server.name.as_str()));
                effects.push(Effect::Reply(ticket, Box::new(Reply::Problem(problem))));
            }
        },
        Request::Status => effects.push(look(state, Purpose::Status(ticket), LookAt::Files)),
        Request::Run { command } => match command.parse() {
            Ok(command) => {
                choose(state, command, now, effects);
                // That it ends is done, whether or not something else could be kept before.
                effects.push(match effects.contains(&Effect::Quit) {
                    true => Effect::Reply(ticket, Box::new(Reply::Done)),
                    false => Effect::Confirm(ticket),
                });
            }
            Err(_) => effects.push(Effect::Reply(ticket, Box::new(Reply::NotUnderstood))),
        },
        Request::Answer { keys, command } => match command.parse() {
            Ok(choice @ (Command::GotIt | Command::RemindTomorrow)) => {
                take_answer(state, Answer { keys, choice }, now, effects);
                effects.push(Effect::Confirm(ticket));
            }
            _ => effects.push(Effect::Reply(ticket, Box::new(Reply::NotUnderstood))),
        },
    }
}

fn looked(state: &mut State, findings: Findings, now: &ZonedDateTime, effects: &mut Vec<Effect>) {
    if let Some(files) = findings.files
        && findings.number >= state.files_of_look
    {
        state.files_of_look = findings.number;
        take_files(state, *files, now, effects);
    }
    if findings.license_host.is_some() {
        state.asking = None;
    }
    if let Some(links) = findings.links {
        state.checking_links = false;
        take_links(state, links, effects);
    }
    if let Some(host) = &findings.license_host
        && findings.number >= state.host_of_look
    {
        state.host_of_look = findings.number;
        set_problems(state, Area::LicenseHost, host.clone().err().into_iter().collect(), effects);
        match (host, &mut state.wakeful) {
            (Ok(()), _) => state.wakeful = None,
            (Err(problem), Some(wakeful)) if problem.fault == Fault::Unavailable => {
                wakeful.no_way(now.timestamp());
            }
            (Err(_), _) => {}
        }
    }
    match findings.purpose {
        Purpose::Routine => {}
        Purpose::Status(ticket) => {
            let report = StatusReport::new(state, now);
            effects.push(Effect::Reply(ticket, Box::new(Reply::Status(report))));
        }
        Purpose::Refresh(asked) => {
            state.refreshing = state.refreshing.saturating_sub(1);
            let report =
                refreshed::report(state, &asked, findings.license_host.as_ref(), &findings.asked, now);
            match asked.ticket {
                Some(ticket) => effects.push(Effect::Reply(ticket, Box::new(Reply::Refreshed(report)))),
                None => effects.push(Effect::Notify(refreshed::bubble(&report))),
            }
        }
    }
}

fn take_files(state: &mut State, files: Files, now: &ZonedDateTime, effects: &mut Vec<Effect>) {
    let first = !state.looked;
    set_problems(state, Area::Settings, files.settings.problems.clone(), effects);
    set_problems(state, Area::ServersXml, files.servers_xml_problem.into_iter().collect(), effects);
    state.file_notes = files.servers_xml_notes;
    let typed = files.settings.outcome();
    let settings_changed = state.settings != files.settings.settings;
    if state.settings.license_host != files.settings.settings.license_host {
        // What was found of another host, or when it was to be tried, says nothing any more.
        state.problems.remove(&Area::LicenseHost);
    }
    state.settings = files.settings.settings;
    state.places = files.places;
    state.autostart = files.autostart;
    state.looked = true;
    take_recovery(state, files.recovery, effects);
    let known = &mut state.kept.knowledge;
    let typed_at = state.settings_path.to_string_lossy();
    let typed = known.absorb(Source::Settings, &typed_at, typed, now.timestamp());
    let cached_at = state.places.servers_xml.to_string_lossy();
    let cached = known.absorb(Source::ServersXml, &cached_at, files.servers_xml, now.timestamp());
    let installed = known.absorb_installed(state.places.server.clone(), &state.local_names, now.timestamp());
    state.unsaved |= typed.changed || cached.changed || installed.changed;
    set_problems(state, Area::Validations, files.validations_problem.into_iter().collect(), effects);
    state.next_validation = files.next_validation;
    state.host_is_trusted = files.host_is_trusted;
    let mut validated = Vec::new();
    if let Some(records) = files.validations {
        let (moved, changed) = state.take_validations(records, now.timestamp());
        state.unsaved |= changed;
        validated = moved;
    }
    state.merge();
    // An answer names the license alone.
    for moved in &mut validated {
        let of_license =
            |server: &&Server| server.server_id.as_deref().is_some_and(|id| same_server(id, &moved.name));
        if let Some(server) = state.servers.iter().find(of_license) {
            moved.name.clone_from(&server.name);
        }
    }
    let mut moved = [typed.moved, cached.moved, validated].concat();
    let ignored: HashSet<&str> =
        state.servers.iter().filter(|s| s.ignored).map(|s| s.name.as_str()).collect();
    moved.retain(|moved| !ignored.contains(moved.name.as_str()));
    drop_links_of_others(state);
    if !moved.is_empty() && state.settings.notices.renewed && !first {
        effects.push(Effect::Notify(words::renewed(&moved)));
    }
    if first || settings_changed || state.next_link_check.is_none() {
        check_links(state, now, effects);
    }
}

/// Tells once that a Clear server cache was interrupted, until that is decided on, and once how it ended.
fn take_recovery(state: &mut State, recovery: Option<Recovery>, effects: &mut Vec<Effect>) {
    let interrupted = |recovery: &Option<Recovery>| {
        recovery.as_ref().filter(|it| it.state == RecoveryState::Interrupted).map(|it| it.began)
    };
    let was_interrupted = interrupted(&state.recovery);
    state.recovery = recovery;
    if let (Some(began), None) = (was_interrupted, interrupted(&state.recovery)) {
        effects.push(Effect::Withdraw);
        // Interrupted once more, it is told once more.
        state.unsaved |= state.kept.said.remove(&format!("recovery {began} interrupted"));
    }
    let Some(recovery) = state.recovery_to_see().filter(|_| state.announces).cloned() else { return };
    let (bubble, what) = match &recovery.state {
        RecoveryState::UnderWay => return,
        RecoveryState::Interrupted => (words::recovery_interrupted(), "interrupted"),
        RecoveryState::Ended { how, well } => (words::recovery_ended(how, *well), "ended"),
    };
    let told = format!("recovery {} {what}", recovery.began);
    if state.kept.said.contains(&told) {
        return;
    }
    // A tray before this one may have shown it: on Windows it is still in the Action Center.
    if what == "ended" && was_interrupted.is_none() {
        effects.push(Effect::Withdraw);
    }
    // Of those before, nothing need be known any more.
    let current = format!("recovery {} ", recovery.began);
    state.kept.said.retain(|said| !said.starts_with("recovery ") || said.starts_with(&current));
    state.kept.said.insert(told);
    state.unsaved = true;
    effects.push(Effect::Notify(bubble));
}

fn take_links(state: &mut State, links: Vec<(ServerKey, Link)>, effects: &mut Vec<Effect>) {
    for (key, link) in links {
        let was_on = state.links.get(&key) == Some(&Link::On);
        if let (true, Link::Off(why), Some(server)) = (was_on, &link, state.server(&key))
            && state.settings.notices.connection
        {
            effects.push(Effect::Notify(words::connection_lost(server, why)));
        }
        state.links.insert(key, link);
    }
    drop_links_of_others(state);
}

fn drop_links_of_others(state: &mut State) {
    let known: HashSet<&ServerKey> = state.servers.iter().map(|server| &server.key).collect();
    state.links.retain(|key, _| known.contains(key));
}

/// Shows what is due. It is noted down first, and `update` puts the save before everything else.
fn announce(state: &mut State, now: &ZonedDateTime, effects: &mut Vec<Effect>) {
    if !state.looked || !state.announces {
        return;
    }
    let due = state.kept.notices.due(&state.servers, now, &state.policy());
    if !due.is_empty() {
        state.kept.notices.announce(&due, now.timestamp());
        state.kept.notices.prune(&state.servers, now.timestamp());
        state.unsaved = true;
        effects.push(Effect::Notify(words::notices(&due)));
    }
    state.announce_validations(now, effects);
    state.announce_untrusted_host(effects);
}

/// Sets the problems of an area, and says those that are new.
fn set_problems(state: &mut State, area: Area, problems: Vec<Problem>, effects: &mut Vec<Effect>) {
    let before = state.problems.remove(&area).unwrap_or_default();
    effects.extend(problems.iter().filter(|p| !before.contains(p)).cloned().map(Effect::Say));
    if !problems.is_empty() {
        state.problems.insert(area, problems);
    }
}

/// A problem: said, kept, and where the user is waiting for something, or cannot know of it otherwise, shown.
fn fail(state: &mut State, area: Area, problem: Problem, effects: &mut Vec<Effect>) {
    match &area {
        Area::Asked => {
            effects.push(Effect::Notify(words::failed(&problem)));
            effects.push(Effect::Say(problem));
            return;
        }
        Area::Tray if state.kept.said.insert("no tray".into()) => {
            state.unsaved = true;
            effects.push(Effect::Notify(words::failed(&problem)));
        }
        _ => {}
    }
    set_problems(state, area, vec![problem], effects);
}

/// The problem of a request that this version does not know.
pub fn not_understood() -> Problem {
    Problem::new(
        Fault::Software,
        "The running tray did not understand the request",
        "the tray of this user",
        "it is probably of another version",
        "Exit it from its menu, and start it again.",
    )
}

#[cfg(test)]
#[path = "update_tests.rs"]
mod tests;
