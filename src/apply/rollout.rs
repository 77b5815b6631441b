//! Which accounts go first, and when to stop.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use super::error::ApplyError;
use super::outcome::{Halt, StepOutcome, StepResult};
use super::schedule::dependencies;
use crate::model::AccountName;
use crate::plan::{Action, Plan, Refusal, Step, StepId, Subject};
use crate::tree::{AccountMode, Desired};

/// Which accounts go first, and when to stop. None and never, by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    /// The accounts whose steps, and those of their records, are carried out and confirmed by reading back before any
    /// other begins. Records that share a message with those of other accounts wait until then. The first failure among
    /// these accounts ends the run; so does the first one after them, unless [`Self::max_failures`] says otherwise.
    pub canary: BTreeSet<AccountName>,
    /// The number of objects that may fail before no other is begun. An account that released its domain was begun,
    /// and goes on, so that its brand is not left without one.
    pub max_failures: Option<NonZeroUsize>,
}

impl Rollout {
    /// Returns the accounts that are to go first and for which a plan has nothing to do.
    #[must_use]
    pub fn idle(&self, plan: &Plan) -> Vec<&AccountName> {
        let is_idle = |name: &&AccountName| {
            let concerns = |step: &Step| match (&step.subject, &step.action) {
                (Subject::Account { name: written, .. }, _) => written == *name,
                (Subject::Zone(_), Action::Records { sets }) => {
                    sets.iter().any(|set| set.accounts.contains(*name))
                }
                (Subject::Zone(_) | Subject::Template, _) => false,
            };
            !plan.steps.iter().any(concerns)
        };
        self.canary.iter().filter(is_idle).collect()
    }

    /// Refuses a run in which an account that is to go first is held back: it would vouch for nothing.
    pub(super) fn check(&self, plan: &Plan, desired: &Desired) -> Result<(), ApplyError> {
        for name in self.idle(plan) {
            let is_it = |subject: &Subject| matches!(subject, Subject::Account { name: held, .. } if held == name);
            let is_refused = |refusal: &Refusal| refusal.subject.as_ref().is_some_and(is_it);
            let account = desired.account(name);
            let why = if account.is_some_and(|it| it.policy.mode == AccountMode::Observe) {
                "the tree says mode: observe"
            } else if plan.refusals.iter().any(is_refused) {
                "a guard refuses its changes"
            } else {
                continue;
            };
            return Err(ApplyError::Canary(name.clone(), why));
        }
        Ok(())
    }
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
    /// Whether somebody is to look at what went first before anything else begins.
    is_unchecked: bool,
    limit: Option<usize>,
    failed: BTreeSet<Subject>,
    /// The accounts that have released their domain.
    released: BTreeSet<Subject>,
    ended: Option<(Halt, String)>,
}

