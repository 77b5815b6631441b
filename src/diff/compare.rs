//! Compares a whole tree.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::base::Base;
use super::{
    AccountDifference, Cause, Change, Direction, Kept, KeptReason, Status, TemplateDifference,
    ZoneDifference, account, template,
};
use crate::diag::SourceMap;
use crate::live::{Live, LiveAccount};
use crate::model::{AccountId, AccountName, Identity, ObjectName, count};
use crate::tree::{AccountMode, BaseAccounts, Desired, SharedAccount, departed};

/// The differences between a tree and the platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Differences {
    /// One entry per account of the tree, sorted by name as in the tree.
    pub accounts: Vec<Arc<AccountDifference>>,
    /// One entry per account that is in the base, is no longer in the tree, and still has a whitelabel.
    pub departed: Vec<Arc<AccountDifference>>,
    /// The domain template; absent when the tree declares none.
    pub template: Option<TemplateDifference>,
    /// The zones of accounts with `dns: manage`, by name; empty when the primary was not queried.
    pub zones: Vec<ZoneDifference>,
    /// Notes about the comparison as a whole.
    pub notes: Vec<String>,
    /// The display names of objects with differences that are left out.
    pub left_out: BTreeSet<String>,
}

/// The display name of the template.
pub(crate) const TEMPLATE: &str = "domain template";

impl Differences {
    /// Returns the differences of an account of the tree.
    #[must_use]
    pub fn account(&self, name: &AccountName) -> Option<&AccountDifference> {
        let found = (self.accounts).binary_search_by(|account| account.name.cmp(name));
        found.ok().map(|index| &*self.accounts[index])
    }

