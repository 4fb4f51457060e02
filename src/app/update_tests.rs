use super::*;
use crate::{
    app::{
        Answer, Bubble, Look, Purpose, Target,
        event::{Files, Recovery, RecoveryState},
        testing::{entry, now, places, state},
    },
    domain::{Entry, Kind, Standing, knowledge::Outcome},
    store::settings::{Loaded, Settings},
};
use jiff::ToSpan;

fn bubbles(effects: &[Effect]) -> Vec<&Bubble> {
    effects
        .iter()
        .filter_map(|effect| if let Effect::Notify(bubble) = effect { Some(bubble) } else { None })
        .collect()
}

fn files(entries: Vec<Entry>) -> Files {
    Files {
        settings: Loaded::defaults(vec![]),
        servers_xml: Outcome::Read(entries),
        servers_xml_problem: None,
        servers_xml_notes: vec![],
        places: places(),
        autostart: Some(false),
        recovery: None,
        validations: None,
        validations_problem: None,
        next_validation: None,
        host_is_trusted: None,
    }
}

/// What a look has brought that came after all others.
fn looked(purpose: Purpose, files: Files) -> Event {
    looked_as(u64::MAX, purpose, files)
}

fn looked_as(number: u64, purpose: Purpose, files: Files) -> Event {
    let files = Some(Box::new(files));
    Event::Looked(Box::new(Findings {
        number,
        purpose,
        files,
        links: None,
        license_host: None,
        asked: vec![],
    }))
}

fn looks(effects: Vec<Effect>) -> Vec<Look> {
    effects
        .into_iter()
        .filter_map(|effect| if let Effect::Look(look) = effect { Some(look) } else { None })
        .collect()
}

#[test]
fn the_version_installed_on_this_machine_decides_about_coverage() {
    use crate::{app::state::coverage_of, domain::Coverage};
    let mut listed = entry("localhost", Some(Kind::Perpetual), Some(-300));
    listed.installed_version = "12.1.4".parse().ok();
    let mut state = state(vec![listed.clone()]);
    assert_eq!(coverage_of(&state.servers[0]), Coverage::Covered);
    let mut installed = Entry::new(Source::Installation, now().timestamp());
    installed.address = Some("localhost".into());
    installed.installed_version = "13.2.2".parse().ok();
    let mut files = files(vec![listed]);
    files.places.server = Some(installed);
    update(&mut state, looked(Purpose::Routine, files), &now());
    assert_eq!(state.servers.len(), 1);
    assert_eq!(coverage_of(&state.servers[0]), Coverage::NotCovered);
}

