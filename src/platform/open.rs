//! Opens folders, files, pages and programs with the system's own means.

use super::{desktop, dirs::Dirs};
use crate::{
    app::Target,
    domain::{Fault, Problem},
    store::atomic,
};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Opens it, and does not wait for what opened.
pub fn open(target: &Target, dirs: &Dirs) -> Result<(), Problem> {
    match target {
        Target::Folder(path) => folder(path),
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

fn folder(path: &Path) -> Result<(), Problem> {
    // Where Explorer cannot select anything, as under Wine, it opens the folder all the same.
    #[cfg(windows)]
    if let Some(file) = looked_for(path)
        && opener::reveal(file).is_ok()
    {
        return Ok(());
    }
    system(path.as_os_str(), "Cannot open the folder", "Go there in a terminal or a file manager.")
}

/// What somebody most probably looks for in a folder: servers.xml, or else the newest file, as of a log.
#[cfg(any(windows, test))]
fn looked_for(folder: &Path) -> Option<PathBuf> {
    /// So many files are looked at: more would take longer than the look is worth.
    const MOST: usize = 10_000;
    let servers = folder.join("servers.xml");
    if servers.is_file() {
        return Some(servers);
    }
    let files = std::fs::read_dir(folder).ok()?.take(MOST).flatten().filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        metadata.is_file().then_some((metadata.modified().ok()?, entry.path()))
    });
    files.max().map(|(_, path)| path)
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
fn start(path: &Path) -> Result<(), Problem> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, File},
        time::{Duration, SystemTime},
    };

    #[test]
    fn in_a_folder_the_list_of_servers_or_the_newest_file_is_looked_for() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path();
        assert_eq!(looked_for(&folder.join("none")), None);
        fs::create_dir(folder.join("newer than all")).unwrap();
        assert_eq!(looked_for(folder), None);
        for (name, age) in [("log_1.txt", 60), ("log_2.txt", 0), ("log_3.txt", 120)] {
            let then = SystemTime::now() - Duration::from_secs(age);
            File::create(folder.join(name)).unwrap().set_modified(then).unwrap();
        }
        assert_eq!(looked_for(folder), Some(folder.join("log_2.txt")));
        fs::write(folder.join("servers.xml"), "").unwrap();
        assert_eq!(looked_for(folder), Some(folder.join("servers.xml")));
    }
}
