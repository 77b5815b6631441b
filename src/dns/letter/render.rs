//! Renders headings, paragraphs and tables as Markdown or text.

use std::fmt::{Display, Write as _};

use unicode_width::UnicodeWidthStr as _;

/// How wide paragraphs of text are, in columns.
const WIDTH: usize = 78;

/// How wide tables of text may be, in columns.
const WIDEST: usize = 100;

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// What the field is called.
    pub(super) label: &'static str,
    /// What it holds.
    pub(super) value: String,
    /// Whether readers copy it verbatim.
    pub(super) copied: bool,
}

impl Field {
    /// Creates a field that readers copy.
    pub(super) fn copied(label: &'static str, value: impl Display) -> Self {
        let value = value.to_string();
        Self {
            label,
            value,
            copied: true,
        }
    }

    /// Creates a field that readers only read.
    pub(super) fn read(label: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        Self {
            label,
            value,
            copied: false,
        }
    }

    /// Returns the label, the value, and whether readers copy it.
    pub(super) fn parts(&self) -> (&str, &str, bool) {
        (self.label, &self.value, self.copied)
    }

    /// Creates a field that readers copy, or leave empty.
    pub(super) fn or_empty(label: &'static str, value: &str) -> Self {
        if value.is_empty() {
            Self::read(label, "leave empty")
        } else {
            Self::copied(label, value)
        }
    }
}

/// A part of a letter.
pub(super) enum Block {
    /// A title; the first one is the letter's.
    Heading(String),
    /// Running text.
    Paragraph(String),
    /// A table.
    Table {
        /// The titles of the columns.
        header: Vec<String>,
        /// The rows, each with at most as many cells as the header.
        rows: Vec<Vec<String>>,
        /// For each column, whether readers copy it verbatim.
        copied: Vec<bool>,
    },
    /// Filled forms; those of one kind have the same fields.
    Entries(Vec<Vec<Field>>),
}

/// Puts a text on one line.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Writes Markdown, with GitHub's table syntax.
pub(super) fn markdown(blocks: &[Block]) -> String {
    let mut text = String::new();
    for (index, block) in blocks.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = match block {
            Block::Heading(title) if index == 0 => writeln!(text, "# {}", escaped(title)),
            Block::Heading(title) => writeln!(text, "\n## {}", escaped(title)),
            Block::Paragraph(paragraph) => writeln!(text, "\n{}", escaped(paragraph)),
            Block::Table {
                header,
                rows,
                copied,
            } => {
                let line = |row: &Vec<String>| {
                    let cells = row.iter().enumerate();
                    let cells =
                        cells.map(|(column, text)| cell(text, copied.get(column) == Some(&true)));
                    cells.collect()
                };
                let rows = rows.iter().map(line).collect();
                writeln!(text, "\n{}", markdown_table(header, rows))
            }
            Block::Entries(entries) => {
                let tables: Vec<String> = of_one_kind(entries)
                    .into_iter()
                    .map(|entries| {
                        let labels = entries.first().into_iter().flat_map(|it| it.iter());
                        let header: Vec<String> = labels.map(|it| it.label.to_owned()).collect();
                        let line = |entry: &&Vec<Field>| {
                            let cells = entry.iter().map(|it| cell(&it.value, it.copied));
                            cells.collect()
                        };
                        markdown_table(&header, entries.iter().map(line).collect())
                    })
                    .collect();
                writeln!(text, "\n{}", tables.join("\n\n"))
            }
        };
    }
    text
}

fn markdown_table(header: &[String], rows: Vec<Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let titles = header.iter().map(|cell| escaped(cell)).collect();
    let rule = header.iter().map(|_| "---".to_owned()).collect();
    let mut lines = vec![line(titles), line(rule)];
    lines.extend(rows.into_iter().map(line));
    lines.join("\n")
}

