//! Conclusions about what the web server answers.

use super::{
    Answer, Http, Id, Severity, Target, Trust,
    conclude::{Conclusion, Facts, blocked, conclusion},
    tls,
    words::span,
};

/// What the answer says that is no answer of a host that can be used.
pub(super) fn answer(facts: &Facts<'_>) -> Option<Conclusion> {
    let (target, http) = (facts.target, facts.http()?);
    if !http.verified {
        return None;
    }
    let time = span(http.millis);
    match &http.outcome {
        // The alert may be lost when the connection goes with it.
        Answer::Alert(_) | Answer::Reset | Answer::Empty
            if facts.tls().is_some_and(|tls| tls.client_certificate) =>
        {
            return tls::client_certificate(facts);
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
    // With a certificate of a public authority it is the host itself that answers, and nobody on the way.
    let is_itself = facts.tls().is_some_and(|tls| tls.trust == Some(Trust::Public));
    if let Some(elsewhere) = elsewhere(target, http).filter(|_| !is_itself) {
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
        200..=299 if http.sign_in_page && !is_itself => {
            let title = http.title.as_ref().map_or_else(String::new, |title| format!(" (“{title}”)"));
            let says = format!("Instead of {target} a sign-in page answers{title}.");
            blocked(Id::SignInPage, says, sign_in)
        }
        // What the vendor's host says to a question that it does not know tells nothing about the way.
        _ if is_itself && target.is_vendors() && status < 429 => None,
        401 | 403 | 407 | 451 if is_itself => {
            let says =
                format!("The way to {target} is open, but the host itself refuses the request: {status}.");
            let next = format!(
                "Nothing is to be done about the network. Ask who runs {target} to let {} in.",
                facts.machine
            );
            warning(Id::Forbidden, says, next)
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
                    "The way to {target} is open, but its answer to /healthz is longer than any license host's: {} KiB were read, then no more.",
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
