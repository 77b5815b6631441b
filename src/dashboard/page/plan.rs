//! The page of planned steps, by who takes them.

use maud::{Markup, html};

use super::context::Frame;
use super::frame::Tab;
use super::words::{because, changes, counted, message_text, path, segment, shown};
use super::{brand, card, decision};
use crate::daemon::{ObjectStatus, PlannedStep, Taker};
use crate::diff::Change;
use crate::plan::{Refusal, Risk};
use crate::report::card::Tense;

/// How many objects the page shows in each part.
const SHOWN: usize = 200;

/// The parts of the page: who takes the steps, and the heading.
const PARTS: [(Taker, &str); 3] = [
    (Taker::NextRun, "Applied automatically"),
    (Taker::Approval, "Waiting for approval"),
    (
        Taker::Nobody,
        "Not applied: rejected, put off, or excluded by the policy",
    ),
];

pub(super) fn page(frame: &Frame<'_>) -> Markup {
    let status = frame.status;
    let body = html! {
        h1 { "Next run" }
        (card::definitions())
        div #plan data-live {
            (refusals(&status.cluster.refusals))
            p { (sentence(frame)) }
            (decision::of_all(frame))
            @for (taker, title) in PARTS { (part(frame, taker, title)) }
        }
    };
    frame.page("Next run", Some(Tab::Plan), &body)
}

/// Describes in a sentence what happens next, in the current state.
pub(super) fn sentence(frame: &Frame<'_>) -> Markup {
    let status = frame.status;
    let approvable = status.steps(Taker::Approval);
    let theirs = status.steps_declined();
    let left = status.steps(Taker::Nobody) - theirs;
    let next = status.steps(Taker::NextRun);
    html! {
        @if status.cluster.down_since.is_some() {
            "Not known: the platform cannot be read."
        } @else if status.cluster.paused.is_some() {
            "Paused: nothing is written."
        } @else if status.cluster.approval.is_some() {
            (counted(status.cluster.offer.steps, "step is", "steps are")) " approved and being carried out."
        } @else if next == 0 && approvable == 0 && left + theirs == 0 {
            "Nothing is left to apply."
        } @else if next == 0 {
            "Nothing is applied automatically."
        } @else {
            (counted(next, "step is", "steps are")) " applied automatically."
        }
        @if approvable > 0 && status.cluster.approval.is_none() { " " (counted(approvable, "step waits", "steps wait")) " for approval." }
        @if theirs > 0 { " " (counted(theirs, "step is", "steps are")) " rejected or put off." }
        @if left > 0 { " " (counted(left, "step is", "steps are")) " excluded by the policy." }
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
            @for (object, steps) in objects.iter().take(SHOWN) { (planned_object(frame, object, steps, taker)) }
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

fn planned_object(
    frame: &Frame<'_>,
    object: &ObjectStatus,
    steps: &[PlannedStep],
    taker: Taker,
) -> Markup {
    let changes: Vec<&Change> = steps.iter().flat_map(|step| &step.changes).collect();
    let risk = steps.iter().map(|step| step.risk).max();
    html! {
        section.card {
            h2 {
                @match object.name.account() {
                    Some(name) => {
                        a href=(path(name.as_str())) { (shown(brand::heading(object))) }
                        " " span.faint { (brand::line(object)) }
                    },
                    None => a href="/template" { "domain template" },
                }
            }
            p.faint { (because(object.reason)) }
            (card::card(frame, object, &changes, risk, Tense::Plan))
            details.technical id={ (part_id(taker)) "-" (segment(object.title())) } {
                summary { "Technical details" }
                (steps_of(steps))
            }
            (refusals(&object.refusals))
            @if taker != Taker::NextRun { (decision::of_object(frame, object)) }
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
                        @if step.risk == Risk::Destructive { " " span.risk.high { "destructive" } }
                        @if step.risk == Risk::Executes { " " span.risk.high { "runs code" } }
                        " " span.faint { (by(step.taker)) }
                    }
                    @for note in &step.notes { p.hint { (shown(note)) } }
                    @if !step.changes.is_empty() { (changes(&step.changes, "What the step changes")) }
                }
            }
        }
    }
}

/// Returns the id of a part of the page.
fn part_id(taker: Taker) -> &'static str {
    match taker {
        Taker::NextRun => "automatic",
        Taker::Approval => "approval",
        Taker::Nobody => "excluded",
    }
}

fn by(taker: Taker) -> &'static str {
    match taker {
        Taker::NextRun => "applied automatically",
        Taker::Approval => "waiting for approval",
        Taker::Nobody => "not applied",
    }
}

/// Draws the refusals of guards.
pub(super) fn refusals(refusals: &[Refusal]) -> Markup {
    html! {
        @for refusal in refusals {
            div.banner.warn { p { strong { "A guard refused: " } (message_text(&refusal.message)) ". " span.faint { (message_text(&refusal.help)) } } }
        }
    }
}
