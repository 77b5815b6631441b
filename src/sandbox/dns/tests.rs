//! Updates over real packets: TSIG, prerequisites, and what an update must not touch.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType as WireType, TSigner};
use tokio::net::UdpSocket;

use super::*;
use crate::sandbox::clock::Clock;

const SERVER: &str = "ns1.dns.test";

fn seed() -> DnsSeed {
    let key = |algorithm: &str| KeySeed {
        algorithm: algorithm.to_owned(),
        secret: STANDARD.encode("a secret of the tests"),
    };
    DnsSeed {
        zones: BTreeMap::from([(
            "acme.example".to_owned(),
            ZoneSeed {
                records: vec![
                    "www A 192.0.2.1".to_owned(),
                    "alias CNAME www.acme.example".to_owned(),
                ],
                ..ZoneSeed::default()
            },
        )]),
        keys: BTreeMap::from([
            ("key-256".to_owned(), key("hmac-sha256")),
            ("key-512".to_owned(), key("hmac-sha512")),
        ]),
        ..DnsSeed::default()
    }
}

fn name(text: &str) -> Name {
    wire::name(text).unwrap()
}

fn signer(key: &str, secret: &str, algorithm: TsigAlgorithm) -> TSigner {
    TSigner::new(secret.as_bytes().to_vec(), algorithm, name(key), 300).unwrap()
}

fn right_signer() -> TSigner {
    signer(
        "key-256",
        "a secret of the tests",
        TsigAlgorithm::HmacSha256,
    )
}

fn address(host: &str, last: u8) -> Record {
    let data = RData::A(A([192, 0, 2, last].into()));
    Record::from_rdata(name(host), 300, data)
}

fn of_class(mut record: Record, class: DNSClass) -> Record {
    record.dns_class = class;
    record.ttl = 0;
    record
}

fn empty(host: &str, wire_type: WireType, class: DNSClass) -> Record {
    of_class(Record::update0(name(host), 0, wire_type), class)
}

fn update(prerequisites: Vec<Record>, updates: Vec<Record>) -> Message {
    let mut message = Message::new(7, MessageType::Query, OpCode::Update);
    message.add_query(Query::query(name("acme.example"), WireType::SOA));
    message.answers = prerequisites;
    message.authorities = updates;
    message
}

async fn send(server: &DnsServer, mut message: Message, signer: Option<&TSigner>) -> ResponseCode {
    let mut verifier = None;
    if let Some(signer) = signer {
        let now = Clock::default().unix_millis() / 1000;
        verifier = message.finalize(signer, now).unwrap();
    }
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket
        .connect(server.server(SERVER).unwrap())
        .await
        .unwrap();
    socket.send(&message.to_vec().unwrap()).await.unwrap();
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).await.unwrap();
    let response = Message::from_vec(&buffer[..length]).unwrap();
    if response.response_code == ResponseCode::NoError {
        // The answer to a signed update is signed, too.
        verifier.unwrap().verify(&buffer[..length]).unwrap();
    }
    response.response_code
}

#[tokio::test]
async fn signed_updates_change_a_zone() {
    let server = DnsServer::start(&seed(), 0).await.unwrap();
    let add = || update(Vec::new(), vec![address("new.acme.example", 9)]);
    for signer in [
        right_signer(),
        signer(
            "key-512",
            "a secret of the tests",
            TsigAlgorithm::HmacSha512,
        ),
    ] {
        let code = send(&server, add(), Some(&signer)).await;
        assert_eq!(code, ResponseCode::NoError);
    }
    let has = |line: &str| {
        server
            .records("acme.example")
            .iter()
            .any(|have| have == line)
    };
    assert!(
        has("new.acme.example. 300 A 192.0.2.9"),
        "{:?}",
        server.records("acme.example")
    );
    let remove = update(
        Vec::new(),
        vec![of_class(address("new.acme.example", 9), DNSClass::NONE)],
    );
    send(&server, remove, Some(&right_signer())).await;
    assert!(!has("new.acme.example. 300 A 192.0.2.9"));
}

#[tokio::test]
async fn who_has_no_key_changes_nothing() {
    let server = DnsServer::start(&seed(), 0).await.unwrap();
    let before = server.records("acme.example");
    let add = || update(Vec::new(), vec![address("new.acme.example", 9)]);
    assert_eq!(send(&server, add(), None).await, ResponseCode::Refused);
    let wrong = [
        signer("key-256", "another secret", TsigAlgorithm::HmacSha256),
        signer(
            "key-256",
            "a secret of the tests",
            TsigAlgorithm::HmacSha512,
        ),
        signer("nobody", "a secret of the tests", TsigAlgorithm::HmacSha256),
    ];
    for signer in wrong {
        let code = send(&server, add(), Some(&signer)).await;
        assert_eq!(code, ResponseCode::NotAuth);
    }
    assert_eq!(server.records("acme.example"), before);
}

/// RFC 2136, section 2.4: all or nothing, and only when the prerequisites hold.
#[tokio::test]
async fn prerequisites() {
    let server = DnsServer::start(&seed(), 0).await.unwrap();
    let before = server.records("acme.example");
    let cases = [
        (
            empty("www.acme.example", WireType::A, DNSClass::NONE),
            ResponseCode::YXRRSet,
        ),
        (
            empty("no.acme.example", WireType::A, DNSClass::ANY),
            ResponseCode::NXRRSet,
        ),
        (
            empty("www.acme.example", WireType::ANY, DNSClass::NONE),
            ResponseCode::YXDomain,
        ),
        (
            empty("no.acme.example", WireType::ANY, DNSClass::ANY),
            ResponseCode::NXDomain,
        ),
        (
            empty("www.other.example", WireType::A, DNSClass::ANY),
            ResponseCode::NotZone,
        ),
        (
            of_class(address("www.acme.example", 2), DNSClass::IN),
            ResponseCode::NXRRSet,
        ),
    ];
    for (prerequisite, expected) in cases {
        let message = update(vec![prerequisite], vec![address("new.acme.example", 9)]);
        let code = send(&server, message, Some(&right_signer())).await;
        assert_eq!(code, expected);
    }
    assert_eq!(server.records("acme.example"), before);
    let holds = update(
        vec![of_class(address("www.acme.example", 1), DNSClass::IN)],
        vec![
            empty("www.acme.example", WireType::A, DNSClass::ANY),
            address("www.acme.example", 2),
        ],
    );
    let code = send(&server, holds, Some(&right_signer())).await;
    assert_eq!(code, ResponseCode::NoError);
    let records = server.records("acme.example");
    assert!(
        records.contains(&"www.acme.example. 300 A 192.0.2.2".to_owned()),
        "{records:?}"
    );
    assert!(!records.contains(&"www.acme.example. 300 A 192.0.2.1".to_owned()));
}

/// RFC 2136, section 3.4.2: the apex keeps its NS, and nothing comes to stand beside a CNAME.
#[tokio::test]
async fn what_would_break_the_zone_is_passed_over() {
    let server = DnsServer::start(&seed(), 0).await.unwrap();
    let before = server.records("acme.example");
    let message = update(
        Vec::new(),
        vec![
            empty("acme.example", WireType::NS, DNSClass::ANY),
            empty("acme.example", WireType::ANY, DNSClass::ANY),
            address("alias.acme.example", 9),
        ],
    );
    let code = send(&server, message, Some(&right_signer())).await;
    assert_eq!(code, ResponseCode::NoError);
    assert_eq!(server.records("acme.example"), before);
}
