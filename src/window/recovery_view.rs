//! How the recovery window looks: one function from its state to what is painted and read out.

use super::{
    page::{self, Headline, right},
    parts::{self, Button, Mark},
    recovery::{Doing, Running, Screen, Standing, State, TITLE, Wish},
    recovery_backend::{CheapStanding, CheapStep, Deed, Ended, Link, Outcome, PlanShown},
    style,
};
use crate::{domain::Problem, recovery::plan::REFUSED};
use egui::{Align, Context, Layout, RichText, Ui, accesskit::Role, vec2};
use std::time::Duration;

/// How large the window is at first, in points.
pub const SIZE: [f32; 2] = [680.0, 740.0];

/// Shows the state. Returns what the user asks for.
pub fn show(state: &mut State, ctx: &Context, now: Duration) -> Option<Wish> {
    if matches!(&state.screen, Screen::Running(running) if running.current().is_some()) {
        ctx.request_repaint_after(Duration::from_secs(1));
    }
    let focus = std::mem::take(&mut state.focus_due);
    page::show(
        ctx,
        TITLE,
        &headline(state),
        state,
        |state, ui| body(state, ui, now),
        |state, ui| {
            page::problem(state.problem.as_ref(), ui);
            ui.horizontal(|ui| foot(state, ui, focus)).inner
        },
    )
}

fn headline(state: &State) -> Headline {
    match &state.screen {
        Screen::Looking => (None, TITLE.into(), "Looking at what there is to be done…".into()),
        Screen::Plan => match &state.plan.nothing_to_clear {
            None => (
                None,
                TITLE.into(),
                "For a Maintenance date that does not refresh. Nothing is deleted: servers.xml becomes a backup."
                    .into(),
            ),
            Some(why) => (None, "There is nothing to clear".into(), why.clone()),
        },
        Screen::Refused(problem) => {
            let title = match problem.what.as_str() {
                REFUSED => "The server cache cannot be cleared here",
                what => what,
            };
            (Some(Mark::Look), title.into(), "Nothing was changed.".into())
        }
        Screen::Interrupted => {
            let found = state.plan.interrupted.as_ref().map(|found| found.found.clone()).unwrap_or_default();
            (Some(Mark::Look), "A recovery was cut off".into(), found)
        }
        Screen::Running(running) => running_headline(running),
        Screen::Result(ended) => ended_headline(ended),
    }
}

fn running_headline(running: &Running) -> Headline {
    let back = running.cancelled || running.failed.is_some() || running.doing == Doing::TakingBack;
    let title = match running.doing {
        _ if back => "Taking everything back",
        Doing::Keeping => "Leaving things as they are",
        Doing::Resuming => "Doing what is left",
        _ => "Clearing the server cache",
    };
    let text = match (running.current(), back) {
        (_, true) => "Files go back to where they were, and programs that ran are started again.".into(),
        (Some((number, step)), false) => format!("Step {number} of {}: {}", running.steps.len(), step.title),
        (None, false) if running.is_through() => "All steps are done.".into(),
        (None, false) => "One moment…".into(),
    };
    (None, title.into(), text)
}

fn ended_headline(ended: &Ended) -> Headline {
    let (mark, title, text) = match &ended.outcome {
        Outcome::Done => {
            let title = match ended.deed {
                Deed::Cleared => "The server cache was cleared",
                Deed::BroughtBack => "The backup is back in place",
                Deed::Restarted => "The programs were restarted",
            };
            (Mark::Done, title, "What ran before runs again.")
        }
        Outcome::RolledBack { .. } => {
            (Mark::Remark, "Everything is as it was", "What was done has been taken back.")
        }
        Outcome::Kept => {
            (Mark::Remark, "Things were left as they are", "Nothing more will be done about it.")
        }
        Outcome::NeedsUser { .. } => (
            Mark::Failed,
            "You are needed",
            "It could neither be done nor be taken back altogether. Nothing is lost.",
        ),
    };
    let text = [text, &ended.afterwards].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
    (Some(mark), title.into(), text.join(" "))
}

