//! What the system's own settings say of proxies.
//!
//! Windows: the user's Internet settings, scripts (PAC, WPAD) followed by the system itself. macOS: what `scutil
//! --proxy` prints; scripts are seen and not followed. Linux has no settings of the system besides the environment;
//! those of a desktop are not read.

use crate::domain::proxy::System;

/// What the system says of this address.
#[cfg(windows)]
pub(super) fn for_url(url: &str, host: &str, _port: u16) -> System {
    crate::platform::windows::proxy::for_url(url, host)
}

/// What the system says of this address.
#[cfg(target_os = "macos")]
pub(super) fn for_url(_url: &str, host: &str, port: u16) -> System {
    let output = std::process::Command::new("/usr/sbin/scutil").arg("--proxy").output();
    output.map_or(System::Nothing, |output| of_scutil(&String::from_utf8_lossy(&output.stdout), host, port))
}

/// What the system says of this address.
#[cfg(not(any(windows, target_os = "macos")))]
pub(super) fn for_url(_url: &str, _host: &str, _port: u16) -> System {
    System::Nothing
}

/// Reads what `scutil --proxy` prints: lines `Key : value`, the exceptions as an array.
#[cfg(any(target_os = "macos", test))]
fn of_scutil(text: &str, host: &str, port: u16) -> System {
    use crate::domain::proxy::{Script, exception_for, with_port};
    let lines = || text.lines().take(1000).filter_map(|line| line.trim().split_once(" : "));
    let value = |key: &str| lines().find(|(name, _)| *name == key).map(|(_, value)| value.trim().to_string());
    let on = |key: &str| value(key).as_deref() == Some("1");
    // The array's lines are numbered: `0 : *.local`.
    let exceptions: Vec<&str> = lines()
        .filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_digit()))
        .map(|(_, value)| value)
        .collect();
    let plain = !host.contains('.') && on("ExcludeSimpleHostnames");
    if plain || exception_for(host, port, &exceptions.join(",")).is_some() {
        return System::Direct("the exceptions of the system's settings".into());
    }
    let why = "macOS is not asked to follow it";
    if on("ProxyAutoConfigEnable") {
        let url = value("ProxyAutoConfigURLString");
        return System::Script(Script { url, why: why.into() });
    }
    if on("ProxyAutoDiscoveryEnable") {
        return System::Script(Script { url: None, why: why.into() });
    }
    match (on("HTTPSEnable"), value("HTTPSProxy")) {
        (true, Some(proxy)) => {
            let port = value("HTTPSPort").and_then(|port| port.parse().ok()).unwrap_or(80);
            System::Proxy(with_port(&proxy, port), "the system's settings".into())
        }
        _ => System::Nothing,
    }
}

/// The proxy for https in a list of Windows: `proxy:8080`, `http=a:80;https=b:443`, several parted by `;` or blanks.
#[cfg(any(windows, test))]
pub(crate) fn of_windows_list(list: &str) -> Option<String> {
    let entries = || list.split([';', ' ', '\t']).map(str::trim).filter(|entry| !entry.is_empty());
    let of_https = entries().find_map(|entry| {
        let (scheme, proxy) = entry.split_once('=')?;
        scheme.eq_ignore_ascii_case("https").then(|| proxy.to_string())
    });
    let socks = || {
        entries().find_map(|entry| {
            let (scheme, proxy) = entry.split_once('=')?;
            scheme.eq_ignore_ascii_case("socks").then(|| format!("socks://{proxy}"))
        })
    };
    of_https.or_else(|| entries().find(|entry| !entry.contains('=')).map(str::to_string)).or_else(socks)
}

/// The entry of a list of exceptions of Windows that fits: `<local>` for names without a dot, `*` for anything.
#[cfg(any(windows, test))]
pub(crate) fn windows_exception<'l>(host: &str, list: &'l str) -> Option<&'l str> {
    let host = host.to_lowercase();
    list.split([';', ' ', '\t', ',']).map(str::trim).filter(|entry| !entry.is_empty()).find(|entry| {
        if entry.eq_ignore_ascii_case("<local>") {
            return !host.contains('.') && !host.contains(':');
        }
        let entry = entry.to_lowercase();
        let entry = entry.strip_prefix("https://").unwrap_or(&entry);
        fits(entry, &host)
    })
}

/// Does a pattern with `*` fit the whole text?
#[cfg(any(windows, test))]
fn fits(pattern: &str, text: &str) -> bool {
    let parts: Vec<&str> = pattern.split('*').collect();
    let (Some((first, rest)), Some(mut text)) = (parts.split_first(), text.strip_prefix(parts[0])) else {
        return false;
    };
    let Some((last, middle)) = rest.split_last() else {
        return first.len() == pattern.len() && text.is_empty();
    };
    for part in middle {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_windows() {
        for (list, proxy) in [
            ("proxy:8080", Some("proxy:8080")),
            ("http=a:80;https=b:443;ftp=c:21", Some("b:443")),
            ("a:80; b:80", Some("a:80")),
            ("http=a:80", None),
            ("socks=s:1080", Some("socks://s:1080")),
            ("", None),
        ] {
            assert_eq!(of_windows_list(list).as_deref(), proxy, "{list}");
        }
        for (host, list, fits) in [
            ("intranet", "<local>", true),
            ("www.visualcron.com", "<local>;*.visualcron.com", true),
            ("www.visualcron.com", "*.corp.example;10.*", false),
            ("10.1.2.3", "10.*", true),
            ("www.visualcron.com", "www.visualcron.com", true),
            ("www.visualcron.com", "visualcron.com", false),
            ("www.visualcron.com", "www.*.com", true),
            ("www.visualcron.com", "*", true),
        ] {
            assert_eq!(windows_exception(host, list).is_some(), fits, "{host} in {list}");
        }
    }

    #[test]
    fn what_scutil_prints() {
        let text = "<dictionary> {\n  ExceptionsList : <array> {\n    0 : *.local\n    1 : 169.254/16\n  }\n  HTTPSEnable : 1\n  \
                    HTTPSPort : 8080\n  HTTPSProxy : proxy.corp.example\n  ProxyAutoConfigEnable : 0\n}";
        let says = |text: &str, host: &str| of_scutil(text, host, 443);
        let proxy = System::Proxy("proxy.corp.example:8080".into(), "the system's settings".into());
        assert_eq!(says(text, "www.visualcron.com"), proxy);
        assert!(matches!(says(text, "printer.local"), System::Direct(_)));
        let pac = text.replace(
            "ConfigEnable : 0",
            "ConfigEnable : 1\n  ProxyAutoConfigURLString : http://wpad/wpad.dat",
        );
        assert!(
            matches!(says(&pac, "www.visualcron.com"), System::Script(script) if script.url.as_deref() == Some("http://wpad/wpad.dat"))
        );
        assert_eq!(says("<dictionary> {\n}", "www.visualcron.com"), System::Nothing);
    }
}
