//! The manual carrier: a request or an answer as a text that survives mail programs, chats, paper and a keyboard.
//!
//! The heart is one payload, `VCTR1:` (a request) or `VCTA1:` (an answer), the bytes in Crockford's base 32, a colon,
//! and a check sum: 8 such digits, the first 40 bits of SHA-256 of the bytes. Its characters are those of the dense
//! alphanumeric mode of QR codes, none is changed by "smart" typing, and letters that look alike mean the same. Around
//! it are lines for people, which nothing reads.

use super::{MAX_TEXT, Request};
use data_encoding::{Encoding, Specification};
use std::sync::LazyLock;

/// What a payload carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// A [`Request`] as JSON.
    Request,
    /// A token.
    Answer,
}

impl Carries {
    fn letter(self) -> char {
        match self {
            Carries::Request => 'R',
            Carries::Answer => 'A',
        }
    }

    fn other(self) -> Carries {
        match self {
            Carries::Request => Carries::Answer,
            Carries::Answer => Carries::Request,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Carries::Request => "REQUEST",
            Carries::Answer => "ANSWER",
        }
    }
}

/// Why nothing could be taken out of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// There is no payload in it.
    Nothing,
    /// It is larger than [`MAX_TEXT`].
    TooLarge,
    /// There is a request where an answer is wanted, or the other way round.
    OtherKind,
    /// Its form is of a later version.
    LaterVersion,
    /// The payload has no end.
    CutOff,
    /// The check sum does not fit: a character is wrong, missing or too many. Nobody forged it.
    Mistyped,
}

impl Unreadable {
    /// The name, for logs and programs.
    pub fn name(self) -> &'static str {
        match self {
            Unreadable::Nothing => "nothing_found",
            Unreadable::TooLarge => "text_too_large",
            Unreadable::OtherKind => "other_kind",
            Unreadable::LaterVersion => "later_version",
            Unreadable::CutOff => "cut_off",
            Unreadable::Mistyped => "mistyped",
        }
    }

    /// Why, as a sentence without its end mark; `wanted` is `answer` or `request`, and `other` the other one.
    pub fn why(self, wanted: &str, other: &str) -> String {
        match self {
            Unreadable::Nothing => format!("there is no {wanted} in this text"),
            Unreadable::TooLarge => format!("the text is larger than {} KiB", MAX_TEXT / 1024),
            Unreadable::OtherKind => format!("this text holds the {other}, not the {wanted}"),
            Unreadable::LaterVersion => format!("the {wanted} was made by a later version of the program"),
            Unreadable::CutOff => format!("the end of the {wanted} is missing"),
            Unreadable::Mistyped => {
                format!(
                    "its check sum does not fit: a character of the {wanted} is wrong or missing (it is not forged)"
                )
            }
        }
    }
}

/// Crockford's base 32: no I, L, O and U; whoever writes I or L means 1, whoever writes O means 0.
static BASE32: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification.translate.from.push_str("OIL");
    specification.translate.to.push_str("011");
    specification.encoding().ok()
});

/// How many digits the check sum has: 40 bits.
const CHECK: usize = 8;
/// How the payload is set: groups of five, twelve on a line, so that a line fits into any mail.
const GROUP: usize = 5;
const GROUPS: usize = 12;

/// The payload: what a QR code shows, and what the text is set around.
pub fn payload(carries: Carries, content: &[u8]) -> String {
    let Some(base32) = &*BASE32 else { return String::new() };
    format!("VCT{}1:{}:{}", carries.letter(), base32.encode(content), check_sum(base32, content))
}

fn check_sum(base32: &Encoding, content: &[u8]) -> String {
    base32.encode(&ring::digest::digest(&ring::digest::SHA256, content).as_ref()[..5])
}

