//! What a reader should know of an import.

use crate::diag::{Code, Diagnostic};
use crate::model::AccountName;
use crate::tree::check::Problem;

/// Why something live is not declared in the tree, or what else is to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The account, by its folder; absent for what concerns none.
    pub account: Option<AccountName>,
    /// What it is about, such as `whitelabel.nav.help`.
    pub about: Option<String>,
    /// What is the matter.
    pub reason: Reason,
    /// Whether it was left undeclared for that.
    pub left: bool,
}

/// Why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// The mistake that the tree's checks would find, when it is one.
    pub code: Option<Code>,
    /// One terse line.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Reason {
    /// Gives a reason that is no mistake of a catalogue.
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
