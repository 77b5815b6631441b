//! What `dns check` says of DNS as it is found: one table of situations, over real packets of the sandbox's servers.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::cli::{run, stdout, write};

/// Templates that situations have in common, by name.
const TEMPLATES: [(&str, &str); 8] = [
    ("ADDRESS", r#"A: {"us.{{domain}}": {mapping: [192.0.2.1]}}"#),
    ("APEX", r#"A: {"{{domain}}": {mapping: [192.0.2.1]}}"#),
    (
        "PORTAL",
        r#"CNAME: {"portal.{{domain}}": {name: Portal, mapping: [ui.example.net]}}"#,
    ),
    ("TEXT", r#"TXT: {"k.{{domain}}": {mapping: [v=one two]}}"#),
    (
        "MAIL",
        r#"MX: {"{{domain}}": {mapping: [10 mx.example.net]}}"#,
    ),
    (
        "CARRIER",
        r#"SRV: {"_sip._udp.{{domain}}": {mapping: [10 10 5060 sip.carrier.example]}}"#,
    ),
    (
        "PHONES",
        r#"A: {"us.{{domain}}": {mapping: [192.0.2.1]}}, SRV: {"_sip._udp.{{domain}}": {mapping: ["10 10 5060 us.{{domain}}"]}}"#,
    ),
    (
        "RULES",
        r#"A: {"us.{{domain}}": {mapping: [192.0.2.1]}}, SRV: {"_sip._udp.{{domain}}": {mapping: ["10 10 5060 us.{{domain}}"]}}, NAPTR: {"{{domain}}": {mapping: ['10 100 "S" "SIP+D2U" "" _sip._udp.{{domain}}']}}"#,
    ),
];

/// The domain of the support address, where a situation is not about it.
const SUPPORT: &str = r#"mail.example: {records: ['@ MX 10 mx.mail.example', '@ TXT "v=spf1 mx -all"', '_dmarc TXT "v=DMARC1; p=none"']}"#;

/// What is found, what is true of it, the template, the verdicts (with what is absent, `+hints` and `!findings`), and the
/// exit code; below that, the DNS as the sandbox's file states it.
const SITUATIONS: &str = r#"
as declared | right | ADDRESS | ok | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}}
nobody entered it | missing | ADDRESS | missing name | 2
  zones: {acme.example: {}}
another type at the name | missing | ADDRESS | missing type | 2
  zones: {acme.example: {records: [us TXT x]}}
nobody registered the domain | missing | ADDRESS | missing domain | 2
  zones: {example.net: {}}
the domain doubled | missing | ADDRESS | missing name +doubled_domain | 2
  zones: {acme.example: {records: [us.acme.example A 192.0.2.1]}}
another address | wrong | ADDRESS | different +old_address | 2
  zones: {acme.example: {records: [us A 192.0.2.9]}}
an address too many | wrong | ADDRESS | extra +old_address | 2
  zones: {acme.example: {records: [us A 192.0.2.1, us A 192.0.2.9]}}
one server is old | wrong by chance | ADDRESS | inconsistent !serials | 2
  zones: {acme.example: {ns: [a.dns.test, b.dns.test], records: [us A 192.0.2.1], servers: {b.dns.test: {records: [us A 192.0.2.9]}}}}
a resolver is old | right at its source | ADDRESS | propagating | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}}, remembers: [us.acme.example 60 A 192.0.2.9]
a resolver has its own view | wrong outside | ADDRESS | different +old_address | 2
  zones: {acme.example: {records: [us A 192.0.2.9]}}, remembers: [us.acme.example 60 A 192.0.2.1]
no server answers | not known | ADDRESS | unknown | 6
  zones: {acme.example: {records: [us A 192.0.2.1]}}, faults: [{server: ns1.dns.test, fault: servfail}, {server: ns2.dns.test, fault: servfail}]
one of two servers refuses | not known | ADDRESS | unknown | 6
  zones: {acme.example: {ns: [a.dns.test, b.dns.test], records: [us A 192.0.2.1]}}, faults: [{server: b.dns.test, fault: refused}]
signatures are wrong | nobody reaches it | ADDRESS | bogus +bogus | 2
  zones: {acme.example: {records: [us A 192.0.2.1]}}, faults: [{server: resolver, name: '*acme.example', fault: bogus}]
