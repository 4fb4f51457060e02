//! Asks a license host about many licenses, several at once, and keeps what it says. An answer counts only if it is
//! signed by a key that is trusted; whatever else comes touches nothing that was known.

use super::asking::{self, NoAnswer};
use crate::{
    app::event::{Asked, Became, Licenses},
    domain::{
        Entry, Fault, Problem,
        validation::{Claims, Nonce, Opened, PinnedKeys, Record, Refusal, Subject, Verdict, folded, open},
    },
    sources::validation_host::{Failure, Way},
    store::validations::{How, Validations},
};
use jiff::Timestamp;
use std::{collections::HashMap, time::Duration};

/// How long one answer may take in the tray.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long all of them may take there. With the last answer it is less than a command waits for the tray.
pub const WHOLE: Duration = Duration::from_secs(45);

/// What is known of validations, beside what the sources say.
pub struct Known {
    /// The records of all licenses.
    pub records: Vec<Record>,
    /// When the host is to be asked again; `None` where it is not trusted, or there is nothing to ask about.
    pub next: Option<Timestamp>,
    /// Whether a key of it is trusted.
    pub is_trusted: bool,
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
    let is_trusted = !store.pinned(Some(host))?.is_empty();
    let next = match is_trusted {
        false => None,
        true => {
            let records = by_id(&records);
            licenses(&entries()).iter().map(|(_, id)| next_try(&records, id, now)).min()
        }
    };
    Ok(Known { records, next, is_trusted })
}

/// The servers of these entries that can be asked about, with their ids.
fn licenses(entries: &[Entry]) -> Vec<(Subject, String)> {
    let complete = |subject: Subject| {
        let id = subject.server_id.clone().filter(|_| subject.missing().is_none())?;
        Some((subject, id))
    };
    Subject::all(entries).into_iter().filter_map(complete).collect()
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
        Licenses::Due | Licenses::Missed => {
            let records = store.records()?;
            let records = by_id(&records);
            let was_missed = |id: &str| {
                *which == Licenses::Missed
                    && records.get(&folded(id)).is_some_and(|record| record.was_missed())
            };
            let is_due = |id: &str| next_try(&records, id, now) <= now || was_missed(id);
            licenses(entries).into_iter().filter(|(_, id)| is_due(id)).map(|(subject, _)| subject).collect()
        }
    })
}

/// How asking about one license went.
pub type Went = Result<Claims, Problem>;

/// A license host, and what it takes to ask it about licenses.
pub struct Asking<'a> {
    /// The way there.
    pub way: &'a Way,
    /// Its name, as its keys are trusted by it.
    pub host: &'a str,
    /// What is kept.
    pub store: &'a Validations,
    /// The time.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
    /// How long all of it may take, but for the last questions.
    pub whole: Duration,
    /// Is told how far it is.
    pub tell: asking::Tell<'a>,
}

