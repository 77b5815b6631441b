//! `--account` and `--brand`: only the accounts that somebody chooses are read, planned and written.

use serde_json::json;

use crate::base::{ACME, BETA, World};
use crate::cli::{check_exit, stderr, stdout};
use crate::git::write;

impl World {
    /// Applies all, then lets somebody change both accounts live.
    fn edited(&self) {
        check_exit(&self.run(&["apply", "--yes"]), 0);
        self.edit(ACME, "company_name", "Hacked");
        self.edit(BETA, "company_name", "Hacked too");
    }

    fn live_name(&self, account: &str) -> serde_json::Value {
        self.live(account).unwrap()["company_name"].clone()
    }
}

/// One request for the one account, whichever of its names somebody uses.
#[test]
fn an_account_is_chosen_by_any_of_its_names() {
    let world = World::new();
    world.edited();
    for name in ["acme", ACME, &ACME.to_uppercase()] {
        let sent = world.sandbox.counts();
        let output = world.run(&["plan", "--account", name, "--no-cache"]);
        check_exit(&output, 2);
        let counts = world.sandbox.counts();
        let read = counts.of("GET", "whitelabel") - sent.of("GET", "whitelabel");
        assert_eq!(read, 1, "{name}");
        let listed = counts.of("GET", "descendants") - sent.of("GET", "descendants");
        assert_eq!(listed, 0, "{name}");
        let text = stdout(&output);
        assert!(
            text.contains("Hacked") && !text.contains("Hacked too"),
            "{text}"
        );
        assert!(text.contains("left out: 1 of 2 accounts"), "{text}");
    }
    let both = world.run(&["drift", "--skip-dns", "--account", "acme,beta"]);
    check_exit(&both, 2);
    assert!(stdout(&both).contains("Hacked too"), "{}", stdout(&both));
    let unknown = world.run(&["plan", "--account", "acne"]);
    check_exit(&unknown, 64);
    assert!(
        stderr(&unknown).contains("did you mean acme?"),
        "{}",
        stderr(&unknown)
    );
    let canary = ["apply", "--yes", "--canary", "acme", "--account", "beta"];
    let canary = world.run(&canary);
    check_exit(&canary, 64);
    assert!(
        stderr(&canary).contains("`--account acme`"),
        "{}",
        stderr(&canary)
    );
}

/// Those that extend a brand; and whoever is named besides.
#[test]
fn accounts_are_chosen_by_their_brand() {
    let world = World::new();
    world.edited();
    write(
        &world.clone,
        "brands/gold.yaml",
        "whitelabel: {hide_powered: true}\n",
    );
    let text = format!("account: {BETA}\nextends: [gold]\nwhitelabel: {{company_name: Beta}}\n");
    write(&world.clone, "accounts/beta/account.yaml", &text);
    world.commit("beta is gold");
    let plan = world.run(&["plan", "--brand", "gold"]);
    check_exit(&plan, 2);
    let text = stdout(&plan);
    assert!(text.contains("Hacked too"), "{text}");
    assert!(text.contains("left out: 1 of 2 accounts"), "{text}");
    check_exit(&world.run(&["apply", "--yes", "--brand", "gold"]), 0);
    assert_eq!(world.live_name(ACME), json!("Hacked"));
    assert_eq!(world.live_name(BETA), json!("Beta"));
    let both = world.run(&["plan", "--brand", "gold", "--account", "acme"]);
    check_exit(&both, 2);
    let text = stdout(&both);
    assert!(text.contains("left out: 0 of 2 accounts"), "{text}");
    let unknown = world.run(&["plan", "--brand", "golf"]);
    check_exit(&unknown, 64);
    let told = stderr(&unknown);
    assert!(
        told.contains("extends a brand golf; did you mean gold?"),
        "{told}"
    );
}

/// What is not chosen stays as it is, the base included; a plan for all then does the rest.
#[test]
fn only_what_is_chosen_is_applied() {
    let world = World::new();
    check_exit(&world.run(&["apply", "--yes", "--account", "beta"]), 0);
    assert_eq!(world.applied(), None, "not even where there was none");
    world.edited();
    let applied = world.applied();
    assert!(applied.is_some());
    world.account("beta", BETA, "company_name: Beta Group");
    world.commit("rename beta");
    let chosen = world.run(&["apply", "--yes", "--account", "beta"]);
    check_exit(&chosen, 0);
    assert_eq!(world.applied(), applied);
    assert!(
        stderr(&chosen).contains("the base stays as it was: only some accounts were looked at"),
        "{}",
        stderr(&chosen)
    );
    assert_eq!(world.live_name(ACME), json!("Hacked"));
    assert_ne!(world.live_name(BETA), json!("Hacked too"));
    check_exit(&world.run(&["plan", "--account", "beta"]), 0);
    check_exit(&world.run(&["apply", "--yes"]), 0);
    check_exit(&world.run(&["plan"]), 0);
}

