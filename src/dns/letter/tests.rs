use std::collections::BTreeSet;

use super::*;
use crate::dns::expect;
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

fn judged(host: &Expected, verdict: Verdict, there: &[&str]) -> Judgement {
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
    Judgement {
        expected: host.clone(),
        verdict,
        absent: None,
        records: wanted.chain(extra).collect(),
        servers: Vec::new(),
        notes: Vec::new(),
    }
}

fn letter<'a>(
    expected: &'a [Expected],
    judgements: &'a [Judgement],
    domain: &'a DomainName,
    zone: &'a RecordName,
) -> Letter<'a> {
    Letter {
        brand: "Acme Voice",
        domain,
        zone: Some(zone),
        expected,
        judgements,
    }
}

#[test]
fn a_letter_says_what_to_enter_and_what_is_right() {
    let expected = expected();
    let judgements: Vec<Judgement> = expected
        .iter()
        .map(|host| match host.question.record_type.as_str() {
            "A" => judged(
                host,
                Verdict::Extra,
                &["192.0.2.1", "192.0.2.2", "192.0.2.9"],
            ),
            "CNAME" => judged(host, Verdict::Different, &["ui.example.net.acme.example"]),
            "MX" => judged(
                host,
                Verdict::Propagating {
                    old_for: Some(5000),
                },
                &[],
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
    let letter = letter(&expected, &judgements, &domain, &zone);
    insta::assert_snapshot!(letter.markdown(), @r##"
    # DNS entries for voice.acme.example

    These are the DNS entries that Acme Voice needs. They are entered where the domain acme.example is managed, usually at the company where it was registered. Names are written as most of these pages want them: without “.acme.example” at the end, and “@” for acme.example itself. If your page asks for the whole name, add “.acme.example”. Do not change other entries, above all those named NS and SOA.

    ## Please enter

    One entry a line. Where something else stands there now, replace it.

    | Name | Type | Value | For | There now |
    | --- | --- | --- | --- | --- |
    | `_sip._udp.proxy.voice` | `SRV` | `priority 10, weight 10, port 7000, target us-east.voice.acme.example` | Phones | priority 10, weight 10, port 5060, target us-east.voice.acme.example |
    | `portal.voice` | `CNAME` | `ui.example.net` | Web portal | ui.example.net.acme.example |
    | `proxy.voice` | `NAPTR` | `order 10, preference 100, flags S, service SIP+D2U, regular expression empty, replacement _sip._udp.proxy.voice.acme.example` |  |  |

    ## Please check whether you still need these

    They stand beside the right entries and lead some visitors elsewhere. Delete what nobody needs.

    | Name | Type | Value | For |
    | --- | --- | --- | --- |
    | `us-east.voice` | `A` | `192.0.2.9` | US East \| proxy |

    ## Not clear yet

    Nothing needs to be changed for these before it is.

    | Name | Type | What we saw |
    | --- | --- | --- |
    | `voice` | `MX` | entered rightly; some of the world may see the old entry for 84 minutes more |

    ## Right already

    Please leave these as they are.

    | Name | Type | Value | For |
    | --- | --- | --- | --- |
    | `voice` | `TXT` | `v=spf1 include:example.net -all` |  |
    "##);
    insta::assert_snapshot!(letter.text(), @r##"
    DNS entries for voice.acme.example
    ==================================

    These are the DNS entries that Acme Voice needs. They are entered where the
    domain acme.example is managed, usually at the company where it was
    registered. Names are written as most of these pages want them: without
    “.acme.example” at the end, and “@” for acme.example itself. If your page asks
    for the whole name, add “.acme.example”. Do not change other entries, above
    all those named NS and SOA.

    Please enter
    ------------

    One entry a line. Where something else stands there now, replace it.

      Name       _sip._udp.proxy.voice
      Type       SRV
      Value      priority 10, weight 10, port 7000, target us-east.voice.acme.example
      For        Phones
      There now  priority 10, weight 10, port 5060, target us-east.voice.acme.example

      Name       portal.voice
      Type       CNAME
      Value      ui.example.net
      For        Web portal
      There now  ui.example.net.acme.example

      Name       proxy.voice
      Type       NAPTR
      Value      order 10, preference 100, flags S, service SIP+D2U, regular expression empty, replacement _sip._udp.proxy.voice.acme.example

    Please check whether you still need these
    -----------------------------------------

    They stand beside the right entries and lead some visitors elsewhere. Delete
    what nobody needs.

      Name           Type  Value      For
      us-east.voice  A     192.0.2.9  US East | proxy

    Not clear yet
    -------------

    Nothing needs to be changed for these before it is.

      Name   Type  What we saw
      voice  MX    entered rightly; some of the world may see the old entry for 84 minutes more

    Right already
    -------------

    Please leave these as they are.

      Name   Type  Value                            For
      voice  TXT   v=spf1 include:example.net -all
    "##);
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
        judgements: &[],
    };
    insta::assert_snapshot!(letter.text(), @r##"
    DNS entries for voice.acme.example
    ==================================

    These are the DNS entries that Acme Voice needs. They are entered where the
    domain voice.acme.example is managed, usually at the company where it was
    registered. Names are written in full. Many of these pages add the end by
    themselves: then leave out the part that the page shows already. Do not change
    other entries, above all those named NS and SOA.

    Please enter
    ------------

    One entry a line. Where something else stands there now, replace it.

      Name       _sip._udp.proxy.voice.acme.example
      Type       SRV
      Value      priority 10, weight 10, port 7000, target us-east.voice.acme.example
      For        Phones

      Name       portal.voice.acme.example
      Type       CNAME
      Value      ui.example.net
      For        Web portal

      Name       proxy.voice.acme.example
      Type       NAPTR
      Value      order 10, preference 100, flags S, service SIP+D2U, regular expression empty, replacement _sip._udp.proxy.voice.acme.example

      Name       us-east.voice.acme.example
      Type       A
      Value      192.0.2.1
      For        US East | proxy

      Name       us-east.voice.acme.example
      Type       A
      Value      192.0.2.2
      For        US East | proxy

      Name       voice.acme.example
      Type       MX
      Value      priority 10, mail server mx.example.net
      For        Mail

      Name       voice.acme.example
      Type       TXT
      Value      v=spf1 include:example.net -all
    "##);
}

#[test]
fn a_letter_with_nothing_to_do_says_so() {
    let expected = expected();
    let judgements: Vec<Judgement> = expected
        .iter()
        .map(|host| judged(host, Verdict::Ok, &[]))
        .collect();
    let domain = DomainName::parse("voice.acme.example").unwrap();
    let zone = RecordName::observed("acme.example");
    let text = letter(&expected, &judgements, &domain, &zone).text();
    assert!(text.contains("There is nothing to do."), "{text}");
    assert!(!text.contains("Please enter"), "{text}");
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
