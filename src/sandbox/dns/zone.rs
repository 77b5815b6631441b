//! Zones and lookups in them.

use std::collections::BTreeMap;

use hickory_proto::rr::rdata::{NS, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType as WireType};

use super::signing::Signing;
use super::{DnsError, ZoneSeed, wire};

/// The maximum length of a chain of aliases; longer ones are treated as loops.
const MAX_ALIASES: usize = 16;

/// All records of one name and type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RecordSet {
    pub(super) ttl: u32,
    pub(super) data: Vec<RData>,
}

pub(super) type RecordSets = BTreeMap<(Name, WireType), RecordSet>;

/// A zone as its servers have it, with the differences of single servers.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) apex: Name,
    pub(super) servers: Vec<Name>,
    /// The servers that the parent zone names.
    pub(super) delegated_to: Vec<Name>,
    pub(super) sets: RecordSets,
    /// The addresses that the parent zone gives for servers, by the names of the servers that have them.
    pub(super) glue: BTreeMap<Name, Name>,
    pub(super) signing: Option<Signing>,
    /// The RRsets of single servers; an empty one hides the zone's.
    pub(super) differing: BTreeMap<Name, RecordSets>,
    negative_ttl: u32,
    serial: u32,
}

/// The result of a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Found,
    NoData,
    NxDomain,
    /// An alias points to this name outside the zone.
    Left(Name),
    /// The aliases form a loop.
    Loop,
}

impl Zone {
    pub(super) fn new(apex: &str, seed: &ZoneSeed) -> Result<Self, DnsError> {
        let bad = |reason: hickory_proto::ProtoError| DnsError::Record {
            line: apex.to_owned(),
            reason: reason.to_string(),
        };
        let origin = wire::name(apex).map_err(bad)?;
        let names = |texts: &[String]| -> Result<Vec<Name>, DnsError> {
            let names = texts.iter().map(|text| wire::name(text).map_err(bad));
            names.collect()
        };
        let servers = names(&seed.ns)?;
        let mut zone = Self {
            sets: RecordSets::new(),
            differing: BTreeMap::new(),
            negative_ttl: seed.negative_ttl,
            serial: 1,
            glue: (seed.glue.iter())
                .map(|(name, at)| {
                    Ok((wire::name(name).map_err(bad)?, wire::name(at).map_err(bad)?))
                })
                .collect::<Result<_, DnsError>>()?,
            signing: (seed.dnssec.as_ref())
                .map(|seed| Signing::new(&origin, *seed))
                .transpose()
                .map_err(bad)?,
            delegated_to: names(seed.delegated_to.as_ref().unwrap_or(&seed.ns))?,
            servers,
            apex: origin.clone(),
        };
        fill(&mut zone.sets, &seed.records, &origin, seed.ttl)?;
        for (server, differing) in &seed.servers {
            let mut sets = RecordSets::new();
            fill(&mut sets, &differing.records, &origin, seed.ttl)?;
            for text in &differing.without {
                let line = wire::line(text, &origin)?;
                sets.insert((line.name, line.wire_type), RecordSet::default());
            }
            if let Some(ns) = &differing.ns {
                let set = name_servers(&names(ns)?);
                sets.insert((origin.clone(), WireType::NS), set);
            }
            zone.differing
                .insert(wire::name(server).map_err(bad)?, sets);
        }
        zone.rebuild();
        Ok(zone)
    }

    /// Increments the serial after a change.
    pub(super) fn changed(&mut self) {
        self.serial = self.serial.wrapping_add(1);
        self.rebuild();
    }

    /// Replaces all records with saved ones.
    pub(super) fn put_back(&mut self, sets: Vec<RecordSets>, serial: u32) {
        self.sets = sets.into_iter().flatten().collect();
        self.serial = serial;
        self.rebuild();
    }

    pub(super) fn serial(&self) -> u32 {
        self.serial
    }

    fn rebuild(&mut self) {
        let servers = name_servers(&self.servers);
        self.sets.insert((self.apex.clone(), WireType::NS), servers);
        if let Some(signing) = &self.signing {
            let data = vec![signing.key()];
            let set = RecordSet { ttl: 3600, data };
            self.sets.insert((self.apex.clone(), WireType::DNSKEY), set);
        }
        let soa = self.soa();
        self.sets.insert(
            (self.apex.clone(), WireType::SOA),
            RecordSet {
                ttl: soa.ttl,
                data: vec![soa.data],
            },
        );
    }

    /// Returns the SOA, as included in negative answers (RFC 2308, section 3).
    pub(super) fn soa(&self) -> Record {
        let primary = self.servers.first().unwrap_or(&self.apex).clone();
        let soa = SOA::new(
            primary,
            self.apex.clone(),
            self.serial,
            3600,
            600,
            86_400,
            self.negative_ttl,
        );
        Record::from_rdata(self.apex.clone(), self.negative_ttl, RData::SOA(soa))
    }

