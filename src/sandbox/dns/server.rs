//! The sockets: UDP and TCP at several loopback addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_proto::op::{Message, OpCode, Query};
use hickory_proto::rr::{Name, RecordType as WireType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_util::sync::CancellationToken;

use super::fault::{DnsFaultKind, DnsFaultScript};
use super::keep::ZoneFile;
use super::respond::{self, Role, World};
use super::zone::Zone;
use super::{DnsError, DnsFault, DnsSeed, KeySeed, Transport, ZoneSeed, keys, update, wire};

/// How many ports are tried when a port that is free at the first address is taken at a later one.
const PORT_ATTEMPTS: usize = 32;
/// How long an idle connection is kept (RFC 7766, section 6.2.3).
const IDLE: Duration = Duration::from_secs(10);

/// A query, as the key for counting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// The name of the server, or `resolver`.
    pub server: String,
    /// The name, in lower case without the trailing dot.
    pub name: String,
    /// The type, such as `A`.
    pub record_type: String,
    /// The transport.
    pub transport: Transport,
}

/// Running DNS servers; they stop when dropped.
#[derive(Debug)]
pub struct DnsServer {
    resolver: SocketAddr,
    addresses: BTreeMap<Name, IpAddr>,
    keys: BTreeMap<String, KeySeed>,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    kept: Mutex<Option<ZoneFile>>,
    asked: Mutex<BTreeMap<Asked, u64>>,
}

