//! A world in memory that crashes, fails and changes on demand, and what must hold in it whatever happens.

use super::{
    Choices, Journal, Outcome, Plan, Program, Record, Role, backup,
    run::{begin, run, take_back},
    world::{Kind, Progress, World},
};
use jiff::Timestamp;
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

const FOLDER: &str = "/vc/settings";

fn servers_xml() -> PathBuf {
    Path::new(FOLDER).join("servers.xml")
}

/// What somebody else does in the middle.
#[derive(Clone, Debug)]
enum Outside {
    /// The Client (or its starter) writes servers.xml anew.
    Writes(u8),
    /// The user deletes all backups.
    DeletesBackups,
    /// The user edits all backups.
    EditsBackups,
    /// The user removes servers.xml.
    Removes,
    /// The user starts a program that was closed.
    Starts(usize),
}

/// What happens at the n-th call.
#[derive(Clone, Debug)]
enum Strike {
    /// The machine or the helper stops before the call takes effect.
    CrashBefore,
    /// … after it took effect, and before it is known to have.
    CrashAfter,
    /// The call fails, once.
    Fails(io::ErrorKind),
    /// The journal's disk is full from now on.
    DiskFull,
    /// The user wants no more.
    Cancel,
    /// Somebody else acts first.
    Outside(Outside),
}

/// How a program answers to being asked to close.
#[derive(Clone, Copy, Debug)]
enum Manners {
    Closes,
    WritesAndCloses(u8),
    Refuses,
    ComesBack,
}

struct Sim {
    files: BTreeMap<PathBuf, Vec<u8>>,
    journal: Vec<u8>,
    running: BTreeSet<usize>,
    manners: Vec<Manners>,
    calls: usize,
    strikes: BTreeMap<usize, Strike>,
    crashed: bool,
    disk_full: bool,
    canceled: bool,
    clock: i64,
    /// What was in servers.xml and nobody but us may have lost.
    precious: Vec<Vec<u8>>,
    /// Somebody touched the backups, or took servers.xml away.
    tampered: bool,
    /// A fault may have kept a program from starting.
    faulty: bool,
    /// Somebody holds servers.xml open, whom the system does not name: this program while it runs, or another one.
    held_by: Option<usize>,
}

fn crash() -> io::Error {
    io::Error::other("crashed")
}

impl Sim {
    fn new(manners: Vec<Manners>, strikes: BTreeMap<usize, Strike>, content: Option<u8>) -> Sim {
        let content = content.map(|byte| vec![byte; 10]);
        Sim {
            files: content.iter().map(|content| (servers_xml(), content.clone())).collect(),
            journal: vec![],
            running: (0..manners.len()).collect(),
            manners,
            calls: 0,
            strikes,
            crashed: false,
            disk_full: false,
            canceled: false,
            clock: 1_764_000_000,
            precious: content.into_iter().collect(),
            tampered: false,
            faulty: false,
            held_by: None,
        }
    }

    /// A call: `act` is its effect.
    fn call<T>(&mut self, act: impl FnOnce(&mut Sim) -> io::Result<T>) -> io::Result<T> {
        if self.crashed {
            return Err(crash());
        }
        self.calls += 1;
        match self.strikes.remove(&self.calls) {
            None => act(self),
            Some(Strike::CrashBefore) => {
                self.crashed = true;
                Err(crash())
            }
            Some(Strike::CrashAfter) => {
                let _ = act(self);
                self.crashed = true;
                Err(crash())
            }
            Some(Strike::Fails(kind)) => {
                self.faulty = true;
                Err(kind.into())
            }
            Some(Strike::DiskFull) => {
                self.disk_full = true;
                act(self)
            }
            Some(Strike::Cancel) => {
                self.canceled = true;
                act(self)
            }
            Some(Strike::Outside(outside)) => {
                self.outside(&outside);
                act(self)
            }
        }
    }

    fn outside(&mut self, outside: &Outside) {
        let is_backup = |path: &Path| path.to_string_lossy().ends_with(".bak");
        match outside {
            Outside::Writes(byte) => self.write(vec![*byte; 10]),
            Outside::DeletesBackups => {
                self.tampered |= self.files.keys().any(|path| is_backup(path));
                self.files.retain(|path, _| !is_backup(path));
            }
            Outside::EditsBackups => {
                for (path, content) in &mut self.files {
                    if is_backup(path) {
                        self.tampered = true;
                        content.push(0);
                    }
                }
            }
            Outside::Removes => self.tampered |= self.files.remove(&servers_xml()).is_some(),
            Outside::Starts(program) => {
                self.running.insert(program % self.manners.len().max(1));
            }
        }
    }

