//! The platform tells of a change over the daemon's own connection: it is seen at once, whatever happens on the way.

use emblazon::sandbox::{Fault, FaultKind, Profile};
use serde_json::{Value, json};

use super::daemon::{Daemon, configure, name_company, platform, platform_of};
use super::events::{check_every_edit_is_seen, events, reads};
use crate::platform::{Platform, id};

/// Writes the daemon's file. Accounts are read again within hours only: whatever a test sees before, an event brought.
fn listen(platform: &Platform, more: &str) {
    platform.write(
        "watch.yaml",
        &format!(
            "source: {{folder: .}}\nstate: .emblazon\nconfirm_after: 1s\nhttp: {{listen: '127.0.0.1:0'}}\nevents: {{blackhole: '{}'}}\n{more}\n",
            platform.sandbox.blackhole_url()
        ),
    );
}

fn start(platform: &Platform) -> Daemon {
    let mut command = platform.command(&["watch", "--config", "watch.yaml"]);
    command.env_remove("EMBLAZON_API");
    Daemon::serving(command)
}

/// Starts a daemon, and waits until it is told of this many accounts.
fn told_of(platform: &Platform, accounts: usize) -> Daemon {
    listen(platform, "interval: 5h");
    let daemon = start(platform);
    wait_for(platform, &daemon, |events| {
        events["subscriptions"] == accounts
    });
    daemon
}

