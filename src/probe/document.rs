//! Judges the whitelabel document that the API gives for a host.

use serde_json::Value;

use super::BrandTarget;
use crate::diff::canonical;
use crate::model::{KeyPath, Settings};
use crate::transport::parse_json;
use crate::tree::Origin;

/// The most values that are read of a document.
const MOST_VALUES: usize = 100_000;

/// Reads the document out of an answer; `None` if it holds none, as a browser would see it.
pub(super) fn settings(body: &[u8]) -> Option<Settings> {
    let envelope = parse_json(body, MOST_VALUES).ok()?;
    let data = envelope.get("data")?.as_object()?;
    Some(Settings::from_answer(data.clone()))
}

/// Returns whether the page takes the document for its own (U1).
pub(super) fn is_for(settings: &Settings, host: &str) -> bool {
    domain(settings).is_some_and(|domain| domain.to_lowercase() == host)
}

/// Returns the document's domain.
pub(super) fn domain(settings: &Settings) -> Option<&str> {
    settings.get(&KeyPath::parse("domain"))?.as_str()
}

/// A declared key that the document shows otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Differing {
    pub(super) key: KeyPath,
    pub(super) declared: Option<Value>,
    pub(super) shown: Option<Value>,
    pub(super) origin: Origin,
}

/// Compares the document with what is declared, key by key. `domain` is judged on its own, and what is not declared is
/// not ours.
pub(super) fn differing(target: &BrandTarget, settings: &Settings) -> Vec<Differing> {
    let keys = target.settings.iter();
    keys.filter_map(|(key, declared)| {
        let canonical = |value: Option<&Value>| canonical::setting(key, value?);
        let shown = canonical(settings.get(key));
        let differs = canonical(declared.value.as_ref()) != shown && key.as_str() != "domain";
        differs.then(|| Differing {
            key: key.clone(),
            declared: declared.value.clone(),
            shown,
            origin: declared.origin.clone(),
        })
    })
    .collect()
}

/// Writes a value for a sentence.
pub(super) fn written(value: Option<&Value>) -> String {
    const LONGEST: usize = 60;
    let text = value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    if text.chars().count() <= LONGEST {
        return text;
    }
    let kept: String = text.chars().take(LONGEST).collect();
    format!("{kept}…")
}
