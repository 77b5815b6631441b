//! The ref to the commit that was applied last, here and on the remote.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::audit::AuditRef;
use super::outcome::Applied;
use super::remote::{GitError, LocalClone, Remote, Swap};
use super::written_ref::WrittenRef;
use crate::model::{ClusterName, Shard};
use crate::plan::Plan;
use crate::tree::{
    Asked, Base, Known, Refusal, Selection, Standing, applied_ref, commit_id, is_on_branch,
    short_commit, standing,
};

/// The ref of one cluster. It is moved only by compare-and-swap.
#[derive(Clone, Debug)]
pub struct AppliedRef {
    folder: Utf8PathBuf,
    cluster: ClusterName,
    reference: String,
    clone: LocalClone,
    remote: Option<Remote>,
    /// The accounts of the base that are read; all when absent.
    only: Option<Selection>,
    /// The value of the remote's ref when it was last read.
    there: Option<String>,
    /// The revision that is compared or applied; the base must be in its history.
    revision: String,
    /// Whether the base may also be on a trusted branch, whatever revision is compared.
    any_branch: bool,
    /// File of the allowed signers of the base, as `ssh-keygen` reads it; no signature is needed when absent.
    signers: Option<Utf8PathBuf>,
}

impl AppliedRef {
    /// Names the ref of a cluster in the repository that contains a folder; reads nothing yet.
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
            revision: "HEAD".to_owned(),
            any_branch: false,
            signers: None,
        }
    }

    /// Requires the base to be in the history of a revision, or of `HEAD` when there is none.
    #[must_use]
    pub fn at(self, revision: Option<&str>) -> Self {
        let revision = revision.unwrap_or("HEAD").to_owned();
        Self { revision, ..self }
    }

    /// Also accepts a base that is on the checked-out branch or on the remote's main one, whatever revision is
    /// compared. Only for callers that write nothing.
    #[must_use]
    pub fn on_any_branch(self) -> Self {
        Self {
            any_branch: true,
            ..self
        }
    }

    /// Accepts only a base with a signature by somebody in a file of allowed signers, as `ssh-keygen` reads it.
    #[must_use]
    pub fn signed_by(self, signers: Option<Utf8PathBuf>) -> Self {
        Self { signers, ..self }
    }

    /// Restricts reading to these accounts of the base; reads all when there is no selection.
    #[must_use]
    pub fn only(self, only: Option<Selection>) -> Self {
        Self { only, ..self }
    }

    /// Returns the accounts of the base that are read; `None` for all.
    #[must_use]
    pub fn selection(&self) -> Option<&Selection> {
        self.only.as_ref()
    }

    /// Returns the refs next to it that record what incomplete runs have written.
    #[must_use]
    pub fn written(&self) -> WrittenRef {
        let (clone, remote) = (self.clone.clone(), self.remote.clone());
        WrittenRef::new(&self.folder, &self.cluster, clone, remote)
    }

    /// Returns the ref next to it that keeps the heads of audit logs, on the remote too if `push` is set.
    #[must_use]
    pub fn audit(&self, push: bool) -> AuditRef {
        let remote = self.remote.clone().filter(|_| push);
        AuditRef::new(&self.cluster, self.clone.clone(), remote)
    }

    /// Returns the remote, if there is one.
    #[must_use]
    pub fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    /// Reads the base, from the remote if there is one; what `known` already has is not read again.
    pub async fn fetch(&mut self, known: Option<Known<'_>>) -> Base {
        let Some(remote) = &self.remote else {
            return self.read(Asked::NoRemote, known).await;
        };
        match remote.bring(&self.reference).await {
            Ok(Some(commit)) => {
                self.there = Some(commit);
                self.read(Asked::Yes(remote.name()), known).await
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

    /// Reads the base that this clone has, without contacting the remote. Moving the remote's ref requires its last
    /// seen value; the local one counts as that.
    pub async fn recall(&mut self, known: Option<Known<'_>>) -> Result<Base, GitError> {
        let Some(remote) = &self.remote else {
            return Ok(self.read(Asked::NoRemote, known).await);
        };
        self.there = self.clone.value(&self.reference)?;
        Ok(self.read(Asked::No(remote.name()), known).await)
    }

    /// Reads the commit that the ref names. One that is not accepted is not even opened.
    async fn read(&self, asked: Asked<'_>, known: Option<Known<'_>>) -> Base {
        let commit = match Base::named(&self.folder, &self.cluster, asked) {
            Ok(commit) => commit,
            Err(none) => return none,
        };
        match self.refusal(&commit, asked).await {
            Some(why) => Base::Refused {
                reference: self.reference.clone(),
                commit,
                why,
            },
            None => Base::load(
                &self.folder,
                &self.cluster,
                commit,
                self.only.as_ref(),
                known,
            ),
        }
    }

    /// Returns why a commit that the ref names is not accepted as the base.
    async fn refusal(&self, commit: &str, asked: Asked<'_>) -> Option<Refusal> {
        if let Some(signers) = &self.signers
            && let Err(error) = self.clone.signer(commit, signers).await
        {
            return Some(Refusal::Unsigned {
                reason: format!("nobody in {signers} signed it: {error}"),
            });
        }
        let remote = match asked {
            Asked::NoRemote => None,
            Asked::No(remote) | Asked::Yes(remote) => Some(remote),
        };
        let is_on_branch = || {
            let mut branches = vec!["HEAD".to_owned()];
            branches.extend(remote.map(|remote| format!("refs/remotes/{remote}/HEAD")));
            is_on_branch(&self.folder, commit, &branches)
        };
        let mut found = standing(&self.folder, commit, &self.revision);
        if found == Standing::CutOff
            && let (Asked::Yes(_), Some(remote)) = (asked, &self.remote)
            // If that fails, the standing stays unknown, and the refusal reports the command that was tried.
            && remote.complete_history(&self.reference).await.is_ok()
        {
            found = standing(&self.folder, commit, &self.revision);
        }
        let this = || self.this();
        let why = match found {
            Standing::InHistory => return None,
            Standing::After => Refusal::OffBranch { this: this() },
            Standing::Apart => Refusal::Apart { this: this() },
            Standing::CutOff => Refusal::CutOff {
                this: this(),
                command: format!("git fetch --unshallow {}", remote.unwrap_or("origin")),
            },
        };
        // When going back to an older revision, the base is further on in the branch; a commit pushed to the ref alone
        // is on no branch.
        let counts = self.any_branch || found == Standing::After;
        (!(counts && is_on_branch())).then_some(why)
    }

    /// Returns the id of the commit that is compared, for people.
    fn this(&self) -> String {
        commit_id(&self.folder, &self.revision).unwrap_or_else(|| self.revision.clone())
    }

    /// Looks up the ref on the remote, without reading its commit. If that fails, the value seen before counts.
    pub async fn look(&mut self) {
        if let Some(remote) = &self.remote
            && let Ok(there) = remote.value(&self.reference).await
        {
            self.there = there;
        }
    }

    /// Moves the ref to a commit, on the remote too if `push` is set.
    async fn advance(&self, commit: &str, push: bool) -> Result<Swap, GitError> {
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

/// The result of recording that a shard applied a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complete {
    /// All shards have applied it; the ref names the commit.
    Whole,
    /// These shards have not applied it yet.
    Waits(Vec<Shard>),
    /// Somebody else moved the ref to another commit.
    Moved,
}

/// The ref of a cluster moves when all of its shards have applied a commit. Until then, each shard records its progress
/// in a ref of its own, whose name contains the base, so that a ref of an earlier round does not count.
impl AppliedRef {
    /// Records that a commit was applied on top of a base, by one shard or for the whole cluster, on the remote too if
    /// `push` is set. The ref moves when no shard is left. Call [`Self::fetch`] or [`Self::look`] to see where it is
    /// then.
    ///
    /// # Errors
    /// When Git cannot read or move a ref.
    pub async fn complete(
        &self,
        shard: Option<Shard>,
        (commit, base): (&str, Option<&str>),
        push: bool,
    ) -> Result<Complete, GitError> {
        match shard {
            Some(shard) => self.complete_shard(shard, (commit, base), push).await,
            None => self.complete_whole(commit, push).await,
        }
    }

    async fn complete_shard(
        &self,
        shard: Shard,
        (commit, base): (&str, Option<&str>),
        push: bool,
    ) -> Result<Complete, GitError> {
        if base == Some(commit) {
            return Ok(Complete::Whole);
        }
        let remote = self.remote.as_ref().filter(|_| push);
        let note = self.note(shard, base);
        let values = self.values(remote).await?;
        if values.get(&note).map(String::as_str) != Some(commit) {
            let old = values.get(&note).map(String::as_str);
            let swapped = match remote {
                Some(remote) => remote.swap(&note, old, Some(commit)).await?,
                None => self.clone.swap(&note, old, commit).await?,
            };
            if swapped == Swap::Moved {
                return Ok(Complete::Moved);
            }
        }
        let values = self.values(remote).await?;
        let is_done = values.get(&self.reference).map(String::as_str) == Some(commit);
        let has_not = |shard: &Shard| {
            values.get(&self.note(*shard, base)).map(String::as_str) != Some(commit)
        };
        let missing: Vec<Shard> = Shard::all(shard.count()).filter(has_not).collect();
        if !missing.is_empty() && !is_done {
            return Ok(Complete::Waits(missing));
        }
        self.complete_whole(commit, push).await
    }

    /// Moves the ref after a run over the whole cluster, which makes the refs of shards obsolete.
    async fn complete_whole(&self, commit: &str, push: bool) -> Result<Complete, GitError> {
        if self.advance(commit, push).await? == Swap::Moved {
            return Ok(Complete::Moved);
        }
        self.clear_notes(push).await?;
        Ok(Complete::Whole)
    }

    async fn values(&self, remote: Option<&Remote>) -> Result<BTreeMap<String, String>, GitError> {
        match remote {
            Some(remote) => remote.values(&self.reference).await,
            None => self.clone.values(&self.reference),
        }
    }

    /// Returns the ref in which a shard records what it applied.
    fn note(&self, shard: Shard, base: Option<&str>) -> String {
        let base = base.map_or("nothing", short_commit);
        let (index, count) = (shard.index(), shard.count());
        format!("{}-{index}-of-{count}-on-{base}", self.reference)
    }

    /// Deletes the refs of all shards, which are obsolete once the ref of the cluster has moved.
    async fn clear_notes(&self, push: bool) -> Result<(), GitError> {
        let start = format!("{}-", self.reference);
        if let Some(remote) = self.remote.as_ref().filter(|_| push) {
            let notes: Vec<String> = remote.values(&start).await?.into_keys().collect();
            remote.delete(&notes).await?;
        }
        let notes: Vec<String> = self.clone.values(&start)?.into_keys().collect();
        self.clone.delete(&notes).await
    }
}

/// The part of the cluster that a plan did not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// Something could not be read.
    Unread,
    /// The records of managed accounts were left out on request.
    RecordsSkipped,
    /// The plan leaves the records of managed accounts out, or they could not be read.
    Records,
}

impl Unseen {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unread => "something could not be read",
            Self::RecordsSkipped => "the records of managed accounts were left out (--skip-dns)",
            Self::Records => {
                "the plan leaves the records of managed accounts out, or they could not be read"
            }
        }
    }
}

/// Returns why an apply left something to do, if it did.
#[must_use]
pub fn left_open(
    plan: &Plan,
    unseen: Option<Unseen>,
    applied: Option<&Applied>,
) -> Option<&'static str> {
    if !plan.refusals.is_empty() {
        return Some("a guard refused something");
    }
    if let Some(unseen) = unseen {
        return Some(unseen.as_str());
    }
    let done = applied.map_or(0, |applied| applied.count().done);
    (done != plan.steps.len()).then_some("not every step was done")
}
