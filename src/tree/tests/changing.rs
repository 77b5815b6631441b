//! What a change touches is read, and nothing else is opened.

use std::collections::BTreeSet;
use std::sync::Mutex;

use camino::{Utf8Path, Utf8PathBuf};
use git2::Repository;

use super::source::commit;
use crate::model::AccountName;
use crate::tree::testing::Tree;
use crate::tree::{
    GitTree, Listed, Listing, ReadError, Selection, SourceError, Touched, TreeSource, Workdir,
    changes, load, load_some, load_touched,
};

/// Twelve accounts, the odd ones of the brand `gold`, which has an asset of its own.
pub(super) fn tree() -> Tree {
    let tree = Tree::new(&[
        ("emblazon.yaml", "clusters: {production: {}}\n"),
        ("domains.yaml", "template: {}\n"),
        ("brands/gold.yaml", "assets: {welcome: gold.html}\n"),
        ("brands/gold.html", "<p>Gold</p>\n"),
        ("brands/iron.yaml", "whitelabel: {hide_powered: true}\n"),
    ]);
    for number in 0..12 {
        let brand = if number % 2 == 1 { "gold" } else { "iron" };
        let text = format!(
            "account: {number:032x}\nextends: [{brand}]\nwhitelabel: {{company_name: N{number}}}\nassets: {{welcome: w.html}}\n"
        );
        let folder = format!("accounts/n{number:02}");
        tree.write(&format!("{folder}/account.yaml"), text.as_bytes());
        tree.write(&format!("{folder}/w.html"), b"<p>Hello</p>\n");
    }
    commit(&Repository::init(tree.path()).expect("a repository"));
    tree
}

/// Counts what is read of a source.
pub(super) struct Counted<'a> {
    inner: &'a dyn TreeSource,
    read: Mutex<BTreeSet<Utf8PathBuf>>,
}

impl<'a> Counted<'a> {
    pub(super) fn new(inner: &'a dyn TreeSource) -> Self {
        Self {
            inner,
            read: Mutex::default(),
        }
    }

    /// Lists the files that were read.
    pub(super) fn files(&self) -> BTreeSet<Utf8PathBuf> {
        self.read.lock().expect("no panic").clone()
    }
}

impl TreeSource for Counted<'_> {
    fn folder(&self) -> Utf8PathBuf {
        self.inner.folder()
    }

    fn list(&self) -> Result<Vec<Listed>, SourceError> {
        self.inner.list()
    }

    fn list_some(&self, only: &Selection) -> Result<Listing, SourceError> {
        self.inner.list_some(only)
    }

    fn read(&self, path: &Utf8Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        self.read.lock().expect("no panic").insert(path.to_owned());
        self.inner.read(path, limit)
    }
}

/// Loads what is touched, from the work tree and from the commit that holds the change, and checks accounts and files.
#[track_caller]
fn check(tree: &Tree, left_out: usize, accounts: &[&str], files: &[&str]) {
    let folder = tree.path();
    let work = |to: Option<&str>, source: &dyn TreeSource, since: &str| {
        let changes = changes(&folder, since, to).expect("changes");
        let touched = Touched::by(changes.paths.iter().map(AsRef::as_ref));
        let counted = Counted::new(source);
        let loaded = load_touched(&counted, None, &touched).expect("a tree");
        assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
        let names: Vec<&str> = (loaded.desired.accounts.iter())
            .map(|account| account.name.as_str())
            .collect();
        assert_eq!(names, accounts);
        assert_eq!(loaded.left_out, left_out);
        // The same as a whole load gives of these accounts, but for the numbers of the files.
        let whole = load(source, None).expect("a tree").desired;
        for account in &loaded.desired.accounts {
            let other = whole
                .accounts
                .iter()
                .find(|other| other.name == account.name);
            let values = |account: &crate::tree::DesiredAccount| {
                let settings = account.settings.iter();
                let settings =
                    settings.map(|(key, declared)| (key.clone(), declared.value.clone()));
                let assets = account.assets.iter();
                let assets = assets.map(|(kind, declared)| (*kind, declared.value.clone()));
                (settings.collect::<Vec<_>>(), assets.collect::<Vec<_>>())
            };
            assert_eq!(other.map(|other| values(other)), Some(values(account)));
        }
        let read = counted.files();
        let read: Vec<&str> = read.iter().map(|path| path.as_str()).collect();
        if files.is_empty() {
            assert_eq!(read.len(), 12 * 2 + 5, "all files");
        } else {
            assert_eq!(read, files);
        }
    };
    work(None, &Workdir::open(&folder).expect("a folder"), "HEAD");
    commit(&Repository::open(&folder).expect("a repository"));
    let after = GitTree::open(&folder, "HEAD").expect("a commit");
    work(Some("HEAD"), &after, "HEAD~1");
}

