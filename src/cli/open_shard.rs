//! One shard of a loaded tree.

use crate::model::{Digest, Shard, count_of};
use crate::plan::Cut;

/// One shard of a loaded tree.
pub(crate) struct OpenShard {
    pub(super) shard: Shard,
    /// The digest of the whole tree.
    pub(super) tree: Digest,
    pub(super) cut: Cut,
}

impl OpenShard {
    /// Returns notes about this shard: what it plans for other shards, and what it leaves to them.
    pub(super) fn notes(&self, looked_at: usize) -> Vec<String> {
        let share = self.cut.share();
        let all = self.cut.siblings().accounts;
        let why = "a domain passes between accounts of both";
        let taken = share.taken.iter();
        let taken = taken.map(|(it, home)| format!("{it} of shard {home} is planned here: {why}"));
        let given = share.given.iter();
        let given = given.map(|(it, owner)| format!("{it} is left to shard {owner}: {why}"));
        let this = format!(
            "this is shard {}: {}",
            self.shard,
            count_of(looked_at, all as usize, "account")
        );
        std::iter::once(this).chain(taken).chain(given).collect()
    }
}
