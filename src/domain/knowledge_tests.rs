use super::*;
use crate::domain::Secret;
use jiff::civil::date;
use proptest::prelude::*;

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_760_000_000 + day * 86_400).unwrap()
}

fn entry(source: Source, name: &str, address: Option<&str>, until: Option<Date>) -> Entry {
    let mut entry = Entry::new(source, at(0));
    entry.name = Some(name.into());
    entry.address = address.map(Into::into);
    entry.maintenance_until = until;
    entry
}

fn xml(name: &str, address: &str, until: Option<Date>) -> Entry {
    entry(Source::ServersXml, name, Some(address), until)
}

const OLD: Option<Date> = Some(date(2026, 1, 31));
const NEW: Option<Date> = Some(date(2027, 1, 31));

#[test]
fn a_failure_never_erases_a_date() {
    let mut known = Knowledge::default();
    known.absorb(Source::ServersXml, "here", Outcome::Read(vec![xml("A", "a", OLD)]), at(0));
    for outcome in [Outcome::Failed, Outcome::Absent, Outcome::Read(vec![])] {
        known.absorb(Source::ServersXml, "here", outcome, at(1));
        assert_eq!(known.servers(&[])[0].until(), OLD);
    }
    // The file is back, but shows no date yet: the old one stands, marked as remembered.
    let mut dateless = xml("A", "a", None);
    dateless.read_at = at(2);
    known.absorb(Source::ServersXml, "here", Outcome::Read(vec![dateless]), at(2));
    let server = &known.servers(&[])[0];
    assert_eq!(server.until(), OLD);
    assert!(server.date.as_ref().unwrap().remembered);
    assert_eq!(
        server.notes,
        ["servers.xml does not show this date any more; it was last read there on 2025-10-09"]
    );
}

#[test]
fn the_installed_version_joins_the_one_local_server_whatever_its_port() {
    let names = ["PC-1".to_string()];
    let installed = |version: &str| {
        let mut entry = Entry::new(Source::Installation, at(0));
        entry.address = Some("PC-1".into());
        entry.installed_version = version.parse().ok();
        Some(entry)
    };
    let mut known = Knowledge::default();
    let mut local = xml("Here", "localhost:17000", OLD);
    local.installed_version = "12.1.4".parse().ok();
    known.absorb(Source::ServersXml, "servers.xml", Outcome::Read(vec![local, xml("B", "b", OLD)]), at(0));
    assert!(known.absorb_installed(installed("13.2.2"), &names, at(0)).changed);
    assert!(
        !known.absorb_installed(installed("13.2.2"), &names, at(1)).changed,
        "nothing new is not written"
    );
    let servers = known.servers(&names);
    assert_eq!(servers.len(), 2);
    let here = servers.iter().find(|server| server.local).unwrap();
    assert_eq!((here.name.as_str(), here.until()), ("Here", OLD));
    // The list was written before the update.
    assert_eq!(here.installed_version, "13.2.2".parse().ok());
    // The server was removed from this machine: its row, and what the list says, stay.
    known.absorb_installed(None, &names, at(2));
    let servers = known.servers(&names);
    assert_eq!(
        (servers.len(), servers.iter().find(|s| s.local).unwrap().installed_version),
        (2, "12.1.4".parse().ok())
    );

    // Alone it is a server too, of the machine's name, without a date.
    let mut known = Knowledge::default();
    assert!(!known.absorb_installed(None, &names, at(0)).changed && known == Knowledge::default());
    known.absorb_installed(installed("13.2.2"), &names, at(0));
    let servers = known.servers(&names);
    assert_eq!((servers.len(), servers[0].name.as_str(), servers[0].until()), (1, "PC-1", None));
}

#[test]
fn a_server_that_the_user_removed_from_the_list_is_gone() {
    let mut known = Knowledge::default();
    known.absorb(
        Source::ServersXml,
        "here",
        Outcome::Read(vec![xml("A", "a", OLD), xml("B", "b", OLD)]),
        at(0),
    );
    known.absorb(Source::ServersXml, "here", Outcome::Read(vec![xml("B", "b", OLD)]), at(1));
    assert_eq!(known.servers(&[]).iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["B"]);
    known.absorb(Source::ServersXml, "here", Outcome::Absent, at(2));
    assert_eq!(known.forget_gone(), ["B"]);
    assert!(known.servers(&[]).is_empty());
}

