//! Quiet cycles, in which nothing changed: they cost what is read, not the size of the tree.
//!
//! Any change ends the quiet ([`Controller::is_quiet`]): another source revision, a work item, an outage, a changed
//! document. The next cycle compares and plans everything again, because domains, guards and the plan's digest depend
//! on all accounts together; when it leaves nothing that needs no person, the daemon is quiet again. Objects that wait
//! for people do not end the quiet; only the cycles that read them look at everything. Where records are managed, no
//! cycle is quiet.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::assessment::{Assessment, holds, is_complete};
use super::controller::Controller;
use super::observe::Known;
use super::schedule::Name;
use super::status::{Finding, Reason};
use super::verdict::{Hold, Verdict};

impl Controller {
    /// Returns the known state of some objects before a read, when the cycle may turn out to be quiet.
    pub(super) fn before(&self, read: &BTreeSet<Name>) -> Option<Known> {
        let status = self.published.status();
        let is_in_sync = |name: &Name| {
            let object = status.object(name.as_ref());
            object.is_some_and(|object| object.reason == Reason::InSync && object.drift.is_empty())
        };
        let may_stay = self.is_quiet && !self.look_for_departed && read.iter().all(is_in_sync);
        may_stay.then(|| self.platform.known(read))
    }

    /// Returns whether nothing is left that needs no person, now or later.
    pub(super) fn becomes_quiet(&self, assessment: &Assessment<'_>) -> bool {
        let commit = self
            .revision
            .as_ref()
            .and_then(|revision| revision.commit.as_ref());
        let is_noted = commit.is_none_or(|commit| {
            let noted = [&self.applied, &self.shard_state.noted];
            self.reference.is_none() || noted.contains(&&Some(commit.id.clone()))
        });
        let waits = |verdict: &Verdict| holds(verdict, Hold::Unconfirmed);
        assessment.plan.steps.is_empty()
            && (is_noted || !is_complete(assessment))
            && !assessment.verdicts.values().any(waits)
            // Only a cycle that asks the primary knows its records.
            && assessment.differences.zones.is_empty()
            && self.records.values().all(|record| record.failure.is_none())
    }

    /// Records that some objects were read and have not changed.
    pub(super) fn stay(&mut self, read: &BTreeSet<Name>, now: Timestamp) {
        for name in read {
            self.schedule.read(name, now);
            self.authors.remove(name);
            let record = self.records.entry(name.clone()).or_default();
            record.drift = record.drift_history.observe(std::iter::empty(), now);
            for (finding, how) in [
                (Finding::Change, "it is live"),
                (Finding::Drift, "it is as the tree has it"),
            ] {
                self.history_log.end(finding, name, now, how);
            }
        }
        self.published.change(|status| {
            for name in read {
                if let Some(object) = status.object_mut(name.as_ref()) {
                    let object = Arc::make_mut(object);
                    object.checked = self.platform.read_at(name).or(object.checked);
                }
            }
        });
    }
}
