//! The parts of a plan that people decide about one by one. Pure.

use std::collections::BTreeMap;

use serde_json::json;

use super::selection::{needs, renumbered};
use super::status::Part;
use crate::model::{Digest, ObjectName, canonical_json};
use crate::plan::{Plan, Step, StepId};

/// Splits a plan by the objects that its steps are for.
pub(super) fn parts(plan: &Plan) -> BTreeMap<ObjectName, Part> {
    let mut steps: BTreeMap<ObjectName, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        for name in step.objects() {
            steps.entry(name).or_default().push(step);
        }
    }
    let parts = steps.into_iter();
    parts
        .map(|(name, steps)| {
            let part = part(plan, &name, &steps);
            (name, part)
        })
        .collect()
}

/// Describes the steps for an object. Their numbers in the whole plan do not count, so that the digest changes only when
/// the steps do.
fn part(plan: &Plan, name: &ObjectName, steps: &[&Step]) -> Part {
    let numbers: BTreeMap<StepId, StepId> = (steps.iter())
        .zip(0..)
        .map(|(step, number)| (step.id, StepId(number)))
        .collect();
    let is_alone = steps
        .iter()
        .all(|step| step.objects().len() == 1 && needs(step).all(|id| numbers.contains_key(&id)));
    let own: Vec<Step> = steps
        .iter()
        .map(|step| renumbered(step, &numbers))
        .collect();
    let value = json!({"cluster": plan.cluster, "object": name, "steps": own});
    Part {
        plan: Digest::of(canonical_json(&value).as_bytes()),
        steps: own.len(),
        is_alone,
    }
}
