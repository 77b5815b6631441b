//! What an interrupted run has destroyed, and how it is repaired.
//!
//! A killed run can leave five kinds of damage, each between two writes that belong together: a whitelabel is gone
//! that was deleted to be re-created, or that a failed upload deleted (B17); a re-created one lacks assets; the upload
//! of a logo has deleted the welcome page (observed 2); a whitelabel has a parked name, because its domain was released
//! before it was to be deleted or to get another one; a placeholder is there that was made only to release a domain.
//! The snapshot has all of it. Everything else that the run left shows up in the usual comparison with the tree.
//!
//! A domain is put back whatever the tree that follows says, unless another account has it by now: whether the next
//! plan does what this one did is decided by guards and people, and until then the brand is to be reached.

use std::collections::BTreeSet;

use camino::Utf8Path;
use jiff::Timestamp;
use serde_json::Value;

use super::history;
use super::journal::{self, InFlight, Journal, JournalError, JournalEvent};
use super::manifest::Manifest;
use super::parked;
use super::restore::{RestoreError, RestoreTarget, restore_target};
use super::run_id::RunId;
use super::snapshot::SnapshotStore;
use crate::diff::{ChangeKey, assets, is_placeholder};
use crate::live::{Live, LiveDocument, Reading};
use crate::model::{
    AccountId, AccountName, AssetKind, ClusterName, DomainName, KeyPath, Shard, is_parked,
};
use crate::plan::{Action, Plan, Step, Subject};
use crate::tree::{ClusterConfig, Declared, DesiredAccount, Ownership};

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
    /// Returns the earlier state of the objects that were in flight or have a parked name, to read their live side;
    /// `None` when nothing can be destroyed.
    pub fn before(
        &self,
        store: &SnapshotStore,
        cluster: &ClusterConfig,
    ) -> Result<Option<RestoreTarget>, RestoreError> {
        let Some(manifest) = &self.manifest else {
            return Ok(None);
        };
        let names: BTreeSet<AccountName> = (manifest.accounts.values())
            .map(|account| &account.name)
            .filter(|name| self.can_lose(name) || self.parks(name))
            .cloned()
            .collect();
        if names.is_empty() {
            return Ok(None);
        }
        let mut before = restore_target(manifest, store, cluster, &names)?;
        for account in &mut before.desired.accounts {
            let account = account.make_mut();
            // A placeholder has no assets; whether what is there has some must be read.
            if let Some(place) = account.absent {
                let none = AssetKind::ALL.map(|kind| (kind, Declared { value: None, place }));
                account.assets.extend(none);
            }
        }
        Ok(Some(before))
    }

    /// Returns whether a step of an account was in flight that must not lose anything. Records are written in one
    /// message, so they are not half-written; what a second one would have added, the next plan adds.
    fn can_lose(&self, name: &AccountName) -> bool {
        let mut in_flight = self.in_flight.iter().map(|step_run| &step_run.subject);
        in_flight.any(|subject| matches!(subject, Subject::Account { name: of, .. } if of == name))
            && !self.means_to_delete(name)
    }

    /// Returns whether the run moves an account to the parked name, or, if its plan is lost, may do so.
    fn parks(&self, name: &AccountName) -> bool {
        self.plan.is_none() || self.steps(name).any(parked::parks)
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
        let domain = ChangeKey::Setting(domain());
        let mut changes = self.steps(name).flat_map(|step| &step.changes);
        changes.any(|change| change.key == domain)
    }
}

/// Reduces [`InterruptedRun::before`] to what the run destroyed: documents that are gone, assets that are gone from
/// documents, domains that were released, and placeholders, which are to go. Returns the accounts that could not be
/// read.
pub fn repair(run: &InterruptedRun, before: &mut RestoreTarget, live: &Live) -> Vec<AccountName> {
    let mut unread = Vec::new();
    before.desired.accounts.retain_mut(|account| {
        let account = account.make_mut();
        account.policy.ownership = Ownership::Shared;
        account.policy.recreate = false;
        account.assets.retain(|kind, declared| {
            let is_placeholder = account.absent.is_some();
            is_placeholder || declared.value.is_some() && !run.means_to_lose(&account.name, *kind)
        });
        match damage(run, account, live) {
            Reading::Known(is_damaged) => is_damaged,
            Reading::Unknown(_) => {
                unread.push(account.name.clone());
                false
            }
        }
    });
    unread
}

