//! How large the message of a change is.

use super::SetChange;
use crate::model::record::{RecordData, RecordName, RecordType};

/// How many octets the records of one message may take.
///
/// A message over TCP has 65,535 at most (RFC 1035, section 4.2.2). The rest is for its header and signature, and for
/// records that the server spells longer than they need be.
pub const MESSAGE_OCTETS: usize = 60_000;

/// Type, class, time to live and length of a record (RFC 1035, section 3.2.1).
const FIXED: usize = 10;
/// The longest character string, with its length in front (RFC 1035, section 3.3).
const CHARACTER_STRING: usize = 256;

/// Returns how many octets the change of a set takes in a message at most: its names may not be compressed.
#[must_use]
pub fn octets(set: &SetChange) -> usize {
    let owner = name(&set.question.name) + FIXED;
    let record = |data: &RecordData| owner + rdata(data);
    let required = if set.before.is_empty() {
        2 * owner
    } else {
        set.before.iter().map(record).sum()
    };
    let deleted = if set.question.record_type == RecordType::Naptr {
        owner
            + set
                .before
                .intersection(&set.after)
                .map(record)
                .sum::<usize>()
    } else {
        set.removed().map(record).sum()
    };
    required + deleted + set.added().map(record).sum::<usize>()
}

fn name(name: &RecordName) -> usize {
    name.as_str().len() + 2
}

fn rdata(data: &RecordData) -> usize {
    match data {
        RecordData::A(_) => 4,
        RecordData::Aaaa(_) => 16,
        RecordData::Cname(target) => name(target),
        RecordData::Mx { exchange, .. } => 2 + name(exchange),
        RecordData::Naptr {
            flags,
            services,
            regexp,
            replacement,
            ..
        } => 7 + flags.len() + services.len() + regexp.len() + name(replacement),
        RecordData::Srv { target, .. } => 6 + name(target),
        RecordData::Txt(octets) => octets.len() + 1 + octets.len() / (CHARACTER_STRING - 1),
        RecordData::Caa { tag, value, .. } => 2 + tag.len() + value.len(),
    }
}
