//! Verdicts, failures and hints over real packets, from servers on loopback.

mod alias_tests;
mod bogus_tests;
mod finding_tests;
mod hint_tests;
mod zone_tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use insta::assert_snapshot;

use super::*;
use crate::model::record::{RecordName, RecordType};
use crate::model::{DomainName, DomainTemplate, Network};
use crate::sandbox::dns::{
    DnsFault, DnsFaultKind, DnsSeed, DnsServer, DnssecSeed, ServerSeed, Transport as Carrier,
    ZoneSeed,
};

const ACME: &str = "acme.example";
const ONE: &str = "ns1.dns.example";
const TWO: &str = "ns2.dns.example";

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// A zone with two servers.
fn zone(records: &[&str]) -> ZoneSeed {
    ZoneSeed {
        ns: lines(&[ONE, TWO]),
        records: lines(records),
        ..ZoneSeed::default()
    }
}

/// The world: acme's zone, and the one that its portal leads to.
fn world(records: &[&str]) -> DnsSeed {
    let elsewhere = ZoneSeed {
        ns: lines(&[ONE]),
        records: lines(&["ui A 198.51.100.7"]),
        ..ZoneSeed::default()
    };
    DnsSeed {
        zones: BTreeMap::from([
            (ACME.to_owned(), zone(records)),
            ("example.net".to_owned(), elsewhere),
        ]),
        ..DnsSeed::default()
    }
}

fn template(json: serde_json::Value) -> DomainTemplate {
    serde_json::from_value(json).unwrap()
}

fn one_host() -> DomainTemplate {
    template(serde_json::json!({
        "A": {"us-east.{{domain}}": {"mapping": ["192.0.2.10", "192.0.2.11"]}},
    }))
}

fn phone_template() -> DomainTemplate {
    template(serde_json::json!({
        "A": {"us-east.{{domain}}": {"mapping": ["192.0.2.10"]}},
        "NAPTR": {"us-east.{{domain}}": {"mapping": ["10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.us-east.{{domain}}."]}},
        "SRV": {"_sip._udp.us-east.{{domain}}": {"mapping": ["10 10 7000 us-east.{{domain}}."]}},
    }))
}

fn checker(server: &DnsServer) -> Checker {
    patient_checker(server, Duration::from_secs(5))
}

fn patient_checker(server: &DnsServer, timeout: Duration) -> Checker {
    let exchange = Exchange::new(ExchangeOptions {
        timeout,
        ..ExchangeOptions::default()
    });
    let options = ZoneOptions::at(server.resolver());
    Checker::new(Observer::new(exchange, options))
}

async fn checked(seed: &DnsSeed, template: &DomainTemplate) -> DomainCheck {
    let server = DnsServer::start(seed, 0).await.unwrap();
    let domain = DomainName::parse(ACME).unwrap();
    checker(&server).check(template, &domain).await
}

/// Writes what a check found, without the port that differs from run to run.
fn told(check: &DomainCheck) -> String {
    let mut lines = Vec::new();
    for host in &check.hosts {
        let judgement = &host.judgement;
        let question = &judgement.expected.question;
        let absent = judgement.absent.map(|absent| format!(" ({absent:?})"));
        let absent = absent.unwrap_or_default();
        lines.push(format!("{question} {:?}{absent}", judgement.verdict));
        for (mark, record) in &judgement.records {
            lines.push(format!("  {mark:?} {record}"));
        }
        for (server, said) in &judgement.servers {
            let name = server.name.as_deref().unwrap_or("resolver");
            lines.push(format!("  {name}: {said}"));
        }
        for note in &judgement.notes {
            lines.push(format!("  note: {note}"));
        }
        for hint in &host.hints {
            lines.push(format!("  hint {:?}: {}", hint.kind, hint.text));
        }
    }
    for phones in &check.phones {
        lines.push(format!("{:?}: {}", phones.registration, phones.sentence));
    }
    for finding in &check.findings {
        let code = finding.kind.code();
        lines.push(format!("{code} {}: {}", finding.about, finding.sentence));
    }
    lines.join("\n")
}

