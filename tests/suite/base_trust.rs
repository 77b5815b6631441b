//! Whoever may push to `refs/emblazon/*` can name any commit as the one that was applied last. Only what somebody put into
//! the history of the commit that is applied decides what is removed.

use std::path::Path;

use serde_json::Value;

use crate::base::{ACME, APPLIED, World, differences};
use crate::cli::{check_exit, stderr, stdout};
use crate::git::{git, write};

/// Says what acme declares, and what nobody ever declared.
const CLAIM: &str = "company_name: Acme Voice, brandColor: red, theirs: kept";

/// Pushes a commit as the one that was applied last, which declares a key that no commit of the branch ever did: with a
/// parent, or as an orphan. Returns its id.
fn forge(world: &World, parent: Option<&str>) -> String {
    let clone = world.server.clone_as("somebody");
    let text = format!("account: {ACME}\nwhitelabel: {{ {CLAIM} }}\n");
    write(&clone, "accounts/acme/account.yaml", &text);
    git(&clone, &["add", "--all"]);
    let tree = git(&clone, &["write-tree"]);
    let mut arguments = vec!["commit-tree", "-m", "nobody reviewed this", &tree];
    arguments.extend(parent.iter().flat_map(|parent| ["-p", *parent]));
    let commit = git(&clone, &arguments);
    let refspec = format!("{commit}:{APPLIED}");
    git(&clone, &["push", "--quiet", "--force", "origin", &refspec]);
    commit
}

/// Finds the command that a message tells people to run, and runs it.
#[track_caller]
fn follow(clone: &Path, message: &str) -> String {
    let command = message.split('`').nth(1).expect("a command in it");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    git(clone, &words)
}

fn base(report: &Value) -> (&str, &str) {
    let base = &report["base"];
    (
        base["state"].as_str().unwrap(),
        base["message"].as_str().unwrap(),
    )
}

#[test]
fn an_orphan_pushed_as_applied_deletes_nothing() {
    let world = World::new();
    world.apply();
    let forged = forge(&world, None);
    world.account("acme", ACME, "company_name: Acme Two, brandColor: red");
    let head = world.commit("rename acme");
    let plan = world.report(&["plan"]);
    assert_eq!(base(&plan).0, "not_in_history", "{plan}");
    assert_eq!(differences(&plan), ["acme company_name -"]);

    let output = world.apply();
    for text in [stdout(&output), stderr(&output)] {
        assert!(text.contains(&forged[..10]), "{text}");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("nothing is removed because of it"), "{text}");
    }
    assert!(stderr(&output).contains("warning: commit "));
    let live = world.live(ACME).unwrap();
    assert_eq!(
        live["theirs"], "kept",
        "no commit of the branch declared it"
    );
    assert_eq!(live["company_name"], "Acme Two");
    // A complete apply says anew what was applied.
    assert_eq!(world.applied(), Some(head));
    assert_eq!(base(&world.report(&["plan"])).0, "known");
}

/// Only a branch that counts vouches for what comes after the commit that is gone back to.
#[test]
fn a_commit_beyond_the_branch_deletes_nothing_when_somebody_goes_back() {
    let world = World::new();
    let first = world.head();
    world.account(
        "acme",
        ACME,
        "company_name: Acme Voice, brandColor: red, hide_powered: true",
    );
    let second = world.commit("hide powered");
    world.apply();
    let forged = forge(&world, Some(&second));
    let back = ["apply", "--yes", "--rev", &first];
    let refused = world.run(&back);
    check_exit(&refused, 5);
    assert!(
        stderr(&refused).contains(&forged[..10]),
        "{}",
        stderr(&refused)
    );
    check_exit(&world.run(&[&back[..], &["--rollback"]].concat()), 0);
    let live = world.live(ACME).unwrap();
    assert_eq!(live["theirs"], "kept");
    assert_eq!(live["hide_powered"], true, "it may be somebody's");
    assert_eq!(world.applied(), Some(first.clone()));

    // What the branch has counts, so that the way back removes what was declared since.
    world.apply();
    assert_eq!(world.applied(), Some(second));
    let plan = world.report(&["plan", "--rev", &first]);
    assert_eq!(base(&plan).0, "known", "{plan}");
    check_exit(&world.run(&[&back[..], &["--rollback"]].concat()), 0);
    assert_eq!(world.live(ACME).unwrap()["hide_powered"], false);
    assert_eq!(world.applied(), Some(first));
}

