//! What was live before a run wrote: settings, asset bytes and the template, kept by their digests.
//!
//! ```text
//! STATE/snapshots/objects/ab/abcd…   one file a content, named by its SHA-256
//! STATE/snapshots/runs/RUN.json      what each object of a run was, as digests
//! ```
//!
//! Documents are kept whole, undeclared keys included: a snapshot that leaves something out cannot
//! restore it. What a whitelabel holds is public anyway (trap 40), the files are for their owner only.

use std::collections::BTreeMap;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::run_id::RunId;
use super::state_file;
use crate::model::{
    AccountId, AccountName, AssetKind, AssetType, ClusterName, Digest, DomainTemplate, Object,
    RecordName, Revision, Settings, canonical_json,
};
use crate::plan::PlannedSet;

/// The version of the manifest's format; raised when a field changes its meaning.
pub const MANIFEST_VERSION: u32 = 1;

/// Keeps contents by their digests, each once, and a manifest for each run.
#[derive(Clone, Debug)]
pub struct SnapshotStore {
    directory: Utf8PathBuf,
}

/// Says what a run found, object by object, before it wrote to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    /// The run.
    pub run: RunId,
    /// The digest of its plan.
    pub plan: Digest,
    /// The cluster that it wrote to.
    pub cluster: ClusterName,
    /// When it started.
    pub started: Timestamp,
    /// The accounts that it was about to write to, by id.
    pub accounts: BTreeMap<AccountId, AccountSnapshot>,
    /// The digest of the raw template, when it was about to replace it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Digest>,
    /// The sets of records that it was about to change, zone by zone, before and after.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub zones: BTreeMap<RecordName, Vec<PlannedSet>>,
}

/// Says what one account's whitelabel was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSnapshot {
    /// The account's name in the tree.
    pub name: AccountName,
    /// Its whitelabel; absent when it had none.
    pub document: Option<DocumentSnapshot>,
}

/// Says what one document and its attachments were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentSnapshot {
    /// The revision that all of it was read at.
    pub revision: Revision,
    /// The digest of the settings in canonical JSON.
    pub settings: Digest,
    /// The domain that the document claims, so that whoever restores it knows what must be free (W22).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_domain: Option<String>,
    /// Every asset that was there, declared or not.
    pub assets: BTreeMap<AssetKind, StoredAsset>,
}

/// Says what one asset was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAsset {
    /// The digest of its bytes.
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
    /// Their type by content, when it is a known one.
    pub asset_type: Option<AssetType>,
    /// The attachment's name (B10).
    pub attachment: Option<String>,
}

/// Says why a snapshot could not be kept or read.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// A file could not be read or written.
    #[error(
        "cannot {action} {path}: {source}; check that the state directory is writable and has space"
    )]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: Utf8PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A content is not what its name says.
    #[error(
        "the snapshot object {digest} is damaged; restore from an older run or from a backup of the state directory"
    )]
    Damaged {
        /// Its name.
        digest: Digest,
    },
    /// A name is not a digest.
    #[error("{0:?} is not a SHA-256 digest; the manifest was changed by hand")]
    NotADigest(String),
    /// A manifest or a stored document is not what this version writes.
    #[error(
        "cannot understand {path}: {source}; it was changed by hand or written by a newer version"
    )]
    Format {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A value could not be written as JSON.
    #[error("cannot write a snapshot as JSON: {0}; report this with the document")]
    Encode(serde_json::Error),
}

impl SnapshotStore {
    /// Names the store below a state directory; nothing is created before something is kept.
    #[must_use]
    pub fn new(state_directory: &Utf8Path) -> Self {
        Self {
            directory: state_directory.join("snapshots"),
        }
    }

