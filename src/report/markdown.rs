//! The report as Markdown, for a comment on a forge.
//!
//! The most important entries come first. If the report would not fit, entries are reduced to one line each, least
//! important first, and then left out; the text reports how many. Everything from the platform or from a file is put
//! into code spans, so that it can neither act as markup nor mention anybody.

mod change;
mod dns;
mod entry;
mod escape;
mod fit;
mod keep;
mod mark;
mod probe;
mod sections;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use escape::{code, prose};
use fit::fitted;
pub use keep::{KeptBrand, kept, no_longer_kept};
pub use probe::probe;

use super::{Command, Report, text};
use crate::model::AccountName;

/// The pictures of brands: where the file of each lies, as a link in Markdown spells it.
pub type Pictures = BTreeMap<AccountName, String>;

/// Renders a report in at most `limit` bytes, and so at most as many characters; the minimum limit is 1,000.
#[must_use]
pub fn render(report: &Report, pictures: &Pictures, limit: usize) -> String {
    let limit = limit.max(1000);
    let head = head(report);
    let foot = foot(report);
    let room = limit.saturating_sub(head.len() + foot.len());
    let body = fitted(&sections::sections(report, pictures), room);
    // Fenced blocks contain no empty lines, so this only affects the space between blocks.
    let mut text = head + &body + &foot;
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    text
}

fn head(report: &Report) -> String {
    let cluster = report.cluster.as_ref().map_or_else(String::new, |cluster| {
        format!(" on {}", code(cluster.as_str()))
    });
    let mut head = mark::line(report);
    let _ = write!(
        head,
        "### emblazon {}{cluster}\n\n",
        report.command.as_str()
    );
    let options = text::Options {
        width: 10_000,
        ..text::Options::default()
    };
    let summary = text::summary(report, options).to_string();
    for line in summary.lines() {
        let _ = write!(head, "**{}**\n\n", prose(line.trim()));
    }
    head
}

/// Returns the footer, which explains how to apply exactly this plan.
fn foot(report: &Report) -> String {
    let steps = report.objects().any(|object| !object.steps.is_empty());
    match &report.plan {
        Some(digest) if report.command == Command::Plan && steps => format!(
            "\n<sub>`emblazon apply --expect {}` carries out exactly this plan.</sub>\n",
            digest.short()
        ),
        _ => String::new(),
    }
}
