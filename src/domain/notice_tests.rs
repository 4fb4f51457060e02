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
    let preview: Vec<_> = preview(&Ledger::default(), &servers, &noon(start), &Policy::default()).collect();
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

/// The preview by looking at every server on every day.
fn lived(
    ledger: &Ledger,
    servers: &[Server],
    now: &ZonedDateTime,
    policy: &Policy,
    days: i64,
) -> Vec<(Date, Vec<Notice>)> {
    let awake = Policy { quiet: None, ..policy.clone() };
    let mut ledger = ledger.clone();
    let mut shown = Vec::new();
    for ahead in 0..days {
        let day = now.date().checked_add(ahead.days()).unwrap();
        let evening = day.at(23, 59, 59, 0).to_zoned_datetime(now.time_zone().clone()).unwrap();
        let due = ledger.due(servers, &evening, &awake);
        if !due.is_empty() {
            ledger.announce(&due, evening.timestamp());
            ledger.handle(due.iter().map(|notice| notice.key.as_str()), Handling::Done);
            shown.push((day, due));
        }
    }
    shown
}

/// Reading the preview of 10,000 servers, each with a date of its own, must not take a look at each on every day.
#[test]
fn the_preview_of_many_servers_is_quick() {
    let names: Vec<String> = (0..10_000).map(|n| format!("S{n}")).collect();
    let dated: Vec<(&str, Date)> = names
        .iter()
        .enumerate()
        .map(|(n, name)| (name.as_str(), UNTIL.checked_add((n as i64).days()).unwrap()))
        .collect();
    let servers = servers(&dated);
    let start = std::time::Instant::now();
    let shown: usize = preview(&Ledger::default(), &servers, &noon(UNTIL), &Policy::default())
        .map(|(_, notices)| notices.len())
        .sum();
    println!("{shown} notices in {:?}", start.elapsed());
    assert!(shown > 10_000 * 30);
    // A look at each on every day takes minutes.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    // Hostile settings: many a notice, but no longer for each.
    let hostile = Policy { before: (0..50).collect(), after_every: 1, window: 3650, ..Policy::default() };
    let start = std::time::Instant::now();
    let mut left = 100_000usize;
    let days = preview(&Ledger::default(), &servers, &noon(UNTIL), &hostile)
        .take_while(|(_, notices)| {
            left = left.saturating_sub(notices.len());
            left > 0
        })
        .count();
    println!("{days} days in {:?}", start.elapsed());
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn at_the_end_of_time_nothing_breaks() {
    let end = Timestamp::MAX.to_zoned_datetime(zone());
    let servers = servers(&[("A", UNTIL), ("Z", Date::MAX)]);
    let policy = Policy::default();
    assert!(Ledger::default().next_look(&end, &policy) >= end.timestamp());
    assert!(policy.tomorrow(&end) >= end.timestamp());
    let mut ledger = Ledger::default();
    let due = ledger.due(&servers, &end, &policy);
    ledger.announce(&due, end.timestamp());
    assert!(preview(&ledger, &servers, &end, &policy).count() <= 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is foretold is what a tray that looks at every server on every day would show.
    #[test]
    fn the_preview_is_what_every_day_would_show(
        dates in prop::collection::vec((-300i64..150, any::<bool>()), 1..5),
        before in prop::collection::vec(0u32..120, 0..5),
        (after_every, window) in (0u32..20, 0u32..250),
        (expiring, expired) in any::<(bool, bool)>(),
        known in prop::collection::vec((0usize..5, -200i32..100, 0u8..3, -5i64..40), 0..5),
    ) {
        let names = ["A", "B", "C", "D", "E"];
        let dated: Vec<_> =
            dates.iter().zip(names).map(|((days, _), name)| (name, days_before(*days))).collect();
        let mut servers = servers(&dated);
        for (server, (_, versioned)) in servers.iter_mut().zip(&dates) {
            server.installed_version = versioned.then_some(Version::new(13, 2, 2));
        }
        let policy = Policy { before, after_every, window, expiring, expired, ..Policy::default() };
        let now = noon(UNTIL);
        let mut ledger = Ledger::default();
        for (index, band, handling, ahead) in known {
            let Some(server) = servers.get(index) else { continue };
            let at = now.checked_add(ahead.days()).unwrap().timestamp();
            let handling = [Handling::Open, Handling::Done, Handling::Snoozed { until: at }][handling as usize];
            let key = date_key(server, server.until().unwrap());
            ledger.0.insert(key, Announced { band, at: now.timestamp(), handling });
        }
        let foretold: Vec<_> = preview(&ledger, &servers, &now, &policy).collect();
        prop_assert_eq!(foretold, lived(&ledger, &servers, &now, &policy, 560));
    }
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
