//! The types of single values, and how they are written.

pub use crate::domain::notice::QuietHours;
use jiff::civil;
use std::fmt;

/// Which servers' TCP port is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// The main server only.
    Main,
    /// Every known server.
    All,
    /// None.
    Off,
}

impl Check {
    pub(super) const WORDS: &[(&str, Check)] =
        &[("main", Check::Main), ("all", Check::All), ("off", Check::Off)];

    /// The word in the settings file.
    pub fn word(self) -> &'static str {
        match self {
            Check::Main => "main",
            Check::All => "all",
            Check::Off => "off",
        }
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// What failed.
    Error,
    /// And what may be wrong.
    Warn,
    /// And what was done.
    Info,
    /// And how it was done.
    Debug,
    /// And each small step.
    Trace,
}

impl Level {
    pub(super) const WORDS: &[(&str, Level)] = &[
        ("error", Level::Error),
        ("warn", Level::Warn),
        ("info", Level::Info),
        ("debug", Level::Debug),
        ("trace", Level::Trace),
    ];

    /// The word in the settings file.
    pub fn word(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }
}

impl QuietHours {
    /// Reads `20:00-07:00`, blanks around the times allowed. `None` when it is no such text, or empty.
    pub fn parse(text: &str) -> Option<QuietHours> {
        let (from, to) = text.split_once('-')?;
        let hours = QuietHours { from: parse_time(from)?, to: parse_time(to)? };
        (hours.from != hours.to).then_some(hours)
    }
}

/// As in the settings file: `20:00-07:00`.
impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", show_time(self.from), show_time(self.to))
    }
}

/// Reads `7:30` or `07:30`.
pub(super) fn parse_time(text: &str) -> Option<civil::Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |part: &str, least| part.len() >= least && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour, 1) || hour.len() > 2 || !digits(minute, 2) || minute.len() > 2 {
        return None;
    }
    civil::Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

pub(super) fn show_time(time: civil::Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_may_pass_midnight() {
        let night = QuietHours::parse(" 20:00 - 7:00 ").unwrap();
        assert_eq!(night.to_string(), "20:00-07:00");
        let lunch = QuietHours::parse("12:00-13:30").unwrap();
        for (time, in_night, in_lunch) in [
            ("00:00", true, false),
            ("06:59", true, false),
            ("07:00", false, false),
            ("12:00", false, true),
            ("13:29", false, true),
            ("13:30", false, false),
            ("19:59", false, false),
            ("20:00", true, false),
        ] {
            let at = parse_time(time).unwrap();
            assert_eq!((night.contains(at), lunch.contains(at)), (in_night, in_lunch), "{time}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "9", "24:00", "09:60", "9:5", "009:00", "09:00:00", "+9:00", "09:0x", "noon"] {
            assert_eq!(parse_time(text), None, "{text:?}");
        }
        for text in ["", "20:00", "20:00-20:00", "20:00-07:00-08:00", "20:00–07:00", "20-7"] {
            assert_eq!(QuietHours::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn words_and_values_agree() {
        assert!(Check::WORDS.iter().all(|(word, check)| check.word() == *word));
        assert!(Level::WORDS.iter().all(|(word, level)| level.word() == *word));
    }
}
