//! Checks whether the server could serve a template.

use std::fmt::Write as _;

use super::{Refusal, RefusalKind, Subject};
use crate::model::{DomainTemplate, MISSPELT_CNAME, PLACEHOLDER, RecordType, is_servable_type};

/// The maximum number of hosts that a refusal lists.
const SHOWN_HOSTS: usize = 5;

/// Returns refusals for a template that the server would not accept, or could not serve afterwards (D8, D9, D10, trap
/// 4, trap 21, observed 7).
pub(crate) fn check(template: &DomainTemplate) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut refuse = |message: String, help: String| {
        refusals.push(Refusal {
            kind: RefusalKind::UnservableTemplate,
            subject: Some(Subject::Template),
            message,
            help,
        });
    };
    if template.0.is_empty() {
        refuse(
            "the template would be empty, which erases it on the server".to_owned(),
            "declare at least one record type".to_owned(),
        );
    }
    for (record_type, hosts) in &template.0 {
        if !is_servable_type(record_type) {
            let named = hosts.keys().take(SHOWN_HOSTS).map(String::as_str);
            let mut named = named.collect::<Vec<_>>().join(", ");
            if hosts.len() > SHOWN_HOSTS {
                let _ = write!(named, " and {} more", hosts.len() - SHOWN_HOSTS);
            }
            let gone = format!("set it to null below {record_type} to remove it");
            let is_elsewhere = |host| {
                let right = template.0.get(RecordType::Cname.as_str());
                right.is_some_and(|right| right.contains_key(host))
            };
            let can_move = record_type == MISSPELT_CNAME && !hosts.keys().all(is_elsewhere);
            refuse(
                format!(
                    "the template has the record type {record_type}, which the server stores and cannot serve, with {named}"
                ),
                if can_move {
                    format!("declare each host below CNAME, which moves it there, or {gone}")
                } else {
                    format!("for each host, {gone}")
                },
            );
        }
        if record_type != "CNAME" {
            continue;
        }
        for (host, entry) in hosts {
            let lacks = if !host.contains(PLACEHOLDER) {
                "{{domain}} in its host"
            } else if entry.mapping.is_empty() {
                "a mapping"
            } else if entry.name.is_none() {
                "a name"
            } else {
                continue;
            };
            refuse(
                format!("CNAME {host} lacks {lacks}, and the server refuses it"),
                "declare it in full, or as null to remove it".to_owned(),
            );
        }
    }
    refusals
}
