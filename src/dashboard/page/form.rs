//! Forms for interventions.

use maud::{Markup, html};

use super::context::Frame;

/// The durations of a pause to choose from, in minutes; empty for until somebody resumes.
pub(super) const PAUSES: [(&str, &str); 5] = [
    ("30", "30 minutes"),
    ("120", "2 hours"),
    ("480", "8 hours"),
    ("1440", "1 day"),
    ("", "until somebody resumes"),
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

/// Draws the form that approves a plan.
pub(super) fn approve(frame: &Frame<'_>, plan: &str) -> Markup {
    html! {
        form.pause method="post" action="/approve" {
            (hidden(frame))
            input type="hidden" name="plan" value=(plan);
            (author(frame, "approve", Some("as agreed with the customer")))
            button.primary type="submit" #approve { "Approve and apply" }
        }
    }
}
