//! The time: the system's, or a pretended one that goes on from where it was set.

use crate::domain::{Fault, Problem};
use jiff::{SignedDuration, Timestamp, ZonedDateTime, civil, tz::TimeZone};

/// The years that can be pretended: what is reckoned from them, such as a day years later, is still a date.
const YEARS: std::ops::Range<i16> = 1970..9990;

/// A clock in the user's time zone.
#[derive(Clone, Debug)]
pub struct Clock {
    pretended: Option<Pretended>,
}

#[derive(Clone, Debug)]
struct Pretended {
    ahead: SignedDuration,
    zone: TimeZone,
}

impl Clock {
    /// The system's clock and zone.
    pub fn system() -> Clock {
        Clock { pretended: None }
    }

    /// A clock that shows `text` now and runs on from there: RFC 9557 (`2026-11-24T10:00[Europe/Berlin]`), a
    /// date-time with an offset, a civil date-time in the user's zone, or a date, which means its noon.
    pub fn pretend(text: &str) -> Result<Clock, Problem> {
        let zone = TimeZone::system();
        let civil_time = |text: &str| -> Option<ZonedDateTime> {
            let time = match text.parse::<civil::Date>() {
                // A date-time parses as a date too; only a bare date means noon.
                Ok(date) if text.trim().len() <= 10 => date.at(12, 0, 0, 0),
                _ => text.parse::<civil::DateTime>().ok()?,
            };
            time.to_zoned_datetime(zone.clone()).ok()
        };
        let now = text
            .parse::<ZonedDateTime>()
            .ok()
            .or_else(|| Some(text.parse::<Timestamp>().ok()?.to_zoned_datetime(zone.clone())))
            .or_else(|| civil_time(text))
            .filter(|now| YEARS.contains(&now.year()));
        let Some(now) = now else {
            // The last day of 9999 is a date, but no moment in every zone.
            return Err(match jiff::fmt::temporal::Pieces::parse(text) {
                Ok(_) => refused(
                    text,
                    format!("the year is not one from {} to {}", YEARS.start, YEARS.end - 1),
                    "Give a day of these years.",
                ),
                Err(_) => refused(
                    text,
                    "it is neither a date nor a time",
                    "Write it like 2026-11-24, 2026-11-24T10:00 or 2026-11-24T10:00[Europe/Berlin].",
                ),
            });
        };
        let ahead = now.timestamp().duration_since(Timestamp::now());
        Ok(Clock { pretended: Some(Pretended { ahead, zone: now.time_zone().clone() }) })
    }

    /// The time it shows. The system's zone may change while the program runs; a pretended one stays.
    pub fn now(&self) -> ZonedDateTime {
        let now = Timestamp::now();
        match &self.pretended {
            None => now.to_zoned_datetime(TimeZone::system()), // kept by jiff for five minutes
            Some(Pretended { ahead, zone }) => {
                now.saturating_add(*ahead).unwrap_or(now).to_zoned_datetime(zone.clone())
            }
        }
    }

    /// Does it pretend?
    pub fn pretending(&self) -> bool {
        self.pretended.is_some()
    }
}

fn refused(text: &str, why: impl Into<String>, next: &str) -> Problem {
    Problem::new(Fault::Usage, "Cannot read the time to pretend", format!("--now {text}"), why, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_pretend() {
        for (text, shown) in [
            ("2026-11-24T10:00[Europe/Berlin]", "2026-11-24T10:00"),
            ("2026-11-24T10:00:30+01:00[Europe/Berlin]", "2026-11-24T10:00"),
            ("2026-11-24", "2026-11-24T12:00"),
            ("2026-11-24T23:59", "2026-11-24T23:59"),
        ] {
            let now = Clock::pretend(text).unwrap().now();
            assert_eq!(now.strftime("%FT%H:%M").to_string(), shown, "{text}");
        }
        let utc = Clock::pretend("2026-11-24T10:00:00Z").unwrap().now();
        assert_eq!(utc.timestamp().to_string()[..16], *"2026-11-24T10:00");
        for text in [
            "tomorrow",
            "",
            "2026-13-01",
            "10:00",
            "9999-12-31",
            "9990-01-01T00:00Z",
            "1969-12-31",
            "-001000-01-01",
        ] {
            assert_eq!(Clock::pretend(text).unwrap_err().fault, Fault::Usage, "{text}");
        }
    }
}
