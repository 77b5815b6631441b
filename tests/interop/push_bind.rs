//! Pushing to BIND 9 by dynamic updates.

use std::sync::Arc;

use emblazon::dns::push::{PushError, PushPolicy};
use emblazon::model::{RecordName, RecordType};
use emblazon::tree::KeyAlgorithm;

use crate::bind::{Bind, OTHER_SECRET, SECRET};
use crate::pushing::{
    RULES, host, pending, push, push_a_full_message, push_aliases, push_beside_a_delegation,
    push_beside_wildcards, push_rules, push_twice, writer,
};
use crate::race::before_updates;
use crate::records::{difference, expected};

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn a_push_changes_what_is_declared_and_nothing_else() {
    for algorithm in KeyAlgorithm::ALL {
        let bind = Bind::start();
        let config = bind.config(&format!("emblazon-{algorithm}"), algorithm, SECRET);
        let pushed = push_twice(&config, || bind.transfer()).await;
        insta::allow_duplicates! {
        insta::assert_snapshot!(pushed, @r##"
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
    }
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn what_was_declared_goes_and_an_exclusive_set_is_ours_alone() {
    let bind = Bind::start();
    let primary = writer(&bind.right());
    let before = bind.transfer();
    let first = pending(primary.read(), &expected(), &[], PushPolicy::default()).await;
    for change in &first.zones {
        primary.write(change).await.unwrap();
    }
    let without_it: Vec<_> = expected()
        .into_iter()
        .filter(|host| {
            host.question.name.as_str() != "note.acme.example"
                && host.question.record_type != RecordType::Caa
        })
        .collect();
    let policy = PushPolicy {
        exclusive: true,
        ..PushPolicy::default()
    };
    let second = pending(primary.read(), &without_it, &expected(), policy).await;
    for change in &second.zones {
        primary.write(change).await.unwrap();
    }
    insta::assert_snapshot!(difference(&before, &bind.transfer()), @r##"
    - acme.example. 300 IN MX 20 mail.acme.example.
    - portal.acme.example. 300 IN CNAME OLD.example.net.
    - us-east.acme.example. 120 IN A 198.51.100.9
    + _sip._udp.proxy.acme.example. 3600 IN SRV 10 10 7000 us-east.acme.example.
    + acme.example. 300 IN MX 10 mx.example.net.
    + portal.acme.example. 300 IN CNAME ui.example.net.
    + proxy.acme.example. 3600 IN NAPTR 10 100 "S" "SIP+D2U" "" _sip._udp.proxy.acme.example.
    + us-east.acme.example. 120 IN A 192.0.2.2
    + us-east.acme.example. 3600 IN AAAA 2001:db8::1
    "##);
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn a_concurrent_change_is_refused_and_not_overwritten() {
    let bind = Bind::start();
    let primary = writer(&bind.right());
    let stale = pending(primary.read(), &expected(), &[], PushPolicy::default()).await;
    bind.update("add us-east.acme.example. 120 A 203.0.113.1");
    let between = bind.transfer();
    let moved = primary.write(&stale.zones[0]).await.unwrap_err();
    insta::assert_snapshot!(moved, @"acme.example changed in the meantime, at us-east.acme.example A; nothing was written, plan again");
    assert_eq!(bind.transfer(), between, "nothing was written");
}

/// The change comes after everything was read, when only the prerequisites of the update itself can notice.
#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn a_change_in_the_last_moment_is_refused_by_the_server() {
    for change in [
        "add us-east.acme.example. 120 A 203.0.113.1",
        "delete us-east.acme.example. A 198.51.100.9",
        "delete portal.acme.example. CNAME",
        "add note.acme.example. 60 TXT theirs",
        "add note.acme.example. 60 CNAME theirs.example.net.",
        "add new.acme.example. 60 TXT theirs",
    ] {
        let bind = Arc::new(Bind::start());
        let mut hosts = expected();
        let mut alias = hosts
            .iter()
            .find(|host| host.question.record_type == RecordType::Cname)
            .unwrap()
            .clone();
        alias.question.name = RecordName::observed("new.acme.example");
        hosts.push(alias);
        let late = Arc::clone(&bind);
        let port = before_updates(bind.port, move || late.update(change));
        let primary = writer(&Bind::right_at(port));
        let planned = pending(primary.read(), &hosts, &[], PushPolicy::default()).await;
        let before = bind.transfer();
        let moved = primary.write(&planned.zones[0]).await.unwrap_err();
        assert!(
            matches!(moved, PushError::Moved { set: None, .. }),
            "{change}: {moved}"
        );
        let after = difference(&before, &bind.transfer());
        assert_eq!(
            after.lines().count(),
            1,
            "only the other's change is there: {after}"
        );
    }
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn a_key_that_is_not_right_is_told_apart() {
    let bind = Bind::start();
    let before = bind.transfer();
    let attempt = async |name: &str, algorithm, secret: &str| -> String {
        let primary = writer(&bind.config(name, algorithm, secret));
        let planned = pending(primary.read(), &expected(), &[], PushPolicy::default()).await;
        match planned.unread.first() {
            Some(reason) => reason.clone(),
            None => primary
                .write(&planned.zones[0])
                .await
                .unwrap_err()
                .to_string(),
        }
    };
    let sha256 = KeyAlgorithm::HmacSha256;
    let mut lines = Vec::new();
    for (name, algorithm, secret) in [
        ("emblazon-hmac-sha256", sha256, OTHER_SECRET),
        ("nobody", sha256, SECRET),
        ("emblazon-hmac-sha256", KeyAlgorithm::HmacSha512, SECRET),
        ("reader", sha256, SECRET),
    ] {
        let error = attempt(name, algorithm, secret).await;
        assert!(!error.contains(secret), "no secret in {error}");
        lines.push(error.replace(&bind.port.to_string(), "PORT"));
    }
    insta::assert_snapshot!(lines.join("\n"), @r##"
    127.0.0.1:PORT cannot verify the signature of key emblazon-hmac-sha256 (BADSIG); the secret here is not the server's
    127.0.0.1:PORT does not know key nobody with this algorithm (BADKEY); compare name and algorithm with the server's
    127.0.0.1:PORT does not know key emblazon-hmac-sha256 with this algorithm (BADKEY); compare name and algorithm with the server's
    127.0.0.1:PORT refuses key reader for acme.example (REFUSED); allow it there (BIND: `update-policy`, Knot: `acl`, PowerDNS: `TSIG-ALLOW-DNSUPDATE`)
    "##);
    assert_eq!(bind.transfer(), before, "nothing was written");
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn a_name_without_a_zone_is_refused_and_the_others_go_on() {
    let bind = Bind::start();
    let primary = writer(&bind.right());
    let mut hosts = expected();
    let mut elsewhere = hosts[0].clone();
    elsewhere.question.name = RecordName::observed("a.other.example");
    hosts.push(elsewhere);
    let planned = pending(primary.read(), &hosts, &[], PushPolicy::default()).await;
    assert_eq!(planned.zones.len(), 1);
    let refused: Vec<String> = planned
        .refused
        .iter()
        .map(|it| it.reason.replace(&bind.port.to_string(), "PORT"))
        .collect();
    insta::assert_snapshot!(refused.join("\n"), @r##"127.0.0.1:PORT has no zone for a.other.example; create the zone there, or set `dns: observe` for the account"##);
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn bind_answers_by_wildcards_and_they_are_told_from_sets() {
    let bind = Bind::start();
    let update = |change: &str| bind.update(change);
    let pushed = push_beside_wildcards(&bind.right(), update, || bind.transfer()).await;
    assert_eq!(pushed, "+ a.wild.acme.example. 3600 IN A 192.0.2.77");
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn bind_changes_aliases_in_a_signed_zone() {
    let bind = Bind::start_signed();
    let pushed = push_aliases(&bind.right(), || bind.transfer()).await;
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

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn bind_delegates_names_and_only_they_are_refused() {
    let bind = Bind::start();
    bind.update("add sub.acme.example. 300 NS ns.other.example.");
    let pushed = push_beside_a_delegation(&bind.right(), bind.port, || bind.transfer()).await;
    insta::assert_snapshot!(pushed, @"
    a.sub.acme.example A: 127.0.0.1:PORT delegates sub.acme.example out of acme.example to other name servers, and a.sub.acme.example belongs to sub.acme.example; enter it at the primary of sub.acme.example, or set `dns: observe` for the account
    sub.acme.example TXT: 127.0.0.1:PORT delegates sub.acme.example out of acme.example to other name servers, and sub.acme.example belongs to sub.acme.example; enter it at the primary of sub.acme.example, or set `dns: observe` for the account
    + beside.acme.example. 3600 IN A 192.0.2.5
    ");
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn bind_takes_single_rules_away() {
    let bind = Bind::start();
    for rule in RULES {
        bind.update(&format!("add proxy.acme.example. 300 NAPTR {rule}"));
    }
    let pushed = push_rules(&bind.right(), || bind.transfer()).await;
    insta::assert_snapshot!(pushed, @r#"
    - proxy.acme.example. 300 IN NAPTR 10 100 "S" "SIP+D2U" "" _sip._udp.acme.example.
    - proxy.acme.example. 300 IN NAPTR 20 100 "S" "SIP+D2T" "" _sip._tcp.acme.example.
    + proxy.acme.example. 300 IN NAPTR 40 100 "S" "SIPS+D2T" "" _sips._tcp.acme.example.
    - proxy.acme.example. 300 IN NAPTR 40 100 "S" "SIPS+D2T" "" _sips._tcp.acme.example.
    "#);
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn a_zone_is_not_chosen_through_an_alias() {
    let brand = "brand.acme.example";
    let bind = Bind::start_beside(&[(
        brand,
        "$TTL 300\n@ IN SOA ns.acme.example. hostmaster.acme.example. 1 3600 600 86400 60\n@ IN NS ns.acme.example.\n\
         portal IN CNAME us-east.acme.example.\n",
    )]);
    let hosts = [host("portal.brand", RecordType::Cname, &["ui.example.net"])];
    let platform = bind.transfer();
    let pushed = push(&bind.right(), &hosts, &[], || bind.transfer_of(brand)).await;
    insta::assert_snapshot!(pushed, @"
    - portal.brand.acme.example. 300 IN CNAME us-east.acme.example.
    + portal.brand.acme.example. 300 IN CNAME ui.example.net.
    ");
    assert_eq!(bind.transfer(), platform);
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn bind_takes_a_full_message() {
    let bind = Bind::start();
    assert_eq!(
        push_a_full_message(&bind.right(), || bind.transfer()).await,
        319
    );
}
