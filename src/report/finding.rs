//! The report as a flat list of findings, for formats that annotate lines.

mod dns;
mod item;
mod kind;
mod outcome;
mod probe;
mod spot;

use std::collections::BTreeMap;

pub use dns::lines as dns_lines;
pub(super) use dns::notes as dns_notes;
pub(super) use item::{Finding, Remedy};
use item::{about, bare, subjects};
pub(super) use kind::{Kind, Level, Rule};
pub use probe::lines as probe_lines;
pub(super) use probe::of_probe;
pub(super) use spot::Spot;

use super::row::{self, Row};
use super::{Command, ObjectReport, Problem, Report};
use crate::diag::Severity;
use crate::diff::{Change, KeptReason, Side};
use crate::plan::Refusal;
use crate::report::escape::visible;
use crate::tree::Origin;

/// How many characters of one value a message shows.
const SHOWN_VALUE: usize = 200;

/// Lists all findings: mistakes, refusals, failed checks, failed steps, differences, DNS. The same difference from the
/// same place on many accounts is one finding.
pub(super) fn findings(report: &Report) -> Vec<Finding> {
    let mut found: Vec<Finding> = report.problems.iter().map(problem).collect();
    found.extend(
        report
            .refusals
            .iter()
            .map(|refused| refusal(report, None, refused)),
    );
    for object in report.objects() {
        let refusals = object.refusals.iter();
        found.extend(refusals.map(|refused| refusal(report, Some(object), refused)));
        let reasons = object.unknown.iter();
        found.extend(
            reasons.map(|reason| about(report, object, Kind::Unknown, visible(reason).as_ref())),
        );
    }
    found.extend(outcome::findings(report));
    found.extend(changes(report));
    found.extend(kept_ones(report));
    found.extend(dns::findings(report));
    number(&mut found);
    found
}

/// Numbers findings whose identities would otherwise be equal.
fn number(found: &mut [Finding]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for finding in found {
        let times = seen.entry(finding.identity.clone()).or_default();
        *times += 1;
        if *times > 1 {
            finding.identity = format!("{}\n#{times}", finding.identity);
        }
    }
}

fn problem(problem: &Problem) -> Finding {
    let marked = problem.primary.as_ref().map_or("", |label| {
        label
            .source
            .text
            .get(label.start..label.end)
            .unwrap_or_default()
    });
    let file = problem
        .primary
        .as_ref()
        .map_or("", |label| label.source.path.as_str());
    Finding {
        rule: Rule::Diagnostic(problem.code),
        level: match problem.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        },
        message: visible(&problem.message).into_owned(),
        help: Some(visible(&problem.help).into_owned()),
        spot: problem.primary.as_ref().map(Spot::of_label),
        related: problem
            .related
            .iter()
            .map(|label| (Spot::of_label(label), visible(&label.text).into_owned()))
            .collect(),
        subjects: Vec::new(),
        remedy: problem.fix.as_ref().map(|fix| Remedy {
            spot: Spot::of_label(&fix.place),
            text: fix.text.clone(),
            description: visible(&problem.help).into_owned(),
        }),
        identity: format!("{}\n{file}\n{marked}", problem.code),
    }
}

fn refusal(report: &Report, object: Option<&ObjectReport>, refusal: &Refusal) -> Finding {
    let message = visible(&refusal.message);
    let mut finding = match object {
        Some(object) => about(report, object, Kind::Refused, &message),
        None => bare(Kind::Refused, message.into_owned()),
    };
    finding.help = Some(visible(&refusal.help).into_owned());
    finding.identity = format!("{}\n{:?}", finding.identity, refusal.kind);
    finding
}

/// The key of equal differences: kind, place, key and both sides.
type Same = (Kind, Option<Origin>, String, String);

