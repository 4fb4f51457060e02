//! How long it takes to validate 1,000 licenses at a host that answers in 20 ms, against the least that this can take:
//! so many rounds of 20 ms as there are to ask that many, 16 at once, reckoned, and slept by as many threads in turns with
//! it. Real sockets, TLS, signatures, and the file in which it is kept. `cargo bench --bench refresh`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use http_body_util::BodyExt;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use std::{
    convert::Infallible,
    fmt::Write,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use visualcron_tray::{
    domain::{
        Secret,
        proxy::Choice,
        validation::{Claims, Subject, Verdict},
    },
    host::{
        audit::{Audit, To},
        desk::{Desk, Rates},
        keys::Keys,
        licenses::{Format, Licenses},
        tls::Pem,
    },
    platform::{asking, clock::Clock, validate::Asking},
    sources::validation_host::Way,
    store::{
        settings::LicenseHost,
        validations::{How, Validations},
    },
};

const SERVERS: usize = 1_000;
const ANSWERS_IN: Duration = Duration::from_millis(20);
const RUNS: usize = 7;
const PLENTY: Duration = Duration::from_secs(600);
/// What it may take of the ideal.
const TARGET: f64 = 1.3;

/// How many connections, and how many questions, the host has seen.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    questions: AtomicUsize,
}

/// The license host, but for its bounds: what it says it says when 20 ms have passed.
fn serve(desk: Desk, pem: &Pem, seen: Arc<Seen>) -> SocketAddr {
    let acceptor = tokio_rustls::TlsAcceptor::from(pem.load().unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let desk = Arc::new(desk);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, from) = listener.accept().await.unwrap();
                seen.connections.fetch_add(1, Relaxed);
                stream.set_nodelay(true).unwrap();
                let (acceptor, desk, seen) = (acceptor.clone(), desk.clone(), seen.clone());
                tokio::spawn(async move {
                    let stream = acceptor.accept(stream).await.unwrap();
                    let service = service_fn(|request: Request<Incoming>| {
                        let (desk, seen) = (desk.clone(), seen.clone());
                        async move {
                            let came = tokio::time::Instant::now();
                            seen.questions.fetch_add(1, Relaxed);
                            let (head, body) = request.into_parts();
                            let body = body.collect().await.unwrap().to_bytes();
                            let path = head.uri.path();
                            let reply = desk.reply(from.ip(), &head.method, path, &head.headers, &body);
                            tokio::time::sleep_until(came + ANSWERS_IN).await;
                            Ok::<_, Infallible>(reply)
                        }
                    });
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
    });
    address
}

fn subjects() -> Vec<Subject> {
    let subject = |n| Subject {
        server_name: format!("SRV-{n:04}"),
        server_id: Some(format!("id-{n}")),
        activation_code: Some(Secret::new(format!("CODE-{n:08}"))),
        product_version: None,
    };
    (0..SERVERS).map(subject).collect()
}

fn licenses() -> Licenses {
    let mut text = String::new();
    for n in 0..SERVERS {
        writeln!(
            text,
            "[[license]]\nactivation_code = \"CODE-{n:08}\"\nserver_id = \"id-{n}\"\nkind = \"subscription\"\n\
             maintenance_until = 2031-01-31"
        )
        .unwrap();
    }
    Licenses::parse(text.as_bytes(), Format::Toml).unwrap()
}

fn validate(settings: &LicenseHost, data: &Path, subjects: &[Subject]) -> Duration {
    let begun = Instant::now();
    let way = Way::new(settings, &settings.host, Duration::from_secs(60)).unwrap();
    let (store, now, host) = (Validations::below(data), Timestamp::now, settings.host.as_str());
    let asking = Asking { way: &way, host, store: &store, now: &now, whole: PLENTY, tell: &|_, _| {} };
    let went = asking.ask(subjects).unwrap();
    let took = begun.elapsed();
    let is_valid = |claims: &Claims| claims.verdict == Verdict::Valid;
    assert!(went.iter().all(|went| went.as_ref().is_ok_and(is_valid)), "{:?}", went[0]);
    took
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    let home = tempfile::tempdir().unwrap();
    let (folder, data) = (home.path().join("keys"), home.path().join("data"));
    std::fs::create_dir(&data).unwrap();
    Keys::add(&folder, Timestamp::now()).unwrap();
    let keys = Keys::load(&folder).unwrap();
    let key = keys.newest().unwrap().signing.public();
    let pem = Pem::self_signed(&folder, &["127.0.0.1".into()]).unwrap();
    let rates = Rates { per_address: u32::MAX, per_code: u32::MAX, unknown: 20 };
    let desk =
        Desk::new(licenses(), keys, rates, Clock::system(), Audit::new(To::Function(Box::new(|_| {}))));
    let seen = Arc::new(Seen::default());
    let host = serve(desk, &pem, seen.clone()).to_string();
    Validations::below(&data).trust(&host, &[key], How::Demo, Timestamp::now()).unwrap();
    let proxy = Some(Choice::Direct);
    let settings =
        LicenseHost { host, ca_file: Some(pem.certificate.clone()), proxy, ..LicenseHost::default() };

    let subjects = subjects();
    let rounds = SERVERS.div_ceil(asking::AT_ONCE);
    let ideal = ANSWERS_IN * u32::try_from(rounds).unwrap();
    let (mut asked, mut slept) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        asked.push(validate(&settings, &data, &subjects));
        let begun = Instant::now();
        let answer = |_: &Subject| {
            std::thread::sleep(ANSWERS_IN);
            Ok(())
        };
        asking::about(&subjects, PLENTY, answer, &|_, _| {});
        slept.push(begun.elapsed());
    }
    let (best, took, slept) = (*asked.iter().min().unwrap(), median(&mut asked), median(&mut slept));
    // By what this machine makes of the ideal in the same minute: others may be at work on it.
    let to = |ideal: Duration| took.as_secs_f64() / ideal.as_secs_f64();
    let ratio = to(slept);
    println!(
        "{SERVERS} licenses, {} at once, each answered in {} ms:",
        asking::AT_ONCE,
        ANSWERS_IN.as_millis()
    );
    println!("  ideal          {:>6} ms ({rounds} rounds)", ideal.as_millis());
    println!("  threads asleep {:>6} ms (what this machine makes of the ideal)", slept.as_millis());
    println!("  validated      {:>6} ms (best of {RUNS}: {} ms)", took.as_millis(), best.as_millis());
    println!(
        "  {} connections for {} questions",
        seen.connections.load(Relaxed),
        seen.questions.load(Relaxed)
    );
    let verdict = if ratio <= TARGET { "PASS" } else { "FAIL" };
    println!(
        "{verdict} {ratio:.2} times what sleeping takes, at most {TARGET} ({:.2} times the reckoned ideal)",
        to(ideal)
    );
    if ratio > TARGET {
        std::process::exit(1);
    }
}
