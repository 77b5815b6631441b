//! What a person can decide about a brand: the buttons on its card.

use maud::{Markup, html};

use super::context::Frame;
use super::form::{self, Decided, Decision, decision};
use super::words::{path, shown, time};
use crate::daemon::{Declined, Keep, ObjectStatus, Status, Taker};
use crate::dashboard::intervene::{obstacle, obstacle_to_part};
use crate::diff::{Change, Direction};
use crate::model::{AccountName, ObjectName, count, in_a_shell, visible};
use crate::report::{Line, lines};

/// Draws what a person can decide about an object's part of the plan, or why it cannot be decided now.
pub(super) fn of_object(frame: &Frame<'_>, object: &ObjectStatus) -> Markup {
    let is_drift = object.pending.is_empty() && !object.drift.is_empty();
    html! {
        @if let Some(declined) = &object.declined { (said(frame, declined)) }
        @if let Some(approval) = &object.approval {
            p.decided {
                strong { "Approved" } " by " (shown(approval.author.named())) ", " (time(approval.author.at, frame.now))
                @if let Some(reason) = &approval.author.reason { ": " (shown(reason)) }
                ". It is read once more, and carried out if it is still what was approved."
            }
        } @else if let Some(part) = object.part.as_ref().filter(|_| is_open(object)) {
            @match obstacle_to_part(frame.status) {
                Err(refused) => p { strong { "Cannot be decided now: " } (shown(&refused.why)) "." },
                Ok(()) => {
                    @let decided = Decided { plan: part.plan.as_str(), object: Some(&object.name) };
                    div.actions {
                        @if part.is_alone {
                            (decision(frame, decided, Decision::Approve, approving(object, is_drift)))
                        }
                        @if is_drift { (keep(frame, object)) }
                        @if object.declined.is_none() && !is_drift {
                            (decision(frame, decided, Decision::Reject, ["Reject", "Nothing of it is applied, for as long as exactly this is planned."]))
                        }
                        @if object.declined.is_none() {
                            (decision(frame, decided, Decision::PutOff, if is_drift {
                                ["Leave until", "It stays as it is on the platform until then, unless it changes again."]
                            } else {
                                ["Put off", "Nothing of it is applied until then, unless other changes are planned."]
                            }))
                        }
                    }
                    @if !part.is_alone {
                        p.hint { "These changes cannot be made without those of other accounts: " a href="/plan" { "approve the whole plan" } "." }
                    }
                },
            }
        } @else if is_drift {
            p.hint { "The daemon leaves it: the policy does (heal: off), or a guard refuses it. To put it right all the same:" }
            p { code { (command(frame.status, "apply --account", &object.name)) } }
            div.actions { (keep(frame, object)) }
        }
    }
}

/// Returns whether somebody has to decide, or can decide before the daemon acts.
fn is_open(object: &ObjectStatus) -> bool {
    object.declined.is_some()
        || !object.drift.is_empty()
        || object
            .steps
            .iter()
            .any(|step| step.taker == Taker::Approval)
}

fn approving(object: &ObjectStatus, is_drift: bool) -> [&'static str; 2] {
    let by_hand = |change: &Change| change.cause.direction() == Some(Direction::Live);
    let mut changes = object.steps.iter().flat_map(|step| &step.changes);
    if is_drift {
        ["Put right", "What is declared is written now."]
    } else if changes.any(by_hand) {
        [
            "Approve",
            "Exactly the changes of this account are written: those of the tree, and what was changed by hand is put right.",
        ]
    } else {
        [
            "Approve",
            "Exactly the changes of this account are written.",
        ]
    }
}

/// Draws how to take what is live into the tree, which only a commit does: the command, the patch, the pull request.
fn keep(frame: &Frame<'_>, object: &ObjectStatus) -> Markup {
    html! {
        @if let ObjectName::Account(name) = &object.name {
            details id={ "keep-" (super::words::segment(name.as_str())) "-form" } {
                summary.button { "Keep this…" }
                div.pause {
                    p.hint { "What is live is kept by writing it into the tree. In a checkout of the tree, this changes the files; commit them:" }
                    p { code { (command(frame.status, "import --accept", &object.name)) } }
                    @let keep = object.keep.as_ref();
                    @match frame.published.patch(name) {
                        Some(patch) => (whole_patch(name, &patch)),
                        None => (changed_lines(object)),
                    }
                    @for note in keep.iter().flat_map(|keep| &keep.notes) { p.hint { (shown(note)) } }
                    (proposed(frame, name, keep))
                }
            }
        }
    }
}

/// The longest patch that a page shows, in bytes; a longer one can be downloaded.
const SHOWN_PATCH: usize = 30_000;

