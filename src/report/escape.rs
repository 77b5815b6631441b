//! Makes text from outside safe to display.

use std::fmt::{self, Write as _};
use std::io;

use serde::Serialize;

use crate::model::is_hidden;
pub use crate::model::visible;

/// Writes a value incrementally as indented JSON with a trailing newline. What [`visible`] would escape is escaped the
/// JSON way: the same value to a JSON parser, and harmless on a terminal.
pub(crate) fn write_json(out: &mut dyn fmt::Write, value: &impl Serialize) -> fmt::Result {
    serde_json::to_writer_pretty(VisibleJson(&mut *out), value).map_err(|_| fmt::Error)?;
    out.write_char('\n')
}

/// Renders a value as [`write_json`] writes it.
pub(crate) fn visible_json(value: &impl Serialize) -> impl fmt::Display {
    fmt::from_fn(move |out| write_json(out, value))
}

/// Renders a value as JSON on one line, escaping what [`write_json`] escapes.
pub(crate) fn visible_json_line(value: &impl Serialize) -> impl fmt::Display {
    fmt::from_fn(move |out| {
        let text = serde_json::to_string(value).map_err(|_| fmt::Error)?;
        escape_into(out, &text)?;
        out.write_char('\n')
    })
}

/// Escapes the JSON that a serialiser writes, which arrives in pieces of valid UTF-8.
struct VisibleJson<'o>(&'o mut dyn fmt::Write);

impl io::Write for VisibleJson<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        escape_into(self.0, text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn escape_into(out: &mut dyn fmt::Write, text: &str) -> fmt::Result {
    // A raw line break is formatting between values; inside a value it is already escaped.
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

#[cfg(test)]
mod tests {
    use super::*;

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