servers older than EDNS | right | ADDRESS | ok !no-edns | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}}, faults: [{fault: no_edns}]
an internal zone of one label | right | ADDRESS | ok | 0
  zones: {corp: {records: [us.voice A 192.0.2.1]}}
an internal zone without it | missing | ADDRESS | missing name | 2
  zones: {corp: {records: [eu.voice A 192.0.2.1]}}
a wildcard gives another address | wrong | ADDRESS | different +wildcard !wildcard | 2
  zones: {acme.example: {records: ['* A 192.0.2.9']}}
a wildcard gives the address | right | ADDRESS | ok !wildcard | 0
  zones: {acme.example: {records: ['* A 192.0.2.1']}}
a wildcard hides a missing alias | missing | PORTAL | missing type +wildcard !wildcard | 2
  zones: {acme.example: {records: ['* A 192.0.2.9']}}
the IPv6 side of a server is old | wrong by chance | ADDRESS | inconsistent !serials | 2
  ipv6: ns1.dns.test, zones: {acme.example: {records: [us A 192.0.2.1], servers: {ipv6: {records: [us A 192.0.2.9]}}}}
the parent names an old server | wrong by chance | ADDRESS | inconsistent !name-servers-differ !serials | 2
  zones: {acme.example: {delegated_to: [ns1.dns.test, old.dns.test], records: [us A 192.0.2.1], servers: {old.dns.test: {records: [us A 192.0.2.9], ns: [old.dns.test]}}}, example: {ns: [a.nic.test]}}
the parent names a server that refuses | not known | ADDRESS | unknown !name-servers-differ !lame-delegation | 6
  zones: {acme.example: {delegated_to: [ns1.dns.test, old.dns.test], records: [us A 192.0.2.1]}, example: {ns: [a.nic.test]}}, faults: [{server: old.dns.test, fault: refused}]
an alias as declared | right | PORTAL | ok | 0
  zones: {acme.example: {records: [portal CNAME ui.example.net]}, example.net: {records: [ui A 192.0.2.1]}}
a flattened alias | right | PORTAL | ok | 0
  zones: {acme.example: {records: [portal A 192.0.2.1]}, example.net: {records: [ui A 192.0.2.1]}}
an alias whose target has no address | right, and nobody there | PORTAL | ok +dangling_target | 0
  zones: {acme.example: {records: [portal CNAME ui.example.net]}, example.net: {}}
an alias whose target's domain lapsed | right, and a danger | PORTAL | ok +takeover | 0
  zones: {acme.example: {records: [portal CNAME ui.example.net]}}
an alias whose target fails | right | PORTAL | ok +takeover | 0
  zones: {acme.example: {records: [portal CNAME ui.example.net]}}, faults: [{server: resolver, name: portal.acme.example, type: SOA, fault: servfail}]
an alias into the parent zone | right | CNAME: {"portal.{{domain}}": {name: Portal, mapping: [ui.acme.example]}} | ok | 0
  zones: {a.acme.example: {records: [portal CNAME ui.acme.example]}, acme.example: {records: [ui A 192.0.2.1]}}
an alias of addresses, in the zone | right | ADDRESS | ok | 0
  zones: {acme.example: {records: [us CNAME lb.acme.example, lb A 192.0.2.1]}}
an alias of addresses, elsewhere | right | ADDRESS | ok | 0
  zones: {acme.example: {records: [us CNAME lb.example.net]}, example.net: {ns: [b.dns.test], records: [lb A 192.0.2.1]}}
an alias of other addresses | wrong | ADDRESS | different +alias_beside_data | 2
  zones: {acme.example: {records: [us CNAME lb.example.net]}, example.net: {ns: [b.dns.test], records: [lb A 192.0.2.9]}}
an alias into a domain that lapsed | missing, and a danger | ADDRESS | missing type +alias_beside_data +takeover | 2
  zones: {acme.example: {records: [us CNAME lb.example.net]}}
an alias whose zone does not answer | not known | ADDRESS | unknown | 6
  zones: {acme.example: {records: [us CNAME lb.example.net]}, example.net: {ns: [b.dns.test]}}, faults: [{server: b.dns.test, fault: servfail}]
aliases in a circle | not known | ADDRESS | unknown | 6
  zones: {acme.example: {records: [us CNAME b.acme.example, b CNAME us.acme.example]}}
an alias at the top of the zone | right, and no NS | APEX | ok +alias_at_apex | 0
  zones: {acme.example: {records: ['@ CNAME lb.example.net']}, example: {ns: [a.nic.test]}, example.net: {records: [lb A 192.0.2.1]}}
