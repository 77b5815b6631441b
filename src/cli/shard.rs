//! Looking at one shard of a tree: what is cut out of it, and what is read beyond that.

use std::collections::{BTreeMap, BTreeSet};

use super::failure::Failure;
use super::platform::Platform;
use super::tree::OpenTree;
use crate::live::Live;
use crate::model::{AccountName, Digest, Shard};
use crate::plan::{Division, Share, Siblings};
use crate::report::ShardFacts;
use crate::tree::{BaseAccounts, Desired, DesiredAccount, Selection};

/// A shard, and what of its tree is the others'.
pub(crate) struct OpenShard {
    shard: Shard,
    /// How many accounts all shards look at together.
    accounts: u32,
    /// The digest of the whole.
    tree: Digest,
    division: Division,
    share: Share,
    /// The accounts that are not this one's, and those of the base.
    elsewhere: Vec<DesiredAccount>,
    base_elsewhere: Vec<DesiredAccount>,
}

/// Leaves of a whole tree, and of its base, what one shard plans for as far as files tell.
pub(crate) fn divide(tree: &mut OpenTree, mut base: Option<&mut Desired>, shard: Shard) {
    let desired = &mut tree.loaded.desired;
    let division = Division::new(shard, desired, base.as_deref());
    let mut open = OpenShard {
        shard,
        accounts: u32::try_from(desired.accounts.len()).unwrap_or(u32::MAX),
        tree: desired.digest(),
        share: Share::default(),
        elsewhere: Vec::new(),
        base_elsewhere: Vec::new(),
        division,
    };
    let share = open.division.by_files();
    open.cut(desired, base.as_deref_mut(), share);
    tree.shard = Some(open);
}

/// Follows domains from what the shard has read to accounts of other shards, and reads those too; then leaves of the
/// tree, of its base and of what was read what the shard plans for. Costs nothing where no domain passes from one
/// account to another.
pub(crate) async fn follow_domains(
    tree: &mut OpenTree,
    base: Option<&mut Desired>,
    platform: &Platform,
    live: &mut Live,
) -> Result<(), Failure> {
    let Some(open) = &mut tree.shard else {
        return Ok(());
    };
    let desired = &mut tree.loaded.desired;
    let share = loop {
        let share = open.division.by_live(live);
        let (more, before) = open.still_to_read(&share, desired, base.as_deref());
        let is_news = before.as_ref().is_some_and(|base| !base.accounts.is_empty());
        if more.accounts.is_empty() && !is_news {
            break share;
        }
        let is_last = more.accounts.is_empty();
        let found = platform.collect_more(&more, before.as_ref()).await?;
        live.accounts.extend(found.accounts);
        live.departed.extend(found.departed);
        live.holders.extend(found.holders);
        if is_last {
            break share;
        }
    };
    live.accounts.retain(|name, _| share.accounts.contains(name));
    open.cut(desired, base, share);
    Ok(())
}

impl OpenShard {
    /// Divides the accounts anew.
    fn cut(&mut self, desired: &mut Desired, base: Option<&mut Desired>, share: Share) {
        let by_name = |one: &DesiredAccount, other: &DesiredAccount| one.name.cmp(&other.name);
        desired.accounts.append(&mut self.elsewhere);
        let all = std::mem::take(&mut desired.accounts);
        (desired.accounts, self.elsewhere) =
            (all.into_iter()).partition(|account| share.accounts.contains(&account.name));
        desired.accounts.sort_by(by_name);
        if let Some(base) = base {
            base.accounts.append(&mut self.base_elsewhere);
            let mut kept: BTreeSet<AccountName> = share.departed.clone();
            kept.extend(matched(desired, base));
            let all = std::mem::take(&mut base.accounts);
            (base.accounts, self.base_elsewhere) =
                (all.into_iter()).partition(|account| kept.contains(&account.name));
            base.accounts.sort_by(by_name);
        }
        self.share = share;
    }

    /// Gives the accounts that are still to be read, as a tree and a base of their own.
    fn still_to_read(
        &self,
        share: &Share,
        desired: &Desired,
        base: Option<&Desired>,
    ) -> (Desired, Option<Desired>) {
        let unread = |account: &&DesiredAccount| share.unread.contains(&account.name);
        let more = Desired {
            accounts: self.elsewhere.iter().filter(unread).cloned().collect(),
            ..without_accounts(desired)
        };
        let base = base.map(|base| {
            let is_new = |name: &AccountName| {
                share.departed.contains(name) && !self.share.departed.contains(name)
            };
            let mut wanted = Desired {
                accounts: self.base_elsewhere.clone(),
                ..without_accounts(base)
            };
            let kept: BTreeSet<AccountName> = matched(&more, &wanted).collect();
            (wanted.accounts).retain(|it| kept.contains(&it.name) || is_new(&it.name));
            wanted
        });
        (more, base)
    }

    /// Says which part this is, and what of the others' it does or leaves to them.
    fn notes(&self, looked_at: usize) -> Vec<String> {
        let mut notes = vec![format!(
            "this is shard {}: {looked_at} of {} accounts",
            self.shard, self.accounts
        )];
        let why = "a domain passes between accounts of both";
        let taken = self.share.taken.iter();
        notes.extend(taken.map(|(name, home)| {
            format!("{name} of shard {home} is planned here: {why}")
        }));
        let given = self.share.given.iter();
        notes.extend(given.map(|(name, owner)| {
            format!("{name} is left to shard {owner}: {why}")
        }));
        notes
    }
}

/// Names the accounts of a base that a tree still has.
fn matched(desired: &Desired, base: &Desired) -> impl Iterator<Item = AccountName> {
    let accounts = BaseAccounts::new(base);
    let names = desired.accounts.iter().filter_map(|it| accounts.find(it));
    names
        .map(|account| account.name.clone())
        .collect::<Vec<_>>()
        .into_iter()
}

fn without_accounts(tree: &Desired) -> Desired {
    Desired {
        cluster: tree.cluster.clone(),
        accounts: Vec::new(),
        template: None,
        policy: tree.policy.clone(),
    }
}

impl OpenTree {
    /// Returns the accounts of the tree that another shard reads.
    pub(crate) fn elsewhere(&self) -> &[DesiredAccount] {
        self.shard.as_ref().map_or(&[], |open| &open.elsewhere)
    }

    /// Says which of its accounts a shard looks at.
    pub(crate) fn selection(&self) -> Option<Selection> {
        let accounts = || self.loaded.desired.accounts.iter();
        match &self.shard {
            Some(_) => Some(Selection(accounts().map(|it| it.name.clone()).collect())),
            None => self.loaded.selection.clone(),
        }
    }

    /// Says who plans for the rest of the tree.
    pub(crate) fn siblings(&self) -> Option<Siblings> {
        let open = self.shard.as_ref()?;
        let elsewhere: BTreeMap<_, _> = (open.elsewhere.iter())
            .map(|account| (account.identity.value.clone(), account.name.clone()))
            .collect();
        Some(Siblings {
            shard: open.shard,
            accounts: open.accounts,
            elsewhere,
        })
    }

    /// Gives a report its facts about the shard.
    pub(crate) fn shard_facts(&self) -> Option<ShardFacts> {
        let open = self.shard.as_ref()?;
        Some(ShardFacts {
            shard: open.shard,
            accounts: open.accounts,
            tree: open.tree.clone(),
            notes: open.notes(self.loaded.desired.accounts.len()),
        })
    }
}
