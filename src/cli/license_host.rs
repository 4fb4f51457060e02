//! `license-host`: serve license validations; `license-host key`: the keys that a host signs with.

use super::{
    Out,
    args::{KeyAction, LicenseHost, LicenseHostAction, Serve},
};
use crate::{
    domain::{Fault, Problem},
    host::{
        audit::{Audit, To},
        desk::Rates,
        keys::{Key, Keys},
        server::{Bounds, Host, Options},
        tls::Pem,
    },
    platform::clock::Clock,
};
use jiff::Timestamp;
use serde_json::json;
use std::{net::IpAddr, path::Path, sync::mpsc};

/// Is this for the client side, which needs its folders?
pub fn is_of_the_client(asked: &LicenseHost) -> bool {
    matches!(asked.action, Some(LicenseHostAction::Trust { .. }))
}

pub fn run(asked: &LicenseHost, out: &Out) -> Result<u8, Problem> {
    match &asked.action {
        None => serve(&asked.serve, out),
        Some(LicenseHostAction::Key { action }) => key(action, out),
        Some(LicenseHostAction::Trust { .. }) => Ok(0),
    }
}

fn serve(asked: &Serve, out: &Out) -> Result<u8, Problem> {
    let given = |option: &str| {
        Problem::new(Fault::Usage, "Cannot start the license host", option, "it is not given", "Give it.")
    };
    let listen = asked.listen.ok_or_else(|| given("--listen"))?;
    let licenses = asked.licenses.clone().ok_or_else(|| given("--licenses"))?;
    let keys = asked.keys.clone().ok_or_else(|| given("--keys"))?;
    let pem = match (&asked.tls_cert, &asked.tls_key) {
        (Some(certificate), Some(key)) => Pem { certificate: certificate.clone(), key: key.clone() },
        _ => Pem::self_signed(&keys, &names(listen.ip(), &asked.name))?,
    };
    let certificate = pem.certificate.clone();
    // Asked for before anything is served, so that no wish to end is missed.
    let (end, ended) = mpsc::channel();
    let asked_to_end = ctrlc::set_handler(move || {
        let _ = end.send(());
    });
    asked_to_end.map_err(|error| {
        Problem::new(
            Fault::Software,
            "Cannot start the license host",
            "Ctrl+C",
            error.to_string(),
            "Try again.",
        )
    })?;
    let audit = Audit::new(asked.audit.clone().map_or(To::StandardError, To::File));
    let rates =
        Rates { per_address: asked.per_address, per_code: asked.per_code, unknown: asked.unknown_codes };
    let (bounds, clock) = (Bounds::default(), Clock::system());
    let host = Host::start(Options { listen, licenses, keys, pem, rates, bounds, clock, audit })?;
    let address = host.address();
    let (keys, certificate) = (host.keys(), asked.self_signed.then_some(certificate));
    let key = keys.newest().map(|key| key.signing.public());
    let fingerprint = key.map(|key| key.fingerprint());
    let started = json!({
        "address": address.to_string(),
        "key": key.map(|key| key.id().to_string()),
        "fingerprint": fingerprint,
        "ca_file": certificate,
    });
    out.show(&started, || {
        let trust = certificate.as_ref().map_or(String::new(), |path| {
            format!("Certificate made here, for clients' --ca-file: {}\n", path.display())
        });
        format!(
            "The license host listens on https://{address}\nKey: {}\n{trust}By hand: https://{address}/offline\nCtrl+C ends it.",
            fingerprint.unwrap_or_default()
        )
    })?;
    let _ = ended.recv();
    drop(host);
    Ok(0)
}

/// The names that a certificate made here is for.
fn names(listens: IpAddr, more: &[String]) -> Vec<String> {
    let mut names = vec!["localhost".to_string(), "127.0.0.1".into(), "::1".into()];
    if !listens.is_unspecified() {
        names.push(listens.to_string());
    }
    names.extend(crate::platform::survey::local_names());
    names.extend(more.iter().cloned());
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

fn key(action: &KeyAction, out: &Out) -> Result<u8, Problem> {
    match action {
        KeyAction::New { keys } => {
            let key = Keys::add(keys, Timestamp::now())?;
            out.show(&shown(&key), || {
                format!(
                    "A new key: {}\nIts file holds the private key: {}\nGive the fingerprint to your clients:\n{}",
                    key.id(),
                    key.path.display(),
                    key.signing.public().fingerprint()
                )
            })?;
        }
        KeyAction::List { keys } => {
            let keys = some(keys)?;
            let all: Vec<_> = keys.0.iter().map(shown).collect();
            out.show(&json!({ "schema": 1, "keys": all }), || {
                let line = |(index, key): (usize, &Key)| {
                    let what = if index == 0 { "signs" } else { "published" };
                    let created = key.created.strftime("%Y-%m-%d %H:%M UTC");
                    format!("{}  {what:9}  {created}\n  {}\n", key.id(), key.signing.public().fingerprint())
                };
                keys.0.iter().enumerate().map(line).collect()
            })?;
        }
        KeyAction::Export { keys } => {
            let mut json = some(keys)?.published().to_json();
            json.push(b'\n');
            out.raw(&json)?;
        }
    }
    Ok(0)
}

fn some(folder: &Path) -> Result<Keys, Problem> {
    let keys = Keys::load(folder)?;
    if keys.0.is_empty() {
        let next = "Make one: `visualcron-tray license-host key new --keys DIR`.";
        return Err(Problem::new(
            Fault::NoInput,
            "There is no key",
            folder.display().to_string(),
            "none was made yet",
            next,
        ));
    }
    Ok(keys)
}

fn shown(key: &Key) -> serde_json::Value {
    json!({
        "id": key.id().to_string(),
        "fingerprint": key.signing.public().fingerprint(),
        "created": key.created,
        "path": key.path,
    })
}
