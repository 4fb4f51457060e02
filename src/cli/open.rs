//! `open`: folders, pages, the Client.

use super::{Out, Session, args::What};
use crate::{
    app::{Command, Effect, Event, Place, update},
    domain::Problem,
    platform::open,
};

pub fn run(session: &Session, what: What, out: &Out) -> Result<u8, Problem> {
    let command = match what {
        What::ClientLog => Command::Open(Place::ClientLog),
        What::ClientSettings => Command::Open(Place::ClientSettings),
        What::ServerLog => Command::Open(Place::ServerLog),
        What::ServerSettings => Command::Open(Place::ServerSettings),
        What::Client => Command::StartClient,
        What::Renew => Command::Renew,
        What::Details => Command::Details,
    };
    // Opening needs this session, not the tray's: over SSH the tray's desktop would be the wrong one.
    let mut alone = session.alone()?;
    if command == Command::Details {
        alone.look(session);
    }
    for effect in update(&mut alone.state, Event::Chosen(command), &session.clock.now()) {
        match effect {
            Effect::Open(_, target) => {
                open::open(&target, &session.dirs)?;
                if session.verbose {
                    out.remark(&format!("Opened: {}", open::describe(&target)));
                }
            }
            Effect::Say(problem) => return Err(problem),
            _ => {}
        }
    }
    Ok(0)
}
