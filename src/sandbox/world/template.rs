//! The system's domain template.

use serde_json::{Value, json};

use crate::model::{Object, PLACEHOLDER};

/// The error for a stored template that cannot be served (D9, observed 7): every read fails with 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProblemInTemplate;

/// The record types that the server's resolver knows; a test of any other type fails (D9).
const TESTABLE: [&str; 9] = [
    "a", "aaaa", "cname", "mx", "naptr", "ns", "srv", "txt", "caa",
];

/// Returns the template of a fresh cluster (D6).
pub(crate) fn default_template() -> Object {
    let host =
        |name: &str, zone: &str| json!({"name": name, "zone": zone, "mapping": ["127.0.0.1"]});
    let naptr =
        |part: &str| format!("10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.proxy-{part}.{PLACEHOLDER}");
    let template = json!({
        "A": {
            "us-central.{{domain}}": host("Secondary Proxy", "us-central"),
            "us-east.{{domain}}": host("Primary Proxy", "us-east"),
            "us-west.{{domain}}": host("Tertiary Proxy", "us-west"),
        },
        "CNAME": {
            "api.{{domain}}": {"name": "API", "mapping": ["api.yourcompany.net"]},
            "portal.{{domain}}": {"name": "Web GUI", "mapping": ["ui.yourcompany.net"]},
        },
        "MX": {},
        "NAPTR": {
            "proxy-central.{{domain}}": {"name": "Central NAPTR", "mapping": [naptr("central")]},
            "proxy-east.{{domain}}": {"name": "East NAPTR", "mapping": [naptr("east")]},
            "proxy-west.{{domain}}": {"name": "West NAPTR", "mapping": [naptr("west")]},
        },
        "SRV": {
            "_sip._udp.proxy-east.{{domain}}": {
                "name": "East SRV",
                "mapping": [
                    "10 10 7000 us-east.{{domain}}",
                    "15 15 7000 us-central.{{domain}}",
                    "20 20 7000 us-west.{{domain}}",
                ],
            },
        },
        "TXT": {},
    });
    match template {
        Value::Object(template) => template,
        _ => Object::new(),
    }
}

/// Replaces only the first placeholder of a string, as the server does (D2, trap 23).
fn fill(text: &str, domain: &str) -> String {
    text.replacen(PLACEHOLDER, domain, 1)
}

/// Expands the template for a domain; a host without `mapping` gets an empty one (observed 8).
pub(crate) fn expand(template: &Object, domain: &str) -> Result<Object, ProblemInTemplate> {
    let mut expanded = Object::new();
    for (record_type, hosts) in template {
        let mut filled = Object::new();
        for (host, entry) in hosts.as_object().ok_or(ProblemInTemplate)? {
            let mut entry = entry.as_object().ok_or(ProblemInTemplate)?.clone();
            let mapping = match entry.get("mapping") {
                None => Vec::new(),
                Some(Value::Array(mapping)) => mapping
                    .iter()
                    .map(|text| text.as_str().map(|text| json!(fill(text, domain))))
                    .collect::<Option<_>>()
                    .ok_or(ProblemInTemplate)?,
                Some(_) => return Err(ProblemInTemplate),
            };
            entry.insert("mapping".to_owned(), Value::Array(mapping));
            filled.insert(fill(host, domain), Value::Object(entry));
        }
        expanded.insert(record_type.clone(), Value::Object(filled));
    }
    Ok(expanded)
}

/// Builds the result of the domain test (D12): `expected`, `actual`, `name`; `zone` is dropped.
///
/// `look_up` returns the records of a type and host; without DNS there are none, as in the recordings and after every
/// failed lookup (D13).
pub(crate) fn test_results(
    expanded: &Object,
    look_up: &dyn Fn(&str, &str) -> Vec<String>,
) -> Result<Object, ProblemInTemplate> {
    let mut results = Object::new();
    for (record_type, hosts) in expanded {
        if !TESTABLE.contains(&record_type.to_lowercase().as_str()) {
            return Err(ProblemInTemplate);
        }
        let mut tested = Object::new();
        for (host, entry) in hosts.as_object().into_iter().flatten() {
            let mut result = Object::new();
            result.insert("expected".to_owned(), entry["mapping"].clone());
            result.insert("actual".to_owned(), json!(look_up(record_type, host)));
            if let Some(name) = entry.get("name") {
                result.insert("name".to_owned(), name.clone());
            }
            tested.insert(host.clone(), Value::Object(result));
        }
        results.insert(record_type.clone(), Value::Object(tested));
    }
    Ok(results)
}
