//! The menu on the desktop, changed by difference: an unchanged menu causes no call at all.

use crate::app::MenuItem as Item;
use muda::{CheckMenuItem, IsMenuItem, Menu, MenuId, MenuItem, PredefinedMenuItem, Submenu};

/// A menu line on the desktop.
enum Live {
    Action(MenuItem),
    Check(CheckMenuItem),
    Submenu(Submenu, Vec<Live>),
    Separator(PredefinedMenuItem),
}

impl Live {
    fn new(item: &Item) -> Live {
        match item {
            Item::Action { command, text, checked: None } => {
                Live::Action(MenuItem::with_id(command.to_string(), escape(text), true, None))
            }
            Item::Action { command, text, checked: Some(on) } => {
                Live::Check(CheckMenuItem::with_id(command.to_string(), escape(text), true, *on, None))
            }
            Item::Label { id, text } => {
                Live::Action(MenuItem::with_id(format!("label {id}"), escape(text), false, None))
            }
            Item::Submenu { id, text, items } => {
                let menu = Submenu::with_id(format!("submenu {id}"), escape(text), true);
                let lines: Vec<Live> = items.iter().map(Live::new).collect();
                for line in &lines {
                    let _ = menu.append(line.item());
                }
                Live::Submenu(menu, lines)
            }
            Item::Separator => Live::Separator(PredefinedMenuItem::separator()),
        }
    }

    fn item(&self) -> &dyn IsMenuItem {
        match self {
            Live::Action(item) => item,
            Live::Check(item) => item,
            Live::Submenu(menu, _) => menu,
            Live::Separator(line) => line,
        }
    }

    /// Can a line that shows `before` come to show `after` by changes of text and mark alone?
    fn can_become(before: &Item, after: &Item) -> bool {
        match (before, after) {
            (Item::Action { command: a, checked: x, .. }, Item::Action { command: b, checked: y, .. }) => {
                a == b && x.is_some() == y.is_some()
            }
            (Item::Label { id: a, .. }, Item::Label { id: b, .. })
            | (Item::Submenu { id: a, .. }, Item::Submenu { id: b, .. }) => a == b,
            (Item::Separator, Item::Separator) => true,
            _ => false,
        }
    }

    fn change(&mut self, before: &Item, after: &Item) {
        let text = (text_of(before) != text_of(after)).then(|| escape(text_of(after)));
        match self {
            Live::Action(item) => text.into_iter().for_each(|text| item.set_text(text)),
            Live::Check(item) => {
                text.into_iter().for_each(|text| item.set_text(text));
                if let (Item::Action { checked: a, .. }, Item::Action { checked: b, .. }) = (before, after)
                    && a != b
                {
                    item.set_checked(*b == Some(true));
                }
            }
            Live::Submenu(menu, lines) => {
                text.into_iter().for_each(|text| menu.set_text(text));
                if let (Item::Submenu { items: a, .. }, Item::Submenu { items: b, .. }) = (before, after) {
                    show(&*menu, lines, a, b);
                }
            }
            Live::Separator(_) => {}
        }
    }
}

fn text_of(item: &Item) -> &str {
    match item {
        Item::Action { text, .. } | Item::Label { text, .. } | Item::Submenu { text, .. } => text,
        Item::Separator => "",
    }
}

/// In muda's texts `&` marks the key of a line.
fn escape(text: &str) -> String {
    text.replace('&', "&&")
}

/// Where lines can be put in and taken out. A failure leaves the old line: there is nothing better to do.
trait Lines {
    fn put(&self, item: &dyn IsMenuItem, at: usize);
    fn take(&self, at: usize);
}

impl Lines for Menu {
    fn put(&self, item: &dyn IsMenuItem, at: usize) {
        let _ = self.insert(item, at);
    }
    fn take(&self, at: usize) {
        // Not by the item: `remove` goes by id, which several lines may share.
        self.remove_at(at);
    }
}

impl Lines for Submenu {
    fn put(&self, item: &dyn IsMenuItem, at: usize) {
        let _ = self.insert(item, at);
    }
    fn take(&self, at: usize) {
        self.remove_at(at);
    }
}

