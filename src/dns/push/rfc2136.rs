//! Dynamic updates with prerequisites, signed with TSIG (RFC 2136, RFC 8945), over TCP.
//!
//! Reads are signed too: what the primary shows to the key is what counts, also with split horizons, and nobody on the
//! path can forge a read-back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType as WireType};

use super::endpoint::Endpoint;
use super::session::Session;
use super::standings::ZoneReading;
use super::update::{Pin, again, message, replacing};
use super::{PushError, Rfc2136Config, SetChange, Standing, ZoneChange};
use crate::dns::packet::{record_data, record_name, wire_type};
use crate::dns::zone::is_below;
use crate::dns::{Question, packet};
use crate::model::record::{RecordName, RecordType};

/// A primary that accepts dynamic updates.
pub(super) struct Rfc2136 {
    endpoint: Endpoint,
}

/// The live records at one name and type, also as the server sent them.
#[derive(Default)]
struct RawSet {
    standing: Standing,
    records: Vec<Record>,
}

impl Rfc2136 {
    /// Creates a client from the configuration; each operation opens its own connection.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub(super) fn new(config: &Rfc2136Config, patience: Duration) -> Result<Self, PushError> {
        let endpoint = Endpoint::new(config, patience)?;
        Ok(Self { endpoint })
    }

    /// Finds the zones of the given names, over one connection; stops at the first name that gets no answer.
    pub(super) async fn find_zones(
        &self,
        names: &BTreeSet<RecordName>,
    ) -> BTreeMap<RecordName, Result<RecordName, PushError>> {
        let mut found = BTreeMap::new();
        let mut open: Option<Session<'_>> = None;
        for name in names {
            let was_open = open.is_some();
            let mut answer = self.find_zone(&mut open, name).await;
            if was_open && matches!(answer, Err(PushError::Unreachable { .. })) {
                // The primary may close a connection that it has served for a long time.
                open = None;
                answer = self.find_zone(&mut open, name).await;
            }
            let is_end = matches!(&answer, Err(error) if !matches!(error, PushError::NoZone { .. } | PushError::Failing { .. }));
            found.insert(name.clone(), answer);
            if is_end {
                break;
            }
        }
        found
    }

    async fn find_zone<'a>(
        &'a self,
        open: &mut Option<Session<'a>>,
        name: &RecordName,
    ) -> Result<RecordName, PushError> {
        let session = match open {
            Some(session) => session,
            None => open.insert(Session::open(&self.endpoint).await?),
        };
        let mut candidate = Some(name.as_str());
        let mut fails = false;
        while let Some(text) = candidate {
            let asked = RecordName::observed(text);
            let answer = session.ask(query(&asked, WireType::SOA)?).await?;
            // For a query, only the signature can cause NOTAUTH (RFC 8945, section 5.2).
            if answer.metadata.response_code == ResponseCode::NotAuth {
                return Err(PushError::KeyRejected {
                    server: self.endpoint.server.clone(),
                    key: self.endpoint.key.clone(),
                });
            }
            if let Some(zone) = apex(&answer, name) {
                return Ok(zone);
            }
            fails |= answer.metadata.response_code == ResponseCode::ServFail;
            // Below a delegation and behind an alias no SOA tells the zone, so the parent name is asked for next.
            candidate = text.split_once('.').map(|(_, parent)| parent);
        }
        let (server, name) = (self.endpoint.server.clone(), name.clone());
        Err(if fails {
            PushError::Failing { server, name }
        } else {
            PushError::NoZone { server, name }
        })
    }

    pub(super) async fn read_all(
        &self,
        zone: &RecordName,
        questions: &BTreeSet<Question>,
    ) -> Result<ZoneReading, PushError> {
        let mut session = Session::open(&self.endpoint).await?;
        let mut reading = ZoneReading::default();
        for question in questions {
            let standing = match self.read_set(&mut session, zone, question).await {
                Ok(raw) => Ok(raw.standing),
                Err(error @ PushError::Delegated { .. }) => Err(error),
                Err(error) => return Err(error),
            };
            reading.sets.insert(question.clone(), standing);
        }
        Ok(reading)
    }

    /// Reads the set at a name itself: records synthesized from a wildcard do not count.
    async fn read_set(
        &self,
        session: &mut Session<'_>,
        zone: &RecordName,
        question: &Question,
    ) -> Result<RawSet, PushError> {
        let answered = self.ask_for_set(session, zone, question).await?;
        let standing = &answered.standing;
        if standing.records.is_empty() && standing.beside.is_empty()
            || !self
                .is_of_wildcard(session, (zone, question), standing)
                .await?
        {
            return Ok(answered);
        }
        Ok(RawSet::default())
    }

    /// Returns whether answers at a name come from a wildcard.
    ///
    /// A name that exists keeps wildcards above it from answering for names below it (RFC 4592, section 2.2.1); the
    /// `*` in between keeps a wildcard right below the name from answering.
    async fn is_of_wildcard(
        &self,
        session: &mut Session<'_>,
        (zone, question): (&RecordName, &Question),
        answered: &Standing,
    ) -> Result<bool, PushError> {
        let below = RecordName::observed(&format!("_.*.{}", question.name));
        let asked = if answered.records.is_empty() && question.record_type == RecordType::Cname {
            WireType::ANY
        } else {
            wire_type(question.record_type)
        };
        let Ok(query) = query(&below, asked) else {
            // The name is too long for one below it; the prerequisites of an update decide instead.
            return Ok(false);
        };
        let answer = session.ask(query).await?;
        self.judge(&answer, zone, &below)?;
        let mut owners = answer
            .answers
            .iter()
            .map(|record| record_name(&record.name));
        Ok(owners.any(|owner| owner == below))
    }

    async fn ask_for_set(
        &self,
        session: &mut Session<'_>,
        zone: &RecordName,
        question: &Question,
    ) -> Result<RawSet, PushError> {
        let wanted = wire_type(question.record_type);
        let answer = session.ask(query(&question.name, wanted)?).await?;
        self.judge(&answer, zone, &question.name)?;
        let mut raw = RawSet::default();
        for record in &answer.answers {
            if record_name(&record.name) != question.name {
                continue;
            }
            if record.record_type() == WireType::CNAME && wanted != WireType::CNAME {
                raw.standing.beside.insert("CNAME".to_owned());
            }
            if record.record_type() != wanted {
                continue;
            }
            let Some(data) = record_data(&record.data) else {
                continue;
            };
            raw.standing.records.insert(data);
            raw.standing.ttl = Some(record.ttl);
            raw.records.push(record.clone());
        }
        if wanted == WireType::CNAME && raw.records.is_empty() {
            let answer = session.ask(query(&question.name, WireType::ANY)?).await?;
            self.judge(&answer, zone, &question.name)?;
            raw.standing.beside = types_at(&answer, &question.name);
        }
        Ok(raw)
    }

    pub(super) async fn update(&self, change: &ZoneChange) -> Result<(), PushError> {
        let mut session = Session::open(&self.endpoint).await?;
        let raw = self.read_before(&mut session, change).await?;
        let answer = send(&mut session, change, &raw, Pin::Records).await?;
        if answer.metadata.response_code == ResponseCode::NXRRSet && has_rules(&raw) {
            // PowerDNS cannot compare rules that its database has with a trailing dot, so reading again decides.
            let raw = self.read_before(&mut session, change).await?;
            let answer = send(&mut session, change, &raw, Pin::Existence).await?;
            self.judge_update(&answer, &change.zone)?;
        } else {
            self.judge_update(&answer, &change.zone)?;
        }
        self.complete(&mut session, change).await
    }

    /// Reads the sets of a change, which must be as it expects them before.
    async fn read_before(
        &self,
        session: &mut Session<'_>,
        change: &ZoneChange,
    ) -> Result<Vec<Vec<Record>>, PushError> {
        let mut raw = Vec::new();
        for set in &change.sets {
            let read = self.read_set(session, &change.zone, &set.question).await?;
            if read.standing.records != set.before {
                return Err(PushError::Moved {
                    zone: change.zone.clone(),
                    set: Some(set.question.clone()),
                });
            }
            raw.push(read.records);
        }
        Ok(raw)
    }

    /// Adds what the primary left out although it accepted the change.
    ///
    /// When an alias and other records change places in one message, Knot deletes in a signed zone and ignores the
    /// addition.
    async fn complete(
        &self,
        session: &mut Session<'_>,
        change: &ZoneChange,
    ) -> Result<(), PushError> {
        let mut missing = Vec::new();
        for set in replacing(change) {
            let emptied = |error: PushError| emptied(set, &error);
            let now = self.read_set(session, &change.zone, &set.question).await;
            let standing = now.map_err(emptied)?.standing;
            if standing.records.is_empty() && standing.beside.is_empty() {
                missing.push(set);
            }
        }
        let Some(first) = missing.first() else {
            return Ok(());
        };
        let added = async {
            let message =
                again(&change.zone, &missing).map_err(|error| unwritable(&change.zone, &error))?;
            let answer = session.send(message).await?;
            self.judge_update(&answer, &change.zone)
        };
        added.await.map_err(|error| emptied(first, &error))
    }

    fn judge_update(&self, answer: &Message, zone: &RecordName) -> Result<(), PushError> {
        match answer.metadata.response_code {
            ResponseCode::NoError => Ok(()),
            ResponseCode::YXDomain
            | ResponseCode::YXRRSet
            | ResponseCode::NXRRSet
            | ResponseCode::NXDomain => Err(PushError::Moved {
                zone: zone.clone(),
                set: None,
            }),
            code => Err(self.rejection(code, zone)),
        }
    }

    /// Returns an error unless an answer says something about a name of the zone.
    fn judge(
        &self,
        answer: &Message,
        zone: &RecordName,
        name: &RecordName,
    ) -> Result<(), PushError> {
        let server = || self.endpoint.server.clone();
        match answer.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain if answer.metadata.authoritative => {
                Ok(())
            }
            ResponseCode::NoError | ResponseCode::NXDomain => {
                Err(match referral(answer, zone, name) {
                    Some(delegated) => PushError::Delegated {
                        server: server(),
                        zone: zone.clone(),
                        name: name.clone(),
                        delegated,
                    },
                    None => PushError::NotAuthoritative {
                        server: server(),
                        zone: zone.clone(),
                    },
                })
            }
            code => Err(self.rejection(code, zone)),
        }
    }

    fn rejection(&self, code: ResponseCode, zone: &RecordName) -> PushError {
        let server = self.endpoint.server.clone();
        match code {
            ResponseCode::NotAuth => PushError::NotAuthoritative {
                server,
                zone: zone.clone(),
            },
            ResponseCode::Refused => PushError::Refused {
                server,
                zone: zone.clone(),
                key: self.endpoint.key.clone(),
            },
            other => PushError::Rejected {
                server,
                reason: other.to_string(),
            },
        }
    }
}

