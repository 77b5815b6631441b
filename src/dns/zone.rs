//! Finds the zone of a name and the servers that answer for it.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_proto::rr::{RData, RecordType as WireType};

use super::memo::Memo;
use super::packet::QuerySettings;
use super::{Exchange, Failure, Server, packet};
use crate::model::record::RecordName;
use crate::model::{Network, count, is_inside};

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
    /// Every address of every server that the zone names, sorted.
    pub servers: Vec<Server>,
    /// Servers whose address could not be found, or must not be asked.
    pub unreachable: Vec<(Server, Failure)>,
    /// What a reader should know about the zone, such as that not all of its servers are asked.
    pub notes: Vec<String>,
}

/// Why the zone of a name is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneError {
    /// The name is not registered: neither it nor anything above it that could be its zone exists.
    NotRegistered,
    /// The resolvers gave no usable answer.
    Failed(Failure),
}

/// How zones are found.
#[derive(Clone, Debug)]
pub struct ZoneOptions {
    /// The recursive resolvers to ask, in this order.
    pub resolvers: Vec<SocketAddr>,
    /// The port at which authoritative servers are asked; 53 except in test setups.
    pub authoritative_port: u16,
    /// Servers to ask instead of those that the zone names, for hidden primaries and split horizons.
    pub servers: Vec<SocketAddr>,
    /// Non-public networks whose servers may be asked when a zone names them.
    pub networks: Vec<Network>,
}

impl ZoneOptions {
    fn admits(&self, address: IpAddr) -> bool {
        (self.networks.iter()).any(|network| network.contains(address))
    }
}

/// Finds zones, and caches them.
#[derive(Debug)]
pub struct Zones {
    options: ZoneOptions,
    /// The zone apex from the SOA lookup, by name that was asked for.
    apexes: Memo<RecordName, Result<Option<RecordName>, ZoneError>>,
    found: Memo<RecordName, Result<Arc<Zone>, ZoneError>>,
    addresses: Memo<RecordName, Result<BTreeSet<IpAddr>, Failure>>,
}

impl Zones {
    /// Creates an empty cache.
    #[must_use]
    pub fn new(options: ZoneOptions) -> Self {
        Self {
            options,
            apexes: Memo::default(),
            found: Memo::default(),
            addresses: Memo::default(),
        }
    }

    /// Finds the zone that a name lies in.
    ///
    /// # Errors
    /// When the name is not registered, or the resolvers give no usable answer.
    pub async fn of(&self, exchange: &Exchange, name: &RecordName) -> Result<Arc<Zone>, ZoneError> {
        let apex = self.apex(exchange, name).await?;
        self.found
            .once(&apex, |_| !exchange.is_spent(), async {
                self.servers(exchange, apex.clone()).await.map(Arc::new)
            })
            .await
    }

    /// Finds the zone apex, going up name by name.
    async fn apex(&self, exchange: &Exchange, name: &RecordName) -> Result<RecordName, ZoneError> {
        let mut candidate = name.clone();
        let mut failed = None;
        loop {
            let lasting = |_: &_| !exchange.is_spent();
            let apex = self.apexes.once(&candidate, lasting, async {
                self.apex_of(exchange, &candidate).await
            });
            match apex.await {
                Ok(Some(apex)) if !is_public(&apex) => return Ok(apex),
                Ok(Some(_)) => return Err(failed.unwrap_or(ZoneError::NotRegistered)),
                Ok(None) => {}
                // A resolver also fails where only this name is broken, as by an alias loop; the zone's own
                // servers know better.
                Err(error @ ZoneError::Failed(Failure::ServFail)) => failed = Some(error),
                Err(error) => return Err(error),
            }
            candidate = match parent(&candidate) {
                Some(parent) => parent,
                None => return Err(failed.unwrap_or(ZoneError::NotRegistered)),
            };
        }
    }

    /// Asks for a name's SOA; its owner, in the answer or in the authority section of a negative one, is the apex
    /// (RFC 2308, section 2). An alias has no SOA of its own.
    async fn apex_of(
        &self,
        exchange: &Exchange,
        name: &RecordName,
    ) -> Result<Option<RecordName>, ZoneError> {
        let message = self.resolve(exchange, name, WireType::SOA).await?;
        let owners = message.answers.iter().chain(&message.authorities);
        Ok(owners
            .filter(|record| matches!(record.data, RData::SOA(_)))
            .map(|record| packet::record_name(&record.name))
            .find(|owner| is_below(name, owner)))
    }

