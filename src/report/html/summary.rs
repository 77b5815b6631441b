//! The top of the page: what happened, what it means, and the counts.

use maud::{Markup, html};

use super::section::Section;
use crate::apply::{StepCount, StepStanding};
use crate::model::count;
use crate::report::escape::visible;
use crate::report::model::kinds;
use crate::report::{Command, ObjectCount, Report, Summary};

/// Returns the page's title.
pub(super) fn title(report: &Report) -> String {
    let cluster = report
        .cluster
        .as_ref()
        .map_or_else(String::new, |cluster| format!(" on {}", cluster.as_str()));
    format!("{}{cluster} – emblazon", word(report.command))
}

fn word(command: Command) -> &'static str {
    match command {
        Command::Validate => "Check of the tree",
        Command::Plan => "Plan",
        Command::Drift => "Drift",
        Command::Diff => "Difference",
        Command::Apply => "Apply",
        Command::Dns => "DNS check",
    }
}

pub(super) fn header(report: &Report, sections: &[Section]) -> Markup {
    let summary = report.summary();
    html! {
        header.top {
            p.kind {
                (shield())
                (word(report.command))
                @if let Some(cluster) = &report.cluster {
                    " on " strong { (visible(cluster.as_str())) }
                }
                @if report.recorded {
                    ", against what was applied last: the live platform was not read"
                }
            }
            h1 { (headline(report, &summary)) }
            dl.figures {
                @for (number, name, tone) in figures(&summary, report) {
                    div class=(tone) { dt { (name) } dd { (number) } }
                }
            }
        }
        @if sections.len() > 1 {
            nav aria-label="Contents" {
                ul {
                    @for section in sections {
                        li { a href={ "#" (section.id) } {
                            (section.title) " " span.count { (section.count) }
                        } }
                    }
                    li { a href="#run" { "This run" } }
                }
            }
        }
    }
}

/// Renders what only matters to who runs the program: steps, exit code, digests, and the way back.
pub(super) fn run(report: &Report, exit: u8) -> Markup {
    let summary = report.summary();
    let writes = matches!(report.command, Command::Plan | Command::Apply) && summary.steps > 0;
    html! {
        section #run aria-labelledby="run-title" {
            h2 #run-title { "This run" }
            p class={ "exit exit-" (exit) } {
                span.code { "exit " (exit) } " " (meaning(exit, summary.count))
            }
            @if writes {
                p.undo-hint {
                    "An apply keeps what it replaces: " code { "emblazon history" } " lists the runs, and "
                    code { "emblazon restore RUN" } " plans the way back."
                }
            }
            dl.list.digests {
                @if summary.steps > 0 { dt { "Steps" } dd { (summary.steps) } }
                @if let Some(tree) = &report.tree { dt { "Tree" } dd { code { (tree.as_str()) } } }
                @if let Some(plan) = &report.plan { dt { "Plan" } dd { code { (plan.as_str()) } } }
            }
        }
    }
}

/// Renders the program's logo.
pub(super) fn shield() -> Markup {
    html! {
        svg.shield viewBox="0 0 16 18" width="16" height="18" aria-hidden="true" {
            path d="M1 1h14v8c0 4-3 6.5-7 8-4-1.5-7-4-7-8z" fill="currentColor" {}
            path d="M8 1h7v8c0 4-3 6.5-7 8z" fill="#fff" fill-opacity=".35" {}
        }
    }
}

