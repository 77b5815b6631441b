//! Two daemons for one cluster.

use super::daemon::{Daemon, command, name_company, platform};

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
    first.wait_ready('a');
    assert_eq!(platform.key('a', "company_name"), "first");
    let once = command(&platform, &["--once"]).output().unwrap();
    assert_eq!(once.status.code(), Some(5), "{}", crate::cli::stderr(&once));
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    name_company(&platform, 'b', "second");
    second.wait("role", None, "leader");
    second.wait_ready('b');
    assert_eq!(platform.key('b', "company_name"), "second");
    assert_eq!(second.stop().code(), Some(0));
    platform.stop();
}
