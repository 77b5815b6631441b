//! The state before a run wrote: settings, asset bytes and the template, stored by digest.
//!
//! ```text
//! STATE/snapshots/objects/ab/abcd…   one file per content, named by its SHA-256
//! STATE/snapshots/runs/RUN.jsonl     the earlier state of each object of a run, as digests: one line per object
//! ```
//!
//! Documents are stored whole, undeclared keys included: a snapshot that leaves something out could not restore it. The
//! content of a whitelabel is public anyway (trap 40), but the files are readable by their owner only.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::manifest::{self, Manifest, ManifestLog, SnapshotError};
use super::run_id::RunId;
use super::state_file;
use crate::model::{Digest, DomainTemplate, Object, Settings, canonical_json};

/// A content-addressed store, and a manifest for each run.
#[derive(Clone, Debug)]
pub struct SnapshotStore {
    directory: Utf8PathBuf,
}

impl SnapshotStore {
    /// Names the store in a state directory; nothing is created before something is stored.
    #[must_use]
    pub fn new(state_directory: &Utf8Path) -> Self {
        Self {
            directory: state_directory.join("snapshots"),
        }
    }

    /// Returns the state directory that the store is in.
    pub(super) fn state(&self) -> &Utf8Path {
        self.directory.parent().unwrap_or(&self.directory)
    }