/// Draws a patch for `git apply`, exactly as it is.
fn whole_patch(name: &AccountName, patch: &str) -> Markup {
    // What cannot be seen must not be copied from a page.
    let is_plain = patch.lines().all(|line| visible(line).to_string() == line);
    html! {
        p.hint {
            "Or apply the patch at the top of the repository: "
            a href={ (path(name.as_str())) "/keep.patch" } download="keep.patch" { "keep.patch" }
        }
        p { code { "git apply keep.patch" } }
        @if is_plain && patch.len() <= SHOWN_PATCH {
            pre.patch.whole tabindex="0" role="group" aria-label="The patch of the tree" { (patch) }
        }
    }
}

/// Draws what changes, as long as there is no patch.
fn changed_lines(object: &ObjectStatus) -> Markup {
    let changes: Vec<Change> = (object.drift.iter())
        .map(|drift| drift.change.clone())
        .collect();
    html! {
        pre.patch tabindex="0" role="group" aria-label="What changes in the tree" {
            @for line in lines(&changes) { (patched(&line)) }
        }
        p.hint { "A value that other accounts take from the same line goes into this account's own file instead; --dry-run shows what is written." }
    }
}

/// Draws the pull request that keeps the drift, or the button that opens one.
fn proposed(frame: &Frame<'_>, name: &AccountName, keep: Option<&Keep>) -> Markup {
    let pull = keep.and_then(|keep| keep.pull.as_ref());
    html! {
        @if let Some(pull) = pull {
            p.decided {
                @let number = html! { "pull request " (pull.number) };
                @match pull.link.as_deref().filter(|link| is_web(link)) {
                    Some(link) => { "Proposed: " a href=(link) rel="noreferrer" { (number) } },
                    None => { "Proposed: " (number) },
                }
                @if pull.is_declined { ", which somebody closed for this very change; it stays closed" }
                "."
            }
        }
        @if let Some(problem) = keep.and_then(|keep| keep.problem.as_ref()) {
            p { strong { "Not proposed: " } (shown(problem)) "." }
        }
        @if pull.is_none() && frame.status.cluster.has_forge {
            @let patch = keep.and_then(|keep| keep.patch.as_ref());
            (form::propose(frame, name, patch.map_or("", |patch| patch.as_str())))
        }
    }
}

/// Returns whether a forge's link is one that a page may have.
fn is_web(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("http://")
}

/// Draws what keeping a live value changes where the tree declares it.
fn patched(line: &Line) -> Markup {
    let side = |text: Option<&str>| match text {
        None => format!("{}: (not there)", line.key),
        Some("") => line.key.clone(),
        Some(text) => format!("{}: {text}", line.key),
    };
    html! {
        @if let Some(origin) = &line.origin { span.place { (shown(&format!("{}:{}", origin.file, origin.line))) } "\n" }
        del { "- " (shown(&side(line.after.as_deref()))) } "\n"
        ins { "+ " (shown(&side(line.before.as_deref()))) } "\n"
    }
}

/// Returns a command line for an account of this cluster.
fn command(status: &Status, what: &str, name: &ObjectName) -> String {
    let cluster = (status.cluster.name.as_ref())
        .map_or_else(String::new, |cluster| format!(" --cluster {cluster}"));
    format!("emblazon {what} {}{cluster}", in_a_shell(name.title()))
}

fn said(frame: &Frame<'_>, declined: &Declined) -> Markup {
    let author = &declined.author;
    html! {
        p.decided {
            @match declined.until {
                None => { strong { "Rejected" } " by " (shown(author.named())) ", " (time(author.at, frame.now)) },
                Some(until) => { strong { "Put off" } " by " (shown(author.named())) ", until " (time(until, frame.now)) },
            }
            @if let Some(reason) = &author.reason { ": " (shown(reason)) }
            "."
        }
    }
}

/// Draws what a person can decide about all that waits, or why it cannot be decided now.
pub(super) fn of_all(frame: &Frame<'_>) -> Markup {
    let status = frame.status;
    let waits = status.steps(Taker::Approval) > 0 && status.cluster.approval.is_none();
    let objects = status
        .objects()
        .filter(|object| object.declined.is_none() && object.part.is_some());
    let objects = objects.count()
        + status
            .cluster
            .others
            .iter()
            .filter(|other| other.part.is_some())
            .count();
    html! {
        @if waits && let Some(digest) = &status.cluster.plan {
            div.card.approve {
                p {
                    "All that waits: " (count(status.cluster.offer.steps, "step")) " for " (count(objects, "object"))
                    " (plan " code { (digest.short()) } "). Steps that the policy excludes are not among them, nor what was rejected or put off."
                }
                @let decided = Decided { plan: digest.as_str(), object: None };
                @match obstacle(status) {
                    Ok(()) => div.actions {
                        (decision(frame, decided, Decision::Approve, ["Approve all", "Exactly the steps on this page that wait are carried out."]))
                        (decision(frame, decided, Decision::Reject, ["Reject all", "Nothing of it is applied, for as long as exactly this is planned."]))
                        (decision(frame, decided, Decision::PutOff, ["Put all off", "Nothing of it is applied until then, unless other changes are planned."]))
                    },
                    Err(refused) => p { strong { "Cannot be approved now: " } (shown(&refused.why)) "." },
                }
            }
        }
    }
}
