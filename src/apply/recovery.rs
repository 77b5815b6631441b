//! What an interrupted run has destroyed, and how it is repaired.
//!
//! A killed run can leave three kinds of damage, each between two writes that belong together: a whitelabel is gone
//! that was deleted to be re-created, or that a failed upload deleted (B17); a re-created one lacks assets; the upload
//! of a logo has deleted the welcome page (observed 2). The snapshot has all of it. Everything else that the run left
//! shows up in the usual comparison with the tree.

use std::collections::BTreeSet;

use camino::Utf8Path;
use jiff::Timestamp;

use super::history;
use super::journal::{self, InFlight, Journal, JournalError, JournalEvent};
use super::manifest::Manifest;
use super::restore::{RestoreError, RestoreTarget, restore_target};
use super::run_id::RunId;
use super::snapshot::SnapshotStore;
use crate::diff::ChangeKey;
use crate::diff::assets;
use crate::live::{Live, LiveDocument, Reading};
use crate::model::{AccountName, AssetKind, ClusterName, KeyPath, Shard};
use crate::plan::{Action, Plan, Step, Subject};
use crate::tree::{ClusterConfig, DesiredAccount, Ownership};

/// A run that never ended.
#[derive(Clone, Debug, PartialEq)]
pub struct InterruptedRun {
    /// The run id.
    pub run: RunId,
    /// The steps that were in flight.
    pub in_flight: Vec<InFlight>,
    /// Its plan, if it was stored.
    pub plan: Option<Plan>,
    /// The state before it wrote; absent when it never got that far.
    pub manifest: Option<Manifest>,
}

/// Finds the runs on a cluster that never ended and were not recovered yet, oldest first.
///
/// While shards are running, an unfinished run of another shard may still be alive: a shard recovers only its own runs,
/// and the first shard of a split also those of the whole cluster and of other splits, which cannot run at the same
/// time.
pub fn interrupted_runs(
    state_directory: &Utf8Path,
    cluster: &ClusterName,
    shard: Option<Shard>,
) -> Result<Vec<InterruptedRun>, JournalError> {
    let mut interrupted_runs = Vec::new();
    let store = SnapshotStore::new(state_directory);
    for run in journal::runs(state_directory)? {
        let entries = journal::read(state_directory, &run)?;
        let Some(interrupted) = journal::interrupted(&entries) else {
            continue;
        };
        if journal::is_under_way(state_directory, &run) {
            continue;
        }
        let is_another = history::record(&entries)
            .is_some_and(|record| record.cluster != *cluster || !looks_after(shard, record.shard));
        if is_another {
            continue;
        }
        interrupted_runs.push(InterruptedRun {
            plan: history::plan_of(state_directory, &run),
            manifest: store.manifest(&run).ok(),
            in_flight: interrupted.in_flight,
            run,
        });
    }
    Ok(interrupted_runs)
}

fn looks_after(shard: Option<Shard>, run: Option<Shard>) -> bool {
    match (shard, run) {
        (None, _) => true,
        (Some(mine), Some(run)) if mine.count() == run.count() => mine == run,
        (Some(mine), _) => mine.is_first(),
    }
}

/// Records in the journal of a run that it was recovered.
pub fn close(state_directory: &Utf8Path, run: &RunId, now: Timestamp) -> Result<(), JournalError> {
    Journal::reopen(state_directory, run)?.append(now, JournalEvent::Recovered)
}

impl InterruptedRun {
    /// Returns the earlier state of the objects that were in flight, to read their live side; `None` when nothing can
    /// be destroyed.
    pub fn before(
        &self,
        store: &SnapshotStore,
        cluster: &ClusterConfig,
    ) -> Result<Option<RestoreTarget>, RestoreError> {
        let names = (self.in_flight.iter()).filter_map(|step_run| match &step_run.subject {
            Subject::Account { name, .. } => Some(name.clone()),
            // Records are written in one message, so they are not half-written; what a second one would have added, the
            // next plan adds.
            Subject::Template | Subject::Zone(_) => None,
        });
        let names: BTreeSet<AccountName> =
            names.filter(|name| !self.means_to_delete(name)).collect();
        match &self.manifest {
            Some(manifest) if !names.is_empty() => {
                Ok(Some(restore_target(manifest, store, cluster, &names)?))
            }
            _ => Ok(None),
        }
    }

    fn steps(&self, name: &AccountName) -> impl Iterator<Item = &Step> {
        let steps = self.plan.iter().flat_map(|plan| &plan.steps);
        let name = name.clone();
        steps.filter(
            move |step| matches!(&step.subject, Subject::Account { name: of, .. } if *of == name),
        )
    }

    fn means_to_delete(&self, name: &AccountName) -> bool {
        self.steps(name).any(|step| step.action == Action::Delete)
    }

    fn means_to_lose(&self, name: &AccountName, kind: AssetKind) -> bool {
        self.steps(name).any(
            |step| matches!(&step.action, Action::Recreate { without } if without.contains(&kind)),
        )
    }

    fn moves_domain(&self, name: &AccountName) -> bool {
        let domain = ChangeKey::Setting(KeyPath::from("domain"));
        let mut changes = self.steps(name).flat_map(|step| &step.changes);
        changes.any(|change| change.key == domain)
    }
}

/// Reduces [`InterruptedRun::before`] to what the run destroyed: documents that are gone, and assets that are gone from
/// documents. Returns the accounts that could not be read.
pub fn repair(run: &InterruptedRun, before: &mut RestoreTarget, live: &Live) -> Vec<AccountName> {
    let mut unread = Vec::new();
    before.desired.accounts.retain_mut(|account| {
        let account = account.make_mut();
        account.policy.ownership = Ownership::Shared;
        account.policy.recreate = false;
        account.assets.retain(|kind, declared| {
            declared.value.is_some() && !run.means_to_lose(&account.name, *kind)
        });
        let reading = live
            .accounts
            .get(&account.name)
            .map(|account| &account.document);
        match reading {
            Some(Reading::Known(None)) => come_back(run, account),
            Some(Reading::Known(Some(document))) => lost_assets(account, document),
            Some(Reading::Unknown(_)) | None => {
                unread.push(account.name.clone());
                false
            }
        }
    });
    unread
}

/// Restores a document that is gone as it was. A domain that was being moved is left to the tree: by now it may belong
/// to another account.
fn come_back(run: &InterruptedRun, account: &mut DesiredAccount) -> bool {
    let domain = KeyPath::from("domain");
    if run.moves_domain(&account.name) {
        account.settings.remove(&domain);
    }
    account.absent.is_none()
}

fn lost_assets(account: &mut DesiredAccount, document: &LiveDocument) -> bool {
    account.settings.clear();
    let is_lost = |kind| matches!(assets::reading(document, kind), Ok(None));
    account.assets.retain(|kind, _| is_lost(*kind));
    account.absent.is_none() && !account.assets.is_empty()
}
