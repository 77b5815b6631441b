//! Formats one side of a difference.

use std::collections::BTreeMap;

use serde_json::Value;

use super::escape::visible;
use crate::diff::{ChangeKey, Side};
use crate::model::{AssetFacts, HostEntry};

/// Formats a JSON value on one line: strings in quotes, invisible characters escaped.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{}\"", visible(&escaped))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}: {}", visible(key), inline(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// Formats a value as lines for a line-by-line diff; strings without quotes.
pub(super) fn lines(value: &Value) -> Vec<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    text.lines()
        .map(|line| visible(line).into_owned())
        .collect()
}

/// Formats what is known of an asset: type, dimensions, size, short digest.
pub(super) fn asset(facts: &AssetFacts) -> String {
    let mut words = Vec::new();
    match facts.asset_type {
        Some(asset_type) => words.push(asset_type.to_string()),
        None => words.push("unknown type".to_owned()),
    }
    if let Some(dimensions) = facts.dimensions {
        words.push(dimensions.to_string());
    }
    words.push(size(facts.size));
    words.push(facts.digest.short().to_owned());
    words.join(" ")
}

/// Formats a number of bytes with at most three digits.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 3] = ["kB", "MB", "GB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut whole, mut rest, mut unit) = (bytes / 1000, bytes % 1000, 0);
    while whole >= 1000 && unit + 1 < UNITS.len() {
        (whole, rest, unit) = (whole / 1000, whole % 1000, unit + 1);
    }
    if whole < 100 {
        format!("{whole}.{} {}", rest / 100, UNITS[unit])
    } else {
        format!("{whole} {}", UNITS[unit])
    }
}

/// Formats one side on one line; `None` when it is absent.
pub(super) fn side(side: &Side) -> Option<String> {
    match side {
        Side::Absent => None,
        Side::Value(value) => Some(inline(value)),
        Side::Asset(facts) => Some(asset(facts)),
        Side::Host(entry) | Side::Elsewhere { entry, .. } => Some(host(entry)),
        Side::Unread => Some("(could not be read)".to_owned()),
        Side::Present => Some(String::new()),
    }
}

fn host(entry: &HostEntry) -> String {
    let mut words = vec![inline(&Value::from(entry.mapping.clone()))];
    words.extend(
        members(entry)
            .iter()
            .filter(|(member, _)| *member != "mapping")
            .map(|(member, value)| format!("{member} {}", inline(value))),
    );
    words.join(", ")
}

/// Returns the members of a host, by name.
pub(super) fn members(entry: &HostEntry) -> BTreeMap<String, Value> {
    let mut members: BTreeMap<String, Value> = entry
        .extra
        .iter()
        .map(|(member, value)| (visible(member).into_owned(), value.clone()))
        .collect();
    members.insert("mapping".to_owned(), Value::from(entry.mapping.clone()));
    for (member, text) in [("name", &entry.name), ("zone", &entry.zone)] {
        if let Some(text) = text {
            members.insert(member.to_owned(), Value::from(text.clone()));
        }
    }
    members
}

/// Formats the key as it is spelled in the tree.
pub(super) fn key(key: &ChangeKey) -> String {
    match key {
        ChangeKey::Setting(path) => format!("whitelabel.{}", visible(path.as_str())),
        ChangeKey::Asset(kind) => format!("assets.{kind}"),
        ChangeKey::Host(target) => {
            format!("{} {}", visible(&target.record_type), visible(&target.host))
        }
        ChangeKey::Records(target) => {
            format!("{} {}", visible(&target.host), visible(&target.record_type))
        }
        ChangeKey::RecordType(record_type) => {
            format!("{} (a record type without hosts)", visible(record_type))
        }
        ChangeKey::Whitelabel => "whitelabel".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_on_one_line() {
        #[track_caller]
        fn check(value: &Value, expected: &str) {
            assert_eq!(inline(value), expected);
        }
        check(&json!("Acme \"Voice\" \\"), r#""Acme \"Voice\" \\""#);
        check(&json!("a\x1b]0;x\x07"), r#""a\u{1b}]0;x\u{7}""#);
        check(&json!(["a", 1, null]), r#"["a", 1, null]"#);
        check(&json!({"k": true}), "{k: true}");
        check(&json!(1.50), "1.5");
    }

    #[test]
    fn sizes() {
        #[track_caller]
        fn check(bytes: u64, expected: &str) {
            assert_eq!(size(bytes), expected);
        }
        check(0, "0 B");
        check(999, "999 B");
        check(1000, "1.0 kB");
        check(12_345, "12.3 kB");
        check(999_999, "999 kB");
        check(1_500_000, "1.5 MB");
        check(7_000_000_000_000, "7000 GB");
    }
}