impl Asking<'_> {
    /// Asks about all of them, keeps what came of it, and tells it in their order. When the host is down, those that
    /// are left are not tried.
    ///
    /// # Errors
    ///
    /// What is kept of validations cannot be read or written; then nothing of this has been kept.
    pub fn ask(&self, subjects: &[Subject]) -> Result<Vec<Went>, Problem> {
        let mut pinned = self.store.pinned(Some(self.host))?;
        let answers =
            asking::about(subjects, self.whole, |subject| self.request(subject, &pinned), self.tell);
        let is_unknown = |answer: &Result<Came, NoAnswer>| {
            matches!(answer, Ok(Came::Token { opened: Err(Refusal::UnknownKey(_)), .. }))
        };
        // The host has a new key: does one that is trusted vouch for it?
        if answers.iter().any(is_unknown)
            && let Ok(published) = self.way.keys()
        {
            let new = pinned.vouched_for(&published);
            if !new.is_empty() {
                self.store.trust(self.host, &new, How::Vouched, (self.now)())?;
                pinned = self.store.pinned(Some(self.host))?;
            }
        }
        self.store.change_all(|records| {
            let mut at: HashMap<String, usize> = HashMap::new();
            for (index, record) in records.iter().enumerate() {
                at.entry(folded(&record.server_id)).or_insert(index);
            }
            let mut changed = |server_id: &str, change: &mut dyn FnMut(&mut Record)| {
                let index = *at.entry(folded(server_id)).or_insert_with(|| {
                    records.push(Record::new(server_id.trim()));
                    records.len() - 1
                });
                change(&mut records[index]);
            };
            let went = subjects.iter().zip(answers).map(|(subject, answer)| match answer {
                Err(NoAnswer::NoTime) => Err(no_time(self.host, self.whole)),
                Err(NoAnswer::Failed(failure)) => {
                    let server_id = subject.server_id.as_deref().unwrap_or_default();
                    changed(server_id, &mut |record| record.tried(failure.outcome(), (self.now)()));
                    Err(failure.problem(self.host))
                }
                Ok(Came::Nothing(problem)) => Err(problem),
                Ok(Came::Token { nonce, token, opened, at }) => {
                    let opened = match opened {
                        Err(Refusal::UnknownKey(_)) => open(&token, &pinned),
                        opened => opened,
                    };
                    let (mut opened, mut went) = (Some(opened), Err(Refusal::OtherNonce));
                    changed(subject.server_id.as_deref().unwrap_or_default(), &mut |record| {
                        if let Some(opened) = opened.take() {
                            went = record.take(opened, nonce, at);
                        }
                    });
                    went.map_err(|refusal| refusal.problem(self.host))
                }
            });
            went.collect()
        })
    }

    /// Signatures are checked here, while others wait for the network.
    fn request(&self, subject: &Subject, pinned: &PinnedKeys) -> Result<Came, Failure> {
        let at = (self.now)();
        let request = match new_nonce().and_then(|nonce| subject.request(nonce, at)) {
            Ok(request) => request,
            Err(problem) => return Ok(Came::Nothing(problem)),
        };
        let token = self.way.validate(&request)?;
        let opened = open(&token, pinned);
        Ok(Came::Token { nonce: request.nonce, token, opened, at })
    }
}

/// What came of one question.
enum Came {
    /// It could not be asked.
    Nothing(Problem),
    /// A token, by a key that is trusted or not; what it states is not looked at yet.
    Token { nonce: Nonce, token: String, opened: Result<Opened, Refusal>, at: Timestamp },
}

fn no_time(host: &str, whole: Duration) -> Problem {
    Problem::new(
        Fault::Unavailable,
        "The license host was not asked about this one",
        host,
        format!("to ask about those before it took {} s", whole.as_secs()),
        "The tray goes on by itself; or ask for it by name: `visualcron-tray refresh SERVER`.",
    )
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

/// How it went, for the application.
pub fn told(subjects: &[Subject], went: &[Went]) -> Vec<Asked> {
    let asked = subjects.iter().zip(went).map(|(subject, went)| Asked {
        server: subject.server_name.clone(),
        became: match went {
            Ok(Claims { verdict: Verdict::Valid, .. }) => Became::Valid,
            Ok(Claims { verdict, .. }) => Became::Trouble(Problem::new(
                Fault::Data,
                "The license is not valid",
                subject.server_name.clone(),
                verdict.words(),
                verdict.next(),
            )),
            Err(problem) => Became::Trouble(problem.clone()),
        },
    });
    asked.collect()
}

/// Those that cannot be asked about, and why.
pub fn incomplete(entries: &[Entry]) -> Vec<Asked> {
    let missing = |subject: Subject| {
        let what = subject.missing()?;
        Some(Asked {
            server: subject.server_name,
            became: Became::NotAsked(format!("its {what} is not known here")),
        })
    };
    Subject::all(entries).into_iter().filter_map(missing).collect()
}
