//! PowerDNS's HTTP API, version 1: `GET` and `PATCH` of a zone.
//!
//! The API replaces whole sets and has no preconditions, so a set is read again right before it is written, and records
//! that are switched off in it (`disabled`) are sent back as they are. Two writers at the same instant go unnoticed, and
//! so does a record that somebody adds switched off between the plan and its step; where that matters, use dynamic
//! updates.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use url::Url;

use super::powerdns_zone::{RrSet, ZoneContent, cut, find, patch, raised, standing, upwards};
use super::standings::ZoneReading;
use super::{PowerDnsConfig, PushError, ZoneChange, http};
use crate::dns::Question;
use crate::dns::memo::Memo;
use crate::dns::presentation::absolute;
use crate::model::record::RecordName;
use crate::transport::{BodyError, TlsProblem, innermost, read_body};

/// The largest answer, in bytes: enough for a zone of half a million records.
const LARGEST: usize = 64 << 20;
/// Up to how many names are asked for one by one; for more, one request lists everything.
const MOST_NAMES: usize = 16;
/// How long an answer may stall in total before it is abandoned as too slow.
const DROPS: Duration = Duration::from_secs(10);

/// A PowerDNS with its API switched on.
pub(super) struct PowerDns {
    client: Client,
    base: Url,
    api_key: HeaderValue,
    server_id: String,
    ids: Memo<RecordName, Result<Option<String>, PushError>>,
    /// The sets with records that are switched off, by zone, as of when the whole zone was last read.
    switched_off: Mutex<BTreeMap<RecordName, BTreeSet<(RecordName, String)>>>,
}

/// What sets of a zone are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadFor {
    /// For a plan, which needs most of the zone.
    Plan,
    /// For one step.
    Step,
}

