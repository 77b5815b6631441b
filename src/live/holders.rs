//! Looks up the holders of domains that accounts are about to claim.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::account::ACCOUNTS_IN_HAND;
use super::api::{Filter, ReadClient};

use super::error::ApiError;
use super::state::{LiveAccount, Reading, Unmanaged, reading};
use crate::model::{AccountName, DomainName, KeyPath, Settings};
use crate::tree::Desired;

/// The root account, which the list of its descendants does not include (L1).
///
/// It is read on first use and cached.
pub(super) struct Root<'a> {
    client: &'a ReadClient,
    document: OnceCell<Reading<Option<Settings>>>,
    account: OnceCell<Reading<Unmanaged>>,
}

impl<'a> Root<'a> {
    pub(super) fn of(
        client: &'a ReadClient,
        accounts: &BTreeMap<AccountName, Arc<LiveAccount>>,
    ) -> Self {
        let read = accounts
            .values()
            .find(|account| account.id.known() == Some(client.root()))
            .map(|account| match &account.document {
                Reading::Known(document) => {
                    Reading::Known(document.as_ref().map(|document| document.settings.clone()))
                }
                Reading::Unknown(reason) => Reading::Unknown(reason.clone()),
            });
        Self {
            client,
            document: OnceCell::new_with(read),
            account: OnceCell::new(),
        }
    }

    /// Returns the settings of the root's whitelabel.
    pub(super) async fn document(&self) -> Result<&Reading<Option<Settings>>, ApiError> {
        let read = async || {
            let document = self.client.whitelabel(self.client.root()).await;
            reading(document.map(|document| document.map(|document| document.settings)))
        };
        self.document.get_or_try_init(read).await
    }

    /// Returns the root's name and realm.
    pub(super) async fn account(&self) -> Result<&Reading<Unmanaged>, ApiError> {
        let root = self.client.root();
        let read = async || {
            let found = match self.client.account(root).await {
                Ok(Some(found)) => Ok(Unmanaged {
                    id: found.id,
                    name: found.name,
                    realm: found.realm,
                }),
                Ok(None) => Err(ApiError::NoSuchAccount {
                    account: root.to_string(),
                }),
                Err(error) => Err(error),
            };
            reading(found)
        };
        self.account.get_or_try_init(read).await
    }
}

/// Looks up the holders of each declared domain that its account does not have yet, so that a plan can release it
/// first, or refuse (trap 10, W22). No lookup is made when everything is in sync.
pub(super) async fn holders(
    client: &ReadClient,
    desired: &Desired,
    accounts: &BTreeMap<AccountName, Arc<LiveAccount>>,
    root: &Root<'_>,
) -> Result<BTreeMap<DomainName, Reading<Vec<Unmanaged>>>, ApiError> {
    let domains = claims(desired, accounts).into_iter();
    let lookups = domains.map(async |domain| {
        let found = holders_of(client, &domain, root).await?;
        Ok((domain, found))
    });
    let lookups = stream::iter(lookups).buffer_unordered(ACCOUNTS_IN_HAND);
    lookups.try_collect().await
}

/// Returns the domains that accounts are about to claim.
pub(crate) fn claims(
    desired: &Desired,
    accounts: &BTreeMap<AccountName, Arc<LiveAccount>>,
) -> Vec<DomainName> {
    let key = KeyPath::from("domain");
    let mut claims = Vec::new();
    for account in &desired.accounts {
        let declared = account.settings.get(&key);
        let Some(Value::String(wanted)) = declared.and_then(|declared| declared.value.as_ref())
        else {
            continue;
        };
        let live = accounts.get(&account.name).map(|live| &live.document);
        let Some(Reading::Known(live)) = live else {
            continue;
        };
        let has = live
            .as_ref()
            .and_then(|document| document.settings.get(&key))
            .and_then(Value::as_str)
            .is_some_and(|has| has.eq_ignore_ascii_case(wanted));
        if let (false, Ok(domain)) = (has, DomainName::parse(wanted)) {
            claims.push(domain);
        }
    }
    claims
}

async fn holders_of(
    client: &ReadClient,
    domain: &DomainName,
    root: &Root<'_>,
) -> Result<Reading<Vec<Unmanaged>>, ApiError> {
    let listed = client
        .descendants(client.root(), &Filter::holding(domain.as_str()))
        .await;
    let mut found = match reading(listed)? {
        Reading::Known(found) => found,
        unknown @ Reading::Unknown(_) => return Ok(unknown),
    };
    if root_holds(root.document().await?, domain) {
        match root.account().await? {
            Reading::Known(account) => found.push(account.clone()),
            Reading::Unknown(reason) => return Ok(Reading::Unknown(reason.clone())),
        }
    }
    if found.is_empty() {
        return in_another_spelling(client, domain).await;
    }
    found.sort();
    Ok(Reading::Known(found))
}

fn root_holds(document: &Reading<Option<Settings>>, domain: &DomainName) -> bool {
    let Reading::Known(Some(settings)) = document else {
        return false;
    };
    settings
        .get(&KeyPath::from("domain"))
        .and_then(Value::as_str)
        .is_some_and(|held| held.eq_ignore_ascii_case(domain.as_str()))
}

/// Looks up holders of a domain in another spelling.
///
/// The filter compares exactly, but the uniqueness rule and the public lookup ignore case (W10, W19), so the public
/// lookup reveals such a holder.
async fn in_another_spelling(
    client: &ReadClient,
    domain: &DomainName,
) -> Result<Reading<Vec<Unmanaged>>, ApiError> {
    let settings = match reading(client.public_whitelabel(domain.as_str()).await)? {
        Reading::Known(None) => return Ok(Reading::Known(Vec::new())),
        Reading::Known(Some(settings)) => settings,
        Reading::Unknown(reason) => return Ok(Reading::Unknown(reason)),
    };
    let spelling = settings
        .get(&KeyPath::from("domain"))
        .and_then(Value::as_str)
        .filter(|spelling| spelling.eq_ignore_ascii_case(domain.as_str()));
    if let Some(spelling) = spelling {
        let listed = client
            .descendants(client.root(), &Filter::holding(spelling))
            .await;
        match reading(listed)? {
            Reading::Known(found) if found.is_empty() => {}
            found => return Ok(found),
        }
    }
    Ok(Reading::Unknown(format!(
        "an account answers for {domain}, but none below {} is listed for it; look for it outside, or log in with the master account",
        client.root()
    )))
}
