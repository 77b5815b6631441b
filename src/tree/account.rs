//! The desired state of one account.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diag::{Place, Spanned};
use crate::model::{AccountName, AssetFile, AssetKind, Identity, KeyPath};

/// The desired state of one account.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredAccount {
    /// Account folder name, relative to `accounts/`.
    pub name: AccountName,
    /// Identity of the live account, with the place of its declaration.
    pub identity: Spanned<Identity>,
    /// Every declared key, by path; leaves only.
    pub settings: BTreeMap<KeyPath, Declared<Value>>,
    /// Every declared asset.
    pub assets: BTreeMap<AssetKind, Declared<AssetFile>>,
    /// Place of `whitelabel: null`, if the account must have no whitelabel at all.
    pub absent: Option<Place>,
    /// How the account's DNS is handled.
    pub dns: DnsMode,
    /// Keys and assets that are only set when the whitelabel is created, by their addresses such as
    /// `whitelabel.nav.help`, with everything below them.
    pub ignore: BTreeSet<KeyPath>,
    /// Its labels, which rules of the house see.
    pub labels: BTreeMap<String, String>,
    /// Policy of the account.
    pub policy: AccountPolicy,
}

impl DesiredAccount {
    /// Returns the domain that the tree declares, as it is written there.
    #[must_use]
    pub fn declared_domain(&self) -> Option<&str> {
        let declared = self.settings.get(&KeyPath::from("domain"))?;
        declared.value.as_ref()?.as_str()
    }

    /// Returns whether a key is left alone once the whitelabel exists.
    #[must_use]
    pub fn ignores_setting(&self, path: &KeyPath) -> bool {
        !self.ignore.is_empty() && self.ignores(&KeyPath::parse(&format!("whitelabel.{path}")))
    }

    /// Returns whether an asset is left alone once the whitelabel exists.
    #[must_use]
    pub fn ignores_asset(&self, kind: AssetKind) -> bool {
        self.ignores(&KeyPath::from_segments(["assets", kind.as_str()]))
    }

    fn ignores(&self, address: &KeyPath) -> bool {
        self.ignore.iter().any(|ignored| address.is_within(ignored))
    }
}

/// The policy of one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountPolicy {
    /// Whether undeclared keys are kept or removed.
    pub ownership: Ownership,
    /// Whether the whitelabel may be deleted and recreated, the only way to remove an asset (B18).
    pub recreate: bool,
    /// Whether nothing of the account may be deleted.
    pub protected: bool,
    /// Whether the account is written to.
    pub mode: AccountMode,
}

/// Whether an account is written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountMode {
    /// It is compared, and brought to what the tree declares.
    #[default]
    Manage,
    /// It is compared, and never written to.
    Observe,
}

impl AccountMode {
    /// Returns the value as spelled in the tree.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manage => "manage",
            Self::Observe => "observe",
        }
    }
}

/// The ownership of undeclared keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// They are not managed, and stay as they are.
    #[default]
    Shared,
    /// They are managed: what the tree does not declare is removed.
    Exclusive,
}

impl Ownership {
    /// Returns the value as spelled in the tree.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Exclusive => "exclusive",
        }
    }
}

/// How an account's DNS is handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsMode {
    /// Records are compared.
    #[default]
    Observe,
    /// Records are compared and pushed.
    Manage,
    /// Records are ignored.
    Ignore,
}

impl DnsMode {
    /// Returns the value as spelled in the tree.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Manage => "manage",
            Self::Ignore => "ignore",
        }
    }
}

/// A declared value with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared<T> {
    /// Declared value; `None` stands for `null`, which means that it must be absent.
    pub value: Option<T>,
    /// Place where the winning layer declares it.
    pub place: Place,
}
