//! Conclusions about names, connections and proxies.

use super::{
    DnsFault, Id, Reached, Resolved, Trust, Tunneled,
    conclude::{Conclusion, Facts, blocked, dns_failure},
    words::{self, listed, span},
};

/// What is said of a proxy that does not speak TLS.
pub const NO_TLS: &str = "what answers there is no TLS";
const PASSWORD: &str = "`visualcron-tray settings proxy-password set`";

/// Private addresses of a name that is known to be public, and no right certificate there: DNS was bent.
pub(super) fn poisoned(facts: &Facts<'_>) -> Option<Conclusion> {
    let private = facts.private();
    let right = facts.tls().is_some_and(|tls| matches!(tls.trust, Some(Trust::Public | Trust::Local)));
    if private.is_empty() || right || !facts.target.is_vendors() {
        return None;
    }
    let (target, machine) = (facts.target, facts.machine);
    let then = match facts.tcp().and_then(|tcp| tcp.attempts.first()) {
        Some(attempt) if facts.tls().is_none() => {
            format!("{} {}", attempt.address.ip(), words::outcome(attempt))
        }
        _ => "what answers there is not that host".into(),
    };
    let what = match private.iter().all(std::net::IpAddr::is_unspecified) {
        true => "which is no host's address, and what filters answer with",
        false => "an address inside of your network, though it is a public host",
    };
    blocked(
        Id::DnsPrivate,
        format!("DNS answers for {} with {}: {what}; {then}.", target.host, listed(private.iter())),
        format!(
            "Let the DNS server of {machine} answer with the public addresses of {}; look there, and into the hosts file, for who bends \
             the name.",
            target.host
        ),
    )
}

/// The name has no address.
pub(super) fn names(facts: &Facts<'_>) -> Option<Conclusion> {
    let dns = facts.dns()?;
    let Resolved::Failed(fault) = &dns.outcome else { return None };
    let (id, why) = dns_failure(fault);
    let (name, machine) = (&dns.name, facts.machine);
    let what = if facts.proxy().is_some() { "The proxy's name" } else { "The name" };
    let says = format!("{what} {name} has no address here: {why}.");
    let next = match (fault, facts.proxy()) {
        (DnsFault::NoSuchName, Some(_)) => {
            format!("Check the proxy's name: {name}; or have the DNS of {machine} answer for it.")
        }
        (DnsFault::NoSuchName, None) => format!(
            "Let the DNS server of {machine} resolve {name}. Where names outside are only known to a proxy, set that: \
             `visualcron-tray settings set license_host.proxy http://PROXY:PORT`."
        ),
        _ => format!("Check the DNS servers that {machine} uses: they must answer for {name}."),
    };
    blocked(id, says, next)
}

/// No address can be connected to.
pub(super) fn connection(facts: &Facts<'_>) -> Option<Conclusion> {
    let tcp = facts.tcp()?;
    if tcp.connected().is_some() {
        return None;
    }
    let tried = || tcp.attempts.iter().filter(|attempt| attempt.outcome != Reached::NotTried);
    let each: Vec<String> =
        tried().map(|attempt| format!("{} {}", attempt.address.ip(), words::outcome(attempt))).collect();
    let today = each.join(", ");
    let has = |outcome: Reached| tried().any(|attempt| attempt.outcome == outcome);
    let to = match facts.proxy() {
        Some(proxy) => format!("the proxy {proxy}"),
        None => facts.target.to_string(),
    };
    let allow = format!("Allow {}; today {today}.", facts.way());
    let (id, says, next) = if has(Reached::Silent) {
        let says = match has(Reached::Refused) {
            true => format!("No address of {to} can be connected to: a firewall on the way is closed."),
            false => format!("Nothing comes back from {to}: a firewall on the way drops the connection."),
        };
        (Id::Dropped, says, allow)
    } else if has(Reached::Refused) {
        let says = match facts.proxy() {
            Some(_) => {
                format!("{to} refuses the connection: no proxy listens there, or a firewall rejects it.")
            }
            None => format!(
                "The connection to {to} is refused: a firewall on the way rejects it, or nothing listens there."
            ),
        };
        let next = match facts.proxy() {
            Some(_) => {
                format!("Check the proxy's name and port; else: allow {}; today {today}.", facts.way())
            }
            None => allow,
        };
        (Id::Refused, capital(says), next)
    } else if has(Reached::Forbidden) {
        let says = format!("{} itself forbids this program to connect to {to}.", facts.machine);
        let next =
            format!("Allow it in the firewall or security software of {}: {}.", facts.machine, facts.way());
        (Id::ForbiddenHere, says, next)
    } else if has(Reached::Unreachable) {
        let says = format!("There is no way from {} to {to}: {today}.", facts.machine);
        let next = format!("Check the network connection and the default route of {}.", facts.machine);
        (Id::Unreachable, says, next)
    } else {
        (Id::NotConnected, format!("{} cannot connect to {to}: {today}.", facts.machine), allow)
    };
    blocked(id, says, next)
}

