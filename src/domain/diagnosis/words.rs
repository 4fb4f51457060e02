//! A diagnosis in words: a line for each stage, the whole, and a text for the network team.

use super::{
    Answer, Attempt, CLOCK_TOLERANCE_SECONDS, Clock, Diagnosis, Distrust, DnsFault, Finding, Handshake, Http,
    Instead, Protocol, Reached, Resolved, Severity, Tls, Trust, Tunneled, Verdict,
};
use crate::domain::proxy::{Decision, Route, Rule, Script, Unusable};
use jiff::{Timestamp, tz::TimeZone};
use std::fmt::{Display, Write};

/// How a stage ended.
pub fn verdict(finding: &Finding) -> Verdict {
    use Verdict::{Failed, Noted, Passed};
    let when = |failed: bool, noted: bool| match (failed, noted) {
        (true, _) => Failed,
        (false, true) => Noted,
        (false, false) => Passed,
    };
    match finding {
        Finding::Proxy(found) => when(matches!(found.route, Route::Unusable(_)), found.script.is_some()),
        Finding::Dns(found) => when(matches!(found.outcome, Resolved::Failed(_)), false),
        Finding::Tcp(found) => when(
            found.connected().is_none(),
            found
                .attempts
                .iter()
                .any(|attempt| matches!(attempt.outcome, Reached::Silent | Reached::Refused)),
        ),
        Finding::Connect(found) => when(found.outcome != Tunneled::Open, false),
        Finding::Tls(found) => when(
            found.outcome != Handshake::Done || !matches!(found.trust, Some(Trust::Public | Trust::Local)),
            found.trust == Some(Trust::Local) || found.client_certificate,
        ),
        Finding::Http(found) => when(
            !matches!(found.outcome, Answer::Whole | Answer::TooLong)
                || found.status.is_none_or(|status| !(200..400).contains(&status) && status != 404),
            !found.verified || found.status.is_none_or(|status| status >= 300),
        ),
        Finding::Clock(found) => {
            when(false, found.ahead_seconds().is_none_or(|ahead| ahead.abs() > CLOCK_TOLERANCE_SECONDS))
        }
        Finding::Protocol(found) => when(
            matches!(found, Protocol::Versions(_) | Protocol::NoRequests(_)),
            !matches!(found, Protocol::Spoken),
        ),
    }
}

/// One stage in one line, without its name.
pub fn line(finding: &Finding) -> String {
    match finding {
        Finding::Proxy(found) => route_in_words(found),
        Finding::Dns(found) => match &found.outcome {
            Resolved::Addresses(addresses) => format!("{} is {}", found.name, listed(addresses.iter())),
            Resolved::Failed(fault) => format!("{}: {}", found.name, dns(fault)),
        },
        Finding::Tcp(found) => {
            let each =
                found.attempts.iter().map(|attempt| format!("{} {}", attempt.address, outcome(attempt)));
            each.collect::<Vec<_>>().join(", ")
        }
        Finding::Connect(found) => format!("the proxy {} {}", found.proxy, tunnel(&found.outcome)),
        Finding::Tls(found) => tls(found),
        Finding::Http(found) => http(found),
        Finding::Clock(found) => clock(found),
        Finding::Protocol(found) => match found {
            Protocol::Spoken => "speaks version 1 of the license host protocol".into(),
            Protocol::Degraded(problems) => format!(
                "speaks version 1 of the license host protocol; the host says of itself: {}",
                listed(problems.iter())
            ),
            Protocol::OnlyRequests => {
                "speaks version 1 of the license host protocol, but for GET /healthz".into()
            }
            Protocol::NoRequests(found) => {
                format!("GET /healthz says version 1; POST /v1/validate {}", instead(found))
            }
            Protocol::Versions(versions) => {
                format!(
                    "speaks {} of the license host protocol, not 1",
                    super::opened::versions_in_words(versions)
                )
            }
            Protocol::NotSpoken => "does not speak the open license host protocol".into(),
        },
    }
}

/// The way, and by which rule: `http://proxy:8080, by the environment's HTTPS_PROXY`.
pub fn route_in_words(found: &Decision) -> String {
    let rule_words = rule(&found.rule);
    let mut line = match (&found.route, &found.rule) {
        (Route::Direct, Rule::Nothing) => {
            "none: no setting, variable or system setting names one".to_string()
        }
        (Route::Direct, _) => format!("none, by {rule_words}"),
        (Route::Proxy(proxy), _) => format!("{}, by {rule_words}", proxy.url()),
        (Route::Unusable(Unusable::NotAnAddress), _) => format!("no address of a proxy in {rule_words}"),
        (Route::Unusable(Unusable::Scheme(scheme)), _) => format!("{scheme} is not spoken; by {rule_words}"),
    };
    if let Some(found) = &found.script {
        let _ = write!(line, "; but {}, not followed: {}", lower_first(&script(found)), found.why);
    }
    line
}

