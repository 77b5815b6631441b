//! The last line of a report: the summary.

use std::fmt;

use super::page::{Page, Piece, Tone, piece};
use super::visible;
use crate::apply::StepStanding;
use crate::model::{count, count_of};
use crate::report::model::kinds;
use crate::report::{Command, Report, Summary};

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
        Command::Diff => declared(report, &summary),
        Command::Apply => apply(report, &summary),
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

fn validate(report: &Report, summary: &Summary) -> Vec<Piece> {
    if summary.errors > 0 {
        return tree_errors(summary);
    }
    let mut text = format!(
        "The tree is valid: {}",
        count(summary.accounts.total, "account")
    );
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
        let accounts = summary.accounts;
        let objects = kinds(
            (accounts.changing > 0).then(|| count_of(accounts.changing, accounts.total, "account")),
            summary.template.changing > 0,
            summary.zones.changing,
        );
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

/// Tells how two clusters of one tree differ.
fn declared(report: &Report, summary: &Summary) -> Vec<Piece> {
    let cluster = (report.cluster.as_ref()).map_or_else(String::new, |name| {
        format!(" for {}", visible(name.as_str()))
    });
    if summary.differing == 0 {
        return vec![piece(
            Tone::Good,
            format!("The tree declares the same{cluster}"),
        )];
    }
    let accounts = summary.accounts.differing;
    let differing = kinds(
        (accounts > 0).then(|| count_of(accounts, summary.accounts.total, "account")),
        summary.template.differing > 0,
        summary.zones.differing,
    );
    vec![piece(
        Tone::Changed,
        format!("The tree declares {differing} differently{cluster}"),
    )]
}

fn drift(report: &Report, summary: &Summary) -> Vec<Piece> {
    let mut line = if summary.differing > 0 {
        let cluster = report.cluster.as_ref().map_or_else(String::new, |name| {
            format!(" on {}", visible(name.as_str()))
        });
        let accounts = summary.accounts.differing;
        let differing = kinds(
            (accounts > 0).then(|| count(accounts, "account")),
            summary.template.differing > 0,
            summary.zones.differing,
        );
        vec![piece(
            Tone::Changed,
            format!("Drift: {differing}{cluster} not matching the tree"),
        )]
    } else if summary.unknown > 0 {
        vec![piece(Tone::Plain, "Drift: none found")]
    } else {
        vec![piece(Tone::Good, "Drift: none")]
    };
    rest(&mut line, summary, "in sync");
    line
}

fn apply(report: &Report, summary: &Summary) -> Vec<Piece> {
    let done = if report.restored {
        "Restored"
    } else {
        "Applied"
    };
    let mut line = if summary.steps == 0 {
        vec![piece(Tone::Good, format!("{done}: nothing to do"))]
    } else {
        let tone = if summary.count.done == summary.steps {
            Tone::Good
        } else {
            Tone::Failure
        };
        let text = format!(
            "{done}: {} of {}",
            summary.count.done,
            count(summary.steps, "step")
        );
        vec![piece(tone, text)]
    };
    for (standing, number) in summary.count.left() {
        let tone = match standing {
            StepStanding::Failed | StepStanding::Unknown => Tone::Failure,
            StepStanding::Done | StepStanding::NotBegun => Tone::Warning,
        };
        line.push(piece(tone, format!("; {number} {}", standing.word())));
    }
    rest(&mut line, summary, "in sync before");
    line
}

/// Appends the state of the remaining objects: counts are of accounts, so that they add up; the template and zones are
/// mentioned separately.
fn rest(line: &mut Vec<Piece>, summary: &Summary, in_sync: &str) {
    let Summary {
        accounts,
        template,
        zones,
        ..
    } = *summary;
    let mut add = |is_said: bool, tone: Tone, text: String| {
        if is_said {
            line.push(piece(tone, format!("; {text}")));
        }
    };
    add(
        accounts.in_sync > 0,
        Tone::Plain,
        format!("{} {in_sync}", accounts.in_sync),
    );
    add(
        accounts.total == 0 && template.in_sync > 0,
        Tone::Plain,
        format!("the domain template {in_sync}"),
    );
    add(
        accounts.kept > 0,
        Tone::Plain,
        format!("{} {in_sync} but for what is kept", accounts.kept),
    );
    add(
        summary.kept > 0,
        Tone::Plain,
        format!("{} kept", count(summary.kept, "difference")),
    );
    add(
        summary.refused > 0,
        Tone::Failure,
        format!("{} refused", summary.refused),
    );
    add(
        accounts.unknown > 0,
        Tone::Warning,
        format!("{} not checked", accounts.unknown),
    );
    add(
        accounts.partly_unknown > 0,
        Tone::Warning,
        format!(
            "{} of those that differ only partly checked",
            accounts.partly_unknown
        ),
    );
    let unknown_zones = zones.unknown + zones.partly_unknown;
    let others = kinds(
        None,
        template.unknown + template.partly_unknown > 0,
        unknown_zones,
    );
    add(
        template.unknown + template.partly_unknown + unknown_zones > 0,
        Tone::Warning,
        format!("{others} not checked"),
    );
}
