//! One mistake in the tree.

use super::{Code, Place};

/// Says what is wrong, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of mistake; stable between releases.
    pub code: Code,
    /// One terse line, a lower-case fragment without a period, that names the object.
    pub message: String,
    /// The place that is to be changed, with a few words on it.
    pub primary: Option<Label>,
    /// Other places that explain it, such as the first of two duplicates.
    pub related: Vec<Label>,
    /// What to do, as a lower-case imperative fragment.
    pub help: String,
    /// What does it without further thought, where one text only can be meant.
    pub fix: Option<Fix>,
}

/// A text that takes the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What is replaced.
    pub place: Place,
    /// By what.
    pub text: String,
}

/// A place and what to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub place: Place,
    /// A few words; may be empty.
    pub text: String,
}

/// What a loader collects; it never stops at the first.
pub type Diagnostics = Vec<Diagnostic>;

impl Diagnostic {
    /// Makes a diagnostic without a place; [`Self::at`] adds one.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            primary: None,
            related: Vec::new(),
            help: help.into(),
            fix: None,
        }
    }

    /// Sets the place that is to be changed.
    #[must_use]
    pub fn at(mut self, place: Place, text: impl Into<String>) -> Self {
        self.primary = Some(Label {
            place,
            text: text.into(),
        });
        self
    }

    /// Says which text in which place mends it; for mistakes where nothing else can be meant.
    #[must_use]
    pub fn mended_by(mut self, place: Place, text: impl Into<String>) -> Self {
        self.fix = Some(Fix {
            place,
            text: text.into(),
        });
        self
    }

    /// Adds a place that explains the mistake.
    #[must_use]
    pub fn see(mut self, place: Place, text: impl Into<String>) -> Self {
        self.related.push(Label {
            place,
            text: text.into(),
        });
        self
    }
}
