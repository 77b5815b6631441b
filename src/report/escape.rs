//! Text from outside, made safe to show.

use std::borrow::Cow;
use std::fmt::Write as _;

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

/// Writes what [`visible`] would escape as JSON does, in a text that is JSON already: equal to whoever reads it as JSON,
/// and harmless to a terminal that it is shown on.
pub(super) fn visible_json(text: String) -> String {
    // Line breaks stand between values; within them they are escaped.
    let is_raw = |character: char| character != '\n' && is_hidden(character);
    if !text.chars().any(is_raw) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_raw(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
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
        let text = serde_json::to_string_pretty(&value).unwrap();
        let escaped = visible_json(text);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escaped).unwrap(),
            value
        );
        let hidden = |character: &char| *character != '\n' && is_hidden(*character);
        assert_eq!(escaped.chars().find(hidden), None, "{escaped}");
    }
}
