//! The card in which the key of a license host comes to be trusted: the user sees its fingerprint, compares it with what
//! whoever runs the host says by another way, and confirms that.

use super::{
    parts::{self, Button},
    validation::{State, Wish},
};
use egui::{Key, Ui};

/// The title of the card.
const TITLE: &str = "Trust the license host's key";

/// Shows the card, where a host is still to be trusted.
pub(super) fn show(state: &mut State, ui: &mut Ui) -> Option<Wish> {
    if !state.known.as_ref().is_some_and(|known| known.wants_a_key()) {
        return None;
    }
    let mut wish = None;
    parts::card(ui, TITLE, |ui| {
        wish = if state.offered.is_some() { compare(state, ui) } else { find(state, ui) };
    });
    wish
}

/// Which host, and where its key comes from.
fn find(state: &mut State, ui: &mut Ui) -> Option<Wish> {
    ui.label("Answers count only if they are signed by a key that is trusted here.");
    let mut asked = false;
    ui.horizontal_wrapped(|ui| {
        let response = parts::field(ui, &mut state.host, "&License host", 260.0, false);
        asked = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        asked |= Button::other("Get its &key").enabled(!state.host.trim().is_empty()).show(ui);
    });
    parts::quiet(
        ui,
        "Where it cannot be reached from here, drop the file of its keys on this window: visualcron-tray license-host key \
         export makes it, on the host.",
    );
    let host = state.host.trim();
    (asked && !host.is_empty()).then(|| Wish::GetKey(host.into()))
}

/// The fingerprint, to be compared.
fn compare(state: &mut State, ui: &mut Ui) -> Option<Wish> {
    let offered = state.offered.clone()?;
    ui.label(format!("The key with which {} signs now has this fingerprint:", offered.host));
    let name = format!("Fingerprint of the key of {}", offered.host);
    let rows = in_rows(&offered.signs.fingerprint());
    parts::lines(ui, &mut rows.as_str(), &name, 2, 84.0);
    parts::quiet(
        ui,
        "Ask whoever runs the host for it by another way, by telephone say: whoever has this key decides what is known \
         of your licenses.",
    );
    parts::tick(ui, &mut state.compared, "&I have compared it: it is the same");
    let mut wish = None;
    ui.horizontal_wrapped(|ui| {
        if Button::other("&Trust this key").enabled(state.compared).show(ui) {
            wish = Some(Wish::Trust(offered.clone()));
        }
        if Button::other("&Not this one").show(ui) {
            wish = Some(Wish::DropKey);
        }
    });
    wish
}

/// In two rows of eight groups, as one reads it aloud.
fn in_rows(fingerprint: &str) -> String {
    let groups: Vec<&str> = fingerprint.split(' ').collect();
    groups.chunks(8).map(|row| row.join(" ")).collect::<Vec<_>>().join("\n")
}
