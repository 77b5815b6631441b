//! Computes the changes of one zone from expected and live records. Pure.
//!
//! Only names that the template declares, or declared when it was last applied, are ever in a change (invariant 7). The
//! zone's own records never are: a template has no SOA or NS, and an alias at the apex or anything about
//! `_acme-challenge` is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::SetChange;
use crate::dns::presentation::{MX_PREFERENCE, relative};
use crate::dns::{Expected, Question};
use crate::model::record::{RecordData, RecordName, RecordType};
use crate::tree::DEFAULT_TTL;

/// The live records of a zone at one name and type, as its primary reports them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The records of the type.
    pub records: BTreeSet<RecordData>,
    /// Their common time to live in seconds; `None` if there are no records.
    pub ttl: Option<u32>,
    /// Other types at the same name that matter: an alias, or what an alias would hide.
    pub beside: BTreeSet<String>,
}

/// How record sets are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushPolicy {
    /// Whether undeclared records are removed from a set that the template declares.
    pub exclusive: bool,
    /// The time to live of a new set, in seconds; an existing one keeps its own.
    pub ttl: u32,
}

impl Default for PushPolicy {
    fn default() -> Self {
        Self {
            exclusive: false,
            ttl: DEFAULT_TTL,
        }
    }
}

/// Everything that a push changes in one zone, in one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneChange {
    /// The zone apex.
    pub zone: RecordName,
    /// The changed sets, sorted by name and type; never empty.
    pub sets: Vec<SetChange>,
}

/// What a push would do in one zone, and what it leaves alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The sets that change, sorted by name and type.
    pub sets: Vec<SetChange>,
    /// Undeclared records in declared sets, which stay.
    pub kept: Vec<(Question, RecordData)>,
    /// Sets that differ but are not touched, with the reason.
    pub refused: Vec<RefusedSet>,
    /// Sets that could not be read, and so are left alone.
    pub unread: Vec<Question>,
}

/// A set that a push does not touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedSet {
    /// Name of the set.
    pub name: RecordName,
    /// Record type of the set.
    pub record_type: RecordType,
    /// Why it is not touched, and what to do.
    pub reason: String,
}

/// Computes what a push changes in a zone.
///
/// `expected` is what the tree wants now, `before` what it wanted when it was last applied: records that are only in
/// the latter were ours and are removed. `standing` has what the primary answered for each name and type of both; a set
/// without an entry could not be read and is left alone.
#[must_use]
pub fn changes(
    zone: &RecordName,
    expected: &[Expected],
    before: &[Expected],
    standing: &BTreeMap<Question, Standing>,
    policy: PushPolicy,
) -> Changes {
    let mut sets: BTreeMap<&Question, Wanted> = BTreeMap::new();
    for host in before {
        sets.entry(&host.question)
            .or_default()
            .earlier
            .extend(&host.records);
    }
    for host in expected {
        sets.entry(&host.question)
            .or_default()
            .now
            .extend(&host.records);
    }
    let leaving = leaving(&sets, standing, policy);
    let mut changes = Changes::default();
    for (question, wanted) in &sets {
        let refuse = |reason: String| RefusedSet {
            name: question.name.clone(),
            record_type: question.record_type,
            reason,
        };
        if let Some(reason) = protected(zone, question) {
            changes.refused.push(refuse(reason));
            continue;
        }
        let Some(standing) = standing.get(question) else {
            changes.unread.push((*question).clone());
            continue;
        };
        let (after, kept) = wanted.after(question.record_type, standing, policy);
        if let Some(reason) = hidden(question, &after, standing, &leaving) {
            changes.refused.push(refuse(reason));
            continue;
        }
        changes
            .kept
            .extend(kept.into_iter().map(|record| ((*question).clone(), record)));
        if after != standing.records {
            changes.sets.push(SetChange {
                question: (*question).clone(),
                before: standing.records.clone(),
                after,
                ttl: standing.ttl.unwrap_or(policy.ttl),
            });
        }
    }
    changes
}