fn wait_for(platform: &Platform, daemon: &Daemon, is_it: impl Fn(&Value) -> bool) -> Value {
    loop {
        let told = events(platform, daemon);
        if is_it(&told) {
            return told;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_hand_edit_is_seen_over_the_connection() {
    for profile in [Profile::Master, Profile::V43, Profile::V5] {
        let platform = platform_of("ab", "{heal: report}", profile);
        let mut daemon = told_of(&platform, 2);
        daemon.wait_unless_said("ready", Some('a'), "in_sync");
        platform.edit('a', "company_name", "mine");
        daemon.wait("stalled", Some('a'), "drift_reported");
        let told = events(&platform, &daemon);
        assert_eq!(told["problem"], Value::Null, "{told}");
        assert_eq!((&told["hooks"], &told["restored"]), (&json!(0), &json!(0)));
        assert!(told["heard"].as_u64().unwrap() >= 1, "{told}");
        let (_, metrics) = daemon.ask(&platform, "/metrics", None);
        let metrics = metrics.as_str().unwrap();
        for line in [
            "emblazon_platform_subscriptions 2",
            "emblazon_platform_blackhole_working 1",
            "emblazon_platform_blackhole_reconnections_total 0",
            "emblazon_platform_event_last_timestamp_seconds ",
        ] {
            assert!(metrics.contains(line), "{line}: {metrics}");
        }
        // Nothing is made on the platform, and nobody may send webhooks here.
        let master = platform.sandbox.account_id().to_owned();
        assert_eq!(platform.sandbox.world().hooks_of(&master).count(), 0);
        let (status, _) = daemon.ask(&platform, "/kazoo/webhook", Some(&json!({})));
        assert_eq!(status.as_u16(), 404);
        assert_eq!(daemon.stop().code(), Some(0));
        platform.stop();
    }
}

#[test]
fn whatever_happens_to_frames_every_edit_is_seen() {
    check_every_edit_is_seen(
        "BLACKHOLE",
        |platform| told_of(platform, 2),
        |platform| {
            listen(platform, "interval: 2s");
            start(platform)
        },
    );
}

/// What happened while there was no connection is seen once there is another one: each account is read once.
#[test]
fn after_a_broken_connection_every_account_is_read_once() {
    let platform = platform("abc", "{heal: report}");
    let mut daemon = told_of(&platform, 3);
    for name in ['a', 'b', 'c'] {
        daemon.wait_unless_said("ready", Some(name), "in_sync");
    }
    // The connection breaks at the first edit and tells neither of it nor of the next.
    let broken = Fault::new("BLACKHOLE", "*", FaultKind::DropConnection);
    platform.sandbox.set_faults(vec![broken]);
    let before = reads(&platform);
    platform.edit('a', "company_name", "mine");
    wait_for(&platform, &daemon, |events| events["problem"].is_string());
    platform.edit('b', "company_name", "mine");
    daemon.wait_unless_said("stalled", Some('a'), "drift_reported");
    daemon.wait_unless_said("stalled", Some('b'), "drift_reported");
    let told = wait_for(&platform, &daemon, |events| events["subscriptions"] == 3);
    assert_eq!(told["problem"], Value::Null);
    assert_eq!(told["restored"], 1);
    // One read an account, and a second one of both that confirms the drift.
    let cost = reads(&platform) - before;
    assert!(cost <= 8, "{cost} reads");
    drop(daemon);
    platform.stop();
}

/// The revision of an event tells whose change it was: what the daemon wrote and read back is not read again.
#[test]
fn own_writes_cost_no_read() {
    const WRITES: u64 = 5;
    let cost = |with_events: bool| {
        let platform = platform("a", "{heal: auto}");
        listen(&platform, "interval: 5h");
        if !with_events {
            platform.write(
                "watch.yaml",
                "source: {folder: .}\nstate: .emblazon\ninterval: 5h\nhttp: {listen: '127.0.0.1:0'}\n",
            );
        }
        let mut daemon = start(&platform);
        daemon.wait_unless_said("ready", Some('a'), "in_sync");
        daemon.wait_unless_said("run", None, "applied");
        if with_events {
            wait_for(&platform, &daemon, |events| events["subscriptions"] == 1);
        }
        let before = reads(&platform);
        for round in 0..WRITES {
            name_company(&platform, 'a', &format!("newer{round}"));
            daemon.wait("run", None, "applied");
        }
        if with_events {
            // All of them were heard of.
            wait_for(&platform, &daemon, |events| {
                events["heard"].as_u64() >= Some(WRITES)
            });
        }
        assert!(!daemon.has_said("reconciling", "confirming"));
        let cost = reads(&platform) - before;
        drop(daemon);
        platform.stop();
        cost
    };
    let (without, with) = (cost(false), cost(true));
    // The read that follows the subscription may come late.
    assert!(
        with <= without + 1,
        "{with} reads, and {without} without events"
    );
}

/// Accounts follow the tree, and one that the login may not listen to is named; the others are told of.
#[test]
fn accounts_that_are_not_told_of_are_named() {
    let seed = format!(
        "accounts:\n  - name: Master\n  - {{name: r, id: {}, reseller: true, users: [{{name: admin, password: secret}}]}}\n  - {{name: a, id: {}, parent: r, whitelabel: {{company_name: new, domain: a.example.com}}}}\n  - {{name: b, id: {}, whitelabel: {{company_name: new, domain: b.example.com}}}}\n",
        id('e'),
        id('a'),
        id('b')
    );
    let platform = Platform::new(&seed, &[]);
    let key = {
        let world = platform.sandbox.world();
        world.account(&id('e')).unwrap().api_key.clone()
    };
    configure(&platform, "{heal: report}");
    name_company(&platform, 'a', "new");
    name_company(&platform, 'b', "new");
    listen(&platform, "interval: 5h");
    let mut command = platform.command(&["watch", "--config", "watch.yaml"]);
    command
        .env_remove("EMBLAZON_API")
        .env("EMBLAZON_API_KEY", key);
    let daemon = Daemon::serving(command);
    let told = wait_for(&platform, &daemon, |events| {
        events["subscriptions"] == 1 && events["problem"].is_string()
    });
    let problem = told["problem"].as_str().unwrap();
    let expected = format!(
        "does not tell of account {}: unauthorized account id",
        id('b')
    );
    assert!(problem.contains(&expected), "{problem}");
    drop(daemon);
    platform.stop();
}

/// Where nothing listens, the status says so, and the accounts are read by the interval.
#[test]
fn without_a_blackhole_the_daemon_polls_and_says_so() {
    let platform = platform("a", "{heal: report}");
    platform.write(
        "watch.yaml",
        "source: {folder: .}\nstate: .emblazon\ninterval: 2s\nconfirm_after: 1s\nhttp: {listen: '127.0.0.1:0'}\nevents: {blackhole: 'ws://127.0.0.1:1'}\n",
    );
    let mut daemon = start(&platform);
    daemon.wait_unless_said("ready", Some('a'), "in_sync");
    let told = wait_for(&platform, &daemon, |events| events["problem"].is_string());
    let problem = told["problem"].as_str().unwrap();
    assert!(problem.starts_with("ws://127.0.0.1:1/: "), "{problem}");
    assert!(
        problem.contains("seen by the interval until it is back"),
        "{problem}"
    );
    let (_, metrics) = daemon.ask(&platform, "/metrics", None);
    assert!(
        metrics
            .as_str()
            .unwrap()
            .contains("emblazon_platform_blackhole_working 0")
    );
    platform.edit('a', "company_name", "mine");
    daemon.wait("stalled", Some('a'), "drift_reported");
    drop(daemon);
    platform.stop();
}