phones find their server | right | PHONES | ok, ok, phones works | 0
  zones: {acme.example: {records: [us A 192.0.2.1, _sip._udp SRV 10 10 5060 us.acme.example]}}
SRV names an alias | some clients fail | PHONES | ok, ok +alias_as_target, phones works | 0
  zones: {acme.example: {records: [us CNAME lb.acme.example, lb A 192.0.2.1, _sip._udp SRV 10 10 5060 us.acme.example]}}
the carrier's server has no address | no phone registers | CARRIER | ok +dangling_target, phones broken | 2
  zones: {acme.example: {records: [_sip._udp SRV 10 10 5060 sip.carrier.example]}, carrier.example: {}}
some phones find the old server | wrong by chance | PHONES | ok, inconsistent, phones impaired !serials | 2
  zones: {acme.example: {ns: [a.dns.test, b.dns.test], records: [us A 192.0.2.1, _sip._udp SRV 10 10 5060 us.acme.example], servers: {b.dns.test: {records: [us A 192.0.2.9]}}}}
one name server | right, while it is up | ADDRESS | ok !single-name-server | 0
  zones: {acme.example: {ns: [a.dns.test], records: [us A 192.0.2.1]}}
a name server is an alias | right for most | ADDRESS | ok !name-server-is-alias | 0
  zones: {acme.example: {ns: [ns1.dns.test, ns9.acme.example], records: [us A 192.0.2.1, ns9 CNAME ns1.dns.test]}}
the parent names one server more | right | ADDRESS | ok !name-servers-differ | 0
  zones: {acme.example: {delegated_to: [ns1.dns.test, ns2.dns.test, ns3.dns.test], records: [us A 192.0.2.1]}, example: {ns: [a.nic.test]}}
the zone names one server more | right | ADDRESS | ok !name-servers-differ | 0
  zones: {acme.example: {delegated_to: [ns1.dns.test], records: [us A 192.0.2.1]}, example: {ns: [a.nic.test]}}
the parent names a server that is lame | not known | ADDRESS | unknown !name-servers-differ !lame-delegation | 6
  zones: {acme.example: {delegated_to: [ns1.dns.test, old.dns.test], records: [us A 192.0.2.1]}, example: {ns: [a.nic.test]}}, faults: [{server: old.dns.test, fault: lame}]
parent and zone agree | right | ADDRESS | ok | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}, example: {ns: [a.nic.test]}}
one of two servers is lame | not known | ADDRESS | unknown | 6
  zones: {acme.example: {ns: [a.dns.test, b.dns.test], records: [us A 192.0.2.1]}}, faults: [{server: b.dns.test, fault: lame}]
one of two servers sends rubbish | not known | ADDRESS | unknown | 6
  zones: {acme.example: {ns: [a.dns.test, b.dns.test], records: [us A 192.0.2.1]}}, faults: [{server: b.dns.test, fault: garbage}]
one of two servers answers NOTIMP | not known | ADDRESS | unknown | 6
  zones: {acme.example: {ns: [a.dns.test, b.dns.test], records: [us A 192.0.2.1]}}, faults: [{server: b.dns.test, fault: notimp}]
two of three servers are old | wrong by chance | ADDRESS | inconsistent !serials | 2
  zones: {acme.example: {ns: [a.dns.test, b.dns.test, c.dns.test], records: [us A 192.0.2.9], servers: {a.dns.test: {records: [us A 192.0.2.1]}}}}
one server lacks it | missing by chance | ADDRESS | inconsistent !serials | 2
  zones: {acme.example: {ns: [a.dns.test, b.dns.test], records: [us A 192.0.2.1], servers: {b.dns.test: {without: [us A]}}}}
both servers have the same wrong one | wrong | ADDRESS | different +old_address | 2
  zones: {acme.example: {ns: [a.dns.test, b.dns.test], records: [us A 192.0.2.1], servers: {a.dns.test: {records: [us A 192.0.2.9]}, b.dns.test: {records: [us A 192.0.2.9]}}}}
glue as it should be | right | ADDRESS | ok | 0
  zones: {acme.example: {ns: [ns1.acme.example, ns2.acme.example], records: [us A 192.0.2.1]}, example: {ns: [a.nic.test]}}
