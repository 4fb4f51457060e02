//! Validation by hand: requests go out, answers come in. The command line and the window do it alike.

use super::{dirs::Dirs, instance, survey, validate};
use crate::{
    app::report,
    domain::{
        Entry, Fault, Problem,
        validation::{Claims, MAX_TEXT, Record, Refusal, Request, Subject, open, text},
    },
    sources::servers_xml::{Limits, Reading, read_file},
    store::{atomic, settings, validations::Validations},
};
use jiff::Timestamp;
use std::path::Path;

/// What settings and servers.xml say, read anew: activation codes are kept nowhere.
///
/// # Errors
///
/// servers.xml cannot be read, and the settings name no server.
pub fn entries(dirs: &Dirs) -> Result<Vec<Entry>, Problem> {
    let settings = settings::load(&dirs.config, &dirs.last_good_settings()).settings;
    let mut entries = settings.entries(Timestamp::UNIX_EPOCH);
    match read_file(&survey::survey(dirs, &settings).servers_xml, &Limits::default()) {
        Ok(Reading::Servers { entries: read, .. }) => entries.extend(read),
        Ok(Reading::Absent) => {}
        // The settings alone may do.
        Err(problem) if entries.is_empty() => return Err(problem),
        Err(_) => {}
    }
    Ok(entries)
}

/// A new request for a server. It is kept before it is returned: the answer to one that is not known is refused.
///
/// # Errors
///
/// What it takes is not known, or it cannot be kept.
pub fn request(store: &Validations, subject: &Subject, now: Timestamp) -> Result<Request, Problem> {
    let request = subject.request(validate::new_nonce()?, now)?;
    store.change(&request.server_id, |record| record.asked(request.nonce, now))?;
    Ok(request)
}

/// What becomes of an answer: the server id that it is about, and what it states; or why it is refused.
pub type Answered = Result<(String, Claims), Refusal>;

/// Accepts the answer in a text, as the one to whichever request it answers, or refuses it. A refusal touches nothing
/// that was known. A running tray is told.
///
/// # Errors
///
/// What is kept of validations cannot be read or written.
pub fn accept(dirs: &Dirs, text: &str, now: Timestamp) -> Result<Answered, Problem> {
    let store = Validations::below(&dirs.data);
    let token = match text::read_token(text) {
        Ok(token) => token,
        Err(unreadable) => return Ok(Err(Refusal::Unreadable(unreadable))),
    };
    let opened = match open(&token, &store.pinned(None)?) {
        Ok(opened) => opened,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let nonce = opened.nonce();
    // The request that it answers, whichever server that was for.
    let records = store.records()?;
    let waits = |record: &&Record| record.pending.iter().any(|pending| pending.nonce == nonce);
    let Some(record) = records.iter().find(waits) else {
        let spent = records.iter().any(|record| record.spent.contains(&nonce));
        return Ok(Err(if spent { Refusal::Replayed } else { Refusal::OtherNonce }));
    };
    let server_id = record.server_id.clone();
    let accepted = store.change(&server_id, |record| record.take(Ok(opened), nonce, now))?;
    tell_tray(dirs);
    Ok(accepted.map(|claims| (server_id, claims)))
}

/// A running tray reads what is kept anew, and shows it. That none answers does no harm.
pub fn tell_tray(dirs: &Dirs) {
    let _ = instance::ask(dirs, report::Request::Status);
}

/// The text of a file with an answer in it.
///
/// # Errors
///
/// There is no such file, it cannot be read, or it is larger than [`MAX_TEXT`].
pub fn read_answer(file: &Path) -> Result<String, Problem> {
    let bytes = atomic::read_bounded(file, MAX_TEXT as u64)?.ok_or_else(|| {
        let (what, next) = ("Cannot read the answer", "Check the path.");
        Problem::new(Fault::NoInput, what, file.display().to_string(), "there is no such file", next)
    })?;
    Ok(as_text(&bytes))
}

/// Whatever an editor made of it: UTF-8 or UTF-16, by its mark.
pub fn as_text(bytes: &[u8]) -> String {
    let (text, _, _) = encoding_rs::UTF_8.decode(bytes);
    text.into_owned()
}
