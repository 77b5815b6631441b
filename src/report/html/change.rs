//! The technical details of a brand: keys, values, files and assets.

use maud::{Markup, html};
use serde_json::Value;

use super::asset;
use super::sides::{Sides, text_difference, why};
use super::store::Store;
use crate::diff::{Change, ChangeKey, Side};
use crate::plan::Risk;
use crate::report::block::Part;
use crate::report::escape::visible;
use crate::report::row::{self, Row};
use crate::report::value;

/// How many names are shown before the rest is folded.
const SHOWN_NAMES: usize = 12;

/// Renders a step: its changes, and its notes.
pub(super) fn step(part: &Part<'_>, sides: Sides, store: &mut Store<'_>) -> Markup {
    html! {
        @if sides == Sides::Plan {
            p.verb {
                strong { (part.verb.of(part.asset)) }
                @if part.risk == Risk::Destructive { " " span.badge.bad { "destructive" } }
                @if part.risk == Risk::Executes { " " span.badge.bad { "runs code" } }
                @for name in &part.waits_for { " " span.after { "after " (visible(name)) } }
            }
        }
        (differences(&part.changes, sides, store))
        @for note in &part.notes { p.note { (visible(note)) } }
    }
}

/// Renders fields as a table, then assets with their pictures.
pub(super) fn differences(changes: &[Change], sides: Sides, store: &mut Store<'_>) -> Markup {
    let (assets, fields): (Vec<&Change>, Vec<&Change>) = changes
        .iter()
        .partition(|change| matches!(change.key, ChangeKey::Asset(_)));
    let fields: Vec<Change> = fields.into_iter().cloned().collect();
    let rows = row::rows(&fields);
    html! {
        @if !rows.is_empty() {
            table class={ "fields " (sides.class()) } {
                thead { tr {
                    th scope="col" { "Key" } th scope="col" { (sides.before()) }
                    th scope="col" { (sides.after()) } th scope="col" { "Why" }
                } }
                tbody { @for row in &rows { (field(row, sides)) } }
            }
        }
        @for change in assets {
            @if let ChangeKey::Asset(kind) = change.key { (asset::difference(kind, change, sides, store)) }
        }
    }
}

fn field(row: &Row, sides: Sides) -> Markup {
    if let (Side::Value(old), Side::Value(new)) = (&row.before, &row.after)
        && let (Some(old), Some(new)) = (lines(old), lines(new))
    {
        return html! {
            tr {
                th scope="row" { code { (row.key) } }
                td colspan="2" { (text_difference(&old, &new)) }
                td { (why(row.cause, row.origin.as_ref(), sides)) }
            }
        };
    }
    let side = |side: &Side| match (side, row.text(side)) {
        (Side::Present, _) => Some("there".to_owned()),
        (_, text) => text,
    };
    html! {
        tr {
            th scope="row" { code { (row.key) } }
            td {
                @match side(&row.before) {
                    Some(text) => { del { (text) } }
                    None => { span.nothing { "nothing" } }
                }
            }
            td {
                @match side(&row.after) {
                    Some(text) => { ins { (text) } }
                    None => { span.nothing { "nothing" } }
                }
            }
            td { (why(row.cause, row.origin.as_ref(), sides)) }
        }
    }
}

/// Returns the lines of a value that is long enough to compare line by line.
fn lines(value: &Value) -> Option<Vec<String>> {
    let several = match value {
        Value::String(text) => text.trim_end().contains('\n'),
        Value::Array(_) | Value::Object(_) => value::inline(value).len() > 60,
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    };
    several.then(|| value::lines(value))
}

/// Renders a list of names, folded if there are many.
pub(super) fn names(names: &[&str]) -> Markup {
    let (first, others) = names.split_at(if names.len() <= SHOWN_NAMES + 1 {
        names.len()
    } else {
        SHOWN_NAMES
    });
    let list =
        |names: &[&str]| html! { ul.names { @for name in names { li { (visible(name)) } } } };
    html! {
        (list(first))
        @if !others.is_empty() {
            details { summary { (others.len()) " more" } (list(others)) }
        }
    }
}