glue leads to an old server | wrong by chance | ADDRESS | inconsistent !glue-differs !serials | 2
  zones: {acme.example: {ns: [ns1.acme.example, ns2.acme.example], glue: {ns2.acme.example: old.dns.test}, records: [us A 192.0.2.1], servers: {old.dns.test: {records: [us A 192.0.2.9]}}}, example: {ns: [a.nic.test]}}
glue leads to a server that refuses | not known | ADDRESS | unknown !glue-differs | 6
  zones: {acme.example: {ns: [ns1.acme.example, ns2.acme.example], glue: {ns2.acme.example: old.dns.test}, records: [us A 192.0.2.1]}, example: {ns: [a.nic.test]}}, faults: [{server: old.dns.test, fault: refused}]
cut over UDP, whole over TCP | right | ADDRESS | ok | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}}, faults: [{transport: udp, fault: truncate}]
cut over UDP, and no TCP at one server | not known | ADDRESS | unknown | 6
  zones: {acme.example: {records: [us A 192.0.2.1]}}, faults: [{server: ns2.dns.test, transport: udp, fault: truncate}, {server: ns2.dns.test, transport: tcp, fault: drop}]
no TCP at one server | right, until it grows | ADDRESS | ok !no-tcp | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}}, faults: [{server: ns2.dns.test, transport: tcp, fault: drop}]
one server older than EDNS | right | ADDRESS | ok !no-edns | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}}, faults: [{server: ns2.dns.test, fault: no_edns}]
a resolver older than EDNS | right | ADDRESS | ok | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}}, faults: [{server: resolver, fault: no_edns}]
names in mixed case | right | PORTAL | ok | 0
  zones: {acme.example: {records: [portal CNAME ui.example.net]}, example.net: {records: [ui A 192.0.2.1]}}, faults: [{fault: mangle_case}]
the resolver cannot resolve it | right at its source | ADDRESS | ok | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}}, faults: [{server: resolver, name: us.acme.example, fault: servfail}]
the resolver refuses us | not known | ADDRESS | unknown | 6
  zones: {acme.example: {records: [us A 192.0.2.1]}}, faults: [{server: resolver, fault: refused}]
a resolver remembers that it was absent | right at its source | ADDRESS | propagating | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}}, remembers: [us.acme.example 60 A]
only names below it | missing | ADDRESS | missing type | 2
  zones: {acme.example: {records: [x.us A 192.0.2.1]}}
one of two addresses | missing in part | A: {"us.{{domain}}": {mapping: [192.0.2.1, 192.0.2.2]}} | missing | 2
  zones: {acme.example: {records: [us A 192.0.2.1]}}
a zone of its own for the host | right | ADDRESS | ok | 0
  zones: {acme.example: {records: [x A 192.0.2.1]}, us.acme.example: {records: ['@ A 192.0.2.1']}}
a zone of its own without it | missing | ADDRESS | missing type | 2
  zones: {acme.example: {records: [us A 192.0.2.1]}, us.acme.example: {records: [x A 192.0.2.1]}}
registered below a second label | right | ADDRESS | ok | 0
  zones: {acme.co.uk: {records: [us A 192.0.2.1]}, co.uk: {ns: [a.nic.test]}, uk: {ns: [a.nic.test]}}
not registered below a second label | missing | ADDRESS | missing domain | 2
  zones: {co.uk: {ns: [a.nic.test]}, uk: {ns: [a.nic.test]}}
the target lapsed below a second label | right, and a danger | CNAME: {"portal.{{domain}}": {name: Portal, mapping: [ui.platform.co.uk]}} | ok +takeover | 0
  zones: {acme.example: {records: [portal CNAME ui.platform.co.uk]}, co.uk: {ns: [a.nic.test]}}
IPv6 declared and there | right | AAAA: {"us.{{domain}}": {mapping: ['2001:db8::1']}} | ok | 0
  zones: {acme.example: {records: ['us AAAA 2001:DB8:0::1']}}
IPv6 declared and missing | missing | AAAA: {"us.{{domain}}": {mapping: ['2001:db8::1']}} | missing type +missing_ipv6 | 2
  zones: {acme.example: {records: [us A 192.0.2.1]}}
IPv6 that nobody declared | right, and elsewhere | ADDRESS | ok +unwanted_ipv6 | 0
  zones: {acme.example: {records: [us A 192.0.2.1, 'us AAAA 2001:db8::9']}}
