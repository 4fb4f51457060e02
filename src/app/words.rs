//! Sentences for people: tooltip, headline, notifications, problems.

use super::{Bubble, Command, Icon, Link, Place, State, validation::AtRisk};
use crate::domain::{
    Fault, Problem, Server, Standing,
    knowledge::Moved,
    notice::{Notice, Topic},
    standing,
    text::plain,
};
use crate::recovery::Decision;
use jiff::{ZonedDateTime, civil::Date};
use std::collections::{BTreeMap, HashSet};

/// The name under which the tray shows itself: the vendor's own tooltip, as users know it.
pub const TITLE: &str = "VisualCron Tray Client";

/// How many UTF-16 units a tooltip may have (Windows keeps 128 with the end mark).
pub const TOOLTIP_UNITS: usize = 127;

/// How many servers a text names before it says "and 3 more".
const NAMED: usize = 3;

/// The tooltip: what matters most, in at most [`TOOLTIP_UNITS`] UTF-16 units.
pub(super) fn tooltip(state: &State, at_risk: &AtRisk<'_>, now: &ZonedDateTime) -> String {
    cut(&format!("{TITLE}: {}", summary(state, at_risk, now)), TOOLTIP_UNITS)
}

fn summary(state: &State, at_risk: &AtRisk<'_>, now: &ZonedDateTime) -> String {
    let today = now.date();
    if state.refreshing > 0 && state.asking.is_some() {
        return refreshing(state);
    }
    match (state.counted().count(), lead(state, today)) {
        (0, _) if state.servers.is_empty() && state.looked => "no servers known yet".into(),
        (0, _) if state.servers.is_empty() => "starting".into(),
        (2.., Some(lead)) => {
            let first = unless_something_else(state, at_risk, now, || server_line(lead, today));
            format!("{}. {first}", counts(state, today))
        }
        (0, _) => headline_of(state, at_risk, now),
        (counted, _) => format!("{}. {}", count(counted, "server"), headline_of(state, at_risk, now)),
    }
}

/// `Refreshing license data: 137 of 300…`
pub fn refreshing(state: &State) -> String {
    match state.asking {
        Some((done, all)) => format!("Refreshing license data: {done} of {all}…"),
        None => "Refreshing license data…".into(),
    }
}

/// What the icon means: the menu's first line.
pub fn headline(state: &State, now: &ZonedDateTime) -> String {
    headline_of(state, &state.validations_at_risk(now.timestamp()), now)
}

/// The same, where it is known already whose validation is at risk.
pub(super) fn headline_of(state: &State, at_risk: &AtRisk<'_>, now: &ZonedDateTime) -> String {
    if state.refreshing > 0 && state.asking.is_some() {
        return refreshing(state);
    }
    let counted: Vec<&Server> = state.counted().take(2).collect();
    match (counted.as_slice(), state.servers.len()) {
        ([], 0) if state.looked => "No servers known yet".into(),
        ([], 0) => "Starting…".into(),
        ([], 1) => "The one known server is ignored".into(),
        ([], all) => format!("All {all} known servers are ignored"),
        ([one], _) => unless_something_else(state, at_risk, now, || server_line(one, now.date())),
        _ => unless_something_else(state, at_risk, now, || counts(state, now.date())),
    }
}

fn server_line(server: &Server, today: Date) -> String {
    format!("{}: {}", server.name, standing::in_words(server.kind, server.until(), today))
}

/// What is to be said of the dates, unless they are fine and something else is not: the validation of a license, or
/// the connection to a server.
fn unless_something_else(
    state: &State,
    at_risk: &AtRisk<'_>,
    now: &ZonedDateTime,
    dates: impl FnOnce() -> String,
) -> String {
    match state.worst(now.date()) {
        Standing::Expired | Standing::Expiring => dates(),
        Standing::Unknown | Standing::Active => {
            at_risk.in_words(now.timestamp()).or_else(|| not_connected(state)).unwrap_or_else(dates)
        }
    }
}

