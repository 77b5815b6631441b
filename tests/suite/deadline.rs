//! `--deadline`, end to end: what only reads ends at once, what writes finishes what is in flight, and more time helps.

use emblazon::sandbox::{Fault, FaultKind};

use crate::cli::{check_exit, stderr, stdout};
use crate::git::{Server, git};
use crate::platform::Platform;
use crate::race::{LEASE, apply, declare};

#[test]
fn a_plan_ends_at_its_deadline_and_succeeds_with_the_time_that_the_message_asks_for() {
    let platform = Platform::renamed("a", "{}");
    let slow = Fault::new("GET", "*/whitelabel", FaultKind::DelayMs(4_000)).times(1_000);
    platform.sandbox.set_faults(vec![slow]);
    let late = platform.run(&["plan", "--no-cache", "--deadline", "1s"]);
    check_exit(&late, 1);
    let said = stderr(&late);
    assert!(
        said.contains("the deadline of 1s is over, and nothing was written; give it more time with `--deadline`"),
        "{said}"
    );
    platform.sandbox.set_faults(Vec::new());
    let again = platform.run(&["plan", "--deadline", "5m"]);
    check_exit(&again, 2);
    platform.stop();
}

#[test]
fn an_apply_finishes_what_is_in_flight_gives_the_lease_back_and_is_completed_by_the_next_one() {
    let platform = Platform::renamed("abc", "{}");
    let server = Server::new();
    let clone = server.clone_as("one");
    declare(&clone, platform.sandbox.url().as_str(), "new");
    git(&clone, &["push", "--quiet", "origin", "HEAD:main"]);
    // The first write is answered long after the deadline.
    let slow = Fault::new("POST", "*/whitelabel", FaultKind::DelayMs(12_000)).times(2);
    platform.sandbox.set_faults(vec![slow]);
    let late = apply(&clone, platform.sandbox.api_key())
        .args(["--deadline", "8s"])
        .output()
        .unwrap();
    let (said, shown) = (stderr(&late), stdout(&late));
    check_exit(&late, 4);
    assert!(said.contains("the deadline of 8s is over"), "{said}");
    assert!(shown.contains("not begun"), "{shown}");
    assert!(
        shown.contains("the deadline of 8s is over; plan again"),
        "{shown}"
    );
    assert_eq!(server.value(LEASE), None, "the lease is given back");
    let cluster = emblazon::model::ClusterName::new("production");
    let state = camino::Utf8PathBuf::from_path_buf(clone.join(".emblazon")).unwrap();
    let open = emblazon::apply::interrupted_runs(&state, &cluster, None).unwrap();
    assert_eq!(open, [], "the run ended by itself");
    let again = apply(&clone, platform.sandbox.api_key()).output().unwrap();
    check_exit(&again, 0);
    platform.stop();
}