/// Returns the headline: the result in one line.
fn headline(report: &Report, summary: &Summary) -> String {
    if summary.errors > 0 {
        return format!("The tree has {}", count(summary.errors, "error"));
    }
    match report.command {
        Command::Validate => format!(
            "The tree is valid: {}",
            count(summary.accounts.total, "brand")
        ),
        Command::Plan if summary.steps > 0 => {
            let changing = summary.accounts.changing;
            let brands = (changing > 0).then(|| count(changing, "brand"));
            let changes = brands.is_some()
                && changing == 1
                && summary.template.changing + summary.zones.changing == 0;
            let all = kinds(
                brands,
                summary.template.changing > 0,
                summary.zones.changing,
            );
            format!("{all} {}", if changes { "changes" } else { "change" })
        }
        Command::Plan if summary.refused + summary.unknown > 0 => {
            "Nothing that can be done now".to_owned()
        }
        Command::Plan => "Nothing to do".to_owned(),
        Command::Drift if summary.differing > 0 => {
            let differ = if summary.differing == 1 {
                "is not"
            } else {
                "are not"
            };
            format!("{} {differ} as declared", objects(summary))
        }
        Command::Drift if summary.dns_differing + summary.sip_failing > 0 => {
            "The platform matches the tree, DNS does not".to_owned()
        }
        Command::Drift if summary.unknown + summary.dns_unknown > 0 => {
            "No drift found, and not everything checked".to_owned()
        }
        Command::Drift => "No drift".to_owned(),
        Command::Diff => format!("{} declared differently", objects(summary)),
        Command::Apply => format!(
            "{} of {} carried out",
            summary.count.done,
            count(summary.steps, "step")
        ),
        Command::Dns if summary.dns_differing > 0 => {
            let differ = if summary.dns_differing == 1 {
                "differs"
            } else {
                "differ"
            };
            format!(
                "{} {differ} from the template",
                count(summary.dns_differing, "host")
            )
        }
        Command::Dns if summary.sip_failing > 0 => {
            "Each host is as the template says, and yet phones cannot register".to_owned()
        }
        Command::Dns => "No host differs from the template".to_owned(),
    }
}

/// Describes the objects that differ.
fn objects(summary: &Summary) -> String {
    let accounts = summary.accounts.differing;
    kinds(
        (accounts > 0).then(|| count(accounts, "brand")),
        summary.template.differing > 0,
        summary.zones.differing,
    )
}

/// Explains the exit code of a run, and what to do.
fn meaning(exit: u8, steps: StepCount) -> &'static str {
    match exit {
        0 => "Everything is as it should be.",
        1 if steps.unknown > 0 => {
            "The run failed, and the outcome of some writes is unknown: plan again."
        }
        1 => "It failed: nothing was done.",
        2 => "There are differences: look at them, then apply.",
        3 => "The tree has mistakes: nothing is compared or applied until they are fixed.",
        4 => "Applied in part: look at what is not done and why, then apply again.",
        5 if steps.not_begun > 0 => {
            "Nothing was done, and nothing failed: look at why it was not begun."
        }
        5 => "A guard refused something: a person must decide.",
        6 => "Not everything could be checked; what could be is as it should be.",
        _ => "The command line is wrong.",
    }
}

fn figures(summary: &Summary, report: &Report) -> Vec<(usize, &'static str, &'static str)> {
    let applied = report.command == Command::Apply;
    let asked = report.dns.is_some();
    let steps = |standing| summary.count.get(standing);
    let Summary {
        accounts,
        template,
        zones,
        ..
    } = *summary;
    let unread = |kind: ObjectCount| kind.unknown + kind.partly_unknown;
    // The brands are those that differ, are in sync, are not checked, and are none of these: the figures add up.
    let compared = !matches!(report.command, Command::Validate | Command::Dns);
    let counted = accounts.differing + accounts.in_sync + accounts.unknown + accounts.kept;
    let others = accounts.total.saturating_sub(counted);
    let all = [
        (true, accounts.total, "brands", ""),
        (true, accounts.differing, "different", "changed"),
        (true, accounts.in_sync, "in sync", "good"),
        (true, accounts.unknown, "not checked", "warn"),
        (
            compared,
            accounts.kept,
            "in sync except for what is kept",
            "good",
        ),
        (compared, others, "only refused", "warn"),
        (applied, steps(StepStanding::Done), "done", "good"),
        (true, steps(StepStanding::Failed), "failed", "bad"),
        (true, steps(StepStanding::Unknown), "unknown", "bad"),
        (true, steps(StepStanding::NotBegun), "not begun", "warn"),
        (true, summary.refused, "refused", "bad"),
        (true, accounts.partly_unknown, "partly checked", "warn"),
        (true, unread(template), "template not checked", "warn"),
        (true, unread(zones), "zones not checked", "warn"),
        (asked, summary.dns_differing, "DNS differing", "bad"),
        (asked, summary.sip_failing, "failing for phones", "bad"),
        (asked, summary.dns_unknown, "DNS not checked", "warn"),
        (true, summary.errors, "errors", "bad"),
        (true, summary.warnings, "warnings", "warn"),
    ];
    let is_said = |(wanted, number, name, _): &(bool, usize, &str, &str)| {
        *wanted && (*number > 0 || *name == "brands")
    };
    all.into_iter()
        .filter(is_said)
        .map(|(_, number, name, tone)| (number, name, tone))
        .collect()
}
