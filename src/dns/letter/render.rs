//! Renders headings, paragraphs and tables as Markdown or text.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

/// How wide paragraphs of text are, in columns.
const WIDTH: usize = 78;

/// How wide tables of text may be, in columns.
const WIDEST: usize = 100;

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
                let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
                let header = header.iter().map(|cell| escaped(cell));
                let rule = line(header.clone().map(|_| "---".to_owned()).collect());
                let mut table = vec![line(header.collect()), rule];
                table.extend(rows.iter().map(|row| {
                    let cells = row.iter().enumerate();
                    line(
                        cells
                            .map(|(column, text)| cell(text, copied.get(column) == Some(&true)))
                            .collect(),
                    )
                }));
                writeln!(text, "\n{}", table.join("\n"))
            }
        };
    }
    text
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
            Block::Table { header, rows, .. } => write!(text, "{}", table(header, rows)),
        };
    }
    text
}

fn wrapped(paragraph: &str) -> String {
    let mut lines = vec![String::new()];
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.width() + 1 + word.width() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// Writes a table in columns, or row by row if it would be too wide for an email.
fn table(header: &[String], rows: &[Vec<String>]) -> String {
    let table = columns(header, rows);
    if table.lines().all(|line| line.width() <= WIDEST) {
        return table;
    }
    let width = header.iter().map(|title| title.width()).max().unwrap_or(0);
    let block = |row: &Vec<String>| {
        let mut text = String::new();
        for (title, cell) in header.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            let space = " ".repeat(width - title.width() + 2);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {title}{space}{}", one_line(cell));
        }
        text
    };
    rows.iter().map(block).collect::<Vec<_>>().join("\n")
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
