//! The command line: the real program in a home of its own, its output held word by word.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::process::Output;
use support::Home;

const NOW: &str = "2026-11-24T10:00[Europe/Berlin]";

/// Six servers, one for each thing that can be said of one.
fn home() -> Home {
    let home = Home::new();
    home.write(
        visualcron("settings/servers.xml"),
        r#"<?xml version="1.0" encoding="utf-8"?>
<ArrayOfConnection>
  <Connection><Name>PROD-01</Name><Address>prod-01.corp.example</Address><Port>16444</Port><UserName>admin</UserName>
    <PassWord>hunter2-hunter2</PassWord><Version>13.2.2</Version><Edition>Pro</Edition><LicenseType>Subscription</LicenseType>
    <MaintenanceExpires>2026-12-06T00:00:00</MaintenanceExpires><ServerId>id-0001</ServerId>
    <ActivationCode>CODE-CODE-CODE</ActivationCode></Connection>
  <Connection><Name>PROD-02</Name><Address>prod-02</Address><Version>13.1.0</Version><MaintenanceExpires>2027-06-12</MaintenanceExpires></Connection>
  <Connection><Name>TEST-01</Name><Address>test-01</Address><LicenseType>Perpetual</LicenseType><Version>12.1.4.30210</Version>
    <MaintenanceExpires>2025-01-31</MaintenanceExpires></Connection>
  <Connection><Name>BRANCH-07</Name><Address>branch-07</Address><MaintenanceExpires>3/4/2027</MaintenanceExpires></Connection>
</ArrayOfConnection>
"#,
    );
    home.write(
        SETTINGS,
        "# My settings.\n[license_host]\ncheck_on_refresh = false\n\n[connection]\ncheck = \"off\"\n\n\
         [[server]] # the new one\nname = \"NEW-01\"\nmaintenance_until = 2027-01-31\nkind = \"perpetual\"\n\
         activation_code = \"SECRET-SECRET\"\n\n[[server]]\nname = \"Prod\"\naddress = \"PROD-02.\"\nmaintenance_until = 2027-12-31\n",
    );
    home
}

/// A path below the user's VisualCron folder, on each system in its own place.
fn visualcron(path: &str) -> String {
    format!("VisualCron/{path}")
}

const SETTINGS: &str = "settings.toml";

fn run(home: &Home, args: &[&str]) -> Output {
    let mut command = home.command();
    command.args([
        "--visualcron-dir",
        "VisualCron",
        "--config",
        SETTINGS,
        "--data-dir",
        "data",
        "--now",
        NOW,
    ]);
    command.args(args).output().unwrap()
}

