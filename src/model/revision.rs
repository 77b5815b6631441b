//! The revision of a whitelabel document.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names one state of a whitelabel document and of its attachments (W15).
///
/// It moves with every write, also with one that changes nothing (W17), so it is a precondition and
/// a cache key, never a content hash.
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