/// Returns the entries grouped by their fields, each group where its first one is.
fn of_one_kind(entries: &[Vec<Field>]) -> Vec<Vec<&Vec<Field>>> {
    let labels = |entry: &Vec<Field>| entry.iter().map(|it| it.label).collect::<Vec<_>>();
    let mut kinds: Vec<(Vec<&str>, Vec<&Vec<Field>>)> = Vec::new();
    for entry in entries {
        let labels = labels(entry);
        match kinds.iter_mut().find(|(kind, _)| *kind == labels) {
            Some((_, group)) => group.push(entry),
            None => kinds.push((labels, vec![entry])),
        }
    }
    kinds.into_iter().map(|(_, group)| group).collect()
}

fn cell(text: &str, copied: bool) -> String {
    let text = one_line(text);
    if text.is_empty() {
        String::new()
    } else if copied {
        code(&text)
    } else {
        escaped(&text)
    }
}

/// Formats a text as code, between more backticks than it has in a row.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    // Table cells are split at pipes before code is recognized.
    format!("{fence}{space}{}{space}{fence}", text.replace('|', "\\|"))
}

/// Escapes the characters that have a meaning in Markdown.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// Writes plain text, with tables in columns.
pub(super) fn text(blocks: &[Block]) -> String {
    let mut text = String::new();
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = match block {
            Block::Heading(title) => {
                let line = if index == 0 { "=" } else { "-" };
                writeln!(text, "{title}\n{}", line.repeat(title.width()))
            }
            Block::Paragraph(paragraph) => writeln!(text, "{}", wrapped(paragraph)),
            Block::Table {
                header,
                rows,
                copied,
            } => write!(text, "{}", table(header, rows, copied)),
            Block::Entries(entries) => {
                let forms: Vec<String> = entries.iter().map(|entry| form(entry)).collect();
                write!(text, "{}", forms.join("\n"))
            }
        };
    }
    text
}

fn wrapped(paragraph: &str) -> String {
    lines(paragraph, WIDTH).join("\n")
}

fn lines(paragraph: &str, wide: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.width() + 1 + word.width() <= wide => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Writes a table in columns, or row by row if it would be too wide for an email.
fn table(header: &[String], rows: &[Vec<String>], copied: &[bool]) -> String {
    let table = columns(header, rows);
    if table.lines().all(|line| line.width() <= WIDEST) {
        return table;
    }
    let block = |row: &Vec<String>| {
        let cells = header.iter().zip(row).zip(copied);
        let cells = cells.map(|((title, cell), copied)| (title.as_str(), cell.as_str(), *copied));
        titled(&cells.collect::<Vec<_>>())
    };
    rows.iter().map(block).collect::<Vec<_>>().join("\n")
}

/// Writes an entry one field a line.
fn form(entry: &[Field]) -> String {
    titled(&entry.iter().map(Field::parts).collect::<Vec<_>>())
}

/// Writes cells below each other, beside their titles; what nobody copies is wrapped, and what is empty left out.
fn titled(cells: &[(&str, &str, bool)]) -> String {
    let filled = || cells.iter().filter(|(_, cell, _)| !cell.is_empty());
    let width = filled().map(|(title, _, _)| title.width()).max();
    let width = width.unwrap_or(0);
    let mut text = String::new();
    for (title, cell, copied) in filled() {
        let cell = one_line(cell);
        let lines = if *copied {
            vec![cell]
        } else {
            lines(&cell, WIDTH.saturating_sub(width + 4))
        };
        let mut title = *title;
        for line in lines {
            let space = " ".repeat(width - title.width() + 2);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {title}{space}{line}");
            title = "";
        }
    }
    text
}

fn columns(header: &[String], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = std::iter::once(header)
        .chain(rows.iter().map(Vec::as_slice))
        .map(|row| row.iter().map(|cell| one_line(cell)).collect())
        .collect();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.width())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let space = width.saturating_sub(cell.width());
            line.push_str(cell);
            line.push_str(&" ".repeat(space + 2));
        }
        text.push_str("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_is_markdown() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(code(text), expected);
        }
        check("v=spf1 -all", "`v=spf1 -all`");
        check("a|b", "`a\\|b`");
        check("a`b", "``a`b``");
        check("`a", "`` `a ``");
        assert_eq!(escaped("[x](y) <b> *_|"), "\\[x\\](y) &lt;b> \\*\\_\\|");
    }
}
