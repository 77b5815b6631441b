//! The source: where the tree comes from.

use camino::Utf8Path;
use jiff::Timestamp;

use super::folder::FolderSource;
use super::remote::RemoteSource;
use super::revision::{SourceError, SourceRevision};
use crate::apply::AppliedRef;
use crate::apply::remote::GitError;
use crate::model::ClusterName;

/// Where the tree comes from.
pub(in crate::daemon) enum Source {
    /// A local folder.
    Folder(FolderSource),
    /// A branch of a Git remote.
    Remote(Box<RemoteSource>),
}

impl Source {
    /// Reads the current revision.
    ///
    /// Of a branch, only what differs from the known revision is read; of a folder, nothing when no file changed.
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

    /// Returns the folder against which the tree's relative paths, such as those of secret files, are resolved.
    pub(in crate::daemon) fn folder(&self) -> &Utf8Path {
        match self {
            Self::Folder(folder) => folder.folder(),
            Self::Remote(remote) => remote.folder(),
        }
    }

    /// Returns the source's name for people: the folder's path, or the remote's URL without credentials.
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

    /// Returns the ref of the commit applied last; `None` where there is no repository.
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
