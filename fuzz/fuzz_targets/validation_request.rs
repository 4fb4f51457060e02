//! Any bytes as a form, a text, or the JSON of a request: no panic, no secret in what is said, and what is read is
//! written the same.
//!
//! `cargo fuzz run validation_request` (on a stable toolchain with `RUSTC_BOOTSTRAP=1` and `-s none`).

#![no_main]

use libfuzzer_sys::fuzz_target;
use visualcron_tray::domain::validation::{
    Request,
    text::{self, Carries},
};

fuzz_target!(|bytes: &[u8]| {
    let given = String::from_utf8_lossy(bytes);
    let carried = text::read(&given, Carries::Request).ok();
    for json in [Some(bytes), carried.as_deref()].into_iter().flatten() {
        if let Ok(request) = Request::from_json(json) {
            assert_eq!(Request::from_json(&request.to_json()).as_ref(), Ok(&request));
            let again = text::read(&text::of_request(&request), Carries::Request);
            assert_eq!(again.as_deref(), Ok(&request.to_json()[..]));
        }
    }
    if let Some(content) = carried {
        assert_eq!(text::read(&text::payload(Carries::Request, &content), Carries::Request), Ok(content));
    }
});