impl DnsServer {
    /// Starts the servers of a seed; they accept queries when this returns. Port 0 selects a port that is free at all
    /// addresses.
    ///
    /// # Errors
    /// When the seed is wrong, or the addresses cannot be listened on.
    pub async fn start(seed: &DnsSeed, port: u16) -> Result<Self, DnsError> {
        let addresses = addresses(seed)?;
        let shared = Arc::new(Shared {
            world: Mutex::new(World::new(seed, addresses.clone())?),
            kept: Mutex::default(),
            asked: Mutex::default(),
        });
        let mut roles = vec![(IpAddr::from(Ipv4Addr::LOCALHOST), Role::Resolver)];
        roles.extend(
            addresses
                .iter()
                .map(|(name, address)| (*address, Role::Authoritative(name.clone()))),
        );
        if let Some(name) = respond::ipv6(seed)? {
            roles.push((Ipv6Addr::LOCALHOST.into(), Role::Ipv6(name)));
        }
        let sockets = listen(&roles, port).await?;
        let port = sockets.port;
        let stop = CancellationToken::new();
        for ((udp, tcp), (_, role)) in sockets.pairs.into_iter().zip(roles) {
            let (shared, ending) = (Arc::clone(&shared), stop.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = ending.cancelled() => {}
                    () = serve_udp(&shared, &role, udp) => {}
                    () = serve_tcp(&shared, &role, tcp, &ending) => {}
                }
            });
        }
        Ok(Self {
            resolver: (Ipv4Addr::LOCALHOST, port).into(),
            addresses,
            keys: seed.keys.clone(),
            shared,
            stop,
        })
    }

    /// Restores the zones from a file, if it exists, and saves them there with each update from now on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn keep_in(&self, file: PathBuf) -> std::io::Result<()> {
        let file = ZoneFile::new(file);
        file.load(&mut locked(&self.shared.world).zones)?;
        *locked(&self.shared.kept) = Some(file);
        Ok(())
    }

    /// Returns the resolver's address.
    #[must_use]
    pub fn resolver(&self) -> SocketAddr {
        self.resolver
    }

    /// Returns the port that all servers listen on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.resolver.port()
    }

    /// Returns the address of the server with this name.
    #[must_use]
    pub fn server(&self, name: &str) -> Option<SocketAddr> {
        let name = wire::name(name).ok()?;
        let address = self.addresses.get(&name)?;
        Some(SocketAddr::new(*address, self.port()))
    }

    /// Iterates over the names of the servers, in lower case without the trailing dot, and their addresses.
    pub fn servers(&self) -> impl Iterator<Item = (String, SocketAddr)> {
        self.addresses.iter().map(|(name, address)| {
            let text = name.to_ascii().trim_end_matches('.').to_ascii_lowercase();
            (text, SocketAddr::new(*address, self.port()))
        })
    }

    /// Iterates over the keys by name.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &KeySeed)> {
        self.keys.iter().map(|(name, key)| (name.as_str(), key))
    }

    /// Returns the key with this name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&KeySeed> {
        self.keys.get(name)
    }

    /// Returns how often each query was received.
    #[must_use]
    pub fn asked(&self) -> BTreeMap<Asked, u64> {
        locked(&self.shared.asked).clone()
    }

    /// Replaces the scripted faults and resets their counts.
    pub fn set_faults(&self, faults: Vec<DnsFault>) {
        locked(&self.shared.world).faults = DnsFaultScript::new(faults);
    }

    /// Replaces or adds a zone; its servers must already be running.
    ///
    /// # Errors
    /// When a record is invalid.
    pub fn set_zone(&self, apex: &str, seed: &ZoneSeed) -> Result<(), DnsError> {
        let mut zone = Zone::new(apex, seed)?;
        zone.changed();
        let mut world = locked(&self.shared.world);
        world.zones.insert(zone.apex.clone(), zone);
        Ok(())
    }

    /// Replaces the resolver's cache.
    ///
    /// # Errors
    /// When a record is invalid.
    pub fn remember(&self, lines: &[String]) -> Result<(), DnsError> {
        locked(&self.shared.world).remember(lines)
    }

    /// Returns the records of a zone except its SOA, as sorted lines `NAME TTL TYPE DATA`.
    #[must_use]
    pub fn records(&self, apex: &str) -> Vec<String> {
        let world = locked(&self.shared.world);
        let zone = wire::name(apex)
            .ok()
            .and_then(|apex| world.zones.get(&apex));
        zone.into_iter()
            .flat_map(|zone| &zone.sets)
            .filter(|((_, wire_type), _)| *wire_type != WireType::SOA)
            .flat_map(|((name, wire_type), set)| {
                set.data
                    .iter()
                    .map(move |data| format!("{name} {} {wire_type} {data}", set.ttl))
            })
            .collect()
    }

    /// Returns the serial of a zone, which increases by one with each message that changes something.
    #[must_use]
    pub fn serial(&self, apex: &str) -> Option<u32> {
        let apex = wire::name(apex).ok()?;
        let world = locked(&self.shared.world);
        world.zones.get(&apex).map(Zone::serial)
    }

    /// Returns what Kazoo's domain test would see at a host (D13, D14); nothing for a type that it does not support.
    #[must_use]
    pub fn seen_by_kazoo(&self, record_type: &str, host: &str) -> Vec<String> {
        let (Ok(wire_type), Ok(name)) = (record_type.parse::<WireType>(), wire::name(host)) else {
            return Vec::new();
        };
        let world = locked(&self.shared.world);
        let mut answers = Vec::new();
        if let Some(zone) = world.zone_of(&name, None) {
            zone.search(zone.servers.first(), &name, wire_type, &mut answers);
        }
        answers
            .iter()
            .filter(|record| record.record_type() == wire_type)
            .filter_map(|record| wire::kazoo_text(&record.data))
            .collect()
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Assigns an address to every server that a zone names.
fn addresses(seed: &DnsSeed) -> Result<BTreeMap<Name, IpAddr>, DnsError> {
    let mut names = BTreeSet::new();
    let zones = seed.zones.values();
    let servers = zones.flat_map(|zone| {
        let delegated = zone.delegated_to.iter().flatten();
        zone.ns.iter().chain(delegated).chain(zone.glue.values())
    });
    for server in servers {
        names.insert(wire::name(server).map_err(|error| DnsError::Record {
            line: server.clone(),
            reason: error.to_string(),
        })?);
    }
    names
        .into_iter()
        .zip(2..)
        .map(|(name, last)| match last {
            2..=251_u8 => Ok((name, Ipv4Addr::new(127, 0, 0, last).into())),
            _ => Err(DnsError::TooManyServers),
        })
        .collect()
}

struct Sockets {
    port: u16,
    pairs: Vec<(UdpSocket, TcpListener)>,
}

async fn listen(roles: &[(IpAddr, Role)], wanted: u16) -> Result<Sockets, DnsError> {
    let mut last = std::io::Error::other("no port was tried");
    for _ in 0..PORT_ATTEMPTS {
        match listen_once(roles, wanted).await {
            Ok(sockets) => return Ok(sockets),
            Err(error) if wanted == 0 && error.kind() == std::io::ErrorKind::AddrInUse => {
                last = error;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(last.into())
}

async fn listen_once(roles: &[(IpAddr, Role)], wanted: u16) -> std::io::Result<Sockets> {
    let mut port = wanted;
    let mut pairs = Vec::new();
    for (address, _) in roles {
        let udp = UdpSocket::bind((*address, port)).await?;
        port = udp.local_addr()?.port();
        pairs.push((udp, TcpListener::bind((*address, port)).await?));
    }
    Ok(Sockets { port, pairs })
}

/// Locks a mutex even if it is poisoned, so that the original panic is not masked by another one.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve_udp(shared: &Shared, role: &Role, socket: UdpSocket) {
    let socket = Arc::new(socket);
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        // An error here is an ICMP message about an earlier response; the socket stays usable.
        let Ok((length, peer)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        let packet = buffer.get(..length).unwrap_or_default();
        let Reply::Bytes { bytes, delay } = shared.reply(role, packet, Transport::Udp) else {
            continue;
        };
        if let Some(delay) = delay {
            let socket = Arc::clone(&socket);
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                let _ = socket.send_to(&bytes, peer).await;
            });
        } else {
            // The client may be gone.
            let _ = socket.send_to(&bytes, peer).await;
        }
    }
}

async fn serve_tcp(
    shared: &Arc<Shared>,
    role: &Role,
    listener: TcpListener,
    stop: &CancellationToken,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (shared, role, stop) = (Arc::clone(shared), role.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                // A broken connection only affects its client.
                _ = serve_stream(&shared, &role, stream) => {}
            }
        });
    }
}

