//! Opening and loading the tree that the arguments name.

use std::sync::Arc;

use camino::Utf8Path;

use super::args::TreeChoice;
use super::failure::Failure;
use crate::tree::{self, GitTree, LoadError, Loaded, SourceError, TreeSource, Workdir};

/// A tree, and where its files come from.
pub(crate) struct OpenTree {
    pub(crate) source: Arc<dyn TreeSource + Send>,
    pub(crate) loaded: Loaded,
}

/// Opens the work tree, or the tree at a revision, and loads it.
///
/// With `any_cluster`, a tree with several clusters and no choice is read for its first one: for commands that
/// work on a sandbox, which stands in for any of them.
pub(crate) fn open(
    folder: &Utf8Path,
    choice: &TreeChoice,
    any_cluster: bool,
) -> Result<OpenTree, Failure> {
    let source = source(folder, choice.rev.as_deref())?;
    let mut cluster = choice.cluster.clone();
    if cluster.is_none() && any_cluster {
        let clusters = tree::clusters(&*source).map_err(unloadable)?;
        cluster = clusters.first().map(ToString::to_string);
    }
    let loaded = tree::load(&*source, cluster.as_deref()).map_err(unloadable)?;
    Ok(OpenTree { source, loaded })
}

fn source(
    folder: &Utf8Path,
    revision: Option<&str>,
) -> Result<Arc<dyn TreeSource + Send>, Failure> {
    let open = || -> Result<Arc<dyn TreeSource + Send>, SourceError> {
        Ok(match revision {
            Some(revision) => Arc::new(GitTree::open(folder, revision)?),
            None => Arc::new(Workdir::open(folder)?),
        })
    };
    open().map_err(|error| unloadable(error.into()))
}

fn unloadable(error: LoadError) -> Failure {
    if error.is_usage() {
        Failure::Usage(error.to_string())
    } else {
        Failure::Failed(error.into())
    }
}
