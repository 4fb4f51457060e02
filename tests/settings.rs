//! The settings: the default file, what is refused and how it is said, changes, and loading.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fmt::Write, fs, path::Path};
use visualcron_tray::{
    domain::{Fault, Kind, Source, Version},
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

    => Unknown key in the settings: s.toml, line 1, column 2: there is no section or key colours. The sections are: [visualcron], [notices], [connection], [license_host], [recovery], [pages], [log], [[server]].

    expiring_days = 3
    => Unknown key in the settings: s.toml, line 1, column 1: there is no section or key expiring_days. Did you mean expiring_days below [notices]?

    [connection]
    quiet_hours = "20:00-07:00"
    => Unknown key in the settings: s.toml, line 2, column 1: [connection] has no key quiet_hours. Did you mean quiet_hours below [notices]?

    [log]
    completely_other = 1
    => Unknown key in the settings: s.toml, line 2, column 1: [log] has no key completely_other. [log] has only: max_kib, level.

    [notices]
    expiring_days = "30"
    expired = 1
    after_every_days = -1
    expiring_days.x = 1
    => The settings file is no valid TOML: s.toml, line 5, column 1: cannot extend value of type string with a dotted key. Correct this line.

    [notices]
      expiring_days = "30"
      expired = 1 # yes
      after_every_days = -1
      trial.x = 1
    => Wrong value in the settings: s.toml, line 2, column 19: expiring_days must be a whole number from 0 to 3650, not a text. Correct it, or remove the line for the default, 30.
    Wrong value in the settings: s.toml, line 3, column 13: expired must be true or false, not a whole number. Correct it, or remove the line for the default, true.
    Wrong value in the settings: s.toml, line 4, column 22: after_every_days must be a whole number from 0 to 3650. Correct it, or remove the line for the default, 7.
    Wrong value in the settings: s.toml, line 5, column 3: trial must be true or false, not a section. Correct it, or remove the line for the default, true.

    [notices]
    before_days = [90,
      4000]
    => Wrong value in the settings: s.toml, line 3, column 3: before_days must be a list of at most 50 whole numbers from 0 to 3650. Correct it, or remove the line for the default, [90, 60, 30, 14, 7, 3, 1, 0].

    [notices]
    before_days = 90
    quiet_hours = "20-7"
    remind_at = 09:00:30
    => Wrong value in the settings: s.toml, line 2, column 15: before_days must be a list of at most 50 whole numbers from 0 to 3650, not a whole number. Correct it, or remove the line for the default, [90, 60, 30, 14, 7, 3, 1, 0].
    Wrong value in the settings: s.toml, line 3, column 15: quiet_hours must be two different times of day such as "20:00-07:00". Correct it, for example: quiet_hours = "20:00-07:00".
    Wrong value in the settings: s.toml, line 4, column 13: remind_at must be a time of day such as "09:00". Correct it, or remove the line for the default, "09:00".

    [connection]
    every_seconds = 9
    check = "some"
    => Wrong value in the settings: s.toml, line 2, column 17: every_seconds must be a whole number from 10 to 86400. Correct it, or remove the line for the default, 60.
    Wrong value in the settings: s.toml, line 3, column 9: check must be "main", "all" or "off". Correct it, or remove the line for the default, "main".

    [pages]
    renew = "http://example.com"
    order = "https://me:pw@example.com"
    => Wrong value in the settings: s.toml, line 2, column 9: renew must be an address that starts with https://. Correct it, or remove the line for the default, "https://admin.visualcron.com/mylicenses.aspx".
    Wrong value in the settings: s.toml, line 3, column 9: order must be an address that starts with https://; a user name or password in an address would be seen. Correct it, or remove the line for the default, "https://www.visualcron.com/order.aspx".

    [license_host]
    host = "https://www.visualcron.com"
    => Wrong value in the settings: s.toml, line 2, column 8: host must be a host name or an IP address, with a port if it is not 443. Correct it, or remove the line for the default, "www.visualcron.com".

    [visualcron]
    folder = "C:\temp"
    server_folder = 'VisualCron'
    => Wrong value in the settings: s.toml, line 2, column 10: folder must be an absolute path; between double quotes a backslash starts an escape; use single quotes: 'C:\Folder'. Correct it, for example: folder = 'C:\Users\admin\AppData\Local\VisualCron'.
    Wrong value in the settings: s.toml, line 3, column 17: server_folder must be an absolute path. Correct it, for example: server_folder = 'C:\Program Files (x86)\VisualCron'.

    [visualcron]
    folder = "C:\Users\me"
    => The settings file is no valid TOML: s.toml, line 2, column 15: between double quotes a backslash starts an escape. Put a path between single quotes: 'C:\Folder'.

    notices = 3
    => Wrong value in the settings: s.toml, line 1, column 1: notices must be a section. Write [notices] on a line of its own.

    [server]
    name = "A"
    => Wrong value in the settings: s.toml, line 1, column 2: servers are a list, one section each. Write [[server]] with two brackets on each side.

    server = [{ name = "A" }, 1]
    => Wrong value in the settings: s.toml, line 1, column 1: servers are a list, one section each. Write [[server]] with two brackets on each side.

    [[server]]
    port = 0
    kind = "site"
    maintenance_until = 0001-01-01
    installed_version = "new"
    => Wrong value in the settings: s.toml, line 1, column 1: the server has neither a name nor an address. Give it a name or an address, or remove the section.
    Wrong value in the settings: s.toml, line 2, column 8: port must be a whole number from 1 to 65535. Correct it, for example: port = 16444.
    Wrong value in the settings: s.toml, line 3, column 8: kind must be "perpetual", "subscription" or "trial". Correct it, for example: kind = "subscription".
    Wrong value in the settings: s.toml, line 4, column 21: maintenance_until must be a date such as 2026-12-06. Correct it, for example: maintenance_until = 2026-12-06.
    Wrong value in the settings: s.toml, line 5, column 21: installed_version must be a version such as "12.1.4". Correct it, for example: installed_version = "12.1.4".

    [[server]]
    name = "a"

    [[server]]
    name = "A"
    => Two servers of the same name in the settings: s.toml, line 4, column 1: the server on line 1 is called the same. Rename or remove one.

    [[server]]
    name = "a"
    maintenance_until = 2026-12-06T00:00:00
    address = "a:16444"
    => Wrong value in the settings: s.toml, line 3, column 21: maintenance_until must be a date such as 2026-12-06; write the day alone, without a time. Correct it, for example: maintenance_until = 2026-12-06.
    Wrong value in the settings: s.toml, line 4, column 11: address must be a host name or an IP address, without a port. Correct it, for example: address = "prod-01.corp.example".

    [log]
    level = loud
    => The settings file is no valid TOML: s.toml, line 2, column 9: string values must be quoted, expected literal string. Put the text between double quotes.

    [log]
    level = "info"
    level = "warn"
    => The settings file is no valid TOML: s.toml, line 3, column 1: duplicate key. Keep one of the two.

    [log
    level = "info"
    => The settings file is no valid TOML: s.toml, line 1, column 5: unclosed table, expected `]`. Correct this line.

    [log]
    level =
    => The settings file is no valid TOML: s.toml, line 2, column 8: string values must be quoted, expected literal string. Put the text between double quotes.
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

#[test]
fn a_change_goes_below_the_comment_that_tells_of_it() {
    let mut text = DEFAULT_FILE.to_string();
    for (key, value) in [
        ("notices.quiet_hours", "20:00-07:00"),
        ("notices.expiring_days", "45"),
        ("visualcron.folder", r"D:\Visual Cron"),
        ("notices.before_days", "30, 60,7"),
        ("server.PROD-01.maintenance_until", "2027-01-31"),
        ("server.PROD-01.kind", "Subscription"),
        ("server.prod-02.corp.example.address", "10.0.0.2"),
    ] {
        text = change(&text, key, value);
    }
    let added: Vec<_> = text.lines().filter(|line| !DEFAULT_FILE.lines().any(|old| old == *line)).collect();
    insta::assert_snapshot!(added.join("\n"), @r#"
    folder = 'D:\Visual Cron'
    before_days = [60, 30, 7]
    expiring_days = 45
    quiet_hours = "20:00-07:00"
    [[server]]
    name = "PROD-01"
    maintenance_until = 2027-01-31
    kind = "subscription"
    [[server]]
    name = "prod-02.corp.example"
    address = "10.0.0.2"
    "#);
    let below = |comment: &str, line: &str| assert!(text.contains(&format!("{comment}\n{line}\n")), "{text}");
    below("# For example: quiet_hours = \"20:00-07:00\"", "quiet_hours = \"20:00-07:00\"");
    below("#expiring_days = 30", "expiring_days = 45");
    below("#before_days = [90, 60, 30, 14, 7, 3, 1, 0]", "before_days = [60, 30, 7]");
    let mut back = text.clone();
    for key in ["notices.quiet_hours", "notices.expiring_days", "visualcron.folder", "notices.before_days"] {
        back = edited(&back, Path::new("s.toml"), key, None).unwrap().0;
    }
    back = without_server(&back, Path::new("s.toml"), "prod-01").unwrap();
    back = without_server(&back, Path::new("s.toml"), "10.0.0.2").unwrap();
    assert_eq!(back, DEFAULT_FILE);
}

#[test]
fn a_change_leaves_the_rest_as_it_is() {
    for (old, key, value, new) in [
        ("", "log.level", "warn", "[log]\nlevel = \"warn\"\n"),
        ("# mine", "log.level", "warn", "# mine\n\n[log]\nlevel = \"warn\"\n"),
        ("[log]", "log.level", "warn", "[log]\nlevel = \"warn\"\n"),
        ("[log]\r\n# x\r\n", "log.level", "warn", "[log]\r\nlevel = \"warn\"\r\n# x\r\n"),
        ("\u{feff}[log]\r\n", "log.level", "warn", "\u{feff}[log]\r\nlevel = \"warn\"\r\n"),
        ("[log]\n  level=\"info\"  # x\n", "log.level", "warn", "[log]\n  level=\"warn\"  # x\n"),
        ("[log]\n  level=\"info\"  # x", "log.level", "default", "[log]\n  # x"),
        (
            "[log]\nmax_kib = 64 # a\n\n[pages]\n",
            "log.level",
            "warn",
            "[log]\nmax_kib = 64 # a\nlevel = \"warn\"\n\n[pages]\n",
        ),
        ("[log]\nmax_kib = 64", "log.level", "warn", "[log]\nmax_kib = 64\nlevel = \"warn\"\n"),
        (
            "[log]\n  #level = \"info\"\n\n[pages]\n",
            "log.level",
            "warn",
            "[log]\n  #level = \"info\"\n  level = \"warn\"\n\n[pages]\n",
        ),
        ("log.max_kib = 64\n", "log.level", "warn", "log.max_kib = 64\nlog.level = \"warn\"\n"),
        ("log.level = \"info\"\n", "log.level", "warn", "log.level = \"warn\"\n"),
        (
            "log = { max_kib = 64 } # x\n",
            "log.level",
            "warn",
            "log = { max_kib = 64 , level = \"warn\" } # x\n",
        ),
        ("log = { level = \"info\", max_kib = 64 }\n", "log.level", "default", "log = { max_kib = 64 }\n"),
        (
            "[[server]]\nname = \"a\"\n# x\n",
            "server.A.port",
            "99",
            "[[server]]\nname = \"a\"\nport = 99\n# x\n",
        ),
        (
            "server = [{ name = \"a\" }]\n",
            "server.b.port",
            "99",
            "server = [{ name = \"a\" }, { name = \"b\", port = 99 }]\n",
        ),
        (
            "[[server]]\naddress = \"a\"\n",
            "server.a.name",
            "A",
            "[[server]]\naddress = \"a\"\nname = \"A\"\n",
        ),
        ("[[server]]\nname = \"a\"\nport = 9\n", "server.a.port", "default", "[[server]]\nname = \"a\"\n"),
        (
            "[notices]\nbefore_days = [\n  9, # x\n]\ntrial = true\n",
            "notices.before_days",
            "default",
            "[notices]\ntrial = true\n",
        ),
        ("[log]\nlevel = 'info'\n", "log.level", "info", "[log]\nlevel = 'info'\n"),
        ("[log]\n", "log.level", "default", "[log]\n"),
    ] {
        let value = Some(value).filter(|value| *value != "default");
        let edit = edited(old, Path::new("s.toml"), key, value);
        let (text, _) = edit.unwrap_or_else(|problem| panic!("{problem}\n{old}"));
        assert_eq!(text, new, "{old:?} {key}");
    }
}

#[test]
fn a_change_that_is_not_allowed_is_refused() {
    let mut report = String::new();
    for (text, key, value) in [
        ("", "notices.expirng_days", "3"),
        ("", "expiring_days", "3"),
        ("", "notice.expiring_days", "3"),
        ("", "notices.expiring_days", "many"),
        ("", "notices.quiet_hours", "20:00"),
        ("", "notices.before_days", "30, 4000"),
        ("", "pages.renew", "http://example.com"),
        ("", "server.port", "3"),
        ("", "server.A.prt", "3"),
        ("", "server.A.name", "B"),
        ("", "server.A.maintenance_until", "31.1.2027"),
        ("[[server]]\nname = \"a\"\n[[server]]\nname = \"b\"\n", "server.a.name", "B"),
        ("[[server]]\nname = \"a\"\n", "server.a.name", "default"),
        ("[[server]]\nname = \"a\"\n", "server.b.port", "default"),
        (
            "[[server]]\naddress = \"a\"\nport = 1\n[[server]]\naddress = \"a\"\nport = 2\n",
            "server.a.kind",
            "trial",
        ),
        ("[log]\nlevel = \"loud\"\nmax = 3\n", "log.max_kib", "64"),
    ] {
        let value = Some(value).filter(|value| *value != "default");
        let problem = edited(text, Path::new("s.toml"), key, value).unwrap_err();
        writeln!(report, "{key} = {value:?}\n=> {problem}").unwrap();
    }
    insta::assert_snapshot!(report, @r#"
    notices.expirng_days = Some("3")
    => Cannot change the settings: notices.expirng_days: there is no such key. Did you mean expiring_days?
    expiring_days = Some("3")
    => Cannot change the settings: expiring_days: there is no such key. Did you mean expiring_days below [notices]?
    notice.expiring_days = Some("3")
    => Cannot change the settings: notice.expiring_days: there is no such key. Did you mean the section [notices]?
    notices.expiring_days = Some("many")
    => Cannot change the settings: notices.expiring_days: expiring_days must be a whole number from 0 to 3650. The default is 30.
    notices.quiet_hours = Some("20:00")
    => Cannot change the settings: notices.quiet_hours: quiet_hours must be two different times of day such as "20:00-07:00". For example: "20:00-07:00".
    notices.before_days = Some("30, 4000")
    => Cannot change the settings: notices.before_days: before_days must be a list of at most 50 whole numbers from 0 to 3650. The default is [90, 60, 30, 14, 7, 3, 1, 0].
    pages.renew = Some("http://example.com")
    => Cannot change the settings: pages.renew: renew must be an address that starts with https://. The default is "https://admin.visualcron.com/mylicenses.aspx".
    server.port = Some("3")
    => Cannot change the settings: server.port: the server's name is missing. Write server.NAME.KEY, for example server.PROD-01.port.
    server.A.prt = Some("3")
    => Cannot change the settings: server.A.prt: there is no such key. Did you mean port?
    server.A.name = Some("B")
    => Cannot change the settings: s.toml: there is no server A. See the [[server]] sections of the file for the names.
    server.A.maintenance_until = Some("31.1.2027")
    => Cannot change the settings: server.A.maintenance_until: maintenance_until must be a date such as 2026-12-06. For example: 2026-12-06.
    server.a.name = Some("B")
    => Cannot change the settings: s.toml: the server on line 1 is called the same. Choose another value.
    server.a.name = None
    => Cannot change the settings: s.toml: the server has neither a name nor an address. Choose another value.
    server.b.port = None
    => Cannot change the settings: s.toml: there is no server b. See the [[server]] sections of the file for the names.
    server.a.kind = Some("trial")
    => Cannot change the settings: s.toml: 2 servers have the address a. Use the server's name.
    log.max_kib = Some("64")
    => Cannot change the settings: s.toml, line 2, column 9: the file has 2 mistakes, the first there: level must be "error", "warn", "info", "debug" or "trace". Correct it, or remove the line for the default, "info".
    "#);
}

#[test]
fn set_tells_what_was_and_what_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    let change = set(&path, "notices.expiring_days", "45").unwrap();
    assert_eq!((change.old.as_deref(), change.new.as_deref()), (Some("30"), Some("45")));
    assert!(fs::read_to_string(&path).unwrap().contains("\n#expiring_days = 30\nexpiring_days = 45\n"));
    let change = set(&path, "notices.expiring_days", " default ").unwrap();
    assert_eq!((change.old.as_deref(), change.new.as_deref()), (Some("45"), Some("30")));
    assert_eq!(fs::read_to_string(&path).unwrap(), DEFAULT_FILE);
    let change = set(&path, "server.A.activation_code", "ABCD").unwrap();
    assert_eq!((change.old, change.new.as_deref()), (None, Some("(secret)")));
    remove_server(&path, "a").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), DEFAULT_FILE);
    assert_eq!(remove_server(&path, "a").unwrap_err().fault, Fault::Usage);
    assert_eq!(unset(&path, "notices.quiet_hours").unwrap().new, None);
    fs::write(&path, "[log]\nlevel = 3\n").unwrap();
    let problem = set(&path, "log.max_kib", "64").unwrap_err();
    assert_eq!(problem.fault, Fault::Config);
    assert!(problem.place.ends_with("settings.toml, line 2, column 9"), "{problem}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "[log]\nlevel = 3\n");
}

#[test]
fn a_bad_file_leaves_the_last_good_settings_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let (path, last_good) =
        (folder.path().join("settings.toml"), folder.path().join("state/settings.good.toml"));
    let days = |loaded: &Loaded| loaded.settings.notices.expiring_days;
    let nexts =
        |loaded: &Loaded| loaded.problems.iter().map(|problem| problem.next.clone()).collect::<Vec<_>>();

    let loaded = load_and_keep(&path, &last_good);
    assert_eq!((days(&loaded), loaded.from, loaded.problems.len()), (30, Origin::Nowhere, 0));
    assert!(!last_good.exists());

    fs::write(&path, "[notices]\nexpiring_days = many\n").unwrap();
    let loaded = load_and_keep(&path, &last_good);
    assert_eq!((days(&loaded), loaded.from), (30, Origin::Defaults));
    assert_eq!(
        nexts(&loaded),
        ["Put the text between double quotes. Until then the default settings are in force."]
    );

    fs::write(&path, "[notices]\nexpiring_days = 45\n").unwrap();
    let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_750_000_000);
    fs::File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
    let loaded = load_and_keep(&path, &last_good);
    assert_eq!((days(&loaded), loaded.from, loaded.problems.len()), (45, Origin::File, 0));
    assert_eq!(loaded.read_at.as_second(), 1_750_000_000);
    assert_eq!(fs::read(&last_good).unwrap(), fs::read(&path).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&last_good).unwrap().permissions().mode() & 0o777, 0o600);
    }

    fs::write(&path, "[notices]\nexpiring_days = 46\ntrail = true\n").unwrap();
    let loaded = load_and_keep(&path, &last_good);
    let saved_at = jiff::Timestamp::from_second(1_750_000_000).unwrap();
    assert_eq!((days(&loaded), loaded.from), (45, Origin::LastGood { saved_at }));
    assert_eq!(loaded.read_at, saved_at);
    let next = &nexts(&loaded)[0];
    assert!(
        next.starts_with("Did you mean trial? Until then the last good settings, of 2025-06-15 "),
        "{next}"
    );
    assert!(next.ends_with(", are in force."), "{next}");

    for moment in ["", " \n", "\u{feff}"] {
        fs::write(&path, moment).unwrap();
        let loaded = load_and_keep(&path, &last_good);
        assert_eq!((days(&loaded), loaded.from, loaded.problems.len()), (30, Origin::Nowhere, 0));
    }
    fs::write(&path, b"[log]\n# caf\xe9\n").unwrap();
    let loaded = load_and_keep(&path, &last_good);
    assert_eq!(days(&loaded), 45);
    assert!(loaded.problems[0].place.ends_with("settings.toml, line 2"));
    assert_eq!(loaded.problems[0].why, "it is not UTF-8 text");
    fs::write(&path, b"\xff\xfe[\0").unwrap();
    assert_eq!(load_and_keep(&path, &last_good).problems[0].why, "it is UTF-16 text");

    fs::write(&last_good, "[notices]\nexpiring_days = many\n").unwrap();
    assert_eq!(load_and_keep(&path, &last_good).from, Origin::Defaults);
    // A copy that cannot be kept is said, and the file is in force all the same.
    fs::write(&path, "[notices]\nexpiring_days = 47\n").unwrap();
    let loaded = load_and_keep(&path, &path.join("below/a-file"));
    assert_eq!((days(&loaded), loaded.from), (47, Origin::File));
    assert!(loaded.problems[0].what.starts_with("Cannot keep a copy"), "{:?}", loaded.problems);
}

