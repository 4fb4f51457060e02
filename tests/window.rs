//! The windows, through their accessibility tree in every state, by the keyboard, and as pictures painted by the
//! same CPU renderer that paints them on the screen.
//!
//! Pictures are held in tests/snapshots/window. `UPDATE_PICTURES=1 cargo test --test window` paints them anew: look
//! at them before you keep them.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "window/connection.rs"]
mod connection;
#[path = "support/connection_stand_in.rs"]
mod connection_stand_in;
#[path = "window/pictures.rs"]
mod pictures;
#[path = "support/recovery_stand_in.rs"]
mod recovery_stand_in;
#[path = "window/validation.rs"]
mod validation;
#[path = "support/validation_stand_in.rs"]
mod validation_stand_in;

use egui::{Key, Modifiers, Theme, accesskit::Role, vec2};
use egui_kittest::{
    Harness,
    kittest::{NodeT, Queryable},
};
use recovery_stand_in::{StandIn, Story, cheap, ended, plan, steps};
use std::{
    sync::mpsc,
    time::{Duration, Instant},
};
use visualcron_tray::{
    domain::{Fault, Problem},
    window::{
        recovery::{self, Heard, Screen, Standing, State, Wish},
        recovery_backend::{Choices, Deed, Ended, Link, Outcome, Told},
        runner::{After, Waker},
        style,
    },
};

