//! Opens folders, files, pages and programs with the system's own means.

use super::dirs::Dirs;
use crate::{
    app::Target,
    domain::{Fault, Problem},
    store::atomic,
};
use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

/// Opens it, and does not wait for what opened.
pub fn open(target: &Target, dirs: &Dirs) -> Result<(), Problem> {
    match target {
        Target::Folder(path) => {
            system(path.as_os_str(), "Cannot open the folder", "Is a file manager installed?")
        }
        Target::File(path) => system(
            path.as_os_str(),
            "Cannot open the file",
            "Open it in an editor by hand, or change it with `visualcron-tray settings set`.",
        ),
        Target::Url(url) => opener::open_browser(url).map_err(|error| {
            let next = format!("Open {url} in a browser by hand.");
            Problem::new(Fault::Unavailable, "Cannot open the page", url, error.to_string(), next)
        }),
        Target::Page(name, html) => {
            let path = pages(dirs)?.join(format!("{name}.html"));
            atomic::replace(&path, html.as_bytes())?;
            opener::open_browser(&path).map_err(|error| {
                Problem::new(
                    Fault::Unavailable,
                    "Cannot show the page",
                    path.display().to_string(),
                    error.to_string(),
                    "Open it in a browser by hand.",
                )
            })
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

fn system(path: &std::ffi::OsStr, what: &str, next: &str) -> Result<(), Problem> {
    opener::open(path).map_err(|error| {
        Problem::new(Fault::Unavailable, what, path.to_string_lossy(), error.to_string(), next)
    })
}

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
