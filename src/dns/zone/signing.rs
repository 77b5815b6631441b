//! How a zone is signed.

use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS};
use hickory_proto::op::Message;
use hickory_proto::rr::{RData, RecordType as WireType};
use jiff::Timestamp;

use crate::dns::Server;

/// How a zone is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// The tags of the keys that the zone above vouches for.
    pub tags: Vec<u16>,
    /// Whether the zone has one of them; `None` where that cannot be told, as with digests that are not known here.
    pub has_matching_key: Option<bool>,
    /// When the signatures of each server's keys and SOA end.
    pub ends: Vec<(Server, Timestamp)>,
}

/// Returns the keys that the zone above vouches for.
pub(super) fn vouched(message: &Message) -> Vec<DS> {
    dnssec(message, |data| match data {
        DNSSECRData::DS(ds) => Some(ds.clone()),
        _ => None,
    })
}

/// Returns whether a zone's keys contain one that its parent vouches for.
pub(super) fn matches(message: &Message, vouched: &[DS]) -> Option<bool> {
    let keys: Vec<DNSKEY> = dnssec(message, |data| match data {
        DNSSECRData::DNSKEY(key) => Some(key.clone()),
        _ => None,
    });
    let keys: Vec<&DNSKEY> = keys
        .iter()
        .filter(|it| it.zone_key() && !it.revoke())
        .collect();
    let name = &message.queries.first()?.name;
    let known = vouched.iter().filter(|ds| ds.digest_type().is_supported());
    let known: Vec<&DS> = known.collect();
    let covers = |ds: &&DS| {
        let mut keys = keys.iter();
        keys.any(|key| ds.covers(name, key).unwrap_or(false))
    };
    (!known.is_empty()).then(|| known.iter().any(covers))
}

/// Returns when the signatures of a type in a message end: the last one, because one that is valid is enough.
pub(super) fn end(message: &Message, wire_type: WireType) -> Option<Timestamp> {
    let ends = dnssec(message, |data| match data {
        DNSSECRData::RRSIG(signature) if signature.input().type_covered == wire_type => {
            Some(signature.input().sig_expiration.get())
        }
        _ => None,
    });
    let last = ends.into_iter().max()?;
    Timestamp::from_second(i64::from(last)).ok()
}

fn dnssec<T>(message: &Message, select: impl Fn(&DNSSECRData) -> Option<T>) -> Vec<T> {
    let selected = message
        .answers
        .iter()
        .filter_map(|record| match &record.data {
            RData::DNSSEC(data) => select(data),
            _ => None,
        });
    selected.collect()
}