#[test]
fn show_says_where_each_value_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    assert!(write_default_if_absent(&path).unwrap());
    assert!(!write_default_if_absent(&path).unwrap());
    fs::write(
        &path,
        "[log]\nmax_kib = 64\n\n[[server]]\naddress = \"a\"\nactivation_code = \"ABCD\"\n\n[[server]]\nname = \"B\"\n",
    )
    .unwrap();
    let values = effective(&load(&path, &folder.path().join("good")));
    let mut report = String::new();
    for value in &values {
        let shown = value.value.as_deref().unwrap_or("-");
        writeln!(report, "{} = {shown}  {:?}", value.key, value.origin).unwrap();
    }
    insta::assert_snapshot!(report, @r#"
    visualcron.folder = -  Default
    visualcron.client_program = -  Default
    visualcron.server_folder = -  Default
    notices.before_days = [90, 60, 30, 14, 7, 3, 1, 0]  Default
    notices.after_every_days = 7  Default
    notices.renewal_window_days = 180  Default
    notices.expiring_days = 30  Default
    notices.quiet_hours = -  Default
    notices.perpetual = true  Default
    notices.subscription = true  Default
    notices.trial = true  Default
    notices.expiring = true  Default
    notices.expired = true  Default
    notices.not_covered = true  Default
    notices.connection = false  Default
    notices.renewed = true  Default
    notices.validation = true  Default
    notices.remind_at = "09:00"  Default
    connection.check = "main"  Default
    connection.every_seconds = 60  Default
    connection.timeout_seconds = 3  Default
    connection.main_server = -  Default
    license_host.host = "www.visualcron.com"  Default
    license_host.check_on_refresh = true  Default
    license_host.proxy = -  Default
    license_host.proxy_user = -  Default
    license_host.ca_file = -  Default
    recovery.close_seconds = 20  Default
    recovery.keep_backups = 10  Default
    pages.renew = "https://admin.visualcron.com/mylicenses.aspx"  Default
    pages.order = "https://www.visualcron.com/order.aspx"  Default
    pages.maintenance = "https://www.visualcron.com/maintenance.aspx"  Default
    pages.manual_validation = "https://www.visualcron.com/activation/OfflineValidation.aspx"  Default
    pages.offline_activation = "https://admin.visualcron.com/activation/OfflineActivation2024.aspx"  Default
    log.max_kib = 64  Line(2)
    log.level = "info"  Default
    server.a.address = "a"  Line(5)
    server.a.activation_code = (secret)  Line(6)
    server.B.name = "B"  Line(9)
    "#);
    let settings = known_keys().filter(|info| info.section() != "server").count();
    assert_eq!(values.len(), settings + 3);
}

#[test]
fn a_file_of_nothing_but_trouble_is_refused() {
    for piece in
        ["[", "{", "a.", "a=", "\"", "'", "\\", "\u{feff}", "[a]\n", "[[server]]\n", "server.a = [[{b="]
    {
        let text = piece.repeat(MAX_FILE as usize / piece.len());
        let problems = parse(&text, Path::new("s.toml")).unwrap_err();
        assert!((1..=MAX_PROBLEMS).contains(&problems.len()), "{piece:?}");
        assert!(problems[0].to_string().len() < 500, "{piece:?}");
    }
}
