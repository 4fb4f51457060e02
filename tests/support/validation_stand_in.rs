// Servers, requests and answers that nobody has; and a backend that tells them.

use jiff::{Timestamp, ToSpan};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use visualcron_tray::{
    domain::{
        Fault, Kind, Problem, Secret, Version,
        validation::{
            Claims, Nonce, PROTOCOL, PublicKey, Record, Request, Standing, Verdict,
            qr::Qr,
            text::{self, Carries},
        },
    },
    window::validation_backend::{Backend, Judged, Known, Link, Offered, RequestShown, ServerShown},
};

pub fn now() -> Timestamp {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

fn server(name: &str, standing: Standing) -> ServerShown {
    ServerShown { name: name.into(), says: format!("{}.", standing.in_words(now())), standing }
}

pub fn known() -> Known {
    let mut waits = server("TEST-01", Record::new("x").standing(now()));
    waits.says.push_str(" Its activation code is not known here.");
    Known {
        servers: vec![
            server("DEV-01", Standing::Valid { until: now() + 480.hours() }),
            server("PROD-01", Standing::Overdue { days_left: 9 }),
            waits,
            server("OLD-01", Standing::Invalid { verdict: Verdict::Revoked }),
        ],
        hosts: vec!["licenses.corp.example".into()],
        own_host: Some("licenses.corp.example".into()),
        vendor_validation: "https://www.visualcron.com/activation/OfflineValidation.aspx".into(),
        vendor_activation: "https://admin.visualcron.com/activation/OfflineActivation2024.aspx".into(),
        problem: None,
    }
}

pub fn many() -> Known {
    let servers = (1..=120).map(|n| server(&format!("SERVER-{n:03}"), Standing::Overdue { days_left: 9 }));
    Known { servers: servers.collect(), ..known() }
}

pub fn request(name: &str) -> RequestShown {
    let request = Request {
        activation_code: Secret::new("ABCD-EFGH-1234"),
        server_id: "id-0001".into(),
        server_name: name.into(),
        product_version: Some(Version::new(13, 2, 2)),
        nonce: Nonce::new([7; 16]),
        client_time: now(),
    };
    RequestShown {
        server: name.into(),
        text: Secret::new(text::of_request(&request)),
        code: code(name, &request),
    }
}

/// Each is made once: that takes a while where nothing is optimized.
fn code(name: &str, request: &Request) -> Option<Qr> {
    static CODES: Mutex<BTreeMap<String, Option<Qr>>> = Mutex::new(BTreeMap::new());
    let mut codes = CODES.lock().unwrap();
    let made = codes.entry(name.to_string());
    made.or_insert_with(|| Qr::new(Carries::Request, &request.to_json())).clone()
}

pub fn accepted(verdict: Verdict) -> Judged {
    let valid = verdict == Verdict::Valid;
    let claims = Claims {
        protocol: PROTOCOL,
        nonce: Nonce::new([7; 16]),
        server_id: "id-0001".into(),
        verdict,
        kind: valid.then_some(Kind::Subscription),
        edition: valid.then(|| "Pro".into()),
        maintenance_until: valid.then(|| jiff::civil::date(2027, 1, 31)),
        newest_covered: valid.then_some(Version::new(13, 2, 2)),
        validate_next: now() + 720.hours(),
        validate_by: now() + 1056.hours(),
        iat: now(),
        exp: now() + 168.hours(),
    };
    Judged::Accepted { server: "PROD-01".into(), claims: Box::new(claims) }
}

pub fn offered(host: &str) -> Offered {
    Offered { host: host.into(), signs: PublicKey::new([1; 32]) }
}

/// Judges by these, one for each answer, the last again and again.
pub struct StandIn {
    pub judged: Vec<Judged>,
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    fn note(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }
}

impl Backend for StandIn {
    fn look(&mut self) -> Known {
        self.note("look".into());
        known()
    }

    fn request(&mut self, server: &str) -> Result<RequestShown, Problem> {
        self.note(format!("request {server}"));
        Ok(request(server))
    }

    fn copy(&mut self, text: &Secret) -> Result<(), Problem> {
        self.note(format!("copy {}", text.reveal().lines().next().unwrap_or_default()));
        Ok(())
    }

    fn save(&mut self, name: &str, _text: &Secret) -> Result<PathBuf, Problem> {
        self.note(format!("save {name}"));
        Ok(Path::new("/home/jana/Documents").join(name))
    }

    fn paste(&mut self) -> Result<String, Problem> {
        self.note("paste".into());
        Ok("VCTA1:PASTED".into())
    }

    fn read(&mut self, file: &Path) -> Result<String, Problem> {
        self.note(format!("read {}", file.display()));
        Err(not_read(file))
    }

    fn judge(&mut self, answer: &str) -> Result<Judged, Problem> {
        self.note(format!("judge {answer}"));
        Ok(match self.judged.len() {
            1 => self.judged[0].clone(),
            _ => self.judged.remove(0),
        })
    }

    fn key_of(&mut self, host: &str) -> Result<Offered, Problem> {
        self.note(format!("key of {host}"));
        Ok(offered(host))
    }

    fn key_in(&mut self, host: &str, file: &Path) -> Result<Offered, Problem> {
        self.note(format!("key of {host} in {}", file.display()));
        if file.ends_with("keys.json") { Ok(offered(host)) } else { Err(not_read(file)) }
    }

    fn trust(&mut self, offered: &Offered) -> Result<(), Problem> {
        self.note(format!("trust {} {}", offered.host, offered.signs.id()));
        Ok(())
    }

    fn open(&mut self, link: &Link) -> Result<(), Problem> {
        self.note(format!("open {link:?}"));
        Ok(())
    }
}

pub fn not_read(file: &Path) -> Problem {
    let (what, next) = ("Cannot read the answer", "Check the path.");
    Problem::new(Fault::NoInput, what, file.display().to_string(), "there is no such file", next)
}
