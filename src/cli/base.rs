//! The commit that was applied last: fetched before, moved after a complete apply.

use camino::Utf8Path;

use super::args::{BaseArgs, PlatformArgs, RemoteArgs};
use super::failure::Failure;
use super::progress;
use super::tree::OpenTree;
use super::ui::Ui;
use crate::apply::remote::{GitError, LocalClone, Remote, Swap};
use crate::apply::{Applied, StepResult};
use crate::plan::Plan;
use crate::tree::{
    Asked, Base, Desired, NotCommitted, applied_ref, committed, is_before, short_commit,
};

/// What Git knows of a tree and its cluster.
pub(crate) struct Ground {
    /// Absent where there can be none: on a sandbox.
    pub(crate) base: Option<Base>,
    /// Which commit the tree is; absent where it is nobody's business.
    commit: Option<Result<String, NotCommitted>>,
    reference: String,
    clone: Option<LocalClone>,
    remote: Option<Remote>,
    /// What the remote's ref was when it was asked.
    there: Option<String>,
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
        let cluster = &desired.cluster;
        let mut ground = Self {
            base: None,
            commit: None,
            reference: applied_ref(&cluster.name),
            clone: None,
            remote: None,
            there: None,
        };
        if platform.sandbox {
            return Ok(ground);
        }
        if is_elsewhere(platform, desired) {
            ground.base = Some(Base::OtherPlatform);
            return Ok(ground);
        }
        let mut base = match LocalClone::find(folder) {
            Ok(Some(clone)) => {
                ground.remote = remote(&clone, &args.remote)?;
                ground.commit = Some(committed(folder, revision, desired));
                ground.clone = Some(clone);
                ground.read(ui, folder, desired, args).await?
            }
            Ok(None) => Base::NotAGitRepository,
            Err(error) => Base::Unreadable {
                reason: error.to_string(),
            },
        };
        for forgotten in &args.forget {
            base.forget(forgotten, desired)
                .map_err(|error| Failure::Usage(error.to_string()))?;
        }
        ground.base = Some(base);
        Ok(ground)
    }

    async fn read(
        &mut self,
        ui: Ui,
        folder: &Utf8Path,
        desired: &Desired,
        args: &BaseArgs,
    ) -> Result<Base, Failure> {
        let cluster = &desired.cluster.name;
        let Some(remote) = &self.remote else {
            return Ok(Base::read(folder, cluster, Asked::NoRemote));
        };
        let name = remote.name();
        if args.no_fetch {
            // Whoever moves the remote's ref must have seen it; what is here is what was seen.
            let here = self
                .clone
                .as_ref()
                .map(|clone| clone.value(&self.reference));
            self.there = here
                .transpose()
                .map_err(|error| Failure::Failed(error.into()))?
                .flatten();
            return Ok(Base::read(folder, cluster, Asked::No(name)));
        }
        let title = format!("asking {name} what was applied last");
        let brought = progress::during(ui, &title, remote.bring(&self.reference));
        Ok(match brought.await {
            Ok(Some(commit)) => {
                self.there = Some(commit);
                Base::read(folder, cluster, Asked::Yes(name))
            }
            Ok(None) => Base::NoRef {
                reference: self.reference.clone(),
                command: None,
            },
            Err(error) => Base::NotFetched {
                reason: error.to_string(),
            },
        })
    }

    /// Returns the tree that was applied last, when it is known.
    pub(crate) fn desired(&self) -> Option<&Desired> {
        self.base.as_ref()?.desired()
    }

    /// Says that the tree is older than the one that was applied last, when it is.
    pub(crate) fn older(&self, folder: &Utf8Path) -> Option<String> {
        let base = self.base.as_ref()?.commit()?;
        let commit = self.commit.as_ref()?.as_ref().ok()?;
        is_before(folder, commit, base).then(|| {
            format!(
                "commit {} comes before commit {}, which was applied already",
                short_commit(commit),
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
        let clone = self.clone.as_ref()?;
        let stays = |why: &str| Some(format!("the base stays as it was: {why}"));
        let commit = match commit {
            Ok(commit) => commit,
            Err(why) => return stays(&why.to_string()),
        };
        if let Some(why) = incomplete(plan, is_known, applied) {
            return stays(why);
        }
        match self.advance(clone, commit, push).await {
            Ok(Swap::Done) => Some(format!(
                "commit {} is the base from now on",
                short_commit(commit)
            )),
            Ok(Swap::Moved) => stays("another apply moved it in the meantime"),
            Err(error) => stays(&error.to_string()),
        }
    }

    async fn advance(
        &self,
        clone: &LocalClone,
        commit: &str,
        push: bool,
    ) -> Result<Swap, GitError> {
        if let Some(remote) = self.remote.as_ref().filter(|_| push)
            && self.there.as_deref() != Some(commit)
        {
            let there = self.there.as_deref();
            let pushed = remote.swap(&self.reference, there, Some(commit)).await?;
            if pushed == Swap::Moved {
                return Ok(Swap::Moved);
            }
        }
        let here = clone.value(&self.reference)?;
        if here.as_deref() == Some(commit) {
            return Ok(Swap::Done);
        }
        clone.swap(&self.reference, here.as_deref(), commit).await
    }
}

/// Finds the remote that arbitrates who writes to the tree's cluster; absent where none does.
pub(crate) fn arbiter(
    folder: &Utf8Path,
    desired: &Desired,
    platform: &PlatformArgs,
    args: &RemoteArgs,
) -> Result<Option<Remote>, Failure> {
    if platform.sandbox || is_elsewhere(platform, desired) {
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
fn is_elsewhere(platform: &PlatformArgs, desired: &Desired) -> bool {
    match (&platform.api, &desired.cluster.api) {
        (Some(asked), Some(declared)) => {
            asked.trim_end_matches('/') != declared.value.trim_end_matches('/')
        }
        _ => false,
    }
}

/// Says why an apply left something to do.
fn incomplete(plan: &Plan, is_known: bool, applied: Option<&Applied>) -> Option<&'static str> {
    if !plan.refusals.is_empty() {
        return Some("a guard refused something");
    }
    if !is_known {
        return Some("something could not be read");
    }
    let outcomes = applied.map_or(&[][..], |applied| &applied.outcomes);
    let is_done = |result: &StepResult| matches!(result, StepResult::Done { .. });
    let done = outcomes.iter().filter(|outcome| is_done(&outcome.result));
    (done.count() != plan.steps.len()).then_some("not every step was done")
}
