//! One state of the tree, as it was read.

use std::sync::{Arc, OnceLock};

use camino::Utf8Path;
use jiff::Timestamp;

use super::{FolderSource, RemoteSource};
use crate::apply::AppliedRef;
use crate::apply::remote::GitError;
use crate::model::{ClusterName, Digest};
use crate::tree::{DesiredTemplate, Loaded, Signature, TreeSource};

/// Where the tree comes from.
pub(in crate::daemon) enum Source {
    /// A folder of this machine.
    Folder(FolderSource),
    /// A branch of a Git remote.
    Remote(Box<RemoteSource>),
}

/// One state of the tree, as it was read; cheap to clone.
#[derive(Clone)]
pub(in crate::daemon) struct SourceRevision {
    /// The commit; absent when the tree is none.
    pub(in crate::daemon) commit: Option<Commit>,
    pub(in crate::daemon) files: Arc<dyn TreeSource + Send>,
    pub(in crate::daemon) loaded: Arc<Loaded>,
    /// The digest of the tree, once somebody asked for it.
    pub(in crate::daemon) tree: OnceLock<Digest>,
    /// How the files stood, and when they were read; absent for a commit, which never changes.
    pub(in crate::daemon) stood: Option<(Signature, Timestamp)>,
    /// The template of another shard, which this one writes nothing of: its accounts' records follow from it all the same.
    pub(in crate::daemon) template_elsewhere: Option<DesiredTemplate>,
}

impl SourceRevision {
    /// Begins with a tree of which nothing else is known yet.
    pub(in crate::daemon) fn new(files: Arc<dyn TreeSource + Send>, loaded: Loaded) -> Self {
        Self {
            commit: None,
            files,
            loaded: Arc::new(loaded),
            tree: OnceLock::new(),
            stood: None,
            template_elsewhere: None,
        }
    }

    /// Returns the commit's full id.
    pub(in crate::daemon) fn id(&self) -> Option<&str> {
        self.commit.as_ref().map(|commit| &*commit.id)
    }

    /// Returns the template that records follow from, whoever writes it.
    pub(in crate::daemon) fn template(&self) -> Option<&DesiredTemplate> {
        let own = self.loaded.desired.template.as_ref();
        own.or(self.template_elsewhere.as_ref())
    }

    /// Tells whether another look found the very same tree of the same commit.
    pub(in crate::daemon) fn is(&self, other: &Self) -> bool {
        self.commit == other.commit && Arc::ptr_eq(&self.loaded, &other.loaded)
    }

    /// Returns the digest of the tree.
    pub(in crate::daemon) fn digest(&self) -> &Digest {
        self.tree.get_or_init(|| self.loaded.desired.digest())
    }
}

/// What is to be known of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::daemon) struct Commit {
    pub(in crate::daemon) id: String,
    /// The first line of its message.
    pub(in crate::daemon) subject: String,
    pub(in crate::daemon) made: Option<Timestamp>,
    /// Who signed it, when that was checked.
    pub(in crate::daemon) signer: Option<String>,
}

/// Why there is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::daemon) enum SourceError {
    /// The source could not be read, or holds no tree.
    Unreadable(String),
    /// The commit is not signed by somebody who may.
    Untrusted { commit: String, reason: String },
}

impl Source {
    /// Reads what is there now.
    ///
    /// Of a branch, only what differs from the known snapshot is read; of a folder nothing, when nobody touched it.
    pub(in crate::daemon) async fn read(
        &self,
        cluster: Option<&str>,
        known: Option<SourceRevision>,
        now: Timestamp,
    ) -> Result<SourceRevision, SourceError> {
        match self {
            Self::Folder(folder) => folder.read(cluster, known, now).await,
            Self::Remote(remote) => remote.read(cluster, known).await,
        }
    }

    /// Returns the folder that the tree's relative paths, such as secret files, are found from.
    pub(in crate::daemon) fn folder(&self) -> &Utf8Path {
        match self {
            Self::Folder(folder) => folder.folder(),
            Self::Remote(remote) => remote.folder(),
        }
    }

    /// Returns what people call it.
    pub(in crate::daemon) fn place(&self) -> String {
        match self {
            Self::Folder(folder) => folder.folder().to_string(),
            Self::Remote(remote) => remote.place().to_owned(),
        }
    }

    /// Returns the branch, for a remote.
    pub(in crate::daemon) fn branch(&self) -> Option<String> {
        match self {
            Self::Folder(_) => None,
            Self::Remote(remote) => Some(remote.branch().to_owned()),
        }
    }

    /// Names the ref that says what was applied last; absent where there is no repository.
    pub(in crate::daemon) fn applied_ref(
        &self,
        cluster: &ClusterName,
    ) -> Result<Option<AppliedRef>, GitError> {
        match self {
            Self::Folder(folder) => folder.applied_ref(cluster),
            Self::Remote(remote) => Ok(Some(remote.applied_ref(cluster))),
        }
    }
}

pub(super) fn unreadable(error: impl std::fmt::Display) -> SourceError {
    SourceError::Unreadable(error.to_string())
}
