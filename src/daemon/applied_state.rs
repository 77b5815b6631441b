//! What was applied last, as far as the daemon knows it: found when it begins to lead, and moved by what it writes.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use super::assessment::{Assessment, settle};
use super::base::{BaseFile, RefValues};
use super::conditions::Conditions;
use super::setup::Setup;
use super::source::{Source, SourceRevision};
use super::zones::{ManagedZones, Templates};
use crate::apply::AuditRef;
use crate::apply::remote::GitError;
use crate::diff::{Differences, WrittenParts, WrittenTree, laid_over, without_records};
use crate::live::{Live, Reading};
use crate::model::ObjectName;
use crate::plan::{Cut, Part};
use crate::reconcile::{Advance, BaseRefs};
use crate::tree::{Base, Desired, Refusal};

/// What was applied last: the base, object by object, and where it is recorded.
#[derive(Default)]
pub(super) struct AppliedState {
    /// The base; absent when nothing of it is known.
    pub(super) base: Option<Desired>,
    /// Objects whose base was lost, so the origin of a difference is unknown.
    pub(super) without_base: BTreeSet<ObjectName>,
    /// The part of the tree that plans are about.
    pub(super) part: Part,
    /// The base on disk; absent before the first source revision, and for a shard.
    file: Option<BaseFile>,
    /// The refs beside the tree; absent where the source is no repository, and on another platform than the tree's.
    refs: Option<BaseRefs>,
    /// What killed runs may have written since the base: the next read of an object tells. Oldest first.
    perhaps: Vec<WrittenTree>,
    /// The commit that was recorded as applied in this daemon's shard.
    noted: Option<String>,
    /// The commits of the tree and of the base for which the shard was cut.
    cut_for: (Option<String>, Option<String>),
}

impl AppliedState {
    /// Finds the base: from the applied ref, and object by object from the daemon's own file.
    ///
    /// Returns the commit that the ref names, even when it cannot be the base because it is not in the history of
    /// `revision`: the caller must not adopt an older commit by accident. A commit without a required signature counts
    /// for nothing.
    ///
    /// # Errors
    /// When the remote does not say what was applied: it would be a guess whose a difference is (invariant 6).
    pub(super) async fn find(
        &mut self,
        revision: &SourceRevision,
        (setup, source): (&Setup, &Source),
        conditions: &mut Conditions,
    ) -> Result<Option<String>, String> {
        let mut state = Self::default();
        let named = state.search(revision, (setup, source), conditions).await?;
        *self = state;
        Ok(named)
    }

    async fn search(
        &mut self,
        revision: &SourceRevision,
        (setup, source): (&Setup, &Source),
        conditions: &mut Conditions,
    ) -> Result<Option<String>, String> {
        conditions.untrusted_base = None;
        let mut named = None;
        if setup.platform.is_none() {
            let from = (setup, source);
            named = self.read_refs(revision, from, conditions).await?;
        }
        if setup.shard.is_some() {
            // A shard takes its accounts and its base from the ref, which all shards see.
            return Ok(named);
        }
        let mut written = self.recall(revision, setup).await;
        let desired = &revision.loaded.desired;
        let platform = setup.platform_of(desired);
        let file = BaseFile::new(&setup.state, &desired.cluster.name, platform);
        match file.read(desired) {
            // If the ref names another commit, somebody else has applied since.
            Ok(Some(kept))
                if self.commit().is_none() || self.commit() == kept.commit.as_deref() =>
            {
                tracing::info!("what was applied last is known object by object");
                self.base = Some(kept.desired);
                let recorded = self.refs.as_ref().and_then(BaseRefs::recorded);
                if recorded == kept.recorded.as_deref() {
                    // Nobody else has written since, so the file is as new as the record.
                    written.clear();
                }
                let why = "it was lost before the last restart";
                self.lose(kept.without_base, why, conditions);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(path = %file.path(), %error, "what was applied last was kept, but cannot be used");
                if self.base.is_none() {
                    let why = format!("{}: {error}", file.path());
                    self.lose(desired.object_names(), &why, conditions);
                }
            }
        }
        self.file = Some(file);
        self.lay_over(written, desired, false, &Live::default());
        Ok(named)
    }