async fn serve_stream(shared: &Shared, role: &Role, mut stream: TcpStream) -> std::io::Result<()> {
    loop {
        let length = tokio::time::timeout(IDLE, stream.read_u16()).await??;
        let mut packet = vec![0; usize::from(length)];
        stream.read_exact(&mut packet).await?;
        let (answer, delay) = match shared.reply(role, &packet, Transport::Tcp) {
            Reply::Bytes { bytes, delay } => (bytes, delay),
            Reply::Nothing => return Ok(()),
            Reply::Hang => std::future::pending().await,
        };
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        let length = u16::try_from(answer.len()).map_err(std::io::Error::other)?;
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend(answer);
        stream.write_all(&bytes).await?;
    }
}

enum Reply {
    Bytes {
        bytes: Vec<u8>,
        delay: Option<Duration>,
    },
    /// No reply; a connection is closed.
    Nothing,
    /// No reply; a connection stays open but is no longer served.
    Hang,
}

fn parse(packet: &[u8]) -> Option<(Message, Query)> {
    let request = Message::from_vec(packet).ok()?;
    let query = request.queries.first()?.clone();
    Some((request, query))
}

fn answer(
    world: &World,
    role: &Role,
    packet: &[u8],
    request: &Message,
    (transport, hits): (Transport, &[DnsFaultKind]),
) -> Option<Vec<u8>> {
    let response = world.answer(role, request);
    let mut response = respond::spoil(request, response, hits)?;
    if !hits.contains(&DnsFaultKind::Unsigned) {
        response = keys::sign(&world.keys, packet, request, response)?;
    }
    respond::write(request, &response, transport == Transport::Udp)
}

impl Shared {
    fn reply(&self, role: &Role, packet: &[u8], transport: Transport) -> Reply {
        let Some((request, query)) = parse(packet) else {
            return Reply::Nothing;
        };
        let server = role.name();
        let wire_type = query.query_type.to_string();
        let mut world = locked(&self.world);
        let hits = world
            .faults
            .hits(&server, &query.name, &wire_type, transport);
        self.count(&server, &query.name.to_lowercase(), wire_type, transport);
        if hits.contains(&DnsFaultKind::Hang) {
            return Reply::Hang;
        }
        let bytes = if hits.contains(&DnsFaultKind::Garbage) {
            let id = packet.iter().take(2).copied();
            Some(id.chain([0xff; 9]).collect())
        } else if request.op_code == OpCode::Update {
            let bytes = update::handle(&mut world, role, packet, &request, &hits);
            self.keep(&world);
            bytes
        } else {
            answer(&world, role, packet, &request, (transport, &hits))
        };
        let delay = hits.iter().find_map(|hit| match hit {
            DnsFaultKind::DelayMs(milliseconds) => Some(Duration::from_millis(*milliseconds)),
            _ => None,
        });
        bytes.map_or(Reply::Nothing, |bytes| Reply::Bytes { bytes, delay })
    }

    fn keep(&self, world: &World) {
        if let Some(file) = locked(&self.kept).as_ref()
            && let Err(error) = file.save(&world.zones)
        {
            tracing::error!(%error, "the sandbox cannot keep its zones");
        }
    }

    fn count(&self, server: &str, name: &Name, record_type: String, transport: Transport) {
        let name = name.to_ascii();
        let asked = Asked {
            server: server.to_owned(),
            name: name.strip_suffix('.').unwrap_or(&name).to_owned(),
            record_type,
            transport,
        };
        *locked(&self.asked).entry(asked).or_default() += 1;
    }
}
