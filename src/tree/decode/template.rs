//! `domains.yaml`: the system's domain template.

use std::collections::{BTreeMap, BTreeSet};

use super::Reader;
use super::layer::OWNERSHIPS;
use crate::diag::{Code, Place, Span, Spanned};
use crate::model::{HostEntry, RecordType};
use crate::tree::check::{self, SpannedEntry};
use crate::tree::node::{Content, Entry, Node};
use crate::tree::{Declared, DesiredTemplate, Ownership, Target};

/// The keys of `domains.yaml`.
pub(in crate::tree) const TEMPLATE_FILE_KEYS: [&str; 2] = ["template", "ownership"];

/// The keys of one host.
pub(in crate::tree) const HOST_KEYS: [&str; 3] = ["name", "mapping", "zone"];

impl Reader {
    /// Reads the template; returns `None` if the file does not declare one.
    pub(in crate::tree) fn template(&mut self, root: &Node) -> Option<DesiredTemplate> {
        let pasted = Pasted::find(root);
        let around = match &pasted {
            Some(pasted) => {
                self.pasted(pasted, root);
                &pasted.around
            }
            None => root,
        };
        let fields = self.fields(around, "domains.yaml", &TEMPLATE_FILE_KEYS);
        let ownership = fields
            .get("ownership")
            .and_then(|node| self.choice(node, "ownership", &OWNERSHIPS))
            .unwrap_or_default();
        let declared = fields
            .get("template")
            .map(|node| self.map(node, "template"));
        if declared.is_none() && pasted.is_none() {
            return None;
        }
        let declared = declared.iter().flat_map(|fields| fields.iter());
        let pasted = pasted
            .iter()
            .flat_map(|pasted| pasted.types.iter().copied());
        let types: Vec<&Entry> = declared.chain(pasted).collect();
        Some(self.types(&types, ownership))
    }

    /// Reports misplaced record types as one mistake; their content is still decoded.
    fn pasted(&mut self, pasted: &Pasted<'_>, root: &Node) {
        let Some(first) = pasted.types.first() else {
            return;
        };
        let (message, help) = if pasted.is_answer {
            (
                "domains.yaml is an answer of the platform".to_owned(),
                "put what stands below data: under template:, and delete the rest",
            )
        } else {
            (
                format!(
                    "domains.yaml has no key {}, which is a record type",
                    first.key
                ),
                "put it under template:, indented by two spaces",
            )
        };
        self.report(
            Code::EB0201,
            message,
            help,
            first.key_place,
            "belongs under template:",
        );
        let text = self.text.clone();
        let nested = pasted
            .whole
            .and_then(|whole| below_template(&text, whole.span));
        self.mended_by(root.place, nested.as_deref());
    }

    fn types(&mut self, declared: &[&Entry], ownership: Ownership) -> DesiredTemplate {
        let mut hosts = BTreeMap::new();
        let mut types = BTreeSet::new();
        for record_type in declared {
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
        DesiredTemplate {
            hosts,
            types,
            ownership,
        }
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

    /// Reads the records of a host; a single one may be written without a list.
    fn mapping(&mut self, node: &Node, what: &str) -> Vec<Spanned<String>> {
        let what = format!("mapping of {what}");
        match &node.content {
            Content::Scalar(_) => self.text(node, &what).into_iter().collect(),
            _ => self.texts(node, &what),
        }
    }
}

/// Record types that are misplaced at the root of the file, or below `data` as in a response of the platform.
struct Pasted<'n> {
    types: Vec<&'n Entry>,
    /// The other keys at the root of the file.
    around: Node,
    is_answer: bool,
    /// Place of all of them, if nothing else there must be kept.
    whole: Option<Place>,
}

impl<'n> Pasted<'n> {
    fn find(root: &'n Node) -> Option<Self> {
        let Content::Mapping(entries) = &root.content else {
            return None;
        };
        let is_type =
            |entry: &Entry| entry.key == "CNAM" || RecordType::parse(&entry.key).is_some();
        let below = |rest: Vec<Entry>| Node {
            content: Content::Mapping(rest),
            place: root.place,
        };
        let data = entries
            .iter()
            .find(|entry| entry.key == "data")
            .map(|entry| &entry.value);
        if let Some(Node {
            content: Content::Mapping(types),
            place,
        }) = data
            && types.iter().any(is_type)
            && !entries.iter().any(|entry| entry.key == "template")
        {
            return Some(Self {
                types: types.iter().collect(),
                around: below(Vec::new()),
                is_answer: true,
                whole: Some(*place),
            });
        }
        let (types, rest): (Vec<&Entry>, Vec<&Entry>) =
            entries.iter().partition(|entry| is_type(entry));
        (!types.is_empty()).then(|| Self {
            whole: rest.is_empty().then_some(root.place),
            types,
            around: below(rest.into_iter().cloned().collect()),
            is_answer: false,
        })
    }
}

/// Nests a part of a text below `template`, indenting each line by two more columns.
fn below_template(text: &str, span: Span) -> Option<String> {
    let (start, end) = (span.start as usize, span.end as usize);
    let before = text.get(..start)?;
    let indent = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
    let mut nested = "template:".to_owned();
    for (number, line) in text.get(start..end)?.lines().enumerate() {
        let own = line.len() - line.trim_start_matches(' ').len();
        let line = if number == 0 {
            line
        } else {
            &line[own.min(indent)..]
        };
        nested.push_str("\n  ");
        nested.push_str(line);
    }
    Some(nested)
}

fn spanned_key(entry: &Entry) -> Spanned<String> {
    Spanned {
        value: entry.key.clone(),
        place: entry.key_place,
    }
}
