//! Finds the zone of a name and the servers that answer for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_proto::rr::{RData, RecordType as WireType};
use tokio::sync::{Mutex, OnceCell};

use super::{Exchange, Failure, Server, packet};
use crate::model::record::RecordName;

/// A zone and its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The name at its top.
    pub apex: RecordName,
    /// Every address of every server that the zone names, sorted.
    pub servers: Vec<Server>,
    /// Servers whose own address could not be found.
    pub unreachable: Vec<(RecordName, Failure)>,
}

/// Why the zone of a name is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneError {
    /// The name and everything above it that could be its zone do not exist: nobody registered it.
    NotRegistered,
    /// The resolvers could not tell.
    Failed(Failure),
}

/// How zones are found.
#[derive(Clone, Debug)]
pub struct ZoneOptions {
    /// The recursive resolvers that are asked, in this order.
    pub resolvers: Vec<SocketAddr>,
    /// The port at which authoritative servers are asked; 53 but in laboratories.
    pub authoritative_port: u16,
    /// Servers that are asked instead of those which the zone names, for hidden primaries and split horizons.
    pub servers: Vec<SocketAddr>,
}

type Slot = Arc<OnceCell<Result<Arc<Zone>, ZoneError>>>;

/// Finds zones, each once.
#[derive(Debug)]
pub struct Zones {
    options: ZoneOptions,
    found: Mutex<BTreeMap<RecordName, Slot>>,
}

impl Zones {
    /// Makes an empty collection.
    #[must_use]
    pub fn new(options: ZoneOptions) -> Self {
        Self {
            options,
            found: Mutex::default(),
        }
    }

    /// Finds the zone that a name lies in.
    ///
    /// # Errors
    /// When nobody registered the name, or the resolvers cannot tell.
    pub async fn of(&self, exchange: &Exchange, name: &RecordName) -> Result<Arc<Zone>, ZoneError> {
        let apex = self.apex(exchange, name).await?;
        let slot = Arc::clone(self.found.lock().await.entry(apex.clone()).or_default());
        slot.get_or_init(|| async { self.servers(exchange, apex).await.map(Arc::new) })
            .await
            .clone()
    }

    /// Finds the name at the top of the zone: the owner of the SOA, in the answer or in the authority section of a
    /// negative one (RFC 2308, section 2).
    async fn apex(&self, exchange: &Exchange, name: &RecordName) -> Result<RecordName, ZoneError> {
        let mut candidate = name.clone();
        loop {
            let message = self.resolve(exchange, &candidate, WireType::SOA).await?;
            let soa = message
                .answers
                .iter()
                .chain(&message.authorities)
                .find_map(|record| {
                    let owner = packet::record_name(&record.name);
                    (matches!(record.data, RData::SOA(_)) && is_below(name, &owner))
                        .then_some(owner)
                });
            match soa {
                Some(apex) if !is_public(&apex) => return Ok(apex),
                Some(_) => return Err(ZoneError::NotRegistered),
                None => {}
            }
            candidate = parent(&candidate).ok_or(ZoneError::NotRegistered)?;
        }
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
            });
        }
        let message = self.resolve(exchange, &apex, WireType::NS).await?;
        let names: BTreeSet<RecordName> = message
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
        };
        for name in names {
            match self.addresses(exchange, &name).await {
                Ok(addresses) => zone
                    .servers
                    .extend(addresses.into_iter().map(|address| Server {
                        name: Some(name.to_string()),
                        address: SocketAddr::new(address, self.options.authoritative_port),
                    })),
                Err(failure) => zone.unreachable.push((name, failure)),
            }
        }
        Ok(zone)
    }

    /// Finds the addresses of a server; IPv6 ones only where there is no IPv4 one, since both are one machine and
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

    /// Asks the resolvers one after the other until one answers.
    async fn resolve(
        &self,
        exchange: &Exchange,
        name: &RecordName,
        wire_type: WireType,
    ) -> Result<Box<hickory_proto::op::Message>, ZoneError> {
        let query = packet::query(name, wire_type).map_err(ZoneError::Failed)?;
        let mut last = Failure::Unreachable("no resolver is configured".to_owned());
        for resolver in &self.options.resolvers {
            match exchange.message(*resolver, &query, true).await {
                Ok(message) => match packet::failure(&message, false) {
                    None => return Ok(message),
                    Some(failure) => last = failure,
                },
                Err(failure) => last = failure,
            }
        }
        Err(ZoneError::Failed(last))
    }
}

/// Tells whether a name is another one or lies below it.
pub(super) fn is_below(name: &RecordName, top: &RecordName) -> bool {
    top.is_root()
        || name
            .as_str()
            .strip_suffix(top.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Tells whether a zone is the root or a top-level domain: nobody's brand is that zone, so the name below is free.
fn is_public(apex: &RecordName) -> bool {
    apex.is_root() || !apex.as_str().contains('.')
}

fn parent(name: &RecordName) -> Option<RecordName> {
    let (_, parent) = name.as_str().split_once('.')?;
    (!parent.is_empty()).then(|| RecordName::observed(parent))
}
