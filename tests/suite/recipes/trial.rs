//! `--sandbox` on every command, and what the commands tell somebody who tries them to do next.

use super::desk::{Desk, Done};

#[track_caller]
fn ends_with(desk: &Desk, expected: i32, command: &str) -> Done {
    let done = desk.run(command);
    assert_eq!(
        done.code, expected,
        "{command}\n{}{}",
        done.stdout, done.stderr
    );
    done
}

/// Finds the command that was told of, behind some words.
#[track_caller]
fn told<'a>(text: &'a str, before: &str, after: char) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{text}"));
    rest.split(after).next().unwrap()
}

#[test]
fn every_command_takes_a_sandbox() {
    let desk = Desk::with_examples();
    for (expected, command) in [
        (0, "validate --sandbox examples/quickstart"),
        (2, "plan --sandbox --out a.plan examples/quickstart"),
        (2, "show --sandbox a.plan"),
        (0, "apply --sandbox a.plan --tree examples/quickstart"),
        (0, "apply --sandbox examples/quickstart"),
        (2, "drift --sandbox examples/quickstart"),
        (0, "history --sandbox examples/quickstart"),
        (64, "history show last --sandbox examples/quickstart"),
        (64, "restore last --sandbox --tree examples/quickstart"),
        (2, "dns check --sandbox --tree examples/quickstart"),
        (0, "dns letter acme --sandbox --tree examples/quickstart"),
        (0, "dns export acme --sandbox --tree examples/quickstart"),
        (0, "explain acme examples/quickstart --sandbox"),
        (0, "import --sandbox --dry-run --tree examples/quickstart"),
        (2, "watch --sandbox --once examples/quickstart"),
        // Another file than the tree's.
        (
            2,
            "plan --sandbox=examples/quickstart/sandbox.yaml examples/quickstart",
        ),
        (1, "validate --sandbox=nowhere.yaml examples/quickstart"),
    ] {
        ends_with(&desk, expected, &format!("emblazon {command}"));
    }
    desk.is_as_it_was();
}

/// Whoever works on a platform tries on a sandbox first; both at once is a mistake only when both are said.
#[test]
fn a_sandbox_stands_in_for_the_environments_platform() {
    let desk = Desk::with_examples();
    let command = "emblazon plan --sandbox examples/quickstart";
    ends_with(
        &desk,
        2,
        &format!("EMBLAZON_API=https://x.example {command}"),
    );
    let command = "emblazon dns check northwind --sandbox --tree examples/quickstart";
    ends_with(
        &desk,
        0,
        &format!("EMBLAZON_API=https://x.example {command}"),
    );
    let both = "emblazon plan --sandbox --api https://x.example examples/quickstart";
    let told = ends_with(&desk, 64, both).stderr;
    assert!(told.contains("cannot be used with"), "{told}");
}

/// A letter tells what the sandbox's DNS has already.
#[test]
fn a_letter_asks_the_dns_of_the_sandbox() {
    let desk = Desk::with_examples();
    let command = "emblazon dns letter acme --sandbox --tree examples/quickstart";
    let letter = ends_with(&desk, 0, command).stdout;
    let line = |text: &str| letter.lines().any(|line| line.trim() == text);
    assert!(line("Name   voice"), "{letter}");
    assert!(line("Value  192.0.2.80"), "{letter}");
    assert!(line("Right already"), "{letter}");
}

/// The tree that an import wrote has no sandbox of its own, and the next command leads to the same one.
#[test]
fn what_import_says_next_works() {
    for tree in ["imported", "'my brands'"] {
        let desk = Desk::with_examples();
        let command =
            format!("emblazon import --sandbox=examples/quickstart/sandbox.yaml --tree {tree}");
        let imported = ends_with(&desk, 0, &command);
        let next = told(&imported.stderr, "next: ", '\n');
        let planned = ends_with(&desk, 0, next);
        assert!(
            planned.stdout.contains("nothing to do"),
            "{}",
            planned.stdout
        );
    }
}

#[test]
fn what_a_saved_plan_says_next_works() {
    let desk = Desk::with_examples();
    let command = "emblazon plan --sandbox --out change.plan examples/quickstart";
    let planned = ends_with(&desk, 2, command);
    let next = told(&planned.stderr, "carry it out with `", '`');
    let applied = ends_with(&desk, 0, next);
    assert!(
        applied.stdout.contains("17 of 17 steps"),
        "{}",
        applied.stdout
    );
}

#[test]
fn what_init_says_next_works() {
    let desk = Desk::with_examples();
    let begun = ends_with(&desk, 0, "emblazon init brands");
    let next = told(&begun.stderr, "next: ", '\n');
    ends_with(&desk, 2, next);
    // A newcomer's tree is one that customers reach.
    let told = ends_with(&desk, 0, "emblazon validate brands");
    assert!(!told.stdout.contains("EB0716"), "{}", told.stdout);
}

