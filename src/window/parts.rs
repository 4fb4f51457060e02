//! Buttons, marks, cards, lists and tables, as every window uses them: with names and roles for screen readers, a
//! focus that is seen, and keys for everything.

use super::style::{self, Palette, palette};
use egui::{
    Align, Color32, CornerRadius, FontId, Frame, Id, Key, Layout, Margin, Modifiers, Painter, Pos2, Rect,
    Response, RichText, Sense, Shape, Stroke, StrokeKind, TextFormat, Ui, UiBuilder, WidgetInfo, WidgetType,
    accesskit::Role,
    pos2,
    text::{CCursor, CCursorRange, LayoutJob},
    text_edit::TextEditState,
    vec2,
};

/// How much a button matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// What the window is for. One of them in a window.
    Main,
    /// Any other.
    Other,
}

/// A button. In its text `&` stands before the letter that presses it together with Alt; that letter is
/// underlined.
pub struct Button<'a> {
    text: &'a str,
    weight: Weight,
    escape: bool,
    enabled: bool,
    focus: bool,
}

impl<'a> Button<'a> {
    /// What the window is for.
    pub fn main(text: &'a str) -> Self {
        Button { text, weight: Weight::Main, escape: false, enabled: true, focus: false }
    }

    /// Any other.
    pub fn other(text: &'a str) -> Self {
        Button { weight: Weight::Other, ..Button::main(text) }
    }

    /// Escape presses it too; it says so.
    pub fn escape(self) -> Self {
        Button { escape: true, ..self }
    }

    /// Grey, and deaf, unless this holds.
    pub fn enabled(self, enabled: bool) -> Self {
        Button { enabled, ..self }
    }

    /// It takes the focus now.
    pub fn focus(self, focus: bool) -> Self {
        Button { focus, ..self }
    }

    /// Shows it. True when it was pressed, by whatever means.
    pub fn show(self, ui: &mut Ui) -> bool {
        let p = palette(ui.ctx());
        let (name, letter) = accelerator(self.text);
        let main = self.weight == Weight::Main;
        let font = if main { style::strong_font(style::BODY) } else { style::plain_font(style::BODY) };
        let (fill, ink) = match (main, self.enabled) {
            (true, true) => (p.accent, p.on_accent),
            (false, true) => (p.card, p.text),
            (_, false) => (p.ground, p.quiet),
        };
        let job = underlined(&name, letter, &font, ink);
        let text = ui.fonts_mut(|fonts| fonts.layout_job(job));
        let hint_ink = if main && self.enabled { p.on_accent } else { p.quiet };
        let hint = self.escape.then(|| {
            ui.painter().layout_no_wrap("Esc".into(), style::plain_font(style::SMALL - 1.0), hint_ink)
        });
        let hint_width = hint.as_ref().map_or(0.0, |hint| hint.size().x + 10.0);
        let padding = vec2(16.0, 8.0);
        let size = text.size() + vec2(hint_width, 0.0) + 2.0 * padding;
        let sense = if self.enabled { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(size.max(vec2(88.0, 34.0)), sense);
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, self.enabled, &name));
        ui.ctx().accesskit_node_builder(response.id, |node| {
            if let Some(letter) = letter {
                node.set_access_key(letter.to_string());
                node.set_keyboard_shortcut(format!("Alt+{letter}"));
            } else if self.escape {
                node.set_keyboard_shortcut("Escape");
            }
        });
        if self.focus {
            response.request_focus();
        }

