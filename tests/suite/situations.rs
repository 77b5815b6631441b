//! What `dns check` says of DNS as it is found: one table of situations, over real packets of the sandbox's servers.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::cli::{run, stdout, write};

const ADDRESS: &str = "A: {\"us.{{domain}}\": {mapping: [192.0.2.1]}}";
const APEX: &str = "A: {\"{{domain}}\": {mapping: [192.0.2.1]}}";
const PORTAL: &str = "CNAME: {\"portal.{{domain}}\": {name: Portal, mapping: [ui.example.net]}}";
const PHONES: &str = "A: {\"us.{{domain}}\": {mapping: [192.0.2.1]}}, SRV: {\"_sip._udp.{{domain}}\": {mapping: [\"10 10 5060 us.{{domain}}\"]}}";
const CARRIER: &str =
    "SRV: {\"_sip._udp.{{domain}}\": {mapping: [10 10 5060 sip.carrier.example]}}";

/// What is found, what is true of it, the template, the DNS as the sandbox's file states it, the verdicts, and the exit code.
type Situation = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    i32,
);

/// The domain is the first zone's, unless that is of one label.
const SITUATIONS: &[Situation] = &[
    (
        "as declared",
        "right",
        ADDRESS,
        "zones: {acme.example: {records: [us A 192.0.2.1]}}",
        "ok",
        0,
    ),
    (
        "nobody entered it",
        "missing",
        ADDRESS,
        "zones: {acme.example: {}}",
        "missing name",
        2,
    ),
    (
        "another type at the name",
        "missing",
        ADDRESS,
        "zones: {acme.example: {records: [us TXT x]}}",
        "missing type",
        2,
    ),
    (
        "nobody registered the domain",
        "missing",
        ADDRESS,
        "zones: {example.net: {}}",
        "missing domain",
        2,
    ),
    (
        "the domain doubled",
        "missing",
        ADDRESS,
        "zones: {acme.example: {records: [us.acme.example A 192.0.2.1]}}",
        "missing name +doubled_domain",
        2,
    ),
    (
        "another address",
        "wrong",
        ADDRESS,
        "zones: {acme.example: {records: [us A 192.0.2.9]}}",
        "different +old_address",
        2,
    ),
    (
        "an address too many",
        "wrong",
        ADDRESS,
        "zones: {acme.example: {records: [us A 192.0.2.1, us A 192.0.2.9]}}",
        "extra +old_address",
        2,
    ),
    (
        "one server is old",
        "wrong by chance",
        ADDRESS,
        "zones: {acme.example: {ns: [a.dns.test, b.dns.test], records: [us A 192.0.2.1], servers: {b.dns.test: {records: [us A 192.0.2.9]}}}}",
        "inconsistent",
        2,
    ),
    (
        "a resolver is old",
        "right at its source",
        ADDRESS,
        "zones: {acme.example: {records: [us A 192.0.2.1]}}, remembers: [us.acme.example 60 A 192.0.2.9]",
        "propagating",
        0,
    ),
    (
        "a resolver has its own view",
        "wrong outside",
        ADDRESS,
        "zones: {acme.example: {records: [us A 192.0.2.9]}}, remembers: [us.acme.example 60 A 192.0.2.1]",
        "different +old_address",
        2,
    ),
    (
        "no server answers",
        "not known",
        ADDRESS,
        "zones: {acme.example: {records: [us A 192.0.2.1]}}, faults: [{server: ns1.dns.test, fault: servfail}]",
        "unknown",
        6,
    ),
    (
        "one of two servers refuses",
        "not known",
        ADDRESS,
        "zones: {acme.example: {ns: [a.dns.test, b.dns.test], records: [us A 192.0.2.1]}}, faults: [{server: b.dns.test, fault: refused}]",
        "unknown",
        6,
    ),
    (
        "signatures are wrong",
        "nobody reaches it",
        ADDRESS,
        "zones: {acme.example: {records: [us A 192.0.2.1]}}, faults: [{server: resolver, name: '*acme.example', fault: bogus}]",
        "bogus +bogus",
        2,
    ),
    (
        "servers older than EDNS",
        "right",
        ADDRESS,
        "zones: {acme.example: {records: [us A 192.0.2.1]}}, faults: [{fault: no_edns}]",
        "ok",
        0,
    ),
    (
        "an internal zone of one label",
        "right",
        ADDRESS,
        "zones: {corp: {records: [us.voice A 192.0.2.1]}}",
        "ok",
        0,
    ),
    (
        "an internal zone without it",
        "missing",
        ADDRESS,
        "zones: {corp: {records: [eu.voice A 192.0.2.1]}}",
        "missing name",
        2,
    ),
    (
        "a wildcard gives another address",
        "wrong",
        ADDRESS,
        "zones: {acme.example: {records: ['* A 192.0.2.9']}}",
        "different +wildcard",
        2,
    ),
    (
        "a wildcard gives the address",
        "right",
        ADDRESS,
        "zones: {acme.example: {records: ['* A 192.0.2.1']}}",
        "ok",
        0,
    ),
    (
        "a wildcard hides a missing alias",
        "missing",
        PORTAL,
        "zones: {acme.example: {records: ['* A 192.0.2.9']}}",
        "missing type +wildcard",
        2,
    ),
    (
        "the IPv6 side of a server is old",
        "wrong by chance",
        ADDRESS,
        "ipv6: ns1.dns.test, zones: {acme.example: {records: [us A 192.0.2.1], servers: {ipv6: {records: [us A 192.0.2.9]}}}}",
        "inconsistent",
        2,
    ),
    (
        "the parent names an old server",
        "wrong by chance",
        ADDRESS,
        "zones: {acme.example: {delegated_to: [ns1.dns.test, old.dns.test], records: [us A 192.0.2.1], servers: {old.dns.test: {records: [us A 192.0.2.9], ns: [old.dns.test]}}}, example: {ns: [a.nic.test]}}",
        "inconsistent",
        2,
    ),
    (
        "the parent names a server that refuses",
        "not known",
        ADDRESS,
        "zones: {acme.example: {delegated_to: [ns1.dns.test, old.dns.test], records: [us A 192.0.2.1]}, example: {ns: [a.nic.test]}}, faults: [{server: old.dns.test, fault: refused}]",
        "unknown",
        6,
    ),
    (
        "an alias as declared",
        "right",
        PORTAL,
        "zones: {acme.example: {records: [portal CNAME ui.example.net]}, example.net: {records: [ui A 192.0.2.1]}}",
        "ok",
        0,
    ),
    (
        "a flattened alias",
        "right",
        PORTAL,
        "zones: {acme.example: {records: [portal A 192.0.2.1]}, example.net: {records: [ui A 192.0.2.1]}}",
        "ok",
        0,
    ),
    (
        "an alias whose target has no address",
        "right, and nobody there",
        PORTAL,
        "zones: {acme.example: {records: [portal CNAME ui.example.net]}, example.net: {}}",
        "ok +dangling_target",
        0,
    ),
    (
        "an alias whose target's domain lapsed",
        "right, and a danger",
        PORTAL,
        "zones: {acme.example: {records: [portal CNAME ui.example.net]}}",
        "ok +takeover",
        0,
    ),
    (
        "an alias whose target fails",
        "right",
        PORTAL,
        "zones: {acme.example: {records: [portal CNAME ui.example.net]}}, faults: [{server: resolver, name: portal.acme.example, type: SOA, fault: servfail}]",
        "ok +takeover",
        0,
    ),
    (
        "an alias into the parent zone",
        "right",
        "CNAME: {\"portal.{{domain}}\": {name: Portal, mapping: [ui.acme.example]}}",
        "zones: {a.acme.example: {ns: [a.dns.test], records: [portal CNAME ui.acme.example]}, acme.example: {records: [ui A 192.0.2.1]}}",
        "ok",
        0,
    ),
    (
        "an alias of addresses, in the zone",
        "right",
        ADDRESS,
        "zones: {acme.example: {records: [us CNAME lb.acme.example, lb A 192.0.2.1]}}",
        "ok",
        0,
    ),
    (
        "an alias of addresses, elsewhere",
        "right",
        ADDRESS,
        "zones: {acme.example: {records: [us CNAME lb.example.net]}, example.net: {ns: [b.dns.test], records: [lb A 192.0.2.1]}}",
        "ok",
        0,
    ),
    (
        "an alias of other addresses",
        "wrong",
        ADDRESS,
        "zones: {acme.example: {records: [us CNAME lb.example.net]}, example.net: {ns: [b.dns.test], records: [lb A 192.0.2.9]}}",
        "different +alias_beside_data",
        2,
    ),
    (
        "an alias into a domain that lapsed",
        "missing, and a danger",
        ADDRESS,
        "zones: {acme.example: {records: [us CNAME lb.example.net]}}",
        "missing type +alias_beside_data +takeover",
        2,
    ),
    (
        "an alias whose zone does not answer",
        "not known",
        ADDRESS,
        "zones: {acme.example: {records: [us CNAME lb.example.net]}, example.net: {ns: [b.dns.test]}}, faults: [{server: b.dns.test, fault: servfail}]",
        "unknown",
        6,
    ),
    (
        "aliases in a circle",
        "not known",
        ADDRESS,
        "zones: {acme.example: {records: [us CNAME b.acme.example, b CNAME us.acme.example]}}",
        "unknown",
        6,
    ),
    (
        "an alias at the top of the zone",
        "right, and no NS",
        APEX,
        "zones: {acme.example: {records: ['@ CNAME lb.example.net']}, example: {ns: [a.nic.test]}, example.net: {records: [lb A 192.0.2.1]}}",
        "ok +alias_at_apex",
        0,
    ),
    (
        "phones find their server",
        "right",
        PHONES,
        "zones: {acme.example: {records: [us A 192.0.2.1, _sip._udp SRV 10 10 5060 us.acme.example]}}",
        "ok, ok, phones works",
        0,
    ),
    (
        "SRV names an alias",
        "some clients fail",
        PHONES,
        "zones: {acme.example: {records: [us CNAME lb.acme.example, lb A 192.0.2.1, _sip._udp SRV 10 10 5060 us.acme.example]}}",
        "ok, ok +alias_as_target, phones works",
        0,
    ),
    (
        "the carrier's server has no address",
        "no phone registers",
        CARRIER,
        "zones: {acme.example: {records: [_sip._udp SRV 10 10 5060 sip.carrier.example]}, carrier.example: {}}",
        "ok +dangling_target, phones broken",
        2,
    ),
    (
        "some phones find the old server",
        "wrong by chance",
        PHONES,
        "zones: {acme.example: {ns: [a.dns.test, b.dns.test], records: [us A 192.0.2.1, _sip._udp SRV 10 10 5060 us.acme.example], servers: {b.dns.test: {records: [us A 192.0.2.9]}}}}",
        "ok, inconsistent, phones impaired",
        2,
    ),
];

