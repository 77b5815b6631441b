use super::*;
use crate::dns::expect;
use crate::dns::presentation::content;
use crate::model::record::{RecordData, RecordName, RecordType};
use crate::model::{AccountName, DomainName, DomainTemplate};

fn account(name: &str, domain: &str, zone: Option<&str>) -> AccountRecords {
    let template: DomainTemplate = serde_json::from_value(serde_json::json!({
        "A": {"us-east10.{{domain}}": {"name": "US\n@ IN NS evil.example.", "mapping": ["192.0.2.2", "192.0.2.10"]},
              "us-east2.{{domain}}": {"mapping": ["192.0.2.3"]}},
        "CNAME": {"portal.{{domain}}": {"name": "Web portal", "mapping": ["ui.example.net"]},
                  "shared.example.org": {"mapping": ["ui.example.net"]}},
        "MX": {"{{domain}}": {"mapping": ["mx.example.net"]}},
        "NAPTR": {"proxy.{{domain}}": {"mapping": ["10 100 S SIP+D2U \"\" _sip._udp.proxy.{{domain}}."]}},
        "SRV": {"_sip._udp.proxy.{{domain}}": {"mapping": ["10 10 7000 us-east2.{{domain}}."]}},
        "TXT": {"{{domain}}": {"mapping": ["v=spf1; \"quoted\""]},
                "twice.{{domain}}": {"mapping": ["a:{{domain}} b:{{domain}}"]}},
        "CAA": {"{{domain}}": {"mapping": ["0 issue ca.example"]}},
    }))
    .unwrap();
    let domain = DomainName::parse(domain).unwrap();
    AccountRecords {
        account: AccountName::new(name),
        expectations: expect(&template, &domain),
        domain,
        zone: zone.map(RecordName::observed),
    }
}

