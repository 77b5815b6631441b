use super::*;
use crate::dns::Question;
use crate::model::record::RecordData;

fn set(name: &str, record_type: RecordType, before: &[&str], after: &[&str]) -> SetChange {
    let data = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| RecordData::parse(record_type, text).unwrap())
            .collect()
    };
    SetChange {
        question: Question {
            name: RecordName::observed(name),
            record_type,
        },
        before: data(before),
        after: data(after),
        ttl: 300,
    }
}

/// Writes what a change sends, one line a record.
fn written(sets: Vec<SetChange>) -> String {
    pinned(sets, Pin::Records)
}

fn pinned(sets: Vec<SetChange>, pin: Pin) -> String {
    let raw: Vec<Vec<Record>> = sets
        .iter()
        .map(|set| {
            set.before
                .iter()
                .map(|data| wire::added(&set.question, data, 77).unwrap())
                .collect()
        })
        .collect();
    let change = ZoneChange {
        zone: RecordName::observed("acme.example"),
        sets,
    };
    shown(&message(&change, &raw, pin).unwrap())
}

fn shown(message: &Message) -> String {
    use std::fmt::Write as _;

    let mut text = String::new();
    for (section, records) in [("if", message.prerequisites()), ("do", message.updates())] {
        for record in records {
            writeln!(
                text,
                "{section} {} {} {} {} {}",
                record.name,
                record.ttl,
                record.dns_class,
                record.record_type(),
                record.data
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn an_update_says_what_must_stand_and_what_changes() {
    insta::assert_snapshot!(written(vec![
        set("a.acme.example", RecordType::A, &["192.0.2.1", "192.0.2.2"], &["192.0.2.1", "192.0.2.3"]),
        set("b.acme.example", RecordType::Cname, &[], &["ui.example.net"]),
        set("c.acme.example", RecordType::Txt, &[], &["v=1"]),
        set("d.acme.example", RecordType::Mx, &["10 mx.example.net"], &[]),
    ]), @r##"
    if a.acme.example. 0 IN A 192.0.2.1
    if a.acme.example. 0 IN A 192.0.2.2
    if b.acme.example. 0 NONE CNAME UPDATE
    if b.acme.example. 0 NONE ANY UPDATE
    if c.acme.example. 0 NONE TXT UPDATE
    if c.acme.example. 0 NONE CNAME UPDATE
    if d.acme.example. 0 IN MX 10 mx.example.net.
    do a.acme.example. 0 NONE A 192.0.2.2
    do d.acme.example. 0 NONE MX 10 mx.example.net.
    do a.acme.example. 300 IN A 192.0.2.3
    do b.acme.example. 300 IN CNAME ui.example.net.
    do c.acme.example. 300 IN TXT v=1
    "##);
}

/// An alias takes the place of addresses in one message: the addresses go first.
#[test]
fn an_alias_may_take_the_place_of_addresses() {
    insta::assert_snapshot!(written(vec![
        set("a.acme.example", RecordType::A, &["192.0.2.1"], &[]),
        set("a.acme.example", RecordType::Cname, &[], &["ui.example.net"]),
    ]), @r##"
    if a.acme.example. 0 IN A 192.0.2.1
    if a.acme.example. 0 NONE CNAME UPDATE
    do a.acme.example. 0 NONE A 192.0.2.1
    do a.acme.example. 300 IN CNAME ui.example.net.
    "##);
}

/// An alias replaces the one that stands, so nothing is deleted; one that goes altogether is.
#[test]
fn an_alias_replaces_an_alias() {
    insta::assert_snapshot!(written(vec![
        set("a.acme.example", RecordType::Cname, &["old.example.net"], &["ui.example.net"]),
        set("b.acme.example", RecordType::Cname, &["old.example.net"], &[]),
    ]), @"
    if a.acme.example. 0 IN CNAME old.example.net.
    if b.acme.example. 0 IN CNAME old.example.net.
    do b.acme.example. 0 NONE CNAME old.example.net.
    do a.acme.example. 300 IN CNAME ui.example.net.
    ");
}

/// What a signed zone of Knot lost when types changed places is added to an empty name only.
#[test]
fn what_was_left_out_is_added_again() {
    let sets = [
        set(
            "a.acme.example",
            RecordType::Cname,
            &[],
            &["ui.example.net"],
        ),
        set("b.acme.example", RecordType::A, &[], &["192.0.2.1"]),
    ];
    let again = again(&RecordName::observed("acme.example"), &sets.each_ref()).unwrap();
    insta::assert_snapshot!(shown(&again), @"
    if a.acme.example. 0 NONE CNAME UPDATE
    if a.acme.example. 0 NONE ANY UPDATE
    if b.acme.example. 0 NONE A UPDATE
    if b.acme.example. 0 NONE CNAME UPDATE
    do a.acme.example. 300 IN CNAME ui.example.net.
    do b.acme.example. 300 IN A 192.0.2.1
    ");
}

/// A set of rules is deleted as a whole, and what stays is added again.
#[test]
fn rules_are_replaced_as_a_set() {
    let rule = |order: u8| format!("{order} 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.a.net.");
    let rules = || {
        vec![
            set(
                "a.acme.example",
                RecordType::Naptr,
                &[&rule(10), &rule(20)],
                &[&rule(20), &rule(30)],
            ),
            set(
                "b.acme.example",
                RecordType::Naptr,
                &[&rule(10)],
                &[&rule(10), &rule(20)],
            ),
            set("c.acme.example", RecordType::A, &["192.0.2.1"], &[]),
        ]
    };
    insta::assert_snapshot!(written(rules()), @r#"
    if a.acme.example. 0 IN NAPTR 10 100 "S" "SIP+D2U" "" _sip._udp.a.net.
    if a.acme.example. 0 IN NAPTR 20 100 "S" "SIP+D2U" "" _sip._udp.a.net.
    if b.acme.example. 0 IN NAPTR 10 100 "S" "SIP+D2U" "" _sip._udp.a.net.
    if c.acme.example. 0 IN A 192.0.2.1
    do a.acme.example. 0 ANY NAPTR UPDATE
    do a.acme.example. 77 IN NAPTR 20 100 "S" "SIP+D2U" "" _sip._udp.a.net.
    do c.acme.example. 0 NONE A 192.0.2.1
    do a.acme.example. 300 IN NAPTR 30 100 "S" "SIP+D2U" "" _sip._udp.a.net.
    do b.acme.example. 300 IN NAPTR 20 100 "S" "SIP+D2U" "" _sip._udp.a.net.
    "#);
    insta::assert_snapshot!(pinned(rules(), Pin::Existence), @r#"
    if a.acme.example. 0 ANY NAPTR UPDATE
    if b.acme.example. 0 ANY NAPTR UPDATE
    if c.acme.example. 0 IN A 192.0.2.1
    do a.acme.example. 0 ANY NAPTR UPDATE
    do a.acme.example. 77 IN NAPTR 20 100 "S" "SIP+D2U" "" _sip._udp.a.net.
    do c.acme.example. 0 NONE A 192.0.2.1
    do a.acme.example. 300 IN NAPTR 30 100 "S" "SIP+D2U" "" _sip._udp.a.net.
    do b.acme.example. 300 IN NAPTR 20 100 "S" "SIP+D2U" "" _sip._udp.a.net.
    "#);
}

/// The octets that a change is said to take are enough for its message, and not many more.
#[test]
fn a_message_is_as_large_as_it_is_said_to_be() {
    #[track_caller]
    fn check(record_type: RecordType, before: &[&str], after: &[&str]) {
        let sets: Vec<SetChange> = (0..100)
            .map(|number| {
                let name = format!("n{number}.a-name-that-nothing-else-has-{number}.example");
                set(&name, record_type, before, after)
            })
            .collect();
        let said: usize = sets.iter().map(super::super::octets).sum();
        let raw: Vec<Vec<Record>> = sets
            .iter()
            .map(|set| {
                let record = |data| wire::added(&set.question, data, 77).unwrap();
                set.before.iter().map(record).collect()
            })
            .collect();
        let zone = RecordName::observed("example");
        let change = ZoneChange { zone, sets };
        let message = message(&change, &raw, Pin::Records).unwrap();
        let len = message.to_vec().unwrap().len();
        assert!(
            (len..3 * len).contains(&said),
            "{said} octets said, {len} there"
        );
    }
    check(RecordType::A, &[], &["192.0.2.1"]);
    check(RecordType::Aaaa, &["2001:db8::1"], &[]);
    check(RecordType::Cname, &["a.example"], &["b.example"]);
    check(
        RecordType::Mx,
        &["10 a.example"],
        &["10 a.example", "20 b.example"],
    );
    let (one, two) = (
        "10 100 S SIP+D2U \"\" _sip._udp.a.net",
        "20 100 U E2U+sip \"!^.*$!sip:a@b.c!\" .",
    );
    check(RecordType::Naptr, &[one, two], &[one]);
    check(RecordType::Srv, &[], &["10 10 7000 a.example.net"]);
    let long = "x".repeat(600);
    check(RecordType::Txt, &["\"\""], &["\"\"", &long]);
    check(RecordType::Caa, &[], &["0 issue \"ca.example\""]);
}
