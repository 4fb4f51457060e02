//! What each stage of a diagnosis has found: plain data, each text in it bounded and from outside.

use crate::domain::proxy::{Decision, with_port};
use jiff::Timestamp;
use serde::Serialize;
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

/// What is to be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Host name or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Target {
    /// Reads `host`, `host:port`, `::1`, `[::1]:port`, or an `https` address; without a port: 443.
    pub fn parse(text: &str) -> Option<Target> {
        let text = text.trim().trim_end_matches('/');
        let text = text.strip_prefix("https://").unwrap_or(text);
        let (host, port) = if text.parse::<std::net::Ipv6Addr>().is_ok() {
            (text, None)
        } else if let Some((host, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, Some(rest).filter(|rest| !rest.is_empty()).map(|rest| rest.strip_prefix(':')))
        } else {
            text.split_once(':').map_or((text, None), |(host, port)| (host, Some(Some(port))))
        };
        let port = match port {
            None => 443,
            Some(port) => port?.parse().ok().filter(|port| *port != 0)?,
        };
        let shape = |c: char| c.is_alphanumeric() || "-._:".contains(c);
        let fits = !host.is_empty() && host.len() <= 253 && host.chars().all(shape);
        (fits && !host.starts_with(['-', '.'])).then(|| Target { host: host.to_string(), port })
    }

    /// Is it one of the vendor's hosts? Of those it is known that they are public, and speak a protocol of their own
    /// (documented by the vendor: `https://www.visualcron.com`, also written visualcron.com, port 443).
    pub fn is_vendors(&self) -> bool {
        let host = self.host.trim_end_matches('.').to_lowercase();
        host == "visualcron.com" || host.ends_with(".visualcron.com")
    }
}

/// `www.visualcron.com`, with the port where it is another one than 443.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            443 => f.write_str(&self.host),
            port => f.write_str(&with_port(&self.host, port)),
        }
    }
}

/// The stages, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Which proxy, by which rule.
    Proxy,
    /// The name's addresses.
    Dns,
    /// A connection to one of them.
    Tcp,
    /// The way through the proxy.
    Connect,
    /// Encryption, and whose certificate it is.
    Tls,
    /// What the web server answers.
    Http,
    /// This machine's clock against the server's.
    Clock,
    /// Does it speak the open license host protocol?
    Protocol,
}

impl Stage {
    /// All of them.
    pub const ALL: [Stage; 8] = [
        Stage::Proxy,
        Stage::Dns,
        Stage::Tcp,
        Stage::Connect,
        Stage::Tls,
        Stage::Http,
        Stage::Clock,
        Stage::Protocol,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Proxy => "Proxy",
            Stage::Dns => "DNS",
            Stage::Tcp => "TCP",
            Stage::Connect => "CONNECT",
            Stage::Tls => "TLS",
            Stage::Http => "HTTP",
            Stage::Clock => "Clock",
            Stage::Protocol => "Protocol",
        }
    }
}

/// What one stage has found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// See [`Stage::Proxy`].
    Proxy(Decision),
    /// See [`Stage::Dns`].
    Dns(Dns),
    /// See [`Stage::Tcp`].
    Tcp(Tcp),
    /// See [`Stage::Connect`].
    Connect(Tunnel),
    /// See [`Stage::Tls`].
    Tls(Tls),
    /// See [`Stage::Http`].
    Http(Http),
    /// See [`Stage::Clock`].
    Clock(Clock),
    /// See [`Stage::Protocol`].
    Protocol(Protocol),
}

impl Finding {
    /// Of which stage it is.
    pub fn stage(&self) -> Stage {
        match self {
            Finding::Proxy(_) => Stage::Proxy,
            Finding::Dns(_) => Stage::Dns,
            Finding::Tcp(_) => Stage::Tcp,
            Finding::Connect(_) => Stage::Connect,
            Finding::Tls(_) => Stage::Tls,
            Finding::Http(_) => Stage::Http,
            Finding::Clock(_) => Stage::Clock,
            Finding::Protocol(_) => Stage::Protocol,
        }
    }
}

/// The addresses of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dns {
    /// The name that was looked up: the host's, or the proxy's.
    pub name: String,
    /// All answers, in the system's order; or why there are none.
    #[serde(flatten)]
    pub outcome: Resolved,
}

/// What the system's resolver says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolved {
    /// These.
    Addresses(Vec<IpAddr>),
    /// None.
    Failed(DnsFault),
}

/// Why a name has no addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsFault {
    /// No such name (NXDOMAIN), or it has no address.
    NoSuchName,
    /// The DNS server did not answer the system, or answered that it failed (SERVFAIL).
    ServerFailed,
    /// The system's resolver gave no answer in time.
    NoAnswer,
    /// What the system says else.
    Other(String),
}

/// The tries to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tcp {
    /// One for each address, in the order in which they were begun.
    pub attempts: Vec<Attempt>,
}

/// One try to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Address and port.
    pub address: SocketAddr,
    /// How it ended.
    pub outcome: Reached,
    /// After how many milliseconds.
    pub millis: u64,
}

/// How a try to connect ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    /// Connected.
    Yes,
    /// Answered with RST: nothing listens there, or a firewall rejects it.
    Refused,
    /// Nothing came back in time: dropped on the way.
    Silent,
    /// There is no way to that network or host.
    Unreachable,
    /// This machine forbids it.
    Forbidden,
    /// What the system says else.
    Other(String),
    /// Not tried: there are more addresses than are tried.
    NotTried,
}

