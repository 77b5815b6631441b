//! The live state of the platform, as far as it could be read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::facts::facts;
use crate::model::{
    AccountId, AccountName, AssetFacts, AssetKind, DomainName, DomainTemplate, Revision, Settings,
};

/// The result of a read: something that could not be read is unknown, never missing and never in sync (invariant 6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading<T> {
    /// It was read; `None` inside means that the server says it does not exist.
    Known(T),
    /// It could not be read, for the reason given.
    Unknown(String),
}

impl<T> Reading<T> {
    /// Returns the value, if known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

/// Turns a failure into an unknown reading; only a refused login stays an error, since nothing can be read then.
pub(super) fn reading<T>(result: Result<T, ApiError>) -> Result<Reading<T>, ApiError> {
    match result {
        Ok(value) => Ok(Reading::Known(value)),
        Err(error) if error.is_of_the_credential() => Err(error),
        Err(error) => Ok(Reading::Unknown(error.explained())),
    }
}

/// The live state, as far as a plan needs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// Each account of the tree.
    pub accounts: BTreeMap<AccountName, Arc<LiveAccount>>,
    /// Each account of the last applied tree that this tree no longer has, by its name there, except those that are
    /// gone from the platform, too.
    pub departed: BTreeMap<AccountName, LiveAccount>,
    /// The raw template; `None` unless the tree declares one and it was requested.
    pub template: Option<Reading<DomainTemplate>>,
    /// Whether the template is unknown because the server cannot serve what is stored, to anyone (observed 7).
    pub template_is_unservable: bool,
    /// Accounts with a whitelabel that are not in the tree; `None` unless requested.
    pub unmanaged: Option<Reading<Vec<Unmanaged>>>,
    /// What is to be known of accounts that are not in the tree.
    pub outside: Outside,
    /// The holders of each domain that an account is about to claim (W19, W22); there can be several (W25).
    pub holders: BTreeMap<DomainName, Reading<Vec<Unmanaged>>>,
    /// What of the accounts was read from the platform itself.
    pub fresh: Fresh,
}

/// Which accounts were read from the platform itself, not from the cache: what is carried out follows from nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fresh {
    /// Those whose document was read.
    pub documents: BTreeSet<AccountName>,
    /// Those whose assets were read.
    pub assets: BTreeSet<AccountName>,
}

impl Fresh {
    /// Adds further accounts.
    pub(crate) fn extend(&mut self, more: Self) {
        self.documents.extend(more.documents);
        self.assets.extend(more.assets);
    }

    /// Adds accounts that were read completely.
    pub(crate) fn add(&mut self, names: &BTreeSet<AccountName>) {
        self.documents.extend(names.iter().cloned());
        self.assets.extend(names.iter().cloned());
    }
}

impl Live {
    /// Updates accounts that were read again. An unchanged account keeps its shared value, so it need not be compared
    /// again.
    pub(crate) fn take_in(&mut self, read: BTreeMap<AccountName, Arc<LiveAccount>>) {
        for (name, account) in read {
            if self.accounts.get(&name) != Some(&account) {
                self.accounts.insert(name, account);
            }
        }
    }
}

/// The live side of one account of the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveAccount {
    /// The account's id, if the account was found.
    pub id: Reading<AccountId>,
    /// The account's whitelabel; `Known(None)` when it has none.
    pub document: Reading<Option<LiveDocument>>,
}

/// A live whitelabel.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveDocument {
    /// The revision at which the document was read.
    pub revision: Revision,
    /// The document's public keys.
    pub settings: Settings,
    /// The requested assets; others are not in the map.
    pub assets: BTreeMap<AssetKind, Reading<Option<LiveAsset>>>,
}

/// A live asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveAsset {
    /// Facts about the bytes.
    pub facts: AssetFacts,
    /// The attachment's name (B10); distinguishes our uploads, named by their digest, from manual ones.
    pub attachment: Option<String>,
}

impl LiveAsset {
    /// Inspects the bytes of an attachment.
    pub(crate) fn new(bytes: &[u8], attachment: Option<String>) -> Self {
        Self {
            facts: facts(bytes),
            attachment,
        }
    }
}

/// What is to be known of accounts outside the tree that have, or had, a whitelabel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// Those whose whitelabel has the parked name as its domain.
    pub parked: Vec<Unmanaged>,
    /// Those that have no whitelabel, and still reserve the domain of one (kazoo-4.3, statement 5).
    pub reserved: Vec<Unmanaged>,
    /// The number of those that were not read, or could not be: they count as having a whitelabel.
    pub unread: usize,
}

/// A live account that is not in the tree, or that holds a domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unmanaged {
    /// Account id.
    pub id: AccountId,
    /// Display name on the platform.
    pub name: String,
    /// SIP realm.
    pub realm: String,
}
