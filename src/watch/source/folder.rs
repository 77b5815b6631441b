//! A tree in a folder of this machine.

use std::sync::{Arc, OnceLock};

use camino::{Utf8Path, Utf8PathBuf};

use super::snapshot::{Commit, Snapshot, Trouble, unreadable};
use crate::apply::AppliedRef;
use crate::apply::remote::{GitError, LocalClone};
use crate::model::ClusterName;
use crate::tree::{self, Known, PictureCache, Workdir, commit_facts, committed};

/// A folder that people or programs change as they like.
pub(in crate::watch) struct FolderSource {
    folder: Utf8PathBuf,
    pictures: Arc<PictureCache>,
}

impl FolderSource {
    pub(in crate::watch) fn new(folder: Utf8PathBuf) -> Self {
        Self {
            folder,
            pictures: Arc::default(),
        }
    }

    pub(super) fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    pub(super) async fn read(&self, cluster: Option<&str>) -> Result<Snapshot, Trouble> {
        let folder = self.folder.clone();
        let pictures = Arc::clone(&self.pictures);
        let cluster = cluster.map(str::to_owned);
        let read = move || {
            let files = Workdir::open(&folder).map_err(unreadable)?;
            let files = Arc::new(files.knowing(pictures));
            let loaded = tree::load(&*files, cluster.as_deref()).map_err(unreadable)?;
            let mut snapshot = Snapshot {
                commit: None,
                files,
                loaded: Arc::new(loaded),
                tree: OnceLock::new(),
                template_elsewhere: None,
            };
            let known = Known {
                loaded: &snapshot.loaded,
                revision: None,
            };
            if let Ok(id) = committed(&folder, known) {
                let facts = commit_facts(&folder, &id);
                snapshot.commit = facts.map(|(subject, made)| Commit {
                    id,
                    subject,
                    made,
                    signer: None,
                });
            }
            Ok(snapshot)
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
        let remote = clone.remote(None)?;
        Ok(Some(AppliedRef::new(&self.folder, cluster, clone, remote)))
    }
}
