//! Answers queries, as an authoritative server or as the resolver.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::{A, AAAA, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType as WireType};

use super::fault::{DnsFaultKind, DnsFaultScript};
use super::keys::Keys;
use super::zone::{self, End, RecordSet, Zone};
use super::{DnsError, DnsSeed, wire};

/// The maximum size of responses to queries without EDNS (RFC 1035, section 4.2.1).
const PLAIN_SIZE: u16 = 512;

/// What zones and faults call the IPv6 side of a server.
const IPV6: &str = "ipv6";

/// Everything that the servers know.
#[derive(Debug)]
pub(super) struct World {
    pub(super) zones: BTreeMap<Name, Zone>,
    /// The addresses of the servers.
    pub(super) addresses: BTreeMap<Name, IpAddr>,
    /// The server that is also at `::1`.
    pub(super) ipv6: Option<Name>,
    pub(super) remembers: BTreeMap<(Name, WireType), RecordSet>,
    pub(super) keys: Keys,
    pub(super) faults: DnsFaultScript,
}

/// The role of the server at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Resolver,
    Authoritative(Name),
    /// The IPv6 side of the server with this name.
    Ipv6(Name),
}

impl Role {
    /// Returns the name that faults refer to it by.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Resolver => "resolver".to_owned(),
            Self::Authoritative(name) => name.to_ascii().trim_end_matches('.').to_owned(),
            Self::Ipv6(_) => IPV6.to_owned(),
        }
    }
}

impl World {
    pub(super) fn new(seed: &DnsSeed, addresses: BTreeMap<Name, IpAddr>) -> Result<Self, DnsError> {
        let mut world = Self {
            zones: BTreeMap::new(),
            addresses,
            ipv6: ipv6(seed)?,
            remembers: BTreeMap::new(),
            keys: Keys::new(&seed.keys)?,
            faults: DnsFaultScript::new(seed.faults.clone()),
        };
        for (apex, zone) in &seed.zones {
            let zone = Zone::new(apex, zone)?;
            world.zones.insert(zone.apex.clone(), zone);
        }
        world.remember(&seed.remembers)?;
        Ok(world)
    }

    /// Replaces the resolver's cache.
    pub(super) fn remember(&mut self, lines: &[String]) -> Result<(), DnsError> {
        self.remembers.clear();
        for text in lines {
            let line = wire::line(text, &Name::root())?;
            let set = self
                .remembers
                .entry((line.name, line.wire_type))
                .or_default();
            set.ttl = line.ttl.unwrap_or(300);
            set.data.extend(line.data);
        }
        Ok(())
    }

    /// Returns the deepest zone that contains a name, among those that `who` serves or, for `None`, all zones.
    pub(super) fn zone_of(&self, name: &Name, who: Option<&Name>) -> Option<&Zone> {
        let mut at = name.clone();
        loop {
            if let Some(zone) = self.zones.get(&at)
                && who.is_none_or(|who| zone.is_served_by(who))
            {
                return Some(zone);
            }
            if at.is_root() {
                return None;
            }
            at = at.base_name();
        }
    }

    /// Answers a query.
    pub(super) fn answer(&self, role: &Role, request: &Message) -> Message {
        let mut response = Message::response(request.id, request.op_code);
        response.metadata = Metadata::response_from_request(&request.metadata);
        response.metadata.message_type = MessageType::Response;
        response.metadata.recursion_available = *role == Role::Resolver;
        response.add_queries(request.queries.iter().cloned());
        if request.edns.is_some() {
            let mut edns = Edns::new();
            edns.set_max_payload(1232);
            response.set_edns(edns);
        }
        let [query] = request.queries.as_slice() else {
            response.metadata.response_code = ResponseCode::FormErr;
            return response;
        };
        if request.op_code != OpCode::Query {
            response.metadata.response_code = ResponseCode::NotImp;
            return response;
        }
        let name = query.name.to_lowercase();
        match role {
            // What the parent zone says of a zone's key.
            Role::Resolver if query.query_type == WireType::DS => {
                let zone = self.zone_of(&name, None).filter(|zone| zone.apex == name);
                match zone.and_then(|zone| zone.signing.as_ref()) {
                    Some(signing) => response.answers.push(signing.vouched()),
                    None => response.authorities.push(registry_soa(&name)),
                }
            }
            Role::Resolver => self.recurse(&name, query.query_type, &mut response),
            Role::Authoritative(server) => {
                self.authorise(server, server, (&name, query.query_type), &mut response);
            }
            Role::Ipv6(server) => {
                let side = wire::name(IPV6).unwrap_or_else(|_| server.clone());
                self.authorise(server, &side, (&name, query.query_type), &mut response);
            }
        }
        let wants_signatures = (request.edns.as_ref()).is_some_and(|edns| edns.flags().dnssec_ok);
        if wants_signatures && response.metadata.authoritative && !response.answers.is_empty() {
            let zone = self.zone_of(&name, None);
            let signing = zone.and_then(|zone| zone.signing.as_ref());
            let signature = signing.and_then(|it| it.signature(&name, query.query_type));
            response.answers.extend(signature);
        }
        response
    }

