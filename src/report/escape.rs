//! Text from outside, made safe to show.

use std::borrow::Cow;

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
}
