//! Which commit is older, and which was applied meanwhile: what pipelines in the wrong order can do.

use crate::base::{ACME, BETA, World};
use crate::cli::{check_exit, stderr, stdout};
use crate::git::git;

/// Two pipelines that run in the wrong order do not bring the old state back.
#[test]
fn an_older_commit_is_not_applied_by_accident() {
    let world = World::new();
    let first = world.head();
    world.account("acme", ACME, "company_name: Acme Two, brandColor: red");
    let second = world.commit("change");
    world.apply();
    assert_eq!(world.applied(), Some(second));
    let late = world.run(&["apply", "--yes", "--rev", &first]);
    check_exit(&late, 5);
    assert!(
        stderr(&late).contains("was applied already"),
        "{}",
        stderr(&late)
    );
    check_exit(
        &world.run(&["apply", "--yes", "--rev", &first, "--rollback"]),
        0,
    );
    assert_eq!(world.applied(), Some(first));
    assert_eq!(world.live(ACME).unwrap()["company_name"], "Acme Voice");
}

/// CI clones one commit: what stands before it is told by its parent and its date, or said to be unknown.
#[test]
fn a_shallow_clone_says_when_it_cannot_tell_which_commit_is_older() {
    let world = World::new();
    let first = world.server.shallow_clone_as("first");
    world.account("acme", ACME, "company_name: Acme Two, brandColor: red");
    world.commit("second");
    world.apply();
    world.account("acme", ACME, "company_name: Acme Three, brandColor: red");
    world.commit("third");

    // The usual case: the commit that was applied last is the one before.
    let third = world.server.shallow_clone_as("third");
    check_exit(&world.run_in(&third, &["apply", "--yes"]), 0);

    // A pipeline that is run again, late; where the remote is not asked, it is told what to do.
    git(
        &first,
        &[
            "fetch",
            "--quiet",
            "--depth=1",
            "origin",
            "+refs/emblazon/production/applied:refs/emblazon/production/applied",
        ],
    );
    let late = world.run_in(&first, &["apply", "--yes", "--no-fetch"]);
    check_exit(&late, 5);
    let words = stderr(&late);
    let error = words.split("error: ").nth(1).unwrap();
    assert!(error.contains("may come before commit"), "{words}");
    let command = error.split('`').nth(1).unwrap();
    assert_eq!(command, "git fetch --unshallow origin");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    git(&first, &words);
    let sure = world.run_in(&first, &["apply", "--yes"]);
    check_exit(&sure, 5);
    let words = stderr(&sure);
    assert!(words.contains("comes before commit"), "{words}");
    assert_eq!(world.live(ACME).unwrap()["company_name"], "Acme Three");
    check_exit(&world.run_in(&first, &["apply", "--yes", "--rollback"]), 0);
    assert_eq!(world.live(ACME).unwrap()["company_name"], "Acme Voice");
}

/// A plan that was approved stays good while another branch is applied, and says so.
#[test]
fn a_saved_plan_knows_what_had_been_applied() {
    let world = World::new();
    world.apply();
    let first = world.head();
    world.account("acme", ACME, "company_name: Acme Two, brandColor: red");
    let second = world.commit("ours");
    check_exit(&world.run(&["plan", "--out", ".emblazon/ours.plan"]), 2);
    let shown = stdout(&world.run(&["show", ".emblazon/ours.plan"]));
    let told = format!("commit {first} had been applied last when it was made");
    assert!(shown.contains(&told), "{shown}");

    git(
        &world.clone,
        &["checkout", "--quiet", "-b", "theirs", &first],
    );
    world.account("beta", BETA, "company_name: Beta Two");
    git(&world.clone, &["commit", "--quiet", "-am", "theirs"]);
    world.apply();
    let theirs = world.head();
    git(&world.clone, &["checkout", "--quiet", &second]);
    let output = world.run(&["apply", ".emblazon/ours.plan", "--yes"]);
    check_exit(&output, 0);
    let told = format!(
        "commit {} was applied since the plan was made",
        &theirs[..10]
    );
    assert!(stdout(&output).contains(&told), "{}", stdout(&output));
    assert_eq!(world.live(ACME).unwrap()["company_name"], "Acme Two");
    assert_eq!(world.live(BETA).unwrap()["company_name"], "Beta Two");
    // What is live is neither tree, so neither is the base anew.
    assert_eq!(world.applied(), Some(theirs));
}
