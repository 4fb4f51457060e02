//! `refresh`: read all sources again.

use super::{Out, Session, session::unexpected};
use crate::{
    app::{
        report::{Reply, Request},
        words,
    },
    domain::Problem,
};

pub fn run(session: &Session, server: Option<String>, forget: bool, out: &Out) -> Result<u8, Problem> {
    if forget {
        forget_gone(session, out)?;
    }
    let Reply::Refreshed(report) = session.ask(Request::Refresh { server })? else { return Err(unexpected()) };
    let (text, worked) = words::refreshed_in_words(&report);
    out.show(&report, || text)?;
    let fault = report.problems.first().map_or(0, |problem| problem.fault.exit_code());
    Ok(if worked { 0 } else { fault })
}

/// Drops what no source shows any more.
fn forget_gone(session: &Session, out: &Out) -> Result<(), Problem> {
    match session.ask(Request::Run { command: "forget".into() })? {
        Reply::Done => Ok(()),
        _ => {
            out.remark("Nothing was forgotten.");
            Ok(())
        }
    }
}
