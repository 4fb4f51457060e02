//! `window`: a window, in a process of its own.

use super::{Session, args::Window};
use crate::{
    domain::Problem,
    platform::{connection_window, desktop, recovery_window, validation_window},
    window::{connection, recovery, validation},
};

pub fn run(session: &Session, window: Window) -> Result<u8, Problem> {
    let dirs = &session.dirs;
    // In the taskbar it belongs to the program that the Start menu shows.
    #[cfg(windows)]
    crate::platform::windows::identity::take();
    match window {
        Window::Recovery => {
            dirs.must_keep("window recovery")?;
            desktop::must_show_windows(recovery::COMMAND)?;
            recovery::run_single(Box::new(recovery_window::Here::new(dirs.clone())), &dirs.data)?;
        }
        Window::Validation => {
            dirs.must_keep("window validation")?;
            desktop::must_show_windows(validation::COMMAND)?;
            let backend = validation_window::Here::new(dirs.clone(), session.clock.clone());
            validation::run_single(Box::new(backend), &dirs.data)?;
        }
        Window::Connection => {
            desktop::must_show_windows(connection::COMMAND)?;
            let backend = Box::new(connection_window::Here::new(dirs.clone(), session.clock.clone()));
            if dirs.keeps_nothing() {
                connection::run(backend)?;
            } else {
                connection::run_single(backend, &dirs.data)?;
            }
        }
    }
    Ok(0)
}
