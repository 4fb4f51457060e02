//! The tray on a private session bus: the real program, its menu read and clicked through D-Bus, its
//! notifications received and answered.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, net::TcpListener, time::Duration};
use support::{Bus, Home, Running, TIMEOUT, wait_for};

/// The moment that all tests pretend: noon in Berlin.
const NOW: &str = "2026-11-24";

fn server(name: &str, address: &str, port: u16, until: &str) -> String {
    format!(
        "<Connection><Name>{name}</Name><Address>{address}</Address><Port>{port}</Port>\
         <MaintenanceExpires>{until}</MaintenanceExpires></Connection>"
    )
}

fn servers_xml(servers: &[String]) -> String {
    format!("<ArrayOfConnection>{}</ArrayOfConnection>", servers.concat())
}

/// A home with a VisualCron folder, and settings that ask nobody.
fn home(servers: &[String]) -> Home {
    let home = Home::new();
    home.write(".local/share/VisualCron/settings/servers.xml", servers_xml(servers));
    fs::create_dir_all(home.join(".local/share/VisualCron/log")).unwrap();
    home.write(
        ".config/visualcron-tray/settings.toml",
        "[license_host]\ncheck_on_refresh = false\n[connection]\ncheck = \"off\"\n",
    );
    home
}

fn data(home: &Home) -> String {
    home.join("data").display().to_string()
}

fn start(home: &Home, bus: &Bus, now: &str) -> Running {
    home.spawn(bus, &["--now", now, "--data-dir", &data(home)])
}

