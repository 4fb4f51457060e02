//! How the validation window looks: one function from its state to what is painted and read out.

use super::{
    code,
    page::{self, Headline, right},
    parts::{self, Button, Choice, Mark},
    style,
    validation::{Route, State, TITLE, Wish, file_name, in_words},
    validation_backend::{Link, RequestShown, ServerShown},
    validation_trust,
};
use crate::domain::validation::Standing;
use egui::{Context, Id, Ui, accesskit::Role};

/// How large the window is at first, in points.
pub const SIZE: [f32; 2] = [720.0, 840.0];

/// From so many servers on there is a field to find one.
const MANY: usize = 8;
/// So many of them are shown at once.
const MOST: usize = 50;

/// Shows the state. Returns what the user asks for.
pub fn show(state: &mut State, ctx: &Context) -> Option<Wish> {
    let dropped = ctx.input(|i| i.raw.dropped_files.first().and_then(|file| file.path.clone()));
    let wish = page::show(ctx, TITLE, &headline(state), state, body, foot);
    let known = state.known.as_ref().filter(|_| state.route == Route::Own);
    let read = known.zip(dropped).map(|(known, file)| match state.host.trim() {
        host if known.wants_a_key() && !host.is_empty() => Wish::ReadKey(host.into(), file),
        _ => Wish::Read(file),
    });
    wish.or(read)
}

/// What became of the answer stands on top, wherever the page is scrolled to.
fn headline(state: &State) -> Headline {
    match (&state.known, &state.judged) {
        (None, _) => (None, TITLE.into(), "Looking for servers…".into()),
        (_, Some(judged)) => {
            let said = in_words(judged);
            (Some(said.mark), said.title, said.says)
        }
        (Some(known), None) if state.trusted.is_some() => {
            let host = state.trusted.as_deref().unwrap_or_default();
            let asks = match known.own_host.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(host)) {
                true => "The tray asks it from now on.".to_string(),
                false => format!(
                    "For the tray to ask it over the network: visualcron-tray settings set license_host.host {host}"
                ),
            };
            (Some(Mark::Done), format!("The key of {host} is trusted"), format!("Its answers are accepted. {asks}"))
        }
        (Some(_), None) => (
            None,
            TITLE.into(),
            "For a license that cannot be validated over the network. A wrong answer takes nothing away from what is \
             known."
                .into(),
        ),
    }
}

fn body(state: &mut State, ui: &mut Ui) -> Option<Wish> {
    state.known.as_ref()?;
    let focus = std::mem::take(&mut state.focus_due);
    routes(state, ui, focus);
    match state.route {
        Route::Own => own(state, ui, focus),
        Route::Vendor => vendor(state, ui),
    }
}

/// Who is to validate: that decides who makes the request.
fn routes(state: &mut State, ui: &mut Ui, focus: bool) {
    let all = [Route::Own, Route::Vendor];
    let ids = all.map(|route| parts::id(if route == Route::Own { "route own" } else { "route vendor" }));
    let chosen = usize::from(state.route == Route::Vendor);
    let focus = focus && (state.route == Route::Vendor || state.chosen.is_none());
    parts::card(ui, "", |ui| {
        parts::named(ui, Role::RadioGroup, "Who validates the license", |ui| {
            ui.columns(2, |columns| {
                let titles = [("A license host of your own", 'O'), ("The vendor's own host", 'V')];
                for (index, (title, letter)) in titles.into_iter().enumerate() {
                    let letter = Some(letter);
                    let choice = Choice {
                        id: ids[index],
                        chosen: index == chosen,
                        mark: None,
                        title,
                        letter,
                        says: "",
                    };
                    if choice.show(&mut columns[index], focus) {
                        state.route = all[index];
                        columns[index].memory_mut(|memory| memory.request_focus(ids[index]));
                    }
                }
            });
            if let Some(to) = Choice::moved(ui, &ids, chosen) {
                state.route = all[to];
            }
        });
    });
}

fn own(state: &mut State, ui: &mut Ui, focus: bool) -> Option<Wish> {
    let mut wish = validation_trust::show(state, ui);
    parts::card(ui, "1. Make the request", |ui| wish = wish.take().or(request_step(state, ui, focus)));
    parts::card(ui, "2. Take it to the license host", |ui| {
        wish = wish.take().or(carry_step(state, ui));
    });
    parts::card(ui, "3. Bring the answer", |ui| wish = wish.take().or(answer_step(state, ui)));
    wish
}

