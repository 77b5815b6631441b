//! The desired state of one cluster, after merging all layers.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use url::Url;

use super::digest::Text;
use super::{Declared, Ownership, Policy, SharedAccount};
use crate::diag::Spanned;
use crate::model::{
    AccountName, ClusterName, Digest, DigestWriter, HostEntry, Identity, MISSPELT_CNAME,
    ObjectName, RecordType,
};

/// The desired state of one cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Where and how to reach the cluster.
    pub cluster: ClusterConfig,
    /// Accounts, sorted by name. Two trees share the accounts that they have in common.
    pub accounts: Vec<SharedAccount>,
    /// Domain template; absent without `domains.yaml`.
    pub template: Option<DesiredTemplate>,
    /// Guards that apply to the whole run.
    pub policy: Policy,
}

/// How to reach one cluster, from `emblazon.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfig {
    /// Name of the cluster, as declared in `emblazon.yaml`.
    pub name: ClusterName,
    /// Base URL of the API, without `/v2`; absent in a tree that is only for the sandbox.
    pub api: Option<Spanned<String>>,
    /// Root of the account hierarchy; the token's own account when absent.
    pub root: Option<Identity>,
    /// Whether hosts other than loopback may be reached over `http://`.
    pub allow_plain_http: bool,
    /// PEM file with additional certificate authorities, relative to the root of the tree.
    pub ca_file: Option<Utf8PathBuf>,
    /// The user interface that customers open, when it is not Monster UI.
    pub ui: Option<DeclaredUi>,
    /// How to log in, for everything that no key of a reseller is for.
    pub auth: AuthConfig,
    /// The keys for the accounts of resellers; without any, one credential writes everything.
    pub keys: Vec<ResellerKey>,
}

/// A credential that writes the accounts of one reseller, and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResellerKey {
    /// The reseller's account: the credential is for it and for the accounts below it on the platform.
    pub below: Identity,
    /// The folders below `accounts/` that are the reseller's, by name or by a beginning with `*`; when empty, any folder
    /// may declare one of its accounts.
    pub folders: Vec<String>,
    /// How to log in.
    pub auth: AuthConfig,
}

impl ResellerKey {
    /// Returns whether a folder is one of the reseller's.
    #[must_use]
    pub fn has_folder(&self, name: &AccountName) -> bool {
        let fits = |folder: &String| match folder.strip_suffix('*') {
            Some(start) => name.as_str().starts_with(start),
            None => name.as_str() == folder,
        };
        self.folders.iter().any(fits)
    }
}

impl ClusterConfig {
    /// Returns whether a URL leads to this cluster's own platform: it is the declared one, or none is declared.
    #[must_use]
    pub fn is_at(&self, api: &str) -> bool {
        let declared = self.api.as_ref();
        declared.is_none_or(|declared| is_same_place(&declared.value, api))
    }
}

/// Returns whether two base URLs are of the same place, however they spell it: case, default port, dot at the end of the
/// host, slash at the end of the path.
fn is_same_place(one: &str, other: &str) -> bool {
    let place = |url: &str| {
        let url = Url::parse(url).ok()?;
        let host = url.host_str()?.trim_end_matches('.').to_owned();
        let path = url.path().trim_end_matches('/').to_owned();
        let port = url.port_or_known_default();
        Some((url.scheme().to_owned(), host, port, path))
    };
    match (place(one), place(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// A user interface that is not Monster UI, as a probe knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredUi {
    /// A text that its page contains.
    pub text: Spanned<String>,
    /// Base URL of the API that it asks, without `/v2`; that of the cluster when absent.
    pub api: Option<Spanned<String>>,
}

/// How to log in, by exactly one of three ways. The tree itself contains no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuthConfig {
    /// Nothing declared: `EMBLAZON_API_KEY`, else `EMBLAZON_TOKEN`, from the environment.
    #[default]
    Environment,
    /// `api_auth` with an API key (A2).
    ApiKey(SecretSource),
    /// A token that was obtained elsewhere.
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

/// How a user's account is identified for `user_auth` (A3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserAccount {
    /// By the account's name.
    Name(String),
    /// By its realm.
    Realm(String),
    /// By one of its phone numbers.
    PhoneNumber(String),
}

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In an environment variable.
    Environment(String),
    /// In a file that only its owner may read; the path is absolute, or relative to the root of the tree.
    File(Utf8PathBuf),
    /// On the first line that a command prints; program and arguments, without a shell.
    Command(Vec<String>),
}

