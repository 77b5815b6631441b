//! Loads the tree of another commit beside a loaded one: what the two have in common is reused, not read again.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::changes::{ATTRIBUTES, changes, is_byte_for_byte};
use super::layer::Layer;
use super::load::{Others, load, load_part, read_part};
use super::source::{SourceError, TreeSource};
use super::{Desired, LoadError, Loaded, Selection, Touched, check};
use crate::diag::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::{AccountName, ClusterName};

/// A loaded tree, and the revision that it was loaded from.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The tree, without errors.
    pub loaded: &'a Loaded,
    /// Revision of the tree; the work tree when absent.
    pub revision: Option<&'a str>,
}

/// The content of a commit.
pub(super) struct Beside {
    pub(super) desired: Desired,
    diagnostics: Diagnostics,
}

impl Beside {
    /// Lists the errors in the commit's tree.
    pub(super) fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        let is_error = |diagnostic: &&Diagnostic| diagnostic.code.severity() == Severity::Error;
        self.diagnostics.iter().filter(is_error)
    }

    /// Returns whether there are errors.
    pub(super) fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }
}

/// Loads the tree of a commit, or some accounts of it. The known tree is in `folder`.
pub(super) fn load_beside(
    (source, commit): (&dyn TreeSource, &str),
    folder: &Utf8Path,
    cluster: &ClusterName,
    only: Option<&Selection>,
    known: Option<Known<'_>>,
) -> Result<Beside, LoadError> {
    // Comparing all files would cost more than reading the selected part.
    let shared = match known.filter(|_| only.is_none()) {
        Some(known) => differing(folder, commit, cluster, known)?.map(|names| (known, names)),
        None => None,
    };
    let only = shared
        .as_ref()
        .map(|(_, differing)| &differing.accounts)
        .or(only);
    let part = load_part(source, Some(cluster.as_str()), only, Others::Ignored)?;
    let Loaded {
        mut desired,
        mut diagnostics,
        ..
    } = part;
    if let Some((known, differing)) = shared {
        let others = known.loaded.desired.accounts.iter();
        let others = others.filter(|account| !differing.accounts.contains(&account.name));
        desired.accounts.extend(others.cloned());
        desired.accounts.sort_by(|a, b| a.name.cmp(&b.name));
        diagnostics.extend(check::desired(&desired));
    }
    Ok(Beside {
        desired,
        diagnostics,
    })
}

/// Loads the tree of a commit that follows the known one, reading only what differs. The result equals that of
/// [`super::load`]. The known tree is in `folder`.
pub fn load_next(
    (source, commit): (&dyn TreeSource, &str),
    folder: &Utf8Path,
    cluster: Option<&str>,
    known: Known<'_>,
) -> Result<Loaded, LoadError> {
    let name = known.loaded.desired.cluster.name.clone();
    let is_shortened = |diagnostic: &Diagnostic| diagnostic.code == Code::EB0119;
    let is_same = cluster.is_none_or(|cluster| cluster == name.as_str());
    if !is_same || known.loaded.diagnostics.iter().any(is_shortened) {
        return load(source, cluster);
    }
    // If Git cannot determine what differs, load the whole tree.
    let Ok(Some(differing)) = differing(folder, commit, &name, known) else {
        return load(source, cluster);
    };
    let only = (Some(&differing.accounts), Others::Ignored);
    let sources = known.loaded.sources.clone();
    let mut read = read_part(source, Some(name.as_str()), only, sources)?;
    // A brand that nobody extends is read only with the whole tree.
    let is_read = |path: &Utf8PathBuf| match brand(path) {
        Some(brand) => read.has_read(brand),
        None => !known.loaded.brand_assets.contains(path),
    };
    if !differing.shared.iter().all(is_read) {
        return load(source, cluster);
    }
    read.take_over(known.loaded, &differing.accounts);
    Ok(read.finished())
}

/// The differences between two trees.
struct Differing {
    accounts: Selection,
    /// Changed files outside of the account folders.
    shared: BTreeSet<Utf8PathBuf>,
}

/// Finds the accounts that differ, or may differ, between a commit and the known tree; returns `None` if these may be
/// all, or if Git's answer is not reliable.
fn differing(
    folder: &Utf8Path,
    commit: &str,
    cluster: &ClusterName,
    known: Known<'_>,
) -> Result<Option<Differing>, SourceError> {
    let Known { loaded, revision } = known;
    let is_whole = loaded.selection.is_none() && !loaded.has_errors();
    if !is_whole || loaded.desired.cluster.name != *cluster {
        return Ok(None);
    }
    if revision.is_none() && !is_byte_for_byte(folder) {
        return Ok(None);
    }
    let paths = changes(folder, commit, revision)?.paths;
    let is_conversion = |path: &Utf8PathBuf| path.file_name() == Some(ATTRIBUTES);
    if paths.iter().any(is_conversion) {
        return Ok(None);
    }
    let Touched::Some {
        mut accounts,
        shared,
    } = Touched::by(paths.iter().map(AsRef::as_ref))
    else {
        return Ok(None);
    };
    if !paths.is_empty() {
        accounts.0.extend(built_from(loaded, &paths));
    }
    Ok(Some(Differing { accounts, shared }))
}

/// Returns the name of the brand that a file declares.
fn brand(path: &Utf8Path) -> Option<&str> {
    let file = path.strip_prefix("brands").ok()?;
    file.as_str().strip_suffix(".yaml")
}

/// Returns the accounts that are built from any of the files or folders. An account whose own files are unchanged
/// refers to the same other files in both trees.
fn built_from(loaded: &Loaded, paths: &[Utf8PathBuf]) -> Vec<AccountName> {
    let is_among = |file: &Utf8Path| {
        let mut parts = file.ancestors();
        parts.any(|part| (paths.binary_search_by(|path| path.as_path().cmp(part))).is_ok())
    };
    let is_touched = |account: &AccountName, layer: &Layer| {
        is_among(&layer.name.file(account)) || layer.assets().any(|asset| is_among(asset))
    };
    (loaded.layers.iter())
        .filter(|(name, layers)| layers.iter().any(|layer| is_touched(name, layer)))
        .map(|(name, _)| name.clone())
        .collect()
}