/// Returns the verdicts, what is absent and the hints of each host, and whether phones register.
fn told(report: &Value) -> String {
    let domain = &report["dns"]["domains"][0];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let hosts = list(&domain["hosts"]).into_iter().map(|host| {
        let mut words = vec![word(&host["verdict"])];
        words.extend(host.get("absent").map(word));
        let hints = list(&host["hints"]);
        words.extend(hints.iter().map(|hint| format!("+{}", word(&hint["kind"]))));
        words.join(" ")
    });
    let phones = list(&domain["phones"]);
    let phones = phones
        .iter()
        .map(|it| format!("phones {}", word(&it["registration"])));
    hosts.chain(phones).collect::<Vec<_>>().join(", ")
}

fn checked(folder: &Path, (_, _, template, dns, _, _): &Situation) -> (String, Option<i32>) {
    let zone = dns
        .split("zones: {")
        .nth(1)
        .and_then(|zones| zones.split(':').next());
    let domain = match zone {
        Some("corp") => "voice.corp",
        Some("a.acme.example") => "a.acme.example",
        _ => "acme.example",
    };
    let account = format!("realm: acme.sip.example.com\nwhitelabel: {{domain: {domain}}}\n");
    write(folder, "accounts/acme/account.yaml", &account);
    write(
        folder,
        "domains.yaml",
        &format!("template: {{{template}}}\n"),
    );
    let accounts = "accounts: [{name: Master}, {name: Acme, realm: acme.sip.example.com}]";
    write(
        folder,
        "sandbox.yaml",
        &format!("{accounts}\ndns: {{{dns}}}\n"),
    );
    let output = run(folder, &["dns", "check", "--sandbox", "--format", "json"]);
    let report = serde_json::from_str(&stdout(&output)).unwrap_or_default();
    (told(&report), output.status.code())
}

#[test]
fn the_matrix_of_situations() {
    let folder = tempfile::tempdir().unwrap();
    let config = "clusters: {production: {api: \"https://api.example.com\"}}\n";
    write(folder.path(), "emblazon.yaml", config);
    let mut table = String::new();
    let mut wrong = 0;
    for situation in SITUATIONS {
        let (name, truth, _, _, verdict, exit) = situation;
        let (told, code) = checked(folder.path(), situation);
        let is_right = told == *verdict && code == Some(*exit);
        wrong += usize::from(!is_right);
        let code = code.map_or_else(String::new, |code| code.to_string());
        let mark = if is_right {
            String::new()
        } else {
            format!("  WRONG: should be {verdict}, {exit}")
        };
        let _ = writeln!(table, "{name:<40} {truth:<25} {told:<45} {code}{mark}");
    }
    println!("{table}");
    assert_eq!(wrong, 0, "of {}:\n{table}", SITUATIONS.len());
}