    /// Stores bytes and returns their digest; bytes that exist already are not written again.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, SnapshotError> {
        let digest = Digest::of(bytes);
        let path = self.object_path(&digest)?;
        // A damaged file is replaced: the bytes at hand are the right ones.
        if self.get(&digest).is_err() {
            write(&path, bytes)?;
        }
        Ok(digest)
    }

    /// Reads bytes by digest.
    ///
    /// # Errors
    /// When they do not exist, or no longer match the digest.
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

    /// Stores settings, undeclared keys included, and returns their digest.
    pub fn put_settings(&self, settings: &Settings) -> Result<Digest, SnapshotError> {
        let value = Value::Object(settings.as_object().clone());
        self.put(canonical_json(&value).as_bytes())
    }

    /// Reads settings by digest.
    pub fn settings(&self, digest: &Digest) -> Result<Settings, SnapshotError> {
        self.decode::<Object>(digest).map(Settings::from)
    }

    /// Stores a raw template, and returns its digest.
    pub fn put_template(&self, template: &DomainTemplate) -> Result<Digest, SnapshotError> {
        let value = serde_json::to_value(template).map_err(SnapshotError::Encode)?;
        self.put(canonical_json(&value).as_bytes())
    }

    /// Reads a raw template by digest.
    pub fn template(&self, digest: &Digest) -> Result<DomainTemplate, SnapshotError> {
        self.decode(digest)
    }

    /// Starts the manifest of a run, without any object. Its file is created with the first entry.
    pub(super) fn start(&self, manifest: Manifest) -> ManifestLog {
        ManifestLog::new(self.manifest_path(&manifest.run), manifest)
    }

    /// Reads the manifest of a run. An incomplete last line is ignored: the write that it was to precede was never
    /// sent.
    pub fn manifest(&self, run: &RunId) -> Result<Manifest, SnapshotError> {
        let path = self.manifest_path(run);
        match std::fs::read(&path) {
            Ok(text) => manifest::unfolded(&text, &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let path = self.first_manifest_path(run);
                serde_json::from_slice(&read(&path)?)
                    .map_err(|source| SnapshotError::Format { path, source })
            }
            Err(source) => Err(SnapshotError::File {
                action: "read",
                path,
                source,
            }),
        }
    }

    fn decode<T: serde::de::DeserializeOwned>(&self, digest: &Digest) -> Result<T, SnapshotError> {
        serde_json::from_slice(&self.get(digest)?).map_err(|source| SnapshotError::Format {
            path: self.directory.join(digest.as_str()),
            source,
        })
    }

    /// Lists the files of all objects.
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

    /// Returns the files that the manifest of a run may be in.
    pub(super) fn manifest_paths(&self, run: &RunId) -> [Utf8PathBuf; 2] {
        [self.manifest_path(run), self.first_manifest_path(run)]
    }

    fn manifest_path(&self, run: &RunId) -> Utf8PathBuf {
        self.directory.join("runs").join(format!("{run}.jsonl"))
    }

    /// Returns the path of a manifest of version 1, which was one document, rewritten for each object.
    fn first_manifest_path(&self, run: &RunId) -> Utf8PathBuf {
        self.directory.join("runs").join(format!("{run}.json"))
    }

    /// Returns the path of an object. The digest is checked first, because the manifest may have been changed by hand.
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
    use std::collections::{BTreeMap, BTreeSet};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};

    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::apply::manifest::{
        AccountSnapshot, DocumentSnapshot, Kept, MANIFEST_VERSION, StoredAsset,
    };
    use crate::model::{AccountId, AccountName, AssetKind, ClusterName, Revision};

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
            template_unread: false,
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
        written(&store, &manifest);
        assert_eq!(store.manifest(&run).unwrap(), manifest);
    }

    /// Writes a manifest object by object, as a run does.
    fn written(store: &SnapshotStore, manifest: &Manifest) {
        let log = store.start(Manifest {
            accounts: BTreeMap::new(),
            template: None,
            zones: BTreeMap::new(),
            ..manifest.clone()
        });
        for (id, snapshot) in &manifest.accounts {
            assert!(!log.has_account(id));
            log.keep(Kept::Account {
                id: id.clone(),
                snapshot: snapshot.clone(),
            })
            .unwrap();
            assert!(log.has_account(id));
        }
    }

    /// Creates a store with a manifest of this many accounts.
    fn fleet(accounts: usize) -> (tempfile::TempDir, SnapshotStore, Manifest) {
        let (directory, store) = store();
        let run = RunId::new(Timestamp::UNIX_EPOCH, &Digest::of(b"plan"));
        let logo = StoredAsset {
            digest: Digest::of(b"logo"),
            size: 4,
            asset_type: None,
            attachment: None,
        };
        let mut manifest = manifest(&run, Digest::of(b"settings"), logo);
        let (_, account) = manifest.accounts.pop_first().unwrap();
        manifest.accounts = (0..accounts)
            .map(|number| AccountId::parse(&format!("{number:032x}")).unwrap())
            .map(|id| (id, account.clone()))
            .collect();
        written(&store, &manifest);
        (directory, store, manifest)
    }

    #[test]
    fn a_manifest_costs_a_line_an_account() {
        let size = |accounts| {
            let (_directory, store, manifest) = fleet(accounts);
            let path = store.manifest_path(&manifest.run);
            std::fs::metadata(path).unwrap().len()
        };
        let (few, many) = (size(10), size(40));
        assert!(many < 4 * few, "{few} bytes for 10 accounts, {many} for 40");
    }

    #[test]
    fn a_manifest_that_was_cut_short_says_less_and_never_something_else() {
        let (_directory, store, whole) = fleet(3);
        let path = store.manifest_path(&whole.run);
        let text = std::fs::read(&path).unwrap();
        let mut known = BTreeSet::new();
        for length in 0..text.len() {
            std::fs::write(&path, &text[..length]).unwrap();
            let Ok(manifest) = store.manifest(&whole.run) else {
                continue;
            };
            known.insert(manifest.accounts.len());
            for (id, account) in &manifest.accounts {
                assert_eq!(whole.accounts.get(id), Some(account));
            }
        }
        assert_eq!(known, BTreeSet::from([0, 1, 2]));
    }

    #[test]
    fn a_manifest_with_one_bit_changed_is_refused_or_only_shorter() {
        let (_directory, store, whole) = fleet(3);
        let path = store.manifest_path(&whole.run);
        let text = std::fs::read(&path).unwrap();
        for bit in 0..text.len() * 8 {
            let mut changed = text.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &changed).unwrap();
            match store.manifest(&whole.run) {
                Err(error) => assert!(matches!(error, SnapshotError::Spoilt { .. }), "{error}"),
                // The final newline: as if it had been cut off.
                Ok(manifest) => assert!(
                    manifest.accounts.len() == 2 && bit / 8 == text.len() - 1,
                    "bit {bit}"
                ),
            }
        }
    }

    #[test]
    fn a_manifest_of_version_1_is_read() {
        let (_directory, store) = store();
        let run = RunId::new(Timestamp::UNIX_EPOCH, &Digest::of(b"plan"));
        let logo = StoredAsset {
            digest: Digest::of(b"logo"),
            size: 4,
            asset_type: None,
            attachment: None,
        };
        let manifest = Manifest {
            version: 1,
            ..manifest(&run, Digest::of(b"settings"), logo)
        };
        let text = serde_json::to_vec_pretty(&manifest).unwrap();
        write(&store.first_manifest_path(&run), &text).unwrap();
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
