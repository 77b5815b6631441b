//! Forms for interventions.

use maud::{Markup, html};

use super::context::Frame;
use super::words::segment;
use crate::model::{AccountName, ObjectName};

/// The durations of a pause to choose from, in minutes; empty for until somebody resumes.
pub(super) const PAUSES: [(&str, &str); 5] = [
    ("30", "30 minutes"),
    ("120", "2 hours"),
    ("480", "8 hours"),
    ("1440", "1 day"),
    ("", "until somebody resumes"),
];

/// For how long something is put off, in days.
pub(super) const POSTPONEMENTS: [(&str, &str); 4] = [
    ("1", "1 day"),
    ("3", "3 days"),
    ("7", "1 week"),
    ("30", "30 days"),
];

fn hidden(frame: &Frame<'_>) -> Markup {
    html! {
        input type="hidden" name="form" value=(frame.form);
        input type="hidden" name="back" value=(frame.here);
    }
}

/// Draws the fields for name and reason; `form` makes their ids unique on the page.
fn author(frame: &Frame<'_>, form: &str, why: Option<&str>) -> Markup {
    html! {
        div.field {
            label for={ (form) "-by" } { "Your name" }
            input id={ (form) "-by" } name="by" required maxlength="100" autocomplete="name" value=(frame.name);
        }
        @if let Some(example) = why {
            div.field {
                label for={ (form) "-reason" } { "Reason (optional)" }
                input id={ (form) "-reason" } name="reason" maxlength="500" autocomplete="off" placeholder=(example);
            }
        }
    }
}

/// Draws the form that has the drift of an account proposed as a pull request; `patch` is the digest of the patch that is
/// shown.
pub(super) fn propose(frame: &Frame<'_>, name: &AccountName, patch: &str) -> Markup {
    let id = format!("propose-{}", segment(name.as_str()));
    html! {
        form method="post" action="/propose" {
            (hidden(frame))
            input type="hidden" name="account" value=(name.as_str());
            input type="hidden" name="plan" value=(patch);
            p.hint { "Or have the daemon open a pull request with this patch. Name and reason are kept in the history." }
            (author(frame, &id, Some("agreed with the customer")))
            button.primary type="submit" id=(id) { "Propose" }
        }
    }
}

/// Draws the button to check one account, or all; the name is sent along if it is already known.
pub(super) fn resync(frame: &Frame<'_>, account: Option<&str>) -> Markup {
    html! {
        form method="post" action="/resync" {
            (hidden(frame))
            input type="hidden" name="by" value=(frame.name);
            @if let Some(account) = account { input type="hidden" name="account" value=(account); }
            button type="submit" #resync {
                @if account.is_some() { "Check now" } @else { "Check all now" }
            }
        }
    }
}

/// Draws the form for a pause.
pub(super) fn pause(frame: &Frame<'_>) -> Markup {
    html! {
        details #pausing {
            summary.button { "Pause…" }
            form.pause method="post" action="/pause" {
                (hidden(frame))
                p.hint { "Nothing is written during a pause; checks and alerts continue. Name and reason are kept in the history." }
                div.field {
                    label for="reason" { "Why" }
                    input #reason name="reason" required maxlength="500" autocomplete="off"
                        placeholder="migration of the proxies";
                }
                div.field {
                    label for="minutes" { "For" }
                    select #minutes name="minutes" {
                        @for (value, word) in PAUSES { option value=(value) { (word) } }
                    }
                }
                (author(frame, "pause", None))
                button.primary type="submit" #pause { "Pause" }
            }
        }
    }
}

/// Draws the form that ends a pause.
pub(super) fn resume(frame: &Frame<'_>) -> Markup {
    html! {
        details #resuming {
            summary.button { "Resume…" }
            form.pause method="post" action="/resume" {
                (hidden(frame))
                (author(frame, "resume", Some("the migration is done")))
                button.primary type="submit" #resume { "Resume" }
            }
        }
    }
}

/// A decision about the plan, or about one object's part of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Approve,
    Reject,
    PutOff,
}

/// What a decision is about.
#[derive(Clone, Copy)]
pub(super) struct Decided<'a> {
    /// The digest of what is shown.
    pub(super) plan: &'a str,
    /// The object, for its part of the plan.
    pub(super) object: Option<&'a ObjectName>,
}

/// Draws a button that opens the form of a decision; `words` are those of the button and of what it does.
pub(super) fn decision(
    frame: &Frame<'_>,
    decided: Decided<'_>,
    decision: Decision,
    words: [&str; 2],
) -> Markup {
    let (action, example) = match decision {
        Decision::Approve => ("approve", "as agreed with the customer"),
        Decision::Reject => ("reject", "the logo is the old one"),
        Decision::PutOff => ("put-off", "after the trade fair"),
    };
    let id = match decided.object {
        Some(object) => format!("{action}-{}", segment(object.title())),
        None => action.to_owned(),
    };
    let [button, does] = words;
    html! {
        details id={ (id) "-form" } {
            summary.button .primary[decision == Decision::Approve] { (button) "…" }
            form.pause method="post" action={ "/" (action) } {
                (hidden(frame))
                input type="hidden" name="plan" value=(decided.plan);
                @match decided.object {
                    Some(ObjectName::Account(name)) => input type="hidden" name="account" value=(name.as_str());,
                    Some(_) => input type="hidden" name="template" value="yes";,
                    None => {},
                }
                p.hint { (does) " Name and reason are kept in the history." }
                @if decision == Decision::PutOff {
                    div.field {
                        label for={ (id) "-days" } { "For" }
                        select id={ (id) "-days" } name="days" {
                            @for (value, word) in POSTPONEMENTS { option value=(value) { (word) } }
                        }
                    }
                }
                (author(frame, &id, Some(example)))
                button.primary type="submit" id=(id) { (button) }
            }
        }
    }
}
