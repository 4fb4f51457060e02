//! Parses the command line and takes the role that it asks for.

#![cfg_attr(windows, windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    if visualcron_tray::host::demo::is_stand_in_client() {
        return visualcron_tray::host::demo::stand_in_client();
    }
    ExitCode::from(visualcron_tray::cli::main())
}
