//! `link`: does what one of our addresses says. It comes from outside, and is not trusted with more than that.

use super::{Out, Session, open, tray};
use crate::{
    app::{Answer, Command, Event, address, report::Request, update},
    domain::Problem,
};

pub fn run(session: Session, address: &str, out: &Out) -> Result<u8, Problem> {
    let Some(answer) = address::read(address) else {
        // Nothing that we offer: the program shows itself, as if it were started.
        return tray::run(session, crate::platform::program::twin_of(), out);
    };
    match answer.choice {
        Command::GotIt | Command::RemindTomorrow => handle(&session, answer, out),
        other => open::choose(&session, other, out),
    }
}

/// By the tray where one runs.
fn handle(session: &Session, answer: Answer, out: &Out) -> Result<u8, Problem> {
    session.dirs.must_keep("link")?;
    let request = Request::Answer { keys: answer.keys.clone(), command: answer.choice.to_string() };
    if session.ask_tray(request)?.is_none() {
        let mut alone = session.alone()?;
        let before = alone.state.kept.clone();
        update(&mut alone.state, Event::Answered(answer), &session.clock.now());
        if alone.state.kept != before {
            alone.state_file.save(&alone.state.kept)?;
        }
    }
    out.show(&serde_json::json!({ "schema": 1 }), || "Answered.".into()).map(|()| 0)
}
