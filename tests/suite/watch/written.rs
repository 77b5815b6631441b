//! Invariant 10 in the daemon: what emblazon itself wrote is never called drift.

use emblazon::sandbox::{Fault, FaultKind};

use super::daemon::{configure, name_company, platform};
use super::leader::LEASE;
use super::remote::{commit, follow_as, publish};
use crate::cli::check_exit;
use crate::platform::id;
use crate::standing::refuse;

/// An apply was complete in part when the daemon begins, and the tree has gone back since: the platform is as emblazon left it.
#[test]
fn what_an_apply_wrote_in_part_is_no_drift_for_a_daemon_that_begins() {
    let platform = platform("ab", "{apply: manual, heal: report}");
    let bare = publish(&platform);
    let apply = || {
        let mut command = platform.command(&["apply", "--yes"]);
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap()
    };
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
