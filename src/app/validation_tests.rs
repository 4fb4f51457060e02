use super::*;
use crate::{
    app::{
        Event, Findings, Purpose,
        event::{Files, Licenses, LookAt},
        testing::{entry, now, places, state},
        update,
        view::{self, facts},
        words,
    },
    domain::{
        Fault, Kind, Problem,
        validation::{Claims, Outcome as Tried, PROTOCOL, PublicKey},
    },
    store::settings::Loaded,
};
use jiff::{ToSpan, civil::date};

const ID: &str = "ID-0001";

fn claims(verdict: Verdict) -> Claims {
    let at = |days: i64| now().timestamp() + (days * 24).hours();
    let valid = verdict == Verdict::Valid;
    Claims {
        protocol: PROTOCOL,
        nonce: crate::domain::validation::Nonce::new([7; 16]),
        server_id: ID.into(),
        verdict,
        kind: valid.then_some(Kind::Subscription),
        edition: valid.then(|| "Pro".into()),
        maintenance_until: valid.then_some(date(2028, 6, 30)),
        newest_covered: None,
        validate_next: at(10),
        validate_by: at(24),
        iat: at(0),
        exp: at(1),
    }
}

fn validated(verdict: Verdict) -> Record {
    let mut record = Record::new("id-0001");
    record.answered(claims(verdict), PublicKey::new([1; 32]).id(), now().timestamp());
    record
}

/// PROD-01, fine until 2027-06-12 by servers.xml, with these records.
fn looked(records: Vec<Record>) -> (State, Vec<Effect>) {
    let mut prod = entry("PROD-01", Some(Kind::Subscription), Some(200));
    prod.server_id = Some(ID.into());
    let mut state = state(vec![prod.clone()]);
    let effects = look(&mut state, prod, records, &now());
    (state, effects)
}

fn look(state: &mut State, prod: Entry, records: Vec<Record>, now: &ZonedDateTime) -> Vec<Effect> {
    let files = Files {
        settings: Loaded::defaults(vec![]),
        servers_xml: Outcome::Read(vec![prod]),
        servers_xml_problem: None,
        servers_xml_notes: vec![],
        places: places(),
        autostart: None,
        recovery: None,
        validations: Some(records),
        validations_problem: None,
        next_validation: None,
        host_is_trusted: None,
    };
    let findings = Findings {
        number: u64::MAX,
        purpose: Purpose::Routine,
        files: Some(Box::new(files)),
        links: None,
        license_host: None,
        asked: vec![],
    };
    update(state, Event::Looked(Box::new(findings)), now)
}

fn bubbles(effects: &[Effect]) -> Vec<String> {
    let text = |effect: &Effect| match effect {
        Effect::Notify(bubble) => Some(format!("{}\n{}", bubble.summary, bubble.body)),
        _ => None,
    };
    effects.iter().filter_map(text).collect()
}

#[test]
fn an_accepted_answer_is_the_license_hosts_word_on_the_date() {
    let (state, effects) = looked(vec![validated(Verdict::Valid)]);
    let server = &state.servers[0];
    assert_eq!((server.until(), server.source), (Some(date(2028, 6, 30)), Source::LicenseHost));
    assert_eq!((server.name.as_str(), state.servers.len()), ("PROD-01", 1));
    assert_eq!(bubbles(&effects), [""; 0]);
    assert!(
        facts(&state, server, &now()).contains(&"Validated; the next validation is due in 10 days".into())
    );
    // A license that no other source knows is no server.
    let mut other = validated(Verdict::Valid);
    other.server_id = "of a server that is gone".into();
    assert_eq!(looked(vec![other]).0.servers.len(), 1);
}

#[test]
fn a_renewal_that_the_host_tells_is_told_by_the_servers_name() {
    let (mut state, _) = looked(vec![validated(Verdict::Valid)]);
    let mut prod = entry("PROD-01", Some(Kind::Subscription), Some(200));
    prod.server_id = Some(ID.into());
    let mut renewed = validated(Verdict::Valid);
    renewed.accepted.as_mut().unwrap().claims.maintenance_until = Some(date(2029, 6, 30));
    let effects = look(&mut state, prod, vec![renewed], &now());
    assert_eq!(
        bubbles(&effects),
        ["A renewed date has arrived\nPROD-01: Subscription until 2029-06-30 (was 2028-06-30)"]
    );
}

