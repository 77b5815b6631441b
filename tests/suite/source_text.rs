//! The project's own sources as text, split into the code that ships and the code that tests it.

use std::fs;
use std::path::{Path, PathBuf};

/// What stands above the tests at the end of a file.
const TESTS_BELOW: &str = "#[cfg(test)]\nmod tests {";

/// One Rust file of `src`, `tests` or `benches`.
pub(crate) struct SourceText {
    /// The path from the project's top, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl SourceText {
    /// Returns the code that ships, without comments; empty for a file that only tests.
    pub(crate) fn shipped(&self) -> String {
        if self.only_tests() {
            return String::new();
        }
        without_comments(self.text.split(TESTS_BELOW).next().unwrap_or_default())
    }

    /// Returns the code that tests, without comments.
    pub(crate) fn testing(&self) -> String {
        if self.only_tests() {
            return without_comments(&self.text);
        }
        let parts: Vec<&str> = self.text.split(TESTS_BELOW).skip(1).collect();
        without_comments(&parts.concat())
    }

    /// Returns the folder below `src`, such as `tree`; none for `src/lib.rs` and for files elsewhere.
    pub(crate) fn stage(&self) -> Option<&str> {
        let (stage, _) = self.path.strip_prefix("src/")?.split_once('/')?;
        Some(stage)
    }

    fn only_tests(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.ends_with("tests.rs")
            || self.path.ends_with("/testing.rs")
            || self.path.contains("/tests/")
    }
}

/// Returns the project's top folder.
pub(crate) fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Reads every Rust file below `src`, `tests` and `benches`, sorted by path.
pub(crate) fn rust_files() -> Vec<SourceText> {
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches"] {
        collect(&top().join(folder), &mut paths);
    }
    paths.sort();
    let files: Vec<SourceText> = paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| SourceText {
            path: relative(&path),
            text: fs::read_to_string(&path).unwrap(),
        })
        .collect();
    assert!(files.len() > 20, "the sources were not found");
    files
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else {
            into.push(path);
        }
    }
}

fn relative(path: &Path) -> String {
    let below = path.strip_prefix(top()).unwrap();
    below.to_str().unwrap().replace('\\', "/")
}

/// Cuts each line at the first `//` that is not the one of a URL.
fn without_comments(text: &str) -> String {
    text.lines()
        .map(|line| {
            let comment = line
                .match_indices("//")
                .find(|(at, _)| !line[..*at].ends_with(':'));
            comment.map_or(line, |(at, _)| &line[..at])
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns the identifiers and numbers of a text, in order.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}
