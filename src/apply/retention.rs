//! How long the files of runs are kept.

use std::collections::BTreeSet;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};

use super::history;
use super::journal::{self, JournalError};
use super::run_id::RunId;
use super::snapshot::SnapshotStore;
use crate::model::Digest;
use crate::tree::Retention;

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs, with their journals and plans.
    pub runs: usize,
    /// Snapshot objects that no remaining snapshot refers to.
    pub objects: usize,
}

/// Deletes the runs that are beyond the number to keep and also older than the time to keep, and the objects that only
/// their snapshots refer to. A run that never ended is kept until it was recovered.
///
/// Nothing is deleted while a journal or a snapshot cannot be read.
pub fn prune(
    state_directory: &Utf8Path,
    retention: Retention,
    now: Timestamp,
) -> Result<Pruned, JournalError> {
    let runs = journal::runs(state_directory)?;
    let youth = SignedDuration::from_hours(i64::from(retention.days) * 24);
    let old = runs.len().saturating_sub(retention.runs as usize);
    let mut gone = Vec::new();
    for run in runs.iter().take(old) {
        let entries = journal::read(state_directory, run)?;
        let is_young =
            history::record(&entries).is_none_or(|record| now.duration_since(record.last) < youth);
        if !is_young && journal::interrupted(&entries).is_none() {
            gone.push(run);
        }
    }
    if gone.is_empty() {
        return Ok(Pruned::default());
    }
    let store = SnapshotStore::new(state_directory);
    let kept = runs.iter().filter(|run| !gone.contains(run));
    let named = kept_contents(&store, kept)?;
    for run in &gone {
        // The journal goes last: as long as it exists, the next run finds the rest.
        for path in store.manifest_paths(run) {
            remove(&path)?;
        }
        remove(&history::plan_path(state_directory, run))?;
        remove(&journal::path(state_directory, run))?;
    }
    let mut objects = 0;
    for path in store.objects().map_err(failed("list", state_directory))? {
        if path.file_name().is_some_and(|name| !named.contains(name)) {
            remove(&path)?;
            objects += 1;
            // Fails for a folder that is not empty, which stays.
            let _ = path.parent().map(std::fs::remove_dir);
        }
    }
    Ok(Pruned {
        runs: gone.len(),
        objects,
    })
}

/// Returns the digest of every object that the snapshots of these runs need.
fn kept_contents<'r>(
    store: &SnapshotStore,
    runs: impl Iterator<Item = &'r RunId>,
) -> Result<BTreeSet<String>, JournalError> {
    let mut named = BTreeSet::new();
    let mut name = |digest: &Digest| {
        named.insert(digest.to_string());
    };
    for run in runs {
        let paths = store.manifest_paths(run);
        let Some(path) = paths.iter().find(|path| path.exists()) else {
            continue;
        };
        let unreadable = |error: super::SnapshotError| JournalError::File {
            action: "read",
            path: path.clone(),
            source: io::Error::other(error.to_string()),
        };
        let manifest = store.manifest(run).map_err(unreadable)?;
        manifest.template.iter().for_each(&mut name);
        for document in (manifest.accounts.values()).filter_map(|account| account.document.as_ref())
        {
            name(&document.settings);
            for asset in document.assets.values() {
                name(&asset.digest);
            }
        }
    }
    Ok(named)
}

fn remove(path: &Utf8Path) -> Result<(), JournalError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

fn failed(action: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> JournalError {
    let path: Utf8PathBuf = path.to_owned();
    move |source| JournalError::File {
        action,
        path,
        source,
    }
}
