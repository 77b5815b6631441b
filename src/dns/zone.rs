//! Finds the zone of a name and the servers that answer for it.

mod apex;
mod claim;
mod delegation;
mod servers;
mod signed;
mod signing;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, Query};
use hickory_proto::rr::RecordType as WireType;

use super::memo::Memo;
use super::packet::QuerySettings;
use super::{Exchange, Failure, Server, packet, resolvers};
use crate::model::record::RecordName;
use crate::model::{Network, count, is_inside};
pub use claim::{Delegation, NsClaim};
pub use signing::Signing;

/// How many name servers of one zone are followed: a referral of 512 octets holds thirteen, and no registry takes more.
/// A zone that names a thousand wants to direct traffic at a victim (`NXNSAttack`, CVE-2020-8616).
const MOST_NAMES: usize = 13;
/// How many addresses of one name server are asked: one or two are usual, and all of one name are the same server.
const MOST_ADDRESSES: usize = 4;

/// A zone and its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The zone apex.
    pub apex: RecordName,
    /// Every address of every server that the zone or its parent names.
    pub servers: Vec<Server>,
    /// Servers whose address could not be found, or must not be asked.
    pub unreachable: Vec<(Server, Failure)>,
    /// What a reader should know about the zone, such as that not all of its servers are asked.
    pub notes: Vec<String>,
    /// Who names which servers, and how those do.
    pub delegation: Delegation,
}

/// Why the zone of a name is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneError {
    /// The name is not registered: neither it nor anything above it that could be its zone exists. It would lie in the
    /// domain named here.
    NotRegistered(RecordName),
    /// The resolvers gave no usable answer.
    Failed(Failure),
}

/// How DNS is asked, and what for.
#[derive(Clone, Debug)]
pub struct ZoneOptions {
    /// The recursive resolvers to ask, in this order.
    pub resolvers: Vec<SocketAddr>,
    /// The port at which authoritative servers are asked; 53 except in test setups.
    pub authoritative_port: u16,
    /// Servers to ask instead of those that the zone names, for hidden primaries and split horizons.
    pub servers: Vec<SocketAddr>,
    /// The same for single zones, by apex.
    pub zones: BTreeMap<RecordName, Vec<SocketAddr>>,
    /// Non-public networks whose servers may be asked when a zone names them.
    pub networks: Vec<Network>,
    /// The certificate authorities that serve the platform, as CAA records name them.
    pub authorities: Vec<String>,
    /// How long before their end signatures are told of.
    pub signatures_end_within: Duration,
    /// Whether what is seldom wrong is asked for as well: each server over TCP.
    pub is_thorough: bool,
}

impl ZoneOptions {
    fn admits(&self, address: IpAddr) -> bool {
        (self.networks.iter()).any(|network| network.contains(address))
    }
}

/// What the resolvers say about the zone of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// The zone apex; `None` where the answer does not name it. That of an alias names the zone of its target.
    apex: Option<RecordName>,
    is_alias: bool,
    exists: bool,
}

/// Finds zones, and caches them.
#[derive(Debug)]
pub struct Zones {
    options: ZoneOptions,
    /// What the resolvers say about the zone of each name.
    places: Memo<RecordName, Result<Place, ZoneError>>,
    found: Memo<RecordName, Result<Arc<Zone>, ZoneError>>,
    addresses: Memo<RecordName, Result<NameAddresses, Failure>>,
    /// A few servers of each zone that others are delegated from.
    parents: Memo<RecordName, Vec<Server>>,
    signings: Memo<RecordName, Option<Arc<Signing>>>,
}

/// Where a server is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct NameAddresses {
    all: BTreeSet<IpAddr>,
    /// What its name is an alias for.
    alias: Option<RecordName>,
}

impl Zones {
    /// Creates an empty cache.
    #[must_use]
    pub fn new(options: ZoneOptions) -> Self {
        Self {
            options,
            places: Memo::default(),
            found: Memo::default(),
            addresses: Memo::default(),
            parents: Memo::default(),
            signings: Memo::default(),
        }
    }

    /// Finds the zone that a name lies in.
    ///
    /// # Errors
    /// When the name is not registered, or the resolvers give no usable answer.
    pub async fn of(&self, exchange: &Exchange, name: &RecordName) -> Result<Arc<Zone>, ZoneError> {
        let apex = Box::pin(self.apex(exchange, name)).await?;
        self.at(exchange, &apex).await
    }

    /// Returns how DNS is asked, and what for.
    pub(super) fn options(&self) -> &ZoneOptions {
        &self.options
    }

    /// Returns the zone with this apex.
    ///
    /// # Errors
    /// When the resolvers give no usable answer.
    pub(super) async fn at(
        &self,
        exchange: &Exchange,
        apex: &RecordName,
    ) -> Result<Arc<Zone>, ZoneError> {
        self.found
            .once(apex, |_| !exchange.is_spent(), async {
                Box::pin(self.servers(exchange, apex.clone()))
                    .await
                    .map(Arc::new)
            })
            .await
    }

