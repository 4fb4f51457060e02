//! A value of the user's Run key. What Task Manager switches off stands beside it, in StartupApproved.
#![cfg_attr(not(windows), allow(dead_code))]

#[cfg(windows)]
pub use registry::{entry, remove, repair, status, write};

/// The longest command that Windows starts from there, in UTF-16 units (documented).
const LONGEST: usize = 260;

/// A program and its arguments, quoted as C programs and `CommandLineToArgvW` read them.
pub fn line(words: &[&str]) -> String {
    let quoted = words
        .iter()
        .enumerate()
        .map(|(at, word)| if at == 0 { format!("\"{word}\"") } else { argument(word) });
    quoted.collect::<Vec<_>>().join(" ")
}

/// The line for the Run key; why not, where it is too long.
fn command(words: &[&str]) -> Result<String, String> {
    short(line(words))
}

/// A command parted into its program and all that comes after it. The program is quoted, or ends at the first blank.
fn parted(command: &str) -> (&str, &str) {
    let command = command.trim_start();
    match command.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => command.split_at(command.find([' ', '\t']).unwrap_or(command.len())),
    }
}

/// The same command for another program.
fn renamed(command: &str, program: &str) -> Result<String, String> {
    short(format!("\"{program}\"{}", parted(command).1))
}

fn short(command: String) -> Result<String, String> {
    match command.encode_utf16().count() {
        units if units > LONGEST => {
            Err(format!("the command has {units} characters, and Windows starts at most {LONGEST} there"))
        }
        _ => Ok(command),
    }
}

