//! Overlays the base with what incomplete runs have written. Pure.
//!
//! The base is the tree of the last commit that was applied completely. A run that failed, was interrupted, or left
//! something out may have written parts of a later commit. Compared with the base alone, these would look like drift,
//! so they count as applied, per object and key.

use std::collections::{BTreeMap, BTreeSet};

use super::base::Base;
use super::{ChangeKey, ManagedRecords, RestoredValue, account, template};
use crate::diag::SourceMap;
use crate::live::Live;
use crate::model::{AccountName, Identity, ObjectName};
use crate::tree::{Desired, DesiredAccount, DesiredTemplate, DnsMode, SharedAccount, Target};

/// The parts of one commit's tree that runs have written.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenTree {
    /// The commit id.
    pub commit: String,
    /// The tree of the commit.
    pub desired: Desired,
    /// The parts that were written.
    pub parts: WrittenParts,
}

/// The parts of a tree that were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenParts {
    /// The accounts that were applied completely.
    pub accounts: BTreeSet<AccountName>,
    /// The written keys of other accounts.
    pub keys: BTreeMap<AccountName, BTreeSet<ChangeKey>>,
    /// The keys that may have been written; they count as written if the live value matches the tree.
    pub perhaps: BTreeMap<AccountName, BTreeSet<ChangeKey>>,
    /// Whether the template was written.
    pub template: bool,
    /// Whether the template may have been written; it counts as written if the live template matches the tree.
    pub template_perhaps: bool,
    /// The RRsets that were written.
    pub records: BTreeSet<Target>,
    /// What restores wrote instead of what the tree declares; it counts as long as it is live.
    pub restored: BTreeSet<RestoredValue>,
}

impl WrittenParts {
    /// Returns whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Counts the objects that were certainly written, at least in part.
    #[must_use]
    pub fn objects(&self) -> usize {
        let accounts: BTreeSet<&AccountName> =
            self.accounts.iter().chain(self.keys.keys()).collect();
        accounts.len() + usize::from(self.template) + usize::from(!self.records.is_empty())
    }

    /// Returns whether an account was, or may have been, written at least in part.
    #[must_use]
    pub fn covers(&self, name: &AccountName) -> bool {
        self.accounts.contains(name)
            || self.keys.contains_key(name)
            || self.perhaps.contains_key(name)
    }

    /// Removes the entries of the template.
    pub fn forget_template(&mut self) {
        self.template = false;
        self.template_perhaps = false;
        self.restored
            .retain(|value| value.object() != Some(ObjectName::Template));
    }

    /// Takes out the whole objects that the base declares just as the tree does: the base covers them.
    #[must_use]
    pub fn take_known(&mut self, base: &Desired, desired: &Desired) -> Self {
        let is_same = |name: &AccountName| {
            let both = base.account(name).zip(desired.account(name));
            both.is_some_and(|(known, there)| known.is(there))
        };
        let mut same = Self::default();
        (same.accounts, self.accounts) =
            (std::mem::take(&mut self.accounts).into_iter()).partition(is_same);
        let both = base.template.as_ref().zip(desired.template.as_ref());
        let is_same = both.is_some_and(|(known, there)| known.agrees(there));
        if self.template && is_same {
            self.forget_template();
            same.template = true;
        }
        same
    }

    /// Leaves out the accounts, and the template, that the base declares just as the tree does: writing them leads to
    /// what the base already has.
    pub fn leave_known(&mut self, base: &Desired, desired: &Desired) {
        let differs = |name: &AccountName| {
            let both = base.account(name).zip(desired.account(name));
            both.is_none_or(|(known, there)| !known.is(there))
        };
        self.accounts.retain(&differs);
        self.keys.retain(|name, _| differs(name));
        self.perhaps.retain(|name, _| differs(name));
        let both = base.template.as_ref().zip(desired.template.as_ref());
        if both.is_some_and(|(known, there)| known.agrees(there)) {
            self.forget_template();
        }
    }

    /// Splits off what may have been written; the rest was.
    #[must_use]
    pub fn split_perhaps(&mut self) -> Self {
        Self {
            perhaps: std::mem::take(&mut self.perhaps),
            template_perhaps: std::mem::take(&mut self.template_perhaps),
            restored: std::mem::take(&mut self.restored),
            ..Self::default()
        }
    }

    /// Takes out the entries of some objects.
    #[must_use]
    pub fn take(&mut self, names: &BTreeSet<ObjectName>) -> Self {
        let is_one = |name: &AccountName| names.contains(&ObjectName::from(name));
        let mut taken = Self::default();
        (taken.accounts, self.accounts) =
            (std::mem::take(&mut self.accounts).into_iter()).partition(is_one);
        for (from, to) in [
            (&mut self.keys, &mut taken.keys),
            (&mut self.perhaps, &mut taken.perhaps),
        ] {
            (*to, *from) = (std::mem::take(from).into_iter()).partition(|(name, _)| is_one(name));
        }
        if names.contains(&ObjectName::Template) {
            taken.template = std::mem::take(&mut self.template);
            taken.template_perhaps = std::mem::take(&mut self.template_perhaps);
        }
        let is_one = |value: &RestoredValue| value.object().is_some_and(|it| names.contains(&it));
        (taken.restored, self.restored) =
            (std::mem::take(&mut self.restored).into_iter()).partition(is_one);
        taken
    }

    /// Removes all entries of an account.
    pub fn forget(&mut self, name: &AccountName) {
        self.accounts.remove(name);
        self.keys.remove(name);
        self.perhaps.remove(name);
        self.restored
            .retain(|value| value.account.as_ref() != Some(name));
    }
}

/// Overlays the base with what was written, oldest first; `None` when nothing was written.
///
/// Without a base, the result contains only what was written. When only a part of the tree is examined (`is_part`),
/// accounts that are in neither the tree nor the base are left out, because they belong to another part.
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
    let mut base = base.cloned().unwrap_or_else(|| desired.emptied());
    for tree in written {
        tree.lay_over(&mut base, (desired, is_part), live);
    }
    Some(base)
}

impl WrittenTree {
    /// Returns the same tree with other parts.
    #[must_use]
    pub fn with(&self, parts: WrittenParts) -> Self {
        Self {
            commit: self.commit.clone(),
            desired: self.desired.clone(),
            parts,
        }
    }

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
            // A live value that matches the tree either was written by this run or makes no difference.
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
        for value in &parts.restored {
            value.lay_over(base, live);
        }
    }
}

/// Leaves out everything that DNS records are derived from, for callers that use one base for settings and records:
/// which records to remove from a zone follows from what was last applied there.
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
        parts.restored.retain(|value| {
            let is_domain = value.key == domain || value.key == ChangeKey::Whitelabel;
            match &value.account {
                Some(name) => !(is_domain && managed.contains(name)),
                None => value.object().is_none(),
            }
        });
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

/// Copies some keys of an account from another tree.
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
    /// Treats the RRsets that were written as needed according to the base.
    pub fn take_written(&mut self, written: &[WrittenTree]) {
        let restored = written.iter().flat_map(|tree| &tree.parts.restored);
        let restored = restored.filter(|value| matches!(value.key, ChangeKey::Records(_)));
        self.restored.extend(restored.cloned());
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
