//! The tree of another commit, beside one that is loaded: the same as when it is read as a whole, and little is read.

use std::fmt::Write as _;

use camino::Utf8Path;
use git2::Repository;

use super::changing::{Counted, tree};
use super::source::commit;
use crate::diag::Severity;
use crate::model::ClusterName;
use crate::tree::beside::{load_beside, load_next};
use crate::tree::testing::{Tree, lines};
use crate::tree::{GitTree, Known, Loaded, Origin, Workdir, load};

/// How many files a reader of the whole tree opens.
const ALL: usize = 12 * 2 + 5;

/// Loads the commit before beside a tree that was changed: first beside the work tree, then beside the commit that holds
/// the change. The result must be that of loading it as a whole.
#[track_caller]
fn check(tree: &Tree, files: usize) {
    check_apart(tree, files, files);
}

/// Then loads the commit that follows, of which `next` files are read.
#[track_caller]
fn check_apart(tree: &Tree, files: usize, next: usize) {
    let folder = tree.path();
    let before = GitTree::open(&folder, "HEAD").expect("a commit");
    let here = load(&Workdir::open(&folder).expect("a folder"), None).expect("a tree");
    check_beside(&before, &folder, &here, None, files);
    commit(&Repository::open(&folder).expect("a repository"));
    let after = GitTree::open(&folder, "HEAD").expect("a commit");
    let after = load(&after, None).expect("a tree");
    check_beside(&before, &folder, &after, Some("HEAD"), files);
    let loaded = load(&before, None).expect("a tree");
    check_next(tree, (&before.commit(), &loaded), next);
}

/// Loads HEAD after a known commit. All of the result must be as when it is loaded as a whole.
#[track_caller]
fn check_next(tree: &Tree, (revision, loaded): (&str, &Loaded), files: usize) {
    let folder = tree.path();
    let after = GitTree::open(&folder, "HEAD").expect("a commit");
    let counted = Counted::new(&after);
    let known = Known {
        loaded,
        revision: Some(revision),
    };
    let next = load_next((&counted, &after.commit()), &folder, None, known).expect("a tree");
    let whole = load(&after, None).expect("a tree");
    assert_eq!(told(&next), told(&whole));
    assert_eq!(counted.files().len(), files, "{:?}", counted.files());
    // And so on from there.
    let known = Known {
        loaded: &next,
        revision: Some("HEAD"),
    };
    let same = load_next((&after, &after.commit()), &folder, None, known).expect("a tree");
    assert_eq!(told(&same), told(&whole));
}

/// Writes all that a loaded tree says, with places as people read them: files may have other numbers.
fn told(loaded: &Loaded) -> String {
    let mut text = format!(
        "{}\n{:?}\n{:?}\n{:?} {}\n",
        loaded.desired.digest(),
        loaded.watch,
        loaded.brand_assets,
        loaded.selection,
        loaded.left_out,
    );
    let mut mistakes: Vec<String> = lines(loaded).lines().map(str::to_owned).collect();
    mistakes.sort();
    let origin = |place| Origin::of(place, &loaded.sources).to_string();
    for account in &loaded.desired.accounts {
        let settings = (account.settings.iter()).map(|(key, it)| (key, origin(it.place)));
        let assets = (account.assets.iter()).map(|(kind, it)| (kind, origin(it.place)));
        let _ = writeln!(
            text,
            "{} {} {:?} {:?}",
            account.name,
            origin(account.identity.place),
            settings.collect::<Vec<_>>(),
            assets.collect::<Vec<_>>()
        );
    }
    for (name, layers) in &loaded.layers {
        let names: Vec<String> = layers.iter().map(|layer| layer.name.to_string()).collect();
        let _ = writeln!(text, "{name} {names:?}");
    }
    text + &mistakes.join("\n")
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
    check_apart(&tree, 2 + 2 + 1, 2 + 1);
}

