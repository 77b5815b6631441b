//! The page of one account, or of the domain template.

use maud::{Markup, html};

use super::context::Frame;
use super::plan::{refusals, steps_of};
use super::words::{
    badge, because, counted, dns, health, message_text, seen_brand, short, shown, time,
};
use super::{brand, card, decision, form, history, picture};
use crate::daemon::{Drift, HealthState, ObjectStatus};
use crate::diff::Change;
use crate::report::card::Tense;

/// How many incidents the page shows.
const INCIDENTS: usize = 20;

pub(super) fn page(frame: &Frame<'_>, object: &ObjectStatus) -> Markup {
    let title = object.title();
    let body = html! {
        nav.crumbs aria-label="Way back" { a href="/" { "Overview" } }
        div.subject {
            (picture::large(object))
            div {
                h1 { (shown(brand::heading(object))) }
                p.faint { (brand::line(object)) }
            }
            @if object.name.account().is_some() { (form::resync(frame, Some(title))) }
        }
        (card::definitions())
        div #standing data-live {
            section.card {
                p.state { (badge(object.state)) " " (because(object.reason)) ", " (time(object.since, frame.now)) }
                @if object.name.account().is_some() { (health_of(frame, object)) }
                @if !object.message.is_empty() { p { (message_text(&object.message)) } }
                (facts(frame, object))
            }
            (brand::sides(object))
            (refusals(&object.refusals))
            (drift(frame, object))
            @if !object.pending.is_empty() {
                section.card #pending {
                    h2 { "Changed in the tree, not applied yet" }
                    (card::card(frame, object, &all(&object.pending), None, Tense::Plan))
                    (card::technical("pending-details", &all(&object.pending)))
                    (decision::of_object(frame, object))
                }
            }
            @if !object.steps.is_empty() {
                section.card #steps {
                    h2 { "Planned steps" }
                    (steps_of(&object.steps))
                }
            }
            (probe(frame, object))
            (names(frame, object))
            (past(frame, object))
        }
    };
    frame.page(title, None, &body)
}

/// Draws whether customers get the brand, and what to do where they do not.
fn health_of(frame: &Frame<'_>, object: &ObjectStatus) -> Markup {
    let found = object.health();
    html! {
        p.state #health { (health(found.state())) " " @match found.state() {
            HealthState::NotChecked => "nothing checks whether customers get this brand",
            HealthState::Healthy => "customers get this brand",
            _ => "",
        } }
        @if !found.causes().is_empty() {
            ul.causes {
                @for cause in found.causes() {
                    li {
                        (shown(&cause.what)) @if let Some(since) = cause.since { ", since " (time(since, frame.now)) }
                        @if !cause.remedies.is_empty() {
                            ul.remedies { @for remedy in &cause.remedies { li { (message_text(remedy)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn facts(frame: &Frame<'_>, object: &ObjectStatus) -> Markup {
    html! {
        dl.facts {
            @if let Some(checked) = object.checked { div { dt { "Last checked" } dd { (time(checked, frame.now)) } } }
            @if let Some(retry) = object.retry_at {
                div { dt { "Next retry" } dd { (time(retry, frame.now)) ", after " (counted(object.failures as usize, "failure", "failures")) } }
            }
            @if let Some(commit) = &object.commit { div { dt { "Synced to commit" } dd { code { (short(commit)) } } } }
            @if let Some(revision) = &object.revision { div { dt { "Revision" } dd { code { (shown(short(revision.as_str()))) } } } }
            @if let Some(id) = &object.id { div { dt { "Account id" } dd { code.id { (id.as_str()) } } } }
        }
    }
}

/// Collects changes for a card.
fn all(changes: &[Change]) -> Vec<&Change> {
    changes.iter().collect()
}

fn drift(frame: &Frame<'_>, object: &ObjectStatus) -> Markup {
    let drift = &object.drift;
    html! {
        @if !drift.is_empty() {
            section.card #drift {
                h2 { "Changed by hand" }
                @let changes: Vec<&Change> = drift.iter().map(|drift| &drift.change).collect();
                (card::card(frame, object, &changes, None, Tense::Drift))
                @if object.pending.is_empty() { (decision::of_object(frame, object)) }
                (card::technical("drift-details", &changes))
                @if let Some(author) = &object.changed_by { p #changed-by { "Changed by " (shown(&author.to_string())) ", the platform says." } }
                @for line in seen(frame, drift) { p.hint { (line) } }
            }
        }
    }
}

/// Describes when the changes were seen, once for all that were seen together.
fn seen(frame: &Frame<'_>, drift: &[Drift]) -> Vec<Markup> {
    let line = |one: &Drift| {
        html! {
            "Seen " (time(one.seen, frame.now))
            @match one.confirmed {
                Some(confirmed) => { ", confirmed " (time(confirmed, frame.now)) },
                None => ", to be confirmed by a second read",
            }
            @if one.rounds > 0 { ", fixed and changed again " (counted(one.rounds as usize, "time", "times")) }
            "."
        }
    };
    let mut lines: Vec<Markup> = drift.iter().map(line).collect();
    lines.dedup_by(|one, other| one.0 == other.0);
    lines
}

/// Draws what customers see.
fn probe(frame: &Frame<'_>, object: &ObjectStatus) -> Markup {
    html! {
        @if let Some(found) = &object.probe {
            section.card #probe {
                h2 { "What customers see " (seen_brand(found)) }
                p { "At " (shown(&found.host)) ", " (found.view.sentence()) "." }
                p.hint {
                    "Probed " (time(found.asked, frame.now))
                    @if let Some(seen) = found.seen { ", not seen since " (time(seen, frame.now)) }
                    @if let Some(confirmed) = found.confirmed { ", confirmed " (time(confirmed, frame.now)) }
                    "."
                }
                @if let Some(certificate) = found.certificate.as_ref().filter(|it| it.is_near) {
                    p #certificate { (shown(&certificate.sentence)) }
                }
                @if !found.lines.is_empty() {
                    ul.lines { @for line in &found.lines { li { (shown(line)) } } }
                }
            }
        }
    }
}

fn names(frame: &Frame<'_>, object: &ObjectStatus) -> Markup {
    html! {
        @if let Some(found) = &object.dns {
            section.card #dns {
                h2 { "DNS " (dns(object)) }
                p.hint {
                    @if let Some(domain) = &object.domain { "Of " (shown(domain)) ", which the tree declares. " }
                    "Asked " (time(found.asked, frame.now)) ", " (counted(found.tally.hosts(), "record set", "record sets"))
                    @if let Some(seen) = found.seen { ", seen to differ " (time(seen, frame.now)) }
                    @if let Some(confirmed) = found.confirmed { ", confirmed by a second look " (time(confirmed, frame.now)) }
                    "."
                }
                @if !found.lines.is_empty() {
                    ul.lines { @for line in &found.lines { li { (shown(line)) } } }
                }
            }
        }
    }
}

fn past(frame: &Frame<'_>, object: &ObjectStatus) -> Markup {
    let all = &frame.status.history.incidents;
    let own = || {
        all.iter()
            .rev()
            .filter(|incident| incident.account.as_ref() == object.name.account())
    };
    html! {
        @if object.name.account().is_some() && own().next().is_some() {
            section.card { h2 { "History" } (history::table(frame, own().take(INCIDENTS), false)) }
        }
    }
}
