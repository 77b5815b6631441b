//! A mistake whose place the caller knows.

use crate::diag::{Code, Diagnostic, Place};
use crate::tree::edit;

/// Says what is wrong with one value; the caller, who read it, knows where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which kind of mistake.
    pub code: Code,
    /// One terse line, a lower-case fragment that names the object.
    pub message: String,
    /// What to do.
    pub help: String,
    /// The text to write in place of the value, or of the key, where only one can be meant.
    pub instead: Option<String>,
}

impl Problem {
    /// Describes a mistake.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: help.into(),
            instead: None,
        }
    }

    /// Says which text to write in place of the value, or of the key; for mistakes where nothing else can be meant.
    #[must_use]
    pub fn instead(mut self, text: impl Into<String>) -> Self {
        self.instead = Some(text.into());
        self
    }

    /// Takes back which text to write: what was judged is a part of what stands at the place.
    #[must_use]
    pub fn of_part(mut self) -> Self {
        self.instead = None;
        self
    }

    /// Makes it a diagnostic at the place of the value.
    #[must_use]
    pub fn at(self, place: Place) -> Diagnostic {
        let diagnostic = Diagnostic::new(self.code, self.message, self.help).at(place, "");
        match self.instead {
            Some(text) => diagnostic.mended_by(place, edit::key(&text)),
            None => diagnostic,
        }
    }
}
