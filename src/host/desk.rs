//! What the host answers to each request, without a socket: so that it can be tried, and measured, alone.

use super::{
    audit::Audit,
    keys::Keys,
    licenses::Licenses,
    offline::{self, Shown},
    rates::{Rate, network},
};
use crate::{
    domain::{
        Problem,
        validation::{Claims, MAX_REQUEST, NotARequest, PROTOCOL, Request, Verdict, code_digest, text},
    },
    platform::clock::Clock,
};
use http_body_util::Full;
use hyper::{
    Method, Response, StatusCode,
    body::Bytes,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long an answer over the network may be brought to the client.
pub const ONLINE: SignedDuration = SignedDuration::from_mins(15);
/// How long an answer that is carried by hand may be brought to the client.
pub const BY_HAND: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The most bytes of a form: a mail with the request in it, twice (pasted and as a file), and its frame.
pub const MAX_FORM: usize = 2 * crate::domain::validation::MAX_TEXT;

/// How many requests a minute are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Of one address.
    pub per_address: u32,
    /// For one activation code.
    pub per_code: u32,
    /// Of one address with codes that are not known: so that codes cannot be guessed.
    pub unknown: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Rates { per_address: 3000, per_code: 30, unknown: 20 }
    }
}

struct Buckets {
    address: Rate<IpAddr>,
    code: Rate<[u8; 32]>,
    unknown: Rate<IpAddr>,
}

/// The host, but for its sockets.
pub struct Desk {
    licenses: Mutex<Arc<Licenses>>,
    keys: Mutex<Arc<Keys>>,
    trouble: Mutex<Vec<Problem>>,
    buckets: Mutex<Buckets>,
    clock: Clock,
    /// What is asked and answered is written here.
    pub audit: Audit,
}

/// An answer over HTTP.
pub type Reply = Response<Full<Bytes>>;

/// What there is at a path, and how many bytes may be sent to it.
pub fn body_limit(path: &str) -> usize {
    if path == "/offline" { MAX_FORM } else { MAX_REQUEST }
}

impl Desk {
    /// A host with these licenses and keys, whose answers are of the time of `clock`.
    pub fn new(licenses: Licenses, keys: Keys, rates: Rates, clock: Clock, audit: Audit) -> Desk {
        let now = Instant::now();
        Desk {
            licenses: Mutex::new(Arc::new(licenses)),
            keys: Mutex::new(Arc::new(keys)),
            trouble: Mutex::new(Vec::new()),
            buckets: Mutex::new(Buckets {
                address: Rate::new(rates.per_address, now),
                code: Rate::new(rates.per_code, now),
                unknown: Rate::new(rates.unknown, now),
            }),
            clock,
            audit,
        }
    }

    /// From now on these licenses.
    pub fn use_licenses(&self, licenses: Licenses) {
        *locked(&self.licenses) = Arc::new(licenses);
    }

    /// From now on these keys.
    pub fn use_keys(&self, keys: Keys) {
        *locked(&self.keys) = Arc::new(keys);
    }

    /// What could not be read anew: what was read before is in force.
    pub fn is_in_trouble(&self, problems: Vec<Problem>) {
        *locked(&self.trouble) = problems;
    }

    /// The keys in force.
    pub fn keys(&self) -> Arc<Keys> {
        locked(&self.keys).clone()
    }

