//! Any bytes as a `servers.xml`: no panic, bounded answers, no secret in what is shown, and no beginning of a
//! well-formed file that passes for the whole with other servers.
//!
//! `cargo fuzz run servers_xml` (on a stable toolchain with `RUSTC_BOOTSTRAP=1` and `-s none`).

#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use visualcron_tray::sources::servers_xml::{Limits, parse};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { max_records: 1000, ..Limits::default() };
    match parse(bytes, Timestamp::UNIX_EPOCH, &limits) {
        Ok(parsed) => {
            assert!(parsed.entries.len() <= 1000);
            for entry in &parsed.entries {
                assert!(entry.name.is_some() || entry.address.is_some());
                assert!(entry.notes.len() <= 8);
                assert!(entry.notes.iter().all(|note| note.chars().count() <= 160));
                if let Some(code) = entry.activation_code.as_ref().map(|code| code.reveal()) {
                    // Only where the code is not also the text of a field that is shown.
                    assert!(
                        code.len() < 12
                            || !format!("{:?}", entry.notes).contains(code)
                            || repeats(bytes, code)
                    );
                }
            }
            // The last tag is cut off: whatever comes after it is no part of the data.
            if let Some(end) = bytes.windows(2).rposition(|pair| pair == b"</") {
                if let Ok(beginning) = parse(&bytes[..end], Timestamp::UNIX_EPOCH, &limits) {
                    assert_eq!(beginning.entries, parsed.entries);
                }
            }
        }
        Err(error) => assert!(error.line >= 1 && error.column >= 1 && error.to_string().len() < 300),
    }
});

fn repeats(bytes: &[u8], code: &str) -> bool {
    String::from_utf8_lossy(bytes).matches(code).count() != 1
}
