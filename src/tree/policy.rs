//! `policy` in `emblazon.yaml`: the guards that apply to a whole run.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::HouseRule;
use crate::model::{AccountName, KeyPath};

/// The guards that apply to a whole run.
///
/// An absent limit means unlimited. Shares are percentages of the tree's accounts, and apply only to trees of at least
/// [`Self::share_floor`] accounts: of three accounts, one is already a third.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether creating a whitelabel may cost money (402, C7).
    pub billing: BillingPolicy,
    /// What a run may remove from the platform.
    pub remove: RemovalPolicy,
    /// Maximum number of deletions in one run: of whitelabels, of hosts of the domain template, and of accounts that lose
    /// records.
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
    /// Whether a run may change what runs in the browsers of customers without approval.
    pub code: CodePolicy,
    /// The origins whose code the login page may run, such as `https://cdn.example.com`.
    pub trusted_origins: BTreeSet<String>,
    /// Times in which no run writes without approval.
    pub freezes: Vec<Freeze>,
    /// How long snapshots and journals are kept.
    pub snapshots: Retention,
    /// What a planned change must meet.
    pub rules: Vec<HouseRule>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            billing: BillingPolicy::default(),
            remove: RemovalPolicy::default(),
            max_deletions: None,
            max_changed_percent: None,
            max_unreadable_percent: Some(50),
            share_floor: 10,
            protected_accounts: BTreeSet::new(),
            protected_keys: BTreeSet::new(),
            code: CodePolicy::default(),
            trusted_origins: BTreeSet::new(),
            freezes: Vec::new(),
            snapshots: Retention::default(),
            rules: Vec::new(),
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

/// Whether a run may change the keys that run code in the browsers of customers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodePolicy {
    /// Only in a plan that somebody approved.
    #[default]
    Ask,
    /// Like any other key.
    Allowed,
}

/// Whether a run may remove something from the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalRule {
    /// It stays, whatever the tree and the command line say.
    Never,
    /// It is removed if somebody asks for that.
    Ask,
    /// It is removed once the tree no longer has it.
    Allowed,
}

/// A kind of thing that a run can remove from the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Removable {
    /// Keys of a whitelabel.
    Keys,
    /// Hosts of the domain template.
    Hosts,
    /// RRsets in the DNS.
    Records,
    /// Assets of a whitelabel.
    Assets,
    /// Whole whitelabels.
    Whitelabels,
}

impl Removable {
    /// All kinds, with their names in `policy.remove`.
    pub const ALL: [(&'static str, Self); 5] = [
        ("keys", Self::Keys),
        ("hosts", Self::Hosts),
        ("records", Self::Records),
        ("assets", Self::Assets),
        ("whitelabels", Self::Whitelabels),
    ];

    /// Returns the name in `policy.remove`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Hosts => "hosts",
            Self::Records => "records",
            Self::Assets => "assets",
            Self::Whitelabels => "whitelabels",
        }
    }

    /// Returns the rule that applies when the tree names none. A snapshot brings back keys, hosts and records; an asset
    /// costs the brand a moment without a whitelabel.
    #[must_use]
    pub fn usual(self) -> RemovalRule {
        match self {
            Self::Keys | Self::Hosts | Self::Records => RemovalRule::Allowed,
            Self::Assets | Self::Whitelabels => RemovalRule::Ask,
        }
    }
}

/// What a run may remove from the platform, by kind; only the rules that are not the usual ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemovalPolicy(pub BTreeMap<Removable, RemovalRule>);

impl RemovalPolicy {
    /// Returns the rule for a kind.
    #[must_use]
    pub fn rule(&self, kind: Removable) -> RemovalRule {
        self.0.get(&kind).copied().unwrap_or(kind.usual())
    }
}