    /// Answers a request whose body has come in full.
    pub fn reply(
        &self,
        from: IpAddr,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Reply {
        let get = matches!(*method, Method::GET | Method::HEAD);
        if let Err(wait) = locked(&self.buckets).address.take(network(from), Instant::now()) {
            let declined = Declined::TooMany(wait);
            return if path == "/offline" { declined.as_page() } else { declined.as_json() };
        }
        match path {
            "/v1/validate" if *method == Method::POST => self.validate(from, headers, body),
            "/v1/validate" => not_allowed("POST"),
            "/v1/keys" if get => reply(StatusCode::OK, JSON, self.keys().published().to_json()),
            "/offline" if get => page(StatusCode::OK, &Shown::Form),
            "/offline" if *method == Method::POST => self.by_hand(from, body),
            "/offline" => not_allowed("GET, HEAD, POST"),
            "/offline.css" if get => reply(StatusCode::OK, "text/css; charset=utf-8", offline::STYLE),
            "/healthz" if get => self.health(),
            "/" if get => with(
                reply(StatusCode::SEE_OTHER, TEXT, "See /offline\n"),
                header::LOCATION,
                HeaderValue::from_static("/offline"),
            ),
            "/v1/keys" | "/offline.css" | "/healthz" | "/" => not_allowed("GET, HEAD"),
            _ => error(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path", json!({})),
        }
    }

    fn health(&self) -> Reply {
        let trouble = locked(&self.trouble);
        let status = if trouble.is_empty() { "ok" } else { "degraded" };
        // What, but not which file: whoever asks need not know.
        let problems: Vec<&str> = trouble.iter().map(|problem| problem.what.as_str()).collect();
        let health = json!({ "protocol": PROTOCOL, "status": status, "problems": problems });
        reply(StatusCode::OK, JSON, health.to_string())
    }

    fn validate(&self, from: IpAddr, headers: &HeaderMap, body: &[u8]) -> Reply {
        let is_json =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
                value
                    .split(';')
                    .next()
                    .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
            });
        if !is_json {
            let why = "the request must be of the type application/json";
            return error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong_type", why, json!({}));
        }
        let answered = Request::from_json(body)
            .map_err(Declined::NotARequest)
            .and_then(|request| self.answer(from, &request, ONLINE, "validate"));
        match answered {
            Ok((_, token)) => {
                reply(StatusCode::OK, JSON, json!({ "protocol": PROTOCOL, "token": token }).to_string())
            }
            Err(declined) => {
                self.note_declined(from, "validate", &declined);
                declined.as_json()
            }
        }
    }

    fn by_hand(&self, from: IpAddr, body: &[u8]) -> Reply {
        // The carrier finds its payload in whatever is around it, a form included.
        let form: String = String::from_utf8_lossy(body).chars().filter(|c| *c != '\0').collect();
        let asked = text::read(&form, text::Carries::Request)
            .map_err(Declined::Unreadable)
            .and_then(|json| Request::from_json(&json).map_err(Declined::NotARequest));
        let answered = asked
            .and_then(|request| Ok((self.answer(from, &request, BY_HAND, "offline")?, request.server_name)));
        match answered {
            Ok(((claims, token), server)) => {
                page(StatusCode::OK, &Shown::Answer { claims: &claims, token: &token, server: &server })
            }
            Err(declined) => {
                self.note_declined(from, "offline", &declined);
                declined.as_page()
            }
        }
    }

    /// The answer to one request: what is stated, and the token.
    fn answer(
        &self,
        from: IpAddr,
        request: &Request,
        lifetime: SignedDuration,
        event: &str,
    ) -> Result<(Claims, String), Declined> {
        let (clock, network) = (Instant::now(), network(from));
        let code = code_digest(&request.activation_code);
        locked(&self.buckets).code.take(code, clock).map_err(Declined::TooMany)?;
        let licenses = locked(&self.licenses).clone();
        let (claims, license) = licenses.answer(request, self.clock.now().timestamp(), lifetime);
        if claims.verdict == Verdict::UnknownCode {
            locked(&self.buckets).unknown.take(network, clock).map_err(Declined::TooMany)?;
        }
        let keys = self.keys();
        let key = keys.newest().ok_or(Declined::NoKey)?;
        let token = key.signing.sign(&claims).ok_or(Declined::NoKey)?;
        self.audit.write(
            event,
            &[
                ("from", from.to_string().into()),
                ("verdict", serde_json::to_value(claims.verdict).unwrap_or_default()),
                ("server_id", request.server_id.as_str().into()),
                ("server_name", request.server_name.as_str().into()),
                ("code", self.audit.tag(&request.activation_code).into()),
                (
                    "license",
                    license.and_then(|license| license.name.as_deref()).map_or(Value::Null, Value::from),
                ),
                ("nonce", request.nonce.to_string().into()),
                ("key", key.id().to_string().into()),
            ],
        );
        Ok((claims, token))
    }

