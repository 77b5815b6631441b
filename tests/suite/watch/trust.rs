//! A commit that would lead the credentials elsewhere, or have a command run.

use std::sync::atomic::Ordering;

use super::daemon::name_company;
use super::remote::{commit, follow_as, publish};
use crate::platform::Platform;
use crate::stand_in::StandIn;

/// A server that takes whatever is sent to it for a login.
fn stranger() -> StandIn {
    StandIn::start(|_, connection| {
        connection.json("201 Created", r#"{"auth_token": "t", "data": {}}"#);
    })
}

fn declare(platform: &Platform, api: &str, further: &str) {
    let config =
        format!("clusters: {{production: {{api: \"{api}\"{further}}}}}\nwatch: {{heal: auto}}\n");
    platform.write("emblazon.yaml", &config);
}

#[test]
fn a_commit_that_leads_elsewhere_or_names_a_command_is_not_put_in_force() {
    let platform = super::daemon::platform("ab", "{heal: auto}");
    let bare = publish(&platform);
    let stranger = stranger();
    let (receiver, notices) = StandIn::hearing();
    let own = platform.sandbox.url();
    let further = format!(
        "trust: {{api: [\"{own}\"]}}\nalerts: {{confirmations: 1, after: 1s, channels: [{{kind: webhook, url: \"{}/\"}}]}}",
        receiver.url()
    );
    let mut daemon = follow_as(&platform, bare.path(), "daemon", "", &further);
    daemon.wait("run", None, "applied");
    let ran = platform.folder().join("key-ran");
    let command = format!(
        ", auth: {{api_key: {{command: [touch, \"{}\"]}}}}",
        ran.display()
    );
    let elsewhere = stranger.url();
    for (api, further, expected) in [
        (elsewhere.as_str(), "", "which is not in trust.api"),
        (own.as_str(), command.as_str(), "names a command"),
    ] {
        declare(&platform, api, further);
        name_company(&platform, 'a', "hostile");
        commit(&platform, expected, &[]);
        let problem = daemon.wait("problem", None, "source");
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains(expected), "{problem}");
        // The last good one is kept up meanwhile.
        platform.edit('b', "company_name", "mine");
        daemon.wait("reconciling", Some('b'), "confirming");
        daemon.wait_ready('b');
        assert_eq!(platform.key('b', "company_name"), "new");
        assert_eq!(platform.key('a', "company_name"), "new");
    }
    let told = notices.recv().unwrap();
    assert!(
        told.contains("untrusted_commit") && told.contains("problem"),
        "{told}"
    );
    declare(&platform, &own, "");
    name_company(&platform, 'a', "fixed");
    let good = commit(&platform, "fixed", &[]);
    daemon.wait("commit", None, &good);
    daemon.wait("run", None, "applied");
    assert_eq!(platform.key('a', "company_name"), "fixed");
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(stranger.asked.load(Ordering::SeqCst), 0, "nobody was asked");
    assert!(!ran.exists(), "no command was run");
    platform.stop();
}
