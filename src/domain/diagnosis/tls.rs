//! Conclusions about encryption and certificates.

use super::{
    Clock, Distrust, Handshake, Id, Tls, Trust,
    conclude::{Conclusion, Facts, blocked},
    reply::elsewhere,
    words::{self, listed, span},
};

/// The way out of most that filters do to TLS.
pub(super) fn exempt(facts: &Facts<'_>) -> String {
    let through = facts.proxy().map_or(String::new(), |proxy| format!(" through the proxy {proxy}"));
    format!(
        "Exempt {} from TLS inspection and web filtering for {}: outbound TCP {}{through} must reach the host itself.",
        facts.target.host, facts.machine, facts.target.port
    )
}

/// The handshake did not come to its end.
pub(super) fn handshake(facts: &Facts<'_>) -> Option<Conclusion> {
    let (tls, target) = (facts.tls()?, facts.target);
    let (time, peer) = (span(tls.millis), facts.peer());
    let today = |how: &str| format!("{} Today {peer} {how}.", exempt(facts));
    match &tls.outcome {
        Handshake::Done => None,
        Handshake::Alert(_) | Handshake::Reset | Handshake::Closed if tls.client_certificate => {
            client_certificate(facts)
        }
        Handshake::Reset => blocked(
            Id::TlsReset,
            format!(
                "The connection to {target} is reset as soon as the host is named: a firewall that looks into TLS forbids it."
            ),
            today(&format!("answers the TLS greeting with RST after {time}")),
        ),
        Handshake::Closed => blocked(
            Id::TlsClosed,
            format!("The connection to {target} is closed during the TLS handshake, after {time}."),
            today("closes the connection when it is greeted by TLS"),
        ),
        Handshake::Silent => blocked(
            Id::TlsSilent,
            format!(
                "{target} accepts the connection, and does not answer the TLS greeting: it is held back on the way, or the host hangs."
            ),
            today(&format!("does not answer the TLS greeting within {time}")),
        ),
        Handshake::NotTls => blocked(
            Id::NotTls,
            format!("What answers at {target} does not speak TLS: another service, or a portal on the way."),
            today("answers the TLS greeting with something else"),
        ),
        Handshake::TooOld => blocked(
            Id::TlsTooOld,
            format!(
                "{target} speaks no TLS newer than 1.1, which is not safe; this program speaks 1.2 and 1.3."
            ),
            format!(
                "If a firewall or proxy opens the connection on the way, let it speak TLS 1.2 or newer; else ask who runs {target}."
            ),
        ),
        Handshake::Alert(alert) => blocked(
            Id::TlsFailed,
            format!("{target} ends the TLS handshake with the alert {alert}."),
            today(&format!("answers with the alert {alert}")),
        ),
        Handshake::Other(why) => {
            blocked(Id::TlsFailed, format!("The TLS handshake with {target} fails: {why}."), exempt(facts))
        }
    }
}

/// The host wants to see a certificate of this machine's.
pub(super) fn client_certificate(facts: &Facts<'_>) -> Option<Conclusion> {
    blocked(
        Id::ClientCertificate,
        format!(
            "{} lets in only who shows a certificate of its own; this program has none to show.",
            facts.target
        ),
        format!("Let {} in without a client certificate, or use another host.", facts.machine),
    )
}

