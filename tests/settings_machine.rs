//! The machine's settings file: defaults for each user's file, and locks.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{fs, path::Path};
use support::Home;
use visualcron_tray::store::settings::*;

/// Machine's and user's file, loaded; then each key that is not at its default, the notes and the problems.
fn report(machine: &str, user: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (below, above) = (folder.path().join("machine.toml"), folder.path().join("settings.toml"));
    fs::write(&below, machine).unwrap();
    fs::write(&above, user).unwrap();
    let loaded = load_over(Some(&below), &above, &folder.path().join("good"), true);
    let mut report = String::new();
    for value in effective(&loaded) {
        if value.origin != ValueOrigin::Default {
            let shown = value.value.unwrap_or_else(|| "(none)".into());
            report += &format!("{} = {shown}  {:?}\n", value.key, value.origin);
        }
    }
    for (kind, problems) in [("note", &loaded.notes), ("problem", &loaded.problems)] {
        for problem in problems {
            report += &format!("{kind}: {problem}\n");
        }
    }
    report.replace(&format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR), "")
}

#[test]
fn the_machine_gives_defaults_and_the_user_has_the_last_word() {
    let machine = "[notices]\nexpiring_days = 45\nquiet_hours = \"20:00-07:00\"\n[log]\nlevel = \"debug\"\n";
    insta::assert_snapshot!(report(machine, "[notices]\nexpiring_days = 20\n"), @r#"
    notices.expiring_days = 20  Line(2)
    notices.quiet_hours = "20:00-07:00"  Machine(3)
    log.level = "debug"  Machine(5)
    "#);
    // Without a file of the user's, or with an empty one, the machine's alone.
    insta::assert_snapshot!(report(machine, ""), @r#"
    notices.expiring_days = 45  Machine(2)
    notices.quiet_hours = "20:00-07:00"  Machine(3)
    log.level = "debug"  Machine(5)
    "#);
    // A user may go back to what the program's default is.
    insta::assert_snapshot!(report("[notices]\nrenewed = false\n", "[notices]\nrenewed = true\n"), @"notices.renewed = true  Line(2)");
}

#[test]
fn what_the_machine_locks_holds_and_is_no_fault_of_the_user() {
    let machine = "locked = [\"notices.quiet_hours\", \"pages\", \"connection.check\"]\n\
                   [notices]\nquiet_hours = \"20:00-07:00\"\n[pages]\nrenew = \"https://intra.example/renew\"\n";
    let user = "[notices]\nquiet_hours = \"01:00-02:00\"\nexpiring_days = 5\n\
                [pages]\norder = \"https://elsewhere.example\"\n[connection]\ncheck = \"main\"\n";
    // The last line of the user's file says what is in force anyway: nothing to tell.
    insta::assert_snapshot!(report(machine, user), @r#"
    notices.expiring_days = 5  Line(3)
    notices.quiet_hours = "20:00-07:00"  MachineLocked
    connection.check = "main"  MachineLocked
    pages.renew = "https://intra.example/renew"  MachineLocked
    pages.order = "https://www.visualcron.com/order.aspx"  MachineLocked
    pages.maintenance = "https://www.visualcron.com/maintenance.aspx"  MachineLocked
    pages.manual_validation = "https://www.visualcron.com/activation/OfflineValidation.aspx"  MachineLocked
    pages.offline_activation = "https://admin.visualcron.com/activation/OfflineActivation2024.aspx"  MachineLocked
    note: A setting is passed over: settings.toml, line 2: the machine's settings lock notices.quiet_hours. Remove it here, or ask the administrator of this machine.
    note: A setting is passed over: settings.toml, line 5: the machine's settings lock pages.order. Remove it here, or ask the administrator of this machine.
    "#);
}

#[test]
fn servers_add_up_unless_they_are_locked() {
    let servers = "[[server]]\nname = \"PROD-01\"\nport = 16444\n[[server]]\nname = \"PROD-02\"\n";
    let user = "[[server]]\nname = \"prod-01\"\nport = 1\n[[server]]\nname = \"MINE\"\n";
    insta::assert_snapshot!(report(servers, user), @r#"
    server.PROD-02.name = "PROD-02"  Machine(5)
    server.prod-01.name = "prod-01"  Line(2)
    server.prod-01.port = 1  Line(3)
    server.MINE.name = "MINE"  Line(5)
    "#);
    insta::assert_snapshot!(report(&format!("locked = [\"server\"]\n{servers}"), user), @r#"
    server.PROD-01.name = "PROD-01"  MachineLocked
    server.PROD-01.port = 16444  MachineLocked
    server.PROD-02.name = "PROD-02"  MachineLocked
    note: A setting is passed over: settings.toml, line 2: the machine's settings lock server.prod-01. Remove it here, or ask the administrator of this machine.
    note: A setting is passed over: settings.toml, line 5: the machine's settings lock server.MINE. Remove it here, or ask the administrator of this machine.
    "#);
}

#[test]
fn a_machine_file_with_mistakes_counts_as_not_there() {
    let machine = "locked = [\"notices.quiet_hour\", 7, \"server.port\", \"log\"]\n[log]\nlevel = \"loud\"\n";
    insta::assert_snapshot!(report(machine, "[notices]\nexpiring_days = 5\n"), @r#"
    notices.expiring_days = 5  Line(2)
    problem: Unknown key in the settings: machine.toml, line 1, column 11: there is no key or section notices.quiet_hour. Did you mean quiet_hours? Until then this file counts as not there. It is the administrator's.
    problem: Wrong value in the settings: machine.toml, line 1, column 33: locked must be a list of keys or sections. Put each between double quotes. Until then this file counts as not there. It is the administrator's.
    problem: Unknown key in the settings: machine.toml, line 1, column 36: there is no key or section server.port. Servers are locked all together: "server". Until then this file counts as not there. It is the administrator's.
    problem: Wrong value in the settings: machine.toml, line 3, column 9: level must be "error", "warn", "info", "debug" or "trace". Correct it, or remove the line for the default, "info". Until then this file counts as not there. It is the administrator's.
    "#);
    // Only the machine's file may lock.
    insta::assert_snapshot!(report("", "locked = [\"log\"]\n"), @"problem: Unknown key in the settings: settings.toml, line 1, column 1: only the machine's settings file can lock. Remove it. Until then the default settings are in force.");
}

#[test]
fn the_last_good_settings_lie_over_the_machines_too() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("machine.toml"), "[notices]\nexpiring_days = 45\nafter_every_days = 3\n").unwrap();
    fs::write(at("settings.toml"), "[notices]\nexpiring_days = 20\n").unwrap();
    let load = || load_over(Some(&at("machine.toml")), &at("settings.toml"), &at("good"), true);
    assert!(load().problems.is_empty());
    fs::write(at("settings.toml"), "[notices]\nexpiring_days = \n").unwrap();
    let loaded = load();
    assert!(matches!(loaded.from, Origin::LastGood { .. }));
    assert_eq!((loaded.settings.notices.expiring_days, loaded.settings.notices.after_every_days), (20, 3));
    // The copy is the user's file alone.
    assert!(!fs::read_to_string(at("good")).unwrap().contains("45"));
    let none = load_over(Some(Path::new("/nowhere/machine.toml")), &at("none.toml"), &at("none"), true);
    assert_eq!((none.settings, none.problems.len()), (Settings::default(), 0));
}

#[test]
fn show_names_the_machine_and_set_does_not_go_against_it() {
    let home = Home::new();
    home.write(
        "machine.toml",
        "locked = [\"log.level\"]\n[notices]\nexpiring_days = 45\n[log]\nlevel = \"warn\"\n",
    );
    let said = |args: &[&str]| {
        let done = home.run(&[&["--config", "settings.toml"], args].concat());
        let text = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
        (done.status.code(), text)
    };
    let line = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap().to_string();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (code, shown) = said(&["settings", "show"]);
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(line(&shown, "notices.expiring_days"), "notices.expiring_days 45 machine, line 3");
    assert_eq!(line(&shown, "log.level"), "log.level \"warn\" machine, locked");
    let (code, refused) = said(&["settings", "set", "log.level", "debug"]);
    assert_eq!(code, Some(77));
    assert!(refused.contains("the machine's settings lock it"), "{refused}");
    assert_eq!(
        said(&["settings", "set", "notices.expiring_days", "20"]).1,
        "notices.expiring_days: 20 (was 45)\n"
    );
    assert_eq!(
        said(&["settings", "set", "notices.expiring_days", "default"]).1,
        "notices.expiring_days: 45 (was 20)\n"
    );
    // A note leaves the exit code as it is.
    fs::write(home.join("settings.toml"), "[log]\nlevel = \"trace\"\n").unwrap();
    let (code, shown) = said(&["settings", "show"]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("line 2: the machine's settings lock log.level"), "{shown}");
    // A mistake of the administrator does not stop the user.
    home.write("machine.toml", "[notices]\nexpiring_days = true\n");
    let (code, shown) = said(&["settings", "show"]);
    assert_eq!(
        (code, line(&shown, "notices.expiring_days").as_str()),
        (Some(78), "notices.expiring_days 30 default")
    );
}
