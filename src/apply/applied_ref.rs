//! The ref that names the commit which was applied last, here and on the remote.

use camino::{Utf8Path, Utf8PathBuf};

use super::outcome::{Applied, StepResult};
use super::remote::{GitError, LocalClone, Remote, Swap};
use crate::model::ClusterName;
use crate::plan::Plan;
use crate::tree::{Asked, Base, Known, Selection, applied_ref};

/// The ref of one cluster. It is only ever moved from a value that was seen.
#[derive(Clone, Debug)]
pub struct AppliedRef {
    folder: Utf8PathBuf,
    cluster: ClusterName,
    reference: String,
    clone: LocalClone,
    remote: Option<Remote>,
    /// The accounts of the base that are read, when not all are.
    only: Option<Selection>,
    /// What the remote's ref was when it was asked.
    there: Option<String>,
}

impl AppliedRef {
    /// Names the ref of a cluster in the repository that a folder lies in; asks nobody yet.
    #[must_use]
    pub fn new(
        folder: &Utf8Path,
        cluster: &ClusterName,
        clone: LocalClone,
        remote: Option<Remote>,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            cluster: cluster.clone(),
            reference: applied_ref(cluster),
            clone,
            remote,
            only: None,
            there: None,
        }
    }

    /// Reads only these accounts of the base from now on; all, when there is no selection.
    #[must_use]
    pub fn only(self, only: Option<Selection>) -> Self {
        Self { only, ..self }
    }

    /// Returns the remote that is asked, when there is one.
    #[must_use]
    pub fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    /// Reads the base, from the remote where there is one; of what is known, only what differs.
    pub async fn fetch(&mut self, known: Option<Known<'_>>) -> Base {
        let Some(remote) = &self.remote else {
            return self.read(Asked::NoRemote, known);
        };
        match remote.bring(&self.reference).await {
            Ok(Some(commit)) => {
                self.there = Some(commit);
                self.read(Asked::Yes(remote.name()), known)
            }
            Ok(None) => {
                self.there = None;
                Base::NoRef {
                    reference: self.reference.clone(),
                    command: None,
                }
            }
            Err(error) => Base::NotFetched {
                reason: error.to_string(),
            },
        }
    }

    /// Reads the base that this clone has, and asks nobody. Whoever moves the remote's ref must have seen it; what is
    /// here is what was seen.
    pub fn recall(&mut self, known: Option<Known<'_>>) -> Result<Base, GitError> {
        let Some(remote) = &self.remote else {
            return Ok(self.read(Asked::NoRemote, known));
        };
        self.there = self.clone.value(&self.reference)?;
        Ok(self.read(Asked::No(remote.name()), known))
    }

    fn read(&self, asked: Asked<'_>, known: Option<Known<'_>>) -> Base {
        let only = self.only.as_ref();
        Base::read(&self.folder, &self.cluster, asked, only, known)
    }

    /// Moves the ref to a commit, on the remote too when `push` says so. [`Self::fetch`] says anew where it is.
    pub async fn advance(&self, commit: &str, push: bool) -> Result<Swap, GitError> {
        if let Some(remote) = self.remote.as_ref().filter(|_| push)
            && self.there.as_deref() != Some(commit)
        {
            let there = self.there.as_deref();
            let pushed = remote.swap(&self.reference, there, Some(commit)).await?;
            if pushed == Swap::Moved {
                return Ok(Swap::Moved);
            }
        }
        let here = self.clone.value(&self.reference)?;
        if here.as_deref() == Some(commit) {
            return Ok(Swap::Done);
        }
        self.clone
            .swap(&self.reference, here.as_deref(), commit)
            .await
    }
}

/// Says why an apply left something to do. `is_known` tells whether all that the plan is about could be read.
#[must_use]
pub fn left_open(plan: &Plan, is_known: bool, applied: Option<&Applied>) -> Option<&'static str> {
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
