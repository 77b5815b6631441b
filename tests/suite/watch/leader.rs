//! Two daemons for one cluster.

use std::path::Path;

use camino::Utf8PathBuf;
use serde_json::json;

use super::daemon::{Daemon, command, name_company, platform};
use super::remote::{commit, follow_as, publish, serve_as};
use crate::platform::Platform;
use crate::stand_in::StandIn;

/// A lease that is over soon, on hosts whose clocks agree.
pub(super) const LEASE: &str = "lease: {term: 10s, skew: 1s}";

#[test]
fn a_standby_takes_over_from_a_killed_leader_and_never_writes_beside_a_living_one() {
    let platform = platform("ab", "{heal: auto}");
    let mut first = Daemon::start(command(&platform, &[]));
    first.wait("run", None, "applied");
    let mut second = Daemon::start(command(&platform, &[]));
    let standby = second.wait("role", None, "standby");
    assert!(
        standby["message"]
            .as_str()
            .unwrap()
            .contains("watch production"),
        "{standby}"
    );
    name_company(&platform, 'a', "first");
    // What it says may still be about the run before.
    while platform.key('a', "company_name") != "first" {
        first.wait_ready('a');
    }
    let once = command(&platform, &["--once"]).output().unwrap();
    assert_eq!(once.status.code(), Some(5), "{}", crate::cli::stderr(&once));
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    name_company(&platform, 'b', "second");
    second.wait("role", None, "leader");
    while platform.key('b', "company_name") != "second" {
        second.wait_ready('b');
    }
    assert_eq!(second.stop().code(), Some(0));
    platform.stop();
}

/// Counts the runs that a host began.
fn runs(platform: &Platform, host: &str) -> usize {
    let state = platform.folder().join(format!("{host}-state"));
    let state = Utf8PathBuf::from_path_buf(state).unwrap();
    emblazon::apply::runs(&state).map_or(0, |runs| runs.len())
}

/// Starts a leader and a standby on two hosts, with a bare repository as their only arbiter.
fn two_hosts(platform: &Platform, bare: &Path) -> (Daemon, Daemon) {
    let mut first = follow_as(platform, bare, "first", "", LEASE);
    first.wait("run", None, "applied");
    let mut second = follow_as(platform, bare, "second", "", LEASE);
    second.wait("role", None, "standby");
    (first, second)
}

#[test]
fn a_standby_on_another_host_takes_over_from_a_killed_leader() {
    let platform = platform("ab", "{heal: auto}");
    let bare = publish(&platform);
    let (mut first, mut second) = two_hosts(&platform, bare.path());
    name_company(&platform, 'a', "first");
    let pushed = commit(&platform, "the first leads", &[]);
    first.wait("commit", None, &pushed);
    first.wait("run", None, "applied");
    assert_eq!(runs(&platform, "second"), 0, "beside a living leader");
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    let before = platform.sandbox.counts().mutating;
    name_company(&platform, 'b', "second");
    commit(&platform, "the second leads", &[]);
    second.wait("role", None, "leader");
    second.wait("run", None, "applied");
    assert_eq!(platform.key('a', "company_name"), "first");
    assert_eq!(platform.key('b', "company_name"), "second");
    assert_eq!(platform.sandbox.counts().mutating, before + 1);
    assert_eq!(second.stop().code(), Some(0));
    platform.stop();
}

/// A leader that stood still wakes up beside another one, and finds out before it writes.
#[test]
fn a_leader_that_was_stopped_writes_nothing_when_it_wakes_up() {
    let platform = platform("ab", "{heal: auto}");
    let bare = publish(&platform);
    let (mut first, mut second) = two_hosts(&platform, bare.path());
    let began = runs(&platform, "first");
    first.signal("-STOP");
    name_company(&platform, 'b', "second");
    commit(&platform, "the second leads", &[]);
    second.wait("role", None, "leader");
    second.wait("run", None, "applied");
    assert_eq!(platform.key('b', "company_name"), "second");
    // There is something to heal at the very moment in which it wakes up.
    platform.edit('a', "company_name", "mine");
    first.signal("-CONT");
    first.wait("role", None, "standby");
    while platform.key('a', "company_name") != "new" {
        second.wait_ready('a');
    }
    assert_eq!(runs(&platform, "first"), began, "only the second wrote");
    assert_eq!(second.stop().code(), Some(0));
    first.wait("role", None, "leader");
    assert_eq!(first.stop().code(), Some(0));
    platform.stop();
}

