// The connection window: the same ways of looking at it as at the recovery window.

use super::{
    at,
    connection_stand_in::{HOST, StandIn, concluded, failed, open, refused, sign_in, to_look_at},
    outline, pictures, tab_order,
};
use egui::{Event, Key, Modifiers, Theme, accesskit::Role, vec2};
use egui_kittest::{Harness, kittest::Queryable};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};
use visualcron_tray::{
    domain::{
        Fault, Problem,
        diagnosis::{Diagnosis, for_network_team},
    },
    window::{
        connection::{self, Heard, Kept, Screen, State, Wish, file_name},
        connection_backend::Told,
        runner::{After, View, Waker},
        style,
    },
};

fn opened() -> State {
    let mut state = State::default();
    state.hear(Heard::Host(HOST.into()), at(0.0));
    state
}

fn tell(state: &mut State, told: Vec<(f64, Told)>) {
    for (second, told) in told {
        let number = state.number;
        state.hear(Heard::Told(number, told), at(second));
    }
}

/// The first so many stages of it have ended, and the next goes on.
fn checking(diagnosis: &Diagnosis, ended: usize) -> State {
    let mut state = opened();
    for step in &diagnosis.steps[..ended] {
        tell(&mut state, vec![(2.0, Told::Began(step.stage)), (2.5, Told::Ended(Box::new(step.clone())))]);
    }
    tell(&mut state, vec![(3.0, Told::Began(diagnosis.steps[ended].stage))]);
    state
}

fn ended(diagnosis: Diagnosis) -> State {
    let mut state = opened();
    let host = diagnosis.target.to_string();
    if host != HOST {
        state.typed.clone_from(&host);
        state.ask(&Wish::Check(host));
    }
    tell(&mut state, vec![(4.0, Told::Concluded(Box::new(diagnosis)))]);
    state
}

/// Every state that the window can be in, by the name of its pictures.
fn states() -> Vec<(&'static str, State)> {
    let mut not_checked = opened();
    tell(&mut not_checked, vec![(1.0, Told::Failed(failed()))]);
    let mut copied = ended(refused());
    copied.hear(Heard::Kept(Kept::Copied), at(5.0));
    let mut saved = ended(refused());
    let file = format!("/home/jana/Documents/{}", file_name(&refused()));
    saved.hear(Heard::Kept(Kept::Saved(file.into())), at(5.0));
    let mut not_saved = ended(refused());
    not_saved.hear(
        Heard::Problem(Problem::new(
            Fault::Permission,
            "Cannot write the file",
            r"C:\Users\Jana\Documents\Connection.txt",
            "access is denied",
            "Copy the text instead.",
        )),
        at(5.0),
    );
    let mut mistyped = ended(refused());
    (mistyped.typed, mistyped.mistyped) = ("no host at all".into(), true);
    vec![
        ("opening", State::default()),
        ("checking", checking(&refused(), 2)),
        ("open", ended(open())),
        ("to-look-at", ended(to_look_at())),
        ("blocked", ended(refused())),
        ("proxy", ended(sign_in())),
        ("not-checked", not_checked),
        ("copied", copied),
        ("saved", saved),
        ("not-saved", not_saved),
        ("mistyped", mistyped),
    ]
}

fn state_of(name: &str) -> State {
    states().into_iter().find(|(other, _)| *other == name).unwrap().1
}

struct Seen {
    state: State,
    wishes: Vec<Wish>,
    styled: bool,
}

fn harness(state: State) -> Harness<'static, Seen> {
    let [width, height] = connection::SIZE;
    let app = |ctx: &egui::Context, seen: &mut Seen| {
        if !std::mem::replace(&mut seen.styled, true) {
            // Fonts are there from the next picture on.
            style::apply(ctx);
            return;
        }
        seen.wishes.extend(connection::show(&mut seen.state, ctx, at(6.0)));
    };
    let seen = Seen { state, wishes: vec![], styled: false };
    let mut harness =
        Harness::builder().with_size(vec2(width, height)).with_theme(Theme::Light).build_state(app, seen);
    harness.run_steps(4);
    harness
}

#[test]
fn what_a_screen_reader_finds_in_every_state() {
    for (name, state) in states() {
        let harness = harness(state);
        insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false,
            snapshot_suffix => name, omit_expression => true }, {
            insta::assert_snapshot!("window__connection", outline(&harness));
        });
    }
}

