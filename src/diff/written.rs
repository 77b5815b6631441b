//! What runs that did not complete have written, laid over the tree that was applied last. Pure.
//!
//! The tree that was applied last is that of a commit which was applied completely. What a run wrote before it failed, was
//! interrupted, or left something out, is of a later commit. Whoever compares with the base alone takes that for
//! somebody's edit; so what was written counts as applied, object by object and key by key.

use std::collections::{BTreeMap, BTreeSet};

use super::base::Base;
use super::{ChangeKey, ManagedRecords, account, template};
use crate::diag::SourceMap;
use crate::live::Live;
use crate::model::{AccountName, Identity};
use crate::tree::{Desired, DesiredAccount, DesiredTemplate, DnsMode, SharedAccount, Target};

/// What runs have written of one commit's tree.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenTree {
    /// The commit's id.
    pub commit: String,
    /// The tree that it holds.
    pub desired: Desired,
    /// Which of it was written.
    pub parts: WrittenParts,
}

/// Which parts of a tree were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenParts {
    /// The accounts that were brought wholly to what the tree says.
    pub accounts: BTreeSet<AccountName>,
    /// The keys of other accounts.
    pub keys: BTreeMap<AccountName, BTreeSet<ChangeKey>>,
    /// The keys of accounts that may have been written: they count where the live side is as the tree says.
    pub perhaps: BTreeMap<AccountName, BTreeSet<ChangeKey>>,
    /// Whether the template was brought to what the tree says.
    pub template: bool,
    /// Whether that may be so: it counts where the live template is as the tree says.
    pub template_perhaps: bool,
    /// The sets of records.
    pub records: BTreeSet<Target>,
}

impl WrittenParts {
    /// Tells whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Counts the objects that something was written of, for certain.
    #[must_use]
    pub fn objects(&self) -> usize {
        let accounts: BTreeSet<&AccountName> =
            self.accounts.iter().chain(self.keys.keys()).collect();
        accounts.len() + usize::from(self.template) + usize::from(!self.records.is_empty())
    }

    /// Tells whether something of an account was written.
    #[must_use]
    pub fn covers(&self, name: &AccountName) -> bool {
        self.accounts.contains(name)
            || self.keys.contains_key(name)
            || self.perhaps.contains_key(name)
    }

    /// Forgets what was written of an account.
    pub fn forget(&mut self, name: &AccountName) {
        self.accounts.remove(name);
        self.keys.remove(name);
        self.perhaps.remove(name);
    }
}

/// Lays what was written over the tree that was applied last, the oldest first; `None` when nothing was written.
///
/// Without such a tree the result has nothing but what was written. Where not all of the tree is looked at
/// (`is_part`), what is in neither tree is left out: it is another one's.
#[must_use]
pub fn laid_over(
    base: Option<&Desired>,
    written: &[WrittenTree],
    (desired, is_part): (&Desired, bool),
    live: &Live,
) -> Option<Desired> {
    if written.iter().all(|tree| tree.parts.is_empty()) {
        return None;
    }
    let mut base = base.cloned().unwrap_or_else(|| Desired {
        cluster: desired.cluster.clone(),
        accounts: Vec::new(),
        template: None,
        policy: desired.policy.clone(),
    });
    for tree in written {
        tree.lay_over(&mut base, (desired, is_part), live);
    }
    Some(base)
}

