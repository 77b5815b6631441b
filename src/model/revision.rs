//! The revision of a whitelabel document.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The revision of a whitelabel document and its attachments (W15).
///
/// It changes with every write, even one that has no effect (W17), so it serves as a precondition and a cache key,
/// never as a content hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(String);

impl Revision {
    /// Wraps the server's spelling, such as `3-0bd693e2b934a1d3b0dd6d07f7986030`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the server's spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the strong entity tag for `If-Match` and `If-None-Match`; weak tags never match (W15).
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
