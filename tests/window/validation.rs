// The validation window: the same ways of looking at it as at the recovery window.

use super::{
    at, outline, pictures, tab_order,
    validation_stand_in::{StandIn, accepted, known, many, not_read, request},
};
use egui::{Event, Key, Modifiers, Theme, accesskit::Role, vec2};
use egui_kittest::{Harness, kittest::Queryable};
use std::{
    path::Path,
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};
use visualcron_tray::{
    domain::validation::{
        Nonce, PublicKey, Refusal, Request, Verdict,
        text::{Carries, Unreadable, read},
    },
    window::{
        runner::{After, View, Waker},
        style,
        validation::{self, Heard, Kept, Route, State, Wish, file_name, in_words},
        validation_backend::{Judged, Known, Link},
    },
};

fn heard(all: Vec<Heard>) -> State {
    let mut state = State::default();
    for heard in all {
        state.hear(heard);
    }
    state
}

fn opened() -> State {
    heard(vec![Heard::Known(known())])
}

fn made() -> State {
    heard(vec![Heard::Known(known()), Heard::Made(request("PROD-01"))])
}

fn judged(judged: Judged) -> State {
    let mut state = made();
    state.hear(Heard::Answer("VCTA1: 4H4K2 …".into()));
    state.hear(Heard::Judged(judged));
    state
}

fn refused(refusal: Refusal) -> State {
    judged(Judged::Refused(refusal))
}

