//! The licenses that a host answers for: a plain TOML or CSV file, read strictly, each mistake named with its line.

use crate::domain::{
    Fault, Kind, Problem, Secret,
    text::acts,
    validation::{Claims, Request, Verdict, code_digest, same_server},
};
use jiff::{SignedDuration, Timestamp, civil::Date};
use std::{collections::HashMap, path::Path};
use toml_edit::{Document, Item, TableLike, Value};

/// The most bytes of the file: 100,000 licenses need about 20 MiB.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// The most licenses in it.
const MAX_LICENSES: usize = 200_000;
/// The most mistakes that are named.
const MAX_MISTAKES: usize = 20;
/// The fields of a license: those of a TOML section, and the columns of a CSV file.
const FIELDS: [&str; 7] =
    ["activation_code", "server_id", "name", "kind", "edition", "maintenance_until", "revoked"];

/// One license. Its activation code is not held, only a digest of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// What the administrator calls it; for the audit log.
    pub name: Option<String>,
    /// The server that it belongs to.
    pub server_id: String,
    /// Its kind.
    pub kind: Kind,
    /// The edition.
    pub edition: Option<String>,
    /// The last day of the Maintenance (or subscription, or trial).
    pub maintenance_until: Date,
    /// It was revoked.
    pub revoked: bool,
}

/// All licenses of a host.
#[derive(Clone, Debug)]
pub struct Licenses {
    by_code: HashMap<[u8; 32], License>,
    /// How many days after a validation the next is due: 1 to 365.
    pub validate_every_days: u32,
    /// How many days later the server may stop: 0 to 365.
    pub grace_days: u32,
}

impl Default for Licenses {
    fn default() -> Self {
        Licenses { by_code: HashMap::new(), validate_every_days: 30, grace_days: 14 }
    }
}

/// A mistake in the file. It never shows an activation code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, as a sentence without its end mark.
    pub what: String,
}

/// The format of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `[[license]]` sections.
    Toml,
    /// A line with the names of the columns, then one license a line.
    Csv,
}

impl Format {
    /// By the file's ending; TOML unless it is `.csv`.
    pub fn of(path: &Path) -> Format {
        match path.extension() {
            Some(ending) if ending.eq_ignore_ascii_case("csv") => Format::Csv,
            _ => Format::Toml,
        }
    }
}

impl Licenses {
    /// Reads the file's content.
    ///
    /// # Errors
    ///
    /// The mistakes, in the order of their lines, at most 20 of them.
    pub fn parse(bytes: &[u8], format: Format) -> Result<Licenses, Vec<Mistake>> {
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            vec![Mistake { line, what: "it is not UTF-8 text".into() }]
        })?;
        let mut reader = Reader::default();
        match format {
            Format::Toml => reader.toml(text),
            Format::Csv => reader.csv(text),
        }
        if reader.mistakes.is_empty() {
            return Ok(reader.licenses);
        }
        reader.mistakes.sort_by_key(|mistake| mistake.line);
        reader.mistakes.truncate(MAX_MISTAKES);
        Err(reader.mistakes)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_code.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.by_code.is_empty()
    }

    /// What is stated of the license that is asked for, and the license where there is one. A token that is issued now
    /// lives for `lifetime`.
    pub fn answer(
        &self,
        request: &Request,
        now: Timestamp,
        lifetime: SignedDuration,
    ) -> (Claims, Option<&License>) {
        let license = self.by_code.get(&code_digest(&request.activation_code));
        let verdict = match license {
            None => Verdict::UnknownCode,
            Some(license) if !same_server(&license.server_id, &request.server_id) => Verdict::WrongServer,
            Some(License { revoked: true, .. }) => Verdict::Revoked,
            Some(_) => Verdict::Valid,
        };
        let stated = license.filter(|_| verdict == Verdict::Valid);
        let days = |days: u32| SignedDuration::from_hours(24 * i64::from(days));
        // Whole seconds, as in `iat`.
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let after = |from: Timestamp, by: SignedDuration| from.saturating_add(by).unwrap_or(Timestamp::MAX);
        let validate_next = after(now, days(self.validate_every_days));
        let until = stated.map(|license| license.maintenance_until);
        let newest = until.and_then(crate::domain::coverage::newest_covered);
        let claims = Claims {
            protocol: crate::domain::validation::PROTOCOL,
            nonce: request.nonce,
            server_id: request.server_id.clone(),
            verdict,
            kind: stated.map(|license| license.kind),
            edition: stated.and_then(|license| license.edition.clone()),
            maintenance_until: until,
            newest_covered: newest.map(|release| release.version),
            validate_next,
            validate_by: after(validate_next, days(self.grace_days)),
            iat: now,
            exp: after(now, lifetime),
        };
        (claims, license)
    }
}

