//! A resolved place.

use std::fmt;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::diag::{Place, SourceMap};

/// A resolved place, for people and machines without a source map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// Path relative to the root of the tree.
    pub file: Utf8PathBuf,
    /// Line number, from 1.
    pub line: u32,
    /// Column number in characters, from 1.
    pub column: u32,
}

impl Origin {
    /// Resolves a place.
    #[must_use]
    pub fn of(place: Place, sources: &SourceMap) -> Self {
        let position = sources.position(place);
        Self {
            file: sources.path(place).to_owned(),
            line: position.line,
            column: position.column,
        }
    }
}

/// Writes `file:line:column`, which editors and terminals can follow. The path may contain any character.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
