//! Holds what was promised: each diagnostic code, each trap of the server and each invariant has a test.

use std::collections::BTreeSet;

use emblazon::diag::Code;

use crate::source_text::{rust_files, top, words};

/// Traps and observations that no test can meet, with the reason. Everything else needs a test that names it.
const CANNOT_APPLY: &[(&str, &str)] = &[(
    "observed_15",
    "HTTP/2 without TLS is an offer that the client does not take: two HTTP/1.1 connections reach the server's best rate",
)];

#[test]
fn each_code_has_a_test() {
    let named: BTreeSet<String> = tested_words();
    let missing: Vec<&str> = Code::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|code| !named.contains(*code))
        .collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
}

#[test]
fn each_trap_and_observation_has_a_test() {
    let tests = test_names();
    let traps = (1..=42).map(|number| format!("trap_{number:02}"));
    let observations = (1..=16).map(|number| format!("observed_{number:02}"));
    let mut wrong = Vec::new();
    for name in traps.chain(observations) {
        let tested = tests.iter().any(|test| test.contains(&name));
        let excused = CANNOT_APPLY.iter().any(|(excused, _)| *excused == name);
        match (tested, excused) {
            (false, false) => wrong.push(format!("no test names {name}")),
            (true, true) => wrong.push(format!("{name} has a test: take it off the table")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `src/lib.rs` says of each invariant "Guarded by" and names the tests.
#[test]
fn each_invariant_has_its_guard() {
    let text = std::fs::read_to_string(top().join("src/lib.rs")).unwrap();
    let documentation: String = text
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .collect::<Vec<_>>()
        .join("\n");
    let tests = test_names();
    let guards: Vec<&str> = documentation.split("Guarded by").skip(1).collect();
    assert_eq!(guards.len(), 12, "one guard for each invariant");
    for guard in guards {
        let sentence = guard.split(".\n").next().unwrap_or_default();
        let named: Vec<&str> = sentence.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test is named in {sentence:?}");
        for name in named {
            assert!(
                tests.contains(name),
                "{name} guards an invariant and does not exist"
            );
        }
    }
}

/// Returns the names of all functions in test code.
fn test_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in rust_files() {
        for line in file.testing().lines() {
            let mut line = words(line).skip_while(|word| *word != "fn").skip(1);
            names.extend(line.next().map(str::to_owned));
        }
    }
    names
}

/// Returns every word of all test code, this file aside.
fn tested_words() -> BTreeSet<String> {
    rust_files()
        .iter()
        .filter(|file| !file.path.ends_with("promises.rs"))
        .flat_map(|file| {
            words(&file.testing())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}
