//! Branches that emblazon itself pushes: each has one commit of its own on top of another branch.
//!
//! A branch on which somebody else has commits is never moved: it is recognised by who committed, and people who amend,
//! rebase or merge become the committer.

use camino::Utf8PathBuf;
use git2::build::TreeUpdateBuilder;
use git2::{ErrorCode, FileMode, ObjectType, Oid, Repository, Signature, Time};
use jiff::Timestamp;

use super::local_clone::{GitError, LocalClone, Remote, Swap, unreadable};
use super::text::{EMAIL, NAME};

/// The commit that a branch is to have on top of another one.
#[derive(Clone, Debug)]
pub struct ProposedCommit<'a> {
    /// The name of the branch, without `refs/heads/`.
    pub branch: &'a str,
    /// The commit that it is on top of, which a branch of the remote names.
    pub parent: &'a str,
    /// The files that it changes.
    pub files: &'a [ProposedFile],
    /// Its message.
    pub message: &'a str,
}

/// A file that a commit creates or changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedFile {
    /// Its path from the top of the repository.
    pub path: Utf8PathBuf,
    /// What the parent has; absent for a new file.
    pub before: Option<Vec<u8>>,
    /// The new content.
    pub after: Vec<u8>,
}

/// What became of a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BranchOutcome {
    /// It was pushed.
    Pushed(String),
    /// Its commit makes the same change already.
    Unchanged(String),
    /// It is deleted, or was not there.
    Gone,
    /// Somebody else has a commit on it, and it stays as it is.
    Foreign {
        /// The commit that it names.
        commit: String,
        /// Who committed. May contain any character.
        by: String,
    },
}

impl Remote {
    /// Returns the commit of a branch of the remote, and fetches it if this clone does not have it. No branch of this
    /// clone is moved.
    pub async fn branch(&self, name: &str) -> Result<Option<String>, GitError> {
        let reference = head(name);
        let Some(id) = self.value(&reference).await? else {
            return Ok(None);
        };
        if !self.clone_of().has_commit(&id)? {
            self.peek(&reference).await?;
        }
        if self.clone_of().has_commit(&id)? {
            Ok(Some(id))
        } else {
            Err(GitError::Moved)
        }
    }

    /// Returns whether a branch of the remote has a commit, as the last one or in its history.
    pub async fn has_on(&self, branch: &str, commit: &str) -> Result<bool, GitError> {
        let Some(newest) = self.branch(branch).await? else {
            return Ok(false);
        };
        self.clone_of().has_in_history(&newest, commit)
    }

    /// Has the branch make exactly one change on top of its parent. A branch that was pushed before is replaced, unless
    /// it makes the same change already or somebody else has a commit on it.
    pub async fn propose(
        &self,
        proposed: &ProposedCommit<'_>,
        now: Timestamp,
    ) -> Result<BranchOutcome, GitError> {
        let old = self.branch(proposed.branch).await?;
        if let Some(old) = &old {
            match self.clone_of().owner(old, proposed.parent)? {
                Owner::Other(by) => {
                    let commit = old.clone();
                    return Ok(BranchOutcome::Foreign { commit, by });
                }
                Owner::Ours if self.clone_of().makes(old, proposed.files)? => {
                    return Ok(BranchOutcome::Unchanged(old.clone()));
                }
                Owner::Ours | Owner::Merged => {}
            }
        }
        let new = self.clone_of().write_change(proposed, now)?;
        let reference = head(proposed.branch);
        match self.swap(&reference, old.as_deref(), Some(&new)).await? {
            Swap::Done => Ok(BranchOutcome::Pushed(new)),
            Swap::Moved => Err(GitError::Moved),
        }
    }

    /// Returns the commit of a branch and who committed, if that is not emblazon; `parent` is a commit of the branch that
    /// it is on top of.
    pub async fn foreign(
        &self,
        branch: &str,
        parent: &str,
    ) -> Result<Option<(String, String)>, GitError> {
        let Some(commit) = self.branch(branch).await? else {
            return Ok(None);
        };
        Ok(match self.clone_of().owner(&commit, parent)? {
            Owner::Other(by) => Some((commit, by)),
            Owner::Ours | Owner::Merged => None,
        })
    }

    /// Deletes a branch that was pushed before; `parent` is a commit of the branch that it is on top of.
    pub async fn withdraw(&self, branch: &str, parent: &str) -> Result<BranchOutcome, GitError> {
        let Some(old) = self.branch(branch).await? else {
            return Ok(BranchOutcome::Gone);
        };
        if let Owner::Other(by) = self.clone_of().owner(&old, parent)? {
            return Ok(BranchOutcome::Foreign { commit: old, by });
        }
        match self.swap(&head(branch), Some(&old), None).await? {
            Swap::Done => Ok(BranchOutcome::Gone),
            Swap::Moved => Err(GitError::Moved),
        }
    }
}

