//! Converts the text of a scalar to a value of the type that its field requires.
//!
//! Where no field defines the type (keys with free content), only what every YAML reader parses in the same way is a
//! number or a boolean. `1.10`, `0123`, `+15551234567` and `yes` are rejected: in quotes they are strings, and nothing
//! is lost by accident.

use serde_json::{Number, Value};

use super::Reader;
use crate::diag::{Code, Place};
use crate::model::{Field, FieldType, Object};
use crate::tree::node::{Content, Node, Scalar};

impl Reader {
    /// Reads the value of a known key.
    pub(super) fn field_value(&mut self, field: &Field, node: &Node) -> Option<Value> {
        let what = field.path;
        match field.field_type {
            FieldType::Text
            | FieldType::Domain
            | FieldType::Url
            | FieldType::Email
            | FieldType::Price => self.text(node, what).map(|text| Value::String(text.value)),
            FieldType::Boolean { .. } => self.boolean(node, what).map(Value::Bool),
            FieldType::Integer => self.integer(node, what),
            FieldType::AccountIds => match &node.content {
                Content::Sequence(_) => Some(self.text_values(node, what)),
                _ => self.text(node, what).map(|text| Value::String(text.value)),
            },
            FieldType::TextList => {
                matches!(node.content, Content::Sequence(_))
                    .then_some(())
                    .or_else(|| {
                        self.wrong_type(node, what, "a list");
                        None
                    })?;
                Some(self.text_values(node, what))
            }
            FieldType::Map | FieldType::Any | FieldType::Providers => self.free_value(node, what),
        }
    }

    fn text_values(&mut self, node: &Node, what: &str) -> Value {
        let texts = self.texts(node, what).into_iter();
        Value::Array(texts.map(|text| Value::String(text.value)).collect())
    }

    fn integer(&mut self, node: &Node, what: &str) -> Option<Value> {
        let text = self.text(node, what)?.value;
        if let Some(number) = exact_integer(&text) {
            return Some(Value::Number(number));
        }
        self.report(
            Code::EB0208,
            format!("{what} is {text:?}, which is not an integer"),
            "write decimal digits without zeros in front or separators, such as 15",
            node.place,
            "expected an integer",
        );
        None
    }

    /// Reads a value that no field describes. A list or map of which a part cannot be read is none: whoever checks it
    /// would miss that part.
    pub(super) fn free_value(&mut self, node: &Node, what: &str) -> Option<Value> {
        match &node.content {
            Content::Scalar(_) if node.is_null() => {
                self.report(
                    Code::EB0511,
                    format!("{what} is null inside of a value"),
                    "leave it out, or declare the key itself as null",
                    node.place,
                    "only a key of its own can be null",
                );
                None
            }
            Content::Scalar(_) if node.is_empty() => {
                self.wrong_type(node, what, "a value");
                None
            }
            Content::Scalar(scalar) => self.free_scalar(scalar, what, node.place),
            Content::Sequence(items) => items
                .iter()
                .map(|item| self.free_value(item, &format!("an item of {what}")))
                .collect::<Option<Vec<_>>>()
                .map(Value::Array),
            Content::Mapping(_) => {
                let mut object = Object::new();
                let mut is_whole = true;
                for entry in self.map(node, what).iter() {
                    let what = format!("{what}.{}", entry.key);
                    match self.free_value(&entry.value, &what) {
                        Some(value) => {
                            object.insert(entry.key.clone(), value);
                        }
                        None => is_whole = false,
                    }
                }
                is_whole.then_some(Value::Object(object))
            }
            Content::Broken => None,
        }
    }

    fn free_scalar(&mut self, scalar: &Scalar, what: &str, place: Place) -> Option<Value> {
        let text = scalar.text.as_str();
        if !scalar.plain {
            return Some(Value::String(text.to_owned()));
        }
        match free_scalar(text) {
            Free::Value(value) => Some(value),
            Free::Ambiguous(meaning) => {
                self.report(
                    Code::EB0209,
                    format!("{what} is {text}, which YAML readers understand in different ways"),
                    format!("write \"{text}\" for the text, or {meaning}"),
                    place,
                    "a text, or not?",
                );
                None
            }
        }
    }
}

/// The interpretation of a plain scalar where no field defines the type.
#[derive(Debug, PartialEq)]
enum Free {
    Value(Value),
    /// Ambiguous, with the alternative to the quoted text.
    Ambiguous(&'static str),
}

fn free_scalar(text: &str) -> Free {
    match text {
        "true" | "True" | "TRUE" => return Free::Value(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Free::Value(Value::Bool(false)),
        _ => {}
    }
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" | "on" => return Free::Ambiguous("true for the boolean"),
        "no" | "n" | "off" => return Free::Ambiguous("false for the boolean"),
        _ => {}
    }
    if let Some(number) = exact_integer(text) {
        return Free::Value(Value::Number(number));
    }
    if !looks_numeric(text) {
        return Free::Value(Value::String(text.to_owned()));
    }
    // A fraction counts as a number only if it round-trips.
    match text.parse().ok().and_then(Number::from_f64) {
        Some(number) if number.to_string() == text => Free::Value(Value::Number(number)),
        _ => Free::Ambiguous("the plain decimal form for the number"),
    }
}

/// Parses an integer in its canonical decimal form.
fn exact_integer(text: &str) -> Option<Number> {
    let number = match text.parse::<i64>() {
        Ok(number) => Number::from(number),
        Err(_) => Number::from(text.parse::<u64>().ok()?),
    };
    (number.to_string() == text).then_some(number)
}

/// Returns whether some YAML reader (1.1 or 1.2) may parse a plain scalar as a number.
fn looks_numeric(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    if matches!(lower.as_str(), ".inf" | ".nan") {
        return true;
    }
    let radix = |prefix: &str, digits: fn(&char) -> bool| {
        lower
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| digits(&c) || c == '_'))
    };
    if radix("0x", char::is_ascii_hexdigit)
        || radix("0o", char::is_ascii_digit)
        || radix("0b", char::is_ascii_digit)
    {
        return true;
    }
    let begins = lower.starts_with(|c: char| c.is_ascii_digit())
        || lower.starts_with('.') && lower[1..].starts_with(|c: char| c.is_ascii_digit());
    let mantissa_end = lower.find('e').unwrap_or(lower.len());
    let (mantissa, exponent) = lower.split_at(mantissa_end);
    let exponent = exponent
        .strip_prefix('e')
        .map(|rest| rest.strip_prefix(['+', '-']).unwrap_or(rest));
    begins
        && mantissa.matches('.').count() <= 1
        && mantissa
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | '_'))
        && exponent
            .is_none_or(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}
