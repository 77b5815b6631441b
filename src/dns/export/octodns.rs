//! YAML as octoDNS's `YamlProvider` reads it: one file per zone.
//!
//! octoDNS wants keys in natural order (`a2` before `a10`) and semicolons in TXT escaped; both are checked when it
//! loads a file.
//!
//! octoDNS deletes what its sources do not name, and the files name only what a brand needs. A processor, which octoDNS
//! loads from beside the files, keeps the rest of the zone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::account::AccountRecords;
use crate::dns::presentation::{MX_PREFERENCE, absolute, relative};
use crate::dns::{Expected, Question};
use crate::model::record::{RecordData, RecordName, RecordType};

/// The processor's file name, which is its Python module's name as well.
pub const OCTODNS_PROCESSOR_FILE: &str = "emblazon_octodns.py";

/// The processor for octoDNS 1, in Python.
pub const OCTODNS_PROCESSOR: &str = include_str!("emblazon_octodns.py");

/// The configuration's file name. `YamlProvider` takes a name for a zone only if it has two dots or more.
pub const OCTODNS_CONFIG_FILE: &str = "emblazon_octodns.yaml";

/// The files for octoDNS, and what does not fit into them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Octodns {
    /// File name → YAML.
    pub files: BTreeMap<String, String>,
    /// What is in no file, with the reason.
    pub left_out: Vec<(String, String)>,
}

/// Sort key that orders names as octoDNS does: runs of digits compare as numbers.
type Natural = Vec<(String, Option<(usize, String)>)>;

/// Name below the zone → record type → record.
type ZoneRecords = BTreeMap<Natural, (String, BTreeMap<RecordType, Value>)>;

/// Writes a configuration for octoDNS that reads the zones in a folder and names the processor.
///
/// The folder is as octoDNS finds it from where it is run. The provider that serves the zones is left to be filled in.
#[must_use]
pub fn octodns_config(folder: &str) -> String {
    format!(
        "---\n\
         # Written once by `emblazon dns export`, and yours from then on. With DIR for the folder named below,\n\
         #   PYTHONPATH=DIR octodns-sync --config-file DIR/{OCTODNS_CONFIG_FILE}\n\
         # says what octoDNS would change; with --doit it does.\n\
         providers:\n  \
           emblazon:\n    \
             class: octodns.provider.yaml.YamlProvider\n    \
             directory: {}\n  \
           # Who serves the zones; see https://github.com/octodns/octodns#providers\n  \
           target:\n    \
             class: name.your.Provider\n\
         processors:\n  \
           # Without it, octoDNS deletes all other records of the zones.\n  \
           keep-others:\n    \
             class: emblazon_octodns.KeepOthers\n\
         zones:\n  \
           '*':\n    \
             sources: [emblazon]\n    \
             processors: [keep-others]\n    \
             targets: [target]\n",
        quoted(folder)
    )
}

/// Writes the records of accounts for octoDNS; `ttl` is the time to live in seconds.
///
/// Accounts whose domains lie in one zone share a file.
#[must_use]
pub fn octodns(accounts: &[AccountRecords], ttl: u32) -> Octodns {
    let mut exported = Octodns::default();
    let mut zones: BTreeMap<RecordName, ZoneRecords> = BTreeMap::new();
    for account in accounts {
        let origin = account.origin();
        let zone = zones.entry(origin.clone()).or_default();
        for host in &account.expectations.expected {
            match entry(host, &origin, ttl) {
                Ok((name, value)) => {
                    zone.entry(natural(name))
                        .or_insert_with(|| (name.to_owned(), BTreeMap::new()))
                        .1
                        .insert(host.question.record_type, value);
                }
                Err(reason) => exported.left_out.push((host.question.to_string(), reason)),
            }
        }
        for left_out in &account.expectations.not_understood {
            exported.left_out.push((
                format!("{} {}", left_out.host, left_out.record_type),
                left_out.reason.clone(),
            ));
        }
    }
    for (zone, records) in zones {
        exported
            .files
            .insert(format!("{}yaml", absolute(&zone)), yaml(records));
    }
    exported
}

fn yaml(records: ZoneRecords) -> String {
    let mut text = "---\n".to_owned();
    for (_, (name, types)) in records {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}:", quoted(&name));
        let alone = types.len() == 1;
        for record in types.values() {
            if alone {
                write_members(&mut text, record, "  ", "  ");
            } else {
                write_members(&mut text, record, "- ", "  ");
            }
        }
    }
    text
}

