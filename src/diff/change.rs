//! One difference that a person can see.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{AssetFacts, AssetKind, HostEntry, KeyPath};
use crate::tree::{Origin, Target};

/// One difference: what, from what, to what, and why (invariant 8: no update without one of these).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What differs.
    pub key: ChangeKey,
    /// The live side.
    pub before: Side,
    /// The side that the tree wants.
    pub after: Side,
    /// Why they differ.
    pub cause: Cause,
    /// Where the tree declares it; absent for what no layer declares, such as an undeclared key
    /// under exclusive ownership.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Names what differs.
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
    /// A set of records in the DNS; both sides are lists of texts.
    Records(Target),
    /// The whole whitelabel.
    Whitelabel,
}

/// One side of a difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// It is not there.
    Absent,
    /// A value of the document.
    Value(Value),
    /// An asset.
    Asset(AssetFacts),
    /// A host of the template.
    Host(HostEntry),
    /// A host of the template that stands below another record type, from which it moves.
    Elsewhere {
        /// Where it stands.
        target: Target,
        /// What stands there.
        entry: HostEntry,
    },
    /// Whatever is there, it could not be read.
    Unread,
    /// It is there; there is no more to say about it.
    Present,
}

/// Which side moved since the tree was applied last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The tree: the change is not applied yet.
    Git,
    /// The platform: somebody changed it by hand.
    Live,
    /// Both.
    Both,
}

impl Direction {
    /// Returns the word for machines.
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
    /// Tells which side moved; meaningful only where the tree that was applied last is known.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
