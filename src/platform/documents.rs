//! What users keep of ours, where they look for their documents.

use super::dirs::Dirs;
use crate::{
    domain::{Fault, Problem},
    store::atomic,
};
use std::path::{Path, PathBuf};

/// So many files of one name are kept.
const MOST_OF_A_NAME: u32 = 100;

/// Where users look for their documents.
pub fn folder(dirs: &Dirs) -> PathBuf {
    let user = directories::UserDirs::new();
    let folder = user.map(|user| user.document_dir().unwrap_or(user.home_dir()).to_path_buf());
    folder.filter(|folder| folder.is_dir()).unwrap_or_else(|| dirs.data.clone())
}

/// Writes a text into a new file for this user alone; where it is there already, with this text, that one is it.
///
/// # Errors
///
/// It cannot be written.
pub fn save(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Problem> {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "txt"));
    for number in 1..=MOST_OF_A_NAME {
        let number = if number > 1 { format!(" ({number})") } else { String::new() };
        let path = folder.join(format!("{stem}{number}.{ending}"));
        if atomic::create(&path, text.as_bytes())?
            || std::fs::read(&path).is_ok_and(|old| old == text.as_bytes())
        {
            return Ok(path);
        }
    }
    Err(Problem::new(
        Fault::Software,
        "Cannot save the text",
        folder.join(name).display().to_string(),
        "there are too many files of this name",
        "Copy the text instead.",
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_never_written_over() {
        let home = tempfile::tempdir().unwrap();
        let first = save(home.path(), "a b.txt", "one").unwrap();
        assert_eq!(save(home.path(), "a b.txt", "one").unwrap(), first);
        let second = save(home.path(), "a b.txt", "two").unwrap();
        assert_eq!(second, home.path().join("a b (2).txt"));
        assert_eq!(std::fs::read_to_string(first).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(second).unwrap(), "two");
        let problem = save(&home.path().join("a b.txt"), "c.txt", "one").unwrap_err();
        assert!(problem.place.contains("a b.txt"), "{problem}");
    }
}