#[test]
fn the_icon_the_menu_and_the_tooltip_say_what_is_known() {
    let (bus, home) = (Bus::start(), home(&[server("PROD-01", "prod-01", 16444, "2027-06-12")]));
    let watcher = bus.watcher();
    let mut tray = start(&home, &bus, NOW);
    let item = watcher.wait_for_item(TIMEOUT);
    let tooltip = item.wait_for_tooltip(TIMEOUT, |text| text.contains("PROD-01"));
    assert_eq!(tooltip, "1 server. PROD-01: Maintenance expires in 200 days (2027-06-12)");
    assert_eq!(item.title(), "VisualCron Tray Client", "panels show it above the tooltip");
    let menu = item.menu().to_string();
    insta::with_settings!({filters => vec![(r"read \S+ \S+ \(.*\)", "read [time]"), (r"/\S*/VisualCron", "[VisualCron]")]}, {
        insta::assert_snapshot!(menu, @"
        PROD-01: Maintenance expires in 200 days (2027-06-12) (disabled)
        ---
        PROD-01: Maintenance expires in 200 days (2027-06-12)
          Refresh license data
          Renew…
          Copy server id (not known) (disabled)
          ---
          Date from servers.xml, read [time]
          Newest covered version: 13.2.2 (2026-05-16) (disabled)
        ---
        Refresh license data
        Manual validation…
        Check connection…
        Clear server cache…
        ---
        Settings
        Client
          Start (the Client is a Windows program) (disabled)
          Open log folder
          Open settings folder
        Server
          Connection not checked: PROD-01 (prod-01, port 16444) (disabled)
          ---
          Open log folder (no server on this machine) (disabled)
          Open settings folder (no server on this machine) (disabled)
        ---
        [ ] Start Tray Client on startup
        About
        Exit
        ");
    });
    item.click(&["Exit"]);
    assert!(tray.wait_for_exit(TIMEOUT).success());
    item.wait_until_gone(TIMEOUT);
}

#[test]
fn an_unchanged_menu_causes_no_call_and_a_changed_file_shows() {
    let (bus, home) = (Bus::start(), home(&[server("PROD-01", "prod-01", 16444, "2027-06-12")]));
    let (watcher, notifications) = (bus.watcher(), bus.notifications(&["actions"]));
    let _tray = start(&home, &bus, NOW);
    let item = watcher.wait_for_item(TIMEOUT);
    item.wait_for_menu(TIMEOUT, |menu| menu.to_string().contains("PROD-01"));
    // The icon, the tooltip and the menu are told one after the other: until no more is told.
    let quiet = Duration::from_millis(300);
    let calls = wait_for("quiet", TIMEOUT, || {
        let before = item.calls();
        std::thread::sleep(quiet);
        (item.calls() == before).then_some(before)
    });
    let path = ".local/share/VisualCron/settings/servers.xml";
    let written = fs::metadata(home.join(path)).unwrap().modified().unwrap();
    let status = || String::from_utf8(home.run(&["--data-dir", &data(&home), "status"]).stdout).unwrap();
    // The same content written again, and a status that makes the tray read it.
    home.write(path, servers_xml(&[server("PROD-01", "prod-01", 16444, "2027-06-12")]));
    // The menu says in which minute the file was written.
    fs::File::options().write(true).open(home.join(path)).unwrap().set_modified(written).unwrap();
    assert!(status().contains("PROD-01"));
    std::thread::sleep(quiet);
    assert_eq!(item.calls(), calls);
    // A renewed date, written as editors and services do it: a new file moved in its place.
    let new = home.write(
        ".local/share/VisualCron/settings/new",
        servers_xml(&[server("PROD-01", "prod-01", 16444, "2028-06-12")]),
    );
    fs::rename(new, home.join(path)).unwrap();
    item.wait_for_tooltip(TIMEOUT, |text| text.contains("2028-06-12"));
    item.wait_for_menu(TIMEOUT, |menu| menu.to_string().contains("2028-06-12"));
    assert_eq!(notifications.wait_for_next(TIMEOUT).summary, "A renewed date has arrived");
    // A broken file leaves what was known, and says what is wrong with it.
    home.write(path, "<ArrayOfConnection><Connection><Name>PROD");
    let menu = item.wait_for_menu(TIMEOUT, |menu| menu.to_string().contains("1 problem…"));
    assert!(menu.to_string().contains("2028-06-12"));
    // And gone is the problem with the file mended.
    home.write(path, servers_xml(&[server("PROD-01", "prod-01", 16444, "2028-06-12")]));
    item.wait_for_menu(TIMEOUT, |menu| !menu.to_string().contains("problem"));
}

#[test]
fn a_notice_is_shown_answered_and_not_repeated() {
    let (bus, home) = (Bus::start(), home(&[server("PROD-01", "prod-01", 16444, "2026-12-06")]));
    let watcher = bus.watcher();
    let notifications = bus.notifications(&["actions", "body-markup"]);
    let opened = home.stand_in("xdg-open");
    let mut tray = start(&home, &bus, NOW);
    let bubble = notifications.wait_for_next(TIMEOUT);
    assert_eq!(bubble.summary, "PROD-01: Maintenance expires in 12 days");
    assert!(bubble.body.starts_with("Maintenance until 2026-12-06. "), "{}", bubble.body);
    assert_eq!(bubble.buttons(), ["Renew…", "Remind me tomorrow", "Details"]);
    let default = bubble.actions.iter().find(|(key, _)| key == "default").unwrap();
    assert_eq!(default.1, "", "a click on the bubble: with a name, some desktops make a fourth button of it");
    assert_eq!(bubble.expire_timeout, 0, "it stays until answered");
    assert!(fs::metadata(&bubble.icon).unwrap().is_file());

    let item = watcher.wait_for_item(TIMEOUT);
    let in_menu = |menu: &support::MenuTree| menu.to_string().contains("Maintenance notice: PROD-01…");
    item.wait_for_menu(TIMEOUT, in_menu);
    notifications.invoke(bubble.id, "renew");
    let urls = wait_for("the order page", TIMEOUT, || {
        fs::read_to_string(&opened).ok().filter(|t| t.ends_with('\n'))
    });
    assert_eq!(urls, "https://admin.visualcron.com/mylicenses.aspx\n");
    // It waits for an answer still; a restart does not repeat it.
    item.click(&["Exit"]);
    assert!(tray.wait_for_exit(TIMEOUT).success());
    let mut tray = start(&home, &bus, NOW);
    let item = watcher.wait_for_item(TIMEOUT);
    item.wait_for_menu(TIMEOUT, in_menu);
    assert!(notifications.take_all().is_empty());
    // "Remind me tomorrow": gone today, even after a crash, and there again tomorrow.
    item.click(&["Maintenance notice: PROD-01…", "Remind me tomorrow"]);
    item.wait_for_menu(TIMEOUT, |menu| !in_menu(menu));
    tray.kill();
    let mut tray = start(&home, &bus, "2026-11-24T23:30");
    watcher.wait_for_item(TIMEOUT).wait_for_tooltip(TIMEOUT, |text| text.contains("PROD-01"));
    assert!(notifications.take_all().is_empty());
    tray.kill();
    let mut tray = start(&home, &bus, "2026-11-25T09:00");
    let bubble = notifications.wait_for_next(TIMEOUT);
    assert_eq!(bubble.summary, "PROD-01: Maintenance expires in 11 days");
    // "Got it" holds until the next band.
    let item = watcher.wait_for_item(TIMEOUT);
    item.click(&["Maintenance notice: PROD-01…", "Got it"]);
    item.wait_for_menu(TIMEOUT, |menu| !in_menu(menu));
    tray.kill();
    let mut tray = start(&home, &bus, "2026-11-28");
    watcher.wait_for_item(TIMEOUT).wait_for_tooltip(TIMEOUT, |text| text.contains("in 8 days"));
    assert!(notifications.take_all().is_empty());
    tray.kill();
    let _tray = start(&home, &bus, "2026-11-29");
    assert_eq!(notifications.wait_for_next(TIMEOUT).summary, "PROD-01: Maintenance expires in 7 days");
}

#[test]
fn the_day_changes_under_a_running_tray() {
    let (bus, home) = (Bus::start(), home(&[server("PROD-01", "prod-01", 16444, "2026-12-06")]));
    let (watcher, notifications) = (bus.watcher(), bus.notifications(&["actions"]));
    let _tray = start(&home, &bus, "2026-12-05T23:59:57");
    assert_eq!(notifications.wait_for_next(TIMEOUT).summary, "PROD-01: Maintenance expires tomorrow");
    let item = watcher.wait_for_item(TIMEOUT);
    item.wait_for_tooltip(TIMEOUT, |text| text.contains("expires today"));
    assert_eq!(notifications.wait_for_next(TIMEOUT).summary, "PROD-01: Maintenance expires today");
}

#[test]
fn a_server_without_actions_gets_a_text_that_does_not_need_them() {
    let many = (1..=7).map(|n| server(&format!("S&lt;{n}&gt;"), &format!("s{n}"), 16444, "2026-12-06"));
    let (bus, home) = (Bus::start(), home(&many.collect::<Vec<_>>()));
    let (_watcher, notifications) = (bus.watcher(), bus.notifications(&["body-markup"]));
    let _tray = start(&home, &bus, NOW);
    let bubble = notifications.wait_for_next(TIMEOUT);
    assert_eq!(bubble.summary, "7 licenses expire soon");
    assert!(bubble.actions.is_empty());
    assert!(bubble.body.starts_with("S&lt;1&gt;: Maintenance expires in 12 days"), "{}", bubble.body);
    assert!(bubble.body.ends_with("and 2 more\nRight-click the tray icon to answer."), "{}", bubble.body);
    assert!(notifications.take_all().is_empty(), "one summary for all");
}

#[test]
fn folders_open_and_a_click_starts_the_client() {
    let (bus, home) = (Bus::start(), home(&[]));
    let opened = home.stand_in("xdg-open");
    let client = home.stand_in("VisualCronClient");
    let path = home.join("bin/VisualCronClient").display().to_string();
    assert!(home.run(&["settings", "set", "visualcron.client_program", &path]).status.success());
    let (watcher, notifications) = (bus.watcher(), bus.notifications(&["actions"]));
    let _tray = start(&home, &bus, NOW);
    let item = watcher.wait_for_item(TIMEOUT);
    item.wait_for_tooltip(TIMEOUT, |text| text.contains("no servers known"));
    item.click(&["Client", "Open log folder"]);
    let log = |file: &std::path::Path| fs::read_to_string(file).unwrap_or_default();
    let folder = |name: &str| format!("{}\n", home.join(".local/share/VisualCron").join(name).display());
    wait_for("the log folder", TIMEOUT, || (log(&opened) == folder("log")).then_some(()));
    item.click(&["Client", "Open settings folder"]);
    wait_for("the settings folder", TIMEOUT, || {
        (log(&opened) == folder("log") + &folder("settings")).then_some(())
    });
    item.activate();
    wait_for("the Client", TIMEOUT, || (log(&client) == "\n").then_some(()));
    item.click(&["Client", "Start"]);
    wait_for("the Client again", TIMEOUT, || (log(&client) == "\n\n").then_some(()));
    item.click(&["Settings"]);
    let settings = home.join(".config/visualcron-tray/settings.toml").display().to_string();
    wait_for("the settings", TIMEOUT, || log(&opened).ends_with(&format!("{settings}\n")).then_some(()));
    // There is no such display.
    item.click(&["Clear server cache…"]);
    let bubble = notifications.wait_for_next(TIMEOUT);
    assert_eq!(bubble.summary, "No window can be shown");
    assert!(bubble.body.ends_with("Use the command line: visualcron-tray recover."), "{}", bubble.body);
    assert!(home.join(".local/share/VisualCron/settings/servers.xml").exists());
}

#[test]
fn without_a_display_the_command_line_is_named() {
    let (bus, home) = (Bus::start(), home(&[]));
    let (watcher, notifications) = (bus.watcher(), bus.notifications(&["actions"]));
    let _tray = start(&home, &bus, NOW);
    let item = watcher.wait_for_item(TIMEOUT);
    // Its first look makes lines of the menu anew: a click on one that goes is lost.
    item.wait_for_tooltip(TIMEOUT, |text| text.contains("no servers known"));
    for (title, command) in [
        ("Clear server cache…", "recover"),
        ("Manual validation…", "validate export"),
        ("Check connection…", "diagnose"),
    ] {
        item.click(&[title]);
        let bubble = notifications.wait_for_next(TIMEOUT);
        assert_eq!(bubble.summary, "No window can be shown");
        let said = format!("it has no display. Use the command line: visualcron-tray {command}.");
        assert!(bubble.body.ends_with(&said), "{}", bubble.body);
    }
}

#[test]
fn refresh_reads_everything_and_says_so() {
    let (bus, home) = (Bus::start(), home(&[server("PROD-01", "prod-01", 16444, "2027-06-12")]));
    let (watcher, notifications) = (bus.watcher(), bus.notifications(&["actions"]));
    let _tray = start(&home, &bus, NOW);
    let item = watcher.wait_for_item(TIMEOUT);
    item.wait_for_tooltip(TIMEOUT, |text| text.contains("PROD-01"));
    item.click(&["Refresh license data"]);
    let bubble = notifications.wait_for_next(TIMEOUT);
    assert_eq!(bubble.summary, "1 server read again, no date has changed");
    // Asked for by a command, it answers there.
    let out = home.run(&["--data-dir", &data(&home), "refresh"]);
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        "1 server read again, no date has changed\nPROD-01: still 2027-06-12, by servers.xml\n"
    );
    assert_eq!(out.status.code(), Some(0));
    assert!(notifications.take_all().is_empty());
}

