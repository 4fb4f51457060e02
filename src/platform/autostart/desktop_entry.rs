//! A desktop entry in the user's autostart folder, as of the Desktop Application Autostart Specification.
#![cfg_attr(not(target_os = "linux"), allow(dead_code))]

use super::{NAME, Start, failed};
use crate::{domain::Problem, store::atomic};
use std::path::PathBuf;

/// The most bytes of an entry that are read.
const MAX_BYTES: u64 = 64 * 1024;

/// `$XDG_CONFIG_HOME/autostart/visualcron-tray.desktop`.
fn path() -> Result<PathBuf, Problem> {
    let base = directories::BaseDirs::new()
        .ok_or_else(|| failed("the autostart folder of this user", "the system names no home folder"))?;
    Ok(base.config_dir().join("autostart").join(format!("{NAME}.desktop")))
}

pub fn status() -> Result<Start, Problem> {
    Ok(match atomic::read_bounded(&path()?, MAX_BYTES)? {
        None => Start::Off,
        Some(bytes) if is_hidden(&String::from_utf8_lossy(&bytes)) => {
            Start::SwitchedOff("the desktop's own settings")
        }
        Some(_) => Start::On,
    })
}

pub fn write(words: &[&str]) -> Result<(), Problem> {
    atomic::write(&path()?, entry(words).as_bytes())
}

pub fn remove() -> Result<(), Problem> {
    let path = path()?;
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Problem::io("Cannot change the start on logon", &path, &error, "Remove this file by hand."))
        }
        _ => Ok(()),
    }
}

/// Desktops that let users switch entries off do it with one of these lines.
fn is_hidden(entry: &str) -> bool {
    entry.lines().any(|line| {
        let line: String = line.split_whitespace().collect();
        line.eq_ignore_ascii_case("Hidden=true")
            || line.eq_ignore_ascii_case("X-GNOME-Autostart-enabled=false")
            || line.eq_ignore_ascii_case("X-MATE-Autostart-enabled=false")
    })
}

fn entry(words: &[&str]) -> String {
    let command: Vec<String> = words.iter().map(|word| argument(word)).collect();
    format!(
        "[Desktop Entry]\nType=Application\nName={NAME}\nComment=Watches the licenses of VisualCron servers\n\
         Exec={}\nTerminal=false\nStartupNotify=false\n",
        value(&command.join(" "))
    )
}

/// One argument of an Exec line: quoted where it holds a reserved character, and without field codes.
fn argument(word: &str) -> String {
    const RESERVED: &str = " \t\n\r\"'\\><~|&;$*?#()`";
    let plain = word.replace('%', "%%");
    if !plain.is_empty() && !plain.contains(|c| RESERVED.contains(c)) {
        return plain;
    }
    let mut quoted = String::from("\"");
    for c in plain.chars() {
        if "\"`$\\".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// A text as the value of a key: the escapes of a value come on top of those of an argument.
fn value(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads an Exec line as the specification says.
    fn read(entry: &str) -> Vec<String> {
        let line = entry.lines().find_map(|line| line.strip_prefix("Exec=")).unwrap();
        let mut unescaped = String::new();
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            unescaped.push(match c {
                '\\' => match chars.next().unwrap() {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    's' => ' ',
                    '\\' => '\\',
                    other => panic!("no escape: {other}"),
                },
                c => c,
            });
        }
        let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
        let mut chars = unescaped.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => {
                    quoted = !quoted;
                    word.get_or_insert_default();
                }
                '\\' if quoted => word.get_or_insert_default().push(chars.next().unwrap()),
                ' ' if !quoted => words.extend(word.take()),
                c => word.get_or_insert_default().push(c),
            }
        }
        assert!(!quoted);
        words.extend(word);
        words.into_iter().map(|word| word.replace("%%", "%")).collect()
    }

    #[test]
    fn arguments_are_quoted_where_it_is_needed() {
        let words =
            ["/opt/visualcron-tray", "--config", "/home/me/My $ettings 100%.toml", "--data-dir", r"/a\b"];
        let entry = entry(&words);
        insta::assert_snapshot!(entry, @r#"
        [Desktop Entry]
        Type=Application
        Name=visualcron-tray
        Comment=Watches the licenses of VisualCron servers
        Exec=/opt/visualcron-tray --config "/home/me/My \\$ettings 100%%.toml" --data-dir "/a\\\\b"
        Terminal=false
        StartupNotify=false
        "#);
        assert_eq!(read(&entry), words);
    }

    #[test]
    fn an_entry_that_the_desktop_switched_off_is_off() {
        assert!(!is_hidden(&entry(&["/opt/x"])));
        for line in ["Hidden=true", "Hidden = True", "X-GNOME-Autostart-enabled=false"] {
            assert!(is_hidden(&format!("{}{line}\n", entry(&["/opt/x"]))), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_command_comes_back_whole(words in prop::collection::vec("[^\\x00]{0,20}", 1..5)) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let entry = entry(&words);
            prop_assert_eq!(read(&entry), words);
        }
    }
}
