//! Reads the live state that a plan needs, with as few requests as possible.
//!
//! A real server is the bottleneck (Speed, in what was observed), so the number of requests counts: one per account,
//! one per declared asset, and a few that do not depend on the tree's size. With a cache, an account that has not
//! changed since it was read costs one conditional request. An asset has no revision of its own (B15), but a change
//! between the two reads changes the document's revision, and the plan's precondition catches that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt as _, future, stream};

use super::account::{ACCOUNTS_IN_HAND, AccountReader, Memory, Origin};
use super::api::{Filter, ReadClient};
use super::cache::Cache;
use super::error::ApiError;
use super::holders::{Root, holders};
use super::state::{Fresh, Live, LiveAccount, LiveDocument, Outside, Reading, Unmanaged, reading};
use crate::model::{AccountId, AccountName, AssetKind, Identity, Realm, is_parked};
use crate::tree::{BaseAccounts, Desired, DesiredAccount, SharedAccount, departed};

/// How many realms are looked up one by one; with more, one list of all accounts takes fewer requests.
const FEW_REALMS: usize = 4;

/// The maximum number of accounts outside the tree that are read to see what they have.
const MOST_OUTSIDE: usize = 100;

/// What to read besides the tree's accounts, and how.
#[derive(Clone, Copy, Debug)]
pub struct CollectOptions<'a> {
    /// Whether to list live whitelabels that are not in the tree.
    pub unmanaged: bool,
    /// The last applied tree: what it declares and the current one does not is read, too.
    pub base: Option<&'a Desired>,
    /// Whether to read the template that the tree declares.
    pub template: bool,
    /// Accounts of the tree that are read elsewhere; they still count as declared.
    pub elsewhere: &'a [SharedAccount],
    /// Counter of the tree's accounts read so far.
    pub read: Option<&'a AtomicUsize>,
    /// Cache to use for unchanged revisions, and to update.
    pub cache: Option<&'a Cache>,
    /// Whether the accounts that changed since the base are about to be written: then their documents are not taken
    /// from the cache.
    pub writes: bool,
}

impl Default for CollectOptions<'_> {
    fn default() -> Self {
        Self {
            unmanaged: true,
            template: true,
            elsewhere: &[],
            base: None,
            read: None,
            cache: None,
            writes: false,
        }
    }
}

/// Reads the live side of a desired state.
///
/// What could not be read is [`Reading::Unknown`] with its reason, and never prevents reading the rest (invariant 6).
///
/// # Errors
/// Only when the login is refused, since nothing can be read then.
pub async fn collect(
    client: &ReadClient,
    desired: &Desired,
    options: &CollectOptions<'_>,
) -> Result<Live, ApiError> {
    let departed = options
        .base
        .map_or_else(Vec::new, |base| departed(desired, base));
    let everybody = everybody(client, desired, &departed).await?;
    let memory = options.cache.map_or(Memory::None, Memory::Believed);
    let reader = AccountReader { client, memory };
    let identified = |account| (account, identify(client, account, everybody.as_ref()));
    let wanted = desired.accounts.iter().map(AsRef::as_ref).map(identified);
    let filter = Filter::with_whitelabel_domain();
    let listed = async {
        if options.unmanaged {
            Some(client.descendants(client.root(), &filter).await)
        } else {
            None
        }
    };
    let template = async {
        match desired.template {
            Some(_) if options.template => Some(client.template().await),
            Some(_) | None => None,
        }
    };
    // A list has many pages, one after the other: it is read beside the accounts.
    let (accounts, departed, template, listed) = tokio::join!(
        read_accounts(reader, options, wanted),
        read_departed(client, &departed, everybody.as_ref()),
        template,
        listed
    );
    let ((accounts, fresh), departed) = (accounts?, departed?);
    let template_is_unservable = matches!(template, Some(Err(ApiError::InitFailed)));
    let template = template.map(reading).transpose()?;
    let root = Root::of(client, &accounts);
    let declared = || desired.accounts.iter().chain(options.elsewhere);
    let (unmanaged, outside) = match listed.map(reading).transpose()? {
        Some(listed) => match unmanaged(client, listed, declared, &accounts, &root).await? {
            Reading::Known(listed) => {
                let (unmanaged, outside) = told_apart(client, listed).await?;
                (Some(Reading::Known(unmanaged)), outside)
            }
            Reading::Unknown(reason) => (Some(Reading::Unknown(reason)), Outside::default()),
        },
        None => (None, Outside::default()),
    };
    let holders = holders(client, desired, &accounts, &root).await?;
    if let Some(cache) = options.cache {
        cache.save();
    }
    Ok(Live {
        accounts,
        departed,
        template,
        template_is_unservable,
        unmanaged,
        outside,
        holders,
        fresh,
    })
}

