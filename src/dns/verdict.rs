//! Compares expected with observed records and returns a verdict. Pure; implements the table of design section 7.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answer, Expected, Failure};
use crate::model::count_of;
use crate::model::record::{RecordData, RecordName};

/// A server that was asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Server {
    /// Host name, if known.
    pub name: Option<String>,
    /// Address that was asked.
    pub address: SocketAddr,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.address.ip()),
            None if self.address.port() == 53 => self.address.ip().fmt(f),
            None => self.address.fmt(f),
        }
    }
}

/// One server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The server.
    pub server: Server,
    /// What it answered.
    pub answer: Answer,
}

/// Everything that was observed about one question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// The answers of the zone's servers; where an alias leads to another zone, those of that zone's.
    pub authoritative: Vec<Observed>,
    /// The answers of the recursive resolvers.
    pub resolvers: Vec<Observed>,
    /// Apex of the zone that holds the name, if found.
    pub zone: Option<RecordName>,
    /// Whether the domain is not registered, so that there is no zone.
    pub not_registered: bool,
    /// Why the zone's servers could not be asked at all.
    pub zone_failure: Option<Failure>,
    /// What a reader should know about the zone, such as that not all of its servers were asked.
    pub notes: Vec<String>,
    /// The addresses that the expected alias leads to, and those of the host itself: a provider may have flattened the
    /// alias. Looked up only where a CNAME is expected and there is none.
    pub flattened: Option<Flattened>,
}

/// The addresses needed to recognise a flattened CNAME.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flattened {
    /// The addresses of the alias's target.
    pub target: BTreeSet<RecordData>,
    /// The addresses of the host.
    pub host: BTreeSet<RecordData>,
}

/// The verdict on one host and type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// All authoritative servers agree with the template.
    Ok,
    /// They agree that some of the records are missing, and have no others.
    Missing,
    /// They agree on different records.
    Different,
    /// They agree on all of the expected records and more.
    Extra,
    /// They are right, but a resolver still has an old answer.
    Propagating {
        /// Seconds until the last old answer expires; `None` when an answer does not say.
        old_for: Option<u32>,
    },
    /// They disagree.
    Inconsistent,
    /// Resolvers that validate refuse the name, because its DNSSEC signatures are wrong: nobody behind them reaches it,
    /// whatever the zone's servers answer.
    Bogus,
    /// Some or all servers gave no usable answer.
    Unknown {
        /// Which servers failed, and how.
        reason: String,
    },
}

impl Verdict {
    /// Returns the verdict as a word for tables.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Different => "different",
            Self::Extra => "extra",
            Self::Propagating { .. } => "propagating",
            Self::Inconsistent => "inconsistent",
            Self::Bogus => "bogus",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Returns whether it is a difference that needs fixing; propagating and unknown are not.
    #[must_use]
    pub fn is_difference(&self) -> bool {
        match self {
            Self::Missing | Self::Different | Self::Extra | Self::Inconsistent | Self::Bogus => {
                true
            }
            Self::Ok | Self::Propagating { .. } | Self::Unknown { .. } => false,
        }
    }
}

/// Whether one record is expected, found, or both.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RecordMark {
    /// Expected and found.
    Present,
    /// Expected but not found.
    Missing,
    /// Found but not expected.
    Extra,
}

/// What is absent where nothing at all is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// The domain is not registered, so that there is no zone.
    Domain,
    /// The name does not exist (NXDOMAIN): nobody entered it, or it was entered under another name.
    Name,
    /// The name exists, with records of other types or names below it only (RFC 2308, section 2.2).
    Type,
}

impl Absence {
    /// Returns what is absent, in words about the host.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Domain => "its domain is not registered",
            Self::Name => "its name does not exist",
            Self::Type => "its name exists, but has no record of this type",
        }
    }
}

/// The verdict on one host and type, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What was expected.
    pub expected: Expected,
    /// The verdict.
    pub verdict: Verdict,
    /// What is absent, if nothing was found.
    #[serde(default)]
    pub absent: Option<Absence>,
    /// Each record, expected ones first; filled in only where the authoritative servers agree.
    pub records: Vec<(RecordMark, RecordData)>,
    /// What each server answered, where servers disagree, fail or are out of date.
    pub servers: Vec<(Server, String)>,
    /// What a reader should know, such as that an alias was flattened.
    pub notes: Vec<String>,
}

impl Judgement {
    /// Returns the records in the order in which a plan shows a change: those that stay, those that are there and are
    /// to go, those that are to come.
    #[must_use]
    pub fn as_change(&self) -> Vec<(RecordMark, &RecordData)> {
        let mut records: Vec<_> = (self.records.iter())
            .map(|(mark, record)| (*mark, record))
            .collect();
        records.sort_by_key(|(mark, _)| match mark {
            RecordMark::Present => 0,
            RecordMark::Extra => 1,
            RecordMark::Missing => 2,
        });
        records
    }
}

