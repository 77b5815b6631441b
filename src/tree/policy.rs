//! `policy` in `emblazon.yaml`: the guards that hold for a whole run.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{AccountName, KeyPath};

/// The guards that hold for a whole run.
///
/// A limit that is absent does not limit. Shares are of the tree's accounts, in percent, and count only
/// in trees of at least [`Self::share_floor`] accounts: of three accounts, one is a third.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether creating a whitelabel may cost money (402, C7).
    pub billing: BillingPolicy,
    /// How many whitelabels one run may delete.
    pub max_deletions: Option<u32>,
    /// How many percent of the accounts one run may change.
    pub max_changed_percent: Option<u32>,
    /// How many percent of the accounts may be unreadable before the others are left alone, too.
    pub max_unreadable_percent: Option<u32>,
    /// The number of accounts from which on shares count.
    pub share_floor: u32,
    /// Accounts that no run changes without approval.
    pub protected_accounts: BTreeSet<AccountName>,
    /// Keys that no run changes without approval, with all that lies below them.
    pub protected_keys: BTreeSet<KeyPath>,
    /// When no run writes without approval.
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

/// A time in which nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// When it begins.
    pub from: Timestamp,
    /// When it is over.
    pub until: Timestamp,
    /// Why, for whoever is stopped by it.
    pub reason: Option<String>,
}

impl Freeze {
    /// Tells whether it holds at a time.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        (self.from..self.until).contains(&now)
    }
}

/// How long what runs leave behind is kept: a run goes when both say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The number of latest runs that are kept, whatever their age.
    pub runs: u32,
    /// The days for which every run is kept.
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
    /// Refuse, and say what it would cost.
    #[default]
    Refuse,
    /// Accept.
    Accept,
}
