//! `validate`: licenses at a license host that speaks the open protocol, over the network or by hand.

use super::{
    Out, Session, args,
    args::{Validate, ValidateAction},
    progress::{PAUSE, Progress},
};
use crate::{
    app::words,
    domain::{
        Entry, Fault, Problem,
        validation::{
            Claims, Pending, Record, Standing, Subject, Verdict, folded,
            qr::Qr,
            text::{self, Carries},
        },
    },
    platform::{asking, by_hand, clipboard, dirs::Dirs, validate::Asking},
    sources::validation_host::Way,
    store::{atomic, settings::LicenseHost, validations::Validations},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long all questions may take: more than a host that answers 3,000 a minute needs for 25,000 licenses.
const WHOLE: Duration = Duration::from_secs(600);

pub fn run(session: &Session, asked: &Validate, out: &Out) -> Result<u8, Problem> {
    match &asked.action {
        None => online(session, asked.server.as_deref(), &asked.way, out),
        Some(ValidateAction::Export { server, output, qr }) => {
            export(session, server, output.as_deref(), qr.as_ref(), out)
        }
        Some(ValidateAction::Import { file, clipboard }) => import(session, file.as_deref(), *clipboard, out),
        Some(ValidateAction::Status) => status(session, out),
    }
}

/// So many seconds.
pub fn wait(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn subject(entries: &[Entry], name: &str) -> Result<Subject, Problem> {
    Subject::find(entries, name).ok_or_else(|| {
        let all = Subject::all(entries);
        words::no_such_server(name, all.iter().map(|subject| subject.server_name.as_str()))
    })
}

fn export(
    session: &Session,
    server: &str,
    output: Option<&Path>,
    qr: Option<&Option<PathBuf>>,
    out: &Out,
) -> Result<u8, Problem> {
    session.dirs.must_keep("validate export")?;
    let subject = subject(&by_hand::entries(&session.dirs)?, server)?;
    let store = Validations::below(&session.dirs.data);
    let made_at = session.clock.now().timestamp();
    let request = by_hand::request(&store, &subject, made_at)?;
    let until = Pending { nonce: request.nonce, made_at }.until();
    let text = text::of_request(&request);
    let code = match qr {
        None => None,
        Some(_) => Some(Qr::new(Carries::Request, &request.to_json()).ok_or_else(|| {
            let next = "Use the text, or shorten the server's name.";
            Problem::new(
                Fault::Data,
                "Cannot make a QR code",
                server,
                "the request is too long for one",
                next,
            )
        })?),
    };
    if let Some(file) = output {
        atomic::write(file, text.as_bytes())?;
    }
    if let (Some(code), Some(Some(file))) = (&code, qr) {
        atomic::write(file, code.svg().as_bytes())?;
    }
    let report = json!({
        "server": request.server_name,
        "server_id": request.server_id,
        "nonce": request.nonce,
        "waits_until": until,
        "output": output,
        "qr": qr.and_then(|file| file.as_ref()),
        "text": if output.is_none() { Value::from(text.as_str()) } else { Value::Null },
    });
    out.show(&report, || {
        let on_terminal = match (&code, qr) {
            (Some(code), Some(None)) => code.terminal(),
            _ => String::new(),
        };
        let text = if output.is_none() { text.as_str() } else { "" };
        format!("{text}{on_terminal}")
    })?;
    if !out.json() {
        out.remark(&format!(
            "Carry the request to your license host: its page /offline answers it. It holds the activation code, and waits \
             for its answer until {}. Then: visualcron-tray validate import FILE",
            until.to_zoned_datetime(session.clock.now().time_zone().clone()).date()
        ));
    }
    Ok(0)
}

fn import(session: &Session, file: Option<&Path>, from_clipboard: bool, out: &Out) -> Result<u8, Problem> {
    session.dirs.must_keep("validate import")?;
    let (text, place) = match file {
        _ if from_clipboard => (clipboard::text()?, "the clipboard".to_string()),
        Some(file) if file != Path::new("-") => (by_hand::read_answer(file)?, file.display().to_string()),
        _ => (from_stdin()?, "standard input".into()),
    };
    let now = session.clock.now().timestamp();
    let answered = by_hand::accept(&session.dirs, &text, now)?;
    let (server_id, claims) = answered.map_err(|refusal| refusal.problem(&place))?;
    let title = match names(&session.dirs).remove(&folded(&server_id)) {
        Some(name) => name,
        None => server_id,
    };
    report(&[(title, Ok(claims))], now, out)
}

fn from_stdin() -> Result<String, Problem> {
    let mut bytes = Vec::new();
    let most = crate::domain::validation::MAX_TEXT as u64 + 1;
    std::io::stdin().take(most).read_to_end(&mut bytes).map_err(|error| {
        let next = "Pipe it in, or give a file.";
        Problem::new(Fault::Io, "Cannot read the answer", "standard input", error.to_string(), next)
    })?;
    Ok(by_hand::as_text(&bytes))
}

/// How one server's validation went: what the host states, or why there is no answer.
type Went = (String, Result<Claims, Problem>);

fn online(session: &Session, server: Option<&str>, asked: &args::Way, out: &Out) -> Result<u8, Problem> {
    session.dirs.must_keep("validate")?;
    let store = Validations::below(&session.dirs.data);
    let settings = license_host(session, asked.ca_file.as_ref());
    let host = host(&store, asked, &settings.host)?;
    let way = Way::new(&settings, &host, wait(asked.timeout))?;
    let entries = by_hand::entries(&session.dirs)?;
    let subjects = match server {
        Some(name) => vec![subject(&entries, name)?],
        None => Subject::all(&entries),
    };
    if subjects.is_empty() {
        let next = "Name one in the settings: `visualcron-tray settings set server.NAME.server_id ID`.";
        return Err(Problem::new(
            Fault::NoInput,
            "There is nothing to validate",
            "all sources",
            "no server is known",
            next,
        ));
    }
    let clock = session.clock.clone();
    let now = move || clock.now().timestamp();
    let line = Progress::new(out);
    let tell = asking::now_and_then(PAUSE, |done, all| line.asked(done, all));
    let (way, host, store, whole) = (&way, host.as_str(), &store, WHOLE);
    let went = Asking { way, host, store, now: &now, whole, tell: &tell }.ask(&subjects)?;
    drop(tell);
    drop(line);
    by_hand::tell_tray(&session.dirs);
    let names = subjects.into_iter().map(|subject| subject.server_name);
    report(&names.zip(went).collect::<Vec<Went>>(), now(), out)
}

/// What the settings say of the way to the license host, with other root certificates if some are given.
pub fn license_host(session: &Session, ca_file: Option<&PathBuf>) -> LicenseHost {
    let settings = session.load_settings().settings.license_host;
    LicenseHost { ca_file: ca_file.cloned().or(settings.ca_file), ..settings }
}

/// The host to ask: the one that was given, else that of the settings if its key is trusted, else the only one whose
/// key is.
fn host(store: &Validations, asked: &args::Way, of_settings: &str) -> Result<String, Problem> {
    if let Some(host) = &asked.host {
        return Ok(host.clone());
    }
    if !store.pinned(Some(of_settings))?.is_empty() {
        return Ok(of_settings.into());
    }
    let mut hosts: Vec<String> =
        store.trusted()?.into_iter().map(|trusted| trusted.host.to_lowercase()).collect();
    hosts.sort();
    hosts.dedup();
    match &hosts[..] {
        [host] => Ok(host.clone()),
        hosts => Err(Problem::new(
            Fault::Usage,
            "Which license host is to be asked?",
            "--host",
            match hosts.len() {
                0 => "no license host's key is trusted yet".to_string(),
                _ => format!("the keys of several are trusted: {}", hosts.join(", ")),
            },
            "Give one with --host; `visualcron-tray license-host trust HOST` trusts its key. The vendor's own host is \
             asked by the Client alone.",
        )),
    }
}

/// Tells how it went, one server a line. The exit code is that of the first failure; 65 for a license that is not
/// valid.
fn report(went: &[Went], now: Timestamp, out: &Out) -> Result<u8, Problem> {
    let json: Vec<Value> = went
        .iter()
        .map(|(server, went)| match went {
            Ok(claims) => json!({ "server": server, "answer": claims, "problem": null }),
            Err(problem) => json!({ "server": server, "answer": null, "problem": problem }),
        })
        .collect();
    out.show(&json!({ "schema": 1, "as_of": now, "validations": json }), || {
        went.iter().map(|(server, went)| format!("{server}: {}\n", in_words(went))).collect()
    })?;
    let code = |went: &Result<Claims, Problem>| match went {
        Ok(claims) if claims.verdict == Verdict::Valid => 0,
        Ok(_) => Fault::Data.exit_code(),
        Err(problem) => problem.fault.exit_code(),
    };
    Ok(went.iter().map(|(_, went)| code(went)).find(|code| *code != 0).unwrap_or(0))
}

fn in_words(went: &Result<Claims, Problem>) -> String {
    match went {
        Err(problem) => problem.to_string(),
        Ok(Claims {
            verdict: Verdict::Valid, maintenance_until: Some(until), kind, validate_next, ..
        }) => {
            let subject = crate::domain::standing::subject(*kind);
            let next = validate_next.strftime("%Y-%m-%d");
            format!("valid. {subject} until {until}; the next validation is due by {next}.")
        }
        Ok(Claims { verdict, .. }) => format!("not valid: {}. {}", verdict.words(), verdict.next()),
    }
}

/// The names of the servers by their ids. Where the sources cannot be read, the ids have to do.
fn names(dirs: &Dirs) -> HashMap<String, String> {
    let subjects = by_hand::entries(dirs).map(|entries| Subject::all(&entries)).unwrap_or_default();
    let named = |subject: Subject| Some((folded(&subject.server_id?), subject.server_name));
    subjects.into_iter().filter_map(named).collect()
}

fn status(session: &Session, out: &Out) -> Result<u8, Problem> {
    let (now, records) = (session.clock.now(), Validations::below(&session.dirs.data).records()?);
    let (now, zone) = (now.timestamp(), now.time_zone());
    let names = names(&session.dirs);
    let name = |record: &Record| names.get(&folded(&record.server_id));
    let shown: Vec<(&Record, Standing)> =
        records.iter().map(|record| (record, record.standing(now))).collect();
    let json: Vec<Value> = shown
        .iter()
        .map(|(record, standing)| {
            json!({
                "server": name(record),
                "server_id": record.server_id,
                "validation": standing,
                "answer": record.accepted.as_ref().map(|accepted| &accepted.claims),
                "last_valid": record.last_valid.as_ref().map(|valid| &valid.claims),
                "failed": record.failed,
                "waiting": record.pending.iter().filter(|pending| pending.waits(now)).count(),
                "waits_until": record.pending.last().filter(|it| it.waits(now)).map(Pending::until),
            })
        })
        .collect();
    out.show(&json!({ "schema": 1, "as_of": now, "licenses": json }), || {
        if shown.is_empty() {
            return "Nothing was validated here yet.".into();
        }
        let line = |(record, standing): &(&Record, Standing)| {
            let failed = record.failed.as_ref().map(|failed| {
                let at = failed.at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M");
                format!("The last try, {at}, failed: {}", failed.outcome.why())
            });
            let more = [failed, record.last_valid_in_words(), record.request_in_words(now, zone)];
            let more: String = more.into_iter().flatten().map(|more| format!("\n  {more}")).collect();
            let title = match name(record) {
                Some(name) => format!("{name} ({})", record.server_id),
                None => record.server_id.clone(),
            };
            format!("{title}: {}{more}\n", standing.in_words(now))
        };
        shown.iter().map(line).collect()
    })?;
    Ok(0)
}
