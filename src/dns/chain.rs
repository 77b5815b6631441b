//! Follows aliases out of a zone, each link at the servers of its own zone.
//!
//! What a server says about another zone counts for nothing: it may be an old copy.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::zone::{Zone, ZoneError, is_below};
use super::{Answer, Failure, Found, Observed, Observer, Question};
use crate::model::record::{RecordName, RecordType};

/// How many zones one chain may lead through.
const MOST_LINKS: usize = 8;

impl Observer {
    /// Asks each server of a zone; where they lead out of it by an alias, its target's servers answer in their place.
    pub(super) async fn ask_chain(
        &self,
        zone: &Arc<Zone>,
        question: &Question,
        links: usize,
    ) -> Vec<Observed> {
        let mut kept = Vec::new();
        let mut leading: BTreeMap<RecordName, (Observed, Found)> = BTreeMap::new();
        for observed in self.ask_zone(zone, question).await {
            match self.way_out(zone, question, &observed.answer).await {
                Some(way) => {
                    let target = way.aliases.last().cloned();
                    let target = target.unwrap_or_else(|| question.name.clone());
                    leading.entry(target).or_insert((observed, way));
                }
                None => kept.push(observed),
            }
        }
        for (target, (observed, way)) in leading {
            let next = Question {
                name: target,
                record_type: question.record_type,
            };
            kept.extend(self.next_link(observed, &way, &next, links).await);
        }
        kept
    }

    /// Returns the answer up to the first alias that leads out of the zone, if one does.
    async fn way_out(&self, zone: &Zone, question: &Question, answer: &Answer) -> Option<Found> {
        let Answer::Found(found) = answer else {
            return None;
        };
        if question.record_type == RecordType::Cname {
            return None;
        }
        let mut aliases = found.aliases.iter();
        let mut out = aliases.position(|alias| !is_below(alias, &zone.apex));
        if out.is_none()
            && found.records.is_empty()
            && let Some(last) = found.aliases.last()
            && let Ok(other) = self.zone(last).await
            && other.apex != zone.apex
        {
            // The zone delegates the name of the target.
            out = found.aliases.len().checked_sub(1);
        }
        Some(Found {
            aliases: found.aliases.get(..=out?)?.to_vec(),
            records: [].into(),
            ttl: found.ttl,
        })
    }

    /// Asks the servers of an alias's target, and puts the way there before their answers.
    async fn next_link(
        &self,
        observed: Observed,
        way: &Found,
        next: &Question,
        links: usize,
    ) -> Vec<Observed> {
        let here = |answer| Observed {
            server: observed.server.clone(),
            answer,
        };
        if links >= MOST_LINKS {
            return vec![here(Answer::Failed(Failure::AliasLoop))];
        }
        let zone = match self.zone(&next.name).await {
            Ok(zone) => zone,
            Err(ZoneError::NotRegistered(_)) => return vec![here(Answer::Found(way.clone()))],
            Err(ZoneError::Failed(failure)) => return vec![here(Answer::Failed(failure))],
        };
        let mut answers = Box::pin(self.ask_chain(&zone, next, links + 1)).await;
        if answers.is_empty() {
            let nowhere = Failure::Unreachable(format!("no server of {} is known", zone.apex));
            answers.push(here(Answer::Failed(nowhere)));
        }
        for answered in &mut answers {
            answered.answer = after(way, &answered.answer);
        }
        answers
    }
}

/// Returns an answer about an alias's target as one about the host.
fn after(way: &Found, answer: &Answer) -> Answer {
    let (aliases, records) = match answer {
        Answer::Found(found) => (found.aliases.as_slice(), found.records.clone()),
        Answer::NoData { .. } | Answer::NxDomain { .. } => ([].as_slice(), [].into()),
        Answer::Failed(_) => return answer.clone(),
    };
    Answer::Found(Found {
        aliases: [way.aliases.as_slice(), aliases].concat(),
        records,
        ttl: way.ttl.min(answer.ttl().unwrap_or(u32::MAX)),
    })
}
