//! Steps that were not done, grouped by reason, for all formats that report them.

use std::collections::{BTreeMap, BTreeSet};

use super::{ObjectReport, Report, StepReport};
use crate::apply::{StepResult, StepStanding};
use crate::plan::StepId;

/// The steps of a report, by id.
pub(super) struct Endings<'a> {
    steps: BTreeMap<StepId, (&'a ObjectReport, &'a StepReport)>,
}

/// The steps that were not done for one reason.
pub(super) struct Ending<'a> {
    pub(super) standing: StepStanding,
    /// The reason, and what to do. Not escaped: it may contain any character.
    pub(super) reason: String,
    /// The steps, in plan order; more than one only when the run ended early.
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

    /// Iterates over all steps, in plan order.
    pub(super) fn steps(&self) -> impl Iterator<Item = (&'a ObjectReport, &'a StepReport)> {
        self.steps.values().copied()
    }

    /// Returns why a step was not done, or `None` when it was done or not attempted. The text is not escaped.
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

    /// Returns the steps that were not done. Those not begun because the run ended early form one group, except for a
    /// step whose result has a note.
    pub(super) fn left(&self) -> Vec<Ending<'a>> {
        let mut left: Vec<Ending<'a>> = Vec::new();
        let mut halted: BTreeMap<String, usize> = BTreeMap::new();
        for (object, step) in self.steps() {
            let Some((result, reason)) = step.result.as_ref().zip(self.reason(step)) else {
                continue;
            };
            let is_one_of_many = result.halt().is_some() && step.result_notes.is_empty();
            let place = halted.get(&reason).filter(|_| is_one_of_many);
            if let Some(ending) = place.and_then(|place| left.get_mut(*place)) {
                ending.steps.push((object, step));
                continue;
            }
            if is_one_of_many {
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
    /// Returns the reason with the notes on the results.
    pub(super) fn noted_reason(&self) -> String {
        let steps = self.steps.iter();
        noted(&self.reason, steps.map(|(_, step)| *step))
    }

    /// Describes the kinds of steps in this group: `update`, or `8 × update, 6 × upload logo`.
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

    /// Returns the objects of these steps, each once, in plan order.
    pub(super) fn objects(&self) -> Vec<&'a ObjectReport> {
        let mut seen = BTreeSet::new();
        let objects = self.steps.iter().map(|(object, _)| *object);
        objects
            .filter(|object| seen.insert(object.title()))
            .collect()
    }
}

/// Adds the notes on the results of steps to a reason, for formats that show no notes elsewhere. Not escaped.
pub(super) fn noted<'a>(reason: &str, steps: impl IntoIterator<Item = &'a StepReport>) -> String {
    let notes = steps.into_iter().flat_map(|step| &step.result_notes);
    notes.fold(reason.to_owned(), |text, note| format!("{text}; {note}"))
}
