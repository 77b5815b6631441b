//! A source revision: the tree as it was read once.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use crate::model::Digest;
use crate::tree::{DesiredTemplate, Loaded, Signature, TreeSource};

/// The tree as it was read once; cheap to clone.
#[derive(Clone)]
pub(in crate::daemon) struct SourceRevision {
    /// The commit; absent when the tree is not exactly a commit.
    pub(in crate::daemon) commit: Option<Commit>,
    pub(in crate::daemon) files: Arc<dyn TreeSource + Send>,
    pub(in crate::daemon) loaded: Arc<Loaded>,
    /// The digest of the tree, computed on first use.
    pub(in crate::daemon) tree: OnceLock<Digest>,
    /// The signature of the files, and when they were read; absent for a commit, which never changes.
    pub(in crate::daemon) stood: Option<(Signature, Timestamp)>,
    /// The template when another shard writes it; the records of this shard's accounts follow from it too.
    pub(in crate::daemon) template_elsewhere: Option<DesiredTemplate>,
}

impl SourceRevision {
    /// Creates a revision of a tree about which nothing else is known yet.
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

    /// Returns the template that the records follow from, whichever shard writes it.
    pub(in crate::daemon) fn template(&self) -> Option<&DesiredTemplate> {
        let own = self.loaded.desired.template.as_ref();
        own.or(self.template_elsewhere.as_ref())
    }

    /// Returns whether both are the very same tree of the same commit.
    pub(in crate::daemon) fn is(&self, other: &Self) -> bool {
        self.commit == other.commit && Arc::ptr_eq(&self.loaded, &other.loaded)
    }

    /// Returns the digest of the tree.
    pub(in crate::daemon) fn digest(&self) -> &Digest {
        self.tree.get_or_init(|| self.loaded.desired.digest())
    }
}

/// A commit of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::daemon) struct Commit {
    pub(in crate::daemon) id: String,
    /// The first line of its message.
    pub(in crate::daemon) subject: String,
    pub(in crate::daemon) made: Option<Timestamp>,
    /// Who signed it, where signatures are checked.
    pub(in crate::daemon) signer: Option<String>,
}

/// Why the source gave no revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::daemon) enum SourceError {
    /// The source could not be read, or holds no tree.
    Unreadable(String),
    /// The commit is not signed by an allowed signer.
    Untrusted { commit: String, reason: String },
}

pub(super) fn unreadable(error: impl std::fmt::Display) -> SourceError {
    SourceError::Unreadable(error.to_string())
}
