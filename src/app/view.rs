//! What the tray shows, as plain data: compared by the adapter, which applies only what differs.

use super::{
    Command, Link, Place, State, event::RecoveryState, state::coverage_of, validation::AtRisk, words,
};
use crate::domain::{
    Coverage, Server, Standing,
    coverage::{self, release_in_words},
    standing,
};
use crate::recovery::Decision;
use jiff::{ZonedDateTime, civil::Date};

/// The state that the icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Icon {
    /// All dates known and not near.
    Fine,
    /// A date is near, or a notice is open.
    Notice,
    /// A date has passed, or an installed version is not covered.
    Expired,
    /// A server does not answer.
    Disconnected,
    /// No server, or no date, is known.
    Unknown,
    /// A refresh is under way.
    Busy,
}

impl Icon {
    /// The name of its picture: `assets/png/NAME-24.png`.
    pub fn name(self) -> &'static str {
        match self {
            Icon::Fine => "fine",
            Icon::Notice => "notice",
            Icon::Expired => "expired",
            Icon::Disconnected => "disconnected",
            Icon::Unknown => "unknown",
            Icon::Busy => "busy",
        }
    }
}

/// One line of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MenuItem {
    /// Does something.
    Action {
        /// What it does; its text is the item's id.
        command: Command,
        /// What it says.
        text: String,
        /// A mark for what is switched on; `None` for what is no switch.
        checked: Option<bool>,
    },
    /// Says something, and cannot be chosen.
    Label {
        /// Tells labels of one menu apart.
        id: String,
        /// What it says.
        text: String,
    },
    /// Opens a menu of its own.
    Submenu {
        /// Tells submenus of one menu apart.
        id: String,
        /// What it says.
        text: String,
        /// Its lines.
        items: Vec<MenuItem>,
    },
    /// A line.
    Separator,
}

/// What the tray shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrayView {
    /// The icon.
    pub icon: Icon,
    /// The tooltip, at most 127 UTF-16 units.
    pub tooltip: String,
    /// The menu.
    pub menu: Vec<MenuItem>,
}

/// How many servers the menu shows before `More…`.
const SERVERS_IN_MENU: usize = 10;
/// How wide a menu line may become, in UTF-16 units.
const LINE_UNITS: usize = 100;

/// What the tray shows at `now`.
pub fn view(state: &State, now: &ZonedDateTime) -> TrayView {
    let at_risk = &state.validations_at_risk(now.timestamp());
    TrayView {
        icon: icon_of(state, at_risk, now),
        tooltip: words::tooltip(state, at_risk, now),
        menu: menu(state, at_risk, now),
    }
}

/// The icon: the worst license state wins; whether servers answer comes after that.
pub fn icon(state: &State, now: &ZonedDateTime) -> Icon {
    icon_of(state, &state.validations_at_risk(now.timestamp()), now)
}

fn icon_of(state: &State, at_risk: &AtRisk<'_>, now: &ZonedDateTime) -> Icon {
    let today = now.date();
    let not_covered = || state.counted().any(|server| coverage_of(server) == Coverage::NotCovered);
    match state.worst(today) {
        _ if state.refreshing > 0 => Icon::Busy,
        Standing::Expired => Icon::Expired,
        _ if not_covered() || at_risk.is_serious() => Icon::Expired,
        Standing::Expiring => Icon::Notice,
        _ if at_risk.count > 0 => Icon::Notice,
        _ if !state.open_notices(today).is_empty() => Icon::Notice,
        _ if words::not_connected(state).is_some() => Icon::Disconnected,
        Standing::Unknown => Icon::Unknown,
        Standing::Active => Icon::Fine,
    }
}

fn action(command: Command, text: impl Into<String>) -> MenuItem {
    MenuItem::Action { command, text: text.into(), checked: None }
}

fn label(id: impl Into<String>, text: impl AsRef<str>) -> MenuItem {
    MenuItem::Label { id: id.into(), text: words::cut(text.as_ref(), LINE_UNITS) }
}

fn submenu(id: impl Into<String>, text: impl AsRef<str>, items: Vec<MenuItem>) -> MenuItem {
    MenuItem::Submenu { id: id.into(), text: words::cut(text.as_ref(), LINE_UNITS), items }
}