        let over = self.enabled && (response.hovered() || response.is_pointer_button_down_on());
        let fill = match (over, main) {
            (true, true) => p.accent_hover,
            (true, false) => p.hover,
            (false, _) => fill,
        };
        let edge = match (main, self.enabled) {
            (true, true) => fill,
            (false, true) => p.edge,
            (_, false) => p.line,
        };
        let round = CornerRadius::same(style::ROUND);
        ui.painter().rect(rect, round, fill, Stroke::new(1.0, edge), StrokeKind::Inside);
        let left = rect.center().x - (text.size().x + hint_width) / 2.0;
        let at = pos2(left, rect.center().y - text.size().y / 2.0);
        let end = at.x + text.size().x + 10.0;
        ui.painter().galley(at, text, ink);
        if let Some(hint) = hint {
            ui.painter().galley(pos2(end, rect.center().y - hint.size().y / 2.0), hint, hint_ink);
        }
        ring(ui, &response, style::ROUND);

        let mut pressed = response.clicked();
        if self.enabled {
            let by_letter = letter.and_then(|letter| Key::from_name(&letter.to_string()));
            pressed |= by_letter.is_some_and(|key| ui.input_mut(|i| i.consume_key(Modifiers::ALT, key)));
            pressed |= self.escape && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape));
        }
        pressed
    }
}

/// Words that lead somewhere. True when they were pressed.
pub fn link(ui: &mut Ui, words: &str) -> bool {
    let p = palette(ui.ctx());
    let format = TextFormat {
        font_id: style::plain_font(style::SMALL),
        color: p.accent,
        underline: Stroke::new(1.0, p.accent),
        ..TextFormat::default()
    };
    let mut job = LayoutJob::single_section(words.into(), format);
    job.wrap.max_width = ui.available_width();
    let text = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let (rect, response) = ui.allocate_exact_size(text.size(), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Link, true, words));
    ui.painter().galley(rect.min, text, p.accent);
    ring(ui, &response, 2);
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}

/// A box to tick. In its text `&` stands before the letter that presses it together with Alt.
pub fn tick(ui: &mut Ui, ticked: &mut bool, text: &str) -> Response {
    let (name, letter) = accelerator(text);
    let ink = palette(ui.ctx()).text;
    let job = underlined(&name, letter, &style::plain_font(style::BODY), ink);
    let response = ui.add(egui::Checkbox::new(ticked, job));
    let key = letter.and_then(|letter| Key::from_name(&letter.to_string()));
    if key.is_some_and(|key| ui.input_mut(|i| i.consume_key(Modifiers::ALT, key))) {
        *ticked = !*ticked;
        response.request_focus();
    }
    ring(ui, &response, 3);
    response
}

/// Names a field for screen readers. True when the key of its letter was pressed.
fn called(ui: &Ui, field: &Response, name: &str, letter: Option<char>) -> bool {
    ui.ctx().accesskit_node_builder(field.id, |node| {
        node.set_label(name);
        if let Some(letter) = letter {
            node.set_access_key(letter.to_string());
            node.set_keyboard_shortcut(format!("Alt+{letter}"));
        }
    });
    let key = letter.and_then(|letter| Key::from_name(&letter.to_string()));
    key.is_some_and(|key| ui.input_mut(|i| i.consume_key(Modifiers::ALT, key)))
}

/// A line to type in, with its name before it. In the name `&` stands before the letter that goes there together with
/// Alt. With `select` it takes the focus, and all that is in it is selected: what is typed takes its place.
pub fn field(ui: &mut Ui, text: &mut String, name: &str, width: f32, select: bool) -> Response {
    let (name, letter) = accelerator(name);
    let job = underlined(&name, letter, &style::plain_font(style::BODY), palette(ui.ctx()).text);
    ui.label(job);
    let edit = egui::TextEdit::singleline(text).char_limit(300).desired_width(width).margin(vec2(10.0, 8.0));
    let response = ui.add(edit);
    if select | called(ui, &response, &name, letter) {
        response.request_focus();
        let mut state = TextEditState::load(ui.ctx(), response.id).unwrap_or_default();
        let all = CCursorRange::two(CCursor::new(0), CCursor::new(text.chars().count()));
        state.cursor.set_char_range(Some(all));
        state.store(ui.ctx(), response.id);
    }
    ring(ui, &response, style::ROUND - 2);
    response
}