impl Tcp {
    /// The first that connected.
    pub fn connected(&self) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.outcome == Reached::Yes)
    }
}

/// What the proxy says to CONNECT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tunnel {
    /// The proxy.
    pub proxy: String,
    /// How it ended.
    pub outcome: Tunneled,
    /// After how many milliseconds.
    pub millis: u64,
}

/// How CONNECT ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tunneled {
    /// The way is open.
    Open,
    /// 407: it wants to know who asks.
    SignIn {
        /// The ways to sign in that it offers: `Basic`, `Negotiate`.
        schemes: Vec<String>,
        /// User name and password were sent, and refused.
        refused: bool,
        /// A user name is given to this program.
        user_known: bool,
    },
    /// Another status than 2xx.
    Status(u16),
    /// What answers is no proxy.
    NotAProxy,
    /// It closed or reset the connection without an answer.
    Closed,
    /// No answer in time.
    Silent,
    /// TLS with the proxy itself failed.
    ProxyTls(String),
}

/// The handshake, and whose certificate it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tls {
    /// How the handshake ended.
    pub outcome: Handshake,
    /// `TLS 1.3`.
    pub version: Option<String>,
    /// The certificates that were sent, the host's own first, as far as they can be read.
    pub chain: Vec<Certificate>,
    /// What the verifier says, the one that all requests of this program go by. `None`: it was not asked.
    pub trust: Option<Trust>,
    /// The host asked for a certificate of this machine's.
    pub client_certificate: bool,
    /// After how many milliseconds it ended.
    pub millis: u64,
}

/// How a handshake ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Handshake {
    /// Done.
    Done,
    /// The connection was reset.
    Reset,
    /// The connection was closed.
    Closed,
    /// No answer in time.
    Silent,
    /// What answers does not speak TLS.
    NotTls,
    /// The host speaks none of TLS 1.2 and 1.3.
    TooOld,
    /// The host ended it with this alert.
    Alert(String),
    /// It failed else, in the library's words.
    Other(String),
}

/// What the verifier says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// It is right, and comes from a public certificate authority.
    Public,
    /// It is right, by a root certificate that is only known here: the machine's, or `license_host.ca_file`.
    Local,
    /// It is wrong.
    Wrong(Distrust),
}

/// Why a certificate is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Distrust {
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// It is for other names.
    WrongName,
    /// Whoever issued it is not known here.
    UnknownIssuer,
    /// It was revoked.
    Revoked,
    /// What the verifier says else.
    Other(String),
}

/// What is read of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// Whom it names.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// The names that it is for, at most 20.
    pub names: Vec<String>,
    /// From when.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
}

/// What the web server answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Http {
    /// How it ended.
    pub outcome: Answer,
    /// Over a connection whose certificate is right. Else only `HEAD /` was sent, and it tells nothing for sure.
    pub verified: bool,
    /// The status.
    pub status: Option<u16>,
    /// Where it sends us.
    pub location: Option<String>,
    /// `text/html`.
    pub content_type: Option<String>,
    /// It is compressed, though that was not asked for.
    pub encoding: Option<String>,
    /// When to ask again, in its words.
    pub retry_after: Option<String>,
    /// The page asks for a password.
    pub sign_in_page: bool,
    /// The page's title.
    pub title: Option<String>,
    /// How many bytes came, head included.
    pub bytes: u64,
    /// After how many milliseconds.
    pub millis: u64,
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// In full, as far as it is read.
    Whole,
    /// The connection was closed, and nothing came.
    Empty,
    /// The connection was reset.
    Reset,
    /// The connection was closed before the end of what was announced.
    CutOff,
    /// It was not at its end in time.
    Late,
    /// It goes on beyond what is read.
    TooLong,
    /// It is no HTTP.
    NotHttp,
    /// The host ended TLS with this alert, after the handshake.
    Alert(String),
}

/// This machine's clock against the `Date` of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Clock {
    /// The server's; `None`: it sends none.
    pub server: Option<Timestamp>,
    /// This machine's at that moment.
    pub here: Timestamp,
    /// Over a connection whose certificate is right.
    pub verified: bool,
}

impl Clock {
    /// How many seconds this machine's clock is ahead of the server's.
    pub fn ahead_seconds(&self) -> Option<i64> {
        self.server.map(|server| self.here.as_second() - server.as_second())
    }
}

/// Does the host speak the license host protocol?
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Version 1, which this program speaks: `GET /healthz` says so, and `POST /v1/validate` is answered.
    Spoken,
    /// The same, and the host says that something is wrong with it: what.
    Degraded(Vec<String>),
    /// Requests are answered, `GET /healthz` is not.
    OnlyRequests,
    /// `GET /healthz` says version 1, and `POST /v1/validate` is not answered as that demands.
    NoRequests(Instead),
    /// Other versions only.
    Versions(Vec<u64>),
    /// It does not.
    NotSpoken,
}

/// What comes back to a request instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instead {
    /// How it ended.
    pub outcome: Answer,
    /// The status.
    pub status: Option<u16>,
    /// `text/html`.
    pub content_type: Option<String>,
}