/// What is not committed yet stands upon `HEAD`.
#[test]
fn a_tree_with_changes_goes_by_the_commit_below_it() {
    let world = World::new();
    world.apply();
    world.account("acme", ACME, "company_name: Acme Voice");
    let plan = world.report(&["plan"]);
    assert_eq!(base(&plan).0, "known");
    assert_eq!(differences(&plan), ["acme brandColor git"]);
    forge(&world, None);
    let plan = world.report(&["plan"]);
    assert_eq!(base(&plan).0, "not_in_history");
    assert!(differences(&plan).is_empty(), "{plan}");
}

/// CI clones one commit. What its header does not prove needs the history, which is got, or said how to get.
#[test]
fn a_shallow_clone_gets_the_history_that_vouches_for_the_base() {
    let world = World::new();
    world.apply();
    world.account("acme", ACME, "company_name: Acme Voice");
    world.commit("drop the colour");
    world.account("acme", ACME, "company_name: Acme Two");
    world.commit("rename acme");
    let expected = ["acme brandColor git", "acme company_name git"];

    let blind = world.server.shallow_clone_as("blind");
    let refspec = format!("+{APPLIED}:{APPLIED}");
    git(
        &blind,
        &["fetch", "--quiet", "--depth=1", "origin", &refspec],
    );
    let plan = world.report_in(&blind, &["plan", "--no-fetch"]);
    assert_eq!(base(&plan).0, "history_cut_off", "{plan}");
    assert_eq!(differences(&plan), ["acme company_name -"]);
    follow(&blind, base(&plan).1);
    let plan = world.report_in(&blind, &["plan", "--no-fetch"]);
    assert_eq!(base(&plan).0, "known", "{plan}");
    assert_eq!(differences(&plan), expected);

    let fresh = world.server.shallow_clone_as("fresh");
    let plan = world.report_in(&fresh, &["plan"]);
    assert_eq!(base(&plan).0, "known", "{plan}");
    assert_eq!(differences(&plan), expected);

    // The history does not vouch for what was never in it.
    forge(&world, None);
    let fresh = world.server.shallow_clone_as("attacked");
    let plan = world.report_in(&fresh, &["plan"]);
    assert_eq!(base(&plan).0, "not_in_history", "{plan}");
    assert_eq!(differences(&plan), ["acme company_name -"]);
}

/// A branch that does not have yet what was applied since it began is told what to do.
#[test]
fn a_branch_behind_is_told_what_to_merge() {
    let world = World::new();
    let first = world.head();
    world.account("acme", ACME, "company_name: Acme Voice, brandColor: blue");
    world.commit("blue");
    world.apply();
    git(
        &world.clone,
        &["checkout", "--quiet", "-b", "topic", &first],
    );
    world.account("beta", crate::base::BETA, "company_name: Beta Two");
    git(&world.clone, &["commit", "--quiet", "-am", "topic"]);
    let plan = world.report(&["plan"]);
    assert_eq!(base(&plan).0, "not_in_history", "{plan}");

    // Nothing is written after `--recorded`, so the branch that is checked out may vouch for the base.
    git(&world.clone, &["checkout", "--quiet", "-"]);
    git(&world.clone, &["checkout", "--quiet", "main"]);
    let recorded = world.report(&["plan", "--recorded", "--rev", "topic"]);
    assert_eq!(base(&recorded).0, "known", "{recorded}");

    git(&world.clone, &["checkout", "--quiet", "topic"]);
    let branches = follow(&world.clone, base(&plan).1);
    let branch = branches.split_whitespace().next().unwrap();
    assert_eq!(branch, "main", "{branches}");
    git(&world.clone, &["merge", "--quiet", "--no-edit", branch]);
    let plan = world.report(&["plan"]);
    assert_eq!(base(&plan).0, "known", "{plan}");
    assert_eq!(differences(&plan), ["beta company_name git"]);
}