    /// Answers as a server, with the differences of `side`.
    fn authorise(
        &self,
        server: &Name,
        side: &Name,
        (name, wire_type): (&Name, WireType),
        response: &mut Message,
    ) {
        if name == server && self.zone_of(name, None).is_none() {
            response.metadata.authoritative = true;
            response.answers = self.address_record(name, wire_type).into_iter().collect();
            return;
        }
        let Some(zone) = self.zone_of(name, Some(server)) else {
            response.metadata.response_code = ResponseCode::Refused;
            return;
        };
        let deepest = self.zone_of(name, None).map(|deepest| &deepest.apex);
        if let Some(child) = deepest.filter(|deepest| **deepest != zone.apex) {
            if let Some(child) = self.zones.get(child) {
                self.refer(child, response);
            }
            return;
        }
        response.metadata.authoritative = true;
        let end = zone.search(Some(side), name, wire_type, &mut response.answers);
        match end {
            End::Found | End::Left(_) | End::Loop => {}
            End::NoData => response.authorities = vec![zone.soa()],
            End::NxDomain => {
                response.metadata.response_code = ResponseCode::NXDomain;
                response.authorities = vec![zone.soa()];
            }
        }
    }

    /// Refers to the servers of a zone, with the addresses of those that lie in it (RFC 1034, section 4.2.1).
    fn refer(&self, child: &Zone, response: &mut Message) {
        for server in &child.delegated_to {
            let data = RData::NS(hickory_proto::rr::rdata::NS(server.clone()));
            let record = Record::from_rdata(child.apex.clone(), 3600, data);
            response.authorities.push(record);
            let at = child.glue.get(server).unwrap_or(server);
            if child.apex.zone_of(server)
                && let Some(mut glue) = self.address_record(at, WireType::A)
            {
                glue.name = server.clone();
                response.additionals.push(glue);
            }
        }
    }

    fn recurse(&self, asked: &Name, wire_type: WireType, response: &mut Message) {
        let mut name = asked.clone();
        for _ in 0..8 {
            if let Some(set) = self.remembers.get(&(name.clone(), wire_type)) {
                response.answers.extend(zone::records(&name, set));
                if set.data.is_empty() {
                    let mut soa = self
                        .zone_of(&name, None)
                        .map_or_else(|| registry_soa(&name), Zone::soa);
                    soa.ttl = set.ttl;
                    response.authorities = vec![soa];
                }
                return;
            }
            let Some(zone) = self.zone_of(&name, None) else {
                return self.outside(&name, wire_type, response);
            };
            match zone.search(None, &name, wire_type, &mut response.answers) {
                End::Found => return,
                End::NoData | End::NxDomain if self.addresses.contains_key(&name) => {
                    return self.outside(&name, wire_type, response);
                }
                End::NoData => {
                    response.authorities = vec![zone.soa()];
                    return;
                }
                End::NxDomain => {
                    response.metadata.response_code = ResponseCode::NXDomain;
                    response.authorities = vec![zone.soa()];
                    return;
                }
                End::Left(target) => name = target,
                End::Loop => break,
            }
        }
        response.answers.clear();
        response.metadata.response_code = ResponseCode::ServFail;
    }

    /// Answers for names outside all zones: only the servers' own addresses exist there, and the top-level domains.
    fn outside(&self, name: &Name, wire_type: WireType, response: &mut Message) {
        response.authorities = vec![registry_soa(name)];
        if !self.addresses.contains_key(name) {
            response.metadata.response_code = ResponseCode::NXDomain;
        } else if let Some(record) = self.address_record(name, wire_type) {
            response.authorities.clear();
            response.answers.push(record);
        }
    }