fn body(state: &mut State, ui: &mut Ui, now: Duration) -> Option<Wish> {
    match &state.screen {
        Screen::Looking => None,
        Screen::Plan => plan(state, ui),
        Screen::Refused(problem) => {
            refused(problem, ui);
            None
        }
        Screen::Interrupted => {
            interrupted(&state.plan, ui);
            None
        }
        Screen::Running(running) => {
            steps(running, ui, now);
            None
        }
        Screen::Result(ended) => {
            result(ended, ui);
            None
        }
    }
}

fn plan(state: &mut State, ui: &mut Ui) -> Option<Wish> {
    let mut wish = None;
    if state.plan.nothing_to_clear.is_none() && !state.plan.cheap.is_empty() {
        parts::card(ui, "First the cheap steps", |ui| {
            parts::named(ui, Role::List, "First the cheap steps", |ui| {
                for step in &state.plan.cheap {
                    wish = wish.take().or_else(|| cheap_step(step, ui));
                }
            });
        });
    }
    parts::card(ui, "What will happen", |ui| {
        parts::named(ui, Role::List, "What will happen", |ui| {
            let all = state.plan.steps.len();
            for (index, step) in state.plan.steps.iter().enumerate() {
                let number = index + 1;
                parts::item(ui, Mark::Number(number), &format!("{number} of {all}: {step}"), |ui| {
                    ui.label(step);
                });
            }
        });
    });
    if !state.plan.remarks.is_empty() {
        parts::card(ui, "Good to know", |ui| {
            parts::named(ui, Role::List, "Good to know", |ui| {
                for remark in &state.plan.remarks {
                    parts::item(ui, Mark::Remark, remark, |ui| {
                        ui.label(remark);
                    });
                }
            });
        });
    }
    parts::card(ui, "Options", |ui| options(state, ui));
    wish
}

fn options(state: &mut State, ui: &mut Ui) {
    ui.horizontal(|ui| {
        let ticked = parts::tick(ui, &mut state.choices.force, "&End programs that do not close within");
        let seconds = egui::DragValue::new(&mut state.choices.patience_seconds).range(5..=600).suffix(" s");
        let seconds = ui.add(seconds);
        ui.ctx().accesskit_node_builder(seconds.id, |node| node.set_label("Seconds to wait for programs"));
        parts::ring(ui, &seconds, 4);
        ticked.on_hover_text(
            "Without this, a program that does not close ends the recovery, and it is taken back.",
        );
    });
    if !state.plan.client_runs {
        parts::tick(
            ui,
            &mut state.choices.start_client,
            "&Start the Client in the end, although it does not run now",
        );
    }
}

fn cheap_step(step: &CheapStep, ui: &mut Ui) -> Option<Wish> {
    let (mark, word) = match step.checked.standing {
        CheapStanding::Checking => (Mark::Now, "Checking…"),
        CheapStanding::Fine => (Mark::Done, "Fine"),
        CheapStanding::Look => (Mark::Look, "Look here"),
        CheapStanding::Unknown => (Mark::Unknown, "Not known"),
    };
    let dot = if word.ends_with('…') { "" } else { "." };
    let found = format!("{word}{dot} {}", step.checked.words);
    let sentence = format!("{}: {found}", step.title);
    let mut wish = None;
    parts::item(ui, mark, &sentence, |ui| {
        ui.label(&step.title);
        parts::quiet(ui, &found);
        if let Some((words, link)) = &step.link
            && parts::link(ui, words)
        {
            wish = Some(Wish::Open(link.clone()));
        }
    });
    wish
}

fn refused(problem: &Problem, ui: &mut Ui) {
    for (heading, text) in
        [("Why", format!("{}: {}", problem.place, problem.why)), ("What to do", problem.next.clone())]
    {
        parts::card(ui, heading, |ui| {
            ui.add(egui::Label::new(text).selectable(true));
        });
    }
}

