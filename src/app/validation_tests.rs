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
        Kind,
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