    fn note_declined(&self, from: IpAddr, event: &str, declined: &Declined) {
        let fields =
            [("from", from.to_string().into()), ("path", event.into()), ("why", declined.name().into())];
        self.audit.write("declined", &fields);
    }
}

/// Why a request is not answered.
enum Declined {
    NotARequest(NotARequest),
    Unreadable(text::Unreadable),
    TooMany(Duration),
    NoKey,
}

impl Declined {
    fn name(&self) -> &'static str {
        match self {
            Declined::NotARequest(NotARequest::TooLarge) => "too_large",
            Declined::NotARequest(NotARequest::Protocol(_)) => "unsupported_protocol",
            Declined::NotARequest(_) => "bad_request",
            Declined::Unreadable(unreadable) => unreadable.name(),
            Declined::TooMany(_) => "too_many_requests",
            Declined::NoKey => "no_key",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Declined::NotARequest(NotARequest::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Declined::NotARequest(_) | Declined::Unreadable(_) => StatusCode::BAD_REQUEST,
            Declined::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Declined::NoKey => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn why(&self) -> String {
        match self {
            Declined::NotARequest(why) => why.to_string(),
            Declined::Unreadable(why) => why.why("request", "answer"),
            Declined::TooMany(_) => "there were too many requests".into(),
            Declined::NoKey => "the host has no key to sign with".into(),
        }
    }

    fn next(&self) -> String {
        match self {
            Declined::TooMany(wait) => format!("Try again in {} seconds.", seconds(*wait)),
            Declined::NoKey => "Ask whoever runs this host.".into(),
            Declined::NotARequest(NotARequest::Protocol(_))
            | Declined::Unreadable(text::Unreadable::LaterVersion) => {
                "Ask whoever runs this host for a newer version of it.".into()
            }
            Declined::Unreadable(text::Unreadable::OtherKind) => {
                "Bring the request, which begins with VCTR1; this text goes back to the computer that asked."
                    .into()
            }
            _ => "Copy the whole request again, from its first line to its last, or use its file.".into(),
        }
    }

    fn as_json(&self) -> Reply {
        let more = match self {
            Declined::NotARequest(NotARequest::Protocol(_)) => json!({ "supported": [PROTOCOL] }),
            _ => json!({}),
        };
        self.with_retry(error(self.status(), self.name(), &self.why(), more))
    }

    fn as_page(&self) -> Reply {
        let why = self.why();
        let mut sentence: String = why.chars().take(1).flat_map(char::to_uppercase).collect();
        sentence.extend(why.chars().skip(1));
        let (why, next) = (format!("{sentence}."), self.next());
        self.with_retry(page(self.status(), &Shown::Refused { why: &why, next: &next }))
    }

    fn with_retry(&self, reply: Reply) -> Reply {
        match self {
            Declined::TooMany(wait) => with(reply, header::RETRY_AFTER, HeaderValue::from(seconds(*wait))),
            _ => reply,
        }
    }
}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

fn seconds(wait: Duration) -> u64 {
    (wait.as_secs_f64().ceil() as u64).max(1)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reply(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}

fn with(mut reply: Reply, name: HeaderName, value: HeaderValue) -> Reply {
    reply.headers_mut().insert(name, value);
    reply
}

fn page(status: StatusCode, shown: &Shown<'_>) -> Reply {
    let page = reply(status, "text/html; charset=utf-8", offline::page(shown));
    let page = with(page, header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(offline::POLICY));
    with(page, header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
}

fn not_allowed(allowed: &'static str) -> Reply {
    let why = "this path is not asked that way";
    let reply = error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", why, json!({}));
    with(reply, header::ALLOW, HeaderValue::from_static(allowed))
}

/// An error as the protocol describes it.
pub fn error(status: StatusCode, name: &str, message: &str, more: Value) -> Reply {
    let mut error = json!({ "name": name, "message": message });
    if let (Some(error), Some(more)) = (error.as_object_mut(), more.as_object()) {
        error.extend(more.clone());
    }
    reply(status, JSON, json!({ "protocol": PROTOCOL, "error": error }).to_string())
}
