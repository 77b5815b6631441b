//! What a run has read already when it begins to write.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::api::Document;
use super::cache::{Cache, Entry};
use super::state::{Live, LiveAccount, LiveAsset, Reading};
use crate::model::{AccountId, AccountName, AssetKind, Revision};

/// What a run has read of the platform before it writes: what it need not ask for again.
///
/// Nothing is written because of it alone: each write names the revision that it replaces.
#[derive(Clone, Debug, Default)]
pub struct Known {
    accounts: BTreeMap<AccountName, Arc<LiveAccount>>,
    cache: Option<Arc<Cache>>,
}

impl Known {
    /// Takes the accounts whose documents were read from the platform, not from the cache.
    #[must_use]
    pub fn new(live: &Live, cache: Option<Arc<Cache>>) -> Self {
        let is_fresh = |name: &AccountName| live.fresh.documents.contains(name);
        let accounts = live.accounts.iter().filter(|(name, _)| is_fresh(name));
        Self {
            accounts: (accounts.map(|(name, account)| (name.clone(), Arc::clone(account))))
                .collect(),
            cache,
        }
    }

    /// Returns an account's document as it was read.
    pub(crate) fn document(&self, name: &AccountName, id: &AccountId) -> Reading<Option<Document>> {
        let account = self.accounts.get(name);
        let Some(account) = account.filter(|account| account.id.known() == Some(id)) else {
            return Reading::Unknown("it was not read just before the run".to_owned());
        };
        match &account.document {
            Reading::Known(document) => {
                Reading::Known(document.as_ref().map(|document| Document {
                    revision: document.revision.clone(),
                    settings: document.settings.clone(),
                }))
            }
            Reading::Unknown(reason) => Reading::Unknown(reason.clone()),
        }
    }

    /// Returns the assets that a document has at a revision, as far as the cache knows; `None` for one that does not
    /// exist.
    pub(crate) fn assets(
        &self,
        account: &AccountId,
        revision: &Revision,
    ) -> BTreeMap<AssetKind, Option<LiveAsset>> {
        let found = self.cache.as_ref().and_then(|cache| cache.get(account));
        let found = found.filter(|entry| entry.revision == *revision);
        found.map(|entry| entry.assets).unwrap_or_default()
    }

    /// Caches a document that was read from the platform, with every kind of asset.
    pub(crate) fn remember(
        &self,
        account: &AccountId,
        document: Document,
        assets: BTreeMap<AssetKind, Option<LiveAsset>>,
    ) {
        if let Some(cache) = &self.cache {
            cache.put(&Entry {
                account: account.clone(),
                revision: document.revision,
                read: cache.now(),
                settings: document.settings,
                assets,
            });
        }
    }

    /// Writes the cache.
    pub(crate) fn save(&self) {
        if let Some(cache) = &self.cache {
            cache.save();
        }
    }
}
