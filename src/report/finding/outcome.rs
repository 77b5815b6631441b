//! Steps that did not succeed.

use super::{Finding, Kind, about};
use crate::apply::StepResult;
use crate::report::escape::visible;
use crate::report::{ObjectReport, Report};

pub(super) fn findings(report: &Report, object: &ObjectReport) -> Vec<Finding> {
    let mut found = Vec::new();
    for step in &object.steps {
        let verb = step.verb.as_str();
        let what = step
            .asset
            .map_or_else(|| verb.to_owned(), |asset| format!("{verb} {asset}"));
        let (kind, reason) = match &step.result {
            None | Some(StepResult::Done { .. }) => continue,
            Some(StepResult::Moved { reason }) => (Kind::StepMoved, visible(reason).into_owned()),
            Some(StepResult::Failed { reason }) => (Kind::StepFailed, visible(reason).into_owned()),
            Some(StepResult::Unknown { reason }) => {
                (Kind::StepUncertain, visible(reason).into_owned())
            }
            Some(StepResult::Skipped { because }) => (
                Kind::StepSkipped,
                format!("step {} did not succeed", because.0 + 1),
            ),
        };
        let origin = step
            .changes
            .iter()
            .find_map(|change| change.origin.as_ref());
        let mut finding = about(report, object, kind, &format!("{what}: {reason}"));
        finding.spot = origin.map(super::Spot::of_origin).or(finding.spot);
        finding.identity = format!("{}\n{what}", finding.identity);
        found.push(finding);
    }
    found
}