fn menu(state: &State, at_risk: &AtRisk<'_>, now: &ZonedDateTime) -> Vec<MenuItem> {
    let today = now.date();
    let mut menu = vec![label("headline", words::headline_of(state, at_risk, now))];
    menu.extend(notice_menu(state, today));
    menu.extend(recovery_menu(state));
    menu.extend(state.untrusted_host().map(|host| {
        let text = words::cut(&format!("Trust the key of {host}…"), LINE_UNITS);
        action(Command::ManualValidation, text)
    }));
    let problems = state.all_problems().count();
    if problems > 0 {
        menu.push(action(Command::Details, format!("{}…", words::count(problems, "problem"))));
    }
    if !state.servers.is_empty() {
        menu.push(MenuItem::Separator);
        let shown: Vec<_> = state.counted().take(SERVERS_IN_MENU).collect();
        let more = state.servers.len() - shown.len();
        menu.extend(shown.into_iter().map(|server| server_menu(state, server, now)));
        if more > 0 {
            menu.push(action(Command::Details, format!("More… ({more})")));
        }
    }
    menu.extend([
        MenuItem::Separator,
        if state.refreshing > 0 {
            label("refreshing", words::refreshing(state))
        } else {
            action(Command::Refresh(None), "Refresh license data")
        },
        action(Command::ManualValidation, "Manual validation…"),
        action(Command::CheckConnection, "Check connection…"),
        match (state.places.no_recovery, state.recovery_is(&RecoveryState::UnderWay)) {
            (Some(why), _) => label("clear-cache", format!("Clear server cache ({why})")),
            (None, true) => label("clear-cache", "Clearing server cache…"),
            (None, false) => action(Command::ClearCache, "Clear server cache…"),
        },
        MenuItem::Separator,
        action(Command::Settings, "Settings"),
        client_menu(state),
        service_and_server_menu(state),
        MenuItem::Separator,
    ]);
    if let Some(on) = state.autostart {
        menu.push(MenuItem::Action {
            command: Command::Autostart(!on),
            text: "Start Tray Client on startup".into(),
            checked: Some(on),
        });
    }
    menu.extend([action(Command::About, "About"), action(Command::Exit, "Exit")]);
    menu
}

fn notice_menu(state: &State, today: Date) -> Option<MenuItem> {
    let open = state.open_notices(today);
    if open.is_empty() {
        return None;
    }
    let items = vec![
        action(Command::Renew, "Renew…"),
        action(Command::RemindTomorrow, "Remind me tomorrow"),
        action(Command::GotIt, "Got it"),
    ];
    Some(submenu("notice", words::notice_title(&open), items))
}

/// A Clear server cache that was interrupted, or whose end was not seen yet.
fn recovery_menu(state: &State) -> Option<MenuItem> {
    match &state.recovery_to_see()?.state {
        RecoveryState::UnderWay => None,
        RecoveryState::Interrupted => {
            let items = Decision::ALL.map(|decision| action(Command::Recovery(decision), decision.title()));
            Some(submenu("recovery", "Clear server cache was interrupted", items.into()))
        }
        RecoveryState::Ended { how, .. } => {
            let text = words::cut(&format!("Clear server cache: {how}"), LINE_UNITS);
            Some(action(Command::RecoverySeen, text))
        }
    }
}

fn server_menu(state: &State, server: &Server, now: &ZonedDateTime) -> MenuItem {
    let key = &server.key;
    let mut items = vec![action(Command::Refresh(Some(key.clone())), "Refresh license data")];
    items.push(action(Command::Renew, "Renew…"));
    items.push(match &server.server_id {
        Some(_) => action(Command::CopyServerId(key.clone()), "Copy server id"),
        None => label("copy-server-id", "Copy server id (not known)"),
    });
    items.push(MenuItem::Separator);
    items.extend(
        facts(state, server, now)
            .into_iter()
            .enumerate()
            .map(|(index, text)| label(format!("fact {index}"), text)),
    );
    let line = format!("{}: {}", server.name, standing::in_words(server.kind, server.until(), now.date()));
    submenu(format!("server {key}"), line, items)
}

