//! The one client for HTTPS.

use super::{route, trust::Trust};
use crate::{
    domain::{Fault, Problem, proxy::Route},
    store::settings::LicenseHost,
};
use std::time::Duration;

/// A client for the license host of the settings, or another `host` in its place: by its proxy, its root certificates,
/// always verified, following no redirect, within `timeout`.
///
/// # Errors
///
/// The root certificates or the proxy of the settings cannot be used.
pub fn build(
    settings: &LicenseHost,
    host: &str,
    timeout: Duration,
) -> Result<reqwest::blocking::Client, Problem> {
    let failed = |why: String| {
        Problem::new(Fault::Software, "Cannot prepare a connection", host.to_string(), why, "Report this")
    };
    let tls = Trust::load(settings.ca_file.as_deref())?
        .client_config()
        .map_err(|error| failed(error.to_string()))?;
    let mut builder = reqwest::blocking::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(USER_AGENT)
        .tls_backend_preconfigured(tls)
        // What decides is our own rule, the same as the diagnosis shows.
        .no_proxy();
    let decision = route::decide(host, settings);
    match &decision.route {
        Route::Direct => {}
        Route::Proxy(proxy) => {
            let mut through = reqwest::Proxy::all(proxy.url()).map_err(|error| failed(error.to_string()))?;
            if let (Some(user), Some(password)) = (&proxy.user, &proxy.password) {
                through = through.basic_auth(user, password.reveal());
            }
            builder = builder.proxy(through);
        }
        Route::Unusable(_) => {
            return Err(Problem::new(
                Fault::Config,
                "The proxy cannot be used",
                host.to_string(),
                crate::domain::diagnosis::route_in_words(&decision),
                "Name an HTTP proxy: `visualcron-tray settings set license_host.proxy http://PROXY:PORT`, or `direct`",
            ));
        }
    }
    builder.build().map_err(|error| failed(error.to_string()))
}

/// As whom this program asks.
pub const USER_AGENT: &str = concat!("visualcron-tray/", env!("CARGO_PKG_VERSION"));