    /// A program writes servers.xml: what was in it before is its own affair.
    fn write(&mut self, content: Vec<u8>) {
        if let Some(old) = self.files.insert(servers_xml(), content.clone()) {
            let elsewhere = self.files.iter().any(|(path, c)| *path != servers_xml() && *c == old);
            if !elsewhere {
                self.precious.retain(|c| *c != old);
            }
        }
        self.precious.push(content);
    }

    fn is_held(&self) -> bool {
        self.held_by.is_some_and(|by| by >= self.manners.len() || self.running.contains(&by))
    }

    fn index(&self, program: &Program) -> usize {
        program.started as usize
    }
}

impl World for Sim {
    fn kind(&mut self, path: &Path) -> io::Result<Option<Kind>> {
        self.call(|sim| {
            Ok(match path {
                path if path == Path::new(FOLDER) => Some(Kind::Folder),
                path => sim.files.contains_key(path).then_some(Kind::File),
            })
        })
    }

    fn is_ours(&mut self, _: &Path) -> io::Result<bool> {
        self.call(|_| Ok(true))
    }

    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        self.call(|sim| match sim.is_held() {
            true => Err(io::ErrorKind::ResourceBusy.into()),
            false => sim.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into()),
        })
    }

    fn move_to_free(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|sim| {
            if sim.files.contains_key(to) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let content = sim.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
            sim.files.insert(to.into(), content);
            Ok(())
        })
    }

    fn delete_backup(&mut self, path: &Path) -> io::Result<()> {
        self.call(|sim| {
            let content = sim.files.remove(path).ok_or(io::ErrorKind::NotFound)?;
            sim.precious.retain(|c| *c != content);
            Ok(())
        })
    }

    fn names(&mut self, _: &Path) -> io::Result<Vec<String>> {
        self.call(|sim| {
            Ok(sim.files.keys().filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned())).collect())
        })
    }

    fn holders(&mut self, _: &Path) -> io::Result<Vec<(Option<u32>, String)>> {
        self.call(|sim| Ok(sim.is_held().then(|| (None, "nobody knows".to_string())).into_iter().collect()))
    }

    fn has_room(&mut self, _: u64) -> io::Result<bool> {
        self.call(|sim| Ok(!sim.disk_full))
    }

    fn record(&mut self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_vec(record).unwrap();
        line.push(b'\n');
        // Appending mends a line that was cut off before.
        let whole = self.journal.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let torn = line[..line.len() / 2].to_vec();
        let result = self.call(|sim| {
            if sim.disk_full {
                return Err(io::ErrorKind::StorageFull.into());
            }
            sim.journal.truncate(whole);
            sim.journal.extend(&line);
            Ok(())
        });
        if result.is_err()
            && self.crashed
            && self.journal.last() == Some(&b'\n')
            && !self.journal.ends_with(&line)
        {
            self.journal.extend(torn);
        }
        result
    }

    fn runs(&mut self, program: &Program) -> io::Result<bool> {
        let index = self.index(program);
        self.call(|sim| Ok(sim.running.contains(&index)))
    }

    fn runs_again(&mut self, program: &Program) -> io::Result<bool> {
        self.runs(program)
    }

    fn ask_to_close(&mut self, program: &Program) -> io::Result<()> {
        let index = self.index(program);
        self.call(|sim| {
            match sim.manners[index] {
                Manners::Refuses => return Ok(()),
                Manners::WritesAndCloses(byte) => sim.write(vec![byte; 10]),
                Manners::Closes | Manners::ComesBack => {}
            }
            sim.running.remove(&index);
            Ok(())
        })
    }

    fn end(&mut self, program: &Program) -> io::Result<()> {
        let index = self.index(program);
        self.call(|sim| {
            sim.running.remove(&index);
            Ok(())
        })
    }

    fn start(&mut self, program: &Program) -> io::Result<()> {
        let index = self.index(program);
        self.call(|sim| {
            sim.running.insert(index);
            if matches!(sim.manners[index], Manners::ComesBack) {
                sim.write(vec![99; 10]);
            }
            Ok(())
        })
    }

    fn now(&mut self) -> Timestamp {
        self.clock += 1;
        Timestamp::from_second(self.clock).unwrap()
    }

    fn pause(&mut self, _: Duration) {}

    fn tell(&mut self, _: Progress) {}

    fn is_canceled(&mut self) -> bool {
        self.canceled
    }
}

