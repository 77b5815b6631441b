//! The result of each step as text.

use std::collections::BTreeMap;
use std::fmt;

use super::page::{Page, Piece, Tone, piece};
use super::visible;
use crate::apply::StepStanding;
use crate::model::{AssetKind, count};
use crate::report::ending::{Ending, Endings};
use crate::report::{ObjectReport, Report, StepReport, Verb};

/// The maximum number of completed steps that are listed one by one.
const SHOWN_DONE: usize = 40;

/// The width of the column with the step's standing, including the space after it.
const WORD: usize = 11;

pub(super) fn write(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let endings = Endings::of(report);
    if endings.steps().next().is_none() {
        return Ok(());
    }
    page.gap()?;
    let done = |step: &StepReport| step.standing() == Some(StepStanding::Done);
    let number = endings.steps().filter(|(_, step)| done(step)).count();
    let folded = !page.options.verbose && number > SHOWN_DONE;
    if folded {
        let steps = endings.steps().map(|(_, step)| step);
        write_folded(page, steps.filter(|step| done(step)))?;
    }
    let left = if page.options.verbose {
        Vec::new()
    } else {
        endings.left()
    };
    for (object, step) in endings.steps().filter(|(_, step)| !(folded && done(step))) {
        // Steps that were not started because the run ended early are reported once.
        let together = left.iter().find(|ending| {
            ending.steps.len() > 1 && ending.steps.iter().any(|(_, other)| other.id == step.id)
        });
        if let Some(ending) = together {
            if ending
                .steps
                .first()
                .is_some_and(|(_, first)| first.id == step.id)
            {
                page.wrapped(0, WORD, &line_together(ending))?;
            }
            continue;
        }
        page.wrapped(
            0,
            WORD,
            &line(object, step, endings.reason(step).as_deref()),
        )?;
        if page.options.verbose || !done(step) {
            for note in &step.notes {
                let note = piece(Tone::Plain, format!("note: {}", visible(note)));
                page.wrapped(WORD, WORD, &[note])?;
            }
        }
    }
    Ok(())
}

/// Writes the number of completed steps of each kind.
fn write_folded<'a>(
    page: &mut Page<'_>,
    steps: impl Iterator<Item = &'a StepReport>,
) -> fmt::Result {
    let mut kinds: BTreeMap<(Verb, Option<AssetKind>), usize> = BTreeMap::new();
    for step in steps {
        *kinds.entry((step.verb, step.asset)).or_default() += 1;
    }
    for ((verb, asset), number) in kinds {
        let mut line = word(Some(StepStanding::Done));
        line.push(piece(Tone::Plain, format!("{number} × {}", verb.of(asset))));
        page.line(0, &line)?;
    }
    Ok(())
}

/// Returns the column with a step's standing.
fn word(standing: Option<StepStanding>) -> Vec<Piece> {
    let tone = match standing {
        None => Tone::Faint,
        Some(StepStanding::Done) => Tone::Good,
        Some(StepStanding::Failed | StepStanding::Unknown) => Tone::Failure,
        Some(StepStanding::NotBegun) => Tone::Warning,
    };
    let word = standing.map_or("pending", StepStanding::word);
    let is_loud = matches!(standing, Some(StepStanding::Failed | StepStanding::Unknown));
    let word = if is_loud {
        word.to_uppercase()
    } else {
        word.to_owned()
    };
    let space = " ".repeat(WORD.saturating_sub(word.len()));
    vec![piece(tone, word), piece(Tone::Plain, space)]
}

fn line(object: &ObjectReport, step: &StepReport, reason: Option<&str>) -> Vec<Piece> {
    let mut pieces = word(step.standing());
    pieces.push(piece(Tone::Heading, visible(object.title())));
    pieces.push(piece(Tone::Plain, format!(" {}", step.what())));
    if let Some(reason) = reason {
        pieces.push(piece(Tone::Plain, format!(": {}", visible(reason))));
    }
    pieces
}

fn line_together(ending: &Ending<'_>) -> Vec<Piece> {
    let mut pieces = word(Some(ending.standing));
    let objects = count(ending.objects().len(), "object");
    let text = format!(
        "{} on {objects}: {}",
        ending.what(),
        visible(&ending.reason)
    );
    pieces.push(piece(Tone::Plain, text));
    pieces
}
