//! How the connection window looks: one function from its state to what is painted and read out.

use super::{
    connection::{Screen, Standing, State, TITLE, Wish, file_name},
    page::{self, Headline, right},
    parts::{self, Button, Mark},
    style,
};
use crate::domain::diagnosis::{Conclusion, Diagnosis, Severity, Stage, Verdict, for_network_team, span};
use egui::{Align, Context, Key, Layout, RichText, Ui, accesskit::Role, vec2};
use std::time::Duration;

/// How large the window is at first, in points.
pub const SIZE: [f32; 2] = [720.0, 740.0];

/// Shows the state. Returns what the user asks for.
pub fn show(state: &mut State, ctx: &Context, now: Duration) -> Option<Wish> {
    if state.current().is_some() {
        ctx.request_repaint_after(Duration::from_secs(1));
    }
    page::show(ctx, TITLE, &headline(state), state, |state, ui| body(state, ui, now), foot)
}

fn headline(state: &State) -> Headline {
    match &state.screen {
        Screen::Checking => {
            let text = match state.current() {
                Some((stage, _)) => {
                    let (number, all) = (stage as usize + 1, Stage::ALL.len());
                    format!("To {}: stage {number} of {all}, {}.", state.host, asks(stage))
                }
                None => "One moment…".into(),
            };
            (None, "Checking the connection".into(), text)
        }
        Screen::Concluded(diagnosis) => {
            let Conclusion { severity, says, .. } = &diagnosis.conclusion;
            let (mark, title) = match severity {
                Severity::Open => (Mark::Done, "The way is open"),
                Severity::Warning => (Mark::Look, "The way is open, and something needs a look"),
                Severity::Blocked => (Mark::Failed, "Something is in the way"),
            };
            (Some(mark), title.into(), says.clone())
        }
        Screen::Failed(problem) => {
            (Some(Mark::Look), problem.what.clone(), format!("{}: {}.", problem.place, problem.why))
        }
    }
}

/// What a stage is about.
fn asks(stage: Stage) -> &'static str {
    match stage {
        Stage::Proxy => "which proxy",
        Stage::Dns => "the addresses of the name",
        Stage::Tcp => "a connection to one of them",
        Stage::Connect => "the way through the proxy",
        Stage::Tls => "encryption and certificate",
        Stage::Http => "the answer of the web server",
        Stage::Clock => "this machine's clock",
        Stage::Protocol => "the license host protocol",
    }
}

fn body(state: &mut State, ui: &mut Ui, now: Duration) -> Option<Wish> {
    let wish = host_line(state, ui);
    ui.add_space(style::GAP - 6.0);
    match &state.screen {
        Screen::Checking => stages(state, ui, now),
        Screen::Concluded(diagnosis) => {
            next(&diagnosis.conclusion, ui);
            stages(state, ui, now);
        }
        Screen::Failed(problem) => parts::card(ui, "What to do", |ui| {
            ui.add(egui::Label::new(&problem.next).selectable(true));
        }),
    }
    wish
}

/// Which host, and the button that checks it.
fn host_line(state: &mut State, ui: &mut Ui) -> Option<Wish> {
    let select = std::mem::take(&mut state.focus_due);
    let mut asked = false;
    // In a narrow window there is still room for the button.
    let width = (ui.available_width() - 210.0).min(300.0);
    let middle = Layout::left_to_right(Align::Center);
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 36.0), middle, |ui| {
        let response = parts::field(ui, &mut state.typed, "&Host", width, select);
        if response.changed() {
            state.mistyped = false;
        }
        asked = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        let is_again = state.typed.trim() == state.host;
        // Deaf while that very host is checked, but not to what is no host: that is said.
        let is_under_way = state.screen == Screen::Checking && is_again;
        let text = if is_again { "&Check again" } else { "&Check" };
        asked |= Button::other(text).enabled(!is_under_way).show(ui);
        if asked {
            // Where Enter does no harm, and another host can be typed at once.
            response.request_focus();
        }
    });
    let wish = state.to_check().filter(|_| asked).map(Wish::Check);
    state.mistyped |= asked && wish.is_none() && state.typed.trim() != state.host;
    if state.mistyped {
        let text = "This is no host. A host is a name or an address, with a port where it is not 443: licenses.corp.example:8443";
        parts::item(ui, Mark::Look, text, |ui| parts::news(ui, text));
    }
    wish
}

