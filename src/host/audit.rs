//! The audit log: one JSON object a line, of what was asked and answered. No secret is in it: an activation code is
//! shown by a tag that means something in one run of the host only.

use crate::{
    domain::{Problem, Secret, text::plain, validation::code_digest},
    platform::private,
};
use ring::{hmac, rand::SystemRandom};
use serde_json::{Map, Value};
use std::{fs::File, io::Write, path::PathBuf, sync::Mutex};

/// Where the lines go.
pub enum To {
    /// Standard error.
    StandardError,
    /// A file, opened anew for each line, so that it can be moved away at any time.
    File(PathBuf),
    /// A function, of tests and the demo world.
    Function(Box<dyn Fn(&str) + Send + Sync>),
}

/// The audit log.
pub struct Audit {
    to: To,
    tags: Option<hmac::Key>,
    /// That it cannot be written is said once.
    failed: Mutex<bool>,
}

impl Audit {
    /// A log that goes there.
    pub fn new(to: To) -> Audit {
        let tags = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok();
        Audit { to, tags, failed: Mutex::new(false) }
    }

    /// Stands for an activation code: the same code has the same tag, until the host ends.
    pub fn tag(&self, code: &Secret) -> String {
        match &self.tags {
            Some(key) => data_encoding::HEXLOWER.encode(&hmac::sign(key, &code_digest(code)).as_ref()[..4]),
            None => "unknown".into(),
        }
    }

    /// Writes a line: when, what, and what else there is to say.
    pub fn write(&self, event: &str, fields: &[(&str, Value)]) {
        let mut line = Map::new();
        line.insert(
            "at".into(),
            jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into(),
        );
        line.insert("event".into(), event.into());
        for (name, value) in fields {
            let value = match value {
                Value::String(text) => plain(text).into(),
                value => value.clone(),
            };
            line.insert((*name).into(), value);
        }
        let line = Value::Object(line).to_string();
        match &self.to {
            To::StandardError => drop(writeln!(std::io::stderr(), "{line}")),
            To::Function(function) => function(&line),
            To::File(path) => {
                let written = private::open(File::options().create(true).append(true), path)
                    .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
                self.say_once(written.err().map(|error| {
                    Problem::io("Cannot write the audit log", path, &error, "Free some space, or check who may write it. Lines go to standard error until then.")
                }), &line);
            }
        }
    }

    fn say_once(&self, problem: Option<Problem>, line: &str) {
        let Ok(mut failed) = self.failed.lock() else { return };
        if let Some(problem) = &problem {
            if !*failed {
                let _ = writeln!(std::io::stderr(), "{problem}");
            }
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        *failed = problem.is_some();
    }
}
