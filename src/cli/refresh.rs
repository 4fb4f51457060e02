//! `refresh`: read all sources again.

use super::{Out, Session, session::unexpected};
use crate::{
    app::{
        Command,
        report::{Reply, Request},
        words,
    },
    domain::{Fault, Problem},
};

pub fn run(session: &Session, server: Option<String>, forget: bool, out: &Out) -> Result<u8, Problem> {
    if forget {
        session.dirs.must_keep("--forget")?;
        session.ask(Request::Run { command: Command::Forget.to_string() })?;
    }
    let Reply::Refreshed(report) = session.ask(Request::Refresh { server })? else {
        return Err(unexpected());
    };
    out.show(&report, || words::refreshed_in_words(&report).0)?;
    // That the license host cannot be reached is told, but all sources were read.
    let failed =
        report.problems.iter().map(|problem| problem.fault).find(|fault| *fault != Fault::Unavailable);
    Ok(failed.map_or(0, Fault::exit_code))
}
