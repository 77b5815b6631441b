//! The history page.

use jiff::SignedDuration;
use maud::{Markup, html};

use super::context::Frame;
use super::frame::Tab;
use super::words::{message_text, path, short, shown, span, time};
use crate::daemon::{Finding, Incident, Intervention, InterventionKind};

/// How many incidents the page shows.
const SHOWN: usize = 200;

pub(super) fn page(frame: &Frame<'_>) -> Markup {
    let incidents = &frame.status.history.incidents;
    let interventions = &frame.status.history.interventions;
    let body = html! {
        h1 { "History" }
        div #history data-live {
            @if !interventions.is_empty() {
                h2 { "What people asked for" }
                (queue(frame, interventions.iter().rev().take(SHOWN)))
                @if interventions.len() > SHOWN { p.hint { "The last " (SHOWN) " of " (interventions.len()) "." } }
                h2 { "What happened" }
            }
            @if incidents.is_empty() {
                p.empty { "Nothing has happened yet." }
            } @else {
                (table(frame, incidents.iter().rev().take(SHOWN), true))
                @if incidents.len() > SHOWN { p.hint { "The last " (SHOWN) " of " (incidents.len()) "." } }
            }
        }
    };
    frame.page("History", Some(Tab::History), &body)
}

/// Draws interventions.
fn queue<'i>(frame: &Frame<'_>, of_them: impl Iterator<Item = &'i Intervention>) -> Markup {
    html! {
        table.history {
            caption.visually-hidden { "What people asked for, the newest first" }
            thead { tr {
                th scope="col" { "Who, and what" }
                th scope="col" { "When" }
                th scope="col" { "Outcome" }
            } }
            tbody {
                @for one in of_them {
                    tr {
                        td.what { (shown(&one.sentence())) }
                        td data-label="When" { (time(one.author.at, frame.now)) }
                        td data-label="Outcome" {
                            @match (&one.outcome, one.kind) {
                                (Some(outcome), _) => { (shown(&outcome.message)) ", " (time(outcome.at, frame.now)) },
                                (None, InterventionKind::Approve | InterventionKind::Pause | InterventionKind::Propose) => {
                                    "open"
                                    @if let Some(until) = one.until { ", ends " (time(until, frame.now)) }
                                },
                                (None, _) => "done",
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Draws incidents, with or without their account.
pub(super) fn table<'i>(
    frame: &Frame<'_>,
    incidents: impl Iterator<Item = &'i Incident>,
    with_account: bool,
) -> Markup {
    html! {
        table.history {
            caption.visually-hidden { "What happened, the newest first" }
            thead { tr {
                th scope="col" { "What" }
                @if with_account { th scope="col" { "Account" } }
                th scope="col" { "Detected" }
                th scope="col" { "Seen within" }
                th scope="col" { "Repaired in" }
            } }
            tbody {
                @for incident in incidents {
                    tr {
                        td.what {
                            strong { (word(incident.finding)) }
                            " " (message_text(message(incident)))
                            @if let Some(end) = &incident.end { span.faint { " – " (shown(end)) } }
                            @if let Some(commit) = &incident.commit { " " code.faint { (short(commit)) } }
                        }
                        @if with_account {
                            td data-label="Account" {
                                @match &incident.account {
                                    Some(name) => a href=(path(name.as_str())) { (shown(name.as_str())) },
                                    None => span.faint { "all" },
                                }
                            }
                        }
                        td data-label="Detected" { (time(incident.detected, frame.now)) }
                        td data-label="Seen within" { (lasted(incident.time_to_detect(), "not known")) }
                        td data-label="Repaired in" { (lasted(incident.time_to_repair(), "open")) }
                    }
                }
            }
        }
    }
}

/// Returns the message of an incident without the account that it begins with.
fn message(incident: &Incident) -> &str {
    let account = incident.account.as_ref();
    let rest = account.and_then(|account| incident.message.strip_prefix(account.as_str()));
    rest.and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(&incident.message)
}

fn word(finding: Finding) -> &'static str {
    match finding {
        Finding::Change => "Change in the tree",
        Finding::Drift => "Changed by hand",
        Finding::BadTree => "Commit rejected",
        Finding::Outage => "Platform unreadable",
        Finding::Dns => "DNS is wrong",
        Finding::Brand => "Brand not visible",
    }
}

fn lasted(time: Option<SignedDuration>, without: &'static str) -> Markup {
    html! {
        @if let Some(time) = time {
            (span(time.as_secs().unsigned_abs()))
        } @else {
            span.faint { (without) }
        }
    }
}
