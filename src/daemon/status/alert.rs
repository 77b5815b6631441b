//! Alerts.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::AccountName;

/// The kind of an alert.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The tree has errors; the last good one is reconciled.
    BadTree,
    /// The commit is not signed by an allowed signer, or names what the daemon's file does not trust; the last good one
    /// is reconciled.
    UntrustedCommit,
    /// The source could not be read.
    SourceUnreadable,
    /// The platform could not be read.
    PlatformUnreadable,
    /// Changes wait for an approval.
    Approval,
    /// An object waits for a person.
    Stalled,
    /// Drift was confirmed.
    Drift,
    /// An object's steps keep failing.
    Failing,
    /// DNS differs from the template.
    Dns,
    /// The DNS of no domain can be queried.
    DnsUnreadable,
    /// Customers do not see the declared brand.
    Brand,
    /// A certificate between customers and their brand ends soon.
    Certificate,
    /// No brand can be looked at.
    BrandsUnreadable,
    /// Somebody changed a key that runs code in the browsers of customers.
    Code,
    /// The lease cannot be taken although no holder is known.
    LeaseLost,
    /// The base was lost; what differs waits for a person.
    BaseLost,
    /// The commit that the applied ref names is not trusted as the base; nothing is removed because of it.
    UntrustedBase,
    /// The daemon's file has mistakes; the previous configuration stays active.
    BadConfig,
    /// The daemon's own state is corrupted: a pause, or the history.
    StateSpoilt,
}

/// An alert. It holds as long as it is in [`super::ClusterStatus::alerts`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The kind.
    pub kind: AlertKind,
    /// The account; absent for the template and for what concerns the cluster.
    pub account: Option<AccountName>,
    /// What people know the account by. May contain any character.
    #[serde(default)]
    pub brand: Option<String>,
    /// The message, with what to do. May contain any character.
    pub message: String,
    /// Start time.
    pub since: Timestamp,
}

impl Alert {
    /// Returns whether both are the same alert, whatever their messages and times.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.kind, &self.account) == (other.kind, &other.account)
    }
}

impl AlertKind {
    /// All kinds, in their order.
    pub const ALL: [Self; 19] = [
        Self::BadTree,
        Self::UntrustedCommit,
        Self::SourceUnreadable,
        Self::PlatformUnreadable,
        Self::Approval,
        Self::Stalled,
        Self::Drift,
        Self::Failing,
        Self::Dns,
        Self::DnsUnreadable,
        Self::Brand,
        Self::Certificate,
        Self::BrandsUnreadable,
        Self::Code,
        Self::LeaseLost,
        Self::BaseLost,
        Self::UntrustedBase,
        Self::BadConfig,
        Self::StateSpoilt,
    ];

    /// Returns whether people are told at once: whoever signs in meanwhile may lose their password.
    #[must_use]
    pub fn is_urgent(self) -> bool {
        self == Self::Code
    }

    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadTree => "bad_tree",
            Self::UntrustedCommit => "untrusted_commit",
            Self::SourceUnreadable => "source_unreadable",
            Self::PlatformUnreadable => "platform_unreadable",
            Self::Approval => "approval",
            Self::Stalled => "stalled",
            Self::Drift => "drift",
            Self::Failing => "failing",
            Self::Dns => "dns",
            Self::DnsUnreadable => "dns_unreadable",
            Self::Brand => "brand",
            Self::Certificate => "certificate",
            Self::BrandsUnreadable => "brands_unreadable",
            Self::Code => "code",
            Self::LeaseLost => "lease_lost",
            Self::BaseLost => "base_lost",
            Self::UntrustedBase => "untrusted_base",
            Self::BadConfig => "bad_config",
            Self::StateSpoilt => "state_spoilt",
        }
    }
}