    /// Overlays the base with what runs have written since.
    fn lay_over(
        &mut self,
        mut written: Vec<WrittenTree>,
        desired: &Desired,
        is_part: bool,
        live: &Live,
    ) {
        without_records(&mut written, self.base.as_ref());
        let over = laid_over(self.base.as_ref(), &written, (desired, is_part), live);
        self.base = over.or(self.base.take());
    }

    /// Takes into the base what killed runs wrote to objects that were just read, and returns whether that was anything.
    pub(super) fn take_perhaps(
        &mut self,
        desired: &Desired,
        live: &Live,
        read: &BTreeSet<ObjectName>,
    ) -> bool {
        if self.perhaps.is_empty() {
            return false;
        }
        let is_known = |name: &&ObjectName| match name {
            ObjectName::Account(name) => {
                let found = live.accounts.get(name);
                found.is_some_and(|found| found.document.known().is_some())
            }
            ObjectName::Template => matches!(live.template, Some(Reading::Known(_))),
            ObjectName::Zone(_) => false,
        };
        let read: BTreeSet<ObjectName> = read.iter().filter(is_known).cloned().collect();
        let mut seen = Vec::new();
        for tree in &mut self.perhaps {
            let parts = tree.parts.take(&read);
            if !parts.is_empty() {
                seen.push(tree.with(parts));
            }
        }
        self.perhaps.retain(|tree| !tree.parts.is_empty());
        if seen.is_empty() {
            return false;
        }
        self.lay_over(seen, desired, self.part.siblings.is_some(), live);
        true
    }

    async fn read_refs(
        &mut self,
        revision: &SourceRevision,
        (setup, source): (&Setup, &Source),
        conditions: &mut Conditions,
    ) -> Result<Option<String>, String> {
        let cluster = &revision.loaded.desired.cluster.name;
        let reference = source.applied_ref(cluster);
        let Some(reference) = reference.map_err(|error| unknown(&error))? else {
            return Ok(None);
        };
        let refs = BaseRefs::new(reference).for_runs(setup.shard, setup.push);
        let refs = self.refs.insert(refs);
        let base = read(refs, revision.id(), setup).await?;
        conditions.untrusted_base = base.refusal();
        if let Some(refusal) = &conditions.untrusted_base {
            tracing::warn!("{refusal}");
        } else {
            tracing::info!("{}", base.explained());
        }
        self.base = base.desired().cloned();
        let is_unsigned = matches!(
            base,
            Base::Refused {
                why: Refusal::Unsigned { .. },
                ..
            }
        );
        let named = base.commit().filter(|_| !is_unsigned);
        Ok(named.map(str::to_owned))
    }

    /// Reads what incomplete runs have written since the base; what they may have written is kept apart.
    async fn recall(&mut self, revision: &SourceRevision, setup: &Setup) -> Vec<WrittenTree> {
        let Some(refs) = &mut self.refs else {
            return Vec::new();
        };
        let recalled = refs.recall(revision.id(), None, setup.push).await;
        for doubt in recalled.doubts {
            tracing::warn!("{doubt}");
        }
        let mut written = recalled.trees;
        self.perhaps = split_perhaps(&mut written);
        written
    }

    /// Marks objects whose base was lost, which people must decide on, and reports why.
    fn lose(&mut self, names: BTreeSet<ObjectName>, reason: &str, conditions: &mut Conditions) {
        conditions.base = Some(format!(
            "what was applied last is not known any more ({reason}); what differs now may be the tree's change or somebody's, and waits for an approval or a resync"
        ));
        self.without_base = names;
    }

