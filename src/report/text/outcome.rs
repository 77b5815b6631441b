//! What became of each step.

use std::collections::BTreeMap;

use super::page::{Page, Piece, Tone, piece};
use super::visible;
use crate::apply::StepResult;
use crate::plan::StepId;
use crate::report::{ObjectReport, Report, StepReport};

pub(super) fn write(page: &mut Page, report: &Report) {
    let steps: BTreeMap<StepId, (&ObjectReport, &StepReport)> = report
        .objects()
        .flat_map(|object| object.steps.iter().map(move |step| (object, step)))
        .map(|(object, step)| (step.id, (object, step)))
        .collect();
    if steps.is_empty() {
        return;
    }
    page.gap();
    for (object, step) in steps.values() {
        let line = line(object, step, &steps);
        page.wrapped(0, 8, &line);
        if page.options.verbose || !matches!(step.result, Some(StepResult::Done { .. })) {
            for note in &step.notes {
                page.wrapped(
                    8,
                    8,
                    &[piece(Tone::Plain, format!("note: {}", visible(note)))],
                );
            }
        }
    }
}

fn line(
    object: &ObjectReport,
    step: &StepReport,
    steps: &BTreeMap<StepId, (&ObjectReport, &StepReport)>,
) -> Vec<Piece> {
    let (tone, word, reason) = match &step.result {
        None => (Tone::Faint, "pending", None),
        Some(StepResult::Done { .. }) => (Tone::Good, "done", None),
        Some(StepResult::Moved { reason }) => {
            (Tone::Warning, "moved", Some(visible(reason).into_owned()))
        }
        Some(StepResult::Failed { reason }) => {
            (Tone::Failure, "FAILED", Some(visible(reason).into_owned()))
        }
        Some(StepResult::Unknown { reason }) => {
            (Tone::Failure, "UNKNOWN", Some(visible(reason).into_owned()))
        }
        Some(StepResult::Skipped { because }) => {
            let before = steps.get(because).map_or_else(
                || format!("step {}", because.0 + 1),
                |(object, step)| format!("{} {}", visible(object.title()), what(step)),
            );
            (
                Tone::Warning,
                "skipped",
                Some(format!("{before} did not succeed")),
            )
        }
    };
    let mut pieces = vec![
        piece(tone, word),
        piece(Tone::Plain, " ".repeat(8_usize.saturating_sub(word.len()))),
        piece(Tone::Heading, visible(object.title())),
        piece(Tone::Plain, format!(" {}", what(step))),
    ];
    if let Some(reason) = reason {
        pieces.push(piece(Tone::Plain, format!(": {reason}")));
    }
    pieces
}

fn what(step: &StepReport) -> String {
    match step.asset {
        Some(asset) => format!("{} {asset}", step.verb.as_str()),
        None => step.verb.as_str().to_owned(),
    }
}
