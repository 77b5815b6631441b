//! Findings about a domain beyond the verdicts on its hosts, over real packets.

use super::*;

/// A brand of eight hosts, as in the quickstart.
fn brand() -> DomainTemplate {
    template(serde_json::json!({
        "A": {
            "{{domain}}": {"mapping": ["192.0.2.80"]},
            "us-east.{{domain}}": {"mapping": ["192.0.2.10"]},
            "us-west.{{domain}}": {"mapping": ["198.51.100.10"]},
        },
        "AAAA": {"us-east.{{domain}}": {"mapping": ["2001:db8::10"]}},
        "CNAME": {"api.{{domain}}": {"mapping": ["ui.example.net"]}},
        "NAPTR": {"{{domain}}": {"mapping": ["10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.{{domain}}"]}},
        "SRV": {"_sip._udp.{{domain}}": {"mapping": ["10 50 5060 us-east.{{domain}}", "10 50 5060 us-west.{{domain}}"]}},
        "TXT": {"_brand.{{domain}}": {"mapping": ["harbor-brand=1"]}},
    }))
}

/// What is right costs few questions: findings may not double what a nightly check sends.
#[tokio::test]
async fn a_right_domain_costs_few_questions() {
    let mut seed = world(&[
        "@ A 192.0.2.80",
        "us-east A 192.0.2.10",
        "us-west A 198.51.100.10",
        "us-east AAAA 2001:db8::10",
        "api CNAME ui.example.net",
        "@ NAPTR 10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.acme.example",
        "_sip._udp SRV 10 50 5060 us-east.acme.example",
        "_sip._udp SRV 10 50 5060 us-west.acme.example",
        "_brand TXT harbor-brand=1",
    ]);
    let registry = ZoneSeed {
        ns: lines(&["a.nic.example"]),
        ..ZoneSeed::default()
    };
    seed.zones.insert("example".to_owned(), registry);
    let mail = [
        "@ MX 10 mx.mail.example",
        "@ TXT \"v=spf1 mx -all\"",
        "_dmarc TXT \"v=DMARC1; p=none\"",
    ];
    seed.zones.insert("mail.example".to_owned(), zone(&mail));
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let checker = checker(&server);
    let domain = DomainName::parse(ACME).unwrap();
    let mail = RecordName::parse("mail.example").unwrap();
    let check = checker.check_brand(&brand(), &domain, Some(&mail)).await;
    assert_eq!(check.standing(), Standing::InSync, "{}", told(&check));
    assert_eq!(check.findings.len(), 1, "{}", told(&check));
    // 49 before there were findings; DS, MX, SPF and DMARC are new.
    let traffic = checker.observer().exchange().traffic();
    assert!(traffic.questions <= 49 * 13 / 10, "{traffic:?}");
}

/// Returns the findings of a brand whose support address is at `mail.example`, one a line.
async fn found(seed: &DnsSeed, template: &DomainTemplate) -> String {
    let server = DnsServer::start(seed, 0).await.unwrap();
    let exchange = Exchange::new(ExchangeOptions::default());
    let options = ZoneOptions {
        authorities: lines(&["ca.example"]),
        is_thorough: true,
        ..ZoneOptions::at(server.resolver())
    };
    let checker = Checker::new(Observer::new(exchange, options));
    let domain = DomainName::parse(ACME).unwrap();
    let mail = RecordName::parse("mail.example").unwrap();
    let check = checker.check_brand(template, &domain, Some(&mail)).await;
    let lines: Vec<String> = check.findings.iter().map(DomainFinding::text).collect();
    lines.join("\n")
}

