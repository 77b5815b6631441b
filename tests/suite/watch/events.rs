//! The platform tells of a change: it is seen at once, costs a read at the most, and is missed by nobody who polls too.

use emblazon::sandbox::{Fault, FaultKind, Profile};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::daemon::{Daemon, browser, command, name_company, platform, platform_of};
use crate::platform::{Platform, id};

/// What is read again within hours only: whatever a test sees before, an event has brought.
const HOURLY: [&str; 4] = ["--interval", "5h", "--events", "--listen"];

fn start(platform: &Platform, address: &str) -> Daemon {
    let daemon = Daemon::serving(command(platform, &[&HOURLY[..], &[address]].concat()));
    while hooks(platform).is_empty() {
        std::thread::yield_now();
    }
    daemon
}

/// The hooks of the master account: address, enabled, and `custom_data`.
fn hooks(platform: &Platform) -> Vec<(String, bool, Value)> {
    let world = platform.sandbox.world();
    let master = world.master().to_owned();
    let hooks = world.hooks_of(&master);
    let told = hooks.map(|hook| {
        let fields = Value::Object(hook.fields.clone());
        let uri = fields["uri"].as_str().unwrap().to_owned();
        (
            uri,
            fields["enabled"] == true,
            fields["custom_data"].clone(),
        )
    });
    told.collect()
}

fn secret(platform: &Platform) -> String {
    let (_, _, custom) = &hooks(platform)[0];
    custom["emblazon_secret"].as_str().unwrap().to_owned()
}

pub(super) fn reads(platform: &Platform) -> u64 {
    platform.sandbox.counts().of("GET", "whitelabel")
}

pub(super) fn events(platform: &Platform, daemon: &Daemon) -> Value {
    let (status, answer) = daemon.ask(platform, "/api/v1/status", None);
    assert_eq!(status, StatusCode::OK);
    answer["events"].clone()
}

/// Sends an event as the platform would, and returns the status of the answer.
fn tell(platform: &Platform, daemon: &Daemon, event: &Value) -> StatusCode {
    let url = format!("{}/kazoo/webhook", daemon.url());
    let sent = browser().post(url).json(event).send();
    platform.block_on(sent).unwrap().status()
}

#[test]
fn a_hand_edit_is_seen_when_the_platform_tells_of_it() {
    for profile in [Profile::Master, Profile::V43] {
        let platform = platform_of("ab", "{heal: report}", profile);
        let mut daemon = start(&platform, "127.0.0.1:0");
        daemon.wait_unless_said("ready", Some('a'), "in_sync");
        let number = if profile == Profile::V43 { 3 } else { 1 };
        while hooks(&platform).len() != number {
            std::thread::yield_now();
        }
        platform.edit('a', "company_name", "mine");
        daemon.wait("stalled", Some('a'), "drift_reported");
        let told = events(&platform, &daemon);
        assert_eq!(told["hooks"], number);
        assert_eq!(told["problem"], Value::Null);
        assert!(told["heard"].as_u64().unwrap() >= 1, "{told}");
        assert!(told["last"].is_string(), "{told}");
        let (_, metrics) = daemon.ask(&platform, "/metrics", None);
        let metrics = metrics.as_str().unwrap();
        assert!(
            metrics.contains("emblazon_platform_hooks_working 1"),
            "{metrics}"
        );
        assert!(metrics.contains("emblazon_platform_event_last_timestamp_seconds "));
        assert_eq!(daemon.stop().code(), Some(0));
        assert_eq!(hooks(&platform), [], "nobody hears them any more");
        platform.stop();
    }
}