    /// Returns the zone of a name that a zone's servers refer to others for: its SOA is hidden where it is an alias.
    pub(super) async fn below(&self, exchange: &Exchange, name: &RecordName) -> Option<Arc<Zone>> {
        Box::pin(self.delegated(exchange, name)).await?;
        self.at(exchange, name).await.ok()
    }

    async fn servers(&self, exchange: &Exchange, apex: RecordName) -> Result<Zone, ZoneError> {
        let own = self.options.zones.get(&apex);
        let instead = own.unwrap_or(&self.options.servers);
        if !instead.is_empty() {
            let servers = instead.iter().map(|address| Server {
                name: None,
                address: *address,
            });
            return Ok(Zone {
                apex,
                servers: servers.collect(),
                unreachable: Vec::new(),
                notes: Vec::new(),
                delegation: Delegation::default(),
            });
        }
        let mut zone = Zone {
            apex,
            servers: Vec::new(),
            unreachable: Vec::new(),
            notes: Vec::new(),
            delegation: Delegation::default(),
        };
        self.claimed(exchange, &mut zone).await?;
        Ok(zone)
    }

    /// Adds the servers with these names to a zone for which `before` names are added already.
    async fn add_all(
        &self,
        exchange: &Exchange,
        zone: &mut Zone,
        names: &BTreeSet<RecordName>,
        before: usize,
    ) {
        let all = before + names.len();
        if all > MOST_NAMES && before <= MOST_NAMES {
            zone.notes.push(format!(
                "{} has {all} name servers, but at most {MOST_NAMES} are asked; reduce the zone's NS records",
                zone.apex,
            ));
        }
        let mut crowded = Vec::new();
        for name in names.iter().take(MOST_NAMES.saturating_sub(before)) {
            match self.addresses_of(exchange, name).await {
                Ok(NameAddresses { all, alias }) => {
                    self.add(zone, name, &all);
                    if all.len() > MOST_ADDRESSES {
                        crowded.push((name.clone(), all.len()));
                    }
                    let alias = alias.map(|target| (name.clone(), target));
                    zone.delegation.aliases.extend(alias);
                }
                Err(failure) => zone
                    .unreachable
                    .push((nowhere(name), without_address(failure))),
            }
        }
        zone.notes.extend(told_of_crowded(&crowded));
    }

    /// Returns the name servers that the resolvers know for a zone.
    async fn named(
        &self,
        exchange: &Exchange,
        apex: &RecordName,
    ) -> Result<BTreeSet<RecordName>, ZoneError> {
        let message = self.resolve(exchange, apex, WireType::NS).await?;
        Ok(packet::names_of_servers(&message.answers, apex))
    }

    /// Adds a server at each of its addresses; those that must not be asked count as unreachable.
    fn add(&self, zone: &mut Zone, name: &RecordName, addresses: &BTreeSet<IpAddr>) {
        let (asked, unreachable) = self.servers_at(name, some_of(addresses));
        zone.servers.extend(asked);
        zone.unreachable.extend(unreachable);
    }

    /// Returns a server at each of its addresses, and apart from them those that must not be asked.
    fn servers_at(
        &self,
        name: &RecordName,
        addresses: impl Iterator<Item = IpAddr>,
    ) -> (Vec<Server>, Vec<(Server, Failure)>) {
        let (mut asked, mut unreachable) = (Vec::new(), Vec::new());
        for address in addresses {
            let server = Server {
                name: Some(name.to_string()),
                address: SocketAddr::new(address, self.options.authoritative_port),
            };
            if is_inside(address) && !self.options.admits(address) {
                let reason = "its address is not public, and any zone can name it; if this is intended, add its network to dns.networks in emblazon.yaml";
                unreachable.push((server, Failure::NotAsked(reason.to_owned())));
            } else {
                asked.push(server);
            }
        }
        (asked, unreachable)
    }

    async fn addresses_of(
        &self,
        exchange: &Exchange,
        name: &RecordName,
    ) -> Result<NameAddresses, Failure> {
        let lasting = |_: &_| !exchange.is_spent();
        let addresses = self.addresses.once(name, lasting, async {
            self.addresses(exchange, name).await
        });
        addresses.await
    }

