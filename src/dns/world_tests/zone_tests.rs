//! Which zone a name lies in, and which servers answer for it, over real packets.

use insta::assert_snapshot;

use super::*;

/// A zone with one server.
fn at(server: &str, records: &[&str]) -> ZoneSeed {
    ZoneSeed {
        ns: lines(&[server]),
        records: lines(records),
        ..ZoneSeed::default()
    }
}

/// An internal zone may have one label. It is no registry: what it has is there, and what it lacks is missing in it.
#[tokio::test]
async fn an_internal_zone_of_one_label_is_a_zone() {
    let hosts = template(serde_json::json!({
        "A": {
            "us-east.{{domain}}": {"mapping": ["192.0.2.10"]},
            "us-west.{{domain}}": {"mapping": ["198.51.100.10"]},
        },
    }));
    let records = ["us-east.voice A 192.0.2.10"];
    let seed = DnsSeed {
        zones: BTreeMap::from([("corp".to_owned(), at("ns.corp", &records))]),
        ..DnsSeed::default()
    };
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let checker = checker(&server);
    let check = async |domain: &str| {
        let domain = DomainName::parse(domain).unwrap();
        told(&checker.check(&hosts, &domain).await)
    };
    assert_snapshot!(check("voice.corp").await, @"
    us-east.voice.corp A Ok
      Present 192.0.2.10
    us-west.voice.corp A Missing (Name)
      Missing 198.51.100.10
    dns-single-name-server corp: corp has one name server, ns.corp: while it is down, nothing of the domain is found
    ");
    assert_snapshot!(check("gone.corp").await, @"
    us-east.gone.corp A Missing (Domain)
      Missing 192.0.2.10
      note: no zone holds this name: the domain is not registered, or not delegated
    us-west.gone.corp A Missing (Domain)
      Missing 198.51.100.10
      note: no zone holds this name: the domain is not registered, or not delegated
    ");
}

/// Each address of a server is asked: its IPv6 side may be another machine, with other records.
#[tokio::test]
async fn the_ipv6_side_of_a_server_is_asked() {
    let mut seed = world(&RIGHT);
    seed.ipv6 = Some(TWO.to_owned());
    assert_eq!(verdict(&seed).await, Verdict::Ok);
    let old = ServerSeed {
        records: lines(&["us-east A 192.0.2.9"]),
        ..ServerSeed::default()
    };
    if let Some(zone) = seed.zones.get_mut(ACME) {
        zone.servers.insert("ipv6".to_owned(), old);
    }
    let check = checked(&seed, &one_host()).await;
    assert_snapshot!(told(&check), @"
    us-east.acme.example A Inconsistent
      ns1.dns.example: 192.0.2.10, 192.0.2.11
      ns2.dns.example: 192.0.2.10, 192.0.2.11
      ns2.dns.example: 192.0.2.9
    dns-serials acme.example: the servers of acme.example have different records and the same serial number 1: they are not copies of one primary
    ");
    // A side that gives no answer is told like a server that gives none.
    seed.faults = vec![DnsFault::new(DnsFaultKind::Refused).at("ipv6")];
    assert_snapshot!(told(&checked(&seed, &one_host()).await), @r#"
    us-east.acme.example A Unknown { reason: "2 of 3 authoritative servers are right, the others gave no answer" }
      Present 192.0.2.10
      Present 192.0.2.11
      ns2.dns.example: REFUSED
    "#);
}

/// A machine that has a route to IPv6 and is not connected to it says nothing about the servers.
#[tokio::test]
async fn who_gets_no_answer_over_ipv6_at_all_goes_by_ipv4() {
    let mut seed = world(&RIGHT);
    seed.ipv6 = Some(TWO.to_owned());
    seed.faults = vec![DnsFault::new(DnsFaultKind::Drop).at("ipv6")];
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let checker = patient_checker(&server, Duration::from_millis(300));
    let domain = DomainName::parse(ACME).unwrap();
    let check = checker.check(&one_host(), &domain).await;
    assert_eq!(check.standing(), Standing::InSync, "{}", told(&check));
}

/// A server that is silent over IPv6 for one zone hides nothing that another one says over IPv6.
#[tokio::test]
async fn a_silent_ipv6_server_hides_no_other() {
    let mut seed = world(&RIGHT);
    seed.ipv6 = Some(TWO.to_owned());
    seed.zones.insert("evil.example".to_owned(), zone(&RIGHT));
    let old = ServerSeed {
        records: lines(&["us-east A 192.0.2.9"]),
        ..ServerSeed::default()
    };
    if let Some(zone) = seed.zones.get_mut(ACME) {
        zone.servers.insert("ipv6".to_owned(), old);
    }
    let silent = DnsFault::new(DnsFaultKind::Drop).named("*evil.example");
    seed.faults = vec![silent.at("ipv6")];
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let checker = patient_checker(&server, Duration::from_millis(300));
    for (domain, expected) in [
        ("evil.example", Standing::InSync),
        (ACME, Standing::Differs),
        ("evil.example", Standing::Unknown),
    ] {
        let domain = DomainName::parse(domain).unwrap();
        let check = checker.check(&one_host(), &domain).await;
        assert_eq!(check.standing(), expected, "{}", told(&check));
    }
}

/// A zone that was moved, whose parent still names a server of the old provider.
fn moved(old: &[&str]) -> DnsSeed {
    const OLD: &str = "ns.old.example";
    let mut seed = world(&RIGHT);
    if let Some(zone) = seed.zones.get_mut(ACME) {
        zone.delegated_to = Some(lines(&[ONE, OLD]));
        let differing = ServerSeed {
            records: lines(old),
            ns: Some(lines(&[OLD])),
            ..ServerSeed::default()
        };
        zone.servers.insert(OLD.to_owned(), differing);
    }
    seed.zones
        .insert("example".to_owned(), at("a.nic.example", &[]));
    seed
}

/// Resolvers ask the servers that the parent names, and those that the zone names, by chance.
#[tokio::test]
async fn the_servers_of_parent_and_zone_are_asked() {
    let check = checked(&moved(&["us-east A 192.0.2.9"]), &one_host()).await;
    assert_snapshot!(told(&check), @"
    us-east.acme.example A Inconsistent
      ns.old.example: 192.0.2.9
      ns1.dns.example: 192.0.2.10, 192.0.2.11
      ns2.dns.example: 192.0.2.10, 192.0.2.11
    dns-name-servers-differ acme.example: the name servers of acme.example are ns.old.example, ns1.dns.example according to the zone above it, and ns.old.example according to ns.old.example (127.0.0.5), so that it depends on chance which ones are asked
    dns-serials acme.example: the servers of acme.example have different records and the same serial number 1: they are not copies of one primary
    ");
    let check = checked(&moved(&[]), &one_host()).await;
    assert_snapshot!(told(&check), @"
    us-east.acme.example A Ok
      Present 192.0.2.10
      Present 192.0.2.11
    dns-name-servers-differ acme.example: the name servers of acme.example are ns.old.example, ns1.dns.example according to the zone above it, and ns.old.example according to ns.old.example (127.0.0.5), so that it depends on chance which ones are asked
    ");
    let mut gone = moved(&[]);
    gone.faults = vec![DnsFault::new(DnsFaultKind::Refused).at("ns.old.example")];
    assert_snapshot!(told(&checked(&gone, &one_host()).await), @r#"
    us-east.acme.example A Unknown { reason: "2 of 3 authoritative servers are right, the others gave no answer" }
      Present 192.0.2.10
      Present 192.0.2.11
      ns.old.example: REFUSED
    dns-name-servers-differ acme.example: the name servers of acme.example are ns.old.example, ns1.dns.example according to the zone above it, and ns1.dns.example, ns2.dns.example according to ns1.dns.example (127.0.0.2), so that it depends on chance which ones are asked
    dns-lame-delegation acme.example: ns.old.example (127.0.0.5), which only the zone above names, does not answer for acme.example (REFUSED): resolvers that ask it first wait, or fail
    "#);
    // A parent that gives no answer takes nothing away.
    let mut silent = moved(&[]);
    silent.faults = vec![DnsFault::new(DnsFaultKind::Servfail).at("a.nic.example")];
    assert_snapshot!(told(&checked(&silent, &one_host()).await), @"
    us-east.acme.example A Ok
      Present 192.0.2.10
      Present 192.0.2.11
    ");
}

/// A zone whose public servers are not the ones to ask, such as one with a hidden primary or a view of its own.
#[tokio::test]
async fn servers_that_are_given_for_one_zone_are_asked_about_that_zone_only() {
    let portal = template(serde_json::json!({
        "A": {"us-east.{{domain}}": {"mapping": ["192.0.2.10", "192.0.2.11"]}},
        "CNAME": {"portal.{{domain}}": {"mapping": ["ui.example.net"]}},
    }));
    let mut seed = world(&[
        "us-east A 192.0.2.10",
        "us-east A 192.0.2.11",
        "portal CNAME ui.example.net",
    ]);
    let old = ServerSeed {
        without: lines(&["us-east A"]),
        ..ServerSeed::default()
    };
    let zone = seed.zones.get_mut(ACME).unwrap();
    zone.servers.insert(TWO.to_owned(), old);
    let check = async |zones: &[(&str, &str)]| {
        let server = DnsServer::start(&seed, 0).await.unwrap();
        let zones = zones.iter().map(|(apex, name)| {
            let servers = vec![server.server(name).unwrap()];
            (RecordName::parse(apex).unwrap(), servers)
        });
        let options = ZoneOptions {
            zones: zones.collect(),
            ..ZoneOptions::at(server.resolver())
        };
        let checker = Checker::new(Observer::new(
            Exchange::new(ExchangeOptions::default()),
            options,
        ));
        let domain = DomainName::parse(ACME).unwrap();
        checker.check(&portal, &domain).await.standing()
    };
    assert_eq!(check(&[]).await, Standing::Differs);
    assert_eq!(check(&[(ACME, ONE)]).await, Standing::InSync);
    assert_eq!(check(&[(ACME, TWO)]).await, Standing::Differs);
    assert_eq!(check(&[("example.net", ONE)]).await, Standing::Differs);
}
