use super::*;
use crate::dns::packet::wire_name;

/// What an answer is made of.
#[derive(Clone, Copy)]
enum Part {
    Alias(&'static str, &'static str),
    Soa(&'static str),
    Ns(&'static str),
}

/// Builds an answer with an alias in its answers and all else in its authorities, as it arrives.
fn answer(authoritative: bool, parts: &[Part]) -> Message {
    use hickory_proto::rr::rdata::{CNAME, NS, SOA};

    let wire = |name: &str| wire_name(&RecordName::observed(name)).unwrap();
    let mut message = Message::new(7, MessageType::Response, OpCode::Query);
    message.metadata.authoritative = authoritative;
    for part in parts {
        match *part {
            Part::Alias(owner, target) => {
                let data = RData::CNAME(CNAME(wire(target)));
                message.add_answer(Record::from_rdata(wire(owner), 60, data));
            }
            Part::Soa(owner) => {
                let soa = SOA::new(wire("ns.example"), wire("h.example"), 1, 2, 3, 4, 5);
                message.add_authority(Record::from_rdata(wire(owner), 60, RData::SOA(soa)));
            }
            Part::Ns(owner) => {
                let data = RData::NS(NS(wire("ns.other.example")));
                message.add_authority(Record::from_rdata(wire(owner), 60, data));
            }
        }
    }
    Message::from_vec(&message.to_vec().unwrap()).unwrap()
}

/// Behind an alias, the SOA is that of the target's zone, even where that lies above the name.
#[test]
fn a_zone_is_not_chosen_through_an_alias() {
    #[track_caller]
    fn check(authoritative: bool, parts: &[Part], expected: Option<&str>) {
        let name = RecordName::observed("portal.brand.example");
        let found = apex(&answer(authoritative, parts), &name);
        assert_eq!(found, expected.map(RecordName::observed));
    }
    let alias = Part::Alias("portal.brand.example", "ui.example");
    check(true, &[Part::Soa("brand.example")], Some("brand.example"));
    check(true, &[alias, Part::Soa("example")], None);
    check(true, &[Part::Soa("other.example")], None);
    check(false, &[Part::Soa("brand.example")], None);
}

#[test]
fn a_referral_names_the_delegated_zone() {
    #[track_caller]
    fn check(name: &str, parts: &[Part], expected: Option<&str>) {
        let zone = RecordName::observed("acme.example");
        let found = referral(&answer(false, parts), &zone, &RecordName::observed(name));
        assert_eq!(found, expected.map(RecordName::observed));
    }
    let (cut, apex, above) = (
        Part::Ns("sub.acme.example"),
        Part::Ns("acme.example"),
        Part::Ns("example"),
    );
    check("a.sub.acme.example", &[cut], Some("sub.acme.example"));
    check("sub.acme.example", &[cut], Some("sub.acme.example"));
    check("other.acme.example", &[cut], None);
    check("a.sub.acme.example", &[apex], None);
    check("a.sub.acme.example", &[above], None);
    check("a.sub.acme.example", &[Part::Soa("sub.acme.example")], None);
}
