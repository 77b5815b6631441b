//! Findings for steps that were not done.

use super::item::{Finding, about, subjects};
use super::{Kind, Spot};
use crate::apply::StepResult;
use crate::report::ending::{Ending, Endings};
use crate::report::escape::visible;
use crate::report::{Report, StepReport};

pub(super) fn findings(report: &Report) -> Vec<Finding> {
    let left = Endings::of(report).left();
    left.iter()
        .filter_map(|ending| finding(report, ending))
        .collect()
}

fn finding(report: &Report, ending: &Ending<'_>) -> Option<Finding> {
    let (object, step) = ending.steps.first()?;
    let kind = kind(step)?;
    let what = ending.what();
    let reason = ending.noted_reason();
    let reason = visible(&reason);
    let mut finding = about(report, object, kind, &format!("{what}: {reason}"));
    let origin = (step.changes.iter()).find_map(|change| change.origin.as_ref());
    finding.spot = origin.map(Spot::of_origin).or(finding.spot);
    finding.identity = format!("{}\n{what}", finding.identity);
    let objects = ending.objects();
    if objects.len() > 1 {
        // The end of the run has no place in the tree.
        finding.spot = None;
        finding.message = format!("{}: {what}: {reason}", subjects(&objects));
        finding.subjects = (objects.iter())
            .map(|object| visible(object.title()).into_owned())
            .collect();
        finding.identity = format!("{}\n{reason}", kind.id());
    }
    Some(finding)
}

fn kind(step: &StepReport) -> Option<Kind> {
    match step.result.as_ref()? {
        StepResult::Done { .. } => None,
        StepResult::Moved { .. } => Some(Kind::StepMoved),
        StepResult::Failed { .. } => Some(Kind::StepFailed),
        StepResult::Unknown { .. } => Some(Kind::StepUncertain),
        StepResult::Skipped { .. } => Some(Kind::StepSkipped),
        StepResult::NotBegun { .. } => Some(Kind::StepNotBegun),
    }
}
