//! A YAML document as the parser saw it: texts with their places, nothing interpreted.

use crate::diag::Place;

/// One node with the place that it stands at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tree) struct Node {
    /// What it is.
    pub(in crate::tree) content: Content,
    /// The bytes that it covers.
    pub(in crate::tree) place: Place,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tree) enum Content {
    /// A scalar, not interpreted: who reads it knows which type is wanted.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// A map, in the order of the file; each key once.
    Mapping(Vec<Entry>),
    /// Something that was reported already, so that nobody reports it again.
    Broken,
}

/// A scalar's text, after YAML's escapes and folding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tree) struct Scalar {
    /// The text.
    pub(in crate::tree) text: String,
    /// Whether it stands without quotes; only then it may be a boolean, a number or null.
    pub(in crate::tree) plain: bool,
}

/// A key of a map and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tree) struct Entry {
    /// The key.
    pub(in crate::tree) key: String,
    /// Where the key stands.
    pub(in crate::tree) key_place: Place,
    /// The value.
    pub(in crate::tree) value: Node,
}

impl Node {
    /// Tells whether it is `null` or `~`, in the spellings of the YAML 1.2 core schema.
    ///
    /// Nothing at all is not null: see [`Self::is_empty`].
    pub(in crate::tree) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar(scalar)
            if scalar.plain && matches!(scalar.text.as_str(), "null" | "Null" | "NULL" | "~"))
    }

    /// Tells whether a key was written and its value was left out.
    pub(in crate::tree) fn is_empty(&self) -> bool {
        matches!(&self.content, Content::Scalar(scalar) if scalar.plain && scalar.text.is_empty())
    }

    /// Says what it is, for messages.
    pub(in crate::tree) fn describe(&self) -> &'static str {
        match &self.content {
            Content::Scalar(_) if self.is_empty() => "nothing",
            Content::Scalar(_) if self.is_null() => "null",
            Content::Scalar(_) => "a text",
            Content::Sequence(_) => "a list",
            Content::Mapping(_) => "a map",
            Content::Broken => "something unreadable",
        }
    }
}
