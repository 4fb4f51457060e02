//! The settings: the default file, what is refused and how it is said, changes, and loading.

use std::{fmt::Write, fs, path::Path};
use visualcron_tray::{
    domain::{Fault, Kind, Problem, Source, Version},
    store::settings::*,
};

const DOCS: &str = include_str!("../docs/settings.md");

fn parsed(text: &str) -> Settings {
    parse(text, Path::new("settings.toml")).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
}

fn said(text: &str) -> String {
    match parse(text, Path::new("s.toml")) {
        Ok(_) => "accepted".into(),
        Err(problems) => problems.iter().map(|problem| format!("{problem}\n")).collect::<String>(),
    }
}

fn change(text: &str, key: &str, value: &str) -> String {
    edited(text, Path::new("s.toml"), key, Some(value))
        .unwrap_or_else(|problem| panic!("{problem}\n{text}"))
        .0
}

/// The default file with the lines of one kind made real.
fn uncommented(prefix: &str) -> String {
    let mut text = String::new();
    for line in DEFAULT_FILE.lines() {
        let shows_key = |rest: &str| rest.split_once(" = ").is_some_and(|(name, _)| !name.contains(' '));
        match line.strip_prefix(prefix) {
            Some(rest) if shows_key(rest) || rest == "[[server]]" => writeln!(text, "{rest}").unwrap(),
            _ => writeln!(text, "{line}").unwrap(),
        }
    }
    text
}

#[test]
fn the_default_file_says_the_defaults() {
    assert_eq!(parsed(DEFAULT_FILE), Settings::default());
    let text = uncommented("#");
    assert_eq!(parsed(&text), Settings::default());
    for info in known_keys() {
        if let Some(default) = info.default() {
            assert!(DEFAULT_FILE.contains(&format!("\n#{} = {default}\n", info.name())), "{}", info.key);
            assert!(text.contains(&format!("\n{} = {default}\n", info.name())), "{}", info.key);
        }
    }
}

#[test]
fn the_examples_of_the_default_file_are_accepted() {
    let text = uncommented("# For example: ");
    let settings = parsed(&text);
    assert!(settings.visualcron.folder.is_some() && settings.notices.quiet_hours.is_some());
    let settings = parsed(&uncommented("# "));
    assert_eq!(settings.servers.len(), 1);
    assert_eq!(settings.servers[0].installed_version, Some(Version::new(12, 1, 4)));
    for info in known_keys() {
        let Some(example) = info.example else { continue };
        assert!(DEFAULT_FILE.contains(&format!("{} = {example}", info.name())), "{}", info.key);
    }
}

#[test]
fn the_documentation_has_every_key() {
    for info in known_keys() {
        let default = match (info.default(), info.example) {
            (Some(default), _) => format!("`{default}`"),
            (None, Some(example)) => format!("none; for example `{example}`"),
            (None, None) => "none".into(),
        };
        let row = format!("| `{}` | {default} | {} |", info.name(), info.about);
        assert!(DOCS.contains(&row), "docs/settings.md lacks the row\n{row}");
    }
}