/// Whoever is built from a file outside of its folder is read again: of the brand, and of the brand's asset.
#[test]
fn what_accounts_share() {
    let tree = tree();
    tree.write("brands/gold.html", b"<p>Golden</p>\n");
    // Whoever else names the brand's file, no account of theirs tells.
    check_apart(&tree, 2 + 6 * 2 + 2, ALL);
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
    // A tree with errors is read as a whole.
    check_apart(&tree, 2 + 1, ALL - 2);
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

/// What is wrong with files that are not read again stays, what the change mends goes, and what only the whole tells is
/// found anew.
#[test]
fn mistakes_of_the_others() {
    let tree = tree();
    let commit = || commit(&Repository::open(tree.path()).expect("a repository"));
    let loaded = |revision: &str| {
        let source = GitTree::open(&tree.path(), revision).expect("a commit");
        (source.commit(), load(&source, None).expect("a tree"))
    };
    // Warnings of all kinds: of accounts and a brand, a brand that nobody uses, a file that nobody reads.
    let heavy = "<p>".to_owned() + &"x".repeat(250_000);
    for path in [
        "accounts/n02/w.html",
        "accounts/n03/w.html",
        "brands/gold.html",
    ] {
        tree.write(path, heavy.as_bytes());
    }
    tree.write("brands/tin.yaml", b"assets: {welcome: tin.html}\n");
    tree.write("brands/tin.html", heavy.as_bytes());
    tree.write("accounts/left/over.txt", b"");
    let managed = format!("account: {:032x}\ndns: manage\n", 5);
    tree.write("accounts/n05/account.yaml", managed.as_bytes());
    commit();
    let (before, known) = loaded("HEAD");
    assert!(
        known.diagnostics.len() >= 7 && !known.has_errors(),
        "{}",
        lines(&known)
    );
    // One is mended, another one comes, and so does a user of the brand.
    tree.write("accounts/n02/w.html", b"<p>Light</p>\n");
    let used = format!("account: {:032x}\nextends: [tin]\n", 6);
    tree.write("accounts/n06/account.yaml", used.as_bytes());
    tree.write("accounts/n07/w.html", heavy.as_bytes());
    commit();
    check_next(&tree, (&before, &known), 2 + 2 + 1 + 2 + 2 + 2 + 1);
    let (before, known) = loaded("HEAD");
    // Nobody uses it any more, and it changes: only the whole tree tells what is wrong with it.
    let free = format!("account: {:032x}\nextends: [iron]\n", 6);
    tree.write("accounts/n06/account.yaml", free.as_bytes());
    tree.write("brands/tin.yaml", b"assets: {welcome: none.html}\n");
    commit();
    check_next(&tree, (&before, &known), 2 + 3 + 1 + 12 + 11);
    std::fs::remove_file(tree.path().join("brands/tin.yaml")).expect("removed");
    std::fs::remove_dir_all(tree.path().join("accounts/left")).expect("removed");
    commit();
    let (before, known) = loaded("HEAD");
    std::fs::remove_dir_all(tree.path().join("accounts/n05")).expect("removed");
    tree.write("README.md", b"Not a part of the tree.\n");
    commit();
    check_next(&tree, (&before, &known), 2);
}

/// One random change of a tree of twelve accounts and two brands.
fn change(tree: &Tree, chance: &mut fastrand::Rng) {
    let name = format!("n{:02}", chance.u32(0..14));
    let folder = tree.path().join("accounts").join(&name);
    let heavy = "<p>".to_owned() + &"x".repeat(200_001);
    let page = match chance.u32(0..4) {
        0 => "<p>Light</p>",
        1 => "<script>1</script>",
        2 => "<img src=x>",
        _ => &heavy,
    };
    match chance.u32(0..12) {
        0..=3 => {
            let brand = chance
                .choice(["gold", "iron", "tin", "none"])
                .unwrap_or("tin");
            let id = chance.u32(0..40);
            let domain = chance.u32(0..60);
            let dns = chance.choice(["manage", "observe", "sometimes"]);
            let text = format!(
                "account: {id:032x}\nextends: [{brand}]\nwhitelabel: {{domain: d{domain}.example.com}}\ndns: {}\nwatch: {{heal: auto}}\n",
                dns.unwrap_or("observe")
            );
            tree.write(&format!("accounts/{name}/account.yaml"), text.as_bytes());
        }
        4 | 5 => tree.write(&format!("accounts/{name}/w.html"), page.as_bytes()),
        6 => drop(std::fs::remove_dir_all(folder)),
        7 => tree.write("brands/gold.html", page.as_bytes()),
        8 => {
            let key = chance.choice(["hide_powered", "hide_credits", "company"]);
            let key = key.unwrap_or("hide_powered");
            let text = format!("whitelabel: {{{key}: true}}\nassets: {{welcome: gold.html}}\n");
            let brand = chance.choice(["iron", "tin"]).unwrap_or("tin");
            tree.write(&format!("brands/{brand}.yaml"), text.as_bytes());
        }
        9 => tree.write(
            "domains.yaml",
            b"template: {A: {\"a.{{domain}}\": {mapping: [192.0.2.1]}}}\n",
        ),
        10 => {
            let text = format!(
                "clusters: {{production: {{}}}}\npolicy: {{protected_accounts: [{name}]}}\n"
            );
            tree.write("emblazon.yaml", text.as_bytes());
        }
        _ => tree.write(&format!("accounts/{name}/notes.txt"), page.as_bytes()),
    }
}

/// Counts the accounts that two trees share, each of which stands at the same place in both.
fn shared(before: &Loaded, after: &Loaded) -> usize {
    let accounts = after.desired.accounts.iter();
    let shared = accounts.filter(|account| {
        let mut known = before.desired.accounts.iter();
        let is_shared = known.any(|known| known.is(account));
        if is_shared {
            let settings = account.settings.values().map(|declared| declared.place);
            for place in settings.chain([account.identity.place]) {
                let [was, is] = [before, after].map(|tree| Origin::of(place, &tree.sources));
                assert_eq!(was, is, "{}", account.name);
            }
        }
        is_shared
    });
    shared.count()
}

/// However a tree changes, and however often it is only followed: the result is that of loading it as a whole.
#[test]
fn commit_after_commit() {
    let (mut followed, mut cheap) = (0, 0);
    for seed in 0..5 {
        let tree = tree();
        let folder = tree.path();
        let mut chance = fastrand::Rng::with_seed(seed);
        let first = GitTree::open(&folder, "HEAD").expect("a commit");
        let mut known = (first.commit(), load(&first, None).expect("a tree"));
        for step in 0..25 {
            change(&tree, &mut chance);
            commit(&Repository::open(&folder).expect("a repository"));
            let source = GitTree::open(&folder, "HEAD").expect("a commit");
            let counted = Counted::new(&source);
            let before = Known {
                loaded: &known.1,
                revision: Some(&known.0),
            };
            let id = source.commit();
            let next = load_next((&counted, &id), &folder, None, before).expect("a tree");
            let whole = load(&source, None).expect("a tree");
            assert_eq!(told(&next), told(&whole), "seed {seed}, step {step}");
            followed += 1;
            let is_cheap = counted.files().len() < 12;
            cheap += usize::from(is_cheap);
            let shared = shared(&known.1, &next);
            assert!(!is_cheap || shared * 2 > next.desired.accounts.len());
            // As with the daemon: a tree with errors does not come into force, and somebody goes back.
            if next.has_errors() {
                let repository = Repository::open(&folder).expect("a repository");
                let good = repository.revparse_single(&known.0).expect("a commit");
                repository
                    .reset(&good, git2::ResetType::Hard, None)
                    .expect("the commit before");
            } else {
                known = (source.commit(), next);
            }
        }
    }
    assert!(
        cheap * 3 > followed,
        "only {cheap} of {followed} were cheap"
    );
}
