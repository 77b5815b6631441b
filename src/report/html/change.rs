//! The changes of each account; a change that many accounts share is shown once.

use maud::{Markup, html};
use serde_json::Value;

use super::section::Section;
use super::sides::{Sides, text_difference, why};
use super::store::Store;
use super::{asset, sketch};
use crate::diff::{Cause, Change, ChangeKey, Side};
use crate::model::count;
use crate::plan::Risk;
use crate::report::block::{self, Block, Part};
use crate::report::escape::visible;
use crate::report::row::{self, Row};
use crate::report::{Command, ObjectReport, Report, value};

/// How many names are shown before the rest is folded.
const SHOWN_NAMES: usize = 12;

pub(super) fn section(report: &Report, store: &mut Store<'_>) -> Section {
    let sides = match report.command {
        Command::Drift => Sides::Drift,
        Command::Validate | Command::Plan | Command::Apply | Command::Dns => Sides::Plan,
    };
    let found: Vec<ObjectReport> = match sides {
        Sides::Drift => report.objects().map(block::as_found).collect(),
        Sides::Plan => Vec::new(),
    };
    let objects: Vec<&ObjectReport> = match sides {
        Sides::Drift => found.iter().collect(),
        Sides::Plan => report.objects().collect(),
    };
    let blocks = block::blocks(&objects);
    let open: Vec<(&ObjectReport, Vec<Change>)> = match sides {
        Sides::Drift => Vec::new(),
        Sides::Plan => report
            .objects()
            .map(|object| (object, object.open().cloned().collect::<Vec<_>>()))
            .filter(|(_, open)| !open.is_empty())
            .collect(),
    };
    Section {
        id: "changes",
        title: if sides == Sides::Drift {
            "Differences"
        } else {
            "Changes"
        },
        count: blocks.len() + open.len(),
        lead: None,
        body: html! {
            @for block in &blocks { (article(block, alone(block, &blocks), sides, store)) }
            @for (object, changes) in &open { (not_planned(object, changes, store)) }
        },
    }
}

/// Returns the account whose sketch illustrates a block: one without a block of its own that would show the sketch.
fn alone<'a>(block: &Block<'a>, blocks: &[Block<'a>]) -> Option<&'a ObjectReport> {
    if let [only] = block.objects.as_slice() {
        return Some(only);
    }
    let has_own = |object: &ObjectReport| {
        let mut others = blocks.iter().filter(|other| other.objects.len() == 1);
        others.any(|other| {
            other
                .objects
                .iter()
                .any(|own| own.title() == object.title())
        })
    };
    block
        .objects
        .iter()
        .copied()
        .find(|object| !has_own(object))
}

fn article(
    block: &Block<'_>,
    sketched: Option<&ObjectReport>,
    sides: Sides,
    store: &mut Store<'_>,
) -> Markup {
    let changes = || block.steps.iter().flat_map(|part| &part.changes);
    let shared = block.objects.len() > 1;
    let first = block.objects.first();
    let find: Vec<&str> = block.objects.iter().map(|object| object.title()).collect();
    html! {
        article.change data-tags=(tags(block, sides)) data-find={ (visible(&find.join(" "))) " " (keys(changes())) } {
            @if shared {
                h3 { "The same on " (count(block.objects.len(), "account")) }
                (names(&find))
            } @else if let Some(object) = first {
                (heading(object))
            }
            @if let Some(object) = sketched {
                (sketch::figures(object, changes(), sides, shared, store))
            }
            @for part in &block.steps { (step(part, sides, store)) }
        }
    }
}

fn heading(object: &ObjectReport) -> Markup {
    html! {
        h3 { (visible(object.title())) }
        @if let Some(id) = &object.id { p.id { code { (id.as_str()) } } }
    }
}

/// Renders differences that no step fixes.
fn not_planned(object: &ObjectReport, changes: &[Change], store: &mut Store<'_>) -> Markup {
    html! {
        article.change data-tags="refused" data-find={ (visible(object.title())) " " (keys(changes.iter())) } {
            (heading(object))
            p.verb { span.badge.warn { "differs, not planned" } }
            (differences(changes, Sides::Plan, store))
        }
    }
}

/// Returns the tags that the page's script filters by.
fn tags(block: &Block<'_>, sides: Sides) -> String {
    let mut tags: Vec<&str> = Vec::new();
    let worst = block.steps.iter().map(|part| part.risk).max();
    if let Some(risk) = worst.filter(|_| sides == Sides::Plan) {
        tags.push(risk_word(risk));
    }
    let mut changes = block.steps.iter().flat_map(|part| &part.changes);
    if changes
        .clone()
        .any(|change| matches!(change.key, ChangeKey::Asset(_)))
    {
        tags.push("picture");
    }
    if changes.any(|change| matches!(change.cause, Cause::Drift | Cause::Conflict)) {
        tags.push("live");
    }
    if block
        .objects
        .iter()
        .any(|object| !object.refusals.is_empty())
    {
        tags.push("refused");
    }
    tags.join(" ")
}

/// Returns the searchable text of some changes: keys, values and files.
fn keys<'a>(changes: impl Iterator<Item = &'a Change>) -> String {
    let mut words = Vec::new();
    for change in changes {
        words.push(value::key(&change.key));
        for side in [&change.before, &change.after] {
            if let Side::Value(Value::String(text)) = side {
                words.push(visible(text).chars().take(200).collect());
            }
        }
        words.extend(
            change
                .origin
                .as_ref()
                .map(|origin| visible(origin.file.as_str()).into_owned()),
        );
    }
    words.dedup();
    words.join(" ")
}

fn risk_word(risk: Risk) -> &'static str {
    match risk {
        Risk::Reversible => "reversible",
        Risk::CustomerVisible => "customer-visible",
        Risk::Destructive => "destructive",
    }
}

fn step(part: &Part<'_>, sides: Sides, store: &mut Store<'_>) -> Markup {
    html! {
        @if sides == Sides::Plan {
            p.verb {
                strong { (part.verb.as_str()) @if let Some(asset) = part.asset { " " (asset) } }
                " " span class={ "badge " (risk_word(part.risk)) } { (risk_word(part.risk)) }
                @for name in &part.waits_for { " " span.after { "after " (visible(name)) } }
            }
        }
        (differences(&part.changes, sides, store))
        @for note in &part.notes { p.note { (visible(note)) } }
    }
}

/// Renders fields as a table, then assets with their pictures.
fn differences(changes: &[Change], sides: Sides, store: &mut Store<'_>) -> Markup {
    let (assets, fields): (Vec<&Change>, Vec<&Change>) = changes
        .iter()
        .partition(|change| matches!(change.key, ChangeKey::Asset(_)));
    let fields: Vec<Change> = fields.into_iter().cloned().collect();
    let rows = row::rows(&fields);
    html! {
        @if !rows.is_empty() {
            table.fields {
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
                td colspan="2" data-label={ (sides.before()) " and " (sides.after()) } { (text_difference(&old, &new)) }
                td data-label="why" { (why(row.cause, row.origin.as_ref(), sides)) }
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
            td data-label=(sides.before()) {
                @match side(&row.before) {
                    Some(text) => { del { (text) } }
                    None => { span.nothing { "nothing" } }
                }
            }
            td data-label=(sides.after()) {
                @match side(&row.after) {
                    Some(text) => { ins { (text) } }
                    None => { span.nothing { "nothing" } }
                }
            }
            td data-label="why" { (why(row.cause, row.origin.as_ref(), sides)) }
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
