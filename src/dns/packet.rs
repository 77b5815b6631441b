//! Encodes questions and decodes answers (RFC 1035, section 4).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use hickory_proto::op::{
    DEFAULT_MAX_PAYLOAD_LEN, Edns, Message, MessageType, OpCode, Query, ResponseCode,
};
use hickory_proto::rr::{Name, RData, Record, RecordType as WireType};

use super::{Answer, Failure, Found, Question};
use crate::model::record::{RecordData, RecordName, RecordType};

/// The longest chain of aliases that is followed within one answer.
const MAX_ALIASES: usize = 16;

/// What the bytes that came back are, and so what to do next.
#[derive(Debug)]
pub(super) enum Decoded {
    /// They answer the question, positively or not.
    Message(Box<Message>),
    /// They are truncated; ask again over TCP (RFC 7766).
    Truncated,
    /// They answer another question, perhaps an earlier one.
    NotOurs,
}

/// Whom a question is for, which decides its header flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuerySettings {
    /// The zone's own server, without recursion.
    Authoritative,
    /// The zone's own server, whose signatures are wanted as well.
    Signed,
    /// A resolver.
    Recursive,
    /// A resolver that is not to validate signatures.
    Unvalidated,
}

impl QuerySettings {
    /// Returns whether the question is for a server of the zone.
    pub(super) fn is_authoritative(self) -> bool {
        match self {
            Self::Authoritative | Self::Signed => true,
            Self::Recursive | Self::Unvalidated => false,
        }
    }
}

/// Returns the wire form of a question.
///
/// # Errors
/// When DNS cannot carry the name.
pub(super) fn query(name: &RecordName, wire_type: WireType) -> Result<Query, Failure> {
    let name = wire_name(name)
        .map_err(|error| Failure::Malformed(format!("cannot ask for {name}: {error}")))?;
    Ok(Query::query(name, wire_type))
}

/// Encodes a question as a message, with the extensions of EDNS or, for a server that does not know them, without.
///
/// # Errors
/// When the message cannot be encoded.
pub(super) fn encode(
    id: u16,
    query: &Query,
    settings: QuerySettings,
    with_edns: bool,
) -> Result<Vec<u8>, Failure> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = !settings.is_authoritative();
    message.metadata.checking_disabled = settings == QuerySettings::Unvalidated;
    message.add_query(query.clone());
    if with_edns {
        let mut edns = Edns::new();
        edns.set_max_payload(DEFAULT_MAX_PAYLOAD_LEN);
        edns.set_dnssec_ok(settings == QuerySettings::Signed);
        message.set_edns(edns);
    }
    message
        .to_vec()
        .map_err(|error| Failure::Malformed(format!("cannot ask for {}: {error}", query.name)))
}

/// Decodes the bytes that came back for a question.
///
/// # Errors
/// When the bytes are not a DNS message.
pub(super) fn decode(bytes: &[u8], id: u16, query: &Query) -> Result<Decoded, Failure> {
    let message =
        Message::from_vec(bytes).map_err(|error| Failure::Malformed(error.to_string()))?;
    let header = &message.metadata;
    let asked = match message.queries.as_slice() {
        [asked] => asked.name == query.name && asked.query_type == query.query_type,
        // Who cannot read a message sends back its header alone.
        [] => header.response_code == ResponseCode::FormErr,
        _ => false,
    };
    Ok(
        if header.id != id || header.message_type != MessageType::Response || !asked {
            Decoded::NotOurs
        } else if header.truncation {
            Decoded::Truncated
        } else {
            Decoded::Message(Box::new(message))
        },
    )
}

/// Returns whether a message says that its server does not know EDNS (RFC 6891, section 7): ask again without.
pub(super) fn refuses_edns(message: &Message) -> bool {
    let code = message.metadata.response_code;
    matches!(code, ResponseCode::FormErr | ResponseCode::NotImp) && message.edns.is_none()
}

/// Returns what a message says about a question; `authoritative` requires the AA bit, without which a server of the
/// zone is lame.
pub(super) fn answer(message: &Message, question: &Question, authoritative: bool) -> Answer {
    match failure(message, authoritative) {
        Some(failure) => Answer::Failed(failure),
        None => read(message, question),
    }
}

/// Returns why a message says nothing about the name, if so.
pub(super) fn failure(message: &Message, authoritative: bool) -> Option<Failure> {
    match message.metadata.response_code {
        ResponseCode::NoError | ResponseCode::NXDomain => {
            (authoritative && !message.metadata.authoritative).then_some(Failure::Lame)
        }
        ResponseCode::ServFail => Some(Failure::ServFail),
        ResponseCode::Refused => Some(Failure::Refused),
        other => Some(Failure::Code(other.to_string())),
    }
}

