//! The content of a document, independent of notation and place, and the effect of an edit on it.

use serde_json::Value;

use super::notation::is_plain;
use crate::tree::node::{Content, Node};

/// The content of an address after an edit.
#[derive(Clone, Debug, PartialEq)]
pub enum To {
    /// This value; intermediate maps are created, and anything else in the way is replaced.
    Value(Value),
    /// Nothing; a map that becomes empty is removed too.
    Gone,
}

/// The content of a document, without places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tree) enum Shape {
    /// A scalar: its text, and whether it may be parsed as something other than a string.
    Scalar(String, bool),
    /// A list.
    List(Vec<Self>),
    /// A map, in the order of the text.
    Map(Vec<(String, Self)>),
    /// A part that could not be read.
    Broken,
}

impl Shape {
    /// Returns the content of an empty file.
    pub(super) fn empty() -> Self {
        Self::Map(Vec::new())
    }

    /// Returns the content of a node.
    pub(in crate::tree) fn of(node: &Node) -> Self {
        match &node.content {
            // Quotes matter only where the text would be parsed differently without them.
            Content::Scalar(scalar) => {
                Self::Scalar(scalar.text.clone(), scalar.plain && !is_plain(&scalar.text))
            }
            Content::Sequence(items) => Self::List(items.iter().map(Self::of).collect()),
            Content::Mapping(entries) => Self::Map(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), Self::of(&entry.value)))
                    .collect(),
            ),
            Content::Broken => Self::Broken,
        }
    }

    fn from_value(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Scalar(text.clone(), false),
            Value::Array(items) => Self::List(items.iter().map(Self::from_value).collect()),
            Value::Object(map) => Self::Map(
                map.iter()
                    .map(|(key, value)| (key.clone(), Self::from_value(value)))
                    .collect(),
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                Self::Scalar(value.to_string(), true)
            }
        }
    }

    /// Returns the content after an edit; `None` if the edit removes all of it.
    pub(super) fn after(&self, path: &[String], to: &To) -> Option<Self> {
        let Some((first, rest)) = path.split_first() else {
            return match to {
                To::Value(value) => Some(Self::from_value(value)),
                To::Gone => None,
            };
        };
        let mut entries = match (self, to) {
            (Self::Map(entries), _) => entries.clone(),
            (_, To::Value(_)) => Vec::new(),
            (_, To::Gone) => return Some(self.clone()),
        };
        let at = entries.iter().position(|(key, _)| key == first);
        match (at, to) {
            (Some(at), _) => match entries[at].1.after(rest, to) {
                Some(Self::Map(inner)) if *to == To::Gone && inner.is_empty() => {
                    let was_empty = entries[at].1 == Self::empty();
                    if !was_empty {
                        entries.remove(at);
                    }
                }
                Some(inner) => entries[at].1 = inner,
                None => {
                    entries.remove(at);
                }
            },
            (None, To::Value(_)) => entries.push((first.clone(), Self::empty().after(rest, to)?)),
            (None, To::Gone) => {}
        }
        Some(Self::Map(entries))
    }

    /// Returns whether two documents have the same content; the order of map keys is ignored.
    pub(in crate::tree) fn says(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Map(left), Self::Map(right)) => {
                left.len() == right.len()
                    && left.iter().all(|(key, shape)| {
                        let found = right.iter().find(|(other, _)| other == key);
                        found.is_some_and(|(_, other)| shape.says(other))
                    })
            }
            (Self::List(left), Self::List(right)) => {
                left.len() == right.len()
                    && left.iter().zip(right).all(|(left, right)| left.says(right))
            }
            (left, right) => left == right,
        }
    }
}
