//! Properties of reading and changing, on generated files.

use super::{
    keys::{AnySlot, known_keys},
    parse::parse_located,
    *,
};
use proptest::prelude::*;
use std::path::Path;
use toml_edit::Value;

/// What somebody may type for a key, all of it allowed.
fn typed(key: &str) -> BoxedStrategy<String> {
    let name = key.rsplit('.').next().unwrap();
    let words =
        |words: &'static [&'static str]| proptest::sample::select(words).prop_map(str::to_string).boxed();
    let number = |range: std::ops::RangeInclusive<u32>| range.prop_map(|number| number.to_string()).boxed();
    let time = || (0..24, 0..60).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"));
    match name {
        "folder" | "client_program" | "ca_file" | "server_folder" => {
            r#"([C-Z]:[\\/]|/|\\\\)[ -~äß€]{0,20}x"#.boxed()
        }
        "before_days" => {
            proptest::collection::vec(0u32..=3650, 0..=50).prop_map(|bands| format!("{bands:?}")).boxed()
        }
        "every_seconds" => number(10..=86400),
        "timeout_seconds" => number(1..=60),
        "close_seconds" => number(1..=600),
        "keep_backups" => number(1..=1000),
        "max_kib" => number(64..=1_048_576),
        "port" => number(1..=65535),
        name if name.ends_with("_days") => number(0..=3650),
        "quiet_hours" => (time(), time())
            .prop_filter("two different times", |(from, to)| from != to)
            .prop_map(|(from, to)| format!("{from}-{to}"))
            .boxed(),
        "remind_at" => time().boxed(),
        "check" => words(&["main", "all", "off"]),
        "level" => words(&["error", "warn", "info", "debug", "trace"]),
        "kind" => words(&["perpetual", "subscription", "trial"]),
        "perpetual" | "subscription" | "trial" | "expiring" | "expired" | "not_covered" | "connection"
        | "renewed" | "validation" | "check_on_refresh" | "ignore" => words(&["true", "false"]),
        "host" | "address" => "[a-z][a-z0-9.-]{0,20}".boxed(),
        "renew" | "order" | "maintenance" | "manual_validation" | "offline_activation" => {
            "https://[a-z]{1,8}\\.example/[a-z0-9?=&#'%._-]{0,20}".boxed()
        }
        "proxy" => "direct|https?://[a-z]{1,8}(\\.example)?:[1-9][0-9]{0,3}".boxed(),
        "maintenance_until" => (2000..2200, 1..=12, 1..=28)
            .prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}"))
            .boxed(),
        "installed_version" => "[0-9]{1,4}\\.[0-9]{1,4}\\.[0-9]{1,4}".boxed(),
        "name" | "edition" | "activation_code" | "server_id" | "main_server" | "proxy_user" => {
            r#"[!-~äß€]([ -~äß€]{0,20}[!-~äß€])?"#.boxed()
        }
        other => panic!("no values for {other}"),
    }
}

fn setting() -> impl Strategy<Value = (&'static str, String)> {
    let keys: Vec<_> = known_keys().filter(|info| info.section() != "server").map(|info| info.key).collect();
    proptest::sample::select(keys).prop_flat_map(|key| (Just(key), typed(key)))
}

fn server_setting() -> impl Strategy<Value = (&'static str, String)> {
    let keys: Vec<_> = known_keys()
        .filter(|info| info.section() == "server" && info.name() != "name")
        .map(|info| info.name())
        .collect();
    proptest::sample::select(keys).prop_flat_map(|key| (Just(key), typed(key)))
}

/// Settings with some values set, and some servers.
fn settings() -> impl Strategy<Value = Settings> {
    let servers = proptest::collection::vec(
        (typed("server.name"), proptest::collection::vec(server_setting(), 0..5)),
        0..4,
    );
    (proptest::collection::vec(setting(), 0..12), servers).prop_map(|(values, servers)| {
        let mut settings = Settings::default();
        for (key, value) in values {
            if let AnySlot::Settings(slot) = &keys::key(key).unwrap().slot {
                slot.read(&mut settings, &slot.typed(&value)).unwrap();
            }
        }
        for (at, (name, values)) in servers.into_iter().enumerate() {
            let mut server = Server { name: Some(format!("{at}-{name}")), ..Server::default() };
            for (name, value) in values {
                if let AnySlot::Server(slot) = &keys::key(&format!("server.{name}")).unwrap().slot {
                    slot.read(&mut server, &slot.typed(&value)).unwrap();
                }
            }
            settings.servers.push(server);
        }
        settings
    })
}

