//! Lists of accounts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::read::ReadClient;
use crate::live::config::LIST_VALUES;
use crate::live::error::ApiError;
use crate::live::request::Request;
use crate::live::state::Unmanaged;
use crate::model::{AccountId, Identity};

/// The server's own page size (L1); asking for less gains nothing.
const SMALLEST_PAGE: u32 = 50;

/// How many accounts of a list are read, at most. The largest known platform has about 40,000. Each page counts with
/// the size asked for, however few accounts pass a filter (L2), so this limits the pages, too.
const MOST_ACCOUNTS: u32 = 200_000;

/// Which accounts a list shows (L4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pairs: Vec<(&'static str, String)>,
}

impl Filter {
    /// Returns a filter that shows all accounts.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Returns a filter for accounts whose whitelabel has, or once had, a domain: a hint only (L3, trap 37).
    #[must_use]
    pub fn with_whitelabel_domain() -> Self {
        Self {
            pairs: vec![("has_key", "pvt_whitelabel_domain".to_owned())],
        }
    }

    /// Returns a filter for accounts that hold a domain, in exactly this spelling (L3).
    #[must_use]
    pub fn holding(domain: impl Into<String>) -> Self {
        Self {
            pairs: vec![("filter_pvt_whitelabel_domain", domain.into())],
        }
    }

    /// Returns a filter for accounts with a realm.
    #[must_use]
    pub fn realm(realm: impl Into<String>) -> Self {
        Self {
            pairs: vec![("filter_realm", realm.into())],
        }
    }
}

/// One page of a list.
#[derive(Debug)]
struct Page {
    items: Vec<Value>,
    next: Option<String>,
}

impl ReadClient {
    /// Lists every account below `root`, `root` itself not included (L1), sorted by id.
    ///
    /// # Errors
    /// Also when the list repeats itself (L2, trap 39) and cannot be read in one piece: an incomplete list is never
    /// returned.
    pub async fn descendants(
        &self,
        root: &AccountId,
        filter: &Filter,
    ) -> Result<Vec<Unmanaged>, ApiError> {
        let mut found = BTreeMap::new();
        let mut start: Option<String> = None;
        let mut size = self.transport.limits.page_size.max(1);
        let (mut pages, mut passed) = (0, 0_u32);
        loop {
            if passed >= MOST_ACCOUNTS {
                return Err(ApiError::TooManyPages {
                    pages,
                    accounts: MOST_ACCOUNTS,
                });
            }
            let mut query = vec![("page_size", size.to_string())];
            query.extend(start.iter().map(|key| ("start_key", key.clone())));
            let page = match self.page(root, filter, query).await {
                Ok(page) => page,
                Err(ApiError::RangeNotSatisfiable) if size > SMALLEST_PAGE => {
                    size = (size / 2).max(SMALLEST_PAGE);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let items = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
            pages += 1;
            passed = passed.saturating_add(size.max(items));
            collect(page.items, &mut found)?;
            match page.next {
                None => break,
                // A page full of accounts with the same name: its key never advances.
                Some(next) if start.as_ref() == Some(&next) => {
                    return self.whole_list(root, filter).await;
                }
                Some(next) => start = Some(next),
            }
        }
        Ok(found.into_values().collect())
    }

    /// Finds the account that an identity names.
    ///
    /// # Errors
    /// When no account, or more than one, has the realm.
    pub async fn account_id(&self, identity: &Identity) -> Result<AccountId, ApiError> {
        match identity {
            Identity::Id(id) => Ok(id.clone()),
            Identity::Realm(realm) => self.by_realm(self.root(), realm.as_str()).await,
        }
    }

    /// Finds the one account below `start`, or `start` itself, that has a realm.
    pub(super) async fn by_realm(
        &self,
        start: &AccountId,
        realm: &str,
    ) -> Result<AccountId, ApiError> {
        let mut found: Vec<AccountId> = self
            .descendants(start, &Filter::realm(realm))
            .await?
            .into_iter()
            .filter(|account| account.realm == realm)
            .map(|account| account.id)
            .collect();
        if let Some(own) = self.account(start).await?
            && own.realm == realm
        {
            found.push(own.id);
        }
        match (found.pop(), found.is_empty()) {
            (Some(id), true) => Ok(id),
            _ => Err(ApiError::NoSuchAccount {
                account: realm.to_owned(),
            }),
        }
    }

    async fn whole_list(
        &self,
        root: &AccountId,
        filter: &Filter,
    ) -> Result<Vec<Unmanaged>, ApiError> {
        let query = vec![("paginate", "false".to_owned())];
        let page = match self.page(root, filter, query).await {
            Err(ApiError::RangeNotSatisfiable) => return Err(ApiError::EndlessList),
            page => page?,
        };
        let mut found = BTreeMap::new();
        collect(page.items, &mut found)?;
        Ok(found.into_values().collect())
    }

    async fn page(
        &self,
        root: &AccountId,
        filter: &Filter,
        query: Vec<(&'static str, String)>,
    ) -> Result<Page, ApiError> {
        let limits = &self.transport.limits;
        let path = vec!["accounts", root.as_str(), "descendants"];
        let mut request = Request::get(path, limits.list_bytes, limits.list).about_account(root);
        request.values = LIST_VALUES;
        request.query = query;
        request.query.extend(filter.pairs.iter().cloned());
        let envelope = self.json(&request).await?;
        let next = envelope.text("next_start_key").map(str::to_owned);
        let Value::Array(items) = envelope.data else {
            return Err(ApiError::Unusable {
                reason: "it is no list of accounts".to_owned(),
            });
        };
        Ok(Page { items, next })
    }
}

/// Adds a page's accounts; pages overlap, so an account that is already there is the same one (L2).
fn collect(items: Vec<Value>, into: &mut BTreeMap<AccountId, Unmanaged>) -> Result<(), ApiError> {
    for item in items {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let id = AccountId::parse(text("id")).map_err(|error| ApiError::Unusable {
            reason: format!("an account of the list has no id: {error}"),
        })?;
        let account = Unmanaged {
            id: id.clone(),
            name: text("name").to_owned(),
            realm: text("realm").to_owned(),
        };
        into.insert(id, account);
    }
    Ok(())
}

/// Lists the root account and every account below it, sorted by id.
///
/// # Errors
/// When the list cannot be read completely.
pub async fn everybody(client: &ReadClient, root: &AccountId) -> Result<Vec<Unmanaged>, ApiError> {
    let mut accounts = client.descendants(root, &Filter::all()).await?;
    if let Some(own) = client.account(root).await?
        && accounts.iter().all(|account| account.id != own.id)
    {
        accounts.push(Unmanaged {
            id: own.id,
            name: own.name,
            realm: own.realm,
        });
    }
    accounts.sort();
    Ok(accounts)
}
