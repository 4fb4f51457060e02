//! Asks a license host about many licenses, several at once, and keeps what it says. An answer counts only if it is
//! signed by a key that is trusted; whatever else comes touches nothing that was known.

use crate::{
    app::event::{Asked, Licenses},
    domain::{
        Entry, Fault, Problem,
        validation::{Claims, Nonce, Record, Refusal, Subject, Verdict, open},
    },
    sources::validation_host::{Failure, Way},
    store::validations::{How, Validations},
};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How many licenses are asked about at the same time.
const AT_ONCE: usize = 16;
/// How long one answer may take in the tray.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of validations, beside what the sources say.
pub struct Known {
    /// The records of all licenses.
    pub records: Vec<Record>,
    /// When the host is to be asked again; `None` where it is not trusted, or there is nothing to ask about.
    pub next: Option<Timestamp>,
}

/// Reads what is kept of validations, and when to ask `host` again about the licenses of these entries, which are
/// wanted only if it is trusted.
///
/// # Errors
///
/// The files cannot be read or understood.
pub fn known(
    store: &Validations,
    host: &str,
    entries: impl FnOnce() -> Vec<Entry>,
    now: Timestamp,
) -> Result<Known, Problem> {
    let records = store.records()?;
    let next = match store.pinned(Some(host))?.is_empty() {
        true => None,
        false => {
            let records = by_id(&records);
            licenses(&entries()).iter().map(|(_, id)| next_try(&records, id, now)).min()
        }
    };
    Ok(Known { records, next })
}

/// The servers of these entries that can be asked about, with their ids.
fn licenses(entries: &[Entry]) -> Vec<(Subject, String)> {
    let complete = |subject: Subject| {
        let id = subject.server_id.clone().filter(|_| subject.activation_code.is_some())?;
        Some((subject, id))
    };
    Subject::all(entries).into_iter().filter_map(complete).collect()
}

fn folded(server_id: &str) -> String {
    server_id.trim().to_lowercase()
}

fn by_id(records: &[Record]) -> HashMap<String, &Record> {
    records.iter().map(|record| (folded(&record.server_id), record)).collect()
}

/// When to ask about a license again; at once about one that was never asked about.
fn next_try(records: &HashMap<String, &Record>, server_id: &str, now: Timestamp) -> Timestamp {
    records.get(&folded(server_id)).map_or(now, |record| record.next_try(now, chance(server_id)))
}

/// From 0 to 1, for each license always the same: so many clients do not come all at once.
fn chance(server_id: &str) -> f64 {
    let digest = ring::digest::digest(&ring::digest::SHA256, folded(server_id).as_bytes());
    f64::from(digest.as_ref()[0]) / 255.0
}

/// Which of these entries' licenses are asked about. One that was asked for by name is there even if something is
/// missing, so that this is told.
///
/// # Errors
///
/// What is kept cannot be read.
pub fn subjects(
    store: &Validations,
    entries: &[Entry],
    which: &Licenses,
    now: Timestamp,
) -> Result<Vec<Subject>, Problem> {
    Ok(match which {
        Licenses::All => licenses(entries).into_iter().map(|(subject, _)| subject).collect(),
        Licenses::Of(name) => Subject::find(entries, name).into_iter().collect(),
        Licenses::Due => {
            let records = store.records()?;
            let records = by_id(&records);
            let is_due = |id: &str| next_try(&records, id, now) <= now;
            licenses(entries).into_iter().filter(|(_, id)| is_due(id)).map(|(subject, _)| subject).collect()
        }
    })
}

/// How asking about one license went.
pub type Went = Result<Claims, Problem>;

/// Asks about all of them, keeps what came of it, and tells it in their order. When the host cannot be reached for
/// one, or does not speak the protocol, the others are not tried.
///
/// # Errors
///
/// What is kept of validations cannot be read or written; then nothing of this has been kept.
pub fn ask(
    way: &Way,
    host: &str,
    store: &Validations,
    subjects: &[Subject],
    now: &(dyn Fn() -> Timestamp + Sync),
) -> Result<Vec<Went>, Problem> {
    let answers = in_parallel(subjects, |subject| request(way, subject, now()));
    let mut pinned = store.pinned(Some(host))?;
    let unknown = |answer: &Answered| matches!(answer, Answered::Token { token, .. } if matches!(open(token, &pinned), Err(Refusal::UnknownKey(_))));
    // The host has a new key: does one that is trusted vouch for it?
    if answers.iter().any(unknown)
        && let Ok(published) = way.keys()
    {
        let new = pinned.vouched_for(&published);
        if !new.is_empty() {
            store.trust(host, &new, How::Vouched, now())?;
            pinned = store.pinned(Some(host))?;
        }
    }
    store.change_all(|records| {
        let mut at: HashMap<String, usize> = HashMap::new();
        for (index, record) in records.iter().enumerate() {
            at.entry(folded(&record.server_id)).or_insert(index);
        }
        let mut record_of = |server_id: &str, change: &mut dyn FnMut(&mut Record)| {
            let index = *at.entry(folded(server_id)).or_insert_with(|| {
                records.push(Record::new(server_id.trim()));
                records.len() - 1
            });
            change(&mut records[index]);
        };
        answers
            .into_iter()
            .map(|answer| match answer {
                Answered::Nothing(problem) => Err(problem),
                Answered::Failed { server_id, failure, at } => {
                    record_of(&server_id, &mut |record| record.tried(failure.outcome(), at));
                    Err(failure.problem(host))
                }
                Answered::Token { server_id, nonce, token, at } => {
                    let mut opened = Some(open(&token, &pinned));
                    let mut went = Err(Refusal::OtherNonce);
                    record_of(&server_id, &mut |record| {
                        if let Some(opened) = opened.take() {
                            went = record.take(opened, nonce, at);
                        }
                    });
                    went.map_err(|refusal| refusal.problem(host))
                }
            })
            .collect()
    })
}

