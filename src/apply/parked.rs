//! Tells of brands that a run leaves with a parked domain, where nobody reaches them.

use super::outcome::StepResult;
use crate::diff::{Change, ChangeKey, Side};
use crate::model::{AccountId, KeyPath, is_parked_domain, parked_domain};
use crate::plan::{Action, Plan, Precondition, Step, StepId, Subject};

/// Returns the note of a step that was to claim the domain of an account, was not done, and leaves the account with a
/// parked one. `result_of` returns the results of the steps before it.
pub(super) fn note<'r>(
    plan: &Plan,
    step: &Step,
    result: &StepResult,
    result_of: impl Fn(StepId) -> Option<&'r StepResult>,
) -> Option<String> {
    let id = owner(step)?;
    let parked = parked_domain(id);
    let deletes = step.action == Action::Delete;
    let claim = domain_change(step).filter(|change| is_parked(&change.before, id));
    if !deletes && claim.is_none() {
        return None;
    }
    let parking = parking(plan, step);
    let is_certain = match (parking.map(|step| result_of(step.id)), result) {
        (_, StepResult::Done { .. }) => return None,
        (None, _) if deletes => return None,
        // It was parked before this run, or by it.
        (None | Some(Some(StepResult::Done { .. })), result) => !matches!(
            result,
            StepResult::Unknown { .. } | StepResult::Moved { .. }
        ),
        (Some(Some(StepResult::Unknown { .. })), _) => false,
        (Some(_), _) => return None,
    };
    let given_up = (parking.and_then(domain_change)).and_then(|change| text(&change.before));
    let wanted = claim.and_then(|change| text(&change.after));
    let end = if deletes {
        "with `--prune` deletes the whitelabel"
    } else {
        "removes the name"
    };
    Some(match (wanted, given_up, is_certain) {
        (Some(wanted), Some(old), true) => format!(
            "nobody reaches this brand now: it gave up {old}, and does not have {wanted} yet; the next apply claims {wanted}"
        ),
        (Some(wanted), None, true) => format!(
            "nobody reaches this brand now: its domain is the parked name {parked}; the next apply claims {wanted}"
        ),
        (Some(wanted), _, false) => format!(
            "perhaps nobody reaches this brand now: it may not have {wanted} yet; the next apply looks, and claims {wanted} if it is not there"
        ),
        (None, _, true) => format!(
            "its domain is the parked name {parked}, where nobody reaches it; the next apply {end}"
        ),
        (None, _, false) => format!(
            "its domain may be the parked name {parked}, where nobody reaches it; the next apply looks, and {end}"
        ),
    })
}

/// Finds the step before another one, of the same account, that parks the domain.
fn parking<'p>(plan: &'p Plan, step: &Step) -> Option<&'p Step> {
    let mut step = step;
    loop {
        let Precondition::AsLeftBy(earlier) = step.precondition else {
            return None;
        };
        let earlier = plan.steps.get(earlier.0 as usize)?;
        if parks(earlier) {
            return Some(earlier);
        }
        step = earlier;
    }
}

/// Returns whether a step moves the domain of its account to the parked name, or creates the whitelabel with it.
pub(super) fn parks(step: &Step) -> bool {
    let Subject::Account { id, .. } = &step.subject else {
        return false;
    };
    domain_change(step).is_some_and(|change| is_parked(&change.after, id))
}

/// Returns the account of a step that can follow a release: one that writes a domain, or deletes.
fn owner(step: &Step) -> Option<&AccountId> {
    match (&step.subject, &step.action) {
        (Subject::Account { id, .. }, Action::Update { .. } | Action::Delete) => Some(id),
        _ => None,
    }
}

fn domain_change(step: &Step) -> Option<&Change> {
    let key = ChangeKey::Setting(KeyPath::from("domain"));
    step.changes.iter().find(|change| change.key == key)
}

fn is_parked(side: &Side, id: &AccountId) -> bool {
    text(side).is_some_and(|domain| is_parked_domain(id, domain))
}