/// The text: lines for people, the payload in groups, and a frame.
fn framed(carries: Carries, lines: &[(&str, String)], content: &[u8]) -> String {
    let title = carries.title();
    let mut text = format!("-----BEGIN VISUALCRON-TRAY VALIDATION {title}-----\n");
    for (name, value) in lines {
        text.push_str(&format!("{name}: {}\n", crate::domain::text::plain(value)));
    }
    text.push('\n');
    let payload = payload(carries, content);
    let (head, check) = (6.min(payload.len()), payload.len().saturating_sub(CHECK + 1));
    let digits: Vec<char> = payload[head..check].chars().collect();
    let body = digits.chunks(GROUP).map(|group| group.iter().collect());
    let groups: Vec<String> =
        std::iter::once(payload[..head].into()).chain(body).chain([payload[check..].into()]).collect();
    for line in groups.chunks(GROUPS) {
        text.push_str(&line.join(" "));
        text.push('\n');
    }
    text.push_str(&format!("-----END VISUALCRON-TRAY VALIDATION {title}-----\n"));
    text
}

/// A name as a line for people: without what would make it look like a payload.
fn named(name: &str) -> String {
    name.replace(':', " ")
}

/// A request as a text to be carried to the host. It holds the activation code, in base 32.
pub fn of_request(request: &Request) -> String {
    let lines = [
        ("Server", named(&request.server_name)),
        ("Server id", named(&request.server_id)),
        ("Version", request.product_version.map_or("unknown".into(), |version| version.to_string())),
        ("Made at", request.client_time.strftime("%Y-%m-%d %H:%M UTC").to_string()),
        ("Holds", "the activation code: give it to your license host only".into()),
    ];
    framed(Carries::Request, &lines, &request.to_json())
}

/// An answer as a text to be carried back; `server` is for people.
pub fn of_answer(token: &str, server: &str, issued: jiff::Timestamp, bring_by: jiff::Timestamp) -> String {
    let time = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let lines = [("Server", named(server)), ("Made at", time(issued)), ("Bring it by", time(bring_by))];
    framed(Carries::Answer, &lines, token.as_bytes())
}

/// Takes the content out of a text: line breaks, blanks, marks of quoting and what mail programs make of a text do not
/// matter, nor does what stands around it. Of several, the first that is whole counts.
///
/// # Errors
///
/// [`Unreadable`], which tells a mistyped text from one that is whole.
pub fn read(text: &str, wanted: Carries) -> Result<Vec<u8>, Unreadable> {
    if text.len() > MAX_TEXT {
        return Err(Unreadable::TooLarge);
    }
    let Some(base32) = &*BASE32 else { return Err(Unreadable::Nothing) };
    let plain = squeezed(text);
    let mut trouble = None;
    for (at, _) in plain.match_indices(&format!("VCT{}1:", wanted.letter())) {
        match unpack(base32, &plain[at + 6..]) {
            Ok(content) => return Ok(content),
            Err(unreadable) => trouble = trouble.or(Some(unreadable)),
        }
    }
    Err(trouble.unwrap_or_else(|| {
        let version_follows =
            |(at, head): (usize, &str)| plain[at + head.len()..].starts_with(|c: char| c.is_ascii_digit());
        let any =
            |carries: Carries| plain.match_indices(&format!("VCT{}", carries.letter())).any(version_follows);
        match () {
            () if any(wanted) => Unreadable::LaterVersion,
            () if any(wanted.other()) => Unreadable::OtherKind,
            () => Unreadable::Nothing,
        }
    }))
}

/// Takes a token out of a text: [`read`], or the bare token.
///
/// # Errors
///
/// As for [`read`].
pub fn read_token(text: &str) -> Result<String, Unreadable> {
    let bare = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if bare.starts_with("eyJ") && bare.len() <= MAX_TEXT {
        let joined: String = bare.chars().filter(|c| !c.is_whitespace()).collect();
        if joined.chars().all(of_token) && joined.matches('.').count() == 2 {
            return Ok(joined);
        }
    }
    // A check sum fits, so that what is no text was not made by us.
    String::from_utf8(read(text, Carries::Answer)?).map_err(|_| Unreadable::Mistyped)
}

