//! Proves the harness on the least tray, so that a failing test of the product speaks of the product.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::{Bus, Calls, Home, Running, TIMEOUT, example};

fn start(home: &Home, bus: &Bus) -> Running {
    let mut command = home.command_of(example("bare_tray"));
    command.env("DBUS_SESSION_BUS_ADDRESS", bus.address());
    home.spawn_command(command)
}

#[test]
fn shows_icon_menu_and_tooltip_and_ends_on_exit() {
    let (bus, home) = (Bus::start(), Home::new());
    let watcher = bus.watcher();
    let mut tray = start(&home, &bus);
    let item = watcher.wait_for_item(TIMEOUT);

    assert_eq!(item.menu().to_string(), "Client\nServer (disabled)\nExit\n");
    assert_eq!(item.tooltip(), "Nothing but an icon and three menu items");
    assert_eq!(item.title(), "Bare tray");
    let icon = item.icon();
    assert_eq!((icon.width, icon.height, icon.centre()), (32, 32, [0xff, 0x00, 0xb0, 0x50]));

    item.click(&["Exit"]);
    assert!(tray.wait_for_exit(TIMEOUT).success());
    item.wait_until_gone(TIMEOUT);
    assert_eq!(watcher.item_count(), 0);
}

#[test]
fn clicks_arrive_and_cost_the_panel_nothing() {
    let (bus, home) = (Bus::start(), Home::new());
    let watcher = bus.watcher();
    let tray = start(&home, &bus);
    let item = watcher.wait_for_item(TIMEOUT);

    item.click(&["Client"]);
    tray.wait_for_stderr("clicked client", TIMEOUT);
    item.activate();
    tray.wait_for_stderr("left click", TIMEOUT);
    assert_eq!(item.calls(), Calls::default());
}

#[test]
fn a_panel_that_comes_later_or_restarts_gets_the_icon() {
    let (bus, home) = (Bus::start(), Home::new());
    let mut tray = start(&home, &bus);
    bus.wait_until_tray_looks_for_panel(tray.id());
    for _ in 0..3 {
        assert!(!bus.has_owner("org.kde.StatusNotifierWatcher"));
        let watcher = bus.watcher();
        assert_eq!(watcher.wait_for_item(TIMEOUT).title(), "Bare tray");
        assert_eq!(watcher.item_count(), 1);
    }
    assert!(tray.is_running());
}

#[test]
fn without_a_session_bus_it_ends_with_an_error() {
    let home = Home::new();
    let mut tray = home.spawn_command(home.command_of(example("bare_tray")));
    assert!(!tray.wait_for_exit(TIMEOUT).success());
    assert!(tray.stderr().contains("Error"), "{}", tray.stderr());
}

/// Set for the two programs below, which are this test binary once more: tray-icon and notify-rust take their
/// bus from the environment, so that each needs a process of its own.
const ROLE: &str = "BARE_TRAY_TEST_ROLE";

fn start_role(role: &str, home: &Home, bus: &Bus) -> Running {
    let mut command = home.command_of(std::env::current_exe().unwrap());
    command
        .args(["--exact", role, "--nocapture"])
        .env(ROLE, role)
        .env("DBUS_SESSION_BUS_ADDRESS", bus.address());
    home.spawn_command(command)
}

fn has_role(role: &str) -> bool {
    std::env::var(ROLE).is_ok_and(|given| given == role)
}

/// Changes its label and its tooltip with each click on "Change", and sets the same again on "Repeat".
#[test]
fn tray_that_changes() {
    if !has_role("tray_that_changes") {
        return;
    }
    let count = muda::MenuItem::with_id("count", "0 of A_B && C", true, None);
    let change = muda::MenuItem::with_id("change", "Ch&ange", true, None);
    let repeat = muda::MenuItem::with_id("repeat", "&Repeat", true, None);
    let separator = muda::PredefinedMenuItem::separator();
    let check = muda::CheckMenuItem::new("Check", true, true, None);
    let below = muda::Submenu::with_items("More", true, &[&repeat, &separator, &check]).unwrap();
    let menu = muda::Menu::with_items(&[&count, &change, &separator, &below]).unwrap();
    let (sender, clicks) = std::sync::mpsc::channel();
    muda::MenuEvent::set_event_handler(Some(move |event: muda::MenuEvent| sender.send(event.id).unwrap()));
    let tray = tray_icon::TrayIconBuilder::new().with_menu(Box::new(menu)).build().unwrap();
    let mut changes = 0;
    for id in clicks {
        changes += usize::from(id == "change");
        count.set_text(format!("{changes} of A_B && C"));
        tray.set_tooltip(Some(format!("{changes}"))).unwrap();
        eprintln!("done {}", id.0);
    }
}