/// Turns lines that show `before` into lines that show `after`: what is alike at both ends stays, the middle
/// is replaced.
fn show(menu: &dyn Lines, lines: &mut Vec<Live>, before: &[Item], after: &[Item]) {
    if before == after {
        return;
    }
    let alike = |(a, b): &(&Item, &Item)| Live::can_become(a, b);
    let head = before.iter().zip(after).take_while(alike).count();
    let tail = before[head..].iter().rev().zip(after[head..].iter().rev()).take_while(alike).count();
    for (index, item) in after[..head].iter().enumerate() {
        lines[index].change(&before[index], item);
    }
    for offset in 1..=tail {
        let (old, new) = (before.len() - offset, after.len() - offset);
        lines[old].change(&before[old], &after[new]);
    }
    let fresh: Vec<Live> = after[head..after.len() - tail].iter().map(Live::new).collect();
    for _ in lines.drain(head..before.len() - tail) {
        menu.take(head);
    }
    for (index, line) in fresh.into_iter().enumerate() {
        menu.put(line.item(), head + index);
        lines.insert(head + index, line);
    }
}

/// The whole menu.
pub struct LiveMenu {
    root: Menu,
    lines: Vec<Live>,
    shown: Vec<Item>,
}

impl LiveMenu {
    pub fn new(items: &[Item]) -> muda::Result<LiveMenu> {
        let root = Menu::with_id(MenuId::new("menu"));
        let lines: Vec<Live> = items.iter().map(Live::new).collect();
        for line in &lines {
            root.append(line.item())?;
        }
        Ok(LiveMenu { root, lines, shown: items.to_vec() })
    }

    pub fn root(&self) -> &Menu {
        &self.root
    }

    pub fn show(&mut self, items: &[Item]) {
        if self.shown != items {
            show(&self.root, &mut self.lines, &self.shown, items);
            self.shown = items.to_vec();
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::app::Command;
    use proptest::prelude::*;

    fn items(depth: u32) -> BoxedStrategy<Vec<Item>> {
        let text = "[a-c&]{0,3}";
        let action = (prop::sample::select(vec![Command::Renew, Command::GotIt, Command::Exit]), text)
            .prop_map(|(command, text)| Item::Action { command, text, checked: None });
        let check = (any::<bool>(), text).prop_map(|(on, text)| Item::Action {
            command: Command::About,
            text,
            checked: Some(on),
        });
        let label = ("[ab]", text).prop_map(|(id, text)| Item::Label { id, text });
        let leaf = prop_oneof![action, check, label, Just(Item::Separator)];
        if depth == 0 {
            return prop::collection::vec(leaf, 0..5).boxed();
        }
        let submenu =
            ("[ab]", text, items(depth - 1)).prop_map(|(id, text, items)| Item::Submenu { id, text, items });
        prop::collection::vec(prop_oneof![3 => leaf, 1 => submenu], 0..6).boxed()
    }

    /// What muda holds, line by line.
    fn seen(items: &[muda::MenuItemKind]) -> Vec<String> {
        use muda::MenuItemKind as Kind;
        let line = |item: &Kind| match item {
            Kind::MenuItem(item) => vec![format!("{} {} {}", item.id().0, item.text(), item.is_enabled())],
            Kind::Check(item) => vec![format!("{} {} {}", item.id().0, item.text(), item.is_checked())],
            Kind::Submenu(menu) => {
                let mut lines = vec![format!("{} {} >", menu.id().0, menu.text())];
                lines.extend(seen(&menu.items()).into_iter().map(|line| format!("  {line}")));
                lines
            }
            _ => vec!["---".to_string()],
        };
        items.iter().flat_map(line).collect()
    }

    proptest! {
        /// However a menu got there, it shows what a fresh one would.
        #[test]
        fn a_changed_menu_shows_what_a_fresh_one_does(steps in prop::collection::vec(items(2), 1..6)) {
            let mut live = LiveMenu::new(&[]).unwrap();
            for items in &steps {
                live.show(items);
                let fresh = LiveMenu::new(items).unwrap();
                prop_assert_eq!(seen(&live.root.items()), seen(&fresh.root.items()));
            }
        }
    }
}
