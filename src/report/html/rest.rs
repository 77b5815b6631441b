//! The remaining sections: refused by guards, could not be checked, not in the tree, in sync.

use maud::html;

use super::section::Section;
use crate::apply::StepStanding;
use crate::diff::Kept;
use crate::live::Reading;
use crate::report::ending::{Ending, Endings};
use crate::report::escape::visible;
use crate::report::{ObjectReport, Report, Status, finding, row};

/// How many names are shown before the rest is folded.
const SHOWN: usize = 40;

pub(super) fn refused(report: &Report) -> Section {
    let whole = report.refusals.iter().map(|refusal| (None, refusal));
    let objects = report.objects().flat_map(|object| {
        let refusals = object.refusals.iter();
        refusals.map(move |refusal| (Some(object), refusal))
    });
    let all: Vec<_> = whole.chain(objects).collect();
    Section {
        id: "refused",
        title: "Refused by a guard",
        count: all.len(),
        lead: None,
        body: html! {
            ul.cards {
                @for (object, refusal) in &all {
                    li.card.bad data-tags="refused" {
                        h3 { (visible(object.map_or("The whole run", |object| object.title()))) }
                        p { (visible(&refusal.message)) }
                        p.help { (visible(&refusal.help)) }
                    }
                }
            }
        },
    }
}

/// Renders the differences that stay.
pub(super) fn kept(report: &Report) -> Section {
    let kept: Vec<_> = report.kept().collect();
    let lines = |kept: &Kept| -> Vec<String> {
        let rows = row::rows(std::slice::from_ref(&kept.change));
        let told = rows
            .iter()
            .map(|row| finding::kept(row, kept.reason, report.command));
        told.collect()
    };
    Section {
        id: "kept",
        title: "Kept as it is",
        count: kept.len(),
        lead: Some(
            "The platform differs from the tree here, and a rule or an option says that it stays."
                .to_owned(),
        ),
        body: html! {
            dl.list {
                @for (object, kept) in &kept {
                    dt { (visible(object.title())) }
                    @for line in lines(kept) { dd { (line) } }
                }
            }
        },
    }
}

/// Renders the steps that were not done.
pub(super) fn left(report: &Report) -> Section {
    let endings = Endings::of(report);
    let left = endings.left();
    let row = |ending: &Ending<'_>| {
        let class = match ending.standing {
            StepStanding::Failed | StepStanding::Unknown => "card bad",
            StepStanding::Done | StepStanding::NotBegun => "card warn",
        };
        let objects = ending.objects();
        let (first, others) = objects.split_at(objects.len().min(SHOWN));
        let names: Vec<String> = first
            .iter()
            .map(|object| visible(object.title()).to_string())
            .collect();
        html! {
            li class=(class) data-tags="" {
                h3 {
                    span.badge { (ending.standing.word()) } " " (names.join(", "))
                    @if !others.is_empty() { " and " (others.len()) " more" }
                    ": " (ending.what())
                }
                p { (visible(&ending.reason)) }
            }
        }
    };
    Section {
        id: "left",
        title: "Not done",
        count: left.iter().map(|ending| ending.steps.len()).sum(),
        lead: None,
        body: html! { ul.cards { @for ending in &left { (row(ending)) } } },
    }
}

pub(super) fn unknown(report: &Report) -> Section {
    let objects: Vec<&ObjectReport> = report
        .objects()
        .filter(|object| !object.unknown.is_empty())
        .collect();
    Section {
        id: "unknown",
        title: "Could not be checked",
        count: objects.len(),
        lead: Some(
            "Neither in sync nor different: it could not be read, so nothing is done about it."
                .to_owned(),
        ),
        body: html! {
            dl.list {
                @for object in &objects {
                    dt { (visible(object.title())) }
                    @for reason in &object.unknown { dd { (visible(reason)) } }
                }
            }
        },
    }
}

pub(super) fn unmanaged(report: &Report) -> Section {
    let section = |count, lead, body| Section {
        id: "unmanaged",
        title: "Not in the tree",
        count,
        lead: Some(lead),
        body,
    };
    let Some(coverage) = &report.coverage else {
        return section(0, String::new(), html! {});
    };
    match &coverage.unmanaged {
        Reading::Unknown(reason) => section(
            1,
            format!("They could not be listed: {}", visible(reason)),
            html! {},
        ),
        Reading::Known(accounts) => {
            let lead = format!(
                "Live whitelabels that nobody declares; they are left alone. The tree covers {}{} % of all.",
                coverage.at_least(),
                coverage.percent().unwrap_or(0)
            );
            let row = |account: &crate::live::Unmanaged| {
                html! {
                    tr {
                        th scope="row" { (visible(&account.name)) }
                        td { code { (account.id.as_str()) } }
                        td { (visible(&account.realm)) }
                    }
                }
            };
            let (first, others) = accounts.split_at(accounts.len().min(SHOWN));
            let head = html! { thead { tr { th { "Account" } th { "Id" } th { "Realm" } } } };
            section(
                accounts.len(),
                lead,
                html! {
                    div.scroll { table.plain { (head) tbody { @for account in first { (row(account)) } } } }
                    @if !others.is_empty() {
                        details {
                            summary { (others.len()) " more" }
                            div.scroll { table.plain { (head) tbody { @for account in others { (row(account)) } } } }
                        }
                    }
                },
            )
        }
    }
}

pub(super) fn in_sync(report: &Report) -> Section {
    let names: Vec<&str> = report
        .objects()
        .filter(|object| object.status == Status::InSync)
        .map(ObjectReport::title)
        .collect();
    Section {
        id: "in-sync",
        title: "In sync",
        count: names.len(),
        lead: None,
        body: html! { (super::change::names(&names)) },
    }
}

pub(super) fn notes(report: &Report) -> Section {
    let base = report.base.as_ref().map(|base| ("base", &base.message));
    let run = report.notes.iter().map(|note| ("note", note));
    let objects = report.objects().flat_map(|object| {
        let notes = object.notes.iter();
        notes.map(move |note| (object.title(), note))
    });
    let all: Vec<(&str, &String)> = base.into_iter().chain(run).chain(objects).collect();
    Section {
        id: "notes",
        title: "Good to know",
        count: all.len(),
        lead: None,
        body: html! {
            dl.list {
                @for (subject, note) in &all {
                    dt { (visible(subject)) }
                    dd { (visible(note)) }
                }
            }
        },
    }
}
