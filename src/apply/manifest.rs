//! The manifest of a run: one line per object with the state found, on disk before the object is written to.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::chain;
use super::run_id::RunId;
use super::state_file::{self, Log};
use crate::model::{
    AccountId, AccountName, AssetKind, AssetType, ClusterName, Digest, RecordName, Revision,
};
use crate::plan::PlannedSet;

/// The version of the manifest's format; raised when a field changes its meaning.
pub const MANIFEST_VERSION: u32 = 2;

/// The state of each object before a run wrote to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`], or that of the emblazon version that wrote it.
    pub version: u32,
    /// The run id.
    pub run: RunId,
    /// The digest of its plan.
    pub plan: Digest,
    /// The cluster that it wrote to.
    pub cluster: ClusterName,
    /// When it started.
    pub started: Timestamp,
    /// The accounts that it was about to write to.
    pub accounts: BTreeMap<AccountId, AccountSnapshot>,
    /// The digest of the raw template, if it was about to replace it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Digest>,
    /// Whether it was about to replace a template that could not be read, so there is no snapshot of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub template_unread: bool,
    /// The record sets that it was about to change, by zone, before and after.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub zones: BTreeMap<RecordName, Vec<PlannedSet>>,
}

/// The snapshot of one account's whitelabel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSnapshot {
    /// The account's name in the tree.
    pub name: AccountName,
    /// Its whitelabel; absent when it had none.
    pub document: Option<DocumentSnapshot>,
}

/// The snapshot of one document and its attachments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentSnapshot {
    /// The revision at which all of it was read.
    pub revision: Revision,
    /// The digest of the settings in canonical JSON.
    pub settings: Digest,
    /// The domain that the document claims, which must be free when it is restored (W22).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_domain: Option<String>,
    /// Every asset that existed, declared or not.
    pub assets: BTreeMap<AssetKind, StoredAsset>,
}

/// The snapshot of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAsset {
    /// The digest of its bytes.
    pub digest: Digest,
    /// The size in bytes.
    pub size: u64,
    /// The type detected from the content, if it is a known one.
    pub asset_type: Option<AssetType>,
    /// The name of the attachment (B10).
    pub attachment: Option<String>,
}

/// Why a snapshot could not be stored or read.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// A file could not be read or written.
    #[error(
        "cannot {action} {path}: {source}; check that the state directory is writable and has space"
    )]
    File {
        /// The operation that failed.
        action: &'static str,
        /// The file.
        path: Utf8PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The content of an object does not match its digest.
    #[error(
        "the snapshot object {digest} is damaged; restore from an older run or from a backup of the state directory"
    )]
    Damaged {
        /// The digest that it is stored under.
        digest: Digest,
    },
    /// The hash chain of a manifest is broken.
    #[error(
        "{path} is not what was written; restore from another run, or from a backup of the state directory"
    )]
    Spoilt {
        /// The file.
        path: Utf8PathBuf,
    },
    /// A name is not a digest.
    #[error("{0:?} is not a SHA-256 digest; the manifest was changed by hand")]
    NotADigest(String),
    /// A manifest or a stored document is not in the format of this version.
    #[error(
        "cannot understand {path}: {source}; it was changed by hand or written by a newer version"
    )]
    Format {
        /// The file.
        path: Utf8PathBuf,
        /// The parse error.
        source: serde_json::Error,
    },
    /// A value could not be written as JSON.
    #[error("cannot write a snapshot as JSON: {0}; report this with the document")]
    Encode(serde_json::Error),
}

/// The manifest of a run in progress, open for appending.
#[derive(Debug)]
pub(super) struct ManifestLog {
    path: Utf8PathBuf,
    state: Mutex<Growing>,
}

#[derive(Debug)]
struct Growing {
    manifest: Manifest,
    /// The file and the digest of its last line; absent before the first entry.
    written: Option<(Arc<Log>, Digest)>,
}

/// The first line of a manifest.
#[derive(Serialize, Deserialize)]
struct ManifestHead {
    version: u32,
    run: RunId,
    plan: Digest,
    cluster: ClusterName,
    started: Timestamp,
}

