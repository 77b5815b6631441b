//! How long a lease has stood unchanged.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// Which version of each lease was seen last, and when it was first seen, by lease name.
///
/// A living holder renews its lease, so one that did not change for its whole term has expired, whatever the clock of its
/// holder says.
#[derive(Debug, Default)]
pub(super) struct Unchanged(BTreeMap<String, (String, Timestamp)>);

impl Unchanged {
    /// Returns for how long a lease is known to have had this version.
    pub(super) fn duration(&mut self, name: &str, version: &str, now: Timestamp) -> SignedDuration {
        let seen = self.0.entry(name.to_owned());
        let seen = seen.or_insert_with(|| (version.to_owned(), now));
        if seen.0 != version {
            *seen = (version.to_owned(), now);
        }
        now.duration_since(seen.1)
    }
}