/// Returns the owner of the SOA in an authoritative answer about a name, if it is that name or above it.
///
/// Behind an alias, the SOA is that of the target's zone, and says nothing about the name.
fn apex(answer: &Message, name: &RecordName) -> Option<RecordName> {
    let is_alias = |record: &Record| record.record_type() == WireType::CNAME;
    if !answer.metadata.authoritative || answer.answers.iter().any(is_alias) {
        return None;
    }
    answer
        .answers
        .iter()
        .chain(&answer.authorities)
        .find_map(|record| {
            let owner = record_name(&record.name);
            (matches!(record.data, RData::SOA(_)) && is_below(name, &owner)).then_some(owner)
        })
}

/// Returns the zone below `zone` that an answer refers to for a name (RFC 1034, section 4.3.2, step 3b).
fn referral(answer: &Message, zone: &RecordName, name: &RecordName) -> Option<RecordName> {
    answer.authorities.iter().find_map(|record| {
        let owner = record_name(&record.name);
        let is_cut = record.record_type() == WireType::NS
            && is_below(name, &owner)
            && is_below(&owner, zone)
            && owner != *zone;
        is_cut.then_some(owner)
    })
}

async fn send(
    session: &mut Session<'_>,
    change: &ZoneChange,
    raw: &[Vec<Record>],
    pin: Pin,
) -> Result<Message, PushError> {
    let message = message(change, raw, pin).map_err(|error| unwritable(&change.zone, &error))?;
    session.send(message).await
}

