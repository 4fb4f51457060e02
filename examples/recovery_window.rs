//! The recovery window with a backend that does nothing but tell a story, to be tried by hand:
//! `cargo run --example recovery_window [clears|fails|needs-user|refused|nothing|cut-off|cut-off-going-back]`
//!
//! - `--second MILLISECONDS`: how long a second of the story takes.
//! - `--single FOLDER`: one window a user; a second start brings the first to the front.

#[path = "../tests/support/recovery_stand_in.rs"]
mod recovery_stand_in;

use recovery_stand_in::{StandIn, Story};
use std::{path::PathBuf, process::ExitCode, time::Duration};
use visualcron_tray::window::recovery;

#[allow(clippy::print_stderr)]
fn main() -> ExitCode {
    let (mut story, mut second, mut single) = (Story::Clears, Duration::from_secs(1), None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--second" => {
                let given = arguments.next().and_then(|text| text.parse().ok());
                second = Duration::from_millis(given.unwrap_or(1000));
            }
            "--single" => single = arguments.next().map(PathBuf::from),
            name => match Story::named(name) {
                Some(named) => story = named,
                None => {
                    eprintln!("no such story: {name}");
                    return ExitCode::from(64);
                }
            },
        }
    }
    let stand_in = StandIn::new(story, second);
    let asked = stand_in.asked.clone();
    let ended = match single {
        Some(folder) => recovery::run_single(Box::new(stand_in), &folder),
        None => recovery::run(Box::new(stand_in)),
    };
    if let Ok(asked) = asked.lock() {
        eprintln!("asked: {}", asked.join("; "));
    }
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(problem.fault.exit_code())
        }
    }
}
