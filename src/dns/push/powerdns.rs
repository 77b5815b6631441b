//! PowerDNS's HTTP API, version 1: `GET` and `PATCH` of a zone.
//!
//! The API replaces whole sets and has no preconditions, so a set is read again right before it is written, and records
//! that are switched off in it (`disabled`) are sent back as they are. Two writers at the same instant go unnoticed;
//! where that matters, use dynamic updates.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::standings::ZoneReading;
use super::{PowerDnsConfig, PushError, SetChange, Standing, ZoneChange, http};
use crate::dns::Question;
use crate::dns::presentation::{absolute, content};
use crate::model::record::{RecordData, RecordName, RecordType};
use crate::transport::{BodyError, TlsProblem, innermost, read_body};

/// The largest answer, in bytes: enough for a zone of half a million records.
const LARGEST: usize = 64 << 20;
/// How long an answer may stall in total before it is abandoned as too slow.
const DROPS: Duration = Duration::from_secs(10);

/// A PowerDNS with its API switched on.
pub(super) struct PowerDns {
    client: Client,
    base: Url,
    api_key: HeaderValue,
    server_id: String,
}

#[derive(Deserialize)]
struct ZoneEntry {
    id: String,
}

#[derive(Deserialize)]
struct ZoneContent {
    /// `Native`, `Master`, `Slave`; later versions say `Primary` and `Secondary`, and have `Producer` and `Consumer`.
    #[serde(default)]
    kind: String,
    #[serde(default)]
    masters: Vec<String>,
    /// How the API changes the serial when it writes; empty when it does not.
    #[serde(default)]
    soa_edit_api: Option<String>,
    rrsets: Vec<RrSet>,
}

#[derive(Deserialize)]
struct RrSet {
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

#[derive(Deserialize)]
struct Problem {
    error: String,
}

impl PowerDns {
    /// Creates a client from the configuration; nothing is sent yet.
    ///
    /// # Errors
    /// When the URL or the key cannot be used.
    pub(super) fn new(config: &PowerDnsConfig, patience: Duration) -> Result<Self, PushError> {
        let base = http::base(&config.url)?;
        let mut api_key = HeaderValue::from_str(config.api_key.expose().trim()).map_err(|_| {
            PushError::Configuration(
                "the API key has characters that a header cannot carry; copy it as pdns.conf has it"
                    .to_owned(),
            )
        })?;
        api_key.set_sensitive(true);
        Ok(Self {
            client: http::client(&base, config.ca_pem.as_deref(), patience)?,
            base,
            api_key,
            server_id: config.server_id.clone(),
        })
    }

    /// Returns the server's name for messages.
    fn server(&self) -> String {
        format!("PowerDNS at {}", self.base)
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, PushError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| PushError::Configuration("`url` of the push has no path".to_owned()))?
            .pop_if_empty()
            .extend(["api", "v1", "servers", &self.server_id, "zones"])
            .extend(path);
        Ok(self
            .client
            .request(method, url)
            .header("X-API-Key", self.api_key.clone()))
    }

    /// Sends a request and returns status and body. `lost` says whether a missing answer leaves the outcome unknown.
    async fn send(
        &self,
        request: RequestBuilder,
        lost: bool,
    ) -> Result<(StatusCode, Vec<u8>), PushError> {
        let failed = |error: reqwest::Error| {
            let server = self.server();
            if let Some(problem) = TlsProblem::of(&error) {
                let reason = problem.explained();
                return PushError::Unreachable { server, reason };
            }
            let reason = innermost(&error);
            if lost && !error.is_connect() {
                PushError::Lost { server, reason }
            } else {
                PushError::Unreachable { server, reason }
            }
        };
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        let body = read_body(&mut response, LARGEST, DROPS).await;
        let body = body.map_err(|error| {
            let reason = match error {
                BodyError::Broken(error) => return failed(error),
                BodyError::TooLarge => format!("its answer has more than {LARGEST} bytes"),
                BodyError::TooSlow { bytes, after } => {
                    format!("only {bytes} bytes came within {} s", after.as_secs())
                }
            };
            let server = self.server();
            if lost {
                PushError::Lost { server, reason }
            } else {
                PushError::Unreachable { server, reason }
            }
        })?;
        if status == StatusCode::UNAUTHORIZED {
            return Err(PushError::Unauthorised {
                server: self.server(),
            });
        }
        Ok((status, body))
    }

