//! The templates for Group Policy in `packaging/policies` are made here, from the one table of settings: with
//! `UPDATE_POLICIES=1` they are written anew, else held against it.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fmt::Write, path::Path};
use visualcron_tray::store::settings::{KeyInfo, Shape, known_keys};

/// Both trees: the suffix of names, the registry key, and the title.
const TREES: [(&str, &str, &str); 2] = [
    ("", r"Software\Policies\visualcron-tray", "visualcron-tray"),
    (
        "_default",
        r"Software\Policies\visualcron-tray\Recommended",
        "visualcron-tray - defaults that users can change",
    ),
];

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn keys() -> impl Iterator<Item = &'static KeyInfo> {
    known_keys().filter(|info| info.section() != "server")
}

fn sections() -> Vec<&'static str> {
    let mut sections: Vec<_> = keys().map(KeyInfo::section).collect();
    sections.dedup();
    sections
}

/// `notices.expiring_days` as a name: `notices_expiring_days`.
fn id(info: &KeyInfo) -> String {
    info.key.replace('.', "_")
}

fn admx() -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <!-- Made by tests/policy_templates.rs. -->\n\
         <policyDefinitions xmlns=\"http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions\" revision=\"1.0\" schemaVersion=\"1.0\">\n  \
         <policyNamespaces>\n    <target prefix=\"visualcron_tray\" namespace=\"visualcron-tray.Policies\" />\n  </policyNamespaces>\n  \
         <resources minRequiredRevision=\"1.0\" />\n  \
         <supportedOn>\n    <definitions>\n      <definition name=\"Supported\" displayName=\"$(string.Supported)\" />\n    </definitions>\n  </supportedOn>\n  \
         <categories>\n",
    );
    for (suffix, ..) in TREES {
        writeln!(text, "    <category name=\"Tray{suffix}\" displayName=\"$(string.Tray{suffix})\" />")
            .unwrap();
        for section in sections() {
            writeln!(
                text,
                "    <category name=\"{section}{suffix}\" displayName=\"$(string.{section})\">\n      \
                 <parentCategory ref=\"Tray{suffix}\" />\n    </category>"
            )
            .unwrap();
        }
    }
    text.push_str("  </categories>\n  <policies>\n");
    for (suffix, key, _) in TREES {
        for info in keys() {
            policy(&mut text, info, suffix, key);
        }
    }
    text.push_str("  </policies>\n</policyDefinitions>\n");
    text
}

fn policy(text: &mut String, info: &KeyInfo, suffix: &str, key: &str) {
    let (id, section, name) = (id(info), info.section(), info.name());
    write!(
        text,
        "    <policy name=\"{id}{suffix}\" class=\"Machine\" displayName=\"$(string.{id})\" \
         explainText=\"$(string.{id}_help)\" key=\"{key}\\{section}\""
    )
    .unwrap();
    let head = |text: &mut String| {
        text.push_str(&format!(
            "      <parentCategory ref=\"{section}{suffix}\" />\n      <supportedOn ref=\"Supported\" />\n"
        ));
    };
    if info.shape() == Shape::Flag {
        writeln!(text, " valueName=\"{name}\">").unwrap();
        head(text);
        text.push_str("      <enabledValue>\n        <decimal value=\"1\" />\n      </enabledValue>\n");
        text.push_str("      <disabledValue>\n        <decimal value=\"0\" />\n      </disabledValue>\n");
    } else {
        writeln!(text, " presentation=\"$(presentation.{id})\">").unwrap();
        head(text);
        text.push_str("      <elements>\n");
        match info.shape() {
            Shape::Number(least, most) => writeln!(
                text,
                "        <decimal id=\"value\" valueName=\"{name}\" required=\"true\" minValue=\"{least}\" maxValue=\"{most}\" />"
            )
            .unwrap(),
            Shape::Words(words) => {
                writeln!(text, "        <enum id=\"value\" valueName=\"{name}\" required=\"true\">").unwrap();
                for word in words {
                    writeln!(
                        text,
                        "          <item displayName=\"$(string.{id}_{word})\">\n            <value>\n              \
                         <string>{word}</string>\n            </value>\n          </item>"
                    )
                    .unwrap();
                }
                text.push_str("        </enum>\n");
            }
            Shape::Text | Shape::Flag => {
                writeln!(text, "        <text id=\"value\" valueName=\"{name}\" required=\"true\" />").unwrap();
            }
        }
        text.push_str("      </elements>\n");
    }
    text.push_str("    </policy>\n");
}

/// The default or example, as it is typed into a form.
fn typed(info: &KeyInfo) -> Option<String> {
    let value = info.default().or_else(|| info.example.map(str::to_string))?;
    let value = value.trim();
    Some(value.trim_matches(['"', '\'']).trim_matches(['[', ']']).trim().to_string())
}

