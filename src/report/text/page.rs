//! A page of text: indentation, colour, and line breaks at the page's width.

use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use super::Options;
use super::diagnostic::Excerpt;
use crate::model::{Visible, visible};

/// The meaning of a piece of text, which determines its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Heading,
    Key,
    Added,
    Removed,
    Changed,
    Warning,
    Failure,
    Good,
    Faint,
}

impl Tone {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| colour.on_default();
        match self {
            Self::Plain => Style::new(),
            Self::Heading => Style::new().bold(),
            Self::Key => colour(AnsiColor::Cyan),
            Self::Added | Self::Good => colour(AnsiColor::Green),
            Self::Removed => colour(AnsiColor::Red),
            Self::Changed | Self::Warning => colour(AnsiColor::Yellow),
            Self::Failure => colour(AnsiColor::Red).bold(),
            Self::Faint => Style::new().dimmed(),
        }
    }
}

/// A piece of a line, in visible characters.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) tone: Tone,
    pub(super) text: Visible<'static>,
}

/// Creates a piece from any text, escaping invisible characters.
pub(super) fn piece(tone: Tone, text: impl AsRef<str>) -> Piece {
    Piece {
        tone,
        text: visible(text.as_ref()).kept(),
    }
}

/// Returns the total width of some pieces, in columns.
pub(super) fn width(pieces: &[Piece]) -> usize {
    pieces.iter().map(|piece| piece.text.width()).sum()
}

/// Writes text incrementally, without buffering it.
pub(super) struct Page<'a> {
    out: &'a mut dyn Write,
    pub(super) options: Options,
    is_started: bool,
    /// The number of line breaks at the end of the text so far.
    breaks: usize,
}

impl<'a> Page<'a> {
    pub(super) fn new(out: &'a mut dyn Write, options: Options) -> Self {
        let width = options.width.max(40);
        Self {
            out,
            options: Options { width, ..options },
            is_started: false,
            breaks: 0,
        }
    }

    /// Returns whether some pieces fit on one line after an indent.
    pub(super) fn fits(&self, indent: usize, pieces: &[Piece]) -> bool {
        indent + width(pieces) <= self.options.width
    }

    /// Writes an empty line, except at the top.
    pub(super) fn gap(&mut self) -> fmt::Result {
        if self.is_started && self.breaks < 2 {
            self.end_line()?;
        }
        Ok(())
    }

    /// Writes lines that are already laid out.
    pub(super) fn excerpt(&mut self, lines: &Excerpt) -> fmt::Result {
        let text = lines.as_str();
        self.put(text)?;
        if !text.ends_with('\n') {
            self.end_line()?;
        }
        Ok(())
    }

    /// Writes one line without wrapping it.
    pub(super) fn line(&mut self, indent: usize, pieces: &[Piece]) -> fmt::Result {
        self.indent(indent)?;
        for piece in pieces {
            self.push(piece.tone, &piece.text)?;
        }
        self.end_line()
    }

    /// Writes pieces, wrapped at spaces; continuation lines are indented by `hang`. A command between backticks, and a
    /// word wider than the page, is not broken, so that it can be copied.
    pub(super) fn wrapped(&mut self, indent: usize, hang: usize, pieces: &[Piece]) -> fmt::Result {
        self.indent(indent)?;
        let mut column = indent;
        let mut fresh = true;
        let mut pending = 0;
        for Piece { tone, text } in pieces {
            // Adjacent text of one colour on one line is written at once.
            let mut run = String::new();
            for chunk in words(text) {
                let word = chunk.trim_end_matches(' ');
                let wide = word.width();
                if !word.is_empty() {
                    if !fresh && column + pending + wide > self.options.width {
                        self.push(*tone, &run)?;
                        run.clear();
                        self.end_line()?;
                        self.indent(hang)?;
                        column = hang;
                    } else if run.is_empty() {
                        self.indent(pending)?;
                        column += pending;
                    } else {
                        run.extend(std::iter::repeat_n(' ', pending));
                        column += pending;
                    }
                    run.push_str(word);
                    column += wide;
                    pending = 0;
                    fresh = false;
                }
                pending += chunk.len() - word.len();
            }
            self.push(*tone, &run)?;
        }
        self.end_line()
    }

    fn indent(&mut self, columns: usize) -> fmt::Result {
        if columns > 0 {
            self.passed(0);
            write!(self.out, "{:columns$}", "")?;
        }
        Ok(())
    }

    fn push(&mut self, tone: Tone, text: &str) -> fmt::Result {
        let style = tone.style();
        if text.is_empty() {
            return Ok(());
        }
        if self.options.colour && style != Style::new() {
            self.passed(0);
            write!(self.out, "{style}{text}{style:#}")
        } else {
            self.put(text)
        }
    }

    fn end_line(&mut self) -> fmt::Result {
        self.put("\n")
    }

    fn put(&mut self, text: &str) -> fmt::Result {
        let breaks = text.len() - text.trim_end_matches('\n').len();
        if !text.is_empty() {
            self.passed(if breaks == text.len() {
                self.breaks + breaks
            } else {
                breaks
            });
        }
        self.out.write_str(text)
    }

    /// Updates the state that [`Page::gap`] needs after text was written.
    fn passed(&mut self, breaks: usize) {
        self.is_started = true;
        self.breaks = breaks;
    }
}

/// Splits text after spaces, except those between backticks.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut is_quoted = false;
        let end = rest.char_indices().find_map(|(at, character)| {
            if character == '`' {
                // One that nothing closes quotes nothing.
                is_quoted = !is_quoted && rest[at + 1..].contains('`');
            }
            (character == ' ' && !is_quoted).then_some(at + 1)
        });
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn commands_are_not_split() {
        #[track_caller]
        fn check(text: &str, expected: &[&str]) {
            assert_eq!(words(text).collect::<Vec<_>>(), expected);
        }
        check("", &[]);
        check("a  b ", &["a ", " ", "b "]);
        check(
            "run `apply --prune x`, or `b`.",
            &["run ", "`apply --prune x`, ", "or ", "`b`."],
        );
        check("one ` alone stays", &["one ", "` ", "alone ", "stays"]);
        check("`a b` c `d e", &["`a b` ", "c ", "`d ", "e"]);
    }
}
