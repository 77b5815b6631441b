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
    /// It is there; there is no more to say about it.
    Present,
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
