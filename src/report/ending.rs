//! What became of the steps that are not done, and why, for every format that tells of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{ObjectReport, Report, StepReport};
use crate::apply::{StepResult, StepStanding};
use crate::plan::StepId;

/// The steps of a report, by their numbers.
pub(super) struct Endings<'a> {
    steps: BTreeMap<StepId, (&'a ObjectReport, &'a StepReport)>,
}

/// Steps that are not done for one reason.
pub(super) struct Ending<'a> {
    pub(super) standing: StepStanding,
    /// Why, and what to do. It may hold any character.
    pub(super) reason: String,
    /// In the order of the plan; only the end of the run leaves more than one.
    pub(super) steps: Vec<(&'a ObjectReport, &'a StepReport)>,
}

impl<'a> Endings<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let objects = report.objects();
        let steps = objects.flat_map(|object| object.steps.iter().map(move |step| (object, step)));
        Self {
            steps: steps
                .map(|(object, step)| (step.id, (object, step)))
                .collect(),
        }
    }

    /// Iterates over all steps, in the order of the plan.
    pub(super) fn steps(&self) -> impl Iterator<Item = (&'a ObjectReport, &'a StepReport)> {
        self.steps.values().copied()
    }

    /// Says why a step is not done; `None` when it is, or when nothing was tried. The text may hold any character.
    pub(super) fn reason(&self, step: &StepReport) -> Option<String> {
        match step.result.as_ref()? {
            StepResult::Done { .. } => None,
            StepResult::Moved { reason }
            | StepResult::Failed { reason }
            | StepResult::Unknown { reason }
            | StepResult::NotBegun { reason, .. } => Some(reason.clone()),
            StepResult::Skipped { because } => {
                let before = self.steps.get(because).map_or_else(
                    || format!("step {}", because.0 + 1),
                    |(object, step)| format!("{} {}", object.title(), step.what()),
                );
                Some(format!("{before} did not succeed"))
            }
        }
    }

    /// Lists the steps that are not done; those that the end of the run kept from being begun come together.
    pub(super) fn left(&self) -> Vec<Ending<'a>> {
        let mut left: Vec<Ending<'a>> = Vec::new();
        let mut halted: BTreeMap<String, usize> = BTreeMap::new();
        for (object, step) in self.steps() {
            let Some((result, reason)) = step.result.as_ref().zip(self.reason(step)) else {
                continue;
            };
            let place = result.halt().and_then(|_| halted.get(&reason));
            if let Some(ending) = place.and_then(|place| left.get_mut(*place)) {
                ending.steps.push((object, step));
                continue;
            }
            if result.halt().is_some() {
                halted.insert(reason.clone(), left.len());
            }
            left.push(Ending {
                standing: result.standing(),
                reason,
                steps: vec![(object, step)],
            });
        }
        left
    }
}

impl<'a> Ending<'a> {
    /// Names the kinds of steps that it is about: `update`, or `8 × update, 6 × upload logo`.
    pub(super) fn what(&self) -> String {
        if let [(_, step)] = self.steps.as_slice() {
            return step.what();
        }
        let mut kinds: BTreeMap<_, usize> = BTreeMap::new();
        for (_, step) in &self.steps {
            *kinds.entry((step.verb, step.asset)).or_default() += 1;
        }
        let kinds = kinds.into_iter();
        let kinds: Vec<String> = kinds
            .map(|((verb, asset), number)| format!("{number} × {}", verb.of(asset)))
            .collect();
        kinds.join(", ")
    }

    /// Lists the objects that it is about, each once, in the order of the plan.
    pub(super) fn objects(&self) -> Vec<&'a ObjectReport> {
        let mut seen = BTreeSet::new();
        let objects = self.steps.iter().map(|(object, _)| *object);
        objects
            .filter(|object| seen.insert(object.title()))
            .collect()
    }
}
