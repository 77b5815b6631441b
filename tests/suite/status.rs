//! `status`: where a cluster stands, without asking it.

use serde_json::{Value, json};

use crate::base::{BETA, World};
use crate::cli::{check_exit, stdout};

#[test]
fn a_cluster_says_where_it_stands() {
    let world = World::new();
    let before = world.run(&["status"]);
    check_exit(&before, 6);
    let text = stdout(&before);
    assert!(text.contains("waiting   not known"), "{text}");
    assert!(text.contains("last run  none from here"), "{text}");
    world.apply();
    let sent = world.sandbox.counts().total;
    let applied = world.run(&["status"]);
    check_exit(&applied, 0);
    let text = stdout(&applied);
    let commit = format!("applied   commit {}", &world.head()[..10]);
    for words in [
        commit.as_str(),
        "waiting   nothing",
        "lease     nobody writes",
        "2 of 2 steps done",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    world.account("beta", BETA, "company_name: Beta Group");
    world.commit("rename beta");
    let _lease = world.hold(emblazon::apply::lease::LeaseScope::new(
        &emblazon::model::ClusterName::new("production"),
        None,
    ));
    let waiting = world.run(&["status"]);
    check_exit(&waiting, 2);
    let text = stdout(&waiting);
    for words in [
        "changes of the tree to 1 object: beta",
        "lease     ann@elsewhere (apply) since",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let report: Value = world.report(&["status"]);
    assert_eq!(report["waiting"], json!(["beta"]));
    assert_eq!(report["last_run"]["done"], 2);
    assert_eq!(world.sandbox.counts().total, sent, "no platform is asked");
}
