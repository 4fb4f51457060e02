//! The validation window's backend: requests and answers are made and taken as on the command line.

use super::{by_hand, clipboard, clock::Clock, dirs::Dirs, documents, open};
use crate::{
    app::{Target, words},
    domain::{
        Problem, Secret,
        validation::{
            Record, Subject,
            qr::Qr,
            same_server,
            text::{self, Carries},
        },
    },
    store::{
        settings::{self, Settings},
        validations::{How, Validations},
    },
    window::validation_backend::{Backend, Judged, Known, Link, Offered, RequestShown, ServerShown},
};
use jiff::{Timestamp, tz::TimeZone};
use std::path::{Path, PathBuf};

/// What the window needs of this machine.
pub struct Here {
    dirs: Dirs,
    clock: Clock,
}

impl Here {
    /// For the window of this user.
    pub fn new(dirs: Dirs, clock: Clock) -> Here {
        Here { dirs, clock }
    }

    fn store(&self) -> Validations {
        Validations::below(&self.dirs.data)
    }

    fn settings(&self) -> Settings {
        settings::load(&self.dirs.config, &self.dirs.last_good_settings()).settings
    }

    fn now(&self) -> Timestamp {
        self.clock.now().timestamp()
    }

    fn subjects(&self) -> Result<Vec<Subject>, Problem> {
        Ok(Subject::all(&by_hand::entries(&self.dirs)?))
    }
}

impl Backend for Here {
    fn look(&mut self) -> Known {
        let settings = self.settings();
        let mut problem = None;
        let mut or_nothing = |found: Problem| problem = Some(found);
        let subjects = self.subjects().map_err(&mut or_nothing).unwrap_or_default();
        let records = self.store().records().map_err(&mut or_nothing).unwrap_or_default();
        let trusted = self.store().trusted().map_err(&mut or_nothing).unwrap_or_default();
        let mut hosts: Vec<String> = trusted.into_iter().map(|trusted| trusted.host.to_lowercase()).collect();
        hosts.sort();
        hosts.dedup();
        let now = self.now();
        Known {
            servers: subjects.iter().map(|subject| shown(subject, &records, now)).collect(),
            hosts,
            own_host: settings.license_host.own_host(),
            vendor_validation: settings.pages.manual_validation,
            vendor_activation: settings.pages.offline_activation,
            problem,
        }
    }

    fn request(&mut self, server: &str) -> Result<RequestShown, Problem> {
        let subjects = self.subjects()?;
        let names = || subjects.iter().map(|subject| subject.server_name.as_str());
        let subject = subjects.iter().find(|subject| subject.server_name == server);
        let subject = subject.ok_or_else(|| words::no_such_server(server, names()))?;
        let request = by_hand::request(&self.store(), subject, self.now())?;
        Ok(RequestShown {
            server: server.to_string(),
            text: Secret::new(text::of_request(&request)),
            code: Qr::new(Carries::Request, &request.to_json()),
        })
    }

    fn copy(&mut self, text: &Secret) -> Result<(), Problem> {
        clipboard::copy_secret(text)
    }

    fn save(&mut self, name: &str, text: &Secret) -> Result<PathBuf, Problem> {
        documents::save(&documents::folder(&self.dirs), name, text.reveal())
    }

    fn paste(&mut self) -> Result<String, Problem> {
        clipboard::text()
    }

    fn read(&mut self, file: &Path) -> Result<String, Problem> {
        by_hand::read_answer(file)
    }

    fn judge(&mut self, answer: &str) -> Result<Judged, Problem> {
        // A file manager copies a file as its path.
        let read = as_path(answer).map(|file| by_hand::read_answer(&file)).transpose()?;
        let answered = by_hand::accept(&self.dirs, read.as_deref().unwrap_or(answer), self.now())?;
        Ok(match answered {
            Err(refusal) => Judged::Refused(refusal),
            Ok((server_id, claims)) => {
                let subjects = self.subjects().unwrap_or_default();
                let is_it = |subject: &&Subject| is_of(subject, &server_id);
                let server = subjects.iter().find(is_it).map(|subject| subject.server_name.clone());
                Judged::Accepted { server: server.unwrap_or(server_id), claims: Box::new(claims) }
            }
        })
    }

    fn key_of(&mut self, host: &str) -> Result<Offered, Problem> {
        Offered::by_host(&self.settings().license_host, host)
    }

    fn key_in(&mut self, host: &str, file: &Path) -> Result<Offered, Problem> {
        Offered::in_file(host, file)
    }

    fn trust(&mut self, offered: &Offered) -> Result<(), Problem> {
        offered.trust(&self.store(), How::Confirmed, self.now())?;
        by_hand::tell_tray(&self.dirs);
        Ok(())
    }

    fn open(&mut self, link: &Link) -> Result<(), Problem> {
        let target = match link.clone() {
            Link::Page(url) => Target::Url(url),
            Link::Folder(folder) => Target::Folder(folder),
        };
        open::open(&target, &self.dirs)
    }
}

fn is_of(subject: &Subject, server_id: &str) -> bool {
    subject.server_id.as_deref().is_some_and(|id| same_server(id, server_id))
}

fn shown(subject: &Subject, records: &[Record], now: Timestamp) -> ServerShown {
    let record = records.iter().find(|record| is_of(subject, &record.server_id)).cloned();
    let record = record.unwrap_or_else(|| Record::new(""));
    let standing = record.standing(now);
    let mut says = format!("{}.", standing.in_words(now));
    match (&subject.server_id, &subject.activation_code) {
        (None, _) => says.push_str(" Its server id is not known here."),
        (_, None) => says.push_str(" Its activation code is not known here."),
        _ => {}
    }
    let more = [record.last_valid_in_words(), record.request_in_words(now, &TimeZone::system())];
    more.into_iter().flatten().for_each(|sentence| says.push_str(&format!(" {sentence}.")));
    ServerShown { name: subject.server_name.clone(), standing, says }
}

/// The path of a file, if the text is nothing else.
fn as_path(text: &str) -> Option<PathBuf> {
    let text = text.trim().trim_matches('"');
    let path = Path::new(text.strip_prefix("file://").unwrap_or(text));
    (!text.contains('\n') && path.is_absolute() && path.is_file()).then(|| path.to_path_buf())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_the_path_of_a_file_is_taken_for_one() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("answer 1.txt");
        std::fs::write(&file, "x").unwrap();
        let path = file.display().to_string();
        assert_eq!(as_path(&format!("\"{path}\"\n")), Some(file.clone()));
        #[cfg(unix)]
        assert_eq!(as_path(&format!("file://{path}")), Some(file));
        let folder = home.path().display().to_string();
        for text in ["", "answer 1.txt", "VCTA1:X", &folder, &format!("{path}\n{path}"), &format!("{path}x")]
        {
            assert_eq!(as_path(text), None, "{text}");
        }
    }
}