fn changes(report: &Report) -> Vec<Finding> {
    let mut order: Vec<Same> = Vec::new();
    let mut groups: BTreeMap<Same, (Row, Vec<&ObjectReport>)> = BTreeMap::new();
    for object in report.objects() {
        for row in row::rows(&shown(report, object)) {
            let kind = Kind::of(row.cause, report.command);
            let same = (
                kind,
                row.origin.clone(),
                row.key.clone(),
                sides(report.command, &row),
            );
            let group = groups.entry(same.clone()).or_insert_with(|| {
                order.push(same);
                (row, Vec::new())
            });
            group.1.push(object);
        }
    }
    order
        .iter()
        .filter_map(|same| Some((same, groups.get(same)?)))
        .map(|(same, (row, objects))| change(report, same, row, objects))
        .collect()
}

/// Returns the differences to report: after an apply, those that remain.
fn shown(report: &Report, object: &ObjectReport) -> Vec<Change> {
    match report.command {
        Command::Apply => object.open().cloned().collect(),
        Command::Validate | Command::Plan | Command::Drift | Command::Diff | Command::Dns => {
            object.changes.clone()
        }
    }
}

fn change(report: &Report, same: &Same, row: &Row, objects: &[&ObjectReport]) -> Finding {
    let (kind, origin, key, _) = same;
    let names: Vec<&str> = objects.iter().map(|object| object.title()).collect();
    let message = format!("{}: {}", subjects(objects), sentence(row, report.command));
    let nowhere = || match objects {
        [object] => about(report, object, *kind, "").spot,
        _ => None,
    };
    let place = origin.as_ref().map_or("", |origin| origin.file.as_str());
    Finding {
        spot: origin.as_ref().map(Spot::of_origin).or_else(nowhere),
        subjects: names
            .iter()
            .map(|name| visible(name).into_owned())
            .collect(),
        identity: format!(
            "{}\n{place}\n{key}\n{:?}\n{:?}",
            kind.id(),
            row.before,
            row.after
        ),
        ..bare(*kind, message)
    }
}

/// Returns a note for each difference that stays.
fn kept_ones(report: &Report) -> Vec<Finding> {
    let mut found = Vec::new();
    for (object, kept) in report.kept() {
        for row in row::rows(std::slice::from_ref(&kept.change)) {
            let message = self::kept(&row, kept.reason, report.command);
            let mut finding = about(report, object, Kind::Kept, &message);
            let origin = row.origin.as_ref().map(Spot::of_origin);
            finding.spot = origin.or(finding.spot);
            finding.identity = format!("{}\n{}", finding.identity, row.key);
            found.push(finding);
        }
    }
    found
}

/// Formats a difference that stays on one line.
pub(super) fn kept(row: &Row, reason: KeptReason, command: Command) -> String {
    format!("{}: {}; {}", row.key, sides(command, row), reason.told())
}

/// Formats a difference on one line.
pub(super) fn sentence(row: &Row, command: Command) -> String {
    let mut sentence = format!("{}: {}", row.key, sides(command, row));
    if let Some(why) = Kind::of(row.cause, command).why(command) {
        sentence.push_str("; ");
        sentence.push_str(why);
    }
    sentence
}

/// Formats both sides on one line.
fn sides(command: Command, row: &Row) -> String {
    let word = |side: &Side| match (side, row.text(side)) {
        (Side::Present, _) => "there".to_owned(),
        (_, None) => "nothing".to_owned(),
        (_, Some(text)) => cut(text, SHOWN_VALUE),
    };
    let (live, tree) = (word(&row.before), word(&row.after));
    match command {
        Command::Drift => format!("live {live}, tree {tree}"),
        Command::Validate | Command::Plan | Command::Diff | Command::Apply | Command::Dns => {
            format!("{live} -> {tree}")
        }
    }
}

/// Truncates a text to `characters`, and marks the cut with an ellipsis.
pub(super) fn cut(mut text: String, characters: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(characters) {
        text.truncate(at);
        text.push('…');
    }
    text
}
