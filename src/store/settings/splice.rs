//! Where in the text of the file a change goes. Works on the text by the parser's positions; what is laid out
//! in an unusual way (inline tables, dotted keys) goes through the parser's own document instead.

use super::{
    Settings,
    keys::{KeyInfo, header},
    place::Lines,
};
use toml_edit::{Document, DocumentMut, InlineTable, Item, Key, Table, TableLike, Value};

/// A key in its section, or in the server of this number.
pub(super) struct Spot {
    pub(super) info: &'static KeyInfo,
    pub(super) server: Option<usize>,
}

/// Puts a value in: in the place of the present one, else below the comment that tells of the key, else below
/// the last key of the section, else in a new section at the end. `wanted` names a new server.
pub(super) fn put(body: &str, spot: &Spot, toml: &str, wanted: &Settings) -> Option<String> {
    let document = Document::parse(body).ok()?;
    let lines = Lines::new(body);
    let name = spot.info.name();
    let Some((table, start)) = find(&document, spot) else {
        return Some(append(body, spot, toml, wanted));
    };
    if let Some(value) = table.get(name) {
        let span = value.span()?;
        return Some(format!("{}{toml}{}", &body[..span.start], &body[span.end..]));
    }
    let start = start?;
    let anchor = match spot.server {
        None => comment_line(body, &lines, start, end_of_section(&document, start, body.len()), name),
        Some(_) => None,
    };
    let anchor = anchor.or_else(|| last_value(table)).unwrap_or(start);
    let line = &body[lines.start_of_line(anchor)..lines.end_of_line(anchor)];
    let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    let at = lines.end_of_line(anchor);
    let newline = newline(body);
    let before = if body[..at].ends_with('\n') { "" } else { newline };
    Some(format!("{}{before}{indent}{name} = {toml}{newline}{}", &body[..at], &body[at..]))
}

/// Takes a value out with its line; a comment behind it stays.
pub(super) fn take_out(body: &str, spot: &Spot) -> Option<String> {
    let document = Document::parse(body).ok()?;
    let lines = Lines::new(body);
    let (table, _) = find(&document, spot)?;
    let key = table.key(spot.info.name()).and_then(Key::span)?;
    let value = table.get(spot.info.name()).and_then(Item::span)?;
    let (start, end) = (lines.start_of_line(key.start), lines.end_of_line(value.end));
    let (before, behind) = (&body[start..key.start], body[value.end..end].trim_start());
    if !before.trim().is_empty() || !(behind.is_empty() || behind.starts_with('#')) {
        return None;
    }
    let kept = if behind.is_empty() { String::new() } else { format!("{before}{behind}") };
    Some(format!("{}{kept}{}", &body[..start], &body[end..]))
}

/// Cuts a `[[server]]` out, from its header to its last value, with the blank line above.
pub(super) fn cut_server(body: &str, server: usize) -> Option<String> {
    let document = Document::parse(body).ok()?;
    let lines = Lines::new(body);
    let table = document.get("server")?.as_array_of_tables()?.get(server)?;
    let start = lines.start_of_line(table.span()?.start);
    let end = lines.end_of_line(last_value(table).unwrap_or(table.span()?.start));
    let above = start.checked_sub(1).map(|at| lines.start_of_line(at));
    let start = above.filter(|above| body[*above..start].trim().is_empty()).unwrap_or(start);
    Some(format!("{}{}", &body[..start], &body[end..]))
}

/// The same change by the parser's own document. May change the layout around the value.
pub(super) fn by_document(body: &str, spot: &Spot, toml: Option<&str>, wanted: &Settings) -> Option<String> {
    let mut document: DocumentMut = body.parse().ok()?;
    let name = spot.info.name();
    let table: &mut dyn TableLike = match spot.server {
        None => {
            let section = document.entry(spot.info.section()).or_insert(Item::Table(Table::new()));
            section.as_table_like_mut()?
        }
        Some(server) => match document.get_mut("server")? {
            Item::ArrayOfTables(tables) => tables.get_mut(server)?,
            Item::Value(Value::Array(list)) => {
                if server == list.len() {
                    let mut table = InlineTable::new();
                    if let Some(given) = name_of(wanted, server) {
                        table.insert("name", given);
                    }
                    list.push(table);
                }
                list.get_mut(server)?.as_inline_table_mut()?
            }
            _ => return None,
        },
    };
    match toml {
        Some(toml) => drop(table.insert(name, Item::Value(toml.parse().ok()?))),
        None => drop(table.remove(name)?),
    }
    Some(with_line_ends_of(body, document.to_string()))
}