    fn rejected(&self, status: StatusCode, body: &[u8]) -> PushError {
        let said = serde_json::from_slice::<Problem>(body).map_or_else(
            |_| status.to_string(),
            |problem| format!("{} ({status})", problem.error),
        );
        PushError::Rejected {
            server: self.server(),
            reason: said,
        }
    }

    fn decode<'a, T: Deserialize<'a>>(&self, body: &'a [u8]) -> Result<T, PushError> {
        serde_json::from_slice(body).map_err(|error| PushError::Rejected {
            server: self.server(),
            reason: format!("its answer is not that of a PowerDNS: {error}"),
        })
    }

    /// Returns the API's id of a zone, if the server has the zone.
    async fn zone_id(&self, zone: &RecordName) -> Result<Option<String>, PushError> {
        let request = self
            .request(Method::GET, &[])?
            .query(&[("zone", absolute(zone))]);
        let (status, body) = self.send(request, false).await?;
        if !status.is_success() {
            return Err(self.rejected(status, &body));
        }
        let found: Vec<ZoneEntry> = self.decode(&body)?;
        Ok(found.into_iter().next().map(|zone| zone.id))
    }

    /// Finds the zones of the given names; stops at the first name that gets no answer.
    pub(super) async fn find_zones(
        &self,
        names: &BTreeSet<RecordName>,
    ) -> BTreeMap<RecordName, Result<RecordName, PushError>> {
        let mut found = BTreeMap::new();
        let mut asked = BTreeMap::new();
        for name in names {
            let answer = self.find_zone(name, &mut asked).await;
            let is_end =
                matches!(&answer, Err(error) if !matches!(error, PushError::NoZone { .. }));
            found.insert(name.clone(), answer);
            if is_end {
                break;
            }
        }
        found
    }

    /// Finds the zone of a name. `asked` caches which names are zones.
    async fn find_zone(
        &self,
        name: &RecordName,
        asked: &mut BTreeMap<RecordName, bool>,
    ) -> Result<RecordName, PushError> {
        let mut candidate = Some(name.as_str());
        while let Some(text) = candidate {
            let zone = RecordName::observed(text);
            let is_zone = match asked.get(&zone) {
                Some(known) => *known,
                None => self.zone_id(&zone).await?.is_some(),
            };
            asked.insert(zone.clone(), is_zone);
            if is_zone {
                return Ok(zone);
            }
            candidate = text.split_once('.').map(|(_, parent)| parent);
        }
        Err(self.no_zone(name))
    }

    fn no_zone(&self, name: &RecordName) -> PushError {
        PushError::NoZone {
            server: self.server(),
            name: name.clone(),
        }
    }

    async fn zone(&self, zone: &RecordName) -> Result<(String, ZoneContent), PushError> {
        let id = self
            .zone_id(zone)
            .await?
            .ok_or_else(|| self.no_zone(zone))?;
        let (status, body) = self.send(self.request(Method::GET, &[&id])?, false).await?;
        if !status.is_success() {
            return Err(self.rejected(status, &body));
        }
        let content: ZoneContent = self.decode(&body)?;
        if content.is_copy() {
            return Err(PushError::Secondary {
                server: self.server(),
                zone: zone.clone(),
                kind: content.kind,
                from: content.masters,
            });
        }
        Ok((id, content))
    }

    pub(super) async fn read_all(
        &self,
        zone: &RecordName,
        questions: &BTreeSet<Question>,
    ) -> Result<ZoneReading, PushError> {
        let (_, content) = self.zone(zone).await?;
        let mut sets = BTreeMap::new();
        for question in questions {
            match self.own(zone, &question.name, &content.rrsets) {
                Ok(()) => {
                    let standing = standing(&content.rrsets, question);
                    sets.extend(standing.map(|standing| (question.clone(), Ok(standing))));
                }
                Err(error) => {
                    sets.insert(question.clone(), Err(error));
                }
            }
        }
        let note = (!content.raises_serial()).then(|| {
            format!(
                "PowerDNS does not raise the serial of {zone} (`soa_edit_api` is {:?}), so each write here raises it by 1, and secondaries hear of it",
                content.soa_edit_api.as_deref().unwrap_or_default()
            )
        });
        Ok(ZoneReading { sets, note })
    }