/// The certificate is wrong.
pub(super) fn certificate(facts: &Facts<'_>) -> Option<Conclusion> {
    let (tls, target) = (facts.tls()?, facts.target);
    let Some(Trust::Wrong(why)) = &tls.trust else { return None };
    if let Some(portal) = portal(facts) {
        return Some(portal);
    }
    let leaf = tls.chain.first();
    let issuer = issuer(facts);
    let renew = if target.is_vendors() {
        format!("{} If there is none: try again later, and tell the vendor.", exempt(facts))
    } else {
        format!("Renew the certificate of {target}.")
    };
    match why {
        Distrust::Expired | Distrust::NotYetValid => {
            let expired = *why == Distrust::Expired;
            let day = leaf.map_or("an unknown day".into(), |leaf| {
                words::day(if expired { leaf.not_after } else { leaf.not_before })
            });
            let when =
                if expired { format!("expired on {day}") } else { format!("is not valid before {day}") };
            if let Some(ahead) = clock_is_to_blame(facts, tls) {
                let says = format!(
                    "The certificate of {target} {when}, by the clock of {}. But that is {}, and by the host's clock the certificate is right.",
                    facts.machine,
                    words::off(ahead)
                );
                return blocked(Id::ClockWrong, says, set_clock(facts));
            }
            let here = facts
                .clock()
                .map_or(String::new(), |clock| format!(" (here it is {})", words::day(clock.here)));
            let says = format!("The certificate of {target}, issued by “{issuer}”, {when}{here}.");
            let id = if expired { Id::Expired } else { Id::NotYetValid };
            // The host's own clock agrees with this machine's: then it is not the clock.
            let agrees =
                facts.clock().and_then(Clock::ahead_seconds).is_some_and(|ahead| ahead.abs() < 86_400);
            let next = match agrees {
                true => renew,
                false => format!("Check the date of {}. If that is right: {}", facts.machine, small(renew)),
            };
            blocked(id, says, next)
        }
        Distrust::WrongName => {
            let names = leaf.map(|leaf| listed(leaf.names.iter().take(3))).unwrap_or_default();
            if names.is_empty() && !target.is_vendors() {
                let says = format!(
                    "The certificate of {target}, issued by “{issuer}”, names no host where programs look for it today (subject \
                     alternative name)."
                );
                let next = format!(
                    "Give the host a certificate with {} among its subject alternative names: the common name alone does not count.",
                    target.host
                );
                return blocked(Id::WrongName, says, next);
            }
            let says = format!(
                "What answers at {target} shows a certificate for other names: {names}; issued by “{issuer}”."
            );
            let next = match target.is_vendors() {
                true => format!(
                    "{} Today {} answers with a certificate for {names}.",
                    exempt(facts),
                    facts.peer()
                ),
                false => {
                    format!("Check license_host.host; or give the host a certificate for {}.", target.host)
                }
            };
            blocked(Id::WrongName, says, next)
        }
        Distrust::UnknownIssuer => {
            let self_made = leaf.is_some_and(|leaf| leaf.subject == leaf.issuer);
            let says = match (target.is_vendors(), self_made) {
                (true, _) => format!(
                    "The encrypted connection to {target} is opened on the way, by a certificate of “{issuer}”, which {} does not know.",
                    facts.machine
                ),
                (false, true) => format!("{target} shows a certificate that it has made itself: “{issuer}”."),
                (false, false) => format!(
                    "The certificate of {target} is issued by “{issuer}”, an authority that {} does not know.",
                    facts.machine
                ),
            };
            let root = format!(
                "name the root certificate of “{issuer}” in a PEM file: `visualcron-tray settings set license_host.ca_file FILE`."
            );
            // A chain of one: perhaps the authority is known, and only its customer does not show by whom it is known.
            let is_alone = !self_made && facts.tls().is_some_and(|tls| tls.chain.len() == 1);
            let next = match (target.is_vendors(), is_alone) {
                (true, _) => format!("{} Or {root}", exempt(facts)),
                (false, false) => capital_n(root),
                (false, true) => format!(
                    "The host sends its own certificate alone. Have it send that of “{issuer}” too (the whole chain, in the file of its \
                     certificate). If that is no help: {root}"
                ),
            };
            blocked(Id::UnknownAuthority, says, next)
        }
        Distrust::Revoked => blocked(
            Id::Revoked,
            format!("The certificate of {target}, issued by “{issuer}”, was revoked."),
            renew,
        ),
        Distrust::Other(text) => blocked(
            Id::CertificateWrong,
            format!("The certificate of {target}, issued by “{issuer}”, is not right: {text}."),
            renew,
        ),
    }
}

/// A wrong certificate, and behind it a page that sends us elsewhere.
fn portal(facts: &Facts<'_>) -> Option<Conclusion> {
    let http = facts.http().filter(|http| !http.verified)?;
    let target = facts.target;
    let to = match elsewhere(target, http) {
        Some(to) => format!(" that sends on to {to}"),
        None if http.status == Some(511) => String::new(),
        None => return None,
    };
    blocked(
        Id::Portal,
        format!("Instead of {target} a portal{to} answers, with a certificate that is not that host's."),
        format!(
            "Sign in from {} in a browser; or have {} exempted from sign-in for this machine. Then try again.",
            facts.machine, target.host
        ),
    )
}

/// By how many seconds this machine's clock is ahead, if the certificate were right by the host's.
fn clock_is_to_blame(facts: &Facts<'_>, tls: &Tls) -> Option<i64> {
    let Clock { server: Some(server), .. } = facts.clock()? else { return None };
    let leaf = tls.chain.first()?;
    let right_there = (leaf.not_before..=leaf.not_after).contains(server);
    facts.clock()?.ahead_seconds().filter(|_| right_there)
}

pub(super) fn set_clock(facts: &Facts<'_>) -> String {
    let machine = facts.machine;
    format!(
        "Set the clock of {machine} right, and let it follow a time server: signed answers are only accepted by a clock that is right."
    )
}

/// Who issued the host's certificate.
pub(super) fn issuer(facts: &Facts<'_>) -> String {
    let leaf = facts.tls().and_then(|tls| tls.chain.first());
    leaf.map_or_else(|| "unknown".into(), |leaf| leaf.issuer.clone())
}

fn small(text: String) -> String {
    let mut rest = text.chars();
    rest.next().map_or(String::new(), |first| first.to_lowercase().collect::<String>() + rest.as_str())
}

fn capital_n(text: String) -> String {
    text.replacen("name", "Name", 1)
}
