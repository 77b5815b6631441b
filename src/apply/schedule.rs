//! Which step begins next.

use std::collections::{BTreeMap, VecDeque};

use super::object_state::ObjectState;
use super::outcome::{StepOutcome, StepResult};
use super::parked;
use crate::plan::{Plan, Precondition, Step, StepId, Subject};

/// The steps of one object in order, and what is known about it.
#[derive(Debug)]
pub(super) struct Queue<'p> {
    steps: VecDeque<&'p Step>,
    pub(super) state: ObjectState,
}

/// Which steps are still to begin, and how the others ended.
#[derive(Debug)]
pub(super) struct Schedule<'p> {
    plan: &'p Plan,
    /// The objects without a step in flight, by whether they were begun and by their next step: an object is finished
    /// before another one is begun, so that the assets of only a few are in memory.
    idle: BTreeMap<(Begun, StepId), Queue<'p>>,
    outcomes: BTreeMap<StepId, StepOutcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Begun {
    Yes,
    NotYet,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Next<'p> {
    /// The step can begin.
    Ready(Queue<'p>, &'p Step),
    /// The step must not begin, because an earlier one did not succeed.
    Blocked(&'p Step, StepId),
    /// Every step waits for another one.
    Waiting,
}

impl<'p> Schedule<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let mut objects: BTreeMap<&Subject, VecDeque<&'p Step>> = BTreeMap::new();
        for step in &plan.steps {
            objects.entry(&step.subject).or_default().push_back(step);
        }
        let mut schedule = Self {
            plan,
            idle: BTreeMap::new(),
            outcomes: BTreeMap::new(),
        };
        for steps in objects.into_values() {
            let state = ObjectState::default();
            schedule.put(Begun::NotYet, Queue { steps, state });
        }
        schedule
    }

    /// Takes the next admitted step, if there is one that waits for no other.
    pub(super) fn next(&mut self, admits: impl Fn(&Step) -> bool) -> Next<'p> {
        let found = self.idle.iter().find_map(|(place, queue)| {
            let step = *queue.steps.front().filter(|step| admits(step))?;
            let blocked = self.blocked_by(step);
            (blocked.is_some() || self.is_ready(step)).then_some((*place, step, blocked))
        });
        let Some((place, step, blocked)) = found else {
            return Next::Waiting;
        };
        let Some(mut queue) = self.idle.remove(&place) else {
            return Next::Waiting;
        };
        queue.steps.pop_front();
        match blocked {
            Some(because) => {
                self.put(place.0, queue);
                Next::Blocked(step, because)
            }
            None => Next::Ready(queue, step),
        }
    }

    /// Puts an object back after its step has ended.
    pub(super) fn give_back(&mut self, queue: Queue<'p>) {
        self.put(Begun::Yes, queue);
    }

    /// Stores the outcome of a step.
    pub(super) fn conclude(&mut self, outcome: StepOutcome) {
        self.outcomes.insert(outcome.step, outcome);
    }

    /// Returns the note that a step needs when its account is left with a parked domain.
    pub(super) fn parked(&self, step: &Step, result: &StepResult) -> Option<String> {
        let result_of = |id| self.outcomes.get(&id).map(|outcome| &outcome.result);
        parked::note(self.plan, step, result, result_of)
    }

    /// Takes all steps that never began.
    pub(super) fn rest(&mut self) -> Vec<&'p Step> {
        let idle = std::mem::take(&mut self.idle);
        let mut rest: Vec<&Step> = idle.into_values().flat_map(|queue| queue.steps).collect();
        rest.sort_by_key(|step| step.id);
        rest
    }

    /// Returns the outcomes, in the order of step ids.
    pub(super) fn into_outcomes(self) -> Vec<StepOutcome> {
        self.outcomes.into_values().collect()
    }

    /// Stores an object that has further steps; one without is dropped, with the bytes of its assets.
    fn put(&mut self, begun: Begun, queue: Queue<'p>) {
        if let Some(head) = queue.steps.front() {
            self.idle.insert((begun, head.id), queue);
        }
    }

    fn is_ready(&self, step: &Step) -> bool {
        dependencies(step).all(|earlier| self.outcomes.contains_key(&earlier))
    }

    /// Returns the step whose failure blocks this one: the first cause, not a step that was skipped itself.
    fn blocked_by(&self, step: &Step) -> Option<StepId> {
        dependencies(step).find_map(|earlier| match &self.outcomes.get(&earlier)?.result {
            StepResult::Done { .. } => None,
            StepResult::Skipped { because } => Some(*because),
            StepResult::Moved { .. }
            | StepResult::Failed { .. }
            | StepResult::Unknown { .. }
            | StepResult::NotBegun { .. } => Some(earlier),
        })
    }
}

