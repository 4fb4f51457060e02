//! `recover` and its window where programs cannot be found, closed and started again yet: says so, with what can be
//! done by hand.

use super::{
    Out, Session,
    args::{Recover, Window},
};
use crate::{
    domain::Problem,
    platform::survey,
    recovery::words::{NOT_HERE, not_here},
};

pub fn run(session: &Session, _: &Recover, _: &Out) -> Result<u8, Problem> {
    Err(refused(session))
}

/// `window recovery`.
pub fn window(session: &Session, Window::Recovery: Window) -> Result<u8, Problem> {
    Err(refused(session))
}

/// None was ever begun here.
pub fn remark_if_interrupted(_: &Session, _: &Out) {}

fn refused(session: &Session) -> Problem {
    let places = survey::survey(&session.dirs, &session.load_settings().settings);
    not_here(&places.servers_xml, NOT_HERE.unwrap_or_default())
}
