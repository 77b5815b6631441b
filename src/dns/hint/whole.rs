//! Hints that concern a whole domain.

use super::{Hint, HintKind};
use crate::dns::Answer;
use crate::model::record::{RecordData, RecordName};

/// Returns a hint if a domain's CAA records, where the template has none, forbid every certificate (RFC 8659, section
/// 4.2).
pub(in crate::dns) fn certificates(domain: &RecordName, answer: &Answer) -> Option<Hint> {
    let records = answer.records()?;
    let issuers: Vec<&String> = records
        .iter()
        .filter_map(|record| match record {
            RecordData::Caa { tag, value, .. } if tag == "issue" => Some(value),
            _ => None,
        })
        .collect();
    let nobody = !issuers.is_empty()
        && issuers
            .iter()
            .all(|value| value.trim_start().starts_with(';'));
    nobody.then(|| Hint {
        kind: HintKind::Forbidden,
        text: format!(
            "CAA forbids every certificate for {domain}; name the issuer that serves the brand's pages, or delete the record"
        ),
    })
}

/// Returns a hint about what a wildcard means for a domain.
pub(in crate::dns) fn catch_all(domain: &RecordName, answer: &Answer) -> Option<Hint> {
    let Answer::Found(found) = answer else {
        return None;
    };
    let leads = match (found.aliases.first(), found.records.first()) {
        (Some(alias), _) => alias.to_string(),
        (None, Some(record)) => record.to_string(),
        (None, None) => return None,
    };
    Some(Hint {
        kind: HintKind::Wildcard,
        text: format!(
            "every name below {domain} answers, by a wildcard that leads to {leads}; names that are not entered look as if they were"
        ),
    })
}
