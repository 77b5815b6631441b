//! Accounts, the template and zones as text: what is pending, refused or unknown.

use std::fmt;

use super::change::{self, Words};
use super::names;
use super::page::{Page, Piece, Tone, piece};
use super::visible;
use crate::diff::{Change, Kept};
use crate::plan::{Refusal, Risk};
use crate::report::block::{self, Block, Part};
use crate::report::card::{Alarm, Card};
use crate::report::{BaseReport, Command, ObjectReport, Report, Status};
use crate::report::{finding, row};

pub(super) fn write(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    match report.command {
        Command::Diff => write_declared(page, report)?,
        Command::Drift => {
            let found: Vec<ObjectReport> = report.objects().map(block::as_found).collect();
            let objects: Vec<&ObjectReport> = found.iter().collect();
            for block in block::blocks(&objects) {
                write_block(page, &block, Words::Drift)?;
            }
        }
        Command::Validate | Command::Plan | Command::Apply | Command::Dns => {
            let template: Vec<&ObjectReport> = report.template.iter().collect();
            let accounts: Vec<&ObjectReport> = report.accounts.iter().collect();
            let zones: Vec<&ObjectReport> = report.zones.iter().collect();
            for block in [&template, &accounts, &zones]
                .iter()
                .flat_map(|objects| block::blocks(objects))
            {
                write_block(page, &block, Words::Plan)?;
            }
            write_open(page, report)?;
        }
    }
    write_rest(page, report)
}

/// Writes what a tree declares differently for two clusters, of which none is live.
fn write_declared(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let differing = report.objects().filter(|it| !it.changes.is_empty());
    for object in differing {
        page.gap()?;
        page.wrapped(0, 4, &heading(object))?;
        change::write_all(page, 4, &object.changes, Words::Plan)?;
    }
    Ok(())
}

/// Writes the differences that no step fixes.
fn write_open(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    for object in report.objects() {
        let open: Vec<Change> = object.open().cloned().collect();
        if !open.is_empty() {
            page.gap()?;
            let mut heading = heading(object);
            heading.push(piece(Tone::Warning, "  differs, not planned"));
            page.wrapped(0, 4, &heading)?;
            change::write_all(page, 4, &open, Words::Plan)?;
        }
    }
    Ok(())
}

/// Writes refusals, unknown objects and notes.
fn write_rest(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    write_refusals(page, report)?;
    write_kept(page, report)?;
    write_unknown(page, report)?;
    write_notes(page, report)?;
    if page.options.verbose {
        write_in_sync(page, report)?;
    }
    Ok(())
}

pub(super) fn write_notes(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    // A base that is known, or that cannot exist outside a Git repository, is only reported on request.
    let is_said = |base: &&BaseReport| {
        page.options.verbose || !matches!(base.state, "known" | "not_a_git_repository")
    };
    let base = report.base.as_ref().filter(is_said);
    let notes: Vec<(&str, &String)> = base
        .iter()
        .map(|base| ("base", &base.message))
        .chain(report.notes.iter().map(|note| ("note", note)))
        .chain(report.objects().flat_map(|object| {
            let notes = object.notes.iter();
            notes.map(move |note| (object.title(), note))
        }))
        .collect();
    if !notes.is_empty() {
        page.gap()?;
    }
    for (subject, note) in notes {
        let line = [
            piece(Tone::Heading, visible(subject)),
            piece(Tone::Plain, format!(": {}", visible(note))),
        ];
        page.wrapped(0, 2, &line)?;
    }
    Ok(())
}

fn write_block(page: &mut Page<'_>, block: &Block<'_>, words: Words) -> fmt::Result {
    page.gap()?;
    match block.objects.as_slice() {
        [object] => page.wrapped(0, 4, &heading(object))?,
        objects => {
            let names: Vec<&str> = objects.iter().map(|object| object.title()).collect();
            names::write(page, &format!("on {} accounts", names.len()), &names)?;
        }
    }
    write_card(page, &block.card(words.tense(), &[]))?;
    for part in &block.steps {
        write_part(page, part, words)?;
    }
    Ok(())
}

/// Writes which brand it is and what changes, the alarming sentences in full.
fn write_card(page: &mut Page<'_>, card: &Card) -> fmt::Result {
    let mut line = Vec::new();
    if let Some(domain) = &card.domain {
        line.push(piece(Tone::Plain, format!("{} · {domain}: ", card.heading)));
    }
    line.push(piece(Tone::Plain, card.summary()));
    page.wrapped(2, 4, &line)?;
    let alarms = card.outcomes.iter();
    let alarms = alarms.filter(|outcome| outcome.alarm == Alarm::Raised);
    let alarms = alarms.map(|outcome| outcome.sentence.as_str());
    for alarm in alarms.chain(card.undo) {
        page.wrapped(2, 4, &[piece(Tone::Warning, format!("! {alarm}"))])?;
    }
    Ok(())
}