/// A saved plan for some accounts is derived again for the same ones.
#[test]
fn a_saved_plan_for_some_is_carried_out_for_them() {
    let world = World::new();
    world.edited();
    let plan = world.run(&["plan", "--account", "acme", "--out", "change.plan"]);
    check_exit(&plan, 2);
    // What it is for was said when it was made.
    for (option, value) in [("--account", "beta"), ("--changed-since", "HEAD")] {
        let refused = world.run(&["apply", "change.plan", "--yes", option, value]);
        check_exit(&refused, 64);
        let said = format!("make it with `plan {option} {value}`");
        assert!(stderr(&refused).contains(&said), "{}", stderr(&refused));
    }
    let other = world.run(&["apply", "change.plan", "--yes", "--shard", "1/2"]);
    check_exit(&other, 5);
    assert!(
        stderr(&other).contains("`plan --shard 1/2`"),
        "{}",
        stderr(&other)
    );
    let applied = world.run(&["apply", "change.plan", "--yes"]);
    check_exit(&applied, 0);
    assert_ne!(world.live_name(ACME), json!("Hacked"));
    assert_eq!(world.live_name(BETA), json!("Hacked too"));
}

/// Whose domain is held by an account that is left out is refused, and what the refusal says helps.
#[test]
fn a_swap_needs_both_accounts() {
    let world = World::new();
    let declare = |acme: &str, beta: &str| {
        world.account("acme", ACME, &format!("company_name: Acme, domain: {acme}"));
        world.account("beta", BETA, &format!("company_name: Beta, domain: {beta}"));
        world.commit("domains")
    };
    declare("a.example.com", "b.example.com");
    check_exit(&world.run(&["apply", "--yes"]), 0);
    declare("b.example.com", "a.example.com");
    let alone = world.run(&["plan", "--account", "acme"]);
    check_exit(&alone, 5);
    let text = stdout(&alone);
    assert!(
        text.contains("b.example.com is held by beta, which is not chosen"),
        "{text}"
    );
    assert!(text.contains("`--account beta`"), "{text}");
    let both = ["apply", "--yes", "--account", "acme", "--account", "beta"];
    check_exit(&world.run(&both), 0);
    check_exit(&world.run(&["plan"]), 0);
}

/// With `--changed-since` the holder is not looked for in the rest of the tree, so nothing is said about that.
#[test]
fn a_domain_of_an_account_that_did_not_change_is_refused() {
    let world = World::new();
    world.account("beta", BETA, "company_name: Beta, domain: b.example.com");
    world.commit("a domain");
    check_exit(&world.run(&["apply", "--yes"]), 0);
    world.account("beta", BETA, "company_name: Beta, domain: c.example.com");
    let before = world.commit("let it go");
    world.account("acme", ACME, "company_name: Acme, domain: b.example.com");
    world.commit("take it");
    let since = world.run(&["plan", "--changed-since", &before]);
    check_exit(&since, 5);
    let text = stdout(&since);
    assert!(
        text.contains("which did not change") && !text.contains("not in the tree"),
        "{text}"
    );
    check_exit(&world.run(&["apply", "--yes"]), 0);
    check_exit(&world.run(&["plan"]), 0);
}

/// A folder may have the name of another account's domain; then the folder is meant.
#[test]
fn a_folder_is_chosen_before_a_domain() {
    let world = World::new();
    world.account("acme", ACME, "company_name: Acme, domain: b.example.com");
    world.account("b.example.com", BETA, "company_name: Beta Group");
    std::fs::remove_dir_all(world.clone.join("accounts/beta")).unwrap();
    world.commit("a folder like a domain");
    check_exit(
        &world.run(&["apply", "--yes", "--account", "b.example.com"]),
        0,
    );
    assert_eq!(world.live_name(BETA), json!("Beta Group"));
    assert!(world.live(ACME).unwrap().get("domain").is_none());
}

/// What was applied for some accounts is not undone by an older commit, unless somebody says that it is to be.
#[test]
fn an_older_commit_does_not_undo_what_was_chosen() {
    let world = World::new();
    world.apply();
    let old = world.head();
    world.account("beta", BETA, "company_name: Beta Group");
    world.commit("rename beta");
    check_exit(&world.run(&["apply", "--yes", "--account", "beta"]), 0);
    crate::git::git(&world.clone, &["checkout", "--quiet", &old]);
    let refused = world.run(&["apply", "--yes"]);
    check_exit(&refused, 5);
    let text = stderr(&refused);
    assert!(
        text.contains("of which 1 object was written already; pass --rollback"),
        "{text}"
    );
    assert_eq!(world.live_name(BETA), json!("Beta Group"));
    // It says nothing of the other account.
    check_exit(&world.run(&["apply", "--yes", "--account", "acme"]), 0);
    check_exit(&world.run(&["apply", "--yes", "--rollback"]), 0);
    assert_eq!(world.live_name(BETA), json!("Beta Voice"));
}

