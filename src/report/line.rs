//! Changes as lines of plain text, for callers that render them on their own.

use super::row;
use crate::diff::{Cause, Change};
use crate::tree::Origin;

/// One line of a comparison. The texts are safe to show on one line, but not escaped for any format.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What differs, as the tree spells it.
    pub key: String,
    /// The live side; `None` when it does not exist.
    pub before: Option<String>,
    /// The desired side; `None` when it must not exist.
    pub after: Option<String>,
    /// Why they differ.
    pub cause: Cause,
    /// Where the tree declares it.
    pub origin: Option<Origin>,
}

/// Returns the comparison lines for some changes.
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