/// As [`cut_server`], by the parser's own document.
pub(super) fn cut_server_by_document(body: &str, server: usize) -> Option<String> {
    let mut document: DocumentMut = body.parse().ok()?;
    match document.get_mut("server")? {
        Item::ArrayOfTables(tables) if server < tables.len() => {
            tables.remove(server);
        }
        Item::Value(Value::Array(list)) if server < list.len() => {
            list.remove(server);
        }
        _ => return None,
    }
    Some(with_line_ends_of(body, document.to_string()))
}

/// The table of a spot, and where its header starts. Without a header of its own: the table alone.
fn find<'d>(document: &'d Document<&str>, spot: &Spot) -> Option<(&'d dyn TableLike, Option<usize>)> {
    let item = document.get(spot.info.section())?;
    let table = match (spot.server, item) {
        (None, Item::Table(table)) => table,
        (None, Item::Value(Value::InlineTable(table))) => return Some((table, None)),
        (Some(server), Item::ArrayOfTables(tables)) => tables.get(server)?,
        (Some(server), Item::Value(Value::Array(list))) => {
            return Some((list.get(server)?.as_inline_table()?, None));
        }
        _ => return None,
    };
    Some((table, header_start(table)))
}

fn header_start(table: &Table) -> Option<usize> {
    if table.is_implicit() || table.is_dotted() { None } else { table.span().map(|span| span.start) }
}

/// Where the section that starts here ends: at the next header.
fn end_of_section(document: &Document<&str>, start: usize, end: usize) -> usize {
    let mut starts = Vec::new();
    for (_, item) in document.iter() {
        match item {
            Item::Table(table) => starts.extend(header_start(table)),
            Item::ArrayOfTables(tables) => starts.extend(tables.iter().filter_map(header_start)),
            _ => {}
        }
    }
    starts.into_iter().filter(|other| *other > start).min().unwrap_or(end)
}

/// The end of the last value of a table.
fn last_value(table: &dyn TableLike) -> Option<usize> {
    table.iter().filter_map(|(_, item)| item.span()).map(|span| span.end).max()
}

/// The first comment in the section that shows this key: `#key = …` or `# For example: key = …`.
fn comment_line(body: &str, lines: &Lines<'_>, start: usize, end: usize, name: &str) -> Option<usize> {
    let mut at = lines.end_of_line(start);
    while at < end {
        let next = lines.end_of_line(at);
        let line = body[at..next].trim();
        if let Some(comment) = line.strip_prefix('#') {
            let comment = comment.trim_start();
            let comment = comment.strip_prefix("For example:").unwrap_or(comment).trim_start();
            if comment.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('=')) {
                return Some(at);
            }
        }
        at = next;
    }
    None
}

fn append(body: &str, spot: &Spot, toml: &str, wanted: &Settings) -> String {
    let newline = newline(body);
    let mut new = body.to_string();
    if !new.is_empty() {
        if !new.ends_with('\n') {
            new.push_str(newline);
        }
        new.push_str(newline);
    }
    let name = spot.info.name();
    new.push_str(&format!("{}{newline}", header(spot.info.section())));
    if let Some(given) = spot.server.and_then(|server| name_of(wanted, server))
        && name != "name"
    {
        new.push_str(&format!("name = {given}{newline}"));
    }
    new.push_str(&format!("{name} = {toml}{newline}"));
    new
}

fn name_of(wanted: &Settings, server: usize) -> Option<Value> {
    Some(wanted.servers.get(server)?.name.as_deref()?.into())
}

/// How the lines of this text end, by the first.
fn newline(body: &str) -> &'static str {
    match body.find('\n') {
        Some(at) if body[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

fn with_line_ends_of(body: &str, new: String) -> String {
    if newline(body) == "\r\n" { new.replace("\r\n", "\n").replace('\n', "\r\n") } else { new }
}
