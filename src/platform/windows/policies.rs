//! Settings by Group Policy: one key a section below `HKLM\SOFTWARE\Policies\visualcron-tray`, one value a setting. What
//! stands there is locked; what stands below its key `Recommended` is a default. Only administrators can write there.

use crate::{
    domain::{Fault, Problem},
    store::settings::{self, Policy, PolicyValue},
};
use windows_registry::{Key, LOCAL_MACHINE, Result, Type, Value};

const POLICIES: &str = r"SOFTWARE\Policies\visualcron-tray";
const RECOMMENDED: &str = "Recommended";
/// The most sections, and the most values of one.
const MAX: usize = 256;

/// Lets the settings be read with the policies from now on. They are looked at anew each time.
pub fn announce() {
    settings::use_policies(|| read(LOCAL_MACHINE, POLICIES));
}

fn read(root: &Key, path: &str) -> (Vec<Policy>, Vec<Problem>) {
    let (mut policies, mut problems) = (Vec::new(), Vec::new());
    for (path, locked) in [(path.to_string(), true), (format!(r"{path}\{RECOMMENDED}"), false)] {
        if let Err(error) = sections(root, &path, locked, &mut policies) {
            let next = "Ask the administrator of this machine to let all users read it";
            let place = format!(r"HKLM\{path}");
            let what = "Cannot read the policies of this machine";
            problems.push(Problem::new(Fault::Permission, what, place, error.message(), next));
        }
    }
    (policies, problems)
}

fn sections(root: &Key, path: &str, locked: bool, policies: &mut Vec<Policy>) -> Result<()> {
    let Some(key) = opened(root, path)? else { return Ok(()) };
    for section in key.keys()?.take(MAX) {
        // Names in the registry have no letter case.
        let section = section.to_lowercase();
        if locked && section.eq_ignore_ascii_case(RECOMMENDED) {
            continue;
        }
        let Some(values) = opened(&key, &section)? else { continue };
        policies.extend(values.values()?.take(MAX).map(|(name, value)| Policy {
            key: format!("{section}.{}", name.to_lowercase()),
            value: value_of(value),
            locked,
            place: format!(r"HKLM\{path}\{section}, {name}"),
        }));
    }
    Ok(())
}

fn value_of(value: Value) -> PolicyValue {
    match value.ty() {
        Type::String => {
            String::try_from(value).map_or(PolicyValue::Other("a broken text"), PolicyValue::Text)
        }
        Type::U32 => u32::try_from(value).map_or(PolicyValue::Other("a broken number"), PolicyValue::Number),
        // What the environment of a user says is not the administrator's.
        Type::ExpandString => PolicyValue::Other("a text with variables (REG_EXPAND_SZ)"),
        Type::MultiString => PolicyValue::Other("a list of texts (REG_MULTI_SZ)"),
        _ => PolicyValue::Other("something else than REG_SZ or REG_DWORD"),
    }
}

/// `None` where there is no such key.
fn opened(root: &Key, path: &str) -> Result<Option<Key>> {
    super::found(root.open(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use windows_registry::CURRENT_USER;

    #[test]
    fn sections_and_values_become_keys() {
        // Of this process alone, and the user's: to write to HKLM takes an administrator.
        let path = format!(r"Software\visualcron-tray-test-{}", std::process::id());
        let (none, problems) = read(CURRENT_USER, &path);
        assert_eq!((none, problems), (vec![], vec![]));
        let key = CURRENT_USER.create(&path).unwrap();
        key.create("notices").unwrap().set_u32("Expiring_Days", 45).unwrap();
        key.create("pages").unwrap().set_string("renew", "https://intra.example").unwrap();
        key.create("log").unwrap().set_expand_string("level", "%x%").unwrap();
        key.create(r"Recommended\notices").unwrap().set_u32("renewed", 0).unwrap();
        let (mut read, problems) = read(CURRENT_USER, &path);
        CURRENT_USER.remove_tree(&path).unwrap();
        read.sort_by(|a, b| a.key.cmp(&b.key));
        let policy = |key: &str, value, locked, below: &str| Policy {
            key: key.into(),
            value,
            locked,
            place: format!(r"HKLM\{path}\{below}"),
        };
        let variables = PolicyValue::Other("a text with variables (REG_EXPAND_SZ)");
        let address = PolicyValue::Text("https://intra.example".into());
        let expected = [
            policy("log.level", variables, true, "log, level"),
            policy("notices.expiring_days", PolicyValue::Number(45), true, "notices, Expiring_Days"),
            policy("notices.renewed", PolicyValue::Number(0), false, r"Recommended\notices, renewed"),
            policy("pages.renew", address, true, "pages, renew"),
        ];
        assert_eq!((read, problems), (expected.to_vec(), vec![]));
    }
}