#[test]
fn the_connection_is_shown_and_a_port_that_closes_is_noticed() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = port.local_addr().unwrap().port();
    let (bus, home) = (Bus::start(), home(&[server("PROD-01", "127.0.0.1", number, "2027-06-12")]));
    for (key, value) in
        [("connection.check", "main"), ("connection.every_seconds", "10"), ("notices.connection", "true")]
    {
        assert!(home.run(&["settings", "set", key, value]).status.success(), "{key}");
    }
    let (watcher, notifications) = (bus.watcher(), bus.notifications(&["actions"]));
    let _tray = start(&home, &bus, NOW);
    let item = watcher.wait_for_item(TIMEOUT);
    let fine = format!("Connected: PROD-01 (127.0.0.1, port {number})");
    item.wait_for_menu(TIMEOUT, |menu| menu.to_string().contains(&fine));
    let icon = item.icon();
    drop(port);
    assert_eq!(notifications.wait_for_next(TIMEOUT).summary, "Not connected to PROD-01");
    item.wait_for_menu(TIMEOUT, |menu| menu.to_string().contains("connection refused"));
    item.wait_for_tooltip(TIMEOUT, |text| text.contains("Not connected to PROD-01: connection refused"));
    wait_for("the red cross", TIMEOUT, || (item.icon().argb != icon.argb).then_some(()));
}

