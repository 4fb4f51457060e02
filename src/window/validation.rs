//! Manual validation in a window: what it shows is plain data, changed by what is heard and by what the user asks for.
//! No clock, no files: the work is done by a [`Backend`].

pub use super::page::Kept;
use super::{
    mailbox::{self, Ends, Mailbox},
    parts::Mark,
    runner::{self, After, View, Waker},
    single,
    validation_backend::{Backend, Judged, Known, Link, Offered, RequestShown, ServerShown},
    validation_view,
};
use crate::domain::{
    Problem, Secret, standing,
    validation::{Claims, MAX_TEXT, Refusal, Standing, Trouble, Verdict, text::Unreadable},
};
use std::{collections::BTreeMap, path::PathBuf, sync::mpsc, time::Duration};
pub use validation_view::{SIZE, show};

/// The title of the window.
pub const TITLE: &str = "Manual validation";

/// What does the same on the command line.
pub const COMMAND: &str = "visualcron-tray validate export";

/// What the window shows.
#[derive(Debug, Default)]
pub struct State {
    /// What is known; nothing while it is being looked for.
    pub known: Option<Known>,
    /// Who is to validate.
    pub route: Route,
    /// What is typed to find a server among many.
    pub find: String,
    /// The name of the server that is chosen.
    pub chosen: Option<String>,
    /// The requests that were made, by server.
    pub requests: BTreeMap<String, RequestShown>,
    /// The QR code is shown.
    pub shows_code: bool,
    /// What has become of the request.
    pub kept: Option<Kept>,
    /// The answer, as it is typed or pasted.
    pub answer: String,
    /// What has become of the answer.
    pub judged: Option<Judged>,
    /// It is new, and is to come into sight.
    pub judged_now: bool,
    /// The license host whose key is to be trusted, as it is typed.
    pub host: String,
    /// The keys that are offered in its name.
    pub offered: Option<Offered>,
    /// The user has compared the fingerprint.
    pub compared: bool,
    /// The host whose key was just trusted.
    pub trusted: Option<String>,
    /// Something that was asked for did not work.
    pub problem: Option<Problem>,
    /// The choice of servers takes the focus.
    pub focus_due: bool,
}

/// Who is to validate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Route {
    /// A license host that speaks the open protocol.
    #[default]
    Own,
    /// The vendor's own, which only the Client can ask.
    Vendor,
}

/// What the window hears.
#[derive(Debug)]
pub enum Heard {
    /// What is known.
    Known(Known),
    /// A request was made.
    Made(RequestShown),
    /// It is kept.
    Kept(Kept),
    /// The answer that was fetched.
    Answer(String),
    /// What became of it.
    Judged(Judged),
    /// These keys are offered.
    Offered(Offered),
    /// Those of this host are trusted from now on.
    Trusted(String),
    /// What was asked for did not work.
    Problem(Problem),
}

/// What the user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Make a request for this server.
    Make(String),
    /// Copy the request.
    Copy(Secret),
    /// Save it, by this name.
    Save {
        /// The name of the file.
        name: String,
        /// What is in it.
        text: Secret,
    },
    /// Take the answer from the clipboard, and look at it.
    Paste,
    /// Take it from this file, and look at it.
    Read(PathBuf),
    /// Look at this answer.
    Judge(String),
    /// Ask this license host for its key.
    GetKey(String),
    /// Take the key of this host from this file; or, where there is none in it, an answer.
    ReadKey(String, PathBuf),
    /// Trust these.
    Trust(Offered),
    /// Do not trust what is offered.
    DropKey,
    /// Open a page or a folder.
    Open(Link),
    /// Close the window.
    Close,
}

