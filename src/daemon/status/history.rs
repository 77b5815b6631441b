//! The history: incidents with the times to detect and to repair them, and interventions.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Intervention;
use crate::diff::ChangeKey;
use crate::model::AccountName;

/// The history, the newest entries last; as much as the daemon keeps in memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The incidents, in the order in which they were detected.
    pub incidents: Vec<Incident>,
    /// The interventions, in the order in which they were requested.
    #[serde(default)]
    pub interventions: Vec<Intervention>,
    /// The number of the last intervention of an earlier process.
    #[serde(default)]
    pub inherited: u64,
}

/// The kind of an incident.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A change of the tree that the platform did not have.
    Change,
    /// A manual change on the platform.
    Drift,
    /// The tree has errors, or its commit is not trusted; the last good one is reconciled.
    BadTree,
    /// The platform could not be read.
    Outage,
    /// DNS differed from the template.
    Dns,
    /// Customers did not see the declared brand.
    Brand,
}

/// An incident of one object, or of the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number, from 1; it keeps growing across restarts.
    pub id: u64,
    /// The kind.
    pub finding: Finding,
    /// The account; absent for the template and for what concerns the cluster.
    pub account: Option<AccountName>,
    /// The keys that differed.
    pub keys: Vec<ChangeKey>,
    /// What happened, in words. May contain any character.
    pub message: String,
    /// The commit of the source revision.
    pub commit: Option<String>,
    /// The earliest time at which it can have started: when the object was last seen in sync, or when the commit was
    /// made.
    pub begun: Option<Timestamp>,
    /// When it was detected.
    pub detected: Timestamp,
    /// When it was seen to be over; absent while it is open.
    pub repaired: Option<Timestamp>,
    /// How it ended, in words, such as applied, or changed back by hand.
    pub end: Option<String>,
}

impl Incident {
    /// Returns the longest time for which it can have gone undetected.
    #[must_use]
    pub fn time_to_detect(&self) -> Option<SignedDuration> {
        Some(self.detected.duration_since(self.begun?))
    }

    /// Returns the time from its detection to its end.
    #[must_use]
    pub fn time_to_repair(&self) -> Option<SignedDuration> {
        Some(self.repaired?.duration_since(self.detected))
    }
}

impl Finding {
    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Drift => "drift",
            Self::BadTree => "bad_tree",
            Self::Outage => "outage",
            Self::Dns => "dns",
            Self::Brand => "brand",
        }
    }
}
