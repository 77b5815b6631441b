//! A YAML document as parsed: texts with their places, not interpreted.

use crate::diag::Place;

/// A node with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tree) struct Node {
    /// Content of the node.
    pub(in crate::tree) content: Content,
    /// Byte range that it covers.
    pub(in crate::tree) place: Place,
}

/// The content of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tree) enum Content {
    /// A scalar, not interpreted: the decoder knows which type is expected.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// A map, in the order of the file, with unique keys.
    Mapping(Vec<Entry>),
    /// A part that was already reported, and must not be reported again.
    Broken,
}

/// A scalar's text, after YAML's escapes and folding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tree) struct Scalar {
    /// The text.
    pub(in crate::tree) text: String,
    /// Whether it is written without quotes; only then can it be a boolean, a number or null.
    pub(in crate::tree) plain: bool,
}

/// A key of a map and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tree) struct Entry {
    /// The key.
    pub(in crate::tree) key: String,
    /// Place of the key.
    pub(in crate::tree) key_place: Place,
    /// The value.
    pub(in crate::tree) value: Node,
}

impl Node {
    /// Returns whether this is `null` or `~`, in the spellings of the YAML 1.2 core schema.
    ///
    /// An omitted value is not null: see [`Self::is_empty`].
    pub(in crate::tree) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar(scalar)
            if scalar.plain && matches!(scalar.text.as_str(), "null" | "Null" | "NULL" | "~"))
    }

    /// Returns whether this is an omitted value.
    pub(in crate::tree) fn is_empty(&self) -> bool {
        matches!(&self.content, Content::Scalar(scalar) if scalar.plain && scalar.text.is_empty())
    }

    /// Describes the node for messages.
    pub(in crate::tree) fn describe(&self) -> &'static str {
        match &self.content {
            Content::Scalar(_) if self.is_empty() => "nothing",
            Content::Scalar(_) if self.is_null() => "null",
            Content::Scalar(_) => "a string",
            Content::Sequence(_) => "a list",
            Content::Mapping(_) => "a map",
            Content::Broken => "something unreadable",
        }
    }
}
