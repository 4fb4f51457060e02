//! `window`: a window, in a process of its own.

use super::{Session, args::Window};
use crate::{
    domain::Problem,
    platform::{desktop, recovery_window, validation_window},
    window::{recovery, validation},
};

pub fn run(session: &Session, window: Window) -> Result<u8, Problem> {
    let dirs = &session.dirs;
    match window {
        Window::Recovery => {
            session.must_keep("window recovery")?;
            desktop::must_show_windows(recovery::COMMAND)?;
            recovery::run_single(Box::new(recovery_window::Here::new(dirs.clone())), &dirs.data)?;
        }
        Window::Validation => {
            session.must_keep("window validation")?;
            desktop::must_show_windows(validation::COMMAND)?;
            let backend = validation_window::Here::new(dirs.clone(), session.clock.clone());
            validation::run_single(Box::new(backend), &dirs.data)?;
        }
    }
    Ok(0)
}
