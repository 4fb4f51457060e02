//! From bytes to text: byte order marks, UTF-16 with and without one, and the encoding that the file declares.

use super::Cause;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::borrow::Cow;

/// The text of a file, without its byte order mark. UTF-8 is borrowed, not copied.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded<'a> {
    pub text: Cow<'a, str>,
    /// What could not be decoded for certain.
    pub note: Option<String>,
}

/// Decodes a file. What the bytes show (a mark, the zero bytes of UTF-16) wins over what the file declares:
/// .NET programs are known to declare `utf-16` in files that are UTF-8.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded<'_>, Cause> {
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Err(Cause::Encoding("UTF-32".into()));
    }
    let (encoding, rest, certain) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, bytes.get(length..).unwrap_or_default(), true),
        None => match bytes {
            [first, 0, ..] if *first != 0 => (UTF_16LE, bytes, true),
            [0, second, ..] if *second != 0 => (UTF_16BE, bytes, true),
            _ => match declared(bytes)? {
                Some(encoding) => (encoding, bytes, encoding != UTF_8),
                None => (UTF_8, bytes, false),
            },
        },
    };
    let decoded = if encoding == UTF_8 {
        utf8(rest, certain)
    } else {
        let (text, errors) = encoding.decode_without_bom_handling(rest);
        let note = errors.then(|| UNREADABLE.to_string());
        Decoded { text, note }
    };
    let blank = |c: char| c.is_whitespace() || c == '\0' || c == '\u{feff}';
    if decoded.text.trim_matches(blank).is_empty() {
        return Err(if decoded.text.contains('\0') { Cause::Zeroed } else { Cause::Empty });
    }
    Ok(decoded)
}

const UNREADABLE: &str = "Some characters of the file do not fit its encoding; names may be incomplete.";
const GUESSED: &str = "The file is not the UTF-8 that it should be. It was read as windows-1252, so letters with \
                       accents may be wrong.";

/// UTF-8, and windows-1252 (the commonest of the old encodings: a guess) where it turns out to be none.
fn utf8(bytes: &[u8], certain: bool) -> Decoded<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Decoded { text: Cow::Borrowed(text), note: None },
        Err(_) if certain => {
            Decoded { text: String::from_utf8_lossy(bytes), note: Some(UNREADABLE.to_string()) }
        }
        Err(_) => {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
            Decoded { text, note: Some(GUESSED.to_string()) }
        }
    }
}

/// The encoding named in `<?xml … encoding="…"?>`, if any. The bytes are known not to be UTF-16, so a
/// declaration of UTF-16 counts as none. An unknown name does no harm to a file of plain ASCII.
fn declared(bytes: &[u8]) -> Result<Option<&'static Encoding>, Cause> {
    let start = bytes.trim_ascii_start();
    let head = start.get(..start.len().min(256)).unwrap_or_default();
    let Some(declaration) = head.strip_prefix(b"<?xml") else { return Ok(None) };
    let end = declaration.windows(2).position(|pair| pair == b"?>").unwrap_or(declaration.len());
    let declaration = String::from_utf8_lossy(declaration.get(..end).unwrap_or_default());
    let Some((_, value)) = declaration.split_once("encoding") else { return Ok(None) };
    let Some(value) = value.trim_start().strip_prefix('=') else { return Ok(None) };
    let value = value.trim_start();
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return Ok(None) };
    let label = value.trim_start_matches(quote).split(quote).next().unwrap_or_default().trim();
    match Encoding::for_label_no_replacement(label.as_bytes()) {
        Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => Ok(None),
        Some(encoding) => Ok(Some(encoding)),
        None if bytes.is_ascii() => Ok(None),
        None => {
            let shown = label.chars().filter(|c| c.is_ascii_alphanumeric() || "-_:.".contains(*c));
            Err(Cause::Encoding(shown.take(40).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
        let mark = mark.then_some(0xfeff).into_iter();
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        mark.chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn marks_and_zero_bytes_tell_the_encoding() {
        let text = "<a>Zürich</a>";
        for big in [false, true] {
            for mark in [false, true] {
                let decoded = decode(&utf16(text, big, mark)).unwrap().text.into_owned();
                assert_eq!(decoded, text, "{big} {mark}");
            }
        }
        assert_eq!(decode("\u{feff}<a/>".as_bytes()).unwrap().text, "<a/>");
        assert!(matches!(decode(text.as_bytes()).unwrap().text, Cow::Borrowed(_)));
    }

    #[test]
    fn the_declared_encoding_is_used_unless_the_bytes_contradict() {
        for (label, bytes) in [("windows-1252", &b"M\xfcnchen \x80"[..]), ("ISO-8859-15", b"M\xfcnchen \xa4")]
        {
            let mut file = format!("<?xml version='1.0' encoding='{label}'?>").into_bytes();
            file.extend_from_slice(bytes);
            assert!(decode(&file).unwrap().text.ends_with("München €"), "{label}");
        }
        let wrong = "<?xml version=\"1.0\" encoding=\"utf-16\"?><a>Köln</a>";
        assert_eq!(decode(wrong.as_bytes()).unwrap(), Decoded { text: wrong.into(), note: None });
    }

    #[test]
    fn what_is_no_utf8_is_read_as_windows_1252_with_a_note() {
        let decoded = decode(b"<a>K\xf6ln</a>").unwrap();
        assert_eq!((&*decoded.text, decoded.note.as_deref()), ("<a>Köln</a>", Some(GUESSED)));
    }

    #[test]
    fn unknown_encodings_matter_only_beyond_ascii() {
        let file = |rest: &[u8]| [b"<?xml version='1.0' encoding='ibm<850'?>", rest].concat();
        assert!(decode(&file(b"<a/>")).is_ok());
        assert_eq!(decode(&file(b"<a>\x81</a>")), Err(Cause::Encoding("ibm850".into())));
        assert_eq!(decode(b"\xff\xfe\0\0<\0\0\0"), Err(Cause::Encoding("UTF-32".into())));
    }

    #[test]
    fn empty_and_zeroed_files_are_told_apart() {
        for blank in [&b""[..], b" \r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff\xfe \0"] {
            assert_eq!(decode(blank), Err(Cause::Empty), "{blank:?}");
        }
        assert_eq!(decode(&[0; 512]), Err(Cause::Zeroed));
    }
}
