//! The work tree and a commit give the same tree.

use std::fs;
use std::process::Command;

use camino::Utf8Path;
use git2::{IndexAddOption, Repository, Signature};

use crate::tree::testing::{Tree, lines};
use crate::tree::{GitTree, ReadError, SourceError, TreeSource, Workdir, load};

const ACCOUNT: &str = "account: 0123456789abcdef0123456789abcdef
extends: [gold]
whitelabel: {company_name: Acme, domain: acme.example.com}
assets: {welcome: welcome.html}
";

fn tree() -> Tree {
    Tree::new(&[
        (
            "branding/emblazon.yaml",
            "clusters: {production: {probe: {ui: a portal}}}\n",
        ),
        (
            "branding/brands/gold.yaml",
            "whitelabel: {hide_powered: true}\n",
        ),
        ("branding/accounts/acme/account.yaml", ACCOUNT),
        ("branding/accounts/acme/welcome.html", "<p>Hello</p>\n"),
        ("branding/accounts/.hidden/account.yaml", "not: read"),
        ("README.md", "not a part of the tree"),
    ])
}

pub(super) fn commit(repository: &Repository) {
    let mut index = repository.index().expect("an index");
    index
        .add_all(["*"], IndexAddOption::DEFAULT, None)
        .expect("added");
    index.write().expect("written");
    let tree = index.write_tree().expect("a tree");
    let tree = repository.find_tree(tree).expect("the tree");
    let author = Signature::new("A", "a@example.com", &git2::Time::new(0, 0)).expect("an author");
    let parent = repository
        .head()
        .ok()
        .and_then(|head| head.peel_to_commit().ok());
    let parents: Vec<_> = parent.iter().collect();
    repository
        .commit(Some("HEAD"), &author, &author, "m", &tree, &parents)
        .expect("a commit");
}

#[test]
fn work_tree_and_commit_agree() {
    let tree = tree();
    let repository = Repository::init(tree.path()).expect("a repository");
    commit(&repository);
    let folder = tree.path().join("branding");
    let here = load(&Workdir::open(&folder).expect("a folder"), None).expect("a tree");
    let there = GitTree::open(&folder, "HEAD").expect("a commit");
    let there = load(&there, None).expect("a tree");
    assert_eq!(lines(&here), "");
    assert_eq!(here.desired, there.desired);
    assert_eq!(here.desired.digest(), there.desired.digest());
    assert_eq!(here.layers, there.layers);

    // What is not committed is not there, and what was committed stays.
    tree.write("branding/accounts/acme/account.yaml", b"broken: [");
    commit(&repository);
    let before = GitTree::open(&folder, "HEAD~1").expect("a commit");
    assert_eq!(load(&before, None).expect("a tree").desired, here.desired);
    let after = GitTree::open(&folder, "HEAD").expect("a commit");
    assert_ne!(lines(&load(&after, None).expect("a tree")), "");
}

#[test]
fn a_bare_repository_is_enough() {
    let tree = tree();
    let repository = Repository::init(tree.path()).expect("a repository");
    tree.write("emblazon.yaml", b"clusters: {production: {}}\n");
    commit(&repository);
    let bare = Tree::new(&[]);
    let bare_path = bare.path().join("bare.git");
    git2::build::RepoBuilder::new()
        .bare(true)
        .clone(tree.path().as_str(), bare_path.as_std_path())
        .expect("a clone");
    let source = GitTree::open(&bare_path, "HEAD").expect("a commit");
    assert_eq!(source.list().expect("files").len(), 1);
}