fn read(message: &Message, question: &Question) -> Answer {
    let mut aliases = Vec::new();
    let mut owner = question.name.clone();
    let mut ttl = u32::MAX;
    if question.record_type != RecordType::Cname {
        while let Some((target, alias_ttl)) = alias(&message.answers, &owner) {
            if aliases.len() >= MAX_ALIASES || target == question.name || aliases.contains(&target)
            {
                return Answer::Failed(Failure::AliasLoop);
            }
            ttl = ttl.min(alias_ttl);
            aliases.push(target.clone());
            owner = target;
        }
    }
    let mut records = BTreeSet::new();
    for record in &message.answers {
        if record_name(&record.name) == owner
            && let Some(data) = record_data(&record.data)
            && data.record_type() == question.record_type
        {
            ttl = ttl.min(record.ttl);
            records.insert(data);
        }
    }
    let negative_ttl = negative_ttl(message);
    if records.is_empty() {
        ttl = ttl.min(negative_ttl.unwrap_or(u32::MAX));
    }
    if !records.is_empty() || !aliases.is_empty() {
        Answer::Found(Found {
            aliases,
            records,
            ttl,
        })
    } else if message.metadata.response_code == ResponseCode::NXDomain {
        Answer::NxDomain { negative_ttl }
    } else {
        Answer::NoData { negative_ttl }
    }
}

/// Returns what a name is an alias for, by some records, and for how long.
pub(super) fn alias(answers: &[Record], owner: &RecordName) -> Option<(RecordName, u32)> {
    answers.iter().find_map(|record| match &record.data {
        RData::CNAME(target) if record_name(&record.name) == *owner => {
            Some((record_name(&target.0), record.ttl))
        }
        _ => None,
    })
}

/// Returns the name servers of a zone among some records. Behind an alias, NS records are those of another zone.
pub(super) fn names_of_servers(records: &[Record], apex: &RecordName) -> BTreeSet<RecordName> {
    records
        .iter()
        .filter(|record| record_name(&record.name) == *apex)
        .filter_map(|record| match &record.data {
            RData::NS(name) => Some(record_name(&name.0)),
            _ => None,
        })
        .collect()
}

/// Returns the addresses of some names among some records.
pub(super) fn addresses_of(
    records: &[Record],
    names: &BTreeSet<RecordName>,
) -> BTreeMap<RecordName, BTreeSet<IpAddr>> {
    let mut addresses: BTreeMap<RecordName, BTreeSet<IpAddr>> = BTreeMap::new();
    for record in records {
        let name = record_name(&record.name);
        if let Some(address) = record.data.ip_addr()
            && names.contains(&name)
        {
            addresses.entry(name).or_default().insert(address);
        }
    }
    addresses
}

/// Returns how long a negative answer holds: the lower of the SOA's TTL and its last field (RFC 2308, section 5).
fn negative_ttl(message: &Message) -> Option<u32> {
    message
        .authorities
        .iter()
        .find_map(|record| match &record.data {
            RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
            _ => None,
        })
}

/// Writes a canonical name as DNS carries it.
pub(super) fn wire_name(name: &RecordName) -> Result<Name, hickory_proto::ProtoError> {
    let mut wire = Name::from_ascii(name.as_str())?;
    wire.set_fqdn(true);
    Ok(wire)
}

/// Reads a name as DNS carries it.
pub(super) fn record_name(name: &Name) -> RecordName {
    RecordName::observed(&name.to_ascii())
}

/// Returns the type's number on the wire.
pub(super) fn wire_type(record_type: RecordType) -> WireType {
    match record_type {
        RecordType::A => WireType::A,
        RecordType::Aaaa => WireType::AAAA,
        RecordType::Cname => WireType::CNAME,
        RecordType::Mx => WireType::MX,
        RecordType::Naptr => WireType::NAPTR,
        RecordType::Srv => WireType::SRV,
        RecordType::Txt => WireType::TXT,
        RecordType::Caa => WireType::CAA,
    }
}

/// Reads a record's data; `None` for a type that emblazon does not know.
pub(super) fn record_data(data: &RData) -> Option<RecordData> {
    let upper = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_ascii_uppercase();
    Some(match data {
        RData::A(address) => RecordData::A(address.0),
        RData::AAAA(address) => RecordData::Aaaa(address.0),
        RData::CNAME(name) => RecordData::Cname(record_name(&name.0)),
        RData::MX(mx) => RecordData::Mx {
            preference: Some(mx.preference),
            exchange: record_name(&mx.exchange),
        },
        RData::NAPTR(naptr) => RecordData::Naptr {
            order: naptr.order,
            preference: naptr.preference,
            flags: upper(&naptr.flags),
            services: upper(&naptr.services),
            regexp: String::from_utf8_lossy(&naptr.regexp).into_owned(),
            replacement: record_name(&naptr.replacement),
        },
        RData::SRV(srv) => RecordData::Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: record_name(&srv.target),
        },
        RData::TXT(txt) => RecordData::Txt(txt.txt_data.concat()),
        RData::CAA(caa) => RecordData::Caa {
            flags: caa.flags(),
            tag: caa.tag.to_ascii_lowercase(),
            value: String::from_utf8_lossy(&caa.value).into_owned(),
        },
        _ => return None,
    })
}
