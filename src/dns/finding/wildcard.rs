//! What a wildcard means for a domain.

use super::{DomainFinding, FindingKind};
use crate::dns::Answer;
use crate::model::record::RecordName;

/// Returns what follows from the answer for a name that nobody entered.
pub(in crate::dns) fn of_wildcard(domain: &RecordName, answer: &Answer) -> Option<DomainFinding> {
    let Answer::Found(found) = answer else {
        return None;
    };
    let leads = match (found.aliases.first(), found.records.first()) {
        (Some(alias), _) => alias.to_string(),
        (None, Some(record)) => record.to_string(),
        (None, None) => return None,
    };
    let sentence = format!(
        "every name below {domain} answers, by a wildcard that leads to {leads}: names that are not entered look as if they were"
    );
    Some(DomainFinding::new(FindingKind::Wildcard, domain, sentence))
}
