//! A mistake in a value, before it has a place.

use crate::diag::{Code, Diagnostic, Place};
use crate::tree::edit;

/// What is wrong with one value; the caller, who read the value, knows its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Kind of mistake.
    pub code: Code,
    /// One terse line that names the object: a lower-case fragment.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Replacement for the value or the key, if there is a single possible fix.
    pub instead: Option<String>,
}

impl Problem {
    /// Creates a problem without a replacement.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: help.into(),
            instead: None,
        }
    }

    /// Sets the replacement for the value or the key; only for mistakes with a single possible fix.
    #[must_use]
    pub fn instead(mut self, text: impl Into<String>) -> Self {
        self.instead = Some(text.into());
        self
    }

    /// Clears the replacement, because the problem concerns only a part of the value.
    #[must_use]
    pub fn of_part(mut self) -> Self {
        self.instead = None;
        self
    }

    /// Converts the problem into a diagnostic at the place of the value.
    #[must_use]
    pub fn at(self, place: Place) -> Diagnostic {
        let diagnostic = Diagnostic::new(self.code, self.message, self.help).at(place, "");
        match self.instead {
            Some(text) => diagnostic.mended_by(place, edit::key(&text)),
            None => diagnostic,
        }
    }
}
