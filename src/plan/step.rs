//! The parts of a plan.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Unknown;
use crate::diff::Change;
use crate::dns::push::SetChange;
use crate::model::{
    AccountId, AccountName, AssetFacts, AssetKind, ClusterName, Digest, DomainTemplate, KeyPath,
    Object, ObjectName, RecordName, Revision, Shard,
};
use crate::tree::Selection;

/// The version of the plan format; raised when the meaning of a field changes. Since version 2, a file contains its
/// digest, and a plan what could not be read.
pub const FORMAT_VERSION: u32 = 2;

/// Everything that `apply` will do, with no decisions left open.
///
/// A plan contains no secrets: undeclared values of the live document are not included, but merged from a new read
/// whose revision must match the precondition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The format version, see [`FORMAT_VERSION`].
    pub version: u32,
    /// The cluster that the plan is for.
    pub cluster: ClusterName,
    /// The digest of the desired state.
    pub tree: Digest,
    /// The commit that the desired state was read from, if any; the assets of a saved plan are read from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The last applied commit when the plan was made, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What the tree no longer declares and stays as it is, in the form of `--forget`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<String>,
    /// The accounts that the plan covers.
    #[serde(default)]
    pub scope: Scope,
    /// The steps, in a valid order of execution.
    pub steps: Vec<Step>,
    /// What a guard refused.
    pub refusals: Vec<Refusal>,
    /// What could not be checked.
    #[serde(default, skip_serializing_if = "Unknown::is_empty")]
    pub unknown: Unknown,
}

/// The accounts that a plan covers, as the basis of percentages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The number of accounts of the tree that are covered.
    pub accounts: u32,
    /// The number of covered accounts whose whitelabel could not be read.
    pub unreadable: u32,
    /// Whether nothing is removed, whatever the tree no longer declares.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_remove: bool,
    /// Whether records of managed accounts were not checked, or could not be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub records_unread: bool,
    /// The number of accounts of the tree that are not covered.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: u32,
    /// The number of accounts in the plan that the tree no longer declares.
    #[serde(default, skip_serializing_if = "is_none")]
    pub departed: u32,
    /// The selection of accounts, unless the whole tree is covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// The commit since which the covered accounts changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The shard of the plan, if other plans cover the rest of the tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardScope>,
}

/// What a shard's plan knows about the other shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardScope {
    /// The shard.
    pub shard: Shard,
    /// The number of accounts that all shards cover together.
    pub accounts: u32,
}

impl Scope {
    /// Returns the number of accounts in the tree.
    #[must_use]
    pub fn whole(&self) -> u32 {
        self.accounts.saturating_add(self.left_out)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// The number of a step in its plan, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u32);

/// One write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The number of the step.
    pub id: StepId,
    /// The object that it writes to.
    pub subject: Subject,
    /// The action.
    pub action: Action,
    /// The changes, field by field; never empty.
    pub changes: Vec<Change>,
    /// The required live state right before the step.
    pub precondition: Precondition,
    /// The risk.
    pub risk: Risk,
    /// The steps that must have succeeded before.
    pub after: Vec<StepId>,
    /// Notes, such as that a welcome page will be restored.
    pub notes: Vec<String>,
}

/// The object that a step writes to.
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
    /// A DNS zone, at its primary server.
    Zone(RecordName),
}

impl Step {
    /// Returns the objects of the tree that the step is for; a step on a zone is for the accounts that need its records.
    #[must_use]
    pub fn objects(&self) -> BTreeSet<ObjectName> {
        match (&self.subject, &self.action) {
            (Subject::Zone(_), Action::Records { sets }) => {
                let accounts = sets.iter().flat_map(|set| &set.accounts);
                accounts.map(ObjectName::from).collect()
            }
            (Subject::Zone(_), _) => BTreeSet::new(),
            (subject, _) => [subject.name()].into(),
        }
    }
}

impl Action {
    /// Returns for how many seconds resolvers may give old records after the step; `None` where it replaces none.
    #[must_use]
    pub fn outlived(&self) -> Option<u32> {
        match self {
            Self::Records { sets } => sets.iter().filter_map(|set| set.change.outlived()).max(),
            Self::Create { .. }
            | Self::Update { .. }
            | Self::Release { .. }
            | Self::Upload { .. }
            | Self::Recreate { .. }
            | Self::Delete
            | Self::ReplaceTemplate { .. } => None,
        }
    }
}

impl Subject {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> ObjectName {
        match self {
            Self::Account { name, .. } => ObjectName::Account(name.clone()),
            Self::Template => ObjectName::Template,
            Self::Zone(zone) => ObjectName::Zone(zone.clone()),
        }
    }

