//! Aliases over real packets: what they lead to says nothing about the zone of the host.

use insta::assert_snapshot;

use super::*;

fn portal(target: &str) -> DomainTemplate {
    template(serde_json::json!({"CNAME": {"portal.{{domain}}": {"mapping": [target]}}}))
}

/// A zone with one server.
fn at(server: &str, records: &[&str]) -> ZoneSeed {
    ZoneSeed {
        ns: lines(&[server]),
        records: lines(records),
        ..ZoneSeed::default()
    }
}

/// The target's domain ended: the record is as declared, and a stranger can answer for it.
#[tokio::test]
async fn a_target_in_a_domain_that_lapsed_is_right_and_can_be_taken_over() {
    let seed = world(&["portal CNAME ui.platform.example"]);
    let check = checked(&seed, &portal("ui.platform.example")).await;
    assert_eq!(check.standing(), Standing::InSync);
    assert_snapshot!(told(&check), @"
    portal.acme.example CNAME Ok
      Present ui.platform.example
      hint Takeover: ui.platform.example leads to platform.example, which is not registered: whoever registers it takes over portal.acme.example; register it, or point portal.acme.example elsewhere
    ");
    // Where a registry has domains below a second label.
    let mut seed = world(&["portal CNAME ui.platform.co.uk"]);
    seed.zones
        .insert("co.uk".to_owned(), at("ns.nic.example", &[]));
    let check = checked(&seed, &portal("ui.platform.co.uk")).await;
    assert_snapshot!(told(&check), @"
    portal.acme.example CNAME Ok
      Present ui.platform.co.uk
      hint Takeover: ui.platform.co.uk leads to platform.co.uk, which is not registered: whoever registers it takes over portal.acme.example; register it, or point portal.acme.example elsewhere
    ");
    // Through another alias, and where the template wants another target.
    let mut seed = world(&["portal CNAME ui.example.net"]);
    let elsewhere = at(ONE, &["ui CNAME ui.platform.example"]);
    seed.zones.insert("example.net".to_owned(), elsewhere);
    assert_snapshot!(told(&checked(&seed, &portal("ui.example.net")).await), @"
    portal.acme.example CNAME Ok
      Present ui.example.net
      hint Takeover: ui.example.net leads to platform.example, which is not registered: whoever registers it takes over portal.acme.example; register it, or point portal.acme.example elsewhere
    ");
    assert_snapshot!(told(&checked(&seed, &portal("ui.example.org")).await), @"
    portal.acme.example CNAME Different
      Missing ui.example.org
      Extra ui.example.net
      hint Takeover: ui.example.net leads to platform.example, which is not registered: whoever registers it takes over portal.acme.example; register it, or point portal.acme.example elsewhere
    ");
}

#[tokio::test]
async fn a_target_in_the_parent_zone_is_not_the_zone_of_the_host() {
    let mut seed = world(&["ui A 198.51.100.7"]);
    let child = at("ns.child.example", &["portal CNAME ui.acme.example"]);
    seed.zones.insert("voice.acme.example".to_owned(), child);
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let domain = DomainName::parse("voice.acme.example").unwrap();
    let checker = checker(&server);
    let check = checker.check(&portal("ui.acme.example"), &domain).await;
    assert_snapshot!(told(&check), @"
    portal.voice.acme.example CNAME Ok
      Present ui.acme.example
    dns-single-name-server voice.acme.example: voice.acme.example has one name server, ns.child.example: while it is down, nothing of the domain is found
    ");
}

#[tokio::test]
async fn a_target_that_gives_no_answer_leaves_the_host_right() {
    let mut seed = world(&["portal CNAME ui.example.net"]);
    seed.faults = vec![
        DnsFault::new(DnsFaultKind::Drop)
            .at("resolver")
            .named("portal.acme.example")
            .of_type("SOA"),
    ];
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let checker = patient_checker(&server, Duration::from_millis(300));
    let domain = DomainName::parse(ACME).unwrap();
    let check = checker.check(&portal("ui.example.net"), &domain).await;
    assert_snapshot!(told(&check), @"
    portal.acme.example CNAME Ok
      Present ui.example.net
    ");
}

/// A zone whose apex is an alias: who answers for it is known from its parent only.
#[tokio::test]
async fn an_alias_at_the_apex_is_told_as_such() {
    let apex = template(serde_json::json!({
        "A": {"{{domain}}": {"mapping": ["198.51.100.7"]}},
        "TXT": {"_brand.{{domain}}": {"mapping": ["yes"]}},
    }));
    let mut seed = world(&["@ CNAME ui.example.net", "_brand TXT yes"]);
    seed.zones
        .insert("example".to_owned(), at("a.nic.example", &[]));
    assert_snapshot!(told(&checked(&seed, &apex).await), @r#"
    _brand.acme.example TXT Ok
      Present "yes"
    acme.example A Ok
      Present 198.51.100.7
      note: acme.example is a CNAME for ui.example.net, which has these records
      hint AliasAtApex: acme.example is the top of its zone and has a CNAME for ui.example.net, which hides its NS, MX and all other records; delete it, and use the provider's ALIAS or flattened CNAME, or addresses
    "#);
    // Where nobody knows the registry's servers.
    seed.zones.remove("example");
    let check = checked(&seed, &apex).await;
    assert_snapshot!(told(&check), @r#"
    _brand.acme.example TXT Unknown { reason: "no server of the zone is known; look at its NS records, and at its delegation where the domain is registered" }
    acme.example A Unknown { reason: "no server of the zone is known; look at its NS records, and at its delegation where the domain is registered" }
    "#);
}

/// Checks what phones need, in a world where their server is an alias.
async fn chain(records: &[&str], elsewhere: ZoneSeed, faults: &[DnsFault]) -> String {
    let srv = "_sip._udp.us-east SRV 10 10 7000 us-east.acme.example";
    let naptr = "us-east NAPTR 10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.us-east.acme.example.";
    let mut seed = world(&[&[srv, naptr], records].concat());
    seed.zones.insert("example.net".to_owned(), elsewhere);
    seed.faults = faults.to_vec();
    let hosts = template(serde_json::json!({
        "A": {"us-east.{{domain}}": {"mapping": ["192.0.2.10"]}},
        "SRV": {"_sip._udp.us-east.{{domain}}": {"mapping": ["10 10 7000 us-east.{{domain}}."]}},
    }));
    told(&checked(&seed, &hosts).await)
}

/// A chain is judged link by link: the first by the zone's servers, the others by those of their own zones.
#[tokio::test]
async fn an_alias_that_leaves_the_zone_is_followed() {
    let balancer = |records: &[&str]| at("ns.example.net", records);
    let leaves = ["us-east CNAME lb.example.net"];
    assert_snapshot!(chain(&leaves, balancer(&["lb A 192.0.2.10"]), &[]).await, @"
    _sip._udp.us-east.acme.example SRV Ok
      Present 10 10 7000 us-east.acme.example
    us-east.acme.example A Ok
      Present 192.0.2.10
      note: us-east.acme.example is a CNAME for lb.example.net, which has these records
      hint AliasAsTarget: us-east.acme.example is a CNAME for lb.example.net, and the SRV of _sip._udp.us-east.acme.example names it: neither SRV nor MX may name an alias, and some clients do not follow it; enter the addresses at us-east.acme.example itself
    Works: phones in us-east register at us-east.acme.example:7000 over UDP
    ");
    assert_snapshot!(chain(&leaves, balancer(&["lb A 192.0.2.99"]), &[]).await, @"
    _sip._udp.us-east.acme.example SRV Ok
      Present 10 10 7000 us-east.acme.example
    us-east.acme.example A Different
      Missing 192.0.2.10
      Extra 192.0.2.99
      hint AliasBesideData: us-east.acme.example is a CNAME for lb.example.net, beside which no A can be; delete the CNAME, then add the A
      hint AliasAsTarget: us-east.acme.example is a CNAME for lb.example.net, and the SRV of _sip._udp.us-east.acme.example names it: neither SRV nor MX may name an alias, and some clients do not follow it; enter the addresses at us-east.acme.example itself
    Broken: phones in us-east cannot register: us-east.acme.example has the address 192.0.2.99, the template says 192.0.2.10
    ");
    assert_snapshot!(chain(&leaves, balancer(&[]), &[]).await, @"
    _sip._udp.us-east.acme.example SRV Ok
      Present 10 10 7000 us-east.acme.example
    us-east.acme.example A Missing (Type)
      Missing 192.0.2.10
      hint AliasBesideData: us-east.acme.example is a CNAME for lb.example.net, beside which no A can be; delete the CNAME, then add the A
      hint AliasAsTarget: us-east.acme.example is a CNAME for lb.example.net, and the SRV of _sip._udp.us-east.acme.example names it: neither SRV nor MX may name an alias, and some clients do not follow it; enter the addresses at us-east.acme.example itself
    Broken: phones in us-east cannot register: us-east.acme.example has no address
    ");
    assert_snapshot!(chain(&["us-east CNAME lb.gone.example"], balancer(&[]), &[]).await, @"
    _sip._udp.us-east.acme.example SRV Ok
      Present 10 10 7000 us-east.acme.example
    us-east.acme.example A Missing (Type)
      Missing 192.0.2.10
      hint AliasBesideData: us-east.acme.example is a CNAME for lb.gone.example, beside which no A can be; delete the CNAME, then add the A
      hint AliasAsTarget: us-east.acme.example is a CNAME for lb.gone.example, and the SRV of _sip._udp.us-east.acme.example names it: neither SRV nor MX may name an alias, and some clients do not follow it; enter the addresses at us-east.acme.example itself
      hint Takeover: lb.gone.example leads to gone.example, which is not registered: whoever registers it takes over us-east.acme.example; register it, or point us-east.acme.example elsewhere
    Broken: phones in us-east cannot register: us-east.acme.example has no address
    ");
    let silent = [DnsFault::new(DnsFaultKind::Servfail).at("ns.example.net")];
    assert_snapshot!(chain(&leaves, balancer(&["lb A 192.0.2.10"]), &silent).await, @r#"
    _sip._udp.us-east.acme.example SRV Ok
      Present 10 10 7000 us-east.acme.example
    us-east.acme.example A Unknown { reason: "no authoritative server gave an answer (SERVFAIL)" }
      ns.example.net: SERVFAIL
    Unknown: cannot tell whether phones in us-east can register: us-east.acme.example A: SERVFAIL
    "#);
}

/// What the host's servers have of the target's zone is not asked for: it may be an old copy.
#[tokio::test]
async fn the_servers_of_a_target_disagree() {
    let mut torn = zone(&["lb A 192.0.2.10"]);
    torn.ns = lines(&["ns1.example.net", "ns2.example.net"]);
    let old = ServerSeed {
        records: lines(&["lb A 192.0.2.99"]),
        ..ServerSeed::default()
    };
    torn.servers.insert("ns2.example.net".to_owned(), old);
    assert_snapshot!(chain(&["us-east CNAME lb.example.net"], torn, &[]).await, @"
    _sip._udp.us-east.acme.example SRV Ok
      Present 10 10 7000 us-east.acme.example
    us-east.acme.example A Inconsistent
      ns1.example.net: 192.0.2.10
      ns2.example.net: 192.0.2.99
      hint AliasBesideData: us-east.acme.example is a CNAME for lb.example.net, beside which no A can be; delete the CNAME, then add the A
      hint AliasAsTarget: us-east.acme.example is a CNAME for lb.example.net, and the SRV of _sip._udp.us-east.acme.example names it: neither SRV nor MX may name an alias, and some clients do not follow it; enter the addresses at us-east.acme.example itself
    Impaired: some phones in us-east cannot register: us-east.acme.example has the address 192.0.2.99, the template says 192.0.2.10
    ");
}

#[tokio::test]
async fn an_alias_inside_the_zone_is_no_target_of_srv() {
    let records = ["us-east CNAME lb.acme.example", "lb A 192.0.2.10"];
    assert_snapshot!(chain(&records, at("ns.example.net", &[]), &[]).await, @"
    _sip._udp.us-east.acme.example SRV Ok
      Present 10 10 7000 us-east.acme.example
    us-east.acme.example A Ok
      Present 192.0.2.10
      note: us-east.acme.example is a CNAME for lb.acme.example, which has these records
      hint AliasAsTarget: us-east.acme.example is a CNAME for lb.acme.example, and the SRV of _sip._udp.us-east.acme.example names it: neither SRV nor MX may name an alias, and some clients do not follow it; enter the addresses at us-east.acme.example itself
    Works: phones in us-east register at us-east.acme.example:7000 over UDP
    ");
}
