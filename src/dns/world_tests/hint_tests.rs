//! Hints and SIP chains over real packets.

use insta::assert_snapshot;

use super::*;
use crate::sandbox::dns::{DnsFault, DnsFaultKind};

#[tokio::test]
async fn hints_of_names() {
    let seed = world(&[
        "us-east.acme.example A 192.0.2.10",
        "api A 192.0.2.77",
        "portal CNAME gone.example.net",
        "mail CNAME ui.example.net",
    ]);
    let template = template(serde_json::json!({
        "A": {
            "us-east.{{domain}}": {"mapping": ["192.0.2.10"]},
            "mail.{{domain}}": {"mapping": ["192.0.2.20"]},
        },
        "CNAME": {
            "{{domain}}": {"mapping": ["ui.example.net"]},
            "api.{{domain}}": {"mapping": ["ui.example.net"]},
            "portal.{{domain}}": {"mapping": ["gone.example.net"]},
        },
    }));
    assert_snapshot!(told(&checked(&seed, &template).await), @r"
    acme.example CNAME Missing (Type)
      Missing ui.example.net
      hint AliasAtApex: acme.example is the top of its zone and cannot have a CNAME; use the provider's ALIAS or flattened CNAME, or addresses
    api.acme.example CNAME Missing (Type)
      Missing ui.example.net
      hint AliasBesideData: api.acme.example has the A record 192.0.2.77, beside which no CNAME can be; delete it, then add the CNAME
    mail.acme.example A Different
      Missing 192.0.2.20
      Extra 198.51.100.7
      hint AliasBesideData: mail.acme.example is a CNAME for ui.example.net, beside which no A can be; delete the CNAME, then add the A
    portal.acme.example CNAME Ok
      Present gone.example.net
      hint DanglingTarget: gone.example.net has no address; correct the target, or give it one
    us-east.acme.example A Missing (Name)
      Missing 192.0.2.10
      hint DoubledDomain: the record is at us-east.acme.example.acme.example: the provider appends acme.example by itself; enter us-east there, and delete the other
    ");
}

#[tokio::test]
async fn hints_of_data() {
    let seed = world(&[
        "us-east A 192.0.2.10",
        "us-east A 192.0.2.99",
        "us-east AAAA 2001:db8::99",
        "_sip._udp.us-east SRV 10 10 5060 us-east.acme.example",
        r#"@ TXT "\"v=spf1 -all\"""#,
        "key TXT abc",
        "key TXT def",
        "@ CAA 0 issue \"letsencrypt.org\"",
    ]);
    let template = template(serde_json::json!({
        "A": {"us-east.{{domain}}": {"mapping": ["192.0.2.10"]}},
        "AAAA": {"us-west.{{domain}}": {"mapping": ["2001:db8::1"]}},
        "SRV": {"_sip._udp.us-east.{{domain}}": {"mapping": ["10 10 7000 us-east.{{domain}}"]}},
        "TXT": {
            "{{domain}}": {"mapping": ["v=spf1 -all"]},
            "key.{{domain}}": {"mapping": ["abcdef"]},
        },
        "CAA": {"{{domain}}": {"mapping": ["0 issue \"ca.example\""]}},
    }));
    assert_snapshot!(told(&checked(&seed, &template).await), @r#"
    _sip._udp.us-east.acme.example SRV Different
      Missing 10 10 7000 us-east.acme.example
      Extra 10 10 5060 us-east.acme.example
      hint WrongPort: the SRV for us-east.acme.example has port 5060, the template says 7000; correct the port
    acme.example TXT Different
      Missing "v=spf1 -all"
      Extra "\"v=spf1 -all\""
      hint QuotesInText: the quotes are part of the text; enter it without quotes, the provider adds them
    acme.example CAA Different
      Missing 0 issue "ca.example"
      Extra 0 issue "letsencrypt.org"
      hint Forbidden: only "letsencrypt.org" may issue certificates for acme.example, "ca.example" may not; add the CAA record
    key.acme.example TXT Different
      Missing "abcdef"
      Extra "abc"
      Extra "def"
      hint SplitText: the text was divided into 2 records; it must be one record, of several quoted strings where it is longer than 255 characters
    us-east.acme.example A Extra
      Present 192.0.2.10
      Extra 192.0.2.99
      hint OldAddress: 192.0.2.99 is still listed, so that some clients go there; delete it
      hint UnwantedIpv6: us-east.acme.example also has the AAAA record 2001:db8::99, which is not in the template: clients with IPv6 go there; delete it, or add it to the template
    us-west.acme.example AAAA Missing (Name)
      Missing 2001:db8::1
      hint MissingIpv6: clients with IPv6 do not find us-west.acme.example; add the AAAA record
    Broken: phones in us-east cannot register: SRV points at port 5060, the template says 7000
    "#);
}

#[tokio::test]
async fn wildcards_and_wrong_signatures_are_noticed() {
    let mut seed = world(&[
        "* A 192.0.2.99",
        "portal A 192.0.2.10",
        "@ CAA 0 issue \";\"",
    ]);
    seed.faults = vec![
        DnsFault::new(DnsFaultKind::Bogus)
            .at("resolver")
            .named("portal.*"),
    ];
    let template = template(serde_json::json!({
        "A": {
            "us-east.{{domain}}": {"mapping": ["192.0.2.10"]},
            "portal.{{domain}}": {"mapping": ["192.0.2.10"]},
        },
    }));
    assert_snapshot!(told(&checked(&seed, &template).await), @r#"
    portal.acme.example A Bogus
      Present 192.0.2.10
      resolver: refuses it, because DNSSEC validation fails
      hint Bogus: nobody behind a resolver that validates DNSSEC reaches portal.acme.example; have acme.example signed again, or its DS record removed where the domain is registered
    us-east.acme.example A Different
      Missing 192.0.2.10
      Extra 192.0.2.99
      hint Wildcard: the answer is that of the zone's wildcard; add us-east.acme.example itself
    dns-no-certificates acme.example: CAA at acme.example forbids every certificate for acme.example
    dns-wildcard acme.example: every name below acme.example answers, by a wildcard that leads to 192.0.2.99: names that are not entered look as if they were
    "#);
}

#[tokio::test]
async fn phones_find_their_servers() {
    async fn sentence(records: &[&str]) -> String {
        let check = checked(&world(records), &phone_template()).await;
        let phones = &check.phones[0];
        format!("{:?}: {}", phones.registration, phones.sentence)
    }
    const NAPTR: &str =
        "us-east NAPTR 10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.us-east.acme.example.";
    const SRV: &str = "_sip._udp.us-east SRV 10 10 7000 us-east.acme.example";
    const ADDRESS: &str = "us-east A 192.0.2.10";
    assert_snapshot!(sentence(&[NAPTR, SRV, ADDRESS]).await, @"Works: phones in us-east register at us-east.acme.example:7000 over UDP");
    assert_snapshot!(sentence(&[SRV, ADDRESS]).await, @"Works: phones in us-east register at us-east.acme.example:7000 over UDP");
    assert_snapshot!(sentence(&[NAPTR, "_sip._udp.us-east SRV 10 10 5060 us-east.acme.example", ADDRESS]).await, @"Broken: phones in us-east cannot register: SRV points at port 5060, the template says 7000");
    assert_snapshot!(sentence(&[NAPTR, "_sip._udp.us-east SRV 10 10 7000 old.acme.example", ADDRESS]).await, @"Broken: phones in us-east cannot register: SRV points at old.acme.example:7000, the template says us-east.acme.example:7000");
    assert_snapshot!(sentence(&[NAPTR, SRV]).await, @"Broken: phones in us-east cannot register: us-east.acme.example has no address");
    assert_snapshot!(sentence(&[ADDRESS]).await, @"Broken: phones in us-east cannot register: there is no SRV for UDP, so they try port 5060, the template says 7000");
    assert_snapshot!(sentence(&[NAPTR, SRV, "us-east A 192.0.2.99"]).await, @"Broken: phones in us-east cannot register: us-east.acme.example has the address 192.0.2.99, the template says 192.0.2.10");
    assert_snapshot!(sentence(&[NAPTR, SRV, "_sip._udp.us-east SRV 20 10 5060 old.acme.example", "old A 192.0.2.9", ADDRESS]).await, @"Impaired: some phones in us-east go to old.acme.example:5060 over UDP, which is not in the template");
}

/// Where the servers disagree, it depends on chance what a phone finds.
#[tokio::test]
async fn some_phones_find_the_old_server() {
    let naptr = "us-east NAPTR 10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.us-east.acme.example.";
    let srv = "_sip._udp.us-east SRV 10 10 7000 us-east.acme.example";
    let torn = async |server: &str, without: &[&str], records: &[&str]| {
        let mut seed = world(&[naptr, srv, "us-east A 192.0.2.10"]);
        let differing = ServerSeed {
            records: lines(records),
            without: lines(without),
            ..ServerSeed::default()
        };
        if let Some(zone) = seed.zones.get_mut(ACME) {
            zone.servers.insert(server.to_owned(), differing);
        }
        let check = checked(&seed, &phone_template()).await;
        let phones = &check.phones[0];
        format!("{:?}: {}", phones.registration, phones.sentence)
    };
    let old = ["us-east A 192.0.2.9"];
    assert_snapshot!(torn(ONE, &[], &old).await, @"Impaired: some phones in us-east cannot register: us-east.acme.example has the address 192.0.2.9, the template says 192.0.2.10");
    assert_snapshot!(torn(TWO, &[], &old).await, @"Impaired: some phones in us-east cannot register: us-east.acme.example has the address 192.0.2.9, the template says 192.0.2.10");
    assert_snapshot!(torn(TWO, &["_sip._udp.us-east SRV"], &[]).await, @"Impaired: some phones in us-east cannot register: there is no SRV for UDP, so they try port 5060, the template says 7000");
}

/// What only a wildcard gives cannot be deleted at the host.
#[tokio::test]
async fn what_a_wildcard_gives_is_not_to_be_deleted() {
    let hosts = template(serde_json::json!({
        "A": {"us-east.{{domain}}": {"mapping": ["192.0.2.10"]}},
        "CNAME": {"portal.{{domain}}": {"mapping": ["ui.example.net"]}},
        "TXT": {"key.{{domain}}": {"mapping": ["yes"]}},
    }));
    let told = async |records: &[&str]| told(&checked(&world(records), &hosts).await);
    assert_snapshot!(told(&["* A 192.0.2.99"]).await, @r#"
    key.acme.example TXT Missing (Type)
      Missing "yes"
    portal.acme.example CNAME Missing (Type)
      Missing ui.example.net
      hint Wildcard: the answer is that of the zone's wildcard; add portal.acme.example itself
    us-east.acme.example A Different
      Missing 192.0.2.10
      Extra 192.0.2.99
      hint Wildcard: the answer is that of the zone's wildcard; add us-east.acme.example itself
    dns-wildcard acme.example: every name below acme.example answers, by a wildcard that leads to 192.0.2.99: names that are not entered look as if they were
    "#);
    assert_snapshot!(told(&["* CNAME old.example.net"]).await, @r#"
    key.acme.example TXT Missing (Type)
      Missing "yes"
      hint Wildcard: the answer is that of the zone's wildcard; add key.acme.example itself
    portal.acme.example CNAME Different
      Missing ui.example.net
      Extra old.example.net
      hint Wildcard: the answer is that of the zone's wildcard; add portal.acme.example itself
    us-east.acme.example A Missing (Type)
      Missing 192.0.2.10
      hint Wildcard: the answer is that of the zone's wildcard; add us-east.acme.example itself
    dns-wildcard acme.example: every name below acme.example answers, by a wildcard that leads to old.example.net: names that are not entered look as if they were
    "#);
    assert_snapshot!(told(&["* TXT no", "portal A 192.0.2.99", "us-east A 192.0.2.10"]).await, @r#"
    key.acme.example TXT Different
      Missing "yes"
      Extra "no"
      hint Wildcard: the answer is that of the zone's wildcard; add key.acme.example itself
    portal.acme.example CNAME Missing (Type)
      Missing ui.example.net
      hint AliasBesideData: portal.acme.example has the A record 192.0.2.99, beside which no CNAME can be; delete it, then add the CNAME
    us-east.acme.example A Ok
      Present 192.0.2.10
    "#);
}
