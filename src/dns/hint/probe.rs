//! What else must be known about a host before its mistakes can be named.

use std::collections::{BTreeMap, BTreeSet};

use crate::dns::{
    Answer, Expected, Found, Judgement, Observation, Observed, Question, RecordMark, Verdict,
};
use crate::model::record::{RecordData, RecordName, RecordType};

/// A label that no zone has, so only a wildcard answers for it.
pub(in crate::dns) const NOBODY: &str = "emblazon-q7x2k9w4";
/// How many targets of one host are followed, at most.
const MAX_TARGETS: usize = 4;

/// Whether a target has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It has an address, perhaps as an alias for this name.
    Reached(Option<RecordName>),
    /// It has none, or does not exist.
    Nothing,
    /// It leads to a domain that nobody has registered, so that anybody can.
    Unregistered(RecordName),
    /// No usable answer came back.
    Unknown,
}

/// Further questions about a host; few, and bounded whatever the answers were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::dns) struct Probes {
    /// The name with the zone appended once more, asked of the zone.
    pub(in crate::dns) doubled: Option<Question>,
    /// The host's IPv6 addresses, asked of the zone.
    pub(in crate::dns) ipv6: Option<Question>,
    /// A name beside the host that nobody entered, so that only a wildcard answers for it.
    pub(in crate::dns) beside: Option<Question>,
    /// The SRV or MX records of the template that name the host, if it is an alias.
    pub(in crate::dns) named_by: Option<Question>,
    /// Names whose addresses are looked up.
    pub(in crate::dns) targets: BTreeSet<RecordName>,
}

/// The answers to the probes, beyond the observation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What the zone has at the name with the zone appended once more.
    pub doubled: Option<Answer>,
    /// The host's IPv6 addresses, where none are expected.
    pub ipv6: Option<Answer>,
    /// The SRV or MX records of the template that name the host, if it is an alias.
    pub named_by: Option<Question>,
    /// What the zone answers for a name beside the host that was never entered.
    pub beside: Option<Answer>,
    /// Whether each target has an address.
    pub targets: BTreeMap<RecordName, Reach>,
    /// What the zone answers for a name that was never entered: a failure where it is not known, nothing where it
    /// does not exist.
    pub wildcard: Option<Answer>,
}

/// Returns the probes that a host needs.
pub(in crate::dns) fn probes(
    judgement: &Judgement,
    observation: &Observation,
    expected: &[Expected],
) -> Probes {
    let question = &judgement.expected.question;
    let mut probes = Probes::default();
    if judgement.verdict == Verdict::Missing
        && let Some(apex) = &observation.zone
    {
        probes.doubled = Some(Question {
            name: doubled(&question.name, apex),
            record_type: question.record_type,
        });
    }
    let answered = !matches!(
        judgement.verdict,
        Verdict::Missing | Verdict::Unknown { .. }
    );
    let sixth = Question {
        name: question.name.clone(),
        record_type: RecordType::Aaaa,
    };
    if question.record_type == RecordType::A
        && answered
        && observation.zone.is_some()
        && !expected.iter().any(|other| other.question == sixth)
    {
        probes.ipv6 = Some(sixth);
    }
    probes.beside = beside(judgement, observation);
    let hosts: BTreeSet<&RecordName> = expected.iter().map(|host| &host.question.name).collect();
    probes.targets = judgement
        .records
        .iter()
        .filter(|(mark, record)| match mark {
            RecordMark::Present => !matches!(record, RecordData::Naptr { .. }),
            // Whether a stranger can answer for the host matters whatever the template says.
            RecordMark::Extra => matches!(record, RecordData::Cname(_)),
            RecordMark::Missing => false,
        })
        .filter_map(|(_, record)| record.target())
        .filter(|target| !hosts.contains(target))
        .take(MAX_TARGETS)
        .cloned()
        .collect();
    let mut found = observation.authoritative.iter().filter_map(found);
    if let Some(alias) = found.find(|found| !found.aliases.is_empty()) {
        probes.named_by = named_by(&question.name, expected);
        probes.targets.extend(
            alias
                .aliases
                .last()
                .filter(|_| alias.records.is_empty())
                .cloned(),
        );
    }
    probes
}

/// Returns what to ask a name that nobody entered where the zone has other records at the host than it should.
fn beside(judgement: &Judgement, observation: &Observation) -> Option<Question> {
    let question = &judgement.expected.question;
    let is_extra = |(mark, _): &(RecordMark, RecordData)| *mark == RecordMark::Extra;
    let flattened = observation.flattened.as_ref();
    let address = flattened.and_then(|flattened| flattened.host.first());
    let mut answers = observation.authoritative.iter().filter_map(found);
    let is_alias = answers.any(|found| !found.aliases.is_empty());
    let others = judgement.records.iter().any(is_extra) || is_alias || address.is_some();
    let (_, above) = question.name.as_str().split_once('.')?;
    // No wildcard answers for the top of its zone.
    let below_apex = observation.zone.as_ref() != Some(&question.name);
    (others && below_apex && judgement.verdict != Verdict::Ok).then(|| Question {
        name: RecordName::observed(&format!("{NOBODY}.{above}")),
        record_type: address.map_or(question.record_type, RecordData::record_type),
    })
}

fn found(observed: &Observed) -> Option<&Found> {
    match &observed.answer {
        Answer::Found(found) => Some(found),
        Answer::NoData { .. } | Answer::NxDomain { .. } | Answer::Failed(_) => None,
    }
}

/// Returns the first SRV or MX records that name a host.
fn named_by(name: &RecordName, expected: &[Expected]) -> Option<Question> {
    let mut others = expected
        .iter()
        .filter(|other| matches!(other.question.record_type, RecordType::Srv | RecordType::Mx));
    let naming = others.find(|other| {
        other
            .records
            .iter()
            .any(|record| record.target() == Some(name))
    });
    naming.map(|naming| naming.question.clone())
}

pub(super) fn doubled(name: &RecordName, apex: &RecordName) -> RecordName {
    RecordName::observed(&format!("{name}.{apex}"))
}