/// Reads accounts again from the platform, bypassing the cache: a write must be planned from a fresh read.
///
/// # Errors
/// As [`collect`].
pub async fn read_again(
    client: &ReadClient,
    desired: &Desired,
    options: &CollectOptions<'_>,
    names: &BTreeSet<AccountName>,
    live: &mut Live,
) -> Result<(), ApiError> {
    let memory = options.cache.map_or(Memory::None, Memory::Refreshed);
    let reader = AccountReader { client, memory };
    let wanted = desired.accounts.iter().filter_map(|account| {
        let known = live.accounts.get(&account.name)?;
        let is_wanted = names.contains(&account.name);
        is_wanted.then(|| (&**account, future::ready(Ok(known.id.clone()))))
    });
    let (again, _) = read_accounts(reader, options, wanted).await?;
    live.take_in(again);
    live.fresh.add(names);
    if let Some(cache) = options.cache {
        cache.save();
    }
    Ok(())
}

/// Reads accounts, resolving their ids on the way. An account whose read has not started takes no memory.
async fn read_accounts(
    reader: AccountReader<'_>,
    options: &CollectOptions<'_>,
    accounts: impl Iterator<
        Item = (
            &DesiredAccount,
            impl Future<Output = Result<Reading<AccountId>, ApiError>>,
        ),
    >,
) -> Result<(BTreeMap<AccountName, Arc<LiveAccount>>, Fresh), ApiError> {
    let before = options.base.map(BaseAccounts::new);
    let mut fresh = Fresh::default();
    let mut waiting = accounts;
    let mut in_hand = FuturesUnordered::new();
    let mut read = BTreeMap::new();
    loop {
        let free = ACCOUNTS_IN_HAND - in_hand.len();
        for (account, id) in waiting.by_ref().take(free) {
            let before = before
                .as_ref()
                .and_then(|base| base.find(account).map(AsRef::as_ref));
            let reader = match (reader.memory, options.cache) {
                (Memory::Believed(_), Some(cache))
                    if options.writes && before.is_some_and(|before| before != account) =>
                {
                    AccountReader {
                        memory: Memory::Proven(cache),
                        ..reader
                    }
                }
                _ => reader,
            };
            in_hand.push(read_account(reader, account, before, id));
        }
        let Some(next) = in_hand.next().await else {
            return Ok((read, fresh));
        };
        let (name, account, origin) = next?;
        if origin != Origin::Cache {
            fresh.documents.insert(name.clone());
        }
        if origin == Origin::Platform {
            fresh.assets.insert(name.clone());
        }
        read.insert(name, Arc::new(account));
        if let Some(count) = options.read {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Resolves realms if the tree names accounts by realm, one by one or from a list of all accounts.
async fn everybody(
    client: &ReadClient,
    desired: &Desired,
    departed: &[&SharedAccount],
) -> Result<Option<Reading<Realms>>, ApiError> {
    let names_realms = by_realm(&desired.accounts).next().is_some()
        || by_realm(departed.iter().copied()).next().is_some();
    if !names_realms {
        return Ok(None);
    }
    let realms: BTreeSet<&Realm> = by_realm(&desired.accounts)
        .chain(by_realm(departed.iter().copied()))
        .collect();
    if realms.len() <= FEW_REALMS
        && let Some(found) = one_by_one(client, &realms).await?
    {
        return Ok(Some(Reading::Known(by_name(found))));
    }
    let all = client.descendants(client.root(), &Filter::all()).await;
    Ok(Some(match reading(all)? {
        Reading::Known(all) => Reading::Known(by_name(all)),
        Reading::Unknown(reason) => Reading::Unknown(reason),
    }))
}

/// The accounts of each realm, by its lower-case name.
type Realms = BTreeMap<String, Vec<AccountId>>;

fn by_name(accounts: Vec<Unmanaged>) -> Realms {
    let mut realms = Realms::new();
    for account in accounts {
        let name = account.realm.to_ascii_lowercase();
        realms.entry(name).or_default().push(account.id);
    }
    realms
}

/// Looks up realms one by one; returns `None` if one is not found, since the server may spell it in another case.
async fn one_by_one(
    client: &ReadClient,
    realms: &BTreeSet<&Realm>,
) -> Result<Option<Vec<Unmanaged>>, ApiError> {
    let mut all = Vec::new();
    for realm in realms {
        let filter = Filter::realm(realm.as_str());
        match reading(client.descendants(client.root(), &filter).await)? {
            Reading::Known(found) if !found.is_empty() => all.extend(found),
            Reading::Known(_) | Reading::Unknown(_) => return Ok(None),
        }
    }
    Ok(Some(all))
}

fn by_realm<'a>(
    accounts: impl IntoIterator<Item = &'a SharedAccount>,
) -> impl Iterator<Item = &'a Realm> {
    accounts
        .into_iter()
        .filter_map(|account| match &account.identity.value {
            Identity::Realm(realm) => Some(realm),
            Identity::Id(_) => None,
        })
}

/// Returns the kinds of assets that either tree declares: those that the tree stopped declaring may still be live.
fn kinds(account: &DesiredAccount, before: Option<&DesiredAccount>) -> BTreeSet<AssetKind> {
    let before = before.into_iter().flat_map(|before| before.assets.keys());
    account.assets.keys().chain(before).copied().collect()
}

/// Reads the accounts that were removed from the tree. One that is gone from the platform is left out, since there is
/// nothing to do about it.
async fn read_departed(
    client: &ReadClient,
    departed: &[&SharedAccount],
    everybody: Option<&Reading<Realms>>,
) -> Result<BTreeMap<AccountName, LiveAccount>, ApiError> {
    let reads: Vec<_> = (departed.iter())
        .map(|account| read_departed_account(client, account, everybody))
        .collect();
    let read: Vec<Result<_, ApiError>> = stream::iter(reads)
        .buffer_unordered(ACCOUNTS_IN_HAND)
        .collect()
        .await;
    let read: Vec<_> = read.into_iter().collect::<Result<_, _>>()?;
    Ok(read.into_iter().flatten().collect())
}

async fn read_departed_account(
    client: &ReadClient,
    account: &DesiredAccount,
    everybody: Option<&Reading<Realms>>,
) -> Result<Option<(AccountName, LiveAccount)>, ApiError> {
    let id = match &account.identity.value {
        Identity::Id(id) => id.clone(),
        Identity::Realm(realm) => match find(client, realm, everybody).await? {
            Reading::Known(Some(id)) => id,
            Reading::Known(None) => return Ok(None),
            Reading::Unknown(reason) => {
                let unknown = LiveAccount {
                    id: Reading::Unknown(reason.clone()),
                    document: Reading::Unknown(reason),
                };
                return Ok(Some((account.name.clone(), unknown)));
            }
        },
    };
    // The whitelabel is deleted or kept as a whole, so its assets need not be read.
    let found = match client.whitelabel(&id).await {
        Err(ApiError::NoSuchAccount { .. }) => return Ok(None),
        found => reading(found)?,
    };
    let document = match found {
        Reading::Known(found) => Reading::Known(found.map(|found| LiveDocument {
            revision: found.revision,
            settings: found.settings,
            assets: BTreeMap::new(),
        })),
        Reading::Unknown(reason) => Reading::Unknown(reason),
    };
    let id = Reading::Known(id);
    Ok(Some((account.name.clone(), LiveAccount { id, document })))
}

async fn read_account(
    reader: AccountReader<'_>,
    account: &DesiredAccount,
    before: Option<&DesiredAccount>,
    id: impl Future<Output = Result<Reading<AccountId>, ApiError>>,
) -> Result<(AccountName, LiveAccount, Origin), ApiError> {
    let (live, origin) = reader.read(&kinds(account, before), id.await?).await?;
    Ok((account.name.clone(), live, origin))
}

async fn identify(
    client: &ReadClient,
    account: &DesiredAccount,
    everybody: Option<&Reading<Realms>>,
) -> Result<Reading<AccountId>, ApiError> {
    let realm = match &account.identity.value {
        Identity::Id(id) => return Ok(Reading::Known(id.clone())),
        Identity::Realm(realm) => realm,
    };
    Ok(match find(client, realm, everybody).await? {
        Reading::Known(Some(id)) => Reading::Known(id),
        Reading::Known(None) => Reading::Unknown(format!(
            "no such account: none below {} has realm {realm}; check the realm and the cluster",
            client.root()
        )),
        Reading::Unknown(reason) => Reading::Unknown(reason),
    })
}

/// Finds the account of a realm.
async fn find(
    client: &ReadClient,
    realm: &Realm,
    everybody: Option<&Reading<Realms>>,
) -> Result<Reading<Option<AccountId>>, ApiError> {
    let everybody = match everybody {
        Some(Reading::Known(everybody)) => everybody,
        Some(Reading::Unknown(reason)) => {
            return Ok(Reading::Unknown(format!(
                "realm {realm} could not be looked up: {reason}"
            )));
        }
        None => return Ok(Reading::Unknown(format!("realm {realm} was not looked up"))),
    };
    match everybody
        .get(&realm.as_str().to_ascii_lowercase())
        .map(Vec::as_slice)
    {
        Some([only]) => Ok(Reading::Known(Some(only.clone()))),
        Some([_, _, ..]) => Ok(Reading::Unknown(format!(
            "several accounts have realm {realm}; name the account by its id"
        ))),
        None | Some([]) => is_root(client, realm).await,
    }
}

/// Returns the root's id if it has the realm: the list of the root's descendants does not include it (L1).
async fn is_root(
    client: &ReadClient,
    realm: &Realm,
) -> Result<Reading<Option<AccountId>>, ApiError> {
    let root = reading(client.account(client.root()).await)?;
    Ok(match root {
        Reading::Known(root) => Reading::Known(
            root.filter(|root| root.realm.eq_ignore_ascii_case(realm.as_str()))
                .map(|root| root.id),
        ),
        Reading::Unknown(reason) => Reading::Unknown(reason),
    })
}

/// Returns the listed accounts outside the tree that have, or had, a whitelabel with a domain (a hint only, L3, trap 37),
/// and the root, which the list of its descendants does not include.
async fn unmanaged<'a, I: Iterator<Item = &'a SharedAccount>>(
    client: &ReadClient,
    listed: Reading<Vec<Unmanaged>>,
    declared: impl Fn() -> I,
    accounts: &BTreeMap<AccountName, Arc<LiveAccount>>,
    root: &Root<'_>,
) -> Result<Reading<Vec<Unmanaged>>, ApiError> {
    let mut listed = match listed {
        Reading::Known(listed) => listed,
        Reading::Unknown(reason) => return Ok(Reading::Unknown(reason)),
    };
    let by_id = declared().filter_map(|account| match &account.identity.value {
        Identity::Id(id) => Some(id),
        Identity::Realm(_) => None,
    });
    let ids: BTreeSet<&AccountId> = accounts
        .values()
        .filter_map(|account| account.id.known())
        .chain(by_id)
        .collect();
    let realms: BTreeSet<&str> = by_realm(declared()).map(Realm::as_str).collect();
    listed.retain(|account| !ids.contains(&account.id) && !realms.contains(account.realm.as_str()));
    if !ids.contains(client.root()) {
        match root.document().await? {
            Reading::Known(Some(_)) => match root.account().await? {
                Reading::Known(account) => listed.push(account.clone()),
                Reading::Unknown(reason) => return Ok(Reading::Unknown(reason.clone())),
            },
            Reading::Known(None) => {}
            Reading::Unknown(reason) => return Ok(Reading::Unknown(reason.clone())),
        }
    }
    listed.sort();
    Ok(Reading::Known(listed))
}

/// Reads listed accounts, unless there are too many, and returns those that have a whitelabel.
async fn told_apart(
    client: &ReadClient,
    listed: Vec<Unmanaged>,
) -> Result<(Vec<Unmanaged>, Outside), ApiError> {
    let mut outside = Outside::default();
    if listed.len() > MOST_OUTSIDE {
        outside.unread = listed.len();
        return Ok((listed, outside));
    }
    let reads: Vec<_> = (listed.iter())
        .map(|account| client.whitelabel(&account.id))
        .collect();
    let read: Vec<_> = stream::iter(reads)
        .buffered(ACCOUNTS_IN_HAND)
        .collect()
        .await;
    let mut whitelabels = Vec::new();
    for (account, document) in listed.into_iter().zip(read) {
        match reading(document)? {
            Reading::Known(None) => {
                outside.reserved.push(account);
                continue;
            }
            Reading::Known(Some(document)) if is_parked(&account.id, &document.settings) => {
                outside.parked.push(account.clone());
            }
            Reading::Known(Some(_)) => {}
            Reading::Unknown(_) => outside.unread += 1,
        }
        whitelabels.push(account);
    }
    Ok((whitelabels, outside))
}
