//! Is the license host reachable? For now that is all: the vendor's protocol is unpublished, and any answer of
//! its web server shows that the way there is open.

use crate::{
    domain::{Fault, Problem},
    network::client,
    store::settings::LicenseHost,
};
use std::{error::Error, time::Duration};

/// How long it may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Asks `https://HOST/` for its head, by the settings' proxy and root certificates, following no redirect, verifying
/// the certificate, within `timeout`. Any HTTP status counts as reachable.
pub fn reachable(settings: &LicenseHost, timeout: Duration) -> Result<(), Problem> {
    let host = &settings.host;
    let client = client::build(settings, host, timeout)?;
    match client.head(format!("https://{host}/")).send() {
        Ok(_) => Ok(()),
        Err(error) => Err(Problem::new(
            Fault::Unavailable,
            "The license host cannot be reached",
            settings.place(),
            cause(&error),
            "See what is in the way: `visualcron-tray diagnose`. License data are refreshed by the Client over that way. A \
             validation by hand: `visualcron-tray open manual-validation`.",
        )),
    }
}

/// The innermost cause in plain words; never a URL.
pub(super) fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".into();
    }
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if let Some(error) = innermost.downcast_ref::<std::io::Error>() {
        // Windows would say it in its own language. 11001 and 11004: no such host.
        use std::io::ErrorKind as Kind;
        match error.kind() {
            _ if cfg!(windows) && matches!(error.raw_os_error(), Some(11001 | 11004)) => {
                return "the name is not known to DNS".into();
            }
            Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable => {
                return error.kind().to_string();
            }
            _ => {}
        }
    }
    let text = innermost.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text).to_string();
    if text.contains("lookup address") || text.contains("dns error") || text.contains("name resolution") {
        "the name is not known to DNS".into()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way_is_said() {
        let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let host = |host: std::net::SocketAddr| LicenseHost {
            host: host.to_string(),
            proxy: Some(crate::domain::proxy::Choice::Direct),
            ..LicenseHost::default()
        };
        let problem = reachable(&host(refused), Duration::from_secs(5)).unwrap_err();
        assert_eq!(problem.fault, Fault::Unavailable);
        assert_eq!(problem.why, "connection refused");
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let problem = reachable(&host(silent.local_addr().unwrap()), Duration::from_millis(300)).unwrap_err();
        assert_eq!(problem.why, "no answer in time");
    }
}