    /// Returns an error if a zone delegates a name.
    fn own(&self, zone: &RecordName, name: &RecordName, sets: &[RrSet]) -> Result<(), PushError> {
        match cut(zone, name, sets) {
            None => Ok(()),
            Some(delegated) => Err(PushError::Delegated {
                server: self.server(),
                zone: zone.clone(),
                name: name.clone(),
                delegated,
            }),
        }
    }

    pub(super) async fn patch(&self, change: &ZoneChange) -> Result<(), PushError> {
        let zone = &change.zone;
        let (id, content) = self.zone(zone).await?;
        let sets = &content.rrsets;
        let mut patches = Vec::new();
        for set in &change.sets {
            self.own(zone, &set.question.name, sets)?;
            let now = standing(sets, &set.question);
            if now.is_none_or(|now| now.records != set.before) {
                return Err(PushError::Moved {
                    zone: zone.clone(),
                    set: Some(set.question.clone()),
                });
            }
            patches.push(patch(set, find(sets, &set.question)));
        }
        // The API takes them in this order, and an alias and other records may change places.
        patches.sort_by_key(|patch| patch["changetype"] != "DELETE");
        if !content.raises_serial() {
            let raised = raised(zone, sets).ok_or_else(|| PushError::Rejected {
                server: self.server(),
                reason: format!(
                    "the SOA of {zone} cannot be understood, so its serial cannot be raised"
                ),
            })?;
            patches.push(raised);
        }
        let request = self
            .request(Method::PATCH, &[&id])?
            .json(&json!({ "rrsets": patches }));
        let (status, body) = self.send(request, true).await?;
        if status.is_success() {
            Ok(())
        } else {
            Err(self.rejected(status, &body))
        }
    }
}

impl ZoneContent {
    /// Returns whether the zone is transferred from elsewhere.
    fn is_copy(&self) -> bool {
        ["slave", "secondary", "consumer"]
            .iter()
            .any(|kind| self.kind.eq_ignore_ascii_case(kind))
    }

    /// Returns whether the API raises the serial with each write. `SOA-EDIT` alone does not within a week, or never.
    fn raises_serial(&self) -> bool {
        let method = self.soa_edit_api.as_deref().unwrap_or_default();
        !method.is_empty() && !method.eq_ignore_ascii_case("SOA-EDIT")
    }
}

/// Returns the highest name below the apex, at or above a name, that has name servers of its own.
fn cut(zone: &RecordName, name: &RecordName, sets: &[RrSet]) -> Option<RecordName> {
    let mut candidates = Vec::new();
    let mut candidate = Some(name.as_str());
    while let Some(text) = candidate.filter(|text| *text != zone.as_str()) {
        candidates.push(RecordName::observed(text));
        candidate = text.split_once('.').map(|(_, parent)| parent);
    }
    let is_cut = |name: &RecordName| {
        sets.iter().any(|set| {
            set.record_type == "NS"
                && is_named(set, name)
                && set.records.iter().any(|record| !record.disabled)
        })
    };
    candidates.into_iter().rev().find(is_cut)
}

/// Returns the patch that raises the serial of a zone by one (RFC 1982, section 3.1); PowerDNS takes 0 as "none".
fn raised(zone: &RecordName, sets: &[RrSet]) -> Option<Value> {
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

fn find<'a>(sets: &'a [RrSet], question: &Question) -> Option<&'a RrSet> {
    sets.iter().find(|set| {
        set.record_type == question.record_type.as_str() && is_named(set, &question.name)
    })
}

/// Returns the live state of a set; `None` if a record in it cannot be understood.
fn standing(sets: &[RrSet], question: &Question) -> Option<Standing> {
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
fn patch(set: &SetChange, now: Option<&RrSet>) -> Value {
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
#[path = "powerdns_tests.rs"]
mod tests;
