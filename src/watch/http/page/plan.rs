//! What the next run would do.

use maud::{Markup, html};

use super::form;
use super::frame::{Frame, Tab};
use super::words::{because, changes, counted, path, shown};
use crate::plan::{Refusal, Risk};
use crate::watch::{ObjectStatus, PlannedStep, Reason, State, Status};

/// How many objects the page shows.
const SHOWN: usize = 200;

/// Tells whether the daemon takes the steps of an object by itself.
pub(super) fn goes_by_itself(object: &ObjectStatus) -> bool {
    object.state == State::Reconciling
}

/// Counts the steps that the next run would take, and those that are left to people.
pub(super) fn steps(status: &Status) -> (usize, usize) {
    let count = |by_itself| {
        let objects = status.objects();
        let of_it = objects.filter(|object| goes_by_itself(object) == by_itself);
        of_it.map(|object| object.steps.len()).sum()
    };
    (count(true), count(false))
}

pub(super) fn page(frame: &Frame<'_>) -> Markup {
    let status = frame.status;
    let planned = || status.objects().filter(|object| !object.steps.is_empty());
    let waits = planned().any(|object| object.reason == Reason::AwaitingApproval);
    let (next, left) = steps(status);
    let body = html! {
        h1 { "Next run" }
        div #plan data-live {
            (refusals(&status.cluster.refusals))
            p {
                @if next == 0 { "Nothing would be written." } @else { (counted(next, "step", "steps")) " would be taken." }
                @if left > 0 { " " (counted(left, "step", "steps")) " would put right what is left to people." }
            }
            @if waits && let Some(digest) = &status.cluster.plan {
                div.card.approve {
                    p { "Some of it waits for approval. What is approved is exactly what stands here, plan " code { (digest.short()) } "." }
                    (form::approve(frame, digest.as_str()))
                }
            }
            @for object in planned().filter(|object| goes_by_itself(object)).take(SHOWN) { (planned_object(object)) }
            @if left > 0 {
                h2 { "Left to people" }
                @for object in planned().filter(|object| !goes_by_itself(object)).take(SHOWN) { (planned_object(object)) }
            }
        }
    };
    frame.page("Next run", Some(Tab::Plan), &body)
}

fn planned_object(object: &ObjectStatus) -> Markup {
    html! {
        section.card {
            h2 {
                @match &object.name {
                    Some(name) => a href=(path(name.as_str())) { (shown(name.as_str())) },
                    None => a href="/template" { "domain template" },
                }
                " " span.faint { (because(object.reason)) }
            }
            (steps_of(&object.steps))
            (refusals(&object.refusals))
        }
    }
}

/// Draws the steps of one object.
pub(super) fn steps_of(steps: &[PlannedStep]) -> Markup {
    html! {
        ol.steps {
            @for step in steps {
                li {
                    p {
                        strong { (step.verb.as_str()) @if let Some(asset) = step.asset { " " (asset.as_str()) } }
                        " " (risk(step.risk))
                    }
                    @for note in &step.notes { p.hint { (shown(note)) } }
                    @if !step.changes.is_empty() { (changes(&step.changes, "What the step changes")) }
                }
            }
        }
    }
}

fn risk(risk: Risk) -> Markup {
    let (class, word) = match risk {
        Risk::Reversible => ("low", "reversible"),
        Risk::CustomerVisible => ("mid", "customers see it"),
        Risk::Destructive => ("high", "destructive"),
    };
    html! { span class={ "risk " (class) } { (word) } }
}

/// Draws what guards refused.
pub(super) fn refusals(refusals: &[Refusal]) -> Markup {
    html! {
        @for refusal in refusals {
            div.banner.warn { p { strong { "A guard refused: " } (shown(&refusal.message)) ". " span.faint { (shown(&refusal.help)) } } }
        }
    }
}