#[test]
fn a_changed_menu_is_told_and_an_unchanged_one_is_not() {
    let (bus, home) = (Bus::start(), Home::new());
    let watcher = bus.watcher();
    let program = start_role("tray_that_changes", &home, &bus);
    let item = watcher.wait_for_item(TIMEOUT);
    let menu = item.menu();
    assert_eq!(menu.to_string(), "0 of A_B & C\nChange\n---\nMore\n  Repeat\n  ---\n  [x] Check\n",);
    assert_eq!(menu.labels(), ["0 of A_B & C", "Change", "More"]);

    item.click(&["Change"]);
    program.wait_for_stderr("done change", TIMEOUT);
    let told = item.calls();
    assert_eq!(told, Calls { layout_updated: 0, items_properties_updated: 1, other: 1 });
    item.wait_for_menu(TIMEOUT, |menu| menu.find(&["1 of A_B & C"]).is_some());
    item.wait_for_tooltip(TIMEOUT, |tooltip| tooltip == "1");

    item.click(&["More", "Repeat"]);
    program.wait_for_stderr("done repeat", TIMEOUT);
    assert_eq!(item.calls(), told);
}

/// Shows one notification and says what became of it.
#[test]
fn program_that_notifies() {
    if !has_role("program_that_notifies") {
        return;
    }
    println!("capabilities {:?}", notify_rust::get_capabilities());
    let handle = notify_rust::Notification::new()
        .appname("bare")
        .summary("Maintenance ends soon")
        .body("in <b>30</b> days")
        .action("renew", "Renew…")
        .show()
        .expect("a notification server");
    let say = |response: &notify_rust::NotificationResponse| println!("got {response:?}");
    handle.wait_for_response(say).unwrap();
}

#[test]
fn a_notification_arrives_and_its_button_is_heard() {
    let (bus, home) = (Bus::start(), Home::new());
    let notifications = bus.notifications(&["actions", "body", "body-markup"]);
    let mut program = start_role("program_that_notifies", &home, &bus);

    let bubble = notifications.wait_for_next(TIMEOUT);
    assert_eq!((bubble.app_name.as_str(), bubble.summary.as_str()), ("bare", "Maintenance ends soon"));
    assert_eq!(bubble.body, "in <b>30</b> days");
    assert_eq!(bubble.actions, [("renew".to_owned(), "Renew…".to_owned())]);
    notifications.invoke(bubble.id, "renew");

    assert!(program.wait_for_exit(TIMEOUT).success());
    let said = program.stdout();
    assert!(said.contains(r#"["actions", "body", "body-markup"]"#), "{said}");
    assert!(said.contains(r#"got Action("renew")"#), "{said}");
}

#[test]
fn a_notification_that_the_user_dismisses_says_so() {
    let (bus, home) = (Bus::start(), Home::new());
    let notifications = bus.notifications(&[]);
    let mut program = start_role("program_that_notifies", &home, &bus);

    let bubble = notifications.wait_for_next(TIMEOUT);
    notifications.close(bubble.id, 2);

    assert!(program.wait_for_exit(TIMEOUT).success());
    assert!(program.stdout().contains("got Closed(Dismissed)"), "{}", program.stdout());
}

#[test]
fn without_a_notification_server_none_is_started() {
    let (bus, home) = (Bus::start(), Home::new());
    let mut program = start_role("program_that_notifies", &home, &bus);
    assert!(!program.wait_for_exit(TIMEOUT).success());
    assert!(program.stderr().contains("ServiceUnknown"), "{}", program.stderr());
}