fn at(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Hears all of these, a second apart.
fn heard(all: Vec<Heard>) -> State {
    let mut state = State::default();
    for (second, heard) in all.into_iter().enumerate() {
        state.hear(heard, at(second as f64));
    }
    state
}

fn planned(story: Story) -> State {
    let mut state = heard(vec![Heard::Plan(plan(story))]);
    for (index, step) in cheap(false).into_iter().enumerate() {
        state.hear(Heard::Checked(index, step.checked), at(0.0));
    }
    state
}

fn begins(index: usize, may_cancel: bool) -> Told {
    Told::Begins { index, title: steps()[index].clone(), may_cancel }
}

fn done(index: usize) -> Told {
    Told::Done { index, title: steps()[index].clone() }
}

/// Asked for, and then told: at these times.
fn running(story: Story, wish: &Wish, told: Vec<(f64, Told)>) -> State {
    let mut state = planned(story);
    state.ask(wish);
    for (second, told) in told {
        state.hear(Heard::Told(told), at(second));
    }
    state
}

fn waiting() -> State {
    let client = || "the VisualCron Client".to_string();
    running(
        Story::Clears,
        &Wish::Start(Choices::default()),
        vec![(1.0, begins(0, true)), (1.0, Told::Waiting { title: client(), seconds_left: 17 })],
    )
}

fn in_the_middle() -> Vec<(f64, Told)> {
    let backup = format!("The backup is {}.", recovery_stand_in::backup().display());
    vec![
        (1.0, begins(0, true)),
        (3.4, done(0)),
        (3.4, begins(1, true)),
        (3.9, done(1)),
        (3.9, begins(2, true)),
        (4.0, done(2)),
        (4.0, begins(3, false)),
        (4.0, Told::Note(backup)),
        (4.1, done(3)),
        (4.1, begins(4, false)),
    ]
}

fn failing() -> State {
    let mut told = in_the_middle();
    told.truncate(7);
    told.push((4.6, Told::Failed("Cannot rename servers.xml: another program holds it open.".into())));
    running(Story::Fails, &Wish::Start(Choices::default()), told)
}

/// Every state that the window can be in, by the name of its pictures.
fn states() -> Vec<(&'static str, State)> {
    let start = Wish::Start(Choices::default());
    let result = |story| {
        let mut state = planned(story);
        state.hear(Heard::Told(Told::Ended(ended(story))), at(9.0));
        state
    };
    let mut left = planned(Story::CutOff);
    left.hear(Heard::Told(Told::Ended(recovery_stand_in::kept())), at(9.0));
    let mut restarted = planned(Story::NothingToClear);
    restarted.hear(
        Heard::Told(Told::Ended(Ended {
            deed: Deed::Restarted,
            ..recovery_stand_in::as_it_was(Outcome::Done)
        })),
        at(9.0),
    );
    let mut under_way = planned(Story::Clears);
    under_way.ask(&start);
    under_way.hear(
        Heard::Told(Told::Refused(Problem::new(
            Fault::Unavailable,
            "Clear server cache is under way already",
            r"C:\Users\Jana\AppData\Local\visualcron-tray\data",
            "another process is doing it",
            "Wait until it has ended.",
        ))),
        at(9.0),
    );
    let mut cancelled = waiting();
    cancelled.ask(&Wish::Cancel);
    let mut not_opened = planned(Story::Clears);
    not_opened.hear(
        Heard::NotOpened(Problem::new(
            Fault::Unavailable,
            "Cannot open the page",
            "https://admin.visualcron.com/mylicenses.aspx",
            "no browser was found",
            "Open it by hand.",
        )),
        at(1.0),
    );
    vec![
        ("looking", State::default()),
        ("plan", planned(Story::Clears)),
        ("plan-not-opened", not_opened),
        ("nothing-to-clear", planned(Story::NothingToClear)),
        ("refused", planned(Story::Refused)),
        ("waiting", waiting()),
        ("running", running(Story::Clears, &start, in_the_middle())),
        ("cancelled", cancelled),
        ("failing", failing()),
        ("done", result(Story::Clears)),
        ("rolled-back", result(Story::Fails)),
        ("needs-you", result(Story::NeedsUser)),
        ("kept", left),
        ("restarted", restarted),
        ("under-way", under_way),
        ("cut-off", planned(Story::CutOff)),
        ("cut-off-going-back", planned(Story::CutOffGoingBack)),
    ]
}

struct Seen {
    state: State,
    now: Duration,
    wishes: Vec<Wish>,
    styled: bool,
}

fn harness(state: State) -> Harness<'static, Seen> {
    let seen = Seen { state, now: at(6.0), wishes: vec![], styled: false };
    let [width, height] = recovery::SIZE;
    let app = |ctx: &egui::Context, seen: &mut Seen| {
        if !std::mem::replace(&mut seen.styled, true) {
            // Fonts are there from the next picture on.
            style::apply(ctx);
            return;
        }
        seen.wishes.extend(recovery::show(&mut seen.state, ctx, seen.now));
    };
    let mut harness =
        Harness::builder().with_size(vec2(width, height)).with_theme(Theme::Light).build_state(app, seen);
    harness.run_steps(4);
    harness
}

/// What a screen reader finds, a line each, in its order.
fn outline<S>(harness: &Harness<'_, S>) -> String {
    fn walk<'a>(node: &egui_kittest::Node<'a>, depth: usize, lines: &mut String) {
        let access = node.accesskit_node();
        let name = access.label().or_else(|| access.value()).unwrap_or_default();
        let plain = matches!(
            access.role(),
            Role::GenericContainer | Role::Unknown | Role::Window | Role::ScrollView | Role::ScrollBar
        );
        let depth = if plain {
            depth
        } else {
            let mut marks = String::new();
            for (holds, mark) in [
                (access.is_focused(), " [focus]"),
                (access.is_disabled(), " [disabled]"),
                (access.toggled() == Some(egui::accesskit::Toggled::True), " [ticked]"),
            ] {
                marks.push_str(if holds { mark } else { "" });
            }
            lines.push_str(&format!("{}{:?} {name}{marks}\n", "  ".repeat(depth), access.role()));
            depth + 1
        };
        // What a cell or a line of a list holds has been said by its name.
        if matches!(access.role(), Role::Cell | Role::RowHeader | Role::ColumnHeader) {
            return;
        }
        for child in node.children() {
            walk(&child, depth, lines);
        }
    }
    let mut lines = String::new();
    walk(&harness.root(), 0, &mut lines);
    lines
}