fn request_step(state: &mut State, ui: &mut Ui, focus: bool) -> Option<Wish> {
    servers(state, ui, focus);
    let chosen = state.chosen.clone()?;
    let request = state.request().cloned();
    let mut wish = None;
    let mut press = |pressed: bool, what: &dyn Fn() -> Wish| {
        if pressed && wish.is_none() {
            wish = Some(what());
        }
    };
    let Some(RequestShown { text, code, server }) = request else {
        let make = Button::other("&Make request");
        press(make.show(ui), &|| Wish::Make(chosen.clone()));
        return wish;
    };
    let name = format!("Request for {server}");
    parts::lines(ui, &mut text.reveal(), &name, 3, 84.0);
    let was_shown = state.shows_code;
    ui.horizontal_wrapped(|ui| {
        press(Button::other("&Copy").show(ui), &|| Wish::Copy(text.clone()));
        press(Button::other("&Save").show(ui), &|| Wish::Save {
            name: file_name(&server),
            text: text.clone(),
        });
        press(Button::other("&Make anew").show(ui), &|| Wish::Make(chosen.clone()));
        if code.is_some() {
            parts::tick(ui, &mut state.shows_code, "Show &QR code");
        }
    });
    if let Some(code) = code.filter(|_| state.shows_code) {
        let name = format!("QR code of the request for {server}: the same as the text, for a camera");
        code::show(ui, &code, &name, !was_shown);
    }
    parts::quiet(
        ui,
        "It holds the activation code: give it to your license host only. It waits for its answer, also when this \
         window is closed.",
    );
    wish
}

/// The servers: one is chosen.
fn servers(state: &mut State, ui: &mut Ui, focus: bool) {
    let all = state.known.as_ref().map_or(0, |known| known.servers.len());
    if all == 0 {
        let text = "No server is known. Name one in the settings, or let the Client connect to one.";
        parts::item(ui, Mark::Look, text, |ui| {
            ui.label(text);
        });
        return;
    }
    if all > MANY {
        ui.horizontal(|ui| parts::field(ui, &mut state.find, "&Find", 260.0, false));
    }
    let found: Vec<ServerShown> = state.found().take(MOST).cloned().collect();
    let more = state.found().count() - found.len();
    let ids: Vec<Id> = found.iter().map(|server| parts::id("server").with(&server.name)).collect();
    let at = found.iter().position(|server| Some(&server.name) == state.chosen.as_ref());
    if at.is_none() && !found.is_empty() {
        // What is not seen is not chosen.
        state.chosen = Some(found[0].name.clone());
        ui.ctx().request_repaint();
    }
    let area = egui::ScrollArea::vertical().id_salt("servers").max_height(46.0 * 4.5);
    let shown = area.show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        parts::named(ui, Role::RadioGroup, "Servers", |ui| {
            for (index, server) in found.iter().enumerate() {
                let choice = Choice {
                    id: ids[index],
                    chosen: Some(index) == at,
                    mark: Some(mark(&server.standing)),
                    title: &server.name,
                    letter: None,
                    says: &server.says,
                };
                if choice.show(ui, focus) {
                    state.chosen = Some(server.name.clone());
                    ui.memory_mut(|memory| memory.request_focus(ids[index]));
                }
            }
        });
    });
    // Into sight of the page too, and not only of the list.
    let entered = |id: &Id| ui.ctx().read_response(*id).is_some_and(|row| row.gained_focus());
    if ids.iter().any(entered) {
        ui.scroll_to_rect(shown.inner_rect, None);
    }
    if let Some(to) = at.and_then(|at| Choice::moved(ui, &ids, at)) {
        state.chosen = Some(found[to].name.clone());
    }
    match (found.is_empty(), more) {
        (true, _) => parts::news(ui, "No server has that in its name."),
        (_, 0) => {}
        (_, more) => parts::news(ui, &format!("{more} more: type a part of the name above.")),
    }
}

fn mark(standing: &Standing) -> Mark {
    match standing {
        Standing::Valid { .. } => Mark::Done,
        Standing::Unknown => Mark::Unknown,
        Standing::Due { .. } | Standing::Overdue { .. } => Mark::Look,
        Standing::Invalid { .. } => Mark::Failed,
    }
}