fn adml() -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <!-- Made by tests/policy_templates.rs. -->\n\
         <policyDefinitionResources xmlns=\"http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions\" revision=\"1.0\" schemaVersion=\"1.0\">\n  \
         <displayName>visualcron-tray</displayName>\n  \
         <description>Settings of visualcron-tray, an unofficial tray client for VisualCron servers</description>\n  \
         <resources>\n    <stringTable>\n",
    );
    let mut string = |id: &str, value: &str| {
        writeln!(text, "      <string id=\"{id}\">{}</string>", escaped(value)).unwrap();
    };
    string("Supported", "visualcron-tray on Windows 10, Windows Server 2016, or later");
    for (suffix, _, title) in TREES {
        string(&format!("Tray{suffix}"), title);
    }
    for section in sections() {
        string(section, section);
    }
    for info in keys() {
        let id = id(info);
        string(&id, info.name());
        let kind = match (info.default(), info.example) {
            (Some(default), _) => format!("The program's default is {default}."),
            (None, Some(example)) => format!("For example: {}", example.trim_matches(['"', '\''])),
            (None, None) => String::new(),
        };
        string(&format!("{id}_help"), &format!("{} {kind}\n\nAllowed: {}.", info.about, info.allowed()));
        if let Shape::Words(words) = info.shape() {
            for word in words {
                string(&format!("{id}_{word}"), word);
            }
        }
    }
    text.push_str("    </stringTable>\n    <presentationTable>\n");
    for info in keys() {
        let (id, label, default) = (id(info), escaped(info.name()), typed(info).map(|value| escaped(&value)));
        let element = match (info.shape(), default) {
            (Shape::Flag, _) => continue,
            (Shape::Number(..), default) => {
                let default = default.unwrap_or_default();
                format!(
                    "<decimalTextBox refId=\"value\" defaultValue=\"{default}\">{label}:</decimalTextBox>"
                )
            }
            (Shape::Words(words), default) => {
                let at = words.iter().position(|word| default.as_deref() == Some(word)).unwrap_or(0);
                format!(
                    "<dropdownList refId=\"value\" noSort=\"true\" defaultItem=\"{at}\">{label}:</dropdownList>"
                )
            }
            (Shape::Text, default) => {
                let given = info.default().and(default);
                let given =
                    given.map_or(String::new(), |given| format!("<defaultValue>{given}</defaultValue>"));
                format!("<textBox refId=\"value\"><label>{label}:</label>{given}</textBox>")
            }
        };
        writeln!(text, "      <presentation id=\"{id}\">{element}</presentation>").unwrap();
    }
    text.push_str("    </presentationTable>\n  </resources>\n</policyDefinitionResources>\n");
    text
}

#[test]
fn the_templates_have_exactly_the_settings() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/policies");
    for (name, text) in [("visualcron-tray.admx", admx()), ("en-US/visualcron-tray.adml", adml())] {
        let path = folder.join(name);
        if std::env::var_os("UPDATE_POLICIES").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap().replace('\r', "");
        assert!(
            kept == text,
            "{name} is not of these settings: UPDATE_POLICIES=1 cargo test --test policy_templates"
        );
    }
}

/// What a form offers is taken: each default, typed as it stands there, is what the setting is without it.
#[test]
fn every_form_shows_a_value_that_is_allowed() {
    for info in keys() {
        let Some(value) = typed(info) else { panic!("{} has neither default nor example", info.key) };
        let path = Path::new("settings.toml");
        let edited = visualcron_tray::store::settings::edited("", path, info.key, Some(&value));
        assert!(edited.is_ok(), "{}: {value}: {:?}", info.key, edited.err());
    }
}

/// Every text, form and category that is referred to is there, once.
#[test]
fn nothing_in_the_templates_points_nowhere() {
    let (admx, adml) = (admx(), adml());
    let named = |text: &str, before: &str, after: char| -> Vec<String> {
        text.split(before).skip(1).map(|rest| rest.split(after).next().unwrap().to_string()).collect()
    };
    for (reference, definition) in
        [("$(string.", "<string id=\""), ("$(presentation.", "<presentation id=\"")]
    {
        let mut there = named(&adml, definition, '"');
        let wanted = named(&admx, reference, ')');
        assert!(wanted.iter().all(|wanted| there.contains(wanted)), "{reference}");
        let count = there.len();
        there.sort();
        there.dedup();
        assert_eq!(there.len(), count, "{definition} is there twice");
        assert!(there.iter().all(|there| wanted.contains(there)), "{definition} without use");
    }
    let categories = named(&admx, "<category name=\"", '"');
    for parent in named(&admx, "<parentCategory ref=\"", '"') {
        assert!(categories.contains(&parent), "{parent}");
    }
}
