//! Quiet cycles, in which nothing changed: they cost what is read, not the size of the tree.
//!
//! Any change ends the quiet ([`Controller::is_quiet`]): another source revision, a work item, an outage, a changed
//! document. The next cycle compares and plans everything again, because domains, guards and the plan's digest depend
//! on all accounts together; when it leaves nothing that needs no person, the daemon is quiet again. Objects that wait
//! for people do not end the quiet; only the cycles that read them look at everything. Where records are managed, no
//! cycle is quiet.
use crate::model::ObjectName;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::assessment::{Assessment, holds, is_complete};
use super::controller::Controller;
use super::observe::KnownState;
use super::source::SourceRevision;
use super::status::{Finding, Reason};
use super::verdict::{Hold, ObjectVerdict};

impl Controller {
    /// Returns the known state of some objects before a read, when the cycle may turn out to be quiet.
    pub(super) fn before(&self, read: &BTreeSet<ObjectName>) -> Option<KnownState> {
        let status = self.published.status();
        let is_in_sync = |name: &ObjectName| {
            let object = status.object(name);
            object.is_some_and(|object| object.reason == Reason::InSync && object.drift.is_empty())
        };
        let may_stay =
            self.is_quiet && !self.observed.look_for_departed && read.iter().all(is_in_sync);
        may_stay.then(|| self.observed.platform.known(read))
    }

    /// Returns whether nothing is left that needs no person, now or later.
    pub(super) fn becomes_quiet(&self, assessment: &Assessment<'_>) -> bool {
        let commit = self.revision.as_ref().and_then(SourceRevision::id);
        let is_noted = self.applied.is_noted(commit);
        let waits = |verdict: &ObjectVerdict| holds(verdict, Hold::Unconfirmed);
        assessment.plan.steps.is_empty()
            && !self.applied.is_behind()
            && (is_noted || !is_complete(assessment))
            && !assessment.verdicts.values().any(waits)
            // Only a cycle that asks the primary knows its records.
            && assessment.differences.zones.is_empty()
            && self.objects.records().values().all(|record| record.failure.is_none())
    }

    /// Records that some objects were read and have not changed.
    pub(super) fn stay(&mut self, read: &BTreeSet<ObjectName>, now: Timestamp) {
        for name in read {
            self.timers.objects.read(name, now);
            self.objects.observe_unchanged(name, now);
            for (finding, how) in [
                (Finding::Change, "it is live"),
                (Finding::Drift, "changed back, not by the daemon"),
            ] {
                (self.history_log).end(finding, name.account(), now, how);
            }
        }
        self.published.change(|status| {
            for name in read {
                if let Some(object) = status.object_mut(name) {
                    let object = Arc::make_mut(object);
                    object.checked = self.observed.platform.read_at(name).or(object.checked);
                }
            }
        });
    }
}
