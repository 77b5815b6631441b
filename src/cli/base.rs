//! The commit that was applied last: fetched before, moved after a complete apply.

use camino::Utf8Path;

use super::args::{BaseArgs, PlatformArgs, RemoteArgs};
use super::failure::Failure;
use super::progress;
use super::tree::OpenTree;
use super::ui::Ui;
use crate::apply::remote::{GitError, LocalClone, Remote};
use crate::apply::{Applied, AppliedRef, Recall, Recalled, Unseen, WrittenRef, left_open};
use crate::diff::{Differences, WrittenParts, WrittenTree};
use crate::model::count;
use crate::plan::Plan;
use crate::reconcile::{Advance, advance};
use crate::tree::{
    Base, ClusterConfig, Desired, Known, NotCommitted, Precedence, committed, precedence,
    short_commit,
};

/// What Git knows of a tree and its cluster.
pub(crate) struct GitState {
    /// Absent where there can be none: on a sandbox.
    pub(crate) base: Option<Base>,
    /// Which commit the tree is; absent where it is nobody's business.
    commit: Option<Result<String, NotCommitted>>,
    reference: Option<AppliedRef>,
    /// Where it is remembered what runs write that do not complete.
    written: Option<WrittenRef>,
    /// What such runs wrote since the base.
    recalled: Recalled,
}

/// What an apply came to, for the base to follow.
#[derive(Clone, Copy)]
pub(crate) struct ApplyRecord<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) applied: Option<&'a Applied>,
    /// What it led to.
    pub(crate) desired: &'a Desired,
    /// What differed before it; absent when the plan was read from a file.
    pub(crate) differences: Option<&'a Differences>,
    /// What of all that the plan is about was not seen.
    pub(crate) unseen: Option<Unseen>,
    /// Whether the remote's refs are moved, too.
    pub(crate) push: bool,
}

impl GitState {
    /// Finds out what was applied last; asks the remote unless told otherwise. Only a commit counts that is in the
    /// history of the revision, or of `HEAD` without one.
    pub(crate) async fn find(
        ui: Ui,
        folder: &Utf8Path,
        tree: &OpenTree,
        revision: Option<&str>,
        platform: &PlatformArgs,
        args: &BaseArgs,
    ) -> Result<Self, Failure> {
        let any = |reference: AppliedRef| reference;
        Self::find_by(ui, (folder, tree), revision, platform, args, any).await
    }

    /// Finds out what was applied last, to compare a branch with it that may not have it yet, and to write nothing.
    pub(crate) async fn find_for_branch(
        ui: Ui,
        folder: &Utf8Path,
        tree: &OpenTree,
        revision: Option<&str>,
        platform: &PlatformArgs,
        args: &BaseArgs,
    ) -> Result<Self, Failure> {
        let any = AppliedRef::on_any_branch;
        Self::find_by(ui, (folder, tree), revision, platform, args, any).await
    }

    async fn find_by(
        ui: Ui,
        (folder, tree): (&Utf8Path, &OpenTree),
        revision: Option<&str>,
        platform: &PlatformArgs,
        args: &BaseArgs,
        counting: impl FnOnce(AppliedRef) -> AppliedRef,
    ) -> Result<Self, Failure> {
        let desired = &tree.loaded.desired;
        let only = tree.loaded.selection.as_ref();
        let known = Known {
            loaded: &tree.loaded,
            revision,
        };
        let cluster = &desired.cluster;
        let mut git = Self {
            base: None,
            commit: None,
            reference: None,
            written: None,
            recalled: Recalled::default(),
        };
        if platform.sandbox.is_wanted() {
            return Ok(git);
        }
        if is_elsewhere(platform, cluster) {
            git.base = Some(Base::OtherPlatform);
            return Ok(git);
        }
        let mut base = match LocalClone::find(folder) {
            Ok(Some(clone)) => {
                let remote = remote(&clone, &args.remote)?;
                git.commit = Some(committed(folder, known));
                let reference = AppliedRef::new(folder, &cluster.name, clone, remote);
                let mut reference = counting(reference.only(only.cloned()).at(revision));
                let base = read(ui, &mut reference, known, args).await?;
                if let Some(refusal) = base.refusal() {
                    ui.warning(&refusal);
                }
                let mut written = reference.written();
                git.reference = Some(reference);
                // Where the base itself is not to be had, nothing is known of what came after it either.
                if matches!(base, Base::Known { .. } | Base::NoRef { .. }) {
                    let recall = Recall {
                        base: base.commit(),
                        revision,
                        only,
                        known: Some(known),
                        ask: !args.no_fetch,
                    };
                    git.recalled = written.recall(recall).await;
                    git.written = Some(written);
                }
                base
            }
            Ok(None) => Base::NotAGitRepository,
            Err(error) => Base::Unreadable {
                reason: error.to_string(),
            },
        };
        for forgotten in &args.forget {
            let name = forgotten.account();
            for tree in &mut git.recalled.trees {
                tree.parts.forget(&name);
            }
            base.forget(forgotten, desired, only)
                .map_err(|error| Failure::Usage(error.to_string()))?;
        }
        git.base = Some(base);
        Ok(git)
    }

