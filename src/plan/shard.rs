//! Determines the accounts that a shard plans for. Pure: the live state is an argument.
//!
//! An account's home is the shard that its identity hashes to. Accounts that pass domains to each other must be planned
//! together, to order the release before the claim. They form a group, and the home of the group's first account plans
//! for the whole group. Every shard finds the same groups:
//!
//! ```text
//!   tree:  acme wants b.example        base, live:  beta has b.example
//!          beta wants a.example                     acme has a.example
//!
//!   home(acme) = 1/2, home(beta) = 2/2   ──►   1/2 plans for both, 2/2 for neither
//! ```
//!
//! The base comes from files and does not change while the shards work. Links that only exist in the live state are
//! found by reading: starting from its accounts, a shard follows domains in both directions, to the holders of domains
//! that they want and to the accounts that want domains that they hold, and reads those accounts too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Sibling, Siblings};
use crate::live::{Live, Reading};
use crate::model::{AccountId, AccountName, Identity, KeyPath, Realm, Shard};
use crate::tree::{BaseAccounts, Desired, DesiredAccount, SharedAccount, departed};

/// All accounts of a tree, and those that are only in its base, from the view of a shard.
struct Division {
    shard: Shard,
    members: Vec<Member>,
    by_id: BTreeMap<AccountId, usize>,
    by_realm: BTreeMap<Realm, usize>,
}

/// An account.
struct Member {
    name: AccountName,
    /// Whether the account is only in the base.
    is_departed: bool,
    home: Shard,
    wanted: Option<String>,
    /// The domain in the base.
    had: Option<String>,
}

/// What a shard plans for, by names in the tree and the base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The accounts of the tree.
    pub accounts: BTreeSet<AccountName>,
    /// The accounts of the base that are no longer in the tree.
    pub departed: BTreeSet<AccountName>,
    /// Accounts of the tree that must be read before the share is final.
    unread: BTreeSet<AccountName>,
    /// Accounts that this shard plans for, although another shard is their home.
    pub taken: BTreeMap<AccountName, Shard>,
    /// Accounts that another shard plans for, although this shard is their home.
    pub given: BTreeMap<AccountName, Shard>,
    /// The shards that plan for the accounts of the tree that this one does not plan for.
    others: BTreeMap<AccountName, Shard>,
}

impl Division {
    /// Collects the accounts of a whole tree and its whole base.
    fn new(shard: Shard, desired: &Desired, base: Option<&Desired>) -> Self {
        let accounts = base.map(BaseAccounts::new);
        let member = |account: &DesiredAccount, before: Option<&DesiredAccount>| Member {
            name: account.name.clone(),
            is_departed: false,
            home: shard.home(&account.identity.value),
            wanted: domain(account),
            had: before.and_then(domain),
        };
        let mut members: Vec<Member> = (desired.accounts.iter())
            .map(|account| {
                let before = accounts.as_ref().and_then(|base| base.find(account));
                member(account, before.map(AsRef::as_ref))
            })
            .collect();
        let gone = base.map_or_else(Vec::new, |base| departed(desired, base));
        members.extend(gone.into_iter().map(|account| Member {
            is_departed: true,
            wanted: None,
            ..member(account, Some(account))
        }));
        let (mut by_id, mut by_realm) = (BTreeMap::new(), BTreeMap::new());
        for (index, account) in desired.accounts.iter().enumerate() {
            match &account.identity.value {
                Identity::Id(id) => by_id.insert(id.clone(), index),
                Identity::Realm(realm) => by_realm.insert(realm.clone(), index),
            };
        }
        Self {
            shard,
            members,
            by_id,
            by_realm,
        }
    }

    /// Returns what the shard plans for, as far as files alone determine that.
    fn by_files(&self) -> Share {
        self.share(&BTreeMap::new(), BTreeSet::new())
    }

