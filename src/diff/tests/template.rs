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
            "MX: present -> - (Removal)",
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
