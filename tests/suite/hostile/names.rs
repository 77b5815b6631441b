//! Names and values from the platform that would forge what a terminal or a page shows.

use crate::cli::{stderr, stdout};
use crate::platform::{DEFAULTS, Platform, id};

/// Clears the screen, sets a title, writes over the line, turns the text round, hides, and opens a tag.
const EVIL: &str = r"\e[2J\e]0;owned\a\rok\b\x9b31m\u202E\u2066\u200F\u061C\0<script>alert(1)</script>|`*[x](y)::error::";

/// Returns the first character that a terminal would act on, or that turns or hides text.
fn forged(text: &str) -> Option<char> {
    text.chars().find(|character| {
        let turns = matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        );
        turns || (character.is_control() && *character != '\n')
    })
}

/// Leaves out what Markdown shows as it stands: from a run of backticks to the next one of the same length.
fn outside_code(text: &str) -> String {
    let run = |text: &str| text.len() - text.trim_start_matches('`').len();
    let (mut outside, mut rest) = (String::new(), text);
    while let Some(start) = rest.find('`') {
        outside.push_str(&rest[..start]);
        rest = &rest[start..];
        let length = run(rest);
        rest = &rest[length..];
        let mut from = 0;
        let end = loop {
            let Some(at) = rest[from..].find('`').map(|at| from + at) else {
                break None;
            };
            let found = run(&rest[at..]);
            from = at + found;
            if found == length {
                break Some(from);
            }
        };
        match end {
            Some(end) => rest = &rest[end..],
            // A run that nothing ends is a text.
            None => outside.push_str(&"`".repeat(length)),
        }
    }
    outside + rest
}

#[test]
fn code_is_left_out_and_nothing_else() {
    assert_eq!(outside_code("a `<b>` c ``d ` <b>`` e"), "a  c  e");
    assert_eq!(outside_code("a ``<b>` c"), "a ``<b>` c");
}

#[test]
fn nothing_from_the_platform_forges_output() {
    let seed = format!(
        "accounts:
  - name: Master
  - name: \"{EVIL}\"
    id: {}
    whitelabel: {{company_name: \"{EVIL}\", domain: b.example.com, \"k{EVIL}\": \"{EVIL}\", {DEFAULTS}}}
  - name: a
    id: {}
    whitelabel: {{company_name: \"{EVIL}\", brandColor: \"{EVIL}\", domain: a.example.com, {DEFAULTS}}}
",
        id('b'),
        id('a')
    );
    let platform = Platform::new(&seed, &[]);
    platform.declare('a', "ownership: exclusive\nwhitelabel: {company_name: A}");
    let mut shown = 0;
    let formats = [
        "text", "json", "markdown", "sarif", "junit", "html", "github",
    ];
    for command in [
        &["plan"][..],
        &["drift"],
        &["apply", "--yes"],
        &["history", "show", "RUN"],
    ] {
        for format in formats {
            let run = platform.runs().pop();
            let arguments: Vec<&str> = (command.iter())
                .map(|word| {
                    if *word == "RUN" {
                        run.as_deref().unwrap()
                    } else {
                        word
                    }
                })
                .collect();
            let is_history = command[0] == "history";
            let more: &[&str] = if is_history {
                &["-vvv"]
            } else {
                &["-vvv", "--format", format]
            };
            let output = platform.run(&[&arguments, more].concat());
            let code = output.status.code();
            if code == Some(64) && !is_history {
                // A command that does not know the format.
                continue;
            }
            assert!(
                matches!(code, Some(0 | 2)),
                "{arguments:?} {format}: {code:?} {}",
                stderr(&output)
            );
            // What is said beside it is for a terminal.
            let page = match format {
                "html" => stdout(&output),
                "markdown" => outside_code(&stdout(&output)),
                _ => String::new(),
            };
            assert!(
                !page.contains("<script>alert"),
                "{arguments:?} {format}: {page}"
            );
            for text in [stdout(&output), stderr(&output)] {
                assert_eq!(forged(&text), None, "{arguments:?} {format}: {text:?}");
                let owned = text
                    .lines()
                    .find(|line| line.trim_start().starts_with("::error::"));
                assert_eq!(owned, None, "{arguments:?} {format}");
                shown += usize::from(text.contains("owned"));
            }
            if command[0] == "apply" {
                platform.edit('a', "company_name", "\u{1b}[2J\u{202e}owned");
            }
        }
    }
    println!("{shown} outputs with a hostile text, none acted on");
    assert!(shown > 10, "only {shown} outputs show it at all");
    platform.stop();
}
