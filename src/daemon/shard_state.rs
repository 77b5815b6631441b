//! The state of a daemon's shard.

use crate::plan::Part;

/// The state of a daemon's shard.
#[derive(Clone, Debug, Default)]
pub(super) struct ShardState {
    /// The part of the tree that plans are about.
    pub(super) part: Part,
    /// The commit that was recorded as applied in this shard.
    pub(super) noted: Option<String>,
    /// The commits of the tree and of the base for which the shard was cut.
    pub(super) cut_for: (Option<String>, Option<String>),
}