fn argument(word: &str) -> String {
    if !word.is_empty() && !word.contains([' ', '\t', '\n', '\u{b}', '"']) {
        return word.to_string();
    }
    let mut quoted = String::from("\"");
    let mut backslashes = 0;
    for c in word.chars() {
        // Backslashes count only before a quotation mark.
        if c == '"' {
            quoted.push_str(&"\\".repeat(backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        quoted.push(c);
    }
    quoted.push_str(&"\\".repeat(backslashes));
    quoted.push('"');
    quoted
}

/// What Task Manager writes: an odd first byte is off, and the time of it follows (inferred; not published).
fn is_switched_off(approved: &[u8]) -> bool {
    approved.first().is_some_and(|first| first & 1 == 1)
}

#[cfg(windows)]
mod registry {
    use super::super::{NAME, Start, failed};
    use crate::{
        domain::{Fault, Problem},
        platform::windows::found,
    };
    use std::path::Path;
    use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE, Result};

    /// See [`after_installing`](super::super::after_installing).
    pub fn repair(program: &str, wanted: bool) -> std::result::Result<(), Problem> {
        let run = CURRENT_USER.create(RUN).map_err(why)?;
        let command = match found(run.get_string(NAME)).map_err(why)? {
            Some(command) if Path::new(super::parted(&command).0).is_file() => return Ok(()),
            Some(command) => super::renamed(&command, program),
            None if wanted => super::command(&[program]),
            None => return Ok(()),
        };
        run.set_string(NAME, command.map_err(|why| failed(&place(), why))?).map_err(why)
    }

    const RUN: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";
    const APPROVED: &str = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run";
    const TASK_MANAGER: &str = "Task Manager";

    fn start(root: &Key) -> Result<Start> {
        if found(root.open(RUN).and_then(|run| run.get_type(NAME)))?.is_none() {
            return Ok(Start::Off);
        }
        let approved = found(root.open(APPROVED).and_then(|approved| approved.get_value(NAME)))?;
        let off = approved.is_some_and(|bytes| super::is_switched_off(&bytes));
        Ok(if off { Start::SwitchedOff(TASK_MANAGER) } else { Start::On })
    }

    /// The command, switched off or not.
    pub fn entry() -> std::result::Result<Option<String>, Problem> {
        for root in [CURRENT_USER, LOCAL_MACHINE] {
            if let Some(command) = found(root.open(RUN).and_then(|run| run.get_string(NAME))).map_err(why)? {
                return Ok(Some(command));
            }
        }
        Ok(None)
    }

    pub fn status() -> std::result::Result<Start, Problem> {
        let both = || -> Result<_> { Ok((start(CURRENT_USER)?, start(LOCAL_MACHINE)?)) };
        Ok(match both().map_err(why)? {
            (Start::On, _) => Start::On,
            (_, Start::On) => Start::ForAllUsers,
            (Start::Off, machine) => machine,
            (user, _) => user,
        })
    }

    pub fn write(words: &[&str]) -> std::result::Result<(), Problem> {
        // Started twice, the second would only say that there is a first.
        if words.len() == 1 && start(LOCAL_MACHINE).map_err(why)? == Start::On {
            return Ok(());
        }
        let command = super::command(words).map_err(|why| failed(&place(), why))?;
        CURRENT_USER.create(RUN).and_then(|run| run.set_string(NAME, command)).map_err(why)?;
        forget_approval().map_err(why)
    }

    pub fn remove() -> std::result::Result<(), Problem> {
        let open = CURRENT_USER.options().read().write().open(RUN);
        found(open.and_then(|run| run.remove_value(NAME))).map_err(why)?;
        forget_approval().map_err(why)?;
        match start(LOCAL_MACHINE).map_err(why)? {
            Start::On => Err(Problem::new(
                Fault::Permission,
                "Cannot switch the start on logon off",
                format!(r"HKEY_LOCAL_MACHINE\{RUN}, {NAME}"),
                "the installer or an administrator set it for all users of this machine",
                "Switch it off in Task Manager, Startup, or ask the administrator.",
            )),
            _ => Ok(()),
        }
    }

    fn forget_approval() -> Result<()> {
        let open = CURRENT_USER.options().read().write().open(APPROVED);
        found(open.and_then(|approved| approved.remove_value(NAME))).map(|_| ())
    }

    fn place() -> String {
        format!(r"HKEY_CURRENT_USER\{RUN}, {NAME}")
    }

    fn why(error: impl std::fmt::Display) -> Problem {
        failed(&place(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a command as `CommandLineToArgvW` does.
    fn read(command: &str) -> Vec<String> {
        let mut words = Vec::new();
        // The program ends at its second quotation mark, whatever stands between.
        let (program, mut rest) = command.strip_prefix('"').unwrap().split_once('"').unwrap();
        words.push(program.to_string());
        while let Some(next) = rest.strip_prefix(' ') {
            let (mut word, mut quoted, mut at) = (String::new(), false, next);
            loop {
                let count = at.len() - at.trim_start_matches('\\').len();
                at = &at[count..];
                let Some(c) = at.chars().next() else {
                    word.push_str(&"\\".repeat(count));
                    break;
                };
                if c == '"' {
                    word.push_str(&"\\".repeat(count / 2));
                    if count % 2 == 1 { word.push('"') } else { quoted = !quoted }
                } else {
                    word.push_str(&"\\".repeat(count));
                    if !quoted && c == ' ' {
                        break;
                    }
                    word.push(c);
                }
                at = &at[c.len_utf8()..];
            }
            words.push(word);
            rest = at;
        }
        words
    }

    #[test]
    fn the_command_is_quoted() {
        let program = r"C:\Program Files\visualcron-tray\visualcron-tray.exe";
        assert_eq!(command(&[program]).unwrap(), format!("\"{program}\""));
        let words = [program, "--config", r"C:\My Settings\", "--data-dir", r"D:\data\"];
        let command = command(&words).unwrap();
        assert_eq!(
            command,
            r#""C:\Program Files\visualcron-tray\visualcron-tray.exe" --config "C:\My Settings\\" --data-dir D:\data\"#
        );
        assert_eq!(read(&command), words);
    }

    #[test]
    fn a_command_that_windows_would_not_start_is_refused() {
        let long = "x".repeat(300);
        assert!(command(&["C:\\x.exe", &long]).unwrap_err().contains("at most 260"));
    }

    #[test]
    fn another_program_gets_the_same_options() {
        for (command, program, rest) in [
            (r#""C:\a b\x.exe" --config "C:\c d\s.toml""#, r"C:\a b\x.exe", r#" --config "C:\c d\s.toml""#),
            (r"C:\x.exe --data-dir D:\d\", r"C:\x.exe", r" --data-dir D:\d\"),
            (r#""C:\x.exe""#, r"C:\x.exe", ""),
            (r"C:\x.exe", r"C:\x.exe", ""),
            (r#""C:\x.exe"#, r"C:\x.exe", ""),
            ("", "", ""),
        ] {
            assert_eq!(parted(command), (program, rest), "{command}");
            assert_eq!(renamed(command, r"D:\new\y.exe").unwrap(), format!("\"D:\\new\\y.exe\"{rest}"));
        }
        assert!(renamed(&format!("x {}", "y".repeat(250)), r"D:\new\y.exe").is_err());
    }

    #[test]
    fn what_task_manager_switched_off_is_off() {
        let on = [2u8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let off = [3u8, 0, 0, 0, 0x40, 0x8a, 0x1b, 0x61, 0x3f, 0x3b, 0xdb, 1];
        assert!(!is_switched_off(&on) && !is_switched_off(&[6, 0, 0, 0]) && !is_switched_off(&[]));
        assert!(is_switched_off(&off) && is_switched_off(&[7, 0, 0, 0]));
    }

    proptest! {
        #[test]
        fn any_command_comes_back_whole(words in prop::collection::vec("[ a-c\\\\\"ä]{0,12}", 0..5)) {
            let words: Vec<&str> =
                [r"C:\a b\x.exe"].into_iter().chain(words.iter().map(String::as_str)).collect();
            prop_assert_eq!(read(&command(&words).unwrap()), words);
        }
    }
}
