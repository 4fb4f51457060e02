//! `refresh`: read all sources again.

use super::{Out, Session, progress::Progress, session::unexpected};
use crate::{
    app::{
        Command, refreshed,
        report::{Reply, Request},
    },
    domain::{Fault, Problem},
};

pub fn run(session: &Session, server: Option<String>, forget: bool, out: &Out) -> Result<u8, Problem> {
    if forget {
        session.dirs.must_keep("--forget")?;
        session.ask(Request::Run { command: Command::Forget.to_string() })?;
    }
    let line = Progress::new(out);
    let request = Request::Refresh { server, progress: true };
    let reply = session.ask_and_tell(request, &|done, all| line.asked(done, all))?;
    drop(line);
    let Reply::Refreshed(report) = reply else { return Err(unexpected()) };
    out.show(&report, || refreshed::in_words(&report))?;
    // That the license host cannot be reached is told, but all sources were read.
    let failed =
        report.problems.iter().map(|problem| problem.fault).find(|fault| *fault != Fault::Unavailable);
    Ok(failed.map_or(0, Fault::exit_code))
}