    /// Returns the differences of an object; those of an account include its records, at whatever primary.
    #[must_use]
    pub fn changes_of(&self, name: &ObjectName) -> Cow<'_, [Change]> {
        let sets = self.zones.iter().flat_map(|zone| &zone.sets);
        match name {
            ObjectName::Template => {
                let template = self.template.as_ref();
                template.map_or(Cow::default(), |template| (&*template.changes).into())
            }
            ObjectName::Zone(zone) => {
                let zone = self.zones.iter().find(|known| known.zone == *zone);
                zone.map_or(Cow::default(), |zone| zone.changes().cloned().collect())
            }
            ObjectName::Account(name) => {
                let found = self.account(name);
                let mut found: Cow<'_, [Change]> =
                    found.map_or(Cow::default(), |account| (&*account.changes).into());
                let own: Vec<Change> = sets
                    .filter(|set| set.accounts.contains(name))
                    .map(|set| set.change.clone())
                    .collect();
                if !own.is_empty() {
                    found.to_mut().extend(own);
                }
                found
            }
        }
    }

    /// Counts the differences of an object that stay as they are.
    #[must_use]
    pub fn kept_of(&self, name: &ObjectName) -> usize {
        match name {
            ObjectName::Account(name) => self.account(name).map_or(0, |found| found.kept.len()),
            ObjectName::Template => {
                let template = self.template.as_ref();
                template.map_or(0, |template| template.kept.len())
            }
            ObjectName::Zone(zone) => {
                let zone = self.zones.iter().find(|known| known.zone == *zone);
                zone.map_or(0, |zone| zone.kept.len())
            }
        }
    }

    /// Returns why an object could not be read, or only partly.
    #[must_use]
    pub fn unknown_of(&self, name: &ObjectName) -> Vec<String> {
        match name {
            ObjectName::Account(name) => {
                let found = self.account(name);
                found.map_or_else(Vec::new, |account| account.unknown.clone())
            }
            ObjectName::Template => {
                let template = self.template.as_ref();
                let unknown = template.and_then(|template| template.unknown.clone());
                unknown.into_iter().collect()
            }
            ObjectName::Zone(zone) => {
                let zone = self.zones.iter().find(|known| known.zone == *zone);
                zone.map_or_else(Vec::new, |zone| zone.unknown.clone())
            }
        }
    }

    /// Takes away why each difference came to be: between two declarations no side has moved.
    pub fn forget_causes(&mut self) {
        for account in self.accounts.iter_mut().chain(&mut self.departed) {
            for change in &mut Arc::make_mut(account).changes {
                change.cause = Cause::Differs;
            }
        }
        for change in self.template.iter_mut().flat_map(|it| &mut it.changes) {
            change.cause = Cause::Differs;
        }
    }

    fn all_accounts(&self) -> impl Iterator<Item = &Arc<AccountDifference>> {
        self.accounts.iter().chain(&self.departed)
    }

    /// Iterates over the lists of differences that stay.
    fn all_kept(&mut self) -> impl Iterator<Item = &mut Vec<Kept>> {
        let accounts = self.accounts.iter_mut().chain(&mut self.departed);
        let accounts = accounts
            .filter(|account| !account.kept.is_empty())
            .map(|account| &mut Arc::make_mut(account).kept);
        let template = self.template.iter_mut().map(|template| &mut template.kept);
        let zones = self.zones.iter_mut().map(|zone| &mut zone.kept);
        accounts.chain(template).chain(zones)
    }

    /// Counts the differences that stay for a reason.
    #[must_use]
    pub fn count_kept(&self, reason: KeptReason) -> usize {
        let accounts = self.all_accounts().flat_map(|account| &account.kept);
        let template = self.template.iter().flat_map(|template| &template.kept);
        let zones = self.zones.iter().flat_map(|zone| &zone.kept);
        let kept = accounts.chain(template).chain(zones);
        kept.filter(|kept| kept.reason == reason).count()
    }

    /// Counts the accounts with a sync state.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.accounts
            .iter()
            .filter(|account| account.status() == status)
            .count()
    }

    /// Leaves out differences that only the other side caused, and adds a note with their number. Differences that both
    /// sides caused stay, and so do those of unknown direction.
    pub fn only(&mut self, direction: Direction) {
        let mut left_out = 0_usize;
        let is_kept = |change: &Change| match change.cause.direction() {
            None | Some(Direction::Both) => true,
            Some(moved) => moved == direction,
        };
        let mut titles = BTreeSet::new();
        let mut keep = |title: &str, changes: &mut Vec<Change>| {
            let before = changes.len();
            changes.retain(is_kept);
            left_out += before - changes.len();
            if changes.len() < before {
                titles.insert(title.to_owned());
            }
        };
        for account in self.accounts.iter_mut().chain(&mut self.departed) {
            if !account.changes.is_empty() {
                let account = Arc::make_mut(account);
                keep(account.name.as_str(), &mut account.changes);
            }
        }
        if let Some(template) = &mut self.template {
            keep(TEMPLATE, &mut template.changes);
        }
        for zone in &mut self.zones {
            let before = zone.sets.len();
            zone.sets.retain(|set| is_kept(&set.change));
            left_out += before - zone.sets.len();
            if zone.sets.len() < before {
                titles.insert(zone.zone.to_string());
            }
        }
        self.left_out.extend(titles);
        for kept in self.all_kept() {
            kept.retain(|kept| is_kept(&kept.change));
        }
        self.departed.retain(|account| {
            !account.changes.is_empty() || !account.unknown.is_empty() || !account.kept.is_empty()
        });
        if left_out > 0 {
            let whose = match (direction, left_out) {
                (Direction::Live, 1) => "that is in Git and not applied yet",
                (Direction::Live, _) => "that are in Git and not applied yet",
                (Direction::Git | Direction::Both, _) => "that somebody made on the platform",
            };
            self.notes
                .push(format!("left out: {} {whose}", count(left_out, "change")));
        }
    }

    /// Returns whether anything differs, as far as it could be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all_accounts()
            .all(|account| account.changes.is_empty())
            && self
                .template
                .as_ref()
                .is_none_or(|template| template.changes.is_empty())
            && self.zones.iter().all(|zone| zone.sets.is_empty())
    }

    /// Returns whether something could not be read.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.all_accounts()
            .any(|account| !account.unknown.is_empty())
            || self
                .template
                .as_ref()
                .is_some_and(|template| template.unknown.is_some())
            || self.zones.iter().any(|zone| !zone.unknown.is_empty())
    }
}