    /// Returns what the shard plans for, given the live state read so far; to be repeated while accounts are unread.
    fn by_live(&self, live: &Live) -> Share {
        let mut read = BTreeMap::new();
        for (index, member) in self.members.iter().enumerate() {
            if let Some(found) = live
                .accounts
                .get(&member.name)
                .filter(|_| !member.is_departed)
            {
                let document = found.document.known().and_then(Option::as_ref);
                let domain = document
                    .and_then(|document| document.settings.get(&KeyPath::from("domain")))
                    .and_then(Value::as_str);
                read.insert(index, domain.map(str::to_ascii_lowercase));
            }
        }
        let mut holders = BTreeSet::new();
        for held in live.holders.values().filter_map(Reading::known).flatten() {
            let by_realm = || self.by_realm.get(&Realm::new(held.realm.as_str()));
            holders.extend(self.by_id.get(&held.id).or_else(by_realm));
        }
        self.share(&read, holders)
    }

    /// Computes the share. `read` are the live domains of the accounts read so far, `needed` further accounts that must
    /// be read.
    fn share(&self, read: &BTreeMap<usize, Option<String>>, mut needed: BTreeSet<usize>) -> Share {
        let groups = self.groups(read);
        let owner = |index: usize| groups.get(&index).map_or(index, |first| *first);
        let mut share = Share::default();
        let reached: BTreeSet<usize> = read.keys().map(|index| owner(*index)).collect();
        for (index, member) in self.members.iter().enumerate() {
            let first = owner(index);
            let plans = self.members[first].home;
            if groups.contains_key(&index) && reached.contains(&first) && !member.is_departed {
                needed.insert(index);
            }
            if plans == self.shard {
                let names = if member.is_departed {
                    &mut share.departed
                } else {
                    &mut share.accounts
                };
                names.insert(member.name.clone());
                if member.home != self.shard {
                    share.taken.insert(member.name.clone(), member.home);
                }
                continue;
            }
            if !member.is_departed {
                share.others.insert(member.name.clone(), plans);
            }
            if member.home == self.shard {
                share.given.insert(member.name.clone(), plans);
            }
        }
        needed.retain(|index| !read.contains_key(index));
        share.unread = (needed.into_iter())
            .map(|index| self.members[index].name.clone())
            .collect();
        share
    }

    /// Groups the accounts that pass domains to each other: maps each account in a group to the group's first one.
    fn groups(&self, read: &BTreeMap<usize, Option<String>>) -> BTreeMap<usize, usize> {
        let mut wanting: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, member) in self.members.iter().enumerate() {
            if let Some(wanted) = &member.wanted {
                wanting.entry(wanted).or_default().push(index);
            }
        }
        let mut groups = BTreeMap::new();
        for (index, member) in self.members.iter().enumerate() {
            let live = read.get(&index).and_then(Option::as_ref);
            for domain in member.had.iter().chain(live) {
                for other in wanting.get(domain.as_str()).into_iter().flatten() {
                    if *other != index {
                        self.join(&mut groups, index, *other);
                    }
                }
            }
        }
        groups
    }

    fn join(&self, groups: &mut BTreeMap<usize, usize>, one: usize, other: usize) {
        let first_of = |index: usize| groups.get(&index).copied().unwrap_or(index);
        let (one, other) = (first_of(one), first_of(other));
        let order = |index: usize| (&self.members[index].name, self.members[index].is_departed);
        let (first, second) = if order(one) <= order(other) {
            (one, other)
        } else {
            (other, one)
        };
        for member in groups.values_mut().filter(|member| **member == second) {
            *member = first;
        }
        groups.insert(first, first);
        groups.insert(second, first);
    }
}

/// The part of a tree and its base that a shard plans for, and the rest.
pub struct Cut {
    division: Division,
    /// The number of accounts that all shards cover together.
    accounts: u32,
    share: Share,
    elsewhere: Vec<SharedAccount>,
    base_elsewhere: Vec<SharedAccount>,
}

impl Cut {
    /// Reduces a whole tree and its whole base to what the shard plans for, as far as files determine that.
    pub fn new(shard: Shard, desired: &mut Desired, base: Option<&mut Desired>) -> Self {
        let division = Division::new(shard, desired, base.as_deref());
        let by_files = division.by_files();
        let mut cut = Self {
            division,
            accounts: u32::try_from(desired.accounts.len()).unwrap_or(u32::MAX),
            share: Share::default(),
            elsewhere: Vec::new(),
            base_elsewhere: Vec::new(),
        };
        cut.again(by_files, desired, base);
        cut
    }

