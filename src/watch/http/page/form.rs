//! Forms that give orders.

use maud::{Markup, html};

use super::frame::Frame;

/// How long a pause may be asked for, in minutes; none for until somebody resumes.
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

/// Asks for a look at one account, or at all.
pub(super) fn resync(frame: &Frame<'_>, account: Option<&str>) -> Markup {
    html! {
        form method="post" action="/resync" {
            (hidden(frame))
            @if let Some(account) = account { input type="hidden" name="account" value=(account); }
            button type="submit" #resync {
                @if account.is_some() { "Check now" } @else { "Check all now" }
            }
        }
    }
}

/// Asks for a pause.
pub(super) fn pause(frame: &Frame<'_>) -> Markup {
    html! {
        details #pausing {
            summary.button { "Pause…" }
            form.pause method="post" action="/pause" {
                (hidden(frame))
                p.hint { "Reading and reporting go on; nothing is written." }
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
                div.field {
                    label for="by" { "Your name" }
                    input #by name="by" maxlength="100" autocomplete="name";
                }
                button.primary type="submit" #pause { "Pause" }
            }
        }
    }
}

/// Ends a pause.
pub(super) fn resume(frame: &Frame<'_>) -> Markup {
    html! {
        form method="post" action="/resume" {
            (hidden(frame))
            button type="submit" #resume { "Resume" }
        }
    }
}

/// Approves what the next run would do.
pub(super) fn approve(frame: &Frame<'_>, plan: &str) -> Markup {
    html! {
        form method="post" action="/approve" {
            (hidden(frame))
            input type="hidden" name="plan" value=(plan);
            button.primary type="submit" #approve { "Approve and apply" }
        }
    }
}
