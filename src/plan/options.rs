//! What a plan is made for: the lifted guards, the time, and the part of the tree.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::RefusalKind;
use crate::model::{AccountName, Identity, Shard};
use crate::tree::Selection;

/// The options of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The guards that are lifted for this plan; they must be lifted again when it is applied. With
    /// [`RefusalKind::Prune`], whole whitelabels may be deleted. What else needs permission to be removed,
    /// `policy.remove` says.
    pub allow: BTreeSet<RefusalKind>,
    /// Whether nothing is removed, as if `policy.remove` were `never` for this run.
    pub no_remove: bool,
    /// The current time, for freezes.
    pub now: Timestamp,
    /// The part of the tree to plan for.
    pub part: Part,
}

/// The part of a tree that a plan covers; by default the whole tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The number of accounts of the tree that are not covered.
    pub left_out: u32,
    /// The selection of accounts, unless all are covered.
    pub selection: Option<Selection>,
    /// The accounts of the tree that somebody did not name, where others were named.
    pub unchosen: BTreeMap<Identity, AccountName>,
    /// The commit since which the covered accounts changed.
    pub since: Option<String>,
    /// The planning shard and its siblings; absent without shards.
    pub siblings: Option<Siblings>,
}

impl Part {
    /// Returns whether the plan is for accounts that somebody named, and for nothing beside them.
    #[must_use]
    pub fn is_chosen(&self) -> bool {
        self.selection.is_some() && self.since.is_none() && self.siblings.is_none()
    }

    /// Returns whether the domain template belongs to the part: to the whole tree and to its first shard.
    #[must_use]
    pub fn covers_template(&self) -> bool {
        let first = |siblings: &Siblings| siblings.shard.is_first();
        self.siblings.as_ref().is_none_or(first) && !self.is_chosen()
    }
}

/// One shard of a tree, and what it knows about the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Siblings {
    /// The planning shard. The template belongs to the first shard.
    pub shard: Shard,
    /// The number of accounts that all shards cover together.
    pub accounts: u32,
    /// The accounts of the tree that belong to other shards.
    pub elsewhere: BTreeMap<Identity, Sibling>,
}

/// An account of the tree that another shard plans for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sibling {
    /// Its folder name.
    pub name: AccountName,
    /// The shard that plans for it.
    pub shard: Shard,
}

impl Options {
    /// Returns whether a guard is lifted.
    pub(super) fn allows(&self, kind: RefusalKind) -> bool {
        self.allow.contains(&kind)
    }
}
