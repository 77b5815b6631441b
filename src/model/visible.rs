//! Makes untrusted text safe to display; the single definition of which characters are visible.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

/// A single line of visible characters, created only by [`visible`].
///
/// A hostile company name must neither control a terminal nor pass for another name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Visible<'t>(Cow<'t, str>);

/// Escapes control characters, and characters that are invisible or change the text direction. Text that is already
/// visible is returned unchanged.
#[must_use]
pub fn visible(text: &str) -> Visible<'_> {
    if !text.chars().any(is_hidden) {
        return Visible(Cow::Borrowed(text));
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
    Visible(Cow::Owned(escaped))
}

/// Returns whether a character controls a terminal, is invisible, or changes the direction of the text after it.
#[must_use]
pub fn is_hidden(character: char) -> bool {
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

impl Visible<'_> {
    /// Returns the text as an owned string.
    #[must_use]
    pub fn into_owned(self) -> String {
        self.0.into_owned()
    }

    /// Returns an owned value that is still marked as visible.
    #[must_use]
    pub fn kept(self) -> Visible<'static> {
        Visible(Cow::Owned(self.into_owned()))
    }
}

impl Deref for Visible<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Visible<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<Visible<'_>> for String {
    fn from(text: Visible<'_>) -> Self {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_escaped() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(&*visible(text), expected);
            assert_eq!(&*visible(expected), expected, "again");
        }
        check("Acme Voice – Zürich 電話", "Acme Voice – Zürich 電話");
        check("a\x1b[31mred\x07", r"a\u{1b}[31mred\u{7}");
        check("a\r\nb\tc", r"a\r\nb\tc");
        check("\u{9b}2J", r"\u{9b}2J");
        check("\u{9d}0;owned\u{9c}", r"\u{9d}0;owned\u{9c}");
        check("user\u{202e}gpj.exe", r"user\u{202e}gpj.exe");
        check("zero\u{200b}width\u{feff}", r"zero\u{200b}width\u{feff}");
        check("\u{e0041}tag", r"\u{e0041}tag");
    }
}