    /// Finds the addresses of a server. Its IPv6 side may be another machine, with other records, so it counts as well,
    /// unless this machine has no route there.
    async fn addresses(
        &self,
        exchange: &Exchange,
        name: &RecordName,
    ) -> Result<NameAddresses, Failure> {
        let of_type = async |wire_type| -> Result<NameAddresses, Failure> {
            match Box::pin(self.resolve(exchange, name, wire_type)).await {
                Ok(message) => Ok(NameAddresses {
                    all: (message.answers.iter())
                        .filter_map(|record| record.data.ip_addr())
                        .collect(),
                    alias: packet::alias(&message.answers, name).map(|(target, _)| target),
                }),
                Err(ZoneError::Failed(failure)) => Err(failure),
                Err(ZoneError::NotRegistered(_)) => Ok(NameAddresses::default()),
            }
        };
        let (fourth, sixth) = tokio::join!(of_type(WireType::A), of_type(WireType::AAAA));
        let mut found = sixth.clone().unwrap_or_default();
        let fourth = match fourth {
            Err(failure) if found.all.is_empty() => return Err(failure),
            fourth => fourth.unwrap_or_default(),
        };
        if !fourth.all.is_empty() {
            found.all.retain(|address| is_routed(*address));
            found.all.extend(fourth.all);
        }
        found.alias = found.alias.or(fourth.alias);
        match sixth {
            Err(failure) if found.all.is_empty() => Err(failure),
            _ if found.all.is_empty() => {
                Err(Failure::Unreachable("its name has no address".to_owned()))
            }
            _ => Ok(found),
        }
    }

    /// Asks the resolvers until one answers.
    async fn resolve(
        &self,
        exchange: &Exchange,
        name: &RecordName,
        wire_type: WireType,
    ) -> Result<Box<Message>, ZoneError> {
        let query = packet::query(name, wire_type).map_err(ZoneError::Failed)?;
        let ask = |resolver| Box::pin(resolved(exchange, resolver, &query));
        let answer = resolvers::first_answer(&self.options.resolvers, ask).await;
        let none = || Failure::Unreachable("no resolver is configured".to_owned());
        answer
            .unwrap_or_else(|| Err(none()))
            .map_err(ZoneError::Failed)
    }
}

/// Asks a resolver; on SERVFAIL again without validation, so that a zone with wrong signatures can be examined.
async fn resolved(
    exchange: &Exchange,
    resolver: SocketAddr,
    query: &Query,
) -> Result<Box<Message>, Failure> {
    let usable = |message: Box<Message>| match packet::failure(&message, false) {
        None => Ok(message),
        Some(failure) => Err(failure),
    };
    let send = |settings| Box::pin(exchange.send(resolver, query, settings));
    match send(QuerySettings::Recursive).await.and_then(usable) {
        Err(Failure::ServFail) => send(QuerySettings::Unvalidated).await.and_then(usable),
        answered => answered,
    }
}

/// Returns as many addresses of a server as are asked, IPv4 and IPv6 in turn.
fn some_of(addresses: &BTreeSet<IpAddr>) -> impl Iterator<Item = IpAddr> {
    let (fourth, sixth): (Vec<IpAddr>, Vec<IpAddr>) =
        addresses.iter().partition(|address| address.is_ipv4());
    let most = fourth.len().max(sixth.len());
    let in_turn = (0..most).flat_map(move |at| {
        let pair = [fourth.get(at).copied(), sixth.get(at).copied()];
        pair.into_iter().flatten()
    });
    in_turn.take(MOST_ADDRESSES)
}

/// Returns whether this machine has a route to an address; nothing is sent.
fn is_routed(address: IpAddr) -> bool {
    let any: SocketAddr = match address {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any);
    socket.is_ok_and(|socket| socket.connect((address, 53)).is_ok())
}

/// Returns a placeholder for a server whose address is unknown.
fn nowhere(name: &RecordName) -> Server {
    Server {
        name: Some(name.to_string()),
        address: SocketAddr::from(([0, 0, 0, 0], 0)),
    }
}

/// Returns why a server whose address could not be found cannot be asked.
fn without_address(failure: Failure) -> Failure {
    match failure {
        Failure::NotAsked(_) => failure,
        failure => Failure::Unreachable(format!("its address could not be found: {failure}")),
    }
}

/// Returns a note naming the servers with more addresses than are asked.
fn told_of_crowded(crowded: &[(RecordName, usize)]) -> Option<String> {
    let ((first, _), others) = crowded.split_first()?;
    let most = crowded.iter().map(|(_, addresses)| addresses).max()?;
    let others = match others.len() {
        0 => "has".to_owned(),
        more => format!("and {} have up to", count(more, "more server")),
    };
    Some(format!(
        "{first} {others} {most} addresses; at most {MOST_ADDRESSES} of each are asked"
    ))
}

/// Returns whether a name equals `top` or lies below it.
pub(super) fn is_below(name: &RecordName, top: &RecordName) -> bool {
    top.is_root()
        || name
            .as_str()
            .strip_suffix(top.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn parent(name: &RecordName) -> Option<RecordName> {
    let (_, parent) = name.as_str().split_once('.')?;
    (!parent.is_empty()).then(|| RecordName::observed(parent))
}
