//! What the tests want to stand, and what stood before.

use emblazon::dns::{Expected, expect};
use emblazon::model::{DomainName, DomainTemplate};

/// The zone that everything lies in.
pub(crate) const ZONE: &str = "acme.example";

/// The zone before: some records of somebody else, one old record of ours, two of the six sets half right.
pub(crate) const ZONE_FILE: &str = r#"$ORIGIN acme.example.
$TTL 300
@ IN SOA ns.acme.example. hostmaster.acme.example. 1 3600 600 86400 60
@ IN NS ns.acme.example.
@ IN MX 20 mail.acme.example.
ns IN A 127.0.0.1
mail IN A 192.0.2.25
www IN CNAME www.example.org.
_acme-challenge IN TXT "token"
us-east 120 IN A 192.0.2.1
us-east 120 IN A 198.51.100.9
portal IN CNAME OLD.example.net.
spf IN TXT "v=spf1 " "-all"
"#;

/// What the tree wants.
pub(crate) fn expected() -> Vec<Expected> {
    let template: DomainTemplate = serde_json::from_value(serde_json::json!({
        "A": {"us-east.{{domain}}": {"name": "US East", "mapping": ["192.0.2.1", "192.0.2.2"]}},
        "AAAA": {"us-east.{{domain}}": {"mapping": ["2001:db8::1"]}},
        "CNAME": {"portal.{{domain}}": {"name": "Web portal", "mapping": ["ui.example.net"]}},
        "MX": {"{{domain}}": {"mapping": ["10 mx.example.net"]}},
        "NAPTR": {"proxy.{{domain}}": {"mapping": ["10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.proxy.{{domain}}."]}},
        "SRV": {"_sip._udp.proxy.{{domain}}": {"mapping": ["10 10 7000 us-east.{{domain}}."]}},
        "TXT": {"spf.{{domain}}": {"mapping": ["v=spf1 -all"]},
                "note.{{domain}}": {"mapping": ["say \"hi\"; and \\ more"]}},
        "CAA": {"{{domain}}": {"mapping": ["0 issue \"ca.example\""]}},
    }))
    .unwrap();
    let got = expect(&template, &DomainName::parse(ZONE).unwrap());
    assert_eq!(got.not_understood, vec![]);
    got.expected
}

/// The lines of the transfer that a push adds and takes away.
pub(crate) fn difference(before: &[String], after: &[String]) -> String {
    let mut lines: Vec<String> = before
        .iter()
        .filter(|line| !after.contains(line))
        .map(|line| format!("- {line}"))
        .collect();
    lines.extend(
        after
            .iter()
            .filter(|line| !before.contains(line))
            .map(|line| format!("+ {line}")),
    );
    lines.join("\n")
}
