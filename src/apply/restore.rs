//! Snapshot → desired state: a restore is planned like any other change.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::journal::{Entry, JournalEvent};
use super::manifest::{AccountSnapshot, DocumentSnapshot, Manifest, SnapshotError, StoredAsset};
use super::options::AssetSource;
use super::outcome::StepResult;
use super::released;
use super::snapshot::SnapshotStore;
use crate::diag::{Place, SourceMap, Span, Spanned};
use crate::diff::canonical::is_server_key;
use crate::live::{Live, Reading};
use crate::model::{
    AccountId, AccountName, AssetFacts, AssetFile, AssetKind, Digest, Identity, KeyPath, Revision,
    is_parked,
};
use crate::plan::{Action, Plan, StepId, Subject};
use crate::tree::{
    AccountPolicy, ClusterConfig, Declared, Desired, DesiredAccount, DesiredTemplate, DnsMode,
    Ownership, Policy, SharedAccount, Target,
};

/// The live state before a run, as a desired state.
#[derive(Debug)]
pub struct RestoreTarget {
    /// The desired state; its assets are in [`StoredAssets`].
    pub desired: Desired,
    /// The text that its places point into.
    pub sources: SourceMap,
}

/// Why a snapshot cannot be restored.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// It cannot be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// It has no such account.
    #[error("the snapshot has no account {name}; it has {known}")]
    NoAccount {
        /// The requested account.
        name: AccountName,
        /// The accounts that it has, separated by commas.
        known: String,
    },
}

/// Turns the snapshot of a run into the desired state that leads back to it: every public key and every asset as it
/// was, and nothing else. A parked name is nobody's domain, so the domain before it is meant instead.
///
/// `only` names accounts; when it is empty, all accounts and the template are included.
pub fn restore_target(
    manifest: &Manifest,
    store: &SnapshotStore,
    cluster: &ClusterConfig,
    only: &BTreeSet<AccountName>,
) -> Result<RestoreTarget, RestoreError> {
    let owners = manifest.zones.values().flatten();
    let owners = owners.flat_map(|set| &set.accounts);
    let names: BTreeSet<&AccountName> = (manifest.accounts.values())
        .map(|account| &account.name)
        .chain(owners)
        .collect();
    if let Some(name) = only.iter().find(|name| !names.contains(name)) {
        let known: Vec<&str> = names.into_iter().map(AccountName::as_str).collect();
        return Err(RestoreError::NoAccount {
            name: name.clone(),
            known: known.join(", "),
        });
    }
    let mut sources = SourceMap::default();
    let path = format!("snapshots/runs/{}.jsonl", manifest.run);
    let place = Place {
        file: sources.add(path.into(), ""),
        span: Span { start: 0, end: 0 },
    };
    let mut accounts: Vec<SharedAccount> = Vec::new();
    for (id, snapshot) in &manifest.accounts {
        if only.is_empty() || only.contains(&snapshot.name) {
            accounts.push(account((id, snapshot), manifest, store, place)?.into());
        }
    }
    accounts.sort_by(|a, b| a.name.cmp(&b.name));
    let template = match manifest.template.as_ref().filter(|_| only.is_empty()) {
        Some(digest) => Some(template(digest, store, place)?),
        None => None,
    };
    let desired = Desired {
        cluster: cluster.clone(),
        accounts,
        template,
        policy: Policy::default(),
    };
    Ok(RestoreTarget { desired, sources })
}

fn account(
    (id, snapshot): (&AccountId, &AccountSnapshot),
    manifest: &Manifest,
    store: &SnapshotStore,
    place: Place,
) -> Result<DesiredAccount, SnapshotError> {
    let mut account = DesiredAccount {
        name: snapshot.name.clone(),
        identity: Spanned {
            value: Identity::Id(id.clone()),
            place,
        },
        settings: BTreeMap::new(),
        assets: BTreeMap::new(),
        absent: snapshot.document.is_none().then_some(place),
        dns: DnsMode::Ignore,
        ignore: BTreeSet::new(),
        labels: BTreeMap::new(),
        policy: AccountPolicy {
            ownership: Ownership::Exclusive,
            recreate: true,
            ..AccountPolicy::default()
        },
    };
    let Some(document) = &snapshot.document else {
        return Ok(account);
    };
    let mut settings = store.settings(&document.settings)?;
    if is_parked(id, &settings) {
        let domain = KeyPath::from("domain");
        match released::former_domain(store, manifest, id)? {
            Some(former) => settings.set(&domain, former),
            None => settings.remove(&domain),
        }
    }
    for (path, value) in settings.leaves() {
        if !is_server_key(&path) {
            account
                .settings
                .insert(path, declared(value.clone(), place));
        }
    }
    for kind in AssetKind::ALL {
        let file = document.assets.get(&kind).map(file);
        let declared = Declared { value: file, place };
        account.assets.insert(kind, declared);
    }
    Ok(account)
}

