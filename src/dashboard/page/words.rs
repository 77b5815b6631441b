//! The wording of states, times and changes on pages.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::daemon::{HealthState, ObjectStatus, ProbeSummary, Reason, State};
use crate::diff::{Cause, Change};
use crate::dns::{Standing, Tally};
use crate::report::text::visible;
use crate::report::{Line, lines};

/// Shows text from outside: hidden characters are escaped, and its direction is isolated.
pub(super) fn shown(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// Shows a message: what stands between backticks, such as a command, is code.
pub(super) fn message_text(text: &str) -> Markup {
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return shown(text);
    }
    html! {
        @for (number, piece) in pieces.into_iter().enumerate() {
            @if number % 2 == 1 { code { (visible(piece)) } } @else { (shown(piece)) }
        }
    }
}

/// Draws a state as a word and a sign, so that it does not depend on color alone.
pub(super) fn badge(state: State) -> Markup {
    let (sign, word) = said(state);
    html! {
        span class={ "badge " (state.as_str()) } { span.sign aria-hidden="true" { (sign) } (word) }
    }
}

/// Returns the sign and the word of a state.
pub(super) fn said(state: State) -> (&'static str, &'static str) {
    match state {
        State::Ready => ("✓", "In sync"),
        State::Reconciling => ("↻", "Syncing"),
        State::Stalled => ("!", "Out of sync"),
        State::Unknown => ("?", "Unknown"),
    }
}

/// Describes in a few words why an object is in its state.
pub(super) fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::InSync => "as declared",
        Reason::Pending => "a change is about to be applied",
        Reason::Confirming => "a second read is to confirm a difference",
        Reason::Applying => "steps are being carried out",
        Reason::BackingOff => "it did not succeed, and is tried again",
        Reason::AwaitingApproval => "waiting for approval",
        Reason::ApplyOff => "a change that the policy does not apply",
        Reason::DriftReported => "changed by hand",
        Reason::Refused => "a guard refused something",
        Reason::KeepsChanging => "somebody keeps changing it back",
        Reason::Paused => "paused, and something differs",
        Reason::Rejected => "somebody rejected the change",
        Reason::PutOff => "somebody put it off",
        Reason::NotReadYet => "not read yet",
        Reason::Unreadable => "could not be read",
    }
}

/// Draws how long ago something was, or how soon it will be, with the exact time as a tooltip.
pub(super) fn time(then: Timestamp, now: Timestamp) -> Markup {
    let exact = then.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    html! { time datetime=(then.to_string()) title=(exact) { (relative(then, now)) } }
}

fn relative(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs();
    let span = span(seconds.unsigned_abs());
    match seconds {
        0..5 => "just now".to_owned(),
        5.. => format!("{span} ago"),
        _ => format!("in {span}"),
    }
}

