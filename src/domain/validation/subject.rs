//! What a request needs to know of a server, put together from what the sources say.

use super::{Nonce, Request};
use crate::domain::{Entry, Fault, Problem, Secret, Version};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// A server whose license can be validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The name, or the address of a server without a name.
    pub server_name: String,
    /// The server id of its license, where a source tells it.
    pub server_id: Option<String>,
    /// Its activation code, where a source tells it.
    pub activation_code: Option<Secret>,
    /// The version that it runs, where a source tells it.
    pub product_version: Option<Version>,
}

impl Subject {
    /// The server with this name or address, in any letter case. Entries of several sources go together by their name;
    /// of two that say something, the first counts: so the settings go before servers.xml.
    pub fn find(entries: &[Entry], name: &str) -> Option<Subject> {
        Names::of(entries).find(name)
    }

    /// All servers that are not ignored, each once, in the order of their first entries.
    pub fn all(entries: &[Entry]) -> Vec<Subject> {
        let names = Names::of(entries);
        let mut all: Vec<Subject> = Vec::new();
        let mut seen = HashSet::new();
        for entry in entries.iter().filter(|entry| !entry.ignored) {
            let Some(name) = entry.name.as_deref().or(entry.address.as_deref()) else { continue };
            if seen.insert(name.to_lowercase()) {
                all.extend(names.find(name));
            }
        }
        all
    }

    /// What a request needs, and is not known here: `server id`, `activation code`.
    pub fn missing(&self) -> Option<&'static str> {
        match (&self.server_id, &self.activation_code) {
            (None, _) => Some("server id"),
            (_, None) => Some("activation code"),
            _ => None,
        }
    }

    /// The request for it.
    ///
    /// # Errors
    ///
    /// Server id or activation code is not known, or cannot be sent; what to do about it.
    pub fn request(&self, nonce: Nonce, now: Timestamp) -> Result<Request, Problem> {
        let name = &self.server_name;
        let unfit = |why: String, next: String| {
            Problem::new(Fault::Config, "The license cannot be validated", name.as_str(), why, next)
        };
        let missing = |what: &str, key: &str| {
            unfit(
                format!("its {what} is not known here"),
                format!(
                    "Copy it from the Client (Server info, tab License), and run `visualcron-tray settings set \
                     server.{name}.{key} -`."
                ),
            )
        };
        let Some(server_id) = self.server_id.clone() else { return Err(missing("server id", "server_id")) };
        let Some(activation_code) = self.activation_code.clone() else {
            return Err(missing("activation code", "activation_code"));
        };
        let request = Request {
            activation_code,
            server_id,
            server_name: name.clone(),
            product_version: self.product_version,
            nonce,
            client_time: Timestamp::from_second(now.as_second()).unwrap_or(now),
        };
        match request.check() {
            Ok(()) => Ok(request),
            Err(why) => Err(unfit(why.to_string(), "Correct it in the settings.".into())),
        }
    }
}

/// Entries by their names and addresses, in any letter case.
struct Names<'e> {
    by_name: HashMap<String, Vec<&'e Entry>>,
    by_address: HashMap<String, Vec<&'e Entry>>,
}

impl<'e> Names<'e> {
    fn of(entries: &'e [Entry]) -> Names<'e> {
        let mut names = Names { by_name: HashMap::new(), by_address: HashMap::new() };
        for entry in entries {
            for (text, by) in [(&entry.name, &mut names.by_name), (&entry.address, &mut names.by_address)] {
                if let Some(text) = text {
                    by.entry(text.to_ascii_lowercase()).or_default().push(entry);
                }
            }
        }
        names
    }

    fn find(&self, name: &str) -> Option<Subject> {
        let at = |by: &HashMap<String, Vec<&'e Entry>>, name: &str| {
            by.get(&name.to_ascii_lowercase()).cloned().unwrap_or_default()
        };
        let first = at(&self.by_name, name).into_iter().chain(at(&self.by_address, name)).next()?;
        let title = first.name.clone().or_else(|| first.address.clone())?;
        let mut same = at(&self.by_name, &title);
        if first.name.is_none() {
            same.extend(at(&self.by_address, &title));
        }
        let mut subject =
            Subject { server_name: title, server_id: None, activation_code: None, product_version: None };
        for Entry { server_id, activation_code, installed_version, .. } in same {
            subject.server_id = subject.server_id.or_else(|| server_id.clone());
            subject.activation_code = subject.activation_code.or_else(|| activation_code.clone());
            subject.product_version = subject.product_version.or(*installed_version);
        }
        Some(subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Source;

    #[test]
    fn what_the_sources_say_goes_together() {
        let entry = |source, name: Option<&str>, address: Option<&str>| Entry {
            name: name.map(Into::into),
            address: address.map(Into::into),
            ..Entry::new(source, Timestamp::UNIX_EPOCH)
        };
        let entries = [
            Entry {
                activation_code: Some(Secret::new("AAAA")),
                ..entry(Source::Settings, Some("prod-01"), None)
            },
            Entry {
                activation_code: Some(Secret::new("OLD")),
                server_id: Some("id-1".into()),
                ..entry(Source::ServersXml, Some("PROD-01"), Some("10.0.0.1"))
            },
            Entry { ignored: true, ..entry(Source::Settings, Some("OLD-01"), None) },
            entry(Source::ServersXml, None, Some("10.0.0.2")),
        ];
        let prod = Subject::find(&entries, "Prod-01").unwrap();
        assert_eq!(prod.activation_code.as_ref().unwrap().reveal(), "AAAA");
        assert_eq!(prod.server_id.as_deref(), Some("id-1"));
        assert_eq!(Subject::find(&entries, "10.0.0.2").unwrap().server_name, "10.0.0.2");
        assert_eq!(Subject::find(&entries, "nobody"), None);
        let names: Vec<String> =
            Subject::all(&entries).into_iter().map(|subject| subject.server_name).collect();
        assert_eq!(names, ["prod-01", "10.0.0.2"]);
        assert!(prod.request(Nonce::new([0; 16]), Timestamp::now()).is_ok());
        let problem =
            Subject::find(&entries, "10.0.0.2").unwrap().request(Nonce::new([0; 16]), Timestamp::now());
        assert!(problem.unwrap_err().why.contains("server id"));
    }
}