/// A pause holds for whoever leads next, on whichever host, until somebody resumes there; the first host learns of that.
#[test]
fn a_pause_survives_the_host_that_it_was_asked_of() {
    const LISTENING: &str = "lease: {term: 10s, skew: 1s}\nhttp: {listen: \"127.0.0.1:0\"}";
    let platform = platform("a", "{heal: auto}");
    let bare = publish(&platform);
    let lead = |host| serve_as(&platform, bare.path(), host, LISTENING);
    let mut first = lead("first");
    first.wait("run", None, "applied");
    let order = json!({"reason": "the proxies move"});
    first.ask(&platform, "/api/v1/pause", Some(&order));
    first.wait("pause", None, "paused");
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    name_company(&platform, 'a', "held");
    commit(&platform, "not while paused", &[]);

    let mut second = lead("second");
    second.wait("stalled", Some('a'), "paused");
    let (_, status) = second.ask(&platform, "/api/v1/status", None);
    assert_eq!(status["paused"]["reason"], "the proxies move");
    assert_eq!(platform.key('a', "company_name"), "new");
    second.ask(&platform, "/api/v1/resume", Some(&json!({})));
    second.wait("run", None, "applied");
    assert_eq!(platform.key('a', "company_name"), "held");
    assert_eq!(second.stop().code(), Some(0));

    let mut first = lead("first");
    first.wait("role", None, "leader");
    name_company(&platform, 'a', "last");
    commit(&platform, "nobody is paused", &[]);
    first.wait("run", None, "applied");
    assert_eq!(platform.key('a', "company_name"), "last");
    assert_eq!(first.stop().code(), Some(0));
    platform.stop();
}

/// Whoever was told that a pause is accepted can rely on it, even if the daemon is killed in the next moment.
#[test]
fn an_accepted_pause_survives_a_kill() {
    const LISTENING: &str = "http: {listen: \"127.0.0.1:0\"}";
    let platform = platform("a", "{heal: auto}");
    let bare = publish(&platform);
    let mut daemon = serve_as(&platform, bare.path(), "host", LISTENING);
    daemon.wait("run", None, "applied");
    let order = json!({"reason": "the proxies move"});
    daemon.ask(&platform, "/api/v1/pause", Some(&order));
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();
    name_company(&platform, 'a', "held");
    commit(&platform, "not while paused", &[]);
    let mut daemon = serve_as(&platform, bare.path(), "host", LISTENING);
    daemon.wait("stalled", Some('a'), "paused");
    assert_eq!(platform.key('a', "company_name"), "new");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// What is no pause in its ref is no permission to write: nobody leads, and it is said how to remove it.
#[test]
fn an_unreadable_pause_lets_nobody_lead() {
    let platform = platform("a", "{heal: auto}");
    let bare = publish(&platform);
    let head = crate::git::git(platform.folder(), &["rev-parse", "HEAD"]);
    let reference = format!("{head}:refs/emblazon/production/paused");
    crate::git::git(
        platform.folder(),
        &["push", "--quiet", "origin", &reference],
    );
    let mut daemon = follow_as(&platform, bare.path(), "host", "", LEASE);
    let told = daemon.wait("role", None, "leaseless");
    let told = told["message"].as_str().unwrap();
    assert!(
        told.contains("whether somebody paused is not known"),
        "{told}"
    );
    let (_, remedy) = told.split_once('`').unwrap();
    let (remedy, _) = remedy.split_once('`').unwrap();
    assert!(!daemon.has_said("role", "leader"));
    assert_eq!(platform.sandbox.counts().mutating, 0);
    let words: Vec<&str> = remedy.split_whitespace().skip(1).collect();
    crate::git::git(platform.folder(), &words);
    daemon.wait("run", None, "applied");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// Nobody holds the lease, and it cannot be taken: that is a fault, and no standing by.
#[test]
fn a_remote_that_refuses_the_lease_is_a_fault_and_somebody_is_told() {
    let (receiver, notices) = StandIn::hearing();
    let platform = platform("a", "{heal: auto}");
    let bare = publish(&platform);
    let hook = bare.path().join("hooks/pre-receive");
    let refuse = "#!/bin/sh\nwhile read old new ref; do case $ref in refs/emblazon/*) echo \"$ref is not for you\" >&2; exit 1;; esac; done\n";
    std::fs::write(&hook, refuse).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&hook, mode).unwrap();
    let alerts = format!(
        "alerts: {{confirmations: 1, after: 1s, channels: [{{kind: webhook, url: \"{}/\"}}]}}",
        receiver.url()
    );
    let mut daemon = follow_as(&platform, bare.path(), "first", "", &alerts);
    let fault = daemon.wait("role", None, "leaseless");
    let message = fault["message"].as_str().unwrap();
    for part in ["refs/emblazon/*", "lease: {push: false}", "daemon's file"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let told = notices.recv().unwrap();
    assert!(
        told.contains("lease_lost") && told.contains("problem"),
        "{told}"
    );
    assert_eq!(platform.sandbox.counts().mutating, 0);
    std::fs::remove_file(&hook).unwrap();
    daemon.wait("role", None, "leader");
    daemon.wait("run", None, "applied");
    let told = notices.recv().unwrap();
    assert!(
        told.contains("lease_lost") && told.contains("resolved"),
        "{told}"
    );
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}