/// A mistake as a problem with the file.
pub fn problem(path: &Path, mistakes: &[Mistake]) -> Problem {
    let (line, what) = mistakes.first().map_or((1, ""), |first| (first.line, first.what.as_str()));
    let more = match mistakes.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    Problem::new(
        Fault::Data,
        "The licenses cannot be used",
        format!("{}, line {line}", path.display()),
        format!("{what}{more}"),
        "Correct the line; docs/license-host.md describes the file.",
    )
}

#[derive(Default)]
struct Reader {
    licenses: Licenses,
    lines: HashMap<[u8; 32], usize>,
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn mistake(&mut self, line: usize, what: impl Into<String>) {
        // More than are named, so that sorting gives the first; yet not a file full.
        if self.mistakes.len() < 50 * MAX_MISTAKES {
            self.mistakes.push(Mistake { line, what: what.into() });
        }
    }

    /// Section by section: a tree of the whole file would take thirty times its size in memory.
    fn toml(&mut self, text: &str) {
        let (mut start, mut first, mut at) = (0, 0, 0);
        for (number, line) in text.split_inclusive('\n').enumerate() {
            if line.starts_with("[[license]]") && at > start {
                self.part(&text[start..at], first);
                (start, first) = (at, number);
            }
            at += line.len();
        }
        self.part(&text[start..], first);
    }

    /// A part of the file, which has so many lines before it.
    fn part(&mut self, text: &str, before: usize) {
        let line_of =
            |at: usize| before + 1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        let document = match Document::parse(text) {
            Ok(document) => document,
            // The parser's words name what was expected, never what stands there.
            Err(error) => {
                let line = line_of(error.span().map_or(text.len(), |span| span.start));
                return self
                    .mistake(line, format!("it is no valid TOML: {}", error.message().replace('\n', " ")));
            }
        };
        let root = document.as_table();
        for (name, item) in root.iter() {
            let span = root.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
            let line = line_of(span.map_or(0, |span| span.start));
            match (name, item) {
                ("validate_every_days", item) => match days(item, 1) {
                    Some(days) => self.licenses.validate_every_days = days,
                    None => self.mistake(line, "validate_every_days must be a whole number from 1 to 365"),
                },
                ("grace_days", item) => match days(item, 0) {
                    Some(days) => self.licenses.grace_days = days,
                    None => self.mistake(line, "grace_days must be a whole number from 0 to 365"),
                },
                ("license", Item::ArrayOfTables(tables)) => {
                    for table in tables.iter() {
                        let line = line_of(table.span().map_or(0, |span| span.start));
                        self.section(table, line, &line_of);
                    }
                }
                ("license", _) => self.mistake(line, "write [[license]] with two brackets on each side"),
                _ => self.mistake(
                    line,
                    format!(
                        "there is no {}; there are validate_every_days, grace_days and [[license]]",
                        shown(name)
                    ),
                ),
            }
        }
    }

    fn section(&mut self, table: &dyn TableLike, line: usize, line_of: &dyn Fn(usize) -> usize) {
        let mut fields = Fields { line, ..Fields::default() };
        for (name, item) in table.iter() {
            let span = table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
            let at = line_of(span.map_or(0, |span| span.start));
            let Some(index) = FIELDS.iter().position(|field| *field == name) else {
                self.mistake(at, unknown(name));
                continue;
            };
            let value = match item.as_value() {
                Some(Value::String(text)) => text.value().clone(),
                Some(Value::Datetime(date)) if name == "maintenance_until" => date.value().to_string(),
                Some(Value::Boolean(on)) if name == "revoked" => on.value().to_string(),
                _ => {
                    self.mistake(at, format!("{name} must be a text between quotes"));
                    fields.broken = true;
                    continue;
                }
            };
            fields.values[index] = Some((value, at));
        }
        self.license(fields);
    }