/// Compares a tree with the platform and, if known, with the base.
///
/// What could not be read causes no change, and is listed as unknown (invariant 6).
#[must_use]
pub fn compare(
    desired: &Desired,
    base: Option<&Desired>,
    live: &Live,
    sources: &SourceMap,
) -> Differences {
    compare_each(desired, base, live, sources, |sides| {
        Arc::new(sides.compare(sources))
    })
}

/// The three sides of one account.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) desired: &'a SharedAccount,
    pub(super) base: Base<&'a SharedAccount>,
    pub(super) live: Option<&'a Arc<LiveAccount>>,
}

impl Sides<'_> {
    pub(super) fn compare(self, sources: &SourceMap) -> AccountDifference {
        let live = self.live.map(AsRef::as_ref);
        account::compare(self.desired, self.base.map(AsRef::as_ref), live, sources)
    }
}

/// Compares like [`compare`], with `of` comparing the sides of each account.
pub(super) fn compare_each<'a>(
    desired: &'a Desired,
    base: Option<&'a Desired>,
    live: &'a Live,
    sources: &SourceMap,
    mut of: impl FnMut(Sides<'a>) -> Arc<AccountDifference>,
) -> Differences {
    let base_accounts = base.map(BaseAccounts::new);
    // Both are sorted by name, so the next one is usually the match.
    let mut read = live.accounts.iter().peekable();
    let accounts = (desired.accounts.iter())
        .map(|wanted| {
            while read.next_if(|(name, _)| **name < wanted.name).is_some() {}
            of(Sides {
                desired: wanted,
                base: Base::find(base_accounts.as_ref(), |base| {
                    base.find(wanted).filter(|base| was_written(base))
                }),
                live: read
                    .next_if(|(name, _)| **name == wanted.name)
                    .map(|(_, account)| account)
                    .or_else(|| live.accounts.get(&wanted.name)),
            })
        })
        .collect();
    let template = desired.template.as_ref().map(|wanted| {
        let base = Base::find(base, |base| base.template.as_ref());
        template::compare(wanted, base, live, sources)
    });
    let mut notes = Vec::new();
    if base.is_none() {
        notes.push(
            "no applied commit is known: what the tree no longer declares cannot be determined, and is kept"
                .to_owned(),
        );
    }
    if let (None, Some(base)) = (&desired.template, base)
        && base.template.is_some()
    {
        notes.push(
            "domains.yaml is gone: the domain template on the platform stays as it is".to_owned(),
        );
    }
    Differences {
        accounts,
        departed: base.map_or_else(Vec::new, |base| gone(desired, base, live, sources)),
        template,
        zones: Vec::new(),
        notes,
        left_out: BTreeSet::new(),
    }
}

/// Returns whether an account of the base was more than observed: only then was what it declares applied.
fn was_written(base: &SharedAccount) -> bool {
    base.policy.mode != AccountMode::Observe
}

/// Compares the accounts that are no longer in the tree.
fn gone(
    desired: &Desired,
    base: &Desired,
    live: &Live,
    sources: &SourceMap,
) -> Vec<Arc<AccountDifference>> {
    let ids: Option<BTreeSet<&AccountId>> = (desired.accounts.iter())
        .map(|account| match &account.identity.value {
            Identity::Id(id) => Some(id),
            Identity::Realm(_) => live.accounts.get(&account.name)?.id.known(),
        })
        .collect();
    departed(desired, base)
        .into_iter()
        .filter(|account| was_written(account))
        .filter_map(|account| {
            let found = live.departed.get(&account.name)?;
            let name = account::departed_name(desired, account);
            account::compare_departed(name, account, found, ids.as_ref(), sources).map(Arc::new)
        })
        .collect()
}
