use serde_json::json;

use super::*;
use crate::diag::{FileId, Severity, Span};
use crate::model::DomainTemplate;

/// Lays type, host and mappings out one after another, as plain scalars of one text.
fn spanned(position: &mut u32, text: &str) -> Spanned<String> {
    let length = u32::try_from(text.len()).expect("a short text");
    let start = *position;
    *position += length + 1;
    Spanned {
        value: text.to_owned(),
        place: Place {
            file: FileId(0),
            span: Span {
                start,
                end: start + length,
            },
        },
    }
}

fn diagnose(record_type: &str, name: &str, mapping: &[&str]) -> (String, Diagnostics) {
    let mut position = 0;
    let record_type = spanned(&mut position, record_type);
    let host_name = spanned(&mut position, name);
    let entry = SpannedEntry {
        mapping: mapping
            .iter()
            .map(|text| spanned(&mut position, text))
            .collect(),
        name: Some(spanned(&mut position, "Some name")),
        zone: None,
    };
    let text = format!(
        "{} {name} {} Some name",
        record_type.value,
        mapping.join(" ")
    );
    (text, host(&record_type, &host_name, &entry))
}

/// Compares codes and the marked text.
#[track_caller]
fn check(record_type: &str, name: &str, mapping: &[&str], expected: &[(Code, &str)]) {
    let (text, got) = diagnose(record_type, name, mapping);
    let got: Vec<(Code, &str)> = got
        .iter()
        .map(|diagnostic| {
            let span = diagnostic.primary.as_ref().expect("a place").place.span;
            (
                diagnostic.code,
                &text[span.start as usize..span.end as usize],
            )
        })
        .collect();
    assert_eq!(got, expected);
}

#[test]
fn sound_hosts() {
    check("A", "us-east.{{domain}}", &["192.0.2.1", "192.0.2.2"], &[]);
    check("AAAA", "us-east.{{domain}}", &["2001:db8::1"], &[]);
    check("CNAME", "portal.{{domain}}", &["ui.example.net."], &[]);
    check("MX", "{{domain}}", &["10 mail.{{domain}}"], &[]);
    check(
        "NAPTR",
        "proxy.{{domain}}",
        &["10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.proxy.{{domain}}"],
        &[],
    );
    check(
        "SRV",
        "_sip._udp.proxy.{{domain}}",
        &["10 10 7000 us-east.{{domain}}"],
        &[],
    );
    check(
        "TXT",
        "{{domain}}",
        &["v=spf1 include:{{domain}} -all"],
        &[],
    );
}

/// Trap 21: CNAM comes from old documentation; its entry is still checked as a CNAME.
#[test]
fn trap_21_cnam_for_cname() {
    check(
        "CNAM",
        "portal.{{domain}}",
        &["ui.example.net"],
        &[(Code::EB0702, "CNAM")],
    );
    check(
        "CNAM",
        "portal.{{domain}}",
        &["ui..net"],
        &[(Code::EB0702, "CNAM"), (Code::EB0703, "ui..net")],
    );
    let (_, got) = diagnose("CNAM", "portal.{{domain}}", &["ui.example.net"]);
    assert_eq!(got[0].help, "write CNAME");
}

#[test]
fn record_types() {
    check(
        "NS",
        "{{domain}}",
        &["ns.example.net"],
        &[(Code::EB0701, "NS")],
    );
    check("SOA", "{{domain}}", &[], &[(Code::EB0701, "SOA")]);
    check(
        "cname",
        "portal.{{domain}}",
        &[],
        &[(Code::EB0701, "cname")],
    );
    check(
        "CAA",
        "{{domain}}",
        &["0 issue \"ca.example.net\""],
        &[(Code::EB0715, "CAA")],
    );
    let (_, got) = diagnose("cname", "portal.{{domain}}", &[]);
    assert_eq!(got[0].help, "did you mean CNAME?");
}

