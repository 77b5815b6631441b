//! The system's domain template.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Digest, Object, canonical_json};

/// The placeholder in hosts and mappings that the server replaces with a brand's domain, once per string (D2).
pub const PLACEHOLDER: &str = "{{domain}}";

/// The misspelling of `CNAME` in the public documentation, which the server stores but cannot serve (D8, D9).
pub const MISSPELT_CNAME: &str = "CNAM";

/// The record types that the server's resolver knows; it answers 500 to a test with any other (D9).
const SERVABLE: [&str; 12] = [
    "A", "AAAA", "CAA", "CNAME", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "TXT",
];

/// Returns whether the server can serve a record type.
#[must_use]
pub fn is_servable_type(record_type: &str) -> bool {
    SERVABLE.contains(&record_type)
}

/// The domain template as the server stores it: record type → host → entry (D6).
///
/// Types and hosts keep the server's spelling; a type without hosts is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DomainTemplate(pub BTreeMap<String, BTreeMap<String, HostEntry>>);

/// One host of the template.
///
/// The server stores and serves a name and a zone of any JSON type (D8); values that are not strings are kept in
/// [`Self::extra`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Object")]
pub struct HostEntry {
    /// Display name, such as `Web portal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Record data in text form, one string per record.
    pub mapping: Vec<String>,
    /// Zone of the host, if the operator set one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Unknown members, preserved by every write (trap 25).
    #[serde(flatten)]
    pub extra: Object,
}

impl TryFrom<Object> for HostEntry {
    type Error = serde_json::Error;

    fn try_from(mut members: Object) -> Result<Self, Self::Error> {
        let mapping = members.remove("mapping").map(serde_json::from_value);
        let mut text = |name: &str| match members.remove(name)? {
            Value::String(text) => Some(text),
            other => {
                members.insert(name.to_owned(), other);
                None
            }
        };
        Ok(Self {
            name: text("name"),
            zone: text("zone"),
            mapping: mapping.transpose()?.unwrap_or_default(),
            extra: members,
        })
    }
}

impl DomainTemplate {
    /// Parses the server's response (D5).
    ///
    /// # Errors
    /// If the data does not have the shape of a template.
    pub fn from_answer(data: Object) -> Result<Self, serde_json::Error> {
        serde_json::from_value(Value::Object(data))
    }

    /// Computes the digest used as a precondition, because the template has no revision (D7).
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Every map key is a string, so serialization cannot fail.
        Digest::of(canonical_json(&serde_json::to_value(self).unwrap_or_default()).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Trap 25: whatever the server serves for a host round-trips unchanged.
    #[test]
    fn trap_25_members_of_any_kind_come_through() {
        for entry in [
            json!({"name": "X", "zone": "east", "mapping": ["192.0.2.1"], "ttl": 60}),
            json!({"name": 5, "zone": {"a": [1]}, "mapping": []}),
            json!({"name": null, "mapping": ["x"]}),
        ] {
            let read: HostEntry = serde_json::from_value(entry.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), entry);
        }
        let bare: HostEntry = serde_json::from_value(json!({})).unwrap();
        assert_eq!(bare, HostEntry::default());
        for wrong in [json!({"mapping": "x"}), json!({"mapping": [1]}), json!("x")] {
            assert!(
                serde_json::from_value::<HostEntry>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
    }
}
