//! What was live before a run wrote: settings, asset bytes and the template, kept by their digests.
//!
//! ```text
//! STATE/snapshots/objects/ab/abcd…   one file a content, named by its SHA-256
//! STATE/snapshots/runs/RUN.jsonl     what each object of a run was, as digests: a line an object
//! ```
//!
//! Documents are kept whole, undeclared keys included: a snapshot that leaves something out cannot
//! restore it. What a whitelabel holds is public anyway (trap 40), the files are for their owner only.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::chain;
use super::run_id::RunId;
use super::state_file::{self, Log};
use crate::model::{
    AccountId, AccountName, AssetKind, AssetType, ClusterName, Digest, DomainTemplate, Object,
    RecordName, Revision, Settings, canonical_json,
};
use crate::plan::PlannedSet;

/// The version of the manifest's format; raised when a field changes its meaning.
pub const MANIFEST_VERSION: u32 = 2;

/// Keeps contents by their digests, each once, and a manifest for each run.
#[derive(Clone, Debug)]
pub struct SnapshotStore {
    directory: Utf8PathBuf,
}

/// Says what a run found, object by object, before it wrote to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`], or that of the version that wrote it.
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
    /// Whether it was about to replace a template that nobody could read, so that there is no snapshot of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub template_unread: bool,
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
    /// A manifest's lines do not follow from each other.
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

    /// Starts a run's manifest, which says nothing of any object yet. No file is made before something is kept.
    pub(super) fn start(&self, manifest: Manifest) -> ManifestLog {
        ManifestLog {
            path: self.manifest_path(&manifest.run),
            state: Mutex::new(Growing {
                manifest,
                written: None,
            }),
        }
    }

    /// Reads a run's manifest. The end of a line that was cut off says nothing: what it was to precede was never sent.
    pub fn manifest(&self, run: &RunId) -> Result<Manifest, SnapshotError> {
        let path = self.manifest_path(run);
        match std::fs::read(&path) {
            Ok(text) => unfolded(&text, &path),
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

    /// Lists the files that a run's manifest may be in.
    pub(super) fn manifest_paths(&self, run: &RunId) -> [Utf8PathBuf; 2] {
        [self.manifest_path(run), self.first_manifest_path(run)]
    }

    fn manifest_path(&self, run: &RunId) -> Utf8PathBuf {
        self.directory.join("runs").join(format!("{run}.jsonl"))
    }

    /// Version 1 was one document, written anew for each object.
    fn first_manifest_path(&self, run: &RunId) -> Utf8PathBuf {
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

/// The manifest of a run that goes on: a line for each object, on the disk before the object is written to.
#[derive(Debug)]
pub(super) struct ManifestLog {
    path: Utf8PathBuf,
    state: Mutex<Growing>,
}

#[derive(Debug)]
struct Growing {
    manifest: Manifest,
    /// The file and the digest of its last line; absent before something is kept.
    written: Option<(Arc<Log>, Digest)>,
}

/// The first line of a manifest.
#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
    run: RunId,
    plan: Digest,
    cluster: ClusterName,
    started: Timestamp,
}

/// A further line of a manifest: what one object was.
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
    /// What the template was could not be read.
    UnreadTemplate,
    Zone {
        name: RecordName,
        sets: Vec<PlannedSet>,
    },
}

impl ManifestLog {
    /// Tells whether it says what an account was.
    pub(super) fn has_account(&self, account: &AccountId) -> bool {
        self.lock().manifest.accounts.contains_key(account)
    }

    /// Adds what an object was, and waits until it is on the disk.
    pub(super) fn keep(&self, kept: Kept) -> Result<(), SnapshotError> {
        let failed = |source| SnapshotError::File {
            action: "write",
            path: self.path.clone(),
            source,
        };
        let lines = self.lock().add(&self.path, kept).map_err(failed)?;
        // Others may add theirs meanwhile, and wait for the disk together.
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
            let (head, digest) = chain::line(None, &Head::of(&self.manifest))?;
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

impl Head {
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

/// Reads the lines of a manifest.
fn unfolded(text: &[u8], path: &Utf8Path) -> Result<Manifest, SnapshotError> {
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
    let head: Head = serde_json::from_slice(head).map_err(understood)?;
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
            None if !line.ends_with(b"\n") => break,
            None => return Err(spoilt()),
        }
    }
    Ok(manifest)
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
    use std::collections::BTreeSet;
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

    /// A manifest of so many accounts, and the store that has it.
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
                // The end of the last line: as if it had been cut off.
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
