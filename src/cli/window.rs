//! `window`: a window, in a process of its own.

use super::{Session, args::Window};
use crate::{
    domain::Problem,
    platform::{program, recovery_window},
    window::recovery,
};

pub fn run(session: &Session, window: Window) -> Result<u8, Problem> {
    match window {
        Window::Recovery => {
            session.dirs.must_keep("window recovery")?;
            if let Some(problem) = program::no_window() {
                return Err(problem);
            }
            let backend = Box::new(recovery_window::Here::new(session.dirs.clone()));
            recovery::run_single(backend, &session.dirs.data).map(|()| 0)
        }
    }
}
