//! A page of ours for the browser: everything about all servers. No scripts, nothing loaded from anywhere, light
//! and dark.

use super::{State, state::coverage_of, view::facts, words};
use crate::domain::{standing, text::plain};
use jiff::ZonedDateTime;
use std::fmt::Write;

const STYLE: &str = "
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 76rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .45rem .8rem .45rem 0; border-bottom: 1px solid #8884; }
.expired { color: light-dark(#a11212, #ff8a80); font-weight: 600; }
.expiring { color: light-dark(#8a5a00, #ffcf70); font-weight: 600; }
.active { color: light-dark(#17692f, #7fd69a); }
.unknown, .ignored { color: light-dark(#555, #aaa); }
small, footer { color: light-dark(#555, #aaa); font-size: .85rem; } ol li, ul li { margin: .35rem 0; }
th small { font-weight: 400; white-space: nowrap; } td, li { overflow-wrap: break-word; }
td.expired, td.expiring, td.active, td.unknown, td.ignored { white-space: nowrap; } footer { margin-top: 2.5rem; }
";

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>\n<h1>{title}</h1>\n{body}</main>\n\
         <footer><p>visualcron-tray {} is unofficial: not made by the vendor of VisualCron. \
         Release dates: VisualCron documentation, CC BY 4.0.</p></footer></body></html>\n",
        env!("CARGO_PKG_VERSION"),
        title = escape(title),
    )
}

/// Text from outside as HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn list(tag: &str, items: &[String]) -> String {
    let items: String = items.iter().map(|item| format!("<li>{}</li>\n", escape(item))).collect();
    format!("<{tag}>\n{items}</{tag}>\n")
}

/// Everything about all servers, and every problem.
pub fn details(state: &State, now: &ZonedDateTime) -> String {
    let mut body = String::new();
    let today = now.date();
    let _ = writeln!(body, "<p>{} <small>As of {}.</small></p>", escape(&words::headline(state, now)), {
        now.strftime("%F %H:%M %Z")
    });
    let problems: Vec<String> = state.all_problems().map(ToString::to_string).collect();
    if !problems.is_empty() {
        let _ = write!(body, "<h2>Problems</h2>\n{}", list("ul", &problems));
    }
    if !state.file_notes.is_empty() {
        let _ = write!(body, "<h2>About servers.xml</h2>\n{}", list("ul", &state.file_notes));
    }
    if state.servers.is_empty() {
        body.push_str("<p>No servers are known yet. They are read from the Client's servers.xml, and from [[server]] entries in the settings.</p>\n");
    } else {
        body.push_str(
            "<h2>Servers</h2>\n<table>\n<thead><tr><th scope=\"col\">Server</th><th scope=\"col\">Standing</th>\
             <th scope=\"col\">Date</th><th scope=\"col\">Version</th><th scope=\"col\">Why, and what else is known</th></tr></thead>\n<tbody>\n",
        );
        for server in &state.servers {
            let standing = if server.ignored { "ignored" } else { state.standing(server, today).word() };
            let place = match &server.address {
                Some(address) => format!("{address}, port {}", server.port),
                None => "no address known".into(),
            };
            let version = match server.installed_version {
                Some(version) => format!("{version} ({})", coverage_of(server).word()),
                None => "unknown".into(),
            };
            let mut why = facts(state, server, now);
            if let Some(until) = server.until() {
                why.extend(standing::advice(server.kind, standing::days_left(today, until)));
            }
            if let Some(id) = &server.server_id {
                why.push(format!("Server id: {id}"));
            }
            let why: Vec<String> = why.iter().map(|line| escape(line)).collect();
            let _ = writeln!(
                body,
                "<tr><th scope=\"row\">{}<br><small>{}</small></th><td class=\"{standing}\">{standing}</td><td>{}</td>\
                 <td>{}</td><td>{}</td></tr>",
                escape(&server.name),
                escape(&place),
                escape(&standing::in_words(server.kind, server.until(), today)),
                escape(&version),
                why.join("<br>"),
            );
        }
        body.push_str("</tbody></table>\n");
    }
    let pages = &state.settings.pages;
    let links: String = [
        (&pages.renew, "Renew a license"),
        (&pages.order, "Order a license"),
        (&pages.maintenance, "What Maintenance is"),
        (&pages.manual_validation, "Validate by hand, when the license host cannot be reached"),
        (&pages.offline_activation, "Activate by hand"),
    ]
    .into_iter()
    .map(|(url, text)| format!("<li><a href=\"{}\">{text}</a></li>\n", escape(url)))
    .collect();
    let _ = write!(body, "<h2>Pages of the vendor</h2>\n<ul>\n{links}</ul>\n");
    page(words::TITLE, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_files_cannot_become_markup() {
        assert_eq!(
            escape("<script>alert('&\"')</script>"),
            "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"
        );
        assert_eq!(escape("PROD\u{202e}10-\u{1b}[31m"), "PROD 10- [31m");
    }
}
