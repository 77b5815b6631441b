//! Whether the server could serve a template.

use super::{Refusal, RefusalKind, Subject};
use crate::model::{DomainTemplate, PLACEHOLDER};

/// The types that the server's resolver has a name for; it answers 500 to a test with another (D9).
const SERVABLE: [&str; 12] = [
    "A", "AAAA", "CAA", "CNAME", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "TXT",
];

/// Tells whether the server could serve a record type.
pub(super) fn is_servable(record_type: &str) -> bool {
    SERVABLE.contains(&record_type)
}

/// Refuses a template that the server would not take, or could not serve afterwards (D8, D9, D10,
/// trap 4, trap 21, observed 7).
pub(crate) fn check(template: &DomainTemplate) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut refuse = |message: String, help: &str| {
        refusals.push(Refusal {
            kind: RefusalKind::UnservableTemplate,
            subject: Some(Subject::Template),
            message,
            help: help.to_owned(),
        });
    };
    if template.0.is_empty() {
        refuse(
            "the template would be empty, which erases it on the server".to_owned(),
            "declare at least one record type",
        );
    }
    for (record_type, hosts) in &template.0 {
        if record_type == "CNAM" {
            refuse(
                "the template has the record type CNAM, which the server stores and cannot serve"
                    .to_owned(),
                "declare its hosts below CNAME, and set them to null below CNAM",
            );
        } else if !is_servable(record_type) {
            refuse(
                format!(
                    "the template has the record type {record_type}, which the server cannot serve"
                ),
                "use one of A, AAAA, CNAME, MX, NAPTR, SRV and TXT",
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
                "declare it in full, or as null to take it away",
            );
        }
    }
    refusals
}