#[test]
fn every_state_can_be_left_by_escape_and_does_nothing_by_itself() {
    for (name, state) in states() {
        let mut harness = harness(state);
        assert!(harness.get_all_by_role(Role::Heading).next().is_some(), "{name}: a heading");
        assert_eq!(harness.state().wishes, vec![], "{name}: nothing happens by itself");
        harness.key_press(Key::Escape);
        harness.run_steps(2);
        assert_eq!(harness.state().wishes, vec![Wish::Close], "{name}");
    }
}

#[test]
fn tab_goes_the_way_one_reads_and_begins_in_the_field() {
    let order = |state| tab_order(&mut harness(state));
    assert_eq!(order(checking(&refused(), 2)), ["Host", "Cancel"]);
    let copy = "Copy text";
    assert_eq!(order(ended(refused())), ["Host", "Check again", copy, "Save text", "Close"]);
    let mut saved = state_of("saved");
    saved.focus_due = true;
    assert_eq!(order(saved), ["Host", "Check again", "Open folder", copy, "Save text", "Close"]);
}

/// Presses these, one after the other. What was wished for.
fn press(state: State, keys: &[(Modifiers, Key)]) -> (Vec<Wish>, State) {
    let mut harness = harness(state);
    for (modifiers, key) in keys {
        harness.key_press_modifiers(*modifiers, *key);
        harness.run_steps(2);
    }
    let seen = harness.state_mut();
    (std::mem::take(&mut seen.wishes), std::mem::take(&mut seen.state))
}

#[test]
fn everything_can_be_done_by_keys() {
    let plain = |key| (Modifiers::NONE, key);
    let alt = |key| (Modifiers::ALT, key);
    let text = for_network_team(&refused());
    let again = Wish::Check(HOST.into());
    let wishes = |name: &str, keys: &[(Modifiers, Key)]| press(state_of(name), keys).0;
    assert_eq!(wishes("blocked", &[alt(Key::P)]), [Wish::Copy(text.clone())]);
    let name = "Connection to www.visualcron.com 2026-11-24 12.18.07 UTC.txt".to_string();
    assert_eq!(wishes("blocked", &[alt(Key::S)]), [Wish::Save { name, text }]);
    assert_eq!(wishes("blocked", &[alt(Key::C)]), std::slice::from_ref(&again));
    assert_eq!(wishes("blocked", &[alt(Key::H), plain(Key::Enter)]), std::slice::from_ref(&again));
    for key in [Key::Enter, Key::Space] {
        assert_eq!(
            wishes("blocked", &[plain(Key::Tab), plain(key)]),
            std::slice::from_ref(&again),
            "{key:?}"
        );
    }
    let folder = Wish::Open(PathBuf::from("/home/jana/Documents"));
    let to_the_link = [alt(Key::H), plain(Key::Tab), plain(Key::Tab), plain(Key::Enter)];
    assert_eq!(wishes("saved", &to_the_link), [folder]);
    // What is being checked is not begun a second time, however long Enter is held.
    assert_eq!(wishes("checking", &[plain(Key::Enter), plain(Key::Enter), alt(Key::C)]), []);
    assert!(!press(state_of("checking"), &[plain(Key::Enter)]).1.mistyped);
}

#[test]
fn another_host_can_be_typed_while_one_is_checked() {
    let mut harness = harness(state_of("checking"));
    // All of it is selected: what is typed takes its place.
    harness.event(Event::Text(" licenses.corp.example:8443 ".into()));
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(2);
    assert_eq!(harness.state().wishes, [Wish::Check("licenses.corp.example:8443".into())]);
    harness.get_by_role_and_label(Role::TextInput, "Host");
    harness.get_by_role_and_label(Role::Button, "Check").click_accesskit();
    harness.run_steps(2);
    assert_eq!(harness.state().wishes.len(), 2, "pressed by a screen reader");

    // What the first check tells from now on is of no interest.
    let mut state = state_of("checking");
    state.ask(&Wish::Check("licenses.corp.example:8443".into()));
    for told in [Told::Began(refused().steps[2].stage), Told::Concluded(Box::new(refused()))] {
        state.hear(Heard::Told(0, told), at(4.0));
    }
    assert_eq!((&state.screen, state.current()), (&Screen::Checking, None));
    tell(&mut state, vec![(5.0, Told::Concluded(Box::new(sign_in())))]);
    assert!(matches!(&state.screen, Screen::Concluded(diagnosis) if **diagnosis == sign_in()));
}

#[test]
fn the_buttons_stand_at_the_bottom_whatever_was_above_them_before() {
    let bottom =
        |harness: &Harness<'_, Seen>| harness.get_by_role_and_label(Role::Button, "Close").rect().bottom();
    let mut harness = harness(state_of("saved"));
    let before = bottom(&harness);
    harness.state_mut().state.kept = None;
    harness.run_steps(3);
    assert_eq!(bottom(&harness), before);
}

