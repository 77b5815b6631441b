//! What all steps of a run share: the clients, the journal, the snapshots.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::OnceCell;

use super::audit::{AuditDraft, AuditError, AuditLog};
use super::brand::{Brand, Held};
use super::error::ApplyError;
use super::history;
use super::journal::{JOURNAL_VERSION, Journal, JournalError, JournalEvent};
use super::manifest::{
    AccountSnapshot, DocumentSnapshot, Kept, MANIFEST_VERSION, Manifest, ManifestLog,
    SnapshotError, StoredAsset,
};
use super::options::{AssetSource, Options};
use super::outcome::Halt;
use super::run_id::RunId;
use super::snapshot::SnapshotStore;
use crate::live::{
    ApiError, Document, ReadClient, Reading, RequestId, TemplateWriter, WriteClient,
};
use crate::model::{AccountId, AccountName, AssetKind, DomainTemplate, RecordName};
use crate::plan::{Action, Plan, PlannedSet, Subject};

/// The state that all steps of a run share.
pub(super) struct Context<'a> {
    pub(super) writer: &'a WriteClient,
    pub(super) template: Option<&'a TemplateWriter>,
    pub(super) files: &'a dyn AssetSource,
    pub(super) options: &'a Options,
    journal: Journal,
    audit: AuditLog,
    snapshots: SnapshotStore,
    manifest: ManifestLog,
    requests: AtomicU32,
    ended: OnceLock<(Halt, String)>,
    /// The accounts with a step that can destroy assets.
    endangered: BTreeSet<AccountId>,
    /// Whether the server looks at the revision that a request names.
    heeds_revisions: OnceCell<bool>,
}

impl<'a> Context<'a> {
    /// Starts the run's journal.
    pub(super) fn start(
        plan: &Plan,
        writer: &'a WriteClient,
        template: Option<&'a TemplateWriter>,
        files: &'a dyn AssetSource,
        options: &'a Options,
    ) -> Result<Self, ApplyError> {
        let started = (options.now)();
        let digest = plan.digest();
        let journal = Journal::create(&options.state_dir, &RunId::new(started, &digest))?;
        journal.append(
            started,
            JournalEvent::RunStarted {
                version: JOURNAL_VERSION,
                run: journal.run().clone(),
                plan: digest.clone(),
                cluster: plan.cluster.clone(),
                steps: plan.steps.len(),
                shard: plan.scope.shard.map(|it| it.shard),
                restores: options.restores.clone(),
            },
        )?;
        history::keep_plan(&options.state_dir, journal.run(), plan)?;
        let snapshots = SnapshotStore::new(&options.state_dir);
        let manifest = Manifest {
            version: MANIFEST_VERSION,
            run: journal.run().clone(),
            plan: digest,
            cluster: plan.cluster.clone(),
            started,
            accounts: BTreeMap::new(),
            template: None,
            template_unread: false,
            zones: BTreeMap::new(),
        };
        let audit = AuditLog::new(
            &options.state_dir,
            journal.run().clone(),
            plan.cluster.clone(),
            &options.principals,
        );
        Ok(Self {
            writer,
            template,
            files,
            options,
            journal,
            audit,
            manifest: snapshots.start(manifest),
            snapshots,
            requests: AtomicU32::new(0),
            ended: OnceLock::new(),
            endangered: endangered(plan),
            heeds_revisions: OnceCell::new(),
        })
    }

    /// Prevents all steps from beginning to write.
    pub(super) fn end(&self, why: &(Halt, String)) {
        self.ended.get_or_init(|| why.clone());
    }

    /// Returns why no step may begin to write any more, if so.
    pub(super) fn ended(&self) -> Option<&(Halt, String)> {
        self.ended.get()
    }

    /// Returns the client for reading.
    pub(super) fn reader(&self) -> &ReadClient {
        self.writer.read()
    }

    /// Returns the id of the run.
    pub(super) fn run(&self) -> &RunId {
        self.journal.run()
    }

    /// Returns an account's document as it was read just before the run, if a write to it can only replace that one.
    pub(super) async fn known(
        &self,
        name: &AccountName,
        account: &AccountId,
    ) -> Reading<Option<Document>> {
        let known = self.options.known.document(name, account);
        let heeds = || self.reader().heeds_revisions(account);
        match known {
            // Nothing that exists is overwritten by a creation (W3).
            Reading::Known(None) | Reading::Unknown(_) => known,
            Reading::Known(Some(_)) if *self.heeds_revisions.get_or_init(heeds).await => known,
            Reading::Known(Some(_)) => {
                Reading::Unknown("the platform does not heed revisions".to_owned())
            }
        }
    }