/// `3 expired, 2 expiring, 295 active`.
fn counts(state: &State, today: Date) -> String {
    let mut of = BTreeMap::<Standing, usize>::new();
    for server in state.counted() {
        *of.entry(state.standing(server, today)).or_default() += 1;
    }
    let of = [Standing::Expired, Standing::Expiring, Standing::Active, Standing::Unknown]
        .into_iter()
        .filter_map(|standing| Some((standing, of.get(&standing)?)));
    of.map(|(standing, count)| format!("{count} {}", standing.word())).collect::<Vec<_>>().join(", ")
}

/// The server to name first: one that something can be done about, before those whose renewal window is over,
/// before those without a date.
fn lead(state: &State, today: Date) -> Option<&Server> {
    let window = match state.settings.notices.renewal_window_days {
        0 => standing::RENEWAL_CLOSES_DAYS,
        days => days as i32,
    };
    state.counted().min_by_key(|server| {
        let rank = match (state.standing(server, today), server.until()) {
            (Standing::Expired, Some(until)) if standing::days_left(today, until) < -window => 1,
            (Standing::Expired | Standing::Expiring, _) => 0,
            (Standing::Unknown, _) => 2,
            (Standing::Active, _) => 3,
        };
        (rank, server.until())
    })
}

/// `Not connected to PROD-01: connection refused`, where a server was asked and did not answer.
pub fn not_connected(state: &State) -> Option<String> {
    state.counted().find_map(|server| match state.links.get(&server.key) {
        Some(Link::Off(why)) => Some(format!("Not connected to {}: {why}", server.name)),
        _ => None,
    })
}

/// The connection of the main server, in words.
pub fn connection(state: &State) -> String {
    let Some(server) = state.main_server() else { return "No server known yet".into() };
    let place = match &server.address {
        Some(address) => format!("{} ({address}, port {})", server.name, server.port),
        None => return format!("{}: no address known", server.name),
    };
    match state.links.get(&server.key) {
        Some(Link::On) => format!("Connected: {place}"),
        Some(Link::Off(why)) => format!("Not connected: {place}: {why}"),
        None => format!("Connection not checked: {place}"),
    }
}

/// A Clear server cache has not ended, and nobody is at it.
pub fn recovery_interrupted() -> Bubble {
    Bubble {
        keys: Vec::new(),
        summary: "Clear server cache was interrupted".into(),
        body: "Nothing is lost. Resume does what is left, Roll back takes back what was done. On the command line: \
               visualcron-tray recover --status"
            .into(),
        actions: [Decision::Resume, Decision::RollBack]
            .map(|decision| (decision.title(), Command::Recovery(decision)))
            .into(),
        stays: true,
        passes: true,
        icon: Icon::Notice,
    }
}

/// How a Clear server cache ended.
pub fn recovery_ended(how: &str, well: bool) -> Bubble {
    Bubble {
        keys: Vec::new(),
        summary: "Clear server cache has ended".into(),
        body: crate::domain::text::without_backticks(how),
        actions: Vec::new(),
        stays: false,
        passes: false,
        icon: if well { Icon::Fine } else { Icon::Notice },
    }
}

/// `3 servers`, `1 server`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

pub(super) fn names<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let mut text = names.take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// A text from outside as a line of ours: plain, and cut at a character boundary, with an ellipsis, so that at most `units` UTF-16 units remain.
pub fn cut(text: &str, units: usize) -> String {
    let text = plain(text);
    if text.encode_utf16().count() <= units {
        return text.to_string();
    }
    let mut left = units.saturating_sub(1);
    let kept: String = text
        .chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            if !fits {
                left = 0;
            }
            fits
        })
        .collect();
    format!("{}…", kept.trim_end())
}

const NOTICE_ACTIONS: [(&str, Command); 3] = [
    ("Renew…", Command::Renew),
    ("Remind me tomorrow", Command::RemindTomorrow),
    ("Details", Command::Details),
];

