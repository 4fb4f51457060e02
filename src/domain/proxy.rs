//! Through which proxy, if any, a host is reached, and which rule says so. Reads nothing itself.

use super::Secret;
use percent_encoding::percent_decode_str;
use serde::{Serialize, Serializer};
use std::{fmt, net::IpAddr};
use url::{Host, Url};

/// The longest text that is looked at as the address of a proxy, in bytes.
const MAX_TEXT: usize = 4096;

/// How this program speaks to a proxy itself; to the host behind it always by CONNECT and TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// In the clear.
    Http,
    /// By TLS.
    Https,
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proxy {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Its name or IP address, an IPv6 address without brackets.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// As whom this program signs in, if it is asked to.
    pub user: Option<String>,
    /// The password for it.
    #[serde(skip)]
    pub password: Option<Secret>,
}

/// Why a text names no proxy that this program can use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unusable {
    /// It is no address of a proxy.
    NotAnAddress,
    /// Another kind of proxy: `socks5`.
    Scheme(String),
}

impl Proxy {
    /// Reads `http://proxy:8080`, `https://user:password@proxy`, `proxy:8080` or `proxy`. Without a port: 80 or 443.
    ///
    /// # Errors
    ///
    /// It is no such text, or names another kind of proxy.
    pub fn parse(text: &str) -> Result<Proxy, Unusable> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_TEXT || text.contains(|c: char| c.is_control() || c == ' ') {
            return Err(Unusable::NotAnAddress);
        }
        let whole = if text.contains("://") { text.to_string() } else { format!("http://{text}") };
        let url = Url::parse(&whole).map_err(|_| Unusable::NotAnAddress)?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(Unusable::Scheme(other.to_string())),
        };
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_string(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(Unusable::NotAnAddress),
        };
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        Ok(Proxy {
            scheme,
            host,
            port: url.port_or_known_default().unwrap_or(80),
            user: (!url.username().is_empty()).then(|| decoded(url.username())),
            password: url.password().map(|password| Secret::new(decoded(password))),
        })
    }

    /// `http://proxy:8080`, without user and password.
    pub fn url(&self) -> String {
        let scheme = if self.scheme == Scheme::Https { "https" } else { "http" };
        format!("{scheme}://{self}")
    }
}

/// `proxy:8080`.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_port(&self.host, self.port))
    }
}

/// `host:443`, an IPv6 address in brackets.
pub fn with_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// `proxy` of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// No proxy, whatever environment and system say.
    Direct,
    /// This one.
    Proxy(Proxy),
}

impl Choice {
    /// Reads `direct` or the address of a proxy; one with a user name or password in it is refused.
    pub fn parse(text: &str) -> Option<Choice> {
        if text.trim().eq_ignore_ascii_case("direct") {
            return Some(Choice::Direct);
        }
        let proxy = Proxy::parse(text).ok()?;
        (proxy.user.is_none() && proxy.password.is_none()).then_some(Choice::Proxy(proxy))
    }
}

/// As in the settings file.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::Direct => f.write_str("direct"),
            Choice::Proxy(proxy) => f.write_str(&proxy.url()),
        }
    }
}

/// What the system says of one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum System {
    /// It names no proxy.
    Nothing,
    /// It says to go without, by this rule: `the system's exceptions`.
    Direct(String),
    /// It names this proxy, by this rule: `the PAC script http://…`.
    Proxy(String, String),
    /// A script decides, and it could not be followed.
    Script(Script),
}

/// A script that decides about proxies (PAC), and could not be followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Script {
    /// Where it is; `None`: it is to be found by itself (WPAD).
    pub url: Option<String>,
    /// Why it could not be followed.
    pub why: String,
}

/// The way to a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Straight.
    Direct,
    /// Through a proxy.
    Proxy(Proxy),
    /// A proxy is named that this program cannot use.
    Unusable(Unusable),
}

/// Which rule decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// `license_host.proxy` of the settings.
    Settings,
    /// This variable of the environment.
    Environment(String),
    /// An entry of the environment's list of exceptions.
    Exception {
        /// The variable.
        variable: String,
        /// The entry that fits.
        entry: String,
    },
    /// The system's settings, in words.
    System(String),
    /// Nothing names a proxy.
    Nothing,
}

