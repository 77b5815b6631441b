//! Turns in which nothing moved: they cost what is read, and not what there is.
//!
//! Whatever moves anything ends the quiet ([`Controller::is_quiet`]): another tree, an order, an outage, a document that is not what
//! it was. The turn after that compares and plans everything anew, because domains, guards and the plan's digest follow
//! from all accounts together; when it leaves nothing that goes by itself, it is quiet again. What waits for people may stay
//! as long as it likes: only the turns that read it look at everything. Where records are managed, no turn is quiet.

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
    /// Returns what is known of some objects before they are read, when it may turn out that nothing moved.
    pub(super) fn before(&self, read: &BTreeSet<Name>) -> Option<Known> {
        let status = self.published.status();
        let is_in_sync = |name: &Name| {
            let object = status.object(name.as_ref());
            object.is_some_and(|object| object.reason == Reason::InSync && object.drift.is_empty())
        };
        let may_stay = self.is_quiet && !self.look_for_departed && read.iter().all(is_in_sync);
        may_stay.then(|| self.platform.known(read))
    }

    /// Tells whether nothing is left that goes by itself, now or after a while.
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
            // What the primary has is known by the turn that asks it.
            && assessment.differences.zones.is_empty()
            && self.records.values().all(|record| record.failure.is_none())
    }

    /// Takes note that some objects were read and are what they were.
    pub(super) fn stay(&mut self, read: &BTreeSet<Name>, now: Timestamp) {
        for name in read {
            self.schedule.read(name, now);
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
