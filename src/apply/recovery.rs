//! What a run that never ended has destroyed, and how that is put right.
//!
//! A killed run can leave three kinds of harm behind, each between two writes that belong together: a whitelabel
//! that was deleted to be created again, or that a failed upload took along (B17), is gone; one that was created
//! again lacks assets; a logo's upload has eaten the welcome page (observed 2). The snapshot has all of it. Everything
//! else that it left is told by comparing with the tree, as always.

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
    /// Its name.
    pub run: RunId,
    /// The steps that it had in hand.
    pub in_flight: Vec<InFlight>,
    /// Its plan, when it was kept.
    pub plan: Option<Plan>,
    /// What it found before it wrote; absent when it never came to that.
    pub manifest: Option<Manifest>,
}

/// Finds the runs on a cluster that never ended and that nobody has looked after, oldest first.
///
/// While shards are at work, a run of another one may be no wreck but in full swing: a shard looks after its like, and
/// the first of a split after runs for the whole and of other splits, which cannot be at work beside it.
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

/// Notes in a run's journal that what it left is put right.
pub fn close(state_directory: &Utf8Path, run: &RunId, now: Timestamp) -> Result<(), JournalError> {
    Journal::reopen(state_directory, run)?.append(now, JournalEvent::Recovered)
}

impl InterruptedRun {
    /// Gives what the objects were that it had in hand, to read their live side; `None` when it has
    /// destroyed nothing.
    pub fn before(
        &self,
        store: &SnapshotStore,
        cluster: &ClusterConfig,
    ) -> Result<Option<RestoreTarget>, RestoreError> {
        let names = (self.in_flight.iter()).filter_map(|step_run| match &step_run.subject {
            Subject::Account { name, .. } => Some(name.clone()),
            // Records are written in one message, so half of them is never there.
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

/// Leaves of [`InterruptedRun::before`] only what the run destroyed: documents that are gone, and assets that
/// are gone from documents. Returns the accounts that could not be read.
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

/// A document that is gone comes back as it was. A domain that was on the move is left to the tree: by
/// now it may be another account's.
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
