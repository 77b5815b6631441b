//! Differences as text, field by field.

use std::fmt;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::page::{Page, Piece, Tone, piece, width};
use crate::diff::{Cause, Change, Side};
use crate::model;
use crate::report::card::Tense;
use crate::report::row::{self, Row};
use crate::report::value;
use crate::tree::Origin;

/// The number of context lines around a changed line.
const CONTEXT_LINES: usize = 2;
/// The maximum width of keys that values are aligned with.
const MAX_KEY: usize = 34;

/// The wording for the two sides of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// `before -> after`, for what a plan does.
    Plan,
    /// `live … tree …`, for what was found.
    Drift,
}

impl Words {
    pub(super) fn tense(self) -> Tense {
        match self {
            Self::Plan => Tense::Plan,
            Self::Drift => Tense::Drift,
        }
    }
}

/// Writes the changes of one step, with their values aligned.
pub(super) fn write_all(
    page: &mut Page<'_>,
    indent: usize,
    changes: &[Change],
    words: Words,
) -> fmt::Result {
    let rows = row::rows(changes);
    let column = rows
        .iter()
        .map(|row| width(&[key(row)]))
        .filter(|width| *width <= MAX_KEY)
        .max()
        .unwrap_or(0);
    for row in &rows {
        write(page, indent, row, column, words)?;
    }
    Ok(())
}

fn write(
    page: &mut Page<'_>,
    indent: usize,
    change: &Row,
    mut column: usize,
    words: Words,
) -> fmt::Result {
    if let Some((old, new)) = long(change, page.options.width) {
        return write_lines(page, indent, change, &old, &new, words);
    }
    let mut head = vec![marker(change, words), key(change)];
    let sides = sides(change, words);
    if width(&sides) == 0 {
        column = 0;
    }
    let pad = (column + 2).saturating_sub(width(&[key(change)])).max(2);
    head.push(piece(Tone::Plain, " ".repeat(pad)));
    let mut tail = Vec::new();
    tail.extend(cause(change, words));
    let mut line = head.clone();
    line.extend(sides.iter().cloned());
    line.extend(tail.iter().cloned());
    let origin = change.origin.as_ref().map(origin);
    if let Some(origin) = &origin {
        line.push(piece(Tone::Plain, "  "));
        line.push(piece(Tone::Faint, format!("({origin})")));
    }
    if page.fits(indent, &line) {
        return page.line(indent, &line);
    }
    let mut short = head;
    short.extend(sides);
    if page.fits(indent, &short) {
        page.line(indent, &short)?;
        return write_tail(page, indent + 4, tail, origin);
    }
    page.line(indent, &[marker(change, words), key(change)])?;
    let mut stack = stacked(change, words);
    let mut last = stack.pop().unwrap_or_default();
    for line in stack {
        page.line(indent + 4, &line)?;
    }
    let mut with_tail = last.clone();
    with_tail.extend(tail.iter().cloned());
    if let Some(origin) = &origin {
        with_tail.push(piece(Tone::Faint, format!("  ({origin})")));
    }
    if page.fits(indent + 4, &with_tail) {
        last = with_tail;
        page.line(indent + 4, &last)?;
    } else {
        page.line(indent + 4, &last)?;
        write_tail(page, indent + 4, tail, origin)?;
    }
    Ok(())
}

/// Writes the cause and the origin on a separate line.
fn write_tail(
    page: &mut Page<'_>,
    indent: usize,
    mut tail: Vec<Piece>,
    origin: Option<String>,
) -> fmt::Result {
    if let Some(first) = tail.first_mut() {
        *first = piece(first.tone, first.text.trim_start());
    }
    if let Some(origin) = origin {
        if !tail.is_empty() {
            tail.push(piece(Tone::Plain, "  "));
        }
        tail.push(piece(Tone::Faint, format!("({origin})")));
    }
    if !tail.is_empty() {
        page.wrapped(indent, indent, &tail)?;
    }
    Ok(())
}

fn marker(change: &Row, words: Words) -> Piece {
    match (words, &change.before, &change.after) {
        (Words::Plan, Side::Absent, _) => piece(Tone::Added, "+ "),
        (Words::Plan, _, Side::Absent) => piece(Tone::Removed, "- "),
        _ => piece(Tone::Changed, "~ "),
    }
}

fn key(change: &Row) -> Piece {
    piece(Tone::Key, change.key.as_str())
}

