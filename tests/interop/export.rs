//! Exports, read by those for whom they are.

use std::path::{Path, PathBuf};
use std::process::Command;

use emblazon::dns::expect;
use emblazon::dns::export::{
    AccountRecords, OCTODNS_PROCESSOR, OCTODNS_PROCESSOR_FILE, octodns, octodns_config, zone_file,
};
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

/// What a zone has before octoDNS runs: some sets that are declared otherwise, two that stand in the way of declared
/// ones, and some of somebody else.
const SERVED: &str = r"---
'':
- {ttl: 3600, type: CAA, values: [{flags: 0, tag: issue, value: other.example}]}
- {ttl: 3600, type: MX, values: [{exchange: mail.acme.example., preference: 20}]}
- {ttl: 3600, type: NS, values: [ns.example.org.]}
_acme-challenge: {ttl: 60, type: TXT, value: token}
mail: {ttl: 3600, type: A, value: 192.0.2.25}
note: {ttl: 3600, type: CNAME, value: notes.example.org.}
portal: {ttl: 3600, type: A, value: 192.0.2.80}
spf: {ttl: 3600, type: TXT, values: ['v=spf1 include:mail.example -all', site=1]}
us-east:
- {ttl: 3600, type: A, values: [192.0.2.1, 198.51.100.9]}
- {ttl: 3600, type: AAAA, value: '2001:db8::1'}
www: {ttl: 3600, type: CNAME, value: www.example.org.}
";

/// Lets octoDNS run over the zone; returns what it warns of, and its plan.
fn octodns_sync(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("octodns-sync")
        .args(["--config-file", "octodns.yaml", "--log-stream-stdout"])
        .args(arguments)
        .current_dir(folder)
        .env("PYTHONPATH", "zones")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let failed = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}{failed}");
    let lines = said.lines().filter_map(|line| {
        let warning = line.split_once(" WARNING emblazon ");
        let planned = line.strip_prefix("*   ");
        warning.map(|(_, warning)| warning).or(planned)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Whatever the files do not declare by name and type, stays; so do the values of others at a name that they share.
#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn octodns_keeps_what_is_not_declared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    for name in ["zones", "served"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    for (name, text) in &octodns(&[account()], 3600).files {
        write(&format!("zones/{name}"), text);
    }
    write(
        &format!("zones/{OCTODNS_PROCESSOR_FILE}"),
        OCTODNS_PROCESSOR,
    );
    let config = octodns_config("zones").replace(
        "class: name.your.Provider",
        "class: octodns.provider.yaml.YamlProvider\n    directory: served",
    );
    write("octodns.yaml", &config);
    write("served/acme.example.yaml", SERVED);
    insta::assert_snapshot!(octodns_sync(folder, &[]), @r#"
    note.acme.example. TXT is left out: nothing can be beside the CNAME of this name; delete that first
    portal.acme.example. CNAME is left out: no CNAME can be beside A; delete that first
    spf.acme.example. TXT is left out: a name has one SPF text, and 'v=spf1 include:mail.example -all' is there; make one of both by hand
    Create <SrvRecord SRV 3600, _sip._udp.proxy.acme.example., [''10 10 7000 us-east.acme.example.'']> (emblazon)
    Create <NaptrRecord NAPTR 3600, proxy.acme.example., [''10 100 "S" "SIP+D2U" "" _sip._udp.proxy.acme.example.'']> (emblazon)
    Update
      <CaaRecord CAA 3600, acme.example., ['0 issue "other.example"']> ->
      <CaaRecord CAA 3600, acme.example., ['0 issue "ca.example"', '0 issue "other.example"']> (emblazon)
    Update
      <MxRecord MX 3600, acme.example., [''20 mail.acme.example.'']> ->
      <MxRecord MX 3600, acme.example., [''10 mx.example.net.'', ''20 mail.acme.example.'']> (emblazon)
    Update
      <ARecord A 3600, us-east.acme.example., ['192.0.2.1', '198.51.100.9']> ->
      <ARecord A 3600, us-east.acme.example., ['192.0.2.1', '192.0.2.2']> (emblazon)
    Summary: Creates=2, Updates=3, Deletes=0, Existing=10, Meta=False
    "#);
    // This provider writes the whole zone, not only what changes.
    octodns_sync(folder, &["--doit"]);
    let again = octodns_sync(folder, &[]);
    assert!(!again.contains("Summary:"), "{again}");
    let served = std::fs::read_to_string(folder.join("served/acme.example.yaml")).unwrap();
    for theirs in [
        "token",
        "192.0.2.25",
        "www.example.org.",
        "notes.example.org.",
        "192.0.2.80",
        "v=spf1 include:mail.example -all",
        "site=1",
        "other.example",
        "mail.acme.example.",
    ] {
        assert!(served.contains(theirs), "{theirs} is gone:\n{served}");
    }
    // It is the processor that keeps them.
    write(
        "octodns.yaml",
        &config.replace("processors: [keep-others]", ""),
    );
    let without = octodns_sync(folder, &["--force"]);
    assert_eq!(without.matches("Delete <").count(), 5, "{without}");
}
