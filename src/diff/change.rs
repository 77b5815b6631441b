//! A difference that is visible to users.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{AssetFacts, AssetKind, HostEntry, KeyPath};
use crate::tree::{Origin, Target};

/// One difference: the key, both sides, and the cause (invariant 8: no update without a change).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What differs.
    pub key: ChangeKey,
    /// The live side.
    pub before: Side,
    /// The desired side.
    pub after: Side,
    /// Why they differ.
    pub cause: Cause,
    /// Where the tree declares it; absent when no layer does, as for an undeclared key under exclusive ownership.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl Change {
    /// Returns whether it takes something away and puts nothing in its place.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        self.after == Side::Absent && self.before != Side::Absent
    }
}

/// Identifies what differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKey {
    /// A key of the whitelabel document.
    Setting(KeyPath),
    /// An asset.
    Asset(AssetKind),
    /// A host of the domain template.
    Host(Target),
    /// A record type of the domain template without hosts.
    RecordType(String),
    /// An RRset in the DNS; both sides are lists of strings.
    Records(Target),
    /// The whole whitelabel.
    Whitelabel,
}

/// One side of a difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// It does not exist.
    Absent,
    /// A value of the document.
    Value(Value),
    /// An asset.
    Asset(AssetFacts),
    /// A host of the template.
    Host(HostEntry),
    /// A host of the template that moves from another record type.
    Elsewhere {
        /// Its current record type and host.
        target: Target,
        /// Its current entry.
        entry: HostEntry,
    },
    /// It could not be read.
    Unread,
    /// It exists; the value is not shown.
    Present,
}

/// Which side changed since the last apply.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The tree changed, and the change is not applied yet.
    Git,
    /// The platform was changed by hand.
    Live,
    /// Both sides changed.
    Both,
}

impl Direction {
    /// Returns the machine-readable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Live => "live",
            Self::Both => "both",
        }
    }
}

impl Cause {
    /// Returns which side changed; meaningful only if the base is known.
    #[must_use]
    pub fn direction(self) -> Option<Direction> {
        match self {
            Self::Differs => None,
            Self::Git | Self::Removal => Some(Direction::Git),
            Self::Drift => Some(Direction::Live),
            Self::Conflict => Some(Direction::Both),
        }
    }
}

/// Why live differs from the tree: the rows of the three-way table (design, section 5).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No base is known: the tree and the live side differ.
    Differs,
    /// The tree changed since it was last applied.
    Git,
    /// Somebody changed the live side.
    Drift,
    /// Both changed.
    Conflict,
    /// The tree no longer declares it, or declares that it must be absent.
    Removal,
}