/// On Kazoo 5 the platform tells it, and the message is what alerts and the dashboard show.
#[test]
fn who_made_a_change_is_told_where_the_platform_knows_it() {
    let platform = platform_of("a", "{heal: report}", Profile::V5);
    let mut daemon = start(&platform, "127.0.0.1:0");
    daemon.wait_unless_said("ready", Some('a'), "in_sync");
    let master = platform.sandbox.account_id().to_owned();
    platform.change_by_api('a', "company_name", "mine");
    let seen = daemon.wait("stalled", Some('a'), "drift_reported");
    let by = format!("; by account {master}, with an API key, the platform says");
    assert!(seen["message"].as_str().unwrap().ends_with(&by), "{seen}");
    let (_, history) = daemon.ask(&platform, "/api/v1/history", None);
    let message = history["incidents"][0]["message"].as_str().unwrap();
    assert!(
        message.contains(&format!("(by account {master}")),
        "{history}"
    );
    let who = format!("Changed by account {master}, with an API key, the platform says.");
    let (_, status) = daemon.ask(&platform, "/api/v1/status", None);
    let alert = &status["alerts"][0];
    assert_eq!(alert["kind"], "drift");
    assert!(alert["message"].as_str().unwrap().contains(&who), "{alert}");
    let (_, page) = daemon.ask(&platform, "/accounts/a", None);
    let page = page.as_str().unwrap();
    let who =
        format!("Changed by <bdi>account {master}, with an API key</bdi>, the platform says.");
    assert!(page.contains(&who), "{page}");
    drop(daemon);
    platform.stop();
}

/// The second read that makes it drift does not wait for `confirm_after`, here an hour.
#[test]
fn what_the_platform_told_of_is_confirmed_within_seconds() {
    let platform = platform("a", "{heal: report}");
    let mut command = platform.command(&["watch"]);
    command
        .env_remove("EMBLAZON_API")
        .args(HOURLY)
        .args(["127.0.0.1:0", "--confirm-after", "1h"]);
    let mut daemon = Daemon::serving(command);
    daemon.wait_unless_said("ready", Some('a'), "in_sync");
    while hooks(&platform).is_empty() {
        std::thread::yield_now();
    }
    platform.edit('a', "company_name", "mine");
    daemon.wait("stalled", Some('a'), "drift_reported");
    drop(daemon);
    platform.stop();
}

