//! The changes of a group of accounts, as tables.

use std::fmt::Write as _;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::entry::{Entry, folded};
use super::escape::{cell, code, html, longest_run, prose, text};
use crate::diff::{Cause, Change, Side};
use crate::model::count;
use crate::plan::Risk;
use crate::report::block::{Block, Part};
use crate::report::card::{Alarm, Card, Tense};
use crate::report::html::sides::Sides;
use crate::report::row::{self, Row};
use crate::report::{Command, value};

/// How many names a heading lists.
const SHOWN_NAMES: usize = 8;
/// The maximum number of lines shown of one diff.
const SHOWN_LINES: usize = 60;
/// The maximum number of names in a list below a heading.
const LISTED_NAMES: usize = 500;

pub(super) fn entry(
    block: &Block<'_>,
    command: Command,
    picture: Option<(&str, Sides)>,
    is_open: bool,
) -> Entry {
    let tense = match command {
        Command::Drift | Command::Diff => Tense::Drift,
        Command::Validate | Command::Plan | Command::Apply | Command::Dns => Tense::Plan,
    };
    let card = block.card(tense, &[]);
    let names: Vec<&str> = block.objects.iter().map(|object| object.title()).collect();
    let mut content = String::new();
    if names.len() > SHOWN_NAMES {
        content.push_str(&listed(&names));
    }
    if let Some((path, sides)) = picture {
        // Nothing of a brand stands in this line, so that nobody can make it name another file.
        let _ = write!(
            content,
            "![{} | {}]({path})\n\n",
            sides.before(),
            sides.after()
        );
    }
    content.push_str(&sentences(&card));
    let mut details = String::new();
    for part in &block.steps {
        details.push_str(&of_part(part, command));
    }
    content.push_str(&folded("Technical details", &details, false));
    let summary = card.summary();
    let mark = if card.is_alarming() { "⚠ " } else { "" };
    Entry {
        full: folded(
            &format!("{mark}{}: {}", title(&card, &names, html), text(&summary)),
            &content,
            is_open,
        ),
        short: format!(
            "- {mark}{}: {}\n",
            title(&card, &names, code),
            prose(&summary)
        ),
    }
}

/// Lists the names of a heading that shows only some of them.
fn listed(names: &[&str]) -> String {
    let listed: Vec<String> = names
        .iter()
        .take(LISTED_NAMES)
        .map(|name| code(name))
        .collect();
    let more = match names.len().saturating_sub(LISTED_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}\n\n", listed.join(", "))
}

/// Lists the sentences of a card; an alarming one is bold.
pub(super) fn sentences(card: &Card) -> String {
    let mut list = String::new();
    for outcome in &card.outcomes {
        let sentence = prose(&outcome.sentence);
        let by_hand = if outcome.by_hand {
            " *(changed by hand)*"
        } else {
            ""
        };
        let _ = match outcome.alarm {
            Alarm::Raised => writeln!(list, "- ⚠ **{sentence}**{by_hand}"),
            Alarm::None => writeln!(list, "- {sentence}{by_hand}"),
        };
    }
    if let Some(undo) = card.undo {
        let _ = writeln!(list, "- ⚠ {}", prose(undo));
    }
    list.push('\n');
    list
}

/// Formats the heading: the brand with its domain and its name in the tree, or a count with the first names.
pub(super) fn title(card: &Card, names: &[&str], written: impl Fn(&str) -> String) -> String {
    let shown = names.iter().take(SHOWN_NAMES).map(|name| written(name));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len() {
        1 => {
            let brand = (card.heading != names[0]).then(|| written(&card.heading));
            let known = brand
                .into_iter()
                .chain(card.domain.as_deref().map(&written));
            known.chain([shown]).collect::<Vec<_>>().join(" · ")
        }
        number if number <= SHOWN_NAMES => format!("{}: {shown}", count(number, "brand")),
        number => format!("{}: {shown}, …", count(number, "brand")),
    }
}

fn of_part(part: &Part<'_>, command: Command) -> String {
    let mut text = String::new();
    if command != Command::Drift {
        let risk = match part.risk {
            Risk::Destructive => ", destructive",
            Risk::Executes => ", runs code",
            Risk::Reversible | Risk::CustomerVisible => "",
        };
        let _ = writeln!(text, "**{}{risk}**\n", part.verb.of(part.asset));
    }
    text.push_str(&table(&part.changes, command));
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
            Command::Drift | Command::Diff => "Tree",
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
