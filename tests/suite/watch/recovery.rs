//! A daemon that begins after a run was killed.

use emblazon::sandbox::{Fault, FaultKind};

use super::daemon::{Daemon, command, name_company};
use super::remote::{commit, follow_as, git, publish};
use crate::platform::id;
use crate::recovery::{document, killed, platform};

/// What a killed run left of one account cannot be read: the others are reconciled all the same, and that one is restored as
/// soon as it can be read.
#[test]
fn an_account_in_pieces_that_cannot_be_read_stops_nobody_else() {
    let platform = platform();
    killed(&platform);
    let url = platform.sandbox.url();
    platform.write(
        "emblazon.yaml",
        &format!("clusters: {{production: {{api: \"{url}\"}}}}\nwatch: {{heal: auto}}\n"),
    );
    let path = format!("/v2/accounts/{}*", id('a'));
    let unreadable = Fault::new("GET", &path, FaultKind::Status(403)).times(1000);
    platform.sandbox.set_faults(vec![unreadable]);
    name_company(&platform, 'b', "new");
    let mut daemon = Daemon::start(command(&platform, &["--interval", "5s"]));
    daemon.wait_ready('b');
    assert_eq!(platform.key('b', "company_name"), "new");
    assert_eq!(document(&platform), None);
    platform.sandbox.set_faults(Vec::new());
    daemon.wait_ready('a');
    assert_eq!(document(&platform).as_deref(), Some("red"));
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// A journal that is damaged stops writing, with an alert; reading goes on, and a change by hand is told.
#[test]
fn a_damaged_journal_stops_writing_and_not_reading() {
    let platform = super::daemon::platform("ab", "{heal: report}");
    let mut daemon = Daemon::start(command(&platform, &[]));
    daemon.wait("run", None, "applied");
    assert_eq!(daemon.stop().code(), Some(0));
    let run = platform.runs().remove(0);
    let journal = platform.state().join(format!("journal/{run}.jsonl"));
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, text.replacen('"', "'", 9)).unwrap();
    name_company(&platform, 'a', "second");
    platform.edit('b', "company_name", "mine");
    let mut daemon = Daemon::serving(command(&platform, &["--listen", "127.0.0.1:0"]));
    daemon.wait("stalled", Some('b'), "drift_reported");
    let (_, status) = daemon.ask(&platform, "/api/v1/status", None);
    let alerts = status["alerts"].as_array().unwrap();
    let kinds: Vec<_> = alerts.iter().map(|alert| &alert["kind"]).collect();
    assert!(
        kinds.contains(&&serde_json::json!("state_spoilt")),
        "{status:#}"
    );
    assert!(!kinds.contains(&&serde_json::json!("platform_unreadable")));
    assert_eq!(
        platform.key('a', "company_name"),
        "new",
        "nothing is written"
    );
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// One account cannot be read for long: the others are reconciled, and the platform does not count as lost.
#[test]
fn one_account_that_cannot_be_read_is_no_outage() {
    let platform = super::daemon::platform("ab", "{heal: auto}");
    let path = format!("/v2/accounts/{}*", id('b'));
    let broken = Fault::new("GET", &path, FaultKind::Status(500)).times(100_000);
    let mut daemon = Daemon::start(command(&platform, &["--interval", "1h"]));
    daemon.wait("run", None, "applied");
    platform.sandbox.set_faults(vec![broken]);
    name_company(&platform, 'b', "second");
    // Only its declaration has changed, so it is read alone.
    daemon.wait("unknown", Some('b'), "unreadable");
    name_company(&platform, 'a', "second");
    while platform.key('a', "company_name") != "second" {
        std::thread::yield_now();
    }
    assert!(!daemon.has_said("platform", "down"));
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// The lease of one cluster is no right to write to another.
#[test]
fn a_tree_that_names_another_cluster_has_its_lease_taken_first() {
    let platform = super::daemon::platform("a", "{apply: auto}");
    let bare = publish(&platform);
    let mut daemon = follow_as(&platform, bare.path(), "daemon", "", "");
    daemon.wait("run", None, "applied");
    let url = platform.sandbox.url();
    platform.write(
        "emblazon.yaml",
        &format!("clusters: {{renamed: {{api: \"{url}\"}}}}\nwatch: {{apply: auto}}\n"),
    );
    name_company(&platform, 'a', "second");
    let renamed = commit(&platform, "renamed", &[]);
    daemon.wait("commit", None, &renamed);
    while platform.key('a', "company_name") != "second" {
        std::thread::yield_now();
    }
    let refs = git(bare.path(), &["for-each-ref", "--format=%(refname)"]);
    assert!(refs.contains("refs/emblazon/renamed/lease"), "{refs}");
    assert!(!refs.contains("refs/emblazon/production/lease"), "{refs}");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}
