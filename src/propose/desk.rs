//! Where proposals are made: a branch of a Git remote, and its forge.

use std::collections::BTreeSet;

use jiff::Timestamp;
use thiserror::Error;

use super::Proposal;
use crate::apply::remote::{BranchOutcome, GitError, ProposedCommit, Remote};
use crate::forge::{ForgeError, Publisher, Pull, PullDraft};
use crate::model::{AccountName, ClusterName};
use crate::report::markdown::no_longer_kept;
use crate::tree::{kept_branch, short_commit};

/// A Git remote and its forge.
pub struct Desk {
    /// The remote.
    pub remote: Remote,
    /// The branch that pull requests are for.
    pub into: String,
    /// The forge.
    pub publisher: Publisher,
}

/// What became of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// Whether the branch was pushed.
    pub is_pushed: bool,
    /// The pull request.
    pub pull: Pull,
}

/// What became of a proposal of which nothing is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// This pull request was closed.
    Closed(u64),
    /// None was open.
    Nothing,
}

/// Why nothing was proposed, or withdrawn.
#[derive(Debug, Error)]
pub enum ProposeError {
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The forge failed.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// Somebody else has a commit on the branch.
    #[error(
        "branch {branch} has commit {} by {by}, which is not emblazon's, so it stays as it is; merge it, or delete the branch",
        short_commit(commit)
    )]
    Foreign {
        /// The branch.
        branch: String,
        /// The commit that it names.
        commit: String,
        /// Who committed. May contain any character.
        by: String,
    },
}

impl Desk {
    /// Pushes the proposal as a commit on top of `parent`, a commit of the branch that it is for, and opens or updates
    /// its pull request.
    pub async fn propose(
        &self,
        proposal: &Proposal,
        parent: &str,
        now: Timestamp,
    ) -> Result<Proposed, ProposeError> {
        let commit = ProposedCommit {
            branch: &proposal.branch,
            parent,
            files: &proposal.files,
            message: &proposal.message,
        };
        let is_pushed = match self.remote.propose(&commit, now).await? {
            BranchOutcome::Pushed(_) => true,
            BranchOutcome::Unchanged(_) | BranchOutcome::Gone => false,
            BranchOutcome::Foreign { commit, by } => {
                let branch = proposal.branch.clone();
                return Err(ProposeError::Foreign { branch, commit, by });
            }
        };
        let draft = PullDraft {
            branch: proposal.branch.clone(),
            into: self.into.clone(),
            title: proposal.title.clone(),
            text: proposal.text.clone(),
        };
        let pull = self.publisher.propose(&draft).await?;
        Ok(Proposed { is_pushed, pull })
    }

    /// Closes the pull request for some accounts, and deletes its branch; a branch on which somebody else has commits is
    /// left alone, with its pull request. `parent` is a commit of the branch that it is for.
    pub async fn withdraw(
        &self,
        cluster: &ClusterName,
        accounts: &BTreeSet<AccountName>,
        parent: &str,
    ) -> Result<Withdrawn, ProposeError> {
        let branch = kept_branch(cluster, accounts);
        if self.remote.branch(&branch).await?.is_none() {
            return Ok(Withdrawn::Nothing);
        }
        if let Some((commit, by)) = self.remote.foreign(&branch, parent).await? {
            return Err(ProposeError::Foreign { branch, commit, by });
        }
        let closed = self
            .publisher
            .withdraw(&branch, &no_longer_kept(cluster))
            .await?;
        match self.remote.withdraw(&branch, parent).await? {
            BranchOutcome::Foreign { commit, by } => {
                Err(ProposeError::Foreign { branch, commit, by })
            }
            _ => Ok(closed.map_or(Withdrawn::Nothing, Withdrawn::Closed)),
        }
    }
}
