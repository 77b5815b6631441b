//! What somebody should be told of.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::AccountName;

/// What kind of trouble there is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The tree has errors; the last good one stays in force.
    BadTree,
    /// The commit is not signed by somebody who may, or says what the daemon's file does not let it; the last good one
    /// stays in force.
    UntrustedCommit,
    /// The source could not be read.
    SourceUnreadable,
    /// The platform could not be read.
    PlatformUnreadable,
    /// An object waits for a person.
    Stalled,
    /// Drift was confirmed.
    Drift,
    /// An object's steps do not succeed.
    Failing,
    /// DNS differs from the template.
    Dns,
    /// No domain's DNS can be asked.
    DnsUnreadable,
    /// The lease cannot be taken, though nobody is known to hold it.
    LeaseLost,
    /// What was applied last is not known any more; what differs waits for a person.
    BaseLost,
    /// Nothing vouches for the commit that a ref names as applied last; nothing is removed on its word.
    UntrustedBase,
    /// The daemon's file has mistakes; what was in force stays so.
    BadConfig,
    /// Something spoilt what the daemon keeps of itself: a pause, or the history.
    StateSpoilt,
}

/// Trouble that goes on. It is raised as long as it is in [`super::ClusterStatus::alerts`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// What kind.
    pub kind: AlertKind,
    /// The account; absent for the template and for what concerns the cluster.
    pub account: Option<AccountName>,
    /// What there is to know, with what to do. It may hold any character.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
}

impl Alert {
    /// Tells whether it is about the same trouble; the words and the time do not matter.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.kind, &self.account) == (other.kind, &other.account)
    }
}

impl AlertKind {
    /// All kinds, in their order.
    pub const ALL: [Self; 14] = [
        Self::BadTree,
        Self::UntrustedCommit,
        Self::SourceUnreadable,
        Self::PlatformUnreadable,
        Self::Stalled,
        Self::Drift,
        Self::Failing,
        Self::Dns,
        Self::DnsUnreadable,
        Self::LeaseLost,
        Self::BaseLost,
        Self::UntrustedBase,
        Self::BadConfig,
        Self::StateSpoilt,
    ];

    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadTree => "bad_tree",
            Self::UntrustedCommit => "untrusted_commit",
            Self::SourceUnreadable => "source_unreadable",
            Self::PlatformUnreadable => "platform_unreadable",
            Self::Stalled => "stalled",
            Self::Drift => "drift",
            Self::Failing => "failing",
            Self::Dns => "dns",
            Self::DnsUnreadable => "dns_unreadable",
            Self::LeaseLost => "lease_lost",
            Self::BaseLost => "base_lost",
            Self::UntrustedBase => "untrusted_base",
            Self::BadConfig => "bad_config",
            Self::StateSpoilt => "state_spoilt",
        }
    }
}
