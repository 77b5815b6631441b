//! Notes about an import.

use crate::diag::{Code, Diagnostic};
use crate::model::AccountName;
use crate::tree::check::Problem;

/// A note on why something live is not declared in the tree, or on anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The account's folder name, if the note is about an account.
    pub account: Option<AccountName>,
    /// The subject, such as `whitelabel.nav.help`.
    pub about: Option<String>,
    /// The reason, and what to do.
    pub reason: Reason,
    /// Whether the subject was left undeclared for this reason.
    pub left: bool,
}

/// A reason, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// The code of the mistake that the tree's checks would report, if any.
    pub code: Option<Code>,
    /// One terse line.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Reason {
    /// Creates a reason without a diagnostic code.
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code: None,
            message: message.into(),
            help: help.into(),
        }
    }
}

impl From<Problem> for Reason {
    fn from(problem: Problem) -> Self {
        Self {
            code: Some(problem.code),
            message: problem.message,
            help: problem.help,
        }
    }
}

impl From<&Diagnostic> for Reason {
    fn from(diagnostic: &Diagnostic) -> Self {
        Self {
            code: Some(diagnostic.code),
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
        }
    }
}