/// Writes the members of a mapping, the first prefixed with `first` and the others with `rest`.
fn write_members(text: &mut String, record: &Value, first: &str, rest: &str) {
    for (index, (key, value)) in record.as_object().into_iter().flatten().enumerate() {
        let indent = if index == 0 { first } else { rest };
        let Value::Array(values) = value else {
            let _ = writeln!(text, "{indent}{key}: {}", scalar(value));
            continue;
        };
        let _ = writeln!(text, "{indent}{key}:");
        for value in values {
            if value.is_object() {
                write_members(text, value, "  - ", "    ");
            } else {
                let _ = writeln!(text, "  - {}", scalar(value));
            }
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

/// Quotes a text. octoDNS reads YAML 1.1, where `no`, `1_000` and an all-digit IPv6 address are not strings, so every
/// text is quoted.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Returns the name of one host below the zone, and its entry.
fn entry<'a>(
    host: &'a Expected,
    origin: &RecordName,
    ttl: u32,
) -> Result<(&'a str, Value), String> {
    let Question { name, record_type } = &host.question;
    let below = relative(name, origin)
        .ok_or_else(|| format!("it lies outside the zone {origin}, in one of its own"))?;
    let mut entry = Map::new();
    entry.insert("ttl".to_owned(), json!(ttl));
    entry.insert("type".to_owned(), json!(record_type));
    let mut values = host
        .records
        .iter()
        .map(value)
        .collect::<Result<Vec<_>, _>>()?;
    if *record_type == RecordType::Cname {
        if values.len() > 1 {
            return Err("it has more than one alias, and a name has one at most".to_owned());
        }
        entry.insert("value".to_owned(), values.swap_remove(0));
    } else {
        entry.insert("values".to_owned(), Value::Array(values));
    }
    Ok((below, Value::Object(entry)))
}

fn value(data: &RecordData) -> Result<Value, String> {
    Ok(match data {
        RecordData::A(address) => json!(address),
        RecordData::Aaaa(address) => json!(address),
        RecordData::Cname(name) => json!(absolute(name)),
        RecordData::Mx {
            preference,
            exchange,
        } => json!({
            "exchange": absolute(exchange),
            "preference": preference.unwrap_or(MX_PREFERENCE),
        }),
        RecordData::Naptr {
            order,
            preference,
            flags,
            services,
            regexp,
            replacement,
        } => json!({
            "flags": flags,
            "order": order,
            "preference": preference,
            "regexp": regexp,
            "replacement": absolute(replacement),
            "service": services,
        }),
        RecordData::Srv {
            priority,
            weight,
            port,
            target,
        } => json!({
            "port": port,
            "priority": priority,
            "target": absolute(target),
            "weight": weight,
        }),
        RecordData::Txt(octets) => json!(txt(octets)?),
        RecordData::Caa { flags, tag, value } => {
            json!({ "flags": flags, "tag": tag, "value": value })
        }
    })
}

fn txt(octets: &[u8]) -> Result<String, String> {
    let text = str::from_utf8(octets)
        .ok()
        .filter(|text| text.bytes().all(|octet| matches!(octet, b' '..=b'~')))
        .ok_or("octoDNS takes only printable ASCII in TXT")?;
    Ok(text.replace(';', "\\;"))
}

/// Splits a name into texts and numbers. Numbers compare first by length without leading zeros, so they may be of any
/// size.
fn natural(name: &str) -> Natural {
    let mut parts: Natural = Vec::new();
    let mut rest = name;
    loop {
        let text_end = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (text, after) = rest.split_at(text_end);
        let number_end = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        let (number, after) = after.split_at(number_end);
        let digits = number.trim_start_matches('0');
        parts.push((
            text.to_owned(),
            (!number.is_empty()).then(|| (digits.len(), digits.to_owned())),
        ));
        if after.is_empty() {
            // Names that differ only in leading zeros are still different names.
            parts.push((name.to_owned(), None));
            return parts;
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_natural_order() {
        let mut names = vec!["a10", "a2", "", "a2b", "b", "10", "2", "a", "a02"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["", "2", "10", "a", "a02", "a2", "a2b", "a10", "b"]);
    }
}
