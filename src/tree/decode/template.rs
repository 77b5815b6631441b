//! `domains.yaml`: the system's domain template.

use std::collections::{BTreeMap, BTreeSet};

use super::Reader;
use super::layer::OWNERSHIPS;
use crate::diag::{Code, Spanned};
use crate::model::HostEntry;
use crate::tree::check::{self, SpannedEntry};
use crate::tree::node::{Content, Entry, Node};
use crate::tree::{Declared, DesiredTemplate, Ownership, Target};

/// The keys of `domains.yaml`.
pub(in crate::tree) const TEMPLATE_FILE_KEYS: [&str; 2] = ["template", "ownership"];

/// The keys of one host.
pub(in crate::tree) const HOST_KEYS: [&str; 3] = ["name", "mapping", "zone"];

impl Reader {
    /// Reads the template; absent when the file does not declare one.
    pub(in crate::tree) fn template(&mut self, root: &Node) -> Option<DesiredTemplate> {
        let fields = self.fields(root, "domains.yaml", &TEMPLATE_FILE_KEYS);
        let ownership = fields
            .get("ownership")
            .and_then(|node| self.choice(node, "ownership", &OWNERSHIPS))
            .unwrap_or(Ownership::Shared);
        let node = fields.get("template")?;
        let mut hosts = BTreeMap::new();
        let mut types = BTreeSet::new();
        for record_type in self.map(node, "template").iter() {
            types.insert(record_type.key.clone());
            if !matches!(
                record_type.value.content,
                Content::Mapping(_) | Content::Broken
            ) {
                let problem = check::not_a_map(&format!("type {}", record_type.key), "a map");
                self.diagnostics.push(problem.at(record_type.value.place));
                continue;
            }
            if self.map(&record_type.value, &record_type.key).is_empty() {
                let name = spanned_key(record_type);
                self.diagnostics.extend(check::record_type(&name));
            }
            for host in self.map(&record_type.value, &record_type.key).iter() {
                let Some(declared) = self.host(record_type, host) else {
                    continue;
                };
                let target = Target {
                    record_type: record_type.key.clone(),
                    host: host.key.clone(),
                };
                hosts.insert(target, declared);
            }
        }
        Some(DesiredTemplate {
            hosts,
            types,
            ownership,
        })
    }

    fn host(&mut self, record_type: &Entry, host: &Entry) -> Option<Declared<HostEntry>> {
        let place = host.key_place;
        if host.value.is_null() {
            return Some(Declared { value: None, place });
        }
        let what = format!("{} {}", record_type.key, host.key);
        if !matches!(host.value.content, Content::Mapping(_) | Content::Broken) {
            let problem = check::not_a_map(&format!("host {}", host.key), "a map");
            self.diagnostics.push(problem.at(host.value.place));
            return None;
        }
        let fields = self.fields(&host.value, &what, &HOST_KEYS);
        if matches!(host.value.content, Content::Mapping(_)) && !fields.has("mapping") {
            self.report(
                Code::EB0205,
                format!("{what} has no mapping"),
                "add mapping: with the list of its records",
                place,
                "mapping is missing",
            );
        }
        let mut text = |key: &str| {
            fields
                .get(key)
                .and_then(|node| self.text(node, &format!("{key} of {what}")))
        };
        let (name, zone) = (text("name"), text("zone"));
        let mapping = fields
            .get("mapping")
            .map_or_else(Vec::new, |node| self.mapping(node, &what));
        let entry = SpannedEntry {
            name,
            mapping,
            zone,
        };
        let problems = check::host(&spanned_key(record_type), &spanned_key(host), &entry);
        self.diagnostics.extend(problems);
        let value = Some(HostEntry {
            name: entry.name.map(|name| name.value),
            mapping: entry.mapping.into_iter().map(|text| text.value).collect(),
            zone: entry.zone.map(|zone| zone.value),
            extra: crate::model::Object::new(),
        });
        Some(Declared { value, place })
    }

    /// Reads the records of a host; a single one may stand without a list.
    fn mapping(&mut self, node: &Node, what: &str) -> Vec<Spanned<String>> {
        let what = format!("mapping of {what}");
        match &node.content {
            Content::Scalar(_) => self.text(node, &what).into_iter().collect(),
            _ => self.texts(node, &what),
        }
    }
}

fn spanned_key(entry: &Entry) -> Spanned<String> {
    Spanned {
        value: entry.key.clone(),
        place: entry.key_place,
    }
}
