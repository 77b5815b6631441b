//! What `watch` may do by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::AccountName;

/// What the daemon may do by itself, from `watch` in `emblazon.yaml` and in each `account.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchSettings {
    /// What holds for the template, and for each account that says nothing.
    pub policy: WatchPolicy,
    /// The accounts that say something.
    pub accounts: BTreeMap<AccountName, WatchPolicy>,
    /// The accounts that go first.
    pub canary: BTreeSet<AccountName>,
}

impl WatchSettings {
    /// Returns what holds for an account, or for the template.
    #[must_use]
    pub fn of(&self, account: Option<&AccountName>) -> WatchPolicy {
        let own = account.and_then(|name| self.accounts.get(name));
        own.copied().unwrap_or(self.policy)
    }
}

/// What the daemon does with an account, from `watch` in `emblazon.yaml` and in `account.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchPolicy {
    /// What becomes of a change of the tree.
    pub apply: ApplyMode,
    /// What becomes of a change that somebody made on the platform.
    pub heal: HealMode,
    /// Whether what the tree lets go of is deleted.
    pub prune: bool,
    /// What becomes of the account's DNS.
    pub dns: DnsWatch,
}

impl Default for WatchPolicy {
    /// A change that was reviewed is applied; what somebody did by hand is told of, and nothing is deleted.
    fn default() -> Self {
        Self {
            apply: ApplyMode::Auto,
            heal: HealMode::Report,
            prune: false,
            dns: DnsWatch::Ask,
        }
    }
}

/// What becomes of a change of the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplyMode {
    /// It is applied.
    #[default]
    Auto,
    /// It is applied when somebody approved it.
    Manual,
    /// It is left alone, and only told of.
    Off,
}

/// What becomes of a change that somebody made on the platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealMode {
    /// It is changed back.
    Auto,
    /// It is told of.
    #[default]
    Report,
    /// It is none of the daemon's business.
    Off,
}

/// What the daemon does about an account's DNS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsWatch {
    /// It is asked, and told of.
    #[default]
    Ask,
    /// The records of an account with `dns: manage` are written too, as `apply` and `heal` say.
    Push,
    /// It is not asked.
    Off,
}
