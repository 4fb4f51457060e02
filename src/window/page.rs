//! A window's page, from the top to the bottom: the headline, what scrolls below it, and the buttons.

use super::{
    parts::{self, Mark},
    style::{self, palette},
};
use crate::domain::{Problem, text::without_backticks};
use egui::{
    CentralPanel, Context, Frame, Key, Margin, Modifiers, ScrollArea, Ui, accesskit::Role,
    containers::scroll_area::ScrollSource, vec2,
};
use std::path::{Path, PathBuf};

/// A mark, the headline, and one sentence below it.
pub type Headline = (Option<Mark>, String, String);

/// Shows the page of this window. Returns what the user asks for, in what scrolls or at the bottom.
pub fn show<S, W>(
    ctx: &Context,
    title: &str,
    headline: &Headline,
    state: &mut S,
    body: impl FnOnce(&mut S, &mut Ui) -> Option<W>,
    foot: impl FnOnce(&S, &mut Ui) -> Option<W>,
) -> Option<W> {
    let p = palette(ctx);
    CentralPanel::default()
        .frame(Frame::new().fill(p.ground))
        .show(ctx, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
                node.set_role(Role::Pane);
                node.set_label(title);
            });
            let below = Margin { top: 22, bottom: 20, ..style::edge() };
            part(ui, Frame::new().inner_margin(below), |ui| head(headline, ui));
            // From the top to the bottom, so that Tab and screen readers go the same way. The buttons' height is known
            // from the picture before.
            let id = parts::id("buttons' height");
            let known = ui.data(|data| data.get_temp::<f32>(id)).unwrap_or(63.0);
            let mut wish = None;
            // The bar is for the pointer: Tab passes it by.
            let tab = ui.input(|i| i.key_pressed(Key::Tab));
            let by = ScrollSource { scroll_bar: !tab, drag: false, mouse_wheel: true };
            let area = ScrollArea::vertical().auto_shrink(false).scroll_source(by);
            area.max_height(ui.available_height() - known).show(ui, |ui| {
                let edge = Margin { top: 0, bottom: 8, ..style::edge() };
                part(ui, Frame::new().inner_margin(edge), |ui| wish = body(state, ui));
                // Last: what scrolls inside of it would take it.
                scroll_by_keys(ui);
            });
            let top = ui.cursor().top();
            parts::rule(ui);
            let edge = Margin { top: 14, bottom: 14, ..style::edge() };
            part(ui, Frame::new().inner_margin(edge), |ui| wish = wish.take().or(foot(state, ui)));
            // Not what the page takes in all, which is the whole window: less than before must be seen, too.
            let height = ui.cursor().top() - top;
            if (height - known).abs() > 0.5 {
                ui.data_mut(|data| data.insert_temp(id, height));
                ui.ctx().request_discard("the buttons take another height");
            }
            wish
        })
        .inner
}

fn part(ui: &mut Ui, frame: Frame, content: impl FnOnce(&mut Ui)) {
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        ui.set_width(ui.available_width());
        content(ui);
    });
}

fn scroll_by_keys(ui: &Ui) {
    let page = ui.clip_rect().height() * 0.9;
    let far = 100_000.0;
    for (key, way) in [(Key::PageDown, -page), (Key::PageUp, page), (Key::Home, far), (Key::End, -far)] {
        // In a line that is typed, Home and End are for that line.
        let is_ours = matches!(key, Key::PageDown | Key::PageUp) || !parts::is_typing(ui);
        if is_ours && ui.input_mut(|i| i.consume_key(Modifiers::NONE, key)) {
            ui.scroll_with_delta(vec2(0.0, way));
        }
    }
}

fn head((mark, title, text): &Headline, ui: &mut Ui) {
    ui.spacing_mut().item_spacing.y = 6.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        if let Some(mark) = mark {
            parts::mark(ui, *mark, 26.0);
        }
        ui.vertical(|ui| parts::heading(ui, title, style::TITLE, 1));
    });
    parts::news(ui, text);
}

/// Something that was asked for did not work.
pub fn problem(problem: Option<&Problem>, ui: &mut Ui) {
    if let Some(problem) = problem {
        let text = without_backticks(&problem.to_string());
        parts::item(ui, Mark::Look, &text, |ui| parts::news(ui, &text));
        ui.add_space(6.0);
    }
}

/// Buttons on the right: painted from the left, so that Tab goes the way one reads; moved to the right by what they
/// took before.
pub fn right(ui: &mut Ui, content: &mut dyn FnMut(&mut Ui)) {
    let id = parts::id("buttons' width");
    let width = ui.data(|data| data.get_temp::<f32>(id)).unwrap_or(0.0);
    ui.add_space((ui.available_width() - width).max(0.0));
    let taken = ui.horizontal(|ui| content(ui)).response.rect.width();
    if (taken - width).abs() > 0.5 {
        ui.data_mut(|data| data.insert_temp(id, taken));
        ui.ctx().request_discard("buttons move to the right");
    }
}

/// What has become of a text that is to be carried elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is in the clipboard.
    Copied,
    /// It is in this file.
    Saved(PathBuf),
}

/// Says what has become of it. Returns the folder that is to be opened, when that is asked for.
pub fn kept(kept: Option<&Kept>, ui: &mut Ui) -> Option<PathBuf> {
    let (text, folder) = match kept? {
        Kept::Copied => ("Copied.".to_string(), None),
        Kept::Saved(path) => (format!("Saved: {}", path.display()), path.parent()),
    };
    let mut open = None;
    parts::item(ui, Mark::Done, &text, |ui| {
        parts::news(ui, &text);
        open = folder.filter(|_| parts::link(ui, "Open folder")).map(Path::to_path_buf);
    });
    ui.add_space(6.0);
    open
}
