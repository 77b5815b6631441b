//! Reads some objects of the platform, and keeps the known state of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;
use jiff::Timestamp;

use super::platform_events::Hint;
use super::setup::Setup;
use crate::live::{
    self, ApiError, Cache, ClientConfig, CollectOptions, Live, LiveAccount, ReadClient, Reading,
    collect, read_again,
};
use crate::model::{AccountId, AccountName, DomainTemplate, Identity, ObjectName};
use crate::tree::{BaseAccounts, ClusterConfig, Desired, SharedAccount, departed};

/// Attempts of a request in all.
const ATTEMPTS: u32 = 3;
/// Deadline of a request with all its attempts.
const DEADLINE: Duration = Duration::from_secs(20);

/// The client for the platform, and the state last read.
#[derive(Default)]
pub(super) struct ObservedPlatform {
    client: Option<ReadClient>,
    cache: Option<Cache>,
    pub(super) live: Live,
    /// The accounts whose id is known, also those that cannot be read at the moment.
    ids: Arc<BTreeMap<AccountId, AccountName>>,
    /// When each object was last read.
    read_at: BTreeMap<ObjectName, Timestamp>,
    /// When the last read of each object that succeeded began.
    begun_at: BTreeMap<ObjectName, Timestamp>,
}

/// The known state of some objects.
#[derive(Debug, PartialEq)]
pub(super) struct KnownState {
    accounts: Vec<Option<Arc<LiveAccount>>>,
    template: Option<Reading<DomainTemplate>>,
}

impl ObservedPlatform {
    /// Returns the known state of some objects.
    pub(super) fn known(&self, names: &BTreeSet<ObjectName>) -> KnownState {
        let accounts = names.iter().filter_map(ObjectName::account);
        KnownState {
            accounts: accounts
                .map(|name| self.live.accounts.get(name).cloned())
                .collect(),
            template: (self.live.template.clone())
                .filter(|_| names.contains(&ObjectName::Template)),
        }
    }

