//! Serializes values so that this crate's reader, and every other YAML reader, parses the same value back.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Maximum length of a comment made from untrusted text, in characters.
const LONGEST_COMMENT: usize = 200;

/// Words that some readers do not parse as a string.
const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "y", "n", "on", "off"];

/// Writes a value on one line, valid both inside and outside of braces.
#[must_use]
pub fn value(value: &Value) -> String {
    let mut text = String::new();
    flow(value, &mut text);
    text
}

/// Writes a key or a string, quoted only where necessary.
#[must_use]
pub fn key(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Writes a key or a string as [`key`] does, in single quotes where double ones would need escapes.
pub(in crate::tree) fn scalar(text: &str) -> String {
    let written = key(text);
    let fits_in_single = !text.contains(|c: char| c == '\'' || is_hidden(c));
    if written.starts_with('"') && text.contains(['"', '\\']) && fits_in_single {
        format!("'{text}'")
    } else {
        written
    }
}

/// Writes a quoted string, which every reader parses as a string even where the type is open.
#[must_use]
pub fn text(text: &str) -> String {
    quoted(text)
}

/// Writes a map in block style, each line indented by `indent` spaces.
#[must_use]
pub fn block(indent: usize, map: &Map<String, Value>) -> String {
    let mut text = String::new();
    lines(indent, map, &mut text);
    text
}

/// Makes untrusted text safe for a comment: one line, no hidden characters, limited length.
#[must_use]
pub fn comment(text: &str) -> String {
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST_COMMENT {
            shown.push('…');
            break;
        }
        if is_hidden(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn lines(indent: usize, map: &Map<String, Value>, text: &mut String) {
    for (name, item) in map {
        let _ = write!(text, "{:indent$}{}:", "", key(name));
        match item {
            Value::Object(inner) if !inner.is_empty() => {
                text.push('\n');
                lines(indent + 2, inner, text);
            }
            other => {
                text.push(' ');
                flow(other, text);
                text.push('\n');
            }
        }
    }
}

fn flow(value: &Value, text: &mut String) {
    match value {
        Value::String(string) => text.push_str(&key(string)),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                flow(item, text);
            }
            text.push(']');
        }
        Value::Object(map) if map.is_empty() => text.push_str("{}"),
        Value::Object(map) => {
            text.push_str("{ ");
            for (index, (name, item)) in map.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                text.push_str(&key(name));
                text.push_str(": ");
                flow(item, text);
            }
            text.push_str(" }");
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let _ = write!(text, "{value}");
        }
    }
}

/// Returns whether a string can be written without quotes and is still parsed as that string by every reader.
pub(super) fn is_plain(text: &str) -> bool {
    let allowed = |character: char| {
        character.is_alphanumeric() || matches!(character, ' ' | '_' | '-' | '.' | '/' | '@' | '+')
    };
    let colon_within = |at: usize| {
        text[at + 1..]
            .chars()
            .next()
            .is_some_and(|next| next != ' ' && next != ':')
    };
    text.starts_with(char::is_alphabetic)
        && !text.ends_with(' ')
        && text.len() <= 200
        && !WORDS.contains(&text.to_lowercase().as_str())
        && text
            .char_indices()
            .all(|(at, character)| allowed(character) || character == ':' && colon_within(at))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            hidden if is_hidden(hidden) => {
                let code = u32::from(hidden);
                let _ = if code > 0xffff {
                    write!(quoted, "\\U{code:08X}")
                } else {
                    write!(quoted, "\\u{code:04X}")
                };
            }
            shown => quoted.push(shown),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns whether a character is invisible, ends a line, or is not allowed in YAML.
fn is_hidden(character: char) -> bool {
    crate::model::is_hidden(character) || matches!(character, '\u{fffe}' | '\u{ffff}')
}
