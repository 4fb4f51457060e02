//! The way is open: what is there, and what there is to know besides.

use super::{
    CLOCK_TOLERANCE_SECONDS, Http, Id, Protocol, Reached, Severity, Trust,
    conclude::{Conclusion, Facts, SET_PROXY, conclusion},
    tls,
    words::{self, listed},
};

/// Nothing is in the way.
pub(super) fn open(facts: &Facts<'_>) -> Conclusion {
    let target = facts.target;
    let fine = |id, says: String, next: String| conclusion(id, Severity::Open, says, next);
    match facts.protocol() {
        Some(Protocol::Spoken) => fine(
            Id::Open,
            format!("Nothing is in the way to {target}: it answers, and speaks the license host protocol."),
            "Nothing is to be done.".into(),
        ),
        Some(Protocol::OnlyRequests) => fine(
            Id::Open,
            format!(
                "Nothing is in the way to {target}: it answers requests by the license host protocol, though not /healthz."
            ),
            "Nothing is to be done.".into(),
        ),
        Some(Protocol::Degraded(problems)) => conclusion(
            Id::HostDegraded,
            Severity::Warning,
            format!(
                "Nothing is in the way to {target}: it answers, and speaks the license host protocol. But it says that something is \
                 wrong with itself: {}.",
                listed(problems.iter())
            ),
            format!(
                "Tell whoever runs {target}: its audit log says more. Until then it answers by what it had read before."
            ),
        ),
        Some(Protocol::NoRequests(instead)) => conclusion(
            Id::PostBlocked,
            Severity::Blocked,
            format!(
                "{target} is a license host, by what it answers to GET /healthz; but POST /v1/validate, by which licenses are \
                 validated, {}. Most often a filter on the way, or a reverse proxy before the host, lets no POST through.",
                words::instead(instead)
            ),
            format!(
                "Allow POST from {} to https://{target}/v1/validate: JSON, up to 8 KiB. If nothing on the way forbids it, ask who \
                 runs {target}.",
                facts.machine
            ),
        ),
        Some(Protocol::Versions(versions)) => conclusion(
            Id::LaterProtocol,
            Severity::Warning,
            format!(
                "Nothing is in the way to {target}, but of the license host protocol it only speaks {}; this program speaks version 1.",
                versions_in_words(versions)
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
                Some(Http { status: Some(status), location: Some(location), .. }) => {
                    format!("{status}, on to {location}")
                }
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
pub(super) fn remarks(facts: &Facts<'_>) -> Vec<Conclusion> {
    let mut remarks = Vec::new();
    let mut add = |id, severity, says, next| remarks.push(conclusion(id, severity, says, next));
    let target = facts.target;
    if let Some(script) = facts.decision().and_then(|decision| decision.script.as_ref()) {
        let says = format!(
            "{}, and it was not followed: {}. The straight way was tried.",
            words::script(script),
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
        let says = format!("The clock of {} is {}.", facts.machine, words::off(ahead));
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
                words::outcome(first)
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

/// `version 2`, `versions 2 and 3`.
pub(super) fn versions_in_words(versions: &[u64]) -> String {
    let s = if versions.len() == 1 { "" } else { "s" };
    format!("version{s} {}", listed(versions.iter()))
}
