//! Imports the live domain template into `domains.yaml`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::note::Reason;
use crate::diag::{Diagnostics, FileId, Place, Severity, Span, Spanned};
use crate::diff::canonical;
use crate::model::{DomainTemplate, HostEntry, KeyPath};
use crate::tree::check::{self, SpannedEntry};
use crate::tree::edit::{self, Edit, To};
use crate::tree::{DesiredTemplate, Target};

/// A dummy place for checks that only examine values.
const NOWHERE: Place = Place {
    file: FileId(0),
    span: Span { start: 0, end: 0 },
};

/// Splits the hosts of a live template into those that can be declared and the others, with the reasons.
pub(super) fn judge(
    live: &DomainTemplate,
    refused: &BTreeMap<Target, Reason>,
) -> (DomainTemplate, BTreeMap<Target, Reason>) {
    let mut kept = DomainTemplate::default();
    let mut left = BTreeMap::new();
    for (record_type, hosts) in &live.0 {
        let type_error = first_error(&check::record_type(&spanned(record_type)));
        if hosts.is_empty() {
            if type_error.is_none() {
                kept.0.entry(record_type.clone()).or_default();
            }
            continue;
        }
        for (host, entry) in hosts {
            let target = Target {
                record_type: record_type.clone(),
                host: host.clone(),
            };
            let parts = SpannedEntry {
                name: entry.name.as_ref().map(spanned),
                mapping: entry.mapping.iter().map(spanned).collect(),
                zone: entry.zone.as_ref().map(spanned),
            };
            let error = refused
                .get(&target)
                .cloned()
                .or_else(|| type_error.clone())
                .or_else(|| {
                    first_error(&check::host(&spanned(record_type), &spanned(host), &parts))
                });
            if let Some(reason) = error {
                left.insert(target, reason);
            } else {
                let entries = kept.0.entry(record_type.clone()).or_default();
                entries.insert(host.clone(), entry.clone());
            }
        }
    }
    (kept, left)
}

/// Renders a new `domains.yaml`; `None` if there are no hosts.
pub(super) fn text(template: &DomainTemplate) -> Option<String> {
    if template.0.values().all(BTreeMap::is_empty) {
        return None;
    }
    let mut types = Map::new();
    for (record_type, hosts) in &template.0 {
        let hosts = hosts
            .iter()
            .map(|(host, entry)| (host.clone(), value(entry)));
        types.insert(record_type.clone(), Value::Object(hosts.collect()));
    }
    let map = Map::from_iter([("template".to_owned(), types.into())]);
    Some(format!("{HEAD}{}", edit::block(0, &map)))
}

/// Returns the edits for an existing `domains.yaml`.
pub(super) fn edits(
    desired: &DesiredTemplate,
    live: &DomainTemplate,
    declarable: &DomainTemplate,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut seen = BTreeSet::new();
    for (record_type, hosts) in &live.0 {
        for (host, entry) in hosts {
            let same = |target: &&Target| {
                target.record_type == *record_type
                    && canonical::host(&target.host) == canonical::host(host)
            };
            let target = desired.hosts.keys().find(same).cloned();
            seen.extend(target.clone());
            let can = declarable
                .0
                .get(record_type)
                .is_some_and(|hosts| hosts.contains_key(host));
            if !can {
                continue;
            }
            let declared = target
                .as_ref()
                .and_then(|target| desired.hosts.get(target)?.value.as_ref());
            let address = |host: &str| KeyPath::from_segments(["template", record_type, host]);
            match (target.as_ref(), declared) {
                (Some(target), Some(declared)) => {
                    edits.extend(members(
                        &address(&target.host),
                        record_type,
                        declared,
                        entry,
                    ));
                }
                (target, _) => edits.push(Edit {
                    path: address(target.map_or(host, |target| &target.host)),
                    to: To::Value(value(entry)),
                }),
            }
        }
    }
    for (target, declared) in &desired.hosts {
        if declared.value.is_some() && !seen.contains(target) {
            edits.push(Edit {
                path: KeyPath::from_segments(["template", &target.record_type, &target.host]),
                to: To::Gone,
            });
        }
    }
    edits
}

/// Returns edits for the members that differ, and no others.
fn members(
    address: &KeyPath,
    record_type: &str,
    declared: &HostEntry,
    live: &HostEntry,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    let only = |entry: &HostEntry| HostEntry {
        mapping: entry.mapping.clone(),
        ..HostEntry::default()
    };
    if canonical::entry(record_type, &only(declared)) != canonical::entry(record_type, &only(live))
    {
        edits.push(Edit {
            path: address.child("mapping"),
            to: To::Value(live.mapping.clone().into()),
        });
    }
    for (member, declared, live) in [
        ("name", &declared.name, &live.name),
        ("zone", &declared.zone, &live.zone),
    ] {
        if declared != live {
            edits.push(Edit {
                path: address.child(member),
                to: live
                    .as_ref()
                    .map_or(To::Gone, |text| To::Value(text.as_str().into())),
            });
        }
    }
    edits
}

fn value(entry: &HostEntry) -> Value {
    let mut map = Map::new();
    if let Some(name) = &entry.name {
        map.insert("name".to_owned(), name.as_str().into());
    }
    map.insert("mapping".to_owned(), entry.mapping.clone().into());
    if let Some(zone) = &entry.zone {
        map.insert("zone".to_owned(), zone.as_str().into());
    }
    map.into()
}

fn spanned(text: impl AsRef<str>) -> Spanned<String> {
    Spanned {
        value: text.as_ref().to_owned(),
        place: NOWHERE,
    }
}

fn first_error(diagnostics: &Diagnostics) -> Option<Reason> {
    diagnostics
        .iter()
        .find(|diagnostic| diagnostic.code.severity() == Severity::Error)
        .map(Reason::from)
}

const HEAD: &str = "\
# yaml-language-server: $schema=schemas/domains.schema.json

# Which records the domain of every brand must have. {{domain}} stands for that domain, once in each text.
# Delete this file if the template is not to be managed from here.
";