fn text(side: &Side) -> Option<&str> {
    match side {
        Side::Value(value) => value.as_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::apply::Halt;
    use crate::diff::Cause;
    use crate::model::{AccountName, ClusterName, Digest, Revision};
    use crate::plan::{FORMAT_VERSION, Risk, Scope, Unknown};

    fn step(number: u32, action: Action, before: Option<&str>, after: Option<&str>) -> Step {
        let id = AccountId::parse(&"a".repeat(32)).unwrap();
        let side = |name: Option<&str>| match name {
            Some("parked") => Side::Value(parked_domain(&id).into()),
            Some(name) => Side::Value(name.into()),
            None => Side::Absent,
        };
        Step {
            id: StepId(number),
            changes: vec![Change {
                key: ChangeKey::Setting(KeyPath::from("domain")),
                before: side(before),
                after: side(after),
                cause: Cause::Git,
                origin: None,
            }],
            subject: Subject::Account {
                name: AccountName::new("acme"),
                id: id.clone(),
            },
            action,
            precondition: match number {
                0 => Precondition::Revision(Revision::new("1-a")),
                _ => Precondition::AsLeftBy(StepId(number - 1)),
            },
            risk: Risk::CustomerVisible,
            after: Vec::new(),
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

    fn done() -> StepResult {
        StepResult::Done { revision: None }
    }

    fn failed() -> StepResult {
        StepResult::Failed {
            reason: String::new(),
        }
    }

    fn unknown() -> StepResult {
        StepResult::Unknown {
            reason: String::new(),
        }
    }

    /// Returns the note of the last step, after the results of all of them.
    fn told(steps: Vec<Step>, results: &[StepResult]) -> String {
        let plan = plan(steps);
        let last = plan.steps.last().unwrap();
        let note = note(&plan, last, results.last().unwrap(), |id| {
            results.get(id.0 as usize)
        });
        note.unwrap_or_default().replace(&"a".repeat(32), "ID")
    }

    #[test]
    fn what_a_parked_domain_means_follows_from_the_results() {
        let release = |before: Option<&str>| {
            let parked = String::new();
            step(0, Action::Release { parked }, before, Some("parked"))
        };
        let update = || Action::Update {
            set: [(KeyPath::from("domain"), json!("new.example"))].into(),
            remove: Vec::new(),
        };
        let recreate = |number| {
            let mut step = step(
                number,
                Action::Recreate {
                    without: Vec::new(),
                },
                None,
                None,
            );
            step.changes.clear();
            step
        };
        let old = Some("old.example");
        let claim = |number, after| step(number, update(), Some("parked"), after);
        let pair = |after| vec![release(old), claim(1, after)];
        let new = Some("new.example");

        insta::assert_snapshot!(told(pair(new), &[done(), failed()]), @"nobody reaches this brand now: it gave up old.example, and does not have new.example yet; the next apply claims new.example");
        insta::assert_snapshot!(told(pair(new), &[done(), unknown()]), @"perhaps nobody reaches this brand now: it may not have new.example yet; the next apply looks, and claims new.example if it is not there");
        insta::assert_snapshot!(told(pair(None), &[done(), failed()]), @"its domain is the parked name parked-ID.invalid, where nobody reaches it; the next apply removes the name");
        insta::assert_snapshot!(told(pair(None), &[done(), unknown()]), @"its domain may be the parked name parked-ID.invalid, where nobody reaches it; the next apply looks, and removes the name");
        let skipped = || StepResult::Skipped { because: StepId(0) };
        insta::assert_snapshot!(told(pair(new), &[unknown(), skipped()]), @"perhaps nobody reaches this brand now: it may not have new.example yet; the next apply looks, and claims new.example if it is not there");
        // The whitelabel was to be deleted.
        let mut delete = step(1, Action::Delete, None, None);
        delete.changes.clear();
        let deletion = vec![release(old), delete];
        insta::assert_snapshot!(told(deletion.clone(), &[done(), failed()]), @"its domain is the parked name parked-ID.invalid, where nobody reaches it; the next apply with `--prune` deletes the whitelabel");
        insta::assert_snapshot!(told(deletion.clone(), &[done(), unknown()]), @"its domain may be the parked name parked-ID.invalid, where nobody reaches it; the next apply looks, and with `--prune` deletes the whitelabel");
        assert_eq!(told(deletion, &[failed(), skipped()]), "");
        // Nothing was released, or all was claimed.
        assert_eq!(told(pair(new), &[failed(), skipped()]), "");
        assert_eq!(told(pair(new), &[done(), done()]), "");
        // A step lies between the two.
        let three = vec![release(old), recreate(1), claim(2, new)];
        let left = told(three, &[done(), failed(), skipped()]);
        assert_eq!(left, told(pair(new), &[done(), failed()]));
        // An earlier run parked it.
        let halted = StepResult::NotBegun {
            halt: Halt::Freeze,
            reason: String::new(),
        };
        insta::assert_snapshot!(told(vec![claim(0, new)], &[halted]), @"nobody reaches this brand now: its domain is the parked name parked-ID.invalid; the next apply claims new.example");
        // Any other change of the domain parks nothing.
        let moved = step(0, update(), old, new);
        assert_eq!(told(vec![moved], &[failed()]), "");
    }
}
