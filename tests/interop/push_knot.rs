//! Pushing to Knot DNS by dynamic updates, and looking at what it answers.

use emblazon::dns::push::{PushError, PushPolicy};
use emblazon::dns::{Checker, Exchange, ExchangeOptions, Observer, Verdict, ZoneOptions};
use emblazon::model::{DomainName, DomainTemplate};

use crate::knot::Knot;
use crate::pushing::{
    RULES, pending, push_a_full_message, push_aliases, push_beside_a_delegation,
    push_beside_wildcards, push_rules, push_twice, writer,
};
use crate::records::{ZONE, expected};

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn knot_changes_what_is_declared_and_nothing_else() {
    let knot = Knot::start();
    insta::assert_snapshot!(push_twice(&knot.right(), || knot.transfer()).await, @r##"
    - portal.acme.example. 300 IN CNAME old.example.net.
    + _sip._udp.proxy.acme.example. 3600 IN SRV 10 10 7000 us-east.acme.example.
    + acme.example. 300 IN MX 10 mx.example.net.
    + acme.example. 3600 IN CAA 0 issue "ca.example"
    + note.acme.example. 3600 IN TXT "say \"hi\"; and \\ more"
    + portal.acme.example. 300 IN CNAME ui.example.net.
    + proxy.acme.example. 3600 IN NAPTR 10 100 "S" "SIP+D2U" "" _sip._udp.proxy.acme.example.
    + us-east.acme.example. 120 IN A 192.0.2.2
    + us-east.acme.example. 3600 IN AAAA 2001:db8::1
    "##);
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn knot_refuses_what_changed_in_between() {
    let knot = Knot::start();
    let primary = writer(&knot.right());
    let planned = pending(primary.read(), &expected(), &[], PushPolicy::default()).await;
    knot.update("add us-east.acme.example. 120 A 203.0.113.1");
    let between = knot.transfer();
    let error = primary.write(&planned.zones[0]).await.unwrap_err();
    assert!(matches!(error, PushError::Moved { .. }), "{error}");
    assert_eq!(knot.transfer(), between, "nothing was written");
}

/// What the world sees of a Knot, before a push and after it.
#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn knot_is_observed() {
    let knot = Knot::start();
    let server = ([127, 0, 0, 1], knot.port).into();
    let options = ZoneOptions {
        servers: vec![server],
        ..ZoneOptions::at(server)
    };
    let template: DomainTemplate = serde_json::from_value(serde_json::json!({
        "CNAME": {"portal.{{domain}}": {"mapping": ["ui.example.net"]}},
        "A": {"us-east.{{domain}}": {"mapping": ["192.0.2.1", "198.51.100.9"]},
              "absent.{{domain}}": {"mapping": ["192.0.2.7"]}},
        "TXT": {"spf.{{domain}}": {"mapping": ["v=spf1 -all"]}},
    }))
    .unwrap();
    let exchange = Exchange::new(ExchangeOptions::default());
    let checker = Checker::new(Observer::new(exchange, options));
    let found = checker
        .check(&template, &DomainName::parse(ZONE).unwrap())
        .await;
    let verdicts: Vec<String> = found
        .hosts
        .iter()
        .map(|host| {
            let judgement = &host.judgement;
            let word = match judgement.verdict {
                Verdict::Ok => "ok",
                Verdict::Missing => "missing",
                Verdict::Different => "different",
                _ => "something else",
            };
            format!("{}: {word}", judgement.expected.question)
        })
        .collect();
    insta::assert_snapshot!(verdicts.join("\n"), @r"
    absent.acme.example A: missing
    portal.acme.example CNAME: different
    spf.acme.example TXT: ok
    us-east.acme.example A: ok
    ");
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn knot_answers_by_wildcards_and_they_are_told_from_sets() {
    let knot = Knot::start();
    let update = |change: &str| knot.update(change);
    let pushed = push_beside_wildcards(&knot.right(), update, || knot.transfer()).await;
    assert_eq!(pushed, "+ a.wild.acme.example. 3600 IN A 192.0.2.77");
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn knot_changes_aliases_in_a_signed_zone() {
    let knot = Knot::start_signed();
    let pushed = push_aliases(&knot.right(), || knot.transfer()).await;
    insta::assert_snapshot!(pushed, @r"
    - portal.acme.example. 300 IN CNAME old.example.net.
    - us-east.acme.example. 120 IN A 192.0.2.1
    - us-east.acme.example. 120 IN A 198.51.100.9
    - www.acme.example. 300 IN CNAME www.example.org.
    + portal.acme.example. 3600 IN A 192.0.2.5
    + us-east.acme.example. 3600 IN CNAME ui.example.net.
    + www.acme.example. 300 IN CNAME www.example.net.
    ");
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn knot_delegates_names_and_only_they_are_refused() {
    let knot = Knot::start();
    knot.update("add sub.acme.example. 300 NS ns.other.example.");
    let pushed = push_beside_a_delegation(&knot.right(), knot.port, || knot.transfer()).await;
    insta::assert_snapshot!(pushed, @"
    a.sub.acme.example A: 127.0.0.1:PORT delegates sub.acme.example out of acme.example to other name servers, and a.sub.acme.example belongs to sub.acme.example; enter it at the primary of sub.acme.example, or set `dns: observe` for the account
    sub.acme.example TXT: 127.0.0.1:PORT delegates sub.acme.example out of acme.example to other name servers, and sub.acme.example belongs to sub.acme.example; enter it at the primary of sub.acme.example, or set `dns: observe` for the account
    + beside.acme.example. 3600 IN A 192.0.2.5
    ");
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn knot_takes_single_rules_away() {
    let knot = Knot::start();
    for rule in RULES {
        knot.update(&format!("add proxy.acme.example. 300 NAPTR {rule}"));
    }
    let pushed = push_rules(&knot.right(), || knot.transfer()).await;
    insta::assert_snapshot!(pushed, @r#"
    - proxy.acme.example. 300 IN NAPTR 10 100 "S" "SIP+D2U" "" _sip._udp.acme.example.
    - proxy.acme.example. 300 IN NAPTR 20 100 "S" "SIP+D2T" "" _sip._tcp.acme.example.
    + proxy.acme.example. 300 IN NAPTR 40 100 "S" "SIPS+D2T" "" _sips._tcp.acme.example.
    - proxy.acme.example. 300 IN NAPTR 40 100 "S" "SIPS+D2T" "" _sips._tcp.acme.example.
    "#);
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn knot_takes_a_full_message() {
    let knot = Knot::start();
    assert_eq!(
        push_a_full_message(&knot.right(), || knot.transfer()).await,
        319
    );
}
