//! What happened, and how long it took to see and to mend.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Intervention;
use crate::diff::ChangeKey;
use crate::model::AccountName;

/// What happened, the newest last; as much as the daemon keeps in memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The incidents, in the order in which they were detected.
    pub incidents: Vec<Incident>,
    /// What people asked for, in the order in which they did.
    #[serde(default)]
    pub interventions: Vec<Intervention>,
}

/// What kind of thing happened.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A change of the tree that the platform did not have.
    Change,
    /// Somebody changed the platform by hand.
    Drift,
    /// The tree has errors, or its commit must not be trusted; the last good one stays in force.
    BadTree,
    /// The platform could not be read.
    Outage,
    /// DNS differed from the template.
    Dns,
}

/// One thing that happened to one object, or to the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number, from 1; it only grows, also over restarts.
    pub id: u64,
    /// What kind of thing.
    pub finding: Finding,
    /// The account; absent for the template and for what concerns the cluster.
    pub account: Option<AccountName>,
    /// Which keys differed.
    pub keys: Vec<ChangeKey>,
    /// What happened, in words. It may hold any character.
    pub message: String,
    /// The commit that was in force.
    pub commit: Option<String>,
    /// When it may have begun: when the object was last seen as it should be, or the commit was made.
    pub begun: Option<Timestamp>,
    /// When it was detected.
    pub detected: Timestamp,
    /// When it was seen to be over; absent while it goes on.
    pub repaired: Option<Timestamp>,
    /// How it ended, in words, such as that it was applied, or changed back by hand.
    pub end: Option<String>,
}

impl Incident {
    /// Returns how long it can have gone on unseen, at most.
    #[must_use]
    pub fn time_to_detect(&self) -> Option<SignedDuration> {
        Some(self.detected.duration_since(self.begun?))
    }

    /// Returns how long it took from its detection to its end.
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
        }
    }
}
