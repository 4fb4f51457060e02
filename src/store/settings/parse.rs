//! Strict reading of the settings file: every mistake at once, each with its line and column.

use super::{
    MAX_FILE, MAX_PROBLEMS, MAX_SERVERS, Server, Settings,
    keys::{AnySlot, KeyInfo, SECTIONS, header, help_for_unknown, keys_of},
    machine::may_lock,
    place::Lines,
    slot::Wrong,
};
use crate::domain::{Fault, Problem};
use std::{collections::HashMap, path::Path};
use toml_edit::{Document, Item, Key, TableLike};

/// Reads the settings file's text. `path` is only for the messages.
///
/// # Errors
///
/// Every mistake, in the order of the file, at most [`MAX_PROBLEMS`]. No message holds a value of the file, so
/// none can give an activation code away. After a syntax error nothing else is looked at.
pub fn parse(text: &str, path: &Path) -> Result<Settings, Vec<Problem>> {
    parse_located(text, path).map(|located| located.settings)
}

/// Settings, and on which line of the file each value stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Located {
    pub(super) settings: Settings,
    /// By full key, without those of servers.
    pub(super) lines: HashMap<&'static str, usize>,
    /// For each server, by full key.
    pub(super) servers: Vec<HashMap<&'static str, usize>>,
    /// The keys and sections that the machine's file locks.
    pub(super) locked: Vec<String>,
}

/// The text without a byte order mark.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

pub(super) fn parse_located(text: &str, path: &Path) -> Result<Located, Vec<Problem>> {
    parse_file(text, path, false)
}

/// As [`parse_located`], for the machine's file: it may lock keys.
pub(super) fn parse_machine(text: &str, path: &Path) -> Result<Located, Vec<Problem>> {
    parse_file(text, path, true)
}

fn parse_file(text: &str, path: &Path, machine: bool) -> Result<Located, Vec<Problem>> {
    if text.len() as u64 > MAX_FILE {
        return Err(vec![Problem::new(
            Fault::Config,
            "The settings file is too large",
            path.display().to_string(),
            format!("it has more than {} MiB", MAX_FILE / 1024 / 1024),
            "Check that it is the right file",
        )]);
    }
    let text = without_mark(text);
    let lines = Lines::new(text);
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => return Err(vec![syntax_problem(&error, text, &lines, path)]),
    };
    let mut reader =
        Reader { path, lines: &lines, machine, problems: Vec::new(), located: Located::default() };
    reader.root(document.as_table());
    reader.finish()
}

/// A syntax error. The parser's words name what was expected, never what stands there.
fn syntax_problem(error: &toml_edit::TomlError, text: &str, lines: &Lines<'_>, path: &Path) -> Problem {
    let at = error.span().map_or(text.len(), |span| span.start);
    let line = &text[lines.start_of_line(at)..lines.end_of_line(at)];
    let message = error.message();
    let in_escape = ["escape", "unicode", "hexadecimal"].iter().any(|word| message.contains(word));
    let (why, next) = if in_escape && line.contains('\\') && line.contains('"') {
        (
            "between double quotes a backslash starts an escape",
            "Put a path between single quotes: 'C:\\Folder'",
        )
    } else if message.contains("must be quoted") {
        (message, "Put the text between double quotes")
    } else if message.starts_with("duplicate key") {
        (message, "Keep one of the two")
    } else {
        (message, "Correct this line")
    };
    Problem::new(Fault::Config, "The settings file is no valid TOML", lines.place(path, at), why, next)
}

struct Reader<'r> {
    path: &'r Path,
    lines: &'r Lines<'r>,
    /// It is the machine's file.
    machine: bool,
    problems: Vec<(usize, Problem)>,
    located: Located,
}

