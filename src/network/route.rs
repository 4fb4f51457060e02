//! Which way to a host: the settings, then the environment, then the system. Password from the keyring.

use super::{password, system_proxy};
use crate::{
    domain::{
        diagnosis::Target,
        proxy::{self, Decision, Proxy, Route, Rule},
    },
    store::settings::LicenseHost,
};

/// Decides for `host`, which may have a port. May ask the system's resolver of proxy scripts, and the keyring; both
/// block.
pub fn decide(host: &str, settings: &LicenseHost) -> Decision {
    let (name, port) =
        Target::parse(host).map_or_else(|| (host.to_string(), 443), |target| (target.host, target.port));
    // What is not valid UTF-8 names no proxy.
    let environment = |name: &str| std::env::var(name).ok();
    let url = format!("https://{}/", proxy::with_port(&name, port));
    let mut system = || system_proxy::for_url(&url, &name, port);
    let mut decision = proxy::decide(&name, port, settings.proxy.as_ref(), &environment, &mut system);
    if let Route::Proxy(proxy) = &mut decision.route
        && proxy.user.is_none()
        // A user of the settings is for the proxy of the settings and the system's, not for one of the environment.
        && !matches!(decision.rule, Rule::Environment(_))
    {
        sign_in(proxy, settings.proxy_user.as_deref());
    }
    decision
}

fn sign_in(proxy: &mut Proxy, user: Option<&str>) {
    let Some(user) = user else { return };
    proxy.password = password::get(proxy, user).unwrap_or_else(|problem| {
        tracing::warn!("{problem}");
        None
    });
    proxy.user = Some(user.to_string());
}