#[test]
fn wrong_records_with_the_place_inside() {
    let code = Code::EB0703;
    check(
        "A",
        "a.{{domain}}",
        &["192.0.2.256"],
        &[(code, "192.0.2.256")],
    );
    check(
        "A",
        "a.{{domain}}",
        &["192.0.2.1 192.0.2.2"],
        &[(code, "192.0.2.2")],
    );
    check(
        "AAAA",
        "a.{{domain}}",
        &["192.0.2.1"],
        &[(code, "192.0.2.1")],
    );
    check(
        "SRV",
        "_a._b.{{domain}}",
        &["10 10 70000 us.{{domain}}"],
        &[(code, "70000")],
    );
    check(
        "SRV",
        "_a._b.{{domain}}",
        &["10 10 us.{{domain}}"],
        &[(code, "us.{{domain}}")],
    );
    check(
        "SRV",
        "_a._b.{{domain}}",
        &["10 10 5060"],
        &[(code, "10 10 5060")],
    );
    check(
        "NAPTR",
        "a.{{domain}}",
        &["10 100 S SIP+D2U \"\""],
        &[(code, "10 100 S SIP+D2U \"\"")],
    );
    check(
        "MX",
        "a.{{domain}}",
        &["ten mail.example.net"],
        &[(code, "ten")],
    );
    check(
        "CNAME",
        "a.{{domain}}",
        &["https://ui.example.net"],
        &[(code, "https://ui")],
    );
    check("TXT", "a.{{domain}}", &["\"v=spf1"], &[(code, "\"v=spf1")]);
    check(
        "TXT",
        "a.{{domain}}",
        &["x={{ domain }} y"],
        &[(code, "{{ domain }}")],
    );
    check(
        "CNAME",
        "a.{{domain}}",
        &["ui.{{DOMAIN}}"],
        &[(code, "{{DOMAIN}}")],
    );
}

#[test]
fn help_for_addresses() {
    let help = |record_type, text| {
        let (_, got) = diagnose(record_type, "a.{{domain}}", &[text]);
        got[0].help.clone()
    };
    assert_eq!(help("A", "2001:db8::1"), "put IPv6 addresses below AAAA");
    assert_eq!(help("AAAA", "192.0.2.1"), "put IPv4 addresses below A");
    assert_eq!(
        help("A", "us-east.example.net"),
        "write an address, such as 192.0.2.10, or put the name below CNAME"
    );
    let long = format!("\"{}\"", "a".repeat(256));
    let (_, got) = diagnose("TXT", "a.{{domain}}", &[&long]);
    assert_eq!(
        (got[0].code, got[0].help.as_str()),
        (
            Code::EB0703,
            "split it into several quoted strings: \"…\" \"…\""
        )
    );
}

/// Trap 23: the server replaces the first placeholder of a text only.
#[test]
fn trap_23_one_placeholder_in_a_text() {
    check(
        "NAPTR",
        "a.{{domain}}",
        &["10 100 U E2U+sip \"!^.*$!sip:info@{{domain}}!\" {{domain}}"],
        &[(Code::EB0704, "{{domain}}")],
    );
    check(
        "A",
        "{{domain}}.{{domain}}",
        &["192.0.2.1"],
        &[(Code::EB0704, "{{domain}}")],
    );
    let (text, got) = diagnose("TXT", "a.{{domain}}", &["{{domain}} {{domain}}"]);
    let span = got[0].primary.as_ref().expect("a place").place.span;
    assert_eq!(
        span.start as usize,
        text.rfind("{{domain}}").expect("it is there")
    );
}

#[test]
fn what_the_server_demands_of_a_cname() {
    check(
        "CNAME",
        "portal.{{domain}}",
        &[],
        &[(Code::EB0705, "portal.{{domain}}")],
    );
    check(
        "CNAME",
        "portal.example.com",
        &["ui.example.net"],
        &[(Code::EB0706, "portal.example.com")],
    );
    let mut position = 0;
    let entry = SpannedEntry {
        name: None,
        mapping: vec![spanned(&mut position, "ui.example.net")],
        zone: None,
    };
    let got = host(
        &spanned(&mut position, "CNAME"),
        &spanned(&mut position, "portal.{{domain}}"),
        &entry,
    );
    assert_eq!(
        got.iter().map(|d| d.code).collect::<Vec<_>>(),
        [Code::EB0705]
    );
}

#[test]
fn hosts() {
    check(
        "A",
        "us.example.com",
        &["192.0.2.1"],
        &[(Code::EB0707, "us.example.com")],
    );
    check(
        "A",
        "{{domain}}.example.com",
        &["192.0.2.1"],
        &[(Code::EB0707, "{{domain}}.example.com")],
    );
    check(
        "A",
        "us{{domain}}",
        &["192.0.2.1"],
        &[(Code::EB0713, "us{{domain}}")],
    );
    check(
        "A",
        "us..{{domain}}",
        &["192.0.2.1"],
        &[(Code::EB0713, "us..{{domain}}")],
    );
    check(
        "A",
        "us east.{{domain}}",
        &["192.0.2.1"],
        &[(Code::EB0713, "us east")],
    );
    check("A", ".", &["192.0.2.1"], &[(Code::EB0713, ".")]);
    check(
        "A",
        "us.{{domain}}",
        &[],
        &[(Code::EB0714, "us.{{domain}}")],
    );
    check(
        "SRV",
        "proxy.{{domain}}",
        &["1 1 1 us.{{domain}}"],
        &[(Code::EB0714, "proxy.{{domain}}")],
    );
}

