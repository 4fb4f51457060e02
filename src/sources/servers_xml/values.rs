//! From the text of a field to its value: dates above all. What can be read in two ways is not read.

use crate::domain::{
    Kind,
    text::{plain, turns_direction},
};
use jiff::civil::Date;

/// What a text says about a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Date(Date),
    /// It says that there is none: empty, or the zero value of .NET.
    NoDate,
    /// It cannot be taken for certain. A sentence for people.
    Unclear(String),
}

/// The longest text that a note shows.
const SHOWN: usize = 40;

/// A text as a note may show it: cut, without control characters or marks that turn the direction of writing.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN).collect();
    let mut cut = plain(&cut).into_owned();
    if text.chars().nth(SHOWN).is_some() {
        cut.push('…');
    }
    cut
}

/// A name or address as we keep it: plain, and trimmed. `None` when nothing is left.
pub(super) fn words(text: &str) -> Option<String> {
    let plain = plain(text.trim());
    let plain = plain.trim();
    (!plain.is_empty()).then(|| plain.to_string())
}

/// `true` and `false` as .NET and people write them.
pub(super) fn truth(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| text.trim().eq_ignore_ascii_case(word));
    if is(&["true", "1", "yes"]) {
        return Some(true);
    }
    is(&["false", "0", "no"]).then_some(false)
}

/// The kind that a word stands for, in itself or within a longer word such as `SubscriptionLicense`.
pub(super) fn kind(text: &str) -> Option<Kind> {
    if let Some(kind) = Kind::parse(text) {
        return Some(kind);
    }
    let text = text.to_ascii_lowercase();
    let mut found = [Kind::Perpetual, Kind::Subscription, Kind::Trial]
        .into_iter()
        .filter(|kind| text.contains(kind.word()) && !text.contains("non") && !text.contains("not"));
    found.next().filter(|_| found.next().is_none())
}

/// Reads the text of a date field: a date, or the words of the Client's Expiration column (documented), which
/// also tell the kind: `Maintenance expires 2021-03-03`, `Subscription expires 1/1/2030`.
pub(super) fn expiration(text: &str) -> (Option<Kind>, Reading) {
    let text = text.trim();
    let mut words = text.splitn(3, char::is_whitespace);
    if let (Some(first), Some(second), Some(rest)) = (words.next(), words.next(), words.next()) {
        let kind = match first.to_ascii_lowercase().as_str() {
            "maintenance" => Some(Kind::Perpetual),
            "subscription" => Some(Kind::Subscription),
            "trial" => Some(Kind::Trial),
            _ => None,
        };
        let second = second.trim_end_matches(':');
        if kind.is_some() && ["expires", "expired"].iter().any(|word| second.eq_ignore_ascii_case(word)) {
            return (kind, date(rest));
        }
    }
    (None, date(text))
}

/// Reads a date with or without a time, of which the civil date as written is taken.
fn date(text: &str) -> Reading {
    let plain: String;
    let mut text = text.trim();
    if text.contains(turns_direction) {
        // Some Windows cultures write such marks into their dates.
        plain = text.chars().filter(|c| !turns_direction(*c)).collect();
        text = plain.trim();
    }
    if text.is_empty() || truth(text).is_some() {
        return Reading::NoDate;
    }
    let unclear = |why: &str| Reading::Unclear(format!("The date of expiry \"{}\" {why}.", shown(text)));
    let Some((parts, lengths)) = three_numbers(text) else { return unclear("cannot be read") };
    let [first, second, third] = parts;
    let (year, month, day) = match lengths {
        [4, 1..=2, 1..=2] => (first, second, third),
        [1..=2, 1..=2, 4] if first > 12 || first == second => (third, second, first),
        [1..=2, 1..=2, 4] if second > 12 => (third, first, second),
        [1..=2, 1..=2, 4] => {
            return unclear("can be read with the day or the month first, so it is left open");
        }
        [_, _, 2] => return unclear("has a year of two digits, so it is left open"),
        _ => return unclear("cannot be read"),
    };
    let date = i8::try_from(month)
        .and_then(|month| i8::try_from(day).map(|day| (month, day)))
        .ok()
        .and_then(|(month, day)| Date::new(year, month, day).ok());
    match (date, year) {
        (None, _) => unclear("is not in the calendar"),
        (Some(_), 1) => Reading::NoDate,
        (Some(_), 9999) => unclear("stands for no end, so no date is taken"),
        // VisualCron exists since 2006. Other years come from other calendars or from an unset value.
        (Some(date), 2000..=2199) => Reading::Date(date),
        (Some(_), _) => unclear("is not plausible, so it is left open"),
    }
}

