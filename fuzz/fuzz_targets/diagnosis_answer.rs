//! Any bytes as what a server answers to the diagnosis: no panic, all that is kept is bounded and plain, and there is a
//! conclusion.
//!
//! `cargo fuzz run diagnosis_answer` (on a stable toolchain with `RUSTC_BOOTSTRAP=1` and `-s none`).

#![no_main]

use libfuzzer_sys::fuzz_target;
use visualcron_tray::{
    domain::{
        diagnosis::{Diagnosis, Finding, Step, Target, for_network_team, in_words, proxy_schemes},
        text::acts,
    },
    network::probe::of_bytes,
};

fuzz_target!(|bytes: &[u8]| {
    let (http, protocol) = of_bytes(bytes).expect("a runtime");
    let kept = [&http.location, &http.content_type, &http.encoding, &http.retry_after, &http.title];
    for text in kept.into_iter().flatten() {
        assert!(text.chars().count() <= 201 && !text.contains(acts), "{text:?}");
    }
    let mut steps = vec![Step::of(Finding::Http(http), 1)];
    steps.extend(protocol.map(|protocol| Step::of(Finding::Protocol(protocol), 1)));
    let target = Target { host: "licenses.corp.example".into(), port: 443 };
    let diagnosis = Diagnosis::of("PC-17", target, jiff::Timestamp::UNIX_EPOCH, 1, steps);
    for text in [in_words(&diagnosis), for_network_team(&diagnosis)] {
        assert!(text.len() < 16 * 1024 && !text.contains(|c| c != '\n' && acts(c)), "{text:?}");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(proxy_schemes(text.lines()).len() <= 8);
    }
});