/// A value as one would type it.
fn as_typed(value: Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

/// The file that says these settings, made by changes alone. Shuffling puts keys in any order.
fn rendered(base: &str, settings: &Settings) -> String {
    let mut text = base.to_string();
    let mut put = |key: &str, value: Value| {
        text = edited(&text, Path::new("s.toml"), key, Some(&as_typed(value))).unwrap().0;
    };
    let mut settings = settings.clone();
    for info in known_keys() {
        if let AnySlot::Settings(slot) = &info.slot
            && let Some(value) = slot.value(&mut settings)
            && slot.value(&mut Settings::default()).map(as_typed) != Some(as_typed(value.clone()))
        {
            put(info.key, value);
        }
    }
    for server in &mut settings.servers {
        let name = server.title().to_string();
        for info in known_keys() {
            if let AnySlot::Server(slot) = &info.slot
                && let Some(value) = slot.value(server)
            {
                put(&format!("server.{name}.{}", info.name()), value);
            }
        }
    }
    text
}

fn comments(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| line.starts_with('#')).collect()
}

/// Pieces that make up more trouble than letters do.
fn soup() -> impl Strategy<Value = String> {
    let pieces = vec![
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ".",
        ",",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "\\",
        "#",
        "\n",
        "\r\n",
        "\r",
        " ",
        "\t",
        "\u{feff}",
        "\0",
        "é",
        "notices",
        "server",
        "expiring_days",
        "before_days",
        "name",
        "port",
        "quiet_hours",
        "maintenance_until",
        "activation_code",
        "0",
        "30",
        "-1",
        "1e9",
        "inf",
        "true",
        "2026-12-06",
        "T09:00",
        "\"a\"",
        "[[server]]\n",
        "[notices]\n",
        "name = \"a\"\n",
        "expiring_days = 3\n",
        "log.level",
        "99999999999999999999",
    ];
    proptest::collection::vec(proptest::sample::select(pieces), 0..30).prop_map(|pieces| pieces.concat())
}

/// Good files in every layout that TOML has: sections in any order, inline tables, dotted keys, comments between.
fn good_file() -> impl Strategy<Value = String> {
    let noise = || {
        proptest::sample::select(vec!["", "\n", "# a comment\n", "#expiring_days = 30\n", "  # x = 1\n\n"])
    };
    let key = |forms: Vec<&'static str>| {
        (proptest::sample::select(forms), noise()).prop_map(|(key, noise)| format!("{noise}{key}"))
    };
    let days =
        key(vec!["", "", "expiring_days = 3\n", "  expiring_days=4 # why\n", "\"expiring_days\" = 0x10\n"]);
    let bands =
        key(vec!["", "", "before_days = [\n  9, # nine\n  8,\n]\n", "before_days = []\n", "trial = false\n"]);
    let server = |names: [&'static str; 3]| {
        let name = key(names.to_vec());
        let rest = key(vec![
            "",
            "port = 9\n",
            "edition = \"\"\"\\\n[notices]\"\"\"\n",
            "edition = '#expiring_days = 3'\n",
        ]);
        (proptest::sample::select(vec!["[[server]]\n", "[[ server ]] # x\n"]), name, rest)
            .prop_map(|(header, name, rest)| format!("{header}{name}{rest}"))
    };
    let root = key(vec![
        "",
        "",
        "",
        "notices.expiring_days = 5\n",
        "notices . trial = false\n",
        "notices = {}\n",
        "notices = { trial = true } # x\n",
        "notices = { expiring_days = 6, trial = true, }\n",
        "notices = {\n  expiring_days = 6, # x\n}\n",
    ]);
    let list = key(vec![
        "",
        "",
        "",
        "server = []\n",
        "server = [{ name = \"d\" }] # x\n",
        "server = [\n  { name = \"d\", port = 7 }, # d\n  { address = \"h\" },\n]\n",
    ]);
    let sections = (
        (days, bands),
        server(["name = \"a\"\n", "name = 'A' # x\n", "address = \"g\"\n"]),
        server(["name = \"b\"\n", "\"name\"='b'\n", "address = \"::1\" # x\nname = \"b\"\n"]),
        any::<[bool; 4]>(),
    );
    (root, list, sections, any::<[bool; 2]>()).prop_map(|(root, list, sections, [crlf, no_end])| {
        let ((days, bands), first, second, [a, b, c, swap]) = sections;
        let mut parts = Vec::new();
        if !root.contains("notices") && a {
            parts.push(format!("[notices]\n{days}{bands}"));
        }
        if !list.contains("server =") {
            parts.extend(
                [(b, first), (c, second)].into_iter().filter(|(given, _)| *given).map(|(_, server)| server),
            );
        }
        parts.push("[log]\n".into());
        if swap {
            parts.reverse();
        }
        let mut text = format!("{root}{list}{}", parts.concat());
        if no_end {
            text.truncate(text.trim_end().len());
        }
        if crlf { text.replace('\n', "\r\n") } else { text }
    })
}