#[cfg(unix)]
#[test]
fn links_and_pointers_in_both() {
    let tree = Tree::new(&[("accounts/acme/account.yaml", ACCOUNT)]);
    std::os::unix::fs::symlink("account.yaml", tree.path().join("accounts/acme/a"))
        .expect("a link");
    std::os::unix::fs::symlink("acme", tree.path().join("accounts/beta")).expect("a link");
    tree.write(
        "accounts/acme/lfs.png",
        b"version https://git-lfs.github.com/spec/v1\n",
    );
    commit(&Repository::init(tree.path()).expect("a repository"));
    let commit = GitTree::open(&tree.path(), "HEAD").expect("a commit");
    let here = tree.source();
    assert_eq!(here.list().expect("files"), commit.list().expect("files"));
    let check = |path: &str, limit: u64, expected: &ReadError| {
        let path = Utf8Path::new(path);
        assert_eq!(here.read(path, limit).as_ref(), Err(expected), "{path}");
        assert_eq!(commit.read(path, limit).as_ref(), Err(expected), "{path}");
    };
    check(
        "accounts/acme/a",
        9,
        &ReadError::Link("accounts/acme/a".into()),
    );
    check(
        "accounts/beta/account.yaml",
        9,
        &ReadError::Link("accounts/beta".into()),
    );
    check("accounts/acme/lfs.png", 999, &ReadError::LfsPointer);
    check("accounts/acme/none", 9, &ReadError::Missing);
    check("accounts/acme/lfs.png/x", 9, &ReadError::Missing);
    check("accounts/acme", 9, &ReadError::NotAFile);
    let size = ACCOUNT.len() as u64;
    let too_large = ReadError::TooLarge { size, limit: 9 };
    check("accounts/acme/account.yaml", 9, &too_large);
}

#[test]
fn what_cannot_be_opened() {
    let tree = Tree::new(&[]);
    let missing = Workdir::open(tree.path().join("none"));
    assert!(matches!(missing, Err(SourceError::NoFolder(_))));
    let no_repository = GitTree::open(&tree.path(), "HEAD");
    assert!(matches!(
        no_repository,
        Err(SourceError::NoRepository { .. })
    ));
    let repository = Repository::init(tree.path()).expect("a repository");
    commit(&repository);
    let no_revision = GitTree::open(&tree.path(), "nothing");
    assert!(matches!(no_revision, Err(SourceError::NoRevision { .. })));
    tree.write("later/emblazon.yaml", b"");
    let not_there = GitTree::open(&tree.path().join("later"), "HEAD");
    assert!(matches!(not_there, Err(SourceError::NotInRevision { .. })));
}

/// A bit of a pack is another, and an object has a type that Git does not have.
#[test]
fn an_object_of_no_type_is_an_error() {
    let tree = tree();
    let repository = Repository::init(tree.path()).expect("a repository");
    commit(&repository);
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .current_dir(tree.path())
            .args(arguments)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    git(&["repack", "-adq", "--window=0"]);
    let packs = tree.path().join(".git/objects/pack");
    let pack = packs
        .read_dir_utf8()
        .expect("a folder")
        .map(|entry| entry.expect("an entry").into_path())
        .find(|path| path.extension() == Some("pack"))
        .expect("a pack");
    let objects = git(&["verify-pack", "-v", pack.as_str()]);
    let undamaged = fs::read(&pack).expect("the pack");
    let check = |object: &str| {
        let object = git(&["rev-parse", object]);
        let line = objects
            .lines()
            .find(|line| line.starts_with(object.trim()))
            .expect("the object");
        let offset: usize = line
            .split_whitespace()
            .nth(4)
            .and_then(|offset| offset.parse().ok())
            .expect("an offset");
        let mut damaged = undamaged.clone();
        damaged[offset] = damaged[offset] & 0x8f | 5 << 4;
        fs::remove_file(&pack).expect("removed: Git writes packs without write permission");
        fs::write(&pack, damaged).expect("written");
        let source = GitTree::open(&tree.path().join("branding"), "HEAD").expect("a commit");
        let said = match source.list() {
            Ok(_) => source
                .read(Utf8Path::new("emblazon.yaml"), 999)
                .expect_err("damaged")
                .to_string(),
            Err(error) => error.to_string(),
        };
        assert!(
            said.contains(&format!("damaged at object {}: `git fsck", object.trim())),
            "{said}"
        );
    };
    check("HEAD:branding/accounts");
    check("HEAD:branding/emblazon.yaml");
}
