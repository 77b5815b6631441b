//! Zones that want others to be asked, over real packets: what they can make a check send, and whom it may reach.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::{A, NS, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType as WireType};
use insta::assert_snapshot;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::packet::{self, QuerySettings};
use super::*;
use crate::model::record::RecordName;
use crate::model::{DomainName, DomainTemplate, Network};

/// How many servers the attacker's zone names, and how many addresses each of them has.
const NAMES: u16 = 1000;
const ADDRESSES: u8 = 25;

/// A server that is resolver and authority for everything. `good.example` has one server, this one; any other domain names
/// a thousand, whose addresses are somebody else's.
struct World {
    address: SocketAddr,
    /// How often each question came.
    asked: Arc<Mutex<BTreeMap<String, u64>>>,
    /// The packets that came to the first of the others.
    victim: Arc<AtomicU64>,
}

impl World {
    async fn start() -> Self {
        let (udp, tcp) = same_port().await;
        let address = udp.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(BTreeMap::new()));
        let counts = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
                let bytes = answer(&buffer[..length], false, &counts);
                let _ = udp.send_to(&bytes, from).await;
            }
        });
        let counts = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = tcp.accept().await {
                let _ = over_tcp(stream, &counts).await;
            }
        });
        let victim = Arc::new(AtomicU64::new(0));
        let packets = Arc::clone(&victim);
        let socket = UdpSocket::bind((victim_address(0, 0), address.port()));
        let socket = socket.await.unwrap();
        tokio::spawn(async move {
            while socket.recv_from(&mut [0; 4096]).await.is_ok() {
                packets.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self {
            address,
            asked,
            victim,
        }
    }

    fn options(&self, networks: &[Network]) -> ZoneOptions {
        ZoneOptions {
            networks: networks.to_vec(),
            ..ZoneOptions::at(self.address)
        }
    }

    fn checker(&self, networks: &[Network]) -> Checker {
        let exchange = Exchange::new(ExchangeOptions {
            timeout: Duration::from_millis(400),
            ..ExchangeOptions::default()
        });
        Checker::new(Observer::new(exchange, self.options(networks)))
    }

    /// Counts the questions for the addresses of servers.
    fn looked_up(&self) -> u64 {
        let asked = self.asked.lock().unwrap();
        let servers = asked.iter().filter(|(name, _)| name.starts_with("ns"));
        servers.map(|(_, times)| times).sum()
    }
}

/// Finds a port that is free for both.
async fn same_port() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
}

async fn over_tcp(
    mut stream: TcpStream,
    asked: &Mutex<BTreeMap<String, u64>>,
) -> std::io::Result<()> {
    let mut question = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut question).await?;
    let bytes = answer(&question, true, asked);
    stream
        .write_u16(u16::try_from(bytes.len()).unwrap())
        .await?;
    stream.write_all(&bytes).await
}

fn victim_address(name: u16, number: u8) -> Ipv4Addr {
    let [high, low] = name.to_be_bytes();
    Ipv4Addr::new(127, 60 + high, low, number + 1)
}

fn answer(bytes: &[u8], is_tcp: bool, asked: &Mutex<BTreeMap<String, u64>>) -> Vec<u8> {
    let question = Message::from_vec(bytes).unwrap();
    let query = question.queries[0].clone();
    let name = query.name.to_string();
    *asked.lock().unwrap().entry(name.clone()).or_default() += 1;
    let mut message = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
    message.metadata.authoritative = true;
    message.add_query(query.clone());
    let records = records(&query, &name);
    if records.len() > 100 && !is_tcp {
        message.metadata.truncation = true;
    } else {
        for record in records {
            message.add_answer(record);
        }
    }
    message.to_vec().unwrap()
}