    async fn servers(&self, exchange: &Exchange, apex: RecordName) -> Result<Zone, ZoneError> {
        if !self.options.servers.is_empty() {
            let servers = self.options.servers.iter().map(|address| Server {
                name: None,
                address: *address,
            });
            return Ok(Zone {
                apex,
                servers: servers.collect(),
                unreachable: Vec::new(),
                notes: Vec::new(),
            });
        }
        let message = self.resolve(exchange, &apex, WireType::NS).await?;
        let mut names: BTreeSet<RecordName> = message
            .answers
            .iter()
            .filter_map(|record| match &record.data {
                RData::NS(name) => Some(packet::record_name(&name.0)),
                _ => None,
            })
            .collect();
        let mut zone = Zone {
            apex,
            servers: Vec::new(),
            unreachable: Vec::new(),
            notes: Vec::new(),
        };
        if names.len() > MOST_NAMES {
            zone.notes.push(format!(
                "{} has {} name servers, but at most {MOST_NAMES} are asked; reduce the zone's NS records",
                zone.apex,
                names.len()
            ));
            names = names.into_iter().take(MOST_NAMES).collect();
        }
        let mut crowded = Vec::new();
        for name in names {
            let lasting = |_: &_| !exchange.is_spent();
            let addresses = self.addresses.once(&name, lasting, async {
                self.addresses(exchange, &name).await
            });
            match addresses.await {
                Ok(addresses) => {
                    self.add(&mut zone, &name, &addresses);
                    if addresses.len() > MOST_ADDRESSES {
                        crowded.push((name, addresses.len()));
                    }
                }
                Err(failure) => zone
                    .unreachable
                    .push((nowhere(&name), without_address(failure))),
            }
        }
        zone.notes.extend(told_of_crowded(&crowded));
        Ok(zone)
    }

    /// Adds a server at each of its addresses; those that must not be asked count as unreachable.
    fn add(&self, zone: &mut Zone, name: &RecordName, addresses: &BTreeSet<IpAddr>) {
        for address in addresses.iter().take(MOST_ADDRESSES) {
            let server = Server {
                name: Some(name.to_string()),
                address: SocketAddr::new(*address, self.options.authoritative_port),
            };
            if is_inside(*address) && !self.options.admits(*address) {
                let reason = "its address is not public, and any zone can name it; if this is intended, add its network to dns.networks in emblazon.yaml";
                let failure = Failure::NotAsked(reason.to_owned());
                zone.unreachable.push((server, failure));
            } else {
                zone.servers.push(server);
            }
        }
    }

    /// Finds the addresses of a server; IPv6 ones only if there is no IPv4 one, since both lead to the same machine and
    /// many networks have no IPv6.
    async fn addresses(
        &self,
        exchange: &Exchange,
        name: &RecordName,
    ) -> Result<BTreeSet<IpAddr>, Failure> {
        for wire_type in [WireType::A, WireType::AAAA] {
            let message = match self.resolve(exchange, name, wire_type).await {
                Ok(message) => message,
                Err(ZoneError::Failed(failure)) => return Err(failure),
                Err(ZoneError::NotRegistered) => continue,
            };
            let addresses: BTreeSet<IpAddr> = message
                .answers
                .iter()
                .filter_map(|record| record.data.ip_addr())
                .collect();
            if !addresses.is_empty() {
                return Ok(addresses);
            }
        }
        Err(Failure::Unreachable("its name has no address".to_owned()))
    }

    /// Asks the resolvers one after the other until one answers; on SERVFAIL again without validation, so that a zone
    /// with wrong signatures can be examined.
    async fn resolve(
        &self,
        exchange: &Exchange,
        name: &RecordName,
        wire_type: WireType,
    ) -> Result<Box<hickory_proto::op::Message>, ZoneError> {
        let query = packet::query(name, wire_type).map_err(ZoneError::Failed)?;
        let mut last = Failure::Unreachable("no resolver is configured".to_owned());
        for resolver in &self.options.resolvers {
            for settings in [QuerySettings::Recursive, QuerySettings::Unvalidated] {
                match Box::pin(exchange.send(*resolver, &query, settings)).await {
                    Ok(message) => match packet::failure(&message, false) {
                        None => return Ok(message),
                        Some(failure) => last = failure,
                    },
                    Err(failure) => last = failure,
                }
                if last != Failure::ServFail {
                    break;
                }
            }
        }
        Err(ZoneError::Failed(last))
    }
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

/// Returns whether a zone is the root or a top-level domain: no brand owns one, so a name right in it is unregistered.
fn is_public(apex: &RecordName) -> bool {
    apex.is_root() || !apex.as_str().contains('.')
}

fn parent(name: &RecordName) -> Option<RecordName> {
    let (_, parent) = name.as_str().split_once('.')?;
    (!parent.is_empty()).then(|| RecordName::observed(parent))
}
