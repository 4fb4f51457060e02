//! From what the stages have found to one conclusion, and one next step that can be handed to the network team.

use super::{
    Clock, Dns, DnsFault, Finding, Http, Protocol, Resolved, Step, Target, Tcp, Tls, Tunnel, opened, reply,
    tls, way,
    words::{self, listed},
};
use crate::domain::proxy::{Decision, Proxy, Route, Unusable};
use serde::Serialize;
use std::net::IpAddr;

/// How bad it is. Decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is in the way.
    Open,
    /// The way is open, and something is to be mended.
    Warning,
    /// Something is in the way.
    Blocked,
}

/// What it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // docs/diagnosis.md has one line for each
pub enum Id {
    Open,
    OpenOtherProtocol,
    Intercepted,
    OwnAuthority,
    ScriptNotFollowed,
    Ipv6Dead,
    ClockOff,
    LaterProtocol,
    HostDegraded,
    PostBlocked,
    ProxyNotUsable,
    NameUnknown,
    DnsServerFailed,
    DnsNoAnswer,
    DnsPrivate,
    Refused,
    Dropped,
    Unreachable,
    ForbiddenHere,
    NotConnected,
    ProxySignIn,
    ProxyPasswordRefused,
    ProxyDenies,
    ProxyFails,
    ProxyClosed,
    ProxySilent,
    NoProxyThere,
    ProxyTls,
    TlsReset,
    TlsClosed,
    TlsSilent,
    NotTls,
    TlsTooOld,
    TlsFailed,
    ClientCertificate,
    Expired,
    NotYetValid,
    ClockWrong,
    WrongName,
    UnknownAuthority,
    Revoked,
    CertificateWrong,
    Portal,
    SignInPage,
    Forbidden,
    TooManyRequests,
    ServerError,
    EmptyAnswer,
    AnswerReset,
    CutOff,
    Slow,
    NoAnswer,
    EndlessAnswer,
    CompressedAnswer,
    NotHttp,
    NotChecked,
}

/// One conclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conclusion {
    /// Which, for programs.
    pub id: Id,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in one or two sentences.
    pub says: String,
    /// What is to be done about it.
    pub next: String,
    /// What else was noticed.
    pub also: Vec<String>,
}

/// What is known, and of what is spoken.
pub(super) struct Facts<'f> {
    pub(super) machine: &'f str,
    pub(super) target: &'f Target,
    pub(super) steps: &'f [Step],
}

macro_rules! found {
    ($($name:ident: $kind:ident -> $type:ty;)+) => { $(
        pub(super) fn $name(&self) -> Option<&'f $type> {
            self.steps.iter().find_map(|step| match &step.found {
                Some(Finding::$kind(found)) => Some(found),
                _ => None,
            })
        }
    )+ };
}

impl<'f> Facts<'f> {
    found! {
        decision: Proxy -> Decision;
        dns: Dns -> Dns;
        tcp: Tcp -> Tcp;
        tunnel: Connect -> Tunnel;
        tls: Tls -> Tls;
        http: Http -> Http;
        clock: Clock -> Clock;
        protocol: Protocol -> Protocol;
    }

