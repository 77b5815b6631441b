//! The Git refs beside a tree: what was applied last, and what incomplete runs have written since.

use jiff::Timestamp;

use super::advance::Advance;
use crate::apply::remote::{GitError, Remote};
use crate::apply::{AppliedRef, AuditRef, Complete, Recall, Recalled, Written, WrittenRef};
use crate::diff::WrittenParts;
use crate::model::Shard;
use crate::tree::{Base, Desired, Known};

/// The refs of one cluster, as one run over it, or over one shard, uses them.
///
/// A run announces what it may write before it writes, and records afterwards what it did. So if it is killed, neither
/// it nor another host takes its writes for manual edits.
#[derive(Debug)]
pub struct BaseRefs {
    applied: AppliedRef,
    /// Absent while the base is not trusted: a record of writes is no more trustworthy than the base that it extends.
    written: Option<WrittenRef>,
    /// The commit of the base, if it is trusted.
    base: Option<String>,
    shard: Option<Shard>,
    /// Whether the refs of the remote are moved too.
    push: bool,
    /// Whether the refs hold what was only announced.
    is_announced: bool,
    /// The record that could not be sent, such as while the remote was away.
    unsent: Option<Written>,
}

/// The base, and the tree that a run leads to: what both declare alike need not be recorded.
#[derive(Clone, Copy, Debug)]
pub struct Trees<'a> {
    /// The tree of the base.
    pub base: &'a Desired,
    /// The tree that the run leads to.
    pub desired: &'a Desired,
}

impl BaseRefs {
    /// Names the refs; reads nothing yet.
    #[must_use]
    pub fn new(applied: AppliedRef) -> Self {
        Self {
            applied,
            written: None,
            base: None,
            shard: None,
            push: false,
            is_announced: false,
            unsent: None,
        }
    }

    /// Moves them for runs over one shard, or over the whole cluster, on the remote too if `push` is set.
    #[must_use]
    pub fn for_runs(self, shard: Option<Shard>, push: bool) -> Self {
        Self {
            shard,
            push,
            ..self
        }
    }

    /// Returns the commit of the base, if it is known and trusted.
    #[must_use]
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// Returns the remote, if there is one.
    #[must_use]
    pub fn remote(&self) -> Option<&Remote> {
        self.applied.remote()
    }

    /// Returns the ref that keeps the heads of audit logs.
    #[must_use]
    pub fn audit(&self) -> AuditRef {
        self.applied.audit(self.push)
    }

    /// Reads the base, from the remote if `ask` is set; what `known` already has is not read again. It must be in the
    /// history of `revision`, or of `HEAD` when there is none.
    ///
    /// # Errors
    /// When Git cannot read the refs of this clone.
    pub async fn read(
        &mut self,
        revision: Option<&str>,
        known: Option<Known<'_>>,
        ask: bool,
    ) -> Result<Base, GitError> {
        self.applied = self.applied.clone().at(revision);
        let base = if ask {
            self.applied.fetch(known).await
        } else {
            self.applied.recall(known).await?
        };
        let before = self.base.take();
        self.base = match &base {
            // If the remote does not answer, the value seen before counts.
            Base::NotFetched { .. } => before.clone(),
            other => other.proven().map(str::to_owned),
        };
        if base.refusal().is_some() {
            self.written = None;
        } else if self.written.is_none() || self.base != before {
            self.written = Some(self.applied.written());
            self.is_announced = false;
            self.unsent = None;
        }
        Ok(base)
    }

    /// Reads what incomplete runs have written since the base that was read.
    pub async fn recall(
        &mut self,
        revision: Option<&str>,
        known: Option<Known<'_>>,
        ask: bool,
    ) -> Recalled {
        let Some(written) = &mut self.written else {
            return Recalled::default();
        };
        let recall = Recall {
            base: self.base.as_deref(),
            revision,
            only: self.applied.selection(),
            known,
            ask,
        };
        written.recall(recall).await
    }

    /// Iterates over the commits that something was written from since the base, with what was written.
    pub fn written(&self) -> impl Iterator<Item = (&String, &WrittenParts)> {
        self.written.iter().flat_map(WrittenRef::commits)
    }

    /// Returns what this run, or others before it, wrote since the base, sent or not; `None` while the base is not trusted.
    fn known(&self) -> Option<Written> {
        let recorded = self.written.as_ref()?.known(self.shard, self.base());
        Some(self.unsent.clone().unwrap_or(recorded))
    }