#[test]
fn one_account_is_read_for_one_change() {
    let tree = tree();
    tree.write("accounts/n03/w.html", b"<p>Changed</p>\n");
    check(
        &tree,
        11,
        &["n03"],
        &[
            "accounts/n03/account.yaml",
            "accounts/n03/w.html",
            "brands/gold.html",
            "brands/gold.yaml",
            "domains.yaml",
            "emblazon.yaml",
        ],
    );
}

#[test]
fn a_new_and_a_removed_account() {
    let tree = tree();
    tree.write(
        "accounts/new/account.yaml",
        format!("account: {:032x}\n", 99).as_bytes(),
    );
    std::fs::remove_dir_all(tree.path().join("accounts/n05")).expect("removed");
    check(
        &tree,
        11,
        &["new"],
        &["accounts/new/account.yaml", "domains.yaml", "emblazon.yaml"],
    );
}

/// What is left out is counted for the cluster that is looked at: the share of it that may change is told by that.
#[test]
fn accounts_of_other_clusters_are_not_left_out() {
    let tree = Tree::new(&[("emblazon.yaml", "clusters: {production: {}, staging: {}}\n")]);
    for number in 0..100 {
        let id = format!("{number:032x}");
        let account = match number {
            0..10 => format!("account: {id}\n"),
            10..20 => format!("account: {{staging: {id}}}\n"),
            _ => format!("account: {{production: {id}}}\n"),
        };
        let path = format!("accounts/n{number:02}/account.yaml");
        tree.write(&path, account.as_bytes());
    }
    commit(&Repository::init(tree.path()).expect("a repository"));
    let only = Selection(BTreeSet::from([AccountName::new("n05")]));
    let folder = tree.path();
    let sources: [&dyn TreeSource; 2] = [
        &Workdir::open(&folder).expect("a folder"),
        &GitTree::open(&folder, "HEAD").expect("a commit"),
    ];
    for source in sources {
        for (cluster, expected) in [("staging", 19), ("production", 89)] {
            let loaded = load_some(source, Some(cluster), Some(&only)).expect("a tree");
            assert_eq!(loaded.left_out, expected, "{cluster}");
        }
    }
}

#[test]
fn nothing_changed_but_the_template() {
    let tree = tree();
    tree.write("domains.yaml", b"template: { A: {} }\n");
    check(&tree, 12, &[], &["domains.yaml", "emblazon.yaml"]);
}

/// Whoever extends a brand is touched by it and by its assets; all must be read to know who does.
#[test]
fn a_brand_touches_those_who_extend_it() {
    let gold = ["n01", "n03", "n05", "n07", "n09", "n11"];
    for file in ["brands/gold.html", "brands/gold.yaml"] {
        let tree = tree();
        let text: &[u8] = if file.ends_with("html") {
            b"<p>Golden</p>\n"
        } else {
            b"assets: {welcome: gold.html}\nwhitelabel: {hide_credits: true}\n"
        };
        tree.write(file, text);
        check(&tree, 6, &gold, &[]);
    }
}

#[test]
fn the_defaults_touch_everybody() {
    let tree = tree();
    tree.write(
        "emblazon.yaml",
        b"clusters: {production: {}}\ndefaults: {whitelabel: {hide_powered: true}}\n",
    );
    let all: Vec<String> = (0..12).map(|number| format!("n{number:02}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    check(&tree, 0, &all, &[]);
}

/// A tree that is a folder of a repository is not touched by what lies beside it.
#[test]
fn only_the_trees_own_folder_counts() {
    let tree = Tree::new(&[
        ("branding/emblazon.yaml", "clusters: {production: {}}\n"),
        (
            "branding/accounts/acme/account.yaml",
            "account: 0123456789abcdef0123456789abcdef\n",
        ),
        ("other/emblazon.yaml", "{}\n"),
    ]);
    commit(&Repository::init(tree.path()).expect("a repository"));
    tree.write("other/emblazon.yaml", b"{ }\n");
    tree.write("branding/accounts/acme/logo.png", b"new\n");
    let folder = tree.path().join("branding");
    let paths = |to| changes(&folder, "HEAD~0", to).expect("changes").paths;
    assert_eq!(paths(None), ["accounts/acme/logo.png"]);
    assert_eq!(paths(Some("HEAD")), Vec::<Utf8PathBuf>::new());
    let none = changes(&folder, "no-such-revision", None);
    assert!(
        matches!(none, Err(SourceError::NoRevision { .. })),
        "{none:?}"
    );
}