to be replaced, and remembered for a day | wrong | ADDRESS | different +old_address !long-memory | 2
  zones: {acme.example: {records: [us 86400 A 192.0.2.9]}}
a text as declared | right | TEXT | ok | 0
  zones: {acme.example: {records: ['k TXT "v=one two"']}}
a text with its quotes | wrong | TEXT | different +quotes_in_text | 2
  zones: {acme.example: {records: ['k TXT "\"v=one two\""']}}
a text in two records | wrong | TEXT | different +split_text | 2
  zones: {acme.example: {records: ['k TXT "v=one "', 'k TXT two']}}
a text in two strings | right | TEXT | ok | 0
  zones: {acme.example: {records: ['k TXT "v=one " "two"']}}
another text beside it | one too many | TEXT | extra | 2
  zones: {acme.example: {records: ['k TXT "v=one two"', 'k TXT other']}}
mail as declared | right | MAIL | ok | 0
  zones: {acme.example: {records: ['@ MX 10 mx.example.net']}, example.net: {records: [mx A 192.0.2.1]}}
MX names an alias | some mail fails | MAIL | ok +alias_as_target | 0
  zones: {acme.example: {records: ['@ MX 10 mx.example.net']}, example.net: {records: [mx CNAME a.example.net, a A 192.0.2.1]}}
mail goes elsewhere | wrong | MAIL | different | 2
  zones: {acme.example: {records: ['@ MX 10 mx.old.example']}, old.example: {records: [mx A 192.0.2.1]}}
CAA lets our authority issue | right | ADDRESS | ok | 0
  zones: {acme.example: {records: [us A 192.0.2.1, '@ CAA 0 issue "ca.example"']}}
CAA lets another authority issue | right, until renewal | ADDRESS | ok !other-authority | 0
  zones: {acme.example: {records: [us A 192.0.2.1, '@ CAA 0 issue "other.example"']}}
CAA of the host counts before the domain's | right, until renewal | ADDRESS | ok !no-certificates | 0
  zones: {acme.example: {records: [us A 192.0.2.1, 'us CAA 0 issue ";"', '@ CAA 0 issue "ca.example"']}}
CAA of the alias's target | right, until renewal | PORTAL | ok !other-authority | 0
  zones: {acme.example: {records: [portal CNAME ui.example.net]}, example.net: {records: [ui A 192.0.2.1, ui CAA 0 issue other.example]}}
CAA of the registry | right, until renewal | ADDRESS | ok !no-certificates | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}, example: {ns: [a.nic.test], records: ['@ CAA 0 issue ";"']}}
CAA declared, and another issuer | wrong | CAA: {"{{domain}}": {mapping: ['0 issue "ca.example"']}} | different +forbidden | 2
  zones: {acme.example: {records: ['@ CAA 0 issue "other.example"']}}
an alias in capitals | right | PORTAL | ok | 0
  zones: {acme.example: {records: [portal CNAME UI.Example.NET.]}, example.net: {records: [ui A 192.0.2.1]}}
an alias of an alias | right | PORTAL | ok | 0
  zones: {acme.example: {records: [portal CNAME ui.example.net]}, example.net: {records: [ui CNAME x.example.net, x A 192.0.2.1]}}
an alias of another name | wrong | PORTAL | different | 2
  zones: {acme.example: {records: [portal CNAME old.example.net]}, example.net: {records: [old A 192.0.2.1, ui A 192.0.2.2]}}
an alias of a name that lapsed | wrong, and a danger | PORTAL | different +takeover | 2
  zones: {acme.example: {records: [portal CNAME old.gone.example]}, example.net: {records: [ui A 192.0.2.2]}}
an address where an alias is wanted | missing | PORTAL | missing type +alias_beside_data | 2
  zones: {acme.example: {records: [portal A 192.0.2.9]}, example.net: {records: [ui A 192.0.2.1]}}
a child zone's alias at its top | right, and no NS | APEX | ok +alias_at_apex | 0
  zones: {a.acme.example: {records: ['@ CNAME lb.example.net']}, acme.example: {ns: [a.dns.test, b.dns.test], records: [x A 192.0.2.1]}, example.net: {records: [lb A 192.0.2.1]}}
a child zone's alias of other addresses | wrong | APEX | different +alias_at_apex | 2
  zones: {a.acme.example: {records: ['@ CNAME lb.example.net']}, acme.example: {ns: [a.dns.test, b.dns.test], records: [x A 192.0.2.1]}, example.net: {records: [lb A 192.0.2.9]}}