    /// Cuts a tree down to the daemon's shard. All daemons use the base that the ref names, because all of them see
    /// that one. So while a commit passes domains between accounts of several shards, one daemon executes it, and
    /// afterwards each has its own accounts again.
    ///
    /// # Errors
    /// When the tree cannot be adopted: it cannot be divided, or the remote does not say what was applied.
    pub(super) async fn cut(
        &mut self,
        revision: &mut SourceRevision,
        setup: &Setup,
        zones: &mut ManagedZones,
        conditions: &mut Conditions,
    ) -> Result<(), String> {
        let Some(shard) = setup.shard else {
            return Ok(());
        };
        let id = revision.id().map(str::to_owned);
        let before = self.commit().map(str::to_owned);
        let base = match &mut self.refs {
            Some(refs) => Some(read(refs, id.as_deref(), setup).await?),
            None => None,
        };
        let written = self.recall(revision, setup).await;
        let Some(loaded) = Arc::get_mut(&mut revision.loaded) else {
            return Err("somebody else holds the tree, so it cannot be divided".to_owned());
        };
        revision.tree = OnceLock::new();
        conditions.untrusted_base = base.as_ref().and_then(Base::refusal);
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
        let is_same_base = self.part.siblings.is_some() && self.commit() == before.as_deref();
        let known = std::mem::replace(&mut self.base, base);
        self.lay_over(written, &loaded.desired, true, &Live::default());
        // The daemon's own base, object by object, is newer than what stands in the refs.
        if let Some(known) = known.filter(|_| is_same_base) {
            self.take_over(known, &loaded.desired);
        }
        let cut_for = (id, self.commit().map(str::to_owned));
        if self.part.siblings.is_some()
            && self.cut_for == cut_for
            && let (Some(new), Some(known)) = (&mut elsewhere, zones.elsewhere.take())
        {
            new.before = known.before;
        }
        zones.elsewhere = elsewhere;
        let left_out = cut.elsewhere().len();
        self.part = Part {
            left_out: u32::try_from(left_out).unwrap_or(u32::MAX),
            siblings: Some(cut.siblings()),
            ..Part::default()
        };
        self.noted = None;
        self.cut_for = cut_for;
        Ok(())
    }

    /// Takes over what is known of the objects of this shard; others belong to another shard by now.
    fn take_over(&mut self, known: Desired, desired: &Desired) {
        let Some(base) = &mut self.base else {
            self.base = Some(known);
            return;
        };
        for account in known.accounts {
            let name = account.name.clone();
            match base.account_mut(&name) {
                Some(there) => *there = account,
                None if desired.account(&name).is_some() => base.accounts.push(account),
                None => {}
            }
        }
        base.accounts.sort_by(|a, b| a.name.cmp(&b.name));
        if desired.template.is_some() && known.template.is_some() {
            base.template = known.template;
        }
    }

    /// Returns the commit of the base.
    fn commit(&self) -> Option<&str> {
        self.refs.as_ref()?.base()
    }

    /// Returns the ref that keeps the heads of audit logs; `None` where the source is no repository.
    pub(super) fn audit(&self) -> Option<AuditRef> {
        self.refs.as_ref().map(BaseRefs::audit)
    }

    /// Returns whether a record of writes waits to be sent.
    pub(super) fn is_behind(&self) -> bool {
        self.refs.as_ref().is_some_and(BaseRefs::is_behind)
    }

    /// Returns whether the record says that a commit was applied, or cannot say so.
    pub(super) fn is_noted(&self, commit: Option<&str>) -> bool {
        let Some(commit) = commit.filter(|_| self.refs.is_some()) else {
            return true;
        };
        [self.commit(), self.noted.as_deref()].contains(&Some(commit))
    }

    /// Writes the base to disk for the next start.
    pub(super) fn keep(&mut self) {
        let refs = self.refs.as_ref();
        let values = RefValues {
            commit: refs.and_then(BaseRefs::base),
            recorded: refs.and_then(BaseRefs::recorded),
        };
        if let (Some(file), Some(base)) = (&mut self.file, &self.base)
            && let Err(error) = file.write(values, base, &self.without_base)
        {
            tracing::warn!(path = %file.path(), %error, "what was applied cannot be kept; after a restart a hand edit may be taken for what the tree changed");
        }
    }

    /// Starts with an empty base where nothing is known to have been applied, so that the first cycle, which enters what is
    /// live already, changes nothing about the causes that a plan shows.
    pub(super) fn begin_base(&mut self, desired: &Desired) {
        self.base.get_or_insert_with(|| desired.emptied());
    }

    /// Moves into the base what is known to be live, and returns whether that changed the base.
    pub(super) fn settle(&mut self, desired: &Desired, differences: &Differences) -> bool {
        settle(&mut self.base, desired, differences)
    }