fn template(
    digest: &Digest,
    store: &SnapshotStore,
    place: Place,
) -> Result<DesiredTemplate, SnapshotError> {
    let mut template = DesiredTemplate {
        hosts: BTreeMap::new(),
        types: BTreeSet::new(),
        ownership: Ownership::Exclusive,
    };
    for (record_type, hosts) in store.template(digest)?.0 {
        for (host, entry) in hosts {
            let record_type = record_type.clone();
            let target = Target { record_type, host };
            template.hosts.insert(target, declared(entry, place));
        }
        template.types.insert(record_type);
    }
    Ok(template)
}

fn declared<T>(value: T, place: Place) -> Declared<T> {
    Declared {
        value: Some(value),
        place,
    }
}

fn file(stored: &StoredAsset) -> AssetFile {
    AssetFile {
        path: Utf8PathBuf::from(format!("snapshots/objects/{}", stored.digest)),
        facts: AssetFacts {
            digest: stored.digest.clone(),
            size: stored.size,
            asset_type: stored.asset_type,
            dimensions: None,
        },
    }
}

/// The assets of a snapshot, as a source of files.
#[derive(Debug)]
pub struct StoredAssets<'a> {
    store: &'a SnapshotStore,
    digests: BTreeMap<Utf8PathBuf, Digest>,
}

impl<'a> StoredAssets<'a> {
    /// Finds the assets that a restore target names.
    #[must_use]
    pub fn new(store: &'a SnapshotStore, desired: &Desired) -> Self {
        let assets = desired
            .accounts
            .iter()
            .flat_map(|account| account.assets.values());
        let files = assets.filter_map(|declared| declared.value.as_ref());
        Self {
            store,
            digests: files
                .map(|file| (file.path.clone(), file.facts.digest.clone()))
                .collect(),
        }
    }
}

impl AssetSource for StoredAssets<'_> {
    fn bytes(&self, path: &Utf8Path) -> Result<Vec<u8>, String> {
        let digest = self
            .digests
            .get(path)
            .ok_or("no such asset in the snapshot")?;
        self.store.get(digest).map_err(|error| error.to_string())
    }
}

/// How a run left an object.
#[derive(Debug, PartialEq)]
enum Left {
    /// At this revision; `None` means without a whitelabel.
    At(Option<Revision>),
    /// It could not be determined; this revision would mean that the last write had no effect.
    Unknown(Option<Revision>),
}

/// Returns the objects of a run's snapshot that somebody else wrote to after the run, with the evidence. `plan` is the
/// run's own plan, for the template.
#[must_use]
pub fn moved_since(
    manifest: &Manifest,
    entries: &[Entry],
    plan: Option<&Plan>,
    live: &Live,
) -> BTreeMap<Subject, String> {
    let mut moved = BTreeMap::new();
    for (id, snapshot) in &manifest.accounts {
        let subject = Subject::Account {
            name: snapshot.name.clone(),
            id: id.clone(),
        };
        let Some(Reading::Known(now)) =
            (live.accounts.get(&snapshot.name)).map(|account| &account.document)
        else {
            continue;
        };
        let now = now.as_ref().map(|document| &document.revision);
        let before = snapshot.document.as_ref().map(revision);
        let left = left(entries, &subject, before);
        let expected = match &left {
            Left::At(revision) => revision.as_ref(),
            Left::Unknown(revision) if now == revision.as_ref() => now,
            Left::Unknown(_) => {
                let reason = "how the run left it could not be determined".to_owned();
                moved.insert(subject, reason);
                continue;
            }
        };
        if now != expected {
            let show = |revision: Option<&Revision>| {
                revision.map_or_else(|| "no whitelabel".to_owned(), ToString::to_string)
            };
            let reason = format!("the run left {}, now it is {}", show(expected), show(now));
            moved.insert(subject, reason);
        }
    }
    if let (Some(_), Some(Reading::Known(now))) = (&manifest.template, &live.template) {
        let replaced = plan.into_iter().flat_map(|plan| &plan.steps);
        let mut replaced = replaced.filter_map(|step| match &step.action {
            Action::ReplaceTemplate { template } => Some(template.digest()),
            _ => None,
        });
        let is_left = matches!(left(entries, &Subject::Template, None), Left::At(_));
        if !is_left || replaced.next_back() != Some(now.digest()) {
            let reason = "it is not as the run left it".to_owned();
            moved.insert(Subject::Template, reason);
        }
    }
    if manifest.template.is_some() && live.template_is_unservable {
        let reason = "the server cannot serve it any more, so somebody else wrote it".to_owned();
        moved.insert(Subject::Template, reason);
    }
    moved
}

fn revision(document: &DocumentSnapshot) -> &Revision {
    &document.revision
}

/// Reads from a journal how a run left an object that had this revision before.
fn left(entries: &[Entry], subject: &Subject, before: Option<&Revision>) -> Left {
    let mut last = before.cloned();
    let mut is_known = true;
    let mut step: Option<StepId> = None;
    for entry in entries {
        match &entry.event {
            JournalEvent::Intent {
                step: id,
                subject: to,
                ..
            } if to == subject => {
                step = Some(*id);
                is_known = false;
            }
            JournalEvent::Outcome {
                step: id,
                result: StepResult::Done { revision },
                ..
            } if step == Some(*id) => {
                last.clone_from(revision);
                is_known = true;
            }
            _ => {}
        }
    }
    if is_known {
        Left::At(last)
    } else {
        Left::Unknown(last)
    }
}
