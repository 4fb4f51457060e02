//! Every example of the README runs.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::Home;
use visualcron_tray::host::demo::World;

const README: &str = include_str!("../README.md");

/// The lines of all blocks of one language.
fn blocks(language: &str) -> Vec<&'static str> {
    let mut inside = false;
    README
        .lines()
        .filter(|line| {
            let fence = line.starts_with("```");
            inside = if fence { !inside && *line == format!("```{language}") } else { inside };
            inside && !fence
        })
        .collect()
}

#[test]
fn what_is_shown_is_what_the_demo_shows() {
    let world = World::make(jiff::civil::date(2026, 11, 24)).unwrap();
    let home = Home::new();
    let shown = blocks("console");
    let starts: Vec<usize> = (0..shown.len()).filter(|&at| shown[at].starts_with("$ ")).collect();
    assert_eq!((starts.len(), shown[0]), (2, "$ visualcron-tray status"));
    for (at, end) in starts.iter().zip(starts[1..].iter().chain([&shown.len()])) {
        let arguments = shown[*at].strip_prefix("$ visualcron-tray ").unwrap();
        let mut command = home.command();
        command.arg("--visualcron-dir").arg(world.visualcron()).arg("--config").arg(world.config());
        command.args(["--now", "2026-11-24"]).args(arguments.split(' '));
        let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert_eq!(output.lines().collect::<Vec<_>>(), shown[at + 1..*end], "{arguments}\n{output}");
    }
}

#[test]
fn every_command_runs() {
    let home = Home::new();
    home.stand_in("xdg-open");
    home.write(
        ".local/share/VisualCron/settings/servers.xml",
        "<Servers><Server><Name>PROD-01</Name><Address>prod-01</Address><Expires>2027-01-31</Expires></Server>\
         <Server><Name>PROD-02</Name><Address>prod-02</Address><Expires>2027-01-31</Expires></Server></Servers>",
    );
    std::fs::create_dir_all(home.join(".local/share/VisualCron/log")).unwrap();
    home.run(&["settings", "set", "license_host.check_on_refresh", "false"]);
    let mut count = 0;
    for line in blocks("sh") {
        let words: Vec<&str> = line.split(" #").next().unwrap().split_whitespace().collect();
        match words.as_slice() {
            ["cargo", "run", "--release"] | ["cargo", "run", "--release", "--", "demo"] => {}
            [script] if script.starts_with("scripts/") => {
                assert!(std::fs::metadata(script).unwrap().is_file())
            }
            ["visualcron-tray", arguments @ ..] => {
                let output = home.run(arguments);
                let limit = match arguments[0] {
                    "status" => 3,
                    "diagnose" => 2,
                    _ => 0,
                };
                let code = output.status.code().unwrap();
                assert!(code <= limit, "{line}: {code}\n{}", String::from_utf8_lossy(&output.stderr));
                count += 1;
            }
            other => panic!("what is this? {other:?}"),
        }
    }
    assert!(count > 15, "{count}");
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let links = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.starts_with("http") && !link.starts_with('#')) {
        assert!(root.join(link).exists(), "{link}");
    }
}
