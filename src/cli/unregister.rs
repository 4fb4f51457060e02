//! `unregister`: takes back what the tray registered for this user, before the folder of a portable one is deleted.

use super::Out;
use crate::{domain::Problem, platform::windows::identity};

pub fn run(out: &Out) -> Result<u8, Problem> {
    let removed = identity::unregister()?;
    let text = || match removed.as_slice() {
        [] => "Nothing is registered for this user.".to_string(),
        keys => keys.iter().map(|key| format!("Removed: {key}\n")).collect(),
    };
    out.show(&serde_json::json!({ "schema": 1, "removed": removed }), text).map(|()| 0)
}
