//! Where a license stands on a day: how many days are left, and what follows when it lapses.

use super::Kind;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Where a license stands. Ordered from the least to the most urgent: the worst of many wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The date is known and not near.
    Active,
    /// No date is known.
    Unknown,
    /// The date is near; the last day itself included.
    Expiring,
    /// The date has passed.
    Expired,
}

impl Standing {
    /// The word for JSON and tables: `active`, `unknown`, `expiring`, `expired`.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Active => "active",
            Standing::Unknown => "unknown",
            Standing::Expiring => "expiring",
            Standing::Expired => "expired",
        }
    }

    /// The exit code of `status`, as monitoring systems read it: 0 fine, 1 warning, 2 critical, 3 unknown.
    pub fn exit_code(self) -> u8 {
        match self {
            Standing::Active => 0,
            Standing::Expiring => 1,
            Standing::Expired => 2,
            Standing::Unknown => 3,
        }
    }
}

/// Calendar days from `today` to `until`: 0 on the last day, negative after it.
pub fn days_left(today: Date, until: Date) -> i32 {
    until.duration_since(today).as_hours().div_euclid(24) as i32
}

/// Where a license with this date stands, if it counts as expiring from `expiring_days` days before.
pub fn standing(until: Option<Date>, today: Date, expiring_days: u32) -> Standing {
    match until.map(|until| days_left(today, until)) {
        None => Standing::Unknown,
        Some(days) if days < 0 => Standing::Expired,
        Some(days) if days <= expiring_days as i32 => Standing::Expiring,
        Some(_) => Standing::Active,
    }
}

/// What it is that expires, in the vendor's words.
pub fn subject(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Subscription) => "Subscription",
        Some(Kind::Trial) => "Trial",
        Some(Kind::Perpetual) | None => "Maintenance",
    }
}

/// `Maintenance expires in 12 days (2026-12-06)`, `Subscription expired yesterday (2026-11-23)`,
/// `Maintenance date unknown`.
pub fn in_words(kind: Option<Kind>, until: Option<Date>, today: Date) -> String {
    let subject = subject(kind);
    match until {
        None => format!("{subject} date unknown"),
        Some(until) => match days_left(today, until) {
            0 => format!("{subject} expires today ({until})"),
            1 => format!("{subject} expires tomorrow ({until})"),
            -1 => format!("{subject} expired yesterday ({until})"),
            days if days < 0 => format!("{subject} expired {} days ago ({until})", -days),
            days => format!("{subject} expires in {days} days ({until})"),
        },
    }
}

/// What follows when a license of this kind lapses (documented by the vendor, see docs/vendor-facts.md), as
/// one sentence that fits before and after the date.
pub fn consequence(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Subscription) => "Without a subscription the server stops executing Jobs.",
        Some(Kind::Trial) => {
            "After the trial the server still runs Jobs, but the Client cannot control it any more."
        }
        Some(Kind::Perpetual) => {
            "Without Maintenance the server keeps running the version it is bound to, but there are no upgrades, \
             no support, no moving of the license, and Reports, Server monitor, Server sync and Failover Cluster stop."
        }
        None => {
            "Without Maintenance there are no upgrades, no support and no moving of the license; if it is a \
             subscription, the server stops executing Jobs."
        }
    }
}

/// What to do about a date that is near or past, with the vendor's renewal window (from 90 days before to 180
/// days after, documented) in mind. `None` while there is nothing to do.
pub fn advice(kind: Option<Kind>, days_left: i32) -> Option<String> {
    match kind {
        Some(Kind::Trial) if days_left <= 30 => Some("Order a license to go on.".into()),
        Some(Kind::Trial) => None,
        _ if days_left > RENEWAL_OPENS_DAYS => None,
        _ if days_left >= 0 => Some("Renew before the date.".into()),
        _ if days_left >= -RENEWAL_CLOSES_DAYS => Some(format!(
            "Renew now: it is possible for {} more {}, and counts from the old date.",
            RENEWAL_CLOSES_DAYS + days_left,
            if RENEWAL_CLOSES_DAYS + days_left == 1 { "day" } else { "days" }
        )),
        _ => Some("The renewal window of 180 days is over: a new license is needed.".into()),
    }
}

/// From how many days before the date a renewal is possible (documented by the vendor).
pub const RENEWAL_OPENS_DAYS: i32 = 90;
/// Until how many days after the date a renewal is possible (documented by the vendor).
pub const RENEWAL_CLOSES_DAYS: i32 = 180;

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn the_last_day_is_still_covered() {
        let until = Some(date(2026, 12, 6));
        for (today, expected) in [
            (date(2026, 11, 5), Standing::Active),
            (date(2026, 11, 6), Standing::Expiring),
            (date(2026, 12, 6), Standing::Expiring),
            (date(2026, 12, 7), Standing::Expired),
        ] {
            assert_eq!(standing(until, today, 30), expected, "{today}");
        }
        assert_eq!(standing(None, date(2026, 1, 1), 30), Standing::Unknown);
    }

    #[test]
    fn the_worst_standing_wins() {
        use Standing::*;
        assert_eq!([Active, Unknown, Expiring].into_iter().max(), Some(Expiring));
        assert_eq!([Expired, Unknown].into_iter().max(), Some(Expired));
    }

    #[test]
    fn sentences_for_each_kind_and_day() {
        let today = date(2026, 11, 24);
        let mut lines = vec![in_words(None, None, today)];
        for days in [200, 12, 1, 0, -1, -40] {
            let until = today.checked_add(jiff::Span::new().days(days)).unwrap();
            lines.push(in_words(Some(Kind::Subscription), Some(until), today));
            lines.push(format!("  {}", advice(Some(Kind::Subscription), days).unwrap_or_default()));
        }
        insta::assert_snapshot!(lines.join("\n"), @r"
        Maintenance date unknown
        Subscription expires in 200 days (2027-06-12)
          
        Subscription expires in 12 days (2026-12-06)
          Renew before the date.
        Subscription expires tomorrow (2026-11-25)
          Renew before the date.
        Subscription expires today (2026-11-24)
          Renew before the date.
        Subscription expired yesterday (2026-11-23)
          Renew now: it is possible for 179 more days, and counts from the old date.
        Subscription expired 40 days ago (2026-10-15)
          Renew now: it is possible for 140 more days, and counts from the old date.
        ");
    }

    proptest! {
        /// Days left count calendar days in the user's zone: one per date, whatever the clock does on it.
        #[test]
        fn days_are_calendar_days_in_every_zone(
            zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kathmandu",
                "Australia/Lord_Howe", "America/St_Johns", "Pacific/Kiritimati", "UTC"]),
            start in 0i64..2_000_000_000, ahead in 0i64..2000,
        ) {
            let zone = jiff::tz::TimeZone::get(zone).unwrap();
            let now = jiff::Timestamp::from_second(start).unwrap().to_zoned_datetime(zone);
            let until = now.date().checked_add(jiff::Span::new().days(ahead)).unwrap();
            prop_assert_eq!(days_left(now.date(), until), ahead as i32);
            // The last moment of today and the first count the same.
            let last = now.end_of_day().unwrap();
            prop_assert_eq!(days_left(last.date(), until), ahead as i32);
            let tomorrow = now.date().tomorrow().unwrap();
            prop_assert_eq!(days_left(tomorrow, until), ahead as i32 - 1);
        }
    }
}
