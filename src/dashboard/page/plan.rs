//! The page of planned steps, by who takes them.

use maud::{Markup, html};

use super::context::Frame;
use super::form;
use super::frame::Tab;
use super::words::{because, changes, counted, path, shown};
use crate::daemon::{ObjectStatus, PlannedStep, Taker};
use crate::dashboard::intervene::obstacle;
use crate::plan::{Refusal, Risk};

/// How many objects the page shows in each part.
const SHOWN: usize = 200;

/// The parts of the page: who takes the steps, and the heading.
const PARTS: [(Taker, &str); 3] = [
    (Taker::NextRun, "By itself"),
    (Taker::Approval, "Once somebody approves"),
    (Taker::Nobody, "Left as it is, whoever approves"),
];

pub(super) fn page(frame: &Frame<'_>) -> Markup {
    let status = frame.status;
    let body = html! {
        h1 { "Next run" }
        div #plan data-live {
            (refusals(&status.cluster.refusals))
            p { (sentence(frame)) }
            (approval(frame))
            @for (taker, title) in PARTS { (part(frame, taker, title)) }
        }
    };
    frame.page("Next run", Some(Tab::Plan), &body)
}

/// Describes in a sentence what happens next, in the current state.
pub(super) fn sentence(frame: &Frame<'_>) -> Markup {
    let status = frame.status;
    let (approvable, left) = (status.steps(Taker::Approval), status.steps(Taker::Nobody));
    let next = status.steps(Taker::NextRun);
    html! {
        @if status.cluster.paused.is_some() {
            "Paused: nothing is written."
        } @else if status.cluster.approval.is_some() {
            (counted(status.cluster.offer.steps, "step is", "steps are")) " approved and being carried out."
        } @else if next == 0 {
            "Nothing is written by itself."
        } @else {
            (counted(next, "step is", "steps are")) " taken by itself."
        }
        @if approvable > 0 && status.cluster.approval.is_none() { " " (counted(approvable, "step waits", "steps wait")) " for an approval." }
        @if left > 0 { " " (counted(left, "step is", "steps are")) " left as the policy says." }
    }
}

/// Draws the form that approves the steps that wait for it, or why they cannot be approved now.
fn approval(frame: &Frame<'_>) -> Markup {
    let status = frame.status;
    let waits = status.steps(Taker::Approval) > 0 && status.cluster.approval.is_none();
    html! {
        @if waits && let Some(digest) = &status.cluster.plan {
            div.card.approve {
                @match obstacle(status) {
                    Ok(()) => {
                        p {
                            "What is approved is exactly what stands here, plan " code { (digest.short()) } ": all "
                            (counted(status.cluster.offer.steps, "step", "steps")) " but those that are left as they are."
                        }
                        (form::approve(frame, digest.as_str()))
                    },
                    Err(refused) => p { strong { "Cannot be approved now: " } (shown(&refused.why)) "." },
                }
            }
        }
    }
}

fn part(frame: &Frame<'_>, taker: Taker, title: &str) -> Markup {
    let of_it = |steps: &[PlannedStep]| -> Vec<PlannedStep> {
        let steps = steps.iter().filter(|step| step.taker == taker);
        steps.cloned().collect()
    };
    let objects = frame.status.objects();
    let objects = objects.map(|object| (object, of_it(&object.steps)));
    let objects: Vec<_> = objects.filter(|(_, steps)| !steps.is_empty()).collect();
    let others = frame.status.cluster.others.iter();
    let others = others.map(|other| (&other.account, of_it(&other.steps)));
    let others: Vec<_> = others.filter(|(_, steps)| !steps.is_empty()).collect();
    html! {
        @if !objects.is_empty() || !others.is_empty() {
            h2 { (title) @if taker == Taker::NextRun && frame.status.cluster.paused.is_some() { ", after the pause" } }
            @for (object, steps) in objects.iter().take(SHOWN) { (planned_object(object, steps)) }
            @if objects.len() > SHOWN { p.hint { "and " (objects.len() - SHOWN) " objects more" } }
            @for (account, steps) in &others {
                section.card {
                    h2 { (shown(account.as_str())) " " span.faint { "not in the tree any more" } }
                    (steps_of(steps))
                }
            }
        }
    }
}

fn planned_object(object: &ObjectStatus, steps: &[PlannedStep]) -> Markup {
    html! {
        section.card {
            h2 {
                @match object.name.account() {
                    Some(name) => a href=(path(name.as_str())) { (shown(name.as_str())) },
                    None => a href="/template" { "domain template" },
                }
                " " span.faint { (because(object.reason)) }
            }
            (steps_of(steps))
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
                        " " (risk(step.risk)) " " span.faint { (by(step.taker)) }
                    }
                    @for note in &step.notes { p.hint { (shown(note)) } }
                    @if !step.changes.is_empty() { (changes(&step.changes, "What the step changes")) }
                }
            }
        }
    }
}

fn by(taker: Taker) -> &'static str {
    match taker {
        Taker::NextRun => "by itself",
        Taker::Approval => "once somebody approves",
        Taker::Nobody => "left as the policy says",
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

/// Draws the refusals of guards.
pub(super) fn refusals(refusals: &[Refusal]) -> Markup {
    html! {
        @for refusal in refusals {
            div.banner.warn { p { strong { "A guard refused: " } (shown(&refusal.message)) ". " span.faint { (shown(&refusal.help)) } } }
        }
    }
}
