//! What the daemon may do on its own.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::AccountName;

/// What the daemon may do on its own, from `watch` in `emblazon.yaml` and in each `account.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchSettings {
    /// Policy for the template, and for each account without overrides.
    pub policy: WatchPolicy,
    /// Policies of the accounts with overrides.
    pub accounts: BTreeMap<AccountName, WatchPolicy>,
    /// Canary accounts, to which a change is applied first.
    pub canary: BTreeSet<AccountName>,
}

impl WatchSettings {
    /// Returns the policy of an account, or of the template.
    #[must_use]
    pub fn of(&self, account: Option<&AccountName>) -> WatchPolicy {
        let own = account.and_then(|name| self.accounts.get(name));
        own.copied().unwrap_or(self.policy)
    }
}

/// What the daemon does with an account, from `watch` in `emblazon.yaml` and in `account.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchPolicy {
    /// How a change of the tree is handled.
    pub apply: ApplyMode,
    /// How drift on the platform is handled.
    pub heal: HealMode,
    /// Whether whitelabels of accounts that are no longer in the tree are deleted.
    pub prune: bool,
    /// How the account's DNS is handled.
    pub dns: DnsWatch,
}

impl Default for WatchPolicy {
    /// Reviewed changes are applied, drift is reported, and nothing is deleted.
    fn default() -> Self {
        Self {
            apply: ApplyMode::Auto,
            heal: HealMode::Report,
            prune: false,
            dns: DnsWatch::Ask,
        }
    }
}

impl WatchPolicy {
    /// Returns whether drift is left alone, whatever anybody asks.
    #[must_use]
    pub fn ignores_drift(self) -> bool {
        self.heal == HealMode::Off
    }
}

/// How a change of the tree is handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplyMode {
    /// It is applied.
    #[default]
    Auto,
    /// It is applied after approval.
    Manual,
    /// It is only reported.
    Off,
}

/// How drift on the platform is handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealMode {
    /// It is reverted.
    Auto,
    /// It is reported.
    #[default]
    Report,
    /// It is reported, and proposed for the tree as a pull request.
    Propose,
    /// It is ignored.
    Off,
}

/// What the daemon does about an account's DNS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsWatch {
    /// DNS is queried, and differences are reported.
    #[default]
    Ask,
    /// In addition, the records of accounts with `dns: manage` are written, subject to `apply` and `heal`.
    Push,
    /// DNS is not queried.
    Off,
}