    /// Returns the tree that was applied last, when it is known.
    pub(crate) fn desired(&self) -> Option<&Desired> {
        self.base.as_ref()?.desired()
    }

    /// Gives out the tree that was applied last, for a part to be cut out of it.
    pub(crate) fn desired_mut(&mut self) -> Option<&mut Desired> {
        match self.base.as_mut()? {
            Base::Known { desired, .. } => Some(desired),
            _ => None,
        }
    }

    /// Gives out the tree that was applied last, for a part to be cut out of it, and what was written since.
    pub(crate) fn before_mut(&mut self) -> (Option<&mut Desired>, &[WrittenTree]) {
        let base = match self.base.as_mut() {
            Some(Base::Known { desired, .. }) => Some(&mut **desired),
            _ => None,
        };
        (base, &self.recalled.trees)
    }

    /// Returns what runs that did not complete have written since the base.
    pub(crate) fn written(&self) -> &[WrittenTree] {
        &self.recalled.trees
    }

    /// Says what is known, and what is not, of runs that did not complete.
    pub(crate) fn told(&self) -> Vec<String> {
        let trees = self.recalled.trees.iter();
        let written = trees
            .filter(|tree| tree.parts.objects() > 0)
            .map(|tree| {
                let objects = count(tree.parts.objects(), "object");
                let commit = short_commit(&tree.commit);
                format!("from Git, partly applied: commit {commit}, which was not applied completely, reached {objects}")
            });
        written
            .chain(self.recalled.doubts.iter().cloned())
            .collect()
    }

    /// Remembers what a run may write, before it writes: if it is killed, nobody takes that for somebody's edit.
    pub(crate) async fn announce(&mut self, plan: &Plan, push: bool) -> Option<String> {
        let Some(Ok(commit)) = &self.commit else {
            return None;
        };
        let written = self.written.as_mut()?;
        let base = self.base.as_ref().and_then(Base::commit);
        let shard = plan.scope.shard.map(|it| it.shard);
        let before = written.known(shard, base);
        let announced = before.and(commit, WrittenParts::planned(plan));
        let now = jiff::Timestamp::now();
        let kept = written.announce(shard, &announced, now, push).await;
        kept.err().map(|error| not_remembered(&error.to_string()))
    }

    /// Moves the base after an apply that left nothing to do, else remembers what it wrote; says what became of that.
    pub(crate) async fn record(&mut self, apply_record: ApplyRecord<'_>) -> Vec<String> {
        let (is_whole, note) = self.complete(apply_record).await;
        let mut notes: Vec<String> = note.into_iter().collect();
        let remembered = if is_whole {
            match &mut self.written {
                Some(written) => written.clear(apply_record.push).await.map_err(|error| {
                    format!("what runs wrote before stays noted beside the base: {error}")
                }),
                None => Ok(()),
            }
        } else {
            self.remember(apply_record).await
        };
        notes.extend(remembered.err());
        notes
    }

    /// Remembers what an apply wrote that the base does not say.
    pub(crate) async fn remember(&mut self, apply_record: ApplyRecord<'_>) -> Result<(), String> {
        let Some(applied) = apply_record.applied else {
            return Ok(());
        };
        let count = applied.count();
        let commit = match &self.commit {
            Some(Ok(commit)) => commit,
            Some(Err(why)) if count.done + count.unknown > 0 => {
                return Err(not_remembered(&why.to_string()));
            }
            Some(Err(_)) | None => return Ok(()),
        };
        let Some(written) = &mut self.written else {
            return Ok(());
        };
        let base = self.base.as_ref().and_then(Base::commit);
        let shard = apply_record.plan.scope.shard.map(|it| it.shard);
        let mut parts = if count.done + count.unknown > 0 {
            WrittenParts::done(apply_record.plan, applied, apply_record.differences)
        } else {
            WrittenParts::default()
        };
        let mut before = written.known(shard, base);
        // Of what both commits say alike the base says it already.
        if let Some(known) = self.base.as_ref().and_then(Base::desired) {
            parts.accounts.retain(|name| {
                let both = known.account(name).zip(apply_record.desired.account(name));
                let is_news = both.is_none_or(|(known, desired)| !known.is(desired));
                if !is_news {
                    before.forget(name);
                }
                is_news
            });
        }
        let now = before.and(commit, parts);
        let moment = jiff::Timestamp::now();
        let kept = written.keep(shard, now, moment, apply_record.push).await;
        kept.map_err(|error| not_remembered(&error.to_string()))
    }

