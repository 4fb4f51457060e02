//! The command line: every action of the menu, made for scripts, Server Core and SSH. One file a verb.

mod args;
mod autostart;
mod demo;
mod diagnose;
mod license_host;
mod link;
mod notices;
mod open;
mod out;
mod progress;
mod proxy_password;
#[cfg(any(target_os = "linux", windows))]
mod recover;
#[cfg(not(any(target_os = "linux", windows)))]
#[path = "recover_elsewhere.rs"]
mod recover;
#[cfg(any(target_os = "linux", windows))]
mod recover_shown;
mod refresh;
mod releases;
#[cfg(windows)]
mod service;
mod session;
mod settings;
mod status;
mod tray;
mod trust;
#[cfg(windows)]
mod unregister;
mod validate;
#[cfg(any(target_os = "linux", windows))]
mod window;

use args::{Cli, Verb};
use clap::{CommandFactory, Parser};
use out::Out;
use session::Session;

use crate::{
    domain::Problem,
    platform::{self, program},
};

/// Runs the command that was given, and returns the exit code.
pub fn main() -> u8 {
    #[cfg(windows)]
    {
        use crate::platform::windows::{console, machine_settings, policies};
        if std::env::args_os().len() > 1 {
            console::borrow();
        }
        console::keep_streams();
        machine_settings::announce();
        policies::announce();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { crate::domain::Fault::Usage.exit_code() } else { 0 };
        }
    };
    let out = Out::new(cli.global.json);
    let is_check = matches!(&cli.verb, Some(Verb::Status(asked)) if asked.check);
    let result = run(cli, &out);
    match result {
        Ok(code) => code,
        Err(problem) if is_check => status::check_failed(&problem, &out),
        Err(problem) => {
            out.problem(&problem);
            problem.fault.exit_code()
        }
    }
}

fn run(cli: Cli, out: &Out) -> Result<u8, Problem> {
    // These need no folders.
    match &cli.verb {
        Some(Verb::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "visualcron-tray", &mut script);
            return out.raw(&script);
        }
        Some(Verb::Releases(asked)) => return releases::run(asked, out),
        Some(Verb::LicenseHost(asked)) if !license_host::is_of_the_client(asked) => {
            return license_host::run(asked, out);
        }
        #[cfg(windows)]
        Some(Verb::Service { action }) => return service::run(*action, out),
        #[cfg(windows)]
        Some(Verb::Unregister) => return unregister::run(out),
        _ => {}
    }
    platform::autostart::use_options(cli.global.of_folders());
    let session = Session::new(&cli.global)?;
    if !matches!(cli.verb, None | Some(Verb::Tray | Verb::Demo | Verb::Recover(_) | Verb::Window { .. })) {
        recover::remark_if_interrupted(&session, out);
    }
    let twin_of = if cli.verb.is_none() { program::twin_of() } else { None };
    match cli.verb.unwrap_or(Verb::Tray) {
        Verb::Tray => tray::run(session, twin_of, out),
        Verb::Status(asked) => status::run(&session, &asked, out),
        Verb::Refresh { server, forget } => refresh::run(&session, server, forget, out),
        Verb::Diagnose(asked) => diagnose::run(&session, &asked, out),
        Verb::Notices(asked) => notices::run(&session, &asked, out),
        Verb::Open { what } => open::run(&session, what, out),
        Verb::Settings { action } => settings::run(&session, action, out),
        Verb::Autostart { action } => autostart::run(&session, action, out),
        Verb::Recover(asked) => recover::run(&session, &asked, out),
        Verb::Validate(asked) => validate::run(&session, &asked, out),
        Verb::LicenseHost(asked) => trust::run(&session, &asked, out),
        #[cfg(any(target_os = "linux", windows))]
        Verb::Window { window } => window::run(&session, window),
        #[cfg(not(any(target_os = "linux", windows)))]
        Verb::Window { window } => recover::window(&session, window),
        Verb::Link { address } => link::run(session, &address, out),
        Verb::Exit => tray::exit(&session, out),
        Verb::Demo => demo::run(&session, out),
        Verb::Completions { .. } | Verb::Releases(_) => Ok(0),
        #[cfg(windows)]
        Verb::Service { .. } | Verb::Unregister => Ok(0),
    }
}
