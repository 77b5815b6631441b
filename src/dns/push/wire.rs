//! Wire form of the records in an update.

use hickory_proto::ProtoError;
use hickory_proto::rr::rdata::{A, AAAA, CAA, CNAME, MX, NAPTR, SRV, TXT};
use hickory_proto::rr::{DNSClass, RData, Record, RecordType as WireType};

use crate::dns::packet::{wire_name, wire_type};
use crate::dns::presentation::MX_PREFERENCE;
use crate::dns::{Question, packet};
use crate::model::record::RecordData;

/// The longest character string, in octets (RFC 1035, section 3.3).
const CHARACTER_STRING: usize = 255;

/// Returns the wire form of a record's data.
///
/// # Errors
/// When DNS cannot carry a name in it.
pub(super) fn rdata(data: &RecordData) -> Result<RData, ProtoError> {
    let octets = |text: &str| text.as_bytes().to_vec().into_boxed_slice();
    Ok(match data {
        RecordData::A(address) => RData::A(A(*address)),
        RecordData::Aaaa(address) => RData::AAAA(AAAA(*address)),
        RecordData::Cname(name) => RData::CNAME(CNAME(wire_name(name)?)),
        RecordData::Mx {
            preference,
            exchange,
        } => RData::MX(MX::new(
            preference.unwrap_or(MX_PREFERENCE),
            wire_name(exchange)?,
        )),
        RecordData::Naptr {
            order,
            preference,
            flags,
            services,
            regexp,
            replacement,
        } => RData::NAPTR(NAPTR::new(
            *order,
            *preference,
            octets(flags),
            octets(services),
            octets(regexp),
            wire_name(replacement)?,
        )),
        RecordData::Srv {
            priority,
            weight,
            port,
            target,
        } => RData::SRV(SRV::new(*priority, *weight, *port, wire_name(target)?)),
        RecordData::Txt(octets) if octets.is_empty() => {
            RData::TXT(TXT::from_bytes(vec![b"".as_slice()]))
        }
        RecordData::Txt(octets) => {
            RData::TXT(TXT::from_bytes(octets.chunks(CHARACTER_STRING).collect()))
        }
        RecordData::Caa { flags, tag, value } => {
            let mut caa = CAA::new_issue(flags & 0x80 != 0, None, Vec::new());
            caa.reserved_flags = flags & 0x7f;
            tag.clone_into(&mut caa.tag);
            caa.value = value.as_bytes().to_vec();
            RData::CAA(caa)
        }
    })
}

/// Returns the update that adds a record (RFC 2136, section 2.5.1).
pub(super) fn added(
    question: &Question,
    data: &RecordData,
    ttl: u32,
) -> Result<Record, ProtoError> {
    let mut record = Record::from_rdata(wire_name(&question.name)?, ttl, rdata(data)?);
    record.dns_class = DNSClass::IN;
    Ok(record)
}

/// Returns the update that deletes one record, exactly as the server sent it (RFC 2136, section 2.5.4).
pub(super) fn deleted(record: &Record) -> Record {
    let mut record = record.clone();
    record.dns_class = DNSClass::NONE;
    record.ttl = 0;
    record
}

/// Returns the update that deletes a whole set (RFC 2136, section 2.5.2).
pub(super) fn deleted_set(question: &Question) -> Result<Record, ProtoError> {
    any(question)
}

/// Returns the prerequisite "there is such a set" (RFC 2136, section 2.4.1).
pub(super) fn has_some(question: &Question) -> Result<Record, ProtoError> {
    any(question)
}

/// Returns a part of the prerequisite "the set has exactly these records" (RFC 2136, section 2.4.2).
pub(super) fn still_has(record: &Record) -> Record {
    let mut record = record.clone();
    record.dns_class = DNSClass::IN;
    record.ttl = 0;
    record
}

/// Returns the prerequisite "there is no such set" (RFC 2136, section 2.4.3).
pub(super) fn has_none(question: &Question) -> Result<Record, ProtoError> {
    none(question, wire_type(question.record_type))
}

/// Returns the prerequisite "the name is not in use" (RFC 2136, section 2.4.5).
pub(super) fn not_in_use(question: &Question) -> Result<Record, ProtoError> {
    none(question, WireType::ANY)
}

/// Returns the prerequisite "the name is not an alias" (RFC 2136, section 2.4.3).
pub(super) fn no_alias(question: &Question) -> Result<Record, ProtoError> {
    none(question, WireType::CNAME)
}

fn none(question: &Question, wire_type: WireType) -> Result<Record, ProtoError> {
    let mut record = Record::update0(wire_name(&question.name)?, 0, wire_type);
    record.dns_class = DNSClass::NONE;
    Ok(record)
}

fn any(question: &Question) -> Result<Record, ProtoError> {
    let mut record = none(question, wire_type(question.record_type))?;
    record.dns_class = DNSClass::ANY;
    Ok(record)
}

/// Returns whether a record read from the server has the given data.
pub(super) fn is(record: &Record, data: &RecordData) -> bool {
    packet::record_data(&record.data).as_ref() == Some(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::RecordType;

    /// Data that is written reads back unchanged.
    #[test]
    fn every_type_survives() {
        #[track_caller]
        fn check(record_type: RecordType, text: &str) {
            let data = RecordData::parse(record_type, text).unwrap();
            let wire = rdata(&data).unwrap();
            assert_eq!(packet::record_data(&wire), Some(data));
        }
        check(RecordType::A, "192.0.2.1");
        check(RecordType::Aaaa, "2001:db8::1");
        check(RecordType::Cname, "ui.example.net");
        check(RecordType::Mx, "10 mx.example.net");
        check(RecordType::Mx, "0 .");
        check(RecordType::Naptr, "10 100 S SIP+D2U \"\" _sip._udp.a.net");
        check(RecordType::Srv, "10 10 7000 a.example.net");
        check(RecordType::Txt, "\"\"");
        check(RecordType::Txt, &format!("\"{}\" \"b\"", "a".repeat(255)));
        check(RecordType::Caa, "128 issue \"ca.example; a=b\"");
        check(RecordType::Caa, "1 iodef \"mailto:a@example.net\"");
    }
}
