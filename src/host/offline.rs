//! `/offline`: the page on which a person has a request answered that was carried there by hand. Plain HTML: no script,
//! nothing loaded from elsewhere.

use crate::domain::validation::{Claims, Verdict, qr::Qr, text};

/// The style sheet, at `/offline.css`.
pub const STYLE: &str = include_str!("offline.css");
/// What the page may do: nothing but to show itself, and to send its form back here.
pub const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the page shows above its form.
pub enum Shown<'s> {
    /// The form alone.
    Form,
    /// An answer.
    Answer {
        /// What it states.
        claims: &'s Claims,
        /// The token.
        token: &'s str,
        /// The server's name in the request.
        server: &'s str,
    },
    /// Why there is none, and what to do.
    Refused {
        /// Why, as a sentence.
        why: &'s str,
        /// What to do.
        next: &'s str,
    },
}

/// The page.
pub fn page(shown: &Shown<'_>) -> String {
    let (title, above) = match shown {
        Shown::Form => ("License validation by hand", String::new()),
        Shown::Answer { claims, token, server } => ("The answer", answer(claims, token, server)),
        Shown::Refused { why, next } => (
            "The request was not answered",
            format!(
                "<section class=\"refused\" role=\"alert\" aria-labelledby=\"refused\">\n<h2 id=\"refused\">The request was not \
                 answered</h2>\n<p>{}</p>\n<p>{}</p>\n</section>\n",
                escaped(why),
                escaped(next)
            ),
        ),
    };
    let again = if matches!(shown, Shown::Form) { "Your request" } else { "Another request" };
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} - license host</title>
<link rel="stylesheet" href="/offline.css">
</head>
<body>
<main>
<h1>License validation by hand</h1>
<p>For a server whose license cannot be validated over the network. This is a license host of your own organization;
it is not the vendor of VisualCron.</p>
{above}<section aria-labelledby="ask">
<h2 id="ask">{again}</h2>
<ol>
<li>On the computer without network: <kbd>visualcron-tray validate export SERVER</kbd> makes the request.</li>
<li>Paste the whole text here, or choose its file (or drop it on the button).</li>
<li>Carry the answer back: <kbd>visualcron-tray validate import FILE</kbd>.</li>
</ol>
<form method="post" action="/offline" enctype="multipart/form-data">
<p><label for="request">Text of the request</label>
<textarea id="request" name="request" rows="8" spellcheck="false" autocomplete="off" autocapitalize="off"></textarea></p>
<p><label for="file">or its file</label>
<input id="file" name="file" type="file" accept=".txt,text/plain"></p>
<p><button type="submit">Answer the request</button></p>
</form>
</section>
</main>
</body>
</html>
"#
    )
}

fn answer(claims: &Claims, token: &str, server: &str) -> String {
    let text = text::of_answer(token, server, claims.iat, claims.exp);
    let verdict = match (claims.verdict, claims.maintenance_until) {
        (Verdict::Valid, Some(until)) => {
            let kind = claims.kind.map_or("license", crate::domain::Kind::word);
            format!("The activation code is valid. Its date ({kind}): {until}.")
        }
        (verdict, _) => {
            let words = verdict.words();
            let mut sentence: String = words.chars().take(1).flat_map(char::to_uppercase).collect();
            sentence.extend(words.chars().skip(1));
            format!("{sentence}. {}", verdict.next())
        }
    };
    let code = match Qr::new(text::Carries::Answer, token.as_bytes()) {
        Some(qr) => {
            let svg = qr.svg();
            // Within a page the XML declaration would be text.
            let svg = svg.find("<svg").map_or("", |at| &svg[at..]);
            let svg = svg.replacen("<svg", "<svg role=\"img\" aria-label=\"QR code of the answer\"", 1);
            format!("<figure>{svg}<figcaption>The same answer as a QR code</figcaption></figure>\n")
        }
        None => String::new(),
    };
    format!(
        "<section class=\"answer\" aria-labelledby=\"answer\">\n<h2 id=\"answer\">The answer</h2>\n<p role=\"status\">{}: {}</p>\n\
         <p><label for=\"text\">Text of the answer: copy all of it (Ctrl+A, Ctrl+C in the field)</label>\n\
         <textarea id=\"text\" rows=\"12\" readonly spellcheck=\"false\">{}</textarea></p>\n\
         <p><a download=\"validation-answer.txt\" href=\"data:text/plain;base64,{}\">Save it as a file</a></p>\n{code}</section>\n",
        escaped(if server.is_empty() { &claims.server_id } else { server }),
        escaped(&verdict),
        escaped(&text),
        data_encoding::BASE64.encode(text.as_bytes()),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::validation::token_tests::{claims, key};

    #[test]
    fn names_are_escaped_and_nothing_is_loaded() {
        let token = key(1).sign(&claims()).unwrap();
        let evil = "<script>alert(1)</script>\"'&";
        for page in [
            page(&Shown::Answer { claims: &claims(), token: &token, server: evil }),
            page(&Shown::Refused { why: evil, next: evil }),
            page(&Shown::Form),
        ] {
            assert!(!page.contains("<script") && !page.contains("http") || !page.contains("src="), "{page}");
            assert!(!page.contains("<script>"), "{page}");
        }
    }

    #[test]
    fn the_answer_can_be_taken_out_of_the_page() {
        let token = key(1).sign(&claims()).unwrap();
        let page = page(&Shown::Answer { claims: &claims(), token: &token, server: "PROD-01" });
        let field = page.split_once("readonly").unwrap().1.split_once("</textarea>").unwrap().0;
        assert_eq!(text::read_token(field), Ok(token));
        assert!(page.contains("<svg role=\"img\"") && !page.contains("<?xml"));
    }
}
