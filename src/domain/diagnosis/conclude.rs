//! From what the stages have found to one conclusion, and one next step that can be handed to the network team.

use super::{
    Answer, CLOCK_TOLERANCE_SECONDS, Clock, Dns, DnsFault, Finding, Http, Protocol, Reached, Resolved, Step,
    Target, Tcp, Tls, Trust, Tunnel, tls, way,
    words::{listed, span},
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
                if self.proxy().is_none() && self.target.host.parse::<IpAddr>().is_err() =>
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
        .or_else(|| answer(&facts))
        .unwrap_or_else(|| open(&facts));
    // The most severe of what was noticed besides speaks for the whole, where the way is open.
    let mut also = remarks(&facts);
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

const SET_PROXY: &str = "`visualcron-tray settings set license_host.proxy http://PROXY:PORT`";

fn route(facts: &Facts<'_>) -> Option<Conclusion> {
    let Route::Unusable(why) = &facts.decision()?.route else { return None };
    let rule = super::words::rule(&facts.decision()?.rule);
    let what = match why {
        Unusable::NotAnAddress => format!("{rule} should name a proxy, and is no address of one."),
        Unusable::Scheme(scheme) => {
            format!("{rule} names a proxy of the kind {scheme}, which this program does not speak.")
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

fn answer(facts: &Facts<'_>) -> Option<Conclusion> {
    let (target, http) = (facts.target, facts.http()?);
    if !http.verified {
        return None;
    }
    let time = span(http.millis);
    match &http.outcome {
        Answer::Alert(alert) if facts.tls().is_some_and(|tls| tls.client_certificate) => {
            return tls::client_certificate(facts, alert);
        }
        Answer::Alert(alert) => {
            let says = format!("{target} ends the encrypted connection with the alert {alert}.");
            return blocked(Id::TlsFailed, says, tls::exempt(facts));
        }
        Answer::Empty => {
            let says = format!(
                "{target} closes the encrypted connection without an answer after {time}: the host fails, or something on the way \
                 forbids it."
            );
            let next = format!("{} If there is none, ask who runs {target}.", tls::exempt(facts));
            return blocked(Id::EmptyAnswer, says, next);
        }
        Answer::Reset => {
            let says =
                format!("The encrypted connection to {target} is reset after {time}, before an answer.");
            return blocked(Id::AnswerReset, says, tls::exempt(facts));
        }
        Answer::CutOff => {
            let says = format!(
                "The answer of {target} is cut off: the connection was closed after {} bytes, before the end that was announced.",
                http.bytes
            );
            return blocked(Id::CutOff, says, tls::exempt(facts));
        }
        Answer::Late if http.bytes > 0 => {
            let says = format!(
                "{target} answers too slowly: {} bytes in {time}, and no end. The way is open, and hardly usable.",
                http.bytes
            );
            let next = format!(
                "Check the load of the line and of proxies or filters between {} and {target}; then try again.",
                facts.machine
            );
            return blocked(Id::Slow, says, next);
        }
        Answer::Late => {
            let says =
                format!("{target} accepts the encrypted connection, and then says nothing for {time}.");
            let next = format!(
                "Try again later. If it stays so, ask who runs {target}, and whether a filter holds the answer back."
            );
            return blocked(Id::NoAnswer, says, next);
        }
        Answer::NotHttp => {
            let says = format!("What answers at {target} is encrypted, but no web server.");
            return blocked(Id::NotHttp, says, format!("Check name and port: {target}."));
        }
        Answer::Whole | Answer::TooLong => {}
    }
    status(facts, http)
}

/// A status that stands in the way.
fn status(facts: &Facts<'_>, http: &Http) -> Option<Conclusion> {
    let (target, status) = (facts.target, http.status?);
    let sign_in = format!(
        "Sign in from {} in a browser; or have {target} exempted from sign-in for this machine. Then try again.",
        facts.machine
    );
    if let Some(elsewhere) = elsewhere(target, http) {
        let says = format!(
            "Instead of {target} a portal answers: {status}, on to {elsewhere}. It lets nothing through before somebody has signed in."
        );
        return blocked(Id::Portal, says, sign_in);
    }
    let warning = |id, says, next| Some(conclusion(id, Severity::Warning, says, next));
    match status {
        511 => {
            let says = format!("A portal stands in the way to {target}: 511, sign in to the network first.");
            blocked(Id::Portal, says, sign_in)
        }
        200..=299 if http.sign_in_page => {
            let title = http.title.as_ref().map_or_else(String::new, |title| format!(" (“{title}”)"));
            let says = format!("Instead of {target} a sign-in page answers{title}.");
            blocked(Id::SignInPage, says, sign_in)
        }
        401 | 403 | 407 | 451 => {
            let says = format!(
                "The way to {target} is open, but the request is forbidden: {status}. Either the host refuses requests from here, or a \
                 web filter answers in its place."
            );
            let next = format!(
                "Allow HTTPS requests from {} to {target} in the web filter. If there is none, ask who runs {target}.",
                facts.machine
            );
            blocked(Id::Forbidden, says, next)
        }
        429 => {
            let when = http.retry_after.as_ref().map_or("Try again in an hour.".into(), |when| {
                match when.parse::<u64>() {
                    Ok(seconds) => format!("Try again in {seconds} seconds."),
                    Err(_) => format!("Try again after {when}."),
                }
            });
            let says =
                format!("The way to {target} is open, but the host says that it was asked too often: 429.");
            warning(Id::TooManyRequests, says, when)
        }
        500..=599 => {
            let says = format!("The way to {target} is open, but the host itself fails: {status}.");
            warning(
                Id::ServerError,
                says,
                format!("Nothing is to be done about the network. Try again later; ask who runs {target}."),
            )
        }
        _ => match (&http.encoding, &http.outcome) {
            (Some(encoding), _) => {
                let says = format!(
                    "The way to {target} is open, but it answers compressed ({encoding}), which was not asked for. It is not unpacked."
                );
                warning(Id::CompressedAnswer, says, compare(facts))
            }
            (None, Answer::TooLong) => {
                let says = format!(
                    "The way to {target} is open, but its answer does not end: {} KiB were read, then no more.",
                    http.bytes / 1024
                );
                warning(Id::EndlessAnswer, says, compare(facts))
            }
            _ => None,
        },
    }
}

fn compare(facts: &Facts<'_>) -> String {
    format!("Check that {} is the right host, and that no filter answers in its place.", facts.target)
}

/// Where a redirect leads, if that is not to the same site.
pub(super) fn elsewhere(target: &Target, http: &Http) -> Option<String> {
    if !http.status.is_some_and(|status| (300..400).contains(&status)) {
        return None;
    }
    let url = url::Url::parse(http.location.as_ref()?).ok()?;
    let to = url.host_str()?.to_lowercase();
    let site = |name: &str| name.trim_end_matches('.').trim_start_matches("www.").to_lowercase();
    let (from, there) = (site(&target.host), site(&to));
    let same = from == there || there.ends_with(&format!(".{from}")) || from.ends_with(&format!(".{there}"));
    (!same).then_some(to)
}

/// Nothing is in the way.
fn open(facts: &Facts<'_>) -> Conclusion {
    let target = facts.target;
    let fine = |id, says: String, next: String| conclusion(id, Severity::Open, says, next);
    match facts.protocol() {
        Some(Protocol::Spoken) => fine(
            Id::Open,
            format!("Nothing is in the way to {target}: it answers, and speaks the license host protocol."),
            "Nothing is to be done.".into(),
        ),
        Some(Protocol::Versions(versions)) => conclusion(
            Id::LaterProtocol,
            Severity::Warning,
            format!(
                "Nothing is in the way to {target}, but it speaks version {} of the license host protocol only; this program speaks version 1.",
                listed(versions.iter())
            ),
            "Update this program.".into(),
        ),
        Some(Protocol::NotSpoken) if target.is_vendors() => fine(
            Id::OpenOtherProtocol,
            format!(
                "Nothing is in the way to {target}: it answers over a verified connection. That it does not speak the open license host \
                 protocol is as it should be: the vendor's own is unpublished."
            ),
            "Nothing is to be done about the network.".into(),
        ),
        Some(Protocol::NotSpoken) => {
            let how = match facts.http() {
                Some(Http { status: Some(status), content_type: Some(kind), .. }) => {
                    format!("{status} and {kind}")
                }
                Some(Http { status: Some(status), .. }) => status.to_string(),
                _ => "something else".into(),
            };
            fine(
                Id::OpenOtherProtocol,
                format!("Nothing is in the way to {target}, but it is no license host: it answers /healthz with {how}."),
                "Nothing is to be done about the network. If a license host should be there, check license_host.host and its port.".into(),
            )
        }
        None => conclusion(
            Id::NotChecked,
            Severity::Blocked,
            format!("The way to {target} could not be checked to its end."),
            "Try again.".into(),
        ),
    }
}

/// What there is to know besides, each a conclusion of its own where there is no other.
fn remarks(facts: &Facts<'_>) -> Vec<Conclusion> {
    let mut remarks = Vec::new();
    let mut add = |id, severity, says, next| remarks.push(conclusion(id, severity, says, next));
    let target = facts.target;
    if let Some(script) = facts.decision().and_then(|decision| decision.script.as_ref()) {
        let says = format!(
            "{}, and it was not followed: {}. The straight way was tried.",
            super::words::script(script),
            script.why
        );
        let next = format!(
            "Ask the network team for the proxy that it names for {target}, and set it: {SET_PROXY}."
        );
        add(Id::ScriptNotFollowed, Severity::Warning, says, next);
    }
    if let Some(clock) = facts.clock()
        && let Some(ahead) = clock.ahead_seconds()
        && ahead.abs() > CLOCK_TOLERANCE_SECONDS
        && clock.verified
    {
        let says = format!("The clock of {} is {}.", facts.machine, super::words::off(ahead));
        add(Id::ClockOff, Severity::Warning, says, tls::set_clock(facts));
    }
    if let Some(tcp) = facts.tcp()
        && tcp.connected().is_some_and(|attempt| attempt.address.is_ipv4())
    {
        let dead: Vec<_> = tcp
            .attempts
            .iter()
            .filter(|attempt| attempt.address.is_ipv6())
            .filter(|attempt| matches!(attempt.outcome, Reached::Silent | Reached::Refused))
            .collect();
        if let Some(first) = dead.first() {
            let says = format!(
                "IPv6 does not work on the way to {}: {} {}. IPv4 does; programs that try IPv6 first wait in vain.",
                tcp_name(facts),
                first.address.ip(),
                super::words::outcome(first)
            );
            let next = format!(
                "Allow {} over IPv6 too, or have IPv6 turned off where it leads nowhere.",
                facts.way()
            );
            add(Id::Ipv6Dead, Severity::Warning, says, next);
        }
    }
    if facts.tls().is_some_and(|tls| tls.trust == Some(Trust::Local)) {
        let issuer = tls::issuer(facts);
        if target.is_vendors() {
            let says = format!(
                "The encrypted connection to {target} is opened and read on the way: the certificate shown is issued by “{issuer}”, which \
                 this machine trusts, and which is no public authority."
            );
            let next = format!(
                "Nothing needs to be done. If license data do not refresh all the same, have {target} exempted from TLS inspection."
            );
            add(Id::Intercepted, Severity::Open, says, next);
        } else {
            let says = format!(
                "The certificate of {target} is issued by “{issuer}”, which this machine trusts, and which is no public authority: an \
                 authority of your own, or TLS inspection on the way."
            );
            add(Id::OwnAuthority, Severity::Open, says, "Nothing needs to be done.".into());
        }
    }
    remarks
}

fn tcp_name(facts: &Facts<'_>) -> String {
    facts.proxy().map_or_else(|| facts.target.to_string(), |proxy| format!("the proxy {proxy}"))
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
