use std::collections::BTreeSet;

use super::*;
use crate::dns::{Hint, HintKind, Judgement, RecordMark, Server, Verdict, expect};
use crate::model::DomainTemplate;

fn expected() -> Vec<Expected> {
    let template: DomainTemplate = serde_json::from_value(serde_json::json!({
        "A": {"us-east.{{domain}}": {"name": "US East | proxy", "mapping": ["192.0.2.1", "192.0.2.2"]}},
        "CNAME": {"portal.{{domain}}": {"name": "Web portal", "mapping": ["ui.example.net"]}},
        "MX": {"{{domain}}": {"name": "Mail", "mapping": ["mx.example.net"]}},
        "NAPTR": {"proxy.{{domain}}": {"mapping": ["10 100 S SIP+D2U \"\" _sip._udp.proxy.{{domain}}."]}},
        "SRV": {"_sip._udp.proxy.{{domain}}": {"name": "Phones", "mapping": ["10 10 7000 us-east.{{domain}}."]}},
        "TXT": {"{{domain}}": {"mapping": ["v=spf1 include:example.net -all"]}},
        "CAA": {"{{domain}}": {"mapping": ["0 issue ca.example"]}},
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
        logo: None,
        support: None,
        domain,
        zone: Some(zone),
        expected,
        checks,
        findings: &[],
        ttl: 3600,
        is_managed: false,
    }
}

/// A check that found something different at each host.
fn looked(expected: &[Expected]) -> Vec<HostCheck> {
    expected
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
            "CAA" => judged(host, Verdict::Different, &["0 issue other.example"]),
            _ => judged(host, Verdict::Ok, &["v=spf1 include:example.net -all"]),
        })
        .collect()
}

