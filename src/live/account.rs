//! Reads one account's whitelabel with its assets, with as few requests as possible.

use std::collections::{BTreeMap, BTreeSet};

use super::api::{AssetContent, Document, ReadClient, Revalidated};
use super::cache::{Cache, Entry};
use super::error::ApiError;
use super::state::{LiveAccount, LiveAsset, LiveDocument, Reading, reading};
use crate::model::{AccountId, AssetKind};

/// How many accounts are read at the same time; the client's pace limits the requests in flight.
pub(super) const ACCOUNTS_IN_HAND: usize = 32;

/// How a reader of accounts uses the cache.
#[derive(Clone, Copy, Debug)]
pub(super) enum Memory<'a> {
    /// There is no cache.
    None,
    /// Uses a cached entry while its revision is unchanged.
    Believed(&'a Cache),
    /// Reads the document again, and uses the cached assets while its revision is unchanged.
    Proven(&'a Cache),
    /// Reads everything again, and caches the result.
    Refreshed(&'a Cache),
}

impl<'a> Memory<'a> {
    fn known(self, account: &AccountId) -> Option<Entry> {
        match self {
            Self::Believed(cache) | Self::Proven(cache) => cache.get(account),
            Self::Refreshed(_) | Self::None => None,
        }
    }

    fn cache(self) -> Option<&'a Cache> {
        match self {
            Self::Believed(cache) | Self::Proven(cache) | Self::Refreshed(cache) => Some(cache),
            Self::None => None,
        }
    }
}

/// A document, and whether it has anything that the cache lacks.
struct Found {
    entry: Entry,
    is_new: bool,
    origin: Origin,
}

/// Where the state of an account comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// All of it was read from the platform.
    Platform,
    /// The document was read, and has the revision at which the assets were cached.
    CachedAssets,
    /// All of it was cached, and the platform says that the document has that revision.
    Cache,
}

/// Reads accounts.
#[derive(Clone, Copy, Debug)]
pub(super) struct AccountReader<'a> {
    pub(super) client: &'a ReadClient,
    pub(super) memory: Memory<'a>,
}

impl AccountReader<'_> {
    /// Reads an account and its assets of the given kinds.
    pub(super) async fn read(
        self,
        kinds: &BTreeSet<AssetKind>,
        id: Reading<AccountId>,
    ) -> Result<(LiveAccount, Origin), ApiError> {
        let account = match &id {
            Reading::Known(account) => account,
            Reading::Unknown(reason) => {
                let document = Reading::Unknown(reason.clone());
                return Ok((LiveAccount { id, document }, Origin::Platform));
            }
        };
        let found = self.document(account).await;
        if let Err(error @ ApiError::NoSuchAccount { .. }) = &found {
            let reason = error.explained();
            let unknown = LiveAccount {
                id: Reading::Unknown(reason.clone()),
                document: Reading::Unknown(reason),
            };
            return Ok((unknown, Origin::Platform));
        }
        let mut origin = Origin::Platform;
        let document = match reading(found)? {
            Reading::Known(Some(found)) => {
                origin = found.origin;
                Reading::Known(Some(self.with_assets(account, kinds, found).await?))
            }
            Reading::Known(None) => Reading::Known(None),
            Reading::Unknown(reason) => Reading::Unknown(reason),
        };
        Ok((LiveAccount { id, document }, origin))
    }

    /// Reads the document, or takes it from the cache with the assets known for exactly that revision.
    async fn document(self, account: &AccountId) -> Result<Option<Found>, ApiError> {
        let fresh = |document: Document| Found {
            is_new: true,
            origin: Origin::Platform,
            entry: Entry {
                account: account.clone(),
                revision: document.revision,
                read: self.memory.cache().map_or(0, Cache::now),
                settings: document.settings,
                assets: BTreeMap::new(),
            },
        };
        let Some(known) = self.memory.known(account) else {
            let document = self.client.whitelabel(account).await?;
            return Ok(document.map(fresh));
        };
        if let Memory::Proven(_) = self.memory {
            let document = self.client.whitelabel(account).await?;
            return Ok(document.map(|document| {
                if document.revision != known.revision {
                    return fresh(document);
                }
                Found {
                    is_new: document.settings != known.settings,
                    origin: Origin::CachedAssets,
                    entry: Entry {
                        settings: document.settings,
                        ..known
                    },
                }
            }));
        }
        let now = self.client.whitelabel_unless(account, &known.revision);
        Ok(match now.await? {
            Revalidated::Unchanged => Some(Found {
                is_new: false,
                origin: Origin::Cache,
                entry: known,
            }),
            Revalidated::Now(document) => document.map(fresh),
        })
    }

    async fn with_assets(
        self,
        account: &AccountId,
        kinds: &BTreeSet<AssetKind>,
        found: Found,
    ) -> Result<LiveDocument, ApiError> {
        let Found {
            mut entry,
            mut is_new,
            ..
        } = found;
        let mut assets = BTreeMap::new();
        for kind in kinds {
            let asset = match entry.assets.get(kind) {
                Some(known) => Reading::Known(known.clone()),
                None => without_bytes(reading(self.client.asset(account, *kind).await)?),
            };
            if let Reading::Known(asset) = &asset {
                is_new |= entry.assets.insert(*kind, asset.clone()).is_none();
            }
            assets.insert(*kind, asset);
        }
        if let Some(cache) = self.memory.cache().filter(|_| is_new) {
            cache.put(&entry);
        }
        Ok(LiveDocument {
            revision: entry.revision,
            settings: entry.settings,
            assets,
        })
    }
}

fn without_bytes(asset: Reading<Option<AssetContent>>) -> Reading<Option<LiveAsset>> {
    match asset {
        Reading::Known(content) => Reading::Known(content.map(|content| LiveAsset {
            facts: content.facts,
            attachment: content.attachment,
        })),
        Reading::Unknown(reason) => Reading::Unknown(reason),
    }
}
