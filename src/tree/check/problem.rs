//! A mistake whose place the caller knows.

use crate::diag::{Code, Diagnostic, Place};

/// Says what is wrong with one value; the caller, who read it, knows where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which kind of mistake.
    pub code: Code,
    /// One terse line, a lower-case fragment that names the object.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Problem {
    /// Describes a mistake.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: help.into(),
        }
    }

    /// Makes it a diagnostic at the place of the value.
    #[must_use]
    pub fn at(self, place: Place) -> Diagnostic {
        Diagnostic::new(self.code, self.message, self.help).at(place, "")
    }
}
