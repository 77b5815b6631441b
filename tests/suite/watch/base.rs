//! Somebody who may push refs says what was applied last; the branch and its signers decide whether that counts.

use std::path::Path;
use std::process::Command;

use super::daemon::{name_company, platform};
use super::remote::{commit, follow_as, git, make_keys, publish, signed};
use crate::platform::Platform;

const APPLIED: &str = "refs/emblazon/production/applied";

/// Pushes a commit as the one that was applied last, which says of an account what nobody ever declared. Without a parent
/// it is an orphan.
fn forge(platform: &Platform, parent: Option<&str>) {
    let folder = platform.folder();
    platform.declare('a', "whitelabel: {company_name: new, brandColor: red}");
    git(folder, &["add", "accounts"]);
    let tree = git(folder, &["write-tree"]);
    let mut arguments = vec!["commit-tree", "-m", "nobody reviewed this", &tree];
    arguments.extend(parent.iter().flat_map(|parent| ["-p", *parent]));
    let forged = git(folder, &arguments);
    git(folder, &["reset", "-q", "--hard"]);
    push(folder, &forged);
}

fn push(folder: &Path, commit: &str) {
    let refspec = format!("{commit}:{APPLIED}");
    git(folder, &["push", "-q", "--force", "origin", &refspec]);
}

/// Needs `ssh-keygen`, as whoever signs with SSH has it.
#[test]
fn a_forged_base_deletes_nothing_in_a_daemon_that_starts_again() {
    if Command::new("ssh-keygen").arg("-?").output().is_err() {
        eprintln!("skipped: there is no ssh-keygen");
        return;
    }
    let platform = platform("a", "{heal: auto}");
    make_keys(&platform);
    let bare = publish(&platform);
    let sign = signed("user.signingKey=key");
    name_company(&platform, 'a', "signed");
    let good = commit(&platform, "signed by Ada", &sign);
    let further = "http: {listen: \"127.0.0.1:0\"}";
    let start = |host: &str| {
        let mut daemon = follow_as(&platform, bare.path(), host, ", signers: signers", further);
        daemon.wait("ready", Some('a'), "in_sync");
        daemon
    };
    assert_eq!(start("first").stop().code(), Some(0));
    assert_eq!(git(bare.path(), &["rev-parse", APPLIED]), good);

    // An orphan; a child of the branch's commit; and a daemon that remembers, and one that does not.
    for (parent, host) in [
        (None, "first"),
        (None, "second"),
        (Some(&*good), "first"),
        (Some(&*good), "third"),
    ] {
        forge(&platform, parent);
        let daemon = start(host);
        assert_eq!(platform.key('a', "brandColor"), "red", "{parent:?} {host}");
        assert_eq!(platform.key('a', "company_name"), "signed");
        assert_eq!(daemon.stop().code(), Some(0));
    }
    platform.stop();
}

/// What is in the history counts only when it is signed, too; and people are told.
#[test]
fn a_base_that_nobody_signed_is_told_and_replaced() {
    if Command::new("ssh-keygen").arg("-?").output().is_err() {
        eprintln!("skipped: there is no ssh-keygen");
        return;
    }
    let platform = platform("a", "{heal: auto, apply: manual}");
    make_keys(&platform);
    platform.declare('a', "whitelabel: {company_name: old, brandColor: red}");
    let bare = publish(&platform);
    let unsigned = git(platform.folder(), &["rev-parse", "HEAD"]);
    platform.declare('a', "whitelabel: {company_name: signed}");
    let good = commit(&platform, "signed by Ada", &signed("user.signingKey=key"));
    push(platform.folder(), &unsigned);
    let mut daemon = super::remote::serve(
        &platform,
        bare.path(),
        ", signers: signers",
        "http: {listen: \"127.0.0.1:0\"}",
    );
    daemon.wait("stalled", Some('a'), "awaiting_approval");
    let status = daemon.ask(&platform, "/api/v1/status", None).1;
    let alerts = status["alerts"].to_string();
    assert!(alerts.contains("untrusted_base"), "{status:#}");
    assert!(alerts.contains("nobody in"), "{alerts}");
    let plan = daemon.ask(&platform, "/api/v1/plan", None).1;
    let order = serde_json::json!({"plan": plan["digest"], "by": "ada"});
    let (answer, _) = daemon.ask(&platform, "/api/v1/approve", Some(&order));
    assert!(answer.is_success(), "{plan:#}");
    daemon.wait_ready('a');
    daemon.wait("run", None, "applied");
    assert_eq!(platform.key('a', "company_name"), "signed");
    assert_eq!(platform.key('a', "brandColor"), "red");
    // The next complete turn says anew what was applied.
    let alerts = || daemon.ask(&platform, "/api/v1/status", None).1["alerts"].to_string();
    while alerts().contains("untrusted_base") {
        std::thread::yield_now();
    }
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(git(bare.path(), &["rev-parse", APPLIED]), good);
    platform.stop();
}
