//! The report as Markdown, for a comment on a forge.
//!
//! What matters most comes first. Where the whole would not fit, details are folded to one line each from the least
//! important end, then left out, and the text says how many of which. Whatever comes from the platform or from a
//! file stands in code spans, so that it can neither be markup nor call anybody.

mod change;
mod dns;
mod escape;
mod fit;
mod mark;
mod sections;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use escape::{code, prose};
use fit::fitted;

use super::{Command, Report, text};

/// Renders a report in at most `limit` bytes, which is never more characters; a limit under 1,000 counts as 1,000.
#[must_use]
pub fn render(report: &Report, limit: usize) -> String {
    let limit = limit.max(1000);
    let head = head(report);
    let foot = foot(report);
    let room = limit.saturating_sub(head.len() + foot.len());
    let body = fitted(&sections::sections(report), room);
    // No line of a fenced block is empty, so this touches the space between blocks only.
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

/// Says how to approve what is shown.
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