/// One of several that exclude each other, over the whole width: a button to choose it, and beside it what it is. Only
/// the one that is chosen takes the focus; with the arrows the choice goes to its neighbors: [`Choice::moved`] tells
/// where to.
pub struct Choice<'c> {
    /// What tells it apart from the others.
    pub id: Id,
    /// It is the one.
    pub chosen: bool,
    /// Its mark, if any.
    pub mark: Option<Mark>,
    /// What it is.
    pub title: &'c str,
    /// The letter in it, as a capital, that chooses it together with Alt.
    pub letter: Option<char>,
    /// More about it, on a line of its own; may be empty.
    pub says: &'c str,
}

impl Choice<'_> {
    /// Shows it. True when it was chosen, by whatever means.
    pub fn show(&self, ui: &mut Ui, focus: bool) -> bool {
        let p = palette(ui.ctx());
        let height = if self.says.is_empty() { 30.0 } else { 46.0 };
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
        // One stop for Tab, as for choices elsewhere.
        let sense = if self.chosen { Sense::click() } else { Sense::CLICK };
        let response = ui.interact(rect, self.id, sense);
        let sentence = [self.title, self.says].join(if self.says.is_empty() { "" } else { ": " });
        response.widget_info(|| WidgetInfo::selected(WidgetType::RadioButton, true, self.chosen, &sentence));
        if focus && self.chosen {
            response.request_focus();
        }
        let round = CornerRadius::same(style::ROUND);
        if response.hovered() {
            ui.painter().rect_filled(rect, round, p.hover);
        }
        let middle = pos2(rect.left() + 16.0, rect.center().y);
        ui.painter().circle_stroke(
            middle,
            7.5,
            Stroke::new(1.2, if self.chosen { p.accent } else { p.edge }),
        );
        if self.chosen {
            ui.painter().circle_filled(middle, 4.0, p.accent);
        }
        let mut left = rect.left() + 36.0;
        if let Some(mark) = self.mark {
            let place = Rect::from_center_size(pos2(left + 9.0, rect.center().y), vec2(18.0, 18.0));
            paint_mark(ui.painter(), place, mark, p);
            left += 30.0;
        }
        let mut top = rect.center().y - if self.says.is_empty() { 9.0 } else { 19.0 };
        let title = underlined(self.title, self.letter, &style::plain_font(style::BODY), p.text);
        let says = LayoutJob::simple_singleline(self.says.into(), style::plain_font(style::SMALL), p.quiet);
        for mut job in [title, says] {
            job.wrap = egui::text::TextWrapping::truncate_at_width(rect.right() - 8.0 - left);
            let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
            let height = galley.size().y;
            ui.painter().galley(pos2(left, top), galley, p.text);
            top += height + 3.0;
        }
        ring(ui, &response, style::ROUND - 2);
        let by_letter = self.letter.and_then(|letter| Key::from_name(&letter.to_string()));
        let pressed = by_letter.is_some_and(|key| ui.input_mut(|i| i.consume_key(Modifiers::ALT, key)));
        response.clicked() || pressed
    }

    /// Where the arrows move the choice to, if this of `all` is the one with the focus.
    pub fn moved(ui: &Ui, ids: &[Id], chosen: usize) -> Option<usize> {
        let id = *ids.get(chosen)?;
        if !ui.memory(|memory| memory.has_focus(id)) {
            return None;
        }
        let arrows =
            egui::EventFilter { vertical_arrows: true, horizontal_arrows: true, ..Default::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, arrows));
        let mut to = chosen;
        for (key, way) in
            [(Key::ArrowDown, 1), (Key::ArrowRight, 1), (Key::ArrowUp, -1), (Key::ArrowLeft, -1)]
        {
            if ui.input_mut(|i| i.consume_key(Modifiers::NONE, key)) {
                to = to.saturating_add_signed(way).min(ids.len() - 1);
            }
        }
        if to == chosen {
            return None;
        }
        ui.memory_mut(|memory| memory.request_focus(ids[to]));
        Some(to)
    }
}