/// What came back for one license.
#[derive(Clone)]
enum Answered {
    /// It could not be asked about.
    Nothing(Problem),
    /// The host gave no answer.
    Failed { server_id: String, failure: Failure, at: Timestamp },
    /// It gave one, unchecked yet.
    Token { server_id: String, nonce: Nonce, token: String, at: Timestamp },
}

fn request(way: &Way, subject: &Subject, now: Timestamp) -> Answered {
    let request = match new_nonce().and_then(|nonce| subject.request(nonce, now)) {
        Ok(request) => request,
        Err(problem) => return Answered::Nothing(problem),
    };
    let (server_id, nonce) = (request.server_id.clone(), request.nonce);
    match way.validate(&request) {
        Ok(token) => Answered::Token { server_id, nonce, token, at: now },
        Err(failure) => Answered::Failed { server_id, failure, at: now },
    }
}

/// A nonce for a new request.
///
/// # Errors
///
/// [`Fault::Software`] where the system gives no random numbers.
pub fn new_nonce() -> Result<Nonce, Problem> {
    let mut random = [0; 16];
    let filled = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut random);
    filled.map(|()| Nonce::new(random)).map_err(|_| {
        let why = "the system gave no random numbers";
        Problem::new(Fault::Software, "Cannot make a request", "this machine", why, "Try again.")
    })
}

/// Is it of no use to ask about others too?
fn is_of_the_host(failure: &Failure) -> bool {
    match failure {
        Failure::NotReached(_)
        | Failure::NotTrusted(_)
        | Failure::NotSpoken(_)
        | Failure::OtherVersion(_)
        | Failure::TooMany(_) => true,
        Failure::InTrouble(_) | Failure::Declined { .. } => false,
    }
}

fn in_parallel(subjects: &[Subject], ask: impl Fn(&Subject) -> Answered + Sync) -> Vec<Answered> {
    let next = AtomicUsize::new(0);
    let down: Mutex<Option<(Failure, Timestamp)>> = Mutex::new(None);
    let answers: Vec<Mutex<Option<Answered>>> = subjects.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        while let Some((index, subject)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            subjects.get(index).map(|subject| (index, subject))
        } {
            let known_down = down.lock().ok().and_then(|down| down.clone());
            let answer = match (known_down, subject.server_id.clone()) {
                (Some((failure, at)), Some(server_id)) => Answered::Failed { server_id, failure, at },
                _ => ask(subject),
            };
            if let Answered::Failed { failure, at, .. } = &answer
                && is_of_the_host(failure)
                && let Ok(mut down) = down.lock()
            {
                down.get_or_insert_with(|| (failure.clone(), *at));
            }
            if let Ok(mut slot) = answers[index].lock() {
                *slot = Some(answer);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(subjects.len()) {
            scope.spawn(work);
        }
    });
    let lost = || {
        let what = "A validation came to no end";
        Answered::Nothing(Problem::new(
            Fault::Software,
            what,
            "this program",
            "it broke off",
            "Please report this.",
        ))
    };
    answers.into_iter().map(|slot| slot.into_inner().ok().flatten().unwrap_or_else(lost)).collect()
}

/// How it went, for the application.
pub fn told(subjects: &[Subject], went: &[Went]) -> Vec<Asked> {
    let asked = subjects.iter().zip(went).map(|(subject, went)| Asked {
        server: subject.server_name.clone(),
        trouble: match went {
            Ok(Claims { verdict: Verdict::Valid, .. }) => None,
            Ok(Claims { verdict, .. }) => Some(Problem::new(
                Fault::Data,
                "The license is not valid",
                subject.server_name.clone(),
                verdict.words(),
                verdict.next(),
            )),
            Err(problem) => Some(problem.clone()),
        },
    });
    asked.collect()
}