/// The notification for what is due: one notice, or one summary of many. `due` is not empty, the most urgent
/// comes first.
pub fn notices(due: &[Notice]) -> Bubble {
    let (summary, body) = match due {
        [one] => {
            // Notification servers show one line of the summary and cut the rest off: the date goes below.
            let (_, body) = one_notice(one);
            let line = notice_line(one);
            let line = match one.topic {
                Topic::Date => line.trim_end_matches(&format!(" ({})", one.until)).to_string(),
                Topic::NotCovered(version) => format!("Version {version} is not covered"),
            };
            let until = format!("{} until {}.", standing::subject(one.kind), one.until);
            (format!("{}: {line}", one.name), format!("{until} {body}"))
        }
        many => many_notices(many),
    };
    Bubble {
        keys: due.iter().map(|notice| notice.key.clone()).collect(),
        summary,
        body,
        actions: NOTICE_ACTIONS.to_vec(),
        stays: true,
        passes: false,
        icon: if due.iter().any(|n| n.days_left < 0) { Icon::Expired } else { Icon::Notice },
    }
}

/// What is due as a line for a list, and what more there is to say.
pub fn notices_in_words(due: &[Notice]) -> (String, String) {
    match due {
        [one] => one_notice(one),
        many => many_notices(many),
    }
}

fn notice_line(notice: &Notice) -> String {
    let today = notice.until.checked_sub(jiff::Span::new().days(notice.days_left));
    match (notice.topic, today) {
        (Topic::NotCovered(version), _) => {
            format!("Version {version} is not covered by Maintenance until {}", notice.until)
        }
        (Topic::Date, Ok(today)) => standing::in_words(notice.kind, Some(notice.until), today),
        (Topic::Date, Err(_)) => notice.until.to_string(),
    }
}

fn one_notice(notice: &Notice) -> (String, String) {
    let body = match notice.topic {
        Topic::Date => [
            standing::consequence(notice.kind).to_string(),
            standing::advice(notice.kind, notice.days_left).unwrap_or_default(),
        ]
        .join(" "),
        Topic::NotCovered(version) => format!(
            "{version} was released after that date. The license may fail its next validation: then the server \
             stops or the Client cannot connect. Renew, or go back to a covered version."
        ),
    };
    (format!("{}: {}", notice.name, notice_line(notice)), body.trim().to_string())
}

fn many_notices(due: &[Notice]) -> (String, String) {
    // One license can be due for two reasons: its date, and a version that it does not cover.
    let licenses = |wanted: fn(&Notice) -> bool| {
        due.iter().filter(|n| wanted(n)).map(|n| &n.server).collect::<HashSet<_>>().len()
    };
    let (all, expired) = (licenses(|_| true), licenses(|notice| notice.days_left < 0));
    let summary = match (all, expired, due) {
        (1, _, [first, ..]) => format!("{}: the license needs renewal", first.name),
        (_, 0, _) => format!("{all} licenses expire soon"),
        _ if all == expired => format!("{all} licenses need renewal"),
        _ => format!("{all} licenses need renewal, {expired} of them expired"),
    };
    const LINES: usize = 5;
    let mut lines: Vec<String> =
        due.iter().take(LINES).map(|n| format!("{}: {}", n.name, notice_line(n))).collect();
    if due.len() > LINES {
        lines.push(format!("and {} more", due.len() - LINES));
    }
    (summary, lines.join("\n"))
}

pub(super) fn information(summary: impl Into<String>, body: impl Into<String>, icon: Icon) -> Bubble {
    Bubble {
        keys: vec![],
        summary: summary.into(),
        body: body.into(),
        actions: vec![],
        stays: false,
        passes: false,
        icon,
    }
}