/// Reduces an account to what is to be put back, and returns whether that is anything.
fn damage(run: &InterruptedRun, account: &mut DesiredAccount, live: &Live) -> Reading<bool> {
    let unknown = |reason: &str| Reading::Unknown(reason.to_owned());
    let found = live.accounts.get(&account.name);
    let Some((id, document)) = found.and_then(|it| Some((it.id.known()?, it.document.known()?)))
    else {
        return unknown("the account could not be read");
    };
    let Some(document) = document else {
        return Reading::Known(run.can_lose(&account.name) && come_back(run, account, (id, live)));
    };
    if account.absent.is_some() {
        return placeholder(run, account, (id, document));
    }
    let before = match released(account, (id, document), live) {
        Reading::Known(before) => before,
        Reading::Unknown(reason) => return Reading::Unknown(reason),
    };
    account.settings.clear();
    let is_lost = |kind| matches!(assets::reading(document, kind), Ok(None));
    let can_lose = run.can_lose(&account.name);
    account.assets.retain(|kind, _| can_lose && is_lost(*kind));
    account
        .settings
        .extend(before.map(|before| (domain(), before)));
    Reading::Known(!account.assets.is_empty() || !account.settings.is_empty())
}

/// Restores a document that is gone as it was. A domain that was being moved is left to the tree: by now it may belong
/// to another account.
fn come_back(
    run: &InterruptedRun,
    account: &mut DesiredAccount,
    (id, live): (&AccountId, &Live),
) -> bool {
    let is_taken = matches!(free_domain(account, id, live), Reading::Known(None));
    if is_taken || run.moves_domain(&account.name) {
        account.settings.remove(&domain());
    }
    account.absent.is_none()
}

/// Returns whether a document is a placeholder that the run made and was to delete.
fn placeholder(
    run: &InterruptedRun,
    account: &mut DesiredAccount,
    (id, document): (&AccountId, &LiveDocument),
) -> Reading<bool> {
    if !run.means_to_delete(&account.name) || !is_placeholder(id, &document.settings) {
        return Reading::Known(false);
    }
    let mut has_assets = false;
    for kind in AssetKind::ALL {
        match assets::reading(document, kind) {
            Ok(found) => has_assets |= found.is_some(),
            Err(reason) => return Reading::Unknown(reason.to_owned()),
        }
    }
    account.assets.clear();
    Reading::Known(!has_assets)
}

/// Returns the domain that a document had before it got the parked name, if nobody else has it by now.
fn released(
    account: &DesiredAccount,
    (id, document): (&AccountId, &LiveDocument),
    live: &Live,
) -> Reading<Option<Declared<Value>>> {
    if is_parked(id, &document.settings) {
        free_domain(account, id, live)
    } else {
        Reading::Known(None)
    }
}

/// Returns the domain that an account had, if nobody else has it by now.
fn free_domain(
    account: &DesiredAccount,
    id: &AccountId,
    live: &Live,
) -> Reading<Option<Declared<Value>>> {
    let Some(before) = account.settings.get(&domain()) else {
        return Reading::Known(None);
    };
    let name = before.value.as_ref().and_then(Value::as_str);
    let name = name.and_then(|name| DomainName::parse(&name.to_ascii_lowercase()).ok());
    match name.and_then(|name| live.holders.get(&name)) {
        Some(Reading::Known(holders)) => {
            let is_free = holders.iter().all(|holder| holder.id == *id);
            Reading::Known(is_free.then(|| before.clone()))
        }
        Some(Reading::Unknown(reason)) => Reading::Unknown(reason.clone()),
        None => Reading::Known(None),
    }
}

fn domain() -> KeyPath {
    KeyPath::from("domain")
}
