//! Reading what a server has sent: small, bounded, and prepared for anything.

use crate::domain::text::plain;
use jiff::Timestamp;
use serde_json::Value;

/// The most names of a certificate that are kept.
pub const MAX_NAMES: usize = 20;
/// The longest text from outside that is kept, in characters.
const MAX_TEXT: usize = 200;

/// A text from outside as it is kept: one plain line of at most 200 characters.
pub fn short(text: &str) -> String {
    let plain = plain(text.trim());
    let mut short: String = plain.chars().take(MAX_TEXT).collect();
    if short.len() < plain.len() {
        short.push('…');
    }
    short
}

/// The moment of a `Date` header: `Tue, 24 Nov 2026 10:00:00 GMT`.
pub fn date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// The schemes of `Proxy-Authenticate` headers: `Basic`, `Negotiate`, `NTLM`. At most 8, each once.
pub fn proxy_schemes<'h>(headers: impl Iterator<Item = &'h str>) -> Vec<String> {
    let mut schemes: Vec<String> = Vec::new();
    // What stands between quotes is no scheme.
    let unquoted = headers.map(|header| header.split('"').step_by(2).collect::<String>());
    let unquoted: Vec<String> = unquoted.take(16).collect();
    for part in unquoted.iter().flat_map(|header| header.split(',')) {
        let word = part.trim().split([' ', '\t']).next().unwrap_or_default();
        let is_scheme = !word.is_empty()
            && word.len() <= 32
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && word.starts_with(|c: char| c.is_ascii_alphabetic());
        if is_scheme && schemes.len() < 8 && !schemes.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            schemes.push(word.to_string());
        }
    }
    schemes
}

/// The title of a page, and whether it asks for a password.
pub fn page(body: &[u8]) -> (Option<String>, bool) {
    let text = String::from_utf8_lossy(body);
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let from = at + lower[at..].find('>')? + 1;
        let to = from + lower[from..].find("</title")?;
        let title = short(&text[from..to]);
        (!title.is_empty()).then_some(title)
    });
    let is_sign_in = lower.split("<input").skip(1).any(|rest| {
        let tag: String = rest.split('>').next().unwrap_or_default().split_whitespace().collect();
        ["type=\"password\"", "type='password'", "type=password"].iter().any(|kind| tag.contains(kind))
    });
    (title, is_sign_in)
}

/// What the answer to `GET /healthz` says of the license host protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The versions that are spoken; empty if none is named, which only a host of another kind does. `protocol` is one
    /// version or a list of them.
    pub versions: Vec<u64>,
    /// What is wrong with the host, in its own words, if it says that something is. At most 8.
    pub problems: Vec<String>,
}

/// Reads the answer to `GET /healthz`.
pub fn health(body: &[u8]) -> Health {
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else { return Health::default() };
    let list = |name: &str| object.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let versions = match object.get("protocol") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_u64).take(16).collect(),
        Some(one) => one.as_u64().into_iter().collect(),
        None => Vec::new(),
    };
    let is_well = object.get("status").and_then(Value::as_str).is_none_or(|status| status == "ok");
    let named: Vec<String> = list("problems").iter().filter_map(Value::as_str).take(8).map(short).collect();
    let problems = match (is_well, named.is_empty()) {
        (true, _) => Vec::new(),
        (false, true) => vec!["it does not say what".into()],
        (false, false) => named,
    };
    Health { versions, problems }
}

/// Is it an answer of version 1 to a request, be it that it is declined?
pub fn is_an_answer(body: &[u8]) -> bool {
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else { return false };
    let declines = object.get("error").and_then(|error| error.get("name")).is_some_and(Value::is_string);
    let answers = object.get("token").is_some_and(Value::is_string);
    object.get("protocol").and_then(Value::as_u64) == Some(1) && (declines || answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_send() {
        assert_eq!(date("Tue, 24 Nov 2026 10:00:00 GMT").unwrap().to_string(), "2026-11-24T10:00:00Z");
        assert_eq!(date(&"9".repeat(100)), None);
        let schemes = proxy_schemes(
            ["Negotiate", "NTLM TlRMTVNT==", "Basic realm=\"a, b\", Digest qop=\"auth,auth-int\""]
                .into_iter(),
        );
        assert_eq!(schemes, ["Negotiate", "NTLM", "Basic", "Digest"]);
        let portal = b"<HTML><Title>\n Guest\x1b Wi-Fi </TITLE><input name=p  TYPE = 'password'>";
        assert_eq!(page(portal), (Some("Guest  Wi-Fi".into()), true));
        assert_eq!(page(b"<title>Shop</title><input type=search>"), (Some("Shop".into()), false));
        assert_eq!(health(br#"{"protocol":[1,2],"status":"ok","problems":["no"]}"#).versions, [1, 2]);
        assert_eq!(health(br#"{"protocol":2}"#), Health { versions: vec![2], problems: vec![] });
        assert_eq!(health(b"[1]"), Health::default());
        let degraded =
            |more: &str| health(format!("{{\"protocol\":1,\"status\":\"degraded\"{more}}}").as_bytes());
        assert_eq!(
            degraded(r#","problems":["The licenses cannot be used"]"#).problems,
            ["The licenses cannot be used"]
        );
        assert_eq!(degraded("").problems, ["it does not say what"]);
        assert!(is_an_answer(br#"{"protocol":1,"error":{"name":"bad_request","message":"x"}}"#));
        assert!(is_an_answer(br#"{"protocol":1,"token":"x"}"#));
        for other in [&b"{}"[..], b"<html>", br#"{"protocol":1}"#, br#"{"protocol":2,"token":"x"}"#] {
            assert!(!is_an_answer(other));
        }
        assert_eq!(short(&"x".repeat(300)).chars().count(), 201);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_server_sends_is_too_much(bytes in proptest::collection::vec(0u8.., 0..2000), text in ".{0,300}") {
            let (title, _) = page(&bytes);
            assert!(title.is_none_or(|title| title.chars().count() <= MAX_TEXT + 1));
            let Health { versions, problems } = health(&bytes);
            assert!(versions.len() <= 16 && problems.len() <= 8);
            let _ = is_an_answer(&bytes);
            let _ = date(&text);
            assert!(proxy_schemes([text.as_str()].into_iter()).len() <= 8);
            assert!(!short(&text).contains(crate::domain::text::acts));
        }

        #[test]
        fn a_page_in_pieces(pieces in proptest::collection::vec("<title|</title|<input|type=|'password'|>| |ß|\u{1f551}|\u{1b}", 0..40)) {
            let _ = page(pieces.concat().as_bytes());
        }
    }
}
