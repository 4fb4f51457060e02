//! A stand-in for VisualCron's own programs, a simulation for the tests of Clear server cache: it runs until it is
//! asked to end, and behaves as its arguments say.
//!
//!     --hold FILE          holds the file open while it runs
//!     --on-start FILE TEXT writes the file when it starts, if there is none
//!     --on-end FILE TEXT   writes the file when it ends
//!     --late MILLISECONDS  takes its time to end
//!     --until FILE         ends, once it is asked to, when this file is there
//!     --deaf               does not end when it is asked to
#![allow(clippy::unwrap_used)]

use std::{env, fs, path::Path, process, sync::mpsc, time::Duration};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let after = |option: &str, n: usize| {
        let at = arguments.iter().position(|argument| argument == option)?;
        arguments.get(at + n).cloned()
    };
    let (asked, end) = mpsc::channel();
    ctrlc::set_handler(move || {
        let _ = asked.send(());
    })
    .unwrap();
    let _held = after("--hold", 1).map(|file| fs::File::open(file).ok());
    if let (Some(file), Some(text)) = (after("--on-start", 1), after("--on-start", 2))
        && !Path::new(&file).exists()
    {
        fs::write(file, text).unwrap();
    }
    while end.recv().is_ok() {
        if arguments.iter().any(|argument| argument == "--deaf") {
            continue;
        }
        if let Some(late) = after("--late", 1) {
            std::thread::sleep(Duration::from_millis(late.parse().unwrap()));
        }
        if let Some(file) = after("--until", 1) {
            while !Path::new(&file).exists() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        if let (Some(file), Some(text)) = (after("--on-end", 1), after("--on-end", 2)) {
            fs::write(file, text).unwrap();
        }
        process::exit(0);
    }
}