/// Every state that the window can be in, by the name of its pictures.
fn states() -> Vec<(&'static str, State)> {
    let key = PublicKey::new([1; 32]).id();
    let with = |change: &dyn Fn(&mut State)| {
        let mut state = made();
        change(&mut state);
        state
    };
    let nothing = Known { servers: vec![], ..known() };
    vec![
        ("looking", State::default()),
        ("opened", opened()),
        ("many", heard(vec![Heard::Known(many())])),
        ("no-server", heard(vec![Heard::Known(nothing)])),
        ("no-key", {
            let mut state = heard(vec![Heard::Known(Known { hosts: vec![], ..known() })]);
            state.route = Route::Own;
            state
        }),
        ("vendor", heard(vec![Heard::Known(Known { hosts: vec![], ..known() })])),
        ("made", made()),
        ("code", with(&|state| state.shows_code = true)),
        ("copied", with(&|state| state.kept = Some(Kept::Copied))),
        (
            "saved",
            with(&|state| {
                let file = format!("/home/jana/Documents/{}", file_name("PROD-01"));
                state.hear(Heard::Kept(Kept::Saved(file.into())));
            }),
        ),
        ("not-read", with(&|state| state.hear(Heard::Problem(not_read(Path::new("/home/jana/answer.txt")))))),
        ("accepted", judged(accepted(Verdict::Valid))),
        ("revoked", judged(accepted(Verdict::Revoked))),
        ("mistyped", refused(Refusal::Unreadable(Unreadable::Mistyped))),
        ("forged", refused(Refusal::BadSignature(key))),
        ("other-server", refused(Refusal::OtherServer("id-0002".into()))),
        ("expired", refused(Refusal::Expired(jiff::SignedDuration::from_hours(50)))),
        ("unknown-key", refused(Refusal::UnknownKey(key))),
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
    let [width, height] = validation::SIZE;
    let app = |ctx: &egui::Context, seen: &mut Seen| {
        if !std::mem::replace(&mut seen.styled, true) {
            // Fonts are there from the next picture on.
            style::apply(ctx);
            return;
        }
        seen.wishes.extend(validation::show(&mut seen.state, ctx));
    };
    let seen = Seen { state, wishes: vec![], styled: false };
    let mut harness =
        Harness::builder().with_size(vec2(width, height)).with_theme(Theme::Light).build_state(app, seen);
    harness.run_steps(4);
    harness
}

/// Presses these, one after the other. What was wished for, and what came of it.
fn press(state: State, keys: &[(Modifiers, Key)]) -> (Vec<Wish>, State) {
    let mut harness = harness(state);
    for (modifiers, key) in keys {
        harness.key_press_modifiers(*modifiers, *key);
        harness.run_steps(2);
    }
    let seen = harness.state_mut();
    (std::mem::take(&mut seen.wishes), std::mem::take(&mut seen.state))
}

const fn plain(key: Key) -> (Modifiers, Key) {
    (Modifiers::NONE, key)
}

const fn alt(key: Key) -> (Modifiers, Key) {
    (Modifiers::ALT, key)
}

#[test]
fn what_a_screen_reader_finds_in_every_state() {
    for (name, state) in states() {
        if name == "many" {
            continue;
        }
        let harness = harness(state);
        insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false,
            snapshot_suffix => name, omit_expression => true }, {
            insta::assert_snapshot!("window__validation", outline(&harness));
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
fn tab_goes_the_way_one_reads_and_begins_at_the_most_urgent_server() {
    let order = |name: &str| tab_order(&mut harness(state_of(name)));
    let prod = "PROD-01: Validation is overdue: 9 days are left before the server may stop.";
    let (page, own) = ("Open https://licenses.corp.example/offline", "A license host of your own");
    assert_eq!(order("opened"), [prod, "Make request", page, "Answer", "Paste", "Close", own]);
    assert_eq!(
        order("code"),
        [
            prod,
            "Request for PROD-01",
            "Copy",
            "Save",
            "Make anew",
            "Show QR code",
            page,
            "Answer",
            "Paste",
            "Close",
            own
        ]
    );
    let mut forged = state_of("forged");
    forged.focus_due = true;
    assert!(tab_order(&mut harness(forged)).ends_with(&["Check answer".into(), "Close".into(), own.into()]));
    assert_eq!(
        order("vendor"),
        [
            "The vendor's own host",
            "Open https://www.visualcron.com/activation/OfflineValidation.aspx",
            "Open https://admin.visualcron.com/activation/OfflineActivation2024.aspx",
            "Close"
        ]
    );
}

#[test]
fn everything_can_be_done_by_keys() {
    let wishes = |name: &str, keys: &[(Modifiers, Key)]| press(state_of(name), keys).0;
    let make = |name: &str| Wish::Make(name.into());
    assert_eq!(wishes("opened", &[alt(Key::M)]), [make("PROD-01")]);
    assert_eq!(wishes("opened", &[plain(Key::ArrowDown), alt(Key::M)]), [make("TEST-01")]);
    assert_eq!(
        wishes("opened", &[plain(Key::ArrowUp), plain(Key::ArrowUp), plain(Key::Tab), plain(Key::Enter)]),
        [make("DEV-01")]
    );
    let text = request("PROD-01").text;
    assert_eq!(wishes("made", &[alt(Key::C)]), [Wish::Copy(text.clone())]);
    let name = "Validation request PROD-01.txt".to_string();
    assert_eq!(wishes("made", &[alt(Key::S)]), [Wish::Save { name, text }]);
    // What is asked for comes into sight.
    let mut shows = harness(made());
    shows.key_press_modifiers(Modifiers::ALT, Key::Q);
    shows.run_steps(8);
    let code = shows.get_by_role(Role::Image).rect();
    assert!(code.max.y < validation::SIZE[1] - 63.0 && code.min.y > 60.0, "{code:?}");
    assert_eq!(wishes("made", &[alt(Key::P)]), [Wish::Paste]);
    // And so does the list, when the focus comes back to it.
    let mut back = harness(state_of("code"));
    let prod = "PROD-01: Validation is overdue: 9 days are left before the server may stop.";
    let top =
        |harness: &Harness<'_, Seen>| harness.get_by_role_and_label(Role::RadioButton, prod).rect().min.y;
    let before = top(&back);
    back.key_press(Key::PageDown);
    back.run_steps(3);
    assert!(top(&back) < before - 50.0, "it is scrolled away");
    back.key_press(Key::Tab);
    back.run_steps(2);
    back.key_press_modifiers(Modifiers::SHIFT, Key::Tab);
    back.run_steps(3);
    assert!(top(&back) > 60.0, "{}", top(&back));
    assert_eq!(wishes("made", &[alt(Key::H)]), [], "there is no answer yet");
    assert_eq!(wishes("forged", &[alt(Key::H)]), [Wish::Judge("VCTA1: 4H4K2 …".into())]);
    let page = |url: &str| Wish::Open(Link::Page(url.into()));
    let to_the_link = [plain(Key::Tab), plain(Key::Tab), plain(Key::Enter)];
    assert_eq!(wishes("opened", &to_the_link), [page("https://licenses.corp.example/offline")]);
    assert_eq!(
        wishes("opened", &[alt(Key::V), plain(Key::Tab), plain(Key::Space)]),
        [page("https://www.visualcron.com/activation/OfflineValidation.aspx")]
    );
    let (wishes, state) = press(state_of("vendor"), &[alt(Key::V), plain(Key::ArrowUp)]);
    assert_eq!((wishes, state.route), (vec![], Route::Own));
}

#[test]
fn an_answer_can_be_typed_pasted_by_keys_and_dropped() {
    let mut harness = harness(made());
    harness.key_press_modifiers(Modifiers::ALT, Key::A);
    harness.run_steps(2);
    harness.event(Event::Paste("> VCTA1: AAAA\n> BBBB".into()));
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.event(Event::Text("more".into()));
    harness.run_steps(2);
    let answer = "> VCTA1: AAAA\n> BBBB\nmore";
    assert_eq!((harness.state().state.answer.as_str(), &harness.state().wishes), (answer, &vec![]));
    harness.key_press_modifiers(Modifiers::ALT, Key::H);
    harness.run_steps(2);
    assert_eq!(std::mem::take(&mut harness.state_mut().wishes), [Wish::Judge(answer.into())]);
    let dropped = || egui::DroppedFile { path: Some("/home/jana/answer.txt".into()), ..Default::default() };
    harness.input_mut().dropped_files.push(dropped());
    harness.run_steps(2);
    assert_eq!(std::mem::take(&mut harness.state_mut().wishes), [Wish::Read("/home/jana/answer.txt".into())]);
    // At the vendor's there is nothing to drop anything on.
    harness.key_press_modifiers(Modifiers::ALT, Key::V);
    harness.run_steps(2);
    harness.input_mut().dropped_files.push(dropped());
    harness.run_steps(2);
    assert_eq!(harness.state().wishes, []);
}

#[test]
fn the_request_can_be_read_and_selected_but_not_changed() {
    let mut harness = harness(made());
    let field = harness.get_by_role_and_label(Role::MultilineTextInput, "Request for PROD-01");
    field.focus();
    harness.run_steps(2);
    harness.event(Event::Text("x".into()));
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(2);
    harness.event(Event::Copy);
    harness.step();
    let copied: Vec<String> = harness
        .output()
        .platform_output
        .commands
        .iter()
        .filter_map(|command| match command {
            egui::OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(copied, [request("PROD-01").text.reveal()]);
    assert_eq!(harness.state().state.request().unwrap().text, request("PROD-01").text);
    // Nobody who logs the state learns the code.
    assert!(!format!("{:?}", harness.state().state).contains("VCTR1"));
}

#[test]
fn of_many_servers_one_is_found_by_a_part_of_its_name() {
    let mut harness = harness(state_of("many"));
    assert_eq!(harness.state().state.chosen.as_deref(), Some("SERVER-001"));
    harness.get_by_label("70 more: type a part of the name above.");
    harness.key_press_modifiers(Modifiers::ALT, Key::F);
    harness.run_steps(2);
    harness.event(Event::Text("r-11".into()));
    harness.run_steps(3);
    assert_eq!(harness.state().state.chosen.as_deref(), Some("SERVER-110"));
    assert_eq!(harness.get_all_by_role(Role::RadioButton).count(), 10 + 2);
    harness.event(Event::Text("x".into()));
    harness.run_steps(3);
    harness.get_by_label("No server has that in its name.");
    assert_eq!(harness.get_all_by_role(Role::RadioButton).count(), 2);
}

#[test]
fn a_screen_reader_can_choose_and_press_what_it_finds() {
    let mut harness = harness(opened());
    let name = "DEV-01: Validated; the next validation is due in 20 days.";
    harness.get_by_role_and_label(Role::RadioButton, name).click_accesskit();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::Button, "Make request").click_accesskit();
    harness.run_steps(2);
    assert_eq!(harness.state().wishes, [Wish::Make("DEV-01".into())]);
}

#[test]
fn each_server_keeps_its_request_until_it_is_answered() {
    let mut state = made();
    state.chosen = Some("DEV-01".into());
    assert!(state.request().is_none());
    state.hear(Heard::Made(request("DEV-01")));
    // An answer for another server than the one that is looked at.
    state.hear(Heard::Answer("x".into()));
    state.hear(Heard::Judged(Judged::Refused(Refusal::Replayed)));
    assert_eq!((state.requests.len(), state.answer.as_str()), (2, "x"));
    state.hear(Heard::Judged(accepted(Verdict::Valid)));
    assert_eq!((state.chosen.as_deref(), state.answer.as_str()), (Some("PROD-01"), ""));
    assert!(state.request().is_none() && state.requests.contains_key("DEV-01"));
    // Servers that are gone are not chosen.
    state.hear(Heard::Known(Known { servers: known().servers[..1].to_vec(), ..known() }));
    assert_eq!(state.chosen.as_deref(), Some("DEV-01"));
}

#[test]
fn what_became_of_an_answer_in_words() {
    let key = PublicKey::new([1; 32]).id();
    let mut lines = vec![];
    let refusals = [
        Refusal::Unreadable(Unreadable::Mistyped),
        Refusal::Unreadable(Unreadable::CutOff),
        Refusal::Unreadable(Unreadable::OtherKind),
        Refusal::Unreadable(Unreadable::Nothing),
        Refusal::BadSignature(key),
        Refusal::Unsigned,
        Refusal::NoKeyIsPinned(key),
        Refusal::UnknownKey(key),
        Refusal::OtherServer("id-2".into()),
        Refusal::OtherNonce,
        Refusal::Replayed,
        Refusal::Expired(jiff::SignedDuration::from_hours(50)),
        Refusal::FromTheFuture(jiff::SignedDuration::from_hours(50)),
        Refusal::OtherProtocol(2),
    ];
    let verdicts = [Verdict::Valid, Verdict::UnknownCode, Verdict::Revoked, Verdict::WrongServer];
    let all = verdicts.into_iter().map(accepted).chain(refusals.into_iter().map(Judged::Refused));
    for judged in all {
        let said = in_words(&judged);
        lines.push(format!("{:?} {}\n  {}\n  {}", said.mark, said.title, said.says, said.next));
    }
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false,
        omit_expression => true }, {
        insta::assert_snapshot!("window__validation_answers", lines.join("\n"));
    });
}

#[test]
fn a_file_name_fits_every_system() {
    assert_eq!(file_name("PROD/01: \\\"a\"*.."), "Validation request PROD.01. ..a.txt");
    assert!(file_name(&"ä".repeat(200)).len() < 150);
}

#[test]
fn the_whole_story_with_a_backend_at_work() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let judged = vec![Judged::Refused(Refusal::Unreadable(Unreadable::Mistyped)), accepted(Verdict::Valid)];
    let stand_in = StandIn { judged, asked: asked.clone() };
    let (woken, wakes) = mpsc::channel();
    let waker = Waker::new(move |_| woken.send(()).unwrap_or_default());
    let mut view = validation::view(Box::new(stand_in), waker).unwrap();
    let mut painted = pictures::Painted::new(Theme::Light, validation::SIZE, 1.0);
    let began = Instant::now();
    let mut until = |view: &mut Box<dyn View>, key: Option<(Modifiers, Key)>, text: &str| {
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
    until(&mut view, None, "PROD-01");
    until(&mut view, Some(alt(Key::M)), "VCTR1: FCH70");
    until(&mut view, Some(alt(Key::C)), "Copied.");
    until(&mut view, Some(alt(Key::S)), "Saved: /home/jana/Documents");
    until(&mut view, Some(alt(Key::P)), "Mistyped");
    until(&mut view, Some(alt(Key::H)), "Accepted: PROD-01 is validated");
    let mut after = After::Stay;
    painted.frame(vec![pressed(plain(Key::Escape))], |ctx| {
        if view.show(ctx, began.elapsed()) == After::Close {
            after = After::Close;
        }
    });
    assert_eq!(after, After::Close);
    insta::assert_snapshot!(asked.lock().unwrap().join("\n"), @"
    look
    request PROD-01
    copy -----BEGIN VISUALCRON-TRAY VALIDATION REQUEST-----
    save Validation request PROD-01.txt
    paste
    judge VCTA1:PASTED
    look
    judge VCTA1:PASTED
    look
    ");
}

fn pressed((modifiers, key): (Modifiers, Key)) -> Event {
    Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers }
}

/// What a camera reads in the picture: all codes in it.
fn codes(painted: &pictures::Painted) -> Vec<String> {
    let ([width, height], pixels) = painted.gray();
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    image.detect_grids().into_iter().map(|grid| grid.decode().unwrap().1).collect()
}

#[test]
fn a_camera_reads_the_code_by_day_and_by_night() {
    for theme in [Theme::Light, Theme::Dark] {
        for scale in [1.0, 1.25, 2.0] {
            let mut state = state_of("code");
            let mut painted = pictures::Painted::new(theme, [720.0, 1100.0], scale);
            for _ in 0..4 {
                painted.frame(vec![], |ctx| {
                    validation::show(&mut state, ctx);
                });
            }
            let found = codes(&painted);
            assert_eq!(found.len(), 1, "{theme:?} {scale}");
            let json = read(&found[0], Carries::Request).unwrap();
            let request = Request::from_json(&json).unwrap();
            assert_eq!(request.nonce, Nonce::new([7; 16]), "{theme:?} {scale}");
        }
    }
}

#[test]
fn the_code_is_black_on_white_with_its_margin_and_modules_of_whole_pixels() {
    for theme in [Theme::Light, Theme::Dark] {
        for (scale, module) in [(1.0, 4), (1.5, 6)] {
            let mut state = state_of("code");
            let mut painted = pictures::Painted::new(theme, [720.0, 1100.0], scale);
            for _ in 0..4 {
                painted.frame(vec![], |ctx| {
                    validation::show(&mut state, ctx);
                });
            }
            let code = request("PROD-01").code.unwrap();
            let side = (code.width() + 8) * module;
            let ([width, _], pixels) = painted.gray();
            // The widest run of white is the upper margin.
            let white = |at: usize| pixels[at..].iter().take(side).all(|gray| *gray == 255);
            let black = |at: usize| pixels[at] == 0;
            let corner = (0..pixels.len() - side)
                .find(|at| {
                    let first = at + 4 * module * (width + 1);
                    white(*at) && first < pixels.len() && black(first) && white(at + (4 * module - 1) * width)
                })
                .unwrap();
            for row in 0..code.width() + 8 {
                for column in 0..code.width() + 8 {
                    let inside = |n: usize| n.checked_sub(4).filter(|n| *n < code.width());
                    let dark = inside(column)
                        .zip(inside(row))
                        .is_some_and(|(column, row)| code.is_dark(column, row));
                    for (x, y) in [(0, 0), (module - 1, module - 1)] {
                        let at = corner + (row * module + y) * width + column * module + x;
                        let wanted = if dark { 0 } else { 255 };
                        assert_eq!(pixels[at], wanted, "{theme:?} {scale}: column {column}, row {row}");
                    }
                }
            }
        }
    }
}

#[test]
fn pictures_of_every_state() {
    let mut wrong = vec![];
    for theme in [Theme::Light, Theme::Dark] {
        for (name, _) in states() {
            for scale in [1.0, 2.0] {
                // At 200 % those that have something of everything.
                if scale > 1.0 && !["code", "forged", "vendor"].contains(&name) {
                    continue;
                }
                let mut state = state_of(name);
                let mut painted = pictures::Painted::new(theme, validation::SIZE, scale);
                for _ in 0..4 {
                    painted.frame(vec![], |ctx| {
                        validation::show(&mut state, ctx);
                    });
                }
                let theme = format!("{theme:?}").to_lowercase();
                wrong.extend(painted.compare(&format!("validation-{name}-{theme}-{:.0}", scale * 100.0)));
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
                    validation::show(&mut state, ctx);
                });
            }
            let outside = painted.outside();
            assert!(outside.is_empty(), "{name} at {size:?}: {outside:?}");
        }
    }
}