/// What the tree wants of one set, now and when it was last applied.
#[derive(Default)]
struct Wanted<'a> {
    now: BTreeSet<&'a RecordData>,
    earlier: BTreeSet<&'a RecordData>,
}

impl Wanted<'_> {
    /// Returns the records after the change, and those of them that are undeclared.
    fn after(
        &self,
        record_type: RecordType,
        standing: &Standing,
        policy: PushPolicy,
    ) -> (BTreeSet<RecordData>, Vec<RecordData>) {
        let is_in = |set: &BTreeSet<&RecordData>, record: &RecordData| {
            set.iter().any(|other| other.means(record))
        };
        // A name has one alias at most (RFC 1034, section 3.6.2), so a foreign one cannot stay beside ours.
        let one_only = record_type == RecordType::Cname && !self.now.is_empty();
        let exclusive = (policy.exclusive && !self.now.is_empty()) || one_only;
        let mut after = BTreeSet::new();
        let mut kept = Vec::new();
        for record in &standing.records {
            if is_in(&self.now, record) {
                after.insert(record.clone());
            } else if !exclusive && !is_in(&self.earlier, record) {
                after.insert(record.clone());
                kept.push(record.clone());
            }
        }
        for record in &self.now {
            if !after.iter().any(|other| other.means(record)) {
                after.insert(complete(record));
            }
        }
        (after, kept)
    }
}

/// Fills in what a zone needs but the template does not say (D14).
fn complete(record: &RecordData) -> RecordData {
    match record {
        RecordData::Mx {
            preference: None,
            exchange,
        } => RecordData::Mx {
            preference: Some(MX_PREFERENCE),
            exchange: exchange.clone(),
        },
        other => other.clone(),
    }
}

/// Returns the sets that will be empty, so that another type may take their place in the same message.
fn leaving(
    sets: &BTreeMap<&Question, Wanted<'_>>,
    standing: &BTreeMap<Question, Standing>,
    policy: PushPolicy,
) -> BTreeSet<(RecordName, String)> {
    sets.iter()
        .filter(|(question, wanted)| {
            standing.get(**question).is_some_and(|standing| {
                let (after, _) = wanted.after(question.record_type, standing, policy);
                after.is_empty()
            })
        })
        .map(|(question, _)| (question.name.clone(), question.record_type.to_string()))
        .collect()
}

/// Returns why a set is never touched, if so.
fn protected(zone: &RecordName, question: &Question) -> Option<String> {
    let Some(before) = relative(&question.name, zone) else {
        return Some(format!(
            "it lies outside the zone {zone}; enter it where its own zone is kept"
        ));
    };
    if before.split('.').any(|label| label == "_acme-challenge") {
        return Some(
            "_acme-challenge belongs to whoever issues certificates; take it out of the template"
                .to_owned(),
        );
    }
    (before.is_empty() && question.record_type == RecordType::Cname).then(|| {
        "it is the top of its zone, where SOA and NS stand and an alias cannot; use A and AAAA, or the provider's ALIAS"
            .to_owned()
    })
}

/// Returns what an alias would hide, or which alias would hide the records, if any (RFC 1034, section 3.6.2).
fn hidden(
    question: &Question,
    after: &BTreeSet<RecordData>,
    standing: &Standing,
    leaving: &BTreeSet<(RecordName, String)>,
) -> Option<String> {
    if after.is_empty() || *after == standing.records {
        return None;
    }
    let alias = RecordType::Cname.as_str();
    let in_the_way: Vec<&str> = standing
        .beside
        .iter()
        .map(String::as_str)
        .filter(|other| question.record_type == RecordType::Cname || *other == alias)
        .filter(|other| !leaving.contains(&(question.name.clone(), (*other).to_owned())))
        .collect();
    (!in_the_way.is_empty()).then(|| {
        format!(
            "the name has {} already, and an alias stands alone at its name; remove by hand what nobody needs",
            in_the_way.join(", ")
        )
    })
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
