//! Revisions in the style of CouchDB.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Digest;

/// The revision of a stored document: `N-hex`, where N increases by one with each write and continues after a deletion
/// (S1).
///
/// The digits are derived from the document's name and all previous writes, so that runs are reproducible and worlds
/// with different contents never share a revision. As in CouchDB, they are opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRevision {
    seed: String,
    generation: u64,
}

impl StoredRevision {
    /// Returns the revision before the first write of the document with this name.
    #[must_use]
    pub fn before_first(name: &str) -> Self {
        Self {
            seed: name.to_owned(),
            generation: 0,
        }
    }

    /// Advances the revision by one write.
    pub fn step(&mut self) {
        self.generation += 1;
    }

    /// Advances the revision by one write of this content.
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