/// The way to a host, and why that one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The way.
    pub route: Route,
    /// The rule.
    pub rule: Rule,
    /// A script of the system that could not be followed: the way may be another one.
    pub script: Option<Script>,
}

/// Decides for one host. The settings come before the environment (`https_proxy`, `all_proxy`, `no_proxy`, small or
/// capital, the small ones first, as curl does), and that before the system, which is only asked when it counts.
pub fn decide(
    host: &str,
    port: u16,
    settings: Option<&Choice>,
    environment: &dyn Fn(&str) -> Option<String>,
    system: &mut dyn FnMut() -> System,
) -> Decision {
    let decided = |route, rule| Decision { route, rule, script: None };
    match settings {
        Some(Choice::Direct) => return decided(Route::Direct, Rule::Settings),
        Some(Choice::Proxy(proxy)) => return decided(Route::Proxy(proxy.clone()), Rule::Settings),
        None => {}
    }
    let first = |names: &[&'static str]| {
        names.iter().find_map(|name| {
            let value = environment(name)?;
            (!value.trim().is_empty()).then_some((*name, value))
        })
    };
    if let Some((variable, value)) = first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]) {
        if let Some((list, exceptions)) = first(&["no_proxy", "NO_PROXY"])
            && let Some(entry) = exception_for(host, port, &exceptions)
        {
            let rule = Rule::Exception { variable: list.into(), entry: entry.into() };
            return decided(Route::Direct, rule);
        }
        return decided(route_of(&value), Rule::Environment(variable.into()));
    }
    match system() {
        System::Nothing => decided(Route::Direct, Rule::Nothing),
        System::Direct(rule) => decided(Route::Direct, Rule::System(rule)),
        System::Proxy(text, rule) => decided(route_of(&text), Rule::System(rule)),
        System::Script(script) => {
            Decision { route: Route::Direct, rule: Rule::Nothing, script: Some(script) }
        }
    }
}

fn route_of(text: &str) -> Route {
    match Proxy::parse(text) {
        Ok(proxy) => Route::Proxy(proxy),
        Err(why) => Route::Unusable(why),
    }
}

/// The entry of `NO_PROXY` that fits this host: `*`, a name (and all below it, with or without a dot in front), an IP
/// address, a network such as `10.0.0.0/8`; each with a port of its own, if it has one. Parted by commas or blanks.
pub fn exception_for<'e>(host: &str, port: u16, exceptions: &'e str) -> Option<&'e str> {
    let host = host.trim_end_matches('.').to_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    exceptions.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()).find(|entry| {
        let (name, of_port) = parted(entry);
        if of_port.is_some_and(|of_port| of_port != port) {
            return false;
        }
        if name == "*" {
            return true;
        }
        if let Some(address) = address {
            return name.parse() == Ok(address)
                || name.parse::<ipnet::IpNet>().is_ok_and(|network| network.contains(&address));
        }
        let name = name.trim_start_matches("*.").trim_matches('.').to_lowercase();
        let below = host.strip_suffix(&name);
        !name.is_empty() && below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
    })
}