/// A text of several lines, at most so high, then it scrolls. In its name `&` stands before the letter that goes there
/// together with Alt.
pub fn lines(ui: &mut Ui, text: &mut dyn egui::TextBuffer, name: &str, rows: usize, most: f32) -> Response {
    let (name, letter) = accelerator(name);
    let p = palette(ui.ctx());
    let edit = egui::TextEdit::multiline(text)
        .id(id(&name))
        .font(style::plain_font(style::SMALL))
        .char_limit(crate::domain::validation::MAX_TEXT + 1)
        .desired_rows(rows)
        .desired_width(f32::INFINITY)
        .frame(false)
        .margin(vec2(10.0, 8.0));
    let tab = ui.input(|i| i.key_pressed(Key::Tab));
    let by = egui::scroll_area::ScrollSource { scroll_bar: !tab, drag: false, mouse_wheel: true };
    let area = egui::ScrollArea::vertical().id_salt(&*name).max_height(most).scroll_source(by);
    let round = CornerRadius::same(style::ROUND - 2);
    let frame = Frame::new().fill(p.card).stroke(Stroke::new(1.0, p.edge)).corner_radius(round);
    let shown = frame.show(ui, |ui| area.show(ui, |ui| ui.add(edit)).inner);
    // What is seen of it is what it is in, and so is the place for the focus.
    let response = Response { rect: shown.response.rect, ..shown.inner };
    if called(ui, &response, &name, letter) {
        response.request_focus();
    }
    ring(ui, &response, style::ROUND - 2);
    response
}

/// Shows where the focus is, and that it is not out of sight.
pub fn ring(ui: &Ui, response: &Response, round: u8) {
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    if response.has_focus() {
        let stroke = Stroke::new(2.0, palette(ui.ctx()).accent);
        // Around it, also where what it is in would cut it off.
        ui.ctx().layer_painter(response.layer_id).with_clip_rect(ui.clip_rect().expand(4.0)).rect_stroke(
            response.rect.expand(2.0),
            CornerRadius::same(round + 2),
            stroke,
            StrokeKind::Outside,
        );
    }
}

/// The text without its `&`, and the letter behind it in upper case.
fn accelerator(text: &str) -> (String, Option<char>) {
    let letter = text.split_once('&').and_then(|(_, rest)| rest.chars().next());
    (text.replacen('&', "", 1), letter.map(|letter| letter.to_ascii_uppercase()))
}

fn underlined(name: &str, letter: Option<char>, font: &FontId, ink: Color32) -> LayoutJob {
    let format = |under: bool| TextFormat {
        font_id: font.clone(),
        color: ink,
        underline: if under { Stroke::new(1.0, ink) } else { Stroke::NONE },
        ..TextFormat::default()
    };
    let mut job = LayoutJob::default();
    let at = letter.and_then(|letter| name.char_indices().find(|(_, c)| c.eq_ignore_ascii_case(&letter)));
    match at {
        Some((at, c)) => {
            let end = at + c.len_utf8();
            job.append(&name[..at], 0.0, format(false));
            job.append(&name[at..end], 0.0, format(true));
            job.append(&name[end..], 0.0, format(false));
        }
        None => job.append(name, 0.0, format(false)),
    }
    job
}

/// A mark before a line. Its form tells what its colour tells, and words say it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A number: not begun.
    Number(usize),
    /// It goes on.
    Now,
    /// Done, or fine.
    Done,
    /// Needs a look.
    Look,
    /// Failed.
    Failed,
    /// Left out.
    Skipped,
    /// Nobody knows.
    Unknown,
    /// By the way.
    Remark,
}

/// Paints a mark of this size, and takes its place.
pub fn mark(ui: &mut Ui, mark: Mark, size: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(size, size), Sense::hover());
    paint_mark(ui.painter(), rect, mark, palette(ui.ctx()));
}