a wildcard beside what is declared | right | ADDRESS | ok !wildcard | 0
  zones: {acme.example: {records: [us A 192.0.2.1, '* A 192.0.2.9']}}
signed | right | ADDRESS | ok | 0
  zones: {acme.example: {records: [us A 192.0.2.1], dnssec: {}}}
signed with another key, seen by a validator | nobody reaches it | ADDRESS | bogus +bogus !no-matching-key | 2
  zones: {acme.example: {records: [us A 192.0.2.1], dnssec: {is_other_key: true}}}, faults: [{server: resolver, name: us.acme.example, fault: bogus}]
signed with another key, and nobody validates here | right here | ADDRESS | ok !no-matching-key | 0
  zones: {acme.example: {records: [us A 192.0.2.1], dnssec: {is_other_key: true}}}
signatures end in two days | right, until then | ADDRESS | ok !signatures-end | 0
  zones: {acme.example: {records: [us A 192.0.2.1], dnssec: {ends_in_hours: 48}}}
signatures have ended | nobody reaches it | ADDRESS | bogus +bogus !signatures-end | 2
  zones: {acme.example: {records: [us A 192.0.2.1], dnssec: {ends_in_hours: -1}}}, faults: [{server: resolver, name: us.acme.example, fault: {bogus_for: 7}}]
phones whose names are bogus | no phone registers | PHONES | bogus +bogus, bogus +bogus, phones broken | 2
  zones: {acme.example: {records: [us A 192.0.2.1, _sip._udp SRV 10 10 5060 us.acme.example]}}, faults: [{server: resolver, name: '*acme.example', fault: bogus}]
SRV with another port | no phone registers | PHONES | different +wrong_port, ok, phones broken | 2
  zones: {acme.example: {records: [us A 192.0.2.1, _sip._udp SRV 10 10 5065 us.acme.example]}}
SRV missing | no phone registers | PHONES | missing name, ok, phones broken | 2
  zones: {acme.example: {records: [us A 192.0.2.1]}}
SRV names one server more | some phones go elsewhere | PHONES | extra, ok, phones impaired | 2
  zones: {acme.example: {records: [us A 192.0.2.1, old A 192.0.2.9, _sip._udp SRV 10 10 5060 us.acme.example, _sip._udp SRV 20 10 5060 old.acme.example]}}
the carrier's server is an alias | some clients fail | CARRIER | ok +alias_as_target, phones works | 0
  zones: {acme.example: {records: [_sip._udp SRV 10 10 5060 sip.carrier.example]}, carrier.example: {records: [sip CNAME a.carrier.example, a A 192.0.2.5]}}
the carrier's domain lapsed | no phone registers | CARRIER | ok +takeover, phones broken | 2
  zones: {acme.example: {records: [_sip._udp SRV 10 10 5060 sip.carrier.example]}}
phones by NAPTR | right | RULES | ok, ok, ok, phones works | 0
  zones: {acme.example: {records: [us A 192.0.2.1, _sip._udp SRV 10 10 5060 us.acme.example, '@ NAPTR 10 100 "S" "SIP+D2U" "" _sip._udp.acme.example']}}
NAPTR missing, SRV there | phones that ask NAPTR | RULES | ok, missing type, ok, phones works | 2
  zones: {acme.example: {records: [us A 192.0.2.1, _sip._udp SRV 10 10 5060 us.acme.example]}}
phones over TCP | right | SRV: {"_sip._tcp.{{domain}}": {mapping: ["10 10 5060 us.{{domain}}"]}}, ADDRESS | ok, ok, phones works | 0
  zones: {acme.example: {records: [us A 192.0.2.1, _sip._tcp SRV 10 10 5060 us.acme.example]}}
phones over TLS | right | SRV: {"_sips._tcp.{{domain}}": {mapping: ["10 10 5061 us.{{domain}}"]}}, ADDRESS | ok, ok, phones works | 0
  zones: {acme.example: {records: [us A 192.0.2.1, _sips._tcp SRV 10 10 5061 us.acme.example]}}
phones over TLS by NAPTR | right | SRV: {"_sips._tcp.{{domain}}": {mapping: ["10 10 5061 us.{{domain}}"]}}, NAPTR: {"{{domain}}": {mapping: ['10 10 "S" "SIPS+D2T" "" _sips._tcp.{{domain}}']}}, ADDRESS | ok, ok, ok, phones works | 0
  zones: {acme.example: {records: [us A 192.0.2.1, _sips._tcp SRV 10 10 5061 us.acme.example, '@ NAPTR 10 10 "S" "SIPS+D2T" "" _sips._tcp.acme.example']}}
