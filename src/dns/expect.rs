//! Expands a template for a domain into the records that the world should see. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Question;
use crate::model::record::{RecordData, RecordError, RecordName, RecordType};
use crate::model::{DomainName, DomainTemplate, HostEntry, PLACEHOLDER};
use crate::tree::DesiredTemplate;

/// The records that one host must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Host name and record type.
    pub question: Question,
    /// Display name of the host, such as `Web portal`.
    pub label: Option<String>,
    /// The expected records; never empty.
    pub records: BTreeSet<RecordData>,
}

/// What a template expects of one domain, and what could not be understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    /// The records, sorted by host and type.
    pub expected: Vec<Expected>,
    /// Parts that are not understood, and so are neither right nor wrong.
    pub not_understood: Vec<NotUnderstood>,
}

/// A part of the template that could not be read as DNS records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotUnderstood {
    /// The record type, as the template spells it.
    pub record_type: String,
    /// The host, as the template spells it.
    pub host: String,
    /// Why it is not understood.
    pub reason: String,
}

/// Computes what a template expects of a domain.
///
/// Every placeholder is replaced, as the author meant. The server replaces only the first in each string (D2); where
/// that makes a difference, the host is listed as not understood, because Kazoo and the world would see different
/// records (trap 23).
#[must_use]
pub fn expect(template: &DomainTemplate, domain: &DomainName) -> Expectations {
    let mut merged: BTreeMap<Question, Expected> = BTreeMap::new();
    let mut not_understood = Vec::new();
    for (record_type, hosts) in &template.0 {
        for (host, entry) in hosts {
            match expect_host(record_type, host, entry, domain) {
                Ok(expected) if expected.records.is_empty() => {}
                Ok(expected) => {
                    merged
                        .entry(expected.question.clone())
                        .and_modify(|earlier| {
                            earlier.records.extend(expected.records.iter().cloned());
                        })
                        .or_insert(expected);
                }
                Err(reason) => not_understood.push(NotUnderstood {
                    record_type: record_type.clone(),
                    host: host.clone(),
                    reason,
                }),
            }
        }
    }
    Expectations {
        expected: merged.into_values().collect(),
        not_understood,
    }
}

fn expect_host(
    record_type: &str,
    host: &str,
    entry: &HostEntry,
    domain: &DomainName,
) -> Result<Expected, String> {
    let known = RecordType::parse(record_type)
        .ok_or_else(|| format!("{record_type} is not a known record type"))?;
    let name = expand(host, domain)?;
    let name = RecordName::parse(&name).map_err(|(_, _, problem)| format!("the host {problem}"))?;
    let records = entry
        .mapping
        .iter()
        .map(|text| {
            let expanded = expand(text, domain)?;
            RecordData::parse(known, &expanded)
                .map_err(|error: RecordError| format!("{text:?}: {error}"))
        })
        .collect::<Result<_, _>>()?;
    Ok(Expected {
        question: Question {
            name,
            record_type: known,
        },
        label: entry.name.clone(),
        records,
    })
}

/// Returns the name and type of a template host for a domain; `None` when the host is not understood.
#[must_use]
pub fn question_of(record_type: &str, host: &str, domain: &DomainName) -> Option<Question> {
    let name = expand(host, domain).ok()?;
    Some(Question {
        record_type: RecordType::parse(record_type)?,
        name: RecordName::parse(&name).ok()?,
    })
}

/// Returns the hosts that a template declares, without those that it declares absent.
#[must_use]
pub fn declared_template(template: &DesiredTemplate) -> DomainTemplate {
    let mut declared = DomainTemplate::default();
    for (target, host) in &template.hosts {
        if let Some(entry) = &host.value {
            let hosts = declared.0.entry(target.record_type.clone()).or_default();
            hosts.insert(target.host.clone(), entry.clone());
        }
    }
    declared
}

fn expand(text: &str, domain: &DomainName) -> Result<String, String> {
    let server = text.replacen(PLACEHOLDER, domain.as_str(), 1);
    if server.contains(PLACEHOLDER) {
        return Err(format!(
            "{text:?} has {PLACEHOLDER} twice; the server replaces the first only, so it would publish {server:?}"
        ));
    }
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(json: serde_json::Value) -> DomainTemplate {
        serde_json::from_value(json).unwrap()
    }

    #[track_caller]
    fn check(json: serde_json::Value, expected: &[&str], not_understood: &[&str]) {
        let got = expect(&template(json), &DomainName::parse("acme.example").unwrap());
        let lines: Vec<String> = got
            .expected
            .iter()
            .flat_map(|host| {
                host.records
                    .iter()
                    .map(move |record| format!("{} {record}", host.question))
            })
            .collect();
        assert_eq!(lines, expected);
        let reasons: Vec<String> = got
            .not_understood
            .iter()
            .map(|it| format!("{} {}: {}", it.record_type, it.host, it.reason))
            .collect();
        assert_eq!(reasons.len(), not_understood.len(), "{reasons:?}");
        for (reason, part) in reasons.iter().zip(not_understood) {
            assert!(reason.contains(part), "{reason:?} without {part:?}");
        }
    }

    #[test]
    fn records_of_a_domain() {
        check(
            serde_json::json!({
                "A": {"us-east.{{domain}}": {"mapping": ["192.0.2.2", "192.0.2.1"]}},
                "CNAME": {"Portal.{{domain}}.": {"name": "Portal", "mapping": ["UI.example.net."]}},
                "MX": {},
                "SRV": {"_sip._udp.{{domain}}": {"mapping": ["10 10 7000 us-east.{{domain}}."]}},
                "TXT": {"{{domain}}": {"mapping": []}},
            }),
            &[
                "_sip._udp.acme.example SRV 10 10 7000 us-east.acme.example",
                "portal.acme.example CNAME ui.example.net",
                "us-east.acme.example A 192.0.2.1",
                "us-east.acme.example A 192.0.2.2",
            ],
            &[],
        );
    }

    /// Trap 23: the server replaces only the first placeholder of a string.
    #[test]
    fn trap_23_two_placeholders_are_not_understood() {
        check(
            serde_json::json!({
                "TXT": {"{{domain}}": {"mapping": ["v=spf1 a:{{domain}} mx:{{domain}} -all"]}},
                "CNAM": {"api.{{domain}}": {"mapping": ["api.example.net"]}},
                "A": {"a.{{domain}}": {"mapping": ["192.0.2.300"]}},
            }),
            &[],
            &["192.0.2.300", "CNAM is not a known record type", "twice"],
        );
    }
}
