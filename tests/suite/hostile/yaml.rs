//! YAML that was written to hurt.

use std::fmt::Write as _;

use super::bounded;
use crate::cli::{check_exit, stderr, stdout, write};

const ACCOUNT: &str = "account: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n";

/// The most bytes that a refusal may print: 200 mistakes with their source lines.
const MOST_OUTPUT: usize = 200 << 10;

/// Validates a tree whose one account has this text; the code must be among what is said.
#[track_caller]
fn check(name: &str, text: &str, code: &str) {
    let folder = tempfile::tempdir().unwrap();
    let config = "clusters: {production: {api: \"https://api.example.com\"}}\n";
    write(folder.path(), "emblazon.yaml", config);
    write(folder.path(), "accounts/acme/account.yaml", text);
    let output = bounded(folder.path(), &[], &["validate"]);
    check_exit(&output, 3);
    assert_eq!(stderr(&output), "", "{name}");
    let said = stdout(&output);
    assert!(said.contains(code), "{name}: {said}");
    assert!(said.len() <= MOST_OUTPUT, "{name}: {} bytes", said.len());
}

#[test]
fn sizes() {
    let scalar = |size: usize| {
        format!(
            "{ACCOUNT}whitelabel: {{company_name: {}}}\n",
            "x".repeat(size)
        )
    };
    check("a scalar of 100 MB", &scalar(100_000_000), "EB0109");
    check(
        "a key of 900 kB",
        &format!("{ACCOUNT}{}: 1\n", "x".repeat(900_000)),
        "EB0",
    );
    check(
        "one quote and no end",
        &format!("{ACCOUNT}whitelabel: \"{}", "x".repeat(900_000)),
        "EB0101",
    );
}

#[test]
fn depths() {
    check(
        "lists",
        &format!("{ACCOUNT}whitelabel: {}", "[".repeat(900_000)),
        "EB0110",
    );
    check(
        "maps",
        &format!("{ACCOUNT}whitelabel: {}", "{a: ".repeat(200_000)),
        "EB0110",
    );
    check("items", &"- ".repeat(400_000), "EB0110");
    check("keys", &"? ".repeat(400_000), "EB0110");
    let mut block = format!("{ACCOUNT}whitelabel:\n");
    for depth in 1..1_400 {
        let _ = writeln!(block, "{}a:", " ".repeat(depth));
    }
    check("indented maps", &block, "EB0110");
}

#[test]
fn counts() {
    let list = |item: &str, count: usize| {
        format!(
            "{ACCOUNT}whitelabel: {{social: [{}]}}\n",
            item.repeat(count)
        )
    };
    let nodes = format!("{ACCOUNT}whitelabel: [{}]\n", "[],".repeat(300_000));
    check("nodes", &nodes, "EB0202");
    check("tags", &list("!t x,", 5_000), "EB0105");
    check("anchors", &list("&a x,", 5_000), "EB0103");
    check("aliases", &list("*a,", 5_000), "EB0103");
    let mut keys = format!("{ACCOUNT}whitelabel:\n");
    let mut twice = ACCOUNT.to_owned();
    for number in 0..5_000 {
        let _ = writeln!(keys, "  k{number}: x");
        twice.push_str("assets: x\n");
    }
    check("unknown keys", &keys, "EB0119");
    // As many as fit into a file, each a letter away from a known one: comparing all of them would take a minute.
    let mut near = format!("{ACCOUNT}whitelabel: {{");
    for number in 0..45_000 {
        let _ = write!(near, "hide_powere{number}: x,");
    }
    check("unknown keys near a known one", &(near + "}\n"), "EB0119");
    let lists = [("extends", "glod"), ("lock", "whitelabel.hide_powerd")];
    for (key, name) in lists {
        let names: Vec<String> = (0..40_000)
            .map(|number| format!("{name}{number}"))
            .collect();
        let mut text = format!("{ACCOUNT}{key}: [{}]\n", names.join(","));
        text.truncate(1 << 20);
        let end = text.rfind(',').unwrap_or(0);
        check(key, &format!("{}]\n", &text[..end]), "EB0119");
    }
    check("one key again and again", &twice, "EB0119");
    check(
        "documents",
        &format!("{ACCOUNT}{}", "---\n".repeat(100_000)),
        "EB0106",
    );
    // Ten letters that stand for a thousand million others, where a reader follows them.
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (letter, before) in ('b'..='k').zip('a'..) {
        let all = vec![format!("*{before}"); 10].join(", ");
        let _ = writeln!(laughs, "{letter}: &{letter} [{all}]");
    }
    check("aliases of aliases", &laughs, "EB0103");
}
