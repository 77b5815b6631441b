//! Plans in files: saved, shown, carried out once, and refused by name.

use std::fs;

use serde_json::Value;

use crate::cli::{check_exit, stderr, stdout};
use crate::platform::Platform;

fn saved(platform: &Platform) {
    check_exit(&platform.run(&["plan", "--out", "change.plan"]), 2);
}

#[test]
fn a_saved_plan_is_carried_out_once() {
    let platform = Platform::renamed("ab", "{}");
    saved(&platform);
    assert_eq!(platform.mutating(), 0);
    check_exit(&platform.run(&["apply", "change.plan", "--yes"]), 0);
    assert_eq!(platform.key('a', "company_name"), "new");
    let output = platform.run(&["apply", "change.plan", "--yes"]);
    check_exit(&output, 5);
    let run = &platform.runs()[0];
    assert!(stderr(&output).contains(run), "{}", stderr(&output));
    assert!(stderr(&output).contains("used once"), "{}", stderr(&output));
    platform.stop();
}

/// Only the object that moved is left alone.
#[test]
fn what_moved_is_refused_and_the_rest_goes_on() {
    let platform = Platform::renamed("ab", "{}");
    saved(&platform);
    platform.edit('a', "company_name", "by hand");
    let output = platform.run(&["apply", "change.plan", "--yes"]);
    check_exit(&output, 4);
    assert_eq!(platform.key('a', "company_name"), "by hand");
    assert_eq!(platform.key('b', "company_name"), "new");
    platform.stop();
}

#[test]
fn a_plan_from_elsewhere_is_refused_by_name() {
    let platform = Platform::renamed("a", "{}");
    saved(&platform);
    let plan = fs::read_to_string(platform.folder().join("change.plan")).unwrap();
    let refused = |arguments: &[&str], exit: i32, message: &str| {
        let output = platform.run(&[&["apply", "change.plan", "--yes"], arguments].concat());
        check_exit(&output, exit);
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
        assert_eq!(platform.mutating(), 0);
    };
    refused(
        &["--cluster", "staging"],
        5,
        "the plan is for cluster production, not for staging",
    );
    refused(&["--expect", "000000000000"], 5, "was approved");
    platform.write(
        "change.plan",
        &plan.replace("\"version\":1", "\"version\":7"),
    );
    refused(&[], 5, "format 7");
    platform.write("change.plan", &plan.replace("production", "nowhere"));
    refused(&[], 64, "no cluster nowhere");
    platform.write("change.plan", "not a plan");
    refused(&[], 64, "not a plan");
    platform.write("change.plan", &plan);
    platform.declare('a', "whitelabel: {company_name: newer}");
    refused(&[], 5, "made from another tree");
    platform.stop();
}

/// The plan finds its tree, assets included, in its commit when the work tree has gone on.
#[test]
fn the_tree_is_found_in_the_plans_commit() {
    let platform = Platform::renamed("a", "{}");
    let git = |arguments: &[&str]| {
        let name = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        let status = std::process::Command::new("git")
            .args(name)
            .args(arguments)
            .current_dir(platform.folder())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
    };
    let text = "whitelabel: {company_name: new}\nassets: {logo: logo.png}";
    platform.declare('a', text);
    let logo = image();
    fs::write(platform.folder().join("accounts/a/logo.png"), &logo).unwrap();
    platform.write(".gitignore", ".emblazon/\n*.plan\n");
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "Begin"]);
    saved(&platform);
    platform.declare('a', "whitelabel: {company_name: newer}");
    fs::remove_file(platform.folder().join("accounts/a/logo.png")).unwrap();
    let output = platform.run(&["apply", "change.plan", "--yes"]);
    check_exit(&output, 0);
    assert_eq!(platform.key('a', "company_name"), "new");
    let world = platform.sandbox.world();
    let document = world
        .account_named("a")
        .unwrap()
        .whitelabel
        .as_ref()
        .unwrap();
    let (_, stored) = document.asset(emblazon::model::AssetKind::Logo).unwrap();
    assert_eq!(stored.bytes.to_vec(), logo);
    drop(world);
    platform.stop();
}

fn image() -> Vec<u8> {
    fs::read(crate::source_text::top().join("examples/quickstart/accounts/acme/logo.png")).unwrap()
}

/// It needs neither tree nor platform.
#[test]
fn a_plan_can_always_be_shown() {
    let platform = Platform::renamed("a", "{}");
    saved(&platform);
    let digest = platform.digest(&[]);
    for gone in ["emblazon.yaml", "accounts/a/account.yaml"] {
        fs::remove_file(platform.folder().join(gone)).unwrap();
    }
    let output = platform.run(&["show", "change.plan"]);
    check_exit(&output, 0);
    insta::assert_snapshot!(stdout(&output).replace(&digest[..12], "DIGEST"), @r#"
    a  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      update, customer-visible
        ~ whitelabel.company_name  "old" -> "new"  (accounts/a/account.yaml:2:28)

    Plan: 1 step on 1 of 1 account; digest DIGEST
    "#);
    let report = platform.report(&["show", "change.plan"]);
    assert_eq!(report["plan"], Value::from(digest));
    assert_eq!(
        report["accounts"][0]["steps"][0]["changes"][0]["after"]["value"],
        "new"
    );
    platform.stop();
}

/// Neither what nobody declared nor a credential is in a plan, whatever it does.
#[test]
fn no_secret_is_in_a_plan() {
    let platform = Platform::renamed("ab", "{}");
    platform.edit('a', "apiToken", "canary-undeclared");
    platform.edit('b', "apiToken", "canary-undeclared");
    platform.declare('b', "ownership: exclusive\nwhitelabel: {company_name: new}");
    saved(&platform);
    let plan = fs::read_to_string(platform.folder().join("change.plan")).unwrap();
    assert!(plan.contains("apiToken"), "its removal is planned");
    assert!(!plan.contains("canary"), "{plan}");
    assert!(!plan.contains(platform.sandbox.api_key()), "{plan}");
    platform.stop();
}
