//! The system's domain template.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Digest, Object, canonical_json};

/// The text in hosts and mappings that the server replaces by a brand's domain, once per string (D2).
pub const PLACEHOLDER: &str = "{{domain}}";

/// Holds the template: record type → host → entry, as the server stores it (D6).
///
/// Types and hosts keep the server's spelling; a type without hosts is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DomainTemplate(pub BTreeMap<String, BTreeMap<String, HostEntry>>);

/// One host of the template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostEntry {
    /// The name that people read, such as `Web portal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The record data in text form, one string a record.
    #[serde(default)]
    pub mapping: Vec<String>,
    /// The zone that the host belongs to, when the operator says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Members that emblazon does not know; they survive every write (trap 25).
    #[serde(flatten)]
    pub extra: Object,
}

impl DomainTemplate {
    /// Reads what the server answered (D5).
    ///
    /// # Errors
    /// When it does not have the shape of a template.
    pub fn from_answer(data: Object) -> Result<Self, serde_json::Error> {
        serde_json::from_value(Value::Object(data))
    }

    /// Computes the digest that stands for the template in a precondition; it has no revision (D7).
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Every key of a template is a text, so it always has a JSON form.
        Digest::of(canonical_json(&serde_json::to_value(self).unwrap_or_default()).as_bytes())
    }
}
