//! One mistake in the tree.

use super::{Code, Place, Severity};

/// What is wrong in the tree, where, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Kind of mistake, stable across releases.
    pub code: Code,
    /// Whether it stops `plan` and `apply`; that of the code, unless the tree says otherwise.
    pub severity: Severity,
    /// One terse line that names the object: a lower-case fragment without a period.
    pub message: String,
    /// The place to change, with a short label.
    pub primary: Option<Label>,
    /// Other places that explain it, such as the first of two duplicates.
    pub related: Vec<Label>,
    /// What to do, as a lower-case imperative fragment.
    pub help: String,
    /// Replacement that can be applied mechanically; present only if there is a single possible fix.
    pub fix: Option<Fix>,
}

/// A text replacement that fixes a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Range to replace.
    pub place: Place,
    /// Replacement text.
    pub text: String,
}

/// A place with a short label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The labelled place.
    pub place: Place,
    /// Text of the label; may be empty.
    pub text: String,
}

/// The diagnostics of a load, which does not stop at the first mistake.
pub type Diagnostics = Vec<Diagnostic>;

impl Diagnostic {
    /// Creates a diagnostic without a place; [`Self::at`] adds one.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            primary: None,
            related: Vec::new(),
            help: help.into(),
            fix: None,
        }
    }

    /// Sets the place to change.
    #[must_use]
    pub fn at(mut self, place: Place, text: impl Into<String>) -> Self {
        self.primary = Some(Label {
            place,
            text: text.into(),
        });
        self
    }

    /// Sets the replacement that fixes the mistake; only for mistakes with a single possible fix.
    #[must_use]
    pub fn mended_by(mut self, place: Place, text: impl Into<String>) -> Self {
        self.fix = Some(Fix {
            place,
            text: text.into(),
        });
        self
    }

    /// Adds a related place that explains the mistake.
    #[must_use]
    pub fn see(mut self, place: Place, text: impl Into<String>) -> Self {
        self.related.push(Label {
            place,
            text: text.into(),
        });
        self
    }
}
