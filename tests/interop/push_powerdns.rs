//! Pushing to PowerDNS, by its API and by dynamic updates.

use emblazon::dns::push::{PushError, PushPolicy};

use crate::bind::OTHER_SECRET;
use crate::bind::SECRET;
use crate::powerdns::PowerDns;
use crate::pushing::{pending, push_aliases, push_twice, reader, writer};
use crate::records::expected;

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
