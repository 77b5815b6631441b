//! What was seen on the platform, and what could not be seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{
    AccountId, AccountName, AssetFacts, AssetKind, DomainName, DomainTemplate, Revision, Settings,
};

/// Three-valued truth: something that could not be read is unknown, never missing and never in sync
/// (invariant 6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading<T> {
    /// It was read; `None` inside means that the server said it is not there.
    Known(T),
    /// It could not be read, for the reason given.
    Unknown(String),
}

impl<T> Reading<T> {
    /// Returns the value when it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

/// The live state, as far as a plan needs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// Each account of the tree.
    pub accounts: BTreeMap<AccountName, Arc<LiveAccount>>,
    /// Each account that the tree does not have any more and the tree applied last had, by its name
    /// there; one that is gone from the platform too is not among them.
    pub departed: BTreeMap<AccountName, LiveAccount>,
    /// The raw template, when the tree declares one; `None` when nobody asked for it.
    pub template: Option<Reading<DomainTemplate>>,
    /// Whether it is unknown because the server cannot serve what is stored, so that nobody can read it (observed 7).
    pub template_is_unservable: bool,
    /// Accounts with a whitelabel that are not in the tree.
    pub unmanaged: Option<Reading<Vec<Unmanaged>>>,
    /// Who holds a domain that an account is about to claim (W19, W22); several holders are possible (W25).
    pub holders: BTreeMap<DomainName, Reading<Vec<Unmanaged>>>,
}

impl Live {
    /// Takes in accounts that were read anew. What is as it was stays the same value, and need not be compared again.
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
    /// Its id, when the account could be found.
    pub id: Reading<AccountId>,
    /// Its whitelabel; `Known(None)` when it has none.
    pub document: Reading<Option<LiveDocument>>,
}

/// A live whitelabel.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveDocument {
    /// The revision that all of this was read at.
    pub revision: Revision,
    /// Its settings.
    pub settings: Settings,
    /// The assets that were asked for; one that nobody asked for is not in the map.
    pub assets: BTreeMap<AssetKind, Reading<Option<LiveAsset>>>,
}

/// A live asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveAsset {
    /// What its bytes are.
    pub facts: AssetFacts,
    /// The attachment's name (B10); tells an upload of ours, named by its digest, from one by hand.
    pub attachment: Option<String>,
}

/// A live account that is not in the tree, or that holds a domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unmanaged {
    /// Its id.
    pub id: AccountId,
    /// Its name on the platform.
    pub name: String,
    /// Its realm.
    pub realm: String,
}
