//! How one value is read, checked and written.

use super::{
    MAX_BANDS,
    keys::Shape,
    values::{Check, Level, QuietHours, parse_time, show_time},
};
use crate::domain::{
    Kind, Secret, Version,
    proxy::{Choice, Proxy, Unusable},
    text::plain,
};
use jiff::civil;
use std::{ops::Range, path::PathBuf};
use toml_edit::{Array, Datetime, Value};

/// The longest text value, in bytes.
const MAX_TEXT: usize = 4096;
/// The years in which a license may end. Keeps out the "no date" of year 1.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2199;

/// Where a value is kept in `T`, and of what type it is. The one accessor serves reading and writing.
pub(super) enum Slot<T: 'static> {
    Flag(fn(&mut T) -> &mut bool),
    Number(fn(&mut T) -> &mut u32, u32, u32),
    Bands(fn(&mut T) -> &mut Vec<u32>),
    Path(fn(&mut T) -> &mut Option<PathBuf>),
    Text(fn(&mut T) -> &mut Option<String>),
    Secret(fn(&mut T) -> &mut Option<Secret>),
    Address(fn(&mut T) -> &mut Option<String>),
    Host(fn(&mut T) -> &mut String),
    Url(fn(&mut T) -> &mut String),
    Proxy(fn(&mut T) -> &mut Option<Choice>),
    Time(fn(&mut T) -> &mut civil::Time),
    Hours(fn(&mut T) -> &mut Option<QuietHours>),
    Check(fn(&mut T) -> &mut Check),
    Level(fn(&mut T) -> &mut Level),
    Port(fn(&mut T) -> &mut Option<u16>),
    Kind(fn(&mut T) -> &mut Option<Kind>),
    Date(fn(&mut T) -> &mut Option<civil::Date>),
    Version(fn(&mut T) -> &mut Option<Version>),
}

/// Why a value was refused, besides what is allowed. Holds nothing of the value itself.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Wrong {
    /// What was found instead, when the type is wrong: `a text`.
    pub(super) found: Option<&'static str>,
    /// What may help.
    pub(super) hint: Option<&'static str>,
    /// The part of a list that is meant.
    pub(super) part: Option<Range<usize>>,
}

impl<T> Slot<T> {
    /// What is allowed, to follow "must be": `a whole number from 0 to 3650`.
    pub(super) fn allowed(&self) -> String {
        match self {
            Slot::Flag(_) => "true or false".into(),
            Slot::Number(_, least, most) => format!("a whole number from {least} to {most}"),
            Slot::Bands(_) => format!("a list of at most {MAX_BANDS} whole numbers from 0 to 3650"),
            Slot::Path(_) => "an absolute path".into(),
            Slot::Text(_) | Slot::Secret(_) => "a text on one line, not empty".into(),
            Slot::Address(_) => "a host name or an IP address, without a port".into(),
            Slot::Host(_) => "a host name or an IP address, with a port if it is not 443".into(),
            Slot::Url(_) => "an address that starts with https://".into(),
            Slot::Proxy(_) => "\"direct\", or the address of a proxy such as \"http://proxy:8080\"".into(),
            Slot::Time(_) => "a time of day such as \"09:00\"".into(),
            Slot::Hours(_) => "two different times of day such as \"20:00-07:00\"".into(),
            Slot::Check(_) => one_of(Check::WORDS.iter().map(|(word, _)| *word)),
            Slot::Level(_) => one_of(Level::WORDS.iter().map(|(word, _)| *word)),
            Slot::Port(_) => "a whole number from 1 to 65535".into(),
            Slot::Kind(_) => one_of(KINDS.iter().map(|kind| kind.word())),
            Slot::Date(_) => "a date such as 2026-12-06".into(),
            Slot::Version(_) => "a version such as \"12.1.4\"".into(),
        }
    }

