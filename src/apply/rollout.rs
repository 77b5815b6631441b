//! Which accounts go first, and when to stop.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use super::outcome::{Halt, StepOutcome, StepResult};
use super::schedule::dependencies;
use crate::model::AccountName;
use crate::plan::{Action, Plan, Step, StepId, Subject};

/// Which accounts go first, and when to stop. None and never, by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    /// The accounts whose steps, and those of their records, are carried out and confirmed by reading back before any
    /// other begins. Records that share a message with those of other accounts wait until then. The first failure among
    /// these accounts ends the run; so does the first one after them, unless [`Self::max_failures`] says otherwise.
    pub canary: BTreeSet<AccountName>,
    /// The number of objects that may fail before no other is begun.
    pub max_failures: Option<NonZeroUsize>,
}

/// Returns whether a step is about these accounts only.
fn concerns_only(step: &Step, accounts: &BTreeSet<AccountName>) -> bool {
    match (&step.subject, &step.action) {
        (Subject::Account { name, .. }, _) => accounts.contains(name),
        // Records that others need too share a message with theirs, so they wait with them.
        (Subject::Zone(_), Action::Records { sets }) => {
            sets.iter().all(|set| set.accounts.is_subset(accounts))
        }
        (Subject::Zone(_) | Subject::Template, _) => false,
    }
}

/// How far a run may proceed at the moment.
#[derive(Debug)]
pub(super) struct RolloutState {
    /// The steps that go first and have not ended.
    first: BTreeSet<StepId>,
    limit: Option<usize>,
    failed: BTreeSet<Subject>,
    ended: Option<(Halt, String)>,
}

impl RolloutState {
    pub(super) fn new(plan: &Plan, rollout: &Rollout) -> Self {
        let is_canary = |step: &&Step| concerns_only(step, &rollout.canary);
        let mut first: BTreeSet<StepId> = (plan.steps.iter().filter(is_canary))
            .map(|step| step.id)
            .collect();
        // A canary that takes over a domain also needs the step that releases it.
        let mut open: Vec<StepId> = first.iter().copied().collect();
        while let Some(id) = open.pop() {
            let step = plan.steps.iter().find(|step| step.id == id);
            let before = step.into_iter().flat_map(dependencies);
            open.extend(before.filter(|earlier| first.insert(*earlier)));
        }
        let limit = match (rollout.max_failures, rollout.canary.is_empty()) {
            (Some(limit), _) => Some(limit.get()),
            (None, true) => None,
            (None, false) => Some(1),
        };
        Self {
            first,
            limit,
            failed: BTreeSet::new(),
            ended: None,
        }
    }

    /// Returns whether a step may begin now, as far as the order of objects is concerned.
    pub(super) fn admits(&self, step: &Step) -> bool {
        self.first.is_empty() || self.first.contains(&step.id)
    }

    /// Records how a step ended.
    pub(super) fn note(&mut self, step: &Step, outcome: &StepOutcome) {
        let was_first = self.first.remove(&step.id);
        let has_failed = match &outcome.result {
            StepResult::Done { .. } | StepResult::Skipped { .. } | StepResult::NotBegun { .. } => {
                false
            }
            StepResult::Moved { .. } | StepResult::Failed { .. } | StepResult::Unknown { .. } => {
                true
            }
        };
        if !has_failed || self.ended.is_some() {
            return;
        }
        self.failed.insert(step.subject.clone());
        if was_first {
            let name = step.subject.title();
            let reason =
                format!("{name}, which goes first, did not succeed; mend that, then plan again");
            self.ended = Some((Halt::Failure, reason));
        } else if self.limit.is_some_and(|limit| self.failed.len() >= limit) {
            let failed = match self.failed.len() {
                1 => format!("{} did not succeed", step.subject.title()),
                count => format!("{count} objects did not succeed"),
            };
            let reason = format!("{failed}, which ends the run; mend that, then plan again");
            self.ended = Some((Halt::Failure, reason));
        }
    }

    /// Prevents further steps from beginning, for another reason than a failure.
    pub(super) fn end(&mut self, halt: Halt, reason: String) {
        self.ended.get_or_insert((halt, reason));
    }

    /// Returns why no further step begins, once that is so.
    pub(super) fn ended(&self) -> Option<&(Halt, String)> {
        self.ended.as_ref()
    }
}
