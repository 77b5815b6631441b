//! What an import is asked for.

use thiserror::Error;

use crate::diag::{Diagnostics, SourceMap};
use crate::live::{LiveBrand, Reading, Unmanaged};
use crate::model::{AccountId, AccountName, ClusterName, DomainTemplate, KeyPath};
use crate::tree::{LoadError, Loaded, TreeSource};

/// What to import, and into which tree.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The tree that is there.
    pub existing: Option<Existing<'a>>,
    /// The folder as it is, also when it is no tree; absent when there is none.
    pub folder: Option<&'a dyn TreeSource>,
    /// What a new `emblazon.yaml` says of the cluster.
    pub cluster: &'a NewCluster,
    /// All accounts below the root: folders are named so that none of them would collide.
    pub everybody: &'a [Unmanaged],
    /// What was read, sorted by id.
    pub brands: &'a [LiveBrand],
    /// What else was read: it is not imported, but tells whether a shared layer may change.
    pub others: &'a [LiveBrand],
    /// The live domain template, when it was read.
    pub template: Option<&'a Reading<DomainTemplate>>,
    /// Whether values that accounts share go into layers.
    pub factor: bool,
    /// What to take.
    pub scope: &'a Scope,
}

/// A tree that is there.
#[derive(Clone, Copy)]
pub struct Existing<'a> {
    /// Its files.
    pub source: &'a dyn TreeSource,
    /// The same, loaded without an error.
    pub loaded: &'a Loaded,
    /// Whether it declares other clusters too: what they share is then left alone.
    pub several_clusters: bool,
}

/// What to take from the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every brand that was read, with all that it says.
    Everything,
    /// Only what somebody accepts.
    Accept(Vec<Accepted>),
}

/// What somebody accepts: an account's drift, or one key of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The account in the tree.
    pub account: AccountName,
    /// The key, and all below it; all that the tree declares when absent.
    pub address: Option<KeyPath>,
}

/// What a new `emblazon.yaml` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCluster {
    /// The cluster's name.
    pub name: ClusterName,
    /// The base URL of its API; absent for a tree that is only tried on the sandbox.
    pub api: Option<String>,
    /// The account below which everything lies, when it is not the token's own.
    pub root: Option<AccountId>,
}

/// Says why nothing could be imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The tree could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A file of the tree could not be read.
    #[error("failed to read {path}: {reason}; check the file")]
    Read {
        /// The file.
        path: String,
        /// The reason.
        reason: String,
    },
    /// What was written does not pass the tree's checks, and it cannot be told what to leave out.
    #[error("the imported tree would have mistakes; nothing was written, please report this")]
    Mistakes {
        /// The mistakes.
        diagnostics: Diagnostics,
        /// The texts.
        sources: SourceMap,
    },
    /// Leaving out went on and on.
    #[error("the import did not settle; nothing was written, please report this")]
    Unsettled,
}