    /// Returns the display name.
    #[must_use]
    pub fn title(&self) -> &str {
        match self {
            Self::Account { name, .. } => name.as_str(),
            Self::Template => "domain template",
            Self::Zone(zone) => zone.as_str(),
        }
    }
}

/// The action of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Creates the whitelabel of an account (W3).
    Create {
        /// The whole document.
        settings: Object,
    },
    /// Changes keys of a document; all others stay unchanged (W8).
    Update {
        /// The keys to set, with their new values.
        set: BTreeMap<KeyPath, Value>,
        /// The keys to remove.
        remove: Vec<KeyPath>,
    },
    /// Releases a domain by moving the document to a parked name (W22, W23).
    Release {
        /// The parked name.
        parked: String,
    },
    /// Uploads an asset; the document's other assets are preserved.
    Upload {
        /// The kind of asset.
        asset: AssetKind,
        /// The path of the file, relative to the tree root.
        path: Utf8PathBuf,
        /// Facts about its bytes.
        facts: AssetFacts,
    },
    /// Deletes the whitelabel, creates it again and uploads the remaining assets: the only way to remove an asset
    /// (B18).
    Recreate {
        /// The assets to remove.
        without: Vec<AssetKind>,
    },
    /// Deletes the whitelabel with its assets (W7).
    Delete,
    /// Replaces the whole template (D7).
    ReplaceTemplate {
        /// The new template, including undeclared hosts of the old one.
        template: DomainTemplate,
    },
    /// Changes RRsets of one zone atomically, in one message.
    Records {
        /// The RRsets, sorted by name and type; never empty.
        sets: Vec<PlannedSet>,
    },
}

impl Action {
    /// Describes the action in a few words, such as `upload logo`.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Create { .. } => "create".to_owned(),
            Self::Update { .. } => "update".to_owned(),
            Self::Release { .. } => "release domain".to_owned(),
            Self::Upload { asset, .. } => format!("upload {asset}"),
            Self::Recreate { without } => {
                let without: Vec<&str> = without.iter().map(|kind| kind.as_str()).collect();
                format!("recreate without {}", without.join(", "))
            }
            Self::Delete => "delete".to_owned(),
            Self::ReplaceTemplate { .. } => "replace template".to_owned(),
            Self::Records { .. } => "change records".to_owned(),
        }
    }
}

/// A planned change of an RRset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSet {
    /// The records before and after.
    #[serde(flatten)]
    pub change: SetChange,
    /// The accounts whose domains need it, or needed it.
    pub accounts: BTreeSet<AccountName>,
}

/// The required live state right before a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precondition {
    /// The document has this revision.
    Revision(Revision),
    /// The account has no whitelabel.
    NoWhitelabel,
    /// The document is unchanged since this step.
    AsLeftBy(StepId),
    /// The raw template has this digest.
    Template(Digest),
    /// The server cannot serve the template, so it cannot be read (observed 7).
    UnservableTemplate,
    /// The RRsets at the primary server have this digest.
    Records(Digest),
}

/// The risk of a step.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// It is not visible to customers, and can be undone.
    Reversible,
    /// It is visible to customers, but can be undone.
    CustomerVisible,
    /// It cannot be undone without a snapshot.
    Destructive,
    /// It changes what runs in the browsers of customers, or where they sign in.
    Executes,
}

/// What a guard refused to plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// The guard.
    pub kind: RefusalKind,
    /// The object that is refused; absent when the whole run is refused.
    pub subject: Option<Subject>,
    /// The reason, with the actual number and the limit.
    pub message: String,
    /// How to allow exactly this change.
    pub help: String,
}

/// The kind of a refusal.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// A deletion without `--prune`.
    Prune,
    /// A removal that policy says to ask for.
    Remove,
    /// An asset removal without `recreate: allowed`.
    Recreate,
    /// A deletion of something protected.
    Protected,
    /// A template that the server could not serve.
    UnservableTemplate,
    /// A replacement of a live template that the server cannot serve and that was not read.
    RepairTemplate,
    /// DNS records that cannot or must not be written.
    UnwritableRecords,
    /// A domain that another account holds.
    DomainHeld,
    /// A tree without accounts.
    EmptyTree,
    /// A change of a protected account.
    ProtectedAccount,
    /// A change of a protected key.
    ProtectedKey,
    /// A change of what runs in the browsers of customers.
    Executes,
    /// More deletions than allowed in one run.
    TooManyDeletions,
    /// Changes on more accounts than allowed in one run.
    TooManyChanges,
    /// More unreadable accounts than allowed.
    Unreadable,
    /// A time window in which nothing is written.
    Freeze,
    /// A creation that costs money.
    Billing,
    /// A restore that would overwrite later changes.
    MovedSince,
    /// A change that does not meet a rule of the house.
    Rule,
}
