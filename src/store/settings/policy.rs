//! Values that the administration of this machine sets outside of any file: on Windows, by Group Policy in the
//! registry. One with a mistake counts as not there; the others hold.

use super::{
    keys::{AnySlot, help_for_unknown, key},
    parse::{shortened, why_wrong},
    slot::{Slot, Wrong},
};
use crate::domain::{Fault, Problem};
use std::{collections::HashMap, sync::OnceLock};
use toml_edit::Value;

/// One value that a policy sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The full key: `notices.expiring_days`.
    pub key: String,
    /// Its value.
    pub value: PolicyValue,
    /// Whether a user's file cannot change it; else it is the default there.
    pub locked: bool,
    /// Where it stands, for messages.
    pub place: String,
}

/// What a policy sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyValue {
    /// A text, as it would be typed after `settings set`.
    Text(String),
    /// A number; 1 and 0 are true and false.
    Number(u32),
    /// Something else, named in words: `a binary value`.
    Other(&'static str),
}

/// Reads all policies there are, and says what hinders it.
pub type PolicyReader = fn() -> (Vec<Policy>, Vec<Problem>);

static READER: OnceLock<PolicyReader> = OnceLock::new();

/// Says how policies are read. Counts once, before settings are loaded.
///
/// Whoever names a reader vouches that it gives only what administrators set.
pub fn use_policies(reader: PolicyReader) {
    let _ = READER.set(reader);
}

/// The policies of this machine.
pub(super) fn read() -> (Vec<Policy>, Vec<Problem>) {
    READER.get().map_or_else(Default::default, |reader| reader())
}

/// Whether a key's policy locks it.
pub(super) type InForce = HashMap<&'static str, bool>;

/// Takes over what policies set. What is locked beats what is not. Returns which keys they set, and what is wrong.
pub(super) fn apply(settings: &mut super::Settings, mut policies: Vec<Policy>) -> (InForce, Vec<Problem>) {
    let (mut in_force, mut problems) = (InForce::new(), Vec::new());
    policies.sort_by_key(|policy| policy.locked);
    for policy in policies {
        let Some((info, AnySlot::Settings(slot))) = key(&policy.key).map(|info| (info, &info.slot)) else {
            problems.push(unknown(&policy));
            continue;
        };
        let read = value_of(slot, &policy.value).and_then(|value| slot.read(settings, &value));
        match read {
            Ok(()) => {
                in_force.insert(info.key, policy.locked);
            }
            Err(wrong) => problems.push(problem(&policy, why_wrong(info, &wrong), "Correct it".into())),
        }
    }
    (in_force, problems)
}

fn value_of(slot: &Slot<super::Settings>, value: &PolicyValue) -> Result<Value, Wrong> {
    match (value, slot) {
        (PolicyValue::Text(text), _) => Ok(slot.typed(text)),
        (PolicyValue::Number(number @ (0 | 1)), Slot::Flag(_)) => Ok((*number == 1).into()),
        (PolicyValue::Number(number), _) => Ok(i64::from(*number).into()),
        (PolicyValue::Other(found), _) => Err(Wrong { found: Some(found), ..Wrong::default() }),
    }
}

fn unknown(policy: &Policy) -> Problem {
    let (section, name) = policy.key.split_once('.').unwrap_or(("", &policy.key));
    let (why, next) = match section {
        "server" => ("servers cannot be set by policy".to_string(), "Use the machine's settings file".into()),
        _ => (format!("there is no setting {}", shortened(&policy.key)), help_for_unknown(section, name)),
    };
    problem(policy, why, next)
}

fn problem(policy: &Policy, why: String, next: String) -> Problem {
    let until = "Until then this policy counts as not set. It is the administrator's.";
    Problem::new(Fault::Config, "A policy is passed over", policy.place.clone(), why, next).and_next(until)
}

#[cfg(test)]
mod tests {
    use super::{super::Settings, *};

    fn policy(key: &str, value: PolicyValue, locked: bool) -> Policy {
        Policy { key: key.into(), value, locked, place: format!("HKLM, {key}") }
    }

    fn text(text: &str) -> PolicyValue {
        PolicyValue::Text(text.into())
    }

    #[test]
    fn numbers_and_texts_are_read_and_locked_ones_win() {
        let mut settings = Settings::default();
        let (in_force, problems) = apply(
            &mut settings,
            vec![
                policy("notices.expiring_days", PolicyValue::Number(45), true),
                policy("notices.expiring_days", PolicyValue::Number(10), false),
                policy("notices.before_days", text("60, 30, 7"), false),
                policy("notices.renewed", PolicyValue::Number(0), true),
                policy("notices.trial", text("false"), false),
                policy("pages.renew", text("https://intra.example/renew"), true),
            ],
        );
        assert_eq!(problems, []);
        assert_eq!(settings.notices.expiring_days, 45);
        assert_eq!(settings.notices.before_days, [60, 30, 7]);
        assert!(!settings.notices.renewed && !settings.notices.trial);
        assert_eq!(settings.pages.renew, "https://intra.example/renew");
        let mut locked: Vec<_> =
            in_force.iter().filter(|(_, locked)| **locked).map(|(key, _)| *key).collect();
        locked.sort_unstable();
        assert_eq!(locked, ["notices.expiring_days", "notices.renewed", "pages.renew"]);
        assert_eq!(in_force.len(), 5);
    }

    #[test]
    fn one_with_a_mistake_counts_as_not_there() {
        let mut settings = Settings::default();
        let (in_force, problems) = apply(
            &mut settings,
            vec![
                policy("notices.expiring_day", PolicyValue::Number(1), true),
                policy("notices.expiring_days", PolicyValue::Number(4000), true),
                policy("notices.renewed", PolicyValue::Number(2), true),
                policy("pages.renew", text("http://plain.example"), true),
                policy("log.level", PolicyValue::Other("a binary value"), false),
                policy("server.name", text("PROD-01"), true),
                policy("connection.every_seconds", PolicyValue::Number(600), false),
            ],
        );
        assert_eq!(in_force, InForce::from([("connection.every_seconds", false)]));
        let expected = Settings {
            connection: super::super::Connection { every_seconds: 600, ..Default::default() },
            ..Settings::default()
        };
        assert_eq!(settings, expected);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        A policy is passed over: HKLM, log.level: level must be "error", "warn", "info", "debug" or "trace", not a binary value. Correct it. Until then this policy counts as not set. It is the administrator's.
        A policy is passed over: HKLM, notices.expiring_day: there is no setting notices.expiring_day. Did you mean expiring_days? Until then this policy counts as not set. It is the administrator's.
        A policy is passed over: HKLM, notices.expiring_days: expiring_days must be a whole number from 0 to 3650. Correct it. Until then this policy counts as not set. It is the administrator's.
        A policy is passed over: HKLM, notices.renewed: renewed must be true or false, not a whole number. Correct it. Until then this policy counts as not set. It is the administrator's.
        A policy is passed over: HKLM, pages.renew: renew must be an address that starts with https://. Correct it. Until then this policy counts as not set. It is the administrator's.
        A policy is passed over: HKLM, server.name: servers cannot be set by policy. Use the machine's settings file. Until then this policy counts as not set. It is the administrator's.
        "#);
    }
}
