//! A state for tests of the reducer and the view.

use super::{Places, State};
use crate::{
    domain::{Entry, Kind, Source, knowledge::Outcome},
    store::settings::Settings,
};
use jiff::{Timestamp, ToSpan, ZonedDateTime, civil::date, tz::TimeZone};

pub fn now() -> ZonedDateTime {
    date(2026, 11, 24).at(10, 0, 0, 0).to_zoned_datetime(TimeZone::get("Europe/Berlin").unwrap()).unwrap()
}

pub fn places() -> Places {
    Places {
        visualcron: "/home/me/VisualCron".into(),
        servers_xml: "/home/me/VisualCron/settings/servers.xml".into(),
        client_log: Ok("/home/me/VisualCron/log".into()),
        client_settings: Ok("/home/me/VisualCron/settings".into()),
        client_program: Ok("/opt/VisualCronClient".into()),
        server_log: Err("no server on this machine".into()),
        server_settings: Err("no server on this machine".into()),
        server_files_in_client_settings: vec![],
        no_recovery: None,
        service: None,
        server: None,
        client_version: None,
    }
}

/// A server with that many days left.
pub fn entry(name: &str, kind: Option<Kind>, days_left: Option<i64>) -> Entry {
    let mut entry = Entry::new(Source::ServersXml, now().timestamp());
    entry.name = Some(name.into());
    entry.address = Some(name.to_lowercase());
    entry.kind = kind;
    entry.maintenance_until = days_left.map(|days| now().date().checked_add(days.days()).unwrap());
    entry
}

/// A state that has read these entries from servers.xml.
pub fn state(entries: Vec<Entry>) -> State {
    let mut state = State::new(
        Default::default(),
        Settings::default(),
        "/home/me/settings.toml".into(),
        places(),
        vec![],
    );
    state.kept.knowledge.absorb(
        Source::ServersXml,
        "/home/me/VisualCron/settings/servers.xml",
        Outcome::Read(entries),
        Timestamp::UNIX_EPOCH,
    );
    state.merge();
    state.looked = true;
    state
}