/// `license_host.proxy of the settings`.
pub(super) fn rule(rule: &Rule) -> String {
    match rule {
        Rule::Settings => "license_host.proxy of the settings".into(),
        Rule::Environment(variable) => format!("the environment's {variable}"),
        Rule::Exception { variable, entry } => format!("{entry} in the environment's {variable}"),
        Rule::System(how) => how.clone(),
        Rule::Nothing => "no rule".into(),
    }
}

/// `A PAC script decides about proxies here (http://…)`.
pub(super) fn script(script: &Script) -> String {
    match &script.url {
        Some(url) => format!("A PAC script decides about proxies here ({url})"),
        None => "A PAC script that is to be found by itself (WPAD) decides about proxies here".into(),
    }
}

fn dns(fault: &DnsFault) -> String {
    match fault {
        DnsFault::NoSuchName => "no such name, or no address of it".into(),
        DnsFault::ServerFailed => "the DNS server failed or did not answer".into(),
        DnsFault::NoAnswer => "no answer in time".into(),
        DnsFault::Other(text) => text.clone(),
    }
}

/// `answers with RST after 12 ms`, to follow an address.
pub(super) fn outcome(attempt: &Attempt) -> String {
    let time = span(attempt.millis);
    match &attempt.outcome {
        Reached::Yes => format!("connected after {time}"),
        Reached::Refused => format!("answers with RST after {time}"),
        Reached::Silent => format!("gives no answer within {time}"),
        Reached::Unreachable => "is unreachable".into(),
        Reached::Forbidden => "is forbidden by this machine".into(),
        Reached::Other(text) => format!("fails: {text}"),
        Reached::NotTried => "was not tried".into(),
    }
}

fn tunnel(outcome: &Tunneled) -> String {
    match outcome {
        Tunneled::Open => "opens the way".into(),
        Tunneled::SignIn { refused: true, .. } => "refuses user name or password (407)".into(),
        Tunneled::SignIn { schemes, .. } if schemes.is_empty() => "wants a sign-in (407)".into(),
        Tunneled::SignIn { schemes, .. } => format!("wants a sign-in (407): {}", listed(schemes.iter())),
        Tunneled::Status(status) => format!("answers {status}"),
        Tunneled::NotAProxy => "speaks no HTTP".into(),
        Tunneled::Closed => "closes the connection".into(),
        Tunneled::Silent => "gives no answer in time".into(),
        Tunneled::ProxyTls(why) => format!("cannot be spoken to by TLS: {why}"),
    }
}

fn tls(found: &Tls) -> String {
    let ended = match &found.outcome {
        Handshake::Done => None,
        Handshake::Reset => Some("the connection is reset in the handshake".to_string()),
        Handshake::Closed => Some("the connection is closed in the handshake".into()),
        Handshake::Silent => Some("no answer to the greeting in time".into()),
        Handshake::NotTls => Some("what answers is no TLS".into()),
        Handshake::TooOld => Some("nothing newer than TLS 1.1".into()),
        Handshake::Alert(alert) => Some(format!("the host ends it with the alert {alert}")),
        Handshake::Other(why) => Some(why.clone()),
    };
    let mut parts: Vec<String> = found.version.iter().cloned().chain(ended).collect();
    if let Some(leaf) = found.chain.first() {
        parts.push(format!(
            "certificate of “{}”, issued by “{}”, until {}",
            leaf.subject,
            leaf.issuer,
            day(leaf.not_after)
        ));
    }
    parts.extend(found.trust.as_ref().map(|trust| match trust {
        Trust::Public => "right".to_string(),
        Trust::Local => "right, by a root certificate known here, not a public one".into(),
        Trust::Wrong(why) => match why {
            Distrust::Expired => "wrong: expired".into(),
            Distrust::NotYetValid => "wrong: not yet valid".into(),
            Distrust::WrongName => "wrong: for other names".into(),
            Distrust::UnknownIssuer => "wrong: its issuer is not known here".into(),
            Distrust::Revoked => "wrong: revoked".into(),
            Distrust::Other(text) => format!("wrong: {text}"),
        },
    }));
    if found.client_certificate {
        parts.push("asks for a client certificate".into());
    }
    parts.join("; ")
}

fn http(found: &Http) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(found.status.map(|status| status.to_string()));
    parts.extend(found.location.as_ref().map(|location| format!("to {location}")));
    parts.extend(found.content_type.clone());
    parts.extend(found.title.as_ref().map(|title| format!("“{title}”")));
    if found.sign_in_page {
        parts.push("asks for a password".into());
    }
    parts.extend(found.encoding.as_ref().map(|encoding| format!("compressed ({encoding})")));
    parts.extend(found.retry_after.as_ref().map(|when| format!("Retry-After {when}")));
    let ended = match &found.outcome {
        Answer::Whole => None,
        Answer::Empty => Some("closed without an answer".to_string()),
        Answer::Reset => Some("reset".into()),
        Answer::CutOff => Some(format!("cut off after {} bytes", found.bytes)),
        Answer::Late if found.bytes > 0 => {
            Some(format!("only {} bytes in {}", found.bytes, span(found.millis)))
        }
        Answer::Late => Some("no answer in time".into()),
        Answer::TooLong => Some(format!("no end after {} KiB", found.bytes / 1024)),
        Answer::NotHttp => Some("no HTTP".into()),
        Answer::Alert(alert) => Some(format!("ended by the TLS alert {alert}")),
    };
    parts.extend(ended);
    if !found.verified {
        parts.push("(only HEAD / was asked, the certificate being wrong)".into());
    }
    parts.join(", ")
}

