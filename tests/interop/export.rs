//! Exports, read by those for whom they are.

use std::path::{Path, PathBuf};

use emblazon::dns::expect;
use emblazon::dns::export::{AccountRecords, octodns, zone_file};
use emblazon::model::{AccountName, DomainName, DomainTemplate};

use crate::process::{print, run};
use crate::records::{ZONE, expected};

fn account() -> AccountRecords {
    AccountRecords {
        account: AccountName::new("acme"),
        domain: DomainName::parse(ZONE).unwrap(),
        zone: None,
        expectations: emblazon::dns::Expectations {
            expected: expected(),
            not_understood: Vec::new(),
        },
    }
}

/// Writes a zone file that holds the export, and what a zone needs besides.
fn whole_zone(folder: &Path) -> PathBuf {
    let zone = folder.join("zone");
    let text = format!(
        "$TTL 60\n@ IN SOA ns.acme.example. hostmaster.acme.example. 1 3600 600 86400 60\n@ IN NS ns.acme.example.\nns IN A 127.0.0.1\n{}",
        zone_file(&[account()], 3600)
    );
    std::fs::write(&zone, text).unwrap();
    zone
}

#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn kzonecheck_reads_the_zone_file() {
    let folder = tempfile::tempdir().unwrap();
    let zone = whole_zone(folder.path());
    let file = zone.display().to_string();
    print("kzonecheck", &["-o", ZONE, &file]);
    let broken = std::fs::read_to_string(&zone).unwrap() + "us-west IN A 192.0.2.300\n";
    std::fs::write(&zone, broken).unwrap();
    assert!(!run("kzonecheck", &["-o", ZONE, &file]).status.success());
}

#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn named_checkzone_reads_the_zone_file() {
    let folder = tempfile::tempdir().unwrap();
    let zone = whole_zone(folder.path());
    let read = print(
        "named-checkzone",
        &[
            "-q",
            "-i",
            "none",
            "-o",
            "-",
            ZONE,
            &zone.display().to_string(),
        ],
    );
    let lines: Vec<String> = read
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| line.contains(" 3600 IN "))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r##"
    acme.example. 3600 IN MX 10 mx.example.net.
    acme.example. 3600 IN CAA 0 issue "ca.example"
    note.acme.example. 3600 IN TXT "say \"hi\"; and \\ more"
    portal.acme.example. 3600 IN CNAME ui.example.net.
    proxy.acme.example. 3600 IN NAPTR 10 100 "S" "SIP+D2U" "" _sip._udp.proxy.acme.example.
    _sip._udp.proxy.acme.example. 3600 IN SRV 10 10 7000 us-east.acme.example.
    spf.acme.example. 3600 IN TXT "v=spf1 -all"
    us-east.acme.example. 3600 IN A 192.0.2.1
    us-east.acme.example. 3600 IN A 192.0.2.2
    us-east.acme.example. 3600 IN AAAA 2001:db8::1
    "##);
}

/// octoDNS checks a file while it loads it.
#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn octodns_validates_the_yaml() {
    let mut account = account();
    let template: DomainTemplate = serde_json::from_value(serde_json::json!({
        "A": {"no.{{domain}}": {"mapping": ["192.0.2.1"]},
              "1_000.{{domain}}": {"mapping": ["192.0.2.1"]},
              "a10.{{domain}}": {"mapping": ["192.0.2.1"]},
              "a2.{{domain}}": {"mapping": ["192.0.2.1"]},
              "*.{{domain}}": {"mapping": ["192.0.2.1"]}},
        "AAAA": {"six.{{domain}}": {"mapping": ["2001:10:20:30:40:50:1:2"]}},
    }))
    .unwrap();
    let more = expect(&template, &account.domain);
    account.expectations.expected.extend(more.expected);
    let exported = octodns(&[account], 3600);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    for (name, text) in &exported.files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let script = format!(
        "from octodns.provider.yaml import YamlProvider\n\
         from octodns.zone import Zone\n\
         zone = Zone('{ZONE}.', [])\n\
         YamlProvider('files', '{place}').populate(zone)\n\
         for r in sorted(zone.records, key=lambda r: (r.name, r._type)):\n    print(r.name or '@', r._type, r.ttl, r.data.get('value') or r.data.get('values'))\n"
    );
    insta::assert_snapshot!(print("python3", &["-c", &script]), @r##"
    @ CAA 3600 0 issue "ca.example"
    @ MX 3600 '10 mx.example.net.'
    * A 3600 192.0.2.1
    1_000 A 3600 192.0.2.1
    _sip._udp.proxy SRV 3600 '10 10 7000 us-east.acme.example.'
    a10 A 3600 192.0.2.1
    a2 A 3600 192.0.2.1
    no A 3600 192.0.2.1
    note TXT 3600 say "hi"\; and \ more
    portal CNAME 3600 ui.example.net.
    proxy NAPTR 3600 '10 100 "S" "SIP+D2U" "" _sip._udp.proxy.acme.example.'
    six AAAA 3600 2001:10:20:30:40:50:1:2
    spf TXT 3600 v=spf1 -all
    us-east A 3600 ['192.0.2.1', '192.0.2.2']
    us-east AAAA 3600 2001:db8::1
    "##);
}