impl State {
    /// Takes in what is heard.
    pub fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Known(known) => {
                if self.known.is_none() {
                    let is_vendors = known.hosts.is_empty() && known.own_host.is_none();
                    self.route = if is_vendors { Route::Vendor } else { Route::Own };
                    self.focus_due = true;
                    self.host = known.own_host.clone().unwrap_or_default();
                }
                let is_there = |name: &String| known.servers.iter().any(|server| server.name == *name);
                self.chosen = self.chosen.take().filter(is_there).or_else(|| most_urgent(&known.servers));
                self.problem = self.problem.take().or_else(|| known.problem.clone());
                self.known = Some(known);
            }
            Heard::Made(request) => {
                self.requests.insert(request.server.clone(), request);
            }
            Heard::Kept(kept) => self.kept = Some(kept),
            Heard::Answer(text) => self.answer = text,
            Heard::Judged(judged) => {
                if let Judged::Accepted { server, .. } = &judged {
                    // Its request is answered for good, and the answer is used up.
                    self.requests.remove(server);
                    self.answer.clear();
                    self.chosen = Some(server.clone());
                }
                (self.judged, self.judged_now) = (Some(judged), true);
            }
            Heard::Offered(offered) => {
                self.host.clone_from(&offered.host);
                (self.offered, self.compared) = (Some(offered), false);
            }
            Heard::Trusted(host) => {
                (self.offered, self.compared, self.trusted) = (None, false, Some(host));
                self.focus_due = true;
            }
            Heard::Problem(problem) => self.problem = Some(problem),
        }
    }

    /// The user asks for something: what came of the last wish is over.
    pub fn ask(&mut self, wish: &Wish) {
        (self.problem, self.kept, self.trusted) = (None, None, None);
        if matches!(wish, Wish::Make(_) | Wish::Paste | Wish::Read(_) | Wish::Judge(_)) {
            self.judged = None;
        }
        if *wish == Wish::DropKey {
            (self.offered, self.compared) = (None, false);
        }
    }

    /// The request of the server that is chosen.
    pub fn request(&self) -> Option<&RequestShown> {
        self.requests.get(self.chosen.as_ref()?)
    }

    /// Servers with what is typed in their name, in any letter case.
    pub fn found(&self) -> impl Iterator<Item = &ServerShown> {
        let find = self.find.trim().to_lowercase();
        let servers = self.known.as_ref().map_or(&[][..], |known| &known.servers);
        servers.iter().filter(move |server| server.name.to_lowercase().contains(&find))
    }
}

/// The first of those that have to be seen to most.
fn most_urgent(servers: &[ServerShown]) -> Option<String> {
    let rank = |server: &&ServerShown| match server.standing {
        Standing::Invalid { .. } | Standing::Overdue { .. } => 0,
        Standing::Due { .. } => 1,
        Standing::Unknown => 2,
        Standing::Valid { .. } => 3,
    };
    servers.iter().min_by_key(rank).map(|server| server.name.clone())
}

/// The name of the file for a request: `Validation request PROD-01.txt`.
pub fn file_name(server: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    let name: String = server.chars().map(|c| if fits(c) { c } else { '.' }).take(60).collect();
    format!("Validation request {}.txt", name.trim_matches([' ', '.']))
}

/// What became of an answer, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its mark.
    pub mark: Mark,
    /// It in a few words.
    pub title: String,
    /// In a sentence.
    pub says: String,
    /// What to do next.
    pub next: String,
}

/// What became of an answer, in words.
pub fn in_words(judged: &Judged) -> Said {
    match judged {
        Judged::Accepted { server, claims } => accepted(server, claims),
        Judged::Refused(refusal) => Said {
            mark: if refusal.trouble() == Trouble::Forged { Mark::Failed } else { Mark::Look },
            title: refused(refusal).into(),
            says: format!("The answer is refused: {}.", refusal.why()),
            next: format!("{} What was known of the license stays as it was.", refusal.next()),
        },
    }
}

fn accepted(server: &str, claims: &Claims) -> Said {
    let next = claims.validate_next.strftime("%Y-%m-%d");
    match (claims.verdict, claims.maintenance_until) {
        (Verdict::Valid, Some(until)) => {
            let covers =
                claims.newest_covered.map_or(String::new(), |newest| format!(", covers version {newest}"));
            Said {
                mark: Mark::Done,
                title: format!("Accepted: {server} is validated"),
                says: format!("{} until {until}{covers}.", standing::subject(claims.kind)),
                next: format!("Nothing is to be done. The next validation is due by {next}."),
            }
        }
        (verdict, _) => Said {
            mark: Mark::Failed,
            title: format!("{server} is not valid"),
            says: format!("The answer is genuine, and says: {}.", verdict.words()),
            next: verdict.next().into(),
        },
    }
}

/// A refusal in a few words.
fn refused(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Unreadable(Unreadable::Mistyped) => "Mistyped",
        Refusal::Unreadable(Unreadable::CutOff) | Refusal::Truncated => "Not complete",
        Refusal::Unreadable(Unreadable::OtherKind) => "This is the request, not the answer",
        Refusal::Unreadable(Unreadable::Nothing) => "No answer found",
        Refusal::Replayed => "Used before",
        Refusal::OtherNonce => "The answer to another request",
        Refusal::OtherServer(_) => "For another server",
        Refusal::FromTheFuture(_) => "A clock is wrong",
        Refusal::Expired(_) => "Too late: the answer has expired",
        Refusal::TooLate(_) => "Too late: the request is too old",
        _ => match refusal.trouble() {
            Trouble::Damaged => "Damaged",
            Trouble::Key => "Not checked: its key is not trusted",
            Trouble::Forged => "Not genuine",
            Trouble::Version | Trouble::Stale => "Refused",
        },
    }
}