    fn csv(&mut self, text: &str) {
        let first = text.lines().next().unwrap_or("");
        // What spreadsheets of many countries write.
        let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut columns: Option<Vec<usize>> = None;
        let mut record = csv::StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => return self.mistake(1, "it is no valid CSV"),
            }
            let line = record.position().map_or(1, |position| line_of_record(text, position));
            let Some(columns) = &columns else {
                let mut found = Vec::new();
                for name in &record {
                    match FIELDS.iter().position(|field| field.eq_ignore_ascii_case(name)) {
                        Some(index) if found.contains(&index) => {
                            return self.mistake(line, format!("the column {name} is there twice"));
                        }
                        Some(index) => found.push(index),
                        None => return self.mistake(line, unknown(name)),
                    }
                }
                columns = Some(found);
                continue;
            };
            if record.len() != columns.len() {
                self.mistake(
                    line,
                    format!("it has {} fields, and the first line {}", record.len(), columns.len()),
                );
                continue;
            }
            let mut fields = Fields { line, ..Fields::default() };
            for (value, index) in record.iter().zip(columns) {
                if !value.is_empty() {
                    fields.values[*index] = Some((value.to_string(), line));
                }
            }
            self.license(fields);
        }
        if columns.is_none() {
            self.mistake(1, format!("the first line must name the columns: {}", FIELDS.join(",")));
        }
    }

    fn license(&mut self, mut fields: Fields) {
        if fields.broken {
            return;
        }
        let before = self.mistakes.len();
        let line = fields.line;
        let at = |index: usize| fields.values[index].as_ref().map_or(line, |(_, at)| *at);
        let (line_of_kind, line_of_date, line_of_revoked) = (at(3), at(5), at(6));
        let mut text = |index: usize, needed: bool| -> Result<Option<String>, (usize, String)> {
            let name = FIELDS[index];
            match fields.values[index].take() {
                None if needed => Err((line, format!("{name} is missing"))),
                None => Ok(None),
                Some((value, at)) if value.trim().is_empty() => Err((at, format!("{name} is empty"))),
                Some((value, at)) if value.chars().count() > 200 || value.contains(acts) => {
                    Err((at, format!("{name} is longer than 200 characters, or holds control characters")))
                }
                Some((value, _)) => Ok(Some(value.trim().to_string())),
            }
        };
        let texts: Vec<_> =
            (0..FIELDS.len()).map(|index| text(index, matches!(index, 0 | 1 | 3 | 5))).collect();
        let mut values = Vec::new();
        for text in texts {
            match text {
                Ok(value) => values.push(value),
                Err((at, what)) => {
                    self.mistake(at, what);
                    values.push(None);
                }
            }
        }
        let [code, server_id, name, kind, edition, until, revoked] = &mut values[..] else { return };
        let kind = kind.take().and_then(|kind| {
            let read = Kind::parse(&kind);
            if read.is_none() {
                self.mistake(line_of_kind, "kind must be perpetual, subscription or trial");
            }
            read
        });
        let until = until.take().and_then(|until| {
            let read = until.parse::<Date>().ok().filter(|_| until.len() == 10);
            if read.is_none() {
                self.mistake(line_of_date, "maintenance_until must be a date like 2027-01-31");
            }
            read
        });
        let revoked = match revoked.as_deref() {
            None => false,
            Some(word) if word.eq_ignore_ascii_case("true") => true,
            Some(word) if word.eq_ignore_ascii_case("false") => false,
            Some(_) => {
                self.mistake(line_of_revoked, "revoked must be true or false");
                false
            }
        };
        let (Some(code), Some(server_id), Some(kind), Some(maintenance_until)) =
            (code.take(), server_id.take(), kind, until)
        else {
            return;
        };
        let digest = code_digest(&Secret::new(code));
        if let Some(other) = self.lines.insert(digest, line) {
            self.mistake(line, format!("the activation code is the one of the license on line {other}"));
        }
        if self.licenses.by_code.len() >= MAX_LICENSES {
            self.mistake(line, format!("there are more than {MAX_LICENSES} licenses"));
        }
        if self.mistakes.len() == before {
            let license = License {
                name: name.take(),
                server_id,
                kind,
                edition: edition.take(),
                maintenance_until,
                revoked,
            };
            self.licenses.by_code.insert(digest, license);
        }
    }
}

/// The reader's position is that before the comments and blank lines above a record.
fn line_of_record(text: &str, position: &csv::Position) -> usize {
    let rest = text.get(position.byte() as usize..).unwrap_or("");
    let passed = rest.lines().take_while(|line| line.trim().is_empty() || line.starts_with('#')).count();
    position.line() as usize + passed
}

#[derive(Default)]
struct Fields {
    line: usize,
    /// A value in it is of another type, and was named.
    broken: bool,
    values: [Option<(String, usize)>; FIELDS.len()],
}

fn days(item: &Item, least: i64) -> Option<u32> {
    item.as_integer().filter(|days| (least..=365).contains(days)).and_then(|days| days.try_into().ok())
}

fn shown(name: &str) -> String {
    crate::domain::text::plain(&name.chars().take(40).collect::<String>()).into_owned()
}

fn unknown(name: &str) -> String {
    format!("a license has no {}; it has {}", shown(name), FIELDS.join(", "))
}

#[cfg(test)]
#[path = "licenses_tests.rs"]
mod tests;
