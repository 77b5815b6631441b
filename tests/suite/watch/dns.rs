//! What DNS says of the accounts' domains: real packets from the sandbox's servers.

use emblazon::model::{AccountId, Identity, Shard};
use emblazon::sandbox::dns::{DnsFault, DnsServer, ZoneSeed};

use super::daemon::{Daemon, command};
use crate::platform::{DEFAULTS, Platform, id};
use crate::stand_in::StandIn;

/// The secret of the key that the primary knows.
const SECRET: &str = "c29tZSBrZXkgZm9yIHRlc3RzIG9ubHksIDMyIGJ5dGVzIQ==";

/// Starts a platform with its DNS, and a tree that agrees with both. `ns1.dns.test` is the primary, and each account's
/// domain is a zone there.
pub(super) fn platform(names: &str, watch: &str) -> Platform {
    let account = |name: char| {
        format!(
            "  - name: {name}\n    id: {}\n    whitelabel: {{company_name: new, domain: {name}.example, {DEFAULTS}}}\n",
            id(name)
        )
    };
    let zone = |name: char| {
        format!(
            "    {name}.example: {{ ns: [ns1.dns.test], ttl: 60, records: [us A 192.0.2.1] }}\n"
        )
    };
    let accounts: String = names.chars().map(account).collect();
    let zones: String = names.chars().map(zone).collect();
    let seed = format!(
        "accounts:\n  - name: Master\n{accounts}dns:\n  zones:\n{zones}  keys: {{ brands: {{ algorithm: hmac-sha256, secret: {SECRET} }} }}\n"
    );
    let platform = Platform::new(&seed, &[]);
    platform.write(
        "domains.yaml",
        "template: {A: {\"us.{{domain}}\": {mapping: [192.0.2.1]}}}\n",
    );
    for name in names.chars() {
        platform.declare(
            name,
            &format!("whitelabel: {{company_name: new, domain: {name}.example}}"),
        );
    }
    configure(&platform, watch);
    platform
}

