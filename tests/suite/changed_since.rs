//! `--changed-since`: what was not touched costs nothing, and is not touched.

use serde_json::json;

use crate::base::{ACME, BETA, World};
use crate::cli::{check_exit, stderr, stdout};

impl World {
    /// Applies all, then lets somebody change Acme live, and Git change Beta; returns the commit before.
    fn begun(&self) -> String {
        check_exit(&self.run(&["apply", "--yes"]), 0);
        let before = self.head();
        self.edit(ACME, "company_name", "Hacked");
        self.account("beta", BETA, "company_name: Beta Group");
        self.commit("rename beta");
        before
    }
}

/// One request for the one account, whatever is wrong with the other; both are told apart in the report.
#[test]
fn only_what_the_change_touches_is_read_and_planned() {
    let world = World::new();
    let before = world.begun();
    let sent = world.sandbox.counts();
    let output = world.run(&["plan", "--changed-since", &before, "--no-cache"]);
    check_exit(&output, 2);
    let counts = world.sandbox.counts();
    assert_eq!(
        counts.of("GET", "whitelabel") - sent.of("GET", "whitelabel"),
        1
    );
    assert_eq!(
        counts.of("GET", "descendants") - sent.of("GET", "descendants"),
        0
    );
    let text = stdout(&output);
    assert!(
        text.contains("Beta Group") && !text.contains("Hacked"),
        "{text}"
    );
    assert!(text.contains("left out: 1 of 2 accounts"), "{text}");
    let report = world.report(&["plan", "--changed-since", &before]);
    assert_eq!(report["accounts"].as_array().unwrap().len(), 1);
    let none = world.run(&["plan", "--changed-since", "HEAD"]);
    check_exit(&none, 0);
    let drift = world.run(&["drift", "--changed-since", &before]);
    check_exit(&drift, 2);
    assert!(!stdout(&drift).contains("Hacked"));
}

/// Since the base and all of what changed was applied: that is a complete apply. Since another commit it is not.
#[test]
fn the_base_moves_only_when_nothing_was_left_out() {
    let world = World::new();
    let before = world.begun();
    let other = world.run(&["apply", "--yes", "--changed-since", "HEAD"]);
    check_exit(&other, 0);
    assert!(
        stderr(&other).contains("the base stays as it was"),
        "{}",
        stderr(&other)
    );
    let since = world.run(&["apply", "--yes", "--changed-since", &before]);
    check_exit(&since, 0);
    assert!(
        stderr(&since).contains("is the base from now on"),
        "{}",
        stderr(&since)
    );
    let live = world.sandbox.world().document(ACME).unwrap().public();
    assert_eq!(
        live["company_name"],
        json!("Hacked"),
        "not touched, so not fixed"
    );
    check_exit(&world.run(&["plan"]), 2);
}

/// Of an account that is not looked at nothing is removed, so there is nothing to forget; that is said as it is.
#[test]
fn only_what_is_looked_at_can_be_forgotten() {
    let world = World::new();
    let before = world.begun();
    let since = ["plan", "--changed-since", &before, "--forget"];
    let forget = |what| world.run(&[&since[..], &[what]].concat());
    let output = forget("acme:whitelabel.company_name");
    check_exit(&output, 64);
    let text = stderr(&output);
    assert!(
        text.contains("not among those that are looked at"),
        "{text}"
    );
    let output = forget("beta:whitelabel.nav.help");
    check_exit(&output, 64);
    let text = stderr(&output);
    assert!(text.contains("does not declare that key"), "{text}");
}

/// What the tree stopped declaring is found, account and key, by the part of the base that is read.
#[test]
fn what_is_gone_from_the_tree_is_planned() {
    let world = World::new();
    let before = world.begun();
    world.account("acme", ACME, "company_name: Acme Voice");
    std::fs::remove_dir_all(world.clone.join("accounts/beta")).unwrap();
    world.commit("drop a key and an account");
    let output = world.run(&["plan", "--changed-since", &before, "--prune"]);
    check_exit(&output, 2);
    let text = stdout(&output);
    assert!(text.contains("brandColor"), "{text}");
    assert!(text.contains("delete"), "{text}");
}

/// A saved plan of a part is carried out as that part, and is not refused as another tree's.
#[test]
fn a_saved_plan_of_a_part() {
    let world = World::new();
    let before = world.begun();
    let saved = world.run(&["plan", "--changed-since", &before, "--out", "part.plan"]);
    check_exit(&saved, 2);
    check_exit(&world.run(&["apply", "part.plan", "--yes"]), 0);
    let live = world.sandbox.world().document(BETA).unwrap().public();
    assert_eq!(live["company_name"], json!("Beta Group"));
}

/// A share is one of the whole tree: one of two accounts is not all of them.
#[test]
fn shares_are_of_the_whole() {
    let world = World::new();
    world.write(
        "emblazon.yaml",
        "clusters: { production: {} }\nextra_keys: [theirs]\npolicy: { max_changed_percent: 60, share_floor: 1 }\n",
    );
    world.commit("guard");
    check_exit(
        &world.run(&[
            "apply",
            "--yes",
            "--allow",
            "too-many-changes",
            "--expect",
            &digest(&world),
        ]),
        0,
    );
    let before = world.head();
    world.account("beta", BETA, "company_name: Beta Group");
    world.commit("rename beta");
    check_exit(&world.run(&["plan", "--changed-since", &before]), 2);
    world.account("acme", ACME, "company_name: Acme Group, brandColor: red");
    world.commit("rename acme");
    check_exit(&world.run(&["plan", "--changed-since", &before]), 5);
}

fn digest(world: &World) -> String {
    let report = world.report(&["plan", "--allow", "too-many-changes"]);
    report["plan"].as_str().unwrap().to_owned()
}

#[test]
fn a_revision_that_is_not_there_is_wrong_usage() {
    let world = World::new();
    let output = world.run(&["plan", "--changed-since", "nowhere"]);
    check_exit(&output, 64);
    assert!(stderr(&output).contains("there is no revision nowhere"));
}