fn plan(programs: usize, force: bool) -> Plan {
    let program = |index: usize| Program {
        role: [Role::Client, Role::VendorTray, Role::OurTray][index],
        pid: Some(100 + index as u32),
        started: index as u64,
        path: format!("/vc/program-{index}").into(),
        arguments: vec![],
        folder: None,
        environment: BTreeMap::new(),
    };
    Plan {
        made_at: Timestamp::UNIX_EPOCH,
        servers_xml: servers_xml(),
        running: (0..programs).map(program).collect(),
        start_too: vec![],
        bring_back: None,
        before: vec![],
        choices: Choices { force, patience_seconds: 1, restart_anyway: true, ..Choices::default() },
    }
}

/// What the user decides after a crash.
#[derive(Clone, Copy, Debug)]
enum Decision {
    Resume,
    RollBack,
}

/// Runs to the end, whatever happens on the way.
fn live(sim: &mut Sim, plan: Plan, decisions: &[Decision]) -> Option<Outcome> {
    let mut outcome = match begin(sim, plan) {
        Ok((_, outcome)) => Some(outcome),
        Err(_) => None,
    };
    for decision in decisions.iter().cycle().take(64) {
        // The disk is freed and the machine on again before anybody decides anything.
        sim.disk_full = false;
        if !std::mem::take(&mut sim.crashed) && outcome.is_none() {
            break;
        }
        let mut journal = Journal::read(&sim.journal)?;
        if !journal.is_open() {
            return journal.outcome;
        }
        if let Decision::RollBack = decision
            && journal.taking_back.is_none()
        {
            take_back(sim, &mut journal, "The user wants it.".into());
        }
        outcome = Some(run(sim, &mut journal));
    }
    outcome
}

fn check(
    sim: &Sim,
    outcome: Option<&Outcome>,
    programs: usize,
    before: Option<&Vec<u8>>,
) -> Result<(), TestCaseError> {
    let now = sim.files.get(&servers_xml());
    for content in &sim.precious {
        let places = sim.files.values().filter(|c| *c == content).count();
        prop_assert!(places >= 1 || sim.tampered, "lost: {content:?} in {:?}", sim.files);
    }
    match outcome {
        None => prop_assert!(before.is_none() || now.is_some() || sim.tampered, "refused, and yet changed"),
        Some(Outcome::Done) => {
            prop_assert!(sim.faulty || sim.running.len() >= programs, "programs do not run again");
        }
        Some(Outcome::RolledBack { .. }) => {
            prop_assert!(
                before.is_none() || now.is_some() || sim.tampered,
                "rolled back without servers.xml"
            );
            prop_assert!(sim.faulty || sim.running.len() >= programs, "programs do not run again");
        }
        Some(Outcome::NeedsUser { why }) => {
            prop_assert!(sim.tampered || sim.faulty, "nobody but us has done this: {why}");
        }
        Some(Outcome::Kept) => prop_assert!(false, "nobody kept it"),
    }
    // Nothing open is left behind.
    if let Some(journal) = Journal::read(&sim.journal) {
        prop_assert!(!journal.is_open() || sim.faulty, "the journal is open still");
    }
    Ok(())
}

fn strikes() -> impl Strategy<Value = BTreeMap<usize, Strike>> {
    let outside = prop_oneof![
        (1u8..9).prop_map(Outside::Writes),
        Just(Outside::DeletesBackups),
        Just(Outside::EditsBackups),
        Just(Outside::Removes),
        (0usize..3).prop_map(Outside::Starts),
    ];
    let kind = prop::sample::select(vec![
        io::ErrorKind::StorageFull,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::ResourceBusy,
        io::ErrorKind::Other,
    ]);
    let strike = prop_oneof![
        3 => Just(Strike::CrashBefore),
        3 => Just(Strike::CrashAfter),
        2 => kind.prop_map(Strike::Fails),
        1 => Just(Strike::DiskFull),
        1 => Just(Strike::Cancel),
        2 => outside.prop_map(Strike::Outside),
    ];
    prop::collection::btree_map(1usize..90, strike, 0..6)
}

