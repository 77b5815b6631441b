//! The tree of another commit, beside one that is loaded: the same as when it is read as a whole, and little is read.

use camino::Utf8Path;
use git2::Repository;

use super::changing::{Counted, tree};
use super::source::commit;
use crate::diag::Severity;
use crate::model::ClusterName;
use crate::tree::beside::load_beside;
use crate::tree::testing::Tree;
use crate::tree::{GitTree, Known, Loaded, Workdir, load};

/// How many files a reader of the whole tree opens.
const ALL: usize = 12 * 2 + 5;

/// Loads the commit before beside a tree that was changed: first beside the work tree, then beside the commit that holds
/// the change. The result must be that of loading it as a whole.
#[track_caller]
fn check(tree: &Tree, files: usize) {
    let folder = tree.path();
    let before = GitTree::open(&folder, "HEAD").expect("a commit");
    let here = load(&Workdir::open(&folder).expect("a folder"), None).expect("a tree");
    check_beside(&before, &folder, &here, None, files);
    commit(&Repository::open(&folder).expect("a repository"));
    let after = GitTree::open(&folder, "HEAD").expect("a commit");
    let after = load(&after, None).expect("a tree");
    check_beside(&before, &folder, &after, Some("HEAD"), files);
}

#[track_caller]
fn check_beside(
    before: &GitTree,
    folder: &Utf8Path,
    loaded: &Loaded,
    revision: Option<&str>,
    files: usize,
) {
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let known = Known { loaded, revision };
    let counted = Counted::new(before);
    let cluster = ClusterName::new("production");
    let source = (&counted as _, &*before.commit());
    let beside = load_beside(source, folder, &cluster, None, Some(known)).expect("a tree");
    let whole = load(before, None).expect("a tree");
    assert_eq!(beside.desired.digest(), whole.desired.digest());
    let errors = (whole.diagnostics.iter())
        .filter(|diagnostic| diagnostic.code.severity() == Severity::Error);
    assert_eq!(beside.errors().count(), errors.count());
    assert_eq!(counted.files().len(), files, "{:?}", counted.files());
}

#[test]
fn what_is_the_same_is_not_read() {
    check(&tree(), 2);
}

#[test]
fn one_account() {
    let tree = tree();
    tree.write("accounts/n02/w.html", b"<p>Changed</p>\n");
    check(&tree, 2 + 2 + 1);
}

#[test]
fn a_new_and_a_removed_account() {
    let tree = tree();
    let new = format!("account: {:032x}\n", 99);
    tree.write("accounts/new/account.yaml", new.as_bytes());
    std::fs::remove_dir_all(tree.path().join("accounts/n04")).expect("removed");
    check(&tree, 2 + 2 + 1);
}

/// Whoever is built from a file outside of its folder is read again: of the brand, and of the brand's asset.
#[test]
fn what_accounts_share() {
    let tree = tree();
    tree.write("brands/gold.html", b"<p>Golden</p>\n");
    check(&tree, 2 + 6 * 2 + 2);
    tree.write("brands/iron.yaml", b"whitelabel: {hide_powered: false}\n");
    check(&tree, 2 + 6 * 2 + 1);
}

#[test]
fn a_file_in_another_account_s_folder() {
    let tree = tree();
    let account = format!("account: {:032x}\nassets: {{welcome: ../n02/w.html}}\n", 99);
    tree.write("accounts/new/account.yaml", account.as_bytes());
    commit(&Repository::open(tree.path()).expect("a repository"));
    tree.write("accounts/n02/w.html", b"<p>Changed</p>\n");
    check(&tree, 2 + 2 + 1 + 1);
}

/// What must hold between accounts is looked at for all of them, those that were taken over too.
#[test]
fn a_domain_that_two_claimed() {
    let tree = tree();
    for name in ["n02", "n04"] {
        let id = name.trim_start_matches('n');
        let text = format!("account: {id:0>32}\nwhitelabel: {{domain: same.example.com}}\n");
        tree.write(&format!("accounts/{name}/account.yaml"), text.as_bytes());
    }
    commit(&Repository::open(tree.path()).expect("a repository"));
    tree.write(
        "accounts/n02/account.yaml",
        format!("account: {:0>32}\n", "02").as_bytes(),
    );
    check(&tree, 2 + 1);
}

#[test]
fn the_defaults_say_something_of_all() {
    let tree = tree();
    tree.write(
        "emblazon.yaml",
        b"clusters: {production: {}}\ndefaults: {whitelabel: {hide_powered: true}}\n",
    );
    check(&tree, ALL);
}

/// Where Git converts what it checks out, a file that it calls unchanged need not have the bytes of the commit.
#[test]
fn nothing_is_taken_over_where_git_converts() {
    let tree = tree();
    tree.write(".gitattributes", b"*.html text eol=crlf\n");
    commit(&Repository::open(tree.path()).expect("a repository"));
    let folder = tree.path();
    let before = GitTree::open(&folder, "HEAD").expect("a commit");
    let here = load(&Workdir::open(&folder).expect("a folder"), None).expect("a tree");
    check_beside(&before, &folder, &here, None, ALL);
    let there = load(&before, None).expect("a tree");
    check_beside(&before, &folder, &there, Some("HEAD"), 2);
}