/// The number of cases, or what PROPTEST_CASES asks for.
fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|asked| asked.parse().ok());
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(asked.unwrap_or(usual)) }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof!["\\PC*", soup(), any::<String>()]) {
        let path = Path::new("s.toml");
        match parse(&text, path) {
            Ok(_) => {
                let _ = edited(&text, path, "notices.expiring_days", Some("77"));
                let _ = edited(&text, path, "server.a.port", None);
            }
            Err(problems) => {
                prop_assert!(!problems.is_empty() && problems.len() <= MAX_PROBLEMS);
                prop_assert!(problems.iter().all(|problem| problem.place.starts_with("s.toml, line ")));
            }
        }
    }

    #[test]
    fn every_layout_can_be_changed(text in good_file()) {
        let path = Path::new("s.toml");
        let settings = parse(&text, path).unwrap();
        let (new, _) = edited(&text, path, "notices.expiring_days", Some("77")).unwrap();
        prop_assert_eq!(parse(&new, path).unwrap().notices.expiring_days, 77);
        prop_assert_eq!(comments(&text), comments(&new));
        let (back, _) = edited(&new, path, "notices.expiring_days", None).unwrap();
        prop_assert_eq!(parse(&back, path).unwrap().notices.expiring_days, 30);
        let (added, _) = edited(&text, path, "server.new one.port", Some("7")).unwrap();
        prop_assert_eq!(parse(&added, path).unwrap().servers.len(), settings.servers.len() + 1);
        prop_assert_eq!(comments(&text), comments(&added));
        for (at, server) in settings.servers.iter().enumerate() {
            let (new, _) =
                edited(&text, path, &format!("server.{}.maintenance_until", server.title()), Some("2027-01-31")).unwrap();
            prop_assert_eq!(parse(&new, path).unwrap().servers[at].maintenance_until.unwrap().to_string(), "2027-01-31");
            prop_assert_eq!(comments(&text), comments(&new));
            let new = without_server(&text, path, server.title()).unwrap();
            prop_assert_eq!(parse(&new, path).unwrap().servers.len(), settings.servers.len() - 1);
        }
        if text.contains('\r') {
            for new in [new, back, added] {
                prop_assert!(!new.replace("\r\n", "").contains('\n'), "{:?}", new);
            }
        }
    }

    #[test]
    fn any_change_is_refused_or_does_what_it_says(key in "\\PC*", value in "\\PC*") {
        let _ = edited(DEFAULT_FILE, Path::new("s.toml"), &key, Some(&value));
        for info in known_keys().filter(|info| info.section() != "server") {
            let _ = edited("", Path::new("s.toml"), info.key, Some(&value));
        }
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn any_settings_are_read_back(settings in settings()) {
        for base in ["", DEFAULT_FILE, "\u{feff}# mine\r\n[notices] # x\r\n"] {
            let text = rendered(base, &settings);
            prop_assert_eq!(&parse(&text, Path::new("s.toml")).unwrap(), &settings);
            prop_assert!(!base.contains('\r') || !text.replace("\r\n", "").contains('\n'));
        }
    }

    #[test]
    fn a_change_changes_one_value_and_no_comment(settings in settings(), change in setting(), server in server_setting()) {
        let path = Path::new("s.toml");
        let old = rendered(DEFAULT_FILE, &settings);
        let (new, said) = edited(&old, path, change.0, Some(&change.1)).unwrap();
        let mut wanted = settings.clone();
        let AnySlot::Settings(slot) = &keys::key(change.0).unwrap().slot else { unreachable!() };
        slot.read(&mut wanted, &slot.typed(&change.1)).unwrap();
        prop_assert_eq!(&parse(&new, path).unwrap(), &wanted);
        prop_assert_eq!(comments(&old), comments(&new));
        prop_assert_eq!(said.new, slot.shown(&mut wanted));
        prop_assert!(parse_located(&new, path).unwrap().lines.contains_key(change.0));

        // Taking it out again gives the default, and the same lines as without it.
        let (back, _) = edited(&new, path, change.0, None).unwrap();
        slot.reset(&mut wanted);
        prop_assert_eq!(&parse(&back, path).unwrap(), &wanted);
        prop_assert_eq!(comments(&old), comments(&back));
        if !parse_located(&old, path).unwrap().lines.contains_key(change.0) {
            prop_assert_eq!(&back, &old);
        }

        // A new server, and away with it.
        let (added, _) = edited(&old, path, &format!("server.new.{}", server.0), Some(&server.1)).unwrap();
        prop_assert_eq!(parse(&added, path).unwrap().servers.len(), settings.servers.len() + 1);
        prop_assert_eq!(without_server(&added, path, "NEW").unwrap(), old);
    }
}
