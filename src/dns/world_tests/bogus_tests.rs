//! Names that fail DNSSEC validation, over real packets.

use insta::assert_snapshot;

use super::*;

/// A world in which the resolver refuses acme's names unless it is told not to validate.
fn bogus(fault: DnsFaultKind) -> DnsSeed {
    let mut seed = world(&[
        "us-east A 192.0.2.10",
        "us-east NAPTR 10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.us-east.acme.example.",
        "_sip._udp.us-east SRV 10 10 7000 us-east.acme.example",
    ]);
    seed.faults = vec![DnsFault::new(fault).at("resolver").named("*acme.example")];
    seed
}

#[tokio::test]
async fn a_name_that_validating_resolvers_refuse_is_bogus_and_no_phone_registers() {
    let check = checked(&bogus(DnsFaultKind::BogusFor(7)), &phone_template()).await;
    assert_eq!(check.standing(), Standing::Differs);
    assert_eq!(
        check.tally().words(),
        [(1, "failing for phones"), (3, "bogus")]
    );
    assert_snapshot!(told(&check), @r#"
    _sip._udp.us-east.acme.example SRV Bogus
      Present 10 10 7000 us-east.acme.example
      resolver: refuses it, because DNSSEC validation fails: the signatures have expired
      hint Bogus: nobody behind a resolver that validates DNSSEC reaches _sip._udp.us-east.acme.example; have acme.example signed again, or its DS record removed where the domain is registered
    us-east.acme.example A Bogus
      Present 192.0.2.10
      resolver: refuses it, because DNSSEC validation fails: the signatures have expired
      hint Bogus: nobody behind a resolver that validates DNSSEC reaches us-east.acme.example; have acme.example signed again, or its DS record removed where the domain is registered
    us-east.acme.example NAPTR Bogus
      Present 10 100 "S" "SIP+D2U" "" _sip._udp.us-east.acme.example
      resolver: refuses it, because DNSSEC validation fails: the signatures have expired
      hint Bogus: nobody behind a resolver that validates DNSSEC reaches us-east.acme.example; have acme.example signed again, or its DS record removed where the domain is registered
    Broken: phones in us-east whose resolver validates DNSSEC cannot register: it refuses us-east.acme.example NAPTR
    "#);
}

/// Customers behind the one resolver reach nobody, whatever the other says.
#[tokio::test]
async fn one_validating_resolver_among_two_is_enough() {
    let seed = bogus(DnsFaultKind::Bogus);
    let validating = DnsServer::start(&seed, 0).await.unwrap();
    let trusting = DnsSeed {
        faults: Vec::new(),
        ..seed
    };
    let trusting = DnsServer::start(&trusting, 0).await.unwrap();
    let options = ZoneOptions {
        resolvers: vec![trusting.resolver(), validating.resolver()],
        ..ZoneOptions::at(trusting.resolver())
    };
    let exchange = Exchange::new(ExchangeOptions::default());
    let checker = Checker::new(Observer::new(exchange, options));
    let domain = DomainName::parse(ACME).unwrap();
    let check = checker.check(&phone_template(), &domain).await;
    assert_eq!(check.tally().bogus, 3, "{}", told(&check));
}

/// A failure that passes, and one whose extended error names another reason, are no failure to validate.
#[tokio::test]
async fn other_failures_of_a_resolver_are_not_bogus() {
    let mut seed = bogus(DnsFaultKind::BogusFor(22));
    let check = checked(&seed, &phone_template()).await;
    assert_eq!(check.tally().words(), [(3, "ok")], "{}", told(&check));
    let passing = DnsFault::new(DnsFaultKind::Servfail).at("resolver");
    seed.faults = vec![passing.named("us-east.acme.example").times(1)];
    let check = checked(&seed, &phone_template()).await;
    assert_eq!(check.tally().words(), [(3, "ok")], "{}", told(&check));
    let lasting = DnsFault::new(DnsFaultKind::Servfail).at("resolver");
    seed.faults = vec![lasting.named("us-east.acme.example")];
    let check = checked(&seed, &phone_template()).await;
    assert_eq!(check.tally().bogus, 0, "{}", told(&check));
}

/// Only a SERVFAIL costs further questions.
#[tokio::test]
async fn a_good_answer_is_not_asked_again_without_validation() {
    let server = DnsServer::start(&world(&RIGHT), 0).await.unwrap();
    let domain = DomainName::parse(ACME).unwrap();
    checker(&server).check(&one_host(), &domain).await;
    let asked = server.asked();
    let of_resolver = asked.iter().filter(|(asked, _)| {
        asked.server == "resolver"
            && asked.name == "us-east.acme.example"
            && asked.record_type == "A"
    });
    assert_eq!(of_resolver.map(|(_, times)| times).sum::<u64>(), 1);
}
