//! What keeping the drift of an account would change in the tree.

use serde::{Deserialize, Serialize};

use crate::model::Digest;

/// What keeping the drift of an account would change in the tree. [`super::super::PublishedStatus::patch`] has the
/// change itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// The digest of the patch; absent when nothing of the drift can be declared, or when it is too large to show.
    pub patch: Option<Digest>,
    /// Number of files that change.
    pub files: usize,
    /// What is left out, and other remarks. May contain any character.
    pub notes: Vec<String>,
    /// The pull request that proposes it.
    pub pull: Option<KeepingPull>,
    /// Why there is no patch, or no pull request although one is wanted, with what to do. May contain any character.
    pub problem: Option<String>,
}

/// A pull request that proposes to keep drift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepingPull {
    /// Its number.
    pub number: u64,
    /// Where people look at it.
    pub link: Option<String>,
    /// Whether a person closed it for this very change, so that it stays closed.
    pub is_declined: bool,
}