#[test]
fn what_is_due_is_saved_before_it_is_shown_and_shown_once() {
    let mut state = state(vec![entry("PROD-01", Some(Kind::Subscription), Some(12))]);
    let effects = update(&mut state, Event::Woke, &now());
    let Effect::Save(kept) = &effects[0] else { panic!("{effects:?}") };
    assert_eq!(**kept, state.kept);
    insta::assert_debug_snapshot!(bubbles(&effects)[0], @r#"
    Bubble {
        keys: [
            "prod-01:16444 2026-12-06",
        ],
        summary: "PROD-01: Subscription expires in 12 days",
        body: "Subscription until 2026-12-06. Without a subscription the server stops executing Jobs. Renew before the date.",
        actions: [
            (
                "Renew…",
                Renew,
            ),
            (
                "Remind me tomorrow",
                RemindTomorrow,
            ),
            (
                "Details",
                Details,
            ),
        ],
        stays: true,
        passes: false,
        icon: Notice,
    }
    "#);
    assert_eq!(update(&mut state, Event::Woke, &now()), []);
    // After a restart neither.
    let mut restarted = self::state(vec![entry("PROD-01", Some(Kind::Subscription), Some(12))]);
    restarted.kept = state.kept.clone();
    assert_eq!(update(&mut restarted, Event::Woke, &now()), []);
}

#[test]
fn nothing_is_announced_from_memory_before_the_sources_were_read() {
    let mut state = state(vec![entry("PROD-01", None, Some(12))]);
    state.looked = false;
    assert_eq!(update(&mut state, Event::Woke, &now()), []);
    // Meanwhile the date was renewed: no old alarm.
    let effects =
        update(&mut state, looked(Purpose::Routine, files(vec![entry("PROD-01", None, Some(377))])), &now());
    assert_eq!(bubbles(&effects), Vec::<&Bubble>::new());
}

#[test]
fn many_due_at_once_make_one_summary() {
    let entries = (0..300).map(|n| entry(&format!("S{n:03}"), None, Some(n - 5))).collect();
    let mut state = state(entries);
    let effects = update(&mut state, Event::Woke, &now());
    let shown = bubbles(&effects);
    assert_eq!(shown.len(), 1);
    insta::assert_snapshot!(format!("{}\n{}", shown[0].summary, shown[0].body), @"
    96 licenses need renewal, 5 of them expired
    S000: Maintenance expired 5 days ago (2026-11-19)
    S001: Maintenance expired 4 days ago (2026-11-20)
    S002: Maintenance expired 3 days ago (2026-11-21)
    S003: Maintenance expired 2 days ago (2026-11-22)
    S004: Maintenance expired yesterday (2026-11-23)
    and 91 more
    ");
}

#[test]
fn answers_reach_the_ledger() {
    for (choice, comes_back) in [(Command::GotIt, false), (Command::RemindTomorrow, true)] {
        let mut state = state(vec![entry("PROD-01", None, Some(12))]);
        let effects = update(&mut state, Event::Woke, &now());
        let keys = bubbles(&effects)[0].keys.clone();
        assert_eq!(state.open_notices(now().date()).len(), 1);
        update(&mut state, Event::Answered(Answer { keys, choice }), &now());
        assert_eq!(state.open_notices(now().date()), []);
        let tomorrow = now().checked_add(1.day()).unwrap();
        let effects = update(&mut state, Event::Woke, &tomorrow);
        assert_eq!(bubbles(&effects).len() == 1, comes_back);
    }
}

#[test]
fn what_could_not_be_shown_waits_in_the_menu_and_is_tried_again_less_and_less_often() {
    let mut state = state(vec![entry("PROD-01", Some(Kind::Subscription), Some(12))]);
    let (mut now, mut pauses) = (now(), vec![]);
    for _ in 0..3 {
        let effects = update(&mut state, Event::Woke, &now);
        let keys = bubbles(&effects)[0].keys.clone();
        let problem = Problem::new(Fault::Unavailable, "Notifications cannot be shown", "", "", "");
        let effects = update(&mut state, Event::NotShown(keys, problem), &now);
        assert!(matches!(effects[0], Effect::Save(_)) && bubbles(&effects).is_empty(), "{effects:?}");
        assert_eq!(state.open_notices(now.date()).len(), 1);
        assert_eq!(update(&mut state, Event::Woke, &now), []);
        let until = state.next_wake(&now);
        pauses.push(until.duration_since(now.timestamp()).as_secs());
        now = until.to_zoned_datetime(now.time_zone().clone());
    }
    assert_eq!(pauses, [5, 10, 20]);
    // Shown at last, it is not shown again, and what was answered meanwhile stays so.
    let shown = update(&mut state, Event::Woke, &now);
    let keys = bubbles(&shown)[0].keys.clone();
    update(&mut state, Event::Worked(Area::Notifications), &now);
    assert_eq!((state.not_shown, update(&mut state, Event::Woke, &now)), (0, vec![]));
    update(&mut state, Event::Chosen(Command::GotIt), &now);
    let problem = Problem::new(Fault::Unavailable, "Notifications cannot be shown", "", "", "");
    update(&mut state, Event::NotShown(keys, problem), &now);
    assert_eq!(state.open_notices(now.date()), []);
}

#[test]
fn an_answer_that_cannot_be_kept_is_said_on_the_desktop() {
    let full = || Problem::new(Fault::Io, "Cannot write", "/data/state.json", "no space left", "Make room.");
    for choice in [Command::RemindTomorrow, Command::GotIt] {
        let mut state = state(vec![entry("PROD-01", Some(Kind::Subscription), Some(12))]);
        update(&mut state, Event::Woke, &now());
        assert!(bubbles(&update(&mut state, Event::Saved(Err(full())), &now())).is_empty());
        update(&mut state, Event::Chosen(choice), &now());
        let effects = update(&mut state, Event::Saved(Err(full())), &now());
        assert_eq!(bubbles(&effects)[0].summary, "The answer holds only until the tray ends");
        assert_eq!(bubbles(&effects)[0].body, "/data/state.json: no space left. Make room.");
        assert!(state.next_wake(&now()) <= now().timestamp() + 5.minutes(), "tried again before long");
        assert!(bubbles(&update(&mut state, Event::Saved(Ok(())), &now())).is_empty());
    }
}

#[test]
fn what_was_found_of_the_license_host_holds_for_that_host_and_the_last_look() {
    let mut state = state(vec![]);
    let host = |number, reachable: bool| {
        let problem = Problem::new(Fault::Unavailable, "Cannot reach the license host", "", "", "");
        let license_host = Some(if reachable { Ok(()) } else { Err(problem) });
        let purpose = Purpose::Routine;
        Event::Looked(Box::new(Findings {
            number,
            purpose,
            files: None,
            links: None,
            license_host,
            asked: vec![],
        }))
    };
    let failing = |state: &State| state.problems.contains_key(&Area::LicenseHost);
    update(&mut state, host(2, true), &now());
    update(&mut state, host(1, false), &now());
    assert!(!failing(&state), "a slow failure comes after a later success");
    update(&mut state, host(3, false), &now());
    assert!(failing(&state));
    let mut files = files(vec![]);
    files.settings.settings.license_host.check_on_refresh = !state.settings.license_host.check_on_refresh;
    update(&mut state, looked(Purpose::Routine, files), &now());
    assert!(!failing(&state), "it is no longer tried");
}

#[test]
fn a_renewed_date_is_told() {
    let mut state = state(vec![entry("PROD-01", None, Some(200))]);
    let effects =
        update(&mut state, looked(Purpose::Routine, files(vec![entry("PROD-01", None, Some(565))])), &now());
    assert_eq!(bubbles(&effects)[0].body, "PROD-01: Maintenance until 2028-06-11 (was 2027-06-12)");
}

#[test]
fn a_refresh_is_shown_as_busy_and_says_what_changed() {
    let mut state = state(vec![entry("A", None, Some(200)), entry("B", None, None)]);
    let effects = update(&mut state, Event::Chosen(Command::Refresh(None)), &now());
    let [refresh, ports] = looks(effects).try_into().unwrap();
    assert!(matches!((&refresh.at, &ports.at), (LookAt::FilesAndLicenseHost(_), LookAt::Ports(..))));
    assert_eq!(crate::app::view::icon(&state, &now()), crate::app::Icon::Busy);
    let found = files(vec![entry("A", None, Some(200)), entry("B", None, Some(300))]);
    let effects = update(&mut state, looked(refresh.purpose, found), &now());
    let bubble = bubbles(&effects)[0];
    assert_eq!(bubble.summary, "2 servers read again, 1 date changed");
    assert_eq!(bubble.body, "B: unknown to 2027-09-20");
    assert_eq!(state.refreshing, 0);
}

#[test]
fn a_refresh_asked_for_by_a_command_answers_it_and_shows_nothing() {
    let mut state = state(vec![entry("A", None, Some(200))]);
    let asked = Event::Asked(Request::Refresh { server: Some("a".into()), progress: false }, Ticket(7));
    let look = looks(update(&mut state, asked, &now())).remove(0);
    let effects = update(&mut state, looked(look.purpose, files(vec![entry("A", None, Some(200))])), &now());
    assert_eq!(bubbles(&effects), Vec::<&Bubble>::new());
    assert!(
        effects
            .iter()
            .any(|e| matches!(e, Effect::Reply(Ticket(7), reply) if matches!(**reply, Reply::Refreshed(_))))
    );
    let effects = update(
        &mut state,
        Event::Asked(Request::Refresh { server: Some("x".into()), progress: false }, Ticket(8)),
        &now(),
    );
    assert!(matches!(&effects[0], Effect::Reply(Ticket(8), reply) if matches!(**reply, Reply::Problem(_))));
}

#[test]
fn a_broken_file_leaves_what_was_known_and_is_said_once() {
    let mut state = state(vec![entry("A", None, Some(200))]);
    let broken = || Files {
        servers_xml: Outcome::Failed,
        servers_xml_problem: Some(Problem::new(
            Fault::Data,
            "Cannot read servers.xml",
            "line 3",
            "it ends",
            "Wait.",
        )),
        ..files(vec![])
    };
    let effects = update(&mut state, looked(Purpose::Routine, broken()), &now());
    assert_eq!(effects.iter().filter(|e| matches!(e, Effect::Say(_))).count(), 1);
    assert_eq!(state.worst(now().date()), Standing::Active);
    let effects = update(&mut state, looked(Purpose::Routine, broken()), &now());
    assert_eq!(effects.iter().filter(|e| matches!(e, Effect::Say(_))).count(), 0);
    update(&mut state, looked(Purpose::Routine, files(vec![entry("A", None, Some(200))])), &now());
    assert_eq!(state.all_problems().count(), 0);
}

#[test]
fn the_connection_is_asked_at_once_and_then_at_its_interval() {
    let mut state = State::new(Default::default(), Settings::default(), "s".into(), places(), vec![]);
    let effects =
        update(&mut state, looked(Purpose::Routine, files(vec![entry("A", None, Some(200))])), &now());
    let mut number = 0;
    let mut links = |effects: Vec<Effect>| match looks(effects).as_slice() {
        [Look { at: LookAt::Ports(targets, _), number: asked, .. }] => {
            number = *asked;
            targets.len() == 1
        }
        _ => false,
    };
    assert!(links(effects));
    let in_seconds = |s: i64| now().checked_add(s.seconds()).unwrap();
    assert_eq!(state.next_wake(&now()), in_seconds(60).timestamp());
    assert!(!links(update(&mut state, Event::Woke, &in_seconds(59))));
    assert!(!links(update(&mut state, Event::Woke, &in_seconds(60))), "the first is still under way");
    assert_eq!(state.next_wake(&in_seconds(60)), in_seconds(120).timestamp());
    let done = |links| {
        let findings = Findings {
            number: 1,
            purpose: Purpose::Routine,
            files: None,
            links,
            license_host: None,
            asked: vec![],
        };
        Event::Looked(Box::new(findings))
    };
    update(&mut state, done(Some(vec![])), &in_seconds(61));
    assert!(links(update(&mut state, Event::Woke, &in_seconds(120))));
    update(&mut state, done(Some(vec![])), &in_seconds(121));
    // The clock is set back: it is not waited until the old time comes again.
    assert!(links(update(&mut state, Event::Woke, &in_seconds(-86_400))));
}

#[test]
fn a_slow_look_does_not_undo_what_a_later_one_brought() {
    let mut state = state(vec![entry("A", None, Some(200))]);
    let refresh = looks(update(&mut state, Event::Chosen(Command::Refresh(None)), &now())).remove(0);
    let routine = looks(update(&mut state, Event::FilesChanged, &now())).remove(0);
    let old = || files(vec![entry("A", None, Some(200))]);
    let new = files(vec![entry("A", None, Some(565))]);
    update(&mut state, looked_as(routine.number, routine.purpose, new), &now());
    let effects = update(&mut state, looked_as(refresh.number, refresh.purpose, old()), &now());
    assert_eq!(state.servers[0].until(), Some(now().date() + 565.days()));
    // What has changed since the refresh was asked for is told, whoever read it.
    assert_eq!(bubbles(&effects)[0].body, "A: 2027-06-12 to 2028-06-11");
}

#[test]
fn what_could_not_be_saved_is_saved_with_the_next_event() {
    let mut state = state(vec![entry("A", None, Some(12))]);
    let saves = |effects: &[Effect]| effects.iter().filter(|e| matches!(e, Effect::Save(_))).count();
    assert_eq!(saves(&update(&mut state, Event::Woke, &now())), 1);
    let full =
        || Event::Saved(Err(Problem::new(Fault::Io, "Cannot write", "disk", "it is full", "Free some.")));
    let said = |effects: &[Effect]| effects.iter().filter(|e| matches!(e, Effect::Say(_))).count();
    let effects = update(&mut state, full(), &now());
    assert_eq!((saves(&effects), said(&effects)), (0, 1), "not tried again for ever");
    assert_eq!(state.all_problems().count(), 1);
    assert_eq!(saves(&update(&mut state, Event::Woke, &now())), 1);
    let effects = update(&mut state, full(), &now());
    assert_eq!((saves(&effects), said(&effects)), (0, 0));
    assert_eq!(saves(&update(&mut state, Event::Woke, &now())), 1);
    update(&mut state, Event::Saved(Ok(())), &now());
    assert_eq!(state.all_problems().count(), 0);
    assert_eq!(saves(&update(&mut state, Event::Woke, &now())), 0);
}

#[test]
fn a_problem_goes_only_with_its_own_cause() {
    let mut state = state(vec![]);
    let problem = |what| Problem::new(Fault::Data, what, "here", "why", "next");
    update(&mut state, Event::Failed(Area::Kept, problem("The state was moved aside")), &now());
    update(&mut state, Event::Failed(Area::Settings, problem("A mistake in the settings")), &now());
    update(&mut state, Event::Saved(Ok(())), &now());
    update(&mut state, Event::Chosen(Command::Settings), &now());
    assert_eq!(state.all_problems().count(), 2);
}

#[test]
fn an_address_that_becomes_known_repeats_no_notice() {
    let mut named = entry("PROD", None, Some(12));
    named.address = None;
    let mut state = state(vec![named.clone()]);
    let keys = bubbles(&update(&mut state, Event::Woke, &now()))[0].keys.clone();
    update(&mut state, Event::Answered(Answer { keys, choice: Command::GotIt }), &now());
    let addressed = files(vec![entry("PROD", None, Some(12))]);
    let effects = update(&mut state, looked(Purpose::Routine, addressed), &now());
    assert_eq!(state.servers[0].key.0, "prod:16444");
    assert_eq!(bubbles(&effects), Vec::<&Bubble>::new());
    // Nor does it come back after years, while the server still shows that date.
    let years_later = now().checked_add(4.years()).unwrap();
    update(&mut state, Event::Woke, &years_later);
    for day in 1..3 {
        let effects = update(&mut state, Event::Woke, &years_later.checked_add(day.days()).unwrap());
        assert_eq!(bubbles(&effects), Vec::<&Bubble>::new());
    }
}

#[test]
fn a_lost_connection_is_told_only_to_who_asked_for_it_and_once() {
    for wanted in [false, true] {
        let mut state = state(vec![entry("A", None, Some(200))]);
        state.settings.notices.connection = wanted;
        let key = state.servers[0].key.clone();
        let mut link = |link: Link| {
            let links = vec![(key.clone(), link)];
            let findings = Findings {
                number: 1,
                purpose: Purpose::Routine,
                files: None,
                links: Some(links),
                license_host: None,
                asked: vec![],
            };
            bubbles(&update(&mut state, Event::Looked(Box::new(findings)), &now())).len()
        };
        let off = || Link::Off("connection refused".into());
        assert_eq!(link(off()), 0, "never connected: nothing was lost");
        assert_eq!(link(Link::On), 0);
        assert_eq!(link(off()), usize::from(wanted));
        assert_eq!(link(off()), 0);
    }
}

#[test]
fn what_cannot_be_done_is_said_with_a_way_out() {
    let mut state = state(vec![]);
    state.places.client_program = Err("the Client is a Windows program".into());
    let effects = update(&mut state, Event::Chosen(Command::StartClient), &now());
    let bubble = bubbles(&effects)[0];
    assert_eq!(bubble.summary, "Cannot start the Client");
    assert!(bubble.body.ends_with("Name it in the settings: visualcron.client_program."));
}

#[test]
fn commands_open_what_they_say() {
    let mut state = state(vec![entry("A", None, Some(200))]);
    let mut target = |command: Command| match update(&mut state, Event::Chosen(command), &now()).remove(0) {
        Effect::Open(_, target) => target,
        other => panic!("{other:?}"),
    };
    use crate::app::Place;
    assert_eq!(target(Command::Open(Place::ClientLog)), Target::Folder("/home/me/VisualCron/log".into()));
    assert_eq!(target(Command::StartClient), Target::Program("/opt/VisualCronClient".into()));
    assert_eq!(target(Command::Settings), Target::File("/home/me/settings.toml".into()));
    assert_eq!(target(Command::Renew), Target::Url("https://admin.visualcron.com/mylicenses.aspx".into()));
    let Target::Page("details", html) = target(Command::Details) else { panic!() };
    assert!(html.contains("<th scope=\"row\">A<br>"));
    assert_eq!(update(&mut state, Event::Chosen(Command::Exit), &now()), [Effect::Quit]);
}

#[test]
fn a_missing_panel_is_shown_as_a_notification_only_once_ever() {
    let mut state = state(vec![]);
    let problem = || Problem::new(Fault::Unavailable, "The tray icon cannot be seen", "here", "why", "next");
    assert_eq!(bubbles(&update(&mut state, Event::Failed(Area::Tray, problem()), &now())).len(), 1);
    update(&mut state, Event::Worked(Area::Tray), &now());
    assert_eq!(state.all_problems().count(), 0);
    assert_eq!(bubbles(&update(&mut state, Event::Failed(Area::Tray, problem()), &now())).len(), 0);
}

#[test]
fn an_interrupted_recovery_is_told_until_it_is_decided_on_and_again_when_it_is_interrupted_again() {
    let mut state = state(vec![]);
    let mut look = |recovery: Option<RecoveryState>| {
        let began = now().timestamp();
        let found = Files { recovery: recovery.map(|state| Recovery { began, state }), ..files(vec![]) };
        let effects = update(&mut state, looked(Purpose::Routine, found), &now());
        let told = |effect: &Effect| match effect {
            Effect::Notify(bubble) => Some(bubble.summary.clone()),
            Effect::Withdraw => Some("(taken back)".into()),
            _ => None,
        };
        effects.iter().filter_map(told).collect::<Vec<_>>()
    };
    let ended = RecoveryState::Ended { how: "Everything is as it was.".into(), well: false };
    let (interrupted, taken_back, has_ended) =
        ("Clear server cache was interrupted", "(taken back)", "Clear server cache has ended");
    assert_eq!(look(Some(RecoveryState::Interrupted)), [interrupted]);
    assert!(look(Some(RecoveryState::Interrupted)).is_empty(), "once");
    assert_eq!(look(Some(RecoveryState::UnderWay)), [taken_back]);
    assert_eq!(look(Some(RecoveryState::Interrupted)), [interrupted], "once more");
    assert_eq!(look(Some(ended.clone())), [taken_back, has_ended]);
    assert!(look(Some(ended)).is_empty(), "once");
    assert!(look(None).is_empty());
}