#[test]
fn a_second_start_shows_the_first_and_ends_well() {
    let (bus, home) = (Bus::start(), home(&[]));
    let (watcher, notifications) = (bus.watcher(), bus.notifications(&["actions"]));
    let mut tray = start(&home, &bus, NOW);
    watcher.wait_for_item(TIMEOUT);
    let mut second = start(&home, &bus, NOW);
    assert!(second.wait_for_exit(TIMEOUT).success());
    assert!(second.stderr().contains("already running"), "{}", second.stderr());
    assert_eq!(notifications.wait_for_next(TIMEOUT).summary, "The tray is already running");
    assert_eq!(watcher.item_count(), 1);
    // A crash leaves nothing that would block the next start.
    tray.kill();
    let mut third = start(&home, &bus, NOW);
    let item = watcher.wait_for_item(TIMEOUT);
    let out = home.run(&["--data-dir", &data(&home), "exit"]);
    assert_eq!(String::from_utf8_lossy(&out.stderr), "The tray has ended.\n");
    assert!(third.wait_for_exit(TIMEOUT).success());
    item.wait_until_gone(TIMEOUT);
}

#[test]
fn a_bad_settings_file_never_stops_the_tray() {
    let (bus, home) = (Bus::start(), home(&[server("PROD-01", "prod-01", 16444, "2026-12-06")]));
    let (watcher, notifications) = (bus.watcher(), bus.notifications(&["actions"]));
    let _tray = start(&home, &bus, NOW);
    notifications.wait_for_next(TIMEOUT);
    let item = watcher.wait_for_item(TIMEOUT);
    home.write(".config/visualcron-tray/settings.toml", "[notices]\nexpiring_day = 10\n");
    item.wait_for_menu(TIMEOUT, |menu| menu.to_string().contains("1 problem…"));
    let out = home.run(&["--data-dir", &data(&home), "settings", "show"]);
    assert_eq!(out.status.code(), Some(78));
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.contains("line 2") && said.contains("expiring_days"), "{said}");
    home.write(
        ".config/visualcron-tray/settings.toml",
        "[notices]\nexpiring_days = 10\n[connection]\ncheck = \"off\"\n",
    );
    item.wait_for_menu(TIMEOUT, |menu| !menu.to_string().contains("problem"));
}

