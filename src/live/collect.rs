//! Everything that a plan needs, read with as few requests as can be.
//!
//! A real server is the bottleneck (Speed, in what was observed), so the number of requests counts: one for each account,
//! one for each declared asset, and a few that do not depend on the tree's size. An asset has no revision of its
//! own (B15); one that moves between the two reads moves the document's revision, and the plan's precondition
//! catches that.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};

use super::api::{AssetContent, Document, Filter, ReadClient};
use super::error::ApiError;
use super::holders::{Root, holders};
use super::state::{Live, LiveAccount, LiveAsset, LiveDocument, Reading, Unmanaged};
use crate::model::{AccountId, AccountName, Identity, Realm};
use crate::tree::{Desired, DesiredAccount};

/// How many accounts are in hand at the same time; the client's pace decides how many requests are out.
const ACCOUNTS_IN_HAND: usize = 32;

/// What to read beside the tree's accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectOptions {
    /// Whether to list live whitelabels that are not in the tree.
    pub unmanaged: bool,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self { unmanaged: true }
    }
}

/// Reads the live side of a desired state.
///
/// What could not be read is [`Reading::Unknown`] with its reason, and never hinders the rest
/// (invariant 6).
///
/// # Errors
/// Only when the login is refused while it reads: nothing could be read then.
pub async fn collect(
    client: &ReadClient,
    desired: &Desired,
    options: &CollectOptions,
) -> Result<Live, ApiError> {
    let everybody = if by_realm(desired).next().is_some() {
        let all = client.descendants(client.root(), &Filter::all()).await;
        Some(reading(all)?)
    } else {
        None
    };
    let reads = desired.accounts.iter().map(|account| async {
        let id = identify(client, account, everybody.as_ref()).await?;
        Ok((
            account.name.clone(),
            read_account(client, account, id).await?,
        ))
    });
    let accounts: Vec<Result<_, ApiError>> = stream::iter(reads)
        .buffer_unordered(ACCOUNTS_IN_HAND)
        .collect()
        .await;
    let accounts: BTreeMap<_, _> = accounts.into_iter().collect::<Result<_, _>>()?;
    let template = match desired.template {
        Some(_) => Some(reading(client.template().await)?),
        None => None,
    };
    let root = Root::of(client, &accounts);
    let unmanaged = if options.unmanaged {
        Some(unmanaged(client, desired, &accounts, &root).await?)
    } else {
        None
    };
    let holders = holders(client, desired, &accounts, &root).await?;
    Ok(Live {
        accounts,
        template,
        unmanaged,
        holders,
    })
}

/// Turns a failure into an unknown; only a refused login is an error, for it ends everything.
pub(super) fn reading<T>(result: Result<T, ApiError>) -> Result<Reading<T>, ApiError> {
    match result {
        Ok(value) => Ok(Reading::Known(value)),
        Err(error @ (ApiError::Unauthorised { .. } | ApiError::UnknownApiKey)) => Err(error),
        Err(error) => Ok(Reading::Unknown(error.explained())),
    }
}

fn by_realm(desired: &Desired) -> impl Iterator<Item = &Realm> {
    desired
        .accounts
        .iter()
        .filter_map(|account| match &account.identity.value {
            Identity::Realm(realm) => Some(realm),
            Identity::Id(_) => None,
        })
}

async fn identify(
    client: &ReadClient,
    account: &DesiredAccount,
    everybody: Option<&Reading<Vec<Unmanaged>>>,
) -> Result<Reading<AccountId>, ApiError> {
    let realm = match &account.identity.value {
        Identity::Id(id) => return Ok(Reading::Known(id.clone())),
        Identity::Realm(realm) => realm,
    };
    let everybody = match everybody {
        Some(Reading::Known(everybody)) => everybody,
        Some(Reading::Unknown(reason)) => {
            return Ok(Reading::Unknown(format!(
                "realm {realm} could not be looked up: {reason}"
            )));
        }
        None => return Ok(Reading::Unknown(format!("realm {realm} was not looked up"))),
    };
    let mut found = everybody
        .iter()
        .filter(|account| account.realm.eq_ignore_ascii_case(realm.as_str()));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(Reading::Known(only.id.clone())),
        (Some(_), Some(_)) => Ok(Reading::Unknown(format!(
            "several accounts have realm {realm}; name the account by its id"
        ))),
        (None, _) => is_root(client, realm).await,
    }
}