    /// Moves what was written of accounts that are not complete into the base, as a process does that reads it from the
    /// record, and returns whether the base changed. Accounts that are complete settle.
    pub(super) fn take_written(&mut self, written: &WrittenParts, desired: &Desired) -> bool {
        if written.keys.is_empty() {
            return false;
        }
        let parts = WrittenParts {
            keys: written.keys.clone(),
            ..WrittenParts::default()
        };
        let tree = WrittenTree {
            commit: String::new(),
            desired: desired.clone(),
            parts,
        };
        self.lay_over(vec![tree], desired, false, &Live::default());
        true
    }

    /// Records beside the ref what a plan may write of a commit, before it writes, so that no other process takes it
    /// for a manual edit if this one is killed.
    pub(super) async fn announce(&mut self, commit: Option<&str>, assessment: &Assessment<'_>) {
        let (Some(refs), Some(commit)) = (&mut self.refs, commit) else {
            return;
        };
        let parts = WrittenParts::planned(&assessment.plan);
        let announced = refs.announce(commit, parts, None);
        note(announced.await);
    }

    /// Records beside the ref what was written of a commit that is not completely applied, so that every other process
    /// sees it.
    pub(super) async fn remember(&mut self, commit: Option<&str>, parts: WrittenParts) {
        let (Some(refs), Some(commit)) = (&mut self.refs, commit) else {
            return;
        };
        let before = refs.recorded().map(str::to_owned);
        note(refs.remember(commit, parts, None).await);
        if refs.recorded() != before.as_deref() {
            self.keep();
        }
    }

    /// Records that a commit is completely applied, in all or in this daemon's shard, and returns whether it is the new
    /// base.
    pub(super) async fn advance(
        &mut self,
        commit: Option<&str>,
        setup: &Setup,
        conditions: &mut Conditions,
    ) -> bool {
        if self.is_noted(commit) {
            return false;
        }
        let (Some(refs), Some(commit)) = (&mut self.refs, commit) else {
            return false;
        };
        // A shard keeps the base for which it was cut.
        if setup.push && setup.shard.is_none() {
            refs.look().await;
        }
        match refs.complete(commit).await {
            whole @ Advance::Base { .. } => {
                tracing::info!("{whole}");
                conditions.untrusted_base = None;
                self.keep();
                self.forget_written().await;
                return true;
            }
            waits @ Advance::Waits { .. } => {
                tracing::info!("{waits}");
                self.noted = Some(commit.to_owned());
            }
            other @ (Advance::Moved | Advance::Failed(_)) => {
                tracing::warn!("the base stays as it was: {other}");
            }
        }
        false
    }

    /// Deletes the record of partial writes, which the new base replaces.
    async fn forget_written(&mut self) {
        if let Some(refs) = &mut self.refs
            && let Err(error) = refs.forget_written().await
        {
            tracing::warn!(%error, "what was noted beside the ref stays there");
        }
    }
}

/// Splits off what may have been written, without what a later commit overwrote for certain.
fn split_perhaps(written: &mut [WrittenTree]) -> Vec<WrittenTree> {
    let mut perhaps: Vec<WrittenTree> = Vec::new();
    for tree in written {
        for earlier in &mut perhaps {
            let parts = &mut earlier.parts;
            tree.parts
                .accounts
                .iter()
                .for_each(|name| parts.forget(name));
            for (name, keys) in &tree.parts.keys {
                if let Some(known) = parts.perhaps.get_mut(name) {
                    known.retain(|key| !keys.contains(key));
                }
            }
        }
        let parts = tree.parts.split_perhaps();
        perhaps.push(tree.with(parts));
    }
    perhaps.retain(|tree| !tree.parts.is_empty());
    perhaps
}

/// Reads the base. That the remote does not answer is an error: what was applied is not known then.
async fn read(refs: &mut BaseRefs, revision: Option<&str>, setup: &Setup) -> Result<Base, String> {
    match refs.read(revision, None, setup.push).await {
        Ok(Base::NotFetched { reason }) => Err(unknown(&reason)),
        Ok(base) => Ok(base),
        Err(error) => Err(unknown(&error)),
    }
}

fn unknown(reason: &dyn std::fmt::Display) -> String {
    format!("what was applied last is not known: {reason}")
}

fn note(noted: Result<(), GitError>) {
    if let Err(error) = noted {
        tracing::warn!(%error, "what was written of a commit that is not applied completely cannot be noted; elsewhere it may look like somebody's edit");
    }
}
