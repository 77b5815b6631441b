//! The two sides of a difference: their wording, their cause, and their lines.

use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};

use super::place::place;
use crate::diff::Cause;
use crate::report::Command;
use crate::report::card::Tense;
use crate::tree::Origin;

/// The number of context lines around a changed line.
const CONTEXT_LINES: usize = 2;

/// The wording for the two sides of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Sides {
    /// Live, and after applying a plan.
    Plan,
    /// Live, and as declared.
    Drift,
}

impl Sides {
    /// Returns the sides that a command's report compares.
    pub(in crate::report) fn of(command: Command) -> Self {
        match command {
            Command::Drift | Command::Diff => Self::Drift,
            Command::Validate | Command::Plan | Command::Apply | Command::Dns => Self::Plan,
        }
    }

    /// Returns the word for the platform's side.
    #[expect(clippy::unused_self, reason = "both sides are asked alike")]
    pub(in crate::report) fn before(self) -> &'static str {
        "Live"
    }

    /// Returns the word for the tree's side.
    pub(in crate::report) fn after(self) -> &'static str {
        match self {
            Self::Plan => "After",
            Self::Drift => "Declared",
        }
    }

    pub(super) fn tense(self) -> Tense {
        match self {
            Self::Plan => Tense::Plan,
            Self::Drift => Tense::Drift,
        }
    }

    /// Returns the class of tables, which names their columns on a narrow page.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Drift => "drift",
        }
    }
}

/// Renders why something differs, and where the tree declares it.
pub(super) fn why(cause: Cause, origin: Option<&Origin>, sides: Sides) -> Markup {
    let (class, words) = match (cause, sides) {
        (Cause::Differs, _) => ("", ""),
        (Cause::Git, Sides::Plan) => ("badge", "changed in Git"),
        (Cause::Git, Sides::Drift) => ("badge", "in Git, not applied yet"),
        (Cause::Drift, _) => ("badge warn", "changed by hand on the platform"),
        (Cause::Conflict, _) => ("badge bad", "changed by hand and in Git"),
        (Cause::Removal, _) => ("badge warn", "must not be there"),
    };
    html! {
        @if !words.is_empty() { span class=(class) { (words) } " " }
        @if let Some(origin) = origin { (place(origin.file.as_str(), origin.line, origin.column)) }
    }
}

/// Renders a line-by-line diff of two texts.
pub(super) fn text_difference(old: &[String], new: &[String]) -> Markup {
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    let difference = TextDiff::from_slices(&old, &new);
    html! {
        pre.lines {
            @for (number, group) in difference.grouped_ops(CONTEXT_LINES).iter().enumerate() {
                @if number > 0 { span.gap { "…" } }
                @for line in group.iter().flat_map(|operation| difference.iter_changes(operation)) {
                    @match line.tag() {
                        ChangeTag::Delete => { del { "− " (line.value()) } }
                        ChangeTag::Insert => { ins { "+ " (line.value()) } }
                        ChangeTag::Equal => { span { "  " (line.value()) } }
                    }
                }
            }
        }
    }
}
