//! The canonical form: two spellings have the same canonical value if and only if they mean the same to the server and
//! its users.
//!
//! | value | equal spellings |
//! | --- | --- |
//! | booleans that the server defaults | absent, `false`, `"false"` (W14, E24) |
//! | `port.authority` | `"x"` and `["x"]` (trap 26) |
//! | `domain` | any case (W10, W19); a trailing dot does differ, because the UI compares host names (W26) |
//! | numbers | `1` and `1.0` |
//! | template hosts | any case, with or without a trailing dot (D15) |
//! | records | equal by the rules of their type (D14, D15); invalid records only if identical |
//! | mappings | any order, any number of repetitions; absent is empty (observed 8) |

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::{
    FIELDS, Field, FieldOrigin, FieldType, HostEntry, KeyPath, Object, RecordData, RecordType,
    Settings, field,
};

/// Returns the canonical form of a setting, or `None` when it is equivalent to absence.
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

/// Returns the form in which a setting is sent: values are coerced as the server would, and a `port.authority` list
/// with one item becomes a string, the form that every server version accepts.
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

/// Returns whether two documents are equivalent, to compare a read-back with what was sent.
#[must_use]
pub fn settings_in_sync(sent: &Settings, read: &Settings) -> bool {
    canonical_leaves(sent) == canonical_leaves(read)
}

/// Returns whether a top-level key belongs to the server: those that it adds to responses (trap 7), and the two that
/// uploads on older servers left behind (B9, trap 20).
#[must_use]
pub fn is_server_key(path: &KeyPath) -> bool {
    let Some(first) = path.segments().next() else {
        return false;
    };
    matches!(first.as_str(), "id" | "content_type" | "content_length")
        || first.starts_with('_')
        || first.starts_with("pvt_")
}

/// Returns the keys that the server defaults to `false`, with that value: the smallest non-empty document (W14).
#[must_use]
pub fn explicit_defaults() -> BTreeMap<KeyPath, Value> {
    FIELDS
        .iter()
        .filter(|field| field.field_type == FieldType::Boolean { defaulted: true })
        .map(|field| (KeyPath::from(field.path), Value::Bool(false)))
        .collect()
}

/// Returns the canonical form of a template host.
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

/// One entry of a mapping.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Record {
    Data(RecordData),
    /// Text that is not a valid record of its type, or is of an unknown type.
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
    // Above 2^53, adjacent integers map to the same float, so these numbers are compared unchanged.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if !number.is_f64() {
        return None;
    }
    let float = number
        .as_f64()
        .filter(|float| float.fract() == 0.0 && float.abs() < EXACT)?;
    format!("{float:.0}").parse::<i64>().ok().map(Into::into)
}
