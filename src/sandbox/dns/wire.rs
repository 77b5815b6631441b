//! Converts lines of text to DNS records and back.

use hickory_proto::rr::rdata::{A, AAAA, CAA, CNAME, MX, NAPTR, SRV, TXT};
use hickory_proto::rr::{Name, RData, RecordType as WireType};

use super::DnsError;
use crate::model::record::{RecordData, RecordName, RecordType};

/// The maximum number of octets in one character string (RFC 1035, section 3.3).
const STRING_LENGTH: usize = 255;

/// A line `NAME [TTL] TYPE [DATA]`.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: Name,
    pub(super) ttl: Option<u32>,
    pub(super) wire_type: WireType,
    /// Absent when the line has no data.
    pub(super) data: Option<RData>,
}

/// Parses a line; a name without a trailing dot is relative to `origin`.
pub(super) fn line(text: &str, origin: &Name) -> Result<Line, DnsError> {
    let wrong = |reason: String| DnsError::Record {
        line: text.to_owned(),
        reason,
    };
    let (owner, rest) = word(text);
    let (second, after) = word(rest);
    let (ttl, type_text, data) = match second.parse() {
        Ok(ttl) => {
            let (third, after) = word(after);
            (Some(ttl), third, after)
        }
        Err(_) => (None, second, after),
    };
    let record_type = RecordType::parse(type_text)
        .ok_or_else(|| wrong(format!("{type_text:?} is no record type known here")))?;
    let data = (!data.is_empty())
        .then(|| RecordData::parse(record_type, data).map_err(|error| wrong(error.to_string())))
        .transpose()?
        .map(|parsed| rdata(&parsed, data).map_err(|error| wrong(error.to_string())))
        .transpose()?;
    Ok(Line {
        name: owner_name(owner, origin).map_err(|error| wrong(error.to_string()))?,
        ttl,
        wire_type: wire_type(record_type),
        data,
    })
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

/// Parses an absolute name, with or without its trailing dot.
pub(super) fn name(text: &str) -> Result<Name, hickory_proto::ProtoError> {
    let mut name = Name::from_ascii(text)?;
    name.set_fqdn(true);
    Ok(name.to_lowercase())
}

fn owner_name(text: &str, origin: &Name) -> Result<Name, hickory_proto::ProtoError> {
    if text == "@" {
        return Ok(origin.clone());
    }
    if text.ends_with('.') {
        return name(text);
    }
    Ok(Name::from_ascii(text)?
        .append_domain(origin)?
        .to_lowercase())
}

fn wire_type(record_type: RecordType) -> WireType {
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

/// Builds the data of a record; a TXT text that is divided into strings keeps that division.
fn rdata(data: &RecordData, text: &str) -> Result<RData, hickory_proto::ProtoError> {
    let target = |target: &RecordName| name(target.as_str());
    Ok(match data {
        RecordData::A(address) => RData::A(A(*address)),
        RecordData::Aaaa(address) => RData::AAAA(AAAA(*address)),
        RecordData::Cname(alias) => RData::CNAME(CNAME(target(alias)?)),
        RecordData::Mx {
            preference,
            exchange,
        } => RData::MX(MX::new(preference.unwrap_or(10), target(exchange)?)),
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
            flags.as_bytes().into(),
            services.as_bytes().into(),
            regexp.as_bytes().into(),
            target(replacement)?,
        )),
        RecordData::Srv {
            priority,
            weight,
            port,
            target: host,
        } => RData::SRV(SRV::new(*priority, *weight, *port, target(host)?)),
        RecordData::Txt(octets) => {
            let divided = RData::try_from_str(WireType::TXT, text).ok();
            let same = divided.filter(|divided| match divided {
                RData::TXT(strings) => strings.txt_data.concat() == *octets,
                _ => false,
            });
            same.unwrap_or_else(|| {
                RData::TXT(TXT::from_bytes(octets.chunks(STRING_LENGTH).collect()))
            })
        }
        RecordData::Caa { flags, tag, value } => {
            let mut caa = CAA::new_issue(flags & 0x80 != 0, None, Vec::new());
            caa.reserved_flags = flags & 0x7f;
            caa.tag.clone_from(tag);
            caa.value = value.clone().into_bytes();
            RData::CAA(caa)
        }
    })
}

/// Formats data as Kazoo's domain test does (D14): no priority for MX, no quotes for TXT, no trailing dots.
pub(super) fn kazoo_text(data: &RData) -> Option<String> {
    let bare = |name: &Name| {
        let text = name.to_ascii();
        text.strip_suffix('.').unwrap_or(&text).to_owned()
    };
    let upper = |octets: &[u8]| String::from_utf8_lossy(octets).to_ascii_uppercase();
    Some(match data {
        RData::A(address) => address.0.to_string(),
        RData::AAAA(address) => match address.0.to_ipv4_mapped() {
            Some(mapped) => mapped.to_string(),
            None => address
                .0
                .segments()
                .map(|group| format!("{group:x}"))
                .join(":"),
        },
        RData::CNAME(alias) => bare(&alias.0),
        RData::MX(mx) => bare(&mx.exchange),
        RData::SRV(srv) => format!(
            "{} {} {} {}",
            srv.priority,
            srv.weight,
            srv.port,
            bare(&srv.target)
        ),
        RData::NAPTR(naptr) => format!(
            "{} {} \"{}\" \"{}\" \"{}\" {}",
            naptr.order,
            naptr.preference,
            upper(&naptr.flags),
            upper(&naptr.services),
            String::from_utf8_lossy(&naptr.regexp),
            bare(&naptr.replacement)
        ),
        RData::TXT(txt) => String::from_utf8_lossy(&txt.txt_data.concat()).into_owned(),
        _ => return None,
    })
}
