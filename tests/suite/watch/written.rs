//! Invariant 10 in the daemon: what emblazon itself wrote is never called drift.

use emblazon::sandbox::{Fault, FaultKind};

use super::daemon::{configure, name_company, platform};
use super::leader::LEASE;
use super::remote::{commit, follow_as, publish};
use crate::cli::check_exit;
use crate::platform::id;
use crate::standing::refuse;

/// An apply was complete in part when the daemon begins, and the tree has gone back since: the platform is as emblazon left
/// it. A daemon that ran on that host before has a base of its own, which is older.
#[track_caller]
fn check_applied_in_part(ran_before: bool) {
    let platform = platform("ab", "{apply: auto, heal: report}");
    let bare = publish(&platform);
    if ran_before {
        let mut daemon = follow_as(&platform, bare.path(), "daemon", "", "");
        daemon.wait("run", None, "applied");
        assert_eq!(daemon.stop().code(), Some(0));
    }
    configure(&platform, "{apply: manual, heal: report}");
    let apply = || {
        let mut command = platform.command(&["apply", "--yes"]);
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap()
    };
    commit(&platform, "manual", &[]);
    check_exit(&apply(), 0);
    name_company(&platform, 'a', "second");
    name_company(&platform, 'b', "second");
    commit(&platform, "second", &[]);
    refuse(&platform, 'b');
    check_exit(&apply(), 4);
    platform.sandbox.set_faults(Vec::new());
    assert_eq!(platform.key('a', "company_name"), "second");
    name_company(&platform, 'a', "new");
    name_company(&platform, 'b', "new");
    let back = commit(&platform, "back", &[]);
    let mut daemon = follow_as(&platform, bare.path(), "daemon", "", "");
    daemon.wait("commit", None, &back);
    daemon.wait("stalled", Some('a'), "awaiting_approval");
    assert!(!daemon.has_said("stalled", "drift_reported"));
    assert!(!daemon.has_said("reconciling", "confirming"));
    // A hand is told from it still.
    platform.edit('b', "company_name", "by hand");
    daemon.wait("stalled", Some('b'), "drift_reported");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

#[test]
fn what_an_apply_wrote_in_part_is_no_drift_for_a_daemon_that_begins() {
    check_applied_in_part(false);
}

#[test]
fn what_an_apply_wrote_in_part_is_no_drift_for_a_daemon_with_an_older_base() {
    check_applied_in_part(true);
}

/// A daemon wrote a commit in part, and the tree goes back while it runs.
#[track_caller]
fn check_written_in_part(further: &str) {
    let platform = platform("ab", "{apply: auto, heal: report}");
    let declared = "whitelabel: {company_name: new, domain: a.example.com}";
    platform.declare('a', declared);
    let bare = publish(&platform);
    let mut daemon = follow_as(&platform, bare.path(), "daemon", "", further);
    daemon.wait("run", None, "applied");
    refuse(&platform, 'b');
    platform.declare(
        'a',
        "whitelabel: {company_name: second, domain: second.example.com}",
    );
    name_company(&platform, 'b', "second");
    let second = commit(&platform, "second", &[]);
    daemon.wait("commit", None, &second);
    while platform.key('a', "domain") != "second.example.com" {
        std::thread::yield_now();
    }
    daemon.wait("run", None, "failed");
    platform.declare('a', declared);
    name_company(&platform, 'b', "new");
    configure(&platform, "{apply: manual, heal: report}");
    let back = commit(&platform, "back", &[]);
    daemon.wait("commit", None, &back);
    daemon.wait("stalled", Some('a'), "awaiting_approval");
    assert!(!daemon.has_said("stalled", "drift_reported"));
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

#[test]
fn what_a_daemon_wrote_in_part_is_no_drift_for_itself() {
    check_written_in_part("");
}

#[test]
fn what_a_shard_wrote_in_part_is_no_drift_for_itself() {
    check_written_in_part("shard: 1/1");
}

/// A daemon was killed before its write was answered, and the tree has gone back since: the announcement in Git is all that
/// tells of the write.
fn check_killed(host: &str) {
    let platform = platform("a", "{heal: report}");
    name_company(&platform, 'a', "first");
    let bare = publish(&platform);
    let mut killed = follow_as(&platform, bare.path(), "killed", "", LEASE);
    killed.wait("run", None, "applied");
    let path = format!("/v2/accounts/{}/whitelabel*", id('a'));
    let silent = Fault::new("POST", &path, FaultKind::Silence).times(1000);
    platform.sandbox.set_faults(vec![silent]);
    name_company(&platform, 'a', "second");
    let second = commit(&platform, "second", &[]);
    killed.wait("commit", None, &second);
    while platform.key('a', "company_name") != "second" {
        std::thread::yield_now();
    }
    killed.kill();
    platform.sandbox.set_faults(Vec::new());
    name_company(&platform, 'a', "first");
    configure(&platform, "{apply: manual, heal: report}");
    let back = commit(&platform, "back", &[]);
    let mut other = follow_as(&platform, bare.path(), host, "", LEASE);
    other.wait("commit", None, &back);
    other.wait("stalled", Some('a'), "awaiting_approval");
    assert!(!other.has_said("stalled", "drift_reported"));
    assert_eq!(other.stop().code(), Some(0));
    platform.stop();
}

#[test]
fn what_a_killed_daemon_wrote_is_no_drift_on_another_host() {
    check_killed("other");
}

#[test]
fn what_a_killed_daemon_wrote_is_no_drift_on_its_own_host() {
    check_killed("killed");
}

/// A run was restored before the daemon begins, on this host or on another: the platform is as emblazon left it.
#[track_caller]
fn check_restored(ran_before: bool) {
    let platform = platform("ab", "{apply: auto, heal: report}");
    let bare = publish(&platform);
    if ran_before {
        let mut daemon = follow_as(&platform, bare.path(), "daemon", "", "");
        daemon.wait("run", None, "applied");
        assert_eq!(daemon.stop().code(), Some(0));
    }
    let run = |arguments: &[&str]| {
        let mut command = platform.command(arguments);
        let command = command.env("GIT_CONFIG_GLOBAL", "/dev/null");
        check_exit(&command.output().unwrap(), 0);
    };
    configure(&platform, "{apply: manual, heal: report}");
    name_company(&platform, 'a', "second");
    let head = commit(&platform, "second", &[]);
    run(&["apply", "--yes"]);
    run(&["restore", "last", "a", "--yes"]);
    let mut daemon = follow_as(&platform, bare.path(), "daemon", "", "");
    daemon.wait("commit", None, &head);
    daemon.wait("stalled", Some('a'), "awaiting_approval");
    assert!(!daemon.has_said("stalled", "drift_reported"));
    assert!(!daemon.has_said("reconciling", "confirming"));
    platform.edit('b', "company_name", "by hand");
    daemon.wait("stalled", Some('b'), "drift_reported");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

#[test]
fn what_a_restore_wrote_is_no_drift_for_a_daemon_that_begins() {
    check_restored(false);
}

#[test]
fn what_a_restore_wrote_is_no_drift_for_a_daemon_with_an_older_base() {
    check_restored(true);
}