#[test]
fn every_mistake_is_named_with_its_place() {
    let table = [
        "[notices]\nexpirng_days = 3",
        "[notice]\n",
        "[colours]\n",
        "expiring_days = 3",
        "[connection]\nquiet_hours = \"20:00-07:00\"",
        "[log]\ncompletely_other = 1",
        "[notices]\nexpiring_days = \"30\"\nexpired = 1\nafter_every_days = -1\nexpiring_days.x = 1",
        "[notices]\n  expiring_days = \"30\"\n  expired = 1 # yes\n  after_every_days = -1\n  trial.x = 1",
        "[notices]\nbefore_days = [90,\n  4000]",
        "[notices]\nbefore_days = 90\nquiet_hours = \"20-7\"\nremind_at = 09:00:30",
        "[connection]\nevery_seconds = 9\ncheck = \"some\"",
        "[pages]\nrenew = \"http://example.com\"\norder = \"https://me:pw@example.com\"",
        "[license_host]\nhost = \"https://www.visualcron.com\"",
        "[visualcron]\nfolder = \"C:\\temp\"\nserver_folder = 'VisualCron'",
        "[visualcron]\nfolder = \"C:\\Users\\me\"",
        "notices = 3",
        "[server]\nname = \"A\"",
        "server = [{ name = \"A\" }, 1]",
        "[[server]]\nport = 0\nkind = \"site\"\nmaintenance_until = 0001-01-01\ninstalled_version = \"new\"",
        "[[server]]\nname = \"a\"\n\n[[server]]\nname = \"A\"",
        "[[server]]\nname = \"a\"\nmaintenance_until = 2026-12-06T00:00:00\naddress = \"a:16444\"",
        "[log]\nlevel = loud",
        "[log]\nlevel = \"info\"\nlevel = \"warn\"",
        "[log\nlevel = \"info\"",
        "[log]\nlevel =",
    ];
    let mut report = String::new();
    for text in table {
        write!(report, "{text}\n=> {}\n", said(text)).unwrap();
    }
    insta::assert_snapshot!(report, @r#"
    [notices]
    expirng_days = 3
    => Unknown key in the settings: s.toml, line 2, column 1: [notices] has no key expirng_days. Did you mean expiring_days?

    [notice]

    => Unknown key in the settings: s.toml, line 1, column 2: there is no section or key notice. Did you mean the section [notices]?

    [colours]

    => Unknown key in the settings: s.toml, line 1, column 2: there is no section or key colours. Remove it; the sections are: [visualcron], [notices], [connection], [license_host], [pages], [log], [[server]]

    expiring_days = 3
    => Unknown key in the settings: s.toml, line 1, column 1: there is no section or key expiring_days. Did you mean expiring_days below [notices]?

    [connection]
    quiet_hours = "20:00-07:00"
    => Unknown key in the settings: s.toml, line 2, column 1: [connection] has no key quiet_hours. Did you mean quiet_hours below [notices]?

    [log]
    completely_other = 1
    => Unknown key in the settings: s.toml, line 2, column 1: [log] has no key completely_other. Remove it; [log] has: max_kib, level

    [notices]
    expiring_days = "30"
    expired = 1
    after_every_days = -1
    expiring_days.x = 1
    => The settings file is no valid TOML: s.toml, line 5, column 1: cannot extend value of type string with a dotted key. Correct this line

    [notices]
      expiring_days = "30"
      expired = 1 # yes
      after_every_days = -1
      trial.x = 1
    => Wrong value in the settings: s.toml, line 2, column 19: expiring_days must be a whole number from 0 to 3650, not a text. Correct it, or remove the line for the default, 30
    Wrong value in the settings: s.toml, line 3, column 13: expired must be true or false, not a whole number. Correct it, or remove the line for the default, true
    Wrong value in the settings: s.toml, line 4, column 22: after_every_days must be a whole number from 0 to 3650. Correct it, or remove the line for the default, 7
    Wrong value in the settings: s.toml, line 5, column 3: trial must be true or false, not a section. Correct it, or remove the line for the default, true

    [notices]
    before_days = [90,
      4000]
    => Wrong value in the settings: s.toml, line 3, column 3: before_days must be a list of at most 50 whole numbers from 0 to 3650. Correct it, or remove the line for the default, [90, 60, 30, 14, 7, 3, 1, 0]

    [notices]
    before_days = 90
    quiet_hours = "20-7"
    remind_at = 09:00:30
    => Wrong value in the settings: s.toml, line 2, column 15: before_days must be a list of at most 50 whole numbers from 0 to 3650, not a whole number. Correct it, or remove the line for the default, [90, 60, 30, 14, 7, 3, 1, 0]
    Wrong value in the settings: s.toml, line 3, column 15: quiet_hours must be two different times of day such as "20:00-07:00". Correct it, for example: quiet_hours = "20:00-07:00"
    Wrong value in the settings: s.toml, line 4, column 13: remind_at must be a time of day such as "09:00". Correct it, or remove the line for the default, "09:00"

    [connection]
    every_seconds = 9
    check = "some"
    => Wrong value in the settings: s.toml, line 2, column 17: every_seconds must be a whole number from 10 to 86400. Correct it, or remove the line for the default, 60
    Wrong value in the settings: s.toml, line 3, column 9: check must be "main", "all" or "off". Correct it, or remove the line for the default, "main"

    [pages]
    renew = "http://example.com"
    order = "https://me:pw@example.com"
    => Wrong value in the settings: s.toml, line 2, column 9: renew must be an address that starts with https://. Correct it, or remove the line for the default, "https://admin.visualcron.com/mylicenses.aspx"
    Wrong value in the settings: s.toml, line 3, column 9: order must be an address that starts with https://; a user name or password in an address would be seen. Correct it, or remove the line for the default, "https://www.visualcron.com/order.aspx"

    [license_host]
    host = "https://www.visualcron.com"
    => Wrong value in the settings: s.toml, line 2, column 8: host must be a host name or an IP address, without a port. Correct it, or remove the line for the default, "www.visualcron.com"

    [visualcron]
    folder = "C:\temp"
    server_folder = 'VisualCron'
    => Wrong value in the settings: s.toml, line 2, column 10: folder must be an absolute path; between double quotes a backslash starts an escape; use single quotes: 'C:\Folder'. Correct it, for example: folder = 'C:\Users\admin\AppData\Local\VisualCron'
    Wrong value in the settings: s.toml, line 3, column 17: server_folder must be an absolute path. Correct it, for example: server_folder = 'C:\Program Files (x86)\VisualCron'

    [visualcron]
    folder = "C:\Users\me"
    => The settings file is no valid TOML: s.toml, line 2, column 15: too few unicode value digits, expected unicode hexadecimal value. Correct this line

    notices = 3
    => Wrong value in the settings: s.toml, line 1, column 1: notices must be a section. Write [notices] on a line of its own

    [server]
    name = "A"
    => Wrong value in the settings: s.toml, line 1, column 2: servers are a list, one section each. Write [[server]] with two brackets on each side

    server = [{ name = "A" }, 1]
    => Wrong value in the settings: s.toml, line 1, column 1: servers are a list, one section each. Write [[server]] with two brackets on each side

    [[server]]
    port = 0
    kind = "site"
    maintenance_until = 0001-01-01
    installed_version = "new"
    => Wrong value in the settings: s.toml, line 1, column 1: the server has neither a name nor an address. Give it a name or an address, or remove the section
    Wrong value in the settings: s.toml, line 2, column 8: port must be a whole number from 1 to 65535. Correct it, for example: port = 16444
    Wrong value in the settings: s.toml, line 3, column 8: kind must be "perpetual", "subscription" or "trial". Correct it, for example: kind = "subscription"
    Wrong value in the settings: s.toml, line 4, column 21: maintenance_until must be a date such as 2026-12-06. Correct it, for example: maintenance_until = 2026-12-06
    Wrong value in the settings: s.toml, line 5, column 21: installed_version must be a version such as "12.1.4". Correct it, for example: installed_version = "12.1.4"

    [[server]]
    name = "a"

    [[server]]
    name = "A"
    => Two servers of the same name in the settings: s.toml, line 4, column 1: the server on line 1 is called the same. Rename or remove one

    [[server]]
    name = "a"
    maintenance_until = 2026-12-06T00:00:00
    address = "a:16444"
    => Wrong value in the settings: s.toml, line 3, column 21: maintenance_until must be a date such as 2026-12-06; write the day alone, without a time. Correct it, for example: maintenance_until = 2026-12-06
    Wrong value in the settings: s.toml, line 4, column 11: address must be a host name or an IP address, without a port. Correct it, for example: address = "prod-01.corp.example"

    [log]
    level = loud
    => The settings file is no valid TOML: s.toml, line 2, column 9: string values must be quoted, expected literal string. Put the text between double quotes

    [log]
    level = "info"
    level = "warn"
    => The settings file is no valid TOML: s.toml, line 3, column 1: duplicate key. Keep one of the two

    [log
    level = "info"
    => The settings file is no valid TOML: s.toml, line 1, column 5: unclosed table, expected `]`. Correct this line

    [log]
    level =
    => The settings file is no valid TOML: s.toml, line 2, column 8: string values must be quoted, expected literal string. Put the text between double quotes
    "#);
}

#[test]
fn no_message_holds_a_secret() {
    for text in [
        "[[server]]\nname = \"A\"\nactivation_code = ABCD-1234",
        "[[server]]\nname = \"A\"\nactivation_code = \"ABCD-1234",
        "[[server]]\nname = \"A\"\nactivation_code = \"ABCD-1234\" ABCD-1234",
        "[[server]]\nname = \"A\"\nactivation_code = \"ABCD\\1234\"",
        "[[server]]\nname = \"A\"\nactivation_code = [\"ABCD-1234\"]",
        "[[server]]\nname = \"A\"\nactivation_code = \"ABCD\\n1234\"",
        "[[server]]\nname = \"A\"\nactivation_code.ABCD = 1",
        "[[server]]\nname = \"A\"\nkind = \"ABCD-1234\"\nmaintenance_until = \"ABCD-1234\"",
    ] {
        let said = said(text);
        assert_ne!(said, "accepted", "{text}");
        assert!(!said.contains("ABCD"), "{said}");
    }
    let settings = parsed("[[server]]\nname = \"A\"\nactivation_code = \"ABCD-1234\"");
    assert_eq!(settings.servers[0].activation_code.as_ref().unwrap().reveal(), "ABCD-1234");
    assert!(!format!("{settings:?}").contains("ABCD"));
    let (text, change) =
        edited("", Path::new("s.toml"), "server.A.activation_code", Some("ABCD-1234")).unwrap();
    assert!(text.contains("ABCD-1234"));
    assert!(!format!("{change:?}").contains("ABCD"));
    let problem =
        edited("", Path::new("s.toml"), "server.A.activation_code", Some("ABCD\n1234")).unwrap_err();
    assert!(!problem.to_string().contains("ABCD"));
}

#[test]
fn bounds_hold() {
    let servers =
        |count: usize| (0..count).map(|at| format!("[[server]]\nname = \"{at}\"\n")).collect::<String>();
    assert_eq!(parsed(&servers(MAX_SERVERS)).servers.len(), MAX_SERVERS);
    assert!(said(&servers(MAX_SERVERS + 1)).contains("there are 10001 servers; at most 10000 are allowed"));
    assert!(said(&" ".repeat(MAX_FILE as usize + 1)).contains("it has more than 1 MiB"));
    assert_eq!(said(&" ".repeat(MAX_FILE as usize)), "accepted");
    assert_eq!(parse(&"x = 1\n".replace('x', "[[server]]\na"), Path::new("s")).unwrap_err().len(), 2);
    let many: String = (0..500).map(|at| format!("wrong{at} = 1\n")).collect();
    let problems = parse(&many, Path::new("s")).unwrap_err();
    assert_eq!(problems.len(), MAX_PROBLEMS);
    assert!(problems[0].place.ends_with("line 1, column 1"), "{}", problems[0]);
    let bands = |count: usize| format!("[notices]\nbefore_days = {:?}", (0..count).collect::<Vec<_>>());
    assert_eq!(parsed(&bands(MAX_BANDS)).notices.before_days.len(), MAX_BANDS);
    assert!(said(&bands(MAX_BANDS + 1)).contains("must be a list of at most 50 whole numbers"));
    let deep = format!("a = {}", "[".repeat(100_000));
    assert!(said(&deep).contains("no valid TOML"));
}

#[test]
fn values_are_read_in_the_ways_people_write_them() {
    let settings = parsed(
        "\u{feff}notices.before_days = [1, 30, 30, 7]\r\nconnection = { check = \"ALL\" }\r\n\
         notices.remind_at = 08:30\r\nserver = [{ address = \"::1\", maintenance_until = \"2026-12-06\" }]\r\n",
    );
    assert_eq!(settings.notices.before_days, [30, 7, 1]);
    assert_eq!(settings.connection.check, Check::All);
    assert_eq!(settings.notices.remind_at.to_string(), "08:30:00");
    let entries = settings.entries(jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].source, Source::Settings);
    assert_eq!(entries[0].address.as_deref(), Some("::1"));
    assert_eq!(entries[0].maintenance_until.unwrap().to_string(), "2026-12-06");
    assert_eq!(settings.notices.wants(Some(Kind::Trial)), settings.notices.wants(None));
}
