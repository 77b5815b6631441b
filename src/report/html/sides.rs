//! The two sides of a difference: their wording, their cause, and their lines.

use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};

use super::place::place;
use crate::diff::Cause;
use crate::tree::Origin;

/// The number of context lines around a changed line.
const CONTEXT_LINES: usize = 2;

/// The wording for the two sides of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sides {
    /// Before and after applying a plan.
    Plan,
    /// On the platform, and in the tree.
    Drift,
}

impl Sides {
    pub(super) fn before(self) -> &'static str {
        match self {
            Self::Plan => "before",
            Self::Drift => "live",
        }
    }

    pub(super) fn after(self) -> &'static str {
        match self {
            Self::Plan => "after",
            Self::Drift => "tree",
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
