//! What became of each step.

use std::collections::BTreeMap;
use std::fmt;

use super::page::{Page, Piece, Tone, piece};
use super::visible;
use crate::apply::StepResult;
use crate::model::AssetKind;
use crate::plan::StepId;
use crate::report::{ObjectReport, Report, StepReport, Verb};

/// Up to how many steps that are done are listed one by one.
const SHOWN_DONE: usize = 40;

pub(super) fn write(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let steps: BTreeMap<StepId, (&ObjectReport, &StepReport)> = report
        .objects()
        .flat_map(|object| object.steps.iter().map(move |step| (object, step)))
        .map(|(object, step)| (step.id, (object, step)))
        .collect();
    if steps.is_empty() {
        return Ok(());
    }
    page.gap()?;
    let done = |step: &StepReport| matches!(step.result, Some(StepResult::Done { .. }));
    let folded =
        !page.options.verbose && steps.values().filter(|(_, step)| done(step)).count() > SHOWN_DONE;
    if folded {
        write_folded(
            page,
            steps
                .values()
                .map(|(_, step)| *step)
                .filter(|step| done(step)),
        )?;
    }
    for (object, step) in steps.values().filter(|(_, step)| !(folded && done(step))) {
        let line = line(object, step, &steps);
        page.wrapped(0, 8, &line)?;
        if page.options.verbose || !matches!(step.result, Some(StepResult::Done { .. })) {
            for note in &step.notes {
                page.wrapped(
                    8,
                    8,
                    &[piece(Tone::Plain, format!("note: {}", visible(note)))],
                )?;
            }
        }
    }
    Ok(())
}

/// Writes how many steps of each kind are done.
fn write_folded<'a>(
    page: &mut Page<'_>,
    steps: impl Iterator<Item = &'a StepReport>,
) -> fmt::Result {
    let mut kinds: BTreeMap<(Verb, Option<AssetKind>), usize> = BTreeMap::new();
    for step in steps {
        *kinds.entry((step.verb, step.asset)).or_default() += 1;
    }
    for ((verb, asset), number) in kinds {
        let line = [
            piece(Tone::Good, "done"),
            piece(Tone::Plain, format!("    {number} × {}", kind(verb, asset))),
        ];
        page.line(0, &line)?;
    }
    Ok(())
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
    kind(step.verb, step.asset)
}

fn kind(verb: Verb, asset: Option<AssetKind>) -> String {
    match asset {
        Some(asset) => format!("{} {asset}", verb.as_str()),
        None => verb.as_str().to_owned(),
    }
}