/// The root does not stand in the list of its descendants (L1), but may be meant.
async fn is_root(client: &ReadClient, realm: &Realm) -> Result<Reading<AccountId>, ApiError> {
    let root = reading(client.account(client.root()).await)?;
    Ok(match root {
        Reading::Known(Some(root)) if root.realm.eq_ignore_ascii_case(realm.as_str()) => {
            Reading::Known(root.id)
        }
        Reading::Known(_) => Reading::Unknown(format!(
            "no such account: none below {} has realm {realm}; check the realm and the cluster",
            client.root()
        )),
        Reading::Unknown(reason) => Reading::Unknown(reason),
    })
}

async fn read_account(
    client: &ReadClient,
    account: &DesiredAccount,
    id: Reading<AccountId>,
) -> Result<LiveAccount, ApiError> {
    let known = match &id {
        Reading::Known(known) => known,
        Reading::Unknown(reason) => {
            return Ok(LiveAccount {
                document: Reading::Unknown(reason.clone()),
                id,
            });
        }
    };
    let found = client.whitelabel(known).await;
    if let Err(error @ ApiError::NoSuchAccount { .. }) = &found {
        let reason = error.explained();
        return Ok(LiveAccount {
            id: Reading::Unknown(reason.clone()),
            document: Reading::Unknown(reason),
        });
    }
    let document = match reading(found)? {
        Reading::Known(Some(found)) => {
            Reading::Known(Some(with_assets(client, known, account, found).await?))
        }
        Reading::Known(None) => Reading::Known(None),
        Reading::Unknown(reason) => Reading::Unknown(reason),
    };
    Ok(LiveAccount { id, document })
}

async fn with_assets(
    client: &ReadClient,
    id: &AccountId,
    account: &DesiredAccount,
    found: Document,
) -> Result<LiveDocument, ApiError> {
    let mut assets = BTreeMap::new();
    for kind in account.assets.keys() {
        let asset = reading(client.asset(id, *kind).await)?;
        assets.insert(*kind, without_bytes(asset));
    }
    Ok(LiveDocument {
        revision: found.revision,
        settings: found.settings,
        assets,
    })
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

/// Lists the whitelabels outside the tree: accounts that have, or had, a whitelabel with a domain
/// (a hint only, L3, trap 37), and the root, which no list of its descendants shows.
async fn unmanaged(
    client: &ReadClient,
    desired: &Desired,
    accounts: &BTreeMap<AccountName, LiveAccount>,
    root: &Root<'_>,
) -> Result<Reading<Vec<Unmanaged>>, ApiError> {
    let listed = client
        .descendants(client.root(), &Filter::with_whitelabel_domain())
        .await;
    let mut listed = match reading(listed)? {
        Reading::Known(listed) => listed,
        Reading::Unknown(reason) => return Ok(Reading::Unknown(reason)),
    };
    let ids: BTreeSet<&AccountId> = accounts
        .values()
        .filter_map(|account| account.id.known())
        .collect();
    let realms: BTreeSet<&str> = by_realm(desired).map(Realm::as_str).collect();
    listed.retain(|account| !ids.contains(&account.id) && !realms.contains(account.realm.as_str()));
    if !ids.contains(client.root()) {
        match root.document().await? {
            Reading::Known(Some(_)) => match root.account().await? {
                Reading::Known(account) => listed.push(account),
                Reading::Unknown(reason) => return Ok(Reading::Unknown(reason)),
            },
            Reading::Known(None) => {}
            Reading::Unknown(reason) => return Ok(Reading::Unknown(reason)),
        }
    }
    listed.sort();
    Ok(Reading::Known(listed))
}