/// What comes back to a request instead of an answer, to follow its name: `is answered with 403 and text/html`.
pub(super) fn instead(found: &Instead) -> String {
    let kind = found.content_type.as_ref().map_or(String::new(), |kind| format!(" and {kind}"));
    match (&found.outcome, found.status) {
        (Answer::Whole | Answer::TooLong, Some(status)) => format!("is answered with {status}{kind}"),
        (Answer::Late, _) => "gets no whole answer in time".into(),
        (Answer::Reset, _) => "is answered with RST".into(),
        (Answer::Alert(alert), _) => format!("is answered with the TLS alert {alert}"),
        (Answer::NotHttp, _) => "is answered with something that is no HTTP".into(),
        _ => "gets no whole answer: the connection is closed".into(),
    }
}

fn clock(found: &Clock) -> String {
    match found.ahead_seconds() {
        None => "the answer has no date".into(),
        Some(ahead) if ahead.abs() <= CLOCK_TOLERANCE_SECONDS => "this machine's clock is right".into(),
        Some(ahead) => format!("this machine's clock is {}", off(ahead)),
    }
}

/// `1 day ahead`, `2 hours behind`.
pub(super) fn off(ahead_seconds: i64) -> String {
    let direction = if ahead_seconds > 0 { "ahead" } else { "behind" };
    let seconds = ahead_seconds.unsigned_abs();
    let (count, unit) = match seconds {
        86_400.. => ((seconds + 43_200) / 86_400, "day"),
        7_200.. => ((seconds + 1_800) / 3_600, "hour"),
        _ => ((seconds + 30) / 60, "minute"),
    };
    format!("{count} {unit}{} {direction}", if count == 1 { "" } else { "s" })
}

/// `12 ms`, `3.0 s`.
pub fn span(millis: u64) -> String {
    if millis < 1000 {
        format!("{millis} ms")
    } else {
        format!("{}.{} s", millis / 1000, millis % 1000 / 100)
    }
}

/// The day, in UTC.
pub(super) fn day(at: Timestamp) -> String {
    crate::domain::day(at).to_string()
}

/// `a, b and c`.
pub(super) fn listed<T: Display>(items: impl Iterator<Item = T>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => items.concat(),
    }
}

fn lower_first(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or(String::new(), |first| first.to_lowercase().collect::<String>() + rest.as_str())
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "ok",
        Verdict::Noted => "note",
        Verdict::Failed => "FAILED",
        Verdict::Skipped => "-",
    }
}

/// One line of the table: mark, stage, what was found, time.
fn row(step: &super::Step) -> String {
    let time = if step.millis > 0 { format!(" ({})", span(step.millis)) } else { String::new() };
    format!("{:<7} {:<9} {}{time}\n", mark(step.verdict), step.stage.name(), step.says)
}

/// The stages line by line; those that it did not come to in one.
fn table(diagnosis: &Diagnosis) -> String {
    let reached = |step: &&super::Step| step.says != super::NOT_REACHED;
    let mut text: String = diagnosis.steps.iter().filter(reached).map(row).collect();
    let rest: Vec<_> =
        diagnosis.steps.iter().filter(|step| !reached(step)).map(|step| step.stage.name()).collect();
    if !rest.is_empty() {
        let _ = writeln!(text, "{:<7} {}: {}", mark(Verdict::Skipped), rest.join(", "), super::NOT_REACHED);
    }
    text
}

/// The whole for people: the conclusion on top.
pub fn in_words(diagnosis: &Diagnosis) -> String {
    let conclusion = &diagnosis.conclusion;
    let mut text = format!("{}\n", conclusion.says);
    for also in &conclusion.also {
        let _ = writeln!(text, "{also}");
    }
    let _ = write!(text, "Next: {}\n\n{}", conclusion.next, table(diagnosis));
    if conclusion.severity != Severity::Open {
        let target = &diagnosis.target;
        let _ = writeln!(
            text,
            "\nA text to hand to the network team: `visualcron-tray diagnose {target} --for-network-team`"
        );
    }
    text
}

/// A text to hand to the network team. Holds no secret: no password, no activation code.
pub fn for_network_team(diagnosis: &Diagnosis) -> String {
    let conclusion = &diagnosis.conclusion;
    let at = diagnosis.at.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC");
    let mut text = format!(
        "{}\n\nFrom:   {}\nTo:     {}, TCP {}\nWhen:   {at}\nFound:  {}\n",
        conclusion.next, diagnosis.machine, diagnosis.target.host, diagnosis.target.port, conclusion.says
    );
    for also in &conclusion.also {
        let _ = writeln!(text, "        {also}");
    }
    let (version, took) = (env!("CARGO_PKG_VERSION"), span(diagnosis.millis));
    let _ = write!(text, "\n{}\nMade by visualcron-tray {version} in {took}.\n", table(diagnosis));
    text
}
