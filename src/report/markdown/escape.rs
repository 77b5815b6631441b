//! Makes text from outside harmless in Markdown.
//!
//! Backslashes are not enough: forges look for mentions and issue numbers in the *rendered* text, where `\@all` has
//! become `@all` again. Code spans are left alone.

use crate::report::escape::visible;

/// The maximum number of characters shown of one text.
const LONGEST: usize = 300;

/// Renders a text as a code span.
pub(super) fn code(text: &str) -> String {
    let text = shortened(text);
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Renders a text as a code span in a table cell, where a bar would end the cell.
pub(super) fn cell(text: &str) -> String {
    // Forges disagree on how to escape a bar after a backslash.
    code(&shortened(text).replace("\\|", "\\\\u{7c}")).replace('|', "\\|")
}

/// Renders a text as a code element inside HTML, where Markdown is not interpreted.
pub(super) fn html(text: &str) -> String {
    format!("<code>{}</code>", self::text(text))
}

/// Renders a text inside HTML, where Markdown is not interpreted.
pub(super) fn text(text: &str) -> String {
    let text = shortened(text);
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    text.replace('"', "&quot;")
}

/// Renders a sentence: plain words unchanged, everything else, including text between backticks, as code.
pub(super) fn prose(text: &str) -> String {
    let text = visible(text);
    let mut parts = Vec::new();
    for (index, segment) in text.split('`').enumerate() {
        if index % 2 == 1 {
            parts.push(code(segment));
        } else {
            parts.extend(words(segment));
        }
    }
    parts.retain(|part| !part.is_empty());
    joined(&parts)
}

/// Splits a text into runs of plain words and code spans.
fn words(segment: &str) -> Vec<String> {
    let mut parts: Vec<(bool, String)> = Vec::new();
    for word in segment.split_whitespace() {
        let plain = is_plain(word);
        match parts.last_mut() {
            Some((last, run)) if *last == plain => {
                run.push(' ');
                run.push_str(word);
            }
            _ => parts.push((plain, word.to_owned())),
        }
    }
    let parts = parts.into_iter();
    parts
        .map(|(plain, run)| {
            // Punctuation is no part of what somebody copies.
            let copied = run.trim_end_matches(['.', ',', ';', ':', ')']);
            match copied {
                _ if plain => run,
                "" => code(&run),
                copied => format!("{}{}", code(copied), &run[copied.len()..]),
            }
        })
        .collect()
}

/// Joins parts with spaces, except before punctuation.
fn joined(parts: &[String]) -> String {
    let mut text = String::new();
    for part in parts {
        let sticks = part.starts_with([',', '.', ';', ':', ')']);
        if !text.is_empty() && !sticks && !text.ends_with('(') {
            text.push(' ');
        }
        text.push_str(part);
    }
    text
}

/// Returns whether a word has no special meaning in Markdown, even at the beginning of a line.
fn is_plain(word: &str) -> bool {
    let bare = word.trim_matches(['(', ')', ',', '.', ';', ':', '"', '\'', '?', '“', '”']);
    let inner = word.trim_end_matches([',', '.', ';', ':', '?', ')', '"', '\'', '%', '”']);
    let inner = inner.trim_start_matches(['(', '"', '\'', '“']);
    let lower = bare.to_lowercase();
    // A word of punctuation alone, such as `-` or `+`, would start a list at the beginning of a line.
    let has_letters = bare.chars().any(char::is_alphanumeric);
    let is_number_of_list = bare.bytes().all(|byte| byte.is_ascii_digit())
        && bare.len() < 10
        && word.ends_with(['.', ')'])
        && !word.starts_with('(');
    if matches!(word, "(" | ")") {
        return true;
    }
    has_letters
        && !is_number_of_list
        && !lower.starts_with("www.")
        && !lower.starts_with("gh-")
        && inner.chars().all(|character| {
            character.is_alphanumeric() || matches!(character, '-' | '.' | '\'' | ',' | '(' | ')')
        })
        && !word.starts_with([':', '.', '%', ')', ',', ';', '-'])
}

fn shortened(text: &str) -> String {
    super::super::finding::cut(visible(text).into_owned(), LONGEST)
}

/// Returns the length of the longest run of backticks.
pub(super) fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_mean_themselves() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(prose(text), expected);
        }
        check("run again with `--prune`", "run again with `--prune`");
        check("hello @everybody, see #12", "hello `@everybody`, see `#12`");
        check(
            "the server answered 400: too short; go on",
            "the server answered 400: too short; go on",
        );
        check("1. item", "`1`. item");
        check("- item", "`-` item");
        check(
            "<script> & [x](http://evil) *b* a_b",
            "`<script> & [x](http://evil) *b* a_b`",
        );
        check(
            ":smile: /close GH-12 www.evil.example",
            "`:smile: /close GH-12 www.evil.example`",
        );
        check("told (`code`)", "told (`code`)");
        check("a`b", "a `b`");
        check("a``b```c", "a b `c`");
        check("Zürich 電話 (two, three)", "Zürich 電話 (two, three)");
        check("line\n/close", "`line\\n/close`");
    }

    #[test]
    fn code_ends_where_it_should() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert_eq!(cell("a\\|b"), "`a\\\\u{7c}b`");
        assert_eq!(html("<b>&\""), "<code>&lt;b&gt;&amp;&quot;</code>");
    }
}
