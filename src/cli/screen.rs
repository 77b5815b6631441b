//! The only way to standard output and standard error. Removes everything that a terminal, or the runner that reads a
//! log, would act on.
//!
//! Renderers escape untrusted text where they insert it, as their format requires. This module checks every byte again:
//! texts of libraries, of the operating system, of a server, and of a renderer that forgot.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::io::{self, BufWriter, Write};
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use crate::model::{is_hidden, visible};
use crate::report::github::Commands;
use crate::report::text::Rendered;

/// Buffer size of an output: what a pipe takes at once.
const BUFFER: usize = 64 << 10;

/// What a text may contain besides visible characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passes {
    /// Nothing.
    Nothing,
    /// Colours, in a text whose renderer put them there.
    Colours,
    /// Commands to the runner, and text that looks like one: a program reads it, or a renderer wrote them.
    Commands,
}

/// A text for a terminal, with what it may contain.
pub(crate) struct Shown<'a> {
    text: &'a dyn Display,
    passes: Passes,
}

impl<'a> Shown<'a> {
    /// Wraps any text. Nothing in it can act on the terminal.
    pub(crate) fn text(text: &'a dyn Display) -> Self {
        let passes = Passes::Nothing;
        Self { text, passes }
    }

    /// Wraps a text that may contain colours.
    pub(crate) fn page(text: &'a Rendered<'a>) -> Self {
        let passes = Passes::Colours;
        Self { text, passes }
    }

    /// Wraps commands for the runner of a workflow.
    pub(crate) fn commands(text: &'a Commands) -> Self {
        let passes = Passes::Commands;
        Self { text, passes }
    }

    /// Wraps output for programs, such as JSON, which must not be altered.
    pub(crate) fn machine(text: &'a dyn Display) -> Self {
        let passes = Passes::Commands;
        Self { text, passes }
    }
}

/// Writes to standard output.
pub(crate) fn output(text: &Shown<'_>) -> io::Result<()> {
    pour(io::stdout().lock(), text)
}

/// Whether the cursor of standard error is after a redrawn line.
static DRAWN: Mutex<bool> = Mutex::new(false);

/// Writes to standard error. Clears a redrawn line first; it comes back with its next drawing.
pub(crate) fn message(text: &Shown<'_>) -> io::Result<()> {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut err = io::stderr().lock();
    if std::mem::take(&mut *drawn) {
        err.write_all(b"\r\x1b[K")?;
    }
    pour(err, text)
}

/// Redraws the current line of standard error.
pub(crate) fn draw(line: &str) -> io::Result<()> {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    *drawn = true;
    let mut err = io::stderr().lock();
    write!(err, "\r\x1b[K{}", visible(line))?;
    err.flush()
}

/// Clears the redrawn line.
pub(crate) fn clear() -> io::Result<()> {
    message(&Shown::text(&""))
}

/// The writer of log lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    colour: bool,
}

impl Log {
    pub(crate) fn new(colour: bool) -> Self {
        Self { colour }
    }
}

/// Log lines arrive whole, one per call.
impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let passes = if self.colour {
            Passes::Colours
        } else {
            Passes::Nothing
        };
        message(&Shown {
            text: &text,
            passes,
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// Writes a text while it is rendered; holds at most one buffer of it.
pub(crate) fn pour(out: impl Write, text: &Shown<'_>) -> io::Result<()> {
    let mut screen = Screen {
        out: BufWriter::with_capacity(BUFFER, out),
        passes: text.passes,
        line: String::new(),
        is_within: false,
        failed: None,
    };
    let written = fmt::write(&mut screen, format_args!("{}", text.text));
    let ended = screen.end_line(false);
    match (screen.failed, written.and(ended)) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(io::Error::other(error)),
        (None, Ok(())) => screen.out.flush(),
    }
}

/// A writer that checks line by line, as a runner does.
struct Screen<W: Write> {
    out: BufWriter<W>,
    passes: Passes,
    /// The line so far.
    line: String,
    /// Whether the start of the line has been written.
    is_within: bool,
    failed: Option<io::Error>,
}

impl<W: Write> Screen<W> {
    fn end_line(&mut self, newline: bool) -> fmt::Result {
        let mut shown = shown(&self.line, self.passes == Passes::Colours);
        if self.passes != Passes::Commands
            && let Some(harmless) = harmless(&shown, self.is_within)
        {
            shown = Cow::Owned(harmless);
        }
        let written = self.out.write_all(shown.as_bytes());
        let written = written.and_then(|()| self.out.write_all(if newline { b"\n" } else { b"" }));
        self.line.clear();
        self.is_within = !newline;
        written.map_err(|error| {
            self.failed = Some(error);
            fmt::Error
        })
    }
}

impl<W: Write> fmt::Write for Screen<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive('\n') {
            match piece.strip_suffix('\n') {
                Some(end) => {
                    self.line.push_str(end);
                    self.end_line(true)?;
                }
                None => self.line.push_str(piece),
            }
        }
        if self.line.len() > BUFFER {
            self.end_line(false)?;
        }
        Ok(())
    }
}

