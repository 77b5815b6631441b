//! Names and values from the platform that would forge what a terminal or a page shows.

use crate::base::World;
use crate::cli::{stderr, stdout, write};
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

/// Runs a command of the program, and sees that nothing on either stream is acted on: no character by a terminal, no line by the
/// runner of a workflow. Returns both streams.
#[track_caller]
fn harmless(folder: &std::path::Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_emblazon"))
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .env("EMBLAZON_API_KEY", "x".repeat(64))
        .output()
        .unwrap();
    check_harmless(&output, arguments);
    stdout(&output) + &stderr(&output)
}

/// Sees that nothing on either stream of a run is acted on.
#[track_caller]
fn check_harmless(output: &std::process::Output, arguments: &[&str]) {
    let both = stdout(output) + &stderr(output);
    assert_eq!(forged(&both), None, "{arguments:?}: {both:?}");
    let commands = both
        .lines()
        .filter(|line| line.trim_start().starts_with("::"));
    for command in commands {
        let ours = arguments.contains(&"github");
        let named = [
            "::error file=",
            "::warning file=",
            "::error title=",
            "::warning title=",
        ];
        assert!(
            ours && named.iter().any(|begin| command.starts_with(begin)),
            "{arguments:?}: {command:?}"
        );
    }
}

/// What Git and a file system let a file be called: everything but a slash and a zero.
const EVIL_NAME: &str = "a\u{1b}[2J\n::error::owned\u{9b}31m\u{9d}0;x\u{202e}\r##[error]b";

/// Names of files and folders, and lines of files, in each format and in errors: of the tree, of its sources, of arguments.
#[test]
fn nothing_from_the_tree_forges_output() {
    let folder = tempfile::tempdir().unwrap();
    let config = "clusters: {production: {api: \"http://127.0.0.1:9\"}}\n";
    write(folder.path(), "emblazon.yaml", config);
    let account = format!("account: {}\n", id('a'));
    write(
        folder.path(),
        &format!("accounts/{EVIL_NAME}/account.yaml"),
        &account,
    );
    write(
        folder.path(),
        &format!("accounts/{EVIL_NAME}.yaml"),
        &account,
    );
    write(
        folder.path(),
        &format!("brands/{EVIL_NAME}.yaml"),
        "a: [\u{9b}31m\u{9d}0;x\n",
    );
    let text = "whitelabel: {company_name: \u{9b}31m}\r\n";
    write(
        folder.path(),
        "accounts/b/account.yaml",
        &format!("{account}{text}"),
    );
    let text = "extends: [\"\\e[2J\\n::error::b\"]\nwhitelabel: {\"\\x9b31m\": x}\n";
    write(
        folder.path(),
        "accounts/c/account.yaml",
        &format!("{account}{text}"),
    );
    let formats = [
        "text", "json", "markdown", "sarif", "junit", "html", "github",
    ];
    for format in formats {
        let said = harmless(folder.path(), &["validate", "-vvv", "--format", format]);
        assert!(
            said.contains("owned"),
            "{format} says nothing of the name: {said}"
        );
    }
    let unknown = format!("accounts/{EVIL_NAME}");
    for arguments in [
        &["validate", &unknown][..],
        &["validate", "--rev", EVIL_NAME],
        &["validate", "--cluster", EVIL_NAME],
        &["explain", EVIL_NAME],
        &["explain", "c", EVIL_NAME],
        &["apply", EVIL_NAME],
        &["show", EVIL_NAME],
        &["plan", "--api", EVIL_NAME],
        &["plan", "--output", EVIL_NAME],
        &["plan", "--max-requests", EVIL_NAME],
        &[EVIL_NAME],
    ] {
        let said = harmless(folder.path(), arguments);
        assert!(!said.is_empty(), "{arguments:?} says nothing");
    }
}

/// Git says what its remote says; neither reaches the terminal as it is.
#[test]
fn nothing_that_a_remote_says_forges_output() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let hook = world.server.path().join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let talk = "#!/bin/sh\nprintf 'owned\\033[2J\\302\\233m\\342\\200\\256\\r\\n::error::owned\\n' >&2\nexit 1\n";
    std::fs::write(&hook, talk).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = world.run(&["apply", "--yes", "-vvv"]);
    check_harmless(&output, &["apply"]);
    let said = stdout(&output) + &stderr(&output);
    assert!(said.contains("owned"), "{said}");
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
