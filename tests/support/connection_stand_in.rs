// Diagnoses of networks that nobody has, concluded as real ones are; and a backend that tells them.

use jiff::Timestamp;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use visualcron_tray::{
    domain::{
        Fault, Problem,
        diagnosis::{
            Answer, Attempt, Certificate, Clock, Diagnosis, Dns, Finding, Handshake, Http, NOT_REACHED,
            Protocol, Reached, Resolved, Stage, Step, Target, Tcp, Tls, Trust, Tunnel, Tunneled,
        },
        proxy::{Decision, Proxy, Route, Rule, Scheme},
    },
    window::connection_backend::{Backend, Tell, Told},
};

pub const HOST: &str = "www.visualcron.com";

pub fn now() -> Timestamp {
    "2026-11-24T12:18:07Z".parse().unwrap()
}

fn proxy(route: Route, rule: Rule) -> Step {
    Step::of(Finding::Proxy(Decision { route, rule, script: None }), 3)
}

fn direct() -> Step {
    proxy(Route::Direct, Rule::Nothing)
}

fn dns(name: &str, addresses: &[&str]) -> Step {
    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
    Step::of(Finding::Dns(Dns { name: name.into(), outcome: Resolved::Addresses(addresses) }), 8)
}

fn tcp(attempts: &[(&str, Reached, u64)]) -> Step {
    let attempts: Vec<Attempt> = attempts
        .iter()
        .map(|(address, outcome, millis)| Attempt {
            address: address.parse::<SocketAddr>().unwrap(),
            outcome: outcome.clone(),
            millis: *millis,
        })
        .collect();
    let millis = attempts.iter().map(|attempt| attempt.millis).max().unwrap_or(0);
    Step::of(Finding::Tcp(Tcp { attempts }), millis)
}

fn no_proxy() -> Step {
    Step::skipped(Stage::Connect, "there is no proxy")
}

fn tls(issuer: &str, trust: Trust) -> Step {
    let certificate = Certificate {
        subject: HOST.into(),
        issuer: issuer.into(),
        names: vec![HOST.into()],
        not_before: "2026-06-01T00:00:00Z".parse().unwrap(),
        not_after: "2027-06-01T00:00:00Z".parse().unwrap(),
    };
    let tls = Tls {
        outcome: Handshake::Done,
        version: Some("TLS 1.3".into()),
        chain: vec![certificate],
        trust: Some(trust),
        client_certificate: false,
        millis: 31,
    };
    Step::of(Finding::Tls(tls), 31)
}

fn answers(ahead_seconds: i64) -> [Step; 3] {
    let http = Http {
        outcome: Answer::Whole,
        verified: true,
        status: Some(404),
        location: None,
        content_type: Some("text/html".into()),
        encoding: None,
        retry_after: None,
        sign_in_page: false,
        title: Some("Page not found".into()),
        bytes: 1234,
        millis: 44,
    };
    let server = Some(now() - jiff::SignedDuration::from_secs(ahead_seconds));
    [
        Step::of(Finding::Http(http), 44),
        Step::of(Finding::Clock(Clock { server, here: now(), verified: true }), 0),
        Step::of(Finding::Protocol(Protocol::NotSpoken), 0),
    ]
}

pub fn concluded(host: &str, mut steps: Vec<Step>) -> Diagnosis {
    for stage in Stage::ALL {
        if !steps.iter().any(|step| step.stage == stage) {
            steps.push(Step::skipped(stage, NOT_REACHED));
        }
    }
    let millis = steps.iter().map(|step| step.millis).sum();
    Diagnosis::of("PC-17", Target::parse(host).unwrap(), now(), millis, steps)
}

pub fn open() -> Diagnosis {
    let mut steps = vec![
        direct(),
        dns(HOST, &["2001:db8::10", "203.0.113.10"]),
        tcp(&[("[2001:db8::10]:443", Reached::Unreachable, 0), ("203.0.113.10:443", Reached::Yes, 12)]),
        no_proxy(),
        tls("Public CA R3 (Public CA)", Trust::Public),
    ];
    steps.extend(answers(2));
    concluded(HOST, steps)
}

/// TLS inspection, and a clock that is an hour ahead.
pub fn to_look_at() -> Diagnosis {
    let mut steps = vec![
        direct(),
        dns(HOST, &["203.0.113.10"]),
        tcp(&[("203.0.113.10:443", Reached::Yes, 12)]),
        no_proxy(),
        tls("Corp Web Gateway (Corp IT)", Trust::Local),
    ];
    steps.extend(answers(7300));
    concluded(HOST, steps)
}

pub fn refused() -> Diagnosis {
    let steps = vec![
        direct(),
        dns(HOST, &["203.0.113.10"]),
        tcp(&[("203.0.113.10:443", Reached::Refused, 12)]),
        no_proxy(),
    ];
    concluded(HOST, steps)
}

/// By a proxy that wants to know who asks, to a host on a port of its own.
pub fn sign_in() -> Diagnosis {
    let proxy_address = "proxy.corp.example";
    let asked = Tunneled::SignIn {
        schemes: vec!["Negotiate".into(), "Basic".into()],
        refused: false,
        user_known: false,
    };
    let through =
        Proxy { scheme: Scheme::Http, host: proxy_address.into(), port: 8080, user: None, password: None };
    let steps = vec![
        proxy(Route::Proxy(through), Rule::Environment("HTTPS_PROXY".into())),
        dns(proxy_address, &["10.0.0.8"]),
        tcp(&[("10.0.0.8:8080", Reached::Yes, 2)]),
        Step::of(
            Finding::Connect(Tunnel {
                proxy: format!("http://{proxy_address}:8080"),
                outcome: asked,
                millis: 6,
            }),
            6,
        ),
    ];
    concluded("licenses.corp.example:8443", steps)
}

pub fn failed() -> Problem {
    Problem::new(
        Fault::Config,
        "There is nothing to verify certificates by",
        "/etc/corp/roots.pem",
        "no such file",
        "Check license_host.ca_file.",
    )
}

/// Tells these diagnoses, one for each check, the last again and again.
pub struct StandIn {
    pub diagnoses: Vec<Diagnosis>,
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    fn note(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }
}

impl Backend for StandIn {
    fn host(&mut self) -> (String, Option<Problem>) {
        (HOST.into(), None)
    }

    fn check(&mut self, host: &str, mut tell: Tell) {
        self.note(format!("check {host}"));
        let diagnosis = match self.diagnoses.len() {
            1 => self.diagnoses[0].clone(),
            _ => self.diagnoses.remove(0),
        };
        std::thread::spawn(move || {
            for step in diagnosis.steps.clone() {
                tell(Told::Began(step.stage));
                tell(Told::Ended(Box::new(step)));
            }
            tell(Told::Concluded(Box::new(diagnosis)));
        });
    }

    fn copy(&mut self, text: &str) -> Result<(), Problem> {
        self.note(format!("copy {}", text.lines().next().unwrap_or_default()));
        Ok(())
    }

    fn save(&mut self, name: &str, _text: &str) -> Result<PathBuf, Problem> {
        self.note(format!("save {name}"));
        Ok(Path::new("/home/jana/Documents").join(name))
    }

    fn open(&mut self, folder: &Path) -> Result<(), Problem> {
        self.note(format!("open {}", folder.display()));
        Ok(())
    }
}
