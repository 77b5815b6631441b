//! Sharding: the part of a tree that this daemon reconciles while other daemons reconcile the rest.

use std::sync::{Arc, OnceLock};

use super::controller::Controller;
use super::shard_state::ShardState;
use super::source::SourceRevision;
use super::zones::Templates;
use crate::plan::{Cut, Part};
use crate::tree::Base;

impl Controller {
    /// Cuts a tree down to this daemon's shard. All daemons use the base that the ref names, because all of them see
    /// that one. So while a commit passes domains between accounts of several shards, one daemon executes it, and
    /// afterwards each has its own accounts again.
    ///
    /// Returns whether the tree can be adopted.
    pub(super) async fn take_share(&mut self, revision: &mut SourceRevision) -> bool {
        let Some(shard) = self.setup.shard else {
            return true;
        };
        if let Some(reference) = self.reference.take() {
            self.reference = Some(reference.at(revision.id()));
        }
        let Some(loaded) = Arc::get_mut(&mut revision.loaded) else {
            tracing::error!("somebody else holds the tree, so it cannot be divided");
            return false;
        };
        revision.tree = OnceLock::new();
        let base = match &mut self.reference {
            Some(reference) if self.setup.push => Some(reference.fetch(None).await),
            Some(reference) => reference.recall(None).await.ok(),
            None => None,
        };
        self.conditions.untrusted_base = base.as_ref().and_then(Base::refusal);
        if let Some(Base::Known { commit, .. }) = &base {
            self.applied = Some(commit.clone());
        }
        let mut base = base.as_ref().and_then(Base::desired).cloned();
        let cut = Cut::new(shard, &mut loaded.desired, base.as_mut());
        let mut elsewhere = None;
        if !shard.is_first() {
            // The first shard writes the template; see [`Shard::is_first`].
            let now = loaded.desired.template.take();
            revision.template_elsewhere.clone_from(&now);
            let before = base.as_mut().and_then(|base| base.template.take());
            elsewhere = Some(Templates { now, before });
        }
        let commit = revision.id().map(str::to_owned);
        let cut_for = (commit, self.applied.clone());
        // The daemon's own base, object by object, is newer than the ref.
        if self.shard_state.part.siblings.is_none() || self.shard_state.cut_for != cut_for {
            self.base = base;
        } else if let (Some(new), Some(known)) = (&mut elsewhere, self.zones.elsewhere.take()) {
            new.before = known.before;
        }
        self.zones.elsewhere = elsewhere;
        let left_out = cut.elsewhere().len();
        self.shard_state = ShardState {
            part: Part {
                left_out: u32::try_from(left_out).unwrap_or(u32::MAX),
                siblings: Some(cut.siblings()),
                ..Part::default()
            },
            noted: None,
            cut_for,
        };
        true
    }
}
