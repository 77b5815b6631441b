//! Holds the shape of the project: who may import whom, what the core may not touch, sizes and names.

use std::collections::{BTreeMap, BTreeSet};

use crate::source_text::{SourceText, rust_files, top, words};

/// Folder of `src` → folders that it may import, besides itself, each of them further up. The picture is in `src/lib.rs`.
const IMPORTS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("diag", &["model"]),
    ("tree", &["model", "diag"]),
    ("transport", &["model"]),
    ("live", &["model", "diag", "tree", "transport"]),
    ("dns", &["model", "diag", "tree", "transport"]),
    ("diff", &["model", "diag", "tree", "live", "dns"]),
    (
        "probe",
        &["model", "diag", "tree", "transport", "dns", "diff"],
    ),
    ("import", &["model", "diag", "tree", "live", "diff"]),
    ("plan", &["model", "diag", "tree", "live", "dns", "diff"]),
    (
        "apply",
        &["model", "diag", "tree", "live", "dns", "diff", "plan"],
    ),
    (
        "reconcile",
        &[
            "model", "diag", "tree", "live", "dns", "diff", "plan", "apply",
        ],
    ),
    (
        "report",
        &[
            "model", "diag", "tree", "live", "dns", "diff", "probe", "plan", "apply",
        ],
    ),
    // What is published was rendered before.
    ("forge", &["model", "transport"]),
    (
        "propose",
        &[
            "model", "tree", "diff", "import", "apply", "report", "forge",
        ],
    ),
    (
        "daemon",
        &[
            "model",
            "diag",
            "tree",
            "live",
            "dns",
            "diff",
            "probe",
            "import",
            "plan",
            "apply",
            "reconcile",
            "report",
            "forge",
            "propose",
        ],
    ),
    (
        "alert",
        &["model", "transport", "live", "report", "forge", "daemon"],
    ),
    (
        "dashboard",
        &[
            "model", "live", "dns", "diff", "probe", "plan", "apply", "report", "forge", "daemon",
            "alert",
        ],
    ),
    (
        "config",
        &[
            "model",
            "tree",
            "live",
            "probe",
            "forge",
            "daemon",
            "alert",
            "dashboard",
        ],
    ),
    ("sandbox", &["model"]),
    (
        "cli",
        &[
            "model",
            "diag",
            "tree",
            "live",
            "dns",
            "diff",
            "probe",
            "import",
            "plan",
            "apply",
            "reconcile",
            "report",
            "forge",
            "propose",
            "daemon",
            "alert",
            "dashboard",
            "config",
            "sandbox",
        ],
    ),
];

/// Folders that take values and return values (invariant 1) …
const PURE: &[&str] = &[
    "model", "diag", "tree", "diff", "probe", "import", "plan", "report",
];
/// … the files in them that read for the others: the tree, and what a browser would get …
const READERS: &[&str] = &[
    "src/probe/caller.rs",
    "src/probe/connection.rs",
    "src/probe/names.rs",
    "src/probe/tunnel.rs",
    "src/probe/prober.rs",
    "src/tree/workdir.rs",
    "src/tree/git.rs",
    "src/tree/object_size.rs",
    "src/tree/lineage.rs",
    "src/tree/changes.rs",
    "src/tree/cache_folder.rs",
    "src/tree/plain_file.rs",
    "src/tree/picture_cache.rs",
    "src/tree/signature.rs",
];
/// … and what is not a value: clock, network, environment, randomness, files, waiting.
const IMPURE: &[&str] = &[
    "async ",
    ".await",
    "::now(",
    "axum::",
    "fastrand::",
    "git2::",
    "Instant",
    "reqwest::",
    "std::env",
    "std::fs",
    "std::io::std",
    "std::net::Tcp",
    "std::net::Udp",
    "std::process",
    "SystemTime",
    "tempfile::",
    "thread::sleep",
    "thread::spawn",
    "tokio::",
    "use std::{",
];