browsers over a secure WebSocket | right | SRV: {"_sips._ws.{{domain}}": {mapping: ["10 10 443 us.{{domain}}"]}}, NAPTR: {"{{domain}}": {mapping: ['10 10 "S" "SIPS+D2W" "" _sips._ws.{{domain}}']}}, ADDRESS | ok, ok, ok, phones works | 0
  zones: {acme.example: {records: [us A 192.0.2.1, _sips._ws SRV 10 10 443 us.acme.example, '@ NAPTR 10 10 "S" "SIPS+D2W" "" _sips._ws.acme.example']}}
browsers over a WebSocket at another port | no browser registers | SRV: {"_sip._ws.{{domain}}": {mapping: ["10 10 80 us.{{domain}}"]}}, ADDRESS | different +wrong_port, ok, phones broken | 2
  zones: {acme.example: {records: [us A 192.0.2.1, _sip._ws SRV 10 10 8080 us.acme.example]}}
TLS under a name that no standard knows | right for some phones | SRV: {"_sip._tls.{{domain}}": {mapping: ["10 10 5061 us.{{domain}}"]}}, ADDRESS | ok, ok !unknown-service | 0
  zones: {acme.example: {records: [us A 192.0.2.1, _sip._tls SRV 10 10 5061 us.acme.example]}}
one proxy without IPv6 | right, and not for all | SRV: {"_sip._udp.{{domain}}": {mapping: ["10 10 5060 us.{{domain}}", "10 10 5060 eu.{{domain}}"]}}, A: {"us.{{domain}}": {mapping: [192.0.2.1]}, "eu.{{domain}}": {mapping: [192.0.2.2]}}, AAAA: {"us.{{domain}}": {mapping: ['2001:db8::1']}} | ok, ok, ok, ok, phones works !one-family | 0
  zones: {acme.example: {records: [us A 192.0.2.1, eu A 192.0.2.2, 'us AAAA 2001:db8::1', _sip._udp SRV 10 10 5060 us.acme.example, _sip._udp SRV 10 10 5060 eu.acme.example]}}
nobody takes the support address's mail | right, and no mail | ADDRESS | ok !no-mail-server | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}, mail.example: {records: ['@ TXT "v=spf1 -all"', '_dmarc TXT "v=DMARC1; p=none"']}}
the support address's domain takes none | right, and no mail | ADDRESS | ok !no-mail-server | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}, mail.example: {records: ['@ MX 0 .', '@ TXT "v=spf1 -all"', '_dmarc TXT "v=DMARC1; p=none"']}}
an address takes the support address's mail | right | ADDRESS | ok | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}, mail.example: {records: ['@ A 192.0.2.25', '@ TXT "v=spf1 -all"', '_dmarc TXT "v=DMARC1; p=none"']}}
no SPF for the support address | right, and forged | ADDRESS | ok !no-sender-policy | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}, mail.example: {records: ['@ MX 10 mx.mail.example', '_dmarc TXT "v=DMARC1; p=none"']}}
SPF lets everybody send | right, and forged | ADDRESS | ok !no-sender-policy | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}, mail.example: {records: ['@ MX 10 mx.mail.example', '@ TXT "v=spf1 +all"', '_dmarc TXT "v=DMARC1; p=none"']}}
two SPF policies | right, and refused | ADDRESS | ok !several-sender-policies | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}, mail.example: {records: ['@ MX 10 mx.mail.example', '@ TXT "v=spf1 mx -all"', '@ TXT "v=spf1 a -all"', '_dmarc TXT "v=DMARC1; p=none"']}}
no DMARC for the support address | right, and refused by some | ADDRESS | ok !no-dmarc | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}, mail.example: {records: ['@ MX 10 mx.mail.example', '@ TXT "v=spf1 -all"']}}
nothing of the support address | right, and no mail | ADDRESS | ok !no-mail-server !no-sender-policy !no-dmarc | 0
  zones: {acme.example: {records: [us A 192.0.2.1]}, mail.example: {records: [x A 192.0.2.1]}}
"#;

struct Situation<'a> {
    name: &'a str,
    truth: &'a str,
    template: String,
    verdict: &'a str,
    exit: i32,
    dns: &'a str,
}