/// Why a server's date is what it is, and what else is known: one line each.
pub fn facts(state: &State, server: &Server, now: &ZonedDateTime) -> Vec<String> {
    let mut facts = Vec::new();
    let read = server.read_at.to_zoned_datetime(now.time_zone().clone());
    let age = standing::days_left(read.date(), now.date());
    let age = match age {
        i32::MIN..=0 => "today".to_string(),
        1 => "yesterday".to_string(),
        days => format!("{days} days ago"),
    };
    facts.push(match &server.date {
        Some(date) => {
            let verb = if date.remembered { "last read" } else { "read" };
            format!("Date from {}, {verb} {} ({age})", date.source.title(), read.strftime("%F %H:%M"))
        }
        None => format!("No date in {}", server.source.title()),
    });
    if let Some(version) = server.installed_version {
        facts.push(match (coverage_of(server), server.until()) {
            (Coverage::Unknown, _) => release_in_words(version),
            (coverage, _) => format!("Version {version}: {} by Maintenance", coverage.word()),
        });
    }
    if let Some(newest) = server.until().and_then(coverage::newest_covered) {
        facts.push(format!("Newest covered version: {} ({})", newest.version, newest.released));
    }
    if let Some(kind) = server.kind {
        let edition = server.edition.as_deref().map(|edition| format!(", {edition}")).unwrap_or_default();
        facts.push(format!("Kind of license: {}{edition}", kind.word()));
    }
    if let Some(record) = state.validation_of(server) {
        facts.push(record.standing(now.timestamp()).in_words(now.timestamp()));
        facts.extend(record.failed.as_ref().map(|failed| {
            let at = failed.at.to_zoned_datetime(now.time_zone().clone()).strftime("%F %H:%M");
            format!("Validation tried {at}, and failed: {}", failed.outcome.why())
        }));
        facts.extend(record.last_valid_in_words());
        facts.extend(record.request_in_words(now.timestamp(), now.time_zone()));
    }
    if let Some(Link::Off(why)) = state.links.get(&server.key) {
        facts.push(format!("Not connected: {why}"));
    }
    facts.extend(server.notes.iter().cloned());
    facts
}

fn place_item(state: &State, place: Place) -> MenuItem {
    match state.places.get(place) {
        Ok(_) => action(Command::Open(place), place.title()),
        Err(why) => label(place.word(), format!("{} ({why})", place.title())),
    }
}

fn client_menu(state: &State) -> MenuItem {
    let start = match &state.places.client_program {
        Ok(_) => action(Command::StartClient, "Start"),
        Err(why) => label("start-client", format!("Start ({why})")),
    };
    submenu(
        "client",
        "Client",
        vec![start, place_item(state, Place::ClientLog), place_item(state, Place::ClientSettings)],
    )
}

fn service_and_server_menu(state: &State) -> MenuItem {
    let mut items = vec![label("connection", words::connection(state)), MenuItem::Separator];
    if let Some(service) = &state.places.service {
        items.push(match service {
            Ok(service_status) => submenu(
                "service",
                format!("Service ({service_status})"),
                vec![action(Command::Service(true), "Start"), action(Command::Service(false), "Stop")],
            ),
            Err(why) => label("service", format!("Service ({why})")),
        });
    }
    items.push(place_item(state, Place::ServerLog));
    items.push(place_item(state, Place::ServerSettings));
    submenu("server", "Server", items)
}

/// The menu as indented text, for tests and for reading.
pub fn outline(menu: &[MenuItem]) -> String {
    fn write(menu: &[MenuItem], depth: usize, out: &mut String) {
        for item in menu {
            out.push_str(&"    ".repeat(depth));
            match item {
                MenuItem::Action { text, checked, .. } => {
                    let mark = match checked {
                        Some(true) => "[x] ",
                        Some(false) => "[ ] ",
                        None => "",
                    };
                    out.push_str(&format!("{mark}{text}\n"));
                }
                MenuItem::Label { text, .. } => out.push_str(&format!("({text})\n")),
                MenuItem::Submenu { text, items, .. } => {
                    out.push_str(&format!("{text} >\n"));
                    write(items, depth + 1, out);
                }
                MenuItem::Separator => out.push_str("---\n"),
            }
        }
    }
    let mut out = String::new();
    write(menu, 0, &mut out);
    out
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