#[test]
fn what_a_screen_reader_finds_in_every_state() {
    for (name, state) in states() {
        let harness = harness(state);
        insta::with_settings!({ snapshot_suffix => name, omit_expression => true }, {
            insta::assert_snapshot!("recovery", outline(&harness));
        });
    }
}

#[test]
fn every_state_can_be_left_by_escape_and_has_one_main_heading() {
    for (name, state) in states() {
        let mut harness = harness(state);
        let headings: Vec<_> = harness.get_all_by_role(Role::Heading).collect();
        assert!(!headings.is_empty(), "{name}: a heading");
        assert_eq!(harness.state().wishes, vec![], "{name}: nothing happens by itself");
        harness.key_press(Key::Escape);
        harness.run_steps(2);
        let left = harness.state().wishes.clone();
        let expected = match name {
            // It can be taken back here, and that is what Escape does.
            "waiting" => vec![Wish::Cancel],
            // Not safe now: Escape does nothing.
            "running" | "cancelled" | "failing" => vec![],
            _ => vec![Wish::Close],
        };
        assert_eq!(left, expected, "{name}");
    }
}

/// The names of what Tab goes through, from the focus on, until it comes round.
fn tab_order<S>(harness: &mut Harness<'_, S>) -> Vec<String> {
    let focused = |harness: &Harness<'_, S>| {
        let all: Vec<String> = harness
            .get_all(egui_kittest::kittest::By::new().predicate(|node| node.is_focused()))
            .map(|node| {
                let access = node.accesskit_node();
                access.label().or_else(|| access.value()).unwrap_or_else(|| format!("{:?}", access.role()))
            })
            .collect();
        all.last().cloned().unwrap_or_default()
    };
    let mut names = vec![focused(harness)];
    for _ in 0..20 {
        harness.key_press(Key::Tab);
        harness.run_steps(1);
        let name = focused(harness);
        if name == names[0] {
            break;
        }
        names.push(name);
    }
    names
}

#[test]
fn tab_goes_the_way_one_reads_and_begins_where_enter_does_no_harm() {
    let order = |state| tab_order(&mut harness(state));
    assert_eq!(
        order(planned(Story::Clears)),
        [
            "Cancel",
            "Open My licenses",
            "End programs that do not close within",
            "Seconds to wait for programs",
            "Start the Client in the end, although it does not run now",
            "Clear server cache"
        ]
    );
    assert_eq!(order(planned(Story::CutOff)), ["Later", "Resume", "Roll back", "Keep as is"]);
    assert_eq!(order(planned(Story::CutOffGoingBack)), ["Later", "Roll back", "Keep as is"]);
    assert_eq!(order(planned(Story::Refused)), ["Close"]);
    let mut done = planned(Story::Clears);
    done.hear(Heard::Told(Told::Ended(ended(Story::Clears))), at(9.0));
    assert_eq!(order(done), ["Close", "Open backup folder"]);
}

