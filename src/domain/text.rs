//! Texts from outside, made fit for our own output.

use std::borrow::Cow;

/// A text from outside as one line that says nothing but what it shows: control characters (an escape sequence
/// would act on a terminal, a line end make a second line) and marks that turn the direction of writing become
/// blanks, and characters that cannot be seen go: two names that look the same are the same. Applied where a text comes in: servers.xml, the settings, our state on disk; and once more where it goes
/// out, since paths, the system's errors and other processes bring some along.
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.contains(|c| acts(c) || hides(c)) {
        let seen = text.chars().filter(|&c| !hides(c));
        seen.map(|c| if acts(c) { ' ' } else { c }).collect::<String>().into()
    } else {
        text.into()
    }
}

/// [`plain`] for each line of a text of ours.
pub fn plain_lines(text: &str) -> Cow<'_, str> {
    if text.contains(|c| c != '\n' && (acts(c) || hides(c))) {
        text.split('\n').map(plain).collect::<Vec<_>>().join("\n").into()
    } else {
        text.into()
    }
}

/// A text for windows and notifications: a command stands there without the backticks that set it off elsewhere.
pub fn without_backticks(text: &str) -> String {
    text.replace('`', "")
}

/// Does this character act on its surroundings, instead of being seen?
pub fn acts(c: char) -> bool {
    c.is_control() || turns_direction(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Is this character not seen at all? Those that join or part letters (U+200C, U+200D) are part of a writing, and
/// those that choose the look of the one before them (U+FE00 to U+FE0F) are seen in it.
fn hides(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'
            | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// A mark that turns the direction of writing. Some Windows cultures write such into their dates.
pub fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_becomes_a_blank() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{202e}d\u{9b}e\u{2028}f"), "a [31mb c d e f");
        assert_eq!(plain_lines("a\u{1b}b\nc\r\nd"), "a b\nc \nd");
        assert_eq!(plain("P\u{200b}R\u{feff}O\u{ad}D\u{fff9}-\u{e0041}0\u{3164}1"), "PROD-01");
        assert_eq!(plain_lines("a\u{200b}b\nc"), "ab\nc");
        for text in
            ["", "PROD-01", "می\u{200c}خواهم", "👩\u{200d}💻", "❤\u{fe0f}", "Überwachung 🕑", "שרת", "日本"]
        {
            assert!(matches!(plain(text), Cow::Borrowed(same) if same == text));
        }
    }
}
