//! What the tree wants, for one cluster, after all layers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Layer, Policy, PushSettings, Selection, SharedAccount, WatchSettings};
use crate::diag::{Diagnostics, Place, SourceMap, Spanned};
use crate::model::{
    AccountName, AssetFile, AssetKind, ClusterName, HostEntry, Identity, KeyPath, MISSPELT_CNAME,
    Network, RecordType,
};

/// What a loader gives: the desired state as far as it could be read, and what is wrong.
#[derive(Debug)]
pub struct Loaded {
    /// The desired state; to be acted upon only when no diagnostic is an error.
    pub desired: Desired,
    /// Every mistake, sorted by file and place.
    pub diagnostics: Diagnostics,
    /// The texts of all files that were read; a secret that stood in one is blotted out.
    pub sources: SourceMap,
    /// The layers of every account of the tree, lowest first, also of accounts that the cluster does
    /// not have; [`super::explain`] reads them.
    pub layers: BTreeMap<AccountName, Arc<[Arc<Layer>]>>,
    /// The asset files that brands declare, also brands that nobody extends; when not all of the tree was looked at, those
    /// of the brands that were.
    pub brand_assets: BTreeSet<Utf8PathBuf>,
    /// How DNS is observed.
    pub dns: DnsSettings,
    /// What the daemon may do by itself.
    pub watch: WatchSettings,
    /// The accounts that were looked at; absent when all of the tree were.
    pub selection: Option<Selection>,
    /// How many accounts were not.
    pub left_out: usize,
    /// The keys that `extra_keys` lets in beside the known ones.
    pub extra_keys: Vec<String>,
}

/// How DNS is observed and pushed, from `dns` in `emblazon.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsSettings {
    /// The recursive resolvers to ask; the system's own when empty.
    pub resolvers: Vec<Spanned<SocketAddr>>,
    /// Where the records of accounts with `dns: manage` are pushed to.
    pub push: Option<PushSettings>,
    /// The servers to ask instead of those that a zone names, for hidden primaries and split horizons.
    pub servers: Vec<Spanned<SocketAddr>>,
    /// The port of the servers that zones name; 53 when absent.
    pub port: Option<u16>,
    /// The networks that are not public and whose servers may be asked all the same, when a zone names them.
    pub networks: Vec<Network>,
}

/// The desired state of one cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Where and how to reach the cluster.
    pub cluster: ClusterConfig,
    /// The accounts, sorted by name. What two trees have in common they share.
    pub accounts: Vec<SharedAccount>,
    /// The domain template; absent when `domains.yaml` is.
    pub template: Option<DesiredTemplate>,
    /// The guards that hold for the whole run.
    pub policy: Policy,
}

/// How to reach one cluster, from `emblazon.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfig {
    /// Its name.
    pub name: ClusterName,
    /// The base URL of its API, up to and without `/v2`; absent in a tree that is only for the sandbox.
    pub api: Option<Spanned<String>>,
    /// The account below which everything lies; the token's own account when absent.
    pub root: Option<Identity>,
    /// Hosts other than loopback that may be reached by `http://`.
    pub allow_plain_http: bool,
    /// A PEM file with further certificate authorities, from the tree's top.
    pub ca_file: Option<Utf8PathBuf>,
    /// How to log in.
    pub auth: AuthConfig,
}

impl ClusterConfig {
    /// Tells whether a URL that somebody names leads to this cluster's own platform: it is the declared one, or none is.
    #[must_use]
    pub fn is_at(&self, api: &str) -> bool {
        let plain = |url: &str| url.trim_end_matches('/').to_ascii_lowercase();
        (self.api.as_ref()).is_none_or(|declared| plain(&declared.value) == plain(api))
    }
}

/// How to log in: exactly one of the three ways. No secret stands in the tree itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuthConfig {
    /// Nothing declared: `EMBLAZON_API_KEY`, else `EMBLAZON_TOKEN`, from the environment.
    #[default]
    Environment,
    /// `api_auth` with an API key (A2).
    ApiKey(SecretSource),
    /// A token that somebody else got.
    Token(SecretSource),
    /// `user_auth` with a user's credentials (A3).
    User {
        /// The user's name.
        user: String,
        /// The password.
        password: SecretSource,
        /// The account that the user belongs to.
        account: UserAccount,
    },
}

