//! What a scenario says, and what is concluded of it.

use super::{authorities::AUTHORITIES, network::Network};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};
use visualcron_tray::{
    domain::{
        Secret,
        diagnosis::{Diagnosis, DnsFault, Target, Verdict},
        proxy::{self, Choice, Route, Script, System},
    },
    network::probe::{self, Limits, Probe},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is about.
    #[serde(rename = "about")]
    _about: String,
    #[serde(default = "host")]
    host: String,
    /// What DNS says.
    #[serde(default = "names")]
    names: BTreeMap<String, Answers>,
    /// What a public host's name is for a proxy, which has a DNS of its own.
    #[serde(default)]
    proxy_names: HashMap<String, IpAddr>,
    /// By how much this machine's clock is ahead.
    #[serde(default)]
    clock_ahead_seconds: i64,
    #[serde(default)]
    proxy: ProxyRules,
    /// Milliseconds for a stage, instead of plenty.
    #[serde(default)]
    limits: BTreeMap<String, u64>,
    #[serde(default)]
    server: Vec<Server>,
    #[serde(rename = "expect")]
    _expect: Option<serde::de::IgnoredAny>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Answers {
    Addresses(Vec<IpAddr>),
    Fault(String),
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ProxyRules {
    settings: Option<String>,
    user: Option<String>,
    password: Option<String>,
    environment: HashMap<String, String>,
    system: Option<String>,
    script: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    #[serde(default = "address")]
    pub at: IpAddr,
    /// refuse, drop, unreachable, close, reset, silent, say, tls, proxy, tls-proxy
    pub does: String,
    /// public, local, unknown, self-made, expired, not-yet-valid, other-name, revoked, no-chain, name-in-subject
    #[serde(default = "public")]
    pub certificate: String,
    #[serde(default)]
    pub tls: String,
    #[serde(default)]
    pub client_certificate: bool,
    /// The lines of an answer.
    #[serde(default)]
    pub answer: Vec<String>,
    /// The lines of an answer to POST, where it is another one. A license host declines an empty request.
    #[serde(default)]
    pub post: Vec<String>,
    /// Or its bytes, hexadecimal.
    #[serde(default)]
    pub hex: String,
    /// What comes after the answer: close, reset, drip, endless, hold.
    #[serde(default = "close")]
    pub then: String,
    /// A proxy that lets through.
    #[serde(default)]
    pub passes: bool,
    /// The credentials that a proxy wants, as Basic sends them.
    pub sign_in: Option<String>,
}

fn host() -> String {
    "www.visualcron.com".into()
}

fn names() -> BTreeMap<String, Answers> {
    BTreeMap::from([(host(), Answers::Addresses(vec![address()]))])
}

fn address() -> IpAddr {
    [203, 0, 113, 10].into()
}

fn public() -> String {
    "public".into()
}

fn close() -> String {
    "close".into()
}

impl Server {
    /// The answer to a request with this head.
    pub fn bytes_for(&self, head: &str) -> Vec<u8> {
        if !head.starts_with("POST ") {
            return self.bytes();
        }
        let asked = r#"{"protocol":1,"error":{"name":"bad_request","message":"it is empty"}}"#;
        match self.post.as_slice() {
            [] if self.answer.last().is_some_and(|body| is_of_a_license_host(body)) => {
                let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json";
                format!("{head}\r\nContent-Length: {}\r\n\r\n{asked}", asked.len()).into_bytes()
            }
            [] => self.bytes(),
            post => post.join("\r\n").into_bytes(),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let digits: Vec<u8> = self.hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let bytes =
            digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
        self.answer.join("\r\n").into_bytes().into_iter().chain(bytes).collect()
    }
}

fn is_of_a_license_host(body: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(body).is_ok_and(|json| json.get("protocol").is_some())
}

impl Scenario {
    /// Builds the network, and diagnoses it.
    pub fn diagnose(&self) -> Diagnosis {
        let network = Network::default();
        let mut known: HashMap<String, IpAddr> = self.proxy_names.clone();
        for (name, answers) in &self.names {
            if let Answers::Addresses(addresses) = answers {
                known.extend(addresses.first().map(|address| (name.clone(), *address)));
            }
        }
        let target = Target::parse(&self.host).unwrap();
        self.server.iter().for_each(|server| network.start(server, &target.host, &known));
        let names = self.names.clone();
        let resolve = move |name: &str| match names.get(name) {
            Some(Answers::Addresses(addresses)) => Ok(addresses.clone()),
            Some(Answers::Fault(fault)) if fault == "servfail" => Err(DnsFault::ServerFailed),
            Some(Answers::Fault(fault)) if fault == "silent" => {
                std::thread::sleep(Duration::from_secs(5));
                Err(DnsFault::NoAnswer)
            }
            _ => Err(DnsFault::NoSuchName),
        };
        let (rules, wanted) = (self.proxy.clone(), target.clone());
        let ahead = SignedDuration::from_secs(self.clock_ahead_seconds);
        let now = "2026-11-24T10:00:00Z".parse::<Timestamp>().unwrap() + ahead;
        let probe = Probe {
            now: Arc::new(move || now),
            resolve: Arc::new(resolve),
            reroute: Some(Arc::new(move |address| network.real(address))),
            limits: self.limits(),
            ..Probe::new(
                target,
                "PC-17".into(),
                AUTHORITIES.trust(),
                Box::new(move || decide(&rules, &wanted)),
            )
        };
        probe::run(probe, &mut |_| {}).unwrap()
    }

    /// Plenty, so that a busy machine comes to the same conclusion; but for what the scenario lets run out.
    fn limits(&self) -> Limits {
        let of =
            |name: &str, plenty: u64| Duration::from_millis(self.limits.get(name).copied().unwrap_or(plenty));
        let known = ["dns", "connect", "stagger", "grace", "tunnel", "tls", "http"];
        assert!(self.limits.keys().all(|name| known.contains(&name.as_str())));
        Limits {
            proxy: of("proxy", 30_000),
            dns: of("dns", 30_000),
            connect: of("connect", 30_000),
            stagger: of("stagger", 100),
            grace: of("grace", 300),
            tunnel: of("tunnel", 30_000),
            tls: of("tls", 30_000),
            http: of("http", 30_000),
            whole: Duration::from_secs(60),
        }
    }
}

fn decide(rules: &ProxyRules, target: &Target) -> proxy::Decision {
    let settings = rules.settings.as_ref().map(|text| Choice::parse(text).unwrap());
    let environment = |name: &str| rules.environment.get(name).cloned();
    let mut system = || match (&rules.system, &rules.script) {
        (Some(proxy), _) => System::Proxy(proxy.clone(), "the system's settings".into()),
        (None, Some(url)) => {
            System::Script(Script { url: Some(url.clone()), why: "macOS is not asked to follow it".into() })
        }
        (None, None) => System::Nothing,
    };
    let mut decision = proxy::decide(&target.host, target.port, settings.as_ref(), &environment, &mut system);
    if let Route::Proxy(proxy) = &mut decision.route {
        proxy.user = proxy.user.take().or_else(|| rules.user.clone());
        proxy.password = proxy.password.take().or_else(|| rules.password.as_ref().map(Secret::new));
    }
    decision
}

/// What is compared: the conclusion, and the stages; measured figures taken out.
pub fn concluded(diagnosis: &Diagnosis) -> String {
    let conclusion = &diagnosis.conclusion;
    let quoted = |text: &str| format!("'''{}'''", without_figures(text));
    let list = |texts: &mut dyn Iterator<Item = String>| {
        texts.map(|text| format!("    {},\n", quoted(&text))).collect::<String>()
    };
    let id = serde_json::to_value(conclusion.id).unwrap();
    let severity = serde_json::to_value(conclusion.severity).unwrap();
    let also = list(&mut conclusion.also.iter().cloned());
    let stages =
        list(&mut diagnosis.steps.iter().filter(|step| step.verdict != Verdict::Skipped).map(|step| {
            let verdict = serde_json::to_value(step.verdict).unwrap();
            format!("{} {}: {}", step.stage.name(), verdict.as_str().unwrap(), step.says)
        }));
    format!(
        "id = {id}\nseverity = {severity}\nsays = {}\nnext = {}\nalso = [\n{also}]\nstages = [\n{stages}]\n",
        quoted(&conclusion.says),
        quoted(&conclusion.next),
    )
}

/// `12 ms` becomes `TIME`, and counts of bytes that depend on time `MANY`.
fn without_figures(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let mut kept: Vec<String> = Vec::new();
    let is_figure = |word: &str| word.trim_start_matches('(').parse::<f64>().is_ok();
    for (at, word) in words.iter().enumerate() {
        let unit: String =
            words.get(at + 1).unwrap_or(&"").chars().take_while(|c| c.is_alphabetic()).collect();
        let before = at.checked_sub(1).map_or("", |at| words[at]);
        if is_figure(word) && ["ms", "s"].contains(&unit.as_str()) {
            kept.push("TIME".into());
        } else if is_figure(before) && ["ms", "s"].contains(&word.trim_matches(|c: char| !c.is_alphabetic()))
        {
            let tail: String = word.chars().skip_while(|c| c.is_alphabetic()).collect();
            if let Some(last) = kept.last_mut() {
                last.push_str(&tail);
            }
        } else if is_figure(word) && (unit == "KiB" || unit == "bytes" && words.get(at + 2) == Some(&"in")) {
            kept.push("MANY".into());
        } else {
            kept.push(word.to_string());
        }
    }
    kept.join(" ")
}
