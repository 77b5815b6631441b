//! Records of the domain template as they are compared.

use super::canonical::name;

/// Returns the canonical text of one record, or the text itself when it is no record of its type.
pub(super) fn canonical(record_type: &str, text: &str) -> String {
    parse(record_type, text).unwrap_or_else(|| text.to_owned())
}

fn parse(record_type: &str, text: &str) -> Option<String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    match (record_type.to_ascii_uppercase().as_str(), fields.as_slice()) {
        ("A", [address]) => Some(address.parse::<std::net::Ipv4Addr>().ok()?.to_string()),
        ("AAAA", [address]) => Some(address.parse::<std::net::Ipv6Addr>().ok()?.to_string()),
        ("CNAME" | "NS" | "PTR", [target]) => Some(name(target)),
        ("MX", [preference, target]) => Some(format!("{} {}", number(preference)?, name(target))),
        ("SRV", [priority, weight, port, target]) => Some(format!(
            "{} {} {} {}",
            number(priority)?,
            number(weight)?,
            number(port)?,
            name(target)
        )),
        ("NAPTR", [order, preference, flags, service, expression, target]) => Some(format!(
            "{} {} \"{}\" \"{}\" \"{}\" {}",
            number(order)?,
            number(preference)?,
            unquoted(flags).to_ascii_uppercase(),
            unquoted(service).to_ascii_uppercase(),
            unquoted(expression),
            name(target)
        )),
        ("TXT", _) => Some(unquoted(text.trim()).to_owned()),
        _ => None,
    }
}

fn number(text: &str) -> Option<u16> {
    text.parse().ok()
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text)
}