/// Names a user's account for `user_auth` (A3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserAccount {
    /// By the account's name.
    Name(String),
    /// By its realm.
    Realm(String),
    /// By one of its phone numbers.
    PhoneNumber(String),
}

/// Says where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In an environment variable.
    Environment(String),
    /// In a file that only its owner may read, from the tree's top or absolute.
    File(Utf8PathBuf),
    /// On the first line that a command prints; program and arguments, no shell.
    Command(Vec<String>),
}

/// The desired state of one account.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredAccount {
    /// Its folder below `accounts/`.
    pub name: AccountName,
    /// Which live account it is, and where that stands.
    pub identity: Spanned<Identity>,
    /// Every declared key, by path; leaves only.
    pub settings: BTreeMap<KeyPath, Declared<Value>>,
    /// Every declared asset.
    pub assets: BTreeMap<AssetKind, Declared<AssetFile>>,
    /// Where `whitelabel: null` stands, when the account must have no whitelabel at all.
    pub absent: Option<Place>,
    /// What happens to its DNS.
    pub dns: DnsMode,
    /// What further holds for it.
    pub policy: AccountPolicy,
}

/// What holds for one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountPolicy {
    /// Whether undeclared keys are kept or removed.
    pub ownership: Ownership,
    /// Whether the whitelabel may be deleted and recreated, the only way to remove an asset (B18).
    pub recreate: bool,
    /// Whether nothing of it may be deleted.
    pub protected: bool,
}

/// Whose the undeclared keys are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// Not ours: they stay as they are.
    #[default]
    Shared,
    /// Ours: what the tree does not declare is removed.
    Exclusive,
}

impl Ownership {
    /// Returns the word in the tree.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Exclusive => "exclusive",
        }
    }
}

/// What happens to an account's DNS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsMode {
    /// It is compared.
    #[default]
    Observe,
    /// It is compared and pushed.
    Manage,
    /// It is left alone.
    Ignore,
}

impl DnsMode {
    /// Returns the word in the tree.
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
    /// The value; `None` was declared by `null`: it must not be there.
    pub value: Option<T>,
    /// Where the winning layer declares it.
    pub place: Place,
}

/// The desired domain template.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredTemplate {
    /// Record type → host → entry; `None` must not be there.
    pub hosts: BTreeMap<Target, Declared<HostEntry>>,
    /// Record types that are declared, also those without hosts.
    pub types: BTreeSet<String>,
    /// Whether undeclared hosts are kept or removed.
    pub ownership: Ownership,
}

/// Names one host of the template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The record type, as the template spells it.
    pub record_type: String,
    /// The host, with its placeholder.
    pub host: String,
}

impl Target {
    /// Names the same host below the other spelling of CNAME; of another type, itself.
    #[must_use]
    pub fn other_spelling(&self) -> Self {
        let cname = RecordType::Cname.as_str();
        let record_type = match self.record_type.as_str() {
            MISSPELT_CNAME => cname,
            name if name == cname => MISSPELT_CNAME,
            name => name,
        };
        Self {
            record_type: record_type.to_owned(),
            host: self.host.clone(),
        }
    }
}

/// A place for people and machines that have no source map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The path from the tree's top.
    pub file: Utf8PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Origin {
    /// Looks a place up.
    #[must_use]
    pub fn of(place: Place, sources: &SourceMap) -> Self {
        let position = sources.position(place);
        Self {
            file: sources.path(place).to_owned(),
            line: position.line,
            column: position.column,
        }
    }
}

/// As editors and terminals jump to it. The path may hold any character.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Desired {
    /// Returns an account by its name in the tree.
    #[must_use]
    pub fn account(&self, name: &AccountName) -> Option<&SharedAccount> {
        self.accounts.get(self.index_of(name)?)
    }

    /// Returns the same to be changed, or to be put in the place of another.
    pub fn account_mut(&mut self, name: &AccountName) -> Option<&mut SharedAccount> {
        let index = self.index_of(name)?;
        self.accounts.get_mut(index)
    }

    fn index_of(&self, name: &AccountName) -> Option<usize> {
        let found = (self.accounts).binary_search_by(|account| account.name.cmp(name));
        found.ok()
    }
}