    /// What kind of value it takes.
    pub(super) fn shape(&self) -> Shape {
        match self {
            Slot::Flag(_) => Shape::Flag,
            Slot::Number(_, least, most) => Shape::Number(*least, *most),
            Slot::Port(_) => Shape::Number(1, u32::from(u16::MAX)),
            Slot::Check(_) => Shape::Words(Check::WORDS.iter().map(|(word, _)| *word).collect()),
            Slot::Level(_) => Shape::Words(Level::WORDS.iter().map(|(word, _)| *word).collect()),
            Slot::Kind(_) => Shape::Words(KINDS.iter().map(|kind| kind.word()).collect()),
            _ => Shape::Text,
        }
    }

    /// Takes over a value, or says why not.
    pub(super) fn read(&self, target: &mut T, value: &Value) -> Result<(), Wrong> {
        match self {
            Slot::Flag(at) => *at(target) = value.as_bool().ok_or_else(|| found(value))?,
            Slot::Number(at, least, most) => *at(target) = number(value, *least, *most)?,
            Slot::Bands(at) => *at(target) = bands(value)?,
            Slot::Path(at) => *at(target) = Some(path(text(value)?)?),
            Slot::Text(at) => *at(target) = Some(plain_line(text(value)?)?),
            Slot::Secret(at) => *at(target) = Some(Secret::new(one_line(text(value)?)?)),
            Slot::Address(at) => *at(target) = Some(host(text(value)?)?),
            Slot::Host(at) => *at(target) = host_and_port(text(value)?)?,
            Slot::Url(at) => *at(target) = url(text(value)?)?,
            Slot::Proxy(at) => *at(target) = Some(proxy(text(value)?)?),
            Slot::Time(at) => *at(target) = time(value)?,
            Slot::Hours(at) => {
                *at(target) = Some(QuietHours::parse(text(value)?).ok_or_else(Wrong::default)?)
            }
            Slot::Check(at) => *at(target) = word(Check::WORDS, text(value)?)?,
            Slot::Level(at) => *at(target) = word(Level::WORDS, text(value)?)?,
            Slot::Port(at) => *at(target) = Some(number(value, 1, 65535)? as u16),
            Slot::Kind(at) => *at(target) = Some(Kind::parse(text(value)?).ok_or_else(Wrong::default)?),
            Slot::Date(at) => *at(target) = Some(date(value)?),
            Slot::Version(at) => {
                *at(target) = Some(text(value)?.parse().map_err(|_| Wrong::default())?);
            }
        }
        Ok(())
    }

    /// The value as it is written to the file. `None` when there is none.
    pub(super) fn value(&self, target: &mut T) -> Option<Value> {
        match self {
            Slot::Flag(at) => Some((*at(target)).into()),
            Slot::Number(at, ..) => Some(i64::from(*at(target)).into()),
            Slot::Bands(at) => Some(at(target).iter().map(|days| i64::from(*days)).collect::<Array>().into()),
            Slot::Path(at) => at(target).as_ref().map(|path| path.to_string_lossy().as_ref().into()),
            Slot::Text(at) | Slot::Address(at) => at(target).as_deref().map(Value::from),
            Slot::Secret(at) => at(target).as_ref().map(|secret| secret.reveal().into()),
            Slot::Host(at) | Slot::Url(at) => Some(at(target).as_str().into()),
            Slot::Proxy(at) => at(target).as_ref().map(|choice| choice.to_string().into()),
            Slot::Time(at) => Some(show_time(*at(target)).into()),
            Slot::Hours(at) => at(target).map(|hours| hours.to_string().into()),
            Slot::Check(at) => Some(at(target).word().into()),
            Slot::Level(at) => Some(at(target).word().into()),
            Slot::Port(at) => at(target).map(|port| i64::from(port).into()),
            Slot::Kind(at) => at(target).map(|kind| kind.word().into()),
            Slot::Date(at) => at(target).map(toml_date),
            Slot::Version(at) => at(target).map(|version| version.to_string().into()),
        }
    }