fn manners() -> impl Strategy<Value = Vec<Manners>> {
    let one = prop_oneof![
        3 => Just(Manners::Closes),
        2 => (10u8..20).prop_map(Manners::WritesAndCloses),
        1 => Just(Manners::Refuses),
        1 => Just(Manners::ComesBack),
    ];
    prop::collection::vec(one, 0..=3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    /// Any crashes, faults and doings of others, in any order: it ends, and nothing is lost.
    #[test]
    fn it_ends_and_nothing_is_lost(
        manners in manners(),
        strikes in strikes(),
        force in any::<bool>(),
        content in prop::option::weighted(0.9, 20u8..30),
        decisions in prop::collection::vec(prop::sample::select(vec![Decision::Resume, Decision::RollBack]), 1..4),
    ) {
        let programs = manners.len();
        let mut sim = Sim::new(manners, strikes, content);
        let before = sim.files.get(&servers_xml()).cloned();
        let outcome = live(&mut sim, plan(programs, force), &decisions);
        check(&sim, outcome.as_ref(), programs, before.as_ref())?;
    }
}

/// Each call of a full run crashes once, before and after its effect, and once more in what follows; each way of
/// going on converges.
#[test]
fn a_crash_at_every_call_and_another_at_every_call_after_it() {
    let mut runs = 0;
    for decision in [Decision::Resume, Decision::RollBack] {
        for first in 1..70 {
            for second in (first + 1..first + 40).map(Some).chain([None]) {
                for after in [false, true] {
                    let strike = || if after { Strike::CrashAfter } else { Strike::CrashBefore };
                    let strikes =
                        [Some(first), second].into_iter().flatten().map(|call| (call, strike())).collect();
                    let manners = vec![Manners::WritesAndCloses(7), Manners::Closes, Manners::Closes];
                    let mut sim = Sim::new(manners, strikes, Some(1));
                    let before = sim.files.get(&servers_xml()).cloned();
                    let outcome = live(&mut sim, plan(3, false), &[decision]);
                    check(&sim, outcome.as_ref(), 3, before.as_ref()).unwrap();
                    if outcome == Some(Outcome::Done) {
                        assert!(!sim.files.contains_key(&servers_xml()), "{first} {second:?}");
                        assert_eq!(
                            sim.files.values().filter(|c| **c == [7; 10]).count(),
                            1,
                            "one agreed place"
                        );
                    } else if outcome.is_some() {
                        let content = &sim.files[&servers_xml()];
                        assert!(*content == [1; 10] || *content == [7; 10]);
                        assert_eq!(sim.files.len(), 1, "one agreed place");
                    }
                    runs += 1;
                }
            }
        }
    }
    assert!(runs > 5000, "{runs}");
}

#[test]
fn a_calm_run_does_all_steps_and_keeps_the_newest_backups() {
    let mut sim = Sim::new(vec![Manners::Closes; 3], BTreeMap::new(), Some(1));
    for n in 0..12u8 {
        let content = vec![100 + n; 4];
        let at = Timestamp::from_second(1_700_000_000 + i64::from(n)).unwrap();
        sim.files.insert(backup::path_for(&servers_xml(), at, &backup::hash(&content)), content);
    }
    sim.files.insert(Path::new(FOLDER).join("servers.xml.mine.bak"), vec![0]);
    let (journal, outcome) = begin(&mut sim, plan(3, false)).unwrap();
    assert_eq!((outcome, journal.done), (Outcome::Done, 7));
    assert!(!sim.files.contains_key(&servers_xml()));
    assert_eq!(backup::list(&mut sim, &servers_xml()).unwrap().len(), 10);
    assert!(sim.files.contains_key(&Path::new(FOLDER).join("servers.xml.mine.bak")), "not ours");
    assert_eq!(sim.running.len(), 3);
}

#[test]
fn a_program_that_refuses_is_left_running_unless_it_may_be_ended() {
    for force in [false, true] {
        let mut sim = Sim::new(vec![Manners::Refuses, Manners::Closes], BTreeMap::new(), Some(1));
        let (_, outcome) = begin(&mut sim, plan(2, force)).unwrap();
        assert_eq!(outcome == Outcome::Done, force, "{outcome:?}");
        assert_eq!(sim.files.contains_key(&servers_xml()), !force);
        assert_eq!(sim.running.len(), 2);
    }
}

#[test]
fn a_file_that_is_held_is_cleared_when_its_holder_closes_and_else_left_alone() {
    let clear = |held_by, programs| {
        let mut sim = Sim::new(vec![Manners::Closes; programs], BTreeMap::new(), Some(1));
        sim.held_by = Some(held_by);
        let outcome = begin(&mut sim, plan(programs, false)).map(|(_, outcome)| outcome);
        assert_eq!(sim.files.contains_key(&servers_xml()), outcome != Ok(Outcome::Done));
        assert_eq!(sim.running.len(), programs);
        (outcome, sim.journal.is_empty())
    };
    assert_eq!(clear(0, 2), (Ok(Outcome::Done), false), "by the Client");
    let (outcome, is_untouched) = clear(9, 0);
    assert!(outcome.unwrap_err().why.ends_with("holds it open: nobody knows") && is_untouched);
    // It might have been the Client: that is known when the Client has closed.
    let (outcome, _) = clear(9, 1);
    let Ok(Outcome::RolledBack { why }) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("another program holds it open"), "{why}");
}

