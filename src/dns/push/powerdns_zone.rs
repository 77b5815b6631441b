//! A zone as PowerDNS's API shows it, and the patch that changes it. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{SetChange, Standing};
use crate::dns::Question;
use crate::dns::presentation::{absolute, content};
use crate::model::record::{RecordData, RecordName, RecordType};

/// A zone, or a part of it.
#[derive(Deserialize)]
pub(super) struct ZoneContent {
    /// `Native`, `Master`, `Slave`; later versions say `Primary` and `Secondary`, and have `Producer` and `Consumer`.
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) masters: Vec<String>,
    /// How the API changes the serial when it writes; empty when it does not.
    #[serde(default)]
    pub(super) soa_edit_api: Option<String>,
    pub(super) rrsets: Vec<RrSet>,
}

/// The records at one name and type.
#[derive(Deserialize)]
pub(super) struct RrSet {
    name: String,
    #[serde(rename = "type")]
    record_type: String,
    #[serde(default)]
    ttl: u32,
    records: Vec<RrRecord>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RrRecord {
    content: String,
    #[serde(default)]
    disabled: bool,
}

impl ZoneContent {
    /// Returns the sets in which records are switched off.
    pub(super) fn switched_off(&self) -> BTreeSet<(RecordName, String)> {
        let is_partly_off = |set: &&RrSet| set.records.iter().any(|record| record.disabled);
        let sets = self.rrsets.iter().filter(is_partly_off);
        sets.map(|set| (RecordName::observed(&set.name), set.record_type.clone()))
            .collect()
    }

    /// Returns whether it has nothing of other names.
    pub(super) fn is_about(&self, name: &RecordName) -> bool {
        self.rrsets.iter().all(|set| is_named(set, name))
    }

    /// Returns whether the zone is transferred from elsewhere.
    pub(super) fn is_copy(&self) -> bool {
        ["slave", "secondary", "consumer"]
            .iter()
            .any(|kind| self.kind.eq_ignore_ascii_case(kind))
    }

    /// Returns whether the API raises the serial with each write. `SOA-EDIT` alone does not within a week, or never.
    pub(super) fn raises_serial(&self) -> bool {
        let method = self.soa_edit_api.as_deref().unwrap_or_default();
        !method.is_empty() && !method.eq_ignore_ascii_case("SOA-EDIT")
    }
}

/// Returns the highest name below the apex, at or above a name, that has name servers of its own.
pub(super) fn cut(zone: &RecordName, name: &RecordName, sets: &[RrSet]) -> Option<RecordName> {
    let is_cut = |name: &RecordName| {
        sets.iter().any(|set| {
            set.record_type == "NS"
                && is_named(set, name)
                && set.records.iter().any(|record| !record.disabled)
        })
    };
    upwards(zone, name).into_iter().rev().find(is_cut)
}

/// Returns a name and those above it, up to right below the apex of its zone.
pub(super) fn upwards(zone: &RecordName, name: &RecordName) -> Vec<RecordName> {
    let mut names = Vec::new();
    let mut candidate = Some(name.as_str());
    while let Some(text) = candidate.filter(|text| *text != zone.as_str()) {
        names.push(RecordName::observed(text));
        candidate = text.split_once('.').map(|(_, parent)| parent);
    }
    names
}

/// Returns the patch that raises the serial of a zone by one (RFC 1982, section 3.1); PowerDNS takes 0 as "none".
pub(super) fn raised(zone: &RecordName, sets: &[RrSet]) -> Option<Value> {
    let soa = sets
        .iter()
        .find(|set| set.record_type == "SOA" && is_named(set, zone))?;
    let [record] = soa.records.as_slice() else {
        return None;
    };
    let mut fields: Vec<&str> = record.content.split_whitespace().collect();
    let serial: u32 = fields.get(2)?.parse().ok()?;
    let serial = serial.wrapping_add(1).max(1).to_string();
    fields[2] = &serial;
    Some(json!({
        "name": absolute(zone),
        "type": "SOA",
        "ttl": soa.ttl,
        "changetype": "REPLACE",
        "records": [{ "content": fields.join(" "), "disabled": record.disabled }],
    }))
}

fn is_named(set: &RrSet, name: &RecordName) -> bool {
    RecordName::observed(&set.name) == *name
}

pub(super) fn find<'a>(sets: &'a [RrSet], question: &Question) -> Option<&'a RrSet> {
    sets.iter().find(|set| {
        set.record_type == question.record_type.as_str() && is_named(set, &question.name)
    })
}

/// Returns the live state of a set; `None` if a record in it cannot be understood.
pub(super) fn standing(sets: &[RrSet], question: &Question) -> Option<Standing> {
    let mut standing = Standing {
        beside: sets
            .iter()
            .filter(|set| is_named(set, &question.name))
            .filter(|set| set.records.iter().any(|record| !record.disabled))
            .map(|set| set.record_type.clone())
            .filter(|other| other != question.record_type.as_str())
            .collect(),
        ..Standing::default()
    };
    if let Some(set) = find(sets, question) {
        standing.ttl = Some(set.ttl);
        for record in set.records.iter().filter(|record| !record.disabled) {
            standing
                .records
                .insert(understand(question.record_type, record)?);
        }
    }
    Some(standing)
}

fn understand(record_type: RecordType, record: &RrRecord) -> Option<RecordData> {
    RecordData::parse(record_type, &record.content).ok()
}

/// Returns the patch of one set. Records that stay keep the server's spelling.
pub(super) fn patch(set: &SetChange, now: Option<&RrSet>) -> Value {
    let record_type = set.question.record_type;
    let mut records: Vec<RrRecord> = now
        .into_iter()
        .flat_map(|now| &now.records)
        .filter(|record| {
            record.disabled
                || understand(record_type, record).is_some_and(|data| set.after.contains(&data))
        })
        .cloned()
        .collect();
    records.extend(set.added().map(|data| RrRecord {
        content: content(data),
        disabled: false,
    }));
    let name = absolute(&set.question.name);
    if records.is_empty() {
        return json!({ "name": name, "type": record_type, "changetype": "DELETE" });
    }
    json!({
        "name": name,
        "type": record_type,
        "ttl": set.ttl,
        "changetype": "REPLACE",
        "records": records,
    })
}

#[cfg(test)]
#[path = "powerdns_zone_tests.rs"]
mod tests;
