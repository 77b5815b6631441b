//! Guards at the command line: exit 5, nothing written, and an approval that is good for one plan.

use crate::cli::{check_exit, stderr, stdout};
use crate::platform::{Platform, id};

/// The guard trips at plan time and at apply time, and nothing is written; approved by digest, it lets
/// exactly this plan through.
#[track_caller]
fn check(policy: &str, guard: &str, refusal: &str) {
    let platform = Platform::renamed("abc", policy);
    let output = platform.run(&["plan"]);
    check_exit(&output, 5);
    assert!(stdout(&output).contains(refusal), "{}", stdout(&output));
    check_exit(&platform.run(&["apply", "--yes"]), 5);
    assert_eq!(platform.mutating(), 0, "nothing was written");
    let output = platform.run(&["apply", "--yes", "--allow", guard]);
    check_exit(&output, 64);
    assert!(stderr(&output).contains("--expect"), "{}", stderr(&output));
    let wrong = [
        "apply",
        "--yes",
        "--allow",
        guard,
        "--expect",
        "000000000000",
    ];
    check_exit(&platform.run(&wrong), 5);
    assert_eq!(platform.mutating(), 0, "nothing was written");
    let digest = platform.digest(&["--allow", guard]);
    let right = [
        "apply",
        "--yes",
        "--allow",
        guard,
        "--expect",
        &digest[..12],
    ];
    check_exit(&platform.run(&right), 0);
    for name in "abc".chars() {
        assert_eq!(platform.key(name, "company_name"), "new");
    }
    platform.stop();
}

#[test]
fn a_freeze_holds_the_run() {
    check(
        "{freeze: [{from: 2000-01-01T00:00:00Z, until: 2999-01-01T00:00:00Z, reason: year's end}]}",
        "freeze",
        "year's end",
    );
}

#[test]
fn too_many_changes_hold_the_run() {
    check(
        "{max_changed_percent: 30, share_floor: 1}",
        "too-many-changes",
        "3 of 3 accounts would change, policy.max_changed_percent is 30",
    );
}

/// Only what is protected waits; the others go on.
#[test]
fn protection_holds_the_account() {
    for (policy, guard) in [
        ("{protected_accounts: [b]}", "protected-account"),
        ("{protected_keys: [company_name]}", "protected-key"),
    ] {
        let platform = Platform::renamed("abc", policy);
        if guard == "protected-key" {
            for name in ['a', 'c'] {
                platform.declare(name, "whitelabel: {brandColor: blue}");
            }
        }
        check_exit(&platform.run(&["apply", "--yes"]), 5);
        assert_eq!(platform.key('b', "company_name"), "old");
        assert_eq!(platform.mutating(), 2);
        let digest = platform.digest(&["--allow", guard]);
        let right = ["apply", "--yes", "--allow", guard, "--expect", &digest];
        check_exit(&platform.run(&right), 0);
        assert_eq!(platform.key('b', "company_name"), "new");
        platform.stop();
    }
}

/// Both ways that the refusal names are gone: the digest, and the file.
#[test]
fn code_waits_for_an_approved_plan() {
    for is_saved in [false, true] {
        let platform = Platform::renamed("ab", "{}");
        platform.declare('b', "whitelabel: {company_name: new, includes: [extra.js]}");
        let output = platform.run(&["apply", "--yes"]);
        check_exit(&output, 5);
        let told = stdout(&output).replace('\n', " ");
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            told.contains("includes of b would change, and it runs code in the browsers of customers before they sign in help: look at it with `plan --allow executes`, and allow exactly that with `apply --allow executes --expect DIGEST`; or save that plan with `plan --allow executes --out FILE`, and run `apply FILE`"),
            "{told}"
        );
        assert_eq!(platform.key('a', "company_name"), "new");
        assert_eq!(platform.key('b', "company_name"), "old");
        if is_saved {
            let file = platform.folder().join("code.plan");
            let file = file.to_str().unwrap();
            let output = platform.run(&["plan", "--allow", "executes", "--out", file]);
            check_exit(&output, 2);
            assert!(stdout(&output).contains("RUNS CODE"), "{}", stdout(&output));
            check_exit(&platform.run(&["apply", file, "--yes"]), 0);
        } else {
            let digest = platform.digest(&["--allow", "executes"]);
            let right = ["apply", "--yes", "--allow", "executes", "--expect", &digest];
            check_exit(&platform.run(&right), 0);
        }
        assert_eq!(platform.key('b', "company_name"), "new");
        assert_eq!(
            platform.live('b').unwrap()["includes"],
            serde_json::json!(["extra.js"])
        );
        platform.stop();
    }
}

#[test]
fn too_many_deletions_hold_the_run() {
    let platform = Platform::renamed("ab", "{max_deletions: 1}");
    for name in ['a', 'b'] {
        platform.declare(name, "whitelabel: null");
    }
    let output = platform.run(&["apply", "--yes", "--prune"]);
    check_exit(&output, 5);
    assert!(stdout(&output).contains("2 whitelabels would be deleted, policy.max_deletions is 1"));
    assert_eq!(platform.mutating(), 0);
    let allow = ["--prune", "--allow", "too-many-deletions"];
    let digest = platform.digest(&allow);
    let apply = [&["apply", "--yes", "--expect", &digest][..], &allow].concat();
    check_exit(&platform.run(&apply), 0);
    assert_eq!((platform.live('a'), platform.live('b')), (None, None));
    platform.stop();
}