#[test]
fn everything_can_be_done_by_keys() {
    let press = |state: State, keys: &[(Modifiers, Key)]| {
        let mut harness = harness(state);
        for (modifiers, key) in keys {
            harness.key_press_modifiers(*modifiers, *key);
            harness.run_steps(2);
        }
        std::mem::take(&mut harness.state_mut().wishes)
    };
    let plain = |key| (Modifiers::NONE, key);
    let alt = |key| (Modifiers::ALT, key);
    let planned = |story| planned(story);
    assert_eq!(press(planned(Story::Clears), &[plain(Key::Enter)]), [Wish::Close]);
    let start = Wish::Start(Choices::default());
    assert_eq!(press(planned(Story::Clears), &[alt(Key::C)]), [start]);
    let chosen = Choices { force: true, start_client: true, ..Choices::default() };
    assert_eq!(
        press(planned(Story::Clears), &[alt(Key::E), alt(Key::S), alt(Key::C)]),
        [Wish::Start(chosen)]
    );
    let shift_tab = (Modifiers::SHIFT, Key::Tab);
    for key in [Key::Enter, Key::Space] {
        assert_eq!(
            press(planned(Story::Clears), &[shift_tab, plain(key)]),
            [Wish::Start(Choices::default())],
            "{key:?}"
        );
    }
    let page = Wish::Open(Link::Page("https://admin.visualcron.com/mylicenses.aspx".into()));
    assert_eq!(press(planned(Story::Clears), &[plain(Key::Tab), plain(Key::Enter)]), [page]);
    for (key, wish) in [(Key::R, Wish::Resume), (Key::B, Wish::RollBack), (Key::K, Wish::Keep)] {
        assert_eq!(press(planned(Story::CutOff), &[alt(key)]), [wish]);
    }
    // What is no choice any more cannot be pressed either.
    assert_eq!(press(planned(Story::CutOffGoingBack), &[alt(Key::R)]), []);
    let folder = recovery_stand_in::backup().parent().unwrap().to_path_buf();
    let mut done = planned(Story::Clears);
    done.hear(Heard::Told(Told::Ended(ended(Story::Clears))), at(9.0));
    assert_eq!(press(done, &[alt(Key::O)]), [Wish::Open(Link::Folder(folder))]);
}

#[test]
fn a_screen_reader_can_press_what_it_finds() {
    let mut harness = harness(planned(Story::CutOff));
    harness.get_by_role_and_label(Role::Button, "Resume").click_accesskit();
    harness.run_steps(2);
    assert_eq!(harness.state().wishes, [Wish::Resume]);
}

#[test]
fn the_number_of_seconds_can_be_typed() {
    let mut harness = harness(planned(Story::Clears));
    harness.get_by_role_and_label(Role::SpinButton, "Seconds to wait for programs").focus();
    harness.run_steps(3);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.event(egui::Event::Text("45".into()));
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    assert_eq!(harness.state().state.choices.patience_seconds, 45);
    assert_eq!(harness.state().wishes, []);
}

#[test]
fn steps_are_timed_and_counted_and_keep_their_words() {
    let mut told = in_the_middle();
    told.push((4.2, Told::Begins { index: 5, title: "in other words".into(), may_cancel: false }));
    let state = running(Story::Clears, &Wish::Start(Choices::default()), told);
    let Screen::Running(running) = &state.screen else { panic!("{:?}", state.screen) };
    let standings: Vec<Standing> = running.steps.iter().map(|step| step.standing).collect();
    assert_eq!(standings[0], Standing::Done(Some(at(3.4) - at(1.0))));
    assert_eq!(standings[5], Standing::Now(at(4.2)));
    assert_eq!(running.steps[5].title, steps()[5]);
    assert_eq!((running.may_cancel, running.waiting.clone()), (false, None));
    let Screen::Running(failing) = failing().screen else { panic!() };
    assert!(matches!(failing.steps[3].standing, Standing::Failed(_)));
    // Told of a step that nobody planned: shown all the same; and nonsense does no harm.
    let mut state = waiting();
    for index in [steps().len(), usize::MAX] {
        let told = Told::Begins { index, title: "one more".into(), may_cancel: true };
        state.hear(Heard::Told(told), at(2.0));
    }
    let Screen::Running(running) = &state.screen else { panic!() };
    assert_eq!(running.steps[steps().len()].title, "one more");
}

#[test]
fn resumed_steps_count_as_done_before() {
    let mut state = planned(Story::CutOff);
    state.ask(&Wish::Resume);
    let Screen::Running(running) = &state.screen else { panic!("{:?}", state.screen) };
    let done = running.steps.iter().filter(|step| step.standing == Standing::Done(None)).count();
    assert_eq!(done, 4);
}