fn paint_mark(painter: &Painter, rect: Rect, mark: Mark, p: &Palette) {
    let (center, radius) = (rect.center(), rect.width() / 2.0);
    let thin = Stroke::new(radius * 0.16, p.quiet);
    let letter = |text: &str, ink: Color32, size: f32| {
        let galley = painter.layout_no_wrap(text.into(), style::strong_font(radius * size), ink);
        // Figures stand on the line, with nothing below it: what is below is not part of the middle.
        let up = vec2(0.0, radius * 0.06);
        painter.galley(center - galley.size() / 2.0 - up, galley, ink);
    };
    let at = |x: f32, y: f32| center + radius * vec2(x, y);
    let bold = |ink| Stroke::new(radius * 0.2, ink);
    match mark {
        Mark::Number(number) => {
            painter.circle_stroke(center, radius - 0.5, Stroke::new(1.0, p.edge));
            letter(&number.to_string(), p.quiet, 1.15);
        }
        Mark::Now => {
            painter.circle_stroke(center, radius - 1.0, Stroke::new(2.0, p.accent));
            painter.circle_filled(center, radius * 0.42, p.accent);
        }
        Mark::Done => {
            painter.circle_filled(center, radius, p.accent);
            let hook = vec![at(-0.42, 0.04), at(-0.1, 0.36), at(0.46, -0.3)];
            painter.add(Shape::line(hook, bold(p.on_accent)));
        }
        Mark::Look => {
            let corners: Vec<Pos2> = vec![at(0.0, -0.95), at(1.05, 0.88), at(-1.05, 0.88)];
            painter.add(Shape::convex_polygon(corners, p.caution, Stroke::NONE));
            painter.line_segment([at(0.0, -0.3), at(0.0, 0.28)], bold(p.card));
            painter.circle_filled(at(0.0, 0.6), radius * 0.12, p.card);
        }
        Mark::Failed => {
            painter.rect_filled(rect, CornerRadius::same(4), p.danger);
            painter.line_segment([at(-0.4, -0.4), at(0.4, 0.4)], bold(p.card));
            painter.line_segment([at(-0.4, 0.4), at(0.4, -0.4)], bold(p.card));
        }
        Mark::Skipped => {
            painter.circle_stroke(center, radius - 0.5, thin);
            painter.line_segment([at(-0.4, 0.0), at(0.4, 0.0)], thin);
        }
        Mark::Unknown => {
            painter.circle_stroke(center, radius - 0.5, thin);
            letter("?", p.quiet, 1.25);
        }
        Mark::Remark => {
            painter.circle_stroke(center, radius - 0.5, thin);
            painter.line_segment([at(0.0, -0.12), at(0.0, 0.48)], thin);
            painter.circle_filled(at(0.0, -0.44), radius * 0.13, p.quiet);
        }
    }
}

/// A part of the window with a role and a name, for who does not see it.
pub fn named<R>(ui: &mut Ui, role: Role, name: &str, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.scope_builder(UiBuilder::new(), |ui| {
        name_it(ui, role, name);
        content(ui)
    })
    .inner
}

fn name_it(ui: &Ui, role: Role, name: &str) {
    ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
        node.set_role(role);
        if !name.is_empty() {
            node.set_label(name);
        }
    });
}

/// A card with a heading.
pub fn card(ui: &mut Ui, heading: &str, content: impl FnOnce(&mut Ui)) {
    if !heading.is_empty() {
        self::heading(ui, heading, style::HEADING, 2);
        ui.add_space(2.0);
    }
    let p = palette(ui.ctx());
    Frame::new()
        .fill(p.card)
        .stroke(Stroke::new(1.0, p.line))
        .corner_radius(CornerRadius::same(style::ROUND + 2))
        .inner_margin(Margin::symmetric(16, 14))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = style::LINE;
            content(ui);
        });
    ui.add_space(style::GAP);
}

