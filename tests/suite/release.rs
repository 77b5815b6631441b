//! What a release takes from the tree: the version wherever it stands, and the notes.

use std::fs;
use std::process::Command;

use crate::source_text::top;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the version stands beside `Cargo.toml`, and what it looks like there.
const PLACES: [(&str, &str); 11] = [
    (
        ".github/SECURITY.md",
        "emblazon-X-x86_64-unknown-linux-musl.tar.gz",
    ),
    (".github/release/Dockerfile", "ghcr.io/OWNER/emblazon:X"),
    (
        "examples/github/emblazon-apply.yml",
        "the commit of the release vX",
    ),
    (
        "examples/github/emblazon-drift.yml",
        "the commit of the release vX",
    ),
    (
        "examples/github/emblazon-fork-comment.yml",
        "the commit of the release vX",
    ),
    (
        "examples/github/emblazon-fork.yml",
        "the commit of the release vX",
    ),
    (
        "examples/github/emblazon-plan.yml",
        "the commit of the release vX",
    ),
    (
        "examples/github/emblazon-plan.yml",
        "# emblazon-X-x86_64-unknown-linux-musl.tar.gz",
    ),
    (
        "examples/gitlab/.gitlab-ci.yml",
        "registry.example.com/emblazon:X",
    ),
    ("examples/kubernetes/kustomization.yaml", "newTag: X"),
    ("examples/watch/kubernetes/kustomization.yaml", "newTag: X"),
];

#[test]
fn examples_name_this_version() {
    for (file, place) in PLACES {
        let text = fs::read_to_string(top().join(file)).unwrap();
        let place = place.replace('X', VERSION);
        assert!(text.contains(&place), "{file} has no {place}");
    }
}

#[test]
fn the_changelog_has_notes_of_this_version_and_of_no_other() {
    #[track_caller]
    fn check(version: &str, expected: Result<&str, &str>) {
        let output = Command::new(top().join(".github/release/notes"))
            .arg(version)
            .output()
            .unwrap();
        let (out, err) = (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        match expected {
            Ok(text) => {
                assert!(output.status.success() && out.contains(text), "{out}{err}");
                assert!(!out.contains("\n## "), "another version's notes follow");
            }
            Err(text) => {
                assert_eq!((output.status.code(), &*out), (Some(1), ""));
                assert!(err.contains(text), "{err}");
            }
        }
    }
    check(VERSION, Ok("- "));
    check("99.0.0", Err("has no section \"## 99.0.0\""));
    check("0", Err("has no section"));
}
