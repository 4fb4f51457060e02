//! How many answers a second a host with 10,000 licenses signs on one core, beside signing alone, and what it holds in
//! memory.
//!
//! `cargo bench --bench license_host`: plain timing, the median of several runs, no framework.

#![allow(clippy::print_stdout, clippy::unwrap_used, unsafe_code)]

use counting::{HELD, PEAK};
use hyper::{HeaderMap, Method, header::CONTENT_TYPE};
use jiff::Timestamp;
use std::{
    fmt::Write as _,
    hint::black_box,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};
use visualcron_tray::{
    domain::{
        Secret,
        validation::{Nonce, Request},
    },
    host::{
        audit::{Audit, To},
        desk::{Desk, Rates},
        keys::Keys,
        licenses::{Format, Licenses},
    },
    platform::clock::Clock,
};

#[path = "support/counting.rs"]
mod counting;

const LICENSES: usize = 10_000;
const ANSWERS: usize = 5_000;

fn file() -> String {
    let mut text = String::new();
    for n in 0..LICENSES {
        write!(
            text,
            "[[license]]\nactivation_code = \"CODE-{n:08}\"\nserver_id = \"id-{n}\"\nname = \"SRV-{n}\"\n\
             kind = \"subscription\"\nedition = \"Pro\"\nmaintenance_until = 2027-01-31\n\n"
        )
        .unwrap();
    }
    text
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..7)
        .map(|_| {
            let began = Instant::now();
            run();
            began.elapsed()
        })
        .collect();
    times.sort();
    times[3]
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    Keys::add(folder.path(), Timestamp::now()).unwrap();
    let keys = Keys::load(folder.path()).unwrap();
    let (text, before) = (file(), HELD.load(Relaxed));
    let mut licenses = None;
    let reading = median(|| licenses = Some(Licenses::parse(text.as_bytes(), Format::Toml).unwrap()));
    let licenses = licenses.unwrap();
    println!(
        "{LICENSES} licenses, {:.1} MiB: read in {reading:.1?}, {:.1} MiB held, {:.1} MiB at most while reading",
        mib(text.len()),
        mib(HELD.load(Relaxed) - before),
        mib(PEAK.load(Relaxed) - before),
    );

    let requests: Vec<Vec<u8>> = (0..ANSWERS)
        .map(|n| {
            let request = Request {
                activation_code: Secret::new(format!("CODE-{:08}", n * 2 % LICENSES)),
                server_id: format!("id-{}", n * 2 % LICENSES),
                server_name: format!("SRV-{n}"),
                product_version: None,
                nonce: Nonce::new([n as u8; 16]),
                client_time: Timestamp::now(),
            };
            request.to_json()
        })
        .collect();
    let rates = Rates { per_address: u32::MAX, per_code: u32::MAX, unknown: 20 };
    let logged = AtomicUsize::new(0);
    let logged: &'static AtomicUsize = Box::leak(Box::new(logged));
    let audit = Audit::new(To::Function(Box::new(move |line| {
        logged.fetch_add(line.len(), Relaxed);
    })));
    let signing = keys.newest().unwrap().signing.clone();
    let desk = Desk::new(licenses, keys, rates, Clock::system(), audit);
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, "application/json".parse().unwrap())]);
    let from = "192.0.2.1".parse().unwrap();
    let answer = || {
        for request in &requests {
            let reply = desk.reply(from, &Method::POST, "/v1/validate", &headers, request);
            assert_eq!(reply.status(), 200);
            black_box(reply);
        }
    };
    answer();
    let held = HELD.load(Relaxed);
    let answering = median(answer);
    let grown = HELD.load(Relaxed).saturating_sub(held);

    // The same tokens, signed by the library alone.
    let request = Request::from_json(&requests[0]).unwrap();
    let none = Licenses::default();
    let (claims, _) = none.answer(&request, Timestamp::now(), jiff::SignedDuration::from_mins(15));
    let by_library = median(|| {
        for _ in 0..ANSWERS {
            black_box(signing.sign(&claims));
        }
    });
    let pkcs8 =
        visualcron_tray::domain::validation::SigningKey::generate(&ring::rand::SystemRandom::new()).unwrap();
    let pair = ring::signature::Ed25519KeyPair::from_pkcs8(&pkcs8).unwrap();
    let message = [b'x'; 600];
    let by_ring = median(|| {
        for _ in 0..ANSWERS {
            black_box(pair.sign(&message));
        }
    });
    let a_second = |time: Duration| ANSWERS as f64 / time.as_secs_f64();
    println!(
        "answers: {:.0} a second on one core, {grown} bytes more held after {ANSWERS} of them",
        a_second(answering)
    );
    println!(
        "tokens by the library: {:.0} a second; signatures by ring alone: {:.0}",
        a_second(by_library),
        a_second(by_ring)
    );
    println!(
        "an answer takes {:.2} times a token, {:.2} times a signature",
        answering.as_secs_f64() / by_library.as_secs_f64(),
        answering.as_secs_f64() / by_ring.as_secs_f64()
    );
    assert!(a_second(answering) >= 2000.0, "fewer than 2,000 answers a second");
    assert!(grown < 64 * 1024, "memory grows with each answer");
}
