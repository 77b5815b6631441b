//! The placeholder: a whitelabel that a run makes only to release a domain, and deletes again (kazoo-4.3, statement 5).

use serde_json::Value;

use super::canonical::settings_in_sync;
use crate::model::{AccountId, KeyPath, Settings, parked_domain};

/// Returns the settings of the placeholder of an account: nothing but the parked name.
#[must_use]
pub fn placeholder(id: &AccountId) -> Settings {
    let mut settings = Settings::default();
    settings.set(&KeyPath::from("domain"), Value::from(parked_domain(id)));
    settings
}

/// Returns whether some settings are those of the placeholder of an account, apart from the server's defaults.
#[must_use]
pub fn is_placeholder(id: &AccountId, settings: &Settings) -> bool {
    settings_in_sync(&placeholder(id), settings)
}
