//! A tree in a local folder.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};

use super::revision::{Commit, SourceError, SourceRevision, unreadable};
use crate::apply::AppliedRef;
use crate::apply::remote::{Ending, GitError, LocalClone};
use crate::model::ClusterName;
use crate::tree::{self, Known, PictureCache, Signature, Workdir, commit_facts, committed};

/// How long an unchanged signature of the file system is trusted.
const BELIEVED: SignedDuration = SignedDuration::from_hours(1);

/// A folder that people and programs change at any time.
pub(in crate::daemon) struct FolderSource {
    folder: Utf8PathBuf,
    pictures: Arc<PictureCache>,
    ending: Ending,
}

impl FolderSource {
    pub(in crate::daemon) fn new(folder: Utf8PathBuf, ending: Ending) -> Self {
        Self {
            folder,
            ending,
            pictures: Arc::default(),
        }
    }

    pub(super) fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// Reads the tree, unless `known` was read recently and no file changed since.
    pub(super) async fn read(
        &self,
        cluster: Option<&str>,
        known: Option<SourceRevision>,
        now: Timestamp,
    ) -> Result<SourceRevision, SourceError> {
        let folder = self.folder.clone();
        let pictures = Arc::clone(&self.pictures);
        let cluster = cluster.map(str::to_owned);
        let read = move || {
            let files = Workdir::open(&folder).map_err(unreadable)?;
            let files = Arc::new(files.knowing(pictures));
            let signature = files.signature(now);
            let untouched = known.filter(|seen| is_untouched(seen, signature.as_ref(), now));
            let mut revision = if let Some(seen) = untouched {
                SourceRevision {
                    commit: None,
                    files,
                    ..seen
                }
            } else {
                let loaded = tree::load(&*files, cluster.as_deref()).map_err(unreadable)?;
                let signature = signature.filter(|_| loaded.lies_in_listed_folders());
                SourceRevision {
                    stood: signature.map(|signature| (signature, now)),
                    ..SourceRevision::new(files, loaded)
                }
            };
            let known = Known {
                loaded: &revision.loaded,
                revision: None,
            };
            if let Ok(id) = committed(&folder, known) {
                let facts = commit_facts(&folder, &id);
                revision.commit = facts.map(|facts| Commit {
                    id,
                    subject: facts.subject,
                    made: facts.made,
                    signer: None,
                });
            }
            Ok(revision)
        };
        tokio::task::spawn_blocking(read)
            .await
            .unwrap_or_else(|error| Err(unreadable(error)))
    }

    pub(super) fn applied_ref(
        &self,
        cluster: &ClusterName,
    ) -> Result<Option<AppliedRef>, GitError> {
        let Some(clone) = LocalClone::find(&self.folder)? else {
            return Ok(None);
        };
        let clone = clone.with_ending(self.ending.clone());
        let remote = clone.remote(None)?;
        Ok(Some(AppliedRef::new(&self.folder, cluster, clone, remote)))
    }
}

/// Returns whether a tree that was read is still what its folder holds.
fn is_untouched(seen: &SourceRevision, signature: Option<&Signature>, now: Timestamp) -> bool {
    let (Some((before, read)), Some(signature)) = (&seen.stood, signature) else {
        return false;
    };
    before.still_holds(signature) && now.duration_since(*read) < BELIEVED
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Reading a folder that nobody touched reads no file, except once an hour.
    #[tokio::test]
    async fn what_nobody_touched_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let top = Utf8Path::from_path(folder.path()).unwrap();
        let page = top.join("accounts/acme/w.html");
        fs::create_dir_all(page.parent().unwrap()).unwrap();
        fs::write(top.join("emblazon.yaml"), "clusters: {production: {}}\n").unwrap();
        let text = format!("account: {:032x}\nassets: {{welcome: w.html}}\n", 1);
        fs::write(top.join("accounts/acme/account.yaml"), text).unwrap();
        fs::write(&page, "<p>a</p>").unwrap();
        let source = FolderSource::new(top.to_owned(), Ending::default());
        let start = Timestamp::now();
        let look = async |known: Option<&SourceRevision>, minutes: i64| {
            let now = start + SignedDuration::from_mins(minutes);
            source.read(None, known.cloned(), now).await.ok().unwrap()
        };
        let is_same =
            |one: &SourceRevision, other: &SourceRevision| Arc::ptr_eq(&one.loaded, &other.loaded);
        // A file just written may be written again within the same clock tick.
        let first = look(None, 0).await;
        let second = look(Some(&first), 1).await;
        assert!(!is_same(&first, &second));
        let third = look(Some(&second), 2).await;
        assert!(is_same(&second, &third));
        fs::write(&page, "<p>another</p>").unwrap();
        let fourth = look(Some(&third), 3).await;
        assert!(!is_same(&third, &fourth));
        let digest = |revision: &SourceRevision| revision.loaded.desired.digest();
        assert_ne!(digest(&third), digest(&fourth));
        let mut last = fourth;
        let mut read = 0;
        for minutes in 4..124 {
            let next = look(Some(&last), minutes).await;
            read += usize::from(!is_same(&last, &next));
            last = next;
        }
        assert_eq!(read, 2, "once an hour");
    }
}
