//! The changes of a group of accounts, as tables.

use std::fmt::Write as _;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::entry::{Entry, folded};
use super::escape::{cell, code, html, longest_run, prose};
use crate::diff::{Cause, Change, Side};
use crate::model::{AssetKind, count};
use crate::plan::Risk;
use crate::report::block::{Block, Part};
use crate::report::row::{self, Row};
use crate::report::{Command, Verb, value};

/// How many names a heading lists.
const SHOWN_NAMES: usize = 8;
/// The maximum number of lines shown of one diff.
const SHOWN_LINES: usize = 60;
/// The maximum number of names in a list below a heading.
const LISTED_NAMES: usize = 500;

pub(super) fn entry(block: &Block<'_>, command: Command, is_open: bool) -> Entry {
    let names: Vec<&str> = block.objects.iter().map(|object| object.title()).collect();
    let number: usize = block.steps.iter().map(|part| part.changes.len()).sum();
    let what = what(&block.steps, command);
    let changes = count(number, "change");
    let mut content = String::new();
    if names.len() > SHOWN_NAMES {
        let listed: Vec<String> = names
            .iter()
            .take(LISTED_NAMES)
            .map(|name| code(name))
            .collect();
        let _ = write!(content, "{}", listed.join(", "));
        let more = names.len().saturating_sub(LISTED_NAMES);
        if more > 0 {
            let _ = write!(content, " and {more} more");
        }
        content.push_str("\n\n");
    }
    for part in &block.steps {
        content.push_str(&of_part(part, command));
    }
    Entry {
        full: folded(
            &format!("{}: {what}{changes}", title(&names, html)),
            &content,
            is_open,
        ),
        short: format!("- {}: {what}{changes}\n", title(&names, code)),
    }
}

/// Formats the heading: the account's name, or a count with the first names.
fn title(names: &[&str], written: impl Fn(&str) -> String) -> String {
    let shown = names.iter().take(SHOWN_NAMES).map(|name| written(name));
    let shown: Vec<String> = shown.collect();
    match names.len() {
        1 => shown.join(""),
        number if number <= SHOWN_NAMES => {
            format!("{}: {}", count(number, "account"), shown.join(", "))
        }
        number => format!("{}: {}, …", count(number, "account"), shown.join(", ")),
    }
}

/// Describes what the steps do and their risk.
fn what(parts: &[Part<'_>], command: Command) -> String {
    if command == Command::Drift {
        return String::new();
    }
    let verbs: Vec<String> = parts
        .iter()
        .map(|part| verb(part.verb, part.asset))
        .collect();
    let risk = parts.iter().map(|part| part.risk).max().map(risk);
    format!("{}, {}, ", verbs.join(", "), risk.unwrap_or_default())
}

fn verb(verb: Verb, asset: Option<AssetKind>) -> String {
    match asset {
        Some(asset) => format!("{} {asset}", verb.as_str()),
        None => verb.as_str().to_owned(),
    }
}

fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Reversible => "reversible",
        Risk::CustomerVisible => "customer-visible",
        Risk::Destructive => "<strong>destructive</strong>",
    }
}

fn of_part(part: &Part<'_>, command: Command) -> String {
    let mut text = table(&part.changes, command);
    for name in &part.waits_for {
        let _ = writeln!(text, "- after {}", code(name));
    }
    for note in &part.notes {
        let _ = writeln!(text, "- {}", prose(note));
    }
    text.push('\n');
    text
}

/// Renders changes as a table, followed by line-by-line diffs of multi-line texts.
pub(super) fn table(changes: &[Change], command: Command) -> String {
    let (long, short): (Vec<Row>, Vec<Row>) = row::rows(changes).into_iter().partition(by_lines);
    let mut text = String::new();
    if !short.is_empty() {
        let after = match command {
            Command::Drift => "Tree",
            Command::Validate | Command::Plan | Command::Apply | Command::Dns => "After",
        };
        let _ = writeln!(
            text,
            "| Key | Live | {after} | |\n| --- | --- | --- | --- |"
        );
        for row in &short {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} |",
                cell(&row.key),
                side(row, &row.before),
                side(row, &row.after),
                remark(row, command)
            );
        }
        text.push('\n');
    }
    for row in &long {
        text.push_str(&comparison(row, command));
    }
    text
}

fn side(row: &Row, side: &Side) -> String {
    match (side, row.text(side)) {
        (Side::Present, _) => "there".to_owned(),
        (_, None) => "–".to_owned(),
        (_, Some(text)) => cell(&text),
    }
}

fn remark(row: &Row, command: Command) -> String {
    let why = match row.cause {
        Cause::Git if command == Command::Drift => "in Git, not applied yet ",
        Cause::Differs | Cause::Git => "",
        Cause::Drift => "changed on the platform ",
        Cause::Conflict => "**changed on the platform and in Git** ",
        Cause::Removal => "must not be there ",
    };
    let place = row.origin.as_ref().map_or_else(String::new, |origin| {
        cell(&format!("{}:{}", origin.file, origin.line))
    });
    format!("{why}{place}")
}

/// Returns whether a change is shown as a line-by-line diff: both sides are values, and at least one has several lines.
fn by_lines(row: &Row) -> bool {
    let is_long = |side: &Side| match side {
        Side::Value(Value::String(text)) => text.trim_end().contains('\n'),
        _ => false,
    };
    let both = matches!((&row.before, &row.after), (Side::Value(_), Side::Value(_)));
    both && (is_long(&row.before) || is_long(&row.after))
}

fn comparison(row: &Row, command: Command) -> String {
    let lines = |side: &Side| match side {
        Side::Value(found) => value::lines(found),
        Side::Absent
        | Side::Asset(_)
        | Side::Host(_)
        | Side::Elsewhere { .. }
        | Side::Unread
        | Side::Present => Vec::new(),
    };
    let (old, new) = (lines(&row.before), lines(&row.after));
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    let diff = TextDiff::from_slices(&old, &new);
    let mut shown = Vec::new();
    for group in diff.grouped_ops(2) {
        for line in group
            .iter()
            .flat_map(|operation| diff.iter_changes(operation))
        {
            let sign = match line.tag() {
                ChangeTag::Delete => "- ",
                ChangeTag::Insert => "+ ",
                ChangeTag::Equal => "  ",
            };
            let line = format!("{sign}{}", line.value());
            shown.push(crate::report::finding::cut(line, SHOWN_LINE));
        }
    }
    let more = shown.len().saturating_sub(SHOWN_LINES);
    shown.truncate(SHOWN_LINES);
    if more > 0 {
        shown.push(format!("  … {more} more lines"));
    }
    let body = shown.join("\n");
    let fence = "`".repeat(longest_run(&body).max(2) + 1);
    format!(
        "{} {}\n\n{fence}diff\n{body}\n{fence}\n\n",
        code(&row.key),
        remark(row, command)
    )
}

/// The maximum number of characters shown of one line of a diff.
const SHOWN_LINE: usize = 300;
