use super::*;
use crate::domain::{Entry, Knowledge, Source, knowledge::Outcome};
use jiff::{civil::date, tz::TimeZone};
use proptest::prelude::*;

fn zone() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn noon(day: Date) -> ZonedDateTime {
    day.at(12, 0, 0, 0).to_zoned_datetime(zone()).unwrap()
}

fn servers(list: &[(&str, Date)]) -> Vec<Server> {
    let entries = list.iter().map(|(name, until)| {
        let mut entry = Entry::new(Source::Settings, Timestamp::UNIX_EPOCH);
        entry.name = Some(name.to_string());
        entry.maintenance_until = Some(*until);
        entry
    });
    let mut known = Knowledge::default();
    known.absorb(Source::Settings, "here", Outcome::Read(entries.collect()), Timestamp::UNIX_EPOCH);
    known.servers(&[])
}

/// Shows what is due at noon of `day`, as a running tray would, and returns the bands.
fn show(ledger: &mut Ledger, servers: &[Server], day: Date) -> Vec<i32> {
    let due = ledger.due(servers, &noon(day), &Policy::default());
    ledger.announce(&due, noon(day).timestamp());
    due.iter().map(|notice| notice.band).collect()
}

const UNTIL: Date = date(2026, 12, 6);

fn days_before(days: i64) -> Date {
    UNTIL.checked_sub(days.days()).unwrap()
}

#[test]
fn bands_as_the_vendor_s_renewal_window_wants_them() {
    let bands = Policy::default().bands();
    assert_eq!(bands[..8], [90, 60, 30, 14, 7, 3, 1, 0]);
    assert_eq!(bands[8..12], [-7, -14, -21, -28]);
    assert_eq!(bands[bands.len() - 3..], [-147, -150, -180]);
    let none = Policy { before: vec![], after_every: 0, window: 0, ..Policy::default() };
    assert_eq!(none.bands(), [] as [i32; 0]);
}

#[test]
fn a_tray_that_runs_every_day_shows_each_band_once() {
    let (servers, mut ledger) = (servers(&[("A", UNTIL)]), Ledger::default());
    let mut shown = Vec::new();
    for days in (-400..=120).rev() {
        shown.extend(show(&mut ledger, &servers, days_before(days)).into_iter().map(|band| (days, band)));
    }
    let expected: Vec<_> =
        Policy::default().bands().into_iter().map(|band| (i64::from(band), band)).collect();
    assert_eq!(shown, expected);
}

#[test]
fn several_missed_bands_make_one_notice() {
    let (servers, mut ledger) = (servers(&[("A", UNTIL)]), Ledger::default());
    assert_eq!(show(&mut ledger, &servers, days_before(100)), [] as [i32; 0]);
    assert_eq!(show(&mut ledger, &servers, days_before(5)), [7]);
    assert_eq!(show(&mut ledger, &servers, days_before(-1000)), [-180]);
    assert_eq!(show(&mut ledger, &servers, days_before(-1001)), [] as [i32; 0]);
}

#[test]
fn a_clock_set_back_repeats_nothing() {
    let (servers, mut ledger) = (servers(&[("A", UNTIL)]), Ledger::default());
    assert_eq!(show(&mut ledger, &servers, days_before(3)), [3]);
    for days in [5, 20, 80, 3] {
        assert_eq!(show(&mut ledger, &servers, days_before(days)), [] as [i32; 0]);
    }
    assert_eq!(show(&mut ledger, &servers, days_before(1)), [1]);
}

#[test]
fn a_renewed_date_starts_anew() {
    let mut ledger = Ledger::default();
    assert_eq!(show(&mut ledger, &servers(&[("A", UNTIL)]), UNTIL), [0]);
    let renewed = UNTIL.checked_add(1.year()).unwrap();
    let servers = servers(&[("A", renewed)]);
    assert_eq!(show(&mut ledger, &servers, UNTIL), [] as [i32; 0]);
    assert!(ledger.open(&servers, UNTIL, &Policy::default()).is_empty());
    assert_eq!(show(&mut ledger, &servers, renewed.checked_sub(90.days()).unwrap()), [90]);
}

#[test]
fn snooze_comes_back_once_and_got_it_does_not() {
    let (servers, mut ledger) = (servers(&[("A", UNTIL)]), Ledger::default());
    let policy = Policy::default();
    let day = days_before(7);
    assert_eq!(show(&mut ledger, &servers, day), [7]);
    let key = ledger.open(&servers, day, &policy)[0].key.clone();
    let until = policy.tomorrow(&noon(day));
    assert_eq!(until.to_zoned_datetime(zone()).datetime(), days_before(6).at(9, 0, 0, 0));
    assert!(ledger.handle([key.as_str()], Handling::Snoozed { until }));
    assert!(ledger.open(&servers, day, &policy).is_empty());
    assert_eq!(
        ledger.next_look(&noon(day), &policy),
        noon(day).end_of_day().unwrap().timestamp() + jiff::SignedDuration::from_nanos(1)
    );
    let early = days_before(6).at(8, 59, 0, 0).to_zoned_datetime(zone()).unwrap();
    assert_eq!(ledger.next_look(&early, &policy), until);
    assert!(ledger.due(&servers, &early, &policy).is_empty());
    // Survives a restart.
    let mut ledger: Ledger = serde_json::from_str(&serde_json::to_string(&ledger).unwrap()).unwrap();
    assert_eq!(show(&mut ledger, &servers, days_before(6)), [7]);
    assert!(ledger.handle([key.as_str()], Handling::Done));
    assert_eq!(show(&mut ledger, &servers, days_before(5)), [] as [i32; 0]);
    assert_eq!(show(&mut ledger, &servers, days_before(3)), [3]);
}

