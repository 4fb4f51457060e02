//! What one source says of one server.

use super::{Kind, Secret, Version, text::plain};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;

/// Where license data come from. The order is that of authority where nothing else decides: a signed answer,
/// the administrator's word, a server's own answer, the Client's cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A license host that speaks our open protocol.
    LicenseHost,
    /// What the administrator typed into the settings file.
    Settings,
    /// A server's own Web API.
    WebApi,
    /// The Client's `servers.xml`. Its format is unpublished.
    ServersXml,
    /// The programs installed on this machine: they tell their version, never a date.
    Installation,
}

impl Source {
    /// All of them, in their order.
    pub const ALL: [Source; 5] =
        [Source::LicenseHost, Source::Settings, Source::WebApi, Source::ServersXml, Source::Installation];

    /// As it is named within a sentence: `the license host`, `servers.xml`.
    pub fn title_in_a_sentence(self) -> String {
        match self {
            Source::ServersXml => self.title().into(),
            source => format!("the {}", source.title()),
        }
    }

    /// The name for people: `servers.xml`, `settings`.
    pub fn title(self) -> &'static str {
        match self {
            Source::LicenseHost => "license host",
            Source::Settings => "settings",
            Source::WebApi => "Web API",
            Source::ServersXml => "servers.xml",
            Source::Installation => "installation",
        }
    }
}

// Our own state on disk is read as warily as a file of others: it says what we print.
fn plain_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(made_plain))
}

fn plain_texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Vec::<String>::deserialize(deserializer)?.into_iter().map(made_plain).collect())
}

fn made_plain(text: String) -> String {
    match plain(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(plain) => plain,
    }
}

/// What one source says of one server. Whatever it does not say is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Who says so.
    pub source: Source,
    /// The server's name as the user knows it.
    #[serde(default, deserialize_with = "plain_text", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Host name or IP address, as written.
    #[serde(default, deserialize_with = "plain_text", skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// TCP port of the server (default 16444, documented).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The server id of the vendor's license.
    #[serde(default, deserialize_with = "plain_text", skip_serializing_if = "Option::is_none")]
    pub server_id: Option<String>,
    /// The kind of license.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The edition, in the vendor's words: `Basic`, `Pro`.
    #[serde(default, deserialize_with = "plain_text", skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
    /// The last day of the Maintenance (or subscription, or trial).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance_until: Option<Date>,
    /// The version that the server runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_version: Option<Version>,
    /// The activation code. Never written anywhere by us.
    #[serde(skip)]
    pub activation_code: Option<Secret>,
    /// The administrator wants this server left out: it is listed, and counts for nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignored: bool,
    /// What could not be understood, in sentences for people, without secrets.
    #[serde(default, deserialize_with = "plain_texts", skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// When the source was last written (a file's time) or asked.
    pub read_at: Timestamp,
}

impl Entry {
    /// It says that the server is to be left out, and nothing else of it.
    pub fn only_ignores(&self) -> bool {
        let named = Entry {
            name: self.name.clone(),
            port: self.port,
            ignored: true,
            ..Entry::new(self.source, self.read_at)
        };
        *self == named
    }

    /// An entry that says nothing yet.
    pub fn new(source: Source, read_at: Timestamp) -> Self {
        Entry {
            source,
            name: None,
            address: None,
            port: None,
            server_id: None,
            kind: None,
            edition: None,
            maintenance_until: None,
            installed_version: None,
            activation_code: None,
            ignored: false,
            notes: Vec::new(),
            read_at,
        }
    }
}