/// Judges one host and type.
#[must_use]
pub fn judge(expected: &Expected, observation: &Observation) -> Judgement {
    let mut judgement = Judgement {
        expected: expected.clone(),
        verdict: Verdict::Ok,
        absent: None,
        records: Vec::new(),
        servers: Vec::new(),
        notes: Vec::new(),
    };
    let said: Vec<(&Server, BTreeSet<RecordData>)> = observation
        .authoritative
        .iter()
        .filter_map(|observed| Some((&observed.server, observed.answer.records()?)))
        .collect();
    let failed = failures(&observation.authoritative);
    judgement.verdict = match said.split_first() {
        None if observation.not_registered => {
            judgement.records = mark(&expected.records, &BTreeSet::new());
            judgement.notes.push(
                "no zone holds this name: the domain is not registered, or not delegated"
                    .to_owned(),
            );
            Verdict::Missing
        }
        None => Verdict::Unknown {
            reason: nobody(observation, &failed),
        },
        Some(((_, first), others)) if others.iter().any(|(_, records)| !same(records, first)) => {
            judgement.servers = said
                .iter()
                .map(|(server, records)| ((*server).clone(), list(records)))
                .collect();
            Verdict::Inconsistent
        }
        Some(((_, records), _)) => {
            judgement.records = mark(&expected.records, records);
            let verdict = agreed(&mut judgement, observation, &failed);
            if verdict.is_difference() {
                two_views(&mut judgement, observation, &said);
            }
            verdict
        }
    };
    judgement.servers.extend(
        failed
            .into_iter()
            .map(|(server, failure)| (server, failure.to_string())),
    );
    let refusing = refusing(&observation.resolvers);
    if !refusing.is_empty() {
        judgement.verdict = Verdict::Bogus;
        judgement.servers.extend(refusing);
    }
    judgement.absent = absent(&judgement, observation);
    judgement.notes.extend(alias(&judgement, observation));
    judgement.notes.extend(observation.notes.iter().cloned());
    judgement
}

/// Returns what is absent where a host is missing as a whole; a name that one server knows exists.
fn absent(judgement: &Judgement, observation: &Observation) -> Option<Absence> {
    let present = |(mark, _): &(RecordMark, RecordData)| *mark == RecordMark::Present;
    if judgement.verdict != Verdict::Missing || judgement.records.iter().any(present) {
        return None;
    }
    if observation.not_registered {
        return Some(Absence::Domain);
    }
    let mut answers = observation.authoritative.iter();
    let exists = answers.any(|observed| match observed.answer {
        Answer::NoData { .. } | Answer::Found(_) => true,
        Answer::NxDomain { .. } | Answer::Failed(_) => false,
    });
    Some(if exists { Absence::Type } else { Absence::Name })
}

/// Returns a note where the right records are behind an alias.
fn alias(judgement: &Judgement, observation: &Observation) -> Option<String> {
    let missing = |(mark, _): &(RecordMark, RecordData)| *mark == RecordMark::Missing;
    if judgement.records.is_empty() || judgement.records.iter().any(missing) {
        return None;
    }
    let mut answers = observation.authoritative.iter();
    let target = answers.find_map(|observed| match &observed.answer {
        Answer::Found(found) => found.aliases.first(),
        Answer::NoData { .. } | Answer::NxDomain { .. } | Answer::Failed(_) => None,
    })?;
    let name = &judgement.expected.question.name;
    Some(format!(
        "{name} is a CNAME for {target}, which has these records"
    ))
}

/// Adds both views where a resolver sees the right records and the zone's servers do not have them.
fn two_views(
    judgement: &mut Judgement,
    observation: &Observation,
    said: &[(&Server, BTreeSet<RecordData>)],
) {
    let wanted = &judgement.expected.records;
    let right = |observed: &&Observed| {
        let records = observed.answer.records();
        records.is_some_and(|records| same(&records, wanted))
    };
    let right: Vec<&Observed> = observation.resolvers.iter().filter(right).collect();
    let Some(first) = right.first() else {
        return;
    };
    let until = first
        .answer
        .ttl()
        .map_or(String::new(), |ttl| format!(", for {ttl} s at most"));
    judgement.notes.push(format!(
        "{} sees what the template says, and the zone's servers do not have it: either it has a view of its own (split horizon; then name the servers of that view as dns.servers in emblazon.yaml), or it remembers an old answer{until}",
        count_of(right.len(), observation.resolvers.len(), "resolver")
    ));
    let theirs = said
        .iter()
        .map(|(server, records)| (Server::clone(server), list(records)));
    let its = right
        .iter()
        .map(|observed| (observed.server.clone(), list(wanted)));
    judgement.servers = theirs.chain(its).collect();
}

