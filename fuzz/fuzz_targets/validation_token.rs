//! Any bytes as a token, and as a text with an answer in it: no panic, and nothing is accepted that the host's key has
//! not signed. The one seed that is accepted is the answer in the corpus.
//!
//! `cargo fuzz run validation_token` (on a stable toolchain with `RUSTC_BOOTSTRAP=1` and `-s none`).

#![no_main]

use libfuzzer_sys::fuzz_target;
use visualcron_tray::domain::validation::{Expectation, KeySet, PinnedKeys, SigningKey, text, verify};

fuzz_target!(|bytes: &[u8]| {
    let Ok(given) = std::str::from_utf8(bytes) else { return };
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let key = SigningKey::from_pkcs8(&[&head[..], &[1; 32]].concat()).expect("a key");
    let pinned = PinnedKeys::new([key.public()]);
    let nonce = "000102030405060708090a0b0c0d0e0f".parse().expect("a nonce");
    let now = "2026-11-24T09:00:00Z".parse().expect("a time");
    let expected = Expectation::new(nonce, "id-0001", now);
    let carried = text::read_token(given).ok();
    for token in [Some(given), carried.as_deref()].into_iter().flatten() {
        match verify(token, &pinned, &expected) {
            // Signatures are deterministic: what is accepted is what the host makes of the same claims.
            Ok(claims) => assert_eq!(key.sign(&claims).as_deref(), Some(token)),
            Err(refusal) => assert!(refusal.problem("x").to_string().len() < 1500),
        }
    }
    if let Ok(set) = KeySet::from_json(bytes) {
        assert!(pinned.vouched_for(&set).len() <= 16);
        assert_eq!(KeySet::from_json(&set.to_json()), Ok(set));
    }
});
