//! A tree on a branch of a Git remote.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::revision::{Commit, SourceError, SourceRevision, unreadable};
use crate::apply::remote::{Ending, GitError, Mirror};
use crate::apply::{AppliedRef, make_directory};
use crate::model::ClusterName;
use crate::tree::{self, GitTree, Known, PictureCache, commit_facts, load_next, short_commit};

/// A branch, fetched by the user's own `git` into a repository without a checkout.
pub(in crate::daemon) struct RemoteSource {
    mirror: Mirror,
    /// The tree's folder within the repository.
    folder: Utf8PathBuf,
    place: String,
    /// An `allowed_signers` file as `ssh-keygen` reads it; without it no signature is required.
    signers: Option<Utf8PathBuf>,
    pictures: Arc<PictureCache>,
}

impl RemoteSource {
    /// Prepares the mirror repository; sends nothing to the remote yet.
    pub(in crate::daemon) fn new(
        state: &Utf8Path,
        url: &str,
        branch: &str,
        folder: &Utf8Path,
        signers: Option<Utf8PathBuf>,
        ending: Ending,
    ) -> Result<Self, GitError> {
        let mirror = Mirror::open(&state.join("source"), url, branch, Some(ending))?;
        let folder = mirror.folder().join(folder);
        make_directory(folder.as_std_path())
            .map_err(|error| GitError::Repository(format!("{folder}: {error}")))?;
        Ok(Self {
            place: mirror.place(),
            mirror,
            folder,
            // `git` runs in another folder, so a relative path would not be found.
            signers: signers.map(|file| camino::absolute_utf8(&file).unwrap_or(file)),
            pictures: Arc::default(),
        })
    }

    pub(super) fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn branch(&self) -> &str {
        self.mirror.branch()
    }

    pub(super) async fn read(
        &self,
        cluster: Option<&str>,
        known: Option<SourceRevision>,
    ) -> Result<SourceRevision, SourceError> {
        let id = self.mirror.fetch().await.map_err(unreadable)?;
        let signer = match &self.signers {
            None => None,
            Some(signers) => Some(self.signer(&id, signers).await?),
        };
        let folder = self.folder.clone();
        let pictures = Arc::clone(&self.pictures);
        let cluster = cluster.map(str::to_owned);
        let read = move || {
            let files = GitTree::open(&folder, &id).map_err(unreadable)?;
            let files = Arc::new(files.knowing(pictures));
            let facts = commit_facts(&folder, &id).unwrap_or_default();
            let revision = match known {
                Some(seen) if seen.id() == Some(&id) => SourceRevision { files, ..seen },
                Some(seen) => {
                    let known = Known {
                        loaded: &seen.loaded,
                        revision: seen.id(),
                    };
                    let next = load_next((&*files, &id), &folder, cluster.as_deref(), known);
                    SourceRevision::new(files, next.map_err(unreadable)?)
                }
                None => {
                    let whole = tree::load(&*files, cluster.as_deref()).map_err(unreadable)?;
                    SourceRevision::new(files, whole)
                }
            };
            let commit = Commit {
                id,
                subject: facts.subject,
                made: facts.made,
                signer,
            };
            Ok(SourceRevision {
                commit: Some(commit),
                ..revision
            })
        };
        tokio::task::spawn_blocking(read)
            .await
            .unwrap_or_else(|error| Err(unreadable(error)))
    }

    async fn signer(&self, commit: &str, signers: &Utf8Path) -> Result<String, SourceError> {
        let signer = self.mirror.clone_of().signer(commit, signers).await;
        signer.map_err(|error| SourceError::Untrusted {
            commit: commit.to_owned(),
            reason: format!(
                "commit {} is not signed by anybody in {signers}: {error}",
                short_commit(commit)
            ),
        })
    }

    pub(super) fn applied_ref(&self, cluster: &ClusterName) -> AppliedRef {
        let clone = self.mirror.clone_of().clone();
        let remote = self.mirror.remote().clone();
        AppliedRef::new(&self.folder, cluster, clone, Some(remote)).signed_by(self.signers.clone())
    }
}
