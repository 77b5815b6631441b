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
            for text in [stdout(&output), stderr(&output)] {
                assert_eq!(forged(&text), None, "{arguments:?} {format}: {text:?}");
                if format == "html" || format == "markdown" {
                    assert!(!text.contains("<script>alert"), "{arguments:?} {format}");
                }
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
