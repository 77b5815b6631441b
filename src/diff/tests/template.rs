//! The domain template.

use serde_json::{Value, json};

use super::lines;
use crate::diff::compare;
use crate::diff::fixture::{live_template, sources, template, tree};
use crate::live::{Live, Reading};
use crate::tree::{Desired, Ownership};

fn template_lines(desired: &Desired, base: Option<&Desired>, live: Value) -> Vec<String> {
    let live = Live {
        template: Some(Reading::Known(live_template(live))),
        ..Live::default()
    };
    lines(&compare(desired, base, &live, &sources()))
}

fn with_template(value: Value) -> Desired {
    Desired {
        template: Some(template(value)),
        ..tree(vec![])
    }
}

#[track_caller]
fn check_template(desired: Value, live: Value, expected: &[&str]) {
    assert_eq!(
        template_lines(&with_template(desired), None, live),
        expected
    );
}

/// Trap 22: records are compared as records.
#[test]
fn trap_22_records() {
    #[track_caller]
    fn check(record_type: &str, desired: &[&str], live: &[&str], same: bool) {
        let template =
            |mapping: &[&str]| json!({record_type: {"x.{{domain}}": {"mapping": mapping}}});
        let lines = template_lines(&with_template(template(desired)), None, template(live));
        assert_eq!(lines.is_empty(), same, "{lines:?}");
    }
    check(
        "A",
        &["192.0.2.1", "192.0.2.2"],
        &["192.0.2.2", "192.0.2.1"],
        true,
    );
    check("A", &["192.0.2.1"], &["192.0.2.1", "192.0.2.2"], false);
    check("AAAA", &["2001:db8::1"], &["2001:DB8:0:0:0:0:0:1"], true);
    check(
        "CNAME",
        &["portal.example.com"],
        &["Portal.Example.com."],
        true,
    );
    check(
        "MX",
        &["10 mail.example.com"],
        &["10  mail.example.com."],
        true,
    );
    check(
        "MX",
        &["10 mail.example.com"],
        &["20 mail.example.com"],
        false,
    );
    check(
        "SRV",
        &["10 5 7000 us.{{domain}}"],
        &["10 5 7000 US.{{domain}}."],
        true,
    );
    check(
        "SRV",
        &["10 5 7000 us.{{domain}}"],
        &["10 5 5060 us.{{domain}}"],
        false,
    );
    check(
        "NAPTR",
        &["10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.x.{{domain}}"],
        &["10 100 \"s\" \"sip+d2u\" \"\" _sip._udp.x.{{domain}}."],
        true,
    );
    check("TXT", &["v=spf1 -all"], &["\"v=spf1 -all\""], true);
    check("TXT", &["\"a\" \"b\""], &["ab"], true);
    check("TXT", &["Case"], &["case"], false);
    // What cannot be parsed is compared as it stands.
    check("A", &["not an address"], &["not an address"], true);
    check("A", &["not an address"], &["NOT an address"], false);
    check("LOC", &["x"], &["x"], true);
}

/// Observed 8: the server adds an empty mapping.
#[test]
fn observed_08_an_empty_mapping_is_none() {
    check_template(
        json!({"A": {"x.{{domain}}": {"name": "X"}}}),
        json!({"A": {"x.{{domain}}": {"name": "X", "mapping": []}}}),
        &[],
    );
}

/// Trap 25: zone and members that emblazon does not know survive.
#[test]
fn trap_25_undeclared_members_survive() {
    let live = json!({"A": {
        "X.{{domain}}": {"name": "X", "zone": "east", "mapping": ["192.0.2.9"], "note": {"by": 1}},
        "other.{{domain}}": {"mapping": ["192.0.2.8"]},
    }, "TXT": {}});
    check_template(
        json!({"A": {"x.{{domain}}": {"mapping": ["192.0.2.9"]}}}),
        live.clone(),
        &[],
    );
    let state = Live {
        template: Some(Reading::Known(live_template(live))),
        ..Live::default()
    };
    let desired = with_template(json!({"A": {"x.{{domain}}": {"mapping": ["192.0.2.1"]}}}));
    let differences = compare(&desired, None, &state, &sources());
    assert_eq!(
        differences.template.and_then(|template| template.wanted),
        Some(live_template(json!({"A": {
            "x.{{domain}}": {"name": "X", "zone": "east", "mapping": ["192.0.2.1"], "note": {"by": 1}},
            "other.{{domain}}": {"mapping": ["192.0.2.8"]},
        }, "TXT": {}})))
    );
}