async fn verdict(seed: &DnsSeed) -> Verdict {
    let check = checked(seed, &one_host()).await;
    check.hosts[0].judgement.verdict.clone()
}

const RIGHT: [&str; 2] = ["us-east A 192.0.2.10", "us-east A 192.0.2.11"];

#[tokio::test]
async fn every_verdict() {
    assert_eq!(verdict(&world(&RIGHT)).await, Verdict::Ok);
    assert_eq!(verdict(&world(&[])).await, Verdict::Missing);
    assert_eq!(verdict(&world(&RIGHT[..1])).await, Verdict::Missing);
    assert_eq!(
        verdict(&world(&["us-east A 192.0.2.99"])).await,
        Verdict::Different
    );
    assert_eq!(
        verdict(&world(&[RIGHT[0], RIGHT[1], "us-east A 192.0.2.99"])).await,
        Verdict::Extra
    );
    let mut old = world(&RIGHT);
    old.remembers = lines(&["us-east.acme.example 120 A 192.0.2.9"]);
    assert_eq!(
        verdict(&old).await,
        Verdict::Propagating { old_for: Some(120) }
    );
    old.remembers = lines(&["us-east.acme.example 45 A"]);
    assert_eq!(
        verdict(&old).await,
        Verdict::Propagating { old_for: Some(45) }
    );
    let mut torn = world(&RIGHT);
    let differing = ServerSeed {
        without: lines(&["us-east A"]),
        ..ServerSeed::default()
    };
    if let Some(zone) = torn.zones.get_mut(ACME) {
        zone.servers.insert(TWO.to_owned(), differing);
    }
    let check = checked(&torn, &one_host()).await;
    assert_snapshot!(told(&check), @r#"
    us-east.acme.example A Inconsistent
      ns1.dns.example: 192.0.2.10, 192.0.2.11
      ns2.dns.example: nothing
    dns-serials acme.example: the servers of acme.example have different records and the same serial number 1: they are not copies of one primary
    "#);
    let mut nobody = world(&RIGHT);
    nobody.zones.remove(ACME);
    assert_eq!(verdict(&nobody).await, Verdict::Missing, "not registered");
}

/// What a resolver sees and the zone's servers do not have is told beside what they have.
#[tokio::test]
async fn a_view_of_its_own_is_told() {
    let mut seed = world(&["us-east A 203.0.113.7"]);
    seed.remembers = lines(&[
        "us-east.acme.example 120 A 192.0.2.10",
        "us-east.acme.example 120 A 192.0.2.11",
    ]);
    assert_snapshot!(told(&checked(&seed, &one_host()).await), @"
    us-east.acme.example A Different
      Missing 192.0.2.10
      Missing 192.0.2.11
      Extra 203.0.113.7
      ns1.dns.example: 203.0.113.7
      ns2.dns.example: 203.0.113.7
      resolver: 192.0.2.10, 192.0.2.11
      note: 1 of 1 resolver sees what the template says, and the zone's servers do not have it: either it has a view of its own (split horizon; then name the servers of that view as dns.servers in emblazon.yaml), or it remembers an old answer, for 120 s at most
      hint OldAddress: 203.0.113.7 may be an old server's address; replace it
    ");
    let mut seed = world(&[]);
    seed.remembers = lines(&["us-east.acme.example 120 A 192.0.2.10"]);
    assert_snapshot!(told(&checked(&seed, &one_host()).await), @"
    us-east.acme.example A Missing (Name)
      Missing 192.0.2.10
      Missing 192.0.2.11
    ");
}

/// A name that does not exist, one without records of the type, and a domain that is not registered are all missing.
#[tokio::test]
async fn what_is_absent_is_told_apart() {
    let absent = async |seed: DnsSeed| {
        let check = checked(&seed, &one_host()).await;
        assert_eq!(check.hosts[0].judgement.verdict, Verdict::Missing);
        check.hosts[0].judgement.absent
    };
    assert_eq!(absent(world(&[])).await, Some(Absence::Name));
    let text = world(&["us-east TXT here"]);
    assert_eq!(absent(text).await, Some(Absence::Type));
    let below = world(&["_sip._udp.us-east TXT here"]);
    assert_eq!(absent(below).await, Some(Absence::Type));
    assert_eq!(absent(world(&RIGHT[..1])).await, None);
    assert_eq!(absent(DnsSeed::default()).await, Some(Absence::Domain));
}

/// Trap 24, invariant 6: a server that fails is told apart, and is never drift.
#[tokio::test]
async fn trap_24_every_failure_over_packets() {
    #[track_caller]
    fn is_unknown(check: &DomainCheck, part: &str) {
        let Verdict::Unknown { reason } = &check.hosts[0].judgement.verdict else {
            panic!("{}", told(check));
        };
        assert!(reason.contains(part), "{reason:?} without {part:?}");
        assert_eq!(check.standing(), Standing::Unknown);
    }
    for (kind, part) in [
        (DnsFaultKind::Servfail, "SERVFAIL"),
        (DnsFaultKind::Refused, "REFUSED"),
        (DnsFaultKind::Lame, "lame"),
        (DnsFaultKind::Notimp, "answered"),
        (DnsFaultKind::Garbage, "an invalid answer"),
    ] {
        let mut seed = world(&RIGHT);
        for server in [ONE, TWO] {
            seed.faults.push(DnsFault::new(kind).at(server));
        }
        is_unknown(&checked(&seed, &one_host()).await, part);
    }
    let mut circle = world(&[
        "us-east CNAME a.acme.example",
        "a CNAME us-east.acme.example",
    ]);
    is_unknown(&checked(&circle, &one_host()).await, "loop");
    circle.faults = vec![DnsFault::new(DnsFaultKind::Servfail).at("resolver")];
    is_unknown(
        &checked(&circle, &one_host()).await,
        "the zone's servers could not be found: SERVFAIL",
    );

    let mut deaf = world(&RIGHT);
    deaf.faults = vec![
        DnsFault::new(DnsFaultKind::Drop).at(ONE),
        DnsFault::new(DnsFaultKind::Drop).at(TWO),
    ];
    let server = DnsServer::start(&deaf, 0).await.unwrap();
    let domain = DomainName::parse(ACME).unwrap();
    let checker = patient_checker(&server, Duration::from_millis(300));
    is_unknown(
        &checker.check(&one_host(), &domain).await,
        "no answer in time",
    );

    // Nobody listens where the resolver should be.
    let exchange = Exchange::new(ExchangeOptions::default());
    let port = server.port();
    drop(server);
    let closed = ZoneOptions {
        networks: vec![Network::LOOPBACK],
        ..ZoneOptions::at(([127, 99, 0, 1], port).into())
    };
    let checker = Checker::new(Observer::new(exchange, closed));
    is_unknown(&checker.check(&one_host(), &domain).await, "not reachable");
}

#[tokio::test]
async fn what_is_cut_is_asked_again_over_tcp() {
    let mut seed = world(&RIGHT);
    seed.faults = vec![
        DnsFault::new(DnsFaultKind::Truncate)
            .over(Carrier::Udp)
            .at(ONE),
    ];
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let checker = checker(&server);
    let domain = DomainName::parse(ACME).unwrap();
    let check = checker.check(&one_host(), &domain).await;
    assert_eq!(check.standing(), Standing::InSync, "{}", told(&check));
    let over_tcp = server
        .asked()
        .into_keys()
        .filter(|asked| asked.transport == Carrier::Tcp && asked.name == "us-east.acme.example")
        .count();
    assert_eq!(over_tcp, 2, "A, and AAAA that nobody wants");
    assert!(checker.observer().exchange().traffic().tcp_connections >= 2);

    // Too long for one packet, without any fault.
    let long: Vec<String> = (0..120).map(|n| format!("us-east A 192.0.2.{n}")).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let mapping: Vec<String> = (0..120).map(|n| format!("192.0.2.{n}")).collect();
    let many = template(serde_json::json!({"A": {"us-east.{{domain}}": {"mapping": mapping}}}));
    let check = checked(&world(&long), &many).await;
    assert_eq!(check.standing(), Standing::InSync);
}

/// A server, or a resolver, that does not know EDNS is asked without (RFC 6891, section 7), and from then on at once.
#[tokio::test]
async fn who_does_not_know_edns_is_asked_without() {
    let mut seed = world(&RIGHT);
    seed.faults = vec![DnsFault::new(DnsFaultKind::NoEdns)];
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let checker = checker(&server);
    let domain = DomainName::parse(ACME).unwrap();
    let check = checker.check(&one_host(), &domain).await;
    assert_eq!(check.standing(), Standing::InSync, "{}", told(&check));
    let before = checker.observer().exchange().traffic();
    checker.check(&one_host(), &domain).await;
    let after = checker.observer().exchange().traffic();
    let packets = after.udp_packets - before.udp_packets;
    assert_eq!(packets, after.questions - before.questions);
}

/// One query per name, type and server, extra questions included.
#[tokio::test]
async fn nothing_is_asked_twice() {
    let server = DnsServer::start(&world(&RIGHT), 0).await.unwrap();
    let checker = checker(&server);
    let template = template(serde_json::json!({
        "A": {"us-east.{{domain}}": {"mapping": ["192.0.2.10", "192.0.2.11"]}},
        "CNAME": {
            "portal.{{domain}}": {"mapping": ["ui.example.net"]},
            "api.{{domain}}": {"mapping": ["ui.example.net"]},
        },
        "TXT": {"{{domain}}": {"mapping": ["v=spf1 -all"]}},
    }));
    let domain = DomainName::parse(ACME).unwrap();
    checker.check(&template, &domain).await;
    let asked = server.asked();
    let twice: Vec<_> = asked.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let hosts = ["us-east", "portal", "api", "@"].len();
    let total: u64 = asked.values().sum();
    let bound = u64::try_from(hosts * (2 + 1 + 1 + 4) + 10).unwrap();
    assert!(total <= bound, "{total} questions: {asked:#?}");
    assert_eq!(total, checker.observer().exchange().traffic().questions);
}

/// What is lost is asked again; under 1 % loss nothing is drift, and nothing stays unknown.
#[tokio::test]
async fn loss_is_no_drift() {
    let records: Vec<String> = (0..60)
        .flat_map(|n| [format!("h{n} A 192.0.2.{n}"), format!("h{n} TXT t{n}")])
        .collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let mut seed = world(&records);
    seed.faults = vec![DnsFault::new(DnsFaultKind::Drop).every(100)];
    let hosts = |text: fn(usize) -> String| -> serde_json::Map<String, serde_json::Value> {
        (0..60)
            .map(|n| {
                let host = format!("h{n}.{{{{domain}}}}");
                (host, serde_json::json!({"mapping": [text(n)]}))
            })
            .collect()
    };
    let template = template(serde_json::json!({
        "A": hosts(|n| format!("192.0.2.{n}")),
        "TXT": hosts(|n| format!("t{n}")),
    }));
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let checker = patient_checker(&server, Duration::from_secs(2));
    let domain = DomainName::parse(ACME).unwrap();
    let check = checker.check(&template, &domain).await;
    assert_eq!(check.standing(), Standing::InSync, "{}", told(&check));
    let traffic = checker.observer().exchange().traffic();
    assert!(traffic.udp_packets > traffic.questions, "some were lost");
}

/// Checks 20 brands of four hosts in zones with the same two servers, and returns the worst verdicts and the server.
async fn checked_20(fault: DnsFault, resolvers: &[SocketAddr]) -> (Vec<Standing>, DnsServer) {
    let name = |number: usize| format!("brand-{number}.example");
    let records: Vec<String> = (0..4).map(|n| format!("h{n} A 192.0.2.{n}")).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let seed = DnsSeed {
        zones: (0..20)
            .map(|number| (name(number), zone(&records)))
            .collect(),
        faults: vec![fault],
        ..DnsSeed::default()
    };
    let hosts: serde_json::Map<String, serde_json::Value> = (0..4)
        .map(|n| {
            let mapping = serde_json::json!({"mapping": [format!("192.0.2.{n}")]});
            (format!("h{n}.{{{{domain}}}}"), mapping)
        })
        .collect();
    let template = template(serde_json::json!({ "A": hosts }));
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let mut options = ZoneOptions::at(server.resolver());
    options.resolvers.splice(..0, resolvers.iter().copied());
    let exchange = Exchange::new(ExchangeOptions {
        timeout: Duration::from_millis(500),
        ..ExchangeOptions::default()
    });
    let checker = Checker::new(Observer::new(exchange, options));
    let checks = (0..20).map(async |number| {
        let domain = DomainName::parse(&name(number)).unwrap();
        checker.check(&template, &domain).await.standing()
    });
    (futures_util::future::join_all(checks).await, server)
}

/// A silent server is found out by the questions that are in flight, and then left alone, whatever the number of domains.
#[tokio::test]
async fn a_silent_server_is_found_out_once() {
    let silent = DnsFault::new(DnsFaultKind::Drop).at(TWO);
    let (standings, server) = checked_20(silent, &[]).await;
    assert_eq!(standings, vec![Standing::Unknown; 20]);
    let asked = server.asked();
    let count = |server: &str| -> u64 {
        let to = asked.iter().filter(|(asked, _)| asked.server == server);
        to.map(|(_, times)| *times).sum()
    };
    let questions = asked.keys().filter(|asked| asked.server == TWO).count();
    // Those in flight at first, and one for each domain.
    assert!(questions <= 40, "{questions} questions to a silent server");
    assert!(count(TWO) < count(ONE), "{} {}", count(TWO), count(ONE));
}

/// A server that drops the questions about one zone is no reason to say less about another one.
#[tokio::test]
async fn a_server_that_is_silent_to_one_domain_is_asked_about_others() {
    let mut seed = world(&RIGHT);
    seed.zones.insert("evil.example".to_owned(), zone(&RIGHT));
    let silent = DnsFault::new(DnsFaultKind::Drop).named("*evil.example");
    seed.faults = vec![silent.clone().at(ONE), silent.at(TWO)];
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let checker = patient_checker(&server, Duration::from_millis(300));
    for (domain, expected) in [
        ("evil.example", Standing::Unknown),
        (ACME, Standing::InSync),
    ] {
        let domain = DomainName::parse(domain).unwrap();
        let check = checker.check(&one_host(), &domain).await;
        assert_eq!(check.standing(), expected, "{}", told(&check));
    }
}

/// Where the first resolver is silent, the second one answers for it.
#[tokio::test]
async fn a_silent_resolver_is_found_out_once() {
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let nothing = DnsFault::new(DnsFaultKind::Drop).at("nobody.example");
    let (standings, _) = checked_20(nothing, &[silent.local_addr().unwrap()]).await;
    assert_eq!(standings, vec![Standing::InSync; 20]);
    let mut packets = 0;
    let mut packet = [0; 4096];
    while silent.try_recv(&mut packet).is_ok() {
        packets += 1;
    }
    assert!(
        packets < (32 + 20) * 5,
        "{packets} packets to a silent resolver"
    );
}

/// An answer that comes late is an answer to the question, whichever of its packets it belongs to.
#[tokio::test]
async fn a_late_answer_counts() {
    let mut seed = world(&RIGHT);
    seed.faults = vec![DnsFault::new(DnsFaultKind::DelayMs(150)).at(ONE)];
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let checker = patient_checker(&server, Duration::from_millis(600));
    let domain = DomainName::parse(ACME).unwrap();
    let check = checker.check(&one_host(), &domain).await;
    assert_eq!(check.standing(), Standing::InSync, "{}", told(&check));
    let traffic = checker.observer().exchange().traffic();
    assert!(
        traffic.udp_packets > traffic.questions,
        "they were repeated"
    );
}

#[tokio::test]
async fn a_forged_or_mangled_answer_changes_nothing() {
    let mut seed = world(&RIGHT);
    seed.faults = vec![DnsFault::new(DnsFaultKind::MangleCase)];
    assert_eq!(verdict(&seed).await, Verdict::Ok);
    seed.faults = vec![DnsFault::new(DnsFaultKind::DelayMs(1))];
    assert_eq!(verdict(&seed).await, Verdict::Ok);
    seed.faults = vec![DnsFault::new(DnsFaultKind::WrongId).at(ONE).times(1)];
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let checker = patient_checker(&server, Duration::from_secs(2));
    let domain = DomainName::parse(ACME).unwrap();
    let check = checker.check(&one_host(), &domain).await;
    assert_eq!(check.standing(), Standing::InSync, "{}", told(&check));
}

#[tokio::test]
async fn an_alias_that_was_flattened_is_right() {
    let template = template(serde_json::json!({
        "CNAME": {"portal.{{domain}}": {"mapping": ["ui.example.net"]}},
    }));
    let check = checked(&world(&["portal A 198.51.100.7"]), &template).await;
    assert_eq!(check.standing(), Standing::InSync, "{}", told(&check));
    assert_eq!(check.hosts[0].judgement.notes.len(), 1);
}

#[tokio::test]
async fn the_worst_verdict_counts() {
    let mut seed = world(&["us-east A 192.0.2.99", "portal CNAME ui.example.net"]);
    seed.faults = vec![DnsFault::new(DnsFaultKind::Servfail).at(ONE).named("api.*")];
    let template = template(serde_json::json!({
        "A": {"us-east.{{domain}}": {"mapping": ["192.0.2.10"]}},
        "CNAME": {"portal.{{domain}}": {"mapping": ["ui.example.net"]}},
        "CNAM": {"x.{{domain}}": {"mapping": ["ui.example.net"]}},
    }));
    let check = checked(&seed, &template).await;
    assert_eq!(check.standing(), Standing::Differs);
    assert_eq!(
        check.tally().words(),
        [(1, "different"), (1, "not understood"), (1, "ok")]
    );
    assert_eq!(check.tally().hosts(), 2);
}

/// A name that ends where the zone is delegated on is asked of the child's servers.
#[tokio::test]
async fn delegations_are_followed() {
    let mut seed = world(&[]);
    let child = ZoneSeed {
        ns: lines(&["ns.child.example"]),
        records: lines(&["@ A 192.0.2.10", "@ A 192.0.2.11"]),
        ..ZoneSeed::default()
    };
    seed.zones.insert("us-east.acme.example".to_owned(), child);
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let domain = DomainName::parse(ACME).unwrap();
    let check = checker(&server).check(&one_host(), &domain).await;
    assert_eq!(check.standing(), Standing::InSync, "{}", told(&check));
    let question = Question {
        name: RecordName::observed("us-east.acme.example"),
        record_type: RecordType::A,
    };
    let exchange = Exchange::new(ExchangeOptions::default());
    let parent = server.server(ONE).unwrap();
    let referral = exchange.ask_authoritative(parent, &question).await;
    assert_eq!(referral, Answer::Failed(Failure::Lame));
}
