//! Tables over whole comparisons.

mod accounts;
mod again;
mod template;
mod three_ways;

use super::{ChangeKey, Differences, Side};

/// Writes the changes, one a line.
fn lines(differences: &Differences) -> Vec<String> {
    let template = differences
        .template
        .iter()
        .flat_map(|template| &template.changes);
    let side = |side: &Side| match side {
        Side::Absent => "-".to_owned(),
        Side::Value(value) => value.to_string(),
        Side::Asset(facts) => facts.digest.short().to_owned(),
        Side::Host(entry) => serde_json::to_string(entry).expect("JSON"),
        Side::Elsewhere { target, entry } => format!(
            "{} {}",
            target.record_type,
            serde_json::to_string(entry).expect("JSON")
        ),
        Side::Unread => "unread".to_owned(),
        Side::Present => "present".to_owned(),
    };
    let key = |key: &ChangeKey| match key {
        ChangeKey::Setting(path) => path.to_string(),
        ChangeKey::Asset(kind) => kind.to_string(),
        ChangeKey::Host(target) => format!("{} {}", target.record_type, target.host),
        ChangeKey::Records(target) => format!("{} {}", target.host, target.record_type),
        ChangeKey::RecordType(record_type) => record_type.clone(),
        ChangeKey::Whitelabel => "whitelabel".to_owned(),
    };
    differences
        .accounts
        .iter()
        .flat_map(|account| &account.changes)
        .chain(template)
        .map(|change| {
            format!(
                "{}: {} -> {} ({:?})",
                key(&change.key),
                side(&change.before),
                side(&change.after),
                change.cause
            )
        })
        .collect()
}