    /// Returns the address of a server.
    fn address_record(&self, name: &Name, wire_type: WireType) -> Option<Record> {
        let data = match (self.addresses.get(name)?, wire_type) {
            (IpAddr::V4(address), WireType::A) => RData::A(A(*address)),
            (IpAddr::V6(address), WireType::AAAA) => RData::AAAA(AAAA(*address)),
            (_, WireType::AAAA) if self.ipv6.as_ref() == Some(name) => {
                RData::AAAA(AAAA(Ipv6Addr::LOCALHOST))
            }
            _ => return None,
        };
        Some(Record::from_rdata(name.clone(), 3600, data))
    }
}

/// Returns the server that is also at `::1`.
pub(super) fn ipv6(seed: &DnsSeed) -> Result<Option<Name>, DnsError> {
    let name = seed.ipv6.as_ref().map(|name| {
        wire::name(name).map_err(|error| DnsError::Record {
            line: name.clone(),
            reason: error.to_string(),
        })
    });
    name.transpose()
}

/// Returns the SOA of the top-level domain of a name.
fn registry_soa(name: &Name) -> Record {
    let apex = name.trim_to(1);
    let soa = SOA::new(apex.clone(), apex.clone(), 1, 3600, 600, 86_400, 60);
    Record::from_rdata(apex, 60, RData::SOA(soa))
}

/// Applies faults to a response; `None` when none is sent.
pub(super) fn spoil(
    request: &Message,
    mut response: Message,
    hits: &[DnsFaultKind],
) -> Option<Message> {
    let fail = |response: &mut Message, code| {
        response.answers.clear();
        response.authorities.clear();
        response.metadata.authoritative = false;
        response.metadata.response_code = code;
    };
    for hit in hits {
        match hit {
            DnsFaultKind::Bogus | DnsFaultKind::BogusFor(_) if request.checking_disabled => {}
            DnsFaultKind::Servfail | DnsFaultKind::Bogus => {
                fail(&mut response, ResponseCode::ServFail);
            }
            DnsFaultKind::BogusFor(code) => {
                fail(&mut response, ResponseCode::ServFail);
                let error = EdnsOption::Unknown(15, code.to_be_bytes().to_vec());
                if let Some(edns) = &mut response.edns {
                    edns.options_mut().insert(error);
                }
            }
            DnsFaultKind::Refused => fail(&mut response, ResponseCode::Refused),
            DnsFaultKind::Notimp => fail(&mut response, ResponseCode::NotImp),
            DnsFaultKind::NoEdns if request.edns.is_none() => {}
            DnsFaultKind::NoEdns => {
                fail(&mut response, ResponseCode::FormErr);
                response.queries.clear();
                response.edns = None;
            }
            DnsFaultKind::Drop => return None,
            DnsFaultKind::Truncate => response = response.truncate(),
            DnsFaultKind::Lame => response.metadata.authoritative = false,
            DnsFaultKind::MangleCase => {
                for record in &mut response.answers {
                    record.name.randomize_label_case();
                    match &mut record.data {
                        RData::CNAME(target) => target.0.randomize_label_case(),
                        RData::SRV(srv) => srv.target.randomize_label_case(),
                        RData::MX(mx) => mx.exchange.randomize_label_case(),
                        _ => {}
                    }
                }
            }
            DnsFaultKind::WrongId => response.metadata.id = response.metadata.id.wrapping_add(1),
            DnsFaultKind::Garbage
            | DnsFaultKind::Hang
            | DnsFaultKind::Unsigned
            | DnsFaultKind::DelayMs(_) => {}
        }
    }
    Some(response)
}

/// Encodes a response; over UDP, one that is too long is truncated (RFC 2181, section 9).
pub(super) fn write(request: &Message, response: &Message, udp: bool) -> Option<Vec<u8>> {
    let bytes = response.to_vec().ok()?;
    let most = request
        .edns
        .as_ref()
        .map_or(PLAIN_SIZE, Edns::max_payload)
        .max(PLAIN_SIZE);
    if udp && bytes.len() > usize::from(most) {
        return response.truncate().to_vec().ok();
    }
    Some(bytes)
}
