//! The request for an import, and its errors.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::diag::{Diagnostics, SourceMap};
use crate::live::{
    BrandDocument, Live, LiveAccount, LiveAsset, LiveBrand, LiveDocument, Reading, Unmanaged,
};
use crate::model::{AccountId, AccountName, ClusterName, DomainTemplate, KeyPath};
use crate::tree::{LoadError, Loaded, TreeSource};

/// What to import, and into which tree.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The existing tree, if any.
    pub existing: Option<Existing<'a>>,
    /// The folder, even if it is not a tree; absent if it does not exist.
    pub folder: Option<&'a dyn TreeSource>,
    /// The cluster for a new `emblazon.yaml`.
    pub cluster: &'a NewCluster,
    /// All accounts below the root, to choose folder names that never collide.
    pub everybody: &'a [Unmanaged],
    /// The brands that were read, sorted by id.
    pub brands: &'a [LiveBrand],
    /// Further brands that were read; they are not imported, but determine whether a shared layer may change.
    pub others: &'a [LiveBrand],
    /// The live domain template, if it was read.
    pub template: Option<&'a Reading<DomainTemplate>>,
    /// Whether to move values that accounts share into layers.
    pub factor: bool,
    /// What to import.
    pub scope: &'a Scope,
}

/// Converts what was read to the live state that plans compare.
pub(super) fn live(request: &Request<'_>, names: &BTreeMap<AccountId, AccountName>) -> Live {
    let accounts = request.brands.iter().filter_map(|brand| {
        let name = names.get(&brand.account.id)?;
        let document = match &brand.document {
            Reading::Known(document) => Reading::Known(document.as_ref().map(without_bytes)),
            Reading::Unknown(reason) => Reading::Unknown(reason.clone()),
        };
        let account = LiveAccount {
            id: Reading::Known(brand.account.id.clone()),
            document,
        };
        Some((name.clone(), Arc::new(account)))
    });
    Live {
        accounts: accounts.collect(),
        template: request.template.cloned(),
        ..Live::default()
    }
}

fn without_bytes(document: &BrandDocument) -> LiveDocument {
    let assets = document.assets.iter().map(|(kind, asset)| {
        let asset = match asset {
            Reading::Known(asset) => Reading::Known(asset.as_ref().map(|asset| LiveAsset {
                facts: asset.facts.clone(),
                attachment: asset.attachment.clone(),
            })),
            Reading::Unknown(reason) => Reading::Unknown(reason.clone()),
        };
        (*kind, asset)
    });
    LiveDocument {
        revision: document.revision.clone(),
        settings: document.settings.clone(),
        assets: assets.collect(),
    }
}

/// An existing tree.
#[derive(Clone, Copy)]
pub struct Existing<'a> {
    /// Its files.
    pub source: &'a dyn TreeSource,
    /// The tree, loaded without errors.
    pub loaded: &'a Loaded,
    /// Whether it also declares other clusters, in which case shared declarations are not changed.
    pub several_clusters: bool,
}

/// Returns the name of the cluster that a tree was loaded for.
pub(super) fn cluster(existing: Existing<'_>) -> &str {
    existing.loaded.desired.cluster.name.as_str()
}

/// What to import from the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every brand that was read, with all of its values.
    Everything,
    /// Only accepted drift.
    Accept(Vec<Accepted>),
}

/// Accepted drift of an account, or of one of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The account in the tree.
    pub account: AccountName,
    /// The key, with everything below it; if absent, everything that the tree declares.
    pub address: Option<KeyPath>,
}

/// The cluster of a new `emblazon.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCluster {
    /// The cluster's name.
    pub name: ClusterName,
    /// The base URL of its API; absent for a tree that is only used with the sandbox.
    pub api: Option<String>,
    /// The root account, unless it is the token's own account.
    pub root: Option<AccountId>,
}

/// Why nothing could be imported.
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
    /// The result does not pass the tree's checks, and it is unclear what to leave out.
    #[error("the imported tree would have mistakes; nothing was written, please report this")]
    Mistakes {
        /// The mistakes.
        diagnostics: Diagnostics,
        /// The source texts.
        sources: SourceMap,
    },
    /// No draft passed within the maximum number of rounds.
    #[error("the import did not settle; nothing was written, please report this")]
    Unsettled,
}