    /// Returns what the shard plans for.
    #[must_use]
    pub fn share(&self) -> &Share {
        &self.share
    }

    /// Returns the accounts of the tree that other shards plan for.
    #[must_use]
    pub fn elsewhere(&self) -> &[SharedAccount] {
        &self.elsewhere
    }

    /// Returns this shard and the accounts that the others plan for.
    #[must_use]
    pub fn siblings(&self) -> Siblings {
        let identity = |account: &DesiredAccount| account.identity.value.clone();
        let sibling = |account: &DesiredAccount| {
            let shard = *self.share.others.get(&account.name)?;
            let name = account.name.clone();
            Some((identity(account), Sibling { name, shard }))
        };
        let elsewhere = self.elsewhere.iter();
        Siblings {
            shard: self.division.shard,
            accounts: self.accounts,
            elsewhere: elsewhere.filter_map(|account| sibling(account)).collect(),
        }
    }

    /// Returns a separate tree and base with the accounts that must be read in addition to `live`; `None` if no domain
    /// passes between this and another shard.
    #[must_use]
    pub fn still_to_read(
        &self,
        live: &Live,
        desired: &Desired,
        base: Option<&Desired>,
    ) -> Option<(Desired, Option<Desired>)> {
        let share = self.division.by_live(live);
        let unread = |account: &&SharedAccount| share.unread.contains(&account.name);
        let more = Desired {
            accounts: self.elsewhere.iter().filter(unread).cloned().collect(),
            ..without_accounts(desired)
        };
        let is_new =
            |name: &AccountName| share.departed.contains(name) && !live.departed.contains_key(name);
        let mut is_news = !more.accounts.is_empty();
        let base = base.map(|base| {
            let mut wanted = Desired {
                accounts: self.base_elsewhere.clone(),
                ..without_accounts(base)
            };
            let kept = matched(&more, &wanted);
            wanted.accounts.retain(|account| {
                let is_new = is_new(&account.name);
                is_news |= is_new;
                is_new || kept.contains(&account.name)
            });
            wanted
        });
        is_news.then_some((more, base))
    }

    /// Reduces the tree, its base and the live state to what the shard plans for, based on the live state.
    pub fn by_live(&mut self, live: &mut Live, desired: &mut Desired, base: Option<&mut Desired>) {
        let share = self.division.by_live(live);
        (live.accounts).retain(|name, _| share.accounts.contains(name));
        self.again(share, desired, base);
    }

    fn again(&mut self, share: Share, desired: &mut Desired, base: Option<&mut Desired>) {
        divide(desired, &mut self.elsewhere, &share.accounts);
        if let Some(base) = base {
            base.accounts.append(&mut self.base_elsewhere);
            let mut kept = matched(desired, base);
            kept.extend(share.departed.iter().cloned());
            divide(base, &mut self.base_elsewhere, &kept);
        }
        self.share = share;
    }
}

/// Splits the accounts of a tree into those to keep and the others.
fn divide(tree: &mut Desired, elsewhere: &mut Vec<SharedAccount>, kept: &BTreeSet<AccountName>) {
    let mut all = std::mem::take(&mut tree.accounts);
    all.append(elsewhere);
    all.sort_by(|one, other| one.name.cmp(&other.name));
    (tree.accounts, *elsewhere) =
        (all.into_iter()).partition(|account| kept.contains(&account.name));
}

/// Returns the names of the accounts in a base that are still in a tree.
fn matched(desired: &Desired, base: &Desired) -> BTreeSet<AccountName> {
    let accounts = BaseAccounts::new(base);
    let found = desired.accounts.iter().filter_map(|it| accounts.find(it));
    found.map(|account| account.name.clone()).collect()
}

fn without_accounts(tree: &Desired) -> Desired {
    Desired {
        cluster: tree.cluster.clone(),
        accounts: Vec::new(),
        template: None,
        policy: tree.policy.clone(),
    }
}

fn domain(account: &DesiredAccount) -> Option<String> {
    account.declared_domain().map(str::to_ascii_lowercase)
}