    pub(super) fn proxy(&self) -> Option<&'f Proxy> {
        match self.decision().map(|decision| &decision.route) {
            Some(Route::Proxy(proxy)) => Some(proxy),
            _ => None,
        }
    }

    /// `outbound TCP 443 from PC-17 to www.visualcron.com`, or to the proxy.
    pub(super) fn way(&self) -> String {
        let (host, port) = match self.proxy() {
            Some(proxy) => (format!("the proxy {}", proxy.host), proxy.port),
            None => (self.target.host.clone(), self.target.port),
        };
        format!("outbound TCP {port} from {} to {host}", self.machine)
    }

    /// The address that answered, if the way is straight.
    pub(super) fn peer(&self) -> String {
        match (self.proxy(), self.tcp().and_then(Tcp::connected)) {
            (None, Some(attempt)) => attempt.address.ip().to_string(),
            (Some(proxy), _) => format!("the way through the proxy {proxy}"),
            (None, None) => self.target.to_string(),
        }
    }

    /// The addresses of a public name that only a private network has.
    pub(super) fn private(&self) -> Vec<IpAddr> {
        match self.dns().map(|dns| &dns.outcome) {
            Some(Resolved::Addresses(addresses))
                if self.proxy().is_none()
                    && self.target.host.parse::<IpAddr>().is_err()
                    && self.target.host != "localhost" =>
            {
                addresses.iter().copied().filter(is_private).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Is it an address that no public host has?
fn is_private(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || {
                let [a, b, ..] = v4.octets();
                a == 100 && (64..128).contains(&b) // shared by providers
            }
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_private(&IpAddr::V4(v4)),
            None => {
                v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local()
            }
        },
    }
}

/// Draws the conclusion. `machine` is the name of this one, as the network team knows it.
pub fn conclude(machine: &str, target: &Target, steps: &[Step]) -> Conclusion {
    let facts = Facts { machine, target, steps };
    let mut conclusion = route(&facts)
        .or_else(|| way::poisoned(&facts))
        .or_else(|| way::names(&facts))
        .or_else(|| way::connection(&facts))
        .or_else(|| way::tunnel(&facts))
        .or_else(|| tls::handshake(&facts))
        .or_else(|| tls::certificate(&facts))
        .or_else(|| reply::answer(&facts))
        .unwrap_or_else(|| opened::open(&facts));
    // The most severe of what was noticed besides speaks for the whole, where the way is open.
    let mut also = opened::remarks(&facts);
    if conclusion.severity == Severity::Open && !also.is_empty() {
        also.sort_by_key(|remark| std::cmp::Reverse(remark.severity));
        let mut first = also.remove(0);
        first.also.insert(0, conclusion.says);
        if first.severity == Severity::Open && conclusion.id == Id::OpenOtherProtocol && !target.is_vendors()
        {
            first.next = conclusion.next;
        }
        conclusion = first;
    }
    let private = facts.private();
    if conclusion.severity == Severity::Blocked && conclusion.id != Id::DnsPrivate && !private.is_empty() {
        let says = format!(
            "{} is {} for DNS: inside of your network. If it is a public host, somebody bends the name.",
            target.host,
            listed(private.iter())
        );
        conclusion.also.push(says);
    }
    conclusion
        .also
        .extend(also.into_iter().filter(|remark| remark.id != conclusion.id).map(|remark| remark.says));
    conclusion
}

pub(super) fn conclusion(id: Id, severity: Severity, says: String, next: String) -> Conclusion {
    Conclusion { id, severity, says, next, also: Vec::new() }
}

pub(super) fn blocked(id: Id, says: String, next: String) -> Option<Conclusion> {
    Some(conclusion(id, Severity::Blocked, says, next))
}

pub(super) const SET_PROXY: &str = "`visualcron-tray settings set license_host.proxy http://PROXY:PORT`";

fn route(facts: &Facts<'_>) -> Option<Conclusion> {
    let Route::Unusable(why) = &facts.decision()?.route else { return None };
    let rule = words::rule(&facts.decision()?.rule);
    let what = match why {
        Unusable::NotAnAddress => format!("The address of the proxy is wrong: {rule} is no address of one."),
        Unusable::Scheme(scheme) => {
            format!("{scheme} is a kind of proxy that this program does not speak; named by {rule}.")
        }
    };
    blocked(
        Id::ProxyNotUsable,
        what,
        format!(
            "Name an HTTP proxy: {SET_PROXY}. If none is needed: `visualcron-tray settings set license_host.proxy direct`."
        ),
    )
}

pub(super) fn dns_failure(fault: &DnsFault) -> (Id, String) {
    match fault {
        DnsFault::NoSuchName => (Id::NameUnknown, "DNS knows no such name, or no address of it".into()),
        DnsFault::ServerFailed => {
            (Id::DnsServerFailed, "the DNS server failed (SERVFAIL), or did not answer the system".into())
        }
        DnsFault::NoAnswer => (Id::DnsNoAnswer, "DNS gave no answer in time".into()),
        DnsFault::Other(text) => (Id::DnsServerFailed, text.clone()),
    }
}