/// The one next step, and what else was noticed.
fn next(conclusion: &Conclusion, ui: &mut Ui) {
    parts::card(ui, "Next step", |ui| {
        ui.add(egui::Label::new(&conclusion.next).selectable(true));
        if conclusion.severity != Severity::Open {
            parts::quiet(
                ui,
                "The text for the network team has this, what was found, and every stage; no password, and no \
                 activation code.",
            );
        }
    });
    if !conclusion.also.is_empty() {
        parts::card(ui, "Also noticed", |ui| {
            parts::named(ui, Role::List, "Also noticed", |ui| {
                for also in &conclusion.also {
                    parts::item(ui, Mark::Remark, also, |ui| {
                        ui.add(egui::Label::new(also).selectable(true));
                    });
                }
            });
        });
    }
}

fn stages(state: &State, ui: &mut Ui, now: Duration) {
    parts::card(ui, "Stage by stage", |ui| {
        parts::named(ui, Role::List, "Stage by stage", |ui| {
            for (stage, standing) in Stage::ALL.into_iter().zip(&state.stages) {
                let about = asks(stage);
                match standing {
                    Standing::Waits => {
                        stage_line(ui, Mark::Number(stage as usize + 1), stage, about, "Not begun");
                    }
                    Standing::Now(since) => {
                        let seconds = now.saturating_sub(*since).as_secs();
                        stage_line(ui, Mark::Now, stage, about, &format!("{seconds} s"));
                    }
                    Standing::Ended(step) => {
                        let (mark, word) = match step.verdict {
                            Verdict::Passed => (Mark::Done, "Fine"),
                            Verdict::Noted => (Mark::Remark, "Note"),
                            Verdict::Failed => (Mark::Failed, "Failed"),
                            Verdict::Skipped => (Mark::Skipped, "Skipped"),
                        };
                        let time =
                            if step.millis > 0 { format!(", {}", span(step.millis)) } else { String::new() };
                        stage_line(ui, mark, stage, &step.says, &format!("{word}{time}"));
                    }
                }
            }
        });
    });
}

/// A stage: its name, what is said of it, and on the right how it stands.
fn stage_line(ui: &mut Ui, mark: Mark, stage: Stage, says: &str, word: &str) {
    const NAME: f32 = 84.0;
    const WORD: f32 = 104.0;
    let column = |ui: &mut Ui, width: f32, content: &mut dyn FnMut(&mut Ui)| {
        ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
            ui.set_width(width);
            content(ui);
        });
    };
    let name = stage.name();
    parts::item(ui, mark, &format!("{name}: {word}. {says}"), |ui| {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            let width = ui.available_width() - NAME - WORD;
            column(ui, NAME, &mut |ui| {
                ui.label(RichText::new(name).font(style::strong_font(style::BODY)));
            });
            column(ui, width, &mut |ui| match mark {
                Mark::Number(_) | Mark::Now | Mark::Skipped => {
                    parts::quiet(ui, says);
                }
                _ => {
                    ui.add(egui::Label::new(says).selectable(true));
                }
            });
            // That a stage has not begun is said by its number; said aloud it is in the sentence.
            if !matches!(mark, Mark::Number(_)) {
                ui.with_layout(Layout::right_to_left(Align::Min), |ui| parts::quiet(ui, word));
            }
        });
    });
}

/// What has become of what was asked for, and the buttons, with what Escape does at the end.
fn foot(state: &State, ui: &mut Ui) -> Option<Wish> {
    page::problem(state.problem.as_ref(), ui);
    let mut wish = page::kept(state.kept.as_ref(), ui).map(Wish::Open);
    let mut press = |pressed: bool, what: &dyn Fn() -> Wish| {
        if pressed && wish.is_none() {
            wish = Some(what());
        }
    };
    ui.horizontal(|ui| {
        right(ui, &mut |ui| {
            let diagnosis: &Diagnosis = match &state.screen {
                Screen::Checking => {
                    press(Button::other("Cancel").escape().show(ui), &|| Wish::Close);
                    return;
                }
                Screen::Failed(_) => {
                    press(Button::main("Close").escape().show(ui), &|| Wish::Close);
                    return;
                }
                Screen::Concluded(diagnosis) => diagnosis,
            };
            // What is in the way is handed to somebody; where nothing is, there is nothing left to do.
            let is_open = diagnosis.conclusion.severity == Severity::Open;
            let (copy, close): (fn(_) -> _, fn(_) -> _) =
                if is_open { (Button::other, Button::main) } else { (Button::main, Button::other) };
            let text = || for_network_team(diagnosis);
            press(copy("Co&py text").show(ui), &|| Wish::Copy(text()));
            press(Button::other("&Save text").show(ui), &|| Wish::Save {
                name: file_name(diagnosis),
                text: text(),
            });
            press(close("Close").escape().show(ui), &|| Wish::Close);
        });
    });
    wish
}