/// Escapes invisible characters in a line; tabs stay, and colours where they are allowed.
fn shown(line: &str, with_colours: bool) -> Cow<'_, str> {
    let is_raw = |character: char| character != '\t' && is_hidden(character);
    if !line.contains(is_raw) {
        return Cow::Borrowed(line);
    }
    let mut text = String::with_capacity(line.len() + 16);
    let mut rest = line;
    while let Some(at) = rest.find(is_raw) {
        let (plain, from) = rest.split_at(at);
        text.push_str(plain);
        let first = from.chars().next().map_or(0, char::len_utf8);
        let length = colour(from).filter(|_| with_colours);
        match length {
            Some(length) => text.push_str(&from[..length]),
            None => text.push_str(&visible(&from[..first])),
        }
        rest = &from[length.unwrap_or(first)..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Returns the length of the colour sequence at the start of a text.
fn colour(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix("\x1b[")?;
    let end = numbers.find(|it: char| !it.is_ascii_digit() && it != ';')?;
    numbers[end..].starts_with('m').then_some(2 + end + 1)
}

/// Escapes commands that the runner of a workflow would obey: `::error::` at the start of a line, `##[error]` anywhere.
fn harmless(line: &str, is_within: bool) -> Option<String> {
    let is_name = |text: &str| text.starts_with(|it: char| it.is_ascii_alphabetic());
    let start = line.len() - line.trim_start().len();
    let command = line[start..].strip_prefix("::");
    let is_command = !is_within && command.is_some_and(|name| is_name(name) && name.contains("::"));
    let mut text = String::with_capacity(line.len() + 16);
    let mut rest = line;
    if is_command {
        text.push_str(&line[..start]);
        text.push_str("\\u{3a}");
        rest = &line[start + 1..];
    }
    let mut is_changed = is_command;
    while let Some(at) = rest.find("##") {
        text.push_str(&rest[..at]);
        let behind = rest[at + 2..].trim_start_matches("vso");
        let obeyed = behind.strip_prefix('[').is_some_and(is_name);
        text.push_str(if obeyed { "\\u{23}" } else { "#" });
        is_changed |= obeyed;
        rest = &rest[at + 1..];
    }
    text.push_str(rest);
    is_changed.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poured(text: &str, passes: Passes) -> String {
        let mut out = Vec::new();
        pour(
            &mut out,
            &Shown {
                text: &text,
                passes,
            },
        )
        .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_is_acted_on() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(poured(text, Passes::Nothing), expected);
        }
        check("a\n\tb: \u{e9}\n", "a\n\tb: \u{e9}\n");
        check("no newline [y/N] ", "no newline [y/N] ");
        check("\x1b[31mred\x1b[0m\r\n", "\\u{1b}[31mred\\u{1b}[0m\\r\n");
        check(
            "\u{9b}2J\u{9d}0;x\u{9c}\u{202e}",
            "\\u{9b}2J\\u{9d}0;x\\u{9c}\\u{202e}",
        );
        check("::error::owned\n", "\\u{3a}:error::owned\n");
        check(
            "a\n  ::set-env name=A::b\n",
            "a\n  \\u{3a}:set-env name=A::b\n",
        );
        check("a ::error::b\n", "a ::error::b\n");
        check("::1\n::ffff:192.0.2.1\n", "::1\n::ffff:192.0.2.1\n");
        check(
            "a ##[error]b ##vso[task]c ## [d]",
            "a \\u{23}#[error]b \\u{23}#vso[task]c ## [d]",
        );
        check("### a", "### a");
    }

    #[test]
    fn what_a_renderer_may_say_passes() {
        let coloured = "\x1b[1m\x1b[38;5;9mred\x1b[0m \x1b[2J\x1b]0;x\n::error::x\n";
        assert_eq!(
            poured(coloured, Passes::Colours),
            "\x1b[1m\x1b[38;5;9mred\x1b[0m \\u{1b}[2J\\u{1b}]0;x\n\\u{3a}:error::x\n"
        );
        let commands = "::error file=a::b\n";
        assert_eq!(poured(commands, Passes::Commands), commands);
        assert_eq!(poured("\u{9b}", Passes::Commands), "\\u{9b}");
    }

    /// A text that arrives in pieces is checked as whole lines.
    #[test]
    fn pieces_make_lines() {
        let pieces = fmt::from_fn(|out| {
            ["a\n ", ":", ":err", "or:", ":b", "\n"]
                .iter()
                .try_for_each(|it| out.write_str(it))
        });
        let mut out = Vec::new();
        pour(&mut out, &Shown::text(&pieces)).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a\n \\u{3a}:error::b\n");
        let long = "x".repeat(3 * BUFFER);
        assert_eq!(poured(&long, Passes::Nothing), long);
    }
}
