//! The messages that change a zone (RFC 2136, section 2). Pure.

use hickory_proto::ProtoError;
use hickory_proto::op::{Message, MessageType, OpCode, Query, UpdateMessage as _};
use hickory_proto::rr::{Record, RecordType as WireType};

use super::{SetChange, ZoneChange, wire};
use crate::dns::packet::wire_name;
use crate::model::record::{RecordName, RecordType};

/// What an update requires of sets of NAPTR; of all others it requires their records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pin {
    /// Their records too.
    Records,
    /// That they are there.
    Existence,
}

fn begun(zone: &RecordName) -> Result<Message, ProtoError> {
    let mut message = Message::new(fastrand::u16(..), MessageType::Query, OpCode::Update);
    message.add_zone(Query::query(wire_name(zone)?, WireType::SOA));
    Ok(message)
}

/// Returns the one message that changes a zone. `raw` has, for each set, the records as the server sent them.
pub(super) fn message(
    change: &ZoneChange,
    raw: &[Vec<Record>],
    pin: Pin,
) -> Result<Message, ProtoError> {
    let mut message = begun(&change.zone)?;
    for (set, raw) in change.sets.iter().zip(raw) {
        if raw.is_empty() {
            message.add_pre_requisite(wire::has_none(&set.question)?);
        }
        let is_rule = set.question.record_type == RecordType::Naptr;
        if is_rule && pin == Pin::Existence && !raw.is_empty() {
            message.add_pre_requisite(wire::has_some(&set.question)?);
        } else {
            message.add_pre_requisites(raw.iter().map(wire::still_has));
        }
        if set.before.is_empty() && !set.after.is_empty() && !changes_places(change, set) {
            message.add_pre_requisite(alone(set)?);
        }
    }
    // An alias and other records may change places, so all deletions come first.
    for (set, raw) in change.sets.iter().zip(raw) {
        // An added alias replaces the one that stands (section 3.4.2.2). Knot ignores the addition to a signed zone when
        // the name was emptied in the same message.
        if set.question.record_type == RecordType::Cname && !set.after.is_empty() {
            continue;
        }
        // PowerDNS does not find a single rule to delete, so the set goes, and what stays is added.
        if set.question.record_type == RecordType::Naptr && set.removed().next().is_some() {
            message.add_update(wire::deleted_set(&set.question)?);
            let stays = |record: &&Record| set.after.iter().any(|data| wire::is(record, data));
            message.add_updates(raw.iter().filter(stays).cloned());
            continue;
        }
        for data in set.removed() {
            message.add_updates(
                raw.iter()
                    .filter(|record| wire::is(record, data))
                    .map(wire::deleted),
            );
        }
    }
    add(&mut message, &change.sets)?;
    Ok(message)
}

fn add<'a>(
    message: &mut Message,
    sets: impl IntoIterator<Item = &'a SetChange>,
) -> Result<(), ProtoError> {
    for set in sets {
        for data in set.added() {
            message.add_update(wire::added(&set.question, data, set.ttl)?);
        }
    }
    Ok(())
}

/// Returns the sets that take the place of another type at their name.
pub(super) fn replacing(change: &ZoneChange) -> impl Iterator<Item = &SetChange> {
    change
        .sets
        .iter()
        .filter(|set| set.before.is_empty() && !set.after.is_empty() && changes_places(change, set))
}

/// Returns whether another type at the name of a set stood there before: an alias and other records change places.
fn changes_places(change: &ZoneChange, set: &SetChange) -> bool {
    change.sets.iter().any(|other| {
        other.question.name == set.question.name
            && other.question != set.question
            && !other.before.is_empty()
    })
}

/// Returns the message that adds sets which the primary left out, on the condition that nobody else wrote there.
pub(super) fn again(zone: &RecordName, sets: &[&SetChange]) -> Result<Message, ProtoError> {
    let mut message = begun(zone)?;
    for set in sets {
        message.add_pre_requisite(wire::has_none(&set.question)?);
        message.add_pre_requisite(alone(set)?);
    }
    add(&mut message, sets.iter().copied())?;
    Ok(message)
}

/// Returns the prerequisite that no alias would end up beside other records because of a concurrent change: a server
/// would silently ignore the addition (RFC 2136, section 3.4.2.2).
fn alone(set: &SetChange) -> Result<Record, ProtoError> {
    if set.question.record_type == RecordType::Cname {
        wire::not_in_use(&set.question)
    } else {
        wire::no_alias(&set.question)
    }
}

#[cfg(test)]
#[path = "update_tests.rs"]
mod tests;