#[test]
fn names_that_are_never_touched() {
    check(
        "TXT",
        "_acme-challenge.{{domain}}",
        &["token"],
        &[(Code::EB0711, "_acme-challenge.{{domain}}")],
    );
    check(
        "CNAME",
        "{{domain}}",
        &["ui.example.net"],
        &[(Code::EB0711, "{{domain}}")],
    );
}

/// Trap 22: spelling does not make a different record.
#[test]
fn trap_22_duplicates_by_meaning() {
    check(
        "CNAME",
        "a.{{domain}}",
        &["ui.example.net", "UI.example.net."],
        &[(Code::EB0708, "UI.example.net.")],
    );
    check(
        "NAPTR",
        "a.{{domain}}",
        &[
            "1 1 s sip+d2u \"\" p.{{domain}}",
            "1 1 \"S\" \"SIP+D2U\" \"\" P.{{domain}}.",
        ],
        &[(Code::EB0708, "1 1 \"S\" \"SIP+D2U\" \"\" P.{{domain}}.")],
    );
}

#[test]
fn two_cnames() {
    check(
        "CNAME",
        "a.{{domain}}",
        &["x.example.net", "y.example.net"],
        &[(Code::EB0709, "y.example.net")],
    );
}

/// RFC 3263 lets a rule for SIP lead to an SRV, and has no other flag for it.
#[test]
fn flags_of_a_naptr() {
    #[track_caller]
    fn flag(record: &str, expected: Option<&str>) {
        let (_, got) = diagnose("NAPTR", "a.{{domain}}", &[record]);
        let found: Vec<_> = (got.iter())
            .map(|it| (it.code, it.message.as_str()))
            .collect();
        let expected = expected.map(|message| (Code::EB0714, message));
        assert_eq!(found, Vec::from_iter(expected), "{record}");
    }
    flag("1 1 s SIPS+D2T \"\" _sips._tcp.a.{{domain}}", None);
    flag("1 1 U E2U+sip \"!^.*$!sip:info@example.net!\" .", None);
    flag("1 1 A mail \"\" b.{{domain}}", None);
    flag("1 1 \"\" http+I2R \"\" b.{{domain}}", None);
    let sip = "and phones pass over the rule";
    flag(
        "1 1 Z SIP+D2U \"\" _sip._udp.a.{{domain}}",
        Some(&format!(
            "a NAPTR record for SIP+D2U has the flag \"Z\", {sip}"
        )),
    );
    flag(
        "1 1 A SIP+D2U \"\" b.{{domain}}",
        Some(&format!(
            "a NAPTR record for SIP+D2U has the flag \"A\", {sip}"
        )),
    );
    flag(
        "1 1 \"\" SIPS+D2T \"\" b.{{domain}}",
        Some(&format!("a NAPTR record for SIPS+D2T has no flag, {sip}")),
    );
    flag(
        "1 1 S E2U+sip \"\" b.{{domain}}",
        Some("a NAPTR record for E2U+SIP has the flag \"S\", and ENUM passes over the rule"),
    );
    flag(
        "1 1 Z x-own \"\" b.{{domain}}",
        Some(
            "a NAPTR record for X-OWN has the flag \"Z\", and no application is known that follows the rule",
        ),
    );
}

#[test]
fn doubtful_records() {
    let code = Code::EB0714;
    check(
        "MX",
        "{{domain}}",
        &["mail.example.net"],
        &[(code, "mail.example.net")],
    );
    check(
        "SRV",
        "_a._b.{{domain}}",
        &["1 1 0 us.{{domain}}"],
        &[(code, "1 1 0 us.{{domain}}")],
    );
    check("SRV", "_a._b.{{domain}}", &["0 0 0 ."], &[]);
    check("A", "a.{{domain}}", &["127.0.0.1"], &[(code, "127.0.0.1")]);
    check("AAAA", "a.{{domain}}", &["::1"], &[(code, "::1")]);
}

/// Observed 7: a host that is not a map, or a stray scalar, breaks the template for everyone.
#[test]
fn observed_07_poison_is_refused() {
    let problem = not_a_map("host us-east.{{domain}}", "a map");
    assert_eq!(problem.code, Code::EB0710);
    assert_eq!(problem.code.severity(), Severity::Error);
    for poison in [
        json!({"A": {"us-east.{{domain}}": "192.0.2.1"}}),
        json!({"A": "192.0.2.1"}),
        json!({"pvt_note": 1}),
        json!({"A": {"us-east.{{domain}}": {"mapping": "192.0.2.1"}}}),
    ] {
        let serde_json::Value::Object(data) = poison else {
            unreachable!("all are objects")
        };
        assert!(DomainTemplate::from_answer(data).is_err());
    }
}
