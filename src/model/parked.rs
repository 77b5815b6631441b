//! The parked name: the domain of an account while its own is released.

use serde_json::Value;

use super::account::AccountId;
use super::key_path::KeyPath;
use super::settings::Settings;

/// Returns the placeholder domain of an account while its own domain is released: unique, and never resolvable (RFC
/// 2606).
#[must_use]
pub fn parked_domain(id: &AccountId) -> String {
    format!("parked-{id}.invalid")
}

/// Returns whether a domain is the parked name of an account; the server keeps the case of what it is sent (W20).
#[must_use]
pub fn is_parked_domain(id: &AccountId, domain: &str) -> bool {
    domain.eq_ignore_ascii_case(&parked_domain(id))
}

/// Returns whether the document of an account has the parked name as its domain.
#[must_use]
pub fn is_parked(id: &AccountId, settings: &Settings) -> bool {
    let domain = settings.get(&KeyPath::from("domain"));
    (domain.and_then(Value::as_str)).is_some_and(|domain| is_parked_domain(id, domain))
}