/// The characters that can belong to a payload, in capitals, without what is set or put between them.
fn squeezed(text: &str) -> String {
    let text = text.replace("&nbsp;", " ").replace("&gt;", ">").replace("=\r\n", "").replace("=\n", "");
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    };
    // Marks of quoting, bullets and what stands for emphasis; blanks and marks that are not seen.
    let between = |c: &char| {
        c.is_whitespace()
            || matches!(c, '>' | '|' | '*' | '_' | '-' | '=' | '`' | '"' | '\'')
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2010}'..='\u{2015}' | '\u{2018}'..='\u{201f}')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{ab}' | '\u{bb}' | '\u{feff}')
    };
    text.chars().map(narrow).filter(|c| !between(c)).map(|c| c.to_ascii_uppercase()).collect()
}

/// What follows the head of a payload.
fn unpack(base32: &Encoding, rest: &str) -> Result<Vec<u8>, Unreadable> {
    let (body, after) = rest.split_once(':').ok_or(Unreadable::CutOff)?;
    let check: Vec<u8> = after.bytes().take(CHECK).collect();
    // The frame's last line may have come close.
    if check.len() < CHECK || after.starts_with("ENDVISUAL") {
        return Err(Unreadable::CutOff);
    }
    let content = base32.decode(body.as_bytes()).map_err(|_| Unreadable::Mistyped)?;
    match base32.decode(&check) {
        Ok(check) if check == ring::digest::digest(&ring::digest::SHA256, &content).as_ref()[..5] => {
            Ok(content)
        }
        _ => Err(Unreadable::Mistyped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::validation::request::tests::request;

    fn text() -> String {
        of_request(&request())
    }

    fn read_back(text: &str) -> Result<Request, Unreadable> {
        Ok(Request::from_json(&read(text, Carries::Request)?).unwrap())
    }

    #[test]
    fn what_people_see() {
        insta::assert_snapshot!(text(), @"
        -----BEGIN VISUALCRON-TRAY VALIDATION REQUEST-----
        Server: PROD-01
        Server id: id-0001
        Version: 13.2.2
        Made at: 2026-11-24 09:00 UTC
        Holds: the activation code: give it to your license host only

        VCTR1: FCH70 WKFEH QP6VV C48X3 2B12C 5HQ8T BPC5T 6JVVE BXHPY S3548 X24GA
        28D22 THA68 X42TC 9J6CT 24B12 EDJQ4 XK5E9 FPJS1 278H6 JS1D6 0R30C 925GH
        76SBJ ESJQ4 QVEC5 PPA8H T4985 4KT45 MR328 HC49R 74VV4 ENHQ8 QVPCN S76TB
        FDRH3 M8HH6 CQ34B HJ48P 24VKF DSHPA 8HT48 R3EC1 Q60VK 0DSG6 WR3EC 1Q60V
        K0DSG 6WR3E C1Q60 VK0DS G6WR3 E8HC4 9HPRT B5DST 5YX39 DNJJ4 EH268 R34DH
        D64RJ TCHMA GR3JE HG60X 30C2T 49YG :J34HSCCA
        -----END VISUALCRON-TRAY VALIDATION REQUEST-----
        ");
    }

    #[test]
    fn what_happens_to_a_text_on_its_way_does_not_matter() {
        let text = text();
        let quoted = |mark: &str| text.lines().map(|line| format!("{mark}{line}\n")).collect::<String>();
        let wrapped = |width: usize| {
            let chars: Vec<char> = text.chars().collect();
            chars.chunks(width).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
        };
        let wide: String = text
            .chars()
            .map(|c| if c.is_ascii_graphic() { char::from_u32(u32::from(c) + 0xfee0).unwrap() } else { c })
            .collect();
        let payload = payload(Carries::Request, &request().to_json());
        let changed = [
            ("as it is", text.clone()),
            ("Windows line ends", text.replace('\n', "\r\n")),
            ("one line", text.replace('\n', " ")),
            ("no blanks", text.replace([' ', '\n'], "")),
            ("blank lines between", text.replace('\n', "\n\n")),
            ("quoted", quoted("> ")),
            ("quoted thrice", quoted("> > >")),
            ("quoted with bars", quoted("| ")),
            ("indented", quoted("\t    ")),
            ("as a list", quoted("* ")),
            ("wrapped at 20", wrapped(20)),
            ("wrapped at 7", wrapped(7)),
            ("wrapped and quoted again", wrapped(33).replace('\n', "\n> ")),
            ("BOM", format!("\u{feff}{text}")),
            ("no-break spaces", text.replace(' ', "\u{a0}")),
            ("HTML", text.replace(' ', "&nbsp;").replace('\n', "\n&gt; ")),
            ("zero width", text.replace(' ', " \u{200b}\u{ad}")),
            ("smart dashes", text.replace("--", "\u{2014}").replace('-', "\u{2013}")),
            ("smart quotes", format!("\u{201c}{text}\u{201d}")),
            ("quoted-printable", text.replace('\n', " =\n")),
            ("small letters", text.to_lowercase()),
            ("letters that look alike", {
                let at = text.find("VCTR1:").unwrap() + 6;
                let (head, body) = text.split_at(at);
                let (body, tail) = body.split_at(body.find("-----").unwrap());
                format!("{head}{}{tail}", body.replace('0', "O").replace('1', "l"))
            }),
            ("full width", wide),
            (
                "in a mail",
                format!("Hello,\n\nplease answer this:\n\n{text}\nThank you: VCT is fine.\n-- \nThe admins"),
            ),
            ("the payload alone", payload.clone()),
            ("a broken one before it", format!("{}\n{text}", &payload[..payload.len() - 20])),
            (
                "an answer before it",
                format!("{}\n{text}", of_answer("a.b.c", "X", request().client_time, request().client_time)),
            ),
        ];
        for (what, changed) in changed {
            assert_eq!(read_back(&changed), Ok(request()), "{what}:\n{changed}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let text = text();
        let at = text.find("VCTR1:").unwrap() + 31;
        let typo =
            format!("{}{}{}", &text[..at], if &text[at..=at] == "A" { "B" } else { "A" }, &text[at + 1..]);
        let end = text.rfind("-----END").unwrap();
        for (what, text, expected) in [
            ("mistyped", typo, Unreadable::Mistyped),
            ("a character lost", format!("{}{}", &text[..at], &text[at + 1..]), Unreadable::Mistyped),
            ("a letter that there is not", text.replacen("VCTR1:", "VCTR1:U", 1), Unreadable::Mistyped),
            ("cut off in the body", text[..at].into(), Unreadable::CutOff),
            ("cut off in the check sum", text[..end - 3].into(), Unreadable::CutOff),
            ("a line lost at the end", format!("{}{}", &text[..end - 30], &text[end..]), Unreadable::CutOff),
            (
                "the answer",
                of_answer("a.b.c", "X", request().client_time, request().client_time),
                Unreadable::OtherKind,
            ),
            ("a later version", text.replace("VCTR1:", "VCTR2:"), Unreadable::LaterVersion),
            ("something else", "Dear Sir or Madam".into(), Unreadable::Nothing),
            ("nothing", String::new(), Unreadable::Nothing),
            ("huge", " ".repeat(MAX_TEXT + 1), Unreadable::TooLarge),
        ] {
            assert_eq!(read_back(&text), Err(expected), "{what}");
        }
    }

    #[test]
    fn a_bare_token_is_taken_too() {
        assert_eq!(read_token(" eyJhbGciOiJ\n9.eyJ9.-_a \n"), Ok("eyJhbGciOiJ9.eyJ9.-_a".into()));
        assert_eq!(read_token("eyJhbGciOiJ9 is a token."), Err(Unreadable::Nothing));
    }

    /// What stands in the lines for people is never taken for the payload.
    #[test]
    fn a_name_cannot_pass_for_a_payload() {
        let mut request = request();
        request.server_name = format!("X{}", payload(Carries::Request, b"{}"));
        let text = of_request(&request);
        assert_eq!(read(&text, Carries::Request), Ok(request.to_json()));
    }
}