fn carry_step(state: &State, ui: &mut Ui) -> Option<Wish> {
    let known = state.known.as_ref()?;
    if known.hosts.is_empty() {
        let text = "No license host's key is trusted here yet, so no answer could be checked: trust it first, above.";
        parts::item(ui, Mark::Look, text, |ui| {
            ui.label(text);
        });
        return None;
    }
    ui.label(
        "On a computer that reaches the license host, open its page and give it the text, the file or the QR code. Or \
         send the request to whoever runs the host. The page shows the answer.",
    );
    let mut wish = None;
    for host in &known.hosts {
        let page = format!("https://{host}/offline");
        if parts::link(ui, &format!("Open {page}")) {
            wish = Some(Wish::Open(Link::Page(page)));
        }
    }
    wish
}

fn answer_step(state: &mut State, ui: &mut Ui) -> Option<Wish> {
    parts::quiet(
        ui,
        "Paste it, or drop its file on this window. Line breaks, blanks and quoting marks do no harm.",
    );
    if parts::lines(ui, &mut state.answer, "&Answer", 3, 84.0).changed() {
        state.judged = None;
    }
    let mut wish = None;
    ui.horizontal_wrapped(|ui| {
        if Button::other("&Paste").show(ui) {
            wish = Some(Wish::Paste);
        }
    });
    if let Some(judged) = &state.judged {
        let said = in_words(judged);
        let top = ui.cursor().top();
        parts::item(ui, said.mark, &format!("{}: {}", said.title, said.next), |ui| {
            ui.label(egui::RichText::new(&said.title).font(style::strong_font(style::BODY)));
            ui.add(egui::Label::new(&said.next).selectable(true));
        });
        if std::mem::take(&mut state.judged_now) {
            let place = ui.min_rect().with_min_y(top);
            ui.scroll_to_rect(place.expand(style::GAP), None);
        }
    }
    wish
}

/// The vendor's own way: only the Client can make its challenge, so all that can be done here is to open the pages.
fn vendor(state: &State, ui: &mut Ui) -> Option<Wish> {
    let known = state.known.as_ref()?;
    let mut wish = None;
    parts::card(ui, "Three steps, in the Client", |ui| {
        parts::named(ui, Role::List, "Three steps, in the Client", |ui| {
            let steps = [
                "In the VisualCron Client, when it says that the license cannot be validated, choose the manual \
                 validation: it shows a long challenge text. Copy it. Only the Client can make it.",
                "On a computer that reaches the vendor, open the page for manual validation, paste the challenge, and \
                 copy the validation code that it answers with.",
                "Back in the Client, paste the validation code.",
            ];
            for (index, step) in steps.into_iter().enumerate() {
                let number = index + 1;
                parts::item(ui, Mark::Number(number), &format!("{number} of 3: {step}"), |ui| {
                    ui.label(step);
                    if number == 2 && parts::link(ui, &format!("Open {}", known.vendor_validation)) {
                        wish = Some(Wish::Open(Link::Page(known.vendor_validation.clone())));
                    }
                });
            }
        });
    });
    parts::card(ui, "Good to know", |ui| {
        parts::named(ui, Role::List, "Good to know", |ui| {
            let activation =
                "A license that was never activated on this server is activated by hand on another page.";
            parts::item(ui, Mark::Remark, activation, |ui| {
                ui.label(activation);
                if parts::link(ui, &format!("Open {}", known.vendor_activation)) {
                    wish = Some(Wish::Open(Link::Page(known.vendor_activation.clone())));
                }
            });
            let firewall = "The vendor's own advice: allow TCP 443 to visualcron.com from the computer where the \
                            Client runs; then no manual validation is needed.";
            parts::item(ui, Mark::Remark, firewall, |ui| {
                ui.label(firewall);
            });
        });
    });
    wish
}

/// What has become of what was asked for, and the buttons, with what Escape does at the end.
fn foot(state: &State, ui: &mut Ui) -> Option<Wish> {
    page::problem(state.problem.as_ref(), ui);
    let mut wish = page::kept(state.kept.as_ref(), ui).map(|folder| Wish::Open(Link::Folder(folder)));
    let mut press = |pressed: bool, what: Wish| {
        if pressed && wish.is_none() {
            wish = Some(what);
        }
    };
    ui.horizontal(|ui| {
        right(ui, &mut |ui| {
            if state.known.is_some() && state.route == Route::Own {
                let check = Button::main("C&heck answer").enabled(!state.answer.trim().is_empty());
                press(check.show(ui), Wish::Judge(state.answer.clone()));
                press(Button::other("Close").escape().show(ui), Wish::Close);
            } else {
                press(Button::main("Close").escape().show(ui), Wish::Close);
            }
        });
    });
    wish
}
