//! `settings proxy-password`: the password for the proxy, into the system's keyring and out of it.

use super::{Out, Session, args::PasswordAction};
use crate::{
    domain::{
        Fault, Problem, Secret,
        proxy::{Proxy, Route, Rule},
    },
    network::{password, route},
};
use std::io::{BufRead, IsTerminal, Read};

/// The most bytes of a password.
const MAX_PASSWORD: u64 = 1024;

pub fn run(session: &Session, action: PasswordAction, out: &Out) -> Result<u8, Problem> {
    let settings = session.load_settings().settings.license_host;
    let usage = |what: &str, next: &str| {
        Problem::new(Fault::Config, "Cannot tell whose password it is", "license_host", what, next)
    };
    let user = settings.proxy_user.clone().ok_or_else(|| {
        usage("proxy_user is not set", "First: `visualcron-tray settings set license_host.proxy_user USER`")
    })?;
    let decision = route::decide(&settings.host, &settings);
    // One of the environment brings its own user and password.
    let (Route::Proxy(proxy), Rule::Settings | Rule::System(_)) = (decision.route, decision.rule) else {
        let next = "First: `visualcron-tray settings set license_host.proxy http://PROXY:PORT`";
        return Err(usage("there is no proxy that it would be for", next));
    };
    let (done, text) = match action {
        PasswordAction::Set => {
            password::set(&proxy, &user, &read(&proxy, &user)?)?;
            ("set", format!("The password of {user} at {proxy} is in the system's keyring."))
        }
        PasswordAction::Remove if password::remove(&proxy, &user)? => {
            ("removed", format!("The password of {user} at {proxy} is removed from the system's keyring."))
        }
        PasswordAction::Remove => ("absent", format!("There is no password of {user} at {proxy}.")),
        PasswordAction::Status => match password::get(&proxy, &user)? {
            Some(_) => {
                ("present", format!("There is a password of {user} at {proxy} in the system's keyring."))
            }
            None => ("absent", format!("There is no password of {user} at {proxy}.")),
        },
    };
    let report = serde_json::json!({ "proxy": proxy.url(), "user": user, "password": done });
    out.show(&report, || text).map(|()| 0)
}

/// Asks without echo; or the first line of standard input, where that is no terminal.
fn read(proxy: &Proxy, user: &str) -> Result<Secret, Problem> {
    let failed = |why: String| {
        let next = "Type it at a terminal, or pipe it in as one line";
        Problem::new(Fault::Io, "Cannot read the password", "standard input", why, next)
    };
    let stdin = std::io::stdin();
    let text = if stdin.is_terminal() {
        rpassword::prompt_password(format!("Password of {user} at {proxy}: "))
            .map_err(|error| failed(error.to_string()))?
    } else {
        let mut line = String::new();
        stdin.lock().take(MAX_PASSWORD).read_line(&mut line).map_err(|error| failed(error.to_string()))?;
        line
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() { Err(failed("it is empty".into())) } else { Ok(Secret::new(text)) }
}
