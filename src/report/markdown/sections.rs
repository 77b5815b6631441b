//! The sections of a comment, most important first.

use super::entry::{Entry, folded, line};
use super::escape::{code, html, prose};
use super::fit::Section;
use super::{Pictures, change, dns};
use crate::diag::Severity;
use crate::live::Reading;
use crate::model::count;
use crate::report::ending::Endings;
use crate::report::html::sides::Sides;
use crate::report::{Command, ObjectReport, Problem, Report, block, finding, row};

pub(super) fn sections(report: &Report, pictures: &Pictures) -> Vec<Section> {
    let sections = [
        ("Mistakes in the tree", problems(report, Severity::Error)),
        ("Not done", outcomes(report)),
        ("Refused", refusals(report)),
        ("Could not be checked", unknown(report)),
        ("Changes", changes(report, pictures)),
        ("Differs, not planned", open(report)),
        ("Kept as it is", kept(report)),
        ("DNS", dns::entries(report)),
        ("Warnings", problems(report, Severity::Warning)),
        ("Good to know", notes(report)),
        ("Not in the tree", unmanaged(report)),
    ];
    let sections = sections.into_iter();
    sections
        .filter(|(_, entries)| !entries.is_empty())
        .map(|(title, entries)| Section { title, entries })
        .collect()
}

fn problems(report: &Report, severity: Severity) -> Vec<Entry> {
    let of_severity = |problem: &&Problem| problem.severity == severity;
    report
        .problems
        .iter()
        .filter(of_severity)
        .map(problem)
        .collect()
}

fn problem(problem: &Problem) -> Entry {
    let place = problem.primary.as_ref().map_or_else(String::new, |label| {
        let path = label.source.path.as_str();
        format!(
            " {}",
            code(&format!("{path}:{}:{}", label.from.line, label.from.column))
        )
    });
    line(&format!(
        "**{}**{place}: {}. {}",
        problem.code,
        prose(&problem.message),
        prose(&problem.help)
    ))
}

fn outcomes(report: &Report) -> Vec<Entry> {
    let left = Endings::of(report).left();
    let entries = left.iter().map(|ending| {
        let (word, reason) = (ending.standing.word(), prose(&ending.reason));
        let what = ending.what();
        match ending.objects().as_slice() {
            [object] => line(&format!(
                "{} {what}: **{word}**: {reason}",
                code(object.title())
            )),
            objects => {
                let names: Vec<String> =
                    objects.iter().map(|object| code(object.title())).collect();
                let head = format!("{what} on {}", count(objects.len(), "object"));
                Entry {
                    full: format!("- {head} ({}): **{word}**: {reason}\n", names.join(", ")),
                    short: format!("- {head}: **{word}**: {reason}\n"),
                }
            }
        }
    });
    entries.collect()
}

fn refusals(report: &Report) -> Vec<Entry> {
    let run = report
        .refusals
        .iter()
        .map(|refusal| ("the whole run".to_owned(), refusal));
    let objects = report.objects().flat_map(|object| {
        let refusals = object.refusals.iter();
        refusals.map(move |refusal| (code(object.title()), refusal))
    });
    run.chain(objects)
        .map(|(subject, refusal)| {
            let (message, help) = (prose(&refusal.message), prose(&refusal.help));
            line(&format!("{subject}: {message}. {help}"))
        })
        .collect()
}

fn kept(report: &Report) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (object, kept) in report.kept() {
        for row in row::rows(std::slice::from_ref(&kept.change)) {
            let told = finding::kept(&row, kept.reason, report.command);
            entries.push(line(&format!("{}: {}", code(object.title()), code(&told))));
        }
    }
    entries
}

fn unknown(report: &Report) -> Vec<Entry> {
    let reasons = report.objects().flat_map(|object| {
        let reasons = object.unknown.iter();
        reasons.map(move |reason| line(&format!("{}: {}", code(object.title()), prose(reason))))
    });
    reasons.collect()
}

fn changes(report: &Report, pictures: &Pictures) -> Vec<Entry> {
    let found = block::listed(report);
    let (accounts, others): (Vec<&ObjectReport>, Vec<&ObjectReport>) =
        found.iter().partition(|object| object.name.is_some());
    let mut blocks = block::blocks(&others);
    blocks.extend(block::blocks(&accounts));
    let few = blocks.len() <= 3;
    blocks
        .iter()
        .map(|block| {
            let object = block.plainest(&blocks);
            let name = object.and_then(|object| object.name.as_ref());
            let picture = name.and_then(|name| pictures.get(name));
            let picture = picture.map(|path| (path.as_str(), Sides::of(report.command)));
            change::entry(block, report.command, picture, few)
        })
        .collect()
}

fn open(report: &Report) -> Vec<Entry> {
    if report.command == Command::Drift {
        return Vec::new();
    }
    let mut entries = Vec::new();
    for object in report.objects() {
        let open: Vec<_> = object.open().cloned().collect();
        if !open.is_empty() {
            let table = change::table(&open, report.command);
            let title = object.title();
            entries.push(Entry {
                full: folded(&html(title), &table, false),
                short: format!("- {}: {}\n", code(title), count(open.len(), "difference")),
            });
        }
    }
    entries
}

fn notes(report: &Report) -> Vec<Entry> {
    let base = report.base.iter().filter(|base| !base.is_known());
    let mut entries: Vec<Entry> = base.map(|base| line(&prose(&base.message))).collect();
    entries.extend(report.notes.iter().map(|note| line(&prose(note))));
    for object in report.objects() {
        let notes = object.notes.iter();
        entries
            .extend(notes.map(|note| line(&format!("{}: {}", code(object.title()), prose(note)))));
    }
    entries
}

fn unmanaged(report: &Report) -> Vec<Entry> {
    let Some(coverage) = &report.coverage else {
        return Vec::new();
    };
    match &coverage.unmanaged {
        Reading::Unknown(reason) => vec![line(&format!("could not be listed: {}", prose(reason)))],
        Reading::Known(accounts) if accounts.is_empty() => Vec::new(),
        Reading::Known(accounts) => {
            let percent = coverage.percent().unwrap_or(0);
            let lines = accounts.iter().map(|account| {
                format!("- {} {}\n", code(&account.name), code(account.id.as_str()))
            });
            let list = lines.collect::<Vec<_>>().concat();
            let told = format!(
                "{}; the tree covers {}{percent}%",
                count(accounts.len(), "live whitelabel"),
                coverage.at_least()
            );
            vec![Entry {
                full: folded(&told, &list, false),
                short: format!("- {told}\n"),
            }]
        }
    }
}