/// A further line of a manifest: the earlier state of one object.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kept {
    Account {
        id: AccountId,
        #[serde(flatten)]
        snapshot: AccountSnapshot,
    },
    Template {
        digest: Digest,
    },
    /// The template could not be read.
    UnreadTemplate,
    Zone {
        name: RecordName,
        sets: Vec<PlannedSet>,
    },
}

impl ManifestLog {
    /// Creates an empty manifest; its file is created with the first entry.
    pub(super) fn new(path: Utf8PathBuf, manifest: Manifest) -> Self {
        Self {
            path,
            state: Mutex::new(Growing {
                manifest,
                written: None,
            }),
        }
    }

    /// Returns whether it has the snapshot of an account.
    pub(super) fn has_account(&self, account: &AccountId) -> bool {
        self.lock().manifest.accounts.contains_key(account)
    }

    /// Appends the snapshot of an object, and waits until it is on disk.
    pub(super) fn keep(&self, kept: Kept) -> Result<(), SnapshotError> {
        let failed = |source| SnapshotError::File {
            action: "write",
            path: self.path.clone(),
            source,
        };
        let lines = self.lock().add(&self.path, kept).map_err(failed)?;
        // Synced after the lock is released: others may append meanwhile and wait for the disk together.
        lines.sync().map_err(failed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Growing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Growing {
    fn add(&mut self, path: &Utf8Path, kept: Kept) -> io::Result<Arc<Log>> {
        let (lines, before) = if let Some((lines, before)) = &self.written {
            (Arc::clone(lines), before.clone())
        } else {
            let lines = Log::new(state_file::create_new(path.as_std_path())?)?;
            let (head, digest) = chain::line(None, &ManifestHead::of(&self.manifest))?;
            lines.write(&head)?;
            (Arc::new(lines), digest)
        };
        let (line, digest) = chain::line(Some(&before), &kept)?;
        lines.write(&line)?;
        self.manifest.take_in(kept);
        self.written = Some((Arc::clone(&lines), digest));
        Ok(lines)
    }
}

impl ManifestHead {
    fn of(manifest: &Manifest) -> Self {
        Self {
            version: manifest.version,
            run: manifest.run.clone(),
            plan: manifest.plan.clone(),
            cluster: manifest.cluster.clone(),
            started: manifest.started,
        }
    }
}

impl Manifest {
    fn take_in(&mut self, kept: Kept) {
        match kept {
            Kept::Account { id, snapshot } => {
                self.accounts.insert(id, snapshot);
            }
            Kept::Template { digest } => self.template = Some(digest),
            Kept::UnreadTemplate => self.template_unread = true,
            Kept::Zone { name, sets } => self.zones.entry(name).or_default().extend(sets),
        }
    }
}

/// Reads a manifest from its lines.
pub(super) fn unfolded(text: &[u8], path: &Utf8Path) -> Result<Manifest, SnapshotError> {
    let spoilt = || SnapshotError::Spoilt {
        path: path.to_owned(),
    };
    let understood = |source| SnapshotError::Format {
        path: path.to_owned(),
        source,
    };
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next().ok_or_else(spoilt)?;
    let (mut before, head) = chain::unchained(None, first).ok_or_else(spoilt)?;
    let head: ManifestHead = serde_json::from_slice(head).map_err(understood)?;
    let mut manifest = Manifest {
        version: head.version,
        run: head.run,
        plan: head.plan,
        cluster: head.cluster,
        started: head.started,
        accounts: BTreeMap::new(),
        template: None,
        template_unread: false,
        zones: BTreeMap::new(),
    };
    for line in lines {
        match chain::unchained(Some(&before), line) {
            Some((digest, kept)) => {
                manifest.take_in(serde_json::from_slice(kept).map_err(understood)?);
                before = digest;
            }
            None if chain::is_torn(&before, line) => break,
            None => return Err(spoilt()),
        }
    }
    Ok(manifest)
}