#[test]
fn a_server_s_folder_is_refused_before_anything_is_written() {
    let mut sim = Sim::new(vec![], BTreeMap::new(), Some(1));
    sim.files.insert(Path::new(FOLDER).join("JOBS.XML"), vec![]);
    let problem = begin(&mut sim, plan(0, false)).unwrap_err();
    assert!(problem.why.contains("server's settings folder"));
    assert_eq!((sim.journal.len(), sim.files.len()), (0, 2));
}

#[test]
fn a_backup_is_brought_back_and_the_present_file_becomes_one() {
    let mut sim = Sim::new(vec![Manners::Closes], BTreeMap::new(), Some(1));
    begin(&mut sim, plan(1, false)).unwrap();
    sim.write(vec![2; 10]);
    let backup = backup::list(&mut sim, &servers_xml()).unwrap().remove(0);
    let restore = Plan { bring_back: Some(backup.path), ..plan(1, false) };
    sim.journal.clear();
    assert_eq!(begin(&mut sim, restore).unwrap().1, Outcome::Done);
    assert_eq!(sim.files[&servers_xml()], vec![1; 10]);
    let backups = backup::list(&mut sim, &servers_xml()).unwrap();
    assert_eq!(backups.len(), 1);
    assert_eq!(sim.files[&backups[0].path], vec![2; 10]);
}

/// Cases that chance once found.
#[test]
fn found_by_chance() {
    let writes = |calls: [usize; 2]| calls.map(|call| (call, Strike::Outside(Outside::Writes(1)))).into();
    let mut sim = Sim::new(vec![Manners::Closes; 2], writes([23, 33]), Some(20));
    let before = sim.files.get(&servers_xml()).cloned();
    let outcome = live(&mut sim, plan(2, false), &[Decision::Resume]);
    check(&sim, outcome.as_ref(), 2, before.as_ref()).unwrap();
}

#[test]
fn canceled_at_any_call_all_is_taken_back_or_done() {
    let mut taken_back = 0;
    for call in 1..90 {
        let strikes = [(call, Strike::Cancel)].into();
        let mut sim = Sim::new(vec![Manners::Closes, Manners::Refuses], strikes, Some(1));
        let outcome = live(&mut sim, plan(2, true), &[Decision::Resume]);
        check(&sim, outcome.as_ref(), 2, Some(&vec![1; 10])).unwrap();
        if let Some(Outcome::RolledBack { why }) = outcome {
            assert!(why.contains("canceled"), "{why}");
            assert_eq!(sim.files.len(), 1);
            taken_back += 1;
        }
    }
    assert!(taken_back > 20, "{taken_back}");
}

#[test]
fn a_client_that_is_to_stay_closed_comes_back_only_if_all_is_taken_back() {
    for manners in [Manners::Closes, Manners::Refuses] {
        let mut sim = Sim::new(vec![Manners::Closes, manners], BTreeMap::new(), Some(1));
        let mut plan = plan(2, false);
        plan.choices.leave_client_closed = true;
        let (_, outcome) = begin(&mut sim, plan).unwrap();
        assert_eq!(sim.running.contains(&0), outcome != Outcome::Done);
        assert!(sim.running.contains(&1));
    }
}
