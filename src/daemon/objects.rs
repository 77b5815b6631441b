//! What the daemon remembers of each object from one cycle to the next: its drift, its failures, its back-off.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::drift_history::DriftHistory;
use super::platform_events::ChangeAuthor;
use super::schedule::{back_off, later};
use super::status::Drift;
use super::verdict::is_drift;
use crate::apply::{Applied, StepResult};
use crate::diff::Differences;
use crate::model::ObjectName;
use crate::plan::Plan;

/// What is kept of an object from one cycle to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ObjectRecord {
    pub(super) drift_history: DriftHistory,
    /// The drift that the last read showed.
    pub(super) drift: Vec<Drift>,
    /// The last error; absent after a success.
    pub(super) failure: Option<String>,
    pub(super) failures: u32,
    pub(super) retry_at: Option<Timestamp>,
}

/// The records of all objects.
pub(super) struct Objects {
    records: BTreeMap<ObjectName, ObjectRecord>,
    /// Who changed an account last, as the platform says; kept while the account has drift.
    authors: BTreeMap<ObjectName, ChangeAuthor>,
    seed: u64,
}

impl Objects {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            records: BTreeMap::new(),
            authors: BTreeMap::new(),
            seed,
        }
    }

    /// Returns all records.
    pub(super) fn records(&self) -> &BTreeMap<ObjectName, ObjectRecord> {
        &self.records
    }

    /// Returns the record of an object.
    pub(super) fn get(&self, name: &ObjectName) -> Option<&ObjectRecord> {
        self.records.get(name)
    }

    /// Returns the record of an object, to be changed.
    pub(super) fn get_mut(&mut self, name: &ObjectName) -> Option<&mut ObjectRecord> {
        self.records.get_mut(name)
    }

    /// Forgets the objects that the tree no longer has.
    pub(super) fn follow(&mut self, all: &BTreeSet<ObjectName>) {
        self.records.retain(|name, _| all.contains(name));
        self.authors.retain(|name, _| all.contains(name));
    }

    /// Starts an object anew: the tree declares something else for it.
    pub(super) fn redeclare(&mut self, name: &ObjectName) {
        let record = self.records.entry(name.clone()).or_default();
        record.drift_history.forget();
        record.retry_at = None;
        record.failures = 0;
        record.failure = None;
    }

    /// Ends an object's back-off and the count of its healings: a person asks.
    pub(super) fn resync(&mut self, name: &ObjectName) {
        let record = self.records.entry(name.clone()).or_default();
        record.drift_history.reset_rounds();
        record.retry_at = None;
    }

    /// Ends the back-off of all objects: a plan was approved.
    pub(super) fn end_back_off(&mut self) {
        for record in self.records.values_mut() {
            record.retry_at = None;
        }
    }

    /// Lets nothing be dated in the future after the clock was set back, and no back-off last longer than until `latest`.
    pub(super) fn set_back(&mut self, now: Timestamp, latest: Timestamp) {
        for record in self.records.values_mut() {
            record.drift_history.set_back(now);
            record.retry_at = record.retry_at.map(|at| at.min(latest));
        }
    }

    /// Returns who changed an account last, as far as the platform told.
    pub(super) fn author(&self, name: &ObjectName) -> Option<&ChangeAuthor> {
        self.authors.get(name)
    }

    /// Notes who changed an account last.
    pub(super) fn set_author(&mut self, name: ObjectName, author: ChangeAuthor) {
        self.authors.insert(name, author);
    }

    /// Forgets who changed an account: it has no drift.
    pub(super) fn forget_author(&mut self, name: &ObjectName) {
        self.authors.remove(name);
    }

    /// Enters what was just read into the drift history, before it is judged.
    pub(super) fn observe(
        &mut self,
        differences: &Differences,
        read: &BTreeSet<ObjectName>,
        now: Timestamp,
    ) {
        for name in read {
            // A failed read is no evidence of what is live.
            if differences.unknown_of(name).is_empty() {
                let record = self.records.entry(name.clone()).or_default();
                let found = differences.changes_of(name);
                let drift = found.iter().filter(|change| is_drift(change));
                record.drift = record.drift_history.observe(drift, now);
            }
        }
    }

    /// Enters that a read showed an object as it was: in sync.
    pub(super) fn observe_unchanged(&mut self, name: &ObjectName, now: Timestamp) {
        self.authors.remove(name);
        let record = self.records.entry(name.clone()).or_default();
        record.drift = record.drift_history.observe(std::iter::empty(), now);
    }

    /// Drops the drift that a read-back no longer shows: it is healed, and the history must not count the rest twice.
    pub(super) fn observe_healed(
        &mut self,
        differences: &Differences,
        written: &BTreeSet<ObjectName>,
    ) {
        for name in written {
            if let Some(record) = self.records.get_mut(name) {
                let found = differences.changes_of(name);
                record
                    .drift
                    .retain(|drift| found.iter().any(|change| change.key == drift.change.key));
            }
        }
    }

    /// Enters the outcomes of a run: what was healed, what failed, and when each is tried again.
    pub(super) fn take_in(&mut self, plan: &Plan, applied: &Applied, now: Timestamp) {
        let mut failures: BTreeMap<ObjectName, String> = BTreeMap::new();
        let mut waiting: BTreeSet<ObjectName> = BTreeSet::new();
        let mut touched: BTreeSet<ObjectName> = BTreeSet::new();
        for (step, outcome) in plan.steps.iter().zip(&applied.outcomes) {
            let names = step.objects();
            touched.extend(names.iter().cloned());
            match &outcome.result {
                StepResult::Done { .. } => {
                    for name in &names {
                        let Some(record) = self.records.get_mut(name) else {
                            continue;
                        };
                        for change in step.changes.iter().filter(|change| is_drift(change)) {
                            record.drift_history.healed(&change.key, now);
                        }
                    }
                }
                StepResult::Moved { reason }
                | StepResult::Failed { reason }
                | StepResult::Unknown { reason } => {
                    for name in names {
                        failures.entry(name).or_insert_with(|| reason.clone());
                    }
                }
                // Neither is a failure of its own: it is retried together with the step that blocked it.
                StepResult::Skipped { .. } | StepResult::NotBegun { .. } => waiting.extend(names),
            }
        }
        for name in touched {
            let Some(record) = self.records.get_mut(&name) else {
                continue;
            };
            record.failure = failures.remove(&name);
            if let Some(reason) = &record.failure {
                tracing::warn!(object = ?name, reason, "not applied");
                record.failures += 1;
                let pause = back_off(record.failures, &name, self.seed);
                record.retry_at = Some(later(now, pause));
            } else {
                record.failures = 0;
                record.retry_at = None;
            }
        }
        let retries = self.records.values().filter_map(|record| record.retry_at);
        let after = retries.filter(|at| *at > now).max();
        for name in waiting {
            if let Some(record) = self.records.get_mut(&name)
                && record.failure.is_none()
            {
                record.retry_at = after;
            }
        }
    }
}
