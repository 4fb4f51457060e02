//! What a command prints: text for people, or JSON.

use crate::domain::{
    Fault, Problem,
    text::{acts, plain_lines},
};
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Standard output and error of a command.
pub struct Out {
    json: bool,
}

impl Out {
    pub fn new(json: bool) -> Out {
        Out { json }
    }

    /// Was JSON asked for?
    pub fn json(&self) -> bool {
        self.json
    }

    /// Prints `value` as JSON, or `text` for people.
    pub fn show(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Problem> {
        let mut text = if self.json {
            serde_json::to_string_pretty(value).map(escaped).map_err(|error| {
                Problem::new(
                    Fault::Software,
                    "Cannot print JSON",
                    "the result",
                    error.to_string(),
                    "Please report this.",
                )
            })?
        } else {
            plain_lines(&text()).into_owned()
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        self.raw(text.as_bytes()).map(|_| ())
    }

    /// Prints bytes as they are. A reader that went away is no failure.
    pub fn raw(&self, bytes: &[u8]) -> Result<u8, Problem> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(0),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(0),
            Err(error) => Err(Problem::new(
                Fault::Io,
                "Cannot print the result",
                "standard output",
                error.to_string(),
                "Check where the output goes to.",
            )),
        }
    }

    /// Says something on the side.
    pub fn remark(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{}", plain_lines(text));
    }

    /// Says what went wrong.
    pub fn problem(&self, problem: &Problem) {
        if self.json {
            let _ = self.show(&serde_json::json!({ "problems": [problem] }), String::new);
        }
        self.remark(&problem.to_string());
    }
}

/// JSON in which what acts on a terminal is escaped: the same values.
fn escaped(json: String) -> String {
    if !json.contains(|c| c != '\n' && acts(c)) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        // Line ends are the layout's own: those in a text are escaped already.
        if c != '\n' && acts(c) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_on_a_terminal_does_nothing_and_says_the_same() {
        let value = serde_json::json!({ "name": "a\u{1b}b\u{202e}c\u{9b}d\ne\u{7f}" });
        let json = escaped(serde_json::to_string_pretty(&value).unwrap());
        assert!(!json.contains(|c| c != '\n' && acts(c)), "{json}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }
}
