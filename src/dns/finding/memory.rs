//! For how long resolvers will remember what is to be replaced.

use super::{DomainFinding, FindingKind};
use crate::dns::{Answer, Judgement, Observation, Verdict};
use crate::model::lasting;

/// A TTL that needs no preparation, in seconds.
const SHORT: u32 = 3600;

/// Returns how long the present answer stays alive, where it is to be replaced and that is long.
pub(in crate::dns) fn of_memory(
    judgement: &Judgement,
    observation: &Observation,
) -> Option<DomainFinding> {
    if judgement.verdict != Verdict::Different {
        return None;
    }
    let found = observation
        .authoritative
        .iter()
        .filter_map(|observed| match &observed.answer {
            Answer::Found(found) => Some(found.ttl),
            Answer::NoData { .. } | Answer::NxDomain { .. } | Answer::Failed(_) => None,
        });
    let longest = found.max().filter(|ttl| *ttl > SHORT)?;
    let question = &judgement.expected.question;
    let sentence = format!(
        "resolvers remember the {} of {} that is to be replaced for up to {}",
        question.record_type,
        question.name,
        lasting(longest)
    );
    Some(DomainFinding::new(
        FindingKind::LongMemory,
        &question.name,
        sentence,
    ))
}
