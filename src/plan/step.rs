//! What a plan is made of.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Unknown;
use crate::diff::Change;
use crate::dns::push::SetChange;
use crate::model::{
    AccountId, AccountName, AssetFacts, AssetKind, ClusterName, Digest, DomainTemplate, KeyPath,
    Object, RecordName, Revision, Shard,
};
use crate::tree::Selection;

/// The version of the plan's format; raised when a field changes its meaning. From 2 on a file carries its digest, and what
/// could not be read.
pub const FORMAT_VERSION: u32 = 2;

/// Everything that `apply` will do, and nothing that it must decide.
///
/// It holds no secret: undeclared values of the live document are not in it; they are merged in
/// from a fresh read whose revision the precondition names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`FORMAT_VERSION`].
    pub version: u32,
    /// The cluster that it is for.
    pub cluster: ClusterName,
    /// The digest of the desired state that it leads to.
    pub tree: Digest,
    /// The commit that the desired state was read from, when it was one: where a saved plan's assets are found again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The commit that had been applied last when it was made, when that was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What the tree stopped declaring and was to be left as it is, as `--forget` names it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<String>,
    /// How much was looked at.
    #[serde(default)]
    pub scope: Scope,
    /// The steps, in an order in which they may be carried out one by one.
    pub steps: Vec<Step>,
    /// What a guard refused.
    pub refusals: Vec<Refusal>,
    /// What could not be checked.
    #[serde(default, skip_serializing_if = "Unknown::is_empty")]
    pub unknown: Unknown,
}

/// How much a plan looked at: what shares are shares of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The accounts of the tree that were looked at.
    pub accounts: u32,
    /// Those of them whose whitelabel could not be read.
    pub unreadable: u32,
    /// Whether records of managed accounts were not looked at, or could not be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub records_unread: bool,
    /// The accounts of the tree that were not looked at.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: u32,
    /// The accounts that were looked at, when not all of the tree's were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// The commit since which a change touched them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The part of the tree's accounts that it is for, when others are for the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardScope>,
}

/// What a plan knows of the others that are for the rest of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardScope {
    /// Which part it is for.
    pub shard: Shard,
    /// How many accounts all of them look at together.
    pub accounts: u32,
}

impl Scope {
    /// Returns how many accounts the tree has.
    #[must_use]
    pub fn whole(&self) -> u32 {
        self.accounts.saturating_add(self.left_out)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// Numbers a step inside its plan, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u32);

/// One write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// What it writes to.
    pub subject: Subject,
    /// What it does.
    pub action: Action,
    /// What that changes, field by field; never empty.
    pub changes: Vec<Change>,
    /// What must be true of the live side right before.
    pub precondition: Precondition,
    /// How much it can hurt.
    pub risk: Risk,
    /// Steps that must have succeeded before.
    pub after: Vec<StepId>,
    /// What a reader should know, such as that a welcome page will be put back.
    pub notes: Vec<String>,
}

/// What a step writes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The whitelabel of an account.
    Account {
        /// Its name in the tree.
        name: AccountName,
        /// Its id on the cluster.
        id: AccountId,
    },
    /// The system's domain template.
    Template,
    /// A zone of the DNS, at its primary.
    Zone(RecordName),
}

impl Subject {
    /// Returns what people call it.
    #[must_use]
    pub fn title(&self) -> &str {
        match self {
            Self::Account { name, .. } => name.as_str(),
            Self::Template => "domain template",
            Self::Zone(zone) => zone.as_str(),
        }
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Gives an account without a whitelabel one (W3).
    Create {
        /// The whole document.
        settings: Object,
    },
    /// Changes keys of a document; all others stay (W8).
    Update {
        /// Keys and the values that they get.
        set: BTreeMap<KeyPath, Value>,
        /// Keys that are taken away.
        remove: Vec<KeyPath>,
    },
    /// Releases a domain by moving the document to a parked name (W22, W23).
    Release {
        /// The parked name.
        parked: String,
    },
    /// Puts an asset up; the document's other assets survive it.
    Upload {
        /// Which asset.
        asset: AssetKind,
        /// The file, from the tree's top.
        path: Utf8PathBuf,
        /// What its bytes are.
        facts: AssetFacts,
    },
    /// Deletes the whitelabel, creates it again and puts the remaining assets up: the only way to
    /// remove an asset (B18).
    Recreate {
        /// The assets that are left out.
        without: Vec<AssetKind>,
    },
    /// Deletes the whitelabel with its assets (W7).
    Delete,
    /// Replaces the whole template (D7).
    ReplaceTemplate {
        /// The new template, undeclared hosts of the old one included.
        template: DomainTemplate,
    },
    /// Changes sets of records in one zone, all of them or none, in one message.
    Records {
        /// The sets, sorted by name and type; never empty.
        sets: Vec<PlannedSet>,
    },
}

/// One set of records, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSet {
    /// The records before and after.
    #[serde(flatten)]
    pub change: SetChange,
    /// The accounts whose domains need it, or needed it.
    pub accounts: BTreeSet<AccountName>,
}

/// What must be true of the live side right before a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precondition {
    /// The document has this revision.
    Revision(Revision),
    /// The account has no whitelabel.
    NoWhitelabel,
    /// The document is as this step left it.
    AsLeftBy(StepId),
    /// The raw template has this digest.
    Template(Digest),
    /// The server cannot serve the template, so that nobody can read what is stored (observed 7).
    UnservableTemplate,
    /// The sets of records, as they stand at the primary, have this digest.
    Records(Digest),
}

/// How much a step can hurt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nobody outside sees it, and it can be undone.
    Reversible,
    /// Customers see it; it can be undone.
    CustomerVisible,
    /// It cannot be undone without a snapshot.
    Destructive,
}

/// What a guard refused to plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which guard.
    pub kind: RefusalKind,
    /// What it would have written to; absent when the whole run is refused.
    pub subject: Option<Subject>,
    /// Why, with the figure and the limit.
    pub message: String,
    /// The narrow way to allow this one.
    pub help: String,
}

/// Names a guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// A deletion without `--prune`.
    Prune,
    /// An asset removal without `recreate: allowed`.
    Recreate,
    /// A deletion of something protected.
    Protected,
    /// A template that the server could not serve.
    UnservableTemplate,
    /// A live template that the server cannot serve, and that would be replaced without having been read.
    RepairTemplate,
    /// Records that cannot or must not be written.
    UnwritableRecords,
    /// A domain that an account outside the tree holds.
    DomainHeld,
    /// A tree without accounts.
    EmptyTree,
    /// A change of an account that no run changes.
    ProtectedAccount,
    /// A change of a key that no run changes.
    ProtectedKey,
    /// More deletions than one run may make.
    TooManyDeletions,
    /// Changes on more accounts than one run may change.
    TooManyChanges,
    /// More accounts that could not be read than may be.
    Unreadable,
    /// A time in which nothing is written.
    Freeze,
    /// A creation that costs money.
    Billing,
    /// A way back over what somebody changed in between.
    MovedSince,
}