#[test]
fn the_whole_story_with_a_backend_at_work() {
    let stand_in = StandIn::new(Story::Clears, Duration::from_millis(5));
    let asked = stand_in.asked.clone();
    let (woken, wakes) = mpsc::channel();
    let waker = Waker::new(move |_| woken.send(()).unwrap_or_default());
    let mut view = recovery::view(Box::new(stand_in), waker).unwrap();
    let mut painted = pictures::Painted::new(Theme::Light, recovery::SIZE, 1.0);
    let began = Instant::now();
    let until = |view: &mut Box<dyn visualcron_tray::window::runner::View>,
                 painted: &mut pictures::Painted,
                 text: &str| {
        while !painted.texts().iter().any(|shown| shown.contains(text)) {
            assert!(began.elapsed() < at(20.0), "{text} is not shown: {:?}", painted.texts());
            let _ = wakes.recv_timeout(at(0.05));
            painted.frame(vec![], |ctx| {
                view.show(ctx, began.elapsed());
            });
        }
    };
    let key = |key, modifiers| egui::Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers,
    };
    until(&mut view, &mut painted, "answered in 38 ms");
    painted.frame(vec![key(Key::C, Modifiers::ALT)], |ctx| {
        view.show(ctx, began.elapsed());
    });
    until(&mut view, &mut painted, "The server cache was cleared");
    let mut after = After::Stay;
    painted.frame(vec![key(Key::Escape, Modifiers::NONE)], |ctx| {
        if view.show(ctx, began.elapsed()) == After::Close {
            after = After::Close;
        }
    });
    assert_eq!(after, After::Close);
    assert_eq!(asked.lock().unwrap().join("; "), format!("plan; start {:?}", Choices::default()));
}

#[test]
fn pictures_of_every_state() {
    let mut wrong = vec![];
    for theme in [Theme::Light, Theme::Dark] {
        for (name, _) in states() {
            for scale in [1.0, 2.0] {
                // At 200 % those that have something of everything.
                if scale > 1.0 && !["plan", "waiting", "failing", "done", "cut-off"].contains(&name) {
                    continue;
                }
                let mut state = states().into_iter().find(|(other, _)| *other == name).unwrap().1;
                let mut painted = pictures::Painted::new(theme, recovery::SIZE, scale);
                for _ in 0..4 {
                    painted.frame(vec![], |ctx| {
                        recovery::show(&mut state, ctx, at(6.0));
                    });
                }
                let file =
                    format!("recovery-{name}-{}-{:.0}", format!("{theme:?}").to_lowercase(), scale * 100.0);
                wrong.extend(painted.compare(&file));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_large_window_and_a_small_one_lose_nothing() {
    for size in [[460.0, 320.0], [1200.0, 900.0]] {
        for (name, _) in states() {
            let mut state = states().into_iter().find(|(other, _)| *other == name).unwrap().1;
            let mut painted = pictures::Painted::new(Theme::Light, size, 1.0);
            for _ in 0..3 {
                painted.frame(vec![], |ctx| {
                    recovery::show(&mut state, ctx, at(6.0));
                });
            }
            let outside = painted.outside();
            assert!(outside.is_empty(), "{name} at {size:?}: {outside:?}");
        }
    }
}

/// The example, as a stand-in for the program: Cargo builds it with the tests.
#[cfg(target_os = "linux")]
#[test]
fn without_a_display_the_command_line_is_the_way_out() {
    let test = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().parent().unwrap().join("examples/recovery_window");
    if !example.exists() {
        eprintln!("skipped: {} is missing", example.display());
        return;
    }
    let run = |display: Option<&str>| {
        let mut command = std::process::Command::new(&example);
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
            command.env_remove(name);
        }
        command.envs(display.map(|display| ("DISPLAY", display)));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for display in [None, Some(":987"), Some("nonsense")] {
        let (code, said) = run(display);
        assert_eq!(code, Some(69), "{display:?}: {said}");
        assert!(said.contains("No window can be opened"), "{display:?}: {said}");
        assert!(said.contains("visualcron-tray recover"), "{display:?}: {said}");
        assert!(!said.contains("panicked"), "{display:?}: {said}");
    }
}
