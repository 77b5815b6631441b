//! Reading some of the platform, and keeping what was read of the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;
use jiff::Timestamp;

use super::schedule::Name;
use super::setup::Setup;
use crate::live::{
    self, ApiError, Cache, ClientConfig, CollectOptions, Live, LiveAccount, ReadClient, Reading,
    collect, read_again,
};
use crate::model::{AccountName, DomainTemplate, Identity};
use crate::tree::{BaseAccounts, ClusterConfig, Desired, SharedAccount, departed};

/// How often a request is sent in all.
const ATTEMPTS: u32 = 3;
/// How long one may take with all its attempts.
const DEADLINE: Duration = Duration::from_secs(20);

/// The way to the platform, and what was read last.
#[derive(Default)]
pub(super) struct Platform {
    client: Option<ReadClient>,
    cache: Option<Cache>,
    pub(super) live: Live,
    /// When each object was last read.
    read_at: BTreeMap<Name, Timestamp>,
}

/// What is known of some objects.
#[derive(Debug, PartialEq)]
pub(super) struct Known {
    accounts: Vec<Option<Arc<LiveAccount>>>,
    template: Option<Reading<DomainTemplate>>,
}

impl Platform {
    /// Returns what was read last of some objects.
    pub(super) fn known(&self, names: &BTreeSet<Name>) -> Known {
        let accounts = names.iter().flatten();
        Known {
            accounts: accounts
                .map(|name| self.live.accounts.get(name).cloned())
                .collect(),
            template: (self.live.template.clone()).filter(|_| names.contains(&None)),
        }
    }

    /// Logs in, unless that is done.
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
        // What does not pass soon is waited for by the daemon itself, which says so.
        config.limits.retry.attempts = ATTEMPTS;
        config.limits.retry.deadline = DEADLINE;
        let client = ReadClient::connect(config).await;
        let client = client.map_err(|error| error.explained())?;
        let cache = setup.state.join("cache");
        self.cache = Some(Cache::open(cache.as_std_path(), &client, Timestamp::now()));
        self.client = Some(client.clone());
        Ok(client)
    }

    /// Logs out: the next read logs in again, with what the tree says then.
    pub(super) fn disconnect(&mut self) {
        self.client = None;
    }

    /// Returns when an object was last read.
    pub(super) fn read_at(&self, name: &Name) -> Option<Timestamp> {
        self.read_at.get(name).copied()
    }

    /// Forgets what was read of objects that are not there any more.
    pub(super) fn follow(&mut self, desired: &Desired) {
        let names: BTreeSet<_> = desired
            .accounts
            .iter()
            .map(|account| &account.name)
            .collect();
        self.live.accounts.retain(|name, _| names.contains(name));
        self.read_at
            .retain(|name, _| name.as_ref().is_none_or(|name| names.contains(name)));
    }

    /// Reads some objects, and the accounts that the tree lost when `with_departed` says so. What could not be read is
    /// unknown from now on, whatever was known of it.
    pub(super) async fn read(
        &mut self,
        client: &ReadClient,
        desired: &Desired,
        base: Option<&Desired>,
        names: &BTreeSet<Name>,
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
        let read = collect(client, &wanted, &options).await?;
        let now = Timestamp::now();
        self.read_at
            .extend(names.iter().map(|name| (name.clone(), now)));
        self.live.take_in(read.accounts);
        self.live.holders.extend(read.holders);
        self.forget_holders(desired);
        if names.contains(&None) {
            self.live.template = read.template;
            self.live.template_is_unservable = read.template_is_unservable;
        }
        if with_departed {
            self.live.departed = read.departed;
        }
        Ok(())
    }

    /// Reads objects again from the platform alone, whatever the cache believes: what is written is planned from that.
    pub(super) async fn read_again(
        &mut self,
        client: &ReadClient,
        desired: &Desired,
        base: Option<&Desired>,
        names: &BTreeSet<Name>,
    ) -> Result<(), ApiError> {
        let accounts: BTreeSet<AccountName> = names.iter().flatten().cloned().collect();
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

    /// Forgets who held a domain that nobody is about to claim any more: planned from that, an account would be made to
    /// step aside for a claim that is done.
    fn forget_holders(&mut self, desired: &Desired) {
        if self.live.holders.is_empty() {
            return;
        }
        let claimed = live::claims(desired, &self.live.accounts);
        self.live
            .holders
            .retain(|domain, _| claimed.contains(domain));
    }

    /// Says that some objects could not be read, and why.
    pub(super) fn lose(&mut self, names: &BTreeSet<Name>, reason: &str) {
        for name in names {
            if let Some(name) = name {
                let unknown = LiveAccount {
                    id: Reading::Unknown(reason.to_owned()),
                    document: Reading::Unknown(reason.to_owned()),
                };
                self.live.accounts.insert(name.clone(), Arc::new(unknown));
            } else {
                self.live.template = Some(Reading::Unknown(reason.to_owned()));
                self.live.template_is_unservable = false;
            }
        }
    }

    /// Takes some objects out of a tree. An account whose id is known is looked up by it, which saves listing
    /// all accounts.
    fn part(&self, desired: &Desired, names: &BTreeSet<Name>) -> Desired {
        let accounts = desired.accounts.iter();
        let wanted = accounts.filter(|account| names.contains(&Some(account.name.clone())));
        Desired {
            accounts: wanted.map(|account| self.by_id(account)).collect(),
            template: desired.template.clone().filter(|_| names.contains(&None)),
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

/// Takes out of the tree that was applied last what belongs to the objects that are read.
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

/// Tells whether nothing at all could be read of some objects.
pub(super) fn is_down(live: &Live, names: &BTreeSet<Name>) -> Option<String> {
    let mut reasons = names.iter().map(|name| match name {
        Some(name) => match live
            .accounts
            .get(name)
            .map(|account| (&account.id, &account.document))
        {
            Some((Reading::Known(_), Reading::Unknown(reason))) => Some(reason.clone()),
            // An account that is not found says nothing about the platform.
            _ => None,
        },
        None => match &live.template {
            Some(Reading::Unknown(reason)) => Some(reason.clone()),
            _ => None,
        },
    });
    let first = reasons.next()??;
    reasons.all(|reason| reason.is_some()).then_some(first)
}