/// A newcomer sees what DNS answers, and what is to be entered.
#[test]
fn the_tree_that_init_makes_has_dns() {
    let desk = Desk::with_examples();
    ends_with(&desk, 0, "emblazon init brands");
    let checked = ends_with(&desk, 2, "emblazon dns check --sandbox --tree brands");
    assert!(
        checked.stdout.contains("DNS: 1 missing, 1 ok on 1 domain"),
        "{}",
        checked.stdout
    );
    let letter = "emblazon dns letter example --sandbox --tree brands";
    let letter = ends_with(&desk, 0, letter).stdout;
    assert!(letter.contains("api.example.net"), "{letter}");
    assert!(letter.contains("Right already"), "{letter}");
    ends_with(&desk, 2, "emblazon drift --sandbox brands");
    ends_with(&desk, 0, "emblazon apply --sandbox brands");
}

/// What is live, the DNS and the history outlive the command; so an apply can be undone.
#[test]
fn a_sandbox_is_kept_and_a_run_on_it_undone() {
    let desk = Desk::with_examples();
    let all = "--sandbox --state 'a trial'";
    let tree = "examples/quickstart";
    let nothing = ends_with(
        &desk,
        0,
        &format!("emblazon history --sandbox --tree {tree}"),
    );
    assert!(nothing.stderr.contains("--state DIR"), "{}", nothing.stderr);
    let before = ends_with(&desk, 2, &format!("emblazon plan {all} {tree}")).stdout;
    ends_with(&desk, 0, &format!("emblazon apply {all} {tree}"));
    let planned = ends_with(&desk, 0, &format!("emblazon plan {all} {tree}"));
    assert!(
        planned.stdout.contains("nothing to do"),
        "{}",
        planned.stdout
    );
    ends_with(
        &desk,
        0,
        &format!("emblazon dns check delta {all} --tree {tree}"),
    );
    let history = ends_with(&desk, 0, &format!("emblazon history {all} --tree {tree}")).stdout;
    assert!(history.contains("17 of 17 steps done"), "{history}");
    ends_with(
        &desk,
        0,
        &format!("emblazon history show last {all} {tree}"),
    );
    let restored = ends_with(
        &desk,
        0,
        &format!("emblazon restore last {all} --tree {tree}"),
    );
    // Nobody declares so: it was not there before.
    let text = restored.stdout + &restored.stderr;
    assert!(text.contains("- assets.icon"), "{text}");
    assert!(!text.contains("must not be there"), "{text}");
    let after = ends_with(&desk, 2, &format!("emblazon plan {all} {tree}")).stdout;
    // The parts of the domain swap apart, everything is to be done again.
    assert!(after.contains("create, customer-visible"), "{after}");
    assert!(after.contains("zone delta.example"), "{after}");
    assert_eq!(
        before.lines().next(),
        after.lines().next(),
        "the template is back"
    );
    ends_with(&desk, 0, &format!("emblazon apply {all} {tree}"));
    desk.is_as_it_was();
}

/// A sandbox that is kept remembers what was applied to it, so that removals can be tried.
#[test]
fn what_is_no_longer_declared_goes_from_a_kept_sandbox() {
    let desk = Desk::with_examples();
    let all = "--sandbox --state trial";
    ends_with(&desk, 0, "cp -r examples/quickstart mine");
    ends_with(&desk, 0, &format!("emblazon apply {all} mine"));
    ends_with(
        &desk,
        0,
        "sed -i.bak /supportHours/d mine/accounts/acme/account.yaml && rm -r mine/accounts/cedar",
    );
    let refused = ends_with(&desk, 5, &format!("emblazon plan {all} mine")).stdout;
    assert!(refused.contains("- whitelabel.supportHours"), "{refused}");
    let help = told(&refused, "run with `", '`');
    assert!(refused.contains("cedar would be deleted"), "{refused}");
    // A part of the tree is no new base.
    let part = ends_with(
        &desk,
        0,
        &format!("emblazon apply {all} --account acme mine"),
    );
    assert!(
        part.stderr.contains("the base stays as it was"),
        "{}",
        part.stderr
    );
    let applied = ends_with(&desk, 0, &format!("emblazon apply {all} {help} mine")).stdout;
    assert!(applied.contains("cedar delete"), "{applied}");
    let planned = ends_with(&desk, 0, &format!("emblazon plan {all} mine")).stdout;
    assert!(planned.contains("nothing to do; 5 in sync"), "{planned}");
    // Nothing would delete it again.
    let back = ends_with(
        &desk,
        0,
        &format!("emblazon restore last {all} --tree mine"),
    )
    .stderr;
    let next = "not in the tree, so no `apply` touches it from now on: cedar";
    assert!(
        back.contains(next) && !back.contains("writes again"),
        "{back}"
    );
    let planned = ends_with(&desk, 0, &format!("emblazon plan {all} mine")).stdout;
    assert!(planned.contains("Cedar Calls"), "{planned}");
    // A file that somebody else wrote to is no base, and the next complete apply writes it anew.
    ends_with(
        &desk,
        0,
        "sed -i.bak s/Acme/Acmf/ trial/runs/watch/base/production.jsonl && rm -r mine/accounts/delta",
    );
    let unknown = ends_with(&desk, 0, &format!("emblazon plan {all} mine"));
    assert!(
        unknown.stderr.contains("is not known"),
        "{}",
        unknown.stderr
    );
    ends_with(&desk, 0, &format!("emblazon apply {all} mine"));
    let known = ends_with(&desk, 0, &format!("emblazon plan {all} mine"));
    assert!(!known.stderr.contains("is not known"), "{}", known.stderr);
    desk.is_as_it_was();
}