impl WrittenTree {
    fn lay_over(&self, base: &mut Desired, (desired, is_part): (&Desired, bool), live: &Live) {
        let parts = &self.parts;
        let is_ours = |base: &Desired, name: &AccountName| {
            !is_part || desired.account(name).is_some() || base.account(name).is_some()
        };
        let whole: BTreeSet<&AccountName> = (parts.accounts.iter())
            .filter(|name| is_ours(base, name))
            .collect();
        let there = || whole.iter().filter_map(|name| self.desired.account(name));
        let identities: BTreeSet<&Identity> = there().map(|there| &there.identity.value).collect();
        base.accounts.retain(|known| {
            !whole.contains(&known.name) && !identities.contains(&known.identity.value)
        });
        base.accounts.extend(there().cloned());
        base.accounts.sort_by(|a, b| a.name.cmp(&b.name));
        let sources = SourceMap::default();
        let mut keys = parts.keys.clone();
        for (name, perhaps) in &parts.perhaps {
            let there = self.desired.account(name);
            let found = live.accounts.get(name);
            let Some((there, found)) = there.zip(found) else {
                continue;
            };
            // What the live side has as the tree says is what this run wrote, or nobody can tell the difference.
            let differs = account::compare(there, Base::Unknown, Some(found), &sources);
            if differs.unknown.is_empty() {
                let open: BTreeSet<&ChangeKey> =
                    differs.changes.iter().map(|change| &change.key).collect();
                let same = perhaps.iter().filter(|key| !open.contains(key));
                keys.entry(name.clone()).or_default().extend(same.cloned());
            }
        }
        let mut new: Vec<SharedAccount> = Vec::new();
        for (name, keys) in keys {
            let Some(there) = self.desired.account(&name) else {
                continue;
            };
            if keys.is_empty() || !is_ours(base, &name) {
                continue;
            }
            if let Some(known) = base.account_mut(&name) {
                take_over(known.make_mut(), there, &keys);
            } else {
                let mut part = DesiredAccount {
                    settings: BTreeMap::new(),
                    assets: BTreeMap::new(),
                    absent: None,
                    ..DesiredAccount::clone(there)
                };
                take_over(&mut part, there, &keys);
                new.push(part.into());
            }
        }
        base.accounts.extend(new);
        base.accounts.sort_by(|a, b| a.name.cmp(&b.name));
        let is_there = |there: &DesiredTemplate| {
            let found = template::compare(there, Base::Unknown, live, &sources);
            found.unknown.is_none() && found.changes.is_empty()
        };
        if let Some(there) = &self.desired.template
            && (parts.template || (parts.template_perhaps && is_there(there)))
        {
            base.template = Some(there.clone());
        }
    }
}

/// Leaves out what records in the DNS follow from, for whoever has one base for both: what is to be removed from a zone is
/// told by what was applied there last.
pub fn without_records(written: &mut [WrittenTree], base: Option<&Desired>) {
    for tree in written {
        let is_managed = |account: &DesiredAccount| account.dns == DnsMode::Manage;
        let there = &tree.desired;
        let managed: BTreeSet<&AccountName> = (there.accounts.iter())
            .chain(base.into_iter().flat_map(|base| &base.accounts))
            .filter(|account| is_managed(account))
            .map(|account| &account.name)
            .collect();
        if managed.is_empty() {
            continue;
        }
        let domain = ChangeKey::Setting("domain".into());
        let parts = &mut tree.parts;
        (parts.template, parts.template_perhaps) = (false, false);
        for name in managed {
            if parts.accounts.remove(name) {
                let before = base.and_then(|base| base.account(name));
                let both = there.account(name).into_iter().chain(before);
                let keys = both.flat_map(|account| {
                    let settings = account.settings.keys().cloned().map(ChangeKey::Setting);
                    let assets = account.assets.keys().copied().map(ChangeKey::Asset);
                    settings.chain(assets)
                });
                parts.keys.entry(name.clone()).or_default().extend(keys);
            }
            for keys in [&mut parts.keys, &mut parts.perhaps] {
                if let Some(keys) = keys.get_mut(name) {
                    keys.remove(&domain);
                }
            }
        }
    }
}

/// Takes some keys over from what another tree says of an account.
pub fn take_over(known: &mut DesiredAccount, there: &DesiredAccount, keys: &BTreeSet<ChangeKey>) {
    for key in keys {
        match key {
            ChangeKey::Setting(path) => match there.settings.get(path) {
                Some(declared) => {
                    known.settings.insert(path.clone(), declared.clone());
                }
                None => {
                    known.settings.remove(path);
                }
            },
            ChangeKey::Asset(kind) => match there.assets.get(kind) {
                Some(declared) => {
                    known.assets.insert(*kind, declared.clone());
                }
                None => {
                    known.assets.remove(kind);
                }
            },
            ChangeKey::Whitelabel => {
                known.absent = there.absent;
                if there.absent.is_some() {
                    known.settings.clear();
                    known.assets.clear();
                }
            }
            ChangeKey::Host(_) | ChangeKey::RecordType(_) | ChangeKey::Records(_) => {}
        }
    }
}

impl ManagedRecords {
    /// Takes the sets of records that were written for what was needed before.
    pub fn take_written(&mut self, written: &[WrittenTree]) {
        for tree in written.iter().filter(|tree| !tree.parts.records.is_empty()) {
            let there = Self::new(&tree.desired, None, &SourceMap::default());
            let Some(earlier) = &mut self.earlier else {
                return;
            };
            let is_written = |target: &Target| tree.parts.records.contains(target);
            let target = |question: &crate::dns::Question| Target {
                record_type: question.record_type.to_string(),
                host: question.name.to_string(),
            };
            earlier.retain(|question, _| !is_written(&target(question)));
            let now = there.now.into_iter();
            earlier.extend(now.filter(|(question, _)| is_written(&target(question))));
        }
    }
}
