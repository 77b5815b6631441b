//! What `watch` may do by itself.

use serde::{Deserialize, Serialize};

/// What the daemon does with an account, from `watch` in `emblazon.yaml` and in `account.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchPolicy {
    /// What becomes of a change of the tree.
    pub apply: ApplyMode,
    /// What becomes of a change that somebody made on the platform.
    pub heal: HealMode,
    /// Whether what the tree lets go of is deleted.
    pub prune: bool,
    /// Whether DNS records of accounts with `dns: manage` are pushed.
    pub push_dns: bool,
}

impl Default for WatchPolicy {
    /// A change that was reviewed is applied; what somebody did by hand is told of, and nothing is deleted.
    fn default() -> Self {
        Self {
            apply: ApplyMode::Auto,
            heal: HealMode::Report,
            prune: false,
            push_dns: false,
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
