//! Validations as they are carried out: over the network, or by hand. What comes of each is kept.

use super::{dirs::Dirs, survey};
use crate::{
    domain::{
        Entry, Fault, Problem,
        validation::{Claims, Nonce, Record, Refusal, Request, Subject, open, text},
    },
    sources::{
        servers_xml::{Limits, Reading, read_file},
        validation_host::Way,
    },
    store::{
        settings::Loaded,
        validations::{How, Validations},
    },
};
use jiff::Timestamp;

/// What settings and servers.xml say, the settings first. Read anew each time: activation codes are kept nowhere.
///
/// # Errors
///
/// servers.xml cannot be read, and the settings name no server.
pub fn entries(dirs: &Dirs, loaded: &Loaded) -> Result<Vec<Entry>, Problem> {
    let mut entries = loaded.settings.entries(Timestamp::UNIX_EPOCH);
    match read_file(&survey::survey(dirs, &loaded.settings).servers_xml, &Limits::default()) {
        Ok(Reading::Servers { entries: read, .. }) => entries.extend(read),
        Ok(Reading::Absent) => {}
        // The settings alone may do.
        Err(problem) if entries.is_empty() => return Err(problem),
        Err(_) => {}
    }
    Ok(entries)
}

/// A request for a server, with a nonce of its own. It is noted down before it goes anywhere, since the answer to a
/// request that is not known is refused.
///
/// # Errors
///
/// Server id or activation code is not known, or it cannot be noted down.
pub fn new_request(subject: &Subject, store: &Validations, now: Timestamp) -> Result<Request, Problem> {
    let request = subject.request(new_nonce()?, now)?;
    store.change(&request.server_id, |record| record.asked(request.nonce, now))?;
    Ok(request)
}

fn new_nonce() -> Result<Nonce, Problem> {
    let mut random = [0; 16];
    let filled = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut random);
    filled.map(|()| Nonce::new(random)).map_err(|_| {
        let why = "the system gave no random numbers";
        Problem::new(Fault::Software, "Cannot make a request", "this machine", why, "Try again.")
    })
}

/// Validates one license at a host. A key that is not trusted yet is, if one that is vouches for it. Blocks as long as
/// `way` allows, three questions at most.
///
/// # Errors
///
/// No answer came, or it is refused: what was known stays.
pub fn at_host(
    subject: &Subject,
    way: &Way,
    host: &str,
    store: &Validations,
    now: Timestamp,
) -> Result<Claims, Problem> {
    let request = subject.request(new_nonce()?, now)?;
    let server_id = request.server_id.as_str();
    let token = match way.validate(&request) {
        Ok(token) => token,
        Err(failure) => {
            store.change(server_id, |record| record.tried(failure.outcome(), now))?;
            return Err(failure.problem(host));
        }
    };
    let pinned = store.pinned(Some(host))?;
    let mut opened = open(&token, &pinned);
    if let Err(Refusal::UnknownKey(_)) = opened
        && let Ok(published) = way.keys()
    {
        let new = pinned.vouched_for(&published);
        if !new.is_empty() {
            store.trust(host, &new, How::Vouched, now)?;
            opened = open(&token, &store.pinned(Some(host))?);
        }
    }
    let taken = store.change(server_id, |record| record.take(opened, request.nonce, now))?;
    taken.map_err(|refusal| refusal.problem(host))
}

/// Takes an answer that was carried here in a text, for whichever license it is: its server id, and what it states.
///
/// # Errors
///
/// There is no answer in it, or it is refused: what was known stays.
pub fn by_hand(
    text: &str,
    place: &str,
    store: &Validations,
    now: Timestamp,
) -> Result<(String, Claims), Problem> {
    let refused = |refusal: Refusal| refusal.problem(place);
    let token = text::read_token(text).map_err(|unreadable| refused(Refusal::Unreadable(unreadable)))?;
    let opened = open(&token, &store.pinned(None)?).map_err(refused)?;
    let nonce = opened.nonce();
    let records = store.records()?;
    let waits = |record: &&Record| record.pending.iter().any(|pending| pending.nonce == nonce);
    let Some(record) = records.iter().find(waits) else {
        let spent = records.iter().any(|record| record.spent.contains(&nonce));
        return Err(refused(if spent { Refusal::Replayed } else { Refusal::OtherNonce }));
    };
    let taken = store.change(&record.server_id, |record| record.take(Ok(opened), nonce, now))?;
    Ok((record.server_id.clone(), taken.map_err(refused)?))
}
