//! `notices`: what is due, what will be due, and the answers to it.

use super::{Out, Session, args};
use crate::{
    app::{Command, State, report::Request, words},
    domain::{
        Problem,
        notice::{Handling, Notice, Topic, preview},
    },
};
use jiff::{Timestamp, civil::Date};
use serde::Serialize;

#[derive(Serialize)]
struct NoticeReport {
    server: String,
    topic: &'static str,
    until: Date,
    days_left: i32,
    summary: String,
    body: String,
}

#[derive(Serialize)]
struct DayReport {
    day: Date,
    notices: Vec<NoticeReport>,
}

#[derive(Serialize)]
struct Report {
    schema: u32,
    as_of: Timestamp,
    notices: Vec<NoticeReport>,
}

#[derive(Serialize)]
struct Preview {
    schema: u32,
    as_of: Timestamp,
    notices: Vec<DayReport>,
    /// From this day on there are more, which are left out; `None` when these are all.
    more_from: Option<Date>,
}

/// After so many notices a preview ends with its day: daily notices for 10,000 servers would be 36 million.
const MAX_FORETOLD: usize = 500_000;

fn report(notice: &Notice) -> NoticeReport {
    let (summary, body) = words::notices_in_words(std::slice::from_ref(notice));
    NoticeReport {
        server: notice.name.clone(),
        topic: match notice.topic {
            Topic::Date => "date",
            Topic::NotCovered(_) => "not_covered",
        },
        until: notice.until,
        days_left: notice.days_left,
        summary,
        body,
    }
}

pub fn run(session: &Session, asked: &args::Notices, out: &Out) -> Result<u8, Problem> {
    if asked.got_it || asked.remind_tomorrow {
        return answer(session, asked.got_it, out);
    }
    let mut alone = session.alone()?;
    alone.look(session);
    alone.tell(session);
    if asked.preview {
        show_preview(session, &alone.state, out)
    } else {
        show_due(session, &alone.state, out)
    }
}

/// What is due or waits for an answer, the most urgent first.
fn waiting(session: &Session, state: &State) -> Vec<Notice> {
    let now = session.clock.now();
    let mut notices = state.kept.notices.due(&state.servers, &now, &state.policy());
    for open in state.open_notices(now.date()) {
        if !notices.iter().any(|notice| notice.key == open.key) {
            notices.push(open);
        }
    }
    notices.sort_by(|a, b| (a.days_left, &a.name).cmp(&(b.days_left, &b.name)));
    notices
}

fn show_due(session: &Session, state: &State, out: &Out) -> Result<u8, Problem> {
    let notices: Vec<NoticeReport> = waiting(session, state).iter().map(report).collect();
    let text = || {
        if notices.is_empty() {
            return "No notice is due.".into();
        }
        let line = |n: &NoticeReport| format!("{}\n  {}\n", n.summary, n.body);
        notices.iter().map(line).collect::<String>()
    };
    let text = text();
    out.show(&Report { schema: 1, as_of: session.clock.now().timestamp(), notices }, || text)?;
    Ok(0)
}

fn show_preview(session: &Session, state: &State, out: &Out) -> Result<u8, Problem> {
    let now = session.clock.now();
    let policy = state.policy();
    let mut days = preview(&state.kept.notices, &state.servers, &now, &policy).peekable();
    let (mut text, mut reports, mut shown) = (String::new(), Vec::new(), 0);
    while let Some((day, notices)) = days.next_if(|_| shown < MAX_FORETOLD) {
        shown += notices.len();
        if out.json() {
            reports.push(DayReport { day, notices: notices.iter().map(report).collect() });
        } else {
            text.push_str(&format!("{day}  {}\n", words::notices_in_words(&notices).0));
        }
    }
    let more_from = days.peek().map(|(day, _)| *day);
    if let Some(day) = more_from {
        text.push_str(&format!("And more from {day} on: these are {shown} notices, enough for a preview.\n"));
    } else if shown == 0 {
        text = "No notice will be shown: no date is known.".into();
    }
    let report = Preview { schema: 1, as_of: now.timestamp(), notices: reports, more_from };
    out.show(&report, || text)?;
    Ok(0)
}

/// "Got it" or "Remind me tomorrow" for all that is due: by the tray where one runs.
fn answer(session: &Session, got_it: bool, out: &Out) -> Result<u8, Problem> {
    let (command, option) = match got_it {
        true => (Command::GotIt, "--got-it"),
        false => (Command::RemindTomorrow, "--remind-tomorrow"),
    };
    session.dirs.must_keep(option)?;
    if session.ask_tray(Request::Run { command: command.to_string() })?.is_some() {
        let report = serde_json::json!({ "schema": 1, "answered_by": "tray" });
        return out.show(&report, || "The running tray has taken the answer.".into()).map(|()| 0);
    }
    let mut alone = session.alone()?;
    alone.look(session);
    let now = session.clock.now();
    let due = waiting(session, &alone.state);
    let handling = match got_it {
        true => Handling::Done,
        false => Handling::Snoozed { until: alone.state.policy().tomorrow(&now) },
    };
    let ledger = &mut alone.state.kept.notices;
    ledger.announce(&due, now.timestamp());
    ledger.handle(due.iter().map(|notice| notice.key.as_str()), handling);
    if !due.is_empty() {
        alone.state_file.save(&alone.state.kept)?;
    }
    alone.tell(session);
    let report = serde_json::json!({ "schema": 1, "answered": due.iter().map(report).collect::<Vec<_>>() });
    out.show(&report, || format!("{} answered.", words::count(due.len(), "notice"))).map(|()| 0)
}
