//! A step that has ended, as a line for a log. Pure.

use crate::apply::{StepOutcome, StepResult};
use crate::plan::{Action, Step};
use crate::report::Verb;
use crate::report::text::visible;

/// Returns the line; `number` is the place of the step among those that have ended.
pub(crate) fn ended(step: &Step, outcome: &StepOutcome, (number, total): (usize, usize)) -> String {
    let asset = match step.action {
        Action::Upload { asset, .. } => Some(asset),
        Action::Create { .. }
        | Action::Update { .. }
        | Action::Release { .. }
        | Action::Recreate { .. }
        | Action::Delete
        | Action::ReplaceTemplate { .. }
        | Action::Records { .. } => None,
    };
    let word = outcome.result.standing().word();
    let title = visible(step.subject.title());
    let what = Verb::from(&step.action).of(asset);
    let line = format!("{number} of {total}: {title} {what}: {word}");
    match &outcome.result {
        StepResult::Done { .. } => line,
        StepResult::Skipped { .. } => format!("{line}: a step before it did not succeed"),
        StepResult::Moved { reason }
        | StepResult::Failed { reason }
        | StepResult::Unknown { reason }
        | StepResult::NotBegun { reason, .. } => format!("{line}: {}", visible(reason)),
    }
}