    /// Logs in, unless a client is connected.
    pub(super) async fn connect(
        &mut self,
        setup: &Setup,
        folder: &Utf8Path,
        cluster: &ClusterConfig,
    ) -> Result<ReadClient, String> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let mut config: ClientConfig = match &setup.platform {
            Some(config) => config.clone(),
            None => live::declared(folder, cluster, &|name| std::env::var(name).ok())
                .await
                .map_err(|error| error.to_string())?,
        };
        // The daemon's own back-off handles longer outages, and reports them.
        config.limits.retry.attempts = ATTEMPTS;
        config.limits.retry.deadline = DEADLINE;
        let client = ReadClient::connect(config).await;
        let client = client.map_err(|error| error.explained())?;
        let cache = setup.state.join("cache");
        self.cache = Some(Cache::open(cache.as_std_path(), &client, Timestamp::now()));
        self.client = Some(client.clone());
        Ok(client)
    }

    /// Drops the client: the next read logs in again, with the tree's current settings.
    pub(super) fn disconnect(&mut self) {
        self.client = None;
    }

    /// Returns the client, if one is connected.
    pub(super) fn client(&self) -> Option<ReadClient> {
        self.client.clone()
    }

    /// Returns whether what is known of an account is as new as a hint: it was read since, or has that revision or a
    /// later one.
    pub(super) fn knows(&self, account: &AccountName, hint: &Hint) -> bool {
        let name = ObjectName::from(account);
        if self.begun_at.get(&name).is_some_and(|at| *at > hint.heard) {
            return true;
        }
        let live = self.live.accounts.get(account);
        let document = live.and_then(|live| live.document.known()?.as_ref());
        match (document, &hint.revision) {
            (Some(document), Some(revision)) => document.revision.is_as_new_as(revision),
            (None, _) | (Some(_), None) => false,
        }
    }

    /// Returns the accounts whose id is known, also those that cannot be read at the moment.
    pub(super) fn accounts_by_id(&self) -> Arc<BTreeMap<AccountId, AccountName>> {
        Arc::clone(&self.ids)
    }

    /// Notes the ids of accounts that were just read; most are known.
    fn note_ids(&mut self, names: &BTreeSet<ObjectName>) {
        let accounts = &self.live.accounts;
        let id_of = |name: &AccountName| accounts.get(name)?.id.known();
        let is_new =
            |name: &AccountName| id_of(name).is_some_and(|id| self.ids.get(id) != Some(name));
        if !names.iter().filter_map(ObjectName::account).any(is_new) {
            return;
        }
        let unread = (self.ids.iter())
            .filter(|(_, name)| accounts.contains_key(*name) && id_of(name).is_none())
            .map(|(id, name)| (id.clone(), name.clone()));
        let known = (accounts.keys()).filter_map(|name| Some((id_of(name)?.clone(), name.clone())));
        self.ids = Arc::new(unread.chain(known).collect());
    }

    /// Returns when an object was last read.
    pub(super) fn read_at(&self, name: &ObjectName) -> Option<Timestamp> {
        self.read_at.get(name).copied()
    }

    /// Forgets the state of objects that are not in the tree any more.
    pub(super) fn follow(&mut self, desired: &Desired) {
        let names: BTreeSet<_> = desired
            .accounts
            .iter()
            .map(|account| &account.name)
            .collect();
        self.live.accounts.retain(|name, _| names.contains(name));
        if self.ids.values().any(|name| !names.contains(name)) {
            Arc::make_mut(&mut self.ids).retain(|_, name| names.contains(name));
        }
        for times in [&mut self.read_at, &mut self.begun_at] {
            times.retain(|name, _| name.account().is_none_or(|name| names.contains(name)));
        }
    }

    /// Reads some objects, and with `with_departed` the accounts that left the tree. An object that could not be read
    /// becomes unknown, whatever was known of it.
    pub(super) async fn read(
        &mut self,
        client: &ReadClient,
        desired: &Desired,
        base: Option<&Desired>,
        names: &BTreeSet<ObjectName>,
        with_departed: bool,
    ) -> Result<(), ApiError> {
        let wanted = self.part(desired, names);
        let base = base.map(|base| base_of(base, desired, &wanted, with_departed));
        let options = CollectOptions {
            unmanaged: false,
            base: base.as_ref(),
            cache: self.cache.as_ref(),
            ..CollectOptions::default()
        };
        let begun = Timestamp::now();
        let read = collect(client, &wanted, &options).await?;
        let now = Timestamp::now();
        self.begun_at
            .extend(names.iter().map(|name| (name.clone(), begun)));
        self.read_at
            .extend(names.iter().map(|name| (name.clone(), now)));
        self.live.take_in(read.accounts);
        self.note_ids(names);
        self.live.holders.extend(read.holders);
        self.forget_holders(desired);
        if names.contains(&ObjectName::Template) {
            self.live.template = read.template;
            self.live.template_is_unservable = read.template_is_unservable;
        }
        if with_departed {
            self.live.departed = read.departed;
        }
        Ok(())
    }

    /// Reads objects again without trusting the cache, because steps are planned from the result.
    pub(super) async fn read_again(
        &mut self,
        client: &ReadClient,
        desired: &Desired,
        base: Option<&Desired>,
        names: &BTreeSet<ObjectName>,
    ) -> Result<(), ApiError> {
        let accounts: BTreeSet<AccountName> = names
            .iter()
            .filter_map(ObjectName::account)
            .cloned()
            .collect();
        let base = base.map(|base| base_of(base, desired, &self.part(desired, names), false));
        let options = CollectOptions {
            unmanaged: false,
            base: base.as_ref(),
            cache: self.cache.as_ref(),
            ..CollectOptions::default()
        };
        read_again(client, desired, &options, &accounts, &mut self.live).await?;
        self.forget_holders(desired);
        Ok(())
    }

    /// Forgets holders of domains that no account is about to claim any more. Otherwise a plan would make the holder
    /// release a domain whose claim is done.
    fn forget_holders(&mut self, desired: &Desired) {
        if self.live.holders.is_empty() {
            return;
        }
        let claimed = live::claims(desired, &self.live.accounts);
        self.live
            .holders
            .retain(|domain, _| claimed.contains(domain));
    }

    /// Returns an object that tells an outage from objects that cannot be read, when nothing of what was just read could
    /// be: another one, if possible one whose last read succeeded.
    pub(super) fn witness(
        &self,
        desired: &Desired,
        read: &BTreeSet<ObjectName>,
    ) -> Option<ObjectName> {
        let all = desired.object_names();
        let mut others = all
            .into_iter()
            .filter(|name| !read.contains(name))
            .peekable();
        let first = others.peek().cloned();
        others
            .find(|name| self.begun_at.contains_key(name))
            .or(first)
    }

    /// Marks objects as unknown, with the reason.
    pub(super) fn lose(&mut self, names: &BTreeSet<ObjectName>, reason: &str) {
        for name in names {
            match name {
                ObjectName::Account(account) => {
                    let unknown = LiveAccount {
                        id: Reading::Unknown(reason.to_owned()),
                        document: Reading::Unknown(reason.to_owned()),
                    };
                    self.begun_at.remove(name);
                    self.live
                        .accounts
                        .insert(account.clone(), Arc::new(unknown));
                }
                ObjectName::Template => {
                    self.live.template = Some(Reading::Unknown(reason.to_owned()));
                    self.live.template_is_unservable = false;
                }
                // Zones are read from their primary.
                ObjectName::Zone(_) => {}
            }
        }
    }

    /// Returns the part of a tree with some objects. An account whose id is known is looked up by it, which saves
    /// listing all accounts.
    fn part(&self, desired: &Desired, names: &BTreeSet<ObjectName>) -> Desired {
        let accounts = desired.accounts.iter();
        let wanted = accounts.filter(|account| names.contains(&ObjectName::from(&account.name)));
        Desired {
            accounts: wanted.map(|account| self.by_id(account)).collect(),
            template: desired
                .template
                .clone()
                .filter(|_| names.contains(&ObjectName::Template)),
            cluster: desired.cluster.clone(),
            policy: desired.policy.clone(),
        }
    }

    fn by_id(&self, account: &SharedAccount) -> SharedAccount {
        let mut account = account.clone();
        let known = self.live.accounts.get(&account.name);
        if let Some(id) = known.and_then(|known| known.id.known()) {
            account.make_mut().identity.value = Identity::Id(id.clone());
        }
        account
    }
}

