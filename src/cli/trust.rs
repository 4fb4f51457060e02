//! `license-host trust`: the keys of license hosts that are trusted here. On first use the user compares and confirms.

use super::{
    Out, Session,
    args::{LicenseHost, LicenseHostAction},
    validate::license_host,
};
use crate::{
    domain::{Fault, Problem, text::plain, validation::PublicKey},
    platform::{by_hand, host_keys::Offered},
    store::validations::{How, Trusted, Validations},
};
use serde_json::json;
use std::io::{BufRead, IsTerminal};

pub fn run(session: &Session, asked: &LicenseHost, out: &Out) -> Result<u8, Problem> {
    let Some(LicenseHostAction::Trust { host, fingerprint, yes, file, list, forget, ca_file }) =
        &asked.action
    else {
        return Ok(0);
    };
    let store = Validations::below(&session.dirs.data);
    if *list {
        return show_list(&store.trusted()?, out);
    }
    session.dirs.must_keep("license-host trust")?;
    if let Some(id) = forget {
        let id = id.parse().map_err(|why: crate::domain::validation::NotAKey| {
            let next = "Give it as `license-host trust --list` shows it.";
            Problem::new(Fault::Usage, "This is no key id", plain(id), why.to_string(), next)
        })?;
        let count = store.distrust(id)?;
        out.show(&json!({ "forgotten": count }), || match count {
            0 => format!("The key {id} was not trusted."),
            _ => format!("The key {id} is trusted no more."),
        })?;
        return Ok(if count == 0 { Fault::NoInput.exit_code() } else { 0 });
    }
    let Some(host) = host else { return Ok(0) };
    let offered = match file {
        Some(file) => Offered::in_file(host, file)?,
        None => Offered::by_host(&license_host(session, ca_file.as_ref()), host)?,
    };
    let signs = offered.signs;
    let how = if offered.is_trusted(&store)? {
        None
    } else if let Some(given) = fingerprint {
        if !signs.has_fingerprint(given) {
            return Err(Problem::new(
                Fault::Permission,
                "The fingerprint is not that of the host's key",
                host,
                format!("the key there has {}", signs.fingerprint()),
                "Do not trust it. Ask whoever runs the license host which key is the right one.",
            ));
        }
        Some(How::Fingerprint)
    } else if *yes || confirmed(host, &signs, out)? {
        Some(How::Confirmed)
    } else {
        out.remark("Nothing was changed.");
        return Ok(0);
    };
    if let Some(how) = how {
        offered.trust(&store, how, session.clock.now().timestamp())?;
        by_hand::tell_tray(&session.dirs);
    }
    let trusted = json!({ "host": host, "key": signs.id().to_string(), "fingerprint": signs.fingerprint() });
    out.show(&trusted, || match how {
        None => format!("The key of {host} is trusted already."),
        Some(_) => format!("Trusted for {host}: the key {}\n{}", signs.id(), signs.fingerprint()),
    })?;
    if !session.load_settings().settings.license_host.host.eq_ignore_ascii_case(host) {
        out.remark(&format!(
            "For the tray and `refresh` to ask it: visualcron-tray settings set license_host.host {host}"
        ));
    }
    Ok(0)
}

/// Asks on the terminal. Where there is none, nobody can have compared anything.
fn confirmed(host: &str, key: &PublicKey, out: &Out) -> Result<bool, Problem> {
    if !std::io::stdin().is_terminal() {
        return Err(Problem::new(
            Fault::Usage,
            "Nobody can be asked",
            format!("license-host trust {host}"),
            "there is no terminal",
            format!("Compare the fingerprint, {}, and give it with --fingerprint.", key.fingerprint()),
        ));
    }
    out.remark(&format!(
        "The key with which {host} signs now has the id {} and the fingerprint\n  {}\nCompare it with what whoever runs \
         the host tells you by another way: whoever has this key decides what is known of your licenses.\nTrust it? [y/N]",
        key.id(),
        key.fingerprint()
    ));
    let mut line = String::new();
    let _ = std::io::stdin().lock().read_line(&mut line);
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn show_list(trusted: &[Trusted], out: &Out) -> Result<u8, Problem> {
    let keys: Vec<_> = trusted
        .iter()
        .map(|trusted| {
            json!({ "host": trusted.host, "key": trusted.key.id().to_string(), "fingerprint": trusted.key.fingerprint(),
                    "since": trusted.since, "how": trusted.how })
        })
        .collect();
    out.show(&json!({ "schema": 1, "keys": keys }), || {
        if trusted.is_empty() {
            return "No license host's key is trusted.".into();
        }
        let line = |trusted: &Trusted| {
            let since = trusted.since.strftime("%Y-%m-%d");
            format!(
                "{}  {}  since {since}\n  {}\n",
                trusted.key.id(),
                trusted.host,
                trusted.key.fingerprint()
            )
        };
        trusted.iter().map(line).collect()
    })?;
    Ok(0)
}
