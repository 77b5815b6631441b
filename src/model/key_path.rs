//! The path of a key inside a document.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The path of a key in a whitelabel document, such as `nav.help`.
///
/// A dot inside a segment is written `%2E` and a percent sign `%25`, as the server does in its
/// validation errors (E22). Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyPath(Arc<str>);

impl KeyPath {
    /// Builds a path from its segments, outermost first.
    pub fn from_segments<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Self {
        let mut path = String::new();
        for (number, segment) in segments.into_iter().enumerate() {
            if number > 0 {
                path.push('.');
            }
            for character in segment.as_ref().chars() {
                match character {
                    '.' => path.push_str("%2E"),
                    '%' => path.push_str("%25"),
                    other => path.push(other),
                }
            }
        }
        Self(path.into())
    }

    /// Parses the escaped, dotted form that [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(dotted: &str) -> Self {
        Self(dotted.into())
    }

    /// Returns the segments, outermost first, unescaped.
    pub fn segments(&self) -> impl Iterator<Item = String> + '_ {
        self.0
            .split('.')
            .map(|segment| segment.replace("%2E", ".").replace("%25", "%"))
    }

    /// Returns this path extended by one segment.
    #[must_use]
    pub fn child(&self, segment: &str) -> Self {
        let segment = Self::from_segments([segment]);
        Self(format!("{}.{}", self.0, segment.0).into())
    }

    /// Returns the escaped, dotted form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this path equals `other` or is below it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0
            .strip_prefix(&*other.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl From<&str> for KeyPath {
    fn from(dotted: &str) -> Self {
        Self::parse(dotted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_round_trip() {
        #[track_caller]
        fn check(segments: &[&str], dotted: &str) {
            let path = KeyPath::from_segments(segments);
            assert_eq!(path.as_str(), dotted);
            assert_eq!(path.segments().collect::<Vec<_>>(), segments);
        }
        check(&["nav", "help"], "nav.help");
        check(&["appLinks", "https://a.b"], "appLinks.https://a%2Eb");
        check(&["a%2E"], "a%252E");
        check(&["", "a"], ".a");
        check(&["a", "", ""], "a..");
    }
}
