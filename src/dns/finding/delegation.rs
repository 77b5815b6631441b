//! How a zone is delegated, and how its servers do.

use std::collections::BTreeSet;

use super::{DomainFinding, FindingKind};
use crate::dns::{NsClaim, Server, Zone};
use crate::model::record::RecordName;

/// Returns what is wrong with the delegation of a zone and with its servers.
pub(in crate::dns) fn of_delegation(zone: &Zone) -> Vec<DomainFinding> {
    let mut found: Vec<(FindingKind, String)> = Vec::new();
    found.extend(claims_differ(zone).map(|text| (FindingKind::NameServersDiffer, text)));
    found.extend(single(zone).map(|text| (FindingKind::SingleNameServer, text)));
    let delegation = &zone.delegation;
    for (name, target) in &delegation.aliases {
        let text = format!(
            "the name server {name} of {} is a CNAME for {target}, which many resolvers do not follow",
            zone.apex
        );
        found.push((FindingKind::NameServerIsAlias, text));
    }
    for (name, address) in &delegation.glue {
        let text = format!(
            "the zone above {} says that {name} is at {address}, and {name} itself does not: some resolvers ask there",
            zone.apex
        );
        found.push((FindingKind::GlueDiffers, text));
    }
    for (server, failure) in delegation
        .lame
        .iter()
        .filter(|it| is_parents_own(zone, &it.0))
    {
        let text = format!(
            "{server}, which only the zone above names, does not answer for {} ({failure}): resolvers that ask it first wait, or fail",
            zone.apex
        );
        found.push((FindingKind::LameDelegation, text));
    }
    for server in &delegation.plain {
        let text = format!("{server} refuses questions with EDNS");
        found.push((FindingKind::NoEdns, text));
    }
    for (server, failure) in &delegation.without_tcp {
        let text = format!("{server} does not answer over TCP ({failure})");
        found.push((FindingKind::NoTcp, text));
    }
    let found = found.into_iter();
    found
        .map(|(kind, text)| DomainFinding::new(kind, &zone.apex, text))
        .collect()
}

/// Returns the serial numbers of a zone's servers, which disagree about its records.
pub(in crate::dns) fn of_serials(
    apex: &RecordName,
    serials: &[(Server, u32)],
) -> Option<DomainFinding> {
    let (_, first) = serials.first()?;
    let sentence = if serials.iter().all(|(_, serial)| serial == first) {
        format!(
            "the servers of {apex} have different records and the same serial number {first}: they are not copies of one primary"
        )
    } else {
        let told = serials.iter();
        let told: Vec<String> = told
            .map(|(server, serial)| format!("{serial} at {server}"))
            .collect();
        format!("the serial number of {apex} is {}", told.join(", "))
    };
    Some(DomainFinding::new(FindingKind::Serials, apex, sentence))
}

/// Tells of a zone's servers that are not named alike by everybody.
fn claims_differ(zone: &Zone) -> Option<String> {
    let (first, others) = zone.delegation.claims.split_first()?;
    let other = others.iter().find(|other| other.names != first.names)?;
    Some(format!(
        "the name servers of {} are {} according to {}, and {} according to {}, so that it depends on chance which ones are asked",
        zone.apex,
        list(&first.names),
        first.by(),
        list(&other.names),
        other.by()
    ))
}

fn single(zone: &Zone) -> Option<String> {
    let claims = zone.delegation.claims.iter();
    let names: BTreeSet<&RecordName> = claims.flat_map(|claim| &claim.names).collect();
    let mut names = names.into_iter();
    match (names.next(), names.next()) {
        (Some(only), None) => Some(format!(
            "{} has one name server, {only}: while it is down, nothing of the domain is found",
            zone.apex
        )),
        _ => None,
    }
}

/// Returns whether only the zone above names a server.
fn is_parents_own(zone: &Zone, server: &Server) -> bool {
    let names = |claim: &&NsClaim| {
        let mut names = claim.names.iter();
        names.any(|name| server.name.as_deref() == Some(name.as_str()))
    };
    let claims = || zone.delegation.claims.iter();
    claims()
        .filter(|it| it.server.is_none())
        .any(|it| names(&it))
        && !claims()
            .filter(|it| it.server.is_some())
            .any(|it| names(&it))
}

fn list(names: &BTreeSet<RecordName>) -> String {
    let names: Vec<&str> = names.iter().map(RecordName::as_str).collect();
    names.join(", ")
}