#[test]
fn a_zone_file_includes_into_the_zone() {
    let accounts = [account("acme", "acme.example", None)];
    insta::assert_snapshot!(zone_file(&accounts, 3600), @r##"
    ; acme: acme.example
    $ORIGIN acme.example.
    $TTL 3600
    _sip._udp.proxy IN SRV   10 10 7000 us-east2.acme.example.
    @               IN MX    10 mx.example.net.
    @               IN TXT   "v=spf1; \"quoted\""
    @               IN CAA   0 issue "ca.example"
    ; Web portal
    portal          IN CNAME ui.example.net.
    proxy           IN NAPTR 10 100 "S" "SIP+D2U" "" _sip._udp.proxy.acme.example.
    ; outside acme.example, to be entered in its own zone: shared.example.org. CNAME
    ; US @ IN NS evil.example.
    us-east10       IN A     192.0.2.2
    us-east10       IN A     192.0.2.10
    us-east2        IN A     192.0.2.3
    ; left out: TXT twice.{{domain}}: "a:{{domain}} b:{{domain}}" has {{domain}} twice; the server replaces the first only, so it would publish "a:acme.example b:{{domain}}"
    "##);
}

#[test]
fn a_zone_file_of_a_domain_inside_a_zone() {
    let accounts = [account("acme", "voice.acme.example", Some("acme.example"))];
    let text = zone_file(&accounts, 60);
    assert!(text.contains("$ORIGIN acme.example.\n"), "{text}");
    assert!(text.contains("portal.voice "), "{text}");
}

/// Every record is on a line of its own, and reads back as itself; nothing else is.
#[test]
fn a_zone_file_reads_back() {
    let account = account("acme", "acme.example", None);
    let text = zone_file(std::slice::from_ref(&account), 3600);
    let mut read = 0;
    for line in text.lines().filter(|line| !line.starts_with([';', '$'])) {
        let mut words = line.splitn(2, " IN ");
        let name = words.next().unwrap().trim();
        let name = match name {
            "@" => "acme.example".to_owned(),
            name => format!("{name}.acme.example"),
        };
        let (record_type, data) = words.next().unwrap().split_once(' ').unwrap();
        let record_type = RecordType::parse(record_type).unwrap();
        let data = RecordData::parse(record_type, data.trim()).unwrap();
        let host = account
            .expectations
            .expected
            .iter()
            .find(|host| {
                host.question.name.as_str() == name && host.question.record_type == record_type
            })
            .unwrap_or_else(|| panic!("{line}"));
        assert!(
            host.records.iter().any(|it| content(it) == content(&data)),
            "{line}"
        );
        read += 1;
    }
    assert_eq!(read, 9);
}

#[test]
fn octodns_reads_one_file_a_zone() {
    let accounts = [
        account("acme", "acme.example", None),
        account("voice", "voice.acme.example", Some("acme.example")),
    ];
    let exported = octodns(&accounts[..1], 3600);
    assert_eq!(
        exported.files.keys().collect::<Vec<_>>(),
        ["acme.example.yaml"]
    );
    insta::assert_snapshot!(exported.files["acme.example.yaml"], @r##"
    ---
    '':
    - ttl: 3600
      type: 'MX'
      values:
      - exchange: 'mx.example.net.'
        preference: 10
    - ttl: 3600
      type: 'TXT'
      values:
      - 'v=spf1\; "quoted"'
    - ttl: 3600
      type: 'CAA'
      values:
      - flags: 0
        tag: 'issue'
        value: 'ca.example'
    '_sip._udp.proxy':
      ttl: 3600
      type: 'SRV'
      values:
      - port: 7000
        priority: 10
        target: 'us-east2.acme.example.'
        weight: 10
    'portal':
      ttl: 3600
      type: 'CNAME'
      value: 'ui.example.net.'
    'proxy':
      ttl: 3600
      type: 'NAPTR'
      values:
      - flags: 'S'
        order: 10
        preference: 100
        regexp: ''
        replacement: '_sip._udp.proxy.acme.example.'
        service: 'SIP+D2U'
    'us-east2':
      ttl: 3600
      type: 'A'
      values:
      - '192.0.2.3'
    'us-east10':
      ttl: 3600
      type: 'A'
      values:
      - '192.0.2.2'
      - '192.0.2.10'
    "##);
    let left_out: Vec<&str> = exported
        .left_out
        .iter()
        .map(|(what, _)| what.as_str())
        .collect();
    assert_eq!(
        left_out,
        ["shared.example.org CNAME", "twice.{{domain}} TXT"]
    );
    let both = octodns(&accounts, 3600);
    assert_eq!(both.files.len(), 1);
    assert!(both.files["acme.example.yaml"].contains("\n'portal.voice':\n"));
}

#[test]
fn the_configuration_of_octodns_names_the_processor() {
    insta::assert_snapshot!(octodns_config("it's here"), @"
    ---
    # Written once by `emblazon dns export`, and yours from then on. With DIR for the folder named below,
    #   PYTHONPATH=DIR octodns-sync --config-file DIR/emblazon_octodns.yaml
    # says what octoDNS would change; with --doit it does.
    providers:
      emblazon:
        class: octodns.provider.yaml.YamlProvider
        directory: 'it''s here'
      # Who serves the zones; see https://github.com/octodns/octodns#providers
      target:
        class: name.your.Provider
    processors:
      # Without it, octoDNS deletes all other records of the zones.
      keep-others:
        class: emblazon_octodns.KeepOthers
    zones:
      '*':
        sources: [emblazon]
        processors: [keep-others]
        targets: [target]
    ");
    let module = OCTODNS_PROCESSOR_FILE.strip_suffix(".py").unwrap();
    assert!(octodns_config("zones").contains(&format!("class: {module}.KeepOthers\n")));
    assert!(OCTODNS_PROCESSOR.contains("\nclass KeepOthers(BaseProcessor):\n"));
}

#[test]
fn json_has_a_version() {
    let json = json(&[account("acme", "acme.example", None)], 3600);
    assert_eq!(json["version"], 1);
    insta::assert_snapshot!(json["accounts"][0]["records"][0], @r##"{"data":["10 10 7000 us-east2.acme.example."],"label":null,"name":"_sip._udp.proxy.acme.example","ttl":3600,"type":"SRV"}"##);
    assert_eq!(
        json["accounts"][0]["not_understood"][0]["host"],
        "twice.{{domain}}"
    );
}
