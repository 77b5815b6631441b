//! The published status: written by the loop, read by everybody else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use super::status::Status;
use crate::model::{AccountName, AssetKind, Digest};
use crate::tree::{MAX_ASSET_BYTES, ReadError, TreeSource};

/// The latest [`Status`], and the files of the source revision; cheap to clone.
///
/// A reader never blocks the loop, and sees a change as a whole or not at all.
#[derive(Clone)]
pub struct PublishedStatus {
    status: watch::Sender<Arc<Status>>,
    files: Arc<Mutex<Option<AdoptedFiles>>>,
}

type AdoptedFiles = Arc<dyn TreeSource + Send>;

impl PublishedStatus {
    /// Creates the status of a daemon that has read nothing yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            status: watch::Sender::new(Arc::new(Status::new(now))),
            files: Arc::default(),
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
        let files = self.lock().clone()?;
        let bytes = files.read(&file.path, MAX_ASSET_BYTES);
        Some(bytes.and_then(|bytes| {
            if Digest::of(&bytes) == file.facts.digest {
                Ok(bytes)
            } else {
                Err(ReadError::Failed("it changed since it was read".to_owned()))
            }
        }))
    }

    /// Changes the status; readers see the whole change at once.
    pub fn change(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(|status| {
            let status = Arc::make_mut(status);
            change(status);
            status.version += 1;
        });
    }

    /// Replaces the files of the source revision.
    pub fn put_files(&self, files: AdoptedFiles) {
        *self.lock() = Some(files);
    }

    fn lock(&self) -> MutexGuard<'_, Option<AdoptedFiles>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
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
