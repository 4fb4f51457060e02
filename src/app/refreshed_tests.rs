use super::*;
use crate::{
    app::testing::{entry, now, state},
    domain::{Entry, Kind},
};
use std::collections::HashMap;

/// What is told of these servers, whose dates were known before as these days, or not at all.
fn told(
    entries: Vec<Entry>,
    before: &[(&str, i64)],
    host: Option<Result<(), Problem>>,
    validations: &[Asked],
) -> RefreshReport {
    let state = state(entries);
    let days = |days: i64| now().date().checked_add(jiff::Span::new().days(days)).unwrap();
    let key = |name: &str| state.find(name).unwrap().key.clone();
    let mut known: HashMap<_, _> =
        state.servers.iter().map(|server| (server.key.clone(), server.until())).collect();
    known.extend(before.iter().map(|(name, left)| (key(name), Some(days(*left)))));
    let asked = Refresh { only: None, ticket: None, before: known };
    report(&state, &asked, host.as_ref(), validations, &now())
}

fn asked(server: &str, became: Became) -> Asked {
    Asked { server: server.into(), became }
}

fn unknown_code(server: &str) -> Asked {
    let why = "the license host does not know the activation code";
    let problem = Problem::new(Fault::Data, "The license is not valid", server, why, "Correct it.");
    asked(server, Became::Trouble(problem))
}

fn no_code(server: &str) -> Asked {
    asked(server, Became::NotAsked("its activation code is not known here".into()))
}

fn unreachable() -> Problem {
    let (what, why) = ("The license host cannot be reached", "connection refused");
    Problem::new(Fault::Unavailable, what, "licenses.corp.example", why, "Allow it.")
}

#[test]
fn one_server() {
    let report = told(vec![entry("PROD-01", None, Some(300))], &[("PROD-01", 3)], Some(Ok(())), &[]);
    insta::assert_snapshot!(in_words(&report), @"
    1 server read again, 1 date changed
    PROD-01: 2026-11-27 to 2027-09-20, by servers.xml
    ");
    let of_host = [asked("PROD-01", Became::Valid)];
    let report = told(vec![entry("PROD-01", Some(Kind::Perpetual), Some(3))], &[], Some(Ok(())), &of_host);
    insta::assert_snapshot!(in_words(&report), @"
    1 server read again, no date has changed
    PROD-01: still 2026-11-27, by servers.xml; validated

    If a renewal was bought and its date does not show, in the vendor's order:
    1. In the Client, choose Refresh license data: only the Client asks the vendor. What it keeps is what was read here.
    2. www.visualcron.com can be reached from here: that is not in the way.
    3. Associate the code of the renewal with the license, online: `visualcron-tray open renew`.
    4. Use a Client of the same version as the server: another may not show what the server says.
    5. If nothing of that helps, clear the server cache: `visualcron-tray recover`.
    ");
}

#[test]
fn three_servers_one_by_one() {
    let entries = vec![entry("A", None, Some(-5)), entry("B", None, None), entry("C", None, Some(400))];
    let of_host = ["A", "B", "C"].map(|name| {
        let problem = unreachable();
        asked(name, Became::Trouble(problem))
    });
    let report = told(entries, &[("C", 30)], Some(Err(unreachable())), &of_host);
    assert_eq!(report.problems, [], "it is told as the host's problem, once");
    insta::assert_snapshot!(in_words(&report), @"
    3 servers read again, 1 date changed
    A: still 2026-11-19, by servers.xml; not validated: connection refused
    C: 2026-12-24 to 2027-12-29, by servers.xml; not validated: connection refused
    B: still no date; not validated: connection refused

    If a renewal was bought and its date does not show, in the vendor's order:
    1. In the Client, choose Refresh license data: only the Client asks the vendor. What it keeps is what was read here.
    2. www.visualcron.com cannot be reached from here. See what is in the way: `visualcron-tray diagnose`.
    3. Associate the code of the renewal with the license, online: `visualcron-tray open renew`.
    4. Use a Client of the same version as the server: another may not show what the server says.
    5. If nothing of that helps, clear the server cache: `visualcron-tray recover`.
    ");
    insta::assert_snapshot!(bubble(&report).body, @"C: 2026-12-24 to 2027-12-29");
}

#[test]
fn three_hundred_servers_what_is_the_same_once() {
    let name = |n: usize| format!("SRV-{n:03}");
    let entries = (0..300).map(|n| entry(&name(n), None, Some(if n < 3 { 2 } else { 400 + n as i64 })));
    let of_host: Vec<Asked> = (0..300)
        .map(|n| match n {
            0..5 => no_code(&name(n)),
            5..7 => unknown_code(&name(n)),
            _ => asked(&name(n), Became::Valid),
        })
        .collect();
    let before = [("SRV-100", 10), ("SRV-101", 11)];
    let report = told(entries.collect(), &before, Some(Ok(())), &of_host);
    insta::assert_snapshot!(in_words(&report), @"
    300 servers read again, 2 dates changed
    SRV-100: 2026-12-04 to 2028-04-07
    SRV-101: 2026-12-05 to 2028-04-08
    293 licenses validated
    Not validated: SRV-000, SRV-001, SRV-002 and 2 more: its activation code is not known here
    Not validated: SRV-005, SRV-006: the license host does not know the activation code
    Expired, near or unknown, and as before: 3 dates: SRV-000, SRV-001, SRV-002
    The license is not valid: SRV-005 and 1 more: the license host does not know the activation code. Correct it.

    If a renewal was bought and its date does not show, in the vendor's order:
    1. In the Client, choose Refresh license data: only the Client asks the vendor. What it keeps is what was read here.
    2. www.visualcron.com can be reached from here: that is not in the way.
    3. Associate the code of the renewal with the license, online: `visualcron-tray open renew`.
    4. Use a Client of the same version as the server: another may not show what the server says.
    5. If nothing of that helps, clear the server cache: `visualcron-tray recover`.
    ");
    assert_eq!(report.servers.len(), 300);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["servers"][0]["validation"], "its activation code is not known here");
    // A notification names some.
    let many: Vec<_> = (0..20).map(|n| (name(n), 1)).collect();
    let many: Vec<_> = many.iter().map(|(name, left)| (name.as_str(), *left)).collect();
    let entries = (0..20).map(|n| entry(&name(n), None, Some(500)));
    let bubble = bubble(&told(entries.collect(), &many, None, &[]));
    assert_eq!(bubble.summary, "20 servers read again, 20 dates changed");
    assert!(bubble.body.ends_with("\nand 15 more"), "{}", bubble.body);
}
