//! Cuts a tree to one shard, and follows domains beyond it.

use super::failure::Failure;
use super::open_shard::OpenShard;
use super::platform::Platform;
use super::tree::OpenTree;
use crate::live::Live;
use crate::model::Shard;
use crate::plan::{Cut, Siblings};
use crate::report::ShardFacts;
use crate::tree::{Desired, Selection, SharedAccount};

/// Cuts a whole tree and its base to what one shard plans for.
pub(crate) fn divide(tree: &mut OpenTree, base: Option<&mut Desired>, shard: Shard) {
    let desired = &mut tree.loaded.desired;
    tree.shard = Some(OpenShard {
        shard,
        tree: desired.digest(),
        cut: Cut::new(shard, desired, base),
    });
}

/// Follows domains to accounts of other shards, and reads those too; then cuts the tree to what the shard plans for.
/// Sends no request if no domain passes between shards.
pub(crate) async fn follow_domains(
    tree: &mut OpenTree,
    base: Option<&mut Desired>,
    platform: &Platform,
    live: &mut Live,
) -> Result<(), Failure> {
    let desired = &mut tree.loaded.desired;
    let Some(OpenShard { cut, .. }) = &mut tree.shard else {
        return Ok(());
    };
    while let Some((more, before)) = cut.still_to_read(live, desired, base.as_deref()) {
        let found = platform.collect_more(&more, before.as_ref()).await?;
        live.holders.extend(found.holders);
        live.accounts.extend(found.accounts);
        live.departed.extend(found.departed);
        live.fresh.extend(found.fresh);
        if more.accounts.is_empty() {
            // Accounts that are gone from the platform cannot be read again.
            break;
        }
    }
    cut.by_live(live, desired, base);
    Ok(())
}

impl OpenTree {
    /// Returns the accounts of the tree that other shards read.
    pub(crate) fn elsewhere(&self) -> &[SharedAccount] {
        self.shard.as_ref().map_or(&[], |open| open.cut.elsewhere())
    }

    /// Returns the accounts that are read, if not all are.
    pub(crate) fn selection(&self) -> Option<Selection> {
        let accounts = || self.loaded.desired.accounts.iter();
        match &self.shard {
            Some(_) => Some(Selection(accounts().map(|it| it.name.clone()).collect())),
            None => self.loaded.selection.clone(),
        }
    }

    /// Returns the shards that plan for the rest of the tree.
    pub(crate) fn siblings(&self) -> Option<Siblings> {
        Some(self.shard.as_ref()?.cut.siblings())
    }

    /// Returns the facts for the report of a shard whose tree has errors, and is not cut.
    pub(crate) fn part_facts(&self, shard: Shard) -> ShardFacts {
        let desired = &self.loaded.desired;
        ShardFacts {
            shard,
            accounts: u32::try_from(desired.accounts.len()).unwrap_or(u32::MAX),
            tree: desired.digest(),
            notes: Vec::new(),
        }
    }

    /// Returns the facts about the shard for a report.
    pub(crate) fn shard_facts(&self) -> Option<ShardFacts> {
        let open = self.shard.as_ref()?;
        Some(ShardFacts {
            shard: open.shard,
            accounts: open.cut.siblings().accounts,
            tree: open.tree.clone(),
            notes: open.notes(self.loaded.desired.accounts.len()),
        })
    }
}
