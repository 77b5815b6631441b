//! A report, from its first line to its last.

use super::page::{self, Page};
use super::{coverage, diagnostic, dns, object, outcome, summary as last_line, visible};
use crate::report::{Command, Report};

/// How to render; decided at the edge, so that the renderer stays pure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many columns there are; under 40 counts as 40.
    pub width: usize,
    /// Whether to write colours as ANSI sequences.
    pub colour: bool,
    /// Whether lists of names are shown in full, and objects in sync by name.
    pub verbose: bool,
    /// Whether the reader has seen the plan, so that an apply needs to say only what became of it.
    pub plan_seen: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            width: 80,
            colour: false,
            verbose: false,
            plan_seen: false,
        }
    }
}

/// Renders the last line of a report alone.
#[must_use]
pub fn summary(report: &Report, options: Options) -> String {
    let mut page = Page::new(options);
    last_line::write(&mut page, report);
    page.finish()
}

/// Breaks a text at spaces to fit a width; paragraphs stay apart.
#[must_use]
pub fn fill(text: &str, width: usize) -> String {
    let mut page = Page::new(Options {
        width,
        ..Options::default()
    });
    for paragraph in text.split('\n') {
        page.wrapped(0, 0, &[page::piece(page::Tone::Plain, visible(paragraph))]);
    }
    page.finish()
}

/// Renders a report; the last line is the summary.
#[must_use]
pub fn render(report: &Report, options: Options) -> String {
    let mut page = Page::new(options);
    diagnostic::write(&mut page, &report.problems);
    let plan_seen = report.command == Command::Apply && options.plan_seen;
    let compared = !matches!(report.command, Command::Validate | Command::Dns);
    if compared && !plan_seen {
        object::write(&mut page, report);
        coverage::write(&mut page, report);
    }
    dns::write(&mut page, report);
    if report.command == Command::Apply {
        outcome::write(&mut page, report);
    }
    last_line::write(&mut page, report);
    page.finish()
}
