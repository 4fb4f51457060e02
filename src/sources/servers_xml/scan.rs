//! Walks the XML and checks it: well-formed, complete, within the limits, no entities of its own. quick-xml gives
//! the events and lets much pass; what it lets pass and what a message may show is decided here.

use super::{Cause, Limits, ParseError, Parsed, fields::Names, records::Records};
use jiff::Timestamp;
use quick_xml::{
    Reader,
    errors::Error,
    errors::IllFormedError,
    errors::SyntaxError,
    events::attributes::Attributes,
    events::{BytesStart, Event},
};
use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

/// Events between two looks at the clock.
const EVENTS_PER_LOOK: u32 = 512;

/// When the time for a file is over.
pub(super) struct Deadline {
    start: Instant,
    time: Duration,
}

impl Deadline {
    pub fn new(time: Duration) -> Self {
        Deadline { start: Instant::now(), time }
    }

    /// An error once the time is over.
    pub fn check(&self) -> Result<(), Cause> {
        if self.start.elapsed() > self.time { Err(Cause::TooSlow(self.time)) } else { Ok(()) }
    }
}

/// Reads the text of a file.
pub(super) fn scan(
    text: &str,
    read_at: Timestamp,
    limits: &Limits,
    deadline: &Deadline,
) -> Result<Parsed, ParseError> {
    let text = text.trim_start_matches('\u{feff}');
    if let Some(at) = text.find('\0') {
        return Err(located(text, at, broken("there is a zero byte, as after a power failure")));
    }
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut walk = Walk {
        text,
        records: Records::new(read_at, limits.max_records),
        names: Names::new(),
        limits,
        deadline,
        events: 0,
        state: State::Before,
    };
    loop {
        let start = reader.buffer_position() as usize;
        let event = match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => event,
            Err(error) => {
                let at = reader.error_position() as usize;
                return Err(located(text, at, walk.cause_of(&error, at)));
            }
        };
        let end = reader.buffer_position() as usize;
        if let Err((at, cause)) = walk.event(event, start, end) {
            return Err(located(text, at, cause));
        }
    }
    match walk.state {
        State::After => Ok(walk.records.finish()),
        State::Before | State::Inside => Err(located(text, text.trim_end().len(), walk.truncated())),
    }
}

/// Where in the document we are, as to the root element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    Inside,
    After,
}

struct Walk<'a, 'l> {
    text: &'a str,
    records: Records<'a>,
    names: Names<'a>,
    limits: &'l Limits,
    deadline: &'l Deadline,
    events: u32,
    state: State,
}

/// An error at a byte of the text.
type At<T> = Result<T, (usize, Cause)>;

