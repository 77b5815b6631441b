//! Dynamic updates of zones (RFC 2136), signed with TSIG (RFC 8945).

use std::collections::BTreeMap;

use hickory_proto::op::{Message, MessageType, Metadata, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType as WireType};

use super::DnsFaultKind;
use super::keys::authenticate;
use super::respond::{Role, World};
use super::zone::{RecordSet, Zone};
use crate::sandbox::clock::Clock;

/// Applies an update and builds the response; `None` when the response cannot be encoded.
pub(super) fn handle(
    world: &mut World,
    role: &Role,
    packet: &[u8],
    request: &Message,
    hits: &[DnsFaultKind],
) -> Option<Vec<u8>> {
    let mut response = Message::response(request.id, request.op_code);
    response.metadata = Metadata::response_from_request(&request.metadata);
    response.metadata.message_type = MessageType::Response;
    response.add_queries(request.queries.iter().cloned());
    if let Some(code) = hits.iter().find_map(refusal) {
        response.metadata.response_code = code;
        return response.to_vec().ok();
    }
    let now = Clock::default().unix_millis() / 1000;
    let (code, context) = match authenticate(&world.keys, packet, request, now) {
        Ok(context) => {
            let done = update(world, role, request);
            (done.err().unwrap_or(ResponseCode::NoError), Some(context))
        }
        Err((code, context)) => (code, context),
    };
    response.metadata.response_code = code;
    if hits.contains(&DnsFaultKind::Drop) {
        return None;
    }
    if hits.contains(&DnsFaultKind::WrongId) {
        response.metadata.id = response.metadata.id.wrapping_add(1);
    }
    if let Some(context) = context.filter(|_| !hits.contains(&DnsFaultKind::Unsigned)) {
        let encoded = response.to_vec().ok()?;
        response.set_signature(context.sign(&encoded).ok()?);
    }
    response.to_vec().ok()
}

/// Returns the response code of a fault that prevents an update.
fn refusal(hit: &DnsFaultKind) -> Option<ResponseCode> {
    match hit {
        DnsFaultKind::Servfail => Some(ResponseCode::ServFail),
        DnsFaultKind::Refused => Some(ResponseCode::Refused),
        DnsFaultKind::Notimp => Some(ResponseCode::NotImp),
        _ => None,
    }
}

fn update(world: &mut World, role: &Role, request: &Message) -> Result<(), ResponseCode> {
    let Role::Authoritative(server) = role else {
        return Err(ResponseCode::NotImp);
    };
    let [zone] = request.queries.as_slice() else {
        return Err(ResponseCode::FormErr);
    };
    if zone.query_type != WireType::SOA {
        return Err(ResponseCode::FormErr);
    }
    let zone = world
        .zones
        .get_mut(&zone.name.to_lowercase())
        .filter(|zone| zone.servers.contains(server))
        .ok_or(ResponseCode::NotAuth)?;
    prerequisites(zone, &request.answers)?;
    prescan(zone, &request.authorities)?;
    let before = zone.sets.clone();
    for record in &request.authorities {
        apply(zone, record);
    }
    if zone.sets != before {
        zone.changed();
    }
    Ok(())
}

fn in_use(zone: &Zone, name: &Name) -> bool {
    zone.sets.keys().any(|(owner, _)| owner == name)
}

/// Checks the prerequisites (RFC 2136, section 3.2).
fn prerequisites(zone: &Zone, records: &[Record]) -> Result<(), ResponseCode> {
    let mut wanted: BTreeMap<(Name, WireType), Vec<RData>> = BTreeMap::new();
    for record in records {
        let name = record.name.to_lowercase();
        let wire_type = record.record_type();
        if record.ttl != 0 {
            return Err(ResponseCode::FormErr);
        }
        if !zone.apex.zone_of(&name) {
            return Err(ResponseCode::NotZone);
        }
        let there = zone.sets.contains_key(&(name.clone(), wire_type));
        match (record.dns_class, wire_type) {
            (DNSClass::ANY, WireType::ANY) if !in_use(zone, &name) => {
                return Err(ResponseCode::NXDomain);
            }
            (DNSClass::NONE, WireType::ANY) if in_use(zone, &name) => {
                return Err(ResponseCode::YXDomain);
            }
            (DNSClass::ANY | DNSClass::NONE, WireType::ANY) => {}
            (DNSClass::ANY, _) if !there => return Err(ResponseCode::NXRRSet),
            (DNSClass::NONE, _) if there => return Err(ResponseCode::YXRRSet),
            (DNSClass::ANY | DNSClass::NONE, _) => {}
            (DNSClass::IN, _) => wanted
                .entry((name, wire_type))
                .or_default()
                .push(record.data.clone()),
            _ => return Err(ResponseCode::FormErr),
        }
    }
    let holds = wanted.iter().all(|(key, data)| {
        zone.sets.get(key).is_some_and(|set| {
            set.data.len() == data.len() && data.iter().all(|data| set.data.contains(data))
        })
    });
    if holds {
        Ok(())
    } else {
        Err(ResponseCode::NXRRSet)
    }
}

/// Checks all updates before any of them is applied (RFC 2136, section 3.4.1).
fn prescan(zone: &Zone, records: &[Record]) -> Result<(), ResponseCode> {
    for record in records {
        if !zone.apex.zone_of(&record.name) {
            return Err(ResponseCode::NotZone);
        }
        let valid = match record.dns_class {
            DNSClass::IN => record.record_type() != WireType::ANY,
            DNSClass::ANY => record.ttl == 0 && matches!(record.data, RData::Update0(_)),
            DNSClass::NONE => record.ttl == 0 && record.record_type() != WireType::ANY,
            _ => false,
        };
        if !valid {
            return Err(ResponseCode::FormErr);
        }
    }
    Ok(())
}

/// Applies one update (RFC 2136, section 3.4.2); what would break the zone is ignored, as the RFC requires.
fn apply(zone: &mut Zone, record: &Record) {
    let name = record.name.to_lowercase();
    let wire_type = record.record_type();
    let at_apex = name == zone.apex;
    let guarded = at_apex && matches!(wire_type, WireType::SOA | WireType::NS);
    let key = (name.clone(), wire_type);
    match record.dns_class {
        DNSClass::IN => {
            let alias = zone.sets.contains_key(&(name.clone(), WireType::CNAME));
            let other = zone
                .sets
                .keys()
                .any(|(owner, other)| *owner == name && *other != WireType::CNAME);
            let clash = if wire_type == WireType::CNAME {
                other
            } else {
                alias
            };
            if clash || guarded {
                return;
            }
            let set = zone.sets.entry(key).or_default();
            set.ttl = record.ttl;
            if wire_type == WireType::CNAME {
                set.data.clear();
            }
            if !set.data.contains(&record.data) {
                set.data.push(record.data.clone());
            }
        }
        DNSClass::ANY if wire_type == WireType::ANY => zone.sets.retain(|(owner, other), _| {
            *owner != name || at_apex && matches!(other, WireType::SOA | WireType::NS)
        }),
        DNSClass::ANY if !guarded => {
            zone.sets.remove(&key);
        }
        DNSClass::NONE if !guarded => {
            if let Some(set) = zone.sets.get_mut(&key) {
                set.data.retain(|data| *data != record.data);
            }
            zone.sets
                .retain(|_, set: &mut RecordSet| !set.data.is_empty());
        }
        _ => {}
    }
}
