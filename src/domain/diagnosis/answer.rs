//! Reading what a server has sent: small, bounded, and prepared for anything.

use crate::domain::text::plain;
use jiff::Timestamp;

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

/// The versions of the license host protocol that the answer to `GET /healthz` names; empty if it names none, which
/// only a host of another kind does. `protocol` is one version or a list of them.
pub fn versions(body: &[u8]) -> Vec<u64> {
    let Ok(serde_json::Value::Object(object)) = serde_json::from_slice(body) else { return Vec::new() };
    match object.get("protocol") {
        Some(serde_json::Value::Array(list)) => {
            list.iter().filter_map(|item| item.as_u64()).take(16).collect()
        }
        Some(one) => one.as_u64().into_iter().collect(),
        None => Vec::new(),
    }
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
        assert_eq!(versions(br#"{"protocol":[1,2],"status":"ok"}"#), [1, 2]);
        assert_eq!(versions(br#"{"protocol":2}"#), [2]);
        assert!(versions(b"[1]").is_empty());
        assert_eq!(short(&"x".repeat(300)).chars().count(), 201);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_server_sends_is_too_much(bytes in proptest::collection::vec(0u8.., 0..2000), text in ".{0,300}") {
            let (title, _) = page(&bytes);
            assert!(title.is_none_or(|title| title.chars().count() <= MAX_TEXT + 1));
            assert!(versions(&bytes).len() <= 16);
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