fn sides(change: &Row, words: Words) -> Vec<Piece> {
    let words_of = |side: &Side| {
        let text = change.text(side);
        text.map(|text| match (words, side) {
            (Words::Drift, Side::Present) => "(there)".to_owned(),
            _ => text,
        })
    };
    let (before, after) = (words_of(&change.before), words_of(&change.after));
    match words {
        Words::Drift if change.before == Side::Absent && change.after == Side::Present => {
            let text = match change.cause {
                Cause::Drift | Cause::Conflict => "the whole whitelabel is gone",
                Cause::Differs | Cause::Git | Cause::Removal => "there is none",
            };
            vec![piece(Tone::Removed, text)]
        }
        Words::Plan => match (before, after) {
            (Some(before), Some(after)) => vec![
                piece(Tone::Removed, before),
                piece(Tone::Plain, " -> "),
                piece(Tone::Added, after),
            ],
            (None, Some(after)) => vec![piece(Tone::Added, after)],
            (Some(before), None) => vec![piece(Tone::Removed, before)],
            (None, None) => Vec::new(),
        },
        Words::Drift => vec![
            piece(Tone::Plain, "live "),
            piece(Tone::Removed, before.unwrap_or_else(nothing)),
            piece(Tone::Plain, "  tree "),
            piece(Tone::Added, after.unwrap_or_else(nothing)),
        ],
    }
}

fn nothing() -> String {
    "(nothing)".to_owned()
}

fn stacked(change: &Row, words: Words) -> Vec<Vec<Piece>> {
    let (old, new) = side_words(words);
    let mut rows = Vec::new();
    let mut row = |word: &str, tone: Tone, text: Option<String>| {
        let text = match words {
            Words::Plan => text,
            Words::Drift => Some(text.unwrap_or_else(nothing)),
        };
        if let Some(text) = text {
            rows.push(vec![piece(tone, format!("{word}{text}"))]);
        }
    };
    row(old, Tone::Removed, change.text(&change.before));
    row(new, Tone::Added, change.text(&change.after));
    rows
}

fn side_words(words: Words) -> (&'static str, &'static str) {
    match words {
        Words::Plan => ("- ", "+ "),
        Words::Drift => ("live  ", "tree  "),
    }
}

fn cause(change: &Row, words: Words) -> Option<Piece> {
    let (tone, text) = match change.cause {
        Cause::Git if words == Words::Drift => (Tone::Warning, "  in Git, not applied yet"),
        Cause::Differs | Cause::Git => return None,
        Cause::Drift => (Tone::Warning, "  changed on the platform"),
        Cause::Conflict => (Tone::Failure, "  changed on the platform and in Git"),
        Cause::Removal => (Tone::Warning, "  must not be there"),
    };
    Some(piece(tone, text))
}

fn origin(origin: &Origin) -> String {
    let Origin { file, line, column } = origin;
    format!("{}:{line}:{column}", super::visible(file.as_str()))
}

/// Returns both sides as lines if a line-by-line diff is more readable than one line per side.
fn long(change: &Row, width: usize) -> Option<(Vec<String>, Vec<String>)> {
    let (Side::Value(old), Side::Value(new)) = (&change.before, &change.after) else {
        return None;
    };
    let is_text = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| text.trim_end().contains('\n'))
    };
    let is_tree = |value: &Value| value.is_object() || value.is_array();
    let wide = |value: &Value| value::inline(value).len() > width;
    let by_lines =
        is_text(old) || is_text(new) || (is_tree(old) && is_tree(new) && (wide(old) || wide(new)));
    by_lines.then(|| (value::lines(old), value::lines(new)))
}

fn write_lines(
    page: &mut Page<'_>,
    indent: usize,
    change: &Row,
    old: &[String],
    new: &[String],
    words: Words,
) -> fmt::Result {
    let mut head = vec![marker(change, words), key(change)];
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    let diff = TextDiff::from_slices(&old, &new);
    let count = |tag| {
        diff.iter_all_changes()
            .filter(|line| line.tag() == tag)
            .count()
    };
    let (removed, added) = (count(ChangeTag::Delete), count(ChangeTag::Insert));
    let counts = match words {
        Words::Plan => format!("  -{removed} +{added} lines"),
        Words::Drift => format!(
            "  {} live (-), {added} in the tree (+)",
            model::count(removed, "line")
        ),
    };
    head.push(piece(Tone::Faint, counts));
    head.extend(cause(change, words));
    page.wrapped(indent, indent + 4, &head)?;
    for (number, group) in diff.grouped_ops(CONTEXT_LINES).iter().enumerate() {
        if number > 0 {
            page.line(indent + 4, &[piece(Tone::Faint, "…")])?;
        }
        for line in group
            .iter()
            .flat_map(|operation| diff.iter_changes(operation))
        {
            let (tone, sign) = match line.tag() {
                ChangeTag::Delete => (Tone::Removed, "- "),
                ChangeTag::Insert => (Tone::Added, "+ "),
                ChangeTag::Equal => (Tone::Faint, "  "),
            };
            page.line(
                indent + 4,
                &[piece(tone, format!("{sign}{}", line.value()))],
            )?;
        }
    }
    write_tail(
        page,
        indent + 4,
        Vec::new(),
        change.origin.as_ref().map(origin),
    )
}
