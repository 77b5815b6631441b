//! What could not be checked for a plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diff::Differences;
use crate::model::{AccountName, RecordName};

/// What could not be checked for a plan, with the reasons: no step does not mean that it is in sync (invariant 6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unknown {
    /// Accounts, by their names in the tree or the base.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts: BTreeMap<AccountName, Vec<String>>,
    /// The domain template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Zones of accounts with `dns: manage`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub zones: BTreeMap<RecordName, Vec<String>>,
}

impl Unknown {
    /// Collects what a comparison could not determine.
    #[must_use]
    pub fn of(differences: &Differences) -> Self {
        let accounts = differences.accounts.iter().chain(&differences.departed);
        let accounts = accounts.filter(|found| !found.unknown.is_empty());
        let zones = differences.zones.iter();
        let zones = zones.filter(|found| !found.unknown.is_empty());
        let template = differences.template.as_ref();
        Self {
            accounts: accounts
                .map(|found| (found.name.clone(), found.unknown.clone()))
                .collect(),
            template: template.and_then(|found| found.unknown.clone()),
            zones: zones
                .map(|found| (found.zone.clone(), found.unknown.clone()))
                .collect(),
        }
    }

    /// Returns whether everything could be checked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.template.is_none() && self.zones.is_empty()
    }
}