#[test]
fn the_date_that_changed_last_counts_and_the_conflict_is_shown() {
    let mut known = Knowledge::default();
    let typed = entry(Source::Settings, "A", Some("a"), NEW);
    known.absorb(Source::ServersXml, "here", Outcome::Read(vec![xml("A", "a", OLD)]), at(0));
    known.absorb(Source::Settings, "here", Outcome::Read(vec![typed]), at(1));
    // The cache is written again, later, with the same old date: that proves nothing.
    let mut again = xml("A", "a", OLD);
    again.read_at = at(5);
    known.absorb(Source::ServersXml, "here", Outcome::Read(vec![again]), at(5));
    let server = &known.servers(&[])[0];
    assert_eq!((server.until(), server.source), (NEW, Source::Settings));
    assert_eq!(
        server.notes,
        ["settings says 2027-01-31, servers.xml says 2026-01-31: the date that changed last counts"]
    );
    // Either of them is away for a while, and comes back as it was: that is no news.
    for source in [Source::Settings, Source::ServersXml] {
        let entry =
            if source == Source::Settings { entry(source, "A", Some("a"), NEW) } else { xml("A", "a", OLD) };
        for away in [Outcome::Absent, Outcome::Read(vec![xml("Z", "z", None)]), Outcome::Failed] {
            known.absorb(source, "here", away.clone(), at(5));
            known.absorb(source, "here", Outcome::Read(vec![entry.clone()]), at(5));
            assert_eq!(known.servers(&[])[0].until(), NEW, "{source:?} was away: {away:?}");
        }
    }
    // A renewal arrives in the cache: it is the news.
    let renewed = Some(date(2028, 1, 31));
    let moved = known.absorb(Source::ServersXml, "here", Outcome::Read(vec![xml("A", "a", renewed)]), at(6));
    let moved = moved.moved;
    assert_eq!((moved.len(), moved[0].from, moved[0].to), (1, date(2026, 1, 31), date(2028, 1, 31)));
    assert_eq!(known.servers(&[])[0].until(), renewed);
}

#[test]
fn where_nothing_else_decides_the_administrator_is_right() {
    let mut known = Knowledge::default();
    known.absorb(Source::ServersXml, "here", Outcome::Read(vec![xml("A", "a", NEW)]), at(0));
    known.absorb(
        Source::Settings,
        "here",
        Outcome::Read(vec![entry(Source::Settings, "A", Some("a"), OLD)]),
        at(0),
    );
    let server = &known.servers(&[])[0];
    assert_eq!(server.until(), OLD);
    assert_eq!(
        server.notes,
        ["settings says 2026-01-31, servers.xml says 2027-01-31: it is not known which changed last, so \
          settings goes first"]
    );
}

#[test]
fn a_source_that_is_away_keeps_its_date_in_force() {
    let mut known = Knowledge::default();
    known.absorb(Source::ServersXml, "here", Outcome::Read(vec![xml("A", "a", OLD)]), at(0));
    let typed = entry(Source::Settings, "A", Some("a"), NEW);
    known.absorb(Source::Settings, "here", Outcome::Read(vec![typed]), at(1));
    known.absorb(Source::Settings, "here", Outcome::Absent, at(2));
    let server = &known.servers(&[])[0];
    assert_eq!(server.until(), NEW);
    assert!(server.date.as_ref().unwrap().remembered);
    // The administrator has deleted the entry: then its date is gone.
    known.absorb(Source::Settings, "here", Outcome::Read(vec![]), at(3));
    assert_eq!(known.servers(&[])[0].until(), OLD);
}

#[test]
fn a_typed_date_that_is_taken_out_and_put_back_is_no_news() {
    let typed = |until| Outcome::Read(vec![entry(Source::Settings, "A", Some("a"), until)]);
    let mut known = Knowledge::default();
    known.absorb(Source::Settings, "here", typed(OLD), at(0));
    known.absorb(Source::ServersXml, "there", Outcome::Read(vec![xml("A", "a", NEW)]), at(1));
    for (until, day) in [(None, 2), (None, 3), (OLD, 4), (None, 5), (OLD, 6)] {
        known.absorb(Source::Settings, "here", typed(until), at(day));
        assert_eq!(known.servers(&[])[0].until(), NEW, "day {day}");
    }
    // Another one is.
    let later = Some(date(2028, 1, 31));
    known.absorb(Source::Settings, "here", typed(None), at(7));
    known.absorb(Source::Settings, "here", typed(later), at(8));
    assert_eq!(known.servers(&[])[0].until(), later);
}

