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

    /// Returns whether this revision is the other one, or came later: the number before the dash counts the writes,
    /// also across a deletion (S1). Two of one number are of different histories, and neither came later.
    #[must_use]
    pub fn is_as_new_as(&self, other: &Self) -> bool {
        let number =
            |revision: &Self| -> Option<u64> { revision.0.split('-').next()?.parse().ok() };
        self == other
            || matches!((number(self), number(other)), (Some(own), Some(other)) if own > other)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_of_two_came_later() {
        #[track_caller]
        fn check(one: &str, other: &str, expected: bool) {
            let found = Revision::new(one).is_as_new_as(&Revision::new(other));
            assert_eq!(found, expected, "{one} {other}");
        }
        check("3-aa", "3-aa", true);
        check("10-aa", "9-ff", true);
        check("9-ff", "10-aa", false);
        check("3-aa", "3-bb", false);
        check("3-aa", "opaque", false);
        check("opaque", "3-aa", false);
        check("opaque", "opaque", true);
    }
}