#[test]
fn imports_run_one_way() {
    let table: BTreeMap<&str, &[&str]> = IMPORTS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (place, (stage, allowed)) in IMPORTS.iter().enumerate() {
        let before = &IMPORTS[..place];
        for import in *allowed {
            if !before.iter().any(|(stage, _)| stage == import) {
                wrong.push(format!(
                    "the table lets {stage} import {import}, which is not further up"
                ));
            }
        }
    }
    for file in rust_files() {
        let Some(stage) = file.stage() else { continue };
        let Some(allowed) = table.get(stage) else {
            wrong.push(format!(
                "{}: the folder {stage} is not in the table",
                file.path
            ));
            continue;
        };
        for import in imported(&file.shipped()) {
            if import != stage && table.contains_key(&*import) && !allowed.contains(&&*import) {
                wrong.push(format!("{}: {stage} must not import {import}", file.path));
            }
        }
        // The tests of the stages that talk to a server may start one.
        for import in imported(&file.testing()) {
            let known = import == stage || import == "sandbox" || !table.contains_key(&*import);
            if !known && !allowed.contains(&&*import) {
                wrong.push(format!(
                    "{}: tests of {stage} must not import {import}",
                    file.path
                ));
            }
        }
        wrong.extend(climbs_out(&file));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_core_is_pure() {
    let mut wrong = Vec::new();
    for file in rust_files() {
        let pure = file.stage().is_some_and(|stage| PURE.contains(&stage));
        if !pure || READERS.contains(&file.path.as_str()) {
            continue;
        }
        for line in file.shipped().lines() {
            let code = without_texts(line);
            let found = IMPURE.iter().filter(|pattern| code.contains(**pattern));
            wrong.extend(found.map(|pattern| format!("{}: {pattern:?} in {line:?}", file.path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Design, invariant 12: what comes from outside reaches a terminal in visible characters only. So there is one way to a
/// terminal, and it looks at every byte.
#[test]
fn there_is_one_way_to_a_terminal() {
    const WAY: &str = "src/cli/screen.rs";
    let mut wrong = Vec::new();
    for file in rust_files() {
        // Help and version are written by the library that reads the command line, and hold nothing from outside.
        if !file.path.starts_with("src/") || file.path == WAY {
            continue;
        }
        for line in file.shipped().lines() {
            let code = without_texts(line);
            let writes = ["stdout()", "stderr()", "print!(", "println!(", "dbg!("];
            let asks = code.contains("is_terminal()") || code.contains("terminal_width(");
            if !asks && writes.iter().any(|way| code.contains(way)) {
                wrong.push(format!("{}: {}", file.path, line.trim()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "only {WAY} writes to a terminal:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn names_say_something() {
    const EMPTY: &[&str] = &[
        "util", "utils", "helper", "helpers", "manager", "common", "misc",
    ];
    let mut wrong = Vec::new();
    for file in rust_files() {
        let path = file.path.trim_end_matches(".rs");
        if words(path).any(|word| {
            EMPTY
                .iter()
                .any(|empty| word.split('_').any(|part| part == *empty))
        }) {
            wrong.push(file.path);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn mod_files_hold_no_logic() {
    let mut wrong = Vec::new();
    for file in rust_files() {
        if !file.path.starts_with("src/") || !file.path.ends_with("/mod.rs") {
            continue;
        }
        for line in file.shipped().lines() {
            let first: Vec<&str> = words(line).take(3).collect();
            let item = first
                .iter()
                .any(|word| matches!(*word, "fn" | "impl" | "struct" | "enum"));
            if item && !line.contains("use ") {
                wrong.push(format!("{}: {line}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_top_level_holds_what_is_agreed() {
    const AGREED: &[&str] = &[
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "benches",
        "examples",
        "schemas",
        "src",
        "tests",
    ];
    let entries: BTreeSet<String> = tracked()
        .into_iter()
        .map(|path| path.split('/').next().unwrap_or_default().to_owned())
        .filter(|entry| !entry.starts_with('.'))
        .collect();
    let unknown: Vec<&String> = entries
        .iter()
        .filter(|entry| !AGREED.contains(&entry.as_str()))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn no_file_names_a_machine() {
    let here = top().to_str().unwrap().to_owned();
    let homes = ["home", "Users"].map(|folder| format!("/{folder}/"));
    let mut wrong = Vec::new();
    for path in tracked() {
        // What is no text, or was removed without telling Git, names nothing.
        let Ok(text) = std::fs::read_to_string(top().join(&path)) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            if line.contains(&here) || homes.iter().any(|home| line.contains(home)) {
                wrong.push(format!("{path}:{}: {line}", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the top-level modules that a text names through `crate::`.
fn imported(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            found.extend(group_heads(group));
        } else {
            found.extend(words(rest).next().map(str::to_owned));
        }
    }
    found
}

/// Returns the first name of each member of `{a::b, c::{d, e}}`, given the text behind the brace.
fn group_heads(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut member = String::new();
    let mut heads = Vec::new();
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.extend(words(&member).next().map(str::to_owned));
                member.clear();
                continue;
            }
            _ => {}
        }
        member.push(character);
    }
    heads.extend(words(&member).next().map(str::to_owned));
    heads
}

/// Finds chains of `super::` that leave the folder, which the table would not see.
fn climbs_out(file: &SourceText) -> Vec<String> {
    let parts = file.path.trim_end_matches(".rs").split('/').skip(1);
    let depth = parts.filter(|part| *part != "mod").count();
    let chain = "super::".repeat(depth);
    file.shipped()
        .lines()
        .filter(|line| line.contains(&chain))
        .map(|line| format!("{}: {} leaves the folder", file.path, line.trim()))
        .collect()
}

/// Blanks what stands between double quotes.
fn without_texts(line: &str) -> String {
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// Returns the paths that Git tracks.
fn tracked() -> Vec<String> {
    let repository = git2::Repository::open(top()).expect("these tests run in a clone");
    let index = repository.index().unwrap();
    index
        .iter()
        .map(|entry| String::from_utf8(entry.path).unwrap())
        .collect()
}

#[test]
fn imports_are_found() {
    #[track_caller]
    fn check(code: &str, expected: &[&str]) {
        let found: Vec<String> = imported(code).into_iter().collect();
        assert_eq!(found, expected, "{code}");
    }
    check("use crate::model::Settings;", &["model"]);
    check(
        "use crate::{live, model::{Object, Settings}, tree::Desired};",
        &["live", "model", "tree"],
    );
    check(
        "use crate::{\n    diag::Code,\n};\nfn f() -> crate::plan::Plan {}",
        &["diag", "plan"],
    );
    check("use super::Object;", &[]);
}