#[test]
fn a_failure_hides_no_date_and_is_told_when_it_matters_once() {
    let mut record = validated(Verdict::Valid);
    let mut prod = entry("PROD-01", Some(Kind::Subscription), Some(200));
    prod.server_id = Some(ID.into());
    record.tried(Tried::NotReached { why: "connection refused".into() }, now().timestamp());
    let (mut state, _) = looked(vec![record.clone()]);
    let mut said = Vec::new();
    for days in [0, 4, 5, 11, 12, 25, 26, 11] {
        let now = now().checked_add(days.days()).unwrap();
        let effects = look(&mut state, prod.clone(), vec![record.clone()], &now);
        if !bubbles(&effects).is_empty() {
            assert!(matches!(effects[0], Effect::Save(_)), "noted down before it is shown");
        }
        said.extend(bubbles(&effects).into_iter().map(|text| format!("day {days}: {text}")));
        said.push(format!("day {days}: {:?}, {}", view::icon(&state, &now), words::headline(&state, &now)));
        assert_eq!(state.servers[0].until(), Some(date(2028, 6, 30)));
    }
    insta::assert_snapshot!(said.join("\n"), @"
    day 0: Fine, PROD-01: Subscription expires in 584 days (2028-06-30)
    day 4: PROD-01: Validation is due within 6 days
    The last try failed: connection refused. Last found valid on 2026-11-24: Subscription until 2028-06-30; to be validated again by 2026-12-04. Refresh license data; if the license host cannot be reached, Check connection, or validate by hand.
    day 4: Fine, PROD-01: Subscription expires in 580 days (2028-06-30)
    day 5: Fine, PROD-01: Subscription expires in 579 days (2028-06-30)
    day 11: PROD-01: Validation is overdue: 13 days are left before the server may stop
    The last try failed: connection refused. Last found valid on 2026-11-24: Subscription until 2028-06-30; to be validated again by 2026-12-04. Refresh license data; if the license host cannot be reached, Check connection, or validate by hand.
    day 11: Notice, PROD-01: Validation is overdue: 13 days are left before the server may stop
    day 12: Notice, PROD-01: Validation is overdue: 12 days are left before the server may stop
    day 25: PROD-01: Validation is overdue: the server may have stopped
    The last try failed: connection refused. Last found valid on 2026-11-24: Subscription until 2028-06-30; to be validated again by 2026-12-04. Refresh license data; if the license host cannot be reached, Check connection, or validate by hand.
    day 25: Expired, PROD-01: Validation is overdue: the server may have stopped
    day 26: Expired, PROD-01: Validation is overdue: the server may have stopped
    day 11: Notice, PROD-01: Validation is overdue: 13 days are left before the server may stop
    ");
}

#[test]
fn a_license_that_is_not_valid_is_told_apart_from_its_date() {
    let (state, effects) = looked(vec![validated(Verdict::Revoked)]);
    assert_eq!(
        bubbles(&effects),
        ["PROD-01: Not valid: the license was revoked\nAsk whoever runs the license host why."]
    );
    assert_eq!(view::icon(&state, &now()), Icon::Expired);
    assert_eq!(state.servers[0].until(), Some(date(2027, 6, 12)), "the date that was known stands");
    let report = crate::app::report::StatusReport::new(&state, &now());
    assert!(report.servers[0].validation.as_ref().unwrap().is_urgent());
    let (_, line) = crate::app::check::check(&report, now().date());
    assert!(
        line.starts_with("VISUALCRON WARNING") && line.contains("PROD-01: Not valid: the license was"),
        "{line}"
    );
}

#[test]
fn the_host_is_asked_when_the_time_has_come_and_not_again_meanwhile() {
    let (mut state, _) = looked(vec![]);
    state.next_validation = Some(now().timestamp());
    let looks = |effects: Vec<Effect>| {
        let due = |effect: &Effect| matches!(effect, Effect::Look(look) if look.at == LookAt::FilesAndLicenseHost(Licenses::Due));
        effects.iter().filter(|effect| due(effect)).count()
    };
    assert_eq!(state.next_wake(&now()), now().timestamp());
    assert_eq!(looks(update(&mut state, Event::Woke, &now())), 1);
    assert_eq!(looks(update(&mut state, Event::Woke, &now())), 0);
}

/// PROD-01, whose host is trusted, and could not be reached.
fn missed() -> State {
    let mut record = validated(Verdict::Valid);
    record.tried(Tried::NotReached { why: "network unreachable".into() }, now().timestamp());
    let (mut state, _) = looked(vec![record]);
    state.next_validation = Some(now().timestamp() + 60.minutes());
    state
}

fn asks(effects: &[Effect]) -> Vec<Licenses> {
    let licenses = |effect: &Effect| match effect {
        Effect::Look(super::super::Look { at: LookAt::FilesAndLicenseHost(licenses), .. }) => {
            Some(licenses.clone())
        }
        _ => None,
    };
    effects.iter().filter_map(licenses).collect()
}

fn told(state: &mut State, host: Result<(), Problem>, now: &ZonedDateTime) {
    let findings = Findings {
        number: u64::MAX,
        purpose: Purpose::Routine,
        files: None,
        links: None,
        license_host: Some(host),
        asked: vec![],
    };
    update(state, Event::Looked(Box::new(findings)), now);
}

fn no_way() -> Result<(), Problem> {
    Err(Problem::new(
        Fault::Unavailable,
        "The license host cannot be reached",
        "x",
        "network unreachable",
        "Wait.",
    ))
}

#[test]
fn after_a_sleep_it_is_asked_soon_and_again_until_the_network_is_there() {
    let after = |seconds: i64| now().checked_add(seconds.seconds()).unwrap();
    let mut state = missed();
    state.next_link_check = Some(now().timestamp());
    assert_eq!(asks(&update(&mut state, Event::Resumed, &now())), [], "the network is hardly there yet");
    assert_eq!(state.next_link_check, Some(after(5).timestamp()), "nor are the servers tried at once");
    let mut asked_at = Vec::new();
    for second in 0..=400 {
        let due = asks(&update(&mut state, Event::Woke, &after(second)));
        if !due.is_empty() {
            assert_eq!(due, [Licenses::Missed]);
            asked_at.push(second);
            told(&mut state, no_way(), &after(second));
        }
    }
    assert_eq!(asked_at, [5, 20, 50, 110, 230], "then the pause of an hour holds");
    // Once somebody is reached, that is all.
    update(&mut state, Event::Resumed, &after(500));
    assert_eq!(asks(&update(&mut state, Event::Woke, &after(505))), [Licenses::Missed]);
    told(&mut state, Ok(()), &after(506));
    assert_eq!((state.wakeful.clone(), asks(&update(&mut state, Event::Woke, &after(900)))), (None, vec![]));
    // Where no host is trusted nobody is asked.
    let mut state = missed();
    state.next_validation = None;
    update(&mut state, Event::Resumed, &now());
    assert_eq!(asks(&update(&mut state, Event::Woke, &after(5))), []);
}

#[test]
fn what_is_due_when_the_machine_wakes_up_waits_for_the_network_too() {
    let mut state = missed();
    state.next_validation = Some(now().timestamp() - 3.hours());
    assert_eq!(asks(&update(&mut state, Event::Resumed, &now())), []);
    let in_5_s = now().checked_add(5.seconds()).unwrap();
    assert_eq!(state.next_wake(&now()), in_5_s.timestamp());
    let asked = asks(&update(&mut state, Event::Woke, &in_5_s));
    assert_eq!(asked, [Licenses::Due], "once, and not a second time as missed");
}

#[test]
fn a_start_without_a_network_is_like_a_sleep() {
    let mut state = missed();
    assert_eq!(state.wakeful, Some(Default::default()));
    told(&mut state, no_way(), &now());
    let in_5_s = now().checked_add(5.seconds()).unwrap();
    assert_eq!(asks(&update(&mut state, Event::Woke, &in_5_s)), [Licenses::Missed]);
}

#[test]
fn how_far_a_refresh_is_stands_in_headline_tooltip_and_menu() {
    let (mut state, _) = looked(vec![validated(Verdict::Valid)]);
    update(&mut state, Event::Chosen(Command::Refresh(None)), &now());
    assert_eq!(update(&mut state, Event::Asking(137, 300), &now()), []);
    let shown = view::view(&state, &now());
    let outline = view::outline(&shown.menu);
    assert!(shown.tooltip.ends_with(": Refreshing license data: 137 of 300…"), "{}", shown.tooltip);
    assert_eq!(outline.matches("(Refreshing license data: 137 of 300…)").count(), 2, "{outline}");
    told(&mut state, Ok(()), &now());
    assert_eq!(state.asking, None);
}

#[test]
fn that_a_key_is_to_be_trusted_is_told_once_and_leads_to_the_window() {
    let (mut state, _) = looked(vec![]);
    state.host_is_trusted = Some(false);
    assert_eq!(bubbles(&update(&mut state, Event::Woke, &now())), [""; 0], "the vendor's host has no key");
    state.settings.license_host.host = "licenses.corp.example".into();
    let effects = update(&mut state, Event::Woke, &now());
    assert!(matches!(effects[0], Effect::Save(_)), "noted down before it is shown");
    let Effect::Notify(bubble) = &effects[1] else { panic!("{effects:?}") };
    assert_eq!(bubble.summary, "The key of licenses.corp.example is not trusted yet");
    assert_eq!(bubble.actions, [("Trust its key…", Command::ManualValidation)]);
    assert_eq!(bubbles(&update(&mut state, Event::Woke, &now())), [""; 0]);
    let menu = |state: &State| view::outline(&view::view(state, &now()).menu);
    assert!(menu(&state).contains("Trust the key of licenses.corp.example…"));
    state.host_is_trusted = Some(true);
    assert!(!menu(&state).contains("Trust the key"));
}