/// Returns the part of the base that belongs to the objects to read.
fn base_of(base: &Desired, desired: &Desired, wanted: &Desired, with_departed: bool) -> Desired {
    let before = BaseAccounts::new(base);
    let names: BTreeSet<_> = wanted
        .accounts
        .iter()
        .map(|account| &account.name)
        .collect();
    let read = desired
        .accounts
        .iter()
        .filter(|account| names.contains(&account.name));
    let mut accounts: Vec<SharedAccount> = read
        .filter_map(|account| before.find(account))
        .cloned()
        .collect();
    if with_departed {
        accounts.extend(departed(desired, base).into_iter().cloned());
    }
    Desired {
        accounts,
        cluster: base.cluster.clone(),
        template: base.template.clone(),
        policy: base.policy.clone(),
    }
}

/// Returns the first reason if none of the objects could be read.
pub(super) fn is_down(live: &Live, names: &BTreeSet<ObjectName>) -> Option<String> {
    let mut reasons = names.iter().map(|name| match name {
        ObjectName::Account(name) => match live
            .accounts
            .get(name)
            .map(|account| (&account.id, &account.document))
        {
            Some((Reading::Known(_), Reading::Unknown(reason))) => Some(reason.clone()),
            // An account that is not found says nothing about the platform.
            _ => None,
        },
        ObjectName::Template => match &live.template {
            Some(Reading::Unknown(reason)) => Some(reason.clone()),
            _ => None,
        },
        ObjectName::Zone(_) => None,
    });
    let first = reasons.next()??;
    reasons.all(|reason| reason.is_some()).then_some(first)
}