/// The state, those who do the work, and what they say.
struct ValidationWindow {
    state: State,
    heard: mpsc::Receiver<Heard>,
    wishes: mpsc::Sender<Wish>,
}

impl View for ValidationWindow {
    fn title(&self) -> String {
        TITLE.into()
    }

    fn size(&self) -> [f32; 2] {
        validation_view::SIZE
    }

    fn show(&mut self, ctx: &egui::Context, _: Duration) -> After {
        for heard in self.heard.try_iter() {
            self.state.hear(heard);
        }
        let Some(wish) = validation_view::show(&mut self.state, ctx) else { return After::Stay };
        self.state.ask(&wish);
        // What is shown now is not what was just painted.
        ctx.request_repaint();
        if wish == Wish::Close {
            return After::Close;
        }
        // Where nobody is left to hear it, that has been told as a problem.
        let _ = self.wishes.send(wish);
        After::Stay
    }
}

/// Opens the window, for one window a user, and returns when it is closed: where one is open already that one comes to
/// the front, and nothing else happens. `folder` is where locks are kept: our own data folder.
///
/// # Errors
///
/// There can be no window here; the lock cannot be taken.
pub fn run_single(backend: Box<dyn Backend>, folder: &std::path::Path) -> Result<(), Problem> {
    single::run(folder, "validation", COMMAND, |waker| view(backend, waker))
}

/// The same without the lock.
///
/// # Errors
///
/// There can be no window here.
pub fn run(backend: Box<dyn Backend>) -> Result<(), Problem> {
    runner::run(COMMAND, |waker| view(backend, waker))
}

/// What the window shows, with the backend at work in a thread of its own.
///
/// # Errors
///
/// The system has no thread left.
pub fn view(backend: Box<dyn Backend>, waker: Waker) -> Result<Box<dyn View>, Problem> {
    let Ends { heard, wishes } =
        mailbox::start("validation", waker, |asked, mailbox| work(backend, asked, mailbox))?;
    Ok(Box::new(ValidationWindow { state: State::default(), heard, wishes }))
}

fn work(mut backend: Box<dyn Backend>, asked: &mpsc::Receiver<Wish>, mailbox: &Mailbox<Heard>) {
    let known = backend.look();
    mailbox.post(Heard::Known(known));
    for wish in asked {
        let done = match wish {
            Wish::Make(server) => backend.request(&server).map(Heard::Made).map(Some),
            Wish::Copy(text) => backend.copy(&text).map(|()| Some(Heard::Kept(Kept::Copied))),
            Wish::Save { name, text } => {
                backend.save(&name, &text).map(|path| Some(Heard::Kept(Kept::Saved(path))))
            }
            Wish::Paste => backend.paste().and_then(|text| fetched(&mut *backend, text, mailbox)),
            Wish::Read(file) => backend.read(&file).and_then(|text| fetched(&mut *backend, text, mailbox)),
            Wish::Judge(text) => judge(&mut *backend, &text, mailbox),
            Wish::GetKey(host) => backend.key_of(&host).map(Heard::Offered).map(Some),
            Wish::ReadKey(host, file) => match backend.key_in(&host, &file) {
                Ok(offered) => Ok(Some(Heard::Offered(offered))),
                Err(_) => backend.read(&file).and_then(|text| fetched(&mut *backend, text, mailbox)),
            },
            Wish::Trust(offered) => backend.trust(&offered).map(|()| {
                mailbox.post(Heard::Trusted(offered.host));
                Some(Heard::Known(backend.look()))
            }),
            Wish::DropKey => Ok(None),
            Wish::Open(link) => backend.open(&link).map(|()| None),
            Wish::Close => return,
        };
        match done {
            Ok(Some(heard)) => mailbox.post(heard),
            Ok(None) => {}
            Err(problem) => mailbox.post(Heard::Problem(problem)),
        }
    }
}

/// Shows an answer that was fetched, and what becomes of it.
fn fetched(
    backend: &mut dyn Backend,
    text: String,
    mailbox: &Mailbox<Heard>,
) -> Result<Option<Heard>, Problem> {
    // What is too large for an answer is not shown either.
    if text.len() <= MAX_TEXT {
        mailbox.post(Heard::Answer(text.clone()));
    }
    judge(backend, &text, mailbox)
}

fn judge(backend: &mut dyn Backend, text: &str, mailbox: &Mailbox<Heard>) -> Result<Option<Heard>, Problem> {
    mailbox.post(Heard::Judged(backend.judge(text)?));
    Ok(Some(Heard::Known(backend.look())))
}