#[test]
fn what_is_no_host_is_said_and_not_checked() {
    for typed in ["", "no host at all", "host:0", "http://x y"] {
        let mut state = ended(refused());
        state.typed = typed.into();
        let (wishes, state) = press(state, &[(Modifiers::ALT, Key::C)]);
        assert_eq!((wishes, state.mistyped), (vec![], true), "{typed:?}");
    }
    // And no more once it is typed anew.
    let mut harness = harness(state_of("mistyped"));
    harness.key_press_modifiers(Modifiers::ALT, Key::H);
    harness.run_steps(2);
    harness.event(Event::Text("x".into()));
    harness.run_steps(2);
    assert_eq!((harness.state().state.mistyped, harness.state().state.typed.as_str()), (false, "x"));
}

#[test]
fn a_file_name_fits_every_system() {
    let name = |host: &str| file_name(&concluded(host, vec![]));
    assert_eq!(name("[2001:db8::1]:8443"), "Connection to 2001.db8..1..8443 2026-11-24 12.18.07 UTC.txt");
    assert!(name(&"a".repeat(253)).len() < 150);
}

#[test]
fn the_whole_story_with_a_backend_at_work() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let stand_in = StandIn { diagnoses: vec![refused(), open()], asked: asked.clone() };
    let (woken, wakes) = mpsc::channel();
    let waker = Waker::new(move |_| woken.send(()).unwrap_or_default());
    let mut view = connection::view(Box::new(stand_in), waker).unwrap();
    let mut painted = pictures::Painted::new(Theme::Light, connection::SIZE, 1.0);
    let began = Instant::now();
    let mut until = |view: &mut Box<dyn View>, key: Option<(Key, Modifiers)>, text: &str| {
        let mut events = key.map(pressed).into_iter().collect();
        loop {
            painted.frame(std::mem::take(&mut events), |ctx| {
                view.show(ctx, began.elapsed());
            });
            if painted.texts().iter().any(|shown| shown.contains(text)) {
                return;
            }
            assert!(began.elapsed() < at(60.0), "{text} is not shown: {:?}", painted.texts());
            let _ = wakes.recv_timeout(Duration::from_millis(50));
        }
    };
    until(&mut view, None, "Something is in the way");
    until(&mut view, Some((Key::P, Modifiers::ALT)), "Copied.");
    until(&mut view, Some((Key::S, Modifiers::ALT)), "Saved: /home/jana/Documents");
    until(&mut view, Some((Key::C, Modifiers::ALT)), "The way is open");
    let mut after = After::Stay;
    painted.frame(vec![pressed((Key::Escape, Modifiers::NONE))], |ctx| {
        if view.show(ctx, began.elapsed()) == After::Close {
            after = After::Close;
        }
    });
    assert_eq!(after, After::Close);
    insta::assert_snapshot!(asked.lock().unwrap().join("\n"), @r"
    check www.visualcron.com
    copy Allow outbound TCP 443 from PC-17 to www.visualcron.com; today 203.0.113.10 answers with RST after 12 ms.
    save Connection to www.visualcron.com 2026-11-24 12.18.07 UTC.txt
    check www.visualcron.com
    ");
}

fn pressed((key, modifiers): (Key, Modifiers)) -> Event {
    Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers }
}

#[test]
fn pictures_of_every_state() {
    let mut wrong = vec![];
    for theme in [Theme::Light, Theme::Dark] {
        for (name, _) in states() {
            for scale in [1.0, 2.0] {
                // At 200 % those that have something of everything.
                if scale > 1.0 && !["checking", "to-look-at", "proxy"].contains(&name) {
                    continue;
                }
                let mut state = state_of(name);
                let mut painted = pictures::Painted::new(theme, connection::SIZE, scale);
                for _ in 0..4 {
                    painted.frame(vec![], |ctx| {
                        connection::show(&mut state, ctx, at(6.0));
                    });
                }
                let theme = format!("{theme:?}").to_lowercase();
                wrong.extend(painted.compare(&format!("connection-{name}-{theme}-{:.0}", scale * 100.0)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_large_window_and_a_small_one_lose_nothing() {
    for size in [[460.0, 320.0], [1200.0, 900.0]] {
        for (name, mut state) in states() {
            let mut painted = pictures::Painted::new(Theme::Light, size, 1.0);
            for _ in 0..3 {
                painted.frame(vec![], |ctx| {
                    connection::show(&mut state, ctx, at(6.0));
                });
            }
            let outside = painted.outside();
            assert!(outside.is_empty(), "{name} at {size:?}: {outside:?}");
        }
    }
}