    /// Says that the tree is older than the one that was applied last, or that it may be, when it is so.
    pub(crate) fn older(&self, folder: &Utf8Path) -> Option<String> {
        let base = self.base.as_ref()?.commit()?;
        let commit = self.commit.as_ref()?.as_ref().ok()?;
        let (this, applied) = (short_commit(commit), short_commit(base));
        match precedence(folder, commit, base) {
            Precedence::NotBefore => None,
            Precedence::Before => Some(format!(
                "commit {this} comes before commit {applied}, which was applied already"
            )),
            Precedence::CutOff => {
                let remote = self.reference.as_ref().and_then(AppliedRef::remote);
                let remote = remote.map_or("origin", Remote::name);
                Some(format!(
                    "commit {this} may come before commit {applied}, which was applied already: this shallow clone ends before that can be told; `git fetch --unshallow {remote}` gets the history"
                ))
            }
        }
    }

    /// Says that something was applied since a plan was saved, when it was.
    pub(crate) fn since(&self, plan: &Plan) -> Option<String> {
        let base = self.base.as_ref()?.commit()?;
        (plan.base.as_deref() != Some(base)).then(|| {
            format!(
                "commit {} was applied since the plan was made",
                short_commit(base)
            )
        })
    }

    /// Moves the ref after an apply that left nothing to do; tells whether the base says all of it now, and what became of
    /// the ref.
    async fn complete(&self, apply_record: ApplyRecord<'_>) -> (bool, Option<String>) {
        let (Some(commit), Some(reference)) = (&self.commit, &self.reference) else {
            return (false, None);
        };
        let plan = apply_record.plan;
        let stays = |why: &str| (false, Some(format!("the base stays as it was: {why}")));
        let commit = match commit {
            Ok(commit) => commit,
            Err(why) => return stays(&why.to_string()),
        };
        let base = self.base.as_ref().and_then(Base::proven);
        let shard = plan.scope.shard.map(|it| it.shard);
        let since = plan.scope.since.as_deref();
        let is_whole_shard = shard.is_some() && since.is_none();
        if plan.scope.selection.is_some() && !is_whole_shard && since != base {
            return stays("only what changed since another commit was looked at");
        }
        if let Some(why) = left_open(plan, apply_record.unseen, apply_record.applied) {
            return stays(why);
        }
        match advance(reference, shard, (commit, base), apply_record.push).await {
            whole @ Advance::Base { .. } => (true, Some(whole.to_string())),
            open => stays(&open.to_string()),
        }
    }
}

fn not_remembered(why: &str) -> String {
    format!(
        "what this run wrote is not remembered: {why}; until an apply completes, it may look like somebody's edit"
    )
}

async fn read(
    ui: Ui,
    reference: &mut AppliedRef,
    known: Known<'_>,
    args: &BaseArgs,
) -> Result<Base, Failure> {
    let Some(remote) = reference.remote().filter(|_| !args.no_fetch) else {
        let base = reference.recall(Some(known)).await;
        return base.map_err(|error| Failure::Failed(error.into()));
    };
    let title = format!("asking {} what was applied last", remote.name());
    Ok(progress::during(ui, &title, reference.fetch(Some(known))).await)
}

/// Finds the remote that arbitrates who writes to the tree's cluster; absent where none does.
pub(crate) fn arbiter(
    folder: &Utf8Path,
    cluster: &ClusterConfig,
    platform: &PlatformArgs,
    args: &RemoteArgs,
) -> Result<Option<Remote>, Failure> {
    if platform.sandbox.is_wanted() || is_elsewhere(platform, cluster) {
        return Ok(None);
    }
    // What Git cannot read is told with the base.
    match LocalClone::find(folder) {
        Ok(Some(clone)) => remote(&clone, args),
        Ok(None) | Err(_) => Ok(None),
    }
}

fn remote(clone: &LocalClone, args: &RemoteArgs) -> Result<Option<Remote>, Failure> {
    clone
        .remote(args.remote.as_deref())
        .map_err(|error| match error {
            GitError::NoRemote(_) => Failure::Usage(error.to_string()),
            _ => Failure::Failed(error.into()),
        })
}

/// Tells whether `--api` leads to another platform than the one that the tree declares.
fn is_elsewhere(platform: &PlatformArgs, cluster: &ClusterConfig) -> bool {
    platform.api.as_ref().is_some_and(|api| !cluster.is_at(api))
}
