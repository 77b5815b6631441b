//! `policy` in `emblazon.yaml`: the guards that apply to a whole run.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{AccountName, KeyPath};

/// The guards that apply to a whole run.
///
/// An absent limit means unlimited. Shares are percentages of the tree's accounts, and apply only to trees of at least
/// [`Self::share_floor`] accounts: of three accounts, one is already a third.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether creating a whitelabel may cost money (402, C7).
    pub billing: BillingPolicy,
    /// Maximum number of whitelabels that one run may delete.
    pub max_deletions: Option<u32>,
    /// Maximum share of the accounts that one run may change, in percent.
    pub max_changed_percent: Option<u32>,
    /// Maximum share of the accounts that may be unreadable before the others are left alone too, in percent.
    pub max_unreadable_percent: Option<u32>,
    /// Minimum number of accounts in a tree for shares to apply.
    pub share_floor: u32,
    /// Accounts that no run changes without approval.
    pub protected_accounts: BTreeSet<AccountName>,
    /// Keys that no run changes without approval, including everything below them.
    pub protected_keys: BTreeSet<KeyPath>,
    /// Times in which no run writes without approval.
    pub freezes: Vec<Freeze>,
    /// How long snapshots and journals are kept.
    pub snapshots: Retention,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            billing: BillingPolicy::default(),
            max_deletions: None,
            max_changed_percent: None,
            max_unreadable_percent: Some(50),
            share_floor: 10,
            protected_accounts: BTreeSet::new(),
            protected_keys: BTreeSet::new(),
            freezes: Vec::new(),
            snapshots: Retention::default(),
        }
    }
}

/// A period in which nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Start of the period.
    pub from: Timestamp,
    /// End of the period, exclusive.
    pub until: Timestamp,
    /// Reason, shown to anyone whose run is refused.
    pub reason: Option<String>,
}

impl Freeze {
    /// Returns whether the freeze is in effect at a time.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        (self.from..self.until).contains(&now)
    }
}

/// Retention of snapshots and journals: a run is removed only if both limits allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Number of latest runs that are kept, regardless of age.
    pub runs: u32,
    /// Number of days for which every run is kept.
    pub days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { runs: 50, days: 90 }
    }
}

/// What to do when the server asks whether charges are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillingPolicy {
    /// Refuse, and report the cost.
    #[default]
    Refuse,
    /// Accept.
    Accept,
}
