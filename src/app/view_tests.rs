use super::*;
use crate::{
    app::{
        event::Area,
        testing::{entry, now, state},
        update,
    },
    domain::{Entry, Fault, Kind, Problem, Version},
};
use proptest::prelude::*;

fn shown(state: &State) -> String {
    let view = view(state, &now());
    format!("[{}] {}\n{}", view.icon.name(), view.tooltip, outline(&view.menu))
}

#[test]
fn before_anything_is_known() {
    let mut state = state(vec![]);
    state.looked = false;
    insta::assert_snapshot!(shown(&state), @"
    [unknown] VisualCron Tray Client: starting
    (Starting…)
    ---
    Refresh license data
    Manual validation…
    Check connection…
    Clear server cache…
    ---
    Settings
    Client >
        Start
        Open log folder
        Open settings folder
    Server >
        (No server known yet)
        ---
        (Open log folder (no server on this machine))
        (Open settings folder (no server on this machine))
    ---
    About
    Exit
    ");
}

#[test]
fn no_servers() {
    insta::assert_snapshot!(shown(&state(vec![])), @"
    [unknown] VisualCron Tray Client: no servers known yet
    (No servers known yet)
    ---
    Refresh license data
    Manual validation…
    Check connection…
    Clear server cache…
    ---
    Settings
    Client >
        Start
        Open log folder
        Open settings folder
    Server >
        (No server known yet)
        ---
        (Open log folder (no server on this machine))
        (Open settings folder (no server on this machine))
    ---
    About
    Exit
    ");
}

#[test]
fn all_is_well() {
    let mut prod = entry("PROD-01", Some(Kind::Perpetual), Some(200));
    prod.installed_version = Some(Version::new(13, 2, 2));
    prod.server_id = Some("id-1".into());
    prod.edition = Some("Pro".into());
    let mut state = state(vec![prod]);
    state.links.insert(state.servers[0].key.clone(), Link::On);
    state.autostart = Some(true);
    insta::assert_snapshot!(shown(&state), @"
    [fine] VisualCron Tray Client: 1 server. PROD-01: Maintenance expires in 200 days (2027-06-12)
    (PROD-01: Maintenance expires in 200 days (2027-06-12))
    ---
    PROD-01: Maintenance expires in 200 days (2027-06-12) >
        Refresh license data
        Renew…
        Copy server id
        ---
        (Date from servers.xml, read 2026-11-24 10:00 (today))
        (Version 13.2.2: covered by Maintenance)
        (Newest covered version: 13.2.2 (2026-05-16))
        (Kind of license: perpetual, Pro)
    ---
    Refresh license data
    Manual validation…
    Check connection…
    Clear server cache…
    ---
    Settings
    Client >
        Start
        Open log folder
        Open settings folder
    Server >
        (Connected: PROD-01 (prod-01, port 16444))
        ---
        (Open log folder (no server on this machine))
        (Open settings folder (no server on this machine))
    ---
    [x] Start Tray Client on startup
    About
    Exit
    ");
}

#[test]
fn a_notice_is_open_and_a_server_does_not_answer() {
    let mut state = state(vec![
        entry("PROD-01", Some(Kind::Subscription), Some(12)),
        entry("PROD-02", None, Some(400)),
        entry("BRANCH", None, None),
    ]);
    update(&mut state, crate::app::Event::Woke, &now());
    let key = state.find("BRANCH").unwrap().key.clone();
    state.links.insert(key, Link::Off("connection refused".into()));
    insta::assert_snapshot!(shown(&state), @"
    [notice] VisualCron Tray Client: 1 expiring, 1 active, 1 unknown. PROD-01: Subscription expires in 12 days (2026-12-06)
    (1 expiring, 1 active, 1 unknown)
    Maintenance notice: PROD-01… >
        Renew…
        Remind me tomorrow
        Got it
    ---
    PROD-01: Subscription expires in 12 days (2026-12-06) >
        Refresh license data
        Renew…
        (Copy server id (not known))
        ---
        (Date from servers.xml, read 2026-11-24 10:00 (today))
        (Newest covered version: 13.2.2 (2026-05-16))
        (Kind of license: subscription)
    PROD-02: Maintenance expires in 400 days (2027-12-29) >
        Refresh license data
        Renew…
        (Copy server id (not known))
        ---
        (Date from servers.xml, read 2026-11-24 10:00 (today))
        (Newest covered version: 13.2.2 (2026-05-16))
    BRANCH: Maintenance date unknown >
        Refresh license data
        Renew…
        (Copy server id (not known))
        ---
        (No date in servers.xml)
        (Not connected: connection refused)
    ---
    Refresh license data
    Manual validation…
    Check connection…
    Clear server cache…
    ---
    Settings
    Client >
        Start
        Open log folder
        Open settings folder
    Server >
        (Not connected: BRANCH (branch, port 16444): connection refused)
        ---
        (Open log folder (no server on this machine))
        (Open settings folder (no server on this machine))
    ---
    About
    Exit
    ");
}

#[test]
fn nothing_can_be_opened_and_things_are_wrong() {
    let mut state = state(vec![entry("PROD-01", None, Some(-3))]);
    state.places.client_log = Err("no such folder: /home/me/VisualCron/log".into());
    state.places.no_recovery = Some("not available on this system yet");
    state.places.client_program = Err("the Client is a Windows program".into());
    state.problems.insert(Area::ServersXml, vec![Problem::new(Fault::Data, "a", "b", "c", "d")]);
    state.refreshing = 1;
    insta::assert_snapshot!(shown(&state), @"
    [busy] VisualCron Tray Client: 1 server. PROD-01: Maintenance expired 3 days ago (2026-11-21)
    (PROD-01: Maintenance expired 3 days ago (2026-11-21))
    1 problem…
    ---
    PROD-01: Maintenance expired 3 days ago (2026-11-21) >
        Refresh license data
        Renew…
        (Copy server id (not known))
        ---
        (Date from servers.xml, read 2026-11-24 10:00 (today))
        (Newest covered version: 13.2.2 (2026-05-16))
    ---
    (Refreshing license data…)
    Manual validation…
    Check connection…
    (Clear server cache (not available on this system yet))
    ---
    Settings
    Client >
        (Start (the Client is a Windows program))
        (Open log folder (no such folder: /home/me/VisualCron/log))
        Open settings folder
    Server >
        (Connection not checked: PROD-01 (prod-01, port 16444))
        ---
        (Open log folder (no server on this machine))
        (Open settings folder (no server on this machine))
    ---
    About
    Exit
    ");
}

#[test]
fn a_thousand_servers_show_the_ten_most_urgent() {
    let state = state((0..1000).map(|n| entry(&format!("S{n:03}"), None, Some(1000 - n))).collect());
    let menu = outline(&view(&state, &now()).menu);
    let servers: Vec<&str> =
        menu.lines().filter(|line| line.starts_with('S') && line.contains(" >")).collect();
    assert_eq!(servers.len(), 10 + 1, "and Server");
    assert!(servers[0].starts_with("S999: Maintenance expires tomorrow"));
    assert!(menu.contains("More… (990)\n"));
}

#[test]
fn the_worst_state_wins_and_a_side_check_hides_none() {
    let icon_of = |days: Vec<Option<i64>>, off: bool| {
        let entries = days.iter().enumerate().map(|(n, days)| entry(&format!("S{n}"), None, *days)).collect();
        let mut state = state(entries);
        state.problems.insert(Area::LicenseHost, vec![Problem::new(Fault::Unavailable, "a", "b", "c", "d")]);
        if off {
            state.links.insert(state.servers[0].key.clone(), Link::Off("refused".into()));
        }
        icon(&state, &now())
    };
    assert_eq!(icon_of(vec![Some(200)], false), Icon::Fine);
    assert_eq!(icon_of(vec![Some(200), None], false), Icon::Unknown);
    assert_eq!(icon_of(vec![Some(200), None], true), Icon::Disconnected);
    assert_eq!(icon_of(vec![Some(200), Some(30)], true), Icon::Notice);
    assert_eq!(icon_of(vec![Some(200), Some(30), Some(-1)], true), Icon::Expired);
    assert_eq!(icon_of(vec![], false), Icon::Unknown);
}

/// The first two lines of what is shown: tooltip and headline.
fn first_lines(state: &State) -> String {
    let view = view(state, &now());
    let first = outline(&view.menu[..1]);
    format!("{}\n{}", view.tooltip.trim_start_matches("VisualCron Tray Client: "), first.trim_end())
}

#[test]
fn what_can_still_be_done_something_about_is_named_first() {
    let long_gone = || entry("OLD-01", Some(Kind::Perpetual), Some(-877));
    let with = |more: Vec<Entry>| first_lines(&state([vec![long_gone()], more].concat()));
    insta::assert_snapshot!(with(vec![]), @"
    1 server. OLD-01: Maintenance expired 877 days ago (2024-06-30)
    (OLD-01: Maintenance expired 877 days ago (2024-06-30))
    ");
    insta::assert_snapshot!(with(vec![entry("PROD-01", None, Some(12)), entry("PROD-02", None, Some(400))]), @"
    1 expired, 1 expiring, 1 active. PROD-01: Maintenance expires in 12 days (2026-12-06)
    (1 expired, 1 expiring, 1 active)
    ");
    insta::assert_snapshot!(with(vec![entry("TEST-01", None, Some(-180)), entry("PROD-01", None, Some(12))]), @"
    2 expired, 1 expiring. TEST-01: Maintenance expired 180 days ago (2026-05-28)
    (2 expired, 1 expiring)
    ");
    insta::assert_snapshot!(with(vec![entry("PROD-02", None, Some(400)), entry("NEW-01", None, None)]), @"
    1 expired, 1 active, 1 unknown. OLD-01: Maintenance expired 877 days ago (2024-06-30)
    (1 expired, 1 active, 1 unknown)
    ");
    // The window is the settings' own.
    let mut state = state(vec![long_gone(), entry("PROD-01", None, Some(12))]);
    state.settings.notices.renewal_window_days = 1000;
    assert!(first_lines(&state).contains("OLD-01"));
}

#[test]
fn many_servers_are_counted() {
    let days = |count: i64, first: i64| (0..count).map(move |n| (first, n));
    let all = days(3, -100).chain(days(2, 10)).chain(days(295, 200)).enumerate();
    let state =
        state(all.map(|(n, (first, more))| entry(&format!("S{n}"), None, Some(first + more))).collect());
    insta::assert_snapshot!(first_lines(&state), @"
    3 expired, 2 expiring, 295 active. S0: Maintenance expired 100 days ago (2026-08-16)
    (3 expired, 2 expiring, 295 active)
    ");
}

#[test]
fn an_ignored_server_counts_for_nothing_and_is_listed() {
    let ignored = |name: &str, days| Entry { ignored: true, ..entry(name, None, days) };
    let mut old = ignored("OLD-01", Some(-877));
    old.installed_version = Some(Version::new(13, 2, 2));
    let mut state = state(vec![old, ignored("NEW-01", None), entry("PROD-01", None, Some(400))]);
    state.settings.connection.check = crate::store::settings::Check::All;
    let key = state.find("OLD-01").unwrap().key.clone();
    state.links.insert(key, Link::Off("connection refused".into()));
    update(&mut state, crate::app::Event::Woke, &now());
    let view = view(&state, &now());
    assert_eq!(view.icon, Icon::Fine);
    assert_eq!(
        view.tooltip,
        "VisualCron Tray Client: 1 server. PROD-01: Maintenance expires in 400 days (2027-12-29)"
    );
    let menu = outline(&view.menu);
    assert!(!menu.contains("OLD-01") && menu.contains("More… (2)\n"), "{menu}");
    assert_eq!(state.open_notices(now().date()), []);
    let targets: Vec<String> = state.link_targets().into_iter().map(|(_, host, _)| host).collect();
    assert_eq!(targets, ["prod-01"]);
    let names: Vec<&str> = state.servers.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["PROD-01", "OLD-01", "NEW-01"]);
    // Nothing is watched any more: that is not fine.
    state.servers.remove(0);
    assert_eq!(icon(&state, &now()), Icon::Unknown);
    insta::assert_snapshot!(first_lines(&state), @"
    All 2 known servers are ignored
    (All 2 known servers are ignored)
    ");
}

#[test]
fn an_installed_version_that_is_not_covered_shows_as_failed() {
    let mut server = entry("PROD-01", None, Some(10));
    server.installed_version = Some(Version::new(13, 2, 2));
    server.maintenance_until = Some(jiff::civil::date(2026, 1, 1));
    assert_eq!(icon(&state(vec![server]), &now()), Icon::Expired);
}

proptest! {
    /// Whatever a server is called, the tooltip fits and lines stay narrow.
    #[test]
    fn texts_fit(name in "\\PC{1,300}", days in -500i64..500) {
        let state = state(vec![entry(&name, None, Some(days))]);
        let view = view(&state, &now());
        prop_assert!(view.tooltip.encode_utf16().count() <= words::TOOLTIP_UNITS);
        prop_assert!(view.tooltip.starts_with("VisualCron Tray Client: 1 server. "));
        for line in outline(&view.menu).lines() {
            prop_assert!(line.trim_start().encode_utf16().count() <= LINE_UNITS + 2, "{}", line);
        }
    }
}
