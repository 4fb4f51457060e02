//! `recover --dry-run`: what Clear server cache would do.

use super::{Out, Session};
use crate::{
    app::recovery_plan::{self, Plan},
    domain::{Fault, Problem},
    platform::survey,
};

pub fn run(session: &Session, out: &Out) -> Result<u8, Problem> {
    let places = survey::survey(&session.dirs, &session.load_settings().settings);
    let plan = recovery_plan::plan(&places);
    out.show(&plan, || text(&plan))?;
    Ok(if plan.refused.is_some() { Fault::Permission.exit_code() } else { 0 })
}

fn text(plan: &Plan) -> String {
    let mut text = match &plan.refused {
        Some(why) => format!("Clear server cache would refuse to run here. {why}\n\n"),
        None => {
            "This is what Clear server cache would do. It is only shown: nothing has been changed.\n\n".into()
        }
    };
    for (index, step) in plan.steps.iter().enumerate() {
        text.push_str(&format!("{}. {step}\n", index + 1));
    }
    text.push('\n');
    plan.remarks.iter().for_each(|remark| text.push_str(&format!("- {remark}\n")));
    text
}