    /// Records what a run may write of a commit, before it writes.
    ///
    /// # Errors
    /// When Git cannot move the ref, or somebody else did.
    pub async fn announce(
        &mut self,
        commit: &str,
        mut parts: WrittenParts,
        trees: Option<Trees<'_>>,
    ) -> Result<(), GitError> {
        let (Some(known), Some(written)) = (self.known(), &mut self.written) else {
            return Ok(());
        };
        if known.is_empty()
            && let Some(trees) = trees
        {
            parts.leave_known(trees.base, trees.desired);
        }
        if parts.is_empty() || (known.is_empty() && self.base.as_deref() == Some(commit)) {
            return Ok(());
        }
        let announced = known.and(commit, parts);
        self.is_announced = true;
        let now = Timestamp::now();
        written
            .announce(self.shard, &announced, now, self.push)
            .await
    }

    /// Records what a restore is about to write, beside the commit of the tree that it leaves behind.
    ///
    /// Each value counts only while it is live, so that the record needs no correction if the restore fails.
    ///
    /// # Errors
    /// When Git cannot move the ref, or somebody else did.
    pub async fn restore(&mut self, commit: &str, parts: WrittenParts) -> Result<(), GitError> {
        let (Some(known), Some(written)) = (self.known(), &mut self.written) else {
            return Ok(());
        };
        let now = known.and(commit, parts);
        written
            .keep(self.shard, now, Timestamp::now(), self.push)
            .await
    }

    /// Records what a run wrote of a commit that it did not apply completely; replaces what was announced.
    ///
    /// # Errors
    /// When Git cannot move the ref, or somebody else did.
    pub async fn remember(
        &mut self,
        commit: &str,
        mut parts: WrittenParts,
        trees: Option<Trees<'_>>,
    ) -> Result<(), GitError> {
        let (Some(known), Some(written)) = (self.known(), &mut self.written) else {
            return Ok(());
        };
        let mut before = known.clone();
        if let Some(trees) = trees {
            let same = parts.take_known(trees.base, trees.desired);
            same.accounts.iter().for_each(|name| before.forget(name));
            if same.template {
                before.forget_template();
            }
        }
        if before.is_empty() && self.base.as_deref() == Some(commit) {
            parts = WrittenParts::default();
        }
        let now = before.and(commit, parts);
        if now == known && !self.is_announced && self.unsent.is_none() {
            return Ok(());
        }
        self.is_announced = false;
        let kept = written.keep(self.shard, now.clone(), Timestamp::now(), self.push);
        let kept = kept.await;
        // Where another run wrote in the meantime, its record stands.
        let is_lost = matches!(kept, Err(ref error) if !matches!(error, GitError::Moved));
        self.unsent = is_lost.then_some(now);
        kept
    }

    /// Returns whether a record waits to be sent.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.unsent.is_some()
    }

    /// Returns what stands in the refs of this run, to tell later whether somebody else wrote since; `None` for nothing.
    #[must_use]
    pub fn recorded(&self) -> Option<&str> {
        self.written.as_ref()?.seen(self.shard)
    }

    /// Makes a completely applied commit the base; for a shard, once the others have applied it, too.
    pub async fn complete(&mut self, commit: &str) -> Advance {
        let base = self.base.as_deref();
        let completed = self.applied.complete(self.shard, (commit, base), self.push);
        match completed.await {
            Ok(Complete::Whole) => {
                self.base = Some(commit.to_owned());
                // A base that was not trusted is replaced, and what is written on top of this one is recorded again.
                self.written.get_or_insert_with(|| self.applied.written());
                Advance::Base {
                    commit: commit.to_owned(),
                }
            }
            Ok(Complete::Waits(shards)) => Advance::Waits {
                commit: commit.to_owned(),
                shards,
            },
            Ok(Complete::Moved) => Advance::Moved,
            Err(error) => Advance::Failed(error),
        }
    }

    /// Looks up the remote's base, without reading its commit, before it is moved. If that fails, the value seen before
    /// counts.
    pub async fn look(&mut self) {
        self.applied.look().await;
    }

    /// Deletes the record of what incomplete runs wrote: the base covers it.
    ///
    /// # Errors
    /// When Git cannot delete a ref.
    pub async fn forget_written(&mut self) -> Result<(), GitError> {
        self.is_announced = false;
        self.unsent = None;
        let (Some(written), Some(base)) = (&mut self.written, &self.base) else {
            return Ok(());
        };
        written.clear(base, self.push).await?;
        let known = written.known(self.shard, Some(base));
        let rest = known.clone().without_restored();
        if rest == known {
            return Ok(());
        }
        written
            .keep(self.shard, rest, Timestamp::now(), self.push)
            .await
    }
}
