//! Which of two commits is older, in a whole clone and where the history is cut off.

use std::fs;

use camino::Utf8Path;
use git2::{Oid, Repository, Signature, Time};

use crate::tree::Precedence::{self, Before, CutOff, NotBefore};
use crate::tree::precedence;

/// Commits nothing, at a second of that day.
fn commit(repository: &Repository, parent: Option<Oid>, second: i64) -> Oid {
    let who = Signature::new("A", "a@example.com", &Time::new(second, 0)).unwrap();
    let tree = repository.treebuilder(None).unwrap().write().unwrap();
    let tree = repository.find_tree(tree).unwrap();
    let parent = parent.map(|parent| repository.find_commit(parent).unwrap());
    let parents: Vec<_> = parent.iter().collect();
    let text = format!("at {second}");
    repository
        .commit(None, &who, &who, &text, &tree, &parents)
        .unwrap()
}

#[track_caller]
fn check(folder: &Utf8Path, earlier: Oid, later: Oid, expected: Precedence) {
    let found = precedence(folder, &earlier.to_string(), &later.to_string());
    assert_eq!(found, expected);
}

#[test]
fn commits_follow_one_another() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let first = commit(&repository, None, 10);
    let second = commit(&repository, Some(first), 20);
    let third = commit(&repository, Some(second), 30);
    let beside = commit(&repository, Some(first), 5);
    let folder = Utf8Path::from_path(folder.path()).unwrap();

    check(folder, first, second, Before);
    check(folder, first, third, Before);
    check(folder, third, first, NotBefore);
    check(folder, first, first, NotBefore);
    check(folder, second, beside, NotBefore);
    check(folder, Oid::from_bytes(&[7; 20]).unwrap(), third, NotBefore);

    // As in CI, each commit stands for itself.
    let all = [first, second, third, beside].map(|id| id.to_string() + "\n");
    fs::write(repository.path().join("shallow"), all.concat()).unwrap();
    check(folder, first, third, CutOff);
    check(folder, first, second, CutOff);
    check(folder, first, first, NotBefore);
    // Its date is the later one.
    check(folder, third, first, NotBefore);
    // The other is its parent, whatever the dates say.
    check(folder, beside, first, NotBefore);
    // The dates say nothing for sure, so it is said to be unknown.
    check(folder, beside, second, CutOff);
}