fn interrupted(plan: &PlanShown, ui: &mut Ui) {
    let Some(found) = &plan.interrupted else { return };
    parts::card(ui, "How far it came", |ui| {
        parts::named(ui, Role::List, "How far it came", |ui| {
            for (index, step) in plan.steps.iter().enumerate() {
                let (mark, word) = match index {
                    _ if index < found.done => (Mark::Done, "Done"),
                    _ if index == found.done && !found.taking_back => (Mark::Now, "Next"),
                    _ => (Mark::Number(index + 1), "Not begun"),
                };
                step_line(ui, mark, step, word);
            }
        });
    });
    parts::card(ui, "What you can do", |ui| {
        let resume = (!found.taking_back).then_some(("Resume", "Goes on with the next step."));
        let others = [
            ("Roll back", "Puts servers.xml back to where it was, and starts the programs that ran."),
            ("Keep as is", "Changes nothing: the backup stays where it is, and closed programs stay closed."),
        ];
        for (name, text) in resume.into_iter().chain(others) {
            parts::named(ui, Role::ListItem, &format!("{name}: {text}"), |ui| {
                ui.horizontal_top(|ui| {
                    ui.allocate_ui_with_layout(vec2(80.0, 0.0), Layout::top_down(Align::Min), |ui| {
                        ui.set_width(80.0);
                        ui.label(RichText::new(name).font(style::strong_font(style::BODY)));
                    });
                    ui.vertical(|ui| ui.label(text));
                });
            });
        }
    });
}

/// A step, and on the right how it stands.
fn step_line(ui: &mut Ui, mark: Mark, step: &str, word: &str) {
    const WORD: f32 = 112.0;
    parts::item(ui, mark, &format!("{step}: {word}"), |ui| {
        ui.horizontal_top(|ui| {
            let width = ui.available_width();
            ui.allocate_ui_with_layout(vec2(width - WORD, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(width - WORD);
                let text = RichText::new(step);
                let now = mark == Mark::Now;
                ui.label(if now { text.font(style::strong_font(style::BODY)) } else { text });
            });
            // That a step has not begun is said by its number; said aloud it is in the sentence.
            if !matches!(mark, Mark::Number(_)) {
                ui.with_layout(Layout::right_to_left(Align::Min), |ui| parts::quiet(ui, word));
            }
        });
    });
}

