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
