//! The ref that names the commit which was applied last, here and on the remote.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::outcome::Applied;
use super::remote::{GitError, LocalClone, Remote, Swap};
use super::written_ref::WrittenRef;
use crate::model::{ClusterName, Shard};
use crate::plan::Plan;
use crate::tree::{
    Asked, Base, Known, Refusal, Selection, Standing, applied_ref, commit_id, is_on_branch,
    short_commit, standing,
};

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
    /// The revision that is looked at or applied, whose history vouches for the base.
    step_run: String,
    /// Whether a branch that counts vouches for it, too, whatever is looked at.
    any_branch: bool,
    /// Who must have signed the base, as `ssh-keygen` reads it; nobody when absent.
    signers: Option<Utf8PathBuf>,
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
            step_run: "HEAD".to_owned(),
            any_branch: false,
            signers: None,
        }
    }

    /// Goes by the history of a revision from now on; by that of `HEAD`, when there is none.
    #[must_use]
    pub fn at(self, revision: Option<&str>) -> Self {
        let step_run = revision.unwrap_or("HEAD").to_owned();
        Self { step_run, ..self }
    }

    /// Lets the branch that is checked out and the remote's main one vouch for the base of whatever is looked at. Only for
    /// those who write nothing.
    #[must_use]
    pub fn on_any_branch(self) -> Self {
        Self {
            any_branch: true,
            ..self
        }
    }

    /// Believes only in a base that somebody in a file as `ssh-keygen` reads it signed.
    #[must_use]
    pub fn signed_by(self, signers: Option<Utf8PathBuf>) -> Self {
        Self { signers, ..self }
    }

    /// Reads only these accounts of the base from now on; all, when there is no selection.
    #[must_use]
    pub fn only(self, only: Option<Selection>) -> Self {
        Self { only, ..self }
    }

    /// Names the refs beside it that hold what runs have written which did not complete.
    #[must_use]
    pub fn written(&self) -> WrittenRef {
        let (clone, remote) = (self.clone.clone(), self.remote.clone());
        WrittenRef::new(&self.folder, &self.cluster, clone, remote)
    }

    /// Returns the remote that is asked, when there is one.
    #[must_use]
    pub fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    /// Reads the base, from the remote where there is one; of what is known, only what differs.
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

    /// Reads the base that this clone has, and asks nobody. Whoever moves the remote's ref must have seen it; what is
    /// here is what was seen.
    pub async fn recall(&mut self, known: Option<Known<'_>>) -> Result<Base, GitError> {
        let Some(remote) = &self.remote else {
            return Ok(self.read(Asked::NoRemote, known).await);
        };
        self.there = self.clone.value(&self.reference)?;
        Ok(self.read(Asked::No(remote.name()), known).await)
    }

    /// Reads what the ref names. What nothing vouches for is not even looked into.
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

    /// Says what speaks against a commit that the ref names.
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
        let mut found = standing(&self.folder, commit, &self.step_run);
        if found == Standing::CutOff
            && let (Asked::Yes(_), Some(remote)) = (asked, &self.remote)
            // Where that fails, it stays unknown, which is told with the command that was tried.
            && remote.complete_history(&self.reference).await.is_ok()
        {
            found = standing(&self.folder, commit, &self.step_run);
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
        // Whoever goes back has what came after on the branch; what was pushed to the ref alone is on none.
        let counts = self.any_branch || found == Standing::After;
        (!(counts && is_on_branch())).then_some(why)
    }

    /// Returns the id of the commit that is looked at, for people.
    fn this(&self) -> String {
        commit_id(&self.folder, &self.step_run).unwrap_or_else(|| self.step_run.clone())
    }

    /// Sees where the ref is on the remote, without reading what it names. Where that fails, what was seen before counts.
    pub async fn look(&mut self) {
        if let Some(remote) = &self.remote
            && let Ok(there) = remote.value(&self.reference).await
        {
            self.there = there;
        }
    }

    /// Moves the ref to a commit, on the remote too when `push` says so.
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

/// What became of a shard's word that it applied a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complete {
    /// All shards have; the ref names the commit.
    Whole,
    /// These have not yet.
    Waits(Vec<Shard>),
    /// Somebody else moved the ref elsewhere.
    Moved,
}

/// The ref of a cluster moves when all of its shards have applied a commit. Until then each notes that it has, in a ref
/// of its own whose name tells from which base, so that no note of an earlier round counts.
impl AppliedRef {
    /// Notes that a commit was applied on top of a base, by one shard or for all, on the remote too when `push` says so.
    /// The ref moves when nobody is left. [`Self::fetch`] and [`Self::look`] say anew where it is.
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

    /// Moves the ref after one run for all, which makes what shards noted before of no use.
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

    /// Names the ref in which a shard notes what it applied.
    fn note(&self, shard: Shard, base: Option<&str>) -> String {
        let base = base.map_or("nothing", short_commit);
        let (index, count) = (shard.index(), shard.count());
        format!("{}-{index}-of-{count}-on-{base}", self.reference)
    }

    /// Takes the notes of all shards away, which are of no use once the ref has moved.
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

/// What of all that a plan is about was not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// Something could not be read.
    Unread,
    /// Somebody wanted the records of managed accounts left out.
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

/// Says why an apply left something to do.
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
