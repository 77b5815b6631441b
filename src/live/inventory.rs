//! Reads everything that an import needs: whole brands, including the bytes of their assets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt as _, stream};

use super::account::ACCOUNTS_IN_HAND;
use super::api::{AssetContent, ReadClient};
use super::error::ApiError;
use super::state::{Reading, Unmanaged, reading};
use crate::model::{AssetFacts, AssetKind, Digest, Revision, Settings};

/// One live account with its whole brand.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveBrand {
    /// The account that has the brand.
    pub account: Unmanaged,
    /// The account's whitelabel; `Known(None)` when it has none.
    pub document: Reading<Option<BrandDocument>>,
}

/// A live whitelabel with the bytes of its assets.
#[derive(Clone, Debug, PartialEq)]
pub struct BrandDocument {
    /// The revision at which the document was read.
    pub revision: Revision,
    /// The document's public keys.
    pub settings: Settings,
    /// The assets, with an entry for every kind.
    pub assets: BTreeMap<AssetKind, Reading<Option<BrandAsset>>>,
}

/// A live asset with its bytes; equal assets share their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrandAsset {
    /// The stored bytes.
    pub bytes: Arc<[u8]>,
    /// Facts about the bytes.
    pub facts: AssetFacts,
    /// The attachment's name; never to be used as a path.
    pub attachment: Option<String>,
}

/// Reads the brands of the given accounts, in their order; `seen` is called with each account when it is done.
///
/// Costs one request for an account without a whitelabel and four for one with. What could not be read is
/// [`Reading::Unknown`] with its reason (invariant 6).
///
/// # Errors
/// Only when the login is refused.
pub async fn inventory(
    client: &ReadClient,
    accounts: &[Unmanaged],
    seen: &(dyn Fn(&Unmanaged) + Sync),
) -> Result<Vec<LiveBrand>, ApiError> {
    let store = AssetStore::default();
    let reads = accounts.iter().map(|account| async {
        let brand = brand(client, account, &store).await;
        seen(account);
        brand
    });
    let read: Vec<Result<_, ApiError>> = stream::iter(reads)
        .buffered(ACCOUNTS_IN_HAND)
        .collect()
        .await;
    read.into_iter().collect()
}

async fn brand(
    client: &ReadClient,
    account: &Unmanaged,
    store: &AssetStore,
) -> Result<LiveBrand, ApiError> {
    let document = match reading(client.whitelabel(&account.id).await)? {
        Reading::Known(Some(found)) => {
            let mut assets = BTreeMap::new();
            for kind in AssetKind::ALL {
                let asset = match reading(client.asset(&account.id, kind).await)? {
                    Reading::Known(content) => {
                        Reading::Known(content.map(|content| store.place(content)))
                    }
                    Reading::Unknown(reason) => Reading::Unknown(reason),
                };
                assets.insert(kind, asset);
            }
            Reading::Known(Some(BrandDocument {
                revision: found.revision,
                settings: found.settings,
                assets,
            }))
        }
        Reading::Known(None) => Reading::Known(None),
        Reading::Unknown(reason) => Reading::Unknown(reason),
    };
    Ok(LiveBrand {
        account: account.clone(),
        document,
    })
}

/// Stores equal bytes only once: a reseller's customers often share one logo.
#[derive(Debug, Default)]
struct AssetStore {
    contents: Mutex<BTreeMap<Digest, Arc<[u8]>>>,
}

impl AssetStore {
    fn place(&self, content: AssetContent) -> BrandAsset {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = contents
            .entry(content.facts.digest.clone())
            .or_insert_with(|| content.bytes.into());
        BrandAsset {
            bytes: Arc::clone(bytes),
            facts: content.facts,
            attachment: content.attachment,
        }
    }
}
