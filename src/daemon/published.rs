//! The published status: written by the loop, read by everybody else.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camino::Utf8PathBuf;
use jiff::Timestamp;
use tokio::sync::watch;

use super::status::Status;
use crate::model::{AccountName, AssetKind, Digest};
use crate::tree::{MAX_ASSET_BYTES, ReadError, TreeSource};

/// The number of source revisions whose pictures are at hand: what is live is often what an earlier one declared.
const REVISIONS: usize = 4;

/// The latest [`Status`], and the files of the source revision; cheap to clone.
///
/// A reader never blocks the loop, and sees a change as a whole or not at all.
#[derive(Clone)]
pub struct PublishedStatus {
    status: watch::Sender<Arc<Status>>,
    revisions: Arc<Mutex<VecDeque<Revision>>>,
    patches: Arc<Mutex<BTreeMap<AccountName, Arc<str>>>>,
}

type AdoptedFiles = Arc<dyn TreeSource + Send>;

/// The files of a source revision, and the pictures among them.
struct Revision {
    files: AdoptedFiles,
    pictures: BTreeMap<Digest, Utf8PathBuf>,
}

impl PublishedStatus {
    /// Creates the status of a daemon that has read nothing yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            status: watch::Sender::new(Arc::new(Status::new(now))),
            revisions: Arc::default(),
            patches: Arc::default(),
        }
    }

    /// Returns the latest status.
    #[must_use]
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status.borrow())
    }

    /// Waits for a status newer than `version`, and returns it. For a long poll, inside a time-out.
    pub async fn newer_than(&self, version: u64) -> Arc<Status> {
        let mut receiver = self.status.subscribe();
        match receiver.wait_for(|status| status.version > version).await {
            Ok(status) => Arc::clone(&status),
            // The sender is in `self`.
            Err(_) => self.status(),
        }
    }

    /// Returns a receiver that is woken by each change.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Status>> {
        self.status.subscribe()
    }

    /// Reads the file that the source revision declares as an account's asset; `None` when it declares none. Blocks for
    /// a moment. Fails when the bytes no longer match the digest in the status.
    #[must_use]
    pub fn asset(
        &self,
        account: &AccountName,
        kind: AssetKind,
    ) -> Option<Result<Vec<u8>, ReadError>> {
        let status = self.status();
        let file = status.accounts.get(account)?.assets.get(&kind)?;
        let files = Arc::clone(&self.lock().back()?.files);
        let bytes = files.read(&file.path, MAX_ASSET_BYTES);
        Some(bytes.and_then(|bytes| {
            if Digest::of(&bytes) == file.facts.digest {
                Ok(bytes)
            } else {
                Err(ReadError::Failed("it changed since it was read".to_owned()))
            }
        }))
    }

    /// Returns whether a logo or icon of these bytes is at hand.
    #[must_use]
    pub fn has_picture(&self, digest: &Digest) -> bool {
        let revisions = self.lock();
        (revisions.iter()).any(|revision| revision.pictures.contains_key(digest))
    }

    /// Reads the logo or icon with a digest from the latest source revision that declares it. Blocks for a moment.
    #[must_use]
    pub fn picture(&self, digest: &Digest) -> Option<Vec<u8>> {
        let found: Vec<(AdoptedFiles, Utf8PathBuf)> = (self.lock().iter().rev())
            .filter_map(|revision| {
                let path = revision.pictures.get(digest)?;
                Some((Arc::clone(&revision.files), path.clone()))
            })
            .collect();
        found.into_iter().find_map(|(files, path)| {
            let bytes = files.read(&path, MAX_ASSET_BYTES).ok()?;
            (Digest::of(&bytes) == *digest).then_some(bytes)
        })
    }

    /// Returns the patch that keeps an account's drift, as the status has it.
    #[must_use]
    pub fn patch(&self, account: &AccountName) -> Option<Arc<str>> {
        let status = self.status();
        let shown = status
            .accounts
            .get(account)?
            .keep
            .as_ref()?
            .patch
            .as_ref()?;
        let patches = self.patches.lock().unwrap_or_else(PoisonError::into_inner);
        let patch = patches.get(account)?;
        (Digest::of(patch.as_bytes()) == *shown).then(|| Arc::clone(patch))
    }

    /// Replaces the patch that keeps an account's drift.
    pub(super) fn put_patch(&self, account: &AccountName, patch: Option<String>) {
        let mut patches = self.patches.lock().unwrap_or_else(PoisonError::into_inner);
        match patch {
            Some(patch) => patches.insert(account.clone(), patch.into()),
            None => patches.remove(account),
        };
    }

    /// Changes the status; readers see the whole change at once.
    pub fn change(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(|status| {
            let status = Arc::make_mut(status);
            change(status);
            status.version += 1;
        });
    }

    /// Replaces the files of the source revision, which the status already shows.
    pub fn put_files(&self, files: AdoptedFiles) {
        let status = self.status();
        let assets = status.accounts.values().flat_map(|account| &account.assets);
        let pictures = assets.filter(|(kind, _)| **kind != AssetKind::Welcome);
        let pictures = pictures
            .map(|(_, file)| (file.facts.digest.clone(), file.path.clone()))
            .collect();
        let mut revisions = self.lock();
        let is_same = |last: &Revision| last.pictures == pictures;
        if revisions.back().is_some_and(is_same) {
            revisions.pop_back();
        }
        revisions.push_back(Revision { files, pictures });
        if revisions.len() > REVISIONS {
            revisions.pop_front();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Revision>> {
        self.revisions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::{ObjectStatus, Reason};

    #[tokio::test]
    async fn readers_are_told_of_each_change_and_hold_nobody_up() {
        let published = PublishedStatus::new(Timestamp::UNIX_EPOCH);
        let before = published.status();
        let acme = AccountName::new("acme");
        let waiting = {
            let published = published.clone();
            tokio::spawn(async move { published.newer_than(1).await })
        };
        published.change(|status| {
            let object = ObjectStatus::unread((&acme).into(), Timestamp::UNIX_EPOCH);
            status.accounts.insert(acme.clone(), Arc::new(object));
        });
        published.change(|status| {
            let object = status.object_mut(&(&acme).into()).unwrap();
            Arc::make_mut(object).put(Reason::InSync, "", Timestamp::UNIX_EPOCH);
        });
        let after = waiting.await.unwrap();
        assert_eq!((before.version, after.version), (0, 2));
        assert!(before.accounts.is_empty());
        assert_eq!(after.accounts[&acme].reason, Reason::InSync);
        assert!(published.asset(&acme, AssetKind::Logo).is_none());
    }
}
