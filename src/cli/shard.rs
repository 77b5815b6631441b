//! Looking at one shard of a tree, and at what beyond it domains lead to.

use super::failure::Failure;
use super::platform::Platform;
use super::tree::OpenTree;
use crate::live::Live;
use crate::model::{Digest, Shard, count_of};
use crate::plan::{Cut, Siblings};
use crate::report::ShardFacts;
use crate::tree::{Desired, Selection, SharedAccount};

/// One shard of a tree.
pub(crate) struct OpenShard {
    shard: Shard,
    /// The digest of the whole.
    tree: Digest,
    cut: Cut,
}

/// Leaves of a whole tree, and of its base, what one shard plans for.
pub(crate) fn divide(tree: &mut OpenTree, base: Option<&mut Desired>, shard: Shard) {
    let desired = &mut tree.loaded.desired;
    tree.shard = Some(OpenShard {
        shard,
        tree: desired.digest(),
        cut: Cut::new(shard, desired, base),
    });
}

/// Follows domains from what the shard has read to accounts of other shards, and reads those too; then leaves what the
/// shard plans for. Costs no request where no domain passes from one shard to another.
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
        if more.accounts.is_empty() {
            // What is gone from the platform is not read, however often.
            break;
        }
    }
    cut.by_live(live, desired, base);
    Ok(())
}

impl OpenShard {
    /// Says which part this is, what of the others' it plans for, and what it leaves to them.
    fn notes(&self, looked_at: usize) -> Vec<String> {
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

impl OpenTree {
    /// Returns the accounts of the tree that another shard reads.
    pub(crate) fn elsewhere(&self) -> &[SharedAccount] {
        self.shard.as_ref().map_or(&[], |open| open.cut.elsewhere())
    }

    /// Says which of its accounts are looked at, when not all are.
    pub(crate) fn selection(&self) -> Option<Selection> {
        let accounts = || self.loaded.desired.accounts.iter();
        match &self.shard {
            Some(_) => Some(Selection(accounts().map(|it| it.name.clone()).collect())),
            None => self.loaded.selection.clone(),
        }
    }

    /// Says who plans for the rest of the tree.
    pub(crate) fn siblings(&self) -> Option<Siblings> {
        Some(self.shard.as_ref()?.cut.siblings())
    }

    /// Gives a report its facts about a shard of a tree that has errors, and is not divided.
    pub(crate) fn part_facts(&self, shard: Shard) -> ShardFacts {
        let desired = &self.loaded.desired;
        ShardFacts {
            shard,
            accounts: u32::try_from(desired.accounts.len()).unwrap_or(u32::MAX),
            tree: desired.digest(),
            notes: Vec::new(),
        }
    }

    /// Gives a report its facts about the shard.
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
