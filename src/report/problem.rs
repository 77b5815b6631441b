//! Diagnostics with resolved places, so that renderers need no source map.

use std::cmp::Ordering;
use std::sync::Arc;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::diag::{self, Code, Diagnostic, Place, Position, Severity, SourceMap};

/// A mistake in the tree, with places resolved for people and machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The diagnostic code.
    pub code: Code,
    /// The severity.
    pub severity: Severity,
    /// The message, on one line.
    pub message: String,
    /// The place to change.
    pub primary: Option<Label>,
    /// Places that explain it.
    pub related: Vec<Label>,
    /// What to do.
    pub help: String,
    /// A replacement that fixes it mechanically.
    pub fix: Option<Fix>,
}

/// A replacement text that fixes a mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// The place whose text is replaced.
    pub place: Label,
    /// The replacement.
    pub text: String,
}

/// A resolved place and its label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The file and its text.
    pub source: SourceText,
    /// The offset of the first byte in that text.
    pub start: usize,
    /// The offset after the last byte.
    pub end: usize,
    /// Where it starts, for people.
    pub from: Position,
    /// Where it ends, for people: the position after the last character.
    pub to: Position,
    /// A short label; may be empty.
    pub text: String,
}

/// A file's path and text; cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceText {
    /// The path relative to the tree root.
    pub path: Utf8PathBuf,
    /// The whole text.
    pub text: Arc<str>,
}

impl Problem {
    /// Orders by file, place, code and message.
    pub(super) fn by_place(&self, other: &Self) -> Ordering {
        let place = |problem: &'_ Self| {
            let label = problem.primary.as_ref()?;
            Some((label.source.path.clone(), label.start))
        };
        place(self)
            .cmp(&place(other))
            .then_with(|| self.code.cmp(&other.code))
            .then_with(|| self.message.cmp(&other.message))
    }
}

/// Resolves diagnostics against their source texts, and sorts them by file, place and code; those without a place come
/// first.
#[must_use]
pub fn problems(diagnostics: &[Diagnostic], sources: &SourceMap) -> Vec<Problem> {
    let mut problems: Vec<Problem> = diagnostics
        .iter()
        .map(|diagnostic| Problem {
            code: diagnostic.code,
            severity: diagnostic.severity,
            message: diagnostic.message.clone(),
            primary: diagnostic
                .primary
                .as_ref()
                .and_then(|found| label(found, sources)),
            related: diagnostic
                .related
                .iter()
                .filter_map(|found| label(found, sources))
                .collect(),
            help: diagnostic.help.clone(),
            fix: diagnostic.fix.as_ref().and_then(|fix| {
                let place = diag::Label {
                    place: fix.place,
                    text: String::new(),
                };
                Some(Fix {
                    place: label(&place, sources)?,
                    text: fix.text.clone(),
                })
            }),
        })
        .collect();
    problems.sort_by(Problem::by_place);
    problems
}

fn label(label: &diag::Label, sources: &SourceMap) -> Option<Label> {
    let Place { file, span } = label.place;
    let source = sources.file(file)?;
    let (start, end) = clamp(&source.text, span.start as usize, span.end as usize);
    let after = Place {
        file,
        span: diag::Span {
            start: span.end.max(span.start),
            end: span.end.max(span.start),
        },
    };
    Some(Label {
        source: SourceText {
            path: source.path.clone(),
            text: source.text.clone(),
        },
        start,
        end,
        from: sources.position(label.place),
        to: sources.position(after),
        text: label.text.clone(),
    })
}

fn clamp(text: &str, start: usize, end: usize) -> (usize, usize) {
    let start = text.floor_char_boundary(start);
    let end = text.ceil_char_boundary(end).max(start);
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    #[test]
    fn problems_are_sorted_and_resolved() {
        let mut sources = SourceMap::default();
        let b = sources.add("b.yaml".into(), "é: 1\nkey: [\n");
        let a = sources.add("a.yaml".into(), "x\n");
        let at = |file, start, end, message: &str| {
            let span = Span { start, end };
            Diagnostic::new(Code::ALL[0], message, "fix it").at(Place { file, span }, "here")
        };
        let list = [
            at(b, 11, 12, "second"),
            at(b, 0, 2, "first"),
            at(a, 0, 1, "other file"),
            // A span past the end must not crash a renderer.
            at(a, 90, 95, "past the end"),
            Diagnostic::new(Code::ALL[0], "no place", "fix it"),
        ];
        let found: Vec<String> = problems(&list, &sources)
            .iter()
            .map(|problem| match &problem.primary {
                None => problem.message.clone(),
                Some(label) => format!(
                    "{} {}:{}:{}-{}:{} {}..{}",
                    problem.message,
                    label.source.path,
                    label.from.line,
                    label.from.column,
                    label.to.line,
                    label.to.column,
                    label.start,
                    label.end
                ),
            })
            .collect();
        insta::assert_snapshot!(found.join("\n"), @r"
        no place
        other file a.yaml:1:1-1:2 0..1
        past the end a.yaml:2:1-2:1 2..2
        first b.yaml:1:1-1:2 0..2
        second b.yaml:2:6-2:7 11..12
        ");
    }
}