/// The menu line for open notices: `Maintenance notice: PROD-01…`.
pub fn notice_title(open: &[Notice]) -> String {
    let mut servers: Vec<&str> = open.iter().map(|notice| notice.name.as_str()).collect();
    servers.dedup();
    match servers.as_slice() {
        [one] => format!("Maintenance notice: {one}…"),
        many => format!("Maintenance notices: {}…", count(many.len(), "server")),
    }
}

/// Dates have moved to a later day.
pub fn renewed(moved: &[Moved]) -> Bubble {
    let line =
        |m: &Moved| format!("{}: {} until {} (was {})", m.name, standing::subject(m.kind), m.to, m.from);
    match moved {
        [one] => information("A renewed date has arrived", line(one), Icon::Fine),
        many => {
            let names = names(many.iter().map(|m| m.name.as_str()));
            information(format!("{} renewed dates have arrived", many.len()), names, Icon::Fine)
        }
    }
}

/// A server that answered does so no more.
pub fn connection_lost(server: &Server, why: &str) -> Bubble {
    information(format!("Not connected to {}", server.name), format!("{why}."), Icon::Disconnected)
}

/// Something the user asked for did not work.
pub fn failed(problem: &Problem) -> Bubble {
    information(
        problem.what.clone(),
        format!("{}: {}. {}", problem.place, problem.why, problem.next),
        Icon::Unknown,
    )
}

/// What the user answered to a notice will be asked again after the next start.
pub fn answer_not_kept(problem: &Problem) -> Bubble {
    let Bubble { body, icon, .. } = failed(problem);
    information("The answer holds only until the tray ends", body, icon)
}

/// A second tray was started.
pub fn already_running(state: &State, now: &ZonedDateTime) -> Bubble {
    information("The tray is already running", headline(state, now), super::view::icon(state, now))
}

/// What this program is.
pub fn about(state: &State, now: &ZonedDateTime) -> Bubble {
    information(
        format!("{TITLE} (unofficial) {}", env!("CARGO_PKG_VERSION")),
        "An open tray client for people who run VisualCron servers. Not made by the vendor of VisualCron. \
         MIT or Apache-2.0. Release dates: VisualCron documentation, CC BY 4.0.",
        super::view::icon(state, now),
    )
}

/// The Client cannot be started.
pub fn client_not_found(why: &str) -> Problem {
    Problem::new(
        Fault::NoInput,
        "Cannot start the Client",
        "VisualCronClient.exe",
        why,
        "Name it in the settings: visualcron.client_program.",
    )
}

/// A folder cannot be opened.
pub fn folder_not_found(place: Place, why: &str) -> Problem {
    let next = match place {
        Place::ClientLog | Place::ClientSettings => {
            "Start the Client once, or name the folder in the settings: visualcron.folder."
        }
        Place::ServerLog | Place::ServerSettings => {
            "If a server runs on this machine, name its folder in the settings: visualcron.server_folder."
        }
    };
    let what = match place {
        Place::ClientLog => "the Client's log folder",
        Place::ClientSettings => "the Client's settings folder",
        Place::ServerLog => "the server's log folder",
        Place::ServerSettings => "the server's settings folder",
    };
    Problem::new(Fault::NoInput, "Cannot open the folder", what, why, next)
}

/// No server of this name; `known` are the names of those that there are.
pub fn no_such_server<'a>(name: &str, known: impl ExactSizeIterator<Item = &'a str>) -> Problem {
    let why = match known.len() {
        0 => "no servers are known yet".to_string(),
        _ => format!("known are {}", names(known)),
    };
    Problem::new(Fault::Usage, "No such server", name, why, "Give a name as `status` shows it.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_cut_at_characters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("ab 🕑cd", 5), "ab…");
        assert_eq!(cut("ab🕑cd", 5), "ab🕑…");
        assert_eq!(cut("ab\u{1b}]0;x\ncd", 20), "ab ]0;x cd");
    }

    proptest! {
        #[test]
        fn a_cut_text_fits(text in "\\PC{0,200}", units in 1usize..140) {
            prop_assert!(cut(&text, units).encode_utf16().count() <= units);
        }
    }
}
