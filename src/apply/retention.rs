//! How long the files of runs are kept.

use std::collections::BTreeSet;
use std::fs::TryLockError;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};

use super::history;
use super::journal::{self, JournalError};
use super::run_id::RunId;
use super::snapshot::SnapshotStore;
use super::state_file::{self, Locked};
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

/// A run of this host that takes snapshots: until it is dropped, nobody deletes contents that it may share with old ones.
#[derive(Debug)]
pub struct SnapshotUse {
    _lock: Locked,
}

impl SnapshotUse {
    /// Waits while somebody deletes old runs.
    ///
    /// # Errors
    /// When the lock file cannot be opened or locked.
    pub fn begin(state_directory: &Utf8Path) -> Result<Self, JournalError> {
        let path = lock_path(state_directory);
        let file = state_file::open_lock(path.as_std_path());
        let locked = file.and_then(|file| {
            file.lock_shared().map(|()| Self {
                _lock: Locked(file),
            })
        });
        locked.map_err(failed("lock", &path))
    }
}

fn lock_path(state_directory: &Utf8Path) -> Utf8PathBuf {
    state_directory.join("snapshots.lock")
}

/// Returns the lock that keeps runs from beginning; `None` while one is under way.
fn alone(state_directory: &Utf8Path) -> Result<Option<Locked>, JournalError> {
    let path = lock_path(state_directory);
    let file = state_file::open_lock(path.as_std_path()).map_err(failed("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Locked(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
    }
}

/// Deletes the runs that are beyond the number to keep and also older than the time to keep, and the objects that only
/// their snapshots refer to. A run that never ended is kept until it was recovered.
///
/// Nothing is deleted while a journal or a snapshot cannot be read, or while a run is under way, such as that of another
/// shard: it may be about to take a snapshot that needs the same content.
pub fn prune(
    state_directory: &Utf8Path,
    retention: Retention,
    now: Timestamp,
) -> Result<Pruned, JournalError> {
    let Some(_alone) = alone(state_directory)? else {
        return Ok(Pruned::default());
    };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::journal::{JOURNAL_VERSION, Journal, JournalEvent};
    use crate::model::{ClusterName, Digest};

    /// Another shard may be about to take a snapshot that shares a content with an old one.
    #[test]
    fn nothing_is_deleted_while_a_run_is_under_way() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let run = RunId::new(Timestamp::UNIX_EPOCH, &Digest::of(b"plan"));
        let journal = Journal::create(state, &run).unwrap();
        let started = JournalEvent::RunStarted {
            version: JOURNAL_VERSION,
            run: run.clone(),
            plan: Digest::of(b"plan"),
            cluster: ClusterName::new("production"),
            steps: 0,
            shard: None,
            restores: None,
        };
        for event in [started, JournalEvent::Recovered] {
            journal.append(Timestamp::UNIX_EPOCH, event).unwrap();
        }
        let retention = Retention { runs: 0, days: 0 };
        let content = SnapshotStore::new(state).put(b"logo").unwrap();
        let prune = || prune(state, retention, Timestamp::now()).unwrap();

        let under_way = SnapshotUse::begin(state).unwrap();
        assert_eq!(prune(), Pruned::default());
        drop(under_way);
        assert_eq!(
            prune(),
            Pruned {
                runs: 1,
                objects: 1
            },
            "{content:?}"
        );
    }
}
