//! The menu of an icon, as a panel reads it through `com.canonical.dbusmenu`.

use std::collections::HashMap;
use std::fmt;

use zbus::zvariant::{OwnedValue, Structure, Value};

/// One entry of a menu and all that lies below it. The root has no label.
///
/// Its text form is for snapshots: one line an entry, indented by depth.
///
/// ```text
/// Client
///   Open log folder
///   Restart (disabled)
/// ---
/// [x] Start with the session
/// Exit
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MenuTree {
    pub id: i32,
    /// Without the marks for access keys.
    pub label: String,
    pub enabled: bool,
    pub visible: bool,
    pub separator: bool,
    /// `Some` for an entry with a check mark.
    pub checked: Option<bool>,
    pub children: Vec<MenuTree>,
}

impl MenuTree {
    /// The entry under these labels, from the top: `find(&["Client", "Open log folder"])`.
    pub fn find(&self, path: &[&str]) -> Option<&MenuTree> {
        path.iter().try_fold(self, |entry, label| entry.children.iter().find(|child| child.label == *label))
    }

    /// The labels right below this entry, separators left out.
    pub fn labels(&self) -> Vec<&str> {
        self.children.iter().filter(|child| !child.separator).map(|child| child.label.as_str()).collect()
    }

    pub(super) fn from_layout(layout: &Structure<'_>) -> Self {
        let [id, properties, children] = layout.fields() else { panic!("not a layout: {layout:?}") };
        let properties: HashMap<String, OwnedValue> = properties.try_clone().unwrap().try_into().unwrap();
        let text = |name: &str| properties.get(name).and_then(|value| String::try_from(value.clone()).ok());
        let flag = |name: &str| properties.get(name).is_none_or(|value| bool::try_from(value).unwrap());
        let Value::Array(children) = children else { panic!("not a list: {children:?}") };
        Self {
            id: i32::try_from(id).unwrap(),
            label: without_access_key(&text("label").unwrap_or_default()),
            enabled: flag("enabled"),
            visible: flag("visible"),
            separator: text("type").as_deref() == Some("separator"),
            checked: text("toggle-type")
                .filter(|kind| !kind.is_empty())
                .map(|_| properties.get("toggle-state").is_some_and(|on| i32::try_from(on) == Ok(1))),
            children: children.iter().map(|child| Self::from_layout(unwrapped(child))).collect(),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        for child in self.children.iter().filter(|child| child.visible) {
            write!(f, "{:indent$}", "", indent = depth * 2)?;
            match child.checked {
                Some(true) => f.write_str("[x] ")?,
                Some(false) => f.write_str("[ ] ")?,
                None => {}
            }
            f.write_str(if child.separator { "---" } else { &child.label })?;
            f.write_str(if child.enabled || child.separator { "\n" } else { " (disabled)\n" })?;
            child.write(f, depth + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for MenuTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

fn unwrapped<'a>(value: &'a Value<'_>) -> &'a Structure<'a> {
    match value {
        Value::Structure(layout) => layout,
        Value::Value(inner) => unwrapped(inner),
        other => panic!("not a layout: {other:?}"),
    }
}

/// In dbusmenu `_` marks the access key and `__` is an underscore.
fn without_access_key(label: &str) -> String {
    let mut plain = String::with_capacity(label.len());
    let mut rest = label.chars();
    while let Some(c) = rest.next() {
        if c == '_' { plain.extend(rest.next()) } else { plain.push(c) }
    }
    plain
}
