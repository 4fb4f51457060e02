//! Any bytes as a host's license file, TOML and CSV: no panic, mistakes bounded in number and length, their lines within
//! the file.
//!
//! `cargo fuzz run license_file` (on a stable toolchain with `RUSTC_BOOTSTRAP=1` and `-s none`).

#![no_main]

use libfuzzer_sys::fuzz_target;
use visualcron_tray::host::licenses::{Format, Licenses};

fuzz_target!(|bytes: &[u8]| {
    let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
    for format in [Format::Toml, Format::Csv] {
        match Licenses::parse(bytes, format) {
            Ok(licenses) => {
                assert!(licenses.len() <= lines);
                assert!((1..=365).contains(&licenses.validate_every_days) && licenses.grace_days <= 365);
            }
            Err(mistakes) => {
                assert!((1..=20).contains(&mistakes.len()));
                for mistake in mistakes {
                    assert!((1..=lines).contains(&mistake.line), "{mistake:?} of {lines} lines");
                    assert!(mistake.what.chars().count() < 400 && !mistake.what.contains(['\n', '\u{1b}']));
                }
            }
        }
    }
});