    /// Back to the default, or to none.
    pub(super) fn reset(&self, target: &mut T)
    where
        T: Default,
    {
        let default = &mut T::default();
        match self {
            Slot::Flag(at) => *at(target) = *at(default),
            Slot::Number(at, ..) => *at(target) = *at(default),
            Slot::Bands(at) => std::mem::swap(at(target), at(default)),
            Slot::Path(at) => *at(target) = at(default).take(),
            Slot::Text(at) | Slot::Address(at) => *at(target) = at(default).take(),
            Slot::Secret(at) => *at(target) = at(default).take(),
            Slot::Host(at) | Slot::Url(at) => std::mem::swap(at(target), at(default)),
            Slot::Proxy(at) => *at(target) = at(default).take(),
            Slot::Time(at) => *at(target) = *at(default),
            Slot::Hours(at) => *at(target) = *at(default),
            Slot::Check(at) => *at(target) = *at(default),
            Slot::Level(at) => *at(target) = *at(default),
            Slot::Port(at) => *at(target) = *at(default),
            Slot::Kind(at) => *at(target) = *at(default),
            Slot::Date(at) => *at(target) = *at(default),
            Slot::Version(at) => *at(target) = *at(default),
        }
    }

    /// The value for people: as in the file, a secret masked.
    pub(super) fn shown(&self, target: &mut T) -> Option<String> {
        let value = self.value(target)?;
        if self.is_secret() { Some("(secret)".into()) } else { Some(value.to_string()) }
    }

    /// Whether the value must not be seen.
    pub(super) fn is_secret(&self) -> bool {
        matches!(self, Slot::Secret(_))
    }

    /// The value that somebody typed on a command line, still to be checked by [`Slot::read`]. Texts need no
    /// quotes.
    pub(super) fn typed(&self, typed: &str) -> Value {
        let typed = typed.trim();
        let as_toml = match self {
            Slot::Flag(_) | Slot::Number(..) | Slot::Port(_) | Slot::Date(_) => typed.parse::<Value>().ok(),
            Slot::Bands(_) if typed.starts_with('[') => typed.parse::<Value>().ok(),
            Slot::Bands(_) => format!("[{typed}]").parse::<Value>().ok(),
            _ => None,
        };
        as_toml.unwrap_or_else(|| typed.into())
    }
}

const KINDS: [Kind; 3] = [Kind::Perpetual, Kind::Subscription, Kind::Trial];

/// `"main", "all" or "off"`.
fn one_of<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<_> = words.map(|word| format!("\"{word}\"")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// The type of a value in plain words.
pub(super) fn type_words(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with a point",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date or time",
        Value::Array(_) => "a list",
        Value::InlineTable(_) => "a table",
    }
}

fn found(value: &Value) -> Wrong {
    Wrong { found: Some(type_words(value)), ..Wrong::default() }
}

fn hint(hint: &'static str) -> Wrong {
    Wrong { hint: Some(hint), ..Wrong::default() }
}

fn text(value: &Value) -> Result<&str, Wrong> {
    value.as_str().ok_or_else(|| found(value))
}

fn number(value: &Value, least: u32, most: u32) -> Result<u32, Wrong> {
    let number = value.as_integer().ok_or_else(|| found(value))?;
    u32::try_from(number).ok().filter(|number| (least..=most).contains(number)).ok_or_else(Wrong::default)
}

fn bands(value: &Value) -> Result<Vec<u32>, Wrong> {
    let list = value.as_array().ok_or_else(|| found(value))?;
    if list.len() > MAX_BANDS {
        return Err(Wrong::default());
    }
    let mut bands = Vec::with_capacity(list.len());
    for item in list {
        bands.push(number(item, 0, 3650).map_err(|wrong| Wrong { part: item.span(), ..wrong })?);
    }
    bands.sort_unstable_by(|a, b| b.cmp(a));
    bands.dedup();
    Ok(bands)
}

fn one_line(text: &str) -> Result<&str, Wrong> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(Wrong::default());
    }
    Ok(text)
}

/// A text that is shown. What turns the direction of writing is not taken over.
fn plain_line(text: &str) -> Result<String, Wrong> {
    one_line(plain(one_line(text)?).as_ref()).map(str::to_string)
}