/// A name and its port, if it has one. `::1` has none, `[::1]:443` has.
fn parted(entry: &str) -> (&str, Option<u16>) {
    if let Some((name, rest)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (name, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.parse::<u16>().is_ok() => (name, port.parse().ok()),
        _ => (entry, None),
    }
}

/// A choice is written as in the settings.
impl Serialize for Choice {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(settings: Option<&str>, environment: &[(&str, &str)], system: System) -> Decision {
        let choice = settings.map(|text| Choice::parse(text).unwrap());
        let get = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string())
        };
        decide("www.visualcron.com", 443, choice.as_ref(), &get, &mut || system.clone())
    }

    #[test]
    fn the_settings_come_first_then_the_environment_then_the_system() {
        let system = || System::Proxy("sys:1".into(), "the system's settings".into());
        let env = [("HTTPS_PROXY", "http://env:2"), ("no_proxy", "other.example")];
        for (settings, environment, route, rule) in [
            (Some("http://set:3"), &env[..], "set:3", Rule::Settings),
            (Some("direct"), &env[..], "direct", Rule::Settings),
            (None, &env[..], "env:2", Rule::Environment("HTTPS_PROXY".into())),
            (None, &[][..], "sys:1", Rule::System("the system's settings".into())),
            (None, &[("HTTPS_PROXY", " ")][..], "sys:1", Rule::System("the system's settings".into())),
            (
                None,
                &[("ALL_PROXY", "a:1"), ("HTTPS_PROXY", "b:2"), ("https_proxy", "c:3")][..],
                "c:3",
                Rule::Environment("https_proxy".into()),
            ),
        ] {
            let decision = decided(settings, environment, system());
            let shown = match &decision.route {
                Route::Proxy(proxy) => proxy.to_string(),
                Route::Direct => "direct".into(),
                Route::Unusable(_) => "unusable".into(),
            };
            assert_eq!((shown.as_str(), decision.rule), (route, rule));
        }
        assert_eq!(decided(None, &[], System::Nothing).rule, Rule::Nothing);
        let except = decided(None, &[("https_proxy", "p:1"), ("NO_PROXY", "a, visualcron.com")], system());
        let rule = Rule::Exception { variable: "NO_PROXY".into(), entry: "visualcron.com".into() };
        assert_eq!((except.route, except.rule), (Route::Direct, rule));
        let socks = decided(None, &[("ALL_PROXY", "socks5://p:1080")], system());
        assert_eq!(socks.route, Route::Unusable(Unusable::Scheme("socks5".into())));
    }

    #[test]
    fn the_exceptions_are_those_of_curl() {
        for (host, exceptions, fits) in [
            ("www.visualcron.com", "*", true),
            ("www.visualcron.com", "visualcron.com", true),
            ("www.visualcron.com", ".visualcron.com", true),
            ("www.visualcron.com", "*.visualcron.com", true),
            ("www.visualcron.com.", "VisualCron.COM", true),
            ("visualcron.com", ".visualcron.com", true),
            ("notvisualcron.com", "visualcron.com", false),
            ("www.visualcron.com", "www.visualcron.com:443", true),
            ("www.visualcron.com", "www.visualcron.com:8443", false),
            ("www.visualcron.com", "localhost,127.0.0.1 visualcron.com", true),
            ("www.visualcron.com", ", ,.", false),
            ("10.1.2.3", "10.0.0.0/8", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("10.1.2.3", "2.3", false),
            ("::1", "[::1]:443", true),
            ("fd00::5", "fd00::/8", true),
        ] {
            assert_eq!(exception_for(host, 443, exceptions).is_some(), fits, "{host} in {exceptions}");
        }
    }

    #[test]
    fn what_a_proxy_may_look_like() {
        let proxy = Proxy::parse("http://me:p%40ss@proxy.corp.example:3128/").unwrap();
        assert_eq!(proxy.to_string(), "proxy.corp.example:3128");
        assert_eq!((proxy.user.as_deref(), proxy.password.as_ref().unwrap().reveal()), (Some("me"), "p@ss"));
        assert!(
            !format!("{proxy:?}").contains("p@ss") && !serde_json::to_string(&proxy).unwrap().contains("p@")
        );
        assert_eq!(Proxy::parse("proxy").unwrap().port, 80);
        assert_eq!(Proxy::parse("https://[fd00::1]").unwrap().url(), "https://[fd00::1]:443");
        for text in ["", "http://", "pro xy", "http://a:99999", "http:/\u{7}"] {
            assert_eq!(Proxy::parse(text), Err(Unusable::NotAnAddress), "{text:?}");
        }
        assert_eq!(Choice::parse("http://me:secret@proxy"), None);
        assert_eq!(Choice::parse("DIRECT").unwrap().to_string(), "direct");
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_much(text in ".{0,300}", host in ".{0,60}") {
            let _ = Proxy::parse(&text);
            let _ = exception_for(&host, 443, &text);
        }
    }
}