impl<'a> Walk<'a, '_> {
    /// One event, which stands at `start..end` of the text.
    fn event(&mut self, event: Event<'a>, start: usize, end: usize) -> At<()> {
        let here = |cause| (start, cause);
        self.events = self.events.wrapping_add(1);
        if self.events.is_multiple_of(EVENTS_PER_LOOK) {
            self.deadline.check().map_err(here)?;
        }
        match event {
            Event::Start(tag) => self.open(start, end.saturating_sub(1), &tag),
            Event::Empty(tag) => {
                self.open(start, end.saturating_sub(2), &tag)?;
                self.close().map_err(here)
            }
            Event::End(tag) => {
                if self.records.innermost() != Some(tag.name().as_ref()) {
                    let what = match self.records.nameable() {
                        Some(name) => format!("an end tag is found where </{}> is due", shown_name(name)),
                        None => "an end tag is found that nothing belongs to".into(),
                    };
                    return Err(here(Cause::Broken(what)));
                }
                self.close().map_err(here)
            }
            Event::Text(text) => self.text(start, text.into_inner()),
            Event::CData(data) => {
                if self.state != State::Inside {
                    return Err(here(broken("there is text outside of the data")));
                }
                self.records.text(data.into_inner());
                Ok(())
            }
            Event::GeneralRef(reference) => {
                let text = resolve(&reference).ok_or_else(|| here(undefined()))?;
                self.text(start, Cow::Owned(text.to_string()))
            }
            Event::DocType(text) => {
                let declares = |name: &str| {
                    let bytes = text.as_bytes();
                    bytes.windows(name.len()).any(|word| word.eq_ignore_ascii_case(name.as_bytes()))
                };
                if declares("<!ENTITY") {
                    return Err(here(Cause::Entities));
                }
                match self.state {
                    State::Before => Ok(()),
                    _ => Err(here(broken("a DOCTYPE stands in the wrong place"))),
                }
            }
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::Eof => Ok(()),
        }
    }

    /// A start tag whose content, name and attributes, ends at `end`.
    fn open(&mut self, start: usize, end: usize, tag: &BytesStart<'_>) -> At<()> {
        let here = |cause| (start, cause);
        // The same bytes as in the event, but borrowed from the text, which lives longer.
        let content =
            end.checked_sub(tag.len()).and_then(|from| self.text.get(from..end)).unwrap_or_default();
        let (name, attributes) = content.split_at_checked(tag.name().as_ref().len()).unwrap_or_default();
        if self.state == State::After {
            return Err(here(broken("the file goes on after the end of its data")));
        }
        let Some(name) = self.names.look_up(name) else {
            return Err(here(broken("a tag has a name that is none")));
        };
        if self.records.depth() >= self.limits.max_depth {
            return Err(here(Cause::TooDeep(self.limits.max_depth)));
        }
        self.state = State::Inside;
        self.records.open(name);
        if attributes.trim_end().is_empty() {
            return Ok(());
        }
        for (count, attribute) in Attributes::new(attributes, 0).with_checks(false).enumerate() {
            if count as u32 % EVENTS_PER_LOOK == EVENTS_PER_LOOK - 1 {
                self.deadline.check().map_err(here)?;
            }
            let attribute = attribute.map_err(|_| here(self.bad_attribute()))?;
            let name = self.names.look_up(attribute.key.into_inner());
            let Some(name) = name.filter(|_| !attribute.value.contains('<')) else {
                return Err(here(self.bad_attribute()));
            };
            let value = quick_xml::escape::unescape_with(&attribute.value, predefined);
            self.records.attribute(name, &value.map_err(|_| here(undefined()))?);
        }
        Ok(())
    }

    fn bad_attribute(&self) -> Cause {
        let name = self.records.nameable().map(shown_name).unwrap_or_default();
        Cause::Broken(format!("the attributes of <{name}> are broken"))
    }

    fn close(&mut self) -> Result<(), Cause> {
        self.records.close()?;
        if self.records.depth() == 0 {
            self.state = State::After;
        }
        Ok(())
    }

    fn text(&mut self, start: usize, text: Cow<'a, str>) -> At<()> {
        if self.state == State::Inside {
            self.records.text(text);
            return Ok(());
        }
        let blank = text.trim_start_matches(|c: char| c.is_ascii_whitespace());
        match blank.is_empty() {
            true => Ok(()),
            false => Err((
                start + text.len() - blank.len(),
                broken(match self.state {
                    State::Before => "the file is not XML",
                    _ => "the file goes on after the end of its data",
                }),
            )),
        }
    }

    /// What an error of quick-xml at a byte means for the file. Its own words could quote the file.
    fn cause_of(&self, error: &Error, at: usize) -> Cause {
        let rest = self.text.get(at..).unwrap_or_default();
        match error {
            Error::Syntax(SyntaxError::InvalidBangMarkup) if rest.len() > 2 => {
                broken("a tag begins with <! and is none that XML knows")
            }
            Error::Syntax(_) => self.truncated(),
            Error::IllFormed(IllFormedError::UnclosedReference) => match rest.contains('<') {
                true => broken("there is an & that begins no reference such as &amp;"),
                false => self.truncated(),
            },
            _ => broken("the file is not well-formed XML"),
        }
    }

    fn truncated(&self) -> Cause {
        Cause::Truncated(self.records.nameable().map(shown_name))
    }
}

fn broken(what: &str) -> Cause {
    Cause::Broken(what.to_string())
}

fn undefined() -> Cause {
    broken("there is a reference (&…;) to something that is not defined")
}

/// The character of a reference: the five of XML and numbers.
fn resolve(reference: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    match reference.resolve_char_ref() {
        Ok(Some(c)) => Some(c),
        Ok(None) => predefined(reference).and_then(|text| text.chars().next()),
        Err(_) => None,
    }
}

fn predefined(name: &str) -> Option<&'static str> {
    Some(match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return None,
    })
}

/// A name of an element as a message may show it.
fn shown_name(name: &str) -> String {
    super::values::shown(name)
}

/// An error with the line and column of a byte.
fn located(text: &str, at: usize, cause: Cause) -> ParseError {
    let before = text.get(..at.min(text.len())).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let newlines = before.bytes().filter(|b| *b == b'\n').count();
    let column = before.get(line_start..).unwrap_or_default().chars().count();
    ParseError { line: newlines as u64 + 1, column: column as u64 + 1, cause }
}
