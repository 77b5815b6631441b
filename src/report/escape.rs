//! Text from outside, made safe to show.

use std::borrow::Cow;
use std::fmt;
use std::io;

use serde::Serialize;

/// Writes control characters, and characters that are invisible or turn the direction of a line, as escapes.
///
/// A hostile company name must neither steer the terminal nor look like another one.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            hidden if is_hidden(hidden) => escaped.extend(hidden.escape_unicode()),
            plain => escaped.push(plain),
        }
    }
    Cow::Owned(escaped)
}

/// Writes a value as indented JSON that ends with a newline, piece by piece. What [`visible`] would escape is escaped as
/// JSON does: equal to whoever reads it as JSON, and harmless to a terminal that it is shown on.
pub(super) fn write_json(out: &mut dyn fmt::Write, value: &impl Serialize) -> fmt::Result {
    serde_json::to_writer_pretty(VisibleJson(&mut *out), value).map_err(|_| fmt::Error)?;
    out.write_char('\n')
}

/// Takes JSON in, in pieces that are whole texts, as the serialiser writes them.
struct VisibleJson<'o>(&'o mut dyn fmt::Write);

impl io::Write for VisibleJson<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        visible_json(self.0, text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn visible_json(out: &mut dyn fmt::Write, text: &str) -> fmt::Result {
    // Line breaks stand between values; within them they are escaped.
    let is_raw = |character: char| character != '\n' && is_hidden(character);
    let mut rest = text;
    while let Some(at) = rest.find(is_raw) {
        let (plain, from) = rest.split_at(at);
        out.write_str(plain)?;
        let mut characters = from.chars();
        if let Some(hidden) = characters.next() {
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
        }
        rest = characters.as_str();
    }
    out.write_str(rest)
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_escaped() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(visible(text), expected);
        }
        check("Acme Voice – Zürich 電話", "Acme Voice – Zürich 電話");
        check("a\x1b[31mred\x07", r"a\u{1b}[31mred\u{7}");
        check("a\r\nb\tc", r"a\r\nb\tc");
        check("\u{9b}2J", r"\u{9b}2J");
        check("user\u{202e}gpj.exe", r"user\u{202e}gpj.exe");
        check("zero\u{200b}width\u{feff}", r"zero\u{200b}width\u{feff}");
        check("\u{e0041}tag", r"\u{e0041}tag");
    }

    #[test]
    fn json_says_the_same_without_what_is_hidden() {
        let value =
            serde_json::json!({"a\u{9b}": ["\u{1b}\u{202e}\u{7f}\u{e0041}", "plain", "\n"]});
        let escaped = fmt::from_fn(|out| write_json(out, &value)).to_string();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escaped).unwrap(),
            value
        );
        let hidden = |character: &char| *character != '\n' && is_hidden(*character);
        assert_eq!(escaped.chars().find(hidden), None, "{escaped}");
    }
}