#[test]
fn quiet_hours_defer_and_do_not_swallow() {
    let servers = servers(&[("A", UNTIL)]);
    let night = QuietHours { from: Time::constant(20, 0, 0, 0), to: Time::constant(7, 0, 0, 0) };
    let policy = Policy { quiet: Some(night), ..Policy::default() };
    let at = |hour| days_before(7).at(hour, 30, 0, 0).to_zoned_datetime(zone()).unwrap();
    let ledger = Ledger::default();
    for hour in [20, 23, 0, 6] {
        assert!(ledger.due(&servers, &at(hour), &policy).is_empty(), "{hour}");
    }
    assert_eq!(ledger.due(&servers, &at(7), &policy).len(), 1);
    assert_eq!(
        ledger.next_look(&at(6), &policy).to_zoned_datetime(zone()).datetime(),
        days_before(7).at(7, 0, 0, 0)
    );
}

#[test]
fn switches_by_kind_of_notice_and_of_license() {
    let mut list = servers(&[("A", UNTIL)]);
    list[0].kind = Some(Kind::Trial);
    list[0].installed_version = Some(Version::new(13, 2, 2));
    let count = |policy: Policy, day| Ledger::default().due(&list, &noon(day), &policy).len();
    let (before, after) = (days_before(5), days_before(-5));
    assert_eq!(count(Policy::default(), before), 1);
    assert_eq!(count(Policy { expiring: false, ..Policy::default() }, before), 0);
    assert_eq!(count(Policy { expiring: false, ..Policy::default() }, after), 1);
    assert_eq!(count(Policy { expired: false, ..Policy::default() }, after), 0);
    assert_eq!(count(Policy { kinds: vec![Kind::Perpetual], ..Policy::default() }, before), 0);
}

#[test]
fn an_installed_version_that_is_not_covered_is_told_once() {
    let mut list = servers(&[("A", date(2026, 5, 1))]);
    list[0].installed_version = Some(Version::new(13, 2, 2)); // released 2026-05-16
    let policy = Policy { expired: false, ..Policy::default() };
    let mut ledger = Ledger::default();
    let due = ledger.due(&list, &noon(UNTIL), &policy);
    assert_eq!(due[0].topic, Topic::NotCovered(Version::new(13, 2, 2)));
    ledger.announce(&due, noon(UNTIL).timestamp());
    assert!(ledger.due(&list, &noon(UNTIL), &policy).is_empty());
}

#[test]
fn the_preview_says_what_a_running_tray_would_show() {
    let servers = servers(&[("A", UNTIL), ("B", date(2027, 3, 1))]);
    let start = days_before(40);
    let preview = preview(&Ledger::default(), &servers, &noon(start), &Policy::default());
    let mut ledger = Ledger::default();
    let mut lived = Vec::new();
    for days in 0..800 {
        let day = start.checked_add(i64::from(days).days()).unwrap();
        let due = ledger.due(&servers, &noon(day), &Policy::default());
        ledger.announce(&due, noon(day).timestamp());
        if !due.is_empty() {
            lived.push((day, due));
        }
    }
    assert_eq!(preview, lived);
}

proptest! {
    /// Whatever days the clock shows, in whatever order, the bands shown only ever get more urgent.
    #[test]
    fn bands_shown_only_get_more_urgent(days in prop::collection::vec(-400i64..200, 1..60)) {
        let (servers, mut ledger) = (servers(&[("A", UNTIL)]), Ledger::default());
        let shown: Vec<i32> = days.iter().flat_map(|&d| show(&mut ledger, &servers, days_before(d))).collect();
        prop_assert!(shown.windows(2).all(|pair| pair[0] > pair[1]), "{:?}", shown);
    }

    /// A look is never due in the past, and never later than the next midnight.
    #[test]
    fn the_next_look_is_soon_enough(second in 1_700_000_000i64..1_900_000_000, from in 0i8..24, to in 0i8..24) {
        let now = Timestamp::from_second(second).unwrap().to_zoned_datetime(zone());
        let quiet = QuietHours { from: Time::constant(from, 0, 0, 0), to: Time::constant(to, 0, 0, 0) };
        let look = Ledger::default().next_look(&now, &Policy { quiet: Some(quiet), ..Policy::default() });
        prop_assert!(look >= now.timestamp());
        prop_assert!(look <= now.tomorrow().unwrap().start_of_day().unwrap().timestamp());
    }
}
