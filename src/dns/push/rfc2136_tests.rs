use super::*;
use crate::dns::packet::wire_name;
use crate::dns::push::TsigKey;
use crate::model::Secret;
use crate::model::record::RecordData;
use crate::sandbox::dns::{DnsFault, DnsFaultKind, DnsServer};
use crate::tree::KeyAlgorithm;

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

/// After the update, the primary no longer says what stands at the name: the old record is gone, and the alias may not be
/// there.
#[tokio::test]
async fn an_update_that_cannot_be_read_back_may_have_left_a_name_empty() {
    const PRIMARY: &str = "ns1.dns.example";
    let seed = format!(
        "zones: {{acme.example: {{ns: [{PRIMARY}], records: [a A 192.0.2.1]}}}}\n\
         keys: {{k: {{algorithm: hmac-sha256, secret: c2VjcmV0}}}}"
    );
    let server = DnsServer::start(&serde_yaml::from_str(&seed).unwrap(), 0)
        .await
        .unwrap();
    let config = Rfc2136Config {
        server: server.server(PRIMARY).unwrap().to_string(),
        key: TsigKey {
            name: "k".to_owned(),
            algorithm: KeyAlgorithm::HmacSha256,
            secret: Secret::new("c2VjcmV0"),
        },
    };
    let primary = Rfc2136::new(&config, Duration::from_secs(5)).unwrap();
    let set = |record_type, before: &[RecordData], after: &[RecordData]| SetChange {
        question: Question {
            name: RecordName::observed("a.acme.example"),
            record_type,
        },
        before: before.iter().cloned().collect(),
        after: after.iter().cloned().collect(),
        ttl: 300,
    };
    let address = RecordData::parse(RecordType::A, "192.0.2.1").unwrap();
    let alias = RecordData::parse(RecordType::Cname, "ui.example.net").unwrap();
    let change = ZoneChange {
        zone: RecordName::observed("acme.example"),
        sets: vec![
            set(RecordType::A, &[address], &[]),
            set(RecordType::Cname, &[], &[alias]),
        ],
    };
    // The first question for the alias precedes the update.
    let fault = DnsFault::new(DnsFaultKind::Servfail).at(PRIMARY);
    server.set_faults(vec![fault.named("a.acme.example").of_type("CNAME").nth(2)]);
    let error = primary.update(&change).await.unwrap_err();
    assert!(matches!(error, PushError::Emptied { .. }), "{error:?}");
    let told = error.to_string().replace(&config.server, "PRIMARY");
    insta::assert_snapshot!(told, @"what stood at a.acme.example was deleted, and it is not certain that a.acme.example CNAME took its place: PRIMARY refused: Server Failure; fix it there or in the template; plan again, which adds it");
}