#[test]
fn a_server_is_left_out_by_its_name_or_address_whatever_bears_it() {
    let ignored = |name: &str| {
        let mut known = Knowledge::default();
        let cached = vec![xml("A", "a.corp", OLD), xml("A", "b.corp", NEW), xml("C", "c.corp:17000", NEW)];
        known.absorb(Source::ServersXml, "there", Outcome::Read(cached), at(0));
        let mut leave_out = entry(Source::Settings, name, None, None);
        leave_out.ignored = true;
        known.absorb(Source::Settings, "here", Outcome::Read(vec![leave_out]), at(0));
        let servers = known.servers(&[]);
        servers.into_iter().filter(|server| server.ignored).map(|server| server.key.0).collect::<Vec<_>>()
    };
    assert_eq!(ignored("a"), ["a.corp:16444", "b.corp:16444"]);
    for name in ["C", "c.corp", "C.corp:17000"] {
        assert_eq!(ignored(name), ["c.corp:17000"], "{name}");
    }
    assert_eq!(ignored("nobody"), ["name:nobody"], "listed, so that the slip is seen");
}

#[test]
fn a_date_that_the_administrator_deleted_is_gone() {
    let mut known = Knowledge::default();
    for (until, day) in [(NEW, 0), (None, 1)] {
        let typed = entry(Source::Settings, "A", Some("a"), until);
        known.absorb(Source::Settings, "here", Outcome::Read(vec![typed]), at(day));
    }
    assert_eq!(known.servers(&[])[0].until(), None);
}

#[test]
fn other_files_show_other_servers_and_each_keeps_its_own() {
    let mut known = Knowledge::default();
    known.absorb(Source::ServersXml, "here", Outcome::Read(vec![xml("A", "a", OLD)]), at(0));
    known.absorb(Source::ServersXml, "there", Outcome::Failed, at(1));
    assert_eq!(known.servers(&[]), []);
    known.absorb(Source::ServersXml, "there", Outcome::Read(vec![xml("B", "b", NEW)]), at(1));
    let names = |known: &Knowledge| known.servers(&[]).into_iter().map(|s| s.name).collect::<Vec<_>>();
    assert_eq!(names(&known), ["B"]);
    assert!(known.look_at(Source::ServersXml, "here"));
    assert!(!known.look_at(Source::ServersXml, "here"));
    assert_eq!(names(&known), ["A"]);
    for other in 0..2 * MAX_PLACES {
        known.look_at(Source::ServersXml, &other.to_string());
    }
    assert_eq!(known.books.len(), MAX_PLACES);
}

#[test]
fn a_server_whose_address_became_known_keeps_its_history() {
    let mut known = Knowledge::default();
    known.absorb(
        Source::Settings,
        "here",
        Outcome::Read(vec![entry(Source::Settings, "A", None, OLD)]),
        at(0),
    );
    known.absorb(Source::ServersXml, "here", Outcome::Read(vec![xml("A", "a", NEW)]), at(1));
    let typed = entry(Source::Settings, "A", Some("a"), OLD);
    known.absorb(Source::Settings, "here", Outcome::Read(vec![typed]), at(2));
    assert_eq!(known.servers(&[])[0].until(), NEW, "the address is new, the date is not");
}

#[test]
fn address_and_port_are_of_one_source() {
    let mut typed = entry(Source::Settings, "A", Some("typed"), OLD);
    let mut cached = xml("A", "cached", OLD);
    (typed.server_id, cached.server_id) = (Some("1".into()), Some("1".into()));
    (typed.port, cached.port) = (Some(17000), Some(16000));
    let mut known = Knowledge::default();
    known.absorb(Source::ServersXml, "here", Outcome::Read(vec![cached]), at(0));
    known.absorb(Source::Settings, "here", Outcome::Read(vec![typed]), at(0));
    let servers = known.servers(&[]);
    assert_eq!((servers.len(), servers[0].address.as_deref(), servers[0].port), (1, Some("typed"), 17000));
}

#[test]
fn names_of_one_server() {
    for (a, b, same) in [
        ("PROD-01.corp.example", "prod-01.CORP.example.", true),
        ("prod-01:16444", "prod-01", true),
        ("prod-01:17000", "prod-01", false),
        ("localhost", "127.0.0.1", true),
        ("[::1]:16444", "localhost", true),
        ("pc-17", "localhost", true),
        ("fe80::1", "fe80::2", false),
        (".", "localhost", true),
    ] {
        let mut known = Knowledge::default();
        known.absorb(
            Source::ServersXml,
            "here",
            Outcome::Read(vec![xml("x", a, None), xml("y", b, None)]),
            at(0),
        );
        assert_eq!(known.servers(&["PC-17".into()]).len() == 1, same, "{a} and {b}");
    }
}