/// Output, exit code and standard error, with what differs between machines taken out.
fn show(home: &Home, args: &[&str]) -> String {
    let output = run(home, args);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut shown = format!("$ {}\n{}", args.join(" "), text(&output.stdout));
    if !output.stderr.is_empty() {
        shown.push_str(&format!("(stderr) {}", text(&output.stderr)));
    }
    shown.push_str(&format!("(exit {})", output.status.code().unwrap()));
    for secret in ["hunter2", "CODE-CODE", "SECRET-SECRET"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    // Why the Client's program is not there.
    let shown = shown.replace("VisualCronClient.exe was not found", "the Client is a Windows program");
    shown.replace(&home.path().display().to_string(), "[home]").replace('\\', "/")
}

fn with_times_taken_out(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r#""(as_of|read_at)": "[^"]*""#, r#""$1": "[time]""#);
    settings.add_filter(r"visualcron-tray\.exe", "visualcron-tray");
    settings.bind(check);
}

#[test]
fn status_for_people() {
    let home = home();
    insta::assert_snapshot!(show(&home, &["status"]), @r#"
    $ status
    SERVER     STANDING  DATE                        VERSION  COVERAGE     SOURCE
    TEST-01    expired   2025-01-31 (662 days ago)   12.1.4   not covered  servers.xml
    PROD-01    expiring  2026-12-06 (12 days left)   13.2.2   covered      servers.xml
    NEW-01     active    2027-01-31 (68 days left)   unknown  unknown      settings
    Prod       active    2027-12-31 (402 days left)  13.1.0   covered      settings
    BRANCH-07  unknown   unknown                     unknown  unknown      servers.xml

    Prod:
      settings says 2027-12-31, servers.xml says 2027-06-12: it is not known which changed last, so settings goes first

    BRANCH-07:
      The date of expiry "3/4/2027" can be read with the day or the month first, so it is left open.
    (exit 2)
    "#);
    insta::assert_snapshot!(show(&home, &["status", "prod-01"]), @"
    $ status prod-01
    SERVER   STANDING  DATE                       VERSION  COVERAGE  SOURCE
    PROD-01  expiring  2026-12-06 (12 days left)  13.2.2   covered   servers.xml

    PROD-01:
      Subscription expires in 12 days (2026-12-06)
      Without a subscription the server stops executing Jobs.
      Renew before the date.
      Newest covered version: 13.2.2
    (exit 1)
    ");
    insta::assert_snapshot!(show(&home, &["status", "nobody"]), @"
    $ status nobody
    (stderr) No such server: nobody: known are TEST-01, PROD-01, NEW-01 and 2 more. Give a name as `status` shows it.
    (exit 64)
    ");
}

#[test]
fn status_for_programs() {
    let home = home();
    with_times_taken_out(|| {
        insta::assert_snapshot!(show(&home, &["status", "--json"]), @r#"
        $ status --json
        {
          "schema": 1,
          "as_of": "[time]",
          "standing": "expired",
          "expiring_days": 30,
          "servers": [
            {
              "name": "TEST-01",
              "address": "test-01",
              "port": 16444,
              "kind": "perpetual",
              "edition": null,
              "maintenance_until": "2025-01-31",
              "days_left": -662,
              "standing": "expired",
              "ignored": false,
              "installed_version": "12.1.4",
              "coverage": "not_covered",
              "newest_covered": "12.1.1",
              "source": "servers_xml",
              "remembered": false,
              "read_at": "[time]",
              "validation": null,
              "notes": []
            },
            {
              "name": "PROD-01",
              "address": "prod-01.corp.example",
              "port": 16444,
              "kind": "subscription",
              "edition": "Pro",
              "maintenance_until": "2026-12-06",
              "days_left": 12,
              "standing": "expiring",
              "ignored": false,
              "installed_version": "13.2.2",
              "coverage": "covered",
              "newest_covered": "13.2.2",
              "source": "servers_xml",
              "remembered": false,
              "read_at": "[time]",
              "validation": null,
              "notes": []
            },
            {
              "name": "NEW-01",
              "address": null,
              "port": 16444,
              "kind": "perpetual",
              "edition": null,
              "maintenance_until": "2027-01-31",
              "days_left": 68,
              "standing": "active",
              "ignored": false,
              "installed_version": null,
              "coverage": "unknown",
              "newest_covered": "13.2.2",
              "source": "settings",
              "remembered": false,
              "read_at": "[time]",
              "validation": null,
              "notes": []
            },
            {
              "name": "Prod",
              "address": "PROD-02",
              "port": 16444,
              "kind": null,
              "edition": null,
              "maintenance_until": "2027-12-31",
              "days_left": 402,
              "standing": "active",
              "ignored": false,
              "installed_version": "13.1.0",
              "coverage": "covered",
              "newest_covered": "13.2.2",
              "source": "settings",
              "remembered": false,
              "read_at": "[time]",
              "validation": null,
              "notes": [
                "settings says 2027-12-31, servers.xml says 2027-06-12: it is not known which changed last, so settings goes first"
              ]
            },
            {
              "name": "BRANCH-07",
              "address": "branch-07",
              "port": 16444,
              "kind": null,
              "edition": null,
              "maintenance_until": null,
              "days_left": null,
              "standing": "unknown",
              "ignored": false,
              "installed_version": null,
              "coverage": "unknown",
              "newest_covered": null,
              "source": "servers_xml",
              "remembered": false,
              "read_at": "[time]",
              "validation": null,
              "notes": [
                "The date of expiry /"3/4/2027/" can be read with the day or the month first, so it is left open."
              ]
            }
          ],
          "problems": []
        }
        (exit 2)
        "#)
    });
    let json: serde_json::Value = serde_json::from_slice(&run(&home, &["status", "--json"]).stdout).unwrap();
    let server = json["servers"][0].as_object().unwrap();
    let mut keys: Vec<&str> = server.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "address",
            "coverage",
            "days_left",
            "edition",
            "ignored",
            "installed_version",
            "kind",
            "maintenance_until",
            "name",
            "newest_covered",
            "notes",
            "port",
            "read_at",
            "remembered",
            "source",
            "standing",
            "validation"
        ]
    );
}

#[test]
fn the_exit_code_of_status_serves_monitoring() {
    let home = Home::new();
    let code = |servers: &[&str]| {
        let list: String = servers
            .iter()
            .enumerate()
            .map(|(n, until)| {
                format!("<C><Name>S{n}</Name><Address>s{n}</Address><Expires>{until}</Expires></C>")
            })
            .collect();
        home.write(visualcron("settings/servers.xml"), format!("<A>{list}</A>"));
        let code = run(&home, &["status"]).status.code().unwrap();
        std::fs::remove_dir_all(home.join("data")).unwrap();
        code
    };
    assert_eq!(code(&["2027-06-01"]), 0);
    assert_eq!(code(&["2027-06-01", "2026-12-01"]), 1);
    assert_eq!(code(&["2026-11-24"]), 1, "the last day counts");
    assert_eq!(code(&["2027-06-01", "2026-12-01", "2026-11-23"]), 2);
    assert_eq!(code(&["2027-06-01", ""]), 3);
    assert_eq!(code(&["2026-12-01", ""]), 1);
    assert_eq!(code(&[]), 3);
}

#[test]
fn the_check_has_one_line_for_monitoring() {
    let home = home();
    insta::assert_snapshot!(show(&home, &["status", "--check"]), @r#"
    $ status --check
    VISUALCRON CRITICAL - 1 expired: TEST-01 Maintenance expired 662 days ago (2025-01-31); 1 expiring: PROD-01 Subscription expires in 12 days (2026-12-06); 1 unknown: BRANCH-07; 2 active | days_left_min=-662;31:;0: expired=1;;0;0 expiring=1;0;;0 active=2;;;0 unknown=1;;;0 problems=0;0;;0
    SERVER     STANDING  DATE                        VERSION  COVERAGE     SOURCE
    TEST-01    expired   2025-01-31 (662 days ago)   12.1.4   not covered  servers.xml
    PROD-01    expiring  2026-12-06 (12 days left)   13.2.2   covered      servers.xml
    NEW-01     active    2027-01-31 (68 days left)   unknown  unknown      settings
    Prod       active    2027-12-31 (402 days left)  13.1.0   covered      settings
    BRANCH-07  unknown   unknown                     unknown  unknown      servers.xml

    Prod:
      settings says 2027-12-31, servers.xml says 2027-06-12: it is not known which changed last, so settings goes first

    BRANCH-07:
      The date of expiry "3/4/2027" can be read with the day or the month first, so it is left open.
    (exit 2)
    "#);
    insta::assert_snapshot!(show(&home, &["status", "--check", "prod-01", "NEW-01"]), @"
    $ status --check prod-01 NEW-01
    VISUALCRON WARNING - 1 expiring: PROD-01 Subscription expires in 12 days (2026-12-06); 1 active | days_left_min=12;31:;0: expired=0;;0;0 expiring=1;0;;0 active=1;;;0 unknown=0;;;0 problems=0;0;;0
    SERVER   STANDING  DATE                       VERSION  COVERAGE  SOURCE
    PROD-01  expiring  2026-12-06 (12 days left)  13.2.2   covered   servers.xml
    NEW-01   active    2027-01-31 (68 days left)  unknown  unknown   settings
    (exit 1)
    ");
    insta::assert_snapshot!(show(&home, &["status", "--check", "NEW-01", "--expiring-within", "7"]), @"
    $ status --check NEW-01 --expiring-within 7
    VISUALCRON OK - 1 active: NEW-01 Maintenance expires in 68 days (2027-01-31) | days_left_min=68;8:;0: expired=0;;0;0 expiring=0;0;;0 active=1;;;0 unknown=0;;;0 problems=0;0;;0
    SERVER  STANDING  DATE                       VERSION  COVERAGE  SOURCE
    NEW-01  active    2027-01-31 (68 days left)  unknown  unknown   settings
    (exit 0)
    ");
    assert_eq!(run(&home, &["status", "NEW-01", "--expiring-within", "90"]).status.code(), Some(1));
    insta::assert_snapshot!(show(&home, &["status", "--check", "PROD-01", "nobody"]), @"
    $ status --check PROD-01 nobody
    VISUALCRON UNKNOWN - No such server: nobody: known are TEST-01, PROD-01, NEW-01 and 2 more. Give a name as `status` shows it.
    (exit 3)
    ");
    assert_eq!(run(&home, &["status", "--check", "--json", "nobody"]).status.code(), Some(3));
    // Stale data warn: the settings in force are the last good ones, servers.xml is half written.
    home.write(SETTINGS, "[notices]\nquiet_hour = 1\n");
    home.write(visualcron("settings/servers.xml"), "<A><B>");
    let stale = show(&home, &["status", "--check", "NEW-01"]);
    insta::assert_snapshot!(stale.lines().nth(1).unwrap(), @"VISUALCRON WARNING - 1 active: NEW-01 Maintenance expires in 68 days (2027-01-31); Unknown key in the settings: [home]/settings.toml, line 2, column 1: [notices] has no key quiet_hour, and 1 more | days_left_min=68;31:;0: expired=0;;0;0 expiring=0;0;;0 active=1;;;0 unknown=0;;;0 problems=2;0;;0");
    assert!(stale.ends_with("(exit 1)"), "{stale}");
    assert!(stale.contains("the last good settings, of") && !stale.contains("(stderr)"), "{stale}");
    assert_eq!(run(&home, &["status", "NEW-01"]).status.code(), Some(0));
}

#[test]
fn a_broken_file_leaves_what_was_known() {
    let home = home();
    run(&home, &["status"]);
    home.write(visualcron("settings/servers.xml"), "<ArrayOfConnection>\n<Connection><Name>PROD-01</Na");
    insta::assert_snapshot!(show(&home, &["status"]), @r#"
    $ status
    SERVER     STANDING  DATE                        VERSION  COVERAGE     SOURCE
    TEST-01    expired   2025-01-31 (662 days ago)   12.1.4   not covered  servers.xml
    PROD-01    expiring  2026-12-06 (12 days left)   13.2.2   covered      servers.xml
    NEW-01     active    2027-01-31 (68 days left)   unknown  unknown      settings
    Prod       active    2027-12-31 (402 days left)  13.1.0   covered      settings
    BRANCH-07  unknown   unknown                     unknown  unknown      servers.xml

    Prod:
      settings says 2027-12-31, servers.xml says 2027-06-12: it is not known which changed last, so settings goes first

    BRANCH-07:
      The date of expiry "3/4/2027" can be read with the day or the month first, so it is left open.
    (stderr) Cannot read servers.xml: [home]/VisualCron/settings/servers.xml, line 2: the file ends in the middle of <Name>. The last known data stay in use. If it stays like this, start the Client and close it, so that it writes the file anew.
    (exit 2)
    "#);
    insta::assert_snapshot!(show(&home, &["refresh"]), @"
    $ refresh
    5 servers known, not all sources could be read, no date has changed
    TEST-01: still 2025-01-31, by servers.xml
    PROD-01: still 2026-12-06, by servers.xml
    NEW-01: still 2027-01-31, by the settings
    Prod: still 2027-12-31, by the settings
    BRANCH-07: still no date
    Cannot read servers.xml: [home]/VisualCron/settings/servers.xml, line 2: the file ends in the middle of <Name>. The last known data stay in use. If it stays like this, start the Client and close it, so that it writes the file anew.
    (exit 65)
    ");
    std::fs::remove_file(home.join(visualcron("settings/servers.xml"))).unwrap();
    insta::assert_snapshot!(show(&home, &["status", "PROD-01"]), @"
    $ status PROD-01
    SERVER   STANDING  DATE                       VERSION  COVERAGE  SOURCE
    PROD-01  expiring  2026-12-06 (12 days left)  13.2.2   covered   servers.xml

    PROD-01:
      Subscription expires in 12 days (2026-12-06)
      Without a subscription the server stops executing Jobs.
      Renew before the date.
      Newest covered version: 13.2.2
      servers.xml does not show this date any more; it was last read there on 2026-11-24
    (exit 1)
    ");
    insta::assert_snapshot!(show(&home, &["refresh", "--forget"]), @"
    $ refresh --forget
    2 servers read again, no date has changed
    NEW-01: still 2027-01-31, by the settings
    Prod: still 2027-12-31, by the settings
    (exit 0)
    ");
}

#[test]
fn notices_and_their_answers() {
    let home = home();
    insta::assert_snapshot!(show(&home, &["notices"]), @"
    $ notices
    TEST-01: Maintenance expired 662 days ago (2025-01-31)
      Without Maintenance the server keeps running the version it is bound to, but there are no upgrades, no support, no moving of the license, and Reports, Server monitor, Server sync and Failover Cluster stop. The renewal window of 180 days is over: a new license is needed.
    TEST-01: Version 12.1.4 is not covered by Maintenance until 2025-01-31
      12.1.4 was released after that date. The license may fail its next validation: then the server stops or the Client cannot connect. Renew, or go back to a covered version.
    PROD-01: Subscription expires in 12 days (2026-12-06)
      Without a subscription the server stops executing Jobs. Renew before the date.
    NEW-01: Maintenance expires in 68 days (2027-01-31)
      Without Maintenance the server keeps running the version it is bound to, but there are no upgrades, no support, no moving of the license, and Reports, Server monitor, Server sync and Failover Cluster stop. Renew before the date.
    (exit 0)
    ");
    insta::assert_snapshot!(show(&home, &["notices", "--preview"]), @"
    $ notices --preview
    2026-11-24  3 licenses need renewal, 1 of them expired
    2026-11-29  PROD-01: Subscription expires in 7 days (2026-12-06)
    2026-12-02  NEW-01: Maintenance expires in 60 days (2027-01-31)
    2026-12-03  PROD-01: Subscription expires in 3 days (2026-12-06)
    2026-12-05  PROD-01: Subscription expires tomorrow (2026-12-06)
    2026-12-06  PROD-01: Subscription expires today (2026-12-06)
    2026-12-13  PROD-01: Subscription expired 7 days ago (2026-12-06)
    2026-12-20  PROD-01: Subscription expired 14 days ago (2026-12-06)
    2026-12-27  PROD-01: Subscription expired 21 days ago (2026-12-06)
    2027-01-01  NEW-01: Maintenance expires in 30 days (2027-01-31)
    2027-01-03  PROD-01: Subscription expired 28 days ago (2026-12-06)
    2027-01-10  PROD-01: Subscription expired 35 days ago (2026-12-06)
    2027-01-17  2 licenses need renewal, 1 of them expired
    2027-01-24  2 licenses need renewal, 1 of them expired
    2027-01-28  NEW-01: Maintenance expires in 3 days (2027-01-31)
    2027-01-30  NEW-01: Maintenance expires tomorrow (2027-01-31)
    2027-01-31  2 licenses need renewal, 1 of them expired
    2027-02-07  2 licenses need renewal
    2027-02-14  2 licenses need renewal
    2027-02-21  2 licenses need renewal
    2027-02-28  2 licenses need renewal
    2027-03-07  2 licenses need renewal
    2027-03-14  2 licenses need renewal
    2027-03-21  2 licenses need renewal
    2027-03-28  2 licenses need renewal
    2027-04-04  2 licenses need renewal
    2027-04-11  2 licenses need renewal
    2027-04-18  2 licenses need renewal
    2027-04-25  2 licenses need renewal
    2027-05-02  2 licenses need renewal
    2027-05-05  PROD-01: Subscription expired 150 days ago (2026-12-06)
    2027-05-09  NEW-01: Maintenance expired 98 days ago (2027-01-31)
    2027-05-16  NEW-01: Maintenance expired 105 days ago (2027-01-31)
    2027-05-23  NEW-01: Maintenance expired 112 days ago (2027-01-31)
    2027-05-30  NEW-01: Maintenance expired 119 days ago (2027-01-31)
    2027-06-04  PROD-01: Subscription expired 180 days ago (2026-12-06)
    2027-06-06  NEW-01: Maintenance expired 126 days ago (2027-01-31)
    2027-06-13  NEW-01: Maintenance expired 133 days ago (2027-01-31)
    2027-06-20  NEW-01: Maintenance expired 140 days ago (2027-01-31)
    2027-06-27  NEW-01: Maintenance expired 147 days ago (2027-01-31)
    2027-06-30  NEW-01: Maintenance expired 150 days ago (2027-01-31)
    2027-07-30  NEW-01: Maintenance expired 180 days ago (2027-01-31)
    2027-10-02  Prod: Maintenance expires in 90 days (2027-12-31)
    2027-11-01  Prod: Maintenance expires in 60 days (2027-12-31)
    2027-12-01  Prod: Maintenance expires in 30 days (2027-12-31)
    2027-12-17  Prod: Maintenance expires in 14 days (2027-12-31)
    2027-12-24  Prod: Maintenance expires in 7 days (2027-12-31)
    2027-12-28  Prod: Maintenance expires in 3 days (2027-12-31)
    2027-12-30  Prod: Maintenance expires tomorrow (2027-12-31)
    2027-12-31  Prod: Maintenance expires today (2027-12-31)
    2028-01-07  Prod: Maintenance expired 7 days ago (2027-12-31)
    2028-01-14  Prod: Maintenance expired 14 days ago (2027-12-31)
    2028-01-21  Prod: Maintenance expired 21 days ago (2027-12-31)
    2028-01-28  Prod: Maintenance expired 28 days ago (2027-12-31)
    2028-02-04  Prod: Maintenance expired 35 days ago (2027-12-31)
    2028-02-11  Prod: Maintenance expired 42 days ago (2027-12-31)
    2028-02-18  Prod: Maintenance expired 49 days ago (2027-12-31)
    2028-02-25  Prod: Maintenance expired 56 days ago (2027-12-31)
    2028-03-03  Prod: Maintenance expired 63 days ago (2027-12-31)
    2028-03-10  Prod: Maintenance expired 70 days ago (2027-12-31)
    2028-03-17  Prod: Maintenance expired 77 days ago (2027-12-31)
    2028-03-24  Prod: Maintenance expired 84 days ago (2027-12-31)
    2028-03-31  Prod: Maintenance expired 91 days ago (2027-12-31)
    2028-04-07  Prod: Maintenance expired 98 days ago (2027-12-31)
    2028-04-14  Prod: Maintenance expired 105 days ago (2027-12-31)
    2028-04-21  Prod: Maintenance expired 112 days ago (2027-12-31)
    2028-04-28  Prod: Maintenance expired 119 days ago (2027-12-31)
    2028-05-05  Prod: Maintenance expired 126 days ago (2027-12-31)
    2028-05-12  Prod: Maintenance expired 133 days ago (2027-12-31)
    2028-05-19  Prod: Maintenance expired 140 days ago (2027-12-31)
    2028-05-26  Prod: Maintenance expired 147 days ago (2027-12-31)
    2028-05-29  Prod: Maintenance expired 150 days ago (2027-12-31)
    2028-06-28  Prod: Maintenance expired 180 days ago (2027-12-31)
    (exit 0)
    ");
    insta::assert_snapshot!(show(&home, &["notices", "--remind-tomorrow"]), @"
    $ notices --remind-tomorrow
    4 notices answered.
    (exit 0)
    ");
    insta::assert_snapshot!(show(&home, &["notices"]), @"
    $ notices
    No notice is due.
    (exit 0)
    ");
    let tomorrow = &["notices", "--now", "2026-11-25T09:00[Europe/Berlin]"];
    assert!(String::from_utf8_lossy(&run_as_is(&home, tomorrow).stdout).contains("in 11 days"));
    insta::assert_snapshot!(show(&home, &["notices", "--got-it", "--json"]), @r#"
    $ notices --got-it --json
    {
      "answered": [],
      "schema": 1
    }
    (exit 0)
    "#);
}

/// Without a time of its own among the arguments.
fn run_as_is(home: &Home, args: &[&str]) -> Output {
    let mut command = home.command();
    command.args(["--visualcron-dir", "VisualCron", "--config", SETTINGS, "--data-dir", "data"]);
    command.args(args).output().unwrap()
}

#[test]
fn a_pretended_time_leaves_no_trace() {
    let home = home();
    let before = std::fs::read(home.join(SETTINGS)).unwrap();
    for verb in [
        &["notices", "--got-it"][..],
        &["refresh", "--forget"],
        &["settings", "set", "notices.expiring_days", "10"],
        &["settings", "unset", "notices.expiring_days"],
        &["settings", "remove-server", "TEST-01"],
        &["autostart", "on"],
        &["recover", "--yes"],
    ] {
        let mut command = home.command();
        command.args(["--visualcron-dir", "VisualCron", "--config", SETTINGS, "--now", "2030-01-01"]);
        let refused = command.args(verb).output().unwrap();
        assert_eq!(refused.status.code(), Some(64), "{verb:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("Give --data-dir"), "{verb:?}");
    }
    assert_eq!(std::fs::read(home.join(SETTINGS)).unwrap(), before);
    assert!(!home.join(".config/autostart").exists());
    let later = run_as_is(&home, &["notices"]);
    assert!(String::from_utf8_lossy(&later.stdout).contains("TEST-01"));
    assert!(!home.join(".local/share/visualcron-tray/state.json").exists());
}

#[test]
fn releases() {
    let home = Home::new();
    for args in [
        &["releases", "--covered-by", "2026-01-31"][..],
        &["releases", "--covered-by", "2027-01-31"],
        &["releases", "--covered-by", "2000-01-01"],
        &["releases", "--version", "12.1.4"],
        &["releases", "--version", "12.1.4", "--covered-by", "2026-01-31"],
        &["releases", "--version", "13.1.0", "--covered-by", "2026-03-01"],
        &["releases", "--version", "13.1.0", "--json"],
        &["releases", "--version", "x"],
        &["releases", "--covered-by", "31.1.2026"],
    ] {
        insta::with_settings!({snapshot_suffix => args[1..].join(" ").replace("--", "").replace('.', "_")}, {
            insta::assert_snapshot!(show(&home, args));
        });
    }
    let all = run(&home, &["releases", "--json"]);
    assert_eq!(serde_json::from_slice::<Vec<serde_json::Value>>(&all.stdout).unwrap().len(), 314);
}

#[test]
fn changes_at_the_same_time_lose_none() {
    let home = home();
    let add = |number: usize| {
        let mut command = home.command();
        command.args(["--config", SETTINGS, "--data-dir", "data", "settings", "set"]);
        command.args([format!("server.NEW-{number:02}.maintenance_until"), "2027-01-01".into()]);
        home.spawn_command(command)
    };
    let mut running: Vec<_> = (0..12).map(add).collect();
    for command in &mut running {
        assert!(command.wait_for_exit(support::TIMEOUT).success(), "{}", command.stderr());
    }
    let text = std::fs::read_to_string(home.join(SETTINGS)).unwrap();
    let kept = (0..12).filter(|number| text.contains(&format!("NEW-{number:02}"))).count();
    assert_eq!(kept, 12, "{text}");
}

#[test]
fn settings_are_shown_and_changed() {
    let home = home();
    insta::assert_snapshot!(show(&home, &["settings", "path"]), @"
    $ settings path
    [home]/settings.toml
    (exit 0)
    ");
    insta::assert_snapshot!(show(&home, &["settings", "set", "notices.quiet_hours", "20:00-07:00"]), @r#"
    $ settings set notices.quiet_hours 20:00-07:00
    notices.quiet_hours: "20:00-07:00" (was default)
    (exit 0)
    "#);
    insta::assert_snapshot!(show(&home, &["settings", "set", "server.NEW-01.maintenance_until", "2028-01-31"]), @"
    $ settings set server.NEW-01.maintenance_until 2028-01-31
    server.NEW-01.maintenance_until: 2028-01-31 (was 2027-01-31)
    (exit 0)
    ");
    insta::assert_snapshot!(show(&home, &["settings", "set", "notices.expiring_dais", "10"]), @"
    $ settings set notices.expiring_dais 10
    (stderr) Cannot change the settings: notices.expiring_dais: there is no such key. Did you mean expiring_days?
    (exit 64)
    ");
    insta::assert_snapshot!(show(&home, &["settings", "set", "notices.expiring_days", "ten"]), @"
    $ settings set notices.expiring_days ten
    (stderr) Cannot change the settings: notices.expiring_days: expiring_days must be a whole number from 0 to 3650. The default is 30.
    (exit 64)
    ");
    insta::assert_snapshot!(std::fs::read_to_string(home.join(SETTINGS)).unwrap(), @r#"
    # My settings.
    [license_host]
    check_on_refresh = false

    [connection]
    check = "off"

    [[server]] # the new one
    name = "NEW-01"
    maintenance_until = 2028-01-31
    kind = "perpetual"
    activation_code = "SECRET-SECRET"

    [[server]]
    name = "Prod"
    address = "PROD-02."
    maintenance_until = 2027-12-31

    [notices]
    quiet_hours = "20:00-07:00"
    "#);
    insta::assert_snapshot!(show(&home, &["settings", "show"]), @r#"
    $ settings show
    visualcron.folder                (none)                                                                default
    visualcron.client_program        (none)                                                                default
    visualcron.server_folder         (none)                                                                default
    notices.before_days              [90, 60, 30, 14, 7, 3, 1, 0]                                          default
    notices.after_every_days         7                                                                     default
    notices.renewal_window_days      180                                                                   default
    notices.expiring_days            30                                                                    default
    notices.quiet_hours              "20:00-07:00"                                                         line 20
    notices.perpetual                true                                                                  default
    notices.subscription             true                                                                  default
    notices.trial                    true                                                                  default
    notices.expiring                 true                                                                  default
    notices.expired                  true                                                                  default
    notices.not_covered              true                                                                  default
    notices.connection               false                                                                 default
    notices.renewed                  true                                                                  default
    notices.validation               true                                                                  default
    notices.remind_at                "09:00"                                                               default
    connection.check                 "off"                                                                 line 6
    connection.every_seconds         60                                                                    default
    connection.timeout_seconds       3                                                                     default
    connection.main_server           (none)                                                                default
    license_host.host                "www.visualcron.com"                                                  default
    license_host.check_on_refresh    false                                                                 line 3
    license_host.proxy               (none)                                                                default
    license_host.proxy_user          (none)                                                                default
    license_host.ca_file             (none)                                                                default
    recovery.close_seconds           20                                                                    default
    recovery.keep_backups            10                                                                    default
    pages.renew                      "https://admin.visualcron.com/mylicenses.aspx"                        default
    pages.order                      "https://www.visualcron.com/order.aspx"                               default
    pages.maintenance                "https://www.visualcron.com/maintenance.aspx"                         default
    pages.manual_validation          "https://www.visualcron.com/activation/OfflineValidation.aspx"        default
    pages.offline_activation         "https://admin.visualcron.com/activation/OfflineActivation2024.aspx"  default
    log.max_kib                      1024                                                                  default
    log.level                        "info"                                                                default
    server.NEW-01.name               "NEW-01"                                                              line 9
    server.NEW-01.kind               "perpetual"                                                           line 11
    server.NEW-01.maintenance_until  2028-01-31                                                            line 10
    server.NEW-01.activation_code    (secret)                                                              line 12
    server.Prod.name                 "Prod"                                                                line 15
    server.Prod.address              "PROD-02."                                                            line 16
    server.Prod.maintenance_until    2027-12-31                                                            line 17
    (exit 0)
    "#);
}

#[test]
fn what_was_set_is_taken_out_again() {
    let home = home();
    let text = || std::fs::read_to_string(home.join(SETTINGS)).unwrap();
    let before = text();
    run(&home, &["settings", "set", "server.NEW-02.port", "17000"]);
    insta::assert_snapshot!(show(&home, &["settings", "remove-server", "new-02"]), @"
    $ settings remove-server new-02
    server.new-02: removed from [home]/settings.toml
    (exit 0)
    ");
    assert_eq!(text(), before);
    insta::assert_snapshot!(show(&home, &["settings", "remove-server", "new-02"]), @"
    $ settings remove-server new-02
    (stderr) Cannot change the settings: [home]/settings.toml: there is no server new-02. See the [[server]] sections of the file for the names.
    (exit 64)
    ");
    insta::assert_snapshot!(show(&home, &["settings", "unset", "connection.check"]), @r#"
    $ settings unset connection.check
    connection.check: "main" (was "off")
    (exit 0)
    "#);
    insta::assert_snapshot!(show(&home, &["settings", "unset", "server.Prod.address"]), @r#"
    $ settings unset server.Prod.address
    server.Prod.address: default (was "PROD-02.")
    (exit 0)
    "#);
    insta::assert_snapshot!(show(&home, &["settings", "unset", "connection.checks"]), @"
    $ settings unset connection.checks
    (stderr) Cannot change the settings: connection.checks: there is no such key. Did you mean check?
    (exit 64)
    ");
    insta::assert_snapshot!(show(&home, &["settings", "remove-server", "NEW-01", "--json"]), @r#"
    $ settings remove-server NEW-01 --json
    {
      "removed_server": "NEW-01"
    }
    (exit 0)
    "#);
    insta::assert_snapshot!(text(), @r#"
    # My settings.
    [license_host]
    check_on_refresh = false

    [connection]

    [[server]]
    name = "Prod"
    maintenance_until = 2027-12-31
    "#);
    // A file with a mistake stays as it is.
    home.write(SETTINGS, "[[server]]\nname = \"A\"\nprot = 1\n");
    assert_eq!(run(&home, &["settings", "remove-server", "A"]).status.code(), Some(78));
    assert_eq!(text(), "[[server]]\nname = \"A\"\nprot = 1\n");
    // No file, no server, and none is made for it.
    std::fs::remove_file(home.join(SETTINGS)).unwrap();
    assert_eq!(run(&home, &["settings", "remove-server", "A"]).status.code(), Some(64));
    assert!(!home.join(SETTINGS).exists());
    // Of a server that the machine's settings give or lock, the user's file cannot dispose.
    home.write("machine.toml", "locked = [\"server\"]\n");
    home.write(SETTINGS, "[[server]]\nname = \"A\"\n");
    let mut locked = home.command();
    locked.env("VISUALCRON_TRAY_MACHINE_SETTINGS", home.join("machine.toml"));
    locked.args(["--config", SETTINGS, "settings", "remove-server", "A"]);
    assert_eq!(locked.output().unwrap().status.code(), Some(77));
    assert_eq!(text(), "[[server]]\nname = \"A\"\n");
}

#[test]
fn an_activation_code_comes_by_standard_input() {
    use std::{io::Write, process::Stdio};
    let home = home();
    let mut command = home.command();
    command.args(["--config", SETTINGS, "settings", "set", "server.NEW-01.activation_code", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"NEW-SECRET\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(!String::from_utf8_lossy(&output.stdout).contains("NEW-SECRET"));
    assert!(
        std::fs::read_to_string(home.join(SETTINGS)).unwrap().contains("activation_code = \"NEW-SECRET\"")
    );
}

#[test]
fn a_mistake_in_the_settings_is_named_with_its_place() {
    let home = home();
    home.write(SETTINGS, "[notices]\nquiet_hour = \"20:00-07:00\"\n[conection]\n");
    insta::assert_snapshot!(show(&home, &["status"]), @r#"
    $ status
    SERVER     STANDING  DATE                        VERSION  COVERAGE     SOURCE
    TEST-01    expired   2025-01-31 (662 days ago)   12.1.4   not covered  servers.xml
    PROD-01    expiring  2026-12-06 (12 days left)   13.2.2   covered      servers.xml
    PROD-02    active    2027-06-12 (200 days left)  13.1.0   covered      servers.xml
    BRANCH-07  unknown   unknown                     unknown  unknown      servers.xml

    BRANCH-07:
      The date of expiry "3/4/2027" can be read with the day or the month first, so it is left open.
    (stderr) Unknown key in the settings: [home]/settings.toml, line 2, column 1: [notices] has no key quiet_hour. Did you mean quiet_hours? Until then the default settings are in force.
    Unknown key in the settings: [home]/settings.toml, line 3, column 2: there is no section or key conection. Did you mean the section [connection]? Until then the default settings are in force.
    (exit 2)
    "#);
}

#[test]
fn what_cannot_be_opened_is_said_with_a_way_out() {
    let home = Home::new();
    insta::assert_snapshot!(show(&home, &["open", "client-log"]), @"
    $ open client-log
    (stderr) Cannot open the folder: the Client's log folder: no such folder: [home]/VisualCron/log. Start the Client once, or name the folder in the settings: visualcron.folder.
    (exit 66)
    ");
    insta::assert_snapshot!(show(&home, &["open", "server-settings"]), @"
    $ open server-settings
    (stderr) Cannot open the folder: the server's settings folder: no server on this machine. If a server runs on this machine, name its folder in the settings: visualcron.server_folder.
    (exit 66)
    ");
    #[cfg(target_os = "linux")]
    {
        let home = self::home();
        insta::assert_snapshot!(show(&home, &["open", "client-settings"]), @"
        $ open client-settings
        (stderr) Cannot open the folder: [home]/VisualCron/settings: this session has no desktop. Go there in a terminal or a file manager.
        (exit 69)
        ");
        insta::assert_snapshot!(show(&home, &["open", "renew"]), @"
        $ open renew
        (stderr) Cannot open the page: https://admin.visualcron.com/mylicenses.aspx: this session has no desktop. Open it in a browser elsewhere.
        (exit 69)
        ");
        insta::assert_snapshot!(show(&home, &["open", "details"]), @"
        $ open details
        (stderr) Cannot show the page: [home]/data/pages/details.html: this session has no desktop. Open it in a browser by hand.
        (exit 69)
        ");
    }
}

#[cfg(unix)]
#[test]
fn what_can_be_opened_is() {
    let home = home();
    let opened = home.stand_in("xdg-open");
    let log = || std::fs::read_to_string(&opened).unwrap_or_default();
    assert!(run(&home, &["open", "client-settings"]).status.success());
    support::wait_for("the folder", support::TIMEOUT, || {
        log().ends_with("VisualCron/settings\n").then_some(())
    });
    assert!(run(&home, &["open", "renew"]).status.success());
    support::wait_for("the page", support::TIMEOUT, || log().ends_with("mylicenses.aspx\n").then_some(()));
    run(&home, &["settings", "set", "pages.order", "https://shop.example/?a=1&b=2"]);
    for (what, url) in [
        ("order", "https://shop.example/?a=1&b=2"),
        ("maintenance", "/maintenance.aspx"),
        ("manual-validation", "/OfflineValidation.aspx"),
        ("offline-activation", "/OfflineActivation2024.aspx"),
    ] {
        assert!(run(&home, &["open", what]).status.success());
        support::wait_for(what, support::TIMEOUT, || log().ends_with(&format!("{url}\n")).then_some(()));
    }
    assert!(run(&home, &["open", "details"]).status.success());
    support::wait_for("the details", support::TIMEOUT, || log().ends_with("details.html\n").then_some(()));
    let page = std::fs::read_to_string(home.join("data/pages/details.html")).unwrap();
    assert!(page.contains("PROD-01") && page.contains("Server id: id-0001") && !page.contains("CODE-CODE"));
    assert!(page.contains("<a href=\"https://shop.example/?a=1&amp;b=2\">Order a license</a>"));
}

#[test]
fn clear_server_cache_is_only_shown() {
    let home = home();
    let before = std::fs::read(home.join(visualcron("settings/servers.xml"))).unwrap();
    insta::assert_snapshot!(show(&home, &["recover", "--dry-run"]), @"
    $ recover --dry-run
    This is what Clear server cache would do. It is only shown: nothing has been changed.

    First try the cheap steps:
    - Refresh license data. Choose it in the tray's menu. On the command line: `visualcron-tray refresh`.
    - Make sure that the license host can be reached. Port 443 must be open to it; Refresh license data tells.
    - Associate the code of the renewal with the license. A renewal may come with a code of its own, to be entered online. On the command line: `visualcron-tray open renew`.
    - Use a Client of the same version as the server. Another version may not show what the server says.

    These steps will be done:
    1. Rename [home]/VisualCron/settings/servers.xml to servers.xml.<UTC time>.<first 8 of its SHA-256>.bak in the same folder

    - servers.xml very likely holds the saved connections (inferred: its format is unpublished). With it gone the Client may ask for them again; the backup brings them back: `visualcron-tray recover --undo`.
    - The Client does not run now: it is neither closed nor started (--start-client starts it).
    (exit 0)
    ");
    home.write(visualcron("settings/jobs.xml"), "");
    let refused = run(&home, &["recover", "--dry-run"]);
    assert_eq!(refused.status.code(), Some(77));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("it is a server's settings folder"));
    assert_eq!(std::fs::read(home.join(visualcron("settings/servers.xml"))).unwrap(), before);
}

#[test]
fn wrong_use_is_told_apart() {
    let home = Home::new();
    for args in [
        &["explode"][..],
        &["status", "--jsn"],
        &["recover", "--list", "--undo"],
        &["--now", "soon", "status"],
    ] {
        assert_eq!(run(&home, args).status.code(), Some(64), "{args:?}");
    }
    assert_eq!(run(&home, &["--version"]).status.code(), Some(0));
    // Near the end of time: refused, and close to it everything still works.
    let late = run_as_is(&home, &["notices", "--now", "9999-12-31T23:59:59Z"]);
    assert!(String::from_utf8_lossy(&late.stderr).contains("the year is not one"), "{late:?}");
    let late = run_as_is(&home, &["notices", "--now", "9999-12-31"]);
    assert_eq!(late.status.code(), Some(64));
    insta::assert_snapshot!(String::from_utf8_lossy(&late.stderr), @"Cannot read the time to pretend: --now 9999-12-31: the year is not one from 1970 to 9989. Give a day of these years.");
    for args in [&["status"][..], &["notices", "--preview"], &["refresh"]] {
        let home = self::home();
        let last = run_as_is(&home, &[args, &["--now", "9989-12-31T23:59:59"]].concat());
        assert!(last.status.code().unwrap() <= 2, "{}", String::from_utf8_lossy(&last.stderr));
    }
}

#[test]
fn help() {
    let home = Home::new();
    with_times_taken_out(|| {
        insta::assert_snapshot!("help", show(&home, &["--help"]));
        for verb in [
            "status",
            "refresh",
            "notices",
            "releases",
            "open",
            "settings",
            "autostart",
            "recover",
            "diagnose",
            "validate",
            "license-host",
        ] {
            insta::assert_snapshot!(format!("help {verb}"), show(&home, &[verb, "--help"]));
        }
    });
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&home, &["completions", shell]);
        assert!(String::from_utf8_lossy(&script.stdout).contains("visualcron-tray"), "{shell}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn start_on_logon_is_switched_on_and_off() {
    let home = Home::new();
    let entry = home.join(".config/autostart/visualcron-tray.desktop");
    let plain = |args: &[&str]| {
        let output = home.run(args);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(plain(&["autostart", "status"]), "off\n");
    assert_eq!(plain(&["autostart", "on"]), "on\n");
    let program = env!("CARGO_BIN_EXE_visualcron-tray");
    let text = std::fs::read_to_string(&entry).unwrap();
    assert!(text.contains("\nType=Application\n"), "{text}");
    assert!(text.contains(&format!("\nExec={program}\n")), "{text}");
    // What the desktop switched off is off, and on again by the user's own word.
    home.write(".config/autostart/visualcron-tray.desktop", text.clone() + "Hidden=true\n");
    assert_eq!(plain(&["autostart", "status"]), "off (switched off in the desktop's own settings)\n");
    assert_eq!(plain(&["autostart", "on"]), "on\n");
    assert_eq!(std::fs::read_to_string(&entry).unwrap(), text);
    assert_eq!(plain(&["autostart", "off", "--json"]), "{\n  \"autostart\": false\n}\n");
    assert!(!entry.exists());
    assert_eq!(plain(&["autostart", "off"]), "off\n");
}

/// The tray that starts on logon looks after the folders that were named, and its entry is a command that a desktop
/// can take apart again.
#[cfg(target_os = "linux")]
#[test]
fn start_on_logon_keeps_the_options() {
    let home = Home::new();
    let mut command = home.command();
    let odd = "odd \"$(folder)\" 100%";
    command.args(["autostart", "on", "--visualcron-dir", "VisualCron", "--data-dir", odd]);
    command.arg("--config").arg(home.join("settings.toml"));
    command.env("XDG_CONFIG_HOME", home.join("elsewhere"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(home.join("elsewhere/autostart/visualcron-tray.desktop")).unwrap();
    let home = home.path().display();
    let line = text.lines().find(|line| line.starts_with("Exec=")).unwrap();
    let program = env!("CARGO_BIN_EXE_visualcron-tray");
    assert_eq!(
        line,
        format!(
            r#"Exec={program} --visualcron-dir {home}/VisualCron --config {home}/settings.toml --data-dir "{home}/odd \\"\\$(folder)\\" 100%%""#
        )
    );
}

#[test]
fn each_visualcron_folder_shows_its_own_servers() {
    let home = home();
    let at = |folder: &str| {
        let mut command = home.command();
        command.args(["--visualcron-dir", folder, "--config", SETTINGS, "--data-dir", "data", "status"]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(at("VisualCron").contains("PROD-01"));
    assert!(!at("Another").contains("PROD-01"));
    // And what was known of the first is not lost by it.
    home.write(visualcron("settings/servers.xml"), "");
    assert!(at("VisualCron").contains("PROD-01"));
}

#[test]
fn an_answer_that_cannot_be_kept_is_not_called_kept() {
    let home = home();
    home.write("data/state.json", r#"{"schema":2,"knowledge":{"of":"the future"}}"#);
    for option in ["--got-it", "--remind-tomorrow"] {
        let mut command = home.command();
        command.args(["--visualcron-dir", "VisualCron", "--config", SETTINGS, "--data-dir", "data"]);
        let answered = command.args(["notices", option]).output().unwrap();
        assert_eq!(answered.status.code(), Some(65), "{answered:?}");
        let text = String::from_utf8_lossy(&answered.stderr);
        assert!(text.starts_with("Nothing can be kept: ") && text.contains("version 2"), "{text}");
    }
    assert!(String::from_utf8_lossy(&run(&home, &["notices"]).stdout).contains("TEST-01"));
}

/// What acts on a terminal, or turns the direction of writing, from every source.
#[test]
fn names_from_outside_only_show_themselves() {
    let home = Home::new();
    home.write(
        visualcron("settings/servers.xml"),
        "<A><C><Name>XML\u{202e}10&#x9b;31m&#10;b</Name><Address>xml</Address><Expires>2027-06-01</Expires>\
         <Edition>Pro\u{2066}</Edition></C></A>",
    );
    home.write(
        SETTINGS,
        "[[server]]\nname = \"SET\u{202e}10\"\naddress = \"set\"\nmaintenance_until = 2027-06-01\nedition = \"\u{200f}P\"\n",
    );
    run(&home, &["status"]);
    // Somebody else's hand in our own state: a server that no source shows any more.
    let state = std::fs::read(home.join("data/state.json")).unwrap();
    let mut state: serde_json::Value = serde_json::from_slice(&state).unwrap();
    let books = state["knowledge"].as_array_mut().unwrap();
    let of_xml = books.iter_mut().find(|book| book["source"] == "servers_xml").unwrap();
    let time = "2026-01-01T00:00:00Z";
    of_xml["facts"].as_array_mut().unwrap().push(serde_json::json!({
        "entry": {
            "source": "servers_xml", "name": "KEPT\u{1b}[31m\u{202e}\n1", "address": "kept\u{1b}", "edition": "\u{1b}]0;x\u{7}",
            "server_id": "id\u{202e}", "maintenance_until": "2027-06-01", "notes": ["a\u{1b}[2Jnote\u{202e}"], "read_at": time,
        },
        "date_since": time, "date_read_at": time, "gone_since": time,
    }));
    home.write("data/state.json", state.to_string());
    std::fs::remove_file(home.join(visualcron("settings/servers.xml"))).unwrap();
    insta::assert_snapshot!(show(&home, &["status"]), @"
    $ status
    SERVER        STANDING  DATE                        VERSION  COVERAGE  SOURCE
    KEPT [31m  1  active    2027-06-01 (189 days left)  unknown  unknown   servers.xml
    SET 10        active    2027-06-01 (189 days left)  unknown  unknown   settings
    XML 10 31m b  active    2027-06-01 (189 days left)  unknown  unknown   servers.xml

    KEPT [31m  1:
      servers.xml does not show this date any more; it was last read there on 2026-01-01
      a [2Jnote 

    XML 10 31m b:
      servers.xml does not show this date any more; it was last read there on 2026-11-24
    (exit 0)
    ");
    let acts = |c: char| c != '\n' && visualcron_tray::domain::text::acts(c);
    for args in [
        &["status", "--verbose"][..],
        &["status", "--json"],
        &["status", "a\u{1b}[31mb\u{202e}"],
        &["refresh"],
        &["notices", "--preview"],
        &["notices", "--json"],
        &["settings", "show"],
        &["settings", "show", "--json"],
        &["settings", "set", "server.\u{1b}[31m\u{202e}.port", "x"],
    ] {
        let output = run(&home, args);
        for bytes in [&output.stdout, &output.stderr] {
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert!(!text.contains(acts), "{args:?}: {text:?}");
        }
    }
    #[cfg(unix)]
    {
        home.stand_in("xdg-open");
        run(&home, &["open", "details"]);
        let page = std::fs::read_to_string(home.join("data/pages/details.html")).unwrap();
        assert!(page.contains("KEPT") && !page.contains(acts), "{page:?}");
    }
    // In the settings a control character is a mistake: nobody types one.
    home.write(SETTINGS, "[[server]]\nname = \"a\\u001b[31m\"\n");
    insta::assert_snapshot!(show(&home, &["settings", "show"]).lines().last().unwrap(), @"(exit 78)");
    let text = String::from_utf8(run(&home, &["settings", "show"]).stderr).unwrap();
    assert!(text.contains("line 2") && !text.contains(acts), "{text:?}");
}

#[test]
fn a_server_can_be_left_out() {
    let home = home();
    assert!(run(&home, &["settings", "set", "server.TEST-01.ignore", "true"]).status.success());
    insta::assert_snapshot!(show(&home, &["status"]), @r#"
    $ status
    SERVER     STANDING  DATE                        VERSION  COVERAGE     SOURCE
    PROD-01    expiring  2026-12-06 (12 days left)   13.2.2   covered      servers.xml
    NEW-01     active    2027-01-31 (68 days left)   unknown  unknown      settings
    Prod       active    2027-12-31 (402 days left)  13.1.0   covered      settings
    BRANCH-07  unknown   unknown                     unknown  unknown      servers.xml
    TEST-01    ignored   2025-01-31 (662 days ago)   12.1.4   not covered  servers.xml

    Prod:
      settings says 2027-12-31, servers.xml says 2027-06-12: it is not known which changed last, so settings goes first

    BRANCH-07:
      The date of expiry "3/4/2027" can be read with the day or the month first, so it is left open.
    (exit 1)
    "#);
    let due = String::from_utf8(run(&home, &["notices"]).stdout).unwrap();
    assert!(due.contains("PROD-01") && !due.contains("TEST-01"), "{due}");
    let json: serde_json::Value = serde_json::from_slice(&run(&home, &["status", "--json"]).stdout).unwrap();
    let last = &json["servers"][4];
    assert_eq!(
        (&last["name"], &last["ignored"], &last["standing"]),
        (&"TEST-01".into(), &true.into(), &"expired".into())
    );
    assert_eq!(json["standing"], "expiring");
    assert!(run(&home, &["settings", "set", "server.TEST-01.ignore", "default"]).status.success());
    assert_eq!(run(&home, &["status"]).status.code(), Some(2));
}
