//! Decides what can be declared of a live brand: only what passes the tree's own checks.

use camino::Utf8Path;
use serde_json::Value;

use super::note::Reason;
use crate::diag::{Code, Severity};
use crate::live::BrandAsset;
use crate::model::{AssetKind, FIELDS, FieldType, KeyPath, field};
use crate::tree::{assets, check};

/// The maximum length of a key and the maximum nesting of a value, because YAML readers have limits that JSON does not.
const LONGEST_KEY: usize = 256;
const DEEPEST: usize = 24;

/// Returns why a live setting cannot be declared, if so.
pub(super) fn setting(path: &KeyPath, value: &Value, extra_keys: &[String]) -> Option<Reason> {
    if value.is_null() {
        return Some(Reason::new(
            format!(
                "{path} is null on the platform, and null in the tree means that it must not be there"
            ),
            format!("declare whitelabel.{path}: null to remove it"),
        ));
    }
    if path.segments().any(|segment| segment.len() > LONGEST_KEY)
        || path.segments().count() + depth(value) > DEEPEST
    {
        return Some(Reason::new(
            format!("{} is too long, or nested too deep", shortened(path)),
            "shorten it on the platform",
        ));
    }
    if let Some(problem) = check::key(path, extra_keys)
        && (problem.code.severity() == Severity::Error || problem.code == Code::EB0524)
    {
        return Some(for_the_platform(path, problem.into()));
    }
    let known = field(path.as_str());
    if is_group(path) && !value.is_object() {
        return Some(Reason::new(
            format!("{path} is not a map on the platform, but must be one in the tree"),
            "fix it on the platform, and import again",
        ));
    }
    let problems = match known {
        Some(field) => check::value(field, value),
        None => check::free_value(path, value),
    };
    first_error(problems)
        .map(|reason| for_the_platform(path, reason))
        .or_else(|| {
            let mut below = value.as_object().into_iter().flatten();
            below.find_map(|(name, value)| setting(&path.child(name), value, extra_keys))
        })
}

/// Returns why a live asset cannot be declared, if so.
pub(super) fn asset(kind: AssetKind, path: &Utf8Path, asset: &BrandAsset) -> Option<Reason> {
    let (_, problems) = assets::inspect(kind, path, &asset.bytes);
    first_error(problems)
}

fn first_error(problems: Vec<check::Problem>) -> Option<Reason> {
    problems
        .into_iter()
        .find(|problem| problem.code.severity() == Severity::Error)
        .map(Reason::from)
}

/// Replaces help texts that assume a mistake in the tree: a live secret has already leaked, and an unknown live key is
/// not a typo.
fn for_the_platform(path: &KeyPath, reason: Reason) -> Reason {
    let top = path.segments().next().unwrap_or_default();
    let help = match reason.code {
        Some(Code::EB0520) => format!(
            "if it is a key of your own, name {} in extra_keys of emblazon.yaml and import again",
            KeyPath::from_segments([top])
        ),
        Some(Code::EB0502 | Code::EB0523) => {
            "remove it on the platform, where everybody can read it, and replace the secret"
                .to_owned()
        }
        _ => return reason,
    };
    Reason { help, ..reason }
}

fn is_group(path: &KeyPath) -> bool {
    FIELDS.iter().any(|field| {
        let below = field.path.strip_prefix(path.as_str());
        below.is_some_and(|rest| rest.starts_with('.'))
            || field.path == path.as_str() && field.field_type == FieldType::Map
    })
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn shortened(path: &KeyPath) -> String {
    path.as_str().chars().take(60).collect()
}