fn has_rules(raw: &[Vec<Record>]) -> bool {
    let mut records = raw.iter().flatten();
    records.any(|record| record.record_type() == WireType::NAPTR)
}

fn unwritable(zone: &RecordName, error: &hickory_proto::ProtoError) -> PushError {
    PushError::Configuration(format!("the update of {zone}: {error}"))
}

fn emptied(set: &SetChange, error: &PushError) -> PushError {
    PushError::Emptied {
        set: set.question.clone(),
        reason: error.to_string(),
    }
}

fn query(name: &RecordName, wire_type: WireType) -> Result<Message, PushError> {
    let query = packet::query(name, wire_type)
        .map_err(|failure| PushError::Configuration(failure.to_string()))?;
    let mut message = Message::new(fastrand::u16(..), MessageType::Query, OpCode::Query);
    message.add_query(query);
    Ok(message)
}

/// Returns the types at a name that an alias would hide, without those of DNSSEC, which are generated, and HINFO, which
/// answers a query that the server declines (RFC 8482).
fn types_at(answer: &Message, name: &RecordName) -> BTreeSet<String> {
    answer
        .answers
        .iter()
        .filter(|record| record_name(&record.name) == *name)
        .map(Record::record_type)
        .filter(|it| {
            !matches!(
                it,
                WireType::RRSIG
                    | WireType::NSEC
                    | WireType::NSEC3
                    | WireType::HINFO
                    | WireType::CNAME
            )
        })
        .map(|it| it.to_string())
        .collect()
}

#[cfg(test)]
#[path = "rfc2136_tests.rs"]
mod tests;
