//! Pushing to PowerDNS, by its API and by dynamic updates.

use std::collections::BTreeMap;

use emblazon::dns::Expected;
use emblazon::dns::push::{PushError, PushPolicy, SetChange, ZoneChange};
use emblazon::model::RecordType;

use crate::bind::OTHER_SECRET;
use crate::bind::SECRET;
use crate::counted::counted;
use crate::powerdns::PowerDns;
use crate::process::{free_port, until};
use crate::pushing::{
    RULES, host, pending, push, push_a_full_message, push_aliases, push_beside_a_delegation,
    push_rules, push_twice, reader, writer,
};
use crate::records::{ZONE, expected};
use crate::secondary::Secondary;

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn the_api_changes_what_is_declared_and_nothing_else() {
    let server = PowerDns::start();
    server.sql("INSERT INTO records (domain_id, name, type, content, ttl, disabled) VALUES (1, 'us-east.acme.example', 'A', '192.0.2.99', 120, 1)");
    insta::assert_snapshot!(push_twice(&server.right_api(), || server.transfer()).await, @r##"
    - portal.acme.example. 300 IN CNAME OLD.example.net.
    + _sip._udp.proxy.acme.example. 3600 IN SRV 10 10 7000 us-east.acme.example.
    + acme.example. 300 IN MX 10 mx.example.net.
    + acme.example. 3600 IN CAA 0 issue "ca.example"
    + note.acme.example. 3600 IN TXT "say \"hi\"; and \\ more"
    + portal.acme.example. 300 IN CNAME ui.example.net.
    + proxy.acme.example. 3600 IN NAPTR 10 100 "S" "SIP+D2U" "" _sip._udp.proxy.acme.example.
    + us-east.acme.example. 120 IN A 192.0.2.2
    + us-east.acme.example. 3600 IN AAAA 2001:db8::1
    "##);
    let off = server.ask_sql("SELECT content FROM records WHERE disabled = 1");
    assert_eq!(off.trim(), "192.0.2.99", "what is switched off stays");
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn dynamic_updates_do_the_same() {
    let server = PowerDns::start();
    insta::assert_snapshot!(push_twice(&server.updates(SECRET), || server.transfer()).await, @r##"
    - portal.acme.example. 300 IN CNAME OLD.example.net.
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
async fn a_change_in_between_is_refused() {
    let server = PowerDns::start();
    for config in [server.right_api(), server.updates(SECRET)] {
        let primary = writer(&config);
        let planned = pending(primary.read(), &expected(), &[], PushPolicy::default()).await;
        server.by_hand(&[
            "add-record",
            "acme.example",
            "us-east",
            "A",
            "120",
            "203.0.113.1",
        ]);
        let between = server.transfer();
        let error = primary.write(&planned.zones[0]).await.unwrap_err();
        assert!(matches!(error, PushError::Moved { .. }), "{error}");
        assert_eq!(server.transfer(), between, "nothing was written");
        server.by_hand(&[
            "replace-rrset",
            "acme.example",
            "us-east",
            "A",
            "120",
            "192.0.2.1",
            "198.51.100.9",
        ]);
    }
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn wrong_keys_are_told_apart() {
    let server = PowerDns::start();
    let mut lines = Vec::new();
    for config in [server.api("wrong"), server.updates(OTHER_SECRET)] {
        let planned = pending(&reader(&config), &expected(), &[], PushPolicy::default()).await;
        let error = planned.unread.first().unwrap();
        lines.push(
            error
                .replace(&server.api.to_string(), "PORT")
                .replace(&server.port.to_string(), "PORT"),
        );
    }
    insta::assert_snapshot!(lines.join("\n"), @r##"
    PowerDNS at http://127.0.0.1:PORT/ does not accept the API key; compare it with `api-key` in pdns.conf
    127.0.0.1:PORT does not accept key emblazon (NOTAUTH, without a reason); compare its name, algorithm and secret with the server's
    "##);
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn powerdns_changes_aliases_in_a_signed_zone() {
    for is_api in [true, false] {
        let server = PowerDns::start();
        server.sign();
        let config = if is_api {
            server.right_api()
        } else {
            server.updates(SECRET)
        };
        let pushed = push_aliases(&config, || server.transfer()).await;
        insta::allow_duplicates! {
        insta::assert_snapshot!(pushed, @r"
    - portal.acme.example. 300 IN CNAME OLD.example.net.
    - us-east.acme.example. 120 IN A 192.0.2.1
    - us-east.acme.example. 120 IN A 198.51.100.9
    - www.acme.example. 300 IN CNAME www.example.org.
    + portal.acme.example. 3600 IN A 192.0.2.5
    + us-east.acme.example. 3600 IN CNAME ui.example.net.
    + www.acme.example. 300 IN CNAME www.example.net.
    ");
            }
    }
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn powerdns_delegates_names_and_only_they_are_refused() {
    let server = PowerDns::start();
    server.by_hand(&["add-record", ZONE, "sub", "NS", "300", "ns.other.example."]);
    let mut pushed = Vec::new();
    for (config, port) in [
        (server.right_api(), server.api),
        (server.updates(SECRET), server.port),
    ] {
        pushed.push(push_beside_a_delegation(&config, port, || server.transfer()).await);
        server.by_hand(&["delete-rrset", ZONE, "beside", "A"]);
    }
    insta::assert_snapshot!(pushed.join("\n"), @"
    a.sub.acme.example A: PowerDNS at http://127.0.0.1:PORT/ delegates sub.acme.example out of acme.example to other name servers, and a.sub.acme.example belongs to sub.acme.example; enter it at the primary of sub.acme.example, or set `dns: observe` for the account
    sub.acme.example TXT: PowerDNS at http://127.0.0.1:PORT/ delegates sub.acme.example out of acme.example to other name servers, and sub.acme.example belongs to sub.acme.example; enter it at the primary of sub.acme.example, or set `dns: observe` for the account
    + beside.acme.example. 3600 IN A 192.0.2.5
    a.sub.acme.example A: 127.0.0.1:PORT delegates sub.acme.example out of acme.example to other name servers, and a.sub.acme.example belongs to sub.acme.example; enter it at the primary of sub.acme.example, or set `dns: observe` for the account
    sub.acme.example TXT: 127.0.0.1:PORT delegates sub.acme.example out of acme.example to other name servers, and sub.acme.example belongs to sub.acme.example; enter it at the primary of sub.acme.example, or set `dns: observe` for the account
    + beside.acme.example. 3600 IN A 192.0.2.5
    ");
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn powerdns_takes_single_rules_away() {
    for is_api in [true, false] {
        let server = PowerDns::start();
        let add = ["add-record", ZONE, "proxy", "NAPTR", "300"];
        server.by_hand(&[add.as_slice(), &RULES].concat());
        let config = if is_api {
            server.right_api()
        } else {
            server.updates(SECRET)
        };
        let pushed = push_rules(&config, || server.transfer()).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(pushed, @r#"
            - proxy.acme.example. 300 IN NAPTR 10 100 "S" "SIP+D2U" "" _sip._udp.acme.example.
            - proxy.acme.example. 300 IN NAPTR 20 100 "S" "SIP+D2T" "" _sip._tcp.acme.example.
            + proxy.acme.example. 300 IN NAPTR 40 100 "S" "SIPS+D2T" "" _sips._tcp.acme.example.
            - proxy.acme.example. 300 IN NAPTR 40 100 "S" "SIPS+D2T" "" _sips._tcp.acme.example.
            "#);
        }
    }
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn a_secondary_hears_of_each_write_over_the_api() {
    for method in ["", "INCREASE", "DEFAULT"] {
        let port = free_port();
        let server = PowerDns::start_notifying(port);
        server.by_hand(&["set-meta", ZONE, "SOA-EDIT-API", method]);
        let secondary = Secondary::start(port, server.port);
        let primary = server.transfer();
        until("the secondary has the zone", || {
            secondary.transfer().as_ref() == Ok(&primary)
        });
        let hosts = [host("a", RecordType::A, &["192.0.2.5"])];
        for (now, earlier) in [(&hosts[..], &[][..]), (&[], &hosts)] {
            push(&server.right_api(), now, earlier, || server.transfer()).await;
            let primary = server.transfer();
            until("the secondary has what was written", || {
                secondary.transfer().as_ref() == Ok(&primary)
            });
        }
        let standings = reader(&server.right_api())
            .standings(&[hosts[0].question.clone()].into())
            .await;
        let note = standings.notes.into_values().next().unwrap_or_default();
        assert_eq!(!note.is_empty(), method.is_empty(), "{note}");
    }
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn a_copy_of_a_zone_is_not_written() {
    let server = PowerDns::start();
    server.by_hand(&["change-secondary-zone-primary", ZONE, "127.0.0.2"]);
    server.by_hand(&["set-kind", ZONE, "slave"]);
    let pushed = push(&server.right_api(), &expected()[..1], &[], || {
        server.transfer()
    })
    .await;
    insta::assert_snapshot!(pushed.replace(&server.api.to_string(), "PORT"), @"_sip._udp.proxy.acme.example SRV: PowerDNS at http://127.0.0.1:PORT/ is a secondary of acme.example (kind Slave) and transfers it from 127.0.0.2, so what is written there is lost; put the zone's primary under `dns: push`, or set `dns: observe` for the account");
}

/// Two hundred steps of one account each in a zone of two thousand records: the zone is fetched once, and each step asks
/// for its own names.
#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn the_whole_zone_is_fetched_once_a_turn() {
    let server = PowerDns::start();
    server.sql(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1999) \
         INSERT INTO records (domain_id, name, type, content, ttl, disabled) \
         SELECT 1, 'host' || i || '.acme.example', 'A', '192.0.2.9', 300, 0 FROM n",
    );
    server.sql("INSERT INTO records (domain_id, name, type, content, ttl, disabled) VALUES (1, 'a.b7.acme.example', 'A', '192.0.2.99', 300, 1)");
    let (port, asked) = counted(server.api);
    let primary = writer(&PowerDns::right_api_at(port));
    let hosts: Vec<Expected> = (0..200)
        .flat_map(|number| {
            let name = |label: &str| format!("{label}.b{number}");
            [
                host(&name("a"), RecordType::A, &["192.0.2.5"]),
                host(&name("b"), RecordType::Txt, &["x"]),
            ]
        })
        .collect();
    let planned = pending(primary.read(), &hosts, &[], PushPolicy::default()).await;
    let take = || -> Vec<String> { std::mem::take(asked.lock().unwrap().as_mut()) };
    let plan = take();
    assert_eq!(plan.len(), 3, "{plan:?}");
    let zone = &planned.zones[0];
    let mut brands: BTreeMap<&str, Vec<SetChange>> = BTreeMap::new();
    for set in &zone.sets {
        let (_, brand) = set.question.name.as_str().split_once('.').unwrap();
        brands.entry(brand).or_default().push(set.clone());
    }
    for sets in brands.into_values() {
        let change = ZoneChange {
            zone: zone.zone.clone(),
            sets: sets.clone(),
        };
        let questions = sets.iter().map(|set| set.question.clone()).collect();
        for _ in 0..2 {
            primary.read().read(&change.zone, &questions).await.unwrap();
        }
        primary.write(&change).await.unwrap();
    }
    let steps = take();
    let is_whole = |line: &&String| line.ends_with("/zones/acme.example.");
    let fetched = steps
        .iter()
        .filter(is_whole)
        .filter(|line| line.starts_with("GET"))
        .count();
    let patched = steps
        .iter()
        .filter(|line| line.starts_with("PATCH"))
        .count();
    // The one step whose set has a record that is switched off reads the whole zone for its write.
    assert_eq!((fetched, patched), (1, 200));
    // Two names and the one above them, twice; for the write also the apex.
    assert_eq!(steps.len(), 199 * (3 + 3 + 4 + 1) + (3 + 3 + 1 + 1));
    let again = pending(primary.read(), &hosts, &[], PushPolicy::default()).await;
    assert_eq!(again.zones, vec![]);
    let off = server.ask_sql("SELECT content FROM records WHERE disabled = 1");
    assert_eq!(off.trim(), "192.0.2.99", "what is switched off stays");
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn powerdns_takes_a_full_message() {
    for is_api in [true, false] {
        let server = PowerDns::start();
        let config = if is_api {
            server.right_api()
        } else {
            server.updates(SECRET)
        };
        assert_eq!(
            push_a_full_message(&config, || server.transfer()).await,
            319
        );
    }
}
