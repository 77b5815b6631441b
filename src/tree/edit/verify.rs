//! What a document says, without how and where it is written; and what an edit makes of it.

use serde_json::Value;

use super::notation::is_plain;
use super::splice::To;
use crate::tree::node::{Content, Node};

/// A document without its places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A scalar: its text, and whether it may be something else than a text.
    Scalar(String, bool),
    /// A list.
    List(Vec<Self>),
    /// A map, in the order of the text.
    Map(Vec<(String, Self)>),
    /// Something that could not be read.
    Broken,
}

impl Shape {
    /// Returns what an empty file says.
    pub(super) fn empty() -> Self {
        Self::Map(Vec::new())
    }

    /// Returns what a document says.
    pub(super) fn of(node: &Node) -> Self {
        match &node.content {
            // Quotes matter only where the text could be taken for something else without them.
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

    /// Returns what the document says after an edit; absent when there is no such document.
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

    /// Tells whether two documents say the same; the order of a map's keys says nothing.
    pub(super) fn says(&self, other: &Self) -> bool {
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