/// A forged event costs nothing; a true one that comes a hundred times costs as much as one or two.
#[test]
fn forged_and_repeated_events_cost_a_read_at_the_most() {
    let platform = platform("ab", "{heal: report}");
    let mut daemon = start(&platform, "127.0.0.1:0");
    daemon.wait_unless_said("ready", Some('a'), "in_sync");
    daemon.wait_unless_said("ready", Some('b'), "in_sync");
    let before = reads(&platform);
    let event = |secret: &str, account: &str| json!({"type": "whitelabel", "account_id": account, "emblazon_secret": secret});
    let true_secret = secret(&platform);
    for forged in ["", "forged", &true_secret[1..]] {
        let status = tell(&platform, &daemon, &event(forged, &id('a')));
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    // Only 200 keeps a hook alive, whatever it tells.
    for strange in [id('f'), "x".to_owned()] {
        let status = tell(&platform, &daemon, &event(&true_secret, &strange));
        assert_eq!(status, StatusCode::OK);
    }
    assert_eq!(reads(&platform), before);
    for _ in 0..100 {
        let status = tell(&platform, &daemon, &event(&true_secret, &id('a')));
        assert_eq!(status, StatusCode::OK);
    }
    // A change of the other account comes after them, and is seen.
    platform.edit('b', "company_name", "mine");
    daemon.wait("stalled", Some('b'), "drift_reported");
    let cost = reads(&platform) - before;
    assert!(cost <= 10, "{cost} reads for a hundred events and an edit");
    assert_eq!(events(&platform, &daemon)["heard"], 101);
    drop(daemon);
    platform.stop();
}

/// However often an edit is told of, it is healed once.
#[test]
fn a_storm_of_events_leads_to_one_write() {
    let platform = platform("a", "{heal: auto}");
    let mut daemon = start(&platform, "127.0.0.1:0");
    daemon.wait_unless_said("ready", Some('a'), "in_sync");
    let before = platform.mutating();
    let told =
        json!({"type": "whitelabel", "account_id": id('a'), "emblazon_secret": secret(&platform)});
    platform.edit('a', "company_name", "mine");
    for _ in 0..100 {
        assert_eq!(tell(&platform, &daemon, &told), StatusCode::OK);
    }
    while platform.key('a', "company_name") != "new" {
        daemon.wait("run", None, "applied");
    }
    for _ in 0..100 {
        assert_eq!(tell(&platform, &daemon, &told), StatusCode::OK);
    }
    // Seen by a read that is later than those that the last of them led to.
    platform.edit('a', "company_name", "theirs");
    while platform.key('a', "company_name") != "new" {
        daemon.wait("run", None, "applied");
    }
    assert_eq!(platform.mutating() - before, 2, "one write an edit");
    drop(daemon);
    platform.stop();
}

/// What happened while the platform had disabled the hook is seen once it is enabled again.
#[test]
fn what_a_disabled_hook_did_not_tell_is_not_missed() {
    let platform = platform("ab", "{heal: auto}");
    let mut daemon = start(&platform, "127.0.0.1:0");
    daemon.wait_unless_said("ready", Some('a'), "in_sync");
    daemon.wait_unless_said("ready", Some('b'), "in_sync");
    platform.disable_hooks();
    let before = platform.mutating();
    platform.edit('a', "company_name", "mine");
    let (status, _) = daemon.ask(&platform, "/api/v1/resync", Some(&json!({})));
    assert_eq!(status, StatusCode::ACCEPTED);
    while platform.key('a', "company_name") != "new" {
        daemon.wait("run", None, "applied");
    }
    while !hooks(&platform).iter().all(|(_, enabled, _)| *enabled) {
        std::thread::yield_now();
    }
    platform.edit('b', "company_name", "mine");
    while platform.key('b', "company_name") != "new" {
        daemon.wait("run", None, "applied");
    }
    assert_eq!(
        platform.mutating() - before,
        3,
        "the hook, and one write an edit"
    );
    drop(daemon);
    platform.stop();
}

/// A standby cannot use what it is told; but when it begins to lead, it misses nothing.
#[test]
fn what_a_standby_was_told_is_read_when_it_leads() {
    let platform = platform("a", "{heal: report}");
    let mut leader = start(&platform, "127.0.0.1:0");
    leader.wait_unless_said("ready", Some('a'), "in_sync");
    let hourly = [&HOURLY[..], &["127.0.0.1:0"]].concat();
    let mut standby = Daemon::serving(command(&platform, &hourly));
    standby.wait("role", None, "standby");
    for (daemon, status) in [(&leader, 200), (&standby, 503)] {
        let (answered, _) = daemon.ask(&platform, "/leaderz", None);
        assert_eq!(answered.as_u16(), status);
    }
    let told =
        json!({"type": "whitelabel", "account_id": id('a'), "emblazon_secret": secret(&platform)});
    leader.kill();
    platform.edit('a', "company_name", "mine");
    assert_eq!(tell(&platform, &standby, &told), StatusCode::OK);
    standby.wait("role", None, "leader");
    standby.wait("stalled", Some('a'), "drift_reported");
    drop(standby);
    platform.stop();
}

/// Checks that a lost event is seen by the poll, and that doubled, swapped, forged and late ones say the same as one.
/// `method` is that of their faults; `hear` starts a daemon that reads again within hours only, `poll` one that polls.
pub(super) fn check_every_edit_is_seen(
    method: &str,
    hear: impl Fn(&Platform) -> Daemon,
    poll: impl Fn(&Platform) -> Daemon,
) {
    for fault in [
        FaultKind::DoubledEvent,
        FaultKind::SwappedEvent,
        FaultKind::ForgedEvent,
        FaultKind::DelayMs(20),
    ] {
        let platform = platform("ab", "{heal: report}");
        let mut daemon = hear(&platform);
        daemon.wait_unless_said("ready", Some('a'), "in_sync");
        daemon.wait_unless_said("ready", Some('b'), "in_sync");
        let fault = Fault::new(method, "*", fault);
        platform.sandbox.set_faults(vec![fault]);
        platform.edit('a', "company_name", "mine");
        platform.edit('b', "company_name", "mine");
        daemon.wait_unless_said("stalled", Some('a'), "drift_reported");
        daemon.wait_unless_said("stalled", Some('b'), "drift_reported");
        drop(daemon);
        platform.stop();
    }
    let platform = platform("a", "{heal: report}");
    let lost = Fault::new(method, "*", FaultKind::LostEvent).times(100);
    platform.sandbox.set_faults(vec![lost]);
    let mut daemon = poll(&platform);
    daemon.wait_ready('a');
    platform.edit('a', "company_name", "mine");
    daemon.wait("stalled", Some('a'), "drift_reported");
    assert_eq!(events(&platform, &daemon)["heard"], 0);
    drop(daemon);
    platform.stop();
}

#[test]
fn whatever_happens_to_events_every_edit_is_seen() {
    let poll = ["--interval", "2s", "--events", "--listen", "127.0.0.1:0"];
    check_every_edit_is_seen(
        "HOOK",
        |platform| start(platform, "127.0.0.1:0"),
        |platform| Daemon::serving(command(platform, &poll)),
    );
}

/// What the daemon writes is told of as well; it was read back since, or is read once more.
#[test]
fn own_writes_are_no_drift_and_cost_a_read_at_the_most() {
    const WRITES: u64 = 5;
    let cost = |with_events: bool| {
        let platform = platform("a", "{heal: auto}");
        let mut daemon = if with_events {
            start(&platform, "127.0.0.1:0")
        } else {
            Daemon::start(command(&platform, &["--interval", "5h"]))
        };
        daemon.wait_unless_said("ready", Some('a'), "in_sync");
        let before = reads(&platform);
        for round in 0..WRITES {
            name_company(&platform, 'a', &format!("newer{round}"));
            daemon.wait("run", None, "applied");
        }
        assert!(!daemon.has_said("reconciling", "confirming"));
        let cost = reads(&platform) - before;
        drop(daemon);
        platform.stop();
        cost
    };
    let (without, with) = (cost(false), cost(true));
    assert!(
        with <= without + WRITES,
        "{with} reads, and {without} without events"
    );
}

/// Kazoo disables a hook that cannot be delivered; whoever killed the last daemon left its hook behind.
#[test]
fn a_hook_that_is_disabled_gone_or_left_behind_is_put_right() {
    let platform = platform("a", "{heal: report}");
    let mut daemon = start(&platform, "127.0.0.1:0");
    daemon.wait_unless_said("ready", Some('a'), "in_sync");
    let first = secret(&platform);
    platform.disable_hooks();
    let resync = json!({});
    let (status, _) = daemon.ask(&platform, "/api/v1/resync", Some(&resync));
    assert_eq!(status, StatusCode::ACCEPTED);
    while !hooks(&platform).iter().all(|(_, enabled, _)| *enabled) {
        std::thread::yield_now();
    }
    assert_eq!(secret(&platform), first, "it is the same hook");
    let address = daemon.url().replace("http://", "");
    daemon.kill();
    assert_eq!(hooks(&platform).len(), 1);
    let mut daemon = Daemon::serving(command(&platform, &[&HOURLY[..], &[&address]].concat()));
    while secret_or_none(&platform).is_none_or(|secret| secret == first) {
        std::thread::yield_now();
    }
    while hooks(&platform).len() > 1 {
        std::thread::yield_now();
    }
    assert_ne!(secret(&platform), first);
    platform.edit('a', "company_name", "mine");
    daemon.wait("stalled", Some('a'), "drift_reported");
    drop(daemon);
    platform.stop();
}

/// A daemon that starts anew at another address knows the hook that it left behind, and no other one.
#[test]
fn a_hook_that_was_left_at_another_address_is_removed() {
    let platform = platform("a", "{heal: report}");
    let stranger = json!({"data": {
        "name": "emblazon: tell of changed brands", "hook": "object", "uri": "https://other.example.com/kazoo/webhook",
        "http_verb": "post", "custom_data": {"type": "whitelabel", "action": "all", "emblazon_daemon": "another"},
    }});
    platform.create_hook(&stranger);
    let addresses = |platform: &Platform| -> Vec<String> {
        let hooks = hooks(platform).into_iter();
        hooks.map(|(uri, ..)| uri).collect()
    };
    let at = |daemon: &Daemon| format!("{}/kazoo/webhook", daemon.url());
    let daemon = start(&platform, "127.0.0.1:0");
    let first = at(&daemon);
    while !addresses(&platform).contains(&first) {
        std::thread::yield_now();
    }
    daemon.kill();
    let daemon = start(&platform, "127.0.0.1:0");
    let second = at(&daemon);
    assert_ne!(first, second);
    while addresses(&platform).contains(&first) || !addresses(&platform).contains(&second) {
        std::thread::yield_now();
    }
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(
        addresses(&platform),
        ["https://other.example.com/kazoo/webhook"]
    );
    platform.stop();
}

fn secret_or_none(platform: &Platform) -> Option<String> {
    let hooks = hooks(platform);
    let (_, _, custom) = hooks.last()?;
    Some(custom["emblazon_secret"].as_str()?.to_owned())
}

/// What to do is said, and the accounts are read by the interval all the same.
#[test]
fn a_platform_that_does_not_call_this_address_is_polled_and_says_what_to_do() {
    let seed = format!(
        "accounts:\n  - name: Master\n  - name: a\n    id: {}\n    whitelabel: {{company_name: new, domain: a.example.com}}\nserver: {{refuses_loopback_hooks: true}}\n",
        id('a')
    );
    let platform = Platform::new(&seed, &[]);
    super::daemon::configure(&platform, "{heal: report}");
    name_company(&platform, 'a', "new");
    let poll = ["--interval", "2s", "--events", "--listen", "127.0.0.1:0"];
    let mut daemon = Daemon::serving(command(&platform, &poll));
    daemon.wait_ready('a');
    let problem = loop {
        let told = events(&platform, &daemon);
        if let Some(problem) = told["problem"].as_str() {
            break problem.to_owned();
        }
        std::thread::yield_now();
    };
    assert!(problem.contains("the address is not allowed"), "{problem}");
    assert!(
        problem.contains("http.public_url must be a name that it reaches"),
        "{problem}"
    );
    platform.edit('a', "company_name", "mine");
    daemon.wait("stalled", Some('a'), "drift_reported");
    drop(daemon);
    platform.stop();
}

/// What `events hook` prints is created as it is, and the daemon hears it.
#[test]
fn an_operators_hook_is_heard() {
    let platform = platform("a", "{heal: report}");
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = format!("http://127.0.0.1:{port}");
    let printed = platform.run(&["events", "hook", "--url", &url]);
    let printed = crate::cli::stdout(&printed).replace("SECRET", "a long secret of the operator");
    for line in printed.lines() {
        let hook: Value = serde_json::from_str(line).unwrap();
        platform.create_hook(&hook);
    }
    platform.write(
        "watch.yaml",
        &format!(
            "source: {{folder: .}}\nstate: .emblazon\ninterval: 5h\nconfirm_after: 1s\nhttp: {{listen: '127.0.0.1:{port}'}}\nevents: {{hooks: operator, secret: {{env: HOOK_SECRET}}}}\n"
        ),
    );
    let mut command = platform.command(&["watch", "--config", "watch.yaml"]);
    command
        .env_remove("EMBLAZON_API")
        .env("HOOK_SECRET", "a long secret of the operator");
    let mut daemon = Daemon::serving(command);
    daemon.wait_unless_said("ready", Some('a'), "in_sync");
    platform.edit('a', "company_name", "mine");
    daemon.wait("stalled", Some('a'), "drift_reported");
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(hooks(&platform).len(), 1, "it is the operator's");
    platform.stop();
}