    /// Returns whether a server answers for the zone, whoever says that it does.
    pub(super) fn is_served_by(&self, server: &Name) -> bool {
        self.servers.contains(server)
            || self.delegated_to.contains(server)
            || self.glue.values().any(|at| at == server)
    }

    /// Returns the RRset of a name and type on a server; with `None` as the server, the one that all servers share.
    pub(super) fn set(
        &self,
        server: Option<&Name>,
        name: &Name,
        wire_type: WireType,
    ) -> Option<&RecordSet> {
        let key = (name.clone(), wire_type);
        let own = server
            .and_then(|server| self.differing.get(server))
            .and_then(|sets| sets.get(&key));
        own.or_else(|| self.sets.get(&key))
            .filter(|set| !set.data.is_empty())
    }

    /// Returns whether a name exists: it has records, or a name below it has (RFC 4592, section 2.2.2).
    fn exists(&self, server: Option<&Name>, name: &Name) -> bool {
        let start = (name.clone(), WireType::A.min(WireType::ZERO));
        let below = |sets: &RecordSets| {
            sets.range(start.clone()..)
                .take_while(|((owner, _), _)| name.zone_of(owner))
                .any(|((owner, wire_type), _)| self.set(server, owner, *wire_type).is_some())
        };
        below(&self.sets)
            || server
                .and_then(|server| self.differing.get(server))
                .is_some_and(below)
    }

    /// Returns the name whose records answer a query for `name`: itself, or a wildcard (RFC 4592, section 3.3).
    fn owner(&self, server: Option<&Name>, name: &Name) -> Option<Name> {
        if self.exists(server, name) {
            return Some(name.clone());
        }
        let mut encloser = name.base_name();
        while !self.exists(server, &encloser) && encloser != self.apex && !encloser.is_root() {
            encloser = encloser.base_name();
        }
        let wildcard = encloser.prepend_label("*").ok()?;
        self.exists(server, &wildcard).then_some(wildcard)
    }

    /// Looks up a name, following aliases inside the zone; records found are added to `answers`.
    pub(super) fn search(
        &self,
        server: Option<&Name>,
        asked: &Name,
        wire_type: WireType,
        answers: &mut Vec<Record>,
    ) -> End {
        let mut name = asked.clone();
        loop {
            if !self.apex.zone_of(&name) {
                return End::Left(name);
            }
            let Some(owner) = self.owner(server, &name) else {
                return End::NxDomain;
            };
            if wire_type == WireType::ANY {
                let types = self.sets.keys().filter(|(other, _)| *other == owner);
                let sets = types.filter_map(|(_, found)| self.set(server, &owner, *found));
                answers.extend(sets.flat_map(|set| records(&name, set)));
                return End::Found;
            }
            // An alias hides the other records of its name (RFC 1034, section 4.3.2, step 3a).
            let alias = self.set(server, &owner, WireType::CNAME);
            let Some(set) = alias.filter(|_| wire_type != WireType::CNAME) else {
                let Some(set) = self.set(server, &owner, wire_type) else {
                    return End::NoData;
                };
                answers.extend(records(&name, set));
                return End::Found;
            };
            let circle = answers.iter().any(|record| record.name == name);
            if circle || answers.len() > MAX_ALIASES {
                return End::Loop;
            }
            answers.extend(records(&name, set));
            match set.data.first() {
                Some(RData::CNAME(target)) => name = target.0.clone(),
                _ => return End::NoData,
            }
        }
    }
}

/// Returns the records of an RRset.
pub(super) fn records(name: &Name, set: &RecordSet) -> Vec<Record> {
    set.data
        .iter()
        .map(|data| Record::from_rdata(name.clone(), set.ttl, data.clone()))
        .collect()
}

fn name_servers(names: &[Name]) -> RecordSet {
    let data = names.iter().map(|name| RData::NS(NS(name.clone())));
    RecordSet {
        ttl: 3600,
        data: data.collect(),
    }
}

fn fill(sets: &mut RecordSets, lines: &[String], origin: &Name, ttl: u32) -> Result<(), DnsError> {
    for text in lines {
        let line = wire::line(text, origin)?;
        let data = line.data.ok_or_else(|| DnsError::Record {
            line: text.clone(),
            reason: "the data is missing".to_owned(),
        })?;
        let set = sets.entry((line.name, line.wire_type)).or_default();
        set.ttl = line.ttl.unwrap_or(ttl);
        set.data.push(data);
    }
    Ok(())
}
