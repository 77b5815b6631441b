//! The ref in which Git keeps the heads of audit logs, here and on the remote.

use std::collections::BTreeSet;

use git2::{ErrorCode, Oid};
use jiff::Timestamp;

use super::super::remote::{GitError, LocalClone, Remote, Swap};
use super::super::run_id::RunId;
use super::head::{AuditHead, KeptHead};
use crate::model::ClusterName;
use crate::tree::audit_ref;

/// How often a head is put on top of one that another run has just put there.
const ATTEMPTS: usize = 5;
/// How many commits of a ref are read, from the newest on.
const MAX_COMMITS: usize = 10_000;
/// How many refs are read.
const MAX_REFS: usize = 256;

/// The ref of one cluster. Each run puts a commit on top, whose message names the head of its log; nothing is ever taken
/// away.
#[derive(Clone, Debug)]
pub struct AuditRef {
    reference: String,
    clone: LocalClone,
    remote: Option<Remote>,
}

/// The heads that Git keeps, of all clusters.
#[derive(Clone, Debug, Default)]
pub struct KeptHeads {
    /// The heads, newest first within each ref.
    pub heads: Vec<KeptHead>,
    /// Why some could not be read, in words.
    pub doubts: Vec<String>,
}

impl AuditRef {
    /// Names the ref of a cluster; `remote` is the one that it is pushed to, if any.
    #[must_use]
    pub fn new(cluster: &ClusterName, clone: LocalClone, remote: Option<Remote>) -> Self {
        Self {
            reference: audit_ref(cluster),
            clone,
            remote,
        }
    }

    /// Keeps the head of a log after a run.
    ///
    /// # Errors
    /// When Git cannot move the ref, or others keep moving it.
    pub async fn keep(
        &self,
        head: &AuditHead,
        run: &RunId,
        now: Timestamp,
    ) -> Result<(), GitError> {
        for _ in 0..ATTEMPTS {
            let old = match &self.remote {
                Some(remote) => remote.bring(&self.reference).await?,
                None => self.clone.value(&self.reference)?,
            };
            if let Some(old) = &old
                && self.head_of(old)?.as_ref() == Some(head)
            {
                return Ok(());
            }
            let message = head.message(&format!("audit of run {run}"));
            let new = self.clone.write_text_after(&message, old.as_deref(), now)?;
            if let Some(remote) = &self.remote {
                let swapped = remote
                    .swap(&self.reference, old.as_deref(), Some(&new))
                    .await?;
                if swapped == Swap::Moved {
                    continue;
                }
            }
            let here = self.clone.value(&self.reference)?;
            let swapped = self
                .clone
                .swap(&self.reference, here.as_deref(), &new)
                .await?;
            if swapped == Swap::Done || self.remote.is_some() {
                return Ok(());
            }
        }
        Err(GitError::Moved)
    }

    fn head_of(&self, commit: &str) -> Result<Option<AuditHead>, GitError> {
        let text = self.clone.text(commit)?;
        Ok(text.as_deref().and_then(AuditHead::parse))
    }
}

impl KeptHeads {
    /// Reads the heads of all clusters, from the remote too if there is one.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub async fn read(clone: &LocalClone, remote: Option<&Remote>) -> Result<Self, GitError> {
        let mut kept = Self::default();
        let mut seen = BTreeSet::new();
        // The remote's value replaces this one, which may have heads that were never pushed.
        for reference in audit_refs(clone.values(REFS)?.into_keys()) {
            kept.add(clone, &reference, &mut seen)?;
        }
        let Some(remote) = remote else {
            return Ok(kept);
        };
        let there = match remote.values(REFS).await {
            Ok(there) => there,
            Err(error) => {
                kept.doubts.push(error.to_string());
                return Ok(kept);
            }
        };
        // Whoever only reads moves no ref: the heads that were never pushed stay.
        for reference in audit_refs(there.keys().cloned()) {
            match remote.peek(&reference).await {
                Ok(()) => kept.add_from(clone, &reference, there.get(&reference), &mut seen)?,
                Err(error) => kept.doubts.push(format!("{reference}: {error}")),
            }
        }
        Ok(kept)
    }

    /// Adds the heads of a ref that were not seen yet.
    fn add(
        &mut self,
        clone: &LocalClone,
        reference: &str,
        seen: &mut BTreeSet<String>,
    ) -> Result<(), GitError> {
        let start = clone.value(reference)?;
        self.add_from(clone, reference, start.as_ref(), seen)
    }

    /// Adds the heads of a commit and those before it.
    fn add_from(
        &mut self,
        clone: &LocalClone,
        reference: &str,
        start: Option<&String>,
        seen: &mut BTreeSet<String>,
    ) -> Result<(), GitError> {
        let mut next = start.cloned();
        while let Some(commit) = next.take() {
            if !seen.insert(commit.clone()) || seen.len() > MAX_COMMITS {
                return Ok(());
            }
            let text = clone.text(&commit)?.unwrap_or_default();
            if let Some(head) = AuditHead::parse(&text) {
                self.heads.push(KeptHead {
                    head,
                    commit: commit.clone(),
                    reference: reference.to_owned(),
                });
            }
            next = clone.parent(&commit)?;
        }
        Ok(())
    }
}

/// What the names of all refs begin with.
const REFS: &str = "refs/emblazon/";

fn audit_refs(names: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let is_ours = |name: &String| {
        let cluster = name
            .strip_prefix(REFS)
            .and_then(|rest| rest.strip_suffix("/audit"));
        cluster.is_some_and(|cluster| !cluster.is_empty() && !cluster.contains('/'))
    };
    names.filter(is_ours).take(MAX_REFS)
}

impl LocalClone {
    /// Returns the first parent of a commit, if this clone has it.
    fn parent(&self, commit: &str) -> Result<Option<String>, GitError> {
        let repository = self.repository()?;
        let found = Oid::from_str(commit).and_then(|id| repository.find_commit(id));
        let words = |error: &git2::Error| GitError::Repository(error.message().to_owned());
        let parent = match found {
            Ok(commit) => commit.parent_id(0).ok(),
            Err(error) if error.code() == ErrorCode::NotFound => None,
            Err(error) => return Err(words(&error)),
        };
        // In a shallow clone the history ends before its beginning.
        let parent = parent.filter(|id| repository.find_commit(*id).is_ok());
        Ok(parent.map(|id| id.to_string()))
    }
}
