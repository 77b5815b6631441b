//! A layer: what one place in the tree declares about accounts, as a flat map of addresses.

use std::fmt;

use camino::Utf8PathBuf;
use serde_json::Value;

use super::layout::{ACCOUNT_FILE, ACCOUNTS, CONFIG_PATH};
use super::{AccountMode, Declared, DnsMode, Ownership};
use crate::diag::Spanned;
use crate::model::{AccountName, AssetFacts, AssetKind, ClusterName, KeyPath};

/// The declarations of one layer.
///
/// An address is the path of a key in the file, such as `whitelabel.nav.help`, `assets.logo` or `dns`. Only leaves are
/// stored, so no address is within another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Name of the layer.
    pub name: LayerName,
    /// Declarations, sorted by address; a slice instead of a map, because every account has a short layer of its own.
    pub entries: Box<[(KeyPath, Declared<Item>)]>,
    /// Addresses that no later layer may change.
    pub locks: Vec<Spanned<KeyPath>>,
}

impl Layer {
    /// Lists the declared asset files, as paths relative to the root of the tree.
    pub fn assets(&self) -> impl Iterator<Item = &Utf8PathBuf> {
        let declared = self.entries.iter().map(|(_, declared)| declared);
        declared.filter_map(|declared| match &declared.value {
            Some(Item::Asset { path, .. }) => Some(path),
            _ => None,
        })
    }
}

/// The name of a layer; lower layers sort first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerName {
    /// `defaults` in `emblazon.yaml`.
    Defaults,
    /// `brands/NAME.yaml`.
    Brand(String),
    /// The account's own file.
    Account,
    /// `overrides` of a cluster, in the account's file.
    Override(ClusterName),
}

impl LayerName {
    /// Returns the file that contains the layer, for an account that is built from it.
    #[must_use]
    pub fn file(&self, account: &AccountName) -> Utf8PathBuf {
        match self {
            Self::Defaults => CONFIG_PATH.into(),
            Self::Brand(name) => format!("brands/{name}.yaml").into(),
            Self::Account | Self::Override(_) => {
                format!("{ACCOUNTS}/{account}/{ACCOUNT_FILE}").into()
            }
        }
    }

    /// Returns the name of the brand, if the layer is one.
    #[must_use]
    pub fn brand(&self) -> Option<&str> {
        match self {
            Self::Brand(name) => Some(name),
            Self::Defaults | Self::Account | Self::Override(_) => None,
        }
    }
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defaults => f.write_str("defaults"),
            Self::Brand(name) => write!(f, "brand {name}"),
            Self::Account => f.write_str("account"),
            Self::Override(cluster) => write!(f, "overrides.{cluster}"),
        }
    }
}

/// The declared value at one address.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A key of the whitelabel document.
    Setting(Value),
    /// An asset.
    Asset {
        /// Kind of the asset.
        kind: AssetKind,
        /// Path relative to the root of the tree.
        path: Utf8PathBuf,
        /// Metadata of the file; absent until it is read, or if it cannot be read.
        facts: Option<AssetFacts>,
    },
    /// How DNS is handled.
    Dns(DnsMode),
    /// Ownership of undeclared keys.
    Ownership(Ownership),
    /// Whether the whitelabel may be deleted and recreated.
    Recreate(bool),
    /// Whether nothing may be deleted.
    Protected(bool),
    /// Whether the account is written to.
    Mode(AccountMode),
    /// The value of a label.
    Label(String),
    /// The addresses that are left alone once the whitelabel exists, with their places.
    Ignore(Vec<Spanned<KeyPath>>),
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(value) => value.fmt(f),
            Self::Asset { path, .. } => path.fmt(f),
            Self::Dns(mode) => f.write_str(mode.as_str()),
            Self::Ownership(ownership) => f.write_str(ownership.as_str()),
            Self::Recreate(true) => f.write_str("allowed"),
            Self::Recreate(false) => f.write_str("refused"),
            Self::Protected(protected) => protected.fmt(f),
            Self::Mode(mode) => f.write_str(mode.as_str()),
            Self::Label(value) => f.write_str(value),
            Self::Ignore(addresses) => {
                let names: Vec<&str> = addresses.iter().map(|it| it.value.as_str()).collect();
                write!(f, "[{}]", names.join(", "))
            }
        }
    }
}
