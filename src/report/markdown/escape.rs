//! Text from outside, made harmless in Markdown.
//!
//! Backslashes are not enough: a forge looks for names and numbers to link in the *rendered* text, where `\@all` is
//! `@all` again. In code it looks for nothing.

use crate::report::escape::visible;

/// How many characters of one text are shown.
const LONGEST: usize = 300;

/// Writes a text as a code span.
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

/// Writes a text as a code span in the cell of a table, where a bar would end the cell.
pub(super) fn cell(text: &str) -> String {
    // Behind a backslash a bar cannot be escaped so that all forges agree on it.
    code(&shortened(text).replace("\\|", "\\\\u{7c}")).replace('|', "\\|")
}

/// Writes a text as code inside of HTML, where Markdown means nothing.
pub(super) fn html(text: &str) -> String {
    let text = shortened(text);
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("<code>{}</code>", text.replace('"', "&quot;"))
}

/// Writes a sentence: plain words as they are, everything else as code. What stands between backticks is code.
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

/// Splits into plain runs and code spans, with the spaces around them kept apart.
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
        .map(|(plain, run)| if plain { run } else { code(&run) })
        .collect()
}

/// Puts parts together; punctuation sticks to what stands before it.
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

/// Tells whether a word means itself in Markdown, alone or at the beginning of a line.
fn is_plain(word: &str) -> bool {
    let bare = word.trim_matches(['(', ')', ',', '.', ';', ':', '"', '\'', '?']);
    let inner = word.trim_end_matches([',', '.', ';', ':', '?', ')', '"', '\'', '%']);
    let inner = inner.trim_start_matches(['(', '"', '\'']);
    let lower = bare.to_lowercase();
    // A sign alone, such as those between numbers, is none of ours at the beginning of a line.
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

/// Counts the backticks of the longest run.
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
        check("hello @everybody, see #12", "hello `@everybody,` see `#12`");
        check(
            "the server answered 400: too short; go on",
            "the server answered 400: too short; go on",
        );
        check("1. item", "`1.` item");
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