    /// Keeps some bytes and returns their name; bytes that are there already are not written again.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, SnapshotError> {
        let digest = Digest::of(bytes);
        let path = self.object_path(&digest)?;
        // A damaged file is replaced: the bytes at hand are the right ones.
        if self.get(&digest).is_err() {
            write(&path, bytes)?;
        }
        Ok(digest)
    }

    /// Reads bytes by their name.
    ///
    /// # Errors
    /// When they are not there, or are no longer what their name says.
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>, SnapshotError> {
        let path = self.object_path(digest)?;
        let bytes = read(&path)?;
        if Digest::of(&bytes) == *digest {
            Ok(bytes)
        } else {
            Err(SnapshotError::Damaged {
                digest: digest.clone(),
            })
        }
    }

    /// Keeps settings, undeclared keys included.
    pub fn put_settings(&self, settings: &Settings) -> Result<Digest, SnapshotError> {
        let value = Value::Object(settings.as_object().clone());
        self.put(canonical_json(&value).as_bytes())
    }

    /// Reads settings by their name.
    pub fn settings(&self, digest: &Digest) -> Result<Settings, SnapshotError> {
        self.decode::<Object>(digest).map(Settings::from)
    }

    /// Keeps a raw template.
    pub fn put_template(&self, template: &DomainTemplate) -> Result<Digest, SnapshotError> {
        let value = serde_json::to_value(template).map_err(SnapshotError::Encode)?;
        self.put(canonical_json(&value).as_bytes())
    }

    /// Reads a raw template by its name.
    pub fn template(&self, digest: &Digest) -> Result<DomainTemplate, SnapshotError> {
        self.decode(digest)
    }

    /// Writes a run's manifest, in place of what it was before.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<(), SnapshotError> {
        let path = self.manifest_path(&manifest.run);
        let mut text = serde_json::to_vec_pretty(manifest).map_err(SnapshotError::Encode)?;
        text.push(b'\n');
        write(&path, &text)
    }

    /// Reads a run's manifest.
    pub fn manifest(&self, run: &RunId) -> Result<Manifest, SnapshotError> {
        let path = self.manifest_path(run);
        serde_json::from_slice(&read(&path)?)
            .map_err(|source| SnapshotError::Format { path, source })
    }

    fn decode<T: serde::de::DeserializeOwned>(&self, digest: &Digest) -> Result<T, SnapshotError> {
        serde_json::from_slice(&self.get(digest)?).map_err(|source| SnapshotError::Format {
            path: self.directory.join(digest.as_str()),
            source,
        })
    }

    /// Lists the files of all contents.
    pub(super) fn objects(&self) -> io::Result<Vec<Utf8PathBuf>> {
        let mut found = Vec::new();
        let top = self.directory.join("objects");
        if !top.exists() {
            return Ok(found);
        }
        for folder in top.read_dir_utf8()? {
            for file in folder?.path().read_dir_utf8()? {
                found.push(file?.into_path());
            }
        }
        found.sort();
        Ok(found)
    }

    pub(super) fn manifest_path(&self, run: &RunId) -> Utf8PathBuf {
        self.directory.join("runs").join(format!("{run}.json"))
    }

    /// A manifest may have been changed by hand, so a name is checked before it becomes a path.
    fn object_path(&self, digest: &Digest) -> Result<Utf8PathBuf, SnapshotError> {
        let text = digest.as_str();
        let is_digest =
            text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match text.get(..2) {
            Some(start) if is_digest => Ok(self.directory.join("objects").join(start).join(text)),
            _ => Err(SnapshotError::NotADigest(text.to_owned())),
        }
    }
}