/// What a support desk reads of a domain at which much is wrong.
#[tokio::test]
async fn each_finding_is_a_sentence_and_a_remedy() {
    let mut seed = world(&[
        "us-east 86400 A 192.0.2.9",
        "us-west A 192.0.2.11",
        "us-west AAAA 2001:db8::11",
        "ns9 CNAME ns1.dns.example",
        "@ CAA 0 issue other.example",
        "_sip._udp SRV 10 50 5060 us-east.acme.example",
        "_sip._udp SRV 10 50 5060 us-west.acme.example",
        "* A 192.0.2.99",
    ]);
    if let Some(zone) = seed.zones.get_mut(ACME) {
        zone.ns = lines(&["ns1.acme.example", "ns9.acme.example"]);
        zone.delegated_to = Some(lines(&["ns1.acme.example", "old.dns.example"]));
        zone.glue = BTreeMap::from([("ns1.acme.example".to_owned(), "was.dns.example".to_owned())]);
        zone.dnssec = Some(DnssecSeed {
            is_other_key: true,
            ..DnssecSeed::default()
        });
    }
    let registry = ZoneSeed {
        ns: lines(&["a.nic.example"]),
        ..ZoneSeed::default()
    };
    seed.zones.insert("example".to_owned(), registry);
    let mail = ["@ TXT \"v=spf1 a -all\"", "@ TXT \"v=spf1 mx -all\""];
    seed.zones.insert("mail.example".to_owned(), zone(&mail));
    seed.faults = vec![
        DnsFault::new(DnsFaultKind::Refused).at("old.dns.example"),
        DnsFault::new(DnsFaultKind::NoEdns).at("was.dns.example"),
        DnsFault::new(DnsFaultKind::Drop)
            .at("was.dns.example")
            .over(Carrier::Tcp),
    ];
    let hosts = template(serde_json::json!({
        "A": {
            "us-east.{{domain}}": {"mapping": ["192.0.2.10"]},
            "us-west.{{domain}}": {"mapping": ["192.0.2.11"]},
            "portal.{{domain}}": {"mapping": ["192.0.2.99"]},
        },
        "SRV": {
            "_sip._udp.{{domain}}": {"mapping": ["10 50 5060 us-east.{{domain}}", "10 50 5060 us-west.{{domain}}"]},
            "_sip._tls.{{domain}}": {"mapping": ["10 50 5061 us-east.{{domain}}"]},
        },
    }));
    assert_snapshot!(found(&seed, &hosts).await, @r#"
    the name servers of acme.example are ns1.acme.example, old.dns.example according to the zone above it, and ns1.acme.example, ns9.acme.example according to ns1.acme.example (127.0.0.7), so that it depends on chance which ones are asked; enter the same ones where the domain is registered and in the zone
    the name server ns9.acme.example of acme.example is a CNAME for ns1.dns.example, which many resolvers do not follow; name a server that has addresses itself: NS may not name an alias (RFC 2181, section 10.3)
    the zone above acme.example says that ns1.acme.example is at 127.0.0.7, and ns1.acme.example itself does not: some resolvers ask there; correct the addresses of the name server where the domain is registered
    old.dns.example (127.0.0.6), which only the zone above names, does not answer for acme.example (REFUSED): resolvers that ask it first wait, or fail; remove the server where the domain is registered, or have it serve the zone
    ns1.acme.example (127.0.0.7) does not answer over TCP (not reachable: unexpected end of file); open port 53 for TCP too (RFC 7766): answers that do not fit one packet, such as those with NAPTR, do not arrive otherwise
    the zone above acme.example has a DS record for the key 9264, which the zone does not have: resolvers that validate DNSSEC refuse all of it; have the DS record replaced by that of the zone's present key where the domain is registered, or removed
    CAA at acme.example lets only other.example issue certificates, so that ca.example cannot for portal.acme.example; add a CAA record for our certificate authority beside those that are there
    mail to the support address at mail.example cannot be delivered: it has neither MX nor address; add the MX record of whoever takes the domain's mail, or declare another port.support_email
    mail.example, the domain of the support address, has 2 SPF records; make one TXT record of them: with several, none counts (RFC 7208, section 4.5)
    ns1.acme.example (127.0.0.7) refuses questions with EDNS; have its software updated: without EDNS (RFC 6891) larger answers take a second question over TCP
    mail.example, the domain of the support address, has no DMARC record; add a TXT record at _dmarc such as "v=DMARC1; p=none" (RFC 7489), without which large providers refuse some of its mail
    resolvers remember the A of us-east.acme.example that is to be replaced for up to 24 hours; lower the TTL of the old record to 300 seconds now, wait that long, and only then replace it
    _sip._tls.acme.example is a convention of some phones: a phone that keeps to the standard does not look there; have the same records at _sips._tcp in the template, which is where phones look for TLS (RFC 3263, section 4.1)
    us-east.acme.example has no IPv6 address, and us-west.acme.example has: phones with IPv6 alone find only one of them; give it addresses of both families in the template, or none of its siblings (RFC 7984)
    every name below acme.example answers, by a wildcard that leads to 192.0.2.99: names that are not entered look as if they were; delete it, unless it is wanted
    "#);
}

/// What the resolver remembers of a name server is not what its zone says: the parent's address counts as well.
#[tokio::test]
async fn glue_that_differs_is_asked() {
    let mut seed = world(&RIGHT);
    let old = ServerSeed {
        records: lines(&["us-east A 192.0.2.9"]),
        ..ServerSeed::default()
    };
    if let Some(zone) = seed.zones.get_mut(ACME) {
        zone.ns = lines(&["ns1.acme.example", "ns2.acme.example"]);
        zone.glue = BTreeMap::from([("ns2.acme.example".to_owned(), "old.dns.example".to_owned())]);
        zone.servers.insert("old.dns.example".to_owned(), old);
    }
    let registry = ZoneSeed {
        ns: lines(&["a.nic.example"]),
        ..ZoneSeed::default()
    };
    seed.zones.insert("example".to_owned(), registry);
    assert_snapshot!(told(&checked(&seed, &one_host()).await), @r"
    us-east.acme.example A Inconsistent
      ns1.acme.example: 192.0.2.10, 192.0.2.11
      ns2.acme.example: 192.0.2.10, 192.0.2.11
      ns2.acme.example: 192.0.2.9
    dns-glue-differs acme.example: the zone above acme.example says that ns2.acme.example is at 127.0.0.5, and ns2.acme.example itself does not: some resolvers ask there
    dns-serials acme.example: the servers of acme.example have different records and the same serial number 1: they are not copies of one primary
    ");
}

/// What only one server says of the whole domain counts, and one that says nothing is not one that says no.
#[tokio::test]
async fn each_server_is_asked_about_the_whole_domain() {
    let mut seed = world(&RIGHT);
    let other = ServerSeed {
        records: lines(&["* A 192.0.2.99", "@ CAA 0 issue ;"]),
        ..ServerSeed::default()
    };
    if let Some(zone) = seed.zones.get_mut(ACME) {
        zone.servers.insert(TWO.to_owned(), other);
    }
    assert_snapshot!(told(&checked(&seed, &one_host()).await), @r"
    us-east.acme.example A Ok
      Present 192.0.2.10
      Present 192.0.2.11
    dns-no-certificates acme.example: CAA at acme.example forbids every certificate for acme.example, according to 1 of 2 servers, so that it depends on chance
    dns-wildcard acme.example: every name below acme.example answers, by a wildcard that leads to 192.0.2.99: names that are not entered look as if they were
    ");
    let mut doubled = world(&["us-east.acme.example A 192.0.2.77"]);
    let hints = async |seed: &DnsSeed| {
        let check = checked(seed, &one_host()).await;
        let hints = check.hosts[0].hints.iter().map(|hint| hint.kind);
        hints.collect::<Vec<_>>()
    };
    assert_eq!(hints(&doubled).await, [HintKind::DoubledDomain]);
    // A wildcard of the server that refuses may be what gives the answer.
    doubled.faults = vec![DnsFault::new(DnsFaultKind::Refused).at(ONE)];
    assert_eq!(hints(&doubled).await, []);
}