/// Returns the resolvers that refuse the name because of its signatures, and what they say.
fn refusing(resolvers: &[Observed]) -> Vec<(Server, String)> {
    resolvers
        .iter()
        .filter_map(|observed| match &observed.answer {
            Answer::Failed(failure @ Failure::Bogus(_)) => {
                Some((observed.server.clone(), failure.to_string()))
            }
            Answer::Failed(_)
            | Answer::Found(_)
            | Answer::NoData { .. }
            | Answer::NxDomain { .. } => None,
        })
        .collect()
}

/// Judges a host for which all servers that answered agree.
fn agreed(
    judgement: &mut Judgement,
    observation: &Observation,
    failed: &[(Server, Failure)],
) -> Verdict {
    if let Some(note) = flattened(observation) {
        judgement
            .records
            .retain(|(mark, _)| *mark != RecordMark::Extra);
        for (mark, _) in &mut judgement.records {
            *mark = RecordMark::Present;
        }
        judgement.notes.push(note);
    }
    let has = |wanted: RecordMark| judgement.records.iter().any(|(mark, _)| *mark == wanted);
    match (has(RecordMark::Missing), has(RecordMark::Extra)) {
        (true, false) => return Verdict::Missing,
        (true, true) => return Verdict::Different,
        (false, true) => return Verdict::Extra,
        (false, false) => {}
    }
    if !failed.is_empty() {
        let all = observation.authoritative.len();
        let answered = all - failed.len();
        return Verdict::Unknown {
            reason: format!(
                "{} {} right, the others gave no answer",
                count_of(answered, all, "authoritative server"),
                if answered == 1 { "is" } else { "are" }
            ),
        };
    }
    behind(judgement, observation)
}

/// Distinguishes right from propagating by the resolvers' answers; a resolver that fails says nothing.
fn behind(judgement: &mut Judgement, observation: &Observation) -> Verdict {
    let flattened = !judgement.notes.is_empty();
    let mut old_for = Some(0);
    let mut old = false;
    for observed in &observation.resolvers {
        let Some(records) = observed.answer.records() else {
            if let Answer::Failed(failure) = &observed.answer
                && !matches!(failure, Failure::Bogus(_))
            {
                judgement
                    .notes
                    .push(format!("resolver {}: {failure}", observed.server));
            }
            continue;
        };
        if same(&records, &judgement.expected.records) || flattened && records.is_empty() {
            continue;
        }
        old = true;
        let ttl = observed.answer.ttl();
        old_for = old_for.zip(ttl).map(|(longest, ttl)| longest.max(ttl));
        let until = ttl.map_or(String::new(), |ttl| format!(", for {ttl} s more at most"));
        judgement.servers.push((
            observed.server.clone(),
            format!("{}{until}", list(&records)),
        ));
    }
    if old {
        Verdict::Propagating { old_for }
    } else {
        Verdict::Ok
    }
}

fn flattened(observation: &Observation) -> Option<String> {
    let Flattened { target, host } = observation.flattened.as_ref()?;
    (!target.is_empty() && target == host).then(|| {
        "the CNAME is flattened: the host has the addresses of its target, which the provider must keep up to date"
            .to_owned()
    })
}

fn failures(observed: &[Observed]) -> Vec<(Server, Failure)> {
    observed
        .iter()
        .filter_map(|observed| match &observed.answer {
            Answer::Failed(failure) => Some((observed.server.clone(), failure.clone())),
            Answer::Found(_) | Answer::NoData { .. } | Answer::NxDomain { .. } => None,
        })
        .collect()
}

fn nobody(observation: &Observation, failed: &[(Server, Failure)]) -> String {
    if let Some(failure) = &observation.zone_failure {
        return format!("the zone's servers could not be found: {failure}");
    }
    if failed.is_empty() {
        return "no server of the zone is known; look at its NS records, and at its delegation where the domain is registered"
            .to_owned();
    }
    let kinds: BTreeSet<String> = failed
        .iter()
        .map(|(_, failure)| failure.to_string())
        .collect();
    format!(
        "no authoritative server gave an answer ({})",
        kinds.into_iter().collect::<Vec<_>>().join("; ")
    )
}

/// Compares two sets as records, not as text.
fn same(left: &BTreeSet<RecordData>, right: &BTreeSet<RecordData>) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .all(|record| right.iter().any(|other| other.means(record)))
}

fn mark(
    expected: &BTreeSet<RecordData>,
    seen: &BTreeSet<RecordData>,
) -> Vec<(RecordMark, RecordData)> {
    let known = |set: &BTreeSet<RecordData>, record: &RecordData| {
        set.iter().any(|other| other.means(record))
    };
    let wanted = expected.iter().map(|record| {
        let mark = if known(seen, record) {
            RecordMark::Present
        } else {
            RecordMark::Missing
        };
        (mark, record.clone())
    });
    let extra = seen
        .iter()
        .filter(|record| !known(expected, record))
        .map(|record| (RecordMark::Extra, record.clone()));
    wanted.chain(extra).collect()
}

fn list(records: &BTreeSet<RecordData>) -> String {
    if records.is_empty() {
        return "nothing".to_owned();
    }
    records
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
