//! Opening and loading the tree that the arguments name.

use std::sync::Arc;

use camino::Utf8Path;

use super::args::TreeChoice;
use super::failure::Failure;
use super::ui::Ui;
use crate::tree::{self, GitTree, LoadError, Loaded, SourceError, TreeSource, Workdir};

/// A tree, and where its files come from.
pub(crate) struct OpenTree {
    pub(crate) source: Arc<dyn TreeSource + Send>,
    pub(crate) loaded: Loaded,
}

/// What to do with a tree of several clusters when none was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Several {
    /// Ask for a choice.
    Refuse,
    /// Take the first: for commands that only look at the tree, or work on a sandbox, which stands in for any.
    First,
}

/// Opens the work tree, or the tree at a revision, and loads it.
pub(crate) fn open(
    ui: Ui,
    folder: &Utf8Path,
    choice: &TreeChoice,
    several: Several,
) -> Result<OpenTree, Failure> {
    let source = source(folder, choice.rev.as_deref())?;
    let mut cluster = choice.cluster.clone();
    if cluster.is_none() && several == Several::First {
        let clusters = tree::clusters(&*source).map_err(unloadable)?;
        cluster = clusters.first().map(ToString::to_string);
        if let (Some(first), 2..) = (&cluster, clusters.len()) {
            ui.talk(&format!(
                "taking cluster {first}; --cluster chooses another"
            ));
        }
    }
    let loaded = tree::load(&*source, cluster.as_deref()).map_err(unloadable)?;
    Ok(OpenTree { source, loaded })
}

/// Opens the tree and loads it for each of its clusters, or for the chosen one.
pub(crate) fn open_all(folder: &Utf8Path, choice: &TreeChoice) -> Result<Vec<Loaded>, Failure> {
    let source = source(folder, choice.rev.as_deref())?;
    let mut clusters: Vec<Option<String>> = vec![choice.cluster.clone()];
    if choice.cluster.is_none() {
        let declared = tree::clusters(&*source).map_err(unloadable)?;
        if declared.len() > 1 {
            clusters = declared.iter().map(|name| Some(name.to_string())).collect();
        }
    }
    clusters
        .iter()
        .map(|cluster| tree::load(&*source, cluster.as_deref()).map_err(unloadable))
        .collect()
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