fn steps(running: &Running, ui: &mut Ui, now: Duration) {
    parts::card(ui, "", |ui| {
        parts::named(ui, Role::List, "Steps", |ui| {
            for (index, step) in running.steps.iter().enumerate() {
                let (mark, word) = match step.standing {
                    Standing::Waits => (Mark::Number(index + 1), "Not begun".to_string()),
                    Standing::Now(since) => (
                        Mark::Now,
                        match &running.waiting {
                            Some((_, left)) => format!("waiting, {left} s left"),
                            None => format!("{} s", now.saturating_sub(since).as_secs()),
                        },
                    ),
                    Standing::Done(None) => (Mark::Done, "Done".to_string()),
                    Standing::Done(Some(took)) => (Mark::Done, format!("Done, {}", seconds(took))),
                    Standing::Failed(after) => (Mark::Failed, format!("Failed, {}", seconds(after))),
                };
                step_line(ui, mark, &step.title, &word);
            }
        });
    });
    if let Some((who, _)) = &running.waiting {
        let text = format!("Asked {who} to close. It may ask you to save something: look at its window.");
        parts::item(ui, Mark::Remark, &text, |ui| parts::news(ui, &text));
        ui.add_space(style::LINE);
    }
    if let Some(why) = &running.failed {
        parts::item(ui, Mark::Failed, why, |ui| {
            ui.add(egui::Label::new(why).selectable(true));
        });
        ui.add_space(style::LINE);
    }
    for note in &running.notes {
        parts::item(ui, Mark::Remark, note, |ui| parts::news(ui, note));
        ui.add_space(style::LINE);
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn result(ended: &Ended, ui: &mut Ui) {
    let why = match &ended.outcome {
        Outcome::RolledBack { why } => Some(("Why", why)),
        Outcome::NeedsUser { why } => Some(("What happened, and what to do", why)),
        Outcome::Done | Outcome::Kept => None,
    };
    if let Some((heading, why)) = why.filter(|(_, why)| !why.is_empty()) {
        parts::card(ui, heading, |ui| {
            ui.add(egui::Label::new(why).selectable(true).wrap());
        });
    }
    if !ended.servers.is_empty() {
        parts::card(ui, "Before and after", |ui| {
            let rows: Vec<Vec<String>> = ended
                .servers
                .iter()
                .map(|server| {
                    let after =
                        if server.moved { format!("{} (new)", server.after) } else { server.after.clone() };
                    vec![server.name.clone(), server.before.clone(), after]
                })
                .collect();
            parts::table(ui, "Before and after", &["Server", "Before", "After"], &rows);
        });
    }
    if let Some(backup) = &ended.backup {
        parts::card(ui, "The backup", |ui| {
            ui.add(egui::Label::new(backup.display().to_string()).selectable(true).wrap());
            let name = backup.file_name().unwrap_or_default().to_string_lossy();
            let how = match ended.outcome {
                Outcome::Done => Some("--undo".to_string()),
                Outcome::Kept => Some(format!("--restore {name}")),
                Outcome::RolledBack { .. } | Outcome::NeedsUser { .. } => None,
            };
            if let Some(how) = how {
                parts::quiet(ui, &format!("To bring it back: visualcron-tray recover {how}"));
            }
        });
    }
}

/// The buttons, with what Escape does at the end.
fn foot(state: &State, ui: &mut Ui, focus: bool) -> Option<Wish> {
    let mut wish = None;
    let mut press = |pressed: bool, what: Wish| {
        if pressed && wish.is_none() {
            wish = Some(what);
        }
    };
    match &state.screen {
        Screen::Looking => right(ui, &mut |ui| {
            press(Button::other("Cancel").escape().focus(focus).show(ui), Wish::Close);
        }),
        // What Enter does at once must do no harm: the focus is not on what closes programs.
        Screen::Plan => right(ui, &mut |ui| {
            let text = match state.plan.nothing_to_clear {
                None => "&Clear server cache",
                Some(_) => "&Restart the programs",
            };
            press(Button::main(text).show(ui), Wish::Start(state.choices));
            press(Button::other("Cancel").escape().focus(focus).show(ui), Wish::Close);
        }),
        Screen::Refused(_) => right(ui, &mut |ui| {
            press(Button::main("Close").escape().focus(focus).show(ui), Wish::Close);
        }),
        Screen::Interrupted => right(ui, &mut |ui| {
            let back_only = state.plan.interrupted.as_ref().is_some_and(|found| found.taking_back);
            if back_only {
                press(Button::main("Roll &back").show(ui), Wish::RollBack);
            } else {
                press(Button::main("&Resume").show(ui), Wish::Resume);
                press(Button::other("Roll &back").show(ui), Wish::RollBack);
            }
            press(Button::other("&Keep as is").show(ui), Wish::Keep);
            press(Button::other("Later").escape().focus(focus).show(ui), Wish::Close);
        }),
        Screen::Running(running) => {
            ui.set_min_height(36.0);
            parts::quiet(ui, "It goes on when this window is closed.");
            right(ui, &mut |ui| {
                let cancel = Button::other("Cancel").escape().enabled(running.may_cancel).focus(focus);
                press(cancel.show(ui), Wish::Cancel);
            });
        }
        Screen::Result(ended) => right(ui, &mut |ui| {
            if let Some(folder) = ended.backup.as_ref().and_then(|backup| backup.parent()) {
                press(
                    Button::other("&Open backup folder").show(ui),
                    Wish::Open(Link::Folder(folder.to_path_buf())),
                );
            }
            press(Button::main("Close").escape().focus(focus).show(ui), Wish::Close);
        }),
    }
    wish
}