impl RolloutState {
    /// With `is_checked`, somebody looks at the accounts that go first, even if a run before this one wrote them.
    pub(super) fn new(plan: &Plan, rollout: &Rollout, is_checked: bool) -> Self {
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
            is_unchecked: is_checked,
            first,
            limit,
            failed: BTreeSet::new(),
            released: BTreeSet::new(),
            ended: None,
        }
    }

    /// Returns whether a step may begin now, as far as the order of objects and the end of the run are concerned.
    pub(super) fn admits(&self, step: &Step) -> bool {
        match &self.ended {
            None if self.first.is_empty() => !self.is_unchecked,
            None => self.first.contains(&step.id),
            Some((Halt::Failure, _)) => self.has_released(&step.subject),
            Some(_) => false,
        }
    }

    /// Returns whether an account has released its domain, so that a failure elsewhere does not keep it from going on.
    pub(super) fn has_released(&self, subject: &Subject) -> bool {
        self.released.contains(subject)
    }

    /// Records how a step ended.
    pub(super) fn note(&mut self, step: &Step, outcome: &StepOutcome) {
        let was_first = self.first.remove(&step.id);
        if let (Action::Release { .. }, StepResult::Done { .. }) = (&step.action, &outcome.result) {
            self.released.insert(step.subject.clone());
        }
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
            let reason = format!("{name}, which goes first, failed; fix that, then plan again");
            self.ended = Some((Halt::Failure, reason));
        } else if self.limit.is_some_and(|limit| self.failed.len() >= limit) {
            let failed = match self.failed.len() {
                1 => format!("{} failed", step.subject.title()),
                count => format!("{count} objects failed"),
            };
            let reason = format!("{failed}, which ends the run; fix that, then plan again");
            self.ended = Some((Halt::Failure, reason));
        }
    }

    /// Returns whether what goes first has ended well, and somebody is to look at it.
    pub(super) fn awaits_check(&self) -> bool {
        self.is_unchecked && self.first.is_empty() && self.ended.is_none()
    }

    /// Records what somebody saw of what went first.
    pub(super) fn check(&mut self, seen: Result<(), String>) {
        self.is_unchecked = false;
        if let Err(reason) = seen {
            self.end(Halt::Failure, reason);
        }
    }

    /// Prevents further steps from beginning, for another reason than a failure.
    pub(super) fn end(&mut self, halt: Halt, reason: String) {
        self.ended.get_or_insert((halt, reason));
    }

    /// Returns why no further object is begun, once that is so.
    pub(super) fn ended(&self) -> Option<&(Halt, String)> {
        self.ended.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountId, ClusterName, Digest, Revision};
    use crate::plan::{FORMAT_VERSION, Precondition, Risk, Scope, Unknown};

    fn step(id: u32, account: char, action: Action) -> Step {
        Step {
            id: StepId(id),
            subject: Subject::Account {
                name: AccountName::new(account.to_string()),
                id: AccountId::parse(&account.to_string().repeat(32)).unwrap(),
            },
            action,
            changes: Vec::new(),
            precondition: Precondition::Revision(Revision::new("1-a")),
            risk: Risk::CustomerVisible,
            after: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn update() -> Action {
        Action::Update {
            set: std::collections::BTreeMap::new(),
            remove: Vec::new(),
        }
    }

    fn outcome(step: &Step, result: StepResult) -> StepOutcome {
        StepOutcome {
            step: step.id,
            result,
            notes: Vec::new(),
        }
    }

    /// Which accounts go on after `b` failed, or after a freeze began, when `a` has released its domain.
    #[test]
    fn a_limit_on_failures_ends_no_account_that_released_its_domain() {
        let parked = String::new();
        let steps = vec![
            step(0, 'a', Action::Release { parked }),
            step(1, 'b', update()),
            step(2, 'a', update()),
            step(3, 'c', update()),
        ];
        let plan = Plan {
            version: FORMAT_VERSION,
            cluster: ClusterName::new("test"),
            tree: Digest::of(b""),
            commit: None,
            base: None,
            forgotten: Vec::new(),
            scope: Scope::default(),
            steps,
            refusals: Vec::new(),
            unknown: Unknown::default(),
        };
        let check = |canary: &[&str], released: StepResult, halt: Halt, expected: &[u32]| {
            let rollout = Rollout {
                canary: canary.iter().map(|name| AccountName::new(*name)).collect(),
                max_failures: NonZeroUsize::new(1),
            };
            let mut state = RolloutState::new(&plan, &rollout, false);
            state.note(&plan.steps[0], &outcome(&plan.steps[0], released));
            if halt == Halt::Failure {
                let reason = String::new();
                let failed = outcome(&plan.steps[1], StepResult::Failed { reason });
                state.note(&plan.steps[1], &failed);
            } else {
                state.end(halt, String::new());
            }
            let admitted = plan.steps[2..].iter().filter(|step| state.admits(step));
            let admitted: Vec<u32> = admitted.map(|step| step.id.0).collect();
            assert_eq!(admitted, expected, "{canary:?} {halt:?}");
        };
        let done = || StepResult::Done { revision: None };
        let refused = || StepResult::Failed {
            reason: String::new(),
        };
        check(&[], done(), Halt::Failure, &[2]);
        check(&["b"], done(), Halt::Failure, &[2]);
        check(&[], refused(), Halt::Failure, &[]);
        check(&[], done(), Halt::Freeze, &[]);
    }
}
