use super::*;

fn question(name: &str, record_type: RecordType) -> Question {
    Question {
        name: RecordName::observed(name),
        record_type,
    }
}

fn sets(json: Value) -> Vec<RrSet> {
    serde_json::from_value(json).unwrap()
}

fn data(record_type: RecordType, texts: &[&str]) -> BTreeSet<RecordData> {
    texts
        .iter()
        .map(|text| RecordData::parse(record_type, text).unwrap())
        .collect()
}

/// Records that are switched off are not ours to lose, and those that stay keep their spelling.
#[test]
fn a_replaced_set_keeps_what_is_switched_off() {
    let zone = sets(json!([{
        "name": "a.acme.example.", "type": "A", "ttl": 120,
        "records": [
            {"content": "192.0.2.1", "disabled": false},
            {"content": "192.0.2.9", "disabled": true},
            {"content": "192.0.2.2", "disabled": false},
        ],
    }]));
    let question = question("a.acme.example", RecordType::A);
    let before = standing(&zone, &question).unwrap();
    assert_eq!(before.ttl, Some(120));
    assert_eq!(
        before.records,
        data(RecordType::A, &["192.0.2.1", "192.0.2.2"])
    );
    let set = SetChange {
        question: question.clone(),
        before: before.records,
        after: data(RecordType::A, &["192.0.2.1", "192.0.2.3"]),
        ttl: 120,
    };
    assert_eq!(
        patch(&set, find(&zone, &question)),
        json!({
            "name": "a.acme.example.", "type": "A", "ttl": 120, "changetype": "REPLACE",
            "records": [
                {"content": "192.0.2.1", "disabled": false},
                {"content": "192.0.2.9", "disabled": true},
                {"content": "192.0.2.3", "disabled": false},
            ],
        })
    );
}

#[test]
fn an_empty_set_is_deleted() {
    let set = SetChange {
        question: question("a.acme.example", RecordType::A),
        before: data(RecordType::A, &["192.0.2.1"]),
        after: BTreeSet::new(),
        ttl: 60,
    };
    assert_eq!(
        patch(&set, None),
        json!({"name": "a.acme.example.", "type": "A", "changetype": "DELETE"})
    );
}

/// A set that is not understood is unknown, and is not overwritten.
#[test]
fn a_set_that_is_not_understood_is_left_out() {
    let zone = sets(json!([{
        "name": "a.acme.example.", "type": "SRV", "ttl": 60,
        "records": [{"content": "what is this"}],
    }]));
    assert_eq!(
        standing(&zone, &question("a.acme.example", RecordType::Srv)),
        None
    );
}

#[test]
fn other_types_at_the_name_are_seen() {
    let zone = sets(json!([
        {"name": "A.acme.example.", "type": "LUA", "ttl": 60, "records": [{"content": "A \"x\""}]},
        {"name": "a.acme.example.", "type": "TXT", "ttl": 60, "records": [{"content": "\"x\"", "disabled": true}]},
    ]));
    let standing = standing(&zone, &question("a.acme.example", RecordType::Cname)).unwrap();
    assert_eq!(standing.beside, BTreeSet::from(["LUA".to_owned()]));
}

/// What stands at or below a delegation belongs to the delegated zone; the outermost cut counts.
#[test]
fn a_name_below_other_name_servers_is_delegated() {
    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        let zone = sets(json!([
            {"name": "acme.example.", "type": "NS", "ttl": 60, "records": [{"content": "ns.acme.example."}]},
            {"name": "Sub.acme.example.", "type": "NS", "ttl": 60, "records": [{"content": "ns.other.example."}]},
            {"name": "a.sub.acme.example.", "type": "NS", "ttl": 60, "records": [{"content": "ns.other.example."}]},
            {"name": "off.acme.example.", "type": "NS", "ttl": 60, "records": [{"content": "ns.other.example.", "disabled": true}]},
        ]));
        let found = cut(
            &RecordName::observed("acme.example"),
            &RecordName::observed(name),
            &zone,
        );
        assert_eq!(found, expected.map(RecordName::observed), "{name}");
    }
    check("acme.example", None);
    check("a.acme.example", None);
    check("nosub.acme.example", None);
    check("x.off.acme.example", None);
    check("sub.acme.example", Some("sub.acme.example"));
    check("b.sub.acme.example", Some("sub.acme.example"));
    check("b.a.sub.acme.example", Some("sub.acme.example"));
}

fn content(kind: &str, soa_edit_api: &Value) -> ZoneContent {
    serde_json::from_value(json!({"kind": kind, "soa_edit_api": soa_edit_api, "rrsets": []}))
        .unwrap()
}

#[test]
fn copies_are_told_from_primaries() {
    #[track_caller]
    fn check(kind: &str, expected: bool) {
        assert_eq!(content(kind, &Value::Null).is_copy(), expected, "{kind}");
    }
    for kind in ["Native", "Master", "Primary", "Producer", ""] {
        check(kind, false);
    }
    for kind in ["Slave", "SECONDARY", "Consumer"] {
        check(kind, true);
    }
}

/// The API raises the serial only if the zone says how.
#[test]
fn the_serial_is_raised_where_the_api_does_not() {
    #[track_caller]
    fn check(soa_edit_api: &Value, expected: bool) {
        let content = content("Master", soa_edit_api);
        assert_eq!(content.raises_serial(), expected, "{soa_edit_api}");
    }
    for method in ["DEFAULT", "INCREASE", "EPOCH", "SOA-EDIT-INCREASE"] {
        check(&json!(method), true);
    }
    for method in [json!(""), Value::Null, json!("SOA-EDIT")] {
        check(&method, false);
    }
}

#[test]
fn a_raised_serial_is_the_next_one() {
    #[track_caller]
    fn check(before: &str, expected: Option<&str>) {
        let zone = sets(json!([
            {"name": "acme.example.", "type": "SOA", "ttl": 300, "records": [{"content": before}]},
        ]));
        let raised = raised(&RecordName::observed("acme.example"), &zone);
        let content = raised.map(|patch| patch["records"][0]["content"].clone());
        assert_eq!(content, expected.map(Value::from));
    }
    check(
        "a. b. 7 3600 600 86400 60",
        Some("a. b. 8 3600 600 86400 60"),
    );
    check("a. b. 4294967295 1 2 3 4", Some("a. b. 1 1 2 3 4"));
    check("a. b. x 1 2 3 4", None);
    check("", None);
}