/// Says in the tree what the daemon may do.
pub(super) fn configure(platform: &Platform, watch: &str) {
    let url = platform.sandbox.url();
    let resolver = dns(platform).resolver();
    let server = dns(platform).server("ns1.dns.test").unwrap();
    let port = resolver.port();
    platform.write(
        "emblazon.yaml",
        &format!(
            "clusters: {{production: {{api: \"{url}\"}}}}
dns:
  resolvers: [\"{resolver}\"]
  port: {port}
  networks: [127.0.0.0/8]
  push: {{method: rfc2136, ownership: exclusive, server: \"{server}\", key: {{name: brands, secret: {{env: DNS_SECRET}}}}}}
watch: {watch}
"
        ),
    );
}

pub(super) fn dns(platform: &Platform) -> &DnsServer {
    platform.sandbox.dns().unwrap()
}

/// Enters the address of an account's host at the primary, as somebody would by hand.
pub(super) fn enter(platform: &Platform, name: char, address: &str) {
    let seed = ZoneSeed {
        ns: vec!["ns1.dns.test".to_owned()],
        ttl: 60,
        records: vec![format!("us A {address}"), "www A 203.0.113.80".to_owned()],
        ..ZoneSeed::default()
    };
    let apex = format!("{name}.example");
    dns(platform).set_zone(&apex, &seed).unwrap();
}

/// Lets no server answer.
pub(super) fn silence(platform: &Platform) {
    let fault: DnsFault = serde_json::from_value(serde_json::json!({"fault": "servfail"})).unwrap();
    dns(platform).set_faults(vec![fault]);
}

/// Starts a daemon with a file of its own, so that somebody is told.
fn told(platform: &Platform, receiver: &StandIn) -> Daemon {
    let config = format!(
        "source: {{folder: .}}\nstate: .emblazon\ninterval: 1s\nconfirm_after: 1s\nalerts: {{confirmations: 1, after: 1s, channels: [{{kind: webhook, url: \"{}/\"}}]}}\n",
        receiver.url()
    );
    platform.write("watch.yaml", &config);
    let mut command = platform.command(&["watch", "--config", "watch.yaml"]);
    command.env_remove("EMBLAZON_API");
    Daemon::start(command)
}

#[test]
fn a_domain_that_points_away_counts_after_a_second_look_and_is_told_of_once() {
    let (receiver, notices) = StandIn::hearing();
    let notice = || -> serde_json::Value {
        let raw = notices.recv().unwrap();
        serde_json::from_str(raw.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let platform = platform("ab", "{dns: ask}");
    let mut daemon = told(&platform, &receiver);
    daemon.wait_unless_said("dns", Some('a'), "in_sync");
    daemon.wait_unless_said("dns", Some('b'), "in_sync");
    enter(&platform, 'a', "203.0.113.9");
    daemon.wait("dns", Some('a'), "confirming");
    let confirmed = daemon.wait("dns", Some('a'), "differs");
    assert_eq!(
        confirmed["message"],
        "A us.a.example different; found 203.0.113.9; wanted 192.0.2.1"
    );
    let wrong = notice();
    assert_eq!(wrong["kind"], "dns");
    assert_eq!(wrong["title"], "production: new (a) has wrong DNS records");
    // Silence is no end of it, and no alert for each domain.
    silence(&platform);
    daemon.wait("dns", Some('a'), "unknown");
    daemon.wait_unless_said("dns", Some('b'), "unknown");
    let silent = notice();
    assert_eq!(
        (&silent["kind"], &silent["subjects"]),
        (&"dns_unreadable".into(), &1.into())
    );
    dns(&platform).set_faults(Vec::new());
    enter(&platform, 'a', "192.0.2.1");
    daemon.wait("dns", Some('a'), "in_sync");
    let mut over =
        [notice(), notice()].map(|notice| format!("{} {}", notice["kind"], notice["severity"]));
    over.sort();
    assert_eq!(
        over,
        ["\"dns\" \"resolved\"", "\"dns_unreadable\" \"resolved\""]
    );
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(notices.try_recv().is_err(), "each is told of once");
    let history = std::fs::read_to_string(platform.state().join("watch/history.jsonl")).unwrap();
    let dns = history
        .lines()
        .filter(|line| line.contains("\"finding\":\"dns\""));
    assert_eq!(dns.count(), 2, "one began and ended: {history}");
    platform.stop();
}

#[test]
fn what_dns_says_once_is_an_exit_code() {
    let platform = platform("ab", "{dns: ask}");
    let once = || {
        let output = command(&platform, &["--once"]).output().unwrap();
        output.status.code()
    };
    assert_eq!(once(), Some(0));
    enter(&platform, 'b', "203.0.113.9");
    assert_eq!(once(), Some(2));
    silence(&platform);
    assert_eq!(once(), Some(6));
    let asked = || dns(&platform).asked().values().sum::<u64>();
    let before = asked();
    configure(&platform, "{dns: off}");
    assert_eq!(once(), Some(0));
    assert_eq!(asked(), before, "nobody was asked");
    platform.stop();
}

/// Declares an account whose records the tree manages.
fn manage(platform: &Platform, name: char, watch: &str) {
    let text = format!(
        "whitelabel: {{company_name: new, domain: {name}.example}}\ndns: manage\nwatch: {watch}"
    );
    platform.declare(name, &text);
}

/// Returns the addresses that stand at the primary for an account's host, and at the name beside it.
fn standing(platform: &Platform, name: char) -> Vec<String> {
    let records = dns(platform).records(&format!("{name}.example"));
    let mut found: Vec<String> = (records.iter())
        .filter(|line| line.contains(" A "))
        .cloned()
        .collect();
    found.sort();
    found
}

fn pushing(platform: &Platform) -> Daemon {
    let mut command = command(platform, &["--interval", "2s"]);
    command.env("DNS_SECRET", SECRET);
    Daemon::start(command)
}

#[test]
fn records_are_pushed_in_turns_and_changed_ones_are_healed_or_reported() {
    let platform = platform("abc", "{heal: auto, dns: push}");
    for name in ['a', 'b', 'c'] {
        enter(&platform, name, "203.0.113.9");
    }
    manage(&platform, 'a', "{heal: auto}");
    manage(&platform, 'b', "{heal: report}");
    manage(&platform, 'c', "{dns: ask}");
    let mut daemon = pushing(&platform);
    daemon.wait("run", None, "applied");
    let right = standing(&platform, 'a');
    assert_eq!(
        right.len(),
        2,
        "what is not in the template stays: {right:?}"
    );
    assert!(
        right
            .iter()
            .any(|line| line.contains("us.a.example") && line.ends_with("192.0.2.1")),
        "{right:?}"
    );
    assert!(
        right.iter().any(|line| line.ends_with("203.0.113.80")),
        "{right:?}"
    );
    daemon.wait_unless_said("ready", Some('a'), "in_sync");
    daemon.wait_unless_said("ready", Some('b'), "in_sync");
    for name in ['a', 'b'] {
        enter(&platform, name, "203.0.113.9");
    }
    daemon.wait("reconciling", Some('a'), "confirming");
    daemon.wait_unless_said("stalled", Some('b'), "drift_reported");
    while standing(&platform, 'a') != right {
        daemon.wait_ready('a');
    }
    let left = |name| {
        let found = standing(&platform, name);
        found.iter().any(|line| line.ends_with("203.0.113.9"))
    };
    assert!(left('b'), "the policy leaves it");
    assert!(left('c'), "the policy does not push");
    // Two runs wrote: the first, and the healing, which told nobody else's object apart from its own.
    assert_eq!(platform.runs().len(), 2);
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

#[test]
fn a_primary_that_does_not_answer_is_unknown_and_nothing_is_written() {
    let platform = platform("a", "{heal: auto, dns: push}");
    manage(&platform, 'a', "{heal: auto}");
    let mut daemon = pushing(&platform);
    daemon.wait("run", None, "applied");
    daemon.wait_unless_said("ready", Some('a'), "in_sync");
    let runs = platform.runs().len();
    silence(&platform);
    enter(&platform, 'a', "203.0.113.9");
    let unknown = daemon.wait("unknown", Some('a'), "unreadable");
    assert!(
        unknown["message"]
            .as_str()
            .unwrap()
            .starts_with("the records: "),
        "{unknown}"
    );
    daemon.wait_unless_said("dns", Some('a'), "unknown");
    assert_eq!(platform.runs().len(), runs, "nothing was begun");
    dns(&platform).set_faults(Vec::new());
    daemon.wait("reconciling", Some('a'), "confirming");
    daemon.wait_ready('a');
    let found = standing(&platform, 'a');
    assert!(
        found.iter().any(|line| line.ends_with("192.0.2.1")),
        "{found:?}"
    );
    assert!(
        !found.iter().any(|line| line.ends_with("203.0.113.9")),
        "{found:?}"
    );
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// The template is one daemon's to write; the names that follow from it are asked for by whoever has the account.
#[test]
fn each_shard_asks_for_its_own_domains() {
    let platform = platform("abcdef", "{dns: ask}");
    let mut asked = String::new();
    for shard in Shard::all(2) {
        let number = shard.to_string();
        let mut daemon = Daemon::start(command(
            &platform,
            &["--interval", "1h", "--shard", &number],
        ));
        let own = |name: &char| {
            let identity = Identity::Id(AccountId::parse(&id(*name)).unwrap());
            shard.home(&identity) == shard
        };
        let own: String = "abcdef".chars().filter(own).collect();
        for name in own.chars() {
            daemon.wait_unless_said("dns", Some(name), "in_sync");
        }
        assert!(!own.is_empty(), "both have some");
        asked.push_str(&own);
        assert_eq!(daemon.stop().code(), Some(0));
    }
    assert_eq!(asked.len(), 6);
    platform.stop();
}

/// What a template wants of an account's domain is written by whoever has the account, and follows the template's
/// commits; the others' stays theirs.
#[test]
fn each_shard_writes_the_records_of_its_own_accounts() {
    let platform = platform("abcdef", "{heal: auto, dns: push}");
    let template = |hosts: &str| {
        platform.write("domains.yaml", &format!("template: {{A: {{{hosts}}}}}\n"));
    };
    let of = |shard: Shard| -> Vec<char> {
        let own = |name: &char| {
            let identity = Identity::Id(AccountId::parse(&id(*name)).unwrap());
            shard.home(&identity) == shard
        };
        "abcdef".chars().filter(own).collect()
    };
    let start = |shard: Shard| {
        let number = shard.to_string();
        let mut command = command(&platform, &["--interval", "1h", "--shard", &number]);
        command.env("DNS_SECRET", SECRET);
        Daemon::start(command)
    };
    let has = |name: char, host: &str, address: &str| {
        let begin = format!("{host}.{name}.example");
        let mut found = standing(&platform, name).into_iter();
        found.any(|line| line.starts_with(&begin) && line.ends_with(address))
    };
    for name in "abcdef".chars() {
        enter(&platform, name, "203.0.113.9");
        manage(&platform, name, "{heal: auto}");
    }
    let [first, second] = [1, 2].map(|index| Shard::new(index, 2).unwrap());
    let (mine, theirs) = (of(second), of(first));
    assert!(!mine.is_empty() && !theirs.is_empty());

    let mut daemon = start(second);
    let mut until = |host: &str, address: &str| {
        while !mine.iter().all(|name| has(*name, host, address)) {
            daemon.wait("run", None, "");
        }
    };
    until("us", "192.0.2.1");
    // Another address, and another host.
    template(
        "\"us.{{domain}}\": {mapping: [192.0.2.2]}, \"eu.{{domain}}\": {mapping: [192.0.2.3]}",
    );
    until("us", "192.0.2.2");
    until("eu", "192.0.2.3");
    // A host that the template had goes.
    template("\"us.{{domain}}\": {mapping: [192.0.2.2]}");
    while mine.iter().any(|name| has(*name, "eu", "192.0.2.3")) {
        daemon.wait("run", None, "");
    }
    for name in &mine {
        assert!(
            has(*name, "www", "203.0.113.80"),
            "what nobody declared stays"
        );
    }
    for name in &theirs {
        assert!(has(*name, "us", "203.0.113.9"), "{name} is the other's");
    }
    assert_eq!(daemon.stop().code(), Some(0));
    // The template on the platform is the first one's.
    let mut daemon = start(first);
    while !theirs.iter().all(|name| has(*name, "us", "192.0.2.2")) {
        daemon.wait("run", None, "");
    }
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}
