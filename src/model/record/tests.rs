use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{RecordData, RecordError, RecordErrorKind, RecordName, RecordType};

/// Compares the canonical text.
#[track_caller]
fn check(record_type: RecordType, text: &str, expected: &str) {
    let data = RecordData::parse(record_type, text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
    assert_eq!(data.to_string(), expected, "{text:?}");
    assert_eq!(data.record_type(), record_type);
    assert_eq!(RecordData::parse(record_type, expected).as_ref(), Ok(&data));
}

/// Compares the marked part and the message.
#[track_caller]
fn refuse(record_type: RecordType, text: &str, part: &str, message: &str) {
    let RecordError {
        offset,
        length,
        kind,
    } = RecordData::parse(record_type, text).expect_err(text);
    assert_eq!(text.get(offset..offset + length), Some(part), "{text:?}");
    let kind = kind.to_string();
    assert!(kind.contains(message), "{text:?}: {kind}");
}

#[test]
fn addresses() {
    check(RecordType::A, " 192.0.2.1 ", "192.0.2.1");
    refuse(
        RecordType::A,
        "192.0.2.256",
        "192.0.2.256",
        "is not an IPv4 address",
    );
    refuse(
        RecordType::A,
        "192.0.2.01",
        "192.0.2.01",
        "is not an IPv4 address",
    );
    refuse(
        RecordType::A,
        "2001:db8::1",
        "2001:db8::1",
        "of the other kind",
    );
    refuse(
        RecordType::A,
        "192.0.2.1.",
        "192.0.2.1.",
        "is not an IPv4 address",
    );
    refuse(RecordType::A, "", "", "the address is missing");
    refuse(
        RecordType::A,
        "192.0.2.1, 192.0.2.2",
        "192.0.2.1,",
        "is not an IPv4 address",
    );
    refuse(
        RecordType::A,
        "192.0.2.1 192.0.2.2",
        "192.0.2.2",
        "more than one A",
    );
    check(RecordType::Aaaa, "2001:0DB8:0:0:0:0:0:1", "2001:db8::1");
    refuse(
        RecordType::Aaaa,
        "192.0.2.1",
        "192.0.2.1",
        "of the other kind",
    );
    refuse(
        RecordType::Aaaa,
        "fe80::1%eth0",
        "fe80::1%eth0",
        "is not an IPv6 address",
    );
}

/// Trap 22: case, trailing dots, quotes and spacing do not make a different record.
#[test]
fn trap_22_canonical_texts() {
    check(RecordType::Cname, "UI.Example.net.", "ui.example.net");
    check(
        RecordType::Naptr,
        "10 100 s sip+d2u \"\" _SIP._udp.proxy.{{domain}}.",
        "10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.proxy.{{domain}}",
    );
    check(
        RecordType::Srv,
        "010  50\t7000 US-East.{{domain}}.",
        "10 50 7000 us-east.{{domain}}",
    );
    check(
        RecordType::Mx,
        "10 Mail.example.net.",
        "10 mail.example.net",
    );
    check(RecordType::Mx, "mail.example.net.", "mail.example.net");
    check(
        RecordType::Txt,
        "v=spf1 include:x  -all",
        "\"v=spf1 include:x  -all\"",
    );
    check(
        RecordType::Txt,
        "\"v=spf1 \" \"include:x  -all\"",
        "\"v=spf1 include:x  -all\"",
    );
    check(
        RecordType::Caa,
        "0 ISSUE ca.example.net",
        "0 issue \"ca.example.net\"",
    );
}

#[test]
fn names() {
    check(RecordType::Cname, "portal.{{domain}}", "portal.{{domain}}");
    refuse(RecordType::Cname, "ui..net", "", "has an empty label");
    refuse(
        RecordType::Cname,
        "ui.exa mple.net",
        "mple.net",
        "more than one CNAME",
    );
    refuse(
        RecordType::Cname,
        "ui.{{Domain}}",
        "{{Domain}}",
        "is no placeholder",
    );
    refuse(
        RecordType::Cname,
        "\"ui.example.net\"",
        "\"ui.example.net\"",
        "without quotes",
    );
    refuse(RecordType::Cname, "192.0.2.1", "192.0.2.1", "is an address");
    refuse(
        RecordType::Cname,
        "https://ui.example.net",
        "https://ui",
        "a character",
    );
    refuse(RecordType::Cname, "x .", ".", "more than one CNAME");
    refuse(RecordType::Cname, ".", ".", "the root is no host");
}

#[test]
fn services() {
    check(RecordType::Srv, "0 0 0 .", "0 0 0 .");
    refuse(
        RecordType::Srv,
        "10 50 70000 a.net",
        "70000",
        "from 0 to 65535",
    );
    refuse(RecordType::Srv, "10 50 +1 a.net", "+1", "the port");
    refuse(RecordType::Srv, "10 50 a.net", "a.net", "the port");
    refuse(RecordType::Srv, "10 50 7000 ", "", "the target is missing");
    refuse(
        RecordType::Srv,
        "10 50 7000 192.0.2.1",
        "192.0.2.1",
        "is an address",
    );
    refuse(RecordType::Mx, "x mail.example.net", "x", "the preference");
}

#[test]
fn rewriting_rules() {
    check(
        RecordType::Naptr,
        "10 100 u E2U+sip \"!^.*$!sip:\\1@example.net!i\" .",
        "10 100 \"U\" \"E2U+SIP\" \"!^.*$!sip:\\\\1@example.net!i\" .",
    );
    refuse(
        RecordType::Naptr,
        "10 100 \"S\" \"SIP+D2U\" _sip._udp.a.net",
        "_sip._udp.a.net",
        "the expression",
    );
    refuse(
        RecordType::Naptr,
        "10 100 S SIP+D2U \"\"",
        "",
        "the replacement is missing",
    );
    refuse(
        RecordType::Naptr,
        "10 100 S SIP+D2U \"\" .",
        "\"\"",
        "either an expression",
    );
    refuse(
        RecordType::Naptr,
        "10 100 U E2U+sip \"!a!b!\" a.net",
        "\"!a!b!\"",
        "either an expression",
    );
    refuse(
        RecordType::Naptr,
        "10 100 U E2U+sip \"!a!b\" .",
        "\"!a!b\"",
        "must look like",
    );
    refuse(
        RecordType::Naptr,
        "10 100 \"S,\" SIP+D2U \"\" a.net",
        "\"S,\"",
        "flags",
    );
    refuse(
        RecordType::Naptr,
        "10 100 S \"SIP D2U\" \"\" a.net",
        "\"SIP D2U\"",
        "services",
    );
    refuse(
        RecordType::Naptr,
        "10 100 \"S SIP+D2U",
        "\"S SIP+D2U",
        "not closed",
    );
    refuse(RecordType::Naptr, "10 100 \"S\"x SIP+D2U", "x", "a space");
    refuse(RecordType::Txt, "\"a\"é", "é", "a space");
}

#[test]
fn texts() {
    check(RecordType::Txt, "\"\"", "\"\"");
    check(
        RecordType::Txt,
        "\"a\\\"b\\\\c\\226\"",
        "\"a\\\"b\\\\c\\226\"",
    );
    check(RecordType::Txt, "say \"hi\"", "\"say \\\"hi\\\"\"");
    check(RecordType::Txt, "ü", "\"\\195\\188\"");
    check(RecordType::Txt, "\"a\"\"b\"", "\"ab\"");
    refuse(RecordType::Txt, "  ", "", "the text is missing");
    refuse(RecordType::Txt, "\"a\" b", "b", "more than one TXT");
    refuse(RecordType::Txt, "\"a", "\"a", "not closed");
    let long = format!("\"{}\"", "a".repeat(256));
    refuse(RecordType::Txt, &long, &long, "this has 256");
    let joined = "a".repeat(300);
    let chunks = format!("\"{}\" \"{}\"", "a".repeat(255), "a".repeat(45));
    check(RecordType::Txt, &joined, &chunks);
}

#[test]
fn issuers() {
    check(
        RecordType::Caa,
        "128 issue \"ca.example.net; account=1\"",
        "128 issue \"ca.example.net; account=1\"",
    );
    refuse(RecordType::Caa, "256 issue x", "256", "from 0 to 255");
    refuse(
        RecordType::Caa,
        "0 \"issue\" x",
        "\"issue\"",
        "the property",
    );
    refuse(RecordType::Caa, "0 issue", "", "the value is missing");
}

/// What a string may hold does not hang on its quotes: what is read without them is read with them.
#[test]
fn strings_without_quotes_have_a_length_too() {
    let long = "a".repeat(256);
    let fits = "a".repeat(255);
    for (record_type, before, after) in [
        (RecordType::Caa, "0 issue ", ""),
        (RecordType::Naptr, "10 100 ", " SIP+D2U \"\" x.example"),
        (RecordType::Naptr, "10 100 S ", " \"\" x.example"),
    ] {
        let text = format!("{before}{long}{after}");
        refuse(record_type, &text, &long, "this has 256");
        let text = format!("{before}{fits}{after}");
        let parsed = RecordData::parse(record_type, &text).unwrap();
        let again = RecordData::parse(record_type, &parsed.to_string());
        assert_eq!(again, Ok(parsed));
    }
    let expression = format!("!{}!x!", "b".repeat(252));
    let text = format!("10 100 U E2U+sip {expression} .");
    refuse(RecordType::Naptr, &text, &expression, "this has 256");
    // A word is one string in the packet, too.
    let text = format!("0 {long} x");
    refuse(RecordType::Caa, &text, &long, "this has 256");
    // Octets count, not characters.
    let umlauts = "ü".repeat(128);
    refuse(
        RecordType::Caa,
        &format!("0 issue {umlauts}"),
        &umlauts,
        "this has 256",
    );
}

#[test]
fn mail_servers_with_and_without_preference() {
    let parse = |text| RecordData::parse(RecordType::Mx, text).expect("an MX");
    assert!(parse("10 mail.example.net").means(&parse("mail.example.net.")));
    assert!(!parse("10 mail.example.net").means(&parse("20 mail.example.net")));
    assert!(!parse("10 mail.example.net").means(&parse("other.example.net")));
    let a = |text| RecordData::parse(RecordType::A, text).expect("an A");
    assert!(a("192.0.2.1").means(&a("192.0.2.1")));
}

#[test]
fn targets_of_records() {
    let target = |record_type, text| {
        let data = RecordData::parse(record_type, text).expect("a record");
        data.target().map(RecordName::as_str).map(str::to_owned)
    };
    assert_eq!(
        target(RecordType::Srv, "1 1 1 A.net"),
        Some("a.net".to_owned())
    );
    assert_eq!(target(RecordType::Srv, "0 0 0 ."), None);
    assert_eq!(target(RecordType::Txt, "a.net"), None);
}

#[test]
fn record_types() {
    for record_type in RecordType::ALL {
        assert_eq!(RecordType::parse(record_type.as_str()), Some(record_type));
    }
    assert_eq!(RecordType::parse("CNAM"), None);
    assert_eq!(RecordType::parse("cname"), None);
}

fn any_type() -> impl Strategy<Value = RecordType> {
    proptest::sample::select(RecordType::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, rng_seed: RngSeed::Fixed(22), ..ProptestConfig::default() })]

    /// The canonical text of whatever can be parsed parses to an equal value, and stays as it is.
    #[test]
    fn canonical_texts_are_stable(record_type in any_type(), text in "[0-9a-zA-Z .\"\\\\!_:+{}é-]{0,24}") {
        if let Ok(data) = RecordData::parse(record_type, &text) {
            let canonical = data.to_string();
            let again = RecordData::parse(record_type, &canonical);
            prop_assert_eq!(again.as_ref(), Ok(&data), "{}", canonical);
        }
    }

    /// A mistake is always marked inside the text, at the edges of characters.
    #[test]
    fn mistakes_lie_inside_the_text(record_type in any_type(), text in "[0-9a-z .\"\\\\é-]{0,24}") {
        if let Err(error) = RecordData::parse(record_type, &text) {
            prop_assert!(text.get(error.offset..error.offset + error.length).is_some(), "{:?}", error);
        }
    }

    /// Any octets of a TXT survive writing and reading.
    #[test]
    fn texts_round_trip(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        let data = RecordData::Txt(octets);
        prop_assert_eq!(RecordData::parse(RecordType::Txt, &data.to_string()), Ok(data));
    }
}

#[test]
fn errors_are_plain() {
    let kind = RecordErrorKind::Missing("target");
    assert_eq!(kind.to_string(), "the target is missing");
}
