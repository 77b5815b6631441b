//! The commit that was applied last: fetched before, moved after a complete apply.

use camino::Utf8Path;

use super::args::{BaseArgs, PlatformArgs, RemoteArgs};
use super::failure::Failure;
use super::progress;
use super::tree::OpenTree;
use super::ui::Ui;
use crate::apply::remote::{GitError, LocalClone, Remote};
use crate::apply::{Applied, AppliedRef, Complete, left_open};
use crate::plan::Plan;
use crate::tree::{
    Base, ClusterConfig, Desired, Known, NotCommitted, Precedence, committed, precedence,
    short_commit,
};

/// What Git knows of a tree and its cluster.
pub(crate) struct Ground {
    /// Absent where there can be none: on a sandbox.
    pub(crate) base: Option<Base>,
    /// Which commit the tree is; absent where it is nobody's business.
    commit: Option<Result<String, NotCommitted>>,
    reference: Option<AppliedRef>,
}

impl Ground {
    /// Finds out what was applied last; asks the remote unless told otherwise.
    pub(crate) async fn find(
        ui: Ui,
        folder: &Utf8Path,
        tree: &OpenTree,
        revision: Option<&str>,
        platform: &PlatformArgs,
        args: &BaseArgs,
    ) -> Result<Self, Failure> {
        let desired = &tree.loaded.desired;
        let only = tree.loaded.selection.as_ref();
        let known = Known {
            loaded: &tree.loaded,
            revision,
        };
        let cluster = &desired.cluster;
        let mut ground = Self {
            base: None,
            commit: None,
            reference: None,
        };
        if platform.sandbox {
            return Ok(ground);
        }
        if is_elsewhere(platform, cluster) {
            ground.base = Some(Base::OtherPlatform);
            return Ok(ground);
        }
        let mut base = match LocalClone::find(folder) {
            Ok(Some(clone)) => {
                let remote = remote(&clone, &args.remote)?;
                ground.commit = Some(committed(folder, known));
                let mut reference =
                    AppliedRef::new(folder, &cluster.name, clone, remote).only(only.cloned());
                let base = read(ui, &mut reference, known, args).await?;
                ground.reference = Some(reference);
                base
            }
            Ok(None) => Base::NotAGitRepository,
            Err(error) => Base::Unreadable {
                reason: error.to_string(),
            },
        };
        for forgotten in &args.forget {
            base.forget(forgotten, desired, only)
                .map_err(|error| Failure::Usage(error.to_string()))?;
        }
        ground.base = Some(base);
        Ok(ground)
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

    /// Moves the ref after an apply that left nothing to do, and says what became of it. `is_known` tells
    /// whether all that the plan is about could be read.
    pub(crate) async fn record(
        &self,
        plan: &Plan,
        is_known: bool,
        applied: Option<&Applied>,
        push: bool,
    ) -> Option<String> {
        let commit = self.commit.as_ref()?;
        let reference = self.reference.as_ref()?;
        let stays = |why: &str| Some(format!("the base stays as it was: {why}"));
        let commit = match commit {
            Ok(commit) => commit,
            Err(why) => return stays(&why.to_string()),
        };
        let base = self.base.as_ref().and_then(Base::commit);
        let shard = plan.scope.shard.map(|it| it.shard);
        let since = plan.scope.since.as_deref();
        let is_whole_shard = shard.is_some() && since.is_none();
        if plan.scope.selection.is_some() && !is_whole_shard && since != base {
            return stays("only what changed since another commit was looked at");
        }
        if let Some(why) = left_open(plan, is_known, applied) {
            return stays(why);
        }
        match reference.complete(shard, (commit, base), push).await {
            Ok(Complete::Whole) => Some(format!(
                "commit {} is the base from now on",
                short_commit(commit)
            )),
            Ok(Complete::Waits(shards)) => {
                let names: Vec<String> = shards.iter().map(ToString::to_string).collect();
                stays(&format!(
                    "commit {} is still to be applied by shard {}",
                    short_commit(commit),
                    names.join(", ")
                ))
            }
            Ok(Complete::Moved) => stays("another apply moved it in the meantime"),
            Err(error) => stays(&error.to_string()),
        }
    }
}

async fn read(
    ui: Ui,
    reference: &mut AppliedRef,
    known: Known<'_>,
    args: &BaseArgs,
) -> Result<Base, Failure> {
    let recall = |reference: &mut AppliedRef| {
        let base = reference.recall(Some(known));
        base.map_err(|error| Failure::Failed(error.into()))
    };
    let Some(remote) = reference.remote().filter(|_| !args.no_fetch) else {
        return recall(reference);
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
    if platform.sandbox || is_elsewhere(platform, cluster) {
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
    match (&platform.api, &cluster.api) {
        (Some(asked), Some(declared)) => {
            asked.trim_end_matches('/') != declared.value.trim_end_matches('/')
        }
        _ => false,
    }
}