/// The three numbers at the start of a date and their count of digits. What follows must look like a time.
fn three_numbers(text: &str) -> Option<([i16; 3], [usize; 3])> {
    let mut rest = text;
    let mut parts = [0i16; 3];
    let mut lengths = [0usize; 3];
    let mut separator = None;
    for (at, (part, length)) in parts.iter_mut().zip(&mut lengths).enumerate() {
        if at > 0 {
            let found = rest.chars().next().filter(|c| matches!(c, '-' | '/' | '.'))?;
            if *separator.get_or_insert(found) != found {
                return None;
            }
            // Czech and Hungarian dates have a blank after the dot.
            rest = rest.get(1..)?.trim_start_matches(' ');
        }
        *length = rest.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=4).contains(length) {
            return None;
        }
        *part = rest.get(..*length)?.parse().ok()?;
        rest = rest.get(*length..)?;
    }
    if separator == Some('.') {
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    is_time(rest).then_some((parts, lengths))
}

/// Whether the rest of a date is empty or looks like a time of day, with offset and AM or PM perhaps.
fn is_time(rest: &str) -> bool {
    let mut chars = rest.chars();
    let Some(first) = chars.next() else { return true };
    let rest = chars.as_str().trim();
    (matches!(first, 'T' | 't' | ',') || first.is_whitespace())
        && rest.len() <= SHOWN
        && rest.starts_with(|c: char| c.is_ascii_digit())
        && rest.chars().all(|c| c.is_ascii_digit() || ":.,+-ZzAaPpMm".contains(c) || c.is_whitespace())
        || (first == 'Z' || first == 'z') && rest.is_empty()
        || (first == '+' || first == '-') && rest.len() == 5 && rest.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as day;

    #[test]
    fn dates_that_are_certain_are_read() {
        for text in [
            "2030-01-31",
            " 2030-01-31 ",
            "2030-01-31T00:00:00",
            "2030-01-31T23:59:59.9999999+14:00",
            "2030-01-31T00:00:00Z",
            "2030-01-31Z",
            "2030-01-31+01:00",
            "2030-01-31 00:00",
            "2030/1/31",
            "2030. 01. 31.",
            "1/31/2030",
            "01/31/2030 12:00:00 AM",
            "1/31/2030 12:00:00\u{202f}AM",
            "31/01/2030",
            "31.1.2030",
            "31. 1. 2030",
            "31-01-2030 00:00:00",
            "\u{200f}31/\u{200f}1/\u{200f}2030",
        ] {
            assert_eq!(date(text), Reading::Date(day(2030, 1, 31)), "{text:?}");
        }
        assert_eq!(date("1/1/2030"), Reading::Date(day(2030, 1, 1)));
        assert_eq!(date("05.05.2030"), Reading::Date(day(2030, 5, 5)));
    }

    #[test]
    fn no_date_is_told_from_one_that_is_unclear() {
        for text in
            ["", "  ", "0001-01-01T00:00:00", "0001-01-01", "1/1/0001 12:00:00 AM", "01.01.0001", "false"]
        {
            assert_eq!(date(text), Reading::NoDate, "{text:?}");
        }
        for (text, why) in [
            ("1/2/2030", "day or the month"),
            ("02.01.2030", "day or the month"),
            ("1-2-2030", "day or the month"),
            ("31.12.30", "two digits"),
            ("9999-12-31T23:59:59.9999999", "no end"),
            ("2030-02-30", "calendar"),
            ("13/13/2030", "calendar"),
            ("31/12/2573", "plausible"),
            ("1900-01-01", "plausible"),
            ("never", "cannot be read"),
            ("2030-01-31Tomorrow", "cannot be read"),
            ("2030-01/31", "cannot be read"),
            ("636900000000000000", "cannot be read"),
            ("2030-01", "cannot be read"),
            ("٢٠٣٠-٠١-٣١", "cannot be read"),
        ] {
            match date(text) {
                Reading::Unclear(note) => {
                    assert!(note.contains(why) && note.contains(text), "{note}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_words_of_the_expiration_column_give_kind_and_date() {
        for (text, kind, date) in [
            ("Maintenance expires 2021-03-03", Some(Kind::Perpetual), day(2021, 3, 3)),
            ("Subscription expires 1/1/2030", Some(Kind::Subscription), day(2030, 1, 1)),
            ("subscription Expires: 31.12.2030", Some(Kind::Subscription), day(2030, 12, 31)),
            ("Trial expires 2026-06-01", Some(Kind::Trial), day(2026, 6, 1)),
            ("2021-03-03 00:00:00", None, day(2021, 3, 3)),
        ] {
            assert_eq!(expiration(text), (kind, Reading::Date(date)), "{text}");
        }
        assert!(matches!(
            expiration("Subscription expires soon"),
            (Some(Kind::Subscription), Reading::Unclear(_))
        ));
    }

    #[test]
    fn notes_show_little_and_nothing_odd() {
        assert_eq!(shown("a\u{1}b\u{202e}c\n"), "a b c ");
        assert_eq!(shown(&"x".repeat(50)), format!("{}…", "x".repeat(40)));
    }

    #[test]
    fn kinds_are_found_in_longer_words() {
        assert_eq!(kind("SubscriptionLicense"), Some(Kind::Subscription));
        assert_eq!(kind("Perpetual"), Some(Kind::Perpetual));
        for text in ["Yearly", "TrialSubscription", "NonSubscription", ""] {
            assert_eq!(kind(text), None, "{text}");
        }
    }
}
