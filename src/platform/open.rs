//! Opens folders, files, pages and programs with the system's own means.

use super::{desktop, dirs::Dirs};
use crate::{
    app::Target,
    domain::{Fault, Problem},
    store::atomic,
};
use std::{
    ffi::OsStr,
    path::PathBuf,
    process::{Command, Stdio},
};

/// Opens it, and does not wait for what opened.
pub fn open(target: &Target, dirs: &Dirs) -> Result<(), Problem> {
    match target {
        Target::Folder(path) => {
            system(path.as_os_str(), "Cannot open the folder", "Go there in a terminal or a file manager.")
        }
        Target::File(path) => system(
            path.as_os_str(),
            "Cannot open the file",
            "Open it in an editor by hand, or change it with `visualcron-tray settings set`.",
        ),
        Target::Url(url) => browser(url.as_ref(), "Cannot open the page", "Open it in a browser elsewhere."),
        Target::Page(name, html) => {
            let path = pages(dirs)?.join(format!("{name}.html"));
            atomic::replace(&path, html.as_bytes())?;
            browser(path.as_os_str(), "Cannot show the page", "Open it in a browser by hand.")
        }
        Target::Program(path) => start(path),
    }
}

/// Where pages are written: the browser reads them when this program may have ended.
fn pages(dirs: &Dirs) -> Result<PathBuf, Problem> {
    if !dirs.keeps_nothing() {
        return Ok(dirs.data.join("pages"));
    }
    let folder = tempfile::Builder::new().prefix("visualcron-tray-").tempdir();
    folder.map(tempfile::TempDir::keep).map_err(|error| {
        let next = "Check that temporary files can be written.";
        Problem::io("Cannot write the page", &std::env::temp_dir(), &error, next)
    })
}

fn system(path: &OsStr, what: &str, next: &str) -> Result<(), Problem> {
    let opened = match desktop::shows_nothing() {
        true => Err(NO_DESKTOP.into()),
        false => opener::open(path).map_err(|error| error.to_string()),
    };
    opened.map_err(|why| Problem::new(Fault::Unavailable, what, path.to_string_lossy(), why, next))
}

fn browser(page: &OsStr, what: &str, next: &str) -> Result<(), Problem> {
    let opened = match desktop::shows_no_page() {
        true => Err(NO_DESKTOP.into()),
        false => opener::open_browser(page).map_err(|error| error.to_string()),
    };
    opened.map_err(|why| Problem::new(Fault::Unavailable, what, page.to_string_lossy(), why, next))
}

/// What opens things would say so to nobody.
const NO_DESKTOP: &str = "this session has no desktop";

/// Starts a program on its own: in its own folder, without our standard streams, reaped when it ends.
fn start(path: &std::path::Path) -> Result<(), Problem> {
    let mut command = Command::new(path);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(folder) = path.parent() {
        command.current_dir(folder);
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| {
        Problem::io(
            "Cannot start the program",
            path,
            &error,
            "Check that the path in the settings, visualcron.client_program, is right and can be run.",
        )
    })?;
    std::thread::spawn(move || child.wait());
    Ok(())
}

/// What was opened, for people.
pub fn describe(target: &Target) -> String {
    match target {
        Target::Folder(path) | Target::File(path) | Target::Program(path) => path.display().to_string(),
        Target::Url(url) => url.clone(),
        Target::Page(name, _) => format!("the page {name}"),
    }
}
