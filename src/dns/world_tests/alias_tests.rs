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
    let checker = patient_checker(&server, Duration::from_millis(60));
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
    acme.example A Missing
      Missing 198.51.100.7
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