fn read(path: &Utf8Path) -> Result<Vec<u8>, SnapshotError> {
    std::fs::read(path).map_err(|source| SnapshotError::File {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Utf8Path, bytes: &[u8]) -> Result<(), SnapshotError> {
    state_file::write_whole(path.as_std_path(), bytes).map_err(|source| SnapshotError::File {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};

    use serde_json::json;

    use super::*;

    fn store() -> (tempfile::TempDir, SnapshotStore) {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(directory.path()).unwrap();
        let store = SnapshotStore::new(path);
        (directory, store)
    }

    fn files(directory: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(files(&path));
            } else {
                found.push(path);
            }
        }
        found
    }

    fn manifest(run: &RunId, settings: Digest, logo: StoredAsset) -> Manifest {
        let document = DocumentSnapshot {
            revision: Revision::new("3-abc"),
            settings,
            reserved_domain: Some("acme.example.com".to_owned()),
            assets: BTreeMap::from([(AssetKind::Logo, logo)]),
        };
        let account = AccountSnapshot {
            name: AccountName::new("acme"),
            document: Some(document),
        };
        Manifest {
            version: MANIFEST_VERSION,
            run: run.clone(),
            plan: Digest::of(b"plan"),
            cluster: ClusterName::new("production"),
            started: Timestamp::UNIX_EPOCH,
            accounts: BTreeMap::from([(AccountId::parse(&"a".repeat(32)).unwrap(), account)]),
            template: None,
            zones: BTreeMap::new(),
        }
    }

    #[test]
    fn contents_are_kept_once_for_their_owner_only() {
        let (directory, store) = store();
        let digest = store.put(b"logo").unwrap();
        assert_eq!(store.put(b"logo").unwrap(), digest);
        assert_eq!(store.get(&digest).unwrap(), b"logo");
        let files = files(directory.path());
        assert_eq!(files.len(), 1);
        for path in files {
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }
    }

    #[test]
    fn undeclared_keys_are_kept_and_equal_settings_are_one_object() {
        let (directory, store) = store();
        let object = |value: Value| match value {
            Value::Object(object) => Settings::from(object),
            other => panic!("not an object: {other}"),
        };
        let one =
            object(json!({"domain": "a.example", "sso": {"x": null, "b": [1, {"d": 2, "c": 3}]}}));
        let other =
            object(json!({"sso": {"b": [1, {"c": 3, "d": 2}], "x": null}, "domain": "a.example"}));
        let digest = store.put_settings(&one).unwrap();
        assert_eq!(store.put_settings(&other).unwrap(), digest);
        assert_eq!(store.settings(&digest).unwrap(), one);
        assert_eq!(files(directory.path()).len(), 1);
    }

    #[test]
    fn manifests_round_trip() {
        let (_directory, store) = store();
        let run = RunId::new(Timestamp::UNIX_EPOCH, &Digest::of(b"plan"));
        let logo = StoredAsset {
            digest: store.put(b"logo").unwrap(),
            size: 4,
            asset_type: None,
            attachment: Some("logo-by-hand.png".to_owned()),
        };
        let settings = store.put_settings(&Settings::default()).unwrap();
        let manifest = manifest(&run, settings, logo);
        store.write_manifest(&manifest).unwrap();
        store.write_manifest(&manifest).unwrap();
        assert_eq!(store.manifest(&run).unwrap(), manifest);
    }

    #[test]
    fn damage_is_seen_and_mended_by_the_next_snapshot() {
        let (directory, store) = store();
        let digest = store.put(b"logo").unwrap();
        let path = files(directory.path()).remove(0);
        std::fs::write(&path, b"lego").unwrap();
        let error = store.get(&digest).unwrap_err();
        assert!(matches!(error, SnapshotError::Damaged { .. }), "{error}");
        store.put(b"logo").unwrap();
        assert_eq!(store.get(&digest).unwrap(), b"logo");
    }

    #[test]
    fn a_name_that_is_no_digest_is_never_a_path() {
        let (_directory, store) = store();
        let name: Digest = serde_json::from_value(json!("../../../etc/passwd")).unwrap();
        let error = store.get(&name).unwrap_err();
        assert!(matches!(error, SnapshotError::NotADigest(_)), "{error}");
    }

    #[test]
    fn templates_round_trip() {
        let (_directory, store) = store();
        let raw = json!({"A": {"us.{{domain}}": {"mapping": ["192.0.2.1"], "ttl": 60}}, "MX": {}});
        let template: DomainTemplate = serde_json::from_value(raw).unwrap();
        let digest = store.put_template(&template).unwrap();
        assert_eq!(store.template(&digest).unwrap(), template);
    }
}
