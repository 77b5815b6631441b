//! Turns in which nothing moved: they cost what is read, and not what there is.
//!
//! Whatever moves anything ends the quiet ([`Wheel::is_quiet`]): another tree, an order, an outage, a document that is not what
//! it was. The turn after that compares and plans everything anew, because domains, guards and the plan's digest follow
//! from all accounts together; when it leaves nothing to do, it is quiet again.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::agenda::Name;
use super::assessment::{Assessment, is_complete};
use super::reading::Known;
use super::status::Finding;
use super::wheel::Wheel;

impl Wheel {
    /// Returns what is known of some objects before they are read, when it may turn out that nothing moved.
    pub(super) fn before(&self, read: &BTreeSet<Name>) -> Option<Known> {
        let may_stay = self.is_quiet && !self.look_for_departed;
        may_stay.then(|| self.platform.known(read))
    }

    /// Tells whether nothing is left to be done, said or remembered of any object.
    pub(super) fn has_settled(&self, assessment: &Assessment<'_>) -> bool {
        let differences = &assessment.differences;
        let has_changes = (differences.accounts.iter().chain(&differences.departed))
            .any(|account| !account.changes.is_empty());
        let template = differences.template.as_ref();
        let commit = self.force.as_ref().and_then(|force| force.commit.as_ref());
        let is_applied = commit.is_none_or(|commit| {
            let noted = [&self.applied, &self.share.noted];
            self.reference.is_none() || noted.contains(&&Some(commit.id.clone()))
        });
        is_applied
            && is_complete(assessment)
            && assessment.whole.steps.is_empty()
            && !has_changes
            && template.is_none_or(|template| template.changes.is_empty())
            // What the primary has is known by the turn that asks it.
            && differences.zones.is_empty()
            && self.records.values().all(|record| record.failure.is_none())
    }

    /// Takes note that some objects were read and are what they were.
    pub(super) fn stay(&mut self, read: &BTreeSet<Name>, now: Timestamp) {
        for name in read {
            self.agenda.read(name, now);
            let record = self.records.entry(name.clone()).or_default();
            record.drift = record.memory.observe(std::iter::empty(), now);
            for (finding, how) in [
                (Finding::Change, "it is live"),
                (Finding::Drift, "it is as the tree has it"),
            ] {
                self.chronicle.end(finding, name, now, how);
            }
        }
        self.board.change(|status| {
            for name in read {
                let object = match name {
                    Some(name) => status.accounts.get_mut(name),
                    None => status.template.as_mut(),
                };
                if let Some(object) = object {
                    let object = Arc::make_mut(object);
                    object.checked = self.platform.read_at(name).or(object.checked);
                }
            }
        });
    }
}
