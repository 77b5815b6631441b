//! The last line.

use std::fmt;

use super::page::{Page, Piece, Tone, piece};
use super::visible;
use crate::report::{Command, ObjectReport, Report, Summary};

pub(super) fn write(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let summary = report.summary();
    page.gap()?;
    if let Some(requests) = report.requests.filter(|_| page.options.verbose) {
        let text = format!(
            "Requests: {} reading, {} writing",
            requests.reading, requests.writing
        );
        page.wrapped(0, 2, &[piece(Tone::Faint, text)])?;
    }
    let line = match report.command {
        Command::Validate => validate(report, &summary),
        _ if summary.errors > 0 => tree_errors(&summary),
        Command::Plan => plan(report, &summary),
        Command::Drift => drift(report, &summary),
        Command::Apply => apply(&summary),
        Command::Dns => Vec::new(),
    };
    if !line.is_empty() {
        page.wrapped(0, 2, &line)?;
    }
    if let Some(dns) = &report.dns {
        page.wrapped(0, 2, &super::dns::summary(dns))?;
    }
    Ok(())
}

/// Writes a number with its noun: `1 account`, `2 accounts`.
pub(in crate::report) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn validate(report: &Report, summary: &Summary) -> Vec<Piece> {
    if summary.errors > 0 {
        return tree_errors(summary);
    }
    let mut text = format!("The tree is valid: {}", count(summary.accounts, "account"));
    if report.template.is_some() {
        text.push_str(" and the domain template");
    }
    let mut line = vec![piece(Tone::Good, text)];
    if summary.warnings > 0 {
        let warnings = format!("; {}", count(summary.warnings, "warning"));
        line.push(piece(Tone::Warning, warnings));
    }
    line
}

fn tree_errors(summary: &Summary) -> Vec<Piece> {
    let mut text = format!("The tree has {}", count(summary.errors, "error"));
    if summary.warnings > 0 {
        text.push_str(" and ");
        text.push_str(&count(summary.warnings, "warning"));
    }
    let explain = " (`emblazon explain CODE` tells more)";
    vec![piece(Tone::Failure, text), piece(Tone::Plain, explain)]
}

fn plan(report: &Report, summary: &Summary) -> Vec<Piece> {
    let title = if report.recorded {
        "Recorded plan (the live platform was not read)"
    } else {
        "Plan"
    };
    let mut line = if summary.steps > 0 {
        let steps = count(summary.steps, "step");
        let objects = objects(report);
        vec![piece(
            Tone::Changed,
            format!("{title}: {steps} on {objects}"),
        )]
    } else if summary.refused + summary.unknown == 0 {
        vec![piece(Tone::Good, format!("{title}: nothing to do"))]
    } else {
        vec![piece(
            Tone::Plain,
            format!("{title}: nothing that can be done"),
        )]
    };
    rest(&mut line, summary, "in sync");
    if let Some(digest) = report.plan.as_ref().filter(|_| summary.steps > 0) {
        let text = format!("; digest {}", digest.short());
        line.push(piece(Tone::Faint, text));
    }
    line
}

fn objects(report: &Report) -> String {
    let changing = |objects: &[ObjectReport]| {
        let changing = objects.iter().filter(|object| !object.steps.is_empty());
        changing.count()
    };
    let mut parts = Vec::new();
    match changing(&report.accounts) {
        0 => {}
        accounts => parts.push(format!(
            "{accounts} of {}",
            count(report.accounts.len(), "account")
        )),
    }
    if report
        .template
        .iter()
        .any(|template| !template.steps.is_empty())
    {
        parts.push("the domain template".to_owned());
    }
    match changing(&report.zones) {
        0 => {}
        zones => parts.push(count(zones, "zone")),
    }
    match parts.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn drift(report: &Report, summary: &Summary) -> Vec<Piece> {
    let mut line = if summary.differing > 0 {
        let cluster = report.cluster.as_ref().map_or_else(String::new, |name| {
            format!(" on {}", visible(name.as_str()))
        });
        let differing = count(summary.differing, "object");
        vec![piece(
            Tone::Changed,
            format!("Drift: {differing}{cluster} not as the tree says"),
        )]
    } else if summary.unknown > 0 {
        vec![piece(Tone::Plain, "Drift: none found")]
    } else {
        vec![piece(Tone::Good, "Drift: none")]
    };
    rest(&mut line, summary, "in sync");
    line
}

fn apply(summary: &Summary) -> Vec<Piece> {
    let mut line = if summary.steps == 0 {
        vec![piece(Tone::Good, "Applied: nothing to do")]
    } else {
        let tone = if summary.done == summary.steps {
            Tone::Good
        } else {
            Tone::Failure
        };
        let text = format!(
            "Applied: {} of {}",
            summary.done,
            count(summary.steps, "step")
        );
        vec![piece(tone, text)]
    };
    for (number, word, tone) in [
        (summary.failed, "failed", Tone::Failure),
        (summary.uncertain, "with unknown outcome", Tone::Failure),
        (summary.moved, "moved since the plan", Tone::Warning),
        (summary.skipped, "skipped", Tone::Warning),
    ] {
        if number > 0 {
            line.push(piece(tone, format!("; {number} {word}")));
        }
    }
    rest(&mut line, summary, "in sync before");
    line
}

fn rest(line: &mut Vec<Piece>, summary: &Summary, in_sync: &str) {
    for (number, word, tone) in [
        (summary.in_sync, in_sync, Tone::Plain),
        (summary.refused, "refused", Tone::Failure),
        (summary.unknown, "not checked", Tone::Warning),
    ] {
        if number > 0 {
            line.push(piece(tone, format!("; {number} {word}")));
        }
    }
}