/// How much of a zone is read.
#[derive(Clone, Copy)]
enum Extent<'a> {
    Whole,
    /// What is at these names, and what decides whose they are.
    Names(&'a BTreeSet<RecordName>),
    /// The same, and what a write needs of the apex.
    Write(&'a BTreeSet<RecordName>),
}

/// What is known of which names are zones.
#[derive(Default)]
struct PowerDnsZones {
    all: Option<BTreeSet<RecordName>>,
    asked: BTreeMap<RecordName, bool>,
}

impl PowerDnsZones {
    fn known(&self, zone: &RecordName) -> Option<bool> {
        match &self.all {
            Some(all) => Some(all.contains(zone)),
            None => self.asked.get(zone).copied(),
        }
    }
}

#[derive(Deserialize)]
struct ZoneEntry {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct PowerDnsProblem {
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
            ids: Memo::default(),
            switched_off: Mutex::default(),
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
        let said = serde_json::from_slice::<PowerDnsProblem>(body).map_or_else(
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

    /// Returns the API's id of a zone, if the server has the zone; it does not change.
    async fn known_id(&self, zone: &RecordName) -> Result<Option<String>, PushError> {
        let lasting = |found: &Result<Option<String>, PushError>| matches!(found, Ok(Some(_)));
        self.ids.once(zone, lasting, self.zone_id(zone)).await
    }

    /// Returns the names of all zones.
    async fn all_zones(&self) -> Result<BTreeSet<RecordName>, PushError> {
        let request = self
            .request(Method::GET, &[])?
            .query(&[("dnssec", "false")]);
        let (status, body) = self.send(request, false).await?;
        if !status.is_success() {
            return Err(self.rejected(status, &body));
        }
        let found: Vec<ZoneEntry> = self.decode(&body)?;
        Ok(found
            .iter()
            .map(|zone| RecordName::observed(&zone.name))
            .collect())
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

    /// Finds the zones of the given names; stops at the first name that gets no answer. Many names cost one request.
    pub(super) async fn find_zones(
        &self,
        names: &BTreeSet<RecordName>,
    ) -> BTreeMap<RecordName, Result<RecordName, PushError>> {
        let mut found = BTreeMap::new();
        let mut zones = PowerDnsZones::default();
        if names.len() > MOST_NAMES {
            match self.all_zones().await {
                Ok(all) => zones.all = Some(all),
                Err(error) => {
                    found.extend(names.first().map(|name| (name.clone(), Err(error))));
                    return found;
                }
            }
        }
        for name in names {
            let answer = self.find_zone(name, &mut zones).await;
            let is_end =
                matches!(&answer, Err(error) if !matches!(error, PushError::NoZone { .. }));
            found.insert(name.clone(), answer);
            if is_end {
                break;
            }
        }
        found
    }

    async fn find_zone(
        &self,
        name: &RecordName,
        zones: &mut PowerDnsZones,
    ) -> Result<RecordName, PushError> {
        let mut candidate = Some(name.as_str());
        while let Some(text) = candidate {
            let zone = RecordName::observed(text);
            let is_zone = match zones.known(&zone) {
                Some(known) => known,
                None => self.known_id(&zone).await?.is_some(),
            };
            zones.asked.insert(zone.clone(), is_zone);
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

    /// Reads a zone, or its sets at some names and above them; a server that ignores the names shows the whole zone.
    async fn zone(
        &self,
        zone: &RecordName,
        extent: Extent<'_>,
    ) -> Result<(String, ZoneContent), PushError> {
        let id = self
            .known_id(zone)
            .await?
            .ok_or_else(|| self.no_zone(zone))?;
        let with_above = |names: &BTreeSet<RecordName>| {
            let above = names.iter().flat_map(|name| upwards(zone, name));
            above.chain(names.iter().cloned()).collect()
        };
        let names: BTreeSet<RecordName> = match extent {
            Extent::Whole => BTreeSet::new(),
            Extent::Names(names) => with_above(names),
            Extent::Write(names) => {
                let mut names = with_above(names);
                names.insert(zone.clone());
                names
            }
        };
        let content = if names.is_empty() || names.len() > MOST_NAMES {
            self.whole(zone, &id).await?
        } else {
            self.part(zone, &id, names).await?
        };
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

    async fn whole(&self, zone: &RecordName, id: &str) -> Result<ZoneContent, PushError> {
        let content = self.content(self.request(Method::GET, &[id])?).await?;
        let switched_off = content.switched_off();
        self.switched_off
            .lock()
            .await
            .insert(zone.clone(), switched_off);
        Ok(content)
    }

    async fn part(
        &self,
        zone: &RecordName,
        id: &str,
        names: BTreeSet<RecordName>,
    ) -> Result<ZoneContent, PushError> {
        let mut all: Option<ZoneContent> = None;
        for name in names {
            let request = self.request(Method::GET, &[id])?;
            let request = request.query(&[("rrset_name", absolute(&name))]);
            let mut content = self.content(request).await?;
            if !content.is_about(&name) {
                return Ok(content);
            }
            if let Some(earlier) = all.take() {
                content.rrsets.extend(earlier.rrsets);
            }
            all = Some(content);
        }
        match all {
            Some(content) => Ok(content),
            None => self.whole(zone, id).await,
        }
    }

    async fn content(&self, request: RequestBuilder) -> Result<ZoneContent, PushError> {
        let (status, body) = self.send(request, false).await?;
        if !status.is_success() {
            return Err(self.rejected(status, &body));
        }
        self.decode(&body)
    }

    /// Reads sets of a zone: from the whole zone, or only what the sets need.
    pub(super) async fn read_all(
        &self,
        zone: &RecordName,
        questions: &BTreeSet<Question>,
        reason: ReadFor,
    ) -> Result<ZoneReading, PushError> {
        let names = names(questions.iter());
        let extent = match reason {
            ReadFor::Plan => Extent::Whole,
            ReadFor::Step => Extent::Names(&names),
        };
        let (_, content) = self.zone(zone, extent).await?;
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

    /// Returns whether no record of the sets was switched off when the whole zone was last read.
    ///
    /// Such records are not shown when sets are read by name, and replacing the set would lose them.
    async fn has_all_on(&self, change: &ZoneChange) -> bool {
        let known = self.switched_off.lock().await;
        known.get(&change.zone).is_some_and(|off| {
            change.sets.iter().all(|set| {
                let question = &set.question;
                !off.contains(&(question.name.clone(), question.record_type.to_string()))
            })
        })
    }

    pub(super) async fn patch(&self, change: &ZoneChange) -> Result<(), PushError> {
        let zone = &change.zone;
        let names = names(change.sets.iter().map(|set| &set.question));
        let extent = if self.has_all_on(change).await {
            Extent::Write(&names)
        } else {
            Extent::Whole
        };
        let (id, content) = self.zone(zone, extent).await?;
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

fn names<'a>(questions: impl Iterator<Item = &'a Question>) -> BTreeSet<RecordName> {
    questions.map(|question| question.name.clone()).collect()
}
