//! The diagnosis against simulated networks of real sockets: each file in tests/scenarios says what the network does,
//! and what must be concluded and advised. `UPDATE_SCENARIOS=1` writes what is concluded into the files: read it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "diagnosis/authorities.rs"]
mod authorities;
#[path = "diagnosis/network.rs"]
mod network;
#[path = "diagnosis/program.rs"]
mod program;
#[path = "diagnosis/scenario.rs"]
mod scenario;
mod support;

use scenario::Scenario;
use std::{
    path::PathBuf,
    sync::{Mutex, atomic::AtomicUsize, atomic::Ordering},
    time::{Duration, Instant},
};

/// The scenarios, by name; only those whose name contains `SCENARIO` of the environment.
fn files() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    let wanted = std::env::var("SCENARIO").unwrap_or_default();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension().is_some_and(|kind| kind == "toml") && path.to_string_lossy().contains(&wanted)
    });
    files.sort();
    files
}

#[test]
fn every_scenario_comes_to_its_conclusion() {
    let files = files();
    assert!(files.len() >= 40 || std::env::var_os("SCENARIO").is_some(), "{} scenarios", files.len());
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ran = std::panic::catch_unwind(|| run(path));
                    if let Err(why) = ran.unwrap_or_else(|_| Err("it panicked".into())) {
                        let name = path.file_stem().unwrap().to_string_lossy();
                        failed.lock().unwrap().push(format!("== {name}\n{why}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), files.len(), failed.join("\n"));
}

fn run(path: &PathBuf) -> Result<(), String> {
    let text = std::fs::read_to_string(path).unwrap();
    let scenario: Scenario = toml_edit::de::from_str(&text).map_err(|error| error.to_string())?;
    let begun = Instant::now();
    let diagnosis = scenario.diagnose();
    assert!(begun.elapsed() < Duration::from_secs(60), "it takes too long");
    let concluded = scenario::concluded(&diagnosis);
    if std::env::var_os("UPDATE_SCENARIOS").is_some() {
        let kept = text.split("\n[expect]").next().unwrap();
        std::fs::write(path, format!("{}\n\n[expect]\n{concluded}", kept.trim_end())).unwrap();
        return Ok(());
    }
    let expected = text.split("\n[expect]\n").nth(1).unwrap_or_default();
    if expected == concluded {
        Ok(())
    } else {
        Err(format!("expected:\n{expected}\nconcluded:\n{concluded}"))
    }
}