/// A heading of this size and level.
pub fn heading(ui: &mut Ui, text: &str, size: f32, level: usize) {
    let response = ui.label(RichText::new(text).font(style::strong_font(size)));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_role(Role::Heading);
        node.set_label(text);
        node.set_level(level);
    });
}

/// What is said beside the matter.
pub fn quiet(ui: &mut Ui, text: &str) -> Response {
    let color = palette(ui.ctx()).quiet;
    ui.label(RichText::new(text).size(style::SMALL).color(color))
}

/// What is said beside the matter, and read out by itself when it changes.
pub fn news(ui: &mut Ui, text: &str) {
    let response = quiet(ui, text);
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_live(egui::accesskit::Live::Polite));
}

/// A line of a list: a mark, what stands beside it, and for who does not see it the whole in one sentence.
pub fn item(ui: &mut Ui, shown: Mark, sentence: &str, content: impl FnOnce(&mut Ui)) {
    named(ui, Role::ListItem, sentence, |ui| {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 12.0;
            mark(ui, shown, 18.0);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                content(ui);
            });
        });
    });
}

/// A table: the first column is as wide as two of the others. A line is read out as one sentence.
pub fn table(ui: &mut Ui, name: &str, heads: &[&str], rows: &[Vec<String>]) {
    let p = palette(ui.ctx());
    let share = ui.available_width() / (heads.len() + 1) as f32;
    let width = |column: usize| if column == 0 { 2.0 * share } else { share };
    let cell = |ui: &mut Ui, column: usize, role: Role, text: RichText| {
        let layout = Layout::top_down(Align::Min);
        let corner = ui.available_rect_before_wrap().min;
        let rect = Rect::from_min_size(corner, vec2(width(column) - 12.0, 0.0));
        let inner = ui.scope_builder(UiBuilder::new().max_rect(rect).layout(layout), |ui| {
            name_it(ui, role, text.text());
            ui.ctx().accesskit_node_builder(ui.unique_id(), |node| node.set_column_index(column));
            ui.set_min_width(width(column) - 12.0);
            ui.label(text);
        });
        inner.response.rect.height()
    };
    named(ui, Role::Table, name, |ui| {
        ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
            node.set_row_count(rows.len() + 1);
            node.set_column_count(heads.len());
        });
        ui.spacing_mut().item_spacing.y = 8.0;
        line(ui, 0, &heads.join(", "), |ui| {
            for (column, head) in heads.iter().enumerate() {
                let font = style::strong_font(style::SMALL);
                cell(ui, column, Role::ColumnHeader, RichText::new(*head).font(font).color(p.quiet));
            }
        });
        for (index, row) in rows.iter().enumerate() {
            rule(ui);
            let pairs = heads.iter().zip(row).skip(1).map(|(head, text)| format!("{head}: {text}"));
            let first = row.first().cloned().unwrap_or_default();
            let sentence = format!("{first}. {}", pairs.collect::<Vec<_>>().join(", "));
            line(ui, index + 1, &sentence, |ui| {
                for (column, text) in row.iter().enumerate() {
                    let role = if column == 0 { Role::RowHeader } else { Role::Cell };
                    cell(ui, column, role, RichText::new(text));
                }
            });
        }
    });
}

fn line(ui: &mut Ui, index: usize, sentence: &str, content: impl FnOnce(&mut Ui)) {
    named(ui, Role::Row, sentence, |ui| {
        ui.ctx().accesskit_node_builder(ui.unique_id(), |node| node.set_row_index(index));
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 12.0;
            content(ui);
        });
    });
}

/// A thin line across.
pub fn rule(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    let stroke = Stroke::new(1.0, palette(ui.ctx()).line);
    ui.painter().hline(rect.x_range(), rect.center().y, stroke);
}

/// Does something in this window take what is typed now? Then keys that scroll are not for the window.
pub fn is_typing(ui: &Ui) -> bool {
    ui.ctx().wants_keyboard_input()
}

/// An id that the same thing has in every frame.
pub fn id(name: &str) -> Id {
    Id::new(name)
}