/// Formats a number of seconds in its largest unit.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..90 => format!("{seconds} s"),
        90..5400 => format!("{} min", (seconds + 30) / 60),
        5400..129_600 => format!("{} h", (seconds + 1800) / 3600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

/// Draws the health of an object as a word and a sign.
pub(super) fn health(state: HealthState) -> Markup {
    let (class, sign, word) = health_sign(state);
    html! {
        span class={ "badge " (class) } { span.sign aria-hidden="true" { (sign) } (word) }
    }
}

/// Returns the color, the sign and the word of a state of health.
pub(super) fn health_sign(state: HealthState) -> (&'static str, &'static str, &'static str) {
    match state {
        HealthState::NotChecked => ("unchecked", "–", "Not checked"),
        HealthState::Healthy => ("ready", "✓", "Healthy"),
        HealthState::Progressing => ("reconciling", "↻", "Progressing"),
        HealthState::Unknown => ("unknown", "?", "Unknown"),
        HealthState::Degraded => ("unknown", "!", "Degraded"),
        HealthState::Outage => ("stalled", "✕", "Outage"),
    }
}

/// Draws the result of an object's DNS check in a word.
pub(super) fn dns(object: &ObjectStatus) -> Markup {
    let Some(dns) = &object.dns else {
        return html! { span.faint { "not asked" } };
    };
    let (class, sign, word) = match dns.standing {
        Standing::InSync => ("ready", "✓", "right".to_owned()),
        Standing::Propagating => ("reconciling", "↻", "propagating".to_owned()),
        Standing::Unknown => ("unknown", "?", "unknown".to_owned()),
        Standing::Differs if dns.confirmed.is_none() => (
            "reconciling",
            "↻",
            format!("{} to confirm", wrong(&dns.tally)),
        ),
        Standing::Differs => ("stalled", "!", format!("{} wrong", wrong(&dns.tally))),
    };
    html! { span class={ "dns " (class) } { span.sign aria-hidden="true" { (sign) } (word) } }
}

/// Draws what customers see of a brand in a word.
pub(super) fn seen_brand(probe: &ProbeSummary) -> Markup {
    let (class, sign, word) = match probe.view.is_declared() {
        Some(true) if probe.certificate.as_ref().is_some_and(|it| it.is_near) => {
            ("stalled", "!", "certificate ends")
        }
        Some(true) => ("ready", "✓", "visible"),
        None => ("unknown", "?", "unknown"),
        Some(false) if probe.confirmed.is_none() => ("reconciling", "↻", "to confirm"),
        Some(false) => ("stalled", "!", "not visible"),
    };
    html! { span class={ "dns " (class) } { span.sign aria-hidden="true" { (sign) } (word) } }
}

/// Counts what differs: record sets, or the names at which phones fail although each record set is as declared.
fn wrong(tally: &Tally) -> String {
    match tally.differing() {
        0 => counted(tally.sip_failing, "SIP name", "SIP names"),
        sets => counted(sets, "record set", "record sets"),
    }
}

/// Draws changes as a table: the key, the live value, the declared value, and which side changed.
pub(super) fn changes<'c>(changes: impl IntoIterator<Item = &'c Change>, caption: &str) -> Markup {
    let owned: Vec<Change> = changes.into_iter().cloned().collect();
    html! {
        div.scroll tabindex="0" role="group" aria-label=(caption) {
            table.changes {
                caption.visually-hidden { (caption) }
                thead { tr {
                    th scope="col" { "Key" }
                    th scope="col" { "Live" }
                    th scope="col" { "Declared" }
                    th scope="col" { "Changed" }
                } }
                tbody {
                    @for line in lines(&owned) { (row(&line)) }
                }
            }
        }
    }
}

fn row(line: &Line) -> Markup {
    html! {
        tr {
            th scope="row" { code { (shown(&line.key)) } }
            td.before data-label="Live" { (side(line.before.as_deref())) }
            td.after data-label="Declared" { (side(line.after.as_deref())) }
            td data-label="Changed" { (moved(line.cause)) }
        }
    }
}

fn side(text: Option<&str>) -> Markup {
    html! {
        @match text {
            None => span.faint { "not there" },
            Some("") => span.faint { "there" },
            Some(text) => code { (shown(text)) },
        }
    }
}

fn moved(cause: Cause) -> &'static str {
    match cause {
        Cause::Differs => "not known",
        Cause::Git => "in the tree",
        Cause::Drift => "by hand",
        Cause::Conflict => "both",
        Cause::Removal => "removed from the tree",
    }
}

/// Returns the path of an account's page.
pub(in crate::dashboard) fn path(name: &str) -> String {
    format!("/accounts/{}", segment(name))
}

/// Encodes a text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Returns the first characters of a commit.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

/// Formats a count with a phrase whose verb agrees with it, such as "step is" and "steps are".
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {many}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_by_their_distance() {
        #[track_caller]
        fn check(seconds: i64, expected: &str) {
            let at = |second| Timestamp::from_second(second).unwrap();
            assert_eq!(relative(at(1_000_000 - seconds), at(1_000_000)), expected);
        }
        check(0, "just now");
        check(89, "89 s ago");
        check(90, "2 min ago");
        check(5400, "2 h ago");
        check(3 * 86_400, "3 days ago");
        check(-60, "in 60 s");
        check(-600, "in 10 min");
    }

    #[test]
    fn names_stay_inside_of_their_segment() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            assert_eq!(path(name), expected);
        }
        check("acme", "/accounts/acme");
        check("a/../b?c#d", "/accounts/a%2F..%2Fb%3Fc%23d");
        check("größe \"", "/accounts/gr%C3%B6%C3%9Fe%20%22");
    }

    #[test]
    fn hostile_text_is_only_text() {
        let markup = shown("<script>\u{202e}\"&").into_string();
        assert_eq!(markup, "<bdi>&lt;script&gt;\\u{202e}&quot;&amp;</bdi>");
    }
}