#[test]
fn an_unreadable_platform_holds_the_run() {
    let platform = Platform::renamed("abc", "{max_unreadable_percent: 30, share_floor: 1}");
    platform.declare('d', "whitelabel: {company_name: new}");
    platform.declare('e', "whitelabel: {company_name: new}");
    let faults = "[{method: GET, path: '/v2/accounts/a*/whitelabel', times: 99, fault: {status: 403}}, {method: GET, path: '/v2/accounts/b*/whitelabel', times: 99, fault: {status: 403}}]";
    platform
        .sandbox
        .set_faults(emblazon::sandbox::Fault::parse_list(faults).unwrap());
    let output = platform.run(&["apply", "--yes"]);
    check_exit(&output, 5);
    assert!(
        stdout(&output).contains("could not be read"),
        "{}",
        stdout(&output)
    );
    assert_eq!(platform.mutating(), 0);
    platform.stop();
}

#[test]
fn an_empty_or_broken_tree_writes_nothing() {
    let platform = Platform::renamed("a", "{}");
    std::fs::remove_dir_all(platform.folder().join("accounts")).unwrap();
    check_exit(&platform.run(&["apply", "--yes"]), 5);
    platform.declare('a', "whitelabel: {company_nam: new}");
    check_exit(&platform.run(&["apply", "--yes"]), 3);
    assert_eq!(platform.mutating(), 0);
    platform.stop();
}

/// What a creation costs is known only when the server is asked for it.
#[test]
fn charges_are_allowed_once() {
    let seed = format!(
        "accounts:\n  - name: Master\n  - name: a\n    id: {}\nserver: {{price: 5.0}}\n",
        id('a')
    );
    let platform = Platform::new(&seed, &[]);
    platform.declare('a', "whitelabel: {company_name: A}");
    let output = platform.run(&["apply", "--yes"]);
    check_exit(&output, 1);
    assert!(
        stdout(&output).contains("--allow billing"),
        "{}",
        stdout(&output)
    );
    assert_eq!(platform.live('a'), None);
    let digest = platform.digest(&[]);
    let allow = ["apply", "--yes", "--allow", "billing", "--expect", &digest];
    check_exit(&platform.run(&allow), 0);
    assert_eq!(platform.key('a', "company_name"), "A");
    platform.stop();
}

/// The first account alone, and when it fails, none of the others.
#[test]
fn a_canary_goes_first() {
    let platform = Platform::renamed("abc", "{}");
    let faults =
        "[{method: POST, path: '/v2/accounts/b*/whitelabel', times: 99, fault: {status: 400}}]";
    platform
        .sandbox
        .set_faults(emblazon::sandbox::Fault::parse_list(faults).unwrap());
    let output = platform.run(&["apply", "--yes", "--canary", "b"]);
    check_exit(&output, 1);
    assert!(
        stdout(&output).contains("b, which goes first, failed"),
        "{}",
        stdout(&output)
    );
    assert_eq!(
        (
            platform.key('a', "company_name"),
            platform.key('c', "company_name")
        ),
        ("old".into(), "old".into())
    );
    platform.sandbox.set_faults(Vec::new());
    check_exit(&platform.run(&["apply", "--yes", "--canary", "b"]), 0);
    assert_eq!(platform.key('c', "company_name"), "new");
    let output = platform.run(&["apply", "--yes", "--canary", "x"]);
    check_exit(&output, 64);
    assert!(
        stderr(&output).contains("--canary: there is no account x in the tree"),
        "{}",
        stderr(&output)
    );
    platform.stop();
}

#[test]
fn failures_end_the_run_at_their_limit() {
    let platform = Platform::renamed("abcdef", "{}");
    let faults =
        "[{method: POST, path: '/v2/accounts/*/whitelabel', times: 999, fault: {status: 400}}]";
    platform
        .sandbox
        .set_faults(emblazon::sandbox::Fault::parse_list(faults).unwrap());
    let report = platform.report(&["apply", "--yes", "--max-failures", "2"]);
    let text = report.to_string();
    assert!(
        text.contains("2 objects failed, which ends the run"),
        "{text}"
    );
    assert!(platform.mutating() < 12, "{}", platform.mutating());
    platform.stop();
}

/// Who has nothing to do is no canary, and that is said; also when all of them have none.
#[test]
fn a_canary_with_nothing_to_do_is_told_of() {
    #[track_caller]
    fn check(canary: &str, expected: Option<&str>) {
        let platform = Platform::renamed("ab", "{}");
        platform.declare('b', "whitelabel: {company_name: old}");
        let output = platform.run(&["apply", "--yes", "--canary", canary]);
        let told = stdout(&output);
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        match expected {
            Some(expected) => assert!(told.contains(expected), "{told}"),
            None => assert!(!told.contains("--canary"), "{told}"),
        }
        assert_eq!(platform.key('a', "company_name"), "new", "{told}");
        platform.stop();
    }
    check("a", None);
    let one = "note: --canary: b has nothing to do, so no account goes first";
    check("b", Some(one));
    let other = "note: --canary: b has nothing to do, so the others that it names go first";
    check("a,b", Some(other));
}