/// Returns the steps that must have succeeded before this one.
pub(super) fn dependencies(step: &Step) -> impl Iterator<Item = StepId> {
    let left_by = match step.precondition {
        Precondition::AsLeftBy(earlier) => Some(earlier),
        Precondition::Revision(_)
        | Precondition::NoWhitelabel
        | Precondition::Template(_)
        | Precondition::UnservableTemplate
        | Precondition::Records(_) => None,
    };
    step.after.iter().copied().chain(left_by)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountId, AccountName, ClusterName, Digest, Revision};
    use crate::plan::{Action, FORMAT_VERSION, Risk, Scope, Unknown};

    fn step(id: u32, account: char, after: &[u32]) -> Step {
        Step {
            id: StepId(id),
            subject: Subject::Account {
                name: AccountName::new(account.to_string()),
                id: AccountId::parse(&account.to_string().repeat(32)).unwrap(),
            },
            action: Action::Delete,
            changes: Vec::new(),
            precondition: Precondition::Revision(Revision::new("1-a")),
            risk: Risk::Destructive,
            after: after.iter().copied().map(StepId).collect(),
            notes: Vec::new(),
        }
    }

    fn plan(steps: Vec<Step>) -> Plan {
        Plan {
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
        }
    }

    /// Runs a schedule with two steps in flight; the steps in `failing` fail.
    fn trace(steps: Vec<Step>, failing: &[u32]) -> String {
        let plan = plan(steps);
        let mut schedule = Schedule::new(&plan);
        let mut in_flight = VecDeque::new();
        let mut trace = Vec::new();
        loop {
            while in_flight.len() < 2 {
                match schedule.next(|_| true) {
                    Next::Ready(queue, step) => {
                        trace.push(format!("+{}", step.id.0));
                        in_flight.push_back((queue, step));
                    }
                    Next::Blocked(step, because) => {
                        trace.push(format!("!{}({})", step.id.0, because.0));
                        schedule.conclude(StepOutcome {
                            step: step.id,
                            result: StepResult::Skipped { because },
                            notes: Vec::new(),
                        });
                    }
                    Next::Waiting => break,
                }
            }
            let Some((queue, step)) = in_flight.pop_front() else {
                break;
            };
            let result = if failing.contains(&step.id.0) {
                trace.push(format!("x{}", step.id.0));
                StepResult::Failed {
                    reason: String::new(),
                }
            } else {
                trace.push(format!("-{}", step.id.0));
                StepResult::Done { revision: None }
            };
            schedule.give_back(queue);
            schedule.conclude(StepOutcome {
                step: step.id,
                result,
                notes: Vec::new(),
            });
        }
        let rest: Vec<String> = schedule.rest().iter().map(|s| s.id.0.to_string()).collect();
        if !rest.is_empty() {
            trace.push(format!("rest {}", rest.join(",")));
        }
        trace.join(" ")
    }

    #[test]
    fn objects_side_by_side_and_steps_of_one_object_one_by_one() {
        let steps = vec![
            step(0, 'a', &[]),
            step(1, 'b', &[]),
            step(2, 'a', &[0]),
            step(3, 'c', &[]),
        ];
        insta::assert_snapshot!(trace(steps, &[]), @"+0 +1 -0 +2 -1 +3 -2 -3");
    }

    #[test]
    fn a_failure_stops_what_depends_on_it_and_nothing_else() {
        let steps = vec![
            step(0, 'a', &[]),
            step(1, 'b', &[]),
            step(2, 'a', &[0]),
            step(3, 'a', &[2]),
            step(4, 'b', &[1]),
        ];
        insta::assert_snapshot!(trace(steps, &[0]), @"+0 +1 x0 !2(0) !3(0) -1 +4 -4");
    }

    #[test]
    fn a_claim_waits_for_another_accounts_release() {
        let steps = vec![step(0, 'b', &[]), step(1, 'a', &[0]), step(2, 'b', &[0, 1])];
        insta::assert_snapshot!(trace(steps, &[]), @"+0 -0 +1 -1 +2 -2");
    }

    #[test]
    fn steps_that_wait_for_each_other_are_never_begun() {
        let steps = vec![step(0, 'a', &[1]), step(1, 'b', &[0]), step(2, 'c', &[])];
        insta::assert_snapshot!(trace(steps, &[]), @"+2 -2 rest 0,1");
    }
}