/// The desired domain template.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredTemplate {
    /// Record type and host → entry; a host declared as `null` must be absent.
    pub hosts: BTreeMap<Target, Declared<HostEntry>>,
    /// Declared record types, including those without hosts.
    pub types: BTreeSet<String>,
    /// Whether undeclared hosts are kept or removed.
    pub ownership: Ownership,
}

impl DesiredTemplate {
    /// Returns whether both say the same, wherever in the tree they say it.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        let hosts = |template: &Self| {
            let hosts = template.hosts.iter();
            hosts
                .map(|(target, host)| (target.clone(), host.value.clone()))
                .collect::<Vec<_>>()
        };
        self.types == other.types
            && self.ownership == other.ownership
            && hosts(self) == hosts(other)
    }
}

/// One host of the template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The record type, as the template spells it.
    pub record_type: String,
    /// The host, with its placeholder.
    pub host: String,
}

impl Target {
    /// Returns the same host below the other spelling of CNAME; for another type, the target itself.
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

impl Desired {
    /// Returns a tree for the same cluster and under the same policy that declares nothing.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self {
            cluster: self.cluster.clone(),
            accounts: Vec::new(),
            template: None,
            policy: self.policy.clone(),
        }
    }

    /// Returns the names of the accounts and, if it is declared, of the domain template.
    #[must_use]
    pub fn object_names(&self) -> BTreeSet<ObjectName> {
        let accounts = self.accounts.iter();
        let accounts = accounts.map(|account| ObjectName::from(&account.name));
        let template = self.template.as_ref().map(|_| ObjectName::Template);
        accounts.chain(template).collect()
    }

    /// Returns an account by its name in the tree.
    #[must_use]
    pub fn account(&self, name: &AccountName) -> Option<&SharedAccount> {
        self.accounts.get(self.index_of(name)?)
    }

    /// Returns an account by its name in the tree, to be changed or replaced.
    pub fn account_mut(&mut self, name: &AccountName) -> Option<&mut SharedAccount> {
        let index = self.index_of(name)?;
        self.accounts.get_mut(index)
    }

    fn index_of(&self, name: &AccountName) -> Option<usize> {
        let found = (self.accounts).binary_search_by(|account| account.name.cmp(name));
        found.ok()
    }

    /// Computes the digest of this desired state; equal states have equal digests.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digest = DigestWriter::default();
        let mut text = Text::default();
        text.part(self.cluster.name.as_str());
        for account in &self.accounts {
            text.part("account");
            text.part(account.digest().as_str());
            text.flush(&mut digest);
        }
        if let Some(template) = &self.template {
            text.part("template");
            text.part(template.ownership.as_str());
            text.part(&format!("{:?}", template.types));
            for (target, declared) in &template.hosts {
                text.part(&format!("{target:?} {:?}", declared.value));
            }
        }
        let mut policy = format!("{:?}", self.policy);
        if self.policy.rules.is_empty() {
            // A tree without rules has the digest that it had before there were any.
            policy = policy.replace(", rules: []", "");
        }
        text.part(&policy);
        text.flush(&mut digest);
        digest.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::is_same_place;

    #[test]
    fn a_platform_is_known_however_its_url_is_spelled() {
        #[track_caller]
        fn check(other: &str, expected: bool) {
            let declared = "https://api.example.com:8443/kazoo";
            assert_eq!(is_same_place(declared, other), expected, "{other}");
            assert_eq!(is_same_place(other, declared), expected, "{other}");
        }
        check("https://api.example.com:8443/kazoo", true);
        check("HTTPS://API.Example.COM:8443/kazoo/", true);
        check("https://api.example.com.:8443/kazoo", true);
        check("https://api.example.com/kazoo", false);
        check("https://api.example.com:8443/Kazoo", false);
        check("http://api.example.com:8443/kazoo", false);
        check("https://api.example.com:8443", false);
        check("https://api.example.org:8443/kazoo", false);
        check("no url", false);
        assert!(is_same_place("https://a.example", "https://a.example:443/"));
        assert!(is_same_place("http://a.example:80", "http://a.example"));
        assert!(is_same_place("no url", "no url"));
    }
}
