use std::collections::BTreeSet;

use super::*;
use crate::dns::{HintKind, Judgement, RecordMark, Server, Verdict, expect};
use crate::model::DomainTemplate;

fn expected() -> Vec<Expected> {
    let template: DomainTemplate = serde_json::from_value(serde_json::json!({
        "A": {"us-east.{{domain}}": {"name": "US East | proxy", "mapping": ["192.0.2.1", "192.0.2.2"]}},
        "CNAME": {"portal.{{domain}}": {"name": "Web portal", "mapping": ["ui.example.net"]}},
        "MX": {"{{domain}}": {"name": "Mail", "mapping": ["mx.example.net"]}},
        "NAPTR": {"proxy.{{domain}}": {"mapping": ["10 100 S SIP+D2U \"\" _sip._udp.proxy.{{domain}}."]}},
        "SRV": {"_sip._udp.proxy.{{domain}}": {"name": "Phones", "mapping": ["10 10 7000 us-east.{{domain}}."]}},
        "TXT": {"{{domain}}": {"mapping": ["v=spf1 include:example.net -all"]}},
    }))
    .unwrap();
    expect(&template, &DomainName::parse("voice.acme.example").unwrap()).expected
}

fn judged(host: &Expected, verdict: Verdict, there: &[&str]) -> HostCheck {
    let there: BTreeSet<RecordData> = there
        .iter()
        .map(|text| RecordData::parse(host.question.record_type, text).unwrap())
        .collect();
    let wanted = host.records.iter().map(|data| {
        let mark = if there.contains(data) {
            RecordMark::Present
        } else {
            RecordMark::Missing
        };
        (mark, data.clone())
    });
    let extra = there
        .difference(&host.records)
        .map(|data| (RecordMark::Extra, data.clone()));
    HostCheck {
        judgement: Judgement {
            expected: host.clone(),
            verdict,
            absent: None,
            records: wanted.chain(extra).collect(),
            servers: Vec::new(),
            notes: Vec::new(),
        },
        hints: Vec::new(),
    }
}

/// Adds a hint to a check.
fn hinted(mut check: HostCheck, kind: HintKind, text: &str) -> HostCheck {
    let text = text.to_owned();
    check.hints.push(Hint { kind, text });
    check
}

/// Adds what a server said to a check.
fn said(mut check: HostCheck, server: &str, text: &str) -> HostCheck {
    let server = Server {
        name: None,
        address: server.parse().unwrap(),
    };
    check.judgement.servers.push((server, text.to_owned()));
    check
}

fn letter<'a>(
    expected: &'a [Expected],
    checks: &'a [HostCheck],
    domain: &'a DomainName,
    zone: &'a RecordName,
) -> Letter<'a> {
    Letter {
        brand: "Acme Voice",
        domain,
        zone: Some(zone),
        expected,
        checks,
        hints: &[],
    }
}

