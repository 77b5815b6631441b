//! What phones find besides the right proxy.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{DomainFinding, FindingKind};
use crate::dns::{Expected, Phones};
use crate::model::record::{RecordName, RecordType};

/// The labels under which some phones look for TLS, and no standard has them look.
const SIP_TLS: &str = "_sip._tls.";

/// Returns the SRV records of the template that no standard has phones look for.
pub(in crate::dns) fn of_services(expected: &[Expected]) -> Vec<DomainFinding> {
    let services = expected.iter().filter(|host| {
        host.question.record_type == RecordType::Srv
            && host.question.name.as_str().starts_with(SIP_TLS)
    });
    services
        .map(|host| {
            let name = &host.question.name;
            let sentence = format!(
                "{name} is a convention of some phones: a phone that keeps to the standard does not look there"
            );
            DomainFinding::new(FindingKind::UnknownService, name, sentence)
        })
        .collect()
}

/// Returns the proxies that lack a family of addresses which another one of the same domain has.
pub(in crate::dns) fn of_routes(phones: &[Phones]) -> Vec<DomainFinding> {
    let mut proxies: BTreeMap<&RecordName, BTreeSet<&IpAddr>> = BTreeMap::new();
    for route in phones.iter().flat_map(|phones| &phones.routes) {
        let known = proxies.entry(&route.target).or_default();
        known.extend(&route.addresses);
    }
    proxies.retain(|_, addresses| !addresses.is_empty());
    let mut found = Vec::new();
    for (family, of_family) in [
        ("IPv4", IpAddr::is_ipv4 as fn(&IpAddr) -> bool),
        ("IPv6", IpAddr::is_ipv6 as fn(&IpAddr) -> bool),
    ] {
        let has = |addresses: &BTreeSet<&IpAddr>| addresses.iter().any(|it| of_family(it));
        let Some((other, _)) = proxies.iter().find(|(_, addresses)| has(addresses)) else {
            continue;
        };
        for (proxy, _) in proxies.iter().filter(|(_, addresses)| !has(addresses)) {
            let sentence = format!(
                "{proxy} has no {family} address, and {other} has: phones with {family} alone find only one of them"
            );
            found.push(DomainFinding::new(FindingKind::OneFamily, proxy, sentence));
        }
    }
    found
}