impl Reader<'_> {
    fn finish(mut self) -> Result<Located, Vec<Problem>> {
        if self.problems.is_empty() {
            return Ok(self.located);
        }
        self.problems.sort_by_key(|(at, _)| *at);
        Err(self.problems.into_iter().take(MAX_PROBLEMS).map(|(_, problem)| problem).collect())
    }

    fn problem(&mut self, at: usize, what: &str, why: String, next: String) {
        if !self.is_full() {
            let place = self.lines.place(self.path, at);
            self.problems.push((at, Problem::new(Fault::Config, what, place, why, next)));
        }
    }

    /// Far more than are reported, so that sorting them still gives the first; yet not a file full.
    fn is_full(&self) -> bool {
        self.problems.len() >= 50 * MAX_PROBLEMS
    }

    fn root(&mut self, root: &dyn TableLike) {
        for (name, item) in root.iter() {
            let at = key_offset(root.key(name), item);
            if self.machine && name == LOCKED {
                self.locked(at, item);
            } else if name == LOCKED {
                let why = "only the machine's settings file can lock".to_string();
                self.problem(at, "Unknown key in the settings", why, "Remove it".into());
            } else if !SECTIONS.contains(&name) {
                self.unknown(at, "", name);
            } else if name == "server" {
                self.servers(at, item);
            } else if let Some(section) = item.as_table_like() {
                let mut settings = std::mem::take(&mut self.located.settings);
                let mut seen = HashMap::new();
                self.section(name, section, &mut seen, &mut |info, value| match &info.slot {
                    AnySlot::Settings(slot) => slot.read(&mut settings, value),
                    AnySlot::Server(_) => Ok(()),
                });
                self.located.settings = settings;
                self.located.lines.extend(seen);
            } else {
                let why = format!("{name} must be a section");
                self.problem(at, WRONG, why, format!("Write {} on a line of its own", header(name)));
            }
        }
    }

    fn locked(&mut self, at: usize, item: &Item) {
        let Some(list) = item.as_array() else {
            let next = "For example: locked = [\"notices.quiet_hours\", \"pages\"]".to_string();
            return self.problem(at, WRONG, "locked must be a list of keys or sections".into(), next);
        };
        for value in list {
            let at = value.span().map_or(at, |span| span.start);
            match value.as_str() {
                Some(name) if may_lock(name) => self.located.locked.push(name.to_string()),
                Some(name) => {
                    let (section, key) = name.split_once('.').unwrap_or(("", name));
                    let next = match section {
                        "server" => "Servers are locked all together: \"server\"".to_string(),
                        _ => help_for_unknown(section, key),
                    };
                    let why = format!("there is no key or section {}", shortened(name));
                    self.problem(at, "Unknown key in the settings", why, next);
                }
                None => {
                    let why = "locked must be a list of keys or sections".to_string();
                    self.problem(at, WRONG, why, "Put each between double quotes".into());
                }
            }
        }
    }

    fn servers(&mut self, at: usize, item: &Item) {
        let tables: Vec<(usize, &dyn TableLike)> = match item {
            Item::ArrayOfTables(tables) => {
                tables.iter().map(|table| (table.span().map_or(at, |span| span.start), table as _)).collect()
            }
            Item::Value(toml_edit::Value::Array(list)) => {
                let tables = list.iter().filter_map(|value| {
                    let table = value.as_inline_table()?;
                    Some((table.span().map_or(at, |span| span.start), table as _))
                });
                let tables: Vec<_> = tables.collect();
                if tables.len() != list.len() {
                    self.no_list_of_servers(at);
                    return;
                }
                tables
            }
            _ => {
                self.no_list_of_servers(at);
                return;
            }
        };
        if tables.len() > MAX_SERVERS {
            let why = format!("there are {} servers; at most {MAX_SERVERS} are allowed", tables.len());
            self.problem(at, "Too many servers in the settings", why, "Remove some of them".into());
            return;
        }
        let mut by_name = HashMap::new();
        for (at, table) in tables {
            self.server(at, table, &mut by_name);
        }
    }

    fn no_list_of_servers(&mut self, at: usize) {
        let why = "servers are a list, one section each".into();
        self.problem(at, WRONG, why, "Write [[server]] with two brackets on each side".into());
    }

    fn server(&mut self, at: usize, table: &dyn TableLike, by_name: &mut HashMap<String, usize>) {
        let mut server = Server::default();
        let mut seen = HashMap::new();
        self.section("server", table, &mut seen, &mut |info, value| match &info.slot {
            AnySlot::Server(slot) => slot.read(&mut server, value),
            AnySlot::Settings(_) => Ok(()),
        });
        if !table.contains_key("name") && !table.contains_key("address") {
            let next = "Give it a name or an address, or remove the section".into();
            self.problem(at, WRONG, "the server has neither a name nor an address".into(), next);
        }
        // Keys such as server.PROD-01.port must mean one server.
        let title = match (&server.name, &server.address, server.port) {
            (None, Some(address), Some(port)) => format!("{address}:{port}").to_lowercase(),
            _ => server.title().to_lowercase(),
        };
        if !title.is_empty() {
            let line = self.lines.line(at);
            if let Some(other) = by_name.get(&title) {
                let why = format!("the server on line {other} is called the same");
                self.problem(
                    at,
                    "Two servers of the same name in the settings",
                    why,
                    "Rename or remove one".into(),
                );
            } else {
                by_name.insert(title, line);
            }
        }
        self.located.settings.servers.push(server);
        self.located.servers.push(seen);
    }

    fn section(
        &mut self,
        section: &str,
        table: &dyn TableLike,
        seen: &mut HashMap<&'static str, usize>,
        read: &mut dyn FnMut(&KeyInfo, &toml_edit::Value) -> Result<(), Wrong>,
    ) {
        for (name, item) in table.iter() {
            let at = key_offset(table.key(name), item);
            let Some(info) = keys_of(section).find(|info| info.name() == name) else {
                self.unknown(at, section, name);
                continue;
            };
            let Some(value) = item.as_value() else {
                self.wrong(at, info, Wrong { found: Some("a section"), ..Wrong::default() });
                continue;
            };
            match read(info, value) {
                Ok(()) => {
                    seen.insert(info.key, self.lines.line(at));
                }
                Err(wrong) => {
                    let part = wrong.part.clone().or_else(|| value.span());
                    self.wrong(part.map_or(at, |span| span.start), info, wrong);
                }
            }
        }
    }

    fn unknown(&mut self, at: usize, section: &str, name: &str) {
        if self.is_full() {
            return; // looking for the nearest key takes its time
        }
        let shown = shortened(name);
        let why = match section {
            "" => format!("there is no section or key {shown}"),
            _ => format!("{} has no key {shown}", header(section)),
        };
        self.problem(at, "Unknown key in the settings", why, help_for_unknown(section, name));
    }

    fn wrong(&mut self, at: usize, info: &KeyInfo, wrong: Wrong) {
        self.problem(at, WRONG, why_wrong(info, &wrong), next_for(info));
    }
}

