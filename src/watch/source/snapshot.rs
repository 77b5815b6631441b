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
pub(in crate::watch) enum Source {
    /// A folder of this machine.
    Folder(FolderSource),
    /// A branch of a Git remote.
    Remote(Box<RemoteSource>),
}

/// One state of the tree, as it was read; cheap to clone.
#[derive(Clone)]
pub(in crate::watch) struct Snapshot {
    /// The commit; absent when the tree is none.
    pub(in crate::watch) commit: Option<Commit>,
    pub(in crate::watch) files: Arc<dyn TreeSource + Send>,
    pub(in crate::watch) loaded: Arc<Loaded>,
    /// The digest of the tree, once somebody asked for it.
    pub(in crate::watch) tree: OnceLock<Digest>,
    /// How the files stood, and when they were read; absent for a commit, which never changes.
    pub(in crate::watch) stood: Option<(Signature, Timestamp)>,
    /// The template of another shard, which this one writes nothing of: its accounts' records follow from it all the same.
    pub(in crate::watch) template_elsewhere: Option<DesiredTemplate>,
}

impl Snapshot {
    /// Begins with a tree of which nothing else is known yet.
    pub(in crate::watch) fn new(files: Arc<dyn TreeSource + Send>, loaded: Loaded) -> Self {
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
    pub(in crate::watch) fn id(&self) -> Option<&str> {
        self.commit.as_ref().map(|commit| &*commit.id)
    }

    /// Returns the template that records follow from, whoever writes it.
    pub(in crate::watch) fn template(&self) -> Option<&DesiredTemplate> {
        let own = self.loaded.desired.template.as_ref();
        own.or(self.template_elsewhere.as_ref())
    }

    /// Tells whether another look found the very same tree of the same commit.
    pub(in crate::watch) fn is(&self, other: &Self) -> bool {
        self.commit == other.commit && Arc::ptr_eq(&self.loaded, &other.loaded)
    }

    /// Returns the digest of the tree.
    pub(in crate::watch) fn digest(&self) -> &Digest {
        self.tree.get_or_init(|| self.loaded.desired.digest())
    }
}

/// What is to be known of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::watch) struct Commit {
    pub(in crate::watch) id: String,
    /// The first line of its message.
    pub(in crate::watch) subject: String,
    pub(in crate::watch) made: Option<Timestamp>,
    /// Who signed it, when that was checked.
    pub(in crate::watch) signer: Option<String>,
}

/// Why there is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::watch) enum Trouble {
    /// The source could not be read, or holds no tree.
    Unreadable(String),
    /// The commit is not signed by somebody who may.
    Untrusted { commit: String, reason: String },
}

impl Source {
    /// Reads what is there now.
    ///
    /// Of a branch, only what differs from the known snapshot is read; of a folder nothing, when nobody touched it.
    pub(in crate::watch) async fn read(
        &self,
        cluster: Option<&str>,
        known: Option<Snapshot>,
        now: Timestamp,
    ) -> Result<Snapshot, Trouble> {
        match self {
            Self::Folder(folder) => folder.read(cluster, known, now).await,
            Self::Remote(remote) => remote.read(cluster, known).await,
        }
    }

    /// Returns the folder that the tree's relative paths, such as secret files, are found from.
    pub(in crate::watch) fn folder(&self) -> &Utf8Path {
        match self {
            Self::Folder(folder) => folder.folder(),
            Self::Remote(remote) => remote.folder(),
        }
    }

    /// Returns what people call it.
    pub(in crate::watch) fn place(&self) -> String {
        match self {
            Self::Folder(folder) => folder.folder().to_string(),
            Self::Remote(remote) => remote.place().to_owned(),
        }
    }

    /// Returns the branch, for a remote.
    pub(in crate::watch) fn branch(&self) -> Option<String> {
        match self {
            Self::Folder(_) => None,
            Self::Remote(remote) => Some(remote.branch().to_owned()),
        }
    }

    /// Names the ref that says what was applied last; absent where there is no repository.
    pub(in crate::watch) fn applied_ref(
        &self,
        cluster: &ClusterName,
    ) -> Result<Option<AppliedRef>, GitError> {
        match self {
            Self::Folder(folder) => folder.applied_ref(cluster),
            Self::Remote(remote) => Ok(Some(remote.applied_ref(cluster))),
        }
    }
}

pub(super) fn unreadable(error: impl std::fmt::Display) -> Trouble {
    Trouble::Unreadable(error.to_string())
}
