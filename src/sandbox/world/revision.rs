//! Revisions as CouchDB counts them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Digest;

/// Names one state of a stored document: `N-hex`, where N grows by one with each write and goes on
/// after a deletion (S1).
///
/// The digits follow from the document's name and all that was written, so that a run can be repeated exactly, and two
/// worlds with another content do not share a revision; like CouchDB's they say nothing to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRevision {
    seed: String,
    generation: u64,
}

impl StoredRevision {
    /// Starts before the first write of the document with that name.
    #[must_use]
    pub fn before_first(name: &str) -> Self {
        Self {
            seed: name.to_owned(),
            generation: 0,
        }
    }

    /// Moves on by one write.
    pub fn step(&mut self) {
        self.generation += 1;
    }

    /// Moves on by one write of that content.
    pub fn step_to(&mut self, content: &Digest) {
        self.step();
        self.seed = Digest::of(format!("{} {content}", self.seed).as_bytes()).to_string();
    }

    /// Returns the number of writes so far.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

impl fmt::Display for StoredRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = Digest::of(format!("{} {}", self.seed, self.generation).as_bytes());
        let hex = digest.as_str();
        write!(f, "{}-{}", self.generation, hex.get(..32).unwrap_or(hex))
    }
}