#[test]
fn a_letter_says_what_to_enter_and_what_is_right() {
    let expected = expected();
    let checks: Vec<HostCheck> = expected
        .iter()
        .map(|host| match host.question.record_type.as_str() {
            "A" => judged(
                host,
                Verdict::Extra,
                &["192.0.2.1", "192.0.2.2", "192.0.2.9"],
            ),
            "CNAME" => judged(host, Verdict::Different, &["ui.example.net.acme.example"]),
            "MX" => said(
                judged(
                    host,
                    Verdict::Propagating {
                        old_for: Some(5000),
                    },
                    &[],
                ),
                "192.0.2.53:53",
                "20 old.example.net, for 5000 s more at most",
            ),
            "SRV" => judged(
                host,
                Verdict::Different,
                &["10 10 5060 us-east.voice.acme.example"],
            ),
            "NAPTR" => judged(host, Verdict::Missing, &[]),
            _ => judged(host, Verdict::Ok, &["v=spf1 include:example.net -all"]),
        })
        .collect();
    let domain = DomainName::parse("voice.acme.example").unwrap();
    let zone = RecordName::observed("acme.example");
    let letter = letter(&expected, &checks, &domain, &zone);
    insta::assert_snapshot!(letter.markdown(), @r"
    # DNS entries for voice.acme.example

    These are the DNS entries that Acme Voice needs. They are entered where the domain acme.example is managed, usually at the company where it was registered. Names are written as most of these pages want them: without “.acme.example” at the end, and “@” for acme.example itself. If your page asks for the whole name, add “.acme.example”. Do not change other entries, above all those named NS and SOA.

    ## 1. Please enter

    One entry a line. “Add” leaves everything else at that name as it is, and other people's entries stay.

    | Do | Name | Type | Value | For | There now |
    | --- | --- | --- | --- | --- | --- |
    | replace | `_sip._udp.proxy.voice` | `SRV` | `priority 10, weight 10, port 7000, target us-east.voice.acme.example` | Phones | priority 10, weight 10, port 5060, target us-east.voice.acme.example |
    | replace | `portal.voice` | `CNAME` | `ui.example.net` | Web portal | ui.example.net.acme.example |
    | add | `proxy.voice` | `NAPTR` | `order 10, preference 100, flags S, service SIP+D2U, regular expression empty, replacement _sip._udp.proxy.voice.acme.example` |  |  |

    ## 2. Please check whether you still need these

    They stand beside the right entries and lead some visitors elsewhere. Delete what nobody needs.

    | Name | Type | Value | For |
    | --- | --- | --- | --- |
    | `us-east.voice` | `A` | `192.0.2.9` | US East \| proxy |

    ## Only to wait for

    These are entered rightly. Some resolvers still remember the old entry; nothing needs to be done.

    | Name | Type | Who still has the old one | At most for |
    | --- | --- | --- | --- |
    | `voice` | `MX` | 192.0.2.53: 20 old.example.net, for 5000 s more at most | 84 minutes |

    ## Right already

    Please leave these as they are.

    | Name | Type | Value | For |
    | --- | --- | --- | --- |
    | `voice` | `TXT` | `v=spf1 include:example.net -all` |  |
    ");
    insta::assert_snapshot!(letter.text(), @"
    DNS entries for voice.acme.example
    ==================================

    These are the DNS entries that Acme Voice needs. They are entered where the
    domain acme.example is managed, usually at the company where it was
    registered. Names are written as most of these pages want them: without
    “.acme.example” at the end, and “@” for acme.example itself. If your page asks
    for the whole name, add “.acme.example”. Do not change other entries, above
    all those named NS and SOA.

    1. Please enter
    ---------------

    One entry a line. “Add” leaves everything else at that name as it is, and
    other people's entries stay.

      Do         replace
      Name       _sip._udp.proxy.voice
      Type       SRV
      Value      priority 10, weight 10, port 7000, target us-east.voice.acme.example
      For        Phones
      There now  priority 10, weight 10, port 5060, target us-east.voice.acme.example

      Do         replace
      Name       portal.voice
      Type       CNAME
      Value      ui.example.net
      For        Web portal
      There now  ui.example.net.acme.example

      Do         add
      Name       proxy.voice
      Type       NAPTR
      Value      order 10, preference 100, flags S, service SIP+D2U, regular expression empty, replacement _sip._udp.proxy.voice.acme.example

    2. Please check whether you still need these
    --------------------------------------------

    They stand beside the right entries and lead some visitors elsewhere. Delete
    what nobody needs.

      Name           Type  Value      For
      us-east.voice  A     192.0.2.9  US East | proxy

    Only to wait for
    ----------------

    These are entered rightly. Some resolvers still remember the old entry;
    nothing needs to be done.

      Name   Type  Who still has the old one                                At most for
      voice  MX    192.0.2.53: 20 old.example.net, for 5000 s more at most  84 minutes

    Right already
    -------------

    Please leave these as they are.

      Name   Type  Value                            For
      voice  TXT   v=spf1 include:example.net -all
    ");
}

#[test]
fn a_letter_without_a_look_lists_everything() {
    let expected = expected();
    let domain = DomainName::parse("voice.acme.example").unwrap();
    let letter = Letter {
        brand: "Acme\nVoice",
        domain: &domain,
        zone: None,
        expected: &expected,
        checks: &[],
        hints: &[],
    };
    insta::assert_snapshot!(letter.text(), @"
    DNS entries for voice.acme.example
    ==================================

    These are the DNS entries that Acme Voice needs. They are entered where the
    domain voice.acme.example is managed, usually at the company where it was
    registered. Names are written in full. Many of these pages add the end by
    themselves: then leave out the part that the page shows already. Do not change
    other entries, above all those named NS and SOA.

    Please enter
    ------------

    One entry a line. “Add” leaves everything else at that name as it is, and
    other people's entries stay.

      Do         add, or replace what is there
      Name       _sip._udp.proxy.voice.acme.example
      Type       SRV
      Value      priority 10, weight 10, port 7000, target us-east.voice.acme.example
      For        Phones

      Do         add, or replace what is there
      Name       portal.voice.acme.example
      Type       CNAME
      Value      ui.example.net
      For        Web portal

      Do         add, or replace what is there
      Name       proxy.voice.acme.example
      Type       NAPTR
      Value      order 10, preference 100, flags S, service SIP+D2U, regular expression empty, replacement _sip._udp.proxy.voice.acme.example

      Do         add, or replace what is there
      Name       us-east.voice.acme.example
      Type       A
      Value      192.0.2.1
      For        US East | proxy

      Do         add, or replace what is there
      Name       us-east.voice.acme.example
      Type       A
      Value      192.0.2.2
      For        US East | proxy

      Do         add
      Name       voice.acme.example
      Type       MX
      Value      priority 10, mail server mx.example.net
      For        Mail

      Do         add
      Name       voice.acme.example
      Type       TXT
      Value      v=spf1 include:example.net -all
    ");
}

#[test]
fn a_letter_with_nothing_to_do_says_so() {
    let expected = expected();
    let checks: Vec<HostCheck> = expected
        .iter()
        .map(|host| judged(host, Verdict::Ok, &[]))
        .collect();
    let domain = DomainName::parse("voice.acme.example").unwrap();
    let zone = RecordName::observed("acme.example");
    let text = letter(&expected, &checks, &domain, &zone).text();
    assert!(text.contains("There is nothing to do."), "{text}");
    assert!(!text.contains("Please enter"), "{text}");
}

/// What harms as it stands comes first; what stands in the way comes before what it hinders.
#[test]
fn tasks_are_in_order() {
    let expected = expected();
    let checks: Vec<HostCheck> = expected
        .iter()
        .map(|host| match host.question.record_type.as_str() {
            "A" => hinted(
                judged(host, Verdict::Different, &["198.51.100.7"]),
                HintKind::AliasBesideData,
                "us-east.voice.acme.example is a CNAME for lb.example.org, beside which no A can be; delete the CNAME, then add the A",
            ),
            "CNAME" => hinted(
                judged(host, Verdict::Different, &["ui.gone.example"]),
                HintKind::Takeover,
                "ui.gone.example leads to gone.example, which is not registered: whoever registers it takes over portal.voice.acme.example; register it, or point portal.voice.acme.example elsewhere",
            ),
            "SRV" => said(
                judged(host, Verdict::Bogus, &[]),
                "192.0.2.53:53",
                "refuses it, because DNSSEC validation fails: signature expired",
            ),
            "NAPTR" => said(
                said(judged(host, Verdict::Inconsistent, &[]), "192.0.2.1:53", "no record"),
                "192.0.2.2:53",
                "10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.proxy.voice.acme.example",
            ),
            _ => judged(host, Verdict::Missing, &[]),
        })
        .collect();
    let domain = DomainName::parse("voice.acme.example").unwrap();
    let zone = RecordName::observed("acme.example");
    let text = letter(&expected, &checks, &domain, &zone).text();
    let (_, tasks) = text.split_once("SOA.\n\n").unwrap();
    insta::assert_snapshot!(tasks, @r#"
    1. Keep strangers out
    ---------------------

    These lead to a domain that nobody has registered. Whoever registers it
    receives your visitors. Please delete or change such an entry today; where it
    is one of ours, tell us.

      Name         portal.voice
      Type         CNAME
      What we saw  ui.gone.example leads to gone.example, which is not registered: whoever registers it takes over portal.voice.acme.example; register it, or point portal.voice.acme.example elsewhere

    2. Repair DNSSEC
    ----------------

    The signatures of the domain are wrong, so that much of the world sees none of
    these, whatever is entered. Please have the domain signed again, or have its
    DS entry removed where it was registered.

      Name         _sip._udp.proxy.voice
      Type         SRV
      What we saw  192.0.2.53: refuses it, because DNSSEC validation fails: signature expired

    3. Delete this first
    --------------------

    A CNAME stands alone at its name. As long as these are there, the entries
    below cannot be.

      Name                us-east.voice
      To enter            A
      What is in the way  us-east.voice.acme.example is a CNAME for lb.example.org, beside which no A can be; delete the CNAME, then add the A

    4. Please enter
    ---------------

    One entry a line. “Add” leaves everything else at that name as it is, and
    other people's entries stay.

      Do         add
      Name       _sip._udp.proxy.voice
      Type       SRV
      Value      priority 10, weight 10, port 7000, target us-east.voice.acme.example
      For        Phones

      Do         replace
      Name       portal.voice
      Type       CNAME
      Value      ui.example.net
      For        Web portal
      There now  ui.gone.example

      Do         add
      Name       us-east.voice
      Type       A
      Value      192.0.2.1
      For        US East | proxy

      Do         add
      Name       us-east.voice
      Type       A
      Value      192.0.2.2
      For        US East | proxy

      Do         add
      Name       voice
      Type       MX
      Value      priority 10, mail server mx.example.net
      For        Mail

      Do         add
      Name       voice
      Type       TXT
      Value      v=spf1 include:example.net -all

    Not clear yet
    -------------

    Nothing needs to be changed for these before it is.

      Name         proxy.voice
      Type         NAPTR
      What we saw  the name servers of the domain disagree; ask the registrar whether all of them are up to date: 192.0.2.1: no record; 192.0.2.2: 10 100 "S" "SIP+D2U" "" _sip._udp.proxy.voice.acme.example
    "#);
}

/// What somebody else has at the same name stays; only our own mistakes are replaced.
#[test]
fn the_records_of_others_are_never_replaced() {
    #[track_caller]
    fn check(
        record_type: &str,
        wanted: &str,
        there: &[&str],
        hint: Option<HintKind>,
        enter: &[&str],
    ) {
        let template: DomainTemplate = serde_json::from_value(serde_json::json!({
            record_type: {"{{domain}}": {"mapping": [wanted]}},
        }))
        .unwrap();
        let domain = DomainName::parse("acme.example").unwrap();
        let expected = expect(&template, &domain).expected;
        let host = &expected[0];
        let is_there = there
            .iter()
            .any(|text| *text == host.records.first().unwrap().to_string());
        let verdict = match is_there {
            true => Verdict::Extra,
            false => Verdict::Different,
        };
        let mut judged = judged(host, verdict, there);
        if let Some(kind) = hint {
            judged = hinted(judged, kind, "it is so; do that");
        }
        let said: Vec<String> = tasks(host, Some(&judged))
            .iter()
            .filter_map(|task| match task {
                Task::Enter { how, now, .. } => {
                    let now: Vec<String> = now.iter().map(|data| plain(data)).collect();
                    Some(format!("{how:?} {}", now.join("; ")))
                }
                Task::Extra(data) => Some(format!("Extra {}", plain(data))),
                _ => None,
            })
            .collect();
        assert_eq!(said, enter, "{record_type} {wanted}");
    }
    check(
        "MX",
        "10 mx.example.net",
        &["20 mail.acme.example"],
        None,
        &["Add "],
    );
    check(
        "MX",
        "10 mx.example.net",
        &["20 mx.example.net", "5 mail.acme.example"],
        None,
        &["Replace priority 20, mail server mx.example.net"],
    );
    check(
        "MX",
        "10 mx.example.net",
        &["10 mx.example.net", "5 mail.acme.example"],
        None,
        &[],
    );
    check(
        "CAA",
        "0 issue \"ca.example\"",
        &["0 issue \"other.example\""],
        Some(HintKind::Forbidden),
        &["Add "],
    );
    check(
        "CAA",
        "0 issue \"ca.example\"",
        &["128 issue \"ca.example\""],
        None,
        &["Replace flags 128, tag issue, value ca.example"],
    );
    check("TXT", "brand=1", &["\"site=2\""], None, &["Add "]);
    check("TXT", "brand=1", &["\"site=2\"", "\"brand=1\""], None, &[]);
    check(
        "TXT",
        "brand=1",
        &["\"site=2\"", "\"\\\"brand=1\\\"\""],
        Some(HintKind::QuotesInText),
        &["Replace \"brand=1\""],
    );
    check(
        "TXT",
        "brand=1",
        &["\"brand=\"", "\"1\""],
        Some(HintKind::SplitText),
        &["Replace 1; brand="],
    );
    check(
        "TXT",
        "v=spf1 -all",
        &["\"v=spf1 a -all\"", "\"site=2\""],
        None,
        &["Merge v=spf1 a -all"],
    );
    check(
        "TXT",
        "v=spf1 -all",
        &["\"v=spf1 -all\"", "\"v=spf1 a -all\""],
        None,
        &["Merge v=spf1 a -all"],
    );
    check(
        "A",
        "192.0.2.1",
        &["192.0.2.2"],
        None,
        &["Replace 192.0.2.2"],
    );
    check(
        "A",
        "192.0.2.1",
        &["192.0.2.2"],
        Some(HintKind::Wildcard),
        &["Add "],
    );
    check(
        "A",
        "192.0.2.1",
        &["192.0.2.2"],
        Some(HintKind::AliasBesideData),
        &["Add "],
    );
    check(
        "A",
        "192.0.2.1",
        &["192.0.2.1", "192.0.2.2"],
        None,
        &["Extra 192.0.2.2"],
    );
}

#[test]
fn times_are_rounded_up() {
    #[track_caller]
    fn check(seconds: u32, expected: &str) {
        assert_eq!(duration(seconds), expected);
    }
    check(1, "1 second");
    check(119, "119 seconds");
    check(121, "3 minutes");
    check(7201, "3 hours");
    check(172_801, "3 days");
}
