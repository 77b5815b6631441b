//! Whether a zone's DNSSEC holds, and until when.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{DomainFinding, FindingKind};
use crate::dns::Signing;
use crate::model::record::RecordName;

/// Returns what is wrong with the signatures of a zone, or will be within a time from now.
pub(in crate::dns) fn of_signing(
    apex: &RecordName,
    signing: &Signing,
    now: Timestamp,
    within: Duration,
) -> Vec<DomainFinding> {
    let mut found = Vec::new();
    if signing.has_matching_key == Some(false) {
        let tags: Vec<String> = signing.tags.iter().map(ToString::to_string).collect();
        let sentence = format!(
            "the zone above {apex} has a DS record for the key {}, which the zone does not have: resolvers that validate DNSSEC refuse all of it",
            tags.join(", ")
        );
        found.push(DomainFinding::new(
            FindingKind::NoMatchingKey,
            apex,
            sentence,
        ));
    }
    let within = SignedDuration::try_from(within).unwrap_or_default();
    let soon = now.checked_add(within).unwrap_or(now);
    // The first to end; where several servers have the same signatures, once.
    let first = signing.ends.iter().min_by_key(|(_, end)| *end);
    if let Some((server, end)) = first.filter(|(_, end)| *end <= soon) {
        let verb = if *end <= now { "ended" } else { "end" };
        let sentence = format!(
            "the signatures of {apex} at {server} {verb} on {}",
            end.strftime("%Y-%m-%d at %H:%M UTC")
        );
        found.push(DomainFinding::new(
            FindingKind::SignaturesEnd,
            apex,
            sentence,
        ));
    }
    found
}
