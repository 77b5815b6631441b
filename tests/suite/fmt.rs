//! `fmt`: one form for the files of a tree.

use std::fs;

use crate::cli::{check_exit, run, stderr, stdout, write};
use crate::source_text::top;

#[test]
fn files_are_formatted_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "emblazon.yaml", "clusters: {production: {}}\n");
    let account = "dns: ignore # nobody asks\nrealm: \"a.example\"\n";
    write(folder, "accounts/a/account.yaml", account);
    let broken = "dns: [\n";
    write(folder, "accounts/b/account.yaml", broken);
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();

    let checked = run(folder, &["fmt", "--check", "--diff"]);
    check_exit(&checked, 3);
    let shown = stdout(&checked);
    assert!(shown.contains("\n-realm: \"a.example\"\n"), "{shown}");
    assert!(shown.contains("\n+realm: a.example\n"), "{shown}");
    assert_eq!(read("accounts/a/account.yaml"), account);
    let told = stderr(&checked);
    assert!(
        told.contains("accounts/b/account.yaml is left as it is: not valid YAML"),
        "{told}"
    );
    assert!(told.contains("1 of 3 files not formatted"), "{told}");

    let formatted = run(folder, &["fmt"]);
    check_exit(&formatted, 3);
    assert_eq!(stdout(&formatted), "accounts/a/account.yaml\n");
    assert_eq!(
        read("accounts/a/account.yaml"),
        "realm: a.example\ndns: ignore # nobody asks\n"
    );
    assert_eq!(read("accounts/b/account.yaml"), broken);

    write(
        folder,
        "accounts/b/account.yaml",
        "dns: ignore\nrealm: b.example\n",
    );
    check_exit(&run(folder, &["fmt", "--check"]), 2);
    check_exit(&run(folder, &["fmt"]), 0);
    check_exit(&run(folder, &["fmt", "--check"]), 0);
    check_exit(&run(folder, &["fmt", "nowhere"]), 64);
    check_exit(&run(folder, &["fmt", "accounts"]), 64);
}

/// The trees that people copy from are in the form that they are asked to keep.
#[test]
fn the_examples_are_formatted() {
    for example in ["quickstart", "smallest", "careful", "rules"] {
        let folder = top().join("examples").join(example);
        let checked = run(&folder, &["fmt", "--check", "--diff"]);
        assert_eq!(stdout(&checked), "", "{example}");
        check_exit(&checked, 0);
    }
}

/// `--severity`: warnings end with 2 where somebody wants that, and nothing else changes.
#[test]
fn warnings_end_with_2_by_choice() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "emblazon.yaml", "clusters: {production: {}}\n");
    write(folder, "accounts/a/account.yaml", "realm: a.example\n");
    let strict = ["validate", "--severity", "warning"];
    check_exit(&run(folder, &strict), 0);
    write(
        folder,
        "brands/unused.yaml",
        "whitelabel: {hide_powered: true}\n",
    );
    check_exit(&run(folder, &["validate"]), 0);
    check_exit(&run(folder, &["validate", "--severity", "error"]), 0);
    check_exit(&run(folder, &strict), 2);
    write(
        folder,
        "accounts/a/account.yaml",
        "realm: a.example\ndns: x\n",
    );
    check_exit(&run(folder, &strict), 3);
    check_exit(&run(folder, &["plan", "--severity", "fatal"]), 64);
}