/// The list of what a user's file cannot change.
const LOCKED: &str = "locked";
const WRONG: &str = "Wrong value in the settings";

/// `notices.expiring_days must be a whole number from 0 to 3650, not a text`.
pub(super) fn why_wrong(info: &KeyInfo, wrong: &Wrong) -> String {
    let mut why = format!("{} must be {}", info.name(), info.allowed());
    if let Some(found) = wrong.found {
        why.push_str(", not ");
        why.push_str(found);
    }
    if let Some(hint) = wrong.hint {
        why.push_str("; ");
        why.push_str(hint);
    }
    why
}

fn next_for(info: &KeyInfo) -> String {
    match (info.default(), info.example) {
        (Some(default), _) => format!("Correct it, or remove the line for the default, {default}"),
        (None, Some(example)) => format!("Correct it, for example: {} = {example}", info.name()),
        (None, None) => "Correct it, or remove the line".into(),
    }
}

fn key_offset(key: Option<&Key>, item: &Item) -> usize {
    // A section's key is its header; a server's header is more exact than the key of the list.
    let span = key.and_then(Key::span).or_else(|| item.span());
    span.map_or(0, |span| span.start)
}

/// A key as it may be shown: without control characters, not too long.
pub(super) fn shortened(name: &str) -> String {
    let mut shown: String =
        name.chars().take(40).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    if shown.is_empty() { "\"\"".into() } else { shown }
}
