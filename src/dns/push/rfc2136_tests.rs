use super::*;
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
    shown(&message(&change, &raw).unwrap())
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
        set("a.acme.example", RecordType::Cname, &[], &["ui.example.net"]),
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