#[test]
fn without_a_panel_it_says_so_once_and_shows_itself_when_one_comes() {
    let (bus, home) = (Bus::start(), home(&[]));
    let notifications = bus.notifications(&["actions"]);
    let tray = start(&home, &bus, NOW);
    let bubble = notifications.wait_for_next(Duration::from_secs(30));
    assert_eq!(bubble.summary, "The tray icon cannot be seen");
    assert!(bubble.body.contains("AppIndicator"), "{}", bubble.body);
    tray.wait_for_stderr("no panel here shows tray icons", TIMEOUT);
    let watcher = bus.watcher();
    let item = watcher.wait_for_item(TIMEOUT);
    item.wait_for_menu(TIMEOUT, |menu| !menu.to_string().contains("problem"));
    assert!(notifications.take_all().is_empty());
}

#[test]
fn a_panel_that_missed_the_icon_is_told_of_it() {
    let (bus, home) = (Bus::start(), home(&[]));
    let (watcher, notifications) = (bus.watcher(), bus.notifications(&["actions"]));
    let mut tray = start(&home, &bus, NOW);
    watcher.wait_for_item(TIMEOUT);
    watcher.forget_items();
    let item = watcher.wait_for_item(Duration::from_secs(30));
    assert!(notifications.take_all().is_empty(), "there is a panel");
    item.click(&["Exit"]);
    assert!(tray.wait_for_exit(TIMEOUT).success());
}

#[test]
fn without_a_notification_server_it_says_so_and_the_menu_has_the_notice() {
    let (bus, home) = (Bus::start(), home(&[server("PROD-01", "prod-01", 16444, "2026-12-06")]));
    let watcher = bus.watcher();
    let tray = start(&home, &bus, NOW);
    let item = watcher.wait_for_item(TIMEOUT);
    item.wait_for_menu(TIMEOUT, |menu| menu.to_string().contains("Maintenance notice: PROD-01…"));
    tray.wait_for_stderr("no notification server runs on this desktop", TIMEOUT);
    item.wait_for_menu(TIMEOUT, |menu| menu.to_string().contains("1 problem…"));
}

