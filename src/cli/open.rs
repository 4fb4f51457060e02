//! `open`: folders, pages, the Client.

use super::{Out, Session, args::What};
use crate::{
    app::{Command, Effect, Event, Place, Target, update},
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
        What::Details => Command::Details,
        page => {
            let pages = session.load_settings().settings.pages;
            let url = match page {
                What::Order => pages.order,
                What::Maintenance => pages.maintenance,
                What::ManualValidation => pages.manual_validation,
                What::OfflineActivation => pages.offline_activation,
                _ => pages.renew,
            };
            return open_here(session, &Target::Url(url), out).map(|()| 0);
        }
    };
    choose(session, command, out)
}

/// Opens what a command of the menu opens.
pub fn choose(session: &Session, command: Command, out: &Out) -> Result<u8, Problem> {
    // Opening needs this session, not the tray's: over SSH the tray's desktop would be the wrong one.
    let mut alone = session.alone()?;
    if command == Command::Details {
        alone.look(session);
    }
    for effect in update(&mut alone.state, Event::Chosen(command), &session.clock.now()) {
        match effect {
            Effect::Open(_, target) => open_here(session, &target, out)?,
            Effect::Say(problem) => return Err(problem),
            _ => {}
        }
    }
    Ok(0)
}

fn open_here(session: &Session, target: &Target, out: &Out) -> Result<(), Problem> {
    open::open(target, &session.dirs)?;
    if session.verbose {
        out.remark(&format!("Opened: {}", open::describe(target)));
    }
    Ok(())
}