fn records(query: &Query, name: &str) -> Vec<Record> {
    let labels: Vec<&str> = name.trim_end_matches('.').split('.').collect();
    let [.., domain, top] = labels.as_slice() else {
        return Vec::new();
    };
    let apex = Name::from_ascii(format!("{domain}.{top}.")).unwrap();
    let record = |data| Record::from_rdata(query.name.clone(), 300, data);
    let is_good = *domain == "good";
    match query.query_type {
        WireType::SOA => {
            let soa = SOA::new(apex.clone(), apex.clone(), 1, 1, 1, 1, 1);
            vec![Record::from_rdata(apex, 300, RData::SOA(soa))]
        }
        WireType::NS => (0..if is_good { 1 } else { NAMES })
            .map(|number| {
                let server = Name::from_ascii(format!("ns{number:04}.{domain}.{top}.")).unwrap();
                record(RData::NS(NS(server)))
            })
            .collect(),
        WireType::A if is_good && name.starts_with("ns") => {
            vec![record(RData::A(A(Ipv4Addr::LOCALHOST)))]
        }
        WireType::A if is_good => vec![record(RData::A(A(Ipv4Addr::new(192, 0, 2, 10))))],
        WireType::A if name.starts_with("ns") => {
            let number: u16 = labels[0].trim_start_matches("ns").parse().unwrap();
            let addresses = (0..ADDRESSES).map(|address| victim_address(number, address));
            addresses
                .map(|address| record(RData::A(A(address))))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn template(hosts: usize) -> DomainTemplate {
    let hosts: serde_json::Map<String, serde_json::Value> = (0..hosts)
        .map(|number| {
            let host = serde_json::json!({"mapping": ["192.0.2.10"]});
            (format!("us-{number}.{{{{domain}}}}"), host)
        })
        .collect();
    serde_json::from_value(serde_json::json!({ "A": hosts })).unwrap()
}

fn domain(name: &str) -> DomainName {
    DomainName::parse(name).unwrap()
}

/// `NXNSAttack`: a zone with 1,000 servers of 25 addresses each has thirteen of them asked, at four addresses each, and the
/// check says so. Before the limit, each host of the template was asked of all 25,000, three times.
#[tokio::test]
async fn nxns_a_zone_with_a_thousand_servers_is_not_followed() {
    let world = World::start().await;
    let checker = world.checker(&[Network::LOOPBACK]);
    let check = checker.check(&template(10), &domain("evil.example")).await;
    let traffic = checker.observer().exchange().traffic();
    // Ten hosts, a wildcard and certificates of 52 servers; who else answers for the zone, by thirteen of them; the resolver
    // and the servers' addresses.
    let most = 12 * 52 + 13 + 60;
    assert!(traffic.questions <= most, "{traffic:?}");
    assert!(traffic.udp_packets <= 3 * most, "{traffic:?}");
    let victim = world.victim.load(Ordering::Relaxed);
    assert!(victim > 0 && victim <= 13 * 3, "{victim} packets");
    assert!(world.looked_up() <= 13 * 2, "{}", world.looked_up());
    let judgement = &check.hosts[0].judgement;
    assert!(
        matches!(judgement.verdict, Verdict::Unknown { .. }),
        "{judgement:?}"
    );
    assert_snapshot!(judgement.notes.join("\n"), @"
    evil.example has 1000 name servers, but at most 13 are asked; reduce the zone's NS records
    ns0000.evil.example and 12 more servers have up to 25 addresses; at most 4 of each are asked
    ");
    // Another domain of the same run is none the worse.
    let good = checker.check(&template(1), &domain("good.example")).await;
    assert_eq!(good.standing(), Standing::InSync, "{good:?}");
}

/// What a zone names is asked at public addresses only, unless the tree says otherwise; then it is.
#[tokio::test]
async fn nxns_servers_at_addresses_of_this_network_are_not_asked() {
    let world = World::start().await;
    let checker = world.checker(&[]);
    let check = checker.check(&template(1), &domain("evil.example")).await;
    assert_eq!(world.victim.load(Ordering::Relaxed), 0);
    let judgement = &check.hosts[0].judgement;
    let (server, said) = &judgement.servers[0];
    assert_eq!(server.to_string(), "ns0000.evil.example (127.60.0.1)");
    assert_snapshot!(said, @"not asked: its address is not public, and any zone can name it; if this is intended, add its network to dns.networks in emblazon.yaml");
    let verdict = |check: &DomainCheck| check.hosts[0].judgement.verdict.clone();
    assert!(matches!(verdict(&check), Verdict::Unknown { .. }));

    let check = checker.check(&template(1), &domain("good.example")).await;
    assert!(matches!(verdict(&check), Verdict::Unknown { .. }));
    let named = ["127.0.0.1/32".parse().unwrap()];
    let check = world
        .checker(&named)
        .check(&template(1), &domain("good.example"))
        .await;
    assert_eq!(verdict(&check), Verdict::Ok);
}

/// A domain has a number of questions, and so has a run; whose it is and how many is told. What one domain could not find
/// out for want of them says nothing about the others.
#[tokio::test]
async fn nxns_questions_are_counted_by_domain_and_by_run() {
    let world = World::start().await;
    let exchange = Exchange::new(ExchangeOptions {
        questions: 8,
        ..ExchangeOptions::default()
    });
    let zones = Zones::new(world.options(&[Network::LOOPBACK]));
    let name = RecordName::observed("us-1.good.example");
    let poor = exchange.for_one_domain(2);
    let zone = zones.of(&poor, &name).await.unwrap();
    assert!(zone.servers.is_empty() && poor.is_spent());
    let (_, failure) = &zone.unreachable[0];
    assert_snapshot!(failure, @"not asked: the check of one domain asks 2 questions at most, and this would be one more; look for zones that name very many servers");
    let rich = exchange.for_one_domain(100);
    let zone = zones.of(&rich, &name).await.unwrap();
    assert_eq!(zone.servers.len(), 1);
    let query = packet::query(&name, WireType::A).unwrap();
    let mut last = None;
    for _ in 0..8 {
        let asked = Box::pin(rich.send(world.address, &query, QuerySettings::Recursive)).await;
        last = asked.err();
    }
    assert_snapshot!(last.unwrap(), @"not asked: one run asks 8 questions at most, and this would be one more; look for zones that name very many servers");
    assert_eq!(exchange.traffic().questions, 8);
    assert!(rich.is_spent() && exchange.is_spent());
}

/// Sockets that nobody waits on are given back.
#[tokio::test]
async fn nxns_sockets_are_bounded() {
    let world = World::start().await;
    let exchange = Exchange::new(ExchangeOptions {
        timeout: Duration::from_millis(400),
        ..ExchangeOptions::default()
    });
    let name = RecordName::observed("us-1.good.example");
    let query = packet::query(&name, WireType::A).unwrap();
    for name in 0..30 {
        for number in 0..ADDRESSES {
            let server = (victim_address(name, number), world.address.port()).into();
            let _ = Box::pin(exchange.send(server, &query, QuerySettings::Authoritative)).await;
        }
    }
    assert!(
        exchange.open_sockets() <= 512,
        "{}",
        exchange.open_sockets()
    );
    let answered = exchange.send(world.address, &query, QuerySettings::Recursive);
    assert!(Box::pin(answered).await.is_ok());
}
