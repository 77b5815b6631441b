//! Changes as lines of plain text, for those who draw them themselves.

use super::row;
use crate::diff::{Cause, Change};
use crate::tree::Origin;

/// One line of a comparison. The texts are safe to show on one line; they are escaped for no format.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What differs, as the tree spells it.
    pub key: String,
    /// The live side; absent when it is not there.
    pub before: Option<String>,
    /// The side that the tree wants; absent when it must not be there.
    pub after: Option<String>,
    /// Why they differ.
    pub cause: Cause,
    /// Where the tree declares it.
    pub origin: Option<Origin>,
}

/// Returns the lines that say some changes.
#[must_use]
pub fn lines(changes: &[Change]) -> Vec<Line> {
    row::rows(changes)
        .into_iter()
        .map(|row| Line {
            before: row.text(&row.before),
            after: row.text(&row.after),
            key: row.key,
            cause: row.cause,
            origin: row.origin,
        })
        .collect()
}