fn head(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

/// Whose commits a branch has that another one has not.
enum Owner {
    /// None: the other branch has them all.
    Merged,
    /// One, by emblazon.
    Ours,
    /// Somebody else's, or it is not known whose.
    Other(String),
}

impl LocalClone {
    fn has_in_history(&self, newest: &str, commit: &str) -> Result<bool, GitError> {
        let repository = self.repository()?;
        let look = || {
            let (newest, commit) = (Oid::from_str(newest)?, Oid::from_str(commit)?);
            Ok(newest == commit || repository.graph_descendant_of(newest, commit)?)
        };
        look().map_err(|error: git2::Error| unreadable(&error))
    }

    /// Finds out whose commits `commit` has on top of the branch that `parent` is on.
    fn owner(&self, commit: &str, parent: &str) -> Result<Owner, GitError> {
        let repository = self.repository()?;
        let find = || -> Result<Owner, git2::Error> {
            let (id, onto) = (Oid::from_str(commit)?, Oid::from_str(parent)?);
            let has = |older: Oid| {
                Ok::<_, git2::Error>(onto == older || repository.graph_descendant_of(onto, older)?)
            };
            if has(id)? {
                return Ok(Owner::Merged);
            }
            let found = repository.find_commit(id)?;
            let by = |signature: &Signature<'_>| signature.email_bytes() == EMAIL.as_bytes();
            if !by(&found.author()) || !by(&found.committer()) {
                let name = String::from_utf8_lossy(found.committer().name_bytes()).into_owned();
                return Ok(Owner::Other(name));
            }
            // In a shallow clone, the commits below may not be there.
            let is_on_top = found.parent_count() == 1 && has(found.parent_id(0)?)?;
            Ok(if is_on_top {
                Owner::Ours
            } else {
                Owner::Other("somebody else, below it".to_owned())
            })
        };
        match find() {
            Err(error) if error.code() == ErrorCode::NotFound => {
                Ok(Owner::Other("nobody knows who".to_owned()))
            }
            found => found.map_err(|error| unreadable(&error)),
        }
    }

    /// Returns whether a commit makes exactly this change to its parent.
    fn makes(&self, commit: &str, files: &[ProposedFile]) -> Result<bool, GitError> {
        let repository = self.repository()?;
        let compare = || -> Result<bool, git2::Error> {
            let commit = repository.find_commit(Oid::from_str(commit)?)?;
            let (old, new) = (commit.parent(0)?.tree()?, commit.tree()?);
            let diff = repository.diff_tree_to_tree(Some(&old), Some(&new), None)?;
            let at = |tree: &git2::Tree<'_>, path: &Utf8PathBuf| {
                let entry = tree.get_path(path.as_std_path());
                entry.ok().map(|entry| entry.id())
            };
            let mut same = diff.deltas().len() == files.len();
            for file in files {
                let before = (file.before.as_ref())
                    .map(|bytes| Oid::hash_object(ObjectType::Blob, bytes))
                    .transpose()?;
                let after = Oid::hash_object(ObjectType::Blob, &file.after)?;
                same &= at(&old, &file.path) == before && at(&new, &file.path) == Some(after);
            }
            Ok(same)
        };
        match compare() {
            Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
            compared => compared.map_err(|error| unreadable(&error)),
        }
    }

    /// Writes the commit into this clone; no ref names it yet.
    fn write_change(
        &self,
        proposed: &ProposedCommit<'_>,
        now: Timestamp,
    ) -> Result<String, GitError> {
        let repository = self.repository()?;
        let write = || -> Result<Oid, git2::Error> {
            let parent = repository.find_commit(Oid::from_str(proposed.parent)?)?;
            let tree = changed(&repository, &parent.tree()?, proposed.files)?;
            let author = Signature::new(NAME, EMAIL, &Time::new(now.as_second(), 0))?;
            let message = git2::message_prettify(proposed.message, None)?;
            repository.commit(None, &author, &author, &message, &tree, &[&parent])
        };
        let id = write().map_err(|error| unreadable(&error))?;
        Ok(id.to_string())
    }
}

/// Writes a tree with some files changed; an executable file stays one.
fn changed<'r>(
    repository: &'r Repository,
    before: &git2::Tree<'_>,
    files: &[ProposedFile],
) -> Result<git2::Tree<'r>, git2::Error> {
    let mut update = TreeUpdateBuilder::new();
    for file in files {
        let path = file.path.as_std_path();
        let is_executable = before
            .get_path(path)
            .is_ok_and(|entry| entry.filemode() == i32::from(FileMode::BlobExecutable));
        let mode = if is_executable {
            FileMode::BlobExecutable
        } else {
            FileMode::Blob
        };
        update.upsert(file.path.as_str(), repository.blob(&file.after)?, mode);
    }
    let id = update.create_updated(repository, before)?;
    repository.find_tree(id)
}
