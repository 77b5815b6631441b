//! The one canonical form: two spellings that mean the same to the server and to its users are one
//! value here, and nothing else is.
//!
//! | what | same |
//! | --- | --- |
//! | booleans that the server defaults | absent, `false`, `"false"` (W14, E24) |
//! | `port.authority` | `"x"` and `["x"]` (trap 26) |
//! | `domain` | whatever differs in case only (W10, W19); a trailing dot differs, the UI compares host names (W26) |
//! | numbers | `1` and `1.0` |
//! | template hosts | case, and a trailing dot (D15) |
//! | records | what their type says (D14, D15); text that is no record of its type only as it stands |
//! | mappings | any order, any number of repetitions; absent is empty (observed 8) |

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::{
    FIELDS, Field, FieldOrigin, FieldType, HostEntry, KeyPath, Object, RecordData, RecordType,
    Settings, field,
};

/// Returns the canonical form of a setting; `None` when it says no more than its absence.
#[must_use]
pub fn setting(path: &KeyPath, value: &Value) -> Option<Value> {
    let value = written(path, value);
    match (known(path).map(|field| field.field_type), value) {
        (Some(FieldType::Boolean { defaulted: true }), Value::Bool(false)) => None,
        (Some(FieldType::Domain), Value::String(text)) => {
            Some(Value::String(text.to_ascii_lowercase()))
        }
        (_, value) => Some(plain(value)),
    }
}

/// Returns the spelling in which a setting is sent: what the server would coerce is coerced, and a
/// list of one `port.authority` is its text, the form that every server version takes.
#[must_use]
pub fn written(path: &KeyPath, value: &Value) -> Value {
    let Some(field) = known(path) else {
        return value.clone();
    };
    match (field.field_type, field.origin, value) {
        (FieldType::Boolean { .. }, FieldOrigin::Schema, Value::String(text)) => {
            match text.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => value.clone(),
            }
        }
        (FieldType::AccountIds, _, Value::Array(ids)) => match ids.as_slice() {
            [one @ Value::String(_)] => one.clone(),
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

/// Tells whether two documents mean the same, so that a read-back can be compared with what was
/// sent.
#[must_use]
pub fn settings_in_sync(sent: &Settings, read: &Settings) -> bool {
    canonical_leaves(sent) == canonical_leaves(read)
}

/// Tells whether a top-level key is the server's own: what it adds to answers (trap 7), and the two
/// keys that uploads of older servers left behind (B9, trap 20).
#[must_use]
pub fn is_server_key(path: &KeyPath) -> bool {
    let Some(first) = path.segments().next() else {
        return false;
    };
    matches!(first.as_str(), "id" | "content_type" | "content_length")
        || first.starts_with('_')
        || first.starts_with("pvt_")
}

/// Returns the keys that the server sets to `false` when they are left out, each with that value:
/// the least that a document can say (W14).
#[must_use]
pub fn explicit_defaults() -> BTreeMap<KeyPath, Value> {
    FIELDS
        .iter()
        .filter(|field| field.field_type == FieldType::Boolean { defaulted: true })
        .map(|field| (KeyPath::from(field.path), Value::Bool(false)))
        .collect()
}

/// Returns the form in which template hosts are compared.
#[must_use]
pub fn host(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// One host's entry in canonical form.
#[derive(Clone, Debug, PartialEq)]
pub struct CanonicalEntry {
    name: Option<String>,
    zone: Option<String>,
    mapping: BTreeSet<Record>,
    extra: Object,
}

/// One string of a mapping.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Record {
    Data(RecordData),
    /// What is no record of its type, or of a type that emblazon does not know.
    Text(String),
}

impl Record {
    fn parse(record_type: &str, text: &str) -> Self {
        RecordType::parse(record_type)
            .and_then(|record_type| RecordData::parse(record_type, text).ok())
            .map_or_else(|| Self::Text(text.to_owned()), Self::Data)
    }
}

/// Returns the canonical form of a host's entry below a record type.
#[must_use]
pub fn entry(record_type: &str, entry: &HostEntry) -> CanonicalEntry {
    CanonicalEntry {
        name: entry.name.clone(),
        zone: entry.zone.clone(),
        mapping: entry
            .mapping
            .iter()
            .map(|text| Record::parse(record_type, text))
            .collect(),
        extra: entry
            .extra
            .iter()
            .map(|(key, value)| (key.clone(), plain(value.clone())))
            .collect(),
    }
}

fn known(path: &KeyPath) -> Option<&'static Field> {
    field(path.as_str()).filter(|field| field.path == path.as_str())
}

fn canonical_leaves(settings: &Settings) -> BTreeMap<KeyPath, Value> {
    settings
        .leaves()
        .into_iter()
        .filter(|(path, _)| !is_server_key(path))
        .filter_map(|(path, value)| setting(&path, value).map(|value| (path, value)))
        .collect()
}

fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(whole(&number).unwrap_or(number)),
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .map(|(key, value)| (key, plain(value)))
                .collect(),
        ),
        other => other,
    }
}

fn whole(number: &serde_json::Number) -> Option<serde_json::Number> {
    // Beyond 2^53 neighbouring integers share one float, so those are compared as they stand.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if !number.is_f64() {
        return None;
    }
    let float = number
        .as_f64()
        .filter(|float| float.fract() == 0.0 && float.abs() < EXACT)?;
    format!("{float:.0}").parse::<i64>().ok().map(Into::into)
}