#[test]
fn a_letter_says_what_to_enter_and_what_is_right() {
    let expected = expected();
    let checks = looked(&expected);
    let domain = DomainName::parse("voice.acme.example").unwrap();
    let zone = RecordName::observed("acme.example");
    let letter = letter(&expected, &checks, &domain, &zone);
    insta::assert_snapshot!(letter.markdown(), @r"
    # DNS entries for voice.acme.example

    These are the DNS entries that Acme Voice needs. They are entered where the domain acme.example is managed, usually at the company where it was registered. Names are written as most of these pages want them: without “.acme.example” at the end, and “@” for acme.example itself. If your page asks for the whole name, add “.acme.example”. Do not change other entries, above all those named NS and SOA.

    ## 1. Please enter

    One field per line, for pages that ask for them one by one. “Add” leaves everything else at that name as it is, and other people's entries stay. Where your page does not take the TTL, leave its own.

    Names in values have no dot at the end here. If your page adds “.acme.example” to them, enter them with one: “us-east.voice.acme.example.”

    Some pages want service and protocol of an SRV entry in fields of their own; then “Name without both” is its name there.

    Not every provider has entries of type NAPTR. If yours has none, leave those out and tell us: phones then go by the SRV entries (RFC 3263, section 4.1), if they are set to the right transport.

    | Do | Type | Name | Service | Protocol | Name without both | Priority | Weight | Port | Target | TTL | For | There now |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
    | replace | `SRV` | `_sip._udp.proxy.voice` | `_sip` | `_udp` | `proxy.voice` | `10` | `10` | `7000` | `us-east.voice.acme.example` | `3600` | Phones | priority 10, weight 10, port 5060, target us-east.voice.acme.example |

    | Do | Type | Name | Target | TTL | For | There now |
    | --- | --- | --- | --- | --- | --- | --- |
    | replace | `CNAME` | `portal.voice` | `ui.example.net` | `3600` | Web portal | ui.example.net.acme.example |

    | Do | Type | Name | Order | Preference | Flags | Service | Regular expression | Replacement | TTL | For | There now |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
    | add | `NAPTR` | `proxy.voice` | `10` | `100` | `S` | `SIP+D2U` | leave empty | `_sip._udp.proxy.voice.acme.example` | `3600` |  |  |

    | Do | Type | Name | Flags | Tag | Value | TTL | For | There now |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- |
    | add | `CAA` | `voice` | `0` | `issue` | `ca.example` | `3600` |  |  |

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
}

#[test]
fn a_letter_as_text_fits_into_an_email() {
    let expected = expected();
    let checks = looked(&expected);
    let domain = DomainName::parse("voice.acme.example").unwrap();
    let zone = RecordName::observed("acme.example");
    let letter = letter(&expected, &checks, &domain, &zone);
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

    One field per line, for pages that ask for them one by one. “Add” leaves
    everything else at that name as it is, and other people's entries stay. Where
    your page does not take the TTL, leave its own.

    Names in values have no dot at the end here. If your page adds “.acme.example”
    to them, enter them with one: “us-east.voice.acme.example.”

    Some pages want service and protocol of an SRV entry in fields of their own;
    then “Name without both” is its name there.

    Not every provider has entries of type NAPTR. If yours has none, leave those
    out and tell us: phones then go by the SRV entries (RFC 3263, section 4.1), if
    they are set to the right transport.

      Do                 replace
      Type               SRV
      Name               _sip._udp.proxy.voice
      Service            _sip
      Protocol           _udp
      Name without both  proxy.voice
      Priority           10
      Weight             10
      Port               7000
      Target             us-east.voice.acme.example
      TTL                3600
      For                Phones
      There now          priority 10, weight 10, port 5060, target
                         us-east.voice.acme.example

      Do         replace
      Type       CNAME
      Name       portal.voice
      Target     ui.example.net
      TTL        3600
      For        Web portal
      There now  ui.example.net.acme.example

      Do                  add
      Type                NAPTR
      Name                proxy.voice
      Order               10
      Preference          100
      Flags               S
      Service             SIP+D2U
      Regular expression  leave empty
      Replacement         _sip._udp.proxy.voice.acme.example
      TTL                 3600

      Do     add
      Type   CAA
      Name   voice
      Flags  0
      Tag    issue
      Value  ca.example
      TTL    3600

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
        logo: None,
        support: Some("help@voice.acme.example"),
        domain: &domain,
        zone: None,
        expected: &expected,
        checks: &[],
        findings: &[],
        ttl: 3600,
        is_managed: false,
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

    One field per line, for pages that ask for them one by one. “Add” leaves
    everything else at that name as it is, and other people's entries stay. Where
    your page does not take the TTL, leave its own.

    Names in values have no dot at the end here. If your page adds the name of
    your domain to them, enter them with one: “us-east.voice.acme.example.”

    Some pages want service and protocol of an SRV entry in fields of their own;
    then “Name without both” is its name there.

    Not every provider has entries of type NAPTR. If yours has none, leave those
    out and tell us: phones then go by the SRV entries (RFC 3263, section 4.1), if
    they are set to the right transport.

      Do                 add, or replace what is there
      Type               SRV
      Name               _sip._udp.proxy.voice.acme.example
      Service            _sip
      Protocol           _udp
      Name without both  proxy.voice.acme.example
      Priority           10
      Weight             10
      Port               7000
      Target             us-east.voice.acme.example
      TTL                3600
      For                Phones

      Do      add, or replace what is there
      Type    CNAME
      Name    portal.voice.acme.example
      Target  ui.example.net
      TTL     3600
      For     Web portal

      Do                  add, or replace what is there
      Type                NAPTR
      Name                proxy.voice.acme.example
      Order               10
      Preference          100
      Flags               S
      Service             SIP+D2U
      Regular expression  leave empty
      Replacement         _sip._udp.proxy.voice.acme.example
      TTL                 3600

      Do     add, or replace what is there
      Type   A
      Name   us-east.voice.acme.example
      Value  192.0.2.1
      TTL    3600
      For    US East | proxy

      Do     add, or replace what is there
      Type   A
      Name   us-east.voice.acme.example
      Value  192.0.2.2
      TTL    3600
      For    US East | proxy

      Do           add
      Type         MX
      Name         voice.acme.example
      Priority     10
      Mail server  mx.example.net
      TTL          3600
      For          Mail

      Do     add
      Type   TXT
      Name   voice.acme.example
      Value  v=spf1 include:example.net -all
      TTL    3600

      Do     add
      Type   CAA
      Name   voice.acme.example
      Flags  0
      Tag    issue
      Value  ca.example
      TTL    3600

    Questions? Please write to help@voice.acme.example.
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

/// A check that found what harms, what is in the way, and what is missing.
fn troubled(expected: &[Expected]) -> Vec<HostCheck> {
    expected
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
        .collect()
}

/// What harms as it stands comes first; what stands in the way comes before what it hinders.
#[test]
#[expect(clippy::too_many_lines, reason = "a letter as a whole")]
fn tasks_are_in_order() {
    let expected = expected();
    let checks = troubled(&expected);
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
      What we saw  ui.gone.example leads to gone.example, which is not registered:
                   whoever registers it takes over portal.voice.acme.example;
                   register it, or point portal.voice.acme.example elsewhere

    2. Repair DNSSEC
    ----------------

    The signatures of the domain are wrong, so that much of the world sees none of
    these, whatever is entered. Please have the domain signed again, or have its
    DS entry removed where it was registered.

      Name         _sip._udp.proxy.voice
      Type         SRV
      What we saw  192.0.2.53: refuses it, because DNSSEC validation fails:
                   signature expired

    3. Delete this first
    --------------------

    A CNAME stands alone at its name. As long as these are there, the entries
    below cannot be; they name everything that the name needs afterwards.

      Name                us-east.voice
      To enter            A
      What is in the way  us-east.voice.acme.example is a CNAME for
                          lb.example.org, beside which no A can be; delete the
                          CNAME, then add the A

    4. Please enter
    ---------------

    One field per line, for pages that ask for them one by one. “Add” leaves
    everything else at that name as it is, and other people's entries stay. Where
    your page does not take the TTL, leave its own.

    Names in values have no dot at the end here. If your page adds “.acme.example”
    to them, enter them with one: “us-east.voice.acme.example.”

    Some pages want service and protocol of an SRV entry in fields of their own;
    then “Name without both” is its name there.

      Do                 add
      Type               SRV
      Name               _sip._udp.proxy.voice
      Service            _sip
      Protocol           _udp
      Name without both  proxy.voice
      Priority           10
      Weight             10
      Port               7000
      Target             us-east.voice.acme.example
      TTL                3600
      For                Phones

      Do         replace
      Type       CNAME
      Name       portal.voice
      Target     ui.example.net
      TTL        3600
      For        Web portal
      There now  ui.gone.example

      Do     add
      Type   A
      Name   us-east.voice
      Value  192.0.2.1
      TTL    3600
      For    US East | proxy

      Do     add
      Type   A
      Name   us-east.voice
      Value  192.0.2.2
      TTL    3600
      For    US East | proxy

      Do           add
      Type         MX
      Name         voice
      Priority     10
      Mail server  mx.example.net
      TTL          3600
      For          Mail

      Do     add
      Type   TXT
      Name   voice
      Value  v=spf1 include:example.net -all
      TTL    3600

      Do     add
      Type   CAA
      Name   voice
      Flags  0
      Tag    issue
      Value  ca.example
      TTL    3600

    Not clear yet
    -------------

    No entry needs to be changed for these before it is.

      Name         proxy.voice
      Type         NAPTR
      What we saw  the name servers of the domain disagree; ask the registrar
                   whether all of them are up to date: 192.0.2.1: no record;
                   192.0.2.2: 10 100 "S" "SIP+D2U" ""
                   _sip._udp.proxy.voice.acme.example
    "#);
}

/// Checks what is to be entered where something is there.
#[track_caller]
fn enters(record_type: &str, wanted: &str, there: &[&str], hint: Option<HintKind>, enter: &[&str]) {
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
    let verdict = if is_there {
        Verdict::Extra
    } else {
        Verdict::Different
    };
    let mut judged = judged(host, verdict, there);
    if let Some(kind) = hint {
        judged = hinted(judged, kind, "it is so; do that");
    }
    let said: Vec<String> = tasks(host, Some(&judged), false)
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

/// What somebody else has at the same name stays; only our own mistakes are replaced.
#[test]
fn the_records_of_others_are_never_replaced() {
    enters(
        "MX",
        "10 mx.example.net",
        &["20 mail.acme.example"],
        None,
        &["Add "],
    );
    enters(
        "MX",
        "10 mx.example.net",
        &["20 mx.example.net", "5 mail.acme.example"],
        None,
        &["Replace priority 20, mail server mx.example.net"],
    );
    enters(
        "MX",
        "10 mx.example.net",
        &["10 mx.example.net", "5 mail.acme.example"],
        None,
        &[],
    );
    enters(
        "CAA",
        "0 issue \"ca.example\"",
        &["0 issue \"other.example\""],
        Some(HintKind::Forbidden),
        &["Add "],
    );
    enters(
        "CAA",
        "0 issue \"ca.example\"",
        &["128 issue \"ca.example\""],
        None,
        &["Replace flags 128, tag issue, value ca.example"],
    );
    enters("TXT", "brand=1", &["\"site=2\""], None, &["Add "]);
    enters("TXT", "brand=1", &["\"site=2\"", "\"brand=1\""], None, &[]);
    enters(
        "TXT",
        "brand=1",
        &["\"site=2\"", "\"\\\"brand=1\\\"\""],
        Some(HintKind::QuotesInText),
        &["Replace \"brand=1\""],
    );
    enters(
        "TXT",
        "brand=1",
        &["\"brand=\"", "\"1\""],
        Some(HintKind::SplitText),
        &["Replace 1; brand="],
    );
    enters(
        "TXT",
        "v=spf1 -all",
        &["\"v=spf1 a -all\"", "\"site=2\""],
        None,
        &["Merge v=spf1 a -all"],
    );
    enters(
        "TXT",
        "v=spf1 -all",
        &["\"v=spf1 -all\"", "\"v=spf1 a -all\""],
        None,
        &["Merge v=spf1 a -all"],
    );
    enters(
        "A",
        "192.0.2.1",
        &["192.0.2.2"],
        None,
        &["Replace 192.0.2.2"],
    );
    enters(
        "A",
        "192.0.2.1",
        &["192.0.2.2"],
        Some(HintKind::Wildcard),
        &["Add "],
    );
    enters(
        "A",
        "192.0.2.1",
        &["192.0.2.2"],
        Some(HintKind::AliasBesideData),
        &["Add "],
    );
    enters(
        "A",
        "192.0.2.1",
        &["192.0.2.1", "192.0.2.2"],
        None,
        &["Extra 192.0.2.2"],
    );
}

/// Names and labels are foreign text, in every format.
#[test]
fn a_letter_for_a_mail_has_the_brand_above_it() {
    let template: DomainTemplate = serde_json::from_value(serde_json::json!({
        "TXT": {"{{domain}}": {"name": "<img src=x onerror=y>", "mapping": ["<script>z</script>"]}},
    }))
    .unwrap();
    let domain = DomainName::parse("acme.example").unwrap();
    let expected = expect(&template, &domain).expected;
    let zone = RecordName::observed("acme.example");
    let letter = Letter {
        brand: "Acme & <b>Söhne</b>",
        support: Some("\"><script>@acme.example"),
        ..letter(&expected, &[], &domain, &zone)
    };
    let page = letter.html();
    for foreign in ["<b>", "<img", "<script"] {
        assert!(!page.contains(foreign), "{page}");
    }
    let (_, body) = page.split_once("<body ").unwrap();
    let styles: Vec<&str> = body.split("style=\"").collect();
    let bare: String = styles
        .iter()
        .map(|part| part.split_once('"').map_or("", |(_, rest)| rest))
        .collect();
    insta::assert_snapshot!(bare, @r#"
    >
    <div >
    <p >Acme &amp; &lt;b&gt;Söhne&lt;/b&gt;</p>
    <h1 >DNS entries for acme.example</h1>
    <p >These are the DNS entries that Acme &amp; &lt;b&gt;Söhne&lt;/b&gt; needs. They are entered where the domain acme.example is managed, usually at the company where it was registered. Names are written as most of these pages want them: without “.acme.example” at the end, and “@” for acme.example itself. If your page asks for the whole name, add “.acme.example”. Do not change other entries, above all those named NS and SOA.</p>
    <h2 >Please enter</h2>
    <p >One field per line, for pages that ask for them one by one. “Add” leaves everything else at that name as it is, and other people&#39;s entries stay. Where your page does not take the TTL, leave its own.</p>
    <table >
    <tr><th scope="row" >Do</th><td >add</td></tr>
    <tr><th scope="row" >Type</th><td ><code >TXT</code></td></tr>
    <tr><th scope="row" >Name</th><td ><code >@</code></td></tr>
    <tr><th scope="row" >Value</th><td ><code >&lt;script&gt;z&lt;/script&gt;</code></td></tr>
    <tr><th scope="row" >TTL</th><td ><code >3600</code></td></tr>
    <tr><th scope="row" >For</th><td >&lt;img src=x onerror=y&gt;</td></tr>
    </table>
    <p >Questions? Please write to &quot;&gt;&lt;script&gt;@acme.example.</p>
    </div>
    </body>
    </html>
    "#);
}

/// What an alias led to is gone when the alias is; so everything at its name is entered, right or not.
#[test]
fn what_an_alias_led_to_is_entered_as_well() {
    #[track_caller]
    fn check(address: Verdict, sixth: Verdict, entered: &[&str]) {
        let template: DomainTemplate = serde_json::from_value(serde_json::json!({
            "A": {"us.{{domain}}": {"mapping": ["192.0.2.1"]}},
            "AAAA": {"us.{{domain}}": {"mapping": ["2001:db8::1"]}},
        }))
        .unwrap();
        let domain = DomainName::parse("acme.example").unwrap();
        let expected = expect(&template, &domain).expected;
        let one = |host: &Expected, verdict: Verdict| {
            let there: &[&str] = match (&verdict, host.question.record_type) {
                (Verdict::Missing, _) => &[],
                (_, RecordType::A) => &["192.0.2.1"],
                _ => &["2001:db8::1"],
            };
            let is_right = verdict == Verdict::Ok;
            let judged = judged(host, verdict, there);
            if is_right {
                return judged;
            }
            let text = "us.acme.example is a CNAME; delete the CNAME";
            hinted(judged, HintKind::AliasBesideData, text)
        };
        let checks = [one(&expected[0], address), one(&expected[1], sixth)];
        let cleared = cleared(&checks);
        let tasks = expected.iter().zip(&checks).flat_map(|(host, check)| {
            tasks(host, Some(check), cleared.contains(&host.question.name))
        });
        let said: Vec<String> = tasks
            .map(|task| match task {
                Task::Clear(_) => "clear".to_owned(),
                Task::Enter { data, .. } => format!("enter {data}"),
                Task::Right(data) => format!("right {data}"),
                Task::Noticed(_) => "noticed".to_owned(),
                Task::Wait { .. } => "wait".to_owned(),
                _ => "something else".to_owned(),
            })
            .collect();
        assert_eq!(said, entered);
    }
    let both = ["enter 192.0.2.1", "clear", "enter 2001:db8::1"];
    check(Verdict::Ok, Verdict::Missing, &both);
    let both = ["clear", "enter 192.0.2.1", "clear", "enter 2001:db8::1"];
    check(
        Verdict::Extra,
        Verdict::Bogus,
        &[both[0], both[1], both[2], "something else", both[3]],
    );
    let neither = ["right 192.0.2.1", "right 2001:db8::1"];
    check(Verdict::Ok, Verdict::Ok, &neither);
    let old = Verdict::Propagating { old_for: None };
    check(Verdict::Ok, old, &["right 192.0.2.1", "noticed", "wait"]);
}

/// An alias answers for every type, and is one entry, whichever type was asked for.
#[test]
fn what_strangers_can_take_over_is_named_by_the_record_that_leads_there() {
    let expected = expected();
    let text = "ui.gone.example is not registered: whoever registers it takes over it";
    let check = |record_type: &str, there: &[&str], kinds: &[HintKind], shown: &[&str]| {
        let host = expected
            .iter()
            .find(|host| host.question.record_type.as_str() == record_type)
            .unwrap();
        let found = judged(host, Verdict::Different, there);
        let found = hinted(found, HintKind::Takeover, text);
        let found = kinds
            .iter()
            .fold(found, |it, kind| hinted(it, *kind, "beside"));
        let domain = DomainName::parse("voice.acme.example").unwrap();
        let zone = RecordName::observed("acme.example");
        let checks = [found];
        let letter = letter(&expected, &checks, &domain, &zone);
        let lapsed = letter.rows().lapsed;
        let types: Vec<&str> = lapsed.iter().map(|row| row[1].as_str()).collect();
        assert_eq!(types, shown, "{record_type} {there:?}");
    };
    check(
        "A",
        &["198.51.100.7"],
        &[HintKind::AliasBesideData],
        &["CNAME"],
    );
    check("A", &[], &[], &["CNAME"]);
    check("CNAME", &["ui.gone.example"], &[], &["CNAME"]);
    check("SRV", &["10 10 5060 ui.gone.example"], &[], &["SRV"]);
    check("NAPTR", &[], &[HintKind::AliasBesideData], &["CNAME"]);
    // Once, although three types were asked for at one name.
    let portal = expected
        .iter()
        .find(|host| host.question.record_type == RecordType::A)
        .unwrap();
    let types = [RecordType::A, RecordType::Aaaa, RecordType::Naptr];
    let hosts = types.map(|record_type| {
        let mut host = portal.clone();
        host.question.record_type = record_type;
        host.records.clear();
        host
    });
    let checks = hosts.clone().map(|host| {
        hinted(
            judged(&host, Verdict::Different, &[]),
            HintKind::Takeover,
            text,
        )
    });
    let domain = DomainName::parse("voice.acme.example").unwrap();
    let zone = RecordName::observed("acme.example");
    let letter = letter(&hosts, &checks, &domain, &zone);
    let rows = letter.rows();
    assert_eq!(rows.lapsed.len(), 1, "{:?}", rows.lapsed);
}

#[test]
fn who_can_repair_a_server_that_fails_is_named() {
    let expected = expected();
    let unclear = |reason: &str| {
        let reason = reason.to_owned();
        let checks = [judged(&expected[0], Verdict::Unknown { reason }, &[])];
        let domain = DomainName::parse("voice.acme.example").unwrap();
        let zone = RecordName::observed("acme.example");
        let letter = letter(&expected, &checks, &domain, &zone);
        let rows = letter.rows();
        rows.unclear[0][2].clone()
    };
    insta::assert_snapshot!(unclear("no authoritative server gave an answer (SERVFAIL)"), @"could not be checked: no authoritative server gave an answer (SERVFAIL); please ask the company that runs the name servers of the domain to repair them: as long as they answer so, nobody finds the entry");
    insta::assert_snapshot!(unclear("no authoritative server gave an answer (no answer in time)"), @"could not be checked: no authoritative server gave an answer (no answer in time); we look again; if it stays so, please ask the company that runs the name servers of the domain");
}

/// A server that fails does so for every entry, which is told once.
#[test]
fn the_same_answer_is_told_once() {
    let expected = expected();
    let unknown = |reason: &str| Verdict::Unknown {
        reason: reason.to_owned(),
    };
    let checks = [
        judged(&expected[0], unknown("SERVFAIL"), &[]),
        judged(&expected[1], unknown("no answer in time"), &[]),
        judged(&expected[2], unknown("SERVFAIL"), &[]),
    ];
    let domain = DomainName::parse("voice.acme.example").unwrap();
    let zone = RecordName::observed("acme.example");
    let letter = letter(&expected, &checks, &domain, &zone);
    let texts: Vec<String> = letter
        .rows()
        .unclear
        .into_iter()
        .map(|row| row.join(" "))
        .collect();
    insta::assert_snapshot!(texts.join("\n"), @"
    _sip._udp.proxy.voice SRV could not be checked: SERVFAIL; please ask the company that runs the name servers of the domain to repair them: as long as they answer so, nobody finds the entry
    portal.voice CNAME could not be checked: no answer in time; we look again; if it stays so, please ask the company that runs the name servers of the domain
    proxy.voice NAPTR the same as for _sip._udp.proxy.voice (SRV)
    ");
}

/// `dns: manage`: an apply enters the records, and nobody else needs to.
#[test]
fn a_letter_says_when_the_records_are_entered_by_us() {
    let expected = expected();
    let checks = [judged(&expected[0], Verdict::Missing, &[])];
    let domain = DomainName::parse("voice.acme.example").unwrap();
    let zone = RecordName::observed("acme.example");
    let letter = Letter {
        is_managed: true,
        expected: &expected[..1],
        ..letter(&expected, &checks, &domain, &zone)
    };
    let text = letter.text();
    let (_, told) = text.split_once("SOA.\n\n").unwrap();
    insta::assert_snapshot!(told, @r"
    We enter and change these entries ourselves, over a direct connection to your
    name servers: nobody needs to enter by hand what is listed under “We enter”.
    The rest is for you.

    We enter
    --------

      Do                 add
      Type               SRV
      Name               _sip._udp.proxy.voice
      Service            _sip
      Protocol           _udp
      Name without both  proxy.voice
      Priority           10
      Weight             10
      Port               7000
      Target             us-east.voice.acme.example
      TTL                3600
      For                Phones
    ");
}
