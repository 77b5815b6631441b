//! Renders a whole report as text.

use std::collections::BTreeSet;
use std::fmt;

use super::page::{self, Page};
use super::{
    Options, coverage, dns, object, outcome, render_problem, summary as last_line, visible,
};
use crate::diag::Severity;
use crate::model::count;
use crate::report::{Command, ObjectReport, Problem, Report};

/// Text laid out by this module: in visible characters, with colours if requested. It is rendered while it is
/// displayed.
pub struct Rendered<'a>(Box<dyn Fn(&mut fmt::Formatter<'_>) -> fmt::Result + 'a>);

impl<'a> Rendered<'a> {
    /// Creates a text from a function that writes a page.
    pub(super) fn new(options: Options, write: impl Fn(&mut Page<'_>) -> fmt::Result + 'a) -> Self {
        Self(Box::new(move |out| write(&mut Page::new(out, options))))
    }
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

/// Renders an error message on one line.
#[must_use]
pub fn error(message: &str, options: Options) -> Rendered<'_> {
    told("error", page::Tone::Failure, message, options)
}

/// Renders a warning on one line.
#[must_use]
pub fn warning(message: &str, options: Options) -> Rendered<'_> {
    told("warning", page::Tone::Warning, message, options)
}

fn told<'a>(
    word: &'static str,
    tone: page::Tone,
    message: &'a str,
    options: Options,
) -> Rendered<'a> {
    Rendered::new(options, move |page| {
        let word = page::piece(tone, word);
        page.line(
            0,
            &[word, page::piece(page::Tone::Plain, format!(": {message}"))],
        )
    })
}

/// Renders only the last line of a report.
#[must_use]
pub fn summary(report: &Report, options: Options) -> Rendered<'_> {
    Rendered::new(options, move |page| last_line::write(page, report))
}

/// Wraps a text at spaces to fit a width; paragraphs stay separate.
#[must_use]
pub fn fill(text: &str, width: usize) -> String {
    let options = Options {
        width,
        ..Options::default()
    };
    let filled = fmt::from_fn(|out| {
        let mut page = Page::new(out, options);
        text.split('\n').try_for_each(|paragraph| {
            page.wrapped(0, 0, &[page::piece(page::Tone::Plain, visible(paragraph))])
        })
    });
    filled.to_string()
}

/// Renders a report line by line; the last line is the summary.
#[must_use]
pub fn render(report: &Report, options: Options) -> Rendered<'_> {
    Rendered::new(options, move |page| write(page, report))
}

fn write(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let plan_seen = report.command == Command::Apply && page.options.plan_seen;
    write_problems(page, report, plan_seen)?;
    let compared = !matches!(report.command, Command::Validate | Command::Dns);
    if compared && !plan_seen {
        object::write(page, report)?;
        coverage::write(page, report)?;
    }
    if report.command == Command::Validate {
        object::write_notes(page, report)?;
    }
    dns::write(page, report)?;
    if report.command == Command::Apply {
        outcome::write(page, report)?;
    }
    last_line::write(page, report)
}

/// Writes the mistakes in the tree. Whoever looks at a platform gets warnings about what differs there; others are
/// counted.
fn write_problems(page: &mut Page<'_>, report: &Report, plan_seen: bool) -> fmt::Result {
    let says_all = page.options.verbose || report.command == Command::Validate;
    let differing = Differing::of(report);
    let (said, others): (Vec<&Problem>, Vec<&Problem>) =
        (report.problems.iter()).partition(|problem| says_all || differing.concerns(problem));
    for problem in said {
        page.gap()?;
        page.excerpt(&render_problem(problem, page.options))?;
    }
    if others.is_empty() || plan_seen {
        return Ok(());
    }
    page.gap()?;
    let text = format!(
        ": {} about what does not differ; `-v` shows {}",
        count(others.len(), "warning"),
        if others.len() == 1 { "it" } else { "them" }
    );
    let note = [
        page::piece(page::Tone::Heading, "note"),
        page::piece(page::Tone::Plain, text),
    ];
    page.wrapped(0, 2, &note)
}

/// What differs: anything at all, and the accounts that do.
struct Differing<'a> {
    anything: bool,
    accounts: BTreeSet<&'a str>,
}

impl<'a> Differing<'a> {
    fn of(report: &'a Report) -> Self {
        let differing = || report.objects().filter(|object| !object.changes.is_empty());
        Self {
            anything: differing().next().is_some(),
            accounts: differing().map(ObjectReport::title).collect(),
        }
    }

    /// Returns whether a mistake is an error, or a warning about something that differs.
    fn concerns(&self, problem: &Problem) -> bool {
        let (Severity::Warning, Some(label)) = (problem.severity, &problem.primary) else {
            return true;
        };
        let mut parts = label.source.path.components().map(|part| part.as_str());
        match (parts.next(), parts.next()) {
            (Some("accounts"), Some(name)) => self.accounts.contains(name),
            // What accounts share may be about any of those that differ.
            _ => self.anything,
        }
    }
}