/// By what the account or a layer says of it; several labels must all hold.
#[test]
fn accounts_are_chosen_by_their_labels() {
    #[track_caller]
    fn check(world: &World, words: &[&str], acme: bool, beta: bool) {
        let plan = world.run(&[&["plan"], words].concat());
        check_exit(&plan, 2);
        let text = stdout(&plan);
        assert_eq!(text.contains("acme  "), acme, "{words:?}: {text}");
        assert_eq!(text.contains("Hacked too"), beta, "{words:?}: {text}");
    }
    let world = World::new();
    world.edited();
    write(
        &world.clone,
        "brands/gold.yaml",
        "labels: {tier: gold, region: eu}\n",
    );
    let text = format!(
        "account: {BETA}\nextends: [gold]\nwhitelabel: {{company_name: Beta}}\nlabels: {{region: us}}\n"
    );
    write(&world.clone, "accounts/beta/account.yaml", &text);
    world.commit("beta is gold, and far away");
    check(&world, &["--label", "tier=gold"], false, true);
    check(&world, &["--label", "tier!=gold"], true, false);
    check(&world, &["--label", "tier=gold,region=us"], false, true);
    check(&world, &["--label", "region!=eu"], true, true);
    check(
        &world,
        &[
            "--account",
            "acme",
            "--brand",
            "gold",
            "--label",
            "tier=gold",
        ],
        false,
        true,
    );
    for (words, expected) in [
        (["--label", "tier=golf"], "did you mean tier=gold?"),
        (
            ["--label", "region=eu"],
            "no account is chosen by --label region=eu",
        ),
        (["--label", "tier"], "write KEY=VALUE or KEY!=VALUE"),
    ] {
        let unknown = world.run(&[&["plan"][..], &words].concat());
        check_exit(&unknown, 64);
        assert!(stderr(&unknown).contains(expected), "{}", stderr(&unknown));
    }
    let explained = world.run(&["explain", "beta", "labels.region"]);
    check_exit(&explained, 0);
    assert!(
        stdout(&explained).contains("  * us"),
        "{}",
        stdout(&explained)
    );
    let checked = world.run(&["dns", "check", "--label", "tier=golf"]);
    check_exit(&checked, 64);
    let applied = world.run(&["apply", "--yes", "--label", "tier=gold"]);
    check_exit(&applied, 0);
    assert_eq!(world.live_name(ACME), "Hacked");
    assert_eq!(world.live_name(BETA), "Beta");
}

/// By who is below whom on the platform; all of it by every command, with nothing else told or read.
#[test]
fn accounts_are_chosen_by_who_is_above_them() {
    let folder = tempfile::tempdir().unwrap();
    let tree = crate::source_text::top().join("examples/quickstart");
    let tree = tree.to_str().unwrap();
    let run = |words: &[&str]| crate::cli::run(folder.path(), words);
    let below = ["--sandbox", "--below", "Northwind Telecom"];
    let plan = run(&[&["plan"], &below[..], &[tree]].concat());
    check_exit(&plan, 2);
    let text = stdout(&plan);
    assert!(text.contains("left out: 3 of 6 accounts"), "{text}");
    assert!(
        text.contains("acme") && !text.contains("southgate"),
        "{text}"
    );
    let drift = run(&[
        &["drift", "--skip-dns"],
        &below[..],
        &["--label", "tier=gold", tree],
    ]
    .concat());
    check_exit(&drift, 64);
    for verb in [&["dns", "check"][..], &["probe"]] {
        let words = [verb, &["--sandbox", "--below", "southgate", "--tree", tree]].concat();
        let told = stdout(&run(&words));
        assert!(
            told.contains("southgate") && !told.contains("acme"),
            "{verb:?}: {told}"
        );
    }
    let wrong = run(&["plan", "--sandbox", "--below", "nobody", tree]);
    check_exit(&wrong, 64);
    assert!(
        stderr(&wrong).contains("there is no account nobody"),
        "{}",
        stderr(&wrong)
    );
    let nobody = run(&["plan", "--sandbox", "--below", "Echo Labs", tree]);
    check_exit(&nobody, 64);
    assert!(
        stderr(&nobody).contains("the tree has neither Echo Labs"),
        "{}",
        stderr(&nobody)
    );
    let recorded = run(&["plan", "--recorded", "--below", "southgate", tree]);
    check_exit(&recorded, 64);
}