    /// Completes a document with its assets.
    ///
    /// An account whose assets no step can destroy is said to have those that are cached for the very revision, when an
    /// earlier snapshot holds their bytes; all others are read.
    pub(super) async fn complete(
        &self,
        account: &AccountId,
        document: Document,
    ) -> Result<Brand, ApiError> {
        let cached = self.options.known.assets(account, &document.revision);
        let mut recalled = BTreeMap::new();
        if !self.endangered.contains(account) {
            for (kind, asset) in &cached {
                let Some(asset) = asset else {
                    recalled.insert(*kind, None);
                    continue;
                };
                if let Ok(bytes) = self.snapshots.get(&asset.facts.digest) {
                    let held = Held::named(bytes, asset.attachment.clone());
                    recalled.insert(*kind, Some(held));
                }
            }
        }
        let mut brand = Brand::complete(self.reader(), account, document, recalled).await?;
        let is_cached_absence = |kind: &AssetKind| matches!(cached.get(kind), Some(None));
        let mut missing = (AssetKind::ALL.iter()).filter(|kind| !brand.assets.contains_key(kind));
        brand.is_confirmed = missing.all(is_cached_absence);
        Ok(brand)
    }

    /// Caches a document that was read back, with the assets that it has.
    pub(super) fn remember(&self, account: &AccountId, brand: &Brand) {
        self.options
            .known
            .remember(account, brand.document(), brand.live_assets());
    }

    /// Appends an event to the journal.
    pub(super) fn journal(&self, event: JournalEvent) -> Result<(), JournalError> {
        self.journal.append((self.options.now)(), event)
    }

    /// Appends a line to the audit log.
    pub(super) fn audit(&self, draft: AuditDraft) -> Result<(), AuditError> {
        self.audit.append((self.options.now)(), draft)
    }

    /// Returns a request id that no other request of any run has.
    pub(super) fn next_request(&self) -> RequestId {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        RequestId::new(format!("{}-{number}", self.run()))
    }

    /// Takes the snapshot of an account before this run; only the first call for an account counts.
    pub(super) fn keep_account(
        &self,
        name: &AccountName,
        account: &AccountId,
        brand: Option<&Brand>,
    ) -> Result<(), SnapshotError> {
        if self.manifest.has_account(account) {
            return Ok(());
        }
        let document = brand.map(|brand| self.keep_brand(brand)).transpose()?;
        let snapshot = AccountSnapshot {
            name: name.clone(),
            document,
        };
        self.manifest.keep(Kept::Account {
            id: account.clone(),
            snapshot,
        })
    }

    /// Takes the snapshot of the template before this run.
    pub(super) fn keep_template(&self, template: &DomainTemplate) -> Result<(), SnapshotError> {
        let digest = self.snapshots.put_template(template)?;
        self.manifest.keep(Kept::Template { digest })
    }

    /// Records that the template before this run could not be read.
    pub(super) fn keep_unread_template(&self) -> Result<(), SnapshotError> {
        self.manifest.keep(Kept::UnreadTemplate)
    }

    /// Takes the snapshot of some record sets of a zone before this run, with what the run makes of them.
    pub(super) fn keep_records(
        &self,
        zone: &RecordName,
        sets: &[PlannedSet],
    ) -> Result<(), SnapshotError> {
        self.manifest.keep(Kept::Zone {
            name: zone.clone(),
            sets: sets.to_vec(),
        })
    }

    fn keep_brand(&self, brand: &Brand) -> Result<DocumentSnapshot, SnapshotError> {
        let mut assets = BTreeMap::new();
        for (kind, held) in &brand.assets {
            let stored = StoredAsset {
                digest: self.snapshots.put(&held.bytes)?,
                size: held.bytes.len() as u64,
                asset_type: held.sniffed(),
                attachment: held.attachment.clone(),
            };
            assets.insert(*kind, stored);
        }
        Ok(DocumentSnapshot {
            revision: brand.revision.clone(),
            settings: self.snapshots.put_settings(&brand.settings)?,
            reserved_domain: super::brand::domain(&brand.settings).map(str::to_owned),
            assets,
        })
    }
}

/// Returns the accounts that have a step which can destroy assets that it does not mean to touch, or all of them.
fn endangered(plan: &Plan) -> BTreeSet<AccountId> {
    let steps = plan.steps.iter();
    let endangered = steps.filter_map(|step| match (&step.subject, &step.action) {
        (
            Subject::Account { id, .. },
            Action::Upload { .. } | Action::Recreate { .. } | Action::Delete,
        ) => Some(id.clone()),
        _ => None,
    });
    endangered.collect()
}