/// Trap 25: a name that is no text is served by the server, so it is compared like any other, and gives way to one that is.
#[test]
fn trap_25_a_name_that_is_no_text() {
    let live = json!({"A": {"x.{{domain}}": {"name": 5, "mapping": ["192.0.2.1"]}}});
    check_template(
        json!({"A": {"x.{{domain}}": {"mapping": ["192.0.2.1"]}}}),
        live.clone(),
        &[],
    );
    check_template(
        json!({"A": {"x.{{domain}}": {"name": "X", "mapping": ["192.0.2.1"]}}}),
        live,
        &[
            r#"A x.{{domain}}: {"mapping":["192.0.2.1"],"name":5} -> {"name":"X","mapping":["192.0.2.1"]} (Differs)"#,
        ],
    );
}

#[test]
fn template_three_ways() {
    let host = |address: &str| json!({"mapping": [address]});
    let base =
        with_template(json!({"A": {"a": host("192.0.2.1"), "gone": host("192.0.2.1")}, "MX": {}}));
    let mut desired =
        with_template(json!({"A": {"a": host("192.0.2.2"), "new": host("192.0.2.1"), "no": null}}));
    let live = json!({"A": {"a": host("192.0.2.1"), "gone": host("192.0.2.1"), "no": host("192.0.2.1"), "theirs": host("192.0.2.1")}, "MX": {}});
    assert_eq!(
        template_lines(&desired, Some(&base), live.clone()),
        [
            r#"A a: {"mapping":["192.0.2.1"]} -> {"mapping":["192.0.2.2"]} (Git)"#,
            r#"A gone: {"mapping":["192.0.2.1"]} -> - (Removal)"#,
            r#"A new: - -> {"mapping":["192.0.2.1"]} (Git)"#,
            r#"A no: {"mapping":["192.0.2.1"]} -> - (Removal)"#,
        ]
    );
    if let Some(template) = &mut desired.template {
        template.ownership = Ownership::Exclusive;
    }
    let lines = template_lines(&desired, None, live);
    assert!(
        lines.contains(&r#"A theirs: {"mapping":["192.0.2.1"]} -> - (Removal)"#.to_owned()),
        "{lines:?}"
    );
}

/// Trap 21: what stands live below CNAM, as the public documentation spells it, moves to where the tree declares it, with
/// what the tree does not speak of, and that is one difference. What is declared nowhere stays.
#[test]
fn trap_21_moving_cnam_to_cname_is_one_change() {
    let old = json!({"name": "Web", "mapping": ["ui.example.net"], "ttl": 60});
    let new = json!({"mapping": ["ui.example.net"]});
    let moves = r#"CNAME a.{{domain}}: CNAM {"name":"Web","mapping":["ui.example.net"],"ttl":60} -> {"name":"Web","mapping":["ui.example.net"],"ttl":60} (Differs)"#;
    let below = |record_type: &str, entry: &Value| json!({record_type: {"a.{{domain}}": entry}});
    let both = |cnam: &Value, cname: &Value| json!({"CNAM": {"a.{{domain}}": cnam}, "CNAME": {"a.{{domain}}": cname}});
    for desired in [below("CNAME", &new), both(&Value::Null, &new)] {
        check_template(desired.clone(), below("CNAM", &old), &[moves]);
        check_template(desired, below("CNAME", &old), &[]);
    }
    // Somebody copied it by hand, so it does not move, and what the tree does not speak of stays (invariant 7).
    check_template(below("CNAME", &new), both(&old, &old), &[]);
    check_template(
        both(&Value::Null, &new),
        both(&old, &old),
        &[
            r#"CNAM a.{{domain}}: {"name":"Web","mapping":["ui.example.net"],"ttl":60} -> - (Removal)"#,
        ],
    );
    check_template(
        below("CNAME", &json!({"mapping": ["new.example.net"]})),
        below("CNAM", &old),
        &[
            r#"CNAME a.{{domain}}: CNAM {"name":"Web","mapping":["ui.example.net"],"ttl":60} -> {"name":"Web","mapping":["new.example.net"],"ttl":60} (Differs)"#,
        ],
    );
    check_template(
        below("CNAM", &Value::Null),
        below("CNAM", &old),
        &[
            r#"CNAM a.{{domain}}: {"name":"Web","mapping":["ui.example.net"],"ttl":60} -> - (Removal)"#,
        ],
    );
    check_template(json!({}), below("CNAM", &old), &[]);

    let wanted = |desired: Value, live: Value| {
        let live = Live {
            template: Some(Reading::Known(live_template(live))),
            ..Live::default()
        };
        let differences = compare(&with_template(desired), None, &live, &sources());
        serde_json::to_value(differences.template.unwrap().wanted).unwrap()
    };
    // The type that nobody can serve goes with its last host, and stays with any other.
    let live = below("CNAM", &old);
    assert_eq!(wanted(both(&Value::Null, &new), live), below("CNAME", &old));
    let mut live = below("CNAM", &old);
    live["CNAM"]["b.{{domain}}"] = old.clone();
    let left = wanted(below("CNAME", &new), live);
    assert_eq!(left["CNAM"], json!({"b.{{domain}}": old}));
}

/// A record type without hosts says nothing: neither one that is left behind, nor one that is declared, is ever a
/// difference; one that the server has no name for is, and that can be seen (invariant 8).
#[test]
fn trap_21_record_types_without_hosts() {
    let host = json!({"a.{{domain}}": {"mapping": ["192.0.2.1"]}});
    check_template(json!({"MX": {}}), json!({"A": host}), &[]);
    check_template(json!({"A": host}), json!({"A": host, "MX": {}}), &[]);
    check_template(json!({"MX": {"a": null}}), json!({"MX": {}}), &[]);
    check_template(json!({"MX": {"a": null}}), json!({}), &[]);
    check_template(json!({"CNAM": {"a": null}}), json!({}), &[]);
    check_template(json!({"A": host}), json!({"A": host, "CNAM": {}}), &[]);
    let gone = "CNAM: present -> - (Removal)";
    check_template(json!({"CNAM": {"a": null}}), json!({"CNAM": {}}), &[gone]);
    check_template(
        json!({"A": host}),
        json!({"CNAM": {}}),
        &[
            r#"A a.{{domain}}: - -> {"mapping":["192.0.2.1"]} (Differs)"#,
            gone,
        ],
    );
}

/// Observed 7: of a template that the server cannot serve nothing is known; what could take its place is the declared
/// one, for whoever allows it.
#[test]
fn observed_07_a_repair_is_the_declared_template_alone() {
    let live = |is_unservable| Live {
        template: Some(Reading::Unknown("init failed".to_owned())),
        template_is_unservable: is_unservable,
        ..Live::default()
    };
    let declared =
        json!({"A": {"a": {"mapping": ["192.0.2.1"]}, "b": null}, "MX": {}, "CNAM": {"c": null}});
    let desired = with_template(declared);
    let mut differences = compare(&desired, None, &live(true), &sources());
    assert!(lines(&differences).is_empty() && differences.is_incomplete());
    let template = differences.template.as_mut().unwrap();
    insta::assert_snapshot!(template.unknown.as_ref().unwrap(), @"the server fails to serve the live template (500, init failed), most often because a host is not a map; `emblazon plan --repair-template` shows what putting the declared template in its place would do");
    template.allow_repair();
    let wanted = json!({"A": {"a": {"mapping": ["192.0.2.1"]}}, "MX": {}});
    assert_eq!(template.wanted, Some(live_template(wanted)));
    assert!(!differences.is_incomplete());
    assert_eq!(
        lines(&differences),
        [r#"A a: unread -> {"mapping":["192.0.2.1"]} (Differs)"#]
    );
    // Whatever else keeps it from being read is no reason to write.
    let mut differences = compare(&desired, None, &live(false), &sources());
    let template = differences.template.as_mut().unwrap();
    template.allow_repair();
    assert_eq!((&template.wanted, template.changes.len()), (&None, 0));
    assert!(differences.is_incomplete());
}