/// The proxy lets nothing through.
pub(super) fn tunnel(facts: &Facts<'_>) -> Option<Conclusion> {
    let tunnel = facts.tunnel()?;
    let (proxy, target, machine) = (&tunnel.proxy, facts.target, facts.machine);
    let host = format!("{}:{}", target.host, target.port);
    let let_through = format!("Let the proxy {proxy} pass CONNECT from {machine} to {host}");
    let time = span(tunnel.millis);
    match &tunnel.outcome {
        Tunneled::Open => None,
        Tunneled::SignIn { schemes, refused: true, .. } => blocked(
            Id::ProxyPasswordRefused,
            format!("The proxy {proxy} refuses the user name or the password: 407, {}.", offers(schemes)),
            format!("Correct license_host.proxy_user, and set the password again: {PASSWORD}."),
        ),
        Tunneled::SignIn { schemes, user_known, .. } => {
            let basic = schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("basic"));
            let next = match (basic, user_known) {
                (true, false) => format!(
                    "Set license_host.proxy_user, then the password: {PASSWORD}; or have the proxy let {machine} through to {host} without."
                ),
                (true, true) => format!("Set the password: {PASSWORD}."),
                (false, _) => format!("{let_through} without signing in; this program can only sign in with Basic."),
            };
            let says = format!("The proxy {proxy} wants to know who asks: 407, {}.", offers(schemes));
            blocked(Id::ProxySignIn, says, next)
        }
        Tunneled::Status(status @ (502..=504)) => blocked(
            Id::ProxyFails,
            format!("The proxy {proxy} cannot reach {target} itself: {status} after {time}."),
            format!("Allow outbound TCP {} from the proxy {proxy} to {}, and let it resolve that name.", target.port, target.host),
        ),
        Tunneled::Status(status @ (200..=299 | 300..=399 | 401 | 403 | 451)) => blocked(
            Id::ProxyDenies,
            format!("The proxy {proxy} does not let {machine} through to {target}: {status}."),
            format!("{let_through}; today it answers {status}."),
        ),
        Tunneled::Status(status @ (400 | 404 | 405 | 501)) => blocked(
            Id::NoProxyThere,
            format!("What listens at {proxy} knows no CONNECT: {status}. It is no proxy, or not for HTTPS."),
            "Check the proxy's name and port.".into(),
        ),
        Tunneled::Status(status) => blocked(
            Id::ProxyFails,
            format!("The proxy {proxy} fails: {status}."),
            format!("{let_through}; today it answers {status}."),
        ),
        Tunneled::NotAProxy => blocked(
            Id::NoProxyThere,
            format!("What listens at {proxy} does not speak HTTP: it is no proxy, or one of another kind."),
            "Check the proxy's name and port, and whether it is to be spoken to by https://.".into(),
        ),
        Tunneled::Closed => blocked(
            Id::ProxyClosed,
            format!("The proxy {proxy} closes the connection when it is asked for {target}, after {time}."),
            format!("{let_through}; today it closes the connection without an answer."),
        ),
        Tunneled::Silent => blocked(
            Id::ProxySilent,
            format!("The proxy {proxy} accepts the connection, and does not answer within {time}."),
            format!("{let_through}; today it gives no answer. Perhaps it cannot reach {target} itself."),
        ),
        Tunneled::ProxyTls(why) => blocked(
            Id::ProxyTls,
            format!("The encrypted connection to the proxy {proxy} itself cannot be made: {why}."),
            match why.as_str() {
                NO_TLS => format!("Most proxies are spoken to without TLS: name it as http://{proxy}."),
                _ => "Check the proxy's certificate; a root certificate of your own can be named: license_host.ca_file.".into(),
            },
        ),
    }
}

fn offers(schemes: &[String]) -> String {
    match schemes {
        [] => "it offers no way to sign in".into(),
        schemes => format!("it offers {}", listed(schemes.iter())),
    }
}

fn capital(text: String) -> String {
    let mut rest = text.chars();
    rest.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + rest.as_str())
}
