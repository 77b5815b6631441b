//! Names, data and times in plain words.

use crate::dns::presentation::{MX_PREFERENCE, relative};
use crate::model::record::{RecordData, RecordName};

/// Writes a name as registrars want it: without the zone, `@` for the zone itself; in full where the zone is unknown
/// or a different one.
pub(super) fn name(name: &RecordName, zone: Option<&RecordName>) -> String {
    let Some(zone) = zone else {
        return name.to_string();
    };
    match relative(name, zone) {
        Some("") => "@".to_owned(),
        Some(below) => below.to_owned(),
        None => format!("{name} (another domain)"),
    }
}

/// Writes data with the names of the fields that registrars ask for.
pub(super) fn plain(data: &RecordData) -> String {
    match data {
        RecordData::A(address) => address.to_string(),
        RecordData::Aaaa(address) => address.to_string(),
        RecordData::Cname(name) => name.to_string(),
        RecordData::Mx {
            preference,
            exchange,
        } => format!(
            "priority {}, mail server {exchange}",
            preference.unwrap_or(MX_PREFERENCE)
        ),
        RecordData::Naptr {
            order,
            preference,
            flags,
            services,
            regexp,
            replacement,
        } => format!(
            "order {order}, preference {preference}, flags {flags}, service {services}, regular expression {}, \
             replacement {replacement}",
            if regexp.is_empty() { "empty" } else { regexp }
        ),
        RecordData::Srv {
            priority,
            weight,
            port,
            target,
        } => format!("priority {priority}, weight {weight}, port {port}, target {target}"),
        RecordData::Txt(octets) => String::from_utf8_lossy(octets).into_owned(),
        RecordData::Caa { flags, tag, value } => {
            format!("flags {flags}, tag {tag}, value {value}")
        }
    }
}
