//! The time: the system's, or a pretended one that goes on from where it was set.

use crate::domain::{Fault, Problem};
use jiff::{SignedDuration, Timestamp, ZonedDateTime, civil, tz::TimeZone};

/// A clock in the user's time zone.
#[derive(Clone, Debug)]
pub struct Clock {
    ahead: SignedDuration,
    zone: TimeZone,
    pretending: bool,
}

impl Clock {
    /// The system's clock and zone.
    pub fn system() -> Clock {
        Clock { ahead: SignedDuration::ZERO, zone: TimeZone::system(), pretending: false }
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
            .ok_or_else(|| {
                Problem::new(
                    Fault::Usage,
                    "Cannot read the time to pretend",
                    format!("--now {text}"),
                    "it is neither a date nor a time",
                    "Write it like 2026-11-24, 2026-11-24T10:00 or 2026-11-24T10:00[Europe/Berlin].",
                )
            })?;
        let ahead = now.timestamp().duration_since(Timestamp::now());
        Ok(Clock { ahead, zone: now.time_zone().clone(), pretending: true })
    }

    /// The time it shows.
    pub fn now(&self) -> ZonedDateTime {
        let now = Timestamp::now();
        now.saturating_add(self.ahead).unwrap_or(now).to_zoned_datetime(self.zone.clone())
    }

    /// Does it pretend?
    pub fn pretending(&self) -> bool {
        self.pretending
    }
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
        for text in ["tomorrow", "", "2026-13-01", "10:00"] {
            assert_eq!(Clock::pretend(text).unwrap_err().fault, Fault::Usage, "{text}");
        }
    }
}