/// Absolute on any of our systems: a settings file may be checked on another one than it is for.
fn path(text: &str) -> Result<PathBuf, Wrong> {
    if text.chars().any(char::is_control) {
        return Err(hint(
            "between double quotes a backslash starts an escape; use single quotes: 'C:\\Folder'",
        ));
    }
    let text = one_line(text)?;
    let bytes = text.as_bytes();
    let drive =
        bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && b"\\/".contains(&bytes[2]);
    if drive || text.starts_with('/') || text.starts_with("\\\\") {
        Ok(PathBuf::from(text))
    } else {
        Err(Wrong::default())
    }
}

fn host(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    let is_name =
        text.chars().all(|c| c.is_alphanumeric() || "-._".contains(c)) && !text.starts_with(['-', '.']);
    let bare = text.split('%').next().unwrap_or(text); // an IPv6 address may name its interface
    let is_ip = bare.parse::<std::net::Ipv6Addr>().is_ok();
    if text.is_empty() || text.len() > 253 || !(is_name || is_ip) || text.chars().any(char::is_whitespace) {
        return Err(Wrong::default());
    }
    Ok(text.to_string())
}

/// A host with or without a port: `licenses.corp.example:8443`, `[::1]:8443`.
fn host_and_port(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    let Some((name, port)) =
        text.rsplit_once(':').filter(|(name, _)| !name.contains(':') || name.ends_with(']'))
    else {
        return host(text);
    };
    host(name.trim_start_matches('[').trim_end_matches(']'))?;
    match port.parse::<u16>() {
        Ok(port) if port > 0 => Ok(text.to_string()),
        _ => Err(Wrong::default()),
    }
}

fn url(text: &str) -> Result<String, Wrong> {
    let text = one_line(text)?;
    let url = reqwest::Url::parse(text).map_err(|_| Wrong::default())?;
    if url.scheme() != "https"
        || url.host_str().is_none_or(str::is_empty)
        || text.contains(char::is_whitespace)
    {
        return Err(Wrong::default());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(hint("a user name or password in an address would be seen"));
    }
    Ok(text.to_string())
}

fn proxy(text: &str) -> Result<Choice, Wrong> {
    let text = one_line(text)?;
    Choice::parse(text).ok_or_else(|| match Proxy::parse(text) {
        Ok(_) => hint(
            "name the user in proxy_user, and give the password to the system's keyring: `visualcron-tray settings \
             proxy-password set`",
        ),
        Err(Unusable::Scheme(_)) => hint("only HTTP proxies are spoken to"),
        Err(Unusable::NotAnAddress) => Wrong::default(),
    })
}

fn time(value: &Value) -> Result<civil::Time, Wrong> {
    if let Some(Datetime { date: None, time: Some(time), offset: None }) = value.as_datetime() {
        let whole = time.second.unwrap_or(0) == 0 && time.nanosecond.unwrap_or(0) == 0;
        let (hour, minute) = (time.hour as i8, time.minute as i8);
        return civil::Time::new(hour, minute, 0, 0).ok().filter(|_| whole).ok_or_else(Wrong::default);
    }
    parse_time(text(value)?).ok_or_else(Wrong::default)
}

fn date(value: &Value) -> Result<civil::Date, Wrong> {
    let date = match value {
        Value::Datetime(written) => match written.value() {
            Datetime { date: Some(date), time: None, offset: None } => {
                civil::Date::new(date.year as i16, date.month as i8, date.day as i8).ok()
            }
            _ => return Err(hint("write the day alone, without a time")),
        },
        _ => {
            let text = text(value)?.trim();
            let shape = text.len() == 10
                && text.bytes().enumerate().all(|(at, byte)| match at {
                    4 | 7 => byte == b'-',
                    _ => byte.is_ascii_digit(),
                });
            text.parse().ok().filter(|_| shape)
        }
    };
    date.filter(|date: &civil::Date| YEARS.contains(&date.year())).ok_or_else(Wrong::default)
}

fn toml_date(date: civil::Date) -> Value {
    match date.to_string().parse::<Datetime>() {
        Ok(date) => date.into(),
        Err(_) => date.to_string().into(),
    }
}

fn word<V: Copy>(words: &[(&str, V)], text: &str) -> Result<V, Wrong> {
    let text = text.trim();
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, value)| *value).ok_or_else(Wrong::default)
}