fn situations() -> impl Iterator<Item = Situation<'static>> {
    let lines: Vec<&str> = SITUATIONS.trim().lines().collect();
    let parse = |lines: &[&'static str]| {
        let fields: Vec<&str> = lines[0].split(" | ").collect();
        let [name, truth, template, verdict, exit] = fields[..] else {
            panic!("{}", lines[0]);
        };
        let template = TEMPLATES
            .iter()
            .fold(template.to_owned(), |text, (name, template)| {
                text.replace(name, template)
            });
        Situation {
            name,
            truth,
            template,
            verdict,
            exit: exit.parse().unwrap(),
            dns: lines[1].trim(),
        }
    };
    lines.chunks(2).map(parse).collect::<Vec<_>>().into_iter()
}

/// Returns the verdicts, what is absent and the hints of each host, whether phones register, and the findings.
fn told(report: &Value) -> String {
    let domain = &report["dns"]["domains"][0];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let hosts = list(&domain["hosts"]).into_iter().map(|host| {
        let mut words = vec![word(&host["verdict"])];
        words.extend(host.get("absent").map(word));
        let hints = list(&host["hints"]);
        words.extend(hints.iter().map(|hint| format!("+{}", word(&hint["kind"]))));
        words.join(" ")
    });
    let phones = list(&domain["phones"]);
    let phones = phones
        .iter()
        .map(|it| format!("phones {}", word(&it["registration"])));
    let mut told = hosts.chain(phones).collect::<Vec<_>>().join(", ");
    for finding in list(&domain["findings"]) {
        let code = format!(" !{}", word(&finding["code"]).replace("dns-", ""));
        if !told.contains(&code) {
            told.push_str(&code);
        }
    }
    told
}

/// Returns the domain that a situation is about.
fn domain(dns: &str) -> &str {
    let zone = dns
        .split("zones: {")
        .nth(1)
        .and_then(|zones| zones.split(':').next());
    match zone {
        Some("corp") => "voice.corp",
        Some("co.uk") => "acme.co.uk",
        Some(zone) if zone.contains("acme.") => zone,
        _ => "acme.example",
    }
}

fn checked(folder: &Path, situation: &Situation<'_>) -> (String, Option<i32>) {
    let dns = situation.dns;
    let account = format!(
        "realm: acme.sip.example.com\nwhitelabel: {{domain: {}, port: {{support_email: help@mail.example}}}}\n",
        domain(dns)
    );
    write(folder, "accounts/acme/account.yaml", &account);
    let template = format!("template: {{{}}}\n", situation.template);
    write(folder, "domains.yaml", &template);
    let dns = if dns.contains("mail.example") {
        dns.to_owned()
    } else {
        dns.replacen("zones: {", &format!("zones: {{{SUPPORT}, "), 1)
    };
    let accounts = "accounts: [{name: Master}, {name: Acme, realm: acme.sip.example.com}]";
    let sandbox = format!("{accounts}\ndns: {{{dns}}}\n");
    write(folder, "sandbox.yaml", &sandbox);
    let arguments = [
        "dns",
        "check",
        "--sandbox",
        "--thorough",
        "--format",
        "json",
    ];
    let output = run(folder, &arguments);
    let report = serde_json::from_str(&stdout(&output)).unwrap_or_default();
    (told(&report), output.status.code())
}

#[test]
fn the_matrix_of_situations() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        "clusters: {production: {api: \"https://api.example.com\"}}\ndns: {ca: [ca.example]}\n";
    write(folder.path(), "emblazon.yaml", config);
    let mut table = String::new();
    let (mut all, mut wrong) = (0, 0);
    for situation in situations() {
        let (told, code) = checked(folder.path(), &situation);
        let Situation {
            name,
            truth,
            verdict,
            exit,
            ..
        } = &situation;
        let is_right = told == *verdict && code == Some(*exit);
        all += 1;
        wrong += usize::from(!is_right);
        let code = code.map_or_else(String::new, |code| code.to_string());
        let mark = if is_right {
            String::new()
        } else {
            format!("  WRONG: should be {verdict}, {exit}")
        };
        let _ = writeln!(table, "{name:<50} {truth:<26} {told:<57} {code}{mark}");
    }
    println!("{table}");
    assert!(all >= 90, "{all} situations");
    assert_eq!(wrong, 0, "of {all}:\n{table}");
}
