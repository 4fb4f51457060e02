//! `license-host trust`: the keys of license hosts that are trusted here. On first use the user compares and confirms.

use super::{
    Out, Session,
    args::{LicenseHost, LicenseHostAction},
    validate::{license_host, wait},
};
use crate::{
    domain::{
        Fault, Problem,
        text::plain,
        validation::{KeySet, PublicKey},
    },
    sources::validation_host::Way,
    store::{
        atomic,
        validations::{How, Trusted, Validations},
    },
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
    let (host, offered) = match file {
        Some(file) => {
            let bytes = atomic::read_bounded(file, 64 * 1024)?;
            let wrong = |why: String| {
                let next = "Give a file that `license-host key export` wrote.";
                Problem::new(Fault::Data, "There are no keys to trust", file.display().to_string(), why, next)
            };
            let bytes = bytes.ok_or_else(|| wrong("there is no such file".into()))?;
            (host.clone(), KeySet::from_json(&bytes).map_err(|why| wrong(why.to_string()))?)
        }
        None => {
            let way = Way::new(&license_host(session, ca_file.as_ref()), host, wait(15))?;
            (host.clone(), way.keys().map_err(|failure| failure.problem(host))?)
        }
    };
    let Some(signs) = offered.keys.first().map(|published| published.key) else {
        let next = "Ask whoever runs it.";
        return Err(Problem::new(Fault::Data, "There are no keys to trust", host, "it publishes none", next));
    };
    let pinned = store.pinned(Some(&host))?;
    // The keys that the one that signs now has replaced: what they signed is still on its way.
    let keys: Vec<PublicKey> = offered.keys.iter().map(|published| published.key).collect();
    let (keys, how) = if keys.iter().all(|key| pinned.get(key.id()).is_some()) {
        (Vec::new(), How::Confirmed)
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
        (vec![signs], How::Fingerprint)
    } else if *yes || confirmed(&host, &signs, out)? {
        (vec![signs], How::Confirmed)
    } else {
        out.remark("Nothing was changed.");
        return Ok(0);
    };
    store.trust(&host, &keys, how, session.clock.now().timestamp())?;
    let trusted = json!({ "host": host, "key": signs.id().to_string(), "fingerprint": signs.fingerprint() });
    out.show(&trusted, || match keys.is_empty() {
        true => format!("The keys of {host} are trusted already."),
        false => format!("Trusted for {host}: the key {}\n{}", signs.id(), signs.fingerprint()),
    })?;
    if !session.load_settings().settings.license_host.host.eq_ignore_ascii_case(&host) {
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