#[test]
fn without_a_session_bus_it_works_headless() {
    let home = home(&[server("PROD-01", "prod-01", 16444, "2026-12-06")]);
    let mut command = home.command();
    command.args(["--data-dir", &data(&home), "--now", NOW]);
    let mut tray = home.spawn_command(command);
    tray.wait_for_stderr("The tray icon cannot be shown: this session: there is no D-Bus session.", TIMEOUT);
    tray.wait_for_stderr(
        "there is no D-Bus session. Start the tray from a desktop session. Notices",
        TIMEOUT,
    );
    let out = home.run(&["--data-dir", &data(&home), "status"]);
    assert!(String::from_utf8_lossy(&out.stdout).contains("PROD-01"));
    home.run(&["--data-dir", &data(&home), "exit"]);
    assert!(tray.wait_for_exit(TIMEOUT).success());
}

#[test]
fn the_demo_shows_its_world_and_leaves_nothing() {
    let (bus, home) = (Bus::start(), Home::new());
    let (watcher, notifications) = (bus.watcher(), bus.notifications(&["actions"]));
    let opened = home.stand_in("xdg-open");
    let mut command = home.command();
    let temporary = home.join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    command.arg("demo").env("DBUS_SESSION_BUS_ADDRESS", bus.address()).env("TMPDIR", &temporary);
    let mut demo = home.spawn_command(command);
    assert_eq!(notifications.wait_for_next(TIMEOUT).summary, "3 licenses need renewal, 2 of them expired");
    let item = watcher.wait_for_item(TIMEOUT);
    let menu =
        item.wait_for_menu(TIMEOUT, |menu| menu.to_string().contains("Connected: PROD-01")).to_string();
    for line in [
        "TEST-01: Maintenance expired 40 days ago",
        "PROD-01: Subscription expires in 25 days",
        "BRANCH-07: Maintenance date unknown",
        "Version 12.1.4: not covered by Maintenance",
    ] {
        assert!(menu.contains(line), "{line}\n{menu}");
    }
    item.activate();
    assert_eq!(notifications.wait_for_next(TIMEOUT).summary, "The stand-in Client has started");
    item.click(&["Server", "Open log folder"]);
    wait_for("the folder", TIMEOUT, || {
        fs::read_to_string(&opened).ok().filter(|t| t.trim_end().ends_with("server/log"))
    });
    item.click(&["Exit"]);
    assert!(demo.wait_for_exit(TIMEOUT).success());
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn a_signal_ends_it_cleanly() {
    let (bus, home) = (Bus::start(), Home::new());
    let watcher = bus.watcher();
    let temporary = home.join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let mut command = home.command();
    command.arg("demo").env("DBUS_SESSION_BUS_ADDRESS", bus.address()).env("TMPDIR", &temporary);
    let mut demo = home.spawn_command(command);
    watcher.wait_for_item(TIMEOUT);
    std::process::Command::new("kill").arg(demo.id().to_string()).status().unwrap();
    assert!(demo.wait_for_exit(TIMEOUT).success());
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn a_command_at_work_only_delays_the_start() {
    let (bus, home) = (Bus::start(), home(&[]));
    let watcher = bus.watcher();
    fs::create_dir_all(home.join("data")).unwrap();
    let lock = fs::File::create(home.join("data/tray.lock")).unwrap();
    lock.lock().unwrap();
    let mut tray = start(&home, &bus, NOW);
    std::thread::sleep(Duration::from_millis(400));
    assert!(tray.is_running());
    assert_eq!(watcher.item_count(), 0);
    drop(lock);
    watcher.wait_for_item(TIMEOUT);
}

/// What a command gives with the running tray it gives without one, its exit code included.
#[test]
fn a_tray_changes_no_exit_code() {
    let past = servers_xml(&[server("A", "a", 16444, "2026-01-31")]);
    for (settings, servers, state, args) in [
        ("", "<a/>", "", &["refresh"][..]),
        ("[notices]\nexpiring_days = many\n", "<a/>", "", &["refresh"]),
        ("", "<ArrayOfConnection><Connection><Na", "", &["refresh"]),
        ("", "<a/>", "", &["refresh", "NOBODY"]),
        ("", "<a/>", r#"{"schema":2}"#, &["refresh", "--forget"]),
        ("", "<a/>", r#"{"schema":2}"#, &["refresh"]),
        ("", &past, r#"{"schema":2}"#, &["status", "--check"]),
        ("", &past, "broken", &["status", "--check"]),
        ("", &past, "broken", &["refresh"]),
        ("", &past, r#"{"schema":2}"#, &["notices", "--got-it"]),
        ("", "<a/>", "", &["notices", "--got-it"]),
    ] {
        let (bus, home) = (Bus::start(), home(&[]));
        let watcher = bus.watcher();
        home.write(
            ".config/visualcron-tray/settings.toml",
            format!("license_host.check_on_refresh = false\nconnection.check = \"off\"\n{settings}"),
        );
        home.write(".local/share/VisualCron/settings/servers.xml", servers);
        if !state.is_empty() {
            home.write(".local/share/visualcron-tray/state.json", state);
        }
        let alone = home.run(args);
        let _tray = home.spawn(&bus, &["tray"]);
        watcher.wait_for_item(TIMEOUT);
        let asked = home.run(args);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(asked.status.code(), alone.status.code(), "{args:?} {state} {}", text(&asked.stderr));
        // What was wrong with the state when it started the tray has said then.
        let alone = text(&alone.stderr);
        let alone = alone.lines().filter(|line| !line.starts_with("What was kept from earlier runs"));
        assert_eq!(
            text(&asked.stderr).lines().collect::<Vec<_>>(),
            alone.collect::<Vec<_>>(),
            "{args:?} {state}"
        );
    }
}

#[test]
fn a_replaced_settings_folder_is_watched_on() {
    let (bus, home) = (Bus::start(), home(&[server("A", "a", 16444, "2027-06-12")]));
    let watcher = bus.watcher();
    let _tray = start(&home, &bus, NOW);
    let item = watcher.wait_for_item(TIMEOUT);
    item.wait_for_tooltip(TIMEOUT, |text| text.contains("2027-06-12"));
    let folder = home.join(".local/share/VisualCron/settings");
    for (folder, year) in [(folder.clone(), 2028), (folder.parent().unwrap().to_path_buf(), 2029)] {
        fs::rename(&folder, folder.with_extension(year.to_string())).unwrap();
        let file = ".local/share/VisualCron/settings/servers.xml";
        for day in [12, 13] {
            home.write(file, servers_xml(&[server("A", "a", 16444, &format!("{year}-06-{day}"))]));
            item.wait_for_tooltip(TIMEOUT, |text| text.contains(&format!("{year}-06-{day}")));
        }
    }
}

#[test]
fn logind_tells_that_the_machine_wakes_up() {
    let (bus, system, home) = (Bus::start(), Bus::start(), home(&[]));
    let watcher = bus.watcher();
    let mut command = home.command();
    command.args(["--data-dir", &data(&home)]);
    command.env("DBUS_SESSION_BUS_ADDRESS", bus.address()).env("DBUS_SYSTEM_BUS_ADDRESS", system.address());
    let _tray = home.spawn_command(command);
    watcher.wait_for_item(TIMEOUT);
    let logind = zbus::blocking::connection::Builder::address(system.address()).unwrap();
    let logind = logind.name("org.freedesktop.login1").unwrap().build().unwrap();
    let says = |sleeps: bool| {
        let (path, manager) = ("/org/freedesktop/login1", "org.freedesktop.login1.Manager");
        logind.emit_signal(None::<&str>, path, manager, "PrepareForSleep", &sleeps).unwrap();
    };
    let resumed = || {
        fs::read_to_string(home.join("data/log/visualcron-tray.log"))
            .unwrap_or_default()
            .contains("machine.resumed")
    };
    says(true);
    assert!(!resumed());
    // It may not listen yet.
    wait_for("the tray to notice", TIMEOUT, || {
        says(false);
        resumed().then_some(())
    });
}