#[test]
fn an_entry_with_a_name_alone_joins_the_one_server_of_that_name() {
    let typed = entry(Source::Settings, "prod", None, NEW);
    let mut known = Knowledge::default();
    known.absorb(Source::Settings, "here", Outcome::Read(vec![typed]), at(0));
    assert_eq!(known.servers(&[])[0].key.0, "name:prod");
    known.absorb(Source::ServersXml, "here", Outcome::Read(vec![xml("PROD", "a", None)]), at(0));
    let servers = known.servers(&[]);
    assert_eq!((servers.len(), servers[0].key.0.as_str(), servers[0].until()), (1, "a:16444", NEW));
    // Two servers of that name: it is not clear which one is meant.
    known.absorb(
        Source::ServersXml,
        "here",
        Outcome::Read(vec![xml("PROD", "a", None), xml("PROD", "b", None)]),
        at(0),
    );
    let servers = known.servers(&[]);
    assert_eq!(servers.len(), 3);
    assert!(servers.iter().any(|s| s.notes == ["several servers bear this name: give the entry an address"]));
}

#[test]
fn what_is_kept_on_disk_holds_no_activation_code() {
    let mut secret = xml("A", "a", OLD);
    secret.activation_code = Some(Secret::new("CODE-CODE"));
    let mut known = Knowledge::default();
    known.absorb(Source::ServersXml, "here", Outcome::Read(vec![secret]), at(0));
    let json = serde_json::to_string(&known).unwrap();
    assert!(!json.contains("CODE"), "{json}");
    let back: Knowledge = serde_json::from_str(&json).unwrap();
    assert_eq!(back.servers(&[]), known.servers(&[]));
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let one = (
        prop::sample::select(vec![Source::ServersXml, Source::Settings, Source::LicenseHost]),
        prop::option::of(prop::sample::select(vec!["A", "a", "B", "C"])),
        prop::option::of(prop::sample::select(vec!["a", "A.", "b:1", "127.0.0.1", "localhost"])),
        prop::option::of(prop::sample::select(vec!["id-1", "ID-1", "id-2"])),
        prop::option::of(prop::sample::select(vec![date(2026, 1, 31), date(2027, 1, 31)])),
    )
        .prop_filter("an entry has a name, a place or an id", |e| e.1.is_some() || e.2.is_some())
        .prop_map(|(source, name, address, id, until)| {
            let mut entry = Entry::new(source, at(0));
            entry.name = name.map(Into::into);
            entry.address = address.map(Into::into);
            entry.server_id = id.map(Into::into);
            entry.maintenance_until = until;
            entry
        });
    prop::collection::vec(one, 0..12)
}

fn absorbed(entries: &[Entry], order: [Source; 3]) -> Knowledge {
    let mut known = Knowledge::default();
    for source in order {
        let of_source = entries.iter().filter(|e| e.source == source).cloned().collect();
        known.absorb(source, "here", Outcome::Read(of_source), at(0));
    }
    known
}

proptest! {
    /// The order in which sources are read, and entries stand in them, decides nothing.
    #[test]
    fn merging_does_not_depend_on_order(entries in entries(), seed in any::<u64>()) {
        use Source::*;
        let one = absorbed(&entries, [ServersXml, Settings, LicenseHost]);
        let mut shuffled = entries.clone();
        let len = shuffled.len().max(1) as u64;
        for i in 0..shuffled.len() {
            shuffled.swap(i, ((seed.rotate_left(i as u32)) % len) as usize);
        }
        let two = absorbed(&shuffled, [LicenseHost, ServersXml, Settings]);
        prop_assert_eq!(one.servers(&[]), two.servers(&[]));
    }

    /// Reading the same again changes nothing.
    #[test]
    fn reading_again_changes_nothing(entries in entries()) {
        use Source::*;
        let mut known = absorbed(&entries, [ServersXml, Settings, LicenseHost]);
        let before = known.clone();
        for source in [ServersXml, Settings, LicenseHost] {
            let of_source: Vec<_> = entries.iter().filter(|e| e.source == source).cloned().collect();
            let absorbed = known.absorb(source, "here", Outcome::Read(of_source), at(3));
            prop_assert_eq!(absorbed, Absorbed::default());
        }
        prop_assert_eq!(before.servers(&[]), known.servers(&[]));
    }

    /// Every date that any source shows is either the one that counts or named in the notes; no server has
    /// more rows than entries, keys are unique.
    #[test]
    fn nothing_is_lost_in_merging(entries in entries()) {
        use Source::*;
        let servers = absorbed(&entries, [ServersXml, Settings, LicenseHost]).servers(&[]);
        prop_assert!(servers.len() <= entries.len());
        for until in entries.iter().filter_map(|e| e.maintenance_until) {
            let shown = |s: &Server| s.until() == Some(until) || s.notes.iter().any(|n| n.contains(&until.to_string()));
            prop_assert!(servers.iter().any(shown), "{} is nowhere", until);
        }
    }
}
