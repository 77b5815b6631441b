//! The mistakes in the tree, each with the line to change.

use maud::{Markup, html};

use super::place::place;
use super::section::Section;
use crate::diag::Severity;
use crate::report::escape::visible;
use crate::report::{Label, Problem, Report};

/// The longest line that is shown, in characters.
const LONGEST_LINE: usize = 160;

/// How many warnings are shown before the rest is folded.
const SHOWN: usize = 3;

/// Renders the mistakes, which stop everything else.
pub(super) fn errors(report: &Report) -> Section {
    let errors = of(report, Severity::Error);
    Section {
        id: "mistakes",
        title: "Errors in the tree",
        count: errors.len(),
        lead: None,
        body: cards(&errors),
    }
}

/// Renders the warnings, which stop nothing.
pub(super) fn warnings(report: &Report) -> Section {
    let warnings = of(report, Severity::Warning);
    let (first, others) = warnings.split_at(warnings.len().min(SHOWN));
    Section {
        id: "warnings",
        title: "Warnings",
        count: warnings.len(),
        lead: None,
        body: html! {
            (cards(first))
            @if !others.is_empty() {
                details { summary { (others.len()) " more" } (cards(others)) }
            }
        },
    }
}

fn of(report: &Report, severity: Severity) -> Vec<&Problem> {
    let problems = report.problems.iter();
    problems
        .filter(|problem| problem.severity == severity)
        .collect()
}

fn cards(problems: &[&Problem]) -> Markup {
    html! { ul.cards { @for problem in problems { (card(problem)) } } }
}

fn card(problem: &Problem) -> Markup {
    let (class, word) = match problem.severity {
        Severity::Error => ("card bad", "error"),
        Severity::Warning => ("card warn", "warning"),
    };
    html! {
        li class=(class) data-tags="mistake" {
            h3 { span.badge { (word) " " (problem.code) } " " (visible(&problem.message)) }
            @if let Some(label) = &problem.primary { (excerpt(label)) }
            @for label in &problem.related { (excerpt(label)) }
            p.help { (visible(&problem.help)) }
        }
    }
}

/// Renders the source line of a place, with the place marked.
fn excerpt(label: &Label) -> Markup {
    let text = &label.source.text;
    let start = label.start.min(text.len());
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let end = label.end.clamp(start, line_end);
    let cut = |part: &str| part.chars().take(LONGEST_LINE).collect::<String>();
    html! {
        div.excerpt {
            (place(label.source.path.as_str(), label.from.line, label.from.column))
            @if !label.text.is_empty() { " " span.said { (visible(&label.text)) } }
            pre {
                (visible(&cut(&text[line_start..start])))
                mark { (visible(&cut(&text[start..end]))) }
                (visible(&cut(&text[end..line_end])))
            }
        }
    }
}