fn heading(object: &ObjectReport) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if object.zone.is_some() {
        pieces.push(piece(Tone::Plain, "zone "));
    }
    pieces.push(piece(Tone::Heading, visible(object.title())));
    if let Some(id) = &object.id {
        pieces.push(piece(Tone::Plain, "  "));
        pieces.push(piece(Tone::Faint, id.as_str()));
    }
    pieces
}

fn write_part(page: &mut Page<'_>, part: &Part<'_>, words: Words) -> fmt::Result {
    let mut head = Vec::new();
    if words == Words::Plan {
        let verb = match part.asset {
            Some(asset) => format!("{} {asset}", part.verb.as_str()),
            None => part.verb.as_str().to_owned(),
        };
        head.push(piece(Tone::Plain, verb));
        head.push(piece(Tone::Faint, ", "));
        head.push(risk(part.risk));
        page.wrapped(2, 6, &head)?;
    }
    let indent = if words == Words::Plan { 4 } else { 2 };
    change::write_all(page, indent, &part.changes, words)?;
    if words == Words::Plan {
        for name in &part.waits_for {
            let text = format!("after {}", visible(name));
            page.wrapped(indent + 2, indent + 4, &[piece(Tone::Faint, text)])?;
        }
        for note in &part.notes {
            let text = format!("note: {}", visible(note));
            page.wrapped(indent + 2, indent + 4, &[piece(Tone::Plain, text)])?;
        }
    }
    Ok(())
}

fn risk(risk: Risk) -> Piece {
    match risk {
        Risk::Reversible => piece(Tone::Faint, "reversible"),
        Risk::CustomerVisible => piece(Tone::Warning, "customer-visible"),
        Risk::Destructive => piece(Tone::Failure, "DESTRUCTIVE"),
        Risk::Executes => piece(Tone::Failure, "RUNS CODE"),
    }
}

fn write_refusals(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let refusals: Vec<(Option<&ObjectReport>, &Refusal)> = report
        .refusals
        .iter()
        .map(|refusal| (None, refusal))
        .chain(report.objects().flat_map(|object| {
            let refusals = object.refusals.iter();
            refusals.map(move |refusal| (Some(object), refusal))
        }))
        .collect();
    if refusals.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.line(0, &[piece(Tone::Failure, "refused")])?;
    for (object, refusal) in refusals {
        let title = object.map_or("the whole run", ObjectReport::title);
        let line = [
            piece(Tone::Heading, visible(title)),
            piece(Tone::Plain, format!(": {}", visible(&refusal.message))),
        ];
        page.wrapped(2, 6, &line)?;
        let help = format!("help: {}", visible(&refusal.help));
        page.wrapped(4, 6, &[piece(Tone::Good, help)])?;
    }
    Ok(())
}

fn write_kept(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let kept: Vec<(&ObjectReport, &Kept)> = report.kept().collect();
    if kept.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.line(0, &[piece(Tone::Heading, "kept as it is")])?;
    for (object, kept) in kept {
        for row in row::rows(std::slice::from_ref(&kept.change)) {
            let line = [
                piece(Tone::Heading, visible(object.title())),
                piece(Tone::Plain, ": "),
                piece(
                    Tone::Plain,
                    finding::kept(&row, kept.reason, report.command),
                ),
            ];
            page.wrapped(2, 6, &line)?;
        }
    }
    Ok(())
}

fn write_unknown(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let unknown: Vec<&ObjectReport> = report
        .objects()
        .filter(|object| !object.unknown.is_empty())
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.line(0, &[piece(Tone::Warning, "could not be checked")])?;
    for object in unknown {
        for reason in &object.unknown {
            let line = [
                piece(Tone::Heading, visible(object.title())),
                piece(Tone::Plain, format!(": {}", visible(reason))),
            ];
            page.wrapped(2, 6, &line)?;
        }
    }
    Ok(())
}

fn write_in_sync(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let names: Vec<&str> = report
        .objects()
        .filter(|object| object.status == Status::InSync)
        .map(ObjectReport::title)
        .collect();
    if !names.is_empty() {
        page.gap()?;
        names::write(page, "in sync", &names)?;
    }
    Ok(())
}
