//! Selection of the cluster, and the reasons why there may be nothing to load.

use thiserror::Error;

use super::check::nearest;
use super::source::SourceError;
use super::{AuthConfig, ClusterConfig};
use crate::model::ClusterName;

/// The reason why there is nothing to load; mistakes in the files are diagnostics instead.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The folder is not a tree.
    #[error(
        "the folder has no emblazon.yaml; name the tree's folder, with --tree where a command takes accounts or a file, or begin one with `emblazon init`"
    )]
    NotATree,
    /// What should make the folder a tree is a link, a pipe, a folder, or the like.
    #[error(
        "emblazon.yaml is not a file of its own; put the file itself there: a link, a pipe and a folder are not read"
    )]
    NotAFile,
    /// The chosen cluster is not declared.
    #[error("there is no cluster {name}; declared in emblazon.yaml: {known}{suggestion}")]
    UnknownCluster {
        /// Requested name.
        name: String,
        /// Declared clusters, separated by commas.
        known: String,
        /// `; did you mean …?`, or nothing.
        suggestion: String,
    },
    /// Several clusters are declared and none was chosen.
    #[error("the tree has several clusters; choose one with --cluster: {known}")]
    SeveralClusters {
        /// Declared clusters, separated by commas.
        known: String,
    },
    /// The files cannot be listed.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl LoadError {
    /// Returns whether this is a usage error (exit 64) rather than a failure of the machine (exit 1).
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::NotATree
            | Self::NotAFile
            | Self::UnknownCluster { .. }
            | Self::SeveralClusters { .. } => true,
            Self::Source(error) => matches!(
                error,
                SourceError::NoFolder(_)
                    | SourceError::NoRepository { .. }
                    | SourceError::NoRevision { .. }
                    | SourceError::NotInRevision { .. }
            ),
        }
    }
}

/// Chooses the cluster. If the file could not be parsed, any name is accepted, so that its mistakes can be shown.
pub(super) fn choose(
    clusters: &[ClusterConfig],
    parsed: bool,
    name: Option<&str>,
) -> Result<ClusterConfig, LoadError> {
    let names = || clusters.iter().map(|cluster| cluster.name.as_str());
    let known = || names().collect::<Vec<_>>().join(", ");
    let unnamed = |name: &str| ClusterConfig {
        name: ClusterName::new(name),
        api: None,
        root: None,
        allow_plain_http: false,
        ca_file: None,
        ui: None,
        auth: AuthConfig::default(),
        keys: Vec::new(),
    };
    match (name, clusters) {
        (Some(name), _) => match clusters
            .iter()
            .find(|cluster| cluster.name.as_str() == name)
        {
            Some(cluster) => Ok(cluster.clone()),
            None if !parsed => Ok(unnamed(name)),
            None => Err(LoadError::UnknownCluster {
                name: name.to_owned(),
                known: known(),
                suggestion: nearest(name, names())
                    .map(|name| format!("; did you mean {name}?"))
                    .unwrap_or_default(),
            }),
        },
        (None, []) => Ok(unnamed("default")),
        (None, [cluster]) => Ok(cluster.clone()),
        (None, _) => Err(LoadError::SeveralClusters { known: known() }),
    }
}
